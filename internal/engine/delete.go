package engine

import (
	"context"
	"path"
	"slices"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/manifest"
)

// reserveName is the file that is given up to make deletes possible on a full disk (R14).
const reserveName = "reserve"

// Delete hides every event of the span that is visible now, durably, and returns how many
// those are. Segments that are covered wholly leave the catalog by the same edit; their files go when no
// snapshot needs them.
func (e *Engine) Delete(ctx context.Context, span Span) (int64, error) {
	const op = "delete"
	if err := e.gate.enter(); err != nil {
		return 0, err
	}
	defer e.gate.leave()
	if err := e.writable(op); err != nil {
		return 0, err
	}
	e.catalogMu.Lock()
	defer e.catalogMu.Unlock()
	v := e.acquire(false)
	defer v.Release()
	count, err := v.count(ctx, span)
	if err != nil {
		return 0, err
	}
	d := manifest.Deletion{Number: e.catalog.Catalog().LastDeletion + 1, From: span.From, To: span.To, Horizon: v.st.next}
	one := []manifest.Deletion{d}
	edit := manifest.Edit{LastDeletion: d.Number}
	gone := map[uint64]bool{}
	rest := false
	for _, s := range e.catalog.Catalog().Segments {
		switch {
		case covered(one, s.MinKey, s.MaxKey, s.MaxArrival):
			edit.Drop = append(edit.Drop, s.Number)
			gone[s.Number] = true
		case len(hides(one, s.MinKey, s.MaxKey, s.MinArrival, 0)) > 0:
			rest = true
		}
	}
	for _, r := range v.st.recent {
		rest = rest || len(hides(one, r.minKey, r.maxKey, r.minArrival, 0)) > 0
	}
	if span.Empty() || !rest && len(gone) == 0 {
		return 0, nil
	}
	if rest {
		edit.AddDeletions = one
		for _, old := range v.st.deletions {
			if span.Within(old.From, old.To) && old.Horizon <= d.Horizon {
				edit.DropDeletions = append(edit.DropDeletions, old.Number) // hides nothing that d does not
			}
		}
	}
	if err := e.appendFreeing(edit); err != nil {
		return 0, fault.Wrap(err, op, "nothing was deleted: the catalog cannot be changed")
	}
	e.publish(func(st *state) {
		st.visible -= count
		if rest {
			st.deletions = append(without(st.deletions, edit.DropDeletions), d)
		}
		if len(gone) > 0 {
			var left []*part
			for _, p := range st.set.parts {
				if gone[p.Number] {
					p.reader.Retire()
					delete(gone, p.Number)
				} else {
					left = append(left, p)
				}
			}
			st.set = newSegmentSet(left, st.set.logs)
			st.absent = slices.DeleteFunc(slices.Clone(st.absent), func(a absent) bool { return gone[a.Number] })
		}
	})
	for number := range gone {
		e.remove(segmentName(number)) // one that could not be opened
	}
	e.keepReserve()
	e.kickCompact()
	if st := e.current(); len(st.recent) > 0 && !slices.ContainsFunc(st.recent, func(r *recent) bool {
		return r.journal == 0 || !covered(st.deletions, r.minKey, r.maxKey, r.maxArrival)
	}) {
		// All of the journal is deleted: sealing it writes no segment and gives its space back.
		e.queue.push(&request{rotate: true, done: make(chan struct{})})
	}
	return count, nil
}

// appendFreeing is an append to the catalog that gives up the reserve file if the disk is full. e.catalogMu is held.
func (e *Engine) appendFreeing(edit manifest.Edit) error {
	err := e.catalog.Append(edit)
	if fault.KindOf(err) == fault.Full && e.giveReserve() {
		err = e.catalog.Append(edit)
	}
	return err
}

// giveReserve removes the reserve file and reports whether there was one.
func (e *Engine) giveReserve() bool {
	e.mu.Lock()
	had := e.reserve
	e.reserve = false
	e.mu.Unlock()
	if !had {
		return false
	}
	e.log.Warn("the disk is full: the reserve file is given up to go on")
	return e.fs.Remove(path.Join(e.dir, reserveName)) == nil
}

// keepReserve puts the reserve file back in place if it is missing and there is room.
func (e *Engine) keepReserve() {
	size := e.o.Hooks.ReserveBytes
	e.mu.Lock()
	has := e.reserve
	e.mu.Unlock()
	if has || size < 0 || e.o.ReadOnly {
		return
	}
	name := path.Join(e.dir, reserveName)
	f, err := e.fs.Create(name)
	if err != nil {
		_ = e.fs.Remove(name)
		return
	}
	// Not zeros: a file system may keep those without giving them room.
	buf := make([]byte, min(size, 64<<10))
	x := uint64(88172645463325252)
	for i := range buf {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		buf[i] = byte(x)
	}
	for left := size; left > 0 && err == nil; left -= int64(len(buf)) {
		_, err = f.Write(buf[:min(left, int64(len(buf)))])
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = e.fs.Remove(name)
		return
	}
	e.mu.Lock()
	e.reserve = true
	e.mu.Unlock()
}

// count returns how many visible events the span has. Blocks inside it that no deletion touches are not opened.
func (v *View) count(ctx context.Context, span Span) (int64, error) {
	n := int64(0)
	tally := func(minKey, maxKey event.Key, minArrival, applied uint64, rows int) bool {
		if !span.Within(minKey, maxKey) || len(hides(v.st.deletions, minKey, maxKey, minArrival, applied)) > 0 {
			return false
		}
		n += int64(rows)
		return true
	}
	var recents []*recent
	for _, r := range v.st.recent {
		if !tally(r.minKey, r.maxKey, r.minArrival, 0, r.rows) {
			recents = append(recents, r)
		}
	}
	for _, p := range v.st.set.parts {
		first, last := p.blocksIn(span)
		for i := first; i <= last; i++ {
			b := p.reader.Meta(i)
			if tally(b.MinKey, b.MaxKey, b.MinArrival, p.Applied, b.Rows) {
				continue
			}
			// A merge of this block alone.
			m := newMerge(v.e, span, false, nil, nil, v.st.deletions, func(error) {})
			c := &cursor{part: p, index: i, last: i}
			if m.settle(c) {
				m.heap = append(m.heap, c)
			}
			if err := m.count(ctx, &n); err != nil {
				return 0, err
			}
		}
	}
	m := newMerge(v.e, span, false, nil, recents, v.st.deletions, func(error) {})
	err := m.count(ctx, &n)
	return n, err
}

// count adds the merge's rows to n.
func (m *merge) count(ctx context.Context, n *int64) error {
	for i := 0; m.top() != nil; i++ {
		if i%pollRows == 0 && ctx.Err() != nil {
			return fault.WrapAs(fault.Canceled, ctx.Err(), "delete", "the caller gave up")
		}
		*n++
		m.step()
	}
	return nil
}
