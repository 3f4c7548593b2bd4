package stele_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

func TestR1EqualInstantsAreOrderedByArrival(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	var want []string
	for i := range 20 {
		l := fmt.Sprintf(`{"@t":"1969-12-31T23:59:59.9999999Z","N":%d}`, i)
		want = append(want, l)
		k := s.Append(l).At(0)
		if k.Instant() != -100 || !strings.HasPrefix(k.String(), "event-") {
			t.Fatalf("key %s of instant %d", k, k.Instant())
		}
	}
	s.Append(`{"@t":"1970-01-01T00:00:00.0000000Z","N":99}`)
	want = append(want, `{"@t":"1970-01-01T00:00:00.0000000Z","N":99}`)
	same(t, "in memory", want, s.All())
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	same(t, "in a segment", want, s.All())
	same(t, "newest first", reversed(want), s.Lines(stele.ReadOptions{Ordering: stele.Descending}))
}

func TestR2EveryOpenAndOverrunTakesAnEpoch(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.FirstCounter = event.MaxCounter - 5 })
	seen := map[uint64]bool{}
	last := uint64(0)
	add := func(n int) uint64 {
		t.Helper()
		var lines []string
		for i := range n {
			lines = append(lines, testkit.Line(i))
		}
		keys := s.Append(lines...)
		for i := range n {
			a := keys.At(i).Arrival()
			if seen[a] || a <= last {
				t.Fatalf("arrival number %x after %x", a, last)
			}
			seen[a], last = true, a
		}
		return last >> event.CounterBits
	}
	first := add(3)
	if over := add(3); over != first+1 {
		t.Errorf("the counter ran over: epoch %d after %d", over, first)
	}
	for range 3 {
		// The process ends without a word: numbers that were given must not be given again.
		crashed := s.FS.(*vfs.Mem).CrashClone(nil, vfs.CrashLose)
		_ = s.Store.Close()
		s.Options.FS = crashed
		s.FS = crashed
		var err error
		if s.Store, err = stele.Open(s.Dir, &s.Options); err != nil {
			t.Fatal(err)
		}
		add(1)
	}
	f := s.Follow(ctx, 0, nil)
	if got := len(testkit.Followed(t, f)); got != len(seen) {
		t.Errorf("followed %d events over the epochs, want %d", got, len(seen))
	}
}

func TestR5FollowingSeesLateEvents(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.AppendSeries(100, 110, 5)
	f := s.Follow(ctx, 0, nil)
	same(t, "from the first", series(100, 110), testkit.Followed(t, f))
	resume := f.Arrival()
	s.Append(testkit.Line(3)) // late: before all others in time
	same(t, "a late one", series(3, 4), testkit.Followed(t, f))
	same(t, "resumed", series(3, 4), testkit.Followed(t, s.Follow(ctx, resume, nil)))
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	s.Reopen()
	same(t, "resumed after sealing and reopening", series(3, 4), testkit.Followed(t, s.Follow(ctx, resume, nil)))

	filter, err := stele.ParseFilter("N = 200")
	if err != nil {
		t.Fatal(err)
	}
	now := s.Follow(ctx, stele.FromNow, filter)
	got := make(chan string)
	go func() {
		now.Next()
		got <- string(now.Event().AppendCLEF(nil))
	}()
	s.AppendSeries(198, 203, 1)
	if l := <-got; l != testkit.Line(200) {
		t.Errorf("followed %s", l)
	}
}

func TestFollowEndsWithItsContextAndTheStore(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	c, cancel := context.WithCancel(ctx)
	time.AfterFunc(10*time.Millisecond, cancel)
	f := s.Follow(c, 0, nil)
	if f.Next() || f.Err() != nil {
		t.Errorf("after its context ended: %v", f.Err())
	}
	g := s.Follow(ctx, 0, nil)
	time.AfterFunc(10*time.Millisecond, func() { _ = s.Store.Close() })
	if g.Next() || !errors.Is(g.Err(), stele.Closed) {
		t.Errorf("after the store closed: %v", g.Err())
	}
}

// holder holds the syncs of journal files.
type holder struct {
	mu   sync.Mutex
	gate chan struct{} // nil: nothing is held
	held atomic.Int64
}

func hold(fs *vfs.Mem) *holder {
	h := &holder{}
	fs.OnOp(func(op vfs.Op) {
		if !op.Before || op.Kind != vfs.OpSync || !strings.HasPrefix(path.Base(op.Name), "journal-") {
			return
		}
		h.mu.Lock()
		gate := h.gate
		h.mu.Unlock()
		if gate != nil {
			h.held.Add(1)
			<-gate
		}
	})
	return h
}

func (h *holder) set(gate chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gate = gate
}

func TestR10NothingIsAcknowledgedOrVisibleBeforeItIsOnDisk(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.Append(testkit.Line(0))
	h := hold(s.FS.(*vfs.Mem))
	gate := make(chan struct{})
	h.set(gate)
	answered := make(chan error)
	go func() {
		_, err := s.TryAppend(testkit.Line(1))
		answered <- err
	}()
	for h.held.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	follower := s.Follow(ctx, 0, nil)
	look := func() (read, followed, counted int) {
		buckets, err := s.Histogram(ctx, stele.HistogramOptions{Buckets: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range buckets[0].Counts {
			counted += int(n)
		}
		return len(s.All()), len(testkit.Followed(t, follower)), counted
	}
	select {
	case err := <-answered:
		t.Fatalf("acknowledged before the sync: %v", err)
	case <-time.After(30 * time.Millisecond):
	}
	if r, f, c := look(); r != 1 || f != 1 || c != 1 || s.Stats().Events != 1 {
		t.Errorf("before the sync: read %d, followed %d, counted %d", r, f, c)
	}
	if n, err := s.Delete(ctx, stele.Range{}); err != nil || n != 1 {
		t.Errorf("before the sync: deleted %d: %v", n, err)
	}
	close(gate)
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	if r, f, c := look(); r != 1 || f != 1 || c != 1 {
		t.Errorf("after the sync: read %d, followed %d, counted %d", r, f, c)
	}
	h.set(nil)
	same(t, "what arrived after the deletion", series(1, 2), s.All())
}

func TestR11ABatchIsWholeOrNotAtAll(t *testing.T) {
	// Batches with times far apart, killed and cut at every call of their appends.
	s := testkit.OpenMem(t, func(o *stele.Options) { o.JournalBytes = 1; o.Hooks.BlockRows = 2 })
	fs := s.FS.(*vfs.Mem)
	var mu sync.Mutex
	acked := 0
	type crash struct {
		fs    *vfs.Mem
		acked int
	}
	var crashes []crash
	fs.OnOp(func(op vfs.Op) {
		if op.Before && op.Kind != vfs.OpReadAt && op.Kind != vfs.OpSize {
			mu.Lock()
			crashes = append(crashes, crash{fs.CrashClone(nil, vfs.CrashLose), acked}, crash{fs.CrashClone(nil, vfs.CrashKill), acked})
			mu.Unlock()
		}
	})
	const batches = 4
	for b := range batches {
		s.Append(batchAcross(b)...)
		mu.Lock()
		acked++
		mu.Unlock()
	}
	fs.OnOp(nil)
	for i, c := range crashes {
		s := testkit.OpenOn(t, c.fs, testkit.Dir, nil)
		got := s.All()
		n := len(got) / 3
		if len(got)%3 != 0 || n < c.acked || n > batches {
			t.Fatalf("crash %d: %d events, %d batches were acknowledged", i, len(got), c.acked)
		}
		for b := range n {
			for _, l := range batchAcross(b) {
				if !strings.Contains(strings.Join(got, "\n"), l) {
					t.Fatalf("crash %d: %s is missing", i, l)
				}
			}
		}
		if err := s.Store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d crashes", len(crashes))
}

func batchAcross(b int) []string {
	return []string{
		fmt.Sprintf(`{"@t":"1970-01-01T00:00:00.0000000Z","B":%d}`, b),
		fmt.Sprintf(`{"@t":"2026-11-20T12:00:00.0000000Z","B":%d}`, b),
		fmt.Sprintf(`{"@t":"2099-01-01T00:00:00.0000000Z","B":%d}`, b),
	}
}

func TestR12AfterAFailureTheFileIsNeverWrittenAgain(t *testing.T) {
	for _, rule := range []*vfs.Rule{
		{Kind: vfs.OpSync, Match: "journal-*", Err: vfs.EIO},
		{Kind: vfs.OpSync, Match: "journal-*", Err: vfs.EIO, Late: true},
		{Kind: vfs.OpSync, Match: "journal-*", Err: vfs.EIO, DropUnsynced: true},
		{Kind: vfs.OpWrite, Match: "journal-*", Err: vfs.ENOSPC, Short: 30},
		{Kind: vfs.OpWrite, Match: "journal-*", Err: vfs.EIO, Late: true},
		{Kind: vfs.OpReserve, Match: "journal-*", Err: vfs.ENOSPC, Late: true},
	} {
		mem := vfs.NewMem()
		faulty := vfs.NewFaulty(mem)
		s := testkit.OpenOn(t, faulty, testkit.Dir, nil)
		s.AppendSeries(0, 3, 1)
		failed := ""
		for _, n := range mem.Names() {
			if strings.Contains(n, "journal-") {
				failed = n
			}
		}
		faulty.Add(rule)
		n := 3 // events until the call is made that fails
		_, err := s.TryAppend(testkit.Line(n))
		for ; err == nil && n < 100; n++ {
			_, err = s.TryAppend(testkit.Line(n + 1))
		}
		if err == nil || !strings.Contains(err.Error(), path.Base(failed)) {
			t.Fatalf("%+v: append said %v", rule, err)
		}
		if want := stele.KindOf(rule.Err); stele.KindOf(err) != want && want != stele.Internal {
			t.Errorf("%+v: kind %v, want %v", rule, stele.KindOf(err), want)
		}
		same(t, "after the failure", series(0, n), s.All())
		before, err := mem.ReadFile(failed)
		if err != nil {
			t.Fatal(err)
		}
		// A crash now must not bring back what was refused.
		killed := testkit.OpenOn(t, mem.CrashClone(nil, vfs.CrashKill), testkit.Dir, nil)
		same(t, "killed after the failure", series(0, n), killed.All())
		s.AppendSeries(n+1, n+3, 1)
		same(t, "going on", append(series(0, n), series(n+1, n+3)...), s.All())
		if after, err := mem.ReadFile(failed); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%+v: the failed file was written again (%d bytes, then %d)", rule, len(before), len(after))
		}
		cut := testkit.OpenOn(t, mem.CrashClone(nil, vfs.CrashLose), testkit.Dir, nil)
		same(t, "cut later", append(series(0, n), series(n+1, n+3)...), cut.All())
		s.Reopen()
		same(t, "reopened", append(series(0, n), series(n+1, n+3)...), s.All())
		if err := s.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		same(t, "sealed", append(series(0, n), series(n+1, n+3)...), s.All())
	}
}

func TestR16ARetryIsAcknowledgedOnce(t *testing.T) {
	now := testkit.Epoch
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.Now = func() time.Time { return now } })
	send := func(id string, lines ...string) (stele.Keys, error) {
		b := s.Batch(lines...)
		b.SetID(id)
		return s.Store.Append(ctx, b)
	}
	must := func(id string, lines ...string) []string {
		t.Helper()
		keys, err := send(id, lines...)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for i := range keys.Len() {
			all = append(all, keys.At(i).String())
		}
		return all
	}
	first := must("a", series(0, 3)...)
	same(t, "again", first, must("a", series(0, 3)...))
	same(t, "again with other times", first, must("a", series(5, 8)...))
	if _, err := send("a", series(0, 2)...); !errors.Is(err, stele.Invalid) {
		t.Errorf("another batch under the same id: %v", err)
	}
	must("b", series(3, 4)...)
	s.Reopen()
	same(t, "after a restart", first, must("a", series(0, 3)...))
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	s.Reopen()
	same(t, "after sealing and a restart", first, must("a", series(0, 3)...))
	same(t, "stored once", series(0, 4), s.All())
	now = now.Add(11 * time.Minute)
	must("a", series(4, 7)...)
	same(t, "after ten minutes it is a new one", series(0, 7), s.All())

	// At the same time: one of them is stored.
	var wg sync.WaitGroup
	keys := make([]string, 8)
	for i := range keys {
		wg.Go(func() {
			b := s.Batch(testkit.Line(7))
			b.SetID("same")
			if k, err := s.Store.Append(ctx, b); err == nil {
				keys[i] = k.At(0).String()
			}
		})
	}
	wg.Wait()
	for _, k := range keys {
		if k != keys[0] || k == "" {
			t.Errorf("keys of one batch sent eight times: %q", keys)
		}
	}
	same(t, "eight at once", series(0, 8), s.All())
}

func TestR17OneProcessOwnsADirectory(t *testing.T) {
	s := testkit.OpenTemp(t, func(o *stele.Options) { o.URL = "http://localhost:5341" })
	s.Append(testkit.Line(0))
	for _, readOnly := range []bool{false, true} {
		_, err := stele.Open(s.Dir, &stele.Options{ReadOnly: readOnly})
		if !errors.Is(err, stele.Locked) || !strings.Contains(err.Error(), "use --url http://localhost:5341") || !strings.Contains(err.Error(), "process ") {
			t.Errorf("second opener (read-only %v): %v", readOnly, err)
		}
	}
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	// Unlocked: any number of readers, and no writer beside them.
	a := testkit.OpenOn(t, nil, s.Dir, func(o *stele.Options) { o.ReadOnly = true })
	b := testkit.OpenOn(t, nil, s.Dir, func(o *stele.Options) { o.ReadOnly = true })
	same(t, "first reader", series(0, 1), a.All())
	same(t, "second reader", series(0, 1), b.All())
	if _, err := stele.Open(s.Dir, nil); !errors.Is(err, stele.Locked) {
		t.Errorf("a writer beside readers: %v", err)
	}
	if _, err := a.TryAppend(testkit.Line(1)); !errors.Is(err, stele.Denied) {
		t.Errorf("append to a read-only store: %v", err)
	}
	if _, err := a.Delete(ctx, stele.Range{}); !errors.Is(err, stele.Denied) {
		t.Errorf("delete from a read-only store: %v", err)
	}
	if err := a.Flush(ctx); !errors.Is(err, stele.Denied) {
		t.Errorf("flush of a read-only store: %v", err)
	}
}

func TestReadOnlyWritesNothing(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.AppendSeries(0, 10, 2)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	s.AppendSeries(10, 20, 2)
	fs := s.FS.(*vfs.Mem).CrashClone(nil, vfs.CrashKill)
	fs.WriteFile(testkit.Dir+"/litter.tmp", nil)
	before := fs.Names()
	fs.OnOp(func(op vfs.Op) {
		switch op.Kind {
		case vfs.OpCreate, vfs.OpAppend, vfs.OpRename, vfs.OpRemove, vfs.OpWrite, vfs.OpSync, vfs.OpReserve, vfs.OpSyncDir, vfs.OpMkdirAll:
			t.Errorf("%s of %s", op.Kind, op.Name)
		}
	})
	r := testkit.OpenOn(t, fs, testkit.Dir, func(o *stele.Options) { o.ReadOnly = true })
	same(t, "read", series(0, 20), r.All())
	if err := r.Store.Close(); err != nil {
		t.Fatal(err)
	}
	same(t, "files", before, fs.Names())
	if _, err := stele.Open("nowhere", &stele.Options{FS: vfs.NewMem(), ReadOnly: true}); !errors.Is(err, stele.NotFound) {
		t.Errorf("read-only open of nothing: %v", err)
	}
}
