package stele_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// A workload is a store under a seeded series of everything that a store can be asked for. It is the same for the
// same seed, but for what runs beside it: concurrent appends, and sealing where it is not asked for by Flush.
type workload struct {
	rng     *rand.Rand
	fs      vfs.FS
	options stele.Options
	store   *stele.Store // nil between close and open
	held    []*stele.Snapshot
	h       history
	clock   time.Duration // of the next event in time order
	ids     int

	// failed is told of each error; what it returns ends the workload. nil: every error does.
	failed func(doing string, err error) error
	// opened, if not nil, is called when the store was opened.
	opened func() error
}

// newWorkload chooses what the seed leaves open: how large journals grow, and whether sealing is left to the background.
func newWorkload(seed uint64, fs vfs.FS) *workload {
	w := &workload{rng: rand.New(rand.NewPCG(seed, 1)), fs: fs}
	w.options = workloadOptions(seed)
	return w
}

func workloadOptions(seed uint64) stele.Options {
	o := stele.Options{JournalBytes: 1 << 20, Hooks: engine.Hooks{
		Now: func() time.Time { return testkit.Epoch }, ReserveBytes: 600, BlockRows: 8, PieceRows: 3, CompactBytes: 900,
		SegmentBytes: 2500, SmallBytes: 300, CompactFan: 2, NoTelling: true,
	}}
	if seed%3 == 0 {
		o.OpenFiles = 1
		o.CacheBytes = 1 // nothing of the journal stays in memory
	}
	if seed%2 == 1 {
		o.JournalBytes = 1500
	}
	return o
}

func (w *workload) fail(doing string, err error) error {
	if err == nil {
		return nil
	}
	if w.failed == nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return w.failed(doing, err)
}

func (w *workload) open() error {
	o := w.options
	o.FS = w.fs
	s, err := stele.Open(testkit.Dir, &o)
	if err != nil {
		return w.fail("open", err)
	}
	if w.store = s; w.opened != nil {
		return w.opened()
	}
	return nil
}

func (w *workload) close() error {
	if w.store == nil {
		return nil
	}
	err := w.store.Close()
	w.store, w.held = nil, nil
	return w.fail("close", err)
}

// steps does some random steps after a few that no workload is without.
func (w *workload) steps(some int) error {
	first := []func() error{
		w.open, w.inOrder, w.set, w.outOfOrder, w.flush, w.inOrder, w.set, w.hold, w.delete, w.atOnce, w.deleteRows, w.flush, w.set,
		w.deleteOld, w.deleteKeys, w.retain, w.unset, w.inOrder, w.reopen, w.flush, w.settle, w.outOfOrder, w.churn, w.inOrder, w.release, w.settle,
	}
	for _, do := range first {
		if err := do(); err != nil {
			return err
		}
	}
	// Each as often as it stands here.
	random := []func() error{
		w.inOrder, w.inOrder, w.inOrder, w.outOfOrder, w.outOfOrder, w.farAway, w.atOnce, w.large,
		w.delete, w.delete, w.deleteOld, w.deleteRows, w.deleteRows, w.deleteKeys, w.retain, w.set, w.set, w.set, w.unset, w.flush, w.flush, w.settle, w.reopen, w.hold, w.release,
	}
	for range some {
		if err := random[w.rng.IntN(len(random))](); err != nil {
			return err
		}
	}
	return nil
}

// finish ends the workload in good order.
func (w *workload) finish() error {
	for _, do := range []func() error{w.release, w.flush, w.settle, w.inOrder, w.close} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

func (w *workload) padding() string { return strings.Repeat("x", w.rng.IntN(60)) }

// id names half of the batches.
func (w *workload) id() string {
	if w.rng.IntN(2) == 0 {
		return ""
	}
	w.ids++
	return fmt.Sprintf("id-%d", w.ids)
}

func (w *workload) inOrder() error {
	instants := make([]time.Time, 1+w.rng.IntN(6))
	for i := range instants {
		instants[i] = testkit.Epoch.Add(w.clock)
		if w.rng.IntN(4) > 0 {
			w.clock += time.Second
		}
	}
	_, err := w.h.append(w.store, w.padding(), w.id(), instants...)
	return w.fail("append", err)
}

// around is an instant in or near the time that events are of.
func (w *workload) around() time.Time {
	return testkit.Epoch.Add(time.Duration(w.rng.Int64N(int64(w.clock/time.Second)+20)-10) * time.Second)
}

func (w *workload) outOfOrder() error {
	instants := make([]time.Time, 1+w.rng.IntN(6))
	for i := range instants {
		instants[i] = w.around()
	}
	_, err := w.h.append(w.store, w.padding(), w.id(), instants...)
	return w.fail("append out of order", err)
}

func (w *workload) farAway() error {
	_, err := w.h.append(w.store, w.padding(), w.id(), w.around(), time.Date(1970, 1, 1, 0, 0, w.rng.IntN(100), 0, time.UTC), time.Date(2099, 1, 1, 0, 0, w.rng.IntN(100), 0, time.UTC))
	return w.fail("append far away", err)
}

// large has a batch that its caller encodes.
func (w *workload) large() error {
	if w.rng.IntN(4) > 0 {
		return nil
	}
	instants := make([]time.Time, 256)
	for i := range instants {
		instants[i] = testkit.Epoch.Add(-time.Hour + time.Duration(i)*time.Second)
	}
	if _, err := w.h.append(w.store, "", w.id(), instants...); err != nil {
		return w.fail("append a large batch", err)
	}
	// Gone soon, so that reading stays quick.
	_, err := w.h.delete(w.store, instants[3], instants[255])
	return w.fail("delete most of a large batch", err)
}

// atOnce appends several batches concurrently: they share frames and syncs.
func (w *workload) atOnce() error {
	w.h.mu.Lock()
	group := len(w.h.steps) + 1
	w.h.mu.Unlock()
	n := 2 + w.rng.IntN(3)
	batches := make([]*step, n)
	ends := make([]func([]stele.Key, error), n)
	for i := range n {
		instants := make([]time.Time, 1+w.rng.IntN(3))
		for r := range instants {
			instants[r] = w.around()
		}
		batches[i] = newAppend(group-1+i, group, w.padding(), w.id(), instants)
		ends[i] = w.h.begin(batches[i])
	}
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			var keys []stele.Key
			keys, errs[i] = send(w.store, batches[i])
			ends[i](keys, errs[i])
		})
	}
	all.Wait()
	return w.fail("append at the same time", cmp.Or(errs...))
}

func (w *workload) delete() error {
	from := w.around()
	return w.deleteSpan(from, from.Add(time.Duration(1+w.rng.IntN(12))*time.Second))
}

// deleteOld is what retention does: whole segments go.
func (w *workload) deleteOld() error { return w.deleteSpan(time.Unix(0, 0), w.around()) }

func (w *workload) deleteSpan(from, to time.Time) error {
	want := w.h.visible(&step{from: from, to: to, row: -1})
	n, err := w.h.delete(w.store, from, to)
	if err == nil && w.failed == nil && n != want {
		return fmt.Errorf("deleted %d events from %s to %s, expected %d", n, from, to, want)
	}
	return w.fail("delete", err)
}

// retain applies a policy by age. The store's clock stands at the epoch, and few events are older.
func (w *workload) retain() error {
	to := testkit.Epoch.Add(-time.Duration(1+w.rng.IntN(90)) * time.Minute)
	end := w.h.begin(&step{kind: stepDelete, from: time.Unix(0, math.MinInt64), to: to, row: -1})
	_, err := w.store.Retain(context.Background(), stele.RetentionPolicy{ID: "age", Age: testkit.Epoch.Sub(to)})
	end(nil, err)
	return w.fail("retain", err)
}

// deleteRows is a deletion by filter.
func (w *workload) deleteRows() error {
	from, row := w.around(), w.rng.IntN(3)
	to := from.Add(time.Duration(1+w.rng.IntN(30)) * time.Second)
	want := w.h.visible(&step{from: from, to: to, row: row})
	n, err := w.h.deleteRows(w.store, from, to, row)
	if err == nil && w.failed == nil && n != want {
		return fmt.Errorf("deleted %d rows %d from %s to %s, expected %d", n, row, from, to, want)
	}
	return w.fail("delete by filter", err)
}

// deleteKeys deletes a few events by their keys, deleted ones perhaps among them.
func (w *workload) deleteKeys() error {
	var keys []stele.Key
	for range 20 {
		if s := w.h.steps[w.rng.IntN(len(w.h.steps))]; len(keys) < 4 && len(s.keys) > 0 {
			keys = append(keys, s.keys[w.rng.IntN(len(s.keys))])
		}
	}
	_, err := w.h.deleteKeys(w.store, keys...)
	return w.fail("delete keys", err)
}

func (w *workload) set() error {
	w.ids++
	value := fmt.Sprintf(`{"n":%d,"p":%q}`, w.ids, strings.Repeat("y", w.rng.IntN(200)))
	return w.fail("set", w.h.set(w.store, fmt.Sprintf("key-%d", w.rng.IntN(5)), value))
}

// churn sets one document until its log is worth compacting.
func (w *workload) churn() error {
	for range 3 {
		w.ids++
		if err := w.h.set(w.store, "key-0", fmt.Sprintf(`{"n":%d,"p":%q}`, w.ids, strings.Repeat("z", 250))); err != nil {
			return w.fail("set", err)
		}
	}
	return nil
}

func (w *workload) unset() error {
	return w.fail("unset", w.h.unset(w.store, fmt.Sprintf("key-%d", w.rng.IntN(5))))
}

func (w *workload) flush() error { return w.fail("flush", w.store.Flush(context.Background())) }

// settle has segments merged, which the background does besides.
func (w *workload) settle() error { return w.fail("settle", w.store.Settle(context.Background())) }

func (w *workload) reopen() error {
	if err := w.close(); err != nil {
		return err
	}
	return w.open()
}

// hold takes a snapshot, which keeps files.
func (w *workload) hold() error {
	s, err := w.store.Snapshot()
	if err == nil {
		w.held = append(w.held, s)
	}
	return w.fail("take a snapshot", err)
}

func (w *workload) release() error {
	for _, s := range w.held {
		if err := s.Close(); err != nil {
			return err
		}
	}
	w.held = nil
	return nil
}
