package stele_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
)

// Writers, readers, followers, deletes and sealing at once; every batch stays whole in every view.
func TestConcurrentUse(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.JournalBytes = 20 << 10; o.CacheBytes = 64 << 10; o.Hooks.BlockRows = 100 })
	const writers, batches, rows = 4, 60, 5
	var wg, helpers sync.WaitGroup
	stop := make(chan struct{})
	until := func(f func()) {
		helpers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					f()
				}
			}
		})
	}
	for w := range writers {
		wg.Go(func() {
			for b := range batches {
				batch := s.NewBatch()
				for r := range rows {
					at := testkit.Epoch.Add(time.Duration(b*7919%1000+r) * time.Second)
					if err := batch.AddCLEF(fmt.Appendf(nil, `{"@t":%q,"W":%d,"B":%d,"R":%d}`, at.Format(time.RFC3339), w, b, r)); err != nil {
						t.Error(err)
					}
				}
				if _, err := s.Store.Append(ctx, batch); err != nil {
					t.Error(err)
				}
			}
		})
	}
	until(func() {
		counts := map[string]int{}
		r := s.Read(ctx, stele.ReadOptions{})
		last := stele.MinKey
		for r.Next() {
			e := r.Event()
			if e.Key().Compare(last) < 0 {
				t.Error("out of order")
			}
			last = e.Key()
			counts[e.Lookup("W").Text+"/"+e.Lookup("B").Text]++
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		for b, n := range counts {
			if n != rows {
				t.Errorf("batch %s: %d of %d events", b, n, rows)
			}
		}
	})
	until(func() {
		if err := s.Flush(ctx); err != nil {
			t.Error(err)
		}
	})
	until(func() {
		// Nothing is there: the deletion concerns no event, but goes its way.
		if _, err := s.Delete(ctx, stele.Range{From: stele.FromTime(testkit.Epoch.AddDate(1, 0, 0))}); err != nil {
			t.Error(err)
		}
		s.Stats()
	})
	followed := atomic.Int64{}
	c, cancel := context.WithCancel(ctx)
	helpers.Go(func() {
		f := s.Follow(c, 0, nil)
		last := uint64(0)
		for f.Next() {
			if f.Arrival() <= last {
				t.Error("followed out of order")
			}
			last = f.Arrival()
			followed.Add(1)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	for deadline := time.Now().Add(20 * time.Second); followed.Load() < writers*batches*rows && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	close(stop)
	cancel()
	helpers.Wait()
	if n := followed.Load(); n != writers*batches*rows {
		t.Errorf("followed %d events", n)
	}
	if n := len(s.All()); n != writers*batches*rows {
		t.Errorf("read %d events", n)
	}
}

func TestClosingWaitsAndAnswersClosed(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.AppendSeries(0, 100, 10)
	snapshot, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	open := snapshot.Read(ctx, stele.ReadOptions{})
	if !open.Next() {
		t.Fatal(open.Err())
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				if _, err := s.TryAppend(testkit.Line(1000*i + n)); err != nil {
					if !errors.Is(err, stele.Closed) {
						t.Error(err)
					}
					return
				}
			}
		})
		wg.Go(func() {
			f := s.Follow(ctx, 0, nil)
			for f.Next() {
			}
			if !errors.Is(f.Close(), stele.Closed) {
				t.Errorf("follower: %v", f.Err())
			}
		})
	}
	time.Sleep(5 * time.Millisecond)
	for range 3 {
		wg.Go(func() {
			if err := s.Store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if open.Next() || !errors.Is(open.Err(), stele.Closed) {
		t.Errorf("a reader of a closed store: %v", open.Err())
	}
	if err := snapshot.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Snapshot(); !errors.Is(err, stele.Closed) {
		t.Errorf("snapshot: %v", err)
	}
	if err := s.Documents("").Set(ctx, "a", []byte("1")); !errors.Is(err, stele.Closed) {
		t.Errorf("documents: %v", err)
	}
	if s.Stats().Events == 0 {
		t.Error("no statistics of a closed store")
	}
}

func TestACanceledAppendSaysSo(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	c, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Store.Append(c, s.Batch(testkit.Line(0))); !errors.Is(err, stele.Canceled) {
		t.Errorf("canceled before: %v", err)
	}
	same(t, "nothing stored", nil, s.All())
	if keys, err := s.Store.Append(ctx, s.NewBatch()); err != nil || keys.Len() != 0 {
		t.Errorf("an empty batch: %v", err)
	}
	r := s.Read(c, stele.ReadOptions{})
	if r.Next() || !errors.Is(r.Close(), stele.Canceled) {
		t.Errorf("canceled reader: %v", r.Err())
	}
}
