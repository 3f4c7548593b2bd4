package engine

import (
	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// A readAhead opens the block whose turn comes next while the rows of others are used.
type readAhead struct {
	load   bool // its columns are decoded too
	opened map[cacheKey]chan *block.Block
}

// maxAhead is how many blocks are opened before their turn: what a scan may hold beside the blocks that it is in.
const maxAhead = 1

func newReadAhead(load bool) *readAhead {
	return &readAhead{load: load, opened: map[cacheKey]chan *block.Block{}}
}

// take returns a block that was opened ahead, nil if it was not, or could not be.
func (a *readAhead) take(p *part, index int) *block.Block {
	k := cacheKey{p.Number, int64(index)}
	done := a.opened[k]
	if done == nil {
		return nil
	}
	delete(a.opened, k)
	return <-done
}

// lookAhead begins to open the block whose turn comes next. Cursor c, at the top, has just opened one.
func (m *merge) lookAhead(c *cursor) {
	if m.ahead == nil || len(m.ahead.opened) >= maxAhead {
		return
	}
	var p *part
	var index int
	var first event.Key
	see := func(o *part, i int, key event.Key) {
		if p == nil || (key.Compare(first) < 0) != m.descending {
			p, index, first = o, i, key
		}
	}
	for _, o := range m.heap {
		if o != c && o.block == nil && o.part != nil {
			see(o.part, o.index, o.key)
		}
	}
	if n := *c; c.part != nil && m.nextBlock(&n) && m.settle(&n) {
		see(n.part, n.index, n.key)
	}
	if p == nil {
		return
	}
	e, view, load, done := m.e, m.view, m.ahead.load, make(chan *block.Block, 1)
	m.ahead.opened[cacheKey{p.Number, int64(index)}] = done
	go func() {
		var b *block.Block
		defer func() { done <- b }()
		if e.gate.enter() != nil {
			return
		}
		defer e.gate.leave()
		if !view.hold() {
			return
		}
		defer view.st.set.release()
		// An error is met again, and told, when the block's turn comes.
		if b, _ = e.segmentBlock(p, index, true); b != nil && load {
			_ = b.Load()
		}
	}()
}

// segmentBlock returns block i of a segment, from the cache or the disk; keep has it stay in the cache. What cannot be
// read is noted as damage, and the error says what is lost.
func (e *Engine) segmentBlock(p *part, i int, keep bool) (*block.Block, error) {
	key := cacheKey{p.Number, int64(i)}
	if b := e.cache.get(key); b != nil {
		return b, nil
	}
	b, err := openSegmentBlock(p, i)
	if err != nil {
		meta := p.reader.Meta(i)
		lost := fault.Wrap(err, "read segment", "block %d of %s is lost: %d events from %s to %s", i, p.reader.Name(), meta.Rows,
			meta.MinKey.Time().Format(timeLayout), meta.MaxKey.Time().Format(timeLayout))
		e.damaged(lost, lost.Msg)
		return nil, lost
	}
	if keep {
		e.cache.put(key, b)
	}
	return b, nil
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
