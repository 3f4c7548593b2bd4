package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/segment"
	"github.com/stelehq/stele/internal/vfs"
)

// small has tests merge two of about the same size, and only when they say so.
var small = Options{Hooks: Hooks{BlockRows: 8, SegmentBytes: 1 << 20, SmallBytes: 1, CompactFan: 2, NoCompact: true}}

func flush(t testing.TB, e *Engine) {
	t.Helper()
	ok(t, e.Flush(ctx))
}

func names(fs vfs.FS, prefix string) (found []string) {
	all, _ := fs.List("store")
	for _, n := range all {
		if strings.HasPrefix(n, prefix) {
			found = append(found, n)
		}
	}
	return found
}

func wantSeconds(t testing.TB, e *Engine, want ...int) {
	t.Helper()
	if got := read(t, e); !slices.Equal(got, want) {
		t.Fatalf("read %v, expected %v", got, want)
	}
}

func span(from, to int) (all []int) {
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}

// Blocks that share their time with no others, and have enough rows, are copied as they stand; small ones and ones that overlap are merged.
func TestBlocksAreCopiedAsTheyStand(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, small)
	add(t, e, 0, 16) // two blocks
	flush(t, e)
	add(t, e, 20, 1) // a small one
	flush(t, e)
	add(t, e, 30, 8)
	flush(t, e)
	add(t, e, 36, 8) // overlaps that before
	flush(t, e)
	before := map[string]bool{}
	blocksOf := func(st *state) (all []string) {
		for _, p := range st.set.parts {
			for i := range p.reader.Blocks() {
				data, err := p.reader.ReadBlock(i, nil)
				ok(t, err)
				all = append(all, string(data))
			}
		}
		return all
	}
	for _, b := range blocksOf(e.current()) {
		before[b] = true
	}
	want := append(append(append(span(0, 16), 20), 30, 31, 32, 33, 34, 35, 36, 36, 37, 37), span(38, 44)...)
	wantSeconds(t, e, want...)
	ok(t, e.Settle(ctx))
	wantSeconds(t, e, want...)
	if n := len(e.current().set.parts); n != 1 {
		t.Fatalf("%d segments are left", n)
	}
	copied := 0
	for _, b := range blocksOf(e.current()) {
		if before[b] {
			copied++
		}
	}
	if copied != 2 {
		t.Errorf("%d blocks were copied as they stood, expected 2", copied)
	}
	if got := names(fs, "segment-"); len(got) != 1 {
		t.Errorf("the files are %v", got)
	}
}

// What deletions hide is given back once it is enough, and blocks without any of it are not touched.
func TestDeletedSpaceIsGivenBack(t *testing.T) {
	e := open(t, vfs.NewMem(), small)
	add(t, e, 0, 64)
	flush(t, e)
	n, err := e.Delete(ctx, seconds(3, 10))
	ok(t, err)
	ok(t, e.Settle(ctx))
	if n != 8 || len(e.current().deletions) != 1 {
		t.Fatalf("%d events are deleted; %d deletions are in force, for too little is deleted to be worth it", n, len(e.current().deletions))
	}
	size := e.Stats().SegmentBytes
	_, err = e.Delete(ctx, seconds(20, 33))
	ok(t, err)
	ok(t, e.Settle(ctx))
	if st := e.Stats(); len(e.current().deletions) != 0 || st.SegmentBytes >= size*4/5 || st.Compactions != 1 || st.Events != 42 {
		t.Errorf("%d deletions are in force, %d bytes of %d are left: %+v", len(e.current().deletions), st.SegmentBytes, size, st)
	}
	want := slices.Concat(span(0, 3), span(11, 20), span(34, 64))
	wantSeconds(t, e, want...)
	// All of one segment, by deletions none of which covers it.
	_, err = e.Delete(ctx, seconds(0, 40))
	ok(t, err)
	_, err = e.Delete(ctx, seconds(41, 99))
	ok(t, err)
	ok(t, e.Settle(ctx))
	if st := e.Stats(); st.Segments != 0 || st.SegmentBytes != 0 || len(e.current().deletions) != 0 {
		t.Errorf("left: %+v", st)
	}
	wantSeconds(t, e)
}

// Many deletions that each hide little are worked in, so that readers need not ask each.
func TestManyDeletionsAreWorkedIn(t *testing.T) {
	e := open(t, vfs.NewMem(), small)
	add(t, e, 0, 2000)
	flush(t, e)
	for i := range manyDeletions {
		_, err := e.Delete(ctx, seconds(10*i, 10*i))
		ok(t, err)
	}
	ok(t, e.Settle(ctx))
	if n := len(e.current().deletions); n != 0 {
		t.Errorf("%d deletions are in force", n)
	}
	if n := len(read(t, e)); n != 2000-manyDeletions {
		t.Errorf("%d events are left", n)
	}
}

// A snapshot reads what it has pinned, though that was merged meanwhile, and waits for nothing; the files go with it.
func TestASnapshotKeepsMergedSegments(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, small)
	for i := range 4 {
		add(t, e, 10*i, 10)
		flush(t, e)
	}
	v, err := e.Snapshot()
	ok(t, err)
	s := v.Scan(ctx, Everything, false, nil, false)
	if !s.Next() {
		t.Fatal(s.Err())
	}
	ok(t, e.Settle(ctx))
	n := 1
	for s.Next() {
		n++
	}
	ok(t, s.Close())
	if n != 40 {
		t.Errorf("%d events are read", n)
	}
	if got := names(fs, "segment-"); len(got) != 5 {
		t.Errorf("while the snapshot is open the files are %v", got)
	}
	v.Release()
	if got := names(fs, "segment-"); len(got) != 1 {
		t.Errorf("then the files are %v", got)
	}
	wantSeconds(t, e, span(0, 40)...)
}

// A merged segment is not merged twice, and a merge that a deletion overtakes gives nothing back.
func TestADeletionOvertakesAMerge(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, small)
	for i := range 2 {
		add(t, e, 10*i, 10)
		flush(t, e)
	}
	overtaken := func(deleted Span) {
		t.Helper()
		v := e.acquire(false)
		defer v.Release()
		r := rewrite{e: e, ctx: ctx, st: v.st, inputs: e.choose(v.st)}
		outputs, err := r.run()
		ok(t, err)
		_, err = e.Delete(ctx, deleted)
		ok(t, err)
		ok(t, e.replace(r.inputs, outputs))
		for _, p := range outputs {
			ok(t, p.reader.Release())
		}
	}
	overtaken(seconds(0, 9)) // all of one input
	wantSeconds(t, e, span(10, 20)...)
	if got := names(fs, "segment-"); len(got) != 1 {
		t.Errorf("the files are %v", got)
	}

	// One that hides some of it counts for the output too.
	add(t, e, 30, 10)
	flush(t, e)
	overtaken(seconds(15, 35))
	want := slices.Concat(span(10, 15), span(36, 40))
	wantSeconds(t, e, want...)
	ok(t, e.Close())
	wantSeconds(t, open(t, fs, small), want...)
}

// addLong appends n events that no codec makes shorter than 1,000 bytes each, so that their segment is more than a page.
func addLong(t testing.TB, e *Engine, from, n int) {
	t.Helper()
	b := e.NewBatch()
	for i := range n {
		var text []byte
		for len(text) < 2000 {
			text = fmt.Appendf(text, "%016x", rand.Uint64())
		}
		ok(t, b.AddCLEF(fmt.Appendf(nil, `{"@t":%q,"Text":"%s"}`, time.Unix(int64(from+i), 0).UTC().Format(time.RFC3339), text)))
	}
	_, err := e.Append(ctx, b, "")
	ok(t, err)
}

// A segment with a damaged block is left as it is; the others are merged without it.
func TestADamagedSegmentIsNotMerged(t *testing.T) {
	for _, apart := range []int{100, 4} { // of blocks that are copied, and of those that are merged
		fs := vfs.NewMem()
		e := open(t, fs, small)
		for i := range 3 {
			addLong(t, e, apart*i, 8)
			flush(t, e)
		}
		name := e.current().set.parts[1].reader.Name()
		data, err := fs.ReadFile(name)
		ok(t, err)
		ok(t, e.Close())
		data[len(data)/3] ^= 1
		fs.WriteFile(name, data)
		e = open(t, fs, small)
		ok(t, e.Settle(ctx))
		parts := e.current().set.parts
		if len(parts) != 2 || !slices.ContainsFunc(parts, func(p *part) bool { return p.reader.Name() == name }) {
			t.Fatalf("%d segments are left", len(parts))
		}
		if d := e.Stats().Damage; len(d) == 0 || d[0].File != name {
			t.Errorf("damage: %v", d)
		}
		v, err := e.Pin()
		ok(t, err)
		s := v.Scan(ctx, Everything, false, nil, true)
		n := 0
		for s.Next() {
			n++
		}
		if err := s.Close(); n != 16 || fault.KindOf(err) != fault.Corrupt {
			t.Errorf("%d events are read: %v", n, err)
		}
	}
}

// A full disk ends a merge without harm. There is nothing left of it, and when there is room it is done.
func TestAMergeOnAFullDisk(t *testing.T) {
	disk := vfs.NewMem()
	fs := vfs.NewFaulty(disk)
	e := open(t, fs, small)
	for i := range 3 {
		add(t, e, 10*i, 10)
		flush(t, e)
	}
	before := names(fs, "")
	fs.Add(&vfs.Rule{Kind: vfs.OpWrite, Nth: 2, Err: vfs.ENOSPC, Forever: true})
	if err := e.Settle(ctx); fault.KindOf(err) != fault.Full {
		t.Errorf("a full disk: %v", err)
	}
	if after := names(fs, ""); !slices.Equal(before, after) {
		t.Errorf("the files were %v and are %v", before, after)
	}
	wantSeconds(t, e, span(0, 30)...)
	fs.Clear()
	ok(t, e.Settle(ctx))
	if n := len(e.current().set.parts); n != 1 {
		t.Errorf("%d segments are left", n)
	}
	wantSeconds(t, e, span(0, 30)...)
}

// A merge ends at once when the store is closed or its caller gives up.
func TestAMergeIsGivenUp(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, small)
	for i := range 3 {
		add(t, e, 10*i, 10)
		flush(t, e)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := e.Settle(gone); fault.KindOf(err) != fault.Canceled {
		t.Errorf("given up: %v", err)
	}
	if n := len(names(fs, "segment-")); n != 3 {
		t.Errorf("%d segments are left", n)
	}
}

// The catalog lost, the segments say what each has replaced (R14): with the files of old ones still there, or some of them, or a new one that
// was not finished.
func TestR14ALostCatalogAfterMerging(t *testing.T) {
	for _, held := range []string{"none", "all", "some", "unfinished", "chain"} {
		t.Run(held, func(t *testing.T) {
			fs := vfs.NewMem()
			e := open(t, fs, small)
			for i := range 3 {
				add(t, e, 10*i, 20) // overlapping
				flush(t, e)
			}
			want := read(t, e)
			kept := map[string][]byte{}
			keep := func() {
				for _, n := range names(fs, "segment-") {
					kept[n], _ = fs.ReadFile(path.Join("store", n))
				}
			}
			keep()
			ok(t, e.Settle(ctx))
			if held == "chain" {
				keep()
				add(t, e, 5, 20)
				flush(t, e)
				want = read(t, e)
				keep()
				ok(t, e.Settle(ctx))
			}
			ok(t, e.Close()) // until then the background may hold files that are gone from the catalog
			merged := names(fs, "segment-")
			if len(merged) != 1 {
				t.Fatalf("%d segments are left", len(merged))
			}
			i := 0
			for n, data := range kept {
				if held != "none" && (held != "some" || i > 0) {
					fs.WriteFile(path.Join("store", n), data)
				}
				i++
			}
			if held == "unfinished" {
				data, _ := fs.ReadFile(path.Join("store", merged[0]))
				fs.WriteFile(path.Join("store", merged[0]), data[:len(data)-5])
			}
			for _, n := range append(names(fs, "manifest-"), manifest.Current) {
				ok(t, fs.Remove(path.Join("store", n)))
			}
			again := open(t, fs, small)
			wantSeconds(t, again, want...)
			ok(t, again.Close())
			again = open(t, fs, small)
			wantSeconds(t, again, want...)
			if d := again.Stats().Damage; len(d) > 0 {
				t.Errorf("opened again, there is damage: %v", d)
			}
		})
	}
}

// A catalog that lost the edit of a merge looks like one with a torn tail, and names segments that are gone.
func TestACatalogThatIsCutOffBeforeAMerge(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, small)
	for i := range 3 {
		add(t, e, 10*i, 10)
		flush(t, e)
	}
	name := path.Join("store", e.catalog.Name())
	cut, err := fs.ReadFile(name)
	ok(t, err)
	ok(t, e.Settle(ctx))
	ok(t, e.Close())
	fs.WriteFile(name, cut)
	again := open(t, fs, small)
	wantSeconds(t, again, span(0, 30)...)
	if len(again.Stats().Damage) == 0 {
		t.Error("nothing is reported")
	}
}

// Late events are as well placed as others once all is settled: an instant lies in few blocks, and these are full ones.
func TestLateEventsAreWellPlaced(t *testing.T) {
	o := small
	o.Hooks.BlockRows, o.Hooks.SegmentBytes, o.Hooks.CompactFan = 64, 16<<10, 0
	o.Hooks.SmallBytes = 1 << 10
	e := open(t, vfs.NewMem(), o)
	rng := rand.New(rand.NewPCG(1, 1))
	now := 0
	for range 120 {
		b := e.NewBatch()
		for range 200 {
			now++
			second := now
			if rng.IntN(20) == 0 {
				second = rng.IntN(now + 1)
			}
			ok(t, b.AddCLEF(fmt.Appendf(nil, `{"@t":%q,"n":%d}`, time.Unix(int64(second), 0).UTC().Format(time.RFC3339), now)))
		}
		_, err := e.Append(ctx, b, "")
		ok(t, err)
		flush(t, e)
		ok(t, e.Settle(ctx))
	}
	st := e.current()
	var all []segment.Meta
	for _, p := range st.set.parts {
		for i := range p.reader.Blocks() {
			all = append(all, p.reader.Meta(i))
		}
	}
	deepest := 0
	for range 200 {
		k := at(rng.IntN(now))
		n := 0
		for _, m := range all {
			if m.MinKey.Compare(k) <= 0 && k.Compare(m.MaxKey) <= 0 {
				n++
			}
		}
		deepest = max(deepest, n)
	}
	s := e.Stats()
	write := float64(s.SealedBytes+s.CompactedBytes) / float64(s.SealedBytes)
	t.Logf("%d segments, %d blocks; an instant lies in at most %d blocks; each byte was written %.1f times", len(st.set.parts), len(all), deepest, write)
	if deepest > 8 || write > 8 || len(st.set.parts) > 60 {
		t.Error("that is too much")
	}
	if got := len(read(t, e)); got != 24_000 {
		t.Errorf("%d events are read", got)
	}
}

// Few events of quite another time are sealed into segments of their own, by one edit.
func TestTailsAreCutOff(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, small)
	add(t, e, 1_000_000, 300)
	add(t, e, 5, 3)
	add(t, e, 1_000_300, 300)
	add(t, e, 9_000_000, 2)
	want := slices.Concat(span(5, 8), span(1_000_000, 1_000_600), span(9_000_000, 9_000_002))
	flush(t, e)
	var rows []int64
	for _, p := range e.current().set.parts {
		rows = append(rows, p.Rows)
	}
	if !slices.Equal(rows, []int64{3, 600, 2}) {
		t.Errorf("the segments have %v events", rows)
	}
	wantSeconds(t, e, want...)
	// The catalog lost, all of them count; and none of them while the journal is still there.
	files := map[string][]byte{}
	for _, n := range names(fs, "segment-") {
		files[n], _ = fs.ReadFile(path.Join("store", n))
	}
	ok(t, e.Close())
	for _, n := range append(names(fs, "manifest-"), manifest.Current) {
		ok(t, fs.Remove(path.Join("store", n)))
	}
	e = open(t, fs, small)
	wantSeconds(t, e, want...)

	// In order, nothing is cut.
	add(t, e, 20_000_000, 500)
	add(t, e, 20_000_500, 500)
	flush(t, e)
	if n := len(e.current().set.parts); n != 4 {
		t.Errorf("%d segments are left", n)
	}
}

// A seal that was cut off after the first of its segments counts for nothing, whatever became of the catalog.
func TestR14AnUnfinishedSealOfSeveralSegments(t *testing.T) {
	fs := vfs.NewMem()
	e := open(t, fs, small)
	add(t, e, 1_000_000, 300)
	add(t, e, 5, 3)
	before := fs.CrashClone(nil, vfs.CrashKill)
	flush(t, e)
	segments := names(fs, "segment-")
	if len(segments) != 2 {
		t.Fatalf("the segments are %v", segments)
	}
	first, err := fs.ReadFile(path.Join("store", segments[0]))
	ok(t, err)
	ok(t, e.Close())
	before.WriteFile(path.Join("store", segments[0]), first)
	for _, lost := range []bool{false, true} {
		disk := before.CrashClone(nil, vfs.CrashKill)
		if lost {
			for _, n := range append(names(disk, "manifest-"), manifest.Current) {
				ok(t, disk.Remove(path.Join("store", n)))
			}
		}
		wantSeconds(t, open(t, disk, small), slices.Concat(span(5, 8), span(1_000_000, 1_000_300))...)
	}
}
