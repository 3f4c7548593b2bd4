package engine

import (
	"path"
	"slices"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/segment"
)

// A catalog that is damaged, or that has lost its end, is put right by what the segments say that they replace (R14). What a segment has
// replaced is removed only after the edit that says so is durable (I6). So if something of it is missing the segment counts and the
// rest of it does not; if all of it is there the segment may be unfinished, and what it was to replace counts, which is the same events.

// orphans returns the segments whose edits a catalog has lost that looks sound: a log that was cut off looks like one with a
// torn tail. Then the catalog does not know that the journals which they replaced are sealed, or names segments that they replaced, and these
// are gone.
func (rec *recovery) orphans() map[uint64]bool {
	orphans := map[uint64]bool{}
	for _, number := range rec.files.segments {
		if _, named := rec.catalog.Segments[number]; named || rec.rebuilt {
			continue
		}
		r, err := segment.Open(rec.e.fs, path.Join(rec.e.dir, segmentName(number)), nil)
		if err != nil {
			rec.keep[number] = fault.KindOf(err) != fault.Corrupt // else it is unfinished
			continue
		}
		info := r.Info()
		_ = r.Release()
		if info.StoreID == rec.catalog.StoreID && !rec.unfinished(info.Identity) && (rec.sealsMore(info.Identity) || rec.misses(info)) {
			orphans[number] = true
		}
	}
	return orphans
}

// sealsMore reports whether a segment has replaced journals that the catalog takes for live.
func (rec *recovery) sealsMore(id segment.Identity) bool {
	return len(id.Journals) > 0 && slices.Max(id.Journals) > rec.catalog.Sealed
}

// misses reports whether the catalog names a segment that is gone and that may have gone into this one.
func (rec *recovery) misses(info segment.Info) bool {
	for number, s := range rec.catalog.Segments {
		if len(info.Segments) > 0 && !slices.Contains(rec.files.segments, number) && s.MinArrival <= info.MaxArrival && info.MinArrival <= s.MaxArrival &&
			(Span{s.MinKey, s.MaxKey}).Overlaps(info.MinKey, info.MaxKey) {
			return true
		}
	}
	return false
}

// unfinished reports whether all that a segment was to replace is still there.
func (rec *recovery) unfinished(id segment.Identity) bool {
	gone := func(files []uint64) func(uint64) bool {
		return func(n uint64) bool { return !slices.Contains(files, n) }
	}
	if len(id.Segments) > 0 {
		return !slices.ContainsFunc(id.Segments, gone(rec.files.segments))
	}
	return len(id.Journals) > 0 && !slices.ContainsFunc(id.Journals, gone(rec.files.journals))
}

// rebuild adds to a damaged catalog what the segments' footers say (R14), and takes from it what they have replaced.
func (rec *recovery) rebuild(identities map[uint64]segment.Identity) {
	c := &rec.catalog
	replaced := map[uint64]bool{}
	var live []*part
	// The newest first: what it replaced is older. An older one with the same events was an attempt that failed, or has been replaced by one
	// that was itself replaced since.
	slices.SortFunc(rec.parts, func(a, b *part) int { return -int(int64(a.Number) - int64(b.Number)) })
	for _, p := range rec.parts {
		_, named := c.Segments[p.Number]
		switch {
		case replaced[p.Number] || shares(p, live):
			delete(c.Segments, p.Number)
			continue
		case named:
		case rec.loaded.Dropped[p.Number] || rec.isAttempt(identities[p.Number], live):
			continue
		}
		if !named {
			c.Segments[p.Number] = p.Segment
		}
		live = append(live, p)
		for _, n := range identities[p.Number].Segments {
			replaced[n] = true
		}
	}
	for n := range replaced {
		delete(c.Segments, n)
	}
	// So with what was salvaged of damaged ones.
	for _, r := range rec.salvaged {
		if n := r.segment; !replaced[n] && sharesRecent(r, live) {
			replaced[n] = true
			delete(c.Segments, n)
		}
	}
	rec.salvaged = slices.DeleteFunc(rec.salvaged, func(r *recent) bool { return replaced[r.segment] })
	rec.absent = slices.DeleteFunc(rec.absent, func(a absent) bool { return replaced[a.Number] })
	for n := range replaced {
		rec.keep[n] = false
	}
	for number, s := range c.Segments {
		for _, j := range identities[number].Journals {
			c.Sealed = max(c.Sealed, j)
		}
		c.Epoch = max(c.Epoch, epochOf(s.MaxArrival))
	}
}

// isAttempt reports whether a segment that no edit names has replaced nothing: all that it was to replace is there, sound, and has not gone
// into another one.
func (rec *recovery) isAttempt(id segment.Identity, live []*part) bool {
	if !rec.unfinished(id) {
		return false
	}
	if len(id.Segments) == 0 {
		return rec.sealsMore(id)
	}
	for _, n := range id.Segments {
		i := slices.IndexFunc(rec.parts, func(p *part) bool { return p.Number == n })
		if i < 0 || shares(rec.parts[i], live) {
			return false
		}
	}
	return true
}

// shares reports whether one of the others has an event of p's.
func shares(p *part, others []*part) bool {
	for _, o := range others {
		if p.MinArrival > o.MaxArrival || o.MinArrival > p.MaxArrival {
			continue
		}
		for i := range p.reader.Blocks() {
			m := p.reader.Meta(i)
			if sharesBlock(m, func() (*block.Block, error) { return openSegmentBlock(p, i) }, o) {
				return true
			}
		}
	}
	return false
}

func sharesRecent(r *recent, others []*part) bool {
	m := segment.Meta{MinKey: r.minKey, MaxKey: r.maxKey, MinArrival: r.minArrival, MaxArrival: r.maxArrival}
	return slices.ContainsFunc(others, func(o *part) bool {
		return sharesBlock(m, func() (*block.Block, error) { return r.block, nil }, o)
	})
}

// sharesBlock reports whether a segment has an event of a block's.
func sharesBlock(m segment.Meta, open func() (*block.Block, error), o *part) bool {
	first, last := o.blocksIn(Span{m.MinKey, m.MaxKey})
	var a *block.Block
	for i := first; i <= last; i++ {
		if n := o.reader.Meta(i); m.MinArrival > n.MaxArrival || n.MinArrival > m.MaxArrival {
			continue
		}
		b, err := openSegmentBlock(o, i)
		if err == nil && a == nil {
			a, err = open()
		}
		if err != nil {
			continue // nothing of it is read, here or elsewhere
		}
		row, end := a.Search(b.Key(0)), 0
		for ; row < a.Rows() && end < b.Rows(); row++ {
			k := a.Key(row)
			if end = b.Search(k); end < b.Rows() && b.Key(end) == k {
				return true
			}
		}
	}
	return false
}
