package engine

import (
	"cmp"
	"slices"

	"github.com/stelehq/stele/internal/manifest"
)

// What is merged, and when. docs/decisions/0008-compaction.md has the reasons.
const (
	defaultSegmentBytes = 512 << 20 // segments are merged up to this size
	defaultSmallBytes   = 1 << 20   // smaller ones count as so large

	// overlapFan segments of about the same size that overlap at one instant are merged.
	overlapFan = 4
	// joinFan neighbours in time of about the same size that fit one segment are joined.
	joinFan = 12
	// fewSegments is how many there may be beside two for each full one, whatever their sizes.
	fewSegments = 48
	// mostInputs is how many are merged at once, unless fewer have the bytes of mostFull full ones.
	mostInputs = 64
	mostFull   = 8
	// deadShare: a segment of which deletions hide this part is written again without it.
	deadShare = 4
	// manyDeletions is how many may concern one segment before they are worked in; one with a filter counts as filterBurden.
	manyDeletions = 64
	filterBurden  = 16
)

// A policy has the sizes that a plan goes by.
type policy struct {
	segmentBytes, smallBytes int64
	overlap, join, few       int
}

func (o Options) policy() policy {
	p := policy{segmentBytes: o.Hooks.SegmentBytes, smallBytes: o.Hooks.SmallBytes, overlap: overlapFan, join: joinFan, few: fewSegments}
	if o.Hooks.CompactFan > 0 {
		p.overlap, p.join, p.few = o.Hooks.CompactFan, o.Hooks.CompactFan, 2*o.Hooks.CompactFan
	}
	return p
}

// policy is that of the options, with smaller segments if the store is to stay small: they are what retention by size drops.
func (e *Engine) policy() policy {
	p := e.o.policy()
	if most := e.budget.Load(); most > 0 {
		p.segmentBytes = max(p.smallBytes, min(p.segmentBytes, most/budgetShare))
	}
	return p
}

// budgetShare: a segment is at most this part of what the store may take on disk.
const budgetShare = 16

// SetBudget says how many bytes on disk the store is trimmed to, 0: to none.
func (e *Engine) SetBudget(bytes int64) { e.budget.Store(bytes) }

// size is what counts of a segment's size: the smallest are all alike, and so are those that are full.
func (p policy) size(s *manifest.Segment) int64 {
	return max(p.smallBytes, min(s.Bytes, p.segmentBytes))
}

// alike reports whether n segments of so many bytes together, of which the largest has largest, are near enough in size
// for each to be written again: the result is some times as large as any of them.
func alike(n, fan int, total, largest int64) bool {
	return n >= fan && total >= min(int64(fan)-1, 4)*largest
}

// plan chooses segments to merge: the first of these that there is. It returns none if there is nothing to do.
//
//   - overlapping ones: at some instant a few of about the same size, so that a reader never meets many at once;
//   - neighbours of about the same size, so that there are not many small ones;
//   - the smallest neighbours, if there are too many all the same.
func (p policy) plan(all []manifest.Segment) []manifest.Segment {
	byTime := slices.Clone(all)
	slices.SortFunc(byTime, func(a, b manifest.Segment) int {
		return cmp.Or(a.MinKey.Compare(b.MinKey), cmp.Compare(a.Number, b.Number))
	})
	if some := p.overlapping(byTime); some != nil {
		return some
	}
	if some := p.neighbours(byTime); some != nil {
		return some
	}
	return p.surplus(byTime)
}

// overlapping looks where each segment begins: nowhere are there more.
func (p policy) overlapping(byTime []manifest.Segment) []manifest.Segment {
	type weighed struct {
		manifest.Segment
		weight int64
	}
	var open []weighed // that have begun and not ended
	for _, s := range byTime {
		open = slices.DeleteFunc(open, func(o weighed) bool { return o.MaxKey.Compare(s.MinKey) < 0 })
		open = append(open, weighed{Segment: s})
		if len(open) < p.overlap {
			continue
		}
		widest := 1.0
		for _, o := range open {
			widest = max(widest, width(&o.Segment))
		}
		for i := range open {
			o := &open[i]
			if o.weight = p.size(&o.Segment); o.Bytes >= p.segmentBytes/2 {
				// Merged with others of its kind it is as large as before, and of less time.
				o.weight = int64(float64(p.segmentBytes) * min(widest/width(&o.Segment), 1<<20))
			}
		}
		slices.SortFunc(open, func(a, b weighed) int {
			return cmp.Or(cmp.Compare(a.weight, b.weight), cmp.Compare(a.Number, b.Number))
		})
		total, take := int64(0), 0
		bytes := int64(0)
		for i := range min(len(open), mostInputs) {
			total += open[i].weight
			if bytes += open[i].Bytes; take > 0 && bytes > mostFull*p.segmentBytes {
				break
			}
			if alike(i+1, p.overlap, total, open[i].weight) {
				take = i + 1
			}
		}
		if take > 0 {
			some := make([]manifest.Segment, take)
			for i := range some {
				some[i] = open[i].Segment
			}
			return some
		}
	}
	return nil
}

// width is the time that a segment spans.
func width(s *manifest.Segment) float64 {
	return float64(s.MaxKey.Instant()) - float64(s.MinKey.Instant()) + 1
}

func (p policy) neighbours(byTime []manifest.Segment) []manifest.Segment {
	for i := range byTime {
		var total, largest int64
		take := 0
		for j := i; j < len(byTime) && j-i < mostInputs; j++ {
			size := p.size(&byTime[j])
			total, largest = total+size, max(largest, size)
			if total > p.segmentBytes {
				break
			}
			if alike(j-i+1, p.join, total, largest) {
				take = j - i + 1
			}
		}
		if take > 0 {
			return slices.Clone(byTime[i : i+take])
		}
	}
	return nil
}

// most is how many segments there may be for so many bytes.
func (p policy) most(total int64) int { return p.few + 2*int(total/p.segmentBytes) }

func (p policy) surplus(byTime []manifest.Segment) []manifest.Segment {
	var total int64
	for i := range byTime {
		total += byTime[i].Bytes
	}
	if len(byTime) <= p.most(total) {
		return nil
	}
	// The mean is below half of a full one, so the smallest neighbours make fewer than they are.
	width := min(p.join, len(byTime))
	best, least := 0, int64(0)
	for i := 0; i+width <= len(byTime); i++ {
		sum := int64(0)
		for _, s := range byTime[i : i+width] {
			sum += s.Bytes
		}
		if i == 0 || sum < least {
			best, least = i, sum
		}
	}
	return slices.Clone(byTime[best : best+width])
}

// burden is what the deletions that concern a segment cost whoever reads it, a plain one being 1.
func (p *part) burden(deletions []manifest.Deletion) (n int) {
	for _, d := range hides(deletions, p.MinKey, p.MaxKey, p.MinArrival, p.Applied) {
		if n++; d.Filter != "" {
			n += filterBurden - 1
		}
	}
	return n
}
