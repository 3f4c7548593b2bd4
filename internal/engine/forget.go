package engine

import (
	"cmp"
	"context"
	"path"
	"slices"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/segment"
)

// Forget lets go of what is damaged in a file of the store. From quarantine the file is removed; what is sound of a live one gets a new
// place first. NotFound: nothing is known to be damaged in a file of that name.
func (e *Engine) Forget(ctx context.Context, name string) error {
	const op = "forget damage"
	if err := e.gate.enter(); err != nil {
		return err
	}
	defer e.gate.leave()
	if err := e.writable(op); err != nil {
		return err
	}
	base := path.Base(name)
	if number, ok := segmentNames.Parse(base); ok {
		return e.forgetSegment(ctx, number)
	}
	if e.noted(base) != nil {
		var err error
		if _, ok := documentNames.Parse(base); ok {
			err = e.documents.Compact(ctx)
		} else if err = e.rotate(ctx); err == nil {
			err = e.seal(ctx)
		}
		if err != nil {
			return fault.Wrap(err, op, "what is sound in %s cannot be moved", base)
		}
		if e.noted(base) != nil {
			return fault.New(fault.Unavailable, op, "%s is still in use", base).WithHint("close the readers that were opened before, and try again")
		}
	}
	kept, _, _ := e.listQuarantine()
	if !slices.ContainsFunc(kept, func(k keptFile) bool { return k.base == base }) {
		return fault.New(fault.NotFound, op, "nothing is known to be damaged in %s", base)
	}
	if err := e.dropKept(base); err != nil {
		return fault.Wrap(err, op, "cannot remove the file").At(e.quarantine(base), fault.NoOffset)
	}
	return nil
}

// forgetSegment replaces a damaged segment by what is sound of it.
func (e *Engine) forgetSegment(ctx context.Context, number uint64) error {
	const op = "forget damage"
	select {
	case <-e.compacting:
	case <-ctx.Done():
		return fault.WrapAs(fault.Canceled, ctx.Err(), op, "the caller gave up")
	}
	defer func() { e.compacting <- struct{}{} }()
	v := e.acquire(false)
	defer v.Release()
	var parts []*part
	var err error
	i := slices.IndexFunc(v.st.set.parts, func(p *part) bool { return p.Number == number })
	if i >= 0 {
		parts, err = e.withoutDamage(ctx, v, v.st.set.parts[i])
	} else {
		found := slices.ContainsFunc(v.st.absent, func(a absent) bool { return a.Number == number })
		var salvaged []*recent
		for _, r := range v.st.recent {
			if r.segment == number {
				salvaged, found = append(salvaged, r), true
			}
		}
		if !found {
			return nothingDamaged(segmentName(number))
		}
		parts, err = e.ofSalvaged(ctx, v, number, salvaged)
	}
	if err != nil {
		return err
	}
	defer release(parts) // the state has its own references
	return e.forgotten(number, parts)
}

func nothingDamaged(base string) error {
	return fault.New(fault.NotFound, "forget damage", "nothing is known to be damaged in %s", base)
}

// withoutDamage writes the sound blocks of a segment anew.
func (e *Engine) withoutDamage(ctx context.Context, v *View, p *part) (parts []*part, err error) {
	damage, err := p.reader.Verify(ctx)
	if fault.KindOf(err) == fault.Canceled {
		return nil, err
	}
	damaged := err != nil || len(damage) > 0
	skip, partly := map[int]bool{}, map[int]bool{}
	for i := range p.reader.Blocks() {
		switch sound, some := soundness(p, i); {
		case sound:
		case some:
			partly[i] = true
		default:
			skip[i] = true
		}
	}
	if !damaged && len(skip)+len(partly) == 0 {
		return nil, nothingDamaged(segmentName(p.Number))
	}
	r := rewrite{e: e, ctx: ctx, st: v.st, inputs: []*part{p}, skip: skip, partly: partly}
	return r.run()
}

// soundness reports whether all of a block is sound, or else some of it. What the disk does not give is asked for several times: what is let go of is lost for good.
func soundness(p *part, i int) (sound, some bool) {
	for range readTries {
		b, err := openSegmentBlock(p, i)
		if err == nil {
			err = b.Load()
		}
		if err == nil {
			return true, false
		}
		if fault.KindOf(err) == fault.Corrupt && openDamagedBlock(p, i) != nil {
			return false, true
		}
	}
	return false, false
}

// ofSalvaged writes a segment of what was found in one without an index.
func (e *Engine) ofSalvaged(ctx context.Context, v *View, number uint64, salvaged []*recent) ([]*part, error) {
	identity := segment.Identity{Segments: []uint64{number}}
	e.catalogMu.Lock()
	if sealed := e.catalog.Catalog().Sealed; sealed > 0 {
		identity.Journals = []uint64{sealed}
	}
	e.catalogMu.Unlock()
	parts, unread, err := e.mergeRecents(ctx, v.st, identity, salvaged)
	if err = cmp.Or(err, unread); err != nil {
		retire(parts)
		release(parts)
		return nil, fault.Wrap(err, "forget damage", "what is sound cannot be written")
	}
	return parts, nil
}

// forgotten makes the catalog, then the state, have parts in place of a segment.
func (e *Engine) forgotten(number uint64, parts []*part) error {
	const op = "forget damage"
	e.catalogMu.Lock()
	defer e.catalogMu.Unlock()
	if _, there := e.catalog.Catalog().Segments[number]; !there {
		retire(parts)
		return nothingDamaged(segmentName(number)) // deleted meanwhile
	}
	e.mu.Lock()
	edit := manifest.Edit{NextFile: e.nextFile, Drop: []uint64{number}}
	e.mu.Unlock()
	if err := e.weigh(e.stopped, parts, e.current().deletions); err != nil {
		retire(parts)
		return fault.Wrap(err, op, "what was just written cannot be read")
	}
	for _, p := range parts {
		edit.Add = append(edit.Add, p.Segment)
	}
	if err := e.catalog.Append(edit); err != nil {
		if e.catalog.Name() != "" {
			retire(parts) // a new manifest without the edit is durable
		}
		return fault.Wrap(err, op, "the catalog cannot be changed")
	}
	opened := false
	e.publish(func(st *state) {
		var left []*part
		for _, p := range st.set.parts {
			if p.Number == number {
				opened = true
				st.visible -= p.visible()
				p.reader.Retire()
				continue
			}
			left = append(left, p)
		}
		st.set = newSegmentSet(append(left, parts...), st.set.logs)
		st.recent = slices.DeleteFunc(slices.Clone(st.recent), func(r *recent) bool { return r.segment == number })
		st.absent = slices.DeleteFunc(slices.Clone(st.absent), func(a absent) bool { return a.Number == number })
		for _, p := range parts {
			if opened { // what was found without an index counts already
				st.visible += p.visible()
			}
		}
		delete(e.alone, number)
	})
	if !opened {
		e.remove(segmentName(number))
	}
	e.cache.forget(number)
	e.damage.replace(path.Join(e.dir, segmentName(number)), nil)
	e.kickCompact()
	return nil
}
