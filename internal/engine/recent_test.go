package engine

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/vfs"
)

func upTo(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// What is acknowledged and not sealed is in the journal's file, not in memory.
func TestRecentBlocksAreReadFromTheJournal(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, Options{CacheBytes: 1, Hooks: Hooks{PieceRows: 4}})
	for i := range 5 {
		add(t, e, i*10, 10)
	}
	recents := e.current().recent
	if len(recents) != 15 { // each batch is blocks of 4, 4 and 2
		t.Errorf("%d recent blocks", len(recents))
	}
	for i, r := range recents {
		if r.block != nil {
			t.Errorf("block %d is held in memory", i)
		}
	}
	if got := read(t, e); !slices.Equal(got, upTo(50)) {
		t.Errorf("read %v", got)
	}
	ok(t, e.Close())
	e = open(t, fs, Options{Hooks: Hooks{PieceRows: 4}})
	if got := read(t, e); !slices.Equal(got, upTo(50)) {
		t.Errorf("opened again, read %v", got)
	}
	ok(t, e.Flush(ctx))
	if got := read(t, e); !slices.Equal(got, upTo(50)) || len(e.cache.byKey) != 1 {
		t.Errorf("sealed, read %v; %d blocks are cached", got, len(e.cache.byKey))
	}
}

// A snapshot that was taken before its journal was sealed reads the journal, which goes when the snapshot does.
func TestASnapshotKeepsItsJournal(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, Options{CacheBytes: 1})
	add(t, e, 0, 5)
	v, err := e.Snapshot()
	ok(t, err)
	number := e.current().recent[0].journal
	ok(t, e.Flush(ctx))
	s := v.Scan(ctx, Everything, false, nil, false)
	n := 0
	for s.Next() {
		n++
	}
	if err := s.Close(); err != nil || n != 5 {
		t.Errorf("%d events, %v", n, err)
	}
	if _, err := fs.Size(path.Join("store", journal.Name(number))); err != nil {
		t.Error("the journal is gone:", err)
	}
	v.Release()
	if _, err := fs.Size(path.Join("store", journal.Name(number))); fault.KindOf(err) != fault.NotFound {
		t.Error("the journal is still there:", err)
	}
}

// Damage to a block that was acknowledged and not sealed is told; the rest is read, sealed and told of alike.
func TestDamageToTheJournalWhileItIsRead(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, Options{CacheBytes: 1, Hooks: Hooks{PieceRows: 4}})
	add(t, e, 0, 12)
	name := path.Join("store", journal.Name(e.current().recent[0].journal))
	b, err := fs.ReadFile(name)
	ok(t, err)
	b = bytes.Clone(b)
	r := e.current().recent[1]
	b[r.offset+r.bytes-1] ^= 1
	fs.WriteFile(name, b)
	e.reading.file, err = fs.Open(name) // what is open keeps the sound bytes
	ok(t, err)
	want := append(upTo(4), 8, 9, 10, 11)
	look := func() {
		t.Helper()
		v, err := e.Pin()
		ok(t, err)
		s := v.Scan(ctx, Everything, false, nil, true)
		var got []int
		for s.Next() {
			got = append(got, int(s.Row().Key.Time().Unix()))
		}
		if err := s.Close(); fault.KindOf(err) != fault.Corrupt || !slices.Equal(got, want) {
			t.Errorf("read %v, %v", got, err)
		}
	}
	look()
	if d := e.Stats().Damage; len(d) == 0 || d[0].File != name || d[0].Offset != r.offset {
		t.Errorf("damage: %v", d)
	}
	ok(t, e.Flush(ctx))
	if got := read(t, e); !slices.Equal(got, want) {
		t.Errorf("sealed, read %v", got)
	}
}

// A journal that cannot be read now is not sealed without what it holds.
func TestSealingWaitsForAJournalThatCannotBeRead(t *testing.T) {
	fs := vfs.NewFaulty(vfs.NewMem())
	e := open(t, fs, Options{CacheBytes: 1})
	add(t, e, 0, 5)
	fs.Add(&vfs.Rule{Kind: vfs.OpReadAt, Match: "journal-*", Err: vfs.EIO, Forever: true})
	if err := e.Flush(ctx); fault.KindOf(err) != fault.IO {
		t.Error(err)
	}
	fs.Clear()
	ok(t, e.Flush(ctx))
	if got := read(t, e); !slices.Equal(got, upTo(5)) {
		t.Errorf("read %v", got)
	}
}

// R11: a batch of many blocks is one frame. Cut off anywhere, it is there whole or not at all.
func TestR11BatchOfManyBlocks(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, Options{Hooks: Hooks{PieceRows: 3, NoTidy: true}})
	add(t, e, 0, 10)
	add(t, e, 10, 10)
	name := path.Join("store", journal.Name(e.current().recent[0].journal))
	whole, err := fs.ReadFile(name)
	ok(t, err)
	whole = whole[:e.Stats().JournalBytes] // without the room behind it
	from := int(e.current().recent[4].offset)
	for size := from; size < len(whole); size += 7 {
		crashed := vfs.NewMem()
		names, err := fs.List("store")
		ok(t, err)
		for _, n := range names {
			b, err := fs.ReadFile(path.Join("store", n))
			ok(t, err)
			crashed.WriteFile(path.Join("store", n), b)
		}
		crashed.WriteFile(name, whole[:size])
		again, err := Open("store", Options{FS: crashed, Hooks: Hooks{ReserveBytes: -1}})
		ok(t, err)
		if got := read(t, again); !slices.Equal(got, upTo(10)) {
			t.Fatalf("cut off at %d of %d, read %v", size, len(whole), got)
		}
		ok(t, again.Close())
	}
}

// A batch may be appended again, and goes on growing, after it was cut into blocks.
func TestABatchStaysAsItIs(t *testing.T) {
	e := open(t, vfs.NewMem(), Options{Hooks: Hooks{PieceRows: 3}})
	const whole = `{"@t":"1970-01-01T00:00:03Z","a":[1,2]}
{"@t":"1970-01-01T00:00:00Z"}
{"a":1.50,"@t":"1970-01-01T00:00:02Z"}
{"@t":"1970-01-01T00:00:01Z"}
{"@t":"1970-01-01T00:00:05Z"}
{"@t":"1970-01-01T00:00:04Z"}
{"@t":"1970-01-01T00:00:06Z"}
`
	b := e.NewBatch()
	for line := range strings.Lines(whole) {
		ok(t, b.AddCLEF([]byte(line)))
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := e.Append(canceled, b, ""); fault.KindOf(err) != fault.Canceled || b.Rows() != 7 {
		t.Errorf("%d events left, %v", b.Rows(), err)
	}
	first, err := e.Append(ctx, b, "id")
	ok(t, err)
	again, err := e.Append(ctx, b, "id")
	ok(t, err)
	if first.Base != again.Base || !slices.Equal(first.Instants, again.Instants) {
		t.Errorf("%v became %v", first, again)
	}
	ok(t, b.AddCLEF([]byte(`{"@t":"1970-01-01T00:00:07Z"}`)))
	keys, err := e.Append(ctx, b, "other")
	ok(t, err)
	if len(keys.Instants) != 8 || keys.At(1).Time().Unix() != 0 || keys.At(7).Time().Unix() != 7 || b.Rows() != 8 {
		t.Errorf("%v", keys)
	}
	if got := read(t, e); len(got) != 15 {
		t.Errorf("read %v", got)
	}
	text, err := b.AppendCLEF(nil, 5)
	if want := strings.Join(strings.SplitAfter(whole, "\n")[:5], ""); err != nil || string(text) != want {
		t.Errorf("%s, %v, expected %s", text, err, want)
	}
	full := b.Size()
	if b.Reset(); b.Rows() != 0 || b.Size() >= full {
		t.Errorf("%d events, %d bytes of %d", b.Rows(), b.Size(), full)
	}
}
