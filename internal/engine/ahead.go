package engine

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/segment"
)

// A readAhead opens the blocks whose turn comes next while the rows of others are used: one, and more the more blocks one after the other have had nothing that
// is wanted, for then all that a scan does is to open blocks.
type readAhead struct {
	load   bool // its columns are decoded too
	most   int  // blocks at a time
	opened map[cacheKey]chan opened
}

// opened is a block, nil if it could not be opened, with what a scan has selected in it.
type opened struct {
	block    *block.Block
	pick     *Pick
	excluded bool // it was not opened, as nothing in it is wanted
}

// mostAhead is how many blocks are opened before their turn at most, for each processor: what a scan may hold beside the blocks that it is in. Some of them wait for the disk.
const mostAhead = 2

func newReadAhead(load bool) *readAhead {
	return &readAhead{load: load, most: 1, opened: map[cacheKey]chan opened{}}
}

// fileKey names the cursor's block at hand.
func (c *cursor) fileKey() cacheKey {
	if c.part != nil {
		return cacheKey{c.part.Number, int64(c.index)}
	}
	return cacheKey{c.recent.journal, c.recent.offset}
}

// take returns the block at hand if it was opened ahead.
func (a *readAhead) take(c *cursor) (o opened, ok bool) {
	done, ok := a.opened[c.fileKey()]
	if !ok {
		return o, false
	}
	delete(a.opened, c.fileKey())
	o = <-done
	return o, o.block != nil || o.excluded
}

// met notes whether the block whose turn it was had something that is wanted.
func (a *readAhead) met(some bool) {
	if a.most *= 2; some {
		a.most = 1
	}
	a.most = min(a.most, mostAhead*runtime.GOMAXPROCS(0))
}

// lookAhead begins to open the blocks whose turn comes next. Cursor c, at the top, has just opened one.
func (m *merge) lookAhead(c *cursor, o *opened) {
	a := m.ahead
	if a == nil {
		return
	}
	if a.met(!o.excluded); len(a.opened) >= a.most {
		return
	}
	var next []*cursor // what the heap's cursors will have at hand
	for _, o := range m.heap {
		n := *o
		if o != c && o.block == nil || m.nextBlock(&n) && m.settle(&n) {
			next = append(next, &n)
		}
	}
	for turns := 0; len(next) > 0 && turns < a.most; turns++ {
		least := 0
		for i := range next {
			if m.before(next[i], next[least]) {
				least = i
			}
		}
		n := next[least]
		if n.recent == nil || n.recent.block == nil {
			m.openAhead(n)
		}
		if !m.nextBlock(n) || !m.settle(n) {
			next = append(next[:least], next[least+1:]...)
		}
	}
}

// openAhead begins to open the block at hand of a cursor, unless that was begun.
func (m *merge) openAhead(c *cursor) {
	if m.ahead.opened[c.fileKey()] != nil {
		return
	}
	done, source, load := make(chan opened, 1), *c, m.ahead.load
	m.ahead.opened[source.fileKey()] = done
	fault.Go(nil, "read ahead", func() {
		var o opened
		defer func() { done <- o }()
		if m.e.gate.enter() != nil {
			return
		}
		defer m.e.gate.leave()
		if !m.view.hold() {
			return
		}
		defer m.view.st.set.release()
		// An error is met again, and told, when the block's turn comes.
		if o, _ = m.read(&source); o.block == nil {
			return
		}
		if load {
			_ = o.block.Load()
		}
		_, _ = m.e.mask(o.block, source.deletions) // the block remembers what filters say
		if o.pick != nil {
			o.pick.Selection()
		}
	}, func(error) {}) // it is met again, and told, when the block's turn comes
}

// read opens the block at hand of a cursor, from the cache or the disk, unless nothing in it is wanted. It leaves merge and cursor alone.
func (m *merge) read(c *cursor) (o opened, err error) {
	if c.part == nil {
		b, err := m.e.recentBlock(c.recent, !m.once)
		return opened{block: b, pick: m.newPick(b)}, err
	}
	if m.excluded(c) {
		return opened{excluded: true}, nil
	}
	if m.selects != nil {
		// What is asked of the columns tells often that the rest need not be read.
		if b, err := m.e.segmentPart(c.part, c.index, !m.once); err == nil {
			o := opened{block: b, pick: m.newPick(b)}
			if s := o.pick.Selection(); !b.Broken() && !s.Yes.Any() && !s.Open.Any() {
				return opened{excluded: true}, nil
			}
			if b.Fetch() == nil {
				return o, nil
			}
		}
	}
	b, err := m.e.segmentBlock(c.part, c.index, !m.once)
	return opened{block: b, pick: m.newPick(b)}, err
}

// A Selection is what can be said about all rows of a block at once: these are wanted, and of those only the event tells.
type Selection struct{ Yes, Open block.Bitmap }

// A Pick is what a scan selects in a block, found out when it is first asked for. Safe for concurrent use.
type Pick struct {
	once      sync.Once
	of        func(*block.Block) Selection
	block     *block.Block
	selection Selection
}

// Selection returns what is selected.
func (p *Pick) Selection() *Selection {
	p.once.Do(func() { p.selection = p.of(p.block) })
	return &p.selection
}

// First returns the first of the rows from from on and before to that is selected, or open: then only the event tells. It is to if there is
// none. Without a pick all rows are open.
func (p *Pick) First(from, to int) (row int, open bool) {
	if p == nil {
		return from, true
	}
	s := p.Selection()
	row = block.First(s.Yes, s.Open, from, to)
	return row, row < to && s.Open.Has(row)
}

// Last returns the last of these rows, and from-1 if there is none.
func (p *Pick) Last(from, to int) (row int, open bool) {
	if p == nil {
		return to - 1, true
	}
	s := p.Selection()
	row = block.Last(s.Yes, s.Open, from, to)
	return row, row >= from && s.Open.Has(row)
}

// newPick returns a pick of the block; nil if the scan selects nothing.
func (m *merge) newPick(b *block.Block) *Pick {
	if m.selects == nil || b == nil {
		return nil
	}
	return &Pick{of: m.selects, block: b}
}

// segmentBlock returns block i of a segment, from the cache or the disk; keep has it stay in the cache. What cannot be
// read is noted as damage, and the error says what is lost. Of a block that is damaged in part the sound rows are there, and mask hides the others.
func (e *Engine) segmentBlock(p *part, i int, keep bool) (*block.Block, error) {
	key := cacheKey{p.Number, int64(i)}
	if b := e.cache.get(key); b != nil {
		if b.Fetch() == nil {
			return b, nil
		}
		e.cache.lose(key, b)
	}
	b, err := openSegmentBlock(p, i)
	if fault.KindOf(err) == fault.Corrupt {
		b = openDamagedBlock(p, i)
	}
	if err != nil {
		meta := p.reader.Meta(i)
		lost := lostBlock("read segment", err, p, i, b)
		e.lost(lost, lost.Msg, toll{lostRows(b, meta), meta.MinKey, meta.MaxKey})
		if b == nil {
			return nil, lost
		}
		b.Damaged().Err = lost
	}
	if keep {
		e.cache.put(key, b)
	}
	return b, nil
}

// segmentPart is segmentBlock for who asks for some columns of many events: of a block that is not in the cache only what they need is read, while the
// segment is held. One that turns out to be Broken has to be asked for by segmentBlock, which says what is lost.
func (e *Engine) segmentPart(p *part, i int, keep bool) (*block.Block, error) {
	key := cacheKey{p.Number, int64(i)}
	if b := e.cache.get(key); b != nil && !b.Broken() {
		return b, nil
	}
	meta := p.reader.Meta(i)
	first, src, err := p.reader.Part(i, block.PartBytes)
	if src == nil || err != nil {
		return e.segmentBlock(p, i, keep)
	}
	b, err := block.OpenPart(first, src, int(src.Size()), meta.Base)
	if err != nil || b.Rows() != meta.Rows {
		return e.segmentBlock(p, i, keep)
	}
	if keep {
		e.cache.put(key, b)
	}
	return b, nil
}

// lostBlock says what is lost by a damaged block. b is what is left of it, nil if nothing is.
func lostBlock(op string, err error, p *part, i int, b *block.Block) *fault.Error {
	m := p.reader.Meta(i)
	what := "lost: " + plural(int64(m.Rows), "event")
	if b != nil {
		what = fmt.Sprintf("damaged, lost are %d of its %s", b.Damaged().Lost, plural(int64(m.Rows), "event"))
	}
	lost := fault.Wrap(err, op, "block %d of %s is %s from %s to %s", i, p.reader.Name(), what, m.MinKey.Time().Format(timeLayout), m.MaxKey.Time().Format(timeLayout))
	if b != nil { // the columns are known
		lost.Err = errors.Join(err, b.Damaged().Err)
	}
	return lost
}

func lostRows(b *block.Block, m segment.Meta) int64 {
	if b == nil {
		return int64(m.Rows)
	}
	return int64(b.Damaged().Lost)
}

// openDamagedBlock opens a block that openSegmentBlock has found damaged; nil if nothing of it is sound. Who asks may let go of the rest for good: so a read that
// fails is tried again.
func openDamagedBlock(p *part, i int) *block.Block {
	m := p.reader.Meta(i)
	var data []byte
	var err error
	for range readTries {
		if data, err = p.reader.ReadDamaged(i); fault.KindOf(err) != fault.IO {
			break
		}
	}
	if err != nil {
		return nil
	}
	b, err := block.OpenDamaged(data, m.Base)
	if err != nil || b.Damaged() == nil || checkMeta(b, m) {
		return nil
	}
	return b
}

func openSegmentBlock(p *part, i int) (*block.Block, error) {
	meta := p.reader.Meta(i)
	data, err := p.reader.ReadBlock(i, nil)
	if err != nil {
		return nil, err
	}
	b, err := block.Open(data, meta.Base)
	if err == nil && b.Rows() != meta.Rows {
		err = fault.New(fault.Corrupt, "open block", "expected %d rows, found %d", meta.Rows, b.Rows()).At(p.reader.Name(), fault.NoOffset)
	}
	return b, err
}

const timeLayout = "2006-01-02T15:04:05.999999999Z07:00"
