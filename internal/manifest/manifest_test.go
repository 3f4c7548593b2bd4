package manifest

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

func counter(start uint64) func() uint64 {
	return func() uint64 { start++; return start }
}

func sample() []Edit {
	key := func(i int64) event.Key { return event.MakeKey(i, uint64(i)) }
	return []Edit{
		{Add: []Segment{{Number: 7, Rows: 10, Bytes: 99, MinKey: key(1), MaxKey: key(9), MinArrival: 1, MaxArrival: 10}}, Sealed: 3, NextFile: 8},
		{AddDeletions: []Deletion{{Number: 1, From: key(2), To: key(3), Horizon: 11}}, Retries: []Retry{{ID: "a", Base: 4, Rows: 2, Time: 100}}},
		{Add: []Segment{{Number: 9, Rows: 1, Applied: 1}}, Drop: []uint64{7}, Epoch: 5, Journal: JournalEnd{12, 34}},
		{AddDeletions: []Deletion{
			{Number: 2, From: key(1), To: key(9), Horizon: 12, Keys: []event.Key{key(1), key(4), key(9)}},
			{Number: 3, From: event.MinKey, To: event.MaxKey, Horizon: 13, Filter: "@Level = 'Debug'"},
		}, Add: []Segment{{Number: 9, Rows: 4, Applied: 1, Hidden: 3}}},
		{Marks: []Mark{{Arrival: 5, Time: 50}, {Arrival: 9, Time: 40}}},
		{DropDeletions: []uint64{1}, Retries: []Retry{{ID: "b", Base: 6, Rows: 1, Time: 200}}},
	}
}

func load(t *testing.T, fs vfs.FS) Loaded {
	t.Helper()
	names, err := fs.List(".")
	if err != nil {
		t.Fatal(err)
	}
	l, err := Load(fs, ".", names)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func start(t *testing.T, fs vfs.FS) *Log {
	t.Helper()
	l, err := Start(fs, ".", Catalog{StoreID: [16]byte{1}, Epoch: 1}, "", counter(0))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestEditsAddUpAndAreLoaded(t *testing.T) {
	fs := vfs.NewMem()
	l := start(t, fs)
	for i, e := range sample() {
		if err := l.Append(e); err != nil {
			t.Fatal(err)
		}
		// A power cut after each: the edit is durable.
		got := load(t, fs.CrashClone(nil, vfs.CrashLose))
		if diff := cmp.Diff(*l.Catalog(), got.Catalog); diff != "" || len(got.Damage) > 0 {
			t.Fatalf("after edit %d: %s %v", i, diff, got.Damage)
		}
	}
	l.Forget(150)
	if err := l.rewrite(); err != nil {
		t.Fatal(err)
	}
	got := load(t, fs)
	if diff := cmp.Diff(*l.Catalog(), got.Catalog); diff != "" || len(got.Catalog.Retries) != 1 {
		t.Errorf("after a checkpoint: %s", diff)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if names, _ := fs.List("."); len(names) != 2 {
		t.Errorf("files: %v", names)
	}
}

func TestR14CurrentIsReplacedAtomically(t *testing.T) {
	// At every call of a take-over the power is cut in every way: the catalog is the same.
	fs := vfs.NewMem()
	l := start(t, fs)
	if err := l.Append(sample()[0]); err != nil {
		t.Fatal(err)
	}
	want := l.Catalog().Segments
	var clones []*vfs.Mem
	fs.OnOp(func(op vfs.Op) {
		clones = append(clones, fs.CrashClone(nil, vfs.CrashKill), fs.CrashClone(nil, vfs.CrashLose))
	})
	if err := l.rewrite(); err != nil {
		t.Fatal(err)
	}
	fs.OnOp(nil)
	for i, c := range clones {
		got := load(t, c)
		if diff := cmp.Diff(want, got.Catalog.Segments); diff != "" || len(got.Damage) > 0 {
			t.Fatalf("crash %d: %s %v", i, diff, got.Damage)
		}
	}
}

func TestR12AFailedEditIsRefusedForGood(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpWrite, vfs.OpSync} {
		mem := vfs.NewMem()
		fs := vfs.NewFaulty(mem)
		l := start(t, fs)
		fs.Add(&vfs.Rule{Kind: kind, Match: "manifest-*", Err: vfs.EIO, Late: true})
		if err := l.Append(sample()[0]); !errors.Is(err, fault.IO) {
			t.Fatalf("%v: %v", kind, err)
		}
		if got := load(t, mem.CrashClone(nil, vfs.CrashKill)); len(got.Catalog.Segments) != 0 || len(got.Damage) > 0 {
			t.Errorf("%v: the refused edit is there: %v", kind, got)
		}
		if err := l.Append(sample()[1]); err != nil {
			t.Fatal(err)
		}
		if got := load(t, mem.CrashClone(nil, vfs.CrashLose)); len(got.Catalog.Segments) != 0 || len(got.Catalog.Deletions) != 1 {
			t.Errorf("%v: after going on: %+v", kind, got.Catalog)
		}
	}
}

func TestAFailedRenameIsNotTrusted(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpRename, vfs.OpSyncDir} {
		for nth := int64(1); nth < 4; nth++ {
			for _, late := range []bool{false, true} {
				mem := vfs.NewMem()
				fs := vfs.NewFaulty(mem)
				l := start(t, fs)
				if err := l.Append(sample()[0]); err != nil {
					t.Fatal(err)
				}
				fs.Add(&vfs.Rule{Kind: kind, Nth: nth, Err: vfs.EIO, Late: late})
				_ = l.rewrite()
				if err := l.Append(sample()[1]); err != nil {
					if err = l.Append(sample()[1]); err != nil {
						t.Fatal(err)
					}
				}
				for _, mode := range []vfs.CrashMode{vfs.CrashKill, vfs.CrashLose} {
					got := load(t, mem.CrashClone(nil, mode))
					if diff := cmp.Diff(l.Catalog().Deletions, got.Catalog.Deletions); diff != "" || len(got.Damage) > 0 {
						t.Fatalf("%v %d late %v, %v: %s %v", kind, nth, late, mode, diff, got.Damage)
					}
				}
			}
		}
	}
}

func TestDamageIsReportedAndTheRestSurvives(t *testing.T) {
	fs := vfs.NewMem()
	l := start(t, fs)
	for _, e := range sample() {
		if err := l.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	name := l.Name()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	clean, err := fs.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for at := range clean {
		b := bytes.Clone(clean)
		b[at] ^= 1
		fs.WriteFile(name, b)
		got := load(t, fs)
		whole := cmp.Equal(got.Catalog, *l.Catalog())
		if !whole && len(got.Damage) == 0 {
			t.Fatalf("byte %d: lost without a word: %+v", at, got.Catalog)
		}
	}
}

// Marks are thinned, the older ones most, and what they say stays true; a clock that was set back makes nothing older.
func TestMarks(t *testing.T) {
	var c Catalog
	for i := range 20_000 {
		c.Apply(Edit{Marks: []Mark{{Arrival: uint64(10 * i), Time: int64(i)}}})
		c.Apply(Edit{Marks: []Mark{{Arrival: uint64(10 * i), Time: int64(i + 7)}}}) // says less
	}
	if n := len(c.Marks); n > 600 {
		t.Errorf("%d marks", n)
	}
	for _, at := range []int64{-1, 0, 5_000, 15_000, 19_998, 30_000} {
		if got := c.ArrivedBy(at); got > uint64(10*max(at, 0)) || got < uint64(10*(at-(20_000-at)/markShare-2)) && at > 0 && at < 20_000 {
			t.Errorf("at %d every number below %d had arrived", at, got)
		}
	}
	c.Apply(Edit{Marks: []Mark{{Arrival: 300_000, Time: 100}, {Arrival: 300_001, Time: 30_000}}})
	if got := c.ArrivedBy(19_998); got >= 300_000 {
		t.Errorf("after the clock was set back: %d", got)
	}
}

// FuzzEdit: nothing panics, and what decodes means the same when it is encoded again.
func FuzzEdit(f *testing.F) {
	for _, e := range sample() {
		f.Add(appendEdit(nil, e))
	}
	f.Add([]byte{tagRetry, 1, 2})
	f.Fuzz(func(t *testing.T, src []byte) {
		e, err := decodeEdit(src)
		if err != nil {
			return
		}
		again, err := decodeEdit(appendEdit(nil, e))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
