package stele

import (
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/query/exec"
)

// HistogramOptions choose what is counted.
type HistogramOptions struct {
	Range   Range
	Filter  *Filter // nil: every event
	Buckets int     // 1..10,000. A bounded range is split evenly; an open end is the first or last matching event's time
}

// Bucket counts the events from Start until before End.
type Bucket struct {
	Start, End time.Time
	Counts     map[string]int64 // by level as written; an absent one is "Information"
}

const maxBuckets = 10_000

// Histogram counts what the store holds now.
func (s *Store) Histogram(ctx context.Context, o HistogramOptions) ([]Bucket, error) {
	snapshot, err := s.Snapshot()
	if err != nil {
		return nil, err
	}
	defer snapshot.Close()
	return snapshot.Histogram(ctx, o)
}

// Histogram counts events by time and level. If an end of the range is open and nothing matches there are no buckets. When
// damage was met the counts are of the rest, and the error (Corrupt, IO) comes with them.
func (s *Snapshot) Histogram(ctx context.Context, o HistogramOptions) ([]Bucket, error) {
	if o.Buckets < 1 || o.Buckets > maxBuckets {
		return nil, fault.New(fault.Invalid, "histogram", "expected 1 to %d buckets, found %d", maxBuckets, o.Buckets)
	}
	var filters []*exec.Filter
	if o.Filter != nil {
		filters = append(filters, o.Filter.f)
	}
	h := &histogram{view: s.v, filters: filters, n: o.Buckets}
	counted, err := h.count(ctx, o.Filter.narrow(o.Range.span()), o.Range)
	buckets := make([]Bucket, len(counted))
	for i, b := range counted {
		buckets[i] = Bucket{time.Unix(0, b.Start).UTC(), time.Unix(0, b.End).UTC(), b.Counts}
	}
	return buckets, err
}

// A histogram is being counted: the blocks of a view are worked on side by side, in no order.
type histogram struct {
	view    *engine.View
	filters []*exec.Filter
	n       int
}

// A histogramWorker counts for itself.
type histogramWorker struct {
	queryWorker
	buckets []engine.Bucket
	levels  block.Vector
	tally   []int64 // by class
}

func (h *histogram) count(ctx context.Context, span engine.Span, r Range) ([]engine.Bucket, error) {
	from, to := span.From.Instant(), span.To.Instant()
	if r.From.bounded {
		from = r.span().From.Instant()
	}
	if r.To.bounded {
		to = r.span().To.Instant()
	}
	if !r.From.bounded || !r.To.bounded {
		first, last, some, err := h.view.Ends(ctx, span, wantedOf(ctx, h.filters, func(error) {}))
		if !some {
			return nil, err
		}
		if !r.From.bounded {
			from = first.Instant()
		}
		if !r.To.bounded {
			to = last.Instant()
		}
	}
	if r.span().Empty() || from > to {
		return nil, nil
	}
	workers := make([]*histogramWorker, runtime.GOMAXPROCS(0))
	for i := range workers {
		w := &histogramWorker{queryWorker: queryWorker{patience: patience{ctx: ctx}}, buckets: engine.NewBuckets(from, to, h.n)}
		w.event.lost = func(err error) { w.lost = err }
		w.wanted = wantedOf(ctx, h.filters, w.event.lost)
		workers[i] = w
	}
	walk := &engine.Blocks{Span: span, Workers: len(workers), Each: func(worker int, s engine.Slab) error { return workers[worker].count(s) }}
	if w := workers[0].wanted; w != nil {
		walk.Texts = w.Texts
	}
	early, err := walk.Walk(ctx, h.view)
	if early {
		return nil, err
	}
	all := workers[0].buckets
	for _, w := range workers[1:] {
		for i := range w.buckets {
			for level, n := range w.buckets[i].Counts {
				all[i].Counts[level] += n
			}
		}
	}
	return all, err
}

// count adds what is wanted of a block.
func (w *histogramWorker) count(s engine.Slab) error {
	w.lost = nil
	rows, err := w.selected(s)
	if err != nil || !rows.Any() {
		return err
	}
	b := s.Block
	if err := b.LoadInstants(); err != nil {
		return err
	}
	if err := b.Gather([]string{"@l"}, nil, &w.levels); err != nil {
		if err = s.Whole(); err != nil {
			return err
		}
	}
	if w.levels.Rest.And(rows).Any() {
		if err := s.Whole(); err != nil {
			return err
		}
	}
	w.tally = append(w.tally[:0], make([]int64, w.levels.Classes())...)
	at, _ := slices.BinarySearchFunc(w.buckets[:len(w.buckets)-1], b.Instant(s.From), func(bucket engine.Bucket, instant int64) int {
		if bucket.End <= instant {
			return -1
		}
		return 1
	})
	for row := s.From; row < s.To; at++ {
		end := s.To
		if at < len(w.buckets)-1 {
			end = min(end, b.SearchInstant(w.buckets[at].End))
		}
		if err := w.add(w.buckets[at].Counts, b, rows, row, end); err != nil {
			return engine.Final(err)
		}
		row = end
	}
	if w.lost != nil {
		return engine.Final(w.lost)
	}
	return nil
}

// mostTallied is up to how many different levels are counted by class, all of which are looked at for each bucket.
const mostTallied = 1 << 10

// add counts the rows from one on and before another whose bits are set.
func (w *histogramWorker) add(counts map[string]int64, b *block.Block, rows block.Bitmap, from, to int) error {
	for row := block.First(rows, nil, from, to); row < to; row = block.First(rows, nil, row+1, to) {
		class := w.levels.Codes[row]
		if class == block.RestClass {
			level, err := b.Lookup(row, "@l")
			if err != nil {
				return err
			}
			counts[engine.LevelOf(level)]++
			continue
		}
		if len(w.tally) <= mostTallied {
			w.tally[class]++
			continue
		}
		level, err := w.levels.Value(class)
		if err != nil {
			return err
		}
		counts[engine.LevelOf(level)]++
	}
	if len(w.tally) > mostTallied {
		return nil
	}
	for class, n := range w.tally {
		if n == 0 {
			continue
		}
		level, err := w.levels.Value(uint32(class))
		if err != nil {
			return err
		}
		counts[engine.LevelOf(level)] += n
		w.tally[class] = 0
	}
	return nil
}
