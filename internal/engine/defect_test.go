package engine

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// A panic in any of the loops in the background ends neither the process nor reading: writes are refused, those that wait too, the statistics tell why, and who opens the store again has all that was
// acknowledged.
func TestADefectInTheBackground(t *testing.T) {
	for _, loop := range []string{"commit", "seal", "tidy", "compact"} {
		t.Run(loop, func(t *testing.T) {
			fs := vfs.NewMem()
			var armed atomic.Bool
			o := Options{Hooks: Hooks{SmallBytes: 1, CompactFan: 2, Background: func(name string) {
				if name == loop && armed.Load() {
					panic("a drill")
				}
			}}}
			e := open(t, fs, o)
			add(t, e, 0, 20)
			ok(t, e.Flush(ctx))
			add(t, e, 20, 20)
			armed.Store(true)
			refused := func(what string, err error) {
				if !errors.Is(err, fault.Internal) || !strings.Contains(err.Error(), "a drill") {
					t.Errorf("%s: %v", what, err)
				}
			}
			if loop == "commit" {
				_, err := e.Append(ctx, batch(t, e, 100, 10), "") // it is inside
				refused("an append that waited", err)
			} else {
				e.kickSeal()
				e.kickTidy()
				e.kickCompact()
			}
			select {
			case <-e.failed:
			case <-time.After(time.Minute):
				t.Fatal("the loop was not reached")
			}
			_, err := e.Append(ctx, batch(t, e, 200, 10), "")
			refused("append", err)
			refused("flush", e.Flush(ctx))
			refused("settle", e.Settle(ctx))
			_, err = e.Hide(ctx, Doomed{Span: Everything})
			refused("delete", err)
			r := &request{rotate: true, done: make(chan struct{})} // one that was on its way
			if e.queue.push(r); loop == "commit" {
				<-r.done
				refused("what was on its way", r.err)
			}
			if got := read(t, e); len(got) != 40 {
				t.Errorf("%d events are read", len(got))
			}
			if d := e.Stats().Damage; len(d) != 1 || !strings.Contains(d[0].What, "nothing is written until the store is opened again") || !strings.Contains(d[0].Err.Error(), "a drill") {
				t.Errorf("damage: %v", d)
			}
			ok(t, e.Close())
			armed.Store(false)
			e = open(t, fs, o)
			add(t, e, 40, 1)
			if got := read(t, e); len(got) != 41 {
				t.Errorf("%d events are read later", len(got))
			}
			if d := e.Stats().Damage; len(d) != 0 {
				t.Errorf("damage later: %v", d)
			}
		})
	}
}

// A panic in what reads side by side ends the read as Internal, whichever goroutine it was in and however many are left.
func TestADefectInAWorker(t *testing.T) {
	e := open(t, vfs.NewMem(), small)
	for i := range 6 {
		add(t, e, 100*i, 100)
		flush(t, e)
	}
	for _, strike := range []int32{1, 2, 3} {
		var calls atomic.Int32
		v, err := e.Pin()
		ok(t, err)
		w := Read(context.Background(), v, Everything, false, 0, nil, false, true, func() Work[int] {
			return func(runs []Run, yield func(int) bool) {
				if calls.Add(1) >= strike {
					panic("a drill")
				}
				yield(len(runs))
			}
		})
		for {
			if _, more := w.Next(); !more {
				break
			}
		}
		if err := w.Close(); !errors.Is(err, fault.Internal) || !strings.Contains(err.Error(), "a drill") {
			t.Errorf("struck at %d: %v", strike, err)
		}
	}
}
