package stele_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// quickHooks are the hooks of a test of very many stores. What keeps a few events as text takes seconds under the race detector;
// without it, it is tested here too.
func quickHooks() engine.Hooks {
	hooks := testkit.Hooks()
	hooks.NoTelling = raceDetector
	return hooks
}

// A disk that fails at one call, whichever: acknowledged ⊆ survived ⊆ written, batches whole, and the store goes on or can be opened again.
func TestEveryCallMayFail(t *testing.T) {
	for _, failure := range []vfs.Rule{
		{Kind: vfs.OpAny, Err: vfs.EIO},
		{Kind: vfs.OpAny, Err: vfs.ENOSPC},
		{Kind: vfs.OpAny, Err: vfs.EIO, Late: true},
		{Kind: vfs.OpWrite, Err: vfs.ENOSPC, Short: 7},
		{Kind: vfs.OpSync, Err: vfs.EIO, DropUnsynced: true},
	} {
		for nth := int64(1); ; nth++ {
			rule := failure
			rule.Nth = nth
			name := fmt.Sprintf("%s %v at call %d, late %v", rule.Kind, rule.Err, nth, rule.Late)
			mem := vfs.NewMem()
			faulty := vfs.NewFaulty(mem)
			faulty.Add(&rule)
			acked, refused, deleted := failingWorkload(t, name, faulty, mem)
			faulty.Clear()
			for _, mode := range []vfs.CrashMode{vfs.CrashKill, vfs.CrashLose} {
				s, err := stele.Open(testkit.Dir, &stele.Options{FS: mem.CrashClone(nil, mode), Hooks: quickHooks()})
				if err != nil {
					t.Fatalf("%s: %v, then: %v", name, mode, err)
				}
				got, err := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
				if err != nil {
					t.Fatalf("%s: %v, then: %v", name, mode, err)
				}
				checkHistory(t, name+", "+mode.String(), got, acked, refused, deleted)
				if d := s.Stats().Damage; len(d) > 0 {
					t.Fatalf("%s: %v, then damage: %v", name, mode, d)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if faulty.Hits(&rule) == 0 {
				t.Logf("%s %v: %d calls", rule.Kind, rule.Err, nth)
				break
			}
		}
	}
}

// failingWorkload appends, seals, deletes and reopens; deleted is nil if the deletion's outcome is unknown.
func failingWorkload(t *testing.T, name string, fs, mem vfs.FS) (acked, refused []int, deleted *bool) {
	options := &stele.Options{FS: fs, Hooks: quickHooks()}
	did := false
	deleted = &did
	s, err := stele.Open(testkit.Dir, options)
	step := func(from int) {
		for i := from; i < from+4; i += 2 {
			if s == nil {
				continue
			}
			b := s.NewBatch()
			for _, l := range series(i, i+2) {
				if err := b.AddCLEF([]byte(l)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Append(ctx, b); err != nil {
				refused = append(refused, i)
			} else {
				acked = append(acked, i)
			}
		}
	}
	reopen := func() {
		if s != nil {
			_ = s.Close()
		}
		if s, err = stele.Open(testkit.Dir, options); err != nil {
			s, err = stele.Open(testkit.Dir, options) // the rule hit once
		}
		if err != nil {
			t.Fatalf("%s: reopen: %v", name, err)
		}
	}
	if err != nil {
		if errors.Is(err, stele.Internal) || strings.Contains(err.Error(), "panic") {
			t.Fatalf("%s: %v", name, err)
		}
		reopen()
	}
	step(0)
	_ = s.Flush(ctx)
	step(4)
	if _, err := s.Delete(ctx, stele.Range{To: stele.BeforeTime(timeOf(2))}); err != nil {
		deleted = nil
	} else {
		did = true
	}
	reopen()
	step(8)
	_ = s.Flush(ctx)
	step(12)
	// What the live store shows is what was acknowledged.
	got, err := testkit.Drain(s.Read(ctx, stele.ReadOptions{}))
	if err != nil && !errors.Is(err, stele.IO) && !errors.Is(err, stele.Full) {
		t.Fatalf("%s: reading: %v", name, err)
	}
	if err == nil {
		checkHistory(t, name+", live", got, acked, refused, deleted)
	}
	if err := s.Close(); err != nil && errors.Is(err, stele.Internal) {
		t.Fatalf("%s: close: %v", name, err)
	}
	return acked, refused, deleted
}

func checkHistory(t *testing.T, name string, got []string, acked, refused []int, deleted *bool) {
	t.Helper()
	has := func(i int) bool { return slices.Contains(got, testkit.Line(i)) }
	for i := 0; i < 16; i += 2 {
		first, second := has(i), has(i+1)
		switch {
		case i == 0 && deleted == nil && first == second:
			continue
		case i == 0 && deleted != nil && *deleted && !first && !second:
			continue
		case first != second:
			t.Fatalf("%s: a part of batch %d", name, i)
		case slices.Contains(acked, i) && !first:
			t.Fatalf("%s: batch %d was acknowledged and is lost; acknowledged %v, got %d events", name, i, acked, len(got))
		case !slices.Contains(acked, i) && !slices.Contains(refused, i) && first:
			t.Fatalf("%s: batch %d came from nowhere", name, i)
		}
	}
	sorted := slices.Clone(got)
	slices.Sort(sorted)
	if len(slices.Compact(sorted)) != len(got) {
		t.Fatalf("%s: an event twice", name)
	}
}

func TestAFullDiskRecoversWithoutReopening(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.JournalBytes = 500 })
	fs := s.FS.(*vfs.Mem)
	var want []string
	for round := range 5 {
		s.Append(testkit.Line(round))
		want = append(want, testkit.Line(round))
		fs.SetCapacity(fs.Used() + int64(round*100))
		full := false
		for i := range 30 {
			l := testkit.Line(100*(round+1) + i)
			if _, err := s.TryAppend(l); err == nil {
				want = append(want, l)
			} else if full = true; !errors.Is(err, stele.Full) {
				t.Fatalf("on a full disk: %v", err)
			}
		}
		if !full {
			t.Error("the disk was never full")
		}
		fs.SetCapacity(0)
	}
	s.Append(testkit.Line(99))
	want = append(want, testkit.Line(99))
	slices.Sort(want)
	got := s.All()
	slices.Sort(got)
	same(t, "everything acknowledged", want, got)
}

func TestDeletingEverythingGivesTheJournalsSpaceBack(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	fs := s.FS.(*vfs.Mem)
	s.AppendSeries(0, 600, 300)
	fs.SetCapacity(fs.Used())
	if n, err := s.Delete(ctx, stele.Range{}); err != nil || n != 600 {
		t.Fatal(n, err)
	}
	for deadline := time.Now().Add(10 * time.Second); named(fs, "journal-") != ""; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the journal is still there")
		}
	}
	s.Append(testkit.Line(0))
	same(t, "what came later", series(0, 1), s.All())
}

// Below the mark of free bytes appends are refused while there is still room for everything else, and go on when there is more.
func TestAppendsLeaveRoomOnTheDisk(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.MinFreeBytes = 100_000 })
	fs := s.FS.(*vfs.Mem)
	s.AppendSeries(0, 300, 100)
	fs.SetCapacity(fs.Used() + 100_100)
	n := 300
	for ; n < 10_000; n++ {
		if _, err := s.TryAppend(testkit.Line(n)); err != nil {
			if stele.KindOf(err) != stele.Full || !strings.Contains(err.Error(), "appends are refused below 100000") {
				t.Fatalf("refused: %v", err)
			}
			break
		}
	}
	if free, _, err := fs.Free(testkit.Dir); err != nil || free < 50_000 || n == 300 {
		t.Fatalf("%d appends left %d bytes: %v", n-300, free, err)
	}
	same(t, "read", series(0, n), s.All())
	if err := s.Documents("").Set(ctx, "a", []byte("1")); err != nil {
		t.Errorf("a document: %v", err)
	}
	if err := s.Flush(ctx); err != nil {
		t.Errorf("sealing: %v", err)
	}
	if _, err := s.Delete(ctx, stele.Range{To: stele.BeforeTime(timeOf(n))}); err != nil {
		t.Error(err)
	}
	s.Append(testkit.Line(n))
	same(t, "gone on", series(n, n+1), s.All())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Negative: to the last byte.
	s.Options.MinFreeBytes = -1
	fs.SetCapacity(fs.Used() + 60_000)
	s.Reopen()
	s.Append(testkit.Line(n + 1))
}
