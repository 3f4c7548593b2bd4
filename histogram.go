package stele

import (
	"context"
	"time"

	"github.com/stelehq/stele/internal/fault"
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
	var lost error
	want := o.Filter.wanted(func(err error) { lost = err })
	span := o.Range.span()
	if !o.Range.From.bounded && !o.Range.To.bounded { // else its ends are those of the buckets
		span = o.Filter.narrow(span)
	}
	counted, err := s.v.Histogram(ctx, span, !o.Range.From.bounded, !o.Range.To.bounded, want, o.Buckets)
	buckets := make([]Bucket, len(counted))
	for i, b := range counted {
		buckets[i] = Bucket{time.Unix(0, b.Start).UTC(), time.Unix(0, b.End).UTC(), b.Counts}
	}
	if err == nil {
		err = lost
	}
	return buckets, err
}
