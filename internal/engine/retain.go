package engine

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/manifest"
)

// ArrivedBy returns a horizon for deletions: every event below it had arrived at the instant; ok is false if none is known to have.
func (e *Engine) ArrivedBy(t time.Time) (horizon uint64, ok bool) {
	e.catalogMu.Lock()
	defer e.catalogMu.Unlock()
	if e.catalog == nil {
		return 0, false
	}
	horizon = e.catalog.Catalog().ArrivedBy(t.UnixNano())
	return horizon, horizon > 0
}

// Mark notes when what is stored now had arrived, unless a mark says so that is not older than some time.
func (e *Engine) Mark(every time.Duration) error {
	const op = "note the time of arrival"
	if err := e.gate.enter(); err != nil {
		return err
	}
	defer e.gate.leave()
	if err := e.writable(op); err != nil {
		return err
	}
	e.catalogMu.Lock()
	defer e.catalogMu.Unlock()
	m := manifest.Mark{Arrival: e.current().next, Time: e.now().UnixNano()}
	if marks := e.catalog.Catalog().Marks; len(marks) > 0 {
		if last := marks[len(marks)-1]; last.Arrival >= m.Arrival || m.Time-last.Time < int64(every) {
			return nil
		}
	}
	return e.catalog.Append(manifest.Edit{Marks: []manifest.Mark{m}})
}

// liveBytes is what the store takes on disk, without what only snapshots keep. e.catalogMu is held.
func (e *Engine) liveBytes() (n int64) {
	for _, s := range e.catalog.Catalog().Segments {
		n += s.Bytes
	}
	n += e.catalog.Size() + e.documents.Stats().FileBytes
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, j := range e.journals {
		n += j.bytes
	}
	if e.reserve {
		n += e.o.Hooks.ReserveBytes
	}
	return n
}

// Trim drops whole segments, those whose newest event is oldest first, until the store takes at most so many bytes on disk. Only those go that
// lie in the span and arrived before the horizon (0: whenever). It needs no room: one edit drops them all, and
// their files go when no snapshot needs them.
func (e *Engine) Trim(ctx context.Context, most int64, span Span, horizon uint64) (events int64, err error) {
	const op = "trim"
	if err := e.gate.enter(); err != nil {
		return 0, err
	}
	defer e.gate.leave()
	if err := e.writable(op); err != nil {
		return 0, err
	}
	done, err := e.deleter(ctx, op)
	if err != nil {
		return 0, err
	}
	defer done()
	e.catalogMu.Lock()
	defer e.catalogMu.Unlock()
	live := e.liveBytes()
	var oldest, left []manifest.Segment
	for _, s := range e.catalog.Catalog().Segments {
		oldest = append(oldest, s)
	}
	slices.SortFunc(oldest, func(a, b manifest.Segment) int {
		return cmp.Or(a.MaxKey.Compare(b.MaxKey), cmp.Compare(a.Number, b.Number))
	})
	edit := manifest.Edit{}
	gone := map[uint64]bool{}
	for _, s := range oldest {
		if live <= most || !span.Within(s.MinKey, s.MaxKey) || horizon != 0 && s.MaxArrival >= horizon {
			left = append(left, s)
			continue
		}
		live -= s.Bytes
		edit.Drop = append(edit.Drop, s.Number)
		gone[s.Number] = true
	}
	if len(gone) == 0 {
		return 0, nil
	}
	st := e.current()
	for _, p := range st.set.parts {
		if gone[p.Number] {
			events += p.visible()
		}
	}
	edit.DropDeletions = needless(st.deletions, st.recent, left)
	if err := e.appendFreeing(edit); err != nil {
		return 0, fault.Wrap(err, op, "nothing was deleted: the catalog cannot be changed")
	}
	e.shed(gone, nil, func(st *state) {
		st.visible -= events
		st.deletions = without(st.deletions, edit.DropDeletions)
	})
	return events, nil
}

// visible is how many rows of the segment no deletion hides.
func (p *part) visible() int64 { return p.Rows - min(p.Hidden, p.Rows) }

// shed publishes a state without the segments that are gone, and with what is now known of changed ones. e.catalogMu is held.
func (e *Engine) shed(gone map[uint64]bool, changed map[uint64]manifest.Segment, change func(st *state)) {
	dropped := slices.Collect(maps.Keys(gone))
	e.publish(func(st *state) {
		change(st)
		var parts []*part
		for _, p := range st.set.parts {
			if s, ok := changed[p.Number]; ok {
				p = &part{reader: p.reader, Segment: s}
			}
			if gone[p.Number] {
				p.reader.Retire()
				delete(gone, p.Number)
			} else {
				parts = append(parts, p)
			}
		}
		st.set = newSegmentSet(parts, st.set.logs)
		st.absent = slices.DeleteFunc(slices.Clone(st.absent), func(a absent) bool { return gone[a.Number] })
	})
	for number := range gone {
		e.remove(segmentName(number)) // one that could not be opened
	}
	for _, number := range dropped {
		e.damage.replace(path.Join(e.dir, segmentName(number)), nil) // it went with the file, which was the user's wish
	}
	e.keepReserve()
	e.kickCompact()
}

// judgments remember up to which key a filter was asked about all of a segment: what is hidden of it stays so. A deletion that is made again and again,
// as retention does it, looks at what is new. Of whoever deletes.
type judgments map[string]map[uint64]event.Key

const mostJudgments = 64

// through returns the key up to which a deletion need not look at a segment.
func (j judgments) through(d *manifest.Deletion, p *part) (k event.Key, some bool) {
	if d.Filter == "" || p.MaxArrival >= d.Horizon {
		return k, false
	}
	k, some = j[d.Filter][p.Number]
	return k, some
}

// note takes down what a deletion has looked at.
func (j judgments) note(d *manifest.Deletion, parts []*part, sure func(*part) bool) {
	if d.Filter == "" || d.From != event.MinKey {
		return
	}
	if len(j) >= mostJudgments && j[d.Filter] == nil {
		clear(j)
	}
	seen := map[uint64]event.Key{}
	for _, p := range parts {
		k, some := j[d.Filter][p.Number]
		if p.MaxArrival < d.Horizon && sure(p) && (!some || k.Compare(d.To) < 0) {
			k, some = d.To, true
		}
		if some {
			seen[p.Number] = k
		}
	}
	j[d.Filter] = seen
}
