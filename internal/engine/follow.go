package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/fault"
)

// A Follow reads by arrival number (R5). It takes the next window of numbers, sorts what
// the blocks have of it by arrival, and hands it out; when nothing is left it waits
// for the state to change. Not for concurrent use.
type Follow struct {
	e       *Engine
	ctx     context.Context
	match   Match
	passed  uint64 // every number up to it was handed out or passed over
	window  uint64 // passed, once rows is empty
	rows    []Row
	row     Row
	changed <-chan struct{} // closed when there may be more than was seen
	lost    []error
	err     error
	done    bool
}

const (
	followWindow = 8192

	// FromNow follows what arrives after the call alone.
	FromNow = ^uint64(0)
)

// Follow starts after an arrival number.
func (e *Engine) Follow(ctx context.Context, after uint64, match Match) *Follow {
	f := &Follow{e: e, ctx: ctx, match: match, passed: after}
	if err := e.gate.enter(); err != nil {
		f.err, f.done = err, true
		return f
	}
	defer e.gate.leave()
	if after == FromNow {
		f.passed = e.current().next - 1
	}
	f.window = f.passed
	return f
}

// Next goes to the next event and waits for it if need be. It returns false when the context ends or the store closes.
func (f *Follow) Next() bool {
	ok, _ := f.NextBefore(nil)
	return ok
}

// NextBefore is Next that waits until late tells something at most. A nil channel never does.
func (f *Follow) NextBefore(late <-chan time.Time) (ok, isLate bool) {
	for {
		ok, _, wait := f.try()
		if ok || f.done {
			return ok, false
		}
		if wait == nil {
			continue
		}
		select {
		case <-wait:
		case <-f.ctx.Done():
		case <-f.e.gate.closing:
		case <-late:
			return false, true
		}
	}
}

// TryNext is Next that never waits. caughtUp: there is nothing more at the moment.
func (f *Follow) TryNext() (ok, caughtUp bool) {
	ok, caughtUp, _ = f.try()
	return ok, caughtUp
}

// try goes to the next row, through at most one new window.
func (f *Follow) try() (ok, caughtUp bool, wait <-chan struct{}) {
	if f.done {
		return false, true, nil
	}
	if err := f.ctx.Err(); err != nil {
		f.done = true
		return false, true, nil
	}
	if err := f.e.gate.enter(); err != nil {
		f.err, f.done = err, true
		return false, true, nil
	}
	defer f.e.gate.leave()
	for {
		for len(f.rows) > 0 {
			f.row = f.rows[0]
			f.rows[0] = Row{}
			f.rows = f.rows[1:]
			f.passed = f.row.Key.Arrival()
			if f.match == nil || f.match(f.row) {
				return true, false, nil
			}
		}
		f.passed = f.window
		select {
		case <-f.e.gate.closing:
			f.err, f.done = errClosed(), true
			return false, true, nil
		default:
		}
		if f.changed != nil {
			select {
			case <-f.changed:
			default:
				return false, true, f.changed
			}
		}
		f.load()
		if len(f.rows) == 0 && f.changed != nil {
			f.passed = f.window
			return false, true, f.changed
		}
		if f.ctx.Err() != nil {
			f.done = true
			return false, true, nil
		}
	}
}

// load reads the next window that has rows. f.changed is set if no number is left after it.
func (f *Follow) load() {
	v := f.e.acquire(false)
	defer v.Release()
	st := v.st
	f.changed = nil
	if f.passed+1 >= st.next {
		f.changed = st.changed
		return
	}
	for _, a := range st.absent {
		if a.MaxArrival > f.passed {
			f.note(a.err)
		}
	}
	low := f.lowest(v, f.passed, false)
	if low < st.next {
		f.read(v, low, min(low+followWindow, st.next))
		if len(f.rows) == 0 && f.window+1 < st.next {
			// A hole: numbers jump with every epoch, and a block may span the jump.
			if low = f.lowest(v, f.window, true); low < st.next {
				f.read(v, low, min(low+followWindow, st.next))
			}
		}
	}
	if low >= st.next {
		f.window = st.next - 1
	}
	if f.window+1 == st.next {
		f.changed = st.changed
	}
}

// lowest returns the lowest number above after that a block may have or, if exact, has; the state's next if none.
func (f *Follow) lowest(v *View, after uint64, exact bool) uint64 {
	low := v.st.next
	see := func(minArrival, maxArrival uint64, open func() (*block.Block, error)) {
		switch {
		case maxArrival <= after || minArrival >= low:
		case minArrival > after:
			low = minArrival
		case !exact:
			low = min(low, after+1)
		default:
			b, err := open()
			if err != nil {
				f.note(err)
				return
			}
			for i := range b.Rows() {
				if a := b.Key(i).Arrival(); a > after && a < low {
					low = a
				}
			}
		}
	}
	for _, r := range v.st.recent {
		see(r.minArrival, r.maxArrival, func() (*block.Block, error) { return f.e.recentBlock(r, true) })
	}
	for _, p := range v.st.set.parts {
		if p.MaxArrival <= after {
			continue
		}
		for i := range p.reader.Blocks() {
			m := p.reader.Meta(i)
			see(m.MinArrival, m.MaxArrival, func() (*block.Block, error) { return f.e.segmentBlock(p, i, true) })
		}
	}
	return low
}

// read fills rows with the numbers from low until before end.
func (f *Follow) read(v *View, low, end uint64) {
	st := v.st
	f.rows = f.rows[:0]
	for _, r := range st.recent {
		if r.minArrival < end && r.maxArrival >= low {
			b, err := f.e.recentBlock(r, true)
			if err != nil {
				f.note(err)
				continue
			}
			f.collect(b, low, end, v, 0)
		}
	}
	for _, p := range st.set.parts {
		if p.MinArrival >= end || p.MaxArrival < low {
			continue
		}
		for i := range p.reader.Blocks() {
			if m := p.reader.Meta(i); m.MinArrival < end && m.MaxArrival >= low {
				b, err := f.e.segmentBlock(p, i, true)
				if err != nil {
					f.note(err)
					continue
				}
				f.collect(b, low, end, v, p.Applied)
			}
		}
	}
	slices.SortFunc(f.rows, func(a, b Row) int { return cmp.Compare(a.Key.Arrival(), b.Key.Arrival()) })
	f.window = end - 1
}

func (f *Follow) collect(b *block.Block, low, end uint64, v *View, applied uint64) {
	n := b.Rows()
	if n == 0 {
		return
	}
	if d := b.Damaged(); d != nil {
		f.note(d.Err)
	}
	hidden, err := f.e.mask(b, hides(v.st.deletions, b.Key(0), b.Key(n-1), b.MinArrival(), applied))
	if err != nil {
		f.note(f.e.unjudged(err))
	}
	for i := range n {
		k := b.Key(i)
		if a := k.Arrival(); a >= low && a < end && !hidden.Has(i) {
			f.rows = append(f.rows, Row{b, i, k})
		}
	}
}

// note keeps what was lost, once each.
func (f *Follow) note(err error) {
	for _, o := range f.lost {
		if o.Error() == err.Error() {
			return
		}
	}
	f.lost = append(f.lost, err)
}

// Row is the event at hand.
func (f *Follow) Row() Row { return f.row }

// Lost notes damage that the caller met in a row.
func (f *Follow) Lost(err error) { f.note(err) }

// Passed is the arrival number up to which everything was handed out or passed over.
func (f *Follow) Passed() uint64 { return f.passed }

// Err returns Closed if the store was closed, or what was lost to damage. The end of the context is no error.
func (f *Follow) Err() error {
	if f.err == nil && len(f.lost) > 0 {
		return fault.Wrap(f.lost[0], "follow", "%d damaged places were passed over; the first", len(f.lost))
	}
	return f.err
}

// Close ends the follow.
func (f *Follow) Close() error {
	f.done, f.rows = true, nil
	return f.Err()
}
