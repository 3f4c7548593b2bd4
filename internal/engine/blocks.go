package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// A Slab is what a view shows of one block in a span: its rows from From on and before To, but for the hidden ones. Of the block a part may be there alone: see
// block.OpenPart for what has to be called before what.
type Slab struct {
	Block    *block.Block
	From, To int
	Hidden   block.Bitmap // rows that are not shown; nil: all are
	Sound    bool         // those that are lost to damage are hidden too
}

// Whole has all of the block be there, for who reads events. fault.Corrupt if some that are shown are damaged.
func (s *Slab) Whole() error {
	if d := s.Block.Damaged(); d != nil && !s.Sound {
		return d.Err
	}
	return s.Block.Fetch()
}

// Rows sets in rows, which is empty, the rows of the slab.
func (s *Slab) Rows(rows block.Bitmap) {
	rows.SetRange(s.From, s.To)
	for i := range s.Hidden {
		rows[i] &^= s.Hidden[i]
	}
}

// A Closed block is one that was not opened yet, of which all rows are shown.
type Closed struct {
	Rows           int
	MinKey, MaxKey event.Key
}

// Blocks is a walk over the blocks of a view, in no order, for who does not ask which event comes first. All but Each may be nil or zero.
type Blocks struct {
	Span    Span
	Texts   []Text // each of which every wanted event has: blocks that surely have none are passed over
	Workers int    // how many work side by side, at least one

	// Counted is asked whether a block need not be opened, as what is known of it is enough. It may also pass over what is not wanted.
	Counted func(worker int, c Closed) bool
	// Each works on one block. It is called by several goroutines, each with its number below Workers. An error ends the walk, unless it is of the
	// block (Corrupt, IO): then nothing may have been counted, and Each is called once more, for the rows of which all is sound. Damage to a block that Each
	// does not meet is not told: what was asked for is sound.
	Each func(worker int, s Slab) error

	Passed atomic.Int64 // out: blocks that were not opened
	Opened atomic.Int64 // out: blocks that were

	lost   []error
	losing sync.Mutex
	err    error
	stop   atomic.Bool
}

// Walk walks over the blocks of a view, and waits until all workers have ended. The error is why it ended early (Canceled, Closed, what Each returned) or, at
// the end, what of the span was lost to damage, which was passed over; early tells which. A panic of a worker ends it as Internal.
func (b *Blocks) Walk(ctx context.Context, v *View) (early bool, err error) {
	if err := v.e.gate.enter(); err != nil {
		return true, err
	}
	defer v.e.gate.leave()
	if !v.hold() {
		return true, fault.New(fault.Closed, "read", "the snapshot is closed")
	}
	defer v.st.set.release()

	for _, a := range v.st.absent {
		if b.Span.Overlaps(a.MinKey, a.MaxKey) {
			b.lost = append(b.lost, a.err)
		}
	}
	m := &merge{e: v.e, span: b.Span, deletions: v.st.deletions, texts: b.Texts, lost: func(err error) {
		b.losing.Lock()
		b.lost = append(b.lost, err)
		b.losing.Unlock()
	}}
	tasks := m.each(v.st)
	v.e.walks.Add(1)
	defer v.e.walks.Add(-1)
	var next atomic.Int64
	var ended sync.WaitGroup
	for worker := range min(max(b.Workers, 1), max(len(tasks), 1)) {
		fault.Go(&ended, "read", func() {
			begun := time.Now()
			for !b.stop.Load() {
				i := int(next.Add(1)) - 1
				if i >= len(tasks) {
					return
				}
				if err := v.stopped(ctx); err != nil {
					b.end(err)
					return
				}
				if time.Since(begun) > walkTurn {
					runtime.Gosched()
					begun = time.Now()
				}
				b.task(m, worker, tasks[i])
			}
		}, b.end)
	}
	ended.Wait()
	if b.err != nil {
		return true, b.err
	}
	return false, whatWasLost(nil, b.lost)
}

// end ends the walk early.
func (b *Blocks) end(err error) {
	b.stop.Store(true)
	b.losing.Lock()
	defer b.losing.Unlock()
	if b.err == nil {
		b.err = err
	}
}

// stopped returns why nothing more is to be read of the view, which its caller holds.
func (v *View) stopped(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.WrapAs(fault.Canceled, err, "read", "the caller gave up")
	}
	select {
	case <-v.e.gate.closing:
		return errClosed()
	default:
	}
	if v.isReleased() {
		return fault.New(fault.Closed, "read", "the snapshot is closed")
	}
	return nil
}

// each returns a cursor for each block that the merge's span has, the newest first: they are in the cache, more often.
func (m *merge) each(st *state) (all []*cursor) {
	if m.span.Empty() {
		return nil
	}
	for i := len(st.recent) - 1; i >= 0; i-- {
		if r := st.recent[i]; m.span.Overlaps(r.minKey, r.maxKey) {
			all = append(all, &cursor{recent: r})
		}
	}
	for i := len(st.set.parts) - 1; i >= 0; i-- {
		p := st.set.parts[i]
		if !m.span.Overlaps(p.MinKey, p.MaxKey) {
			continue
		}
		first, last := p.blocksIn(m.span)
		for at := last; at >= first; at-- {
			all = append(all, &cursor{part: p, index: at, last: at})
		}
	}
	return all
}

func (b *Blocks) task(m *merge, worker int, c *cursor) {
	minKey, maxKey, hidden := m.bounds(c, c.index)
	if hidden {
		return
	}
	whole := len(c.deletions) == 0 && m.span.Within(minKey, maxKey) // all of the block is shown
	if b.Counted != nil && whole {
		rows := 0
		if c.recent != nil {
			rows = c.recent.rows
		} else {
			rows = c.part.reader.Meta(c.index).Rows
		}
		if b.Counted(worker, Closed{rows, minKey, maxKey}) {
			b.Passed.Add(1)
			return
		}
	}
	if m.excluded(c) {
		b.Passed.Add(1)
		return
	}
	b.Opened.Add(1)
	part, err := m.e.partOf(c)
	if err == nil {
		if err = b.use(m, worker, c, part, whole, false); err == nil {
			return
		}
	}
	var final *finalError
	if k := fault.KindOf(err); k != fault.Corrupt && k != fault.IO || errors.As(err, &final) {
		b.failed(m, err)
		return
	}
	// What is lost with the part that was needed is told by who reads the block whole.
	all, err := m.e.wholeBlock(c)
	if err == nil {
		if d := all.Damaged(); d != nil {
			m.lost(d.Err)
		}
		err = b.use(m, worker, c, all, false, true)
	}
	if err != nil {
		b.failed(m, err)
	}
}

// Final says of an error of Each that some of the block was counted already: the block is not handed over again, and whatever the error is, it ends the walk.
func Final(err error) error { return &finalError{err} }

type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }

// failed notes damage, or that the walk ends.
func (b *Blocks) failed(m *merge, err error) {
	var final *finalError
	if errors.As(err, &final) {
		b.end(final.error)
		return
	}
	if k := fault.KindOf(err); k == fault.Corrupt || k == fault.IO {
		m.lost(err)
		return
	}
	b.end(err)
}

// use hands over what is shown of a block.
func (b *Blocks) use(m *merge, worker int, c *cursor, of *block.Block, whole, sound bool) error {
	s := Slab{Block: of, To: of.Rows(), Sound: sound}
	hidden := m.e.deleted
	if sound {
		hidden = m.e.mask
	}
	if !whole {
		if err := of.LoadKeys(); err != nil {
			return err
		}
		var err error
		if s.Hidden, err = hidden(of, c.deletions); err != nil {
			if of.Broken() {
				return err
			}
			m.lost(m.e.unjudged(err))
		}
		s.From = of.Search(m.span.From)
		if end, some := After(m.span.To); some {
			s.To = of.Search(end)
		}
	}
	if s.From >= s.To {
		return nil
	}
	return b.Each(worker, s)
}

// partOf returns the block at hand of a cursor, perhaps in part.
func (e *Engine) partOf(c *cursor) (*block.Block, error) {
	if c.part != nil {
		return e.segmentPart(c.part, c.index, true)
	}
	return e.recentBlock(c.recent, true)
}

// wholeBlock returns the block at hand of a cursor, with all that is in it.
func (e *Engine) wholeBlock(c *cursor) (*block.Block, error) {
	if c.part != nil {
		return e.segmentBlock(c.part, c.index, true)
	}
	return e.recentBlock(c.recent, true)
}
