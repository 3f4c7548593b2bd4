package stele_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
)

// A deletion hides what arrived before it and nothing else (I8): also when blocks from before and after it are merged in
// memory.
func TestADeletionHidesOnlyWhatCameBefore(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.AppendSeries(0, 6, 1)
	if n, err := s.Delete(ctx, stele.Range{To: stele.BeforeTime(timeOf(5))}); err != nil || n != 5 {
		t.Fatalf("deleted %d: %v", n, err)
	}
	s.AppendSeries(0, 10, 1)
	want := slices.Insert(series(0, 10), 5, testkit.Line(5))
	// The merging happens in the background, and nothing tells that it is done.
	for range 30 {
		same(t, "what came after", want, s.All())
		time.Sleep(time.Millisecond)
	}
	s.Reopen()
	same(t, "opened again", want, s.All())
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	same(t, "sealed", want, s.All())
}

func filterOf(t *testing.T, text string) *stele.Filter {
	t.Helper()
	f, err := stele.ParseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// keep returns the lines of some events.
func keep(from, to int, want func(i int) bool) (lines []string) {
	for i := from; i < to; i++ {
		if want(i) {
			lines = append(lines, testkit.Line(i))
		}
	}
	return lines
}

// What a filter and keys delete is gone for every reader at once, and stays gone while it moves from the journal to segments; a snapshot
// from before has it still.
func TestDeletionsByFilterAndKey(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.BlockRows = 16; o.Hooks.NoCompact = true })
	s.AppendSeries(0, 40, 10)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	keys := s.Append(series(40, 60)...)
	before, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	if n, err := s.DeleteMatching(ctx, stele.Range{To: stele.BeforeTime(timeOf(50))}, filterOf(t, "N % 4 = 0")); err != nil || n != 13 {
		t.Fatalf("deleted %d: %v", n, err)
	}
	if n, err := s.DeleteKeys(ctx, keys.At(19), stele.MaxKey, keys.At(1), keys.At(1), keys.At(0)); err != nil || n != 2 {
		t.Fatalf("deleted %d of keys: %v", n, err)
	}
	if n, err := s.DeleteKeys(ctx, keys.At(2)); err != nil || n != 1 {
		t.Fatalf("deleted %d of one key: %v", n, err)
	}
	if n, err := s.DeleteMatching(ctx, stele.Range{}, filterOf(t, "N = 1000")); err != nil || n != 0 {
		t.Fatalf("deleted %d of nothing: %v", n, err)
	}
	left := keep(0, 60, func(i int) bool { return (i >= 50 || i%4 != 0) && i != 59 && i != 41 && i != 42 })
	check := func(when string) {
		t.Helper()
		same(t, when, left, s.All())
		got, err := testkit.DrainText(s.ReadText(ctx, stele.ReadOptions{Ordering: stele.Descending}))
		if err != nil {
			t.Fatal(err)
		}
		same(t, when+", as text", reversed(left), got)
		f := s.Follow(ctx, 0, nil)
		same(t, when+", followed", left, testkit.Followed(t, f))
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(ctx, keys.At(1)); stele.KindOf(err) != stele.NotFound {
			t.Errorf("%s: got a deleted event: %v", when, err)
		}
		buckets, err := s.Histogram(ctx, stele.HistogramOptions{Buckets: 1})
		if err != nil || len(buckets) != 1 || buckets[0].Counts["Information"]+buckets[0].Counts["Warning"]+buckets[0].Counts["Error"] != int64(len(left)) {
			t.Errorf("%s: histogram %v: %v", when, buckets, err)
		}
		if n := s.Stats().Events; n != int64(len(left)) {
			t.Errorf("%s: %d events are counted, expected %d", when, n, len(left))
		}
	}
	check("deleted")
	if st := s.Stats(); st.HiddenEvents != 10 || st.HiddenBytes*3 > st.SegmentBytes || st.HiddenBytes*5 < st.SegmentBytes {
		t.Errorf("%d events are hidden in segments, %d bytes of %d", st.HiddenEvents, st.HiddenBytes, st.SegmentBytes)
	}
	got, err := testkit.Drain(before.Read(ctx, stele.ReadOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the snapshot", series(0, 60), got)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	check("sealed")
	s.Reopen()
	check("opened again")
	if err := s.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	check("merged")
	// What comes later is not concerned.
	s.Append(testkit.Line(4))
	same(t, "gone on", slices.Insert(left, 3, testkit.Line(4)), s.All())
}

// A deletion takes another one's place in the catalog only if it hides as much (I8).
func TestADeletionTakesThePlaceOfWhatItCovers(t *testing.T) {
	all := stele.Range{}
	part := stele.Range{From: stele.FromTime(timeOf(10)), To: stele.BeforeTime(timeOf(30))}
	type deletion struct {
		r      stele.Range
		filter string // empty: everything
		key    int    // not 0: this one event
		hides  func(i int) bool
	}
	even := func(i int) bool { return i%2 == 0 }
	third := func(i int) bool { return i%3 == 0 }
	within := func(i int) bool { return i >= 10 && i < 30 }
	for name, both := range map[string][2]deletion{
		"another filter":                     {{r: all, filter: "N % 2 = 0", hides: even}, {r: all, filter: "N % 3 = 0", hides: third}},
		"the same filter of less":            {{r: all, filter: "N % 2 = 0", hides: even}, {r: part, filter: "N % 2 = 0", hides: func(i int) bool { return even(i) && within(i) }}},
		"the same filter of more":            {{r: part, filter: "N % 2 = 0", hides: func(i int) bool { return even(i) && within(i) }}, {r: all, filter: "N % 2 = 0", hides: even}},
		"everything of a part, after a part": {{r: all, filter: "N % 2 = 0", hides: even}, {r: part, hides: within}},
		"a filter, after everything":         {{r: part, hides: within}, {r: all, filter: "N % 2 = 0", hides: even}},
		"a key, after another":               {{key: 7, hides: func(i int) bool { return i == 7 }}, {key: 25, hides: func(i int) bool { return i == 25 }}},
		"a filter, after a key":              {{key: 7, hides: func(i int) bool { return i == 7 }}, {r: all, filter: "N % 2 = 0", hides: even}},
		"a key, after a filter":              {{r: all, filter: "N % 2 = 0", hides: even}, {key: 7, hides: func(i int) bool { return i == 7 }}},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.BlockRows = 16; o.Hooks.NoCompact = true })
			keys := s.Append(series(0, 40)...)
			if err := s.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			for _, d := range both {
				var err error
				switch {
				case d.key > 0:
					_, err = s.DeleteKeys(ctx, keys.At(d.key))
				case d.filter != "":
					_, err = s.DeleteMatching(ctx, d.r, filterOf(t, d.filter))
				default:
					_, err = s.Delete(ctx, d.r)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			left := keep(0, 40, func(i int) bool { return !both[0].hides(i) && !both[1].hides(i) })
			same(t, "deleted", left, s.All())
			s.Reopen()
			same(t, "opened again", left, s.All())
		})
	}
}

func TestDeletionsAreRefused(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.AppendSeries(0, 4, 4)
	if _, err := s.DeleteMatching(ctx, stele.Range{}, filterOf(t, "N < 2 and @Timestamp < Now() - 1d")); stele.KindOf(err) != stele.Invalid {
		t.Errorf("a filter of the present time: %v", err)
	}
	if _, err := s.DeleteKeys(ctx, make([]stele.Key, stele.MaxDeleteKeys+1)...); err != nil {
		t.Errorf("the same key many times: %v", err)
	}
	many := make([]stele.Key, stele.MaxDeleteKeys+1)
	for i := range many {
		many[i][15], many[i][14], many[i][13] = byte(i), byte(i>>8), byte(i>>16)
	}
	if _, err := s.DeleteKeys(ctx, many...); stele.KindOf(err) != stele.TooLarge {
		t.Errorf("too many keys: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.DeleteMatching(ended, stele.Range{}, filterOf(t, "N = 1")); stele.KindOf(err) != stele.Canceled {
		t.Errorf("given up: %v", err)
	}
	same(t, "left", series(0, 4), s.All())
}

// Deletions beside appends, sealing and merging: what is counted is what is read, and nothing deleted comes back.
func TestDeletionsBesideSealingAndMerging(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) {
		o.JournalBytes = 4 << 10
		o.Hooks.BlockRows, o.Hooks.SegmentBytes, o.Hooks.SmallBytes, o.Hooks.CompactFan = 16, 4000, 500, 2
		o.Hooks.NoTelling = raceDetector
	})
	var beside sync.WaitGroup
	stop := make(chan struct{})
	for _, do := range []func() error{
		func() error { return s.Flush(ctx) },
		func() error { return s.Settle(ctx) },
	} {
		beside.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := do(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	deleted := int64(0)
	rounds := 20
	if raceDetector {
		rounds = 6
	}
	for i := range rounds {
		s.AppendSeries(20*i, 20*i+20, 7)
		n, err := s.DeleteMatching(ctx, stele.Range{}, filterOf(t, fmt.Sprintf("N %% 7 = %d", i%3)))
		if err != nil {
			t.Fatal(err)
		}
		deleted += n
	}
	close(stop)
	beside.Wait()
	got := s.All()
	if n := s.Stats().Events; n != int64(len(got)) || n+deleted != int64(20*rounds) {
		t.Errorf("%d events are counted, %d read, %d were deleted of %d", n, len(got), deleted, 20*rounds)
	}
	if again, err := s.DeleteMatching(ctx, stele.Range{To: stele.BeforeTime(timeOf(20 * (rounds - 3)))}, filterOf(t, "N % 7 < 3")); err != nil || again != 0 {
		t.Errorf("%d events came back: %v", again, err)
	}
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	same(t, "sealed", got, s.All())
	s.Reopen()
	same(t, "opened again", got, s.All())
	if n := s.Stats().Events; n != int64(len(got)) {
		t.Errorf("opened again: %d events are counted, %d are read", n, len(got))
	}
}
