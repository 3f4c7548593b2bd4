package engine

import (
	"cmp"
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/stelehq/stele/internal/fault"
)

// Workers read a scan with all processors: each takes some runs of it, makes results of them, and these come out in the scan's order.
// What is made ahead of the caller is bounded: beside the blocks in use, three results for each worker and a few more. Next, Err and Close are not for concurrent use.
type Workers[T any] struct {
	caller context.Context // whatever ends early because this one has ended, that is seen in it
	ctx    context.Context
	cancel context.CancelFunc
	e      *Engine
	order  chan *task[T] // in the order of the scan
	at     *task[T]
	ended  sync.WaitGroup
	defect atomic.Pointer[error] // that one of its goroutines met
	done   bool
	lost   []error
	err    error
}

// A task is some runs that stand next to each other in a scan.
type task[T any] struct {
	runs []Run
	out  chan T

	// What the scan met before these runs.
	lost []error
	err  error // the scan ended with it
	last bool
}

const (
	leastTask = 64   // rows of the first task, so that few rows are there at once
	mostTask  = 2048 // rows of a task after a while
	aheadOf   = 3    // results of a task that wait to be taken
)

// Work makes results of runs and hands each to yield, until that returns false. Its calls follow each other.
type Work[T any] func(runs []Run, yield func(T) bool)

// Read starts to read a span of the view. newWork makes the work of one worker; of want, if not nil, its runs have picks, and Match is not asked; load says that most columns are read. most, if not 0, is how many rows are read
// at most. owns: the view is released at the end.
func Read[T any](ctx context.Context, v *View, span Span, descending bool, most int, want *Wanted, load, owns bool, newWork func() Work[T]) *Workers[T] {
	caller := ctx
	ctx, cancel := context.WithCancel(caller)
	n := max(1, runtime.GOMAXPROCS(0))
	w := &Workers[T]{caller: caller, ctx: ctx, cancel: cancel, e: v.e, order: make(chan *task[T], n)}
	s := v.Scan(ctx, span, descending, want, owns)
	if s.merge != nil {
		s.merge.ahead = newReadAhead(load)
	}
	jobs := make(chan *task[T], n)
	fed := func() {
		close(jobs)
		close(w.order)
	}
	fault.Go(&w.ended, "read", func() {
		w.feed(s, most, jobs)
		fed()
	}, func(err error) {
		w.fail(err)
		fed()
	})
	for range n {
		var t *task[T]
		fault.Go(&w.ended, "read", func() {
			var work Work[T]
			for t = range jobs {
				if work == nil {
					work = newWork()
				}
				work(t.runs, func(r T) bool {
					select {
					case t.out <- r:
						return true
					case <-ctx.Done():
					case <-v.e.gate.closing:
					}
					return false
				})
				close(t.out)
			}
		}, func(err error) {
			w.fail(err)
			close(t.out)
			for t := range jobs {
				close(t.out)
			}
		})
	}
	return w
}

// FailedRead returns a read that has nothing but an error.
func FailedRead[T any](err error) *Workers[T] {
	return &Workers[T]{done: true, err: err, cancel: func() {}}
}

// fail ends the read with a defect.
func (w *Workers[T]) fail(err error) {
	w.defect.CompareAndSwap(nil, &err)
	w.cancel()
}

// feed cuts the scan into tasks, and closes it.
func (w *Workers[T]) feed(s *Scan, most int, jobs chan<- *task[T]) {
	defer s.Close()
	for size := leastTask; ; size = min(2*size, mostTask) {
		t := &task[T]{out: make(chan T, aheadOf)}
		want := size
		if most > 0 && most < want {
			want = most
		}
		rows := 0
		for rows < want {
			r, ok := s.NextRun(want - rows)
			if !ok {
				break
			}
			t.runs = append(t.runs, r)
			rows += r.Rows()
		}
		t.lost, s.lost = s.lost, nil
		t.err = s.err
		t.last = s.done || most > 0 && rows >= most
		most -= rows
		for _, to := range []chan<- *task[T]{jobs, w.order} {
			select {
			case to <- t:
			case <-w.ctx.Done():
				return
			case <-w.e.gate.closing:
				return
			}
		}
		if t.last {
			return
		}
	}
}

// Next returns the next result; false at the end.
func (w *Workers[T]) Next() (r T, ok bool) {
	for !w.done {
		if w.at == nil {
			if w.at, ok = <-w.order; !ok {
				w.err = w.stopped()
				break
			}
			w.lost = append(w.lost, w.at.lost...)
		}
		r, ok = <-w.at.out
		if w.err = w.stopped(); w.err != nil {
			break
		}
		if ok {
			return r, true
		}
		if w.err = w.at.err; w.err != nil || w.at.last {
			break
		}
		w.at = nil
	}
	w.stop()
	var none T
	return none, false
}

// stopped returns why nothing more is to be read.
func (w *Workers[T]) stopped() error {
	if defect := w.defect.Load(); defect != nil {
		return *defect
	}
	select {
	case <-w.e.gate.closing:
		return errClosed()
	default:
	}
	if err := cmp.Or(w.caller.Err(), w.ctx.Err()); err != nil {
		return fault.WrapAs(fault.Canceled, err, "read", "the caller gave up")
	}
	return nil
}

// stop ends the goroutines and waits for them.
func (w *Workers[T]) stop() {
	if w.done {
		return
	}
	w.done = true
	w.cancel()
	w.ended.Wait()
	w.at = nil
}

// Lost notes damage that a worker met.
func (w *Workers[T]) Lost(err error) { w.lost = append(w.lost, err) }

// Err returns why reading ended early, or what was lost to damage so far.
func (w *Workers[T]) Err() error { return whatWasLost(w.err, w.lost) }

// Close ends the read and returns Err. Harmless when repeated.
func (w *Workers[T]) Close() error {
	w.stop()
	return w.Err()
}
