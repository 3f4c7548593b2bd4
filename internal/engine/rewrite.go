package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/segment"
)

// A rewrite makes segments out of segments, deletions applied. A block that shares its time with no other, of which nothing is
// deleted and that is large enough, is copied as it stands, undecoded; the others are merged row by row into new ones.
type rewrite struct {
	e      *Engine
	ctx    context.Context
	gently bool
	st     *state
	inputs []*part
	skip   map[int]bool // blocks of the only input that are left out
	partly map[int]bool // those of it that are damaged, and of which the sound rows are taken

	out       outputs
	blocks    *blockWriter
	worked    time.Time // when the last rest ended
	damaged   *part     // a block of it cannot be read
	unread    error
	copyBlock []byte
}

// A unit is a block of an input.
type unit struct {
	part    *part
	index   int
	meta    segment.Meta
	touched bool // deletions hide some of it
}

// run returns the outputs, each with one reference. After an error they are gone, but for a file that could not be removed.
func (r *rewrite) run() ([]*part, error) {
	r.worked = time.Now()
	r.out = r.e.newOutputs(r.st)
	total := int64(0)
	sealed := uint64(0)
	for _, p := range r.inputs {
		total += p.Bytes
		id := p.reader.Info().Identity
		r.out.replaces.Segments = append(r.out.replaces.Segments, p.Number)
		for _, j := range id.Journals {
			sealed = max(sealed, j)
		}
	}
	if sealed > 0 {
		// Should the catalog be lost, the inputs' journals must still be known as sealed.
		r.out.replaces.Journals = []uint64{sealed}
	}
	size := r.e.policy().segmentBytes
	n := (total + size - 1) / size
	r.out.limit = (total + n - 1) / n
	r.blocks = &blockWriter{codec: block.Thorough, encoder: r.e.merger, tell: !r.e.o.Hooks.NoTelling, rows: r.e.o.Hooks.BlockRows, builder: r.e.newBuilder(), write: r.add, turn: turn{walks: &r.e.walks}}
	err := r.copyAll()
	r.e.merger = r.blocks.encoder
	if err == nil {
		err = r.out.end()
	}
	if err != nil {
		r.out.abandon()
		return nil, err
	}
	return r.out.parts, nil
}

func (r *rewrite) copyAll() error {
	units := r.units()
	for i := 0; i < len(units); {
		// Blocks that share their time, directly or by way of others.
		end, maxKey := i+1, units[i].meta.MaxKey
		for end < len(units) && units[end].meta.MinKey.Compare(maxKey) <= 0 {
			if k := units[end].meta.MaxKey; k.Compare(maxKey) > 0 {
				maxKey = k
			}
			end++
		}
		var err error
		if end == i+1 && !units[i].touched && r.large(units[i]) {
			err = r.copyWhole(units[i])
		} else {
			err = r.merge(units[i:end])
		}
		if err != nil {
			return err
		}
		i = end
	}
	return r.blocks.end()
}

// units lists the inputs' blocks in the order of their first keys, without those that are deleted wholly.
func (r *rewrite) units() []unit {
	var units []unit
	for _, p := range r.inputs {
		for i := range p.reader.Blocks() {
			m := p.reader.Meta(i)
			hiding := hides(r.st.deletions, m.MinKey, m.MaxKey, m.MinArrival, p.Applied)
			if !r.skip[i] && !covered(hiding, m.MinKey, m.MaxKey, m.MaxArrival) {
				units = append(units, unit{p, i, m, len(hiding) > 0 || r.partly[i]})
			}
		}
	}
	slices.SortFunc(units, func(a, b unit) int {
		return cmp.Or(a.meta.MinKey.Compare(b.meta.MinKey), cmp.Compare(a.part.Number, b.part.Number), cmp.Compare(a.index, b.index))
	})
	return units
}

// A block of less than a quarter of what one may have is joined with its neighbours.
func (r *rewrite) enough() int { return r.e.o.Hooks.BlockRows / 4 }

func (r *rewrite) large(u unit) bool {
	return u.meta.Rows >= r.enough() || u.part.reader.BlockBytes(u.index) >= largeBlock
}

// largeBlock is the length from which a block is large enough, however few its rows.
const largeBlock = 4 << 20

// copyWhole copies a block as it stands, unless a few rows wait in front of it: then it takes them in.
func (r *rewrite) copyWhole(u unit) error {
	if waiting := r.blocks.meta.Rows; waiting > 0 && waiting < r.enough() && u.meta.Rows < r.e.o.Hooks.BlockRows+r.enough() {
		r.blocks.rows = waiting + u.meta.Rows
		err := r.merge([]unit{u})
		r.blocks.rows = r.e.o.Hooks.BlockRows
		if err == nil {
			err = r.blocks.end()
		}
		return err
	}
	if err := r.blocks.end(); err != nil {
		return err
	}
	data, err := u.part.reader.ReadBlock(u.index, r.copyBlock)
	if err != nil {
		r.lost(u.part, err)
		return err
	}
	r.copyBlock = data
	return r.add(data, u.meta)
}

// merge puts the rows of blocks that share their time into new blocks.
func (r *rewrite) merge(units []unit) error {
	m := newMerge(r.e, Everything, false, nil, nil, r.st.deletions, func(err error) {
		if r.partly == nil || fault.KindOf(err) != fault.Corrupt {
			r.unread = cmp.Or(r.unread, err)
		}
	})
	m.once = true
	// The blocks of one input stand side by side.
	byPart := map[*part]*cursor{}
	for _, u := range units {
		if c := byPart[u.part]; c != nil {
			c.index, c.last = min(c.index, u.index), max(c.last, u.index)
		} else {
			byPart[u.part] = &cursor{part: u.part, index: u.index, last: u.index}
		}
	}
	for _, p := range r.inputs {
		if c := byPart[p]; c != nil && m.settle(c) {
			m.heap = append(m.heap, c)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	for {
		if err := r.rest(); err != nil {
			return err
		}
		run, ok := m.run(min(copyRows, r.blocks.rows-r.blocks.meta.Rows))
		if r.unread != nil {
			r.findDamaged(units)
			return r.unread
		}
		if !ok {
			return nil
		}
		if err := r.blocks.add(run.Run); err != nil {
			r.findDamaged(units)
			return err
		}
	}
}

// findDamaged finds out whose block it is that cannot be merged.
func (r *rewrite) findDamaged(units []unit) {
	for _, u := range units {
		b, err := openSegmentBlock(u.part, u.index)
		if err == nil {
			err = b.Load()
		}
		if err != nil {
			r.lost(u.part, err)
		}
	}
}

func (r *rewrite) lost(p *part, err error) {
	if fault.KindOf(err) == fault.Corrupt {
		r.e.damaged(err, "")
		r.damaged = p
	}
}

// add writes a block to the output at hand.
func (r *rewrite) add(data []byte, m segment.Meta) error {
	if err := r.rest(); err != nil {
		return err
	}
	return r.out.add(data, m)
}

// rest leaves the machine to others: as long as the work since the last rest took, and three times as long while the
// journal is being sealed. It does not if merging has fallen far behind.
func (r *rewrite) rest() error {
	select {
	case <-r.e.gate.closing:
		return errClosed()
	case <-r.ctx.Done():
		return fault.WrapAs(fault.Canceled, r.ctx.Err(), "compact", "the caller gave up")
	default:
	}
	took := time.Since(r.worked)
	if !r.gently || took < restEvery {
		return nil
	}
	if len(r.e.sealing) == 0 {
		took *= 3
	}
	if !r.e.crowded() {
		select {
		case <-time.After(min(took, mostRest)):
		case <-r.e.gate.closing:
		case <-r.ctx.Done():
		}
	}
	r.worked = time.Now()
	return nil
}

const (
	restEvery = 5 * time.Millisecond
	mostRest  = time.Second
)
