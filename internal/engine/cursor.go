package engine

import (
	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/membership"
)

// A cursor walks one source of a merge in key order: a recent block, or the blocks of
// one segment, which it opens one after the other when their turn comes.
type cursor struct {
	key event.Key // of the row at hand; before the block is opened, no row of it comes before (after, if descending) key
	end event.Key // no row of the block at hand comes after (before, if descending) it

	block     *block.Block // nil: not opened yet
	pick      *Pick
	row       int
	low, high int                 // the block's rows in the span: low to high-1
	deletions []manifest.Deletion // that concern the block at hand
	hidden    block.Bitmap        // its rows that they hide

	recent *recent // the source, or
	part   *part
	index  int // of the part's block at hand
	last   int // index of the part's last block, in the direction of the walk
}

// A merge reads several sources as one, in key order. Not for concurrent use.
type merge struct {
	e          *Engine
	span       Span
	descending bool
	deletions  []manifest.Deletion
	heap       []*cursor
	lost       func(error)                  // told of each block that cannot be read
	view       *View                        // what pins the parts, if it may be released while the merge goes on
	closed     bool                         // it was released
	ahead      *readAhead                   // nil: a block is opened when its turn comes
	once       bool                         // its blocks are not read again soon: they are not cached
	selects    func(*block.Block) Selection // nil if nothing is selected
	texts      []Text                       // that every event has which is wanted
}

// A Run is rows of a block that a scan has next to each other; a descending scan has the last one first.
type Run struct {
	block.Run
	Pick *Pick // what is selected in the block; nil if the scan selects nothing
}

// Rows is how many rows the run has.
func (r *Run) Rows() int { return r.To - r.From }

// Take takes from the run its next row, in the order of the scan, that is selected or open: then only the event tells. It is -1, and the run
// empty, if there is none.
func (r *Run) Take(descending bool) (row int, open bool) {
	if descending {
		if row, open = r.Pick.Last(r.From, r.To); row >= r.From {
			r.To = row
			return row, open
		}
	} else if row, open = r.Pick.First(r.From, r.To); row < r.To {
		r.From = row + 1
		return row, open
	}
	r.From = r.To
	return -1, false
}

// before reports whether cursor a comes before b.
func (m *merge) before(a, b *cursor) bool {
	c := a.key.Compare(b.key)
	if c == 0 {
		// Keys are unique: one of them is only a bound. It has to be opened first.
		return a.block == nil && b.block != nil
	}
	return (c < 0) != m.descending
}

// newMerge starts a merge of what the span has in the sources.
func newMerge(e *Engine, span Span, descending bool, parts []*part, recents []*recent, deletions []manifest.Deletion, lost func(error)) *merge {
	m := &merge{e: e, span: span, descending: descending, deletions: deletions, lost: lost}
	if span.Empty() {
		return m
	}
	for _, p := range parts {
		if !span.Overlaps(p.MinKey, p.MaxKey) {
			continue
		}
		c := &cursor{part: p}
		first, last := p.blocksIn(span)
		if first > last {
			continue
		}
		c.index, c.last = first, last
		if descending {
			c.index, c.last = last, first
		}
		if m.settle(c) {
			m.heap = append(m.heap, c)
		}
	}
	for _, r := range recents {
		if !span.Overlaps(r.minKey, r.maxKey) {
			continue
		}
		c := &cursor{recent: r}
		if m.settle(c) {
			m.heap = append(m.heap, c)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return m
}

// blocksIn returns the first and last block that may have keys of the span; first > last if none has.
func (p *part) blocksIn(s Span) (first, last int) {
	n := p.reader.Blocks()
	first = search(n, func(i int) bool { return p.reader.Meta(i).MaxKey.Compare(s.From) >= 0 })
	last = search(n, func(i int) bool { return p.reader.Meta(i).MinKey.Compare(s.To) > 0 }) - 1
	return first, last
}

func search(n int, ok func(int) bool) int {
	lo, hi := 0, n
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); ok(mid) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// settle makes the cursor wait at its block at hand, unopened, or at the next one if
// deletions hide all of that. It returns false if the source has no more.
func (m *merge) settle(c *cursor) bool {
	for {
		c.block = nil
		minKey, maxKey, hidden := m.bounds(c, c.index)
		if !hidden {
			c.key, c.end = minKey, maxKey
			if m.descending {
				c.key, c.end = maxKey, minKey
			}
			return true
		}
		if !m.nextBlock(c) {
			return false
		}
	}
}

// bounds returns the keys between which a block of the cursor's source lies, and whether deletions hide all of it. It sets
// the cursor's deletions.
func (m *merge) bounds(c *cursor, index int) (minKey, maxKey event.Key, hidden bool) {
	var minArrival, maxArrival, applied uint64
	if c.recent != nil {
		r := c.recent
		minKey, maxKey, minArrival, maxArrival = r.minKey, r.maxKey, r.minArrival, r.maxArrival
	} else {
		b := c.part.reader.Meta(index)
		minKey, maxKey, minArrival, maxArrival, applied = b.MinKey, b.MaxKey, b.MinArrival, b.MaxArrival, c.part.Applied
	}
	c.deletions = nil
	if len(m.deletions) > 0 {
		c.deletions = hides(m.deletions, minKey, maxKey, minArrival, applied)
	}
	return minKey, maxKey, covered(c.deletions, minKey, maxKey, maxArrival)
}

// nextBlock steps to the source's next block.
func (m *merge) nextBlock(c *cursor) bool {
	if c.recent != nil || c.index == c.last {
		return false
	}
	if m.descending {
		c.index--
	} else {
		c.index++
	}
	return true
}

// open opens the block at hand and goes to its first row in the span. ok is false if
// there is none, or the block cannot be read.
func (m *merge) open(c *cursor) (ok bool) {
	if c.recent != nil && c.recent.block != nil {
		c.block, c.pick = c.recent.block, m.newPick(c.recent.block)
	} else if !m.openFile(c) {
		return false
	}
	var err error
	if d := c.block.Damaged(); d != nil {
		m.lost(d.Err)
	}
	if c.hidden, err = m.e.mask(c.block, c.deletions); err != nil {
		m.lost(m.e.unjudged(err))
	}
	c.low, c.high = c.block.Search(m.span.From), c.block.Rows()
	if end, some := After(m.span.To); some {
		c.high = c.block.Search(end)
	}
	c.row = c.low
	if m.descending {
		c.row = c.high - 1
	}
	return m.stand(c)
}

// openFile opens the cursor's block of a segment, or of a journal.
func (m *merge) openFile(c *cursor) (ok bool) {
	if m.ahead != nil {
		if o, ok := m.ahead.take(c); ok {
			c.block, c.pick = o.block, o.pick
			m.lookAhead(c, &o)
			return !o.excluded
		}
	}
	if m.view != nil {
		if !m.view.hold() {
			m.closed = true
			return false
		}
		defer m.view.st.set.release()
	}
	o, err := m.read(c)
	if err != nil {
		m.lost(err)
		return false
	}
	c.block, c.pick = o.block, o.pick
	m.lookAhead(c, &o)
	return !o.excluded
}

// excluded says whether the cursor's block, which is not open, has surely no event that is wanted.
func (m *merge) excluded(c *cursor) bool {
	if c.part == nil || len(m.texts) == 0 || m.e.cache.has(c.fileKey()) {
		return false
	}
	sets := c.part.reader.Sets(c.index)
	if sets == nil {
		return false
	}
	for _, t := range m.texts {
		out, err := membership.Excludes(sets, sets.Size(), t.Name, t.Value)
		if err != nil { // the block's own checksum tells what is lost
			return false
		}
		if out {
			return true
		}
	}
	return false
}

// stand makes the row at hand, or the next one that deletions don't hide, the cursor's key; ok is false if none is left.
func (m *merge) stand(c *cursor) (ok bool) {
	for c.row >= c.low && c.row < c.high {
		c.key = c.block.Key(c.row)
		if !c.hidden.Has(c.row) {
			return true
		}
		m.stepRow(c)
	}
	return false
}

func (m *merge) stepRow(c *cursor) {
	if m.descending {
		c.row--
	} else {
		c.row++
	}
}

// top returns the cursor at the next row, or nil at the end. The row is c.block's c.row.
func (m *merge) top() *cursor {
	for len(m.heap) > 0 {
		c := m.heap[0]
		if c.block != nil {
			return c
		}
		if !m.open(c) {
			m.leaveBlock(c)
			continue
		}
		m.down(0)
	}
	return nil
}

// step moves the top cursor past its row.
func (m *merge) step() {
	c := m.heap[0]
	m.stepRow(c)
	if !m.stand(c) {
		m.leaveBlock(c)
		return
	}
	m.down(0)
}

// run takes the next rows that stand side by side in one block, at most most of them; ok is false at the end.
func (m *merge) run(most int) (r Run, ok bool) {
	c := m.top()
	if c == nil {
		return Run{}, false
	}
	left := c.high - c.row
	if m.descending {
		left = c.row - c.low + 1
	}
	n := m.sideBySide(c, min(left, most))
	if m.descending {
		r = Run{block.Run{Block: c.block, From: c.row - n + 1, To: c.row + 1}, c.pick}
		c.row -= n - 1
	} else {
		r = Run{block.Run{Block: c.block, From: c.row, To: c.row + n}, c.pick}
		c.row += n - 1
	}
	m.step()
	return r, true
}

// sideBySide returns how many of the top cursor's next n rows, the one at hand among them, come before any other source's and are not hidden.
func (m *merge) sideBySide(c *cursor, n int) int {
	at := func(i int) event.Key { // the row i steps on
		if m.descending {
			i = -i
		}
		return c.block.Key(c.row + i)
	}
	var next *cursor
	for _, o := range m.heap[1:min(3, len(m.heap))] {
		if next == nil || m.before(o, next) {
			next = o
		}
	}
	if next != nil && !m.ends(c, next.key) {
		first := func(i int) bool { return (at(i).Compare(next.key) < 0) != m.descending }
		if !first(n - 1) {
			// Sources that are interleaved finely have short runs: look nearby first.
			near := 1
			for near < n && first(near) {
				near *= 2
			}
			low := near / 2 // first(low) holds
			n = low + 1 + search(min(near, n)-low-1, func(i int) bool { return !first(low + 1 + i) })
		}
	}
	if c.hidden != nil {
		for i := 1; i < n; i++ {
			row := c.row + i
			if m.descending {
				row = c.row - i
			}
			if c.hidden.Has(row) {
				return i
			}
		}
	}
	return n
}

// ends says whether all rows of the cursor's block come before a key.
func (m *merge) ends(c *cursor, before event.Key) bool {
	if m.descending {
		return c.end.Compare(before) > 0
	}
	return c.end.Compare(before) < 0
}

// leaveBlock takes the top cursor to its source's next block, or out of the heap.
func (m *merge) leaveBlock(c *cursor) {
	if !m.nextBlock(c) || !m.settle(c) {
		end := len(m.heap) - 1
		m.heap[0] = m.heap[end]
		m.heap[end] = nil
		m.heap = m.heap[:end]
	}
	m.down(0)
}

func (m *merge) down(i int) {
	for {
		least := i
		if l := 2*i + 1; l < len(m.heap) && m.before(m.heap[l], m.heap[least]) {
			least = l
		}
		if r := 2*i + 2; r < len(m.heap) && m.before(m.heap[r], m.heap[least]) {
			least = r
		}
		if least == i {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}
