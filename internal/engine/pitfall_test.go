package engine

import (
	"context"
	"testing"
	"time"

	"github.com/stelehq/stele/internal/vfs"
)

// Maintenance elsewhere tripped over a limit of memory that was counted wrongly (datalust/seq-tickets 2578). After each task what is counted is what is there:
// of cached blocks, of small recent ones, of open files, of snapshots and of calls inside; and nothing is left when all events are deleted.
func TestPitfall2578MemoryAccountingReturnsToZero(t *testing.T) {
	e := open(t, vfs.NewMem(), Options{OpenFiles: 2, Hooks: Hooks{SmallBytes: 1, CompactFan: 2, NoTelling: true, BlockRows: 64}})
	check := func(task string) {
		t.Helper()
		e.cache.mu.Lock()
		for name, shelf := range map[string]*shelf{"window": &e.cache.window, "main": &e.cache.main} {
			var sum int64
			for el := shelf.order.Front(); el != nil; el = el.Next() {
				sum += el.Value.(*cached).bytes
			}
			if sum != shelf.bytes {
				t.Errorf("%s: %s: %d bytes are counted, %d are cached", task, name, shelf.bytes, sum)
			}
		}
		if n := e.cache.window.order.Len() + e.cache.main.order.Len(); n != len(e.cache.byKey) {
			t.Errorf("%s: %d blocks are cached, %d are known", task, n, len(e.cache.byKey))
		}
		e.cache.mu.Unlock()
		// Blocks grow when they are read, and are measured when the next ones come.
		if st := e.current(); st.pinned < 0 || st.pinned > pinnedBytes(st.recent) {
			t.Errorf("%s: %d bytes of recent blocks are counted, %d are there", task, st.pinned, pinnedBytes(st.recent))
		}
		if n := e.segments.Open(); n > 2 {
			t.Errorf("%s: %d files are open", task, n)
		}
	}
	scan := func() {
		t.Helper()
		if got := read(t, e); len(got) == 0 {
			t.Fatal("nothing is read")
		}
	}
	for round := range 3 {
		for i := range 40 {
			add(t, e, 400*round+10*i, 10)
		}
		check("append")
		scan()
		check("read the journal")
		ok(t, e.Flush(ctx))
		check("seal")
		scan()
		check("read segments")
		ok(t, e.Settle(ctx))
		check("merge")
		scan()
		_, err := e.Verify(ctx)
		ok(t, err)
		check("verify")
		canceled, cancel := context.WithCancel(ctx)
		v, err := e.Snapshot()
		ok(t, err)
		s := v.Scan(canceled, Everything, true, nil, false)
		s.Next()
		cancel()
		_ = s.Close()
		v.Release()
		check("a search that is given up")
	}
	n, err := e.Delete(ctx, Everything)
	ok(t, err)
	if n != 1200 {
		t.Fatalf("%d events deleted", n)
	}
	ok(t, e.Settle(ctx))
	check("delete")
	var left string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		e.cache.mu.Lock()
		bytes, blocks := e.cache.window.bytes+e.cache.main.bytes, len(e.cache.byKey)
		e.cache.mu.Unlock()
		e.mu.Lock()
		views := len(e.views)
		e.mu.Unlock()
		st := e.current()
		switch {
		case bytes != 0 || blocks != 0:
			left = "cached blocks"
		case st.pinned != 0 || len(st.recent) != 0 || len(st.set.parts) != 0:
			left = "blocks and segments"
		case views != 0:
			left = "snapshots"
		case e.gate.inside.Load() != 0:
			left = "calls"
		case e.segments.Open() != 0:
			left = "open files"
		default:
			return
		}
	}
	t.Errorf("when nothing is stored, %s are left", left)
}
