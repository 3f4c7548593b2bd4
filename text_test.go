package stele_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// many are segments of several blocks, a late one among them, and recent events, all overlapping.
func many(t *testing.T) *testkit.Fixture {
	t.Helper()
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks = engine.Hooks{BlockRows: 700, ReserveBytes: -1} })
	for i, n := range []int{5000, 3000, 10, 2000} {
		s.AppendSeries(i*1000, i*1000+n, 900)
		if err := s.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	s.AppendSeries(4000, 6500, 100)
	return s
}

func TestTextIsInOrderFromManySources(t *testing.T) {
	s := many(t)
	filter, err := stele.ParseFilter("Who = 'bob' and N > 300")
	if err != nil {
		t.Fatal(err)
	}
	cut := stele.Range{From: stele.FromTime(timeOf(1500)), To: stele.BeforeTime(timeOf(4100))}
	for _, o := range []stele.ReadOptions{{}, {Range: cut}, {Filter: filter}, {Limit: 1234}, {Filter: filter, Limit: 500, Range: cut}} {
		for _, o.Ordering = range []stele.Ordering{stele.Ascending, stele.Descending} {
			lines := s.Lines(o)
			var out bytes.Buffer
			n, err := s.ReadText(ctx, o).WriteTo(&out)
			if want := strings.Join(lines, "\n") + "\n"; err != nil || out.String() != want || n != int64(len(want)) {
				t.Errorf("%+v: %d bytes of %d, %v", o, n, len(want), err)
			}
			r := s.ReadText(ctx, o)
			keys := s.Read(ctx, o)
			for r.Next() && keys.Next() {
				if r.Key() != keys.Event().Key() {
					t.Fatalf("%+v: key %s, not %s", o, r.Key(), keys.Event().Key())
				}
			}
			if err := errors.Join(r.Close(), keys.Close()); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := s.Delete(ctx, cut); err != nil {
		t.Fatal(err)
	}
	s.All()
}

func TestTextEndsWithItsContextStoreOrSnapshot(t *testing.T) {
	s := many(t)
	canceled, cancel := context.WithCancel(ctx)
	snapshot, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	drain := func(r *stele.TextReader) (int, error) {
		n := 0
		for r.Next() {
			n++
		}
		return n, r.Close()
	}
	open := map[string]*stele.TextReader{"context": s.ReadText(canceled, stele.ReadOptions{}), "snapshot": snapshot.ReadText(ctx, stele.ReadOptions{}),
		"store": s.ReadText(ctx, stele.ReadOptions{}), "left": s.ReadText(ctx, stele.ReadOptions{})}
	for name, r := range open {
		if !r.Next() {
			t.Fatalf("%s: %v", name, r.Err())
		}
	}
	if err := open["left"].Close(); err != nil || open["left"].Next() {
		t.Errorf("closed early: %v", err)
	}
	cancel()
	if n, err := drain(open["context"]); n > 12000 || !errors.Is(err, stele.Canceled) {
		t.Errorf("canceled: %d events, %v", n, err)
	}
	if err := snapshot.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := drain(open["snapshot"]); n > 12000 || !errors.Is(err, stele.Closed) {
		t.Errorf("the snapshot is closed: %d events, %v", n, err)
	}
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := drain(open["store"]); n > 12000 || !errors.Is(err, stele.Closed) {
		t.Errorf("the store is closed: %d events, %v", n, err)
	}
	if _, err := s.ReadText(ctx, stele.ReadOptions{}).WriteTo(io.Discard); !errors.Is(err, stele.Closed) {
		t.Errorf("of a closed store: %v", err)
	}
}

type failingWriter struct{ left int }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestTextOfAFailingWriterEnds(t *testing.T) {
	s := many(t)
	if n, err := s.ReadText(ctx, stele.ReadOptions{}).WriteTo(&failingWriter{300 << 10}); n == 0 || !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%d bytes: %v", n, err)
	}
}

// TestTextPassesOverADamagedBlock: what is lost is told when its turn comes, and not by who has not come so far.
func TestTextPassesOverADamagedBlock(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks = engine.Hooks{BlockRows: 1000, ReserveBytes: -1}; o.CacheBytes = 1 })
	s.AppendSeries(0, 4000, 1000)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	s.Damaged()
	disk := s.FS.(*vfs.Mem)
	name := named(disk, "segment-")
	data := mustRead(t, disk, name)
	data[len(data)/2] ^= 1 // in one of the blocks between
	disk.WriteFile(name, data)
	s.Reopen()
	for _, desc := range []stele.Ordering{stele.Ascending, stele.Descending} {
		got, err := testkit.DrainText(s.ReadText(ctx, stele.ReadOptions{Ordering: desc}))
		if len(got) != 3000 || stele.KindOf(err) != stele.Corrupt {
			t.Errorf("%d events: %v", len(got), err)
		}
		got, err = testkit.DrainText(s.ReadText(ctx, stele.ReadOptions{Ordering: desc, Limit: 900}))
		if len(got) != 900 || err != nil {
			t.Errorf("%d events: %v", len(got), err)
		}
	}
	if !damageIn(s, path.Base(name)) {
		t.Errorf("damage: %v", s.Stats().Damage)
	}
}

// TestTextOfLargeEventsIsBounded: what is rendered ahead depends on the size of the events, not on their number.
func TestTextOfLargeEventsIsBounded(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	b := s.NewBatch()
	text := strings.Repeat("x", 200<<10) // once in the block's dictionary, then a code for each
	for i := range 300 {
		if err := b.AddCLEF(fmt.Appendf(nil, `{"@t":%q,"X":%q}`, timeOf(i).Format(time.RFC3339Nano), text)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Store.Append(ctx, b); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := s.ReadText(ctx, stele.ReadOptions{})
	for range 10 {
		if !r.Next() || len(r.CLEF()) < 200<<10 {
			t.Fatal(r.Err())
		}
	}
	time.Sleep(20 * time.Millisecond) // more than rendering all of it takes
	runtime.GC()
	runtime.ReadMemStats(&after)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if most := uint64(8+10*runtime.GOMAXPROCS(0)) << 20; after.HeapAlloc > before.HeapAlloc+most {
		t.Errorf("%d MB are held for 10 events", (after.HeapAlloc-before.HeapAlloc)>>20)
	}
}
