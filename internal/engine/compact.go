package engine

import (
	"context"
	"slices"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/manifest"
)

// compactLoop merges segments in the background, until there is nothing to gain by it.
func (e *Engine) compactLoop() {
	for {
		select {
		case <-e.compactKick:
		case <-e.stopped.Done():
			return
		}
		e.o.Hooks.background("compact")
		for {
			did, err := e.compact(e.stopped, true)
			if err != nil && e.stopped.Err() == nil {
				// A full disk, mostly. Nothing is the worse for it but how fast one reads.
				e.log.Warn("merging segments failed; it is tried again", "error", err)
				select {
				case <-time.After(compactPause):
				case <-e.stopped.Done():
				}
				e.kickCompact()
			}
			if err != nil || !did {
				break
			}
		}
	}
}

// compactPause is how long a failed attempt is left alone, unless something else is a reason to try again.
const compactPause = 10 * time.Second

func (e *Engine) kickCompact() {
	if e.o.Hooks.NoCompact {
		return
	}
	select {
	case e.compactKick <- struct{}{}:
	default:
	}
}

// Settle does what the background still has to do.
func (e *Engine) Settle(ctx context.Context) error {
	if err := e.gate.enter(); err != nil {
		return err
	}
	defer e.gate.leave()
	if err := e.writable("settle"); err != nil {
		return err
	}
	if err := e.seal(ctx); err != nil {
		return err
	}
	for {
		if did, err := e.compact(ctx, false); err != nil || !did {
			return err
		}
	}
}

// compact merges some segments, if it pays, in the order of seal: the new ones whole and durable, then one edit of the catalog that
// has them in place of the old ones, then the new state. The old files go when no snapshot needs them. It reports whether it did.
// gently: beside it others have the machine.
func (e *Engine) compact(ctx context.Context, gently bool) (did bool, err error) {
	select {
	case <-e.compacting:
	case <-ctx.Done():
		return false, fault.WrapAs(fault.Canceled, ctx.Err(), "compact", "the caller gave up")
	case <-e.gate.closing:
		return false, errClosed()
	}
	defer func() { e.compacting <- struct{}{} }()
	v := e.acquire(false)
	defer v.Release()
	inputs := e.choose(v.st)
	if len(inputs) == 0 || !e.roomToMerge(inputs) {
		return false, nil
	}
	r := rewrite{e: e, ctx: ctx, gently: gently, st: v.st, inputs: inputs}
	outputs, err := r.run()
	if err == nil {
		err = e.replace(inputs, outputs)
		release(outputs) // the state has its own references
	}
	if r.damaged != nil {
		// What is lost is lost, and reported. The segment stays as it is.
		e.leaveAlone(r.damaged)
		return true, nil
	}
	if err != nil {
		return false, fault.Wrap(err, "compact", "segments cannot be merged")
	}
	return true, nil
}

// choose returns the segments that are worth merging, or to be freed of what is deleted.
func (e *Engine) choose(st *state) []*part {
	var sound []*part
	e.mu.Lock()
	for _, p := range st.set.parts {
		if !e.alone[p.Number] {
			sound = append(sound, p)
		}
	}
	e.mu.Unlock()
	segments := make([]manifest.Segment, len(sound))
	for i, p := range sound {
		segments[i] = p.Segment
		if len(st.deletions) > 0 {
			if p.Hidden > 0 && (p.Hidden*deadShare >= p.Rows || p.burden(st.deletions) >= manyDeletions) {
				return []*part{p}
			}
		}
	}
	var inputs []*part
	for _, s := range e.policy().plan(segments) {
		i := slices.IndexFunc(sound, func(p *part) bool { return p.Number == s.Number })
		inputs = append(inputs, sound[i])
	}
	return inputs
}

// leaveAlone keeps a damaged segment from being merged.
func (e *Engine) leaveAlone(p *part) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.alone == nil {
		e.alone = map[uint64]bool{}
	}
	e.alone[p.Number] = true
}

// crowded reports whether merging has fallen far behind.
func (e *Engine) crowded() bool {
	parts := e.current().set.parts
	var total int64
	for _, p := range parts {
		total += p.Bytes
	}
	return len(parts) > 4*e.policy().most(total)
}

// replace makes the catalog, then the state, have the outputs in place of the inputs. If an input is gone the outputs are too.
func (e *Engine) replace(inputs, outputs []*part) error {
	e.catalogMu.Lock()
	defer e.catalogMu.Unlock()
	edit := manifest.Edit{}
	e.mu.Lock()
	edit.NextFile = e.nextFile
	st := e.state
	e.mu.Unlock()
	gone := map[uint64]bool{}
	for _, p := range inputs {
		if _, there := e.catalog.Catalog().Segments[p.Number]; !there {
			// Deleted meanwhile: what was merged of it must not come back.
			retire(outputs)
			return nil
		}
		gone[p.Number] = true
		edit.Drop = append(edit.Drop, p.Number)
	}
	if err := e.weigh(e.stopped, outputs, st.deletions); err != nil {
		retire(outputs)
		return fault.Wrap(err, "compact", "the segment just written cannot be read")
	}
	for _, p := range outputs {
		edit.Add = append(edit.Add, p.Segment)
	}
	var left []manifest.Segment
	for _, s := range e.catalog.Catalog().Segments {
		if !gone[s.Number] {
			left = append(left, s)
		}
	}
	edit.DropDeletions = needless(st.deletions, st.recent, append(left, edit.Add...))
	if err := e.catalog.Append(edit); err != nil {
		if e.catalog.Name() != "" {
			// A new manifest without the edit is durable: the outputs are litter for certain.
			retire(outputs)
		}
		return fault.Wrap(err, "compact", "the catalog cannot be changed")
	}
	retire(inputs)
	e.publishQuietly(func(st *state) {
		parts := slices.DeleteFunc(slices.Clone(st.set.parts), func(p *part) bool { return gone[p.Number] })
		st.set = newSegmentSet(append(parts, outputs...), st.set.logs)
		st.deletions = without(st.deletions, edit.DropDeletions)
		e.compactions++
		for _, p := range outputs {
			e.compactedBytes += p.Bytes
		}
	})
	for n := range gone {
		e.cache.forget(n)
	}
	return nil
}
