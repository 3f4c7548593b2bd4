package engine

import (
	"context"
	"slices"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/manifest"
)

// Doomed says what a deletion is to hide: the events of a span that arrived before the horizon.
type Doomed struct {
	Span    Span
	Horizon uint64      // 0: those visible now
	Keys    []event.Key // not nil: only these, in any order; the span does not count then
	Filter  string      // not empty: only what it selects
}

// MaxKeys is how many keys one deletion may name: it is one edit of the catalog, which must fit on a full disk.
const MaxKeys = 1 << 15

// Delete hides every event of the span that is visible now.
func (e *Engine) Delete(ctx context.Context, span Span) (int64, error) {
	return e.Hide(ctx, Doomed{Span: span})
}

// Hide hides events, durably, and returns how many visible ones those are. Segments of which nothing is left leave the catalog
// by the same edit; their files go when no snapshot needs them.
func (e *Engine) Hide(ctx context.Context, what Doomed) (int64, error) {
	const op = "delete"
	if err := e.gate.enter(); err != nil {
		return 0, err
	}
	defer e.gate.leave()
	if err := e.writable(op); err != nil {
		return 0, err
	}
	d := manifest.Deletion{From: what.Span.From, To: what.Span.To, Filter: what.Filter}
	if what.Keys != nil {
		keys := slices.Clone(what.Keys)
		slices.SortFunc(keys, event.Key.Compare)
		if keys = slices.Compact(keys); len(keys) == 0 {
			return 0, nil
		}
		if len(keys) > MaxKeys {
			return 0, fault.New(fault.TooLarge, op, "%d keys at once are over the limit of %d", len(keys), MaxKeys)
		}
		if d.From, d.To = keys[0], keys[len(keys)-1]; len(keys) > 1 {
			d.Keys = keys
		}
	}
	if d.Filter != "" {
		if _, err := e.selectors.get(d.Filter); err != nil {
			return 0, err
		}
	}
	if (Span{d.From, d.To}).Empty() {
		return 0, nil
	}
	done, err := e.deleter(ctx, op)
	if err != nil {
		return 0, err
	}
	defer done()
	d.Number = ^uint64(0) // above all others, until it is known
	d.Horizon = e.current().next
	if what.Horizon != 0 {
		d.Horizon = min(d.Horizon, what.Horizon)
	}
	t := tally{e: e, d: &d, found: map[any]counted{}}
	for range 3 {
		v := e.acquire(false)
		err := t.count(ctx, v)
		v.Release()
		if err != nil {
			return 0, err
		}
		e.catalogMu.Lock()
		if t.isWhole() {
			defer e.catalogMu.Unlock()
			return e.hide(ctx, &t)
		}
		e.catalogMu.Unlock() // segments were written meanwhile
	}
	e.catalogMu.Lock()
	defer e.catalogMu.Unlock()
	return e.hide(ctx, &t)
}

// deleter waits for the right to delete, which one call has at a time, as each counts what the others have left; done gives it back. What is read
// meanwhile is read beside sealing and merging.
func (e *Engine) deleter(ctx context.Context, op string) (done func(), err error) {
	select {
	case <-e.deleting:
		return func() { e.deleting <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, fault.WrapAs(fault.Canceled, ctx.Err(), op, "the caller gave up")
	case <-e.gate.closing:
		return nil, errClosed()
	}
}

// hide makes the deletion's edit. e.catalogMu is held.
func (e *Engine) hide(ctx context.Context, t *tally) (int64, error) {
	v := e.acquire(false)
	defer v.Release()
	if err := t.count(ctx, v); err != nil {
		return 0, err
	}
	catalog := e.catalog.Catalog()
	d := t.d
	d.Number = catalog.LastDeletion + 1
	one := []manifest.Deletion{*d}
	edit := manifest.Edit{LastDeletion: d.Number}
	total := int64(0)
	rest := false // it concerns something that is left
	gone := map[uint64]bool{}
	changed := map[uint64]manifest.Segment{}
	var left []manifest.Segment
	for _, s := range catalog.Segments {
		if len(hides(one, s.MinKey, s.MaxKey, s.MinArrival, 0)) == 0 {
			left = append(left, s)
			continue
		}
		c, counted := t.found[s.Number]
		total += c.rows
		s.Hidden += c.rows
		switch {
		case covered(one, s.MinKey, s.MaxKey, s.MaxArrival) || counted && c.sure && s.Hidden >= s.Rows:
			edit.Drop = append(edit.Drop, s.Number)
			gone[s.Number] = true
			continue
		case c.rows > 0:
			rest = true
			changed[s.Number] = s
		case !c.sure:
			rest = true
		case s.Hidden == 0:
			s.Applied = d.Number
			changed[s.Number] = s
		}
		left = append(left, s)
	}
	for _, r := range v.st.recent {
		c := t.found[r]
		total += c.rows
		rest = rest || c.rows > 0 || !c.sure && len(hides(one, r.minKey, r.maxKey, r.minArrival, 0)) > 0
	}
	if !rest && len(gone) == 0 {
		t.noted(v)
		return 0, nil
	}
	edit.DropDeletions = needless(v.st.deletions, v.st.recent, left)
	if rest {
		edit.AddDeletions = one
		for _, old := range v.st.deletions {
			if !slices.Contains(edit.DropDeletions, old.Number) && (Span{d.From, d.To}).Within(old.From, old.To) && old.Horizon <= d.Horizon && (d.Whole() || d.Keys == nil && old.Keys == nil && d.Filter == old.Filter) {
				edit.DropDeletions = append(edit.DropDeletions, old.Number) // hides nothing that d does not
			}
		}
		for _, s := range changed {
			edit.Add = append(edit.Add, s)
		}
	}
	if err := e.appendFreeing(edit); err != nil {
		return 0, fault.Wrap(err, "delete", "nothing was deleted: the catalog cannot be changed")
	}
	if !rest {
		changed = nil
	}
	e.shed(gone, changed, func(st *state) {
		st.visible -= total
		st.deletions = without(st.deletions, edit.DropDeletions)
		if rest {
			st.deletions = append(st.deletions, *d)
		}
	})
	t.noted(v)
	if st := e.current(); len(st.recent) > 0 && !slices.ContainsFunc(st.recent, func(r *recent) bool {
		return r.journal == 0 || !covered(st.deletions, r.minKey, r.maxKey, r.maxArrival)
	}) {
		// All of the journal is deleted: sealing it writes no segment and gives its space back.
		e.queue.push(&request{rotate: true, done: make(chan struct{})})
	}
	return total, nil
}

// A tally counts what a deletion would hide of each segment and each recent block.
type tally struct {
	e     *Engine
	d     *manifest.Deletion
	found map[any]counted // by a segment's number, or *recent
}

type counted struct {
	rows int64 // visible ones that the deletion hides
	sure bool  // all could be read
}

// count counts what was not counted before. Blocks of which the deletion hides all or nothing are not opened.
func (t *tally) count(ctx context.Context, v *View) error {
	one := []manifest.Deletion{*t.d}
	for _, p := range v.st.set.parts {
		if _, done := t.found[p.Number]; done || len(hides(one, p.MinKey, p.MaxKey, p.MinArrival, 0)) == 0 {
			continue
		}
		c := counted{sure: true}
		span := Span{t.d.From, t.d.To}
		if k, some := t.e.judged.through(t.d, p); some {
			if span.From, some = After(k); !some || span.Empty() {
				span = Nothing
			}
		}
		first, last := p.blocksIn(span)
		for i := first; i <= last; i++ {
			if err := t.add(ctx, &c, p.extent(t.e, i), v.st.deletions); err != nil {
				return err
			}
		}
		t.found[p.Number] = c
	}
	for _, r := range v.st.recent {
		if _, done := t.found[r]; done || len(hides(one, r.minKey, r.maxKey, r.minArrival, 0)) == 0 {
			continue
		}
		c := counted{sure: true}
		if err := t.add(ctx, &c, r.extent(t.e), v.st.deletions); err != nil {
			return err
		}
		t.found[r] = c
	}
	return nil
}

func (t *tally) add(ctx context.Context, c *counted, x extent, others []manifest.Deletion) error {
	if ctx.Err() != nil {
		return fault.WrapAs(fault.Canceled, ctx.Err(), "delete", "the caller gave up")
	}
	select {
	case <-t.e.gate.closing:
		return errClosed()
	default:
	}
	n, sure, err := t.e.hiddenOf(x, []manifest.Deletion{*t.d}, others)
	if err != nil {
		return fault.Wrap(err, "delete", "nothing was deleted: what is stored cannot be read")
	}
	c.rows += n
	c.sure = c.sure && sure
	return nil
}

// noted remembers what was looked at.
func (t *tally) noted(v *View) {
	t.e.judged.note(t.d, v.st.set.parts, func(p *part) bool { return t.found[p.Number].sure })
}

// isWhole reports whether everything that there is now was counted, but for blocks that are being merged in memory. e.catalogMu is held.
func (t *tally) isWhole() bool {
	one := []manifest.Deletion{*t.d}
	for _, p := range t.e.current().set.parts {
		if _, done := t.found[p.Number]; !done && len(hides(one, p.MinKey, p.MaxKey, p.MinArrival, 0)) > 0 {
			return false
		}
	}
	return true
}
