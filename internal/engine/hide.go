package engine

import (
	"context"
	"path"
	"sync"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/manifest"
)

// A Selector returns the rows of a block that a filter selects. With an error come those of which it is certain. Safe for concurrent use.
type Selector func(b *block.Block) (block.Bitmap, error)

// selectors are the filters of the deletions in force, compiled. Safe for concurrent use.
type selectors struct {
	compile func(text string) (Selector, error)

	mu  sync.Mutex
	all map[string]Selector
}

func (s *selectors) get(text string) (Selector, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.all[text]; one != nil {
		return one, nil
	}
	if s.compile == nil {
		return nil, fault.New(fault.Unsupported, "compile filter", "nothing here reads filters")
	}
	one, err := s.compile(text)
	if err != nil {
		return nil, err
	}
	if s.all == nil || len(s.all) >= mostSelectors {
		s.all = map[string]Selector{} // those in force are compiled again
	}
	s.all[text] = one
	return one, nil
}

const mostSelectors = 1000

// mask returns the rows of a block that some of the deletions hide, or that are lost to damage; nil has none. With an error come those of which it is certain.
func (e *Engine) mask(b *block.Block, deletions []manifest.Deletion) (mask block.Bitmap, err error) {
	mask, err = e.deleted(b, deletions)
	if d := b.Damaged(); d != nil {
		mask = mask.Or(d.Rows)
	}
	return mask, err
}

// deleted returns the rows of a block that some of the deletions hide; nil has none. With an error come those of which it is certain.
func (e *Engine) deleted(b *block.Block, deletions []manifest.Deletion) (mask block.Bitmap, err error) {
	if len(deletions) == 0 {
		return nil, nil
	}
	rows := b.Rows()
	mask = block.NewBitmap(rows)
	for i := range deletions {
		d := &deletions[i]
		low, high := b.Search(d.From), rows
		if end, some := After(d.To); some {
			high = b.Search(end)
		}
		early := b.MaxArrival() < d.Horizon // all of the block is
		switch {
		case low >= high:
		case len(d.Keys) > 0:
			for _, k := range d.Keys {
				if k.Arrival() >= d.Horizon {
					continue
				}
				if row := b.Search(k); row < rows && b.Key(row) == k {
					mask.Set(row)
				}
			}
		case d.Filter != "":
			selected, serr := e.selected(b, d.Filter)
			if serr != nil {
				err = serr
			}
			for row := low; row < high; row++ {
				if selected.Has(row) && (early || b.Key(row).Arrival() < d.Horizon) {
					mask.Set(row)
				}
			}
		case early:
			mask.SetRange(low, high)
		default:
			for row := low; row < high; row++ {
				if b.Key(row).Arrival() < d.Horizon {
					mask.Set(row)
				}
			}
		}
	}
	return mask, err
}

// selected returns the rows of a block that a filter selects, which the block remembers.
func (e *Engine) selected(b *block.Block, filter string) (block.Bitmap, error) {
	return b.Remember(filter, func() (block.Bitmap, error) {
		selector, err := e.selectors.get(filter)
		if err != nil {
			return nil, err
		}
		return selector(b)
	})
}

// unjudged notes that a deletion's filter met damage, and returns what is to be told to readers.
func (e *Engine) unjudged(err error) error {
	lost := fault.Wrap(err, "read", "a deleted event may be shown: damage keeps the filter of a deletion from being asked")
	e.damaged(lost, lost.Msg)
	return lost
}

// hides returns the deletions that may concern events of these keys and arrival numbers.
func hides(deletions []manifest.Deletion, minKey, maxKey event.Key, minArrival uint64, applied uint64) []manifest.Deletion {
	var some []manifest.Deletion
	for i := range deletions {
		if d := &deletions[i]; d.Number > applied && d.Horizon > minArrival && d.Concerns(minKey, maxKey) {
			some = append(some, *d)
		}
	}
	return some
}

// covered reports whether one of the deletions hides every such event.
func covered(deletions []manifest.Deletion, minKey, maxKey event.Key, maxArrival uint64) bool {
	for i := range deletions {
		if d := &deletions[i]; d.Whole() && maxArrival < d.Horizon && (Span{d.From, d.To}).Within(minKey, maxKey) {
			return true
		}
	}
	return false
}

// An extent describes a block that need not be open.
type extent struct {
	minKey, maxKey         event.Key
	minArrival, maxArrival uint64
	applied                uint64 // deletions up to this number do not concern it
	rows                   int
	open                   func() (*block.Block, error)
}

func (r *recent) extent(e *Engine) extent {
	return extent{r.minKey, r.maxKey, r.minArrival, r.maxArrival, 0, r.rows, func() (*block.Block, error) { return e.recentBlock(r, false) }}
}

func (p *part) extent(e *Engine, i int) extent {
	m := p.reader.Meta(i)
	return extent{m.MinKey, m.MaxKey, m.MinArrival, m.MaxArrival, p.Applied, m.Rows, func() (*block.Block, error) { return e.segmentBlock(p, i, false) }}
}

// hiddenOf counts the rows that the deletions hide beside others. sure is false if some of them cannot be read.
func (e *Engine) hiddenOf(x extent, deletions, others []manifest.Deletion) (n int64, sure bool, err error) {
	deletions = hides(deletions, x.minKey, x.maxKey, x.minArrival, x.applied)
	others = hides(others, x.minKey, x.maxKey, x.minArrival, x.applied)
	switch {
	case len(deletions) == 0 || covered(others, x.minKey, x.maxKey, x.maxArrival):
		return 0, true, nil
	case len(others) == 0 && covered(deletions, x.minKey, x.maxKey, x.maxArrival):
		return int64(x.rows), true, nil
	}
	b, err := x.open()
	if err != nil {
		return 0, false, unreadable(err)
	}
	mask, err := e.mask(b, deletions)
	if sure = err == nil; !sure {
		if err = unreadable(err); err != nil {
			return 0, false, err
		}
	}
	before, err := e.mask(b, others)
	if err != nil {
		sure = false
	}
	return int64(mask.Without(before).Count()), sure && b.Damaged() == nil, unreadable(err)
}

// unreadable returns an error that is no damage: what is damaged is told elsewhere, and stays as it is.
func unreadable(err error) error {
	if fault.KindOf(err) == fault.Corrupt {
		return nil
	}
	return err
}

// weigh finds out how much of segments is hidden by deletions that were not worked in when they were written.
func (e *Engine) weigh(ctx context.Context, parts []*part, deletions []manifest.Deletion) error {
	for _, p := range parts {
		p.Hidden = 0
		newer := hides(deletions, p.MinKey, p.MaxKey, p.MinArrival, p.Applied)
		if len(newer) == 0 {
			continue
		}
		all := true
		for i := range p.reader.Blocks() {
			if err := ctx.Err(); err != nil {
				return fault.WrapAs(fault.Canceled, err, "delete", "the caller gave up")
			}
			n, sure, err := e.hiddenOf(p.extent(e, i), newer, nil)
			if err != nil {
				return err
			}
			p.Hidden += n
			all = all && sure
		}
		if p.Hidden == 0 && all {
			p.Applied = newer[len(newer)-1].Number
		}
	}
	return nil
}

// countVisible counts the events that a state shows, which is not published yet. Those of damaged blocks count as they were.
func (e *Engine) countVisible(st *state) (n int64) {
	for _, p := range st.set.parts {
		n += p.visible()
	}
	for _, r := range st.recent {
		hidden, _, _ := e.hiddenOf(r.extent(e), st.deletions, nil) // what cannot be read is noted
		n += int64(r.rows) - hidden
	}
	return n
}

// verifyHidden holds what the catalog says that deletions hide of a segment against its blocks. What cannot be read is told elsewhere.
func (e *Engine) verifyHidden(ctx context.Context, p *part, deletions []manifest.Deletion, r *Report) error {
	found := int64(0)
	newer := hides(deletions, p.MinKey, p.MaxKey, p.MinArrival, p.Applied)
	for i := range p.reader.Blocks() {
		if len(newer) == 0 {
			break
		}
		if err := e.canceled(ctx); err != nil {
			return err
		}
		n, sure, err := e.hiddenOf(p.extent(e, i), newer, nil)
		if err != nil || !sure {
			return nil
		}
		found += n
	}
	if found != p.Hidden {
		r.damaged(fault.New(fault.Corrupt, "verify", "expected %d events of %s to be hidden by deletions, found %d", p.Hidden, segmentName(p.Number), found).
			At(path.Join(e.dir, manifest.Current), fault.NoOffset), "how many events there are")
	}
	return nil
}
