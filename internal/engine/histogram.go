package engine

import (
	"context"
	"math"
	"math/bits"

	"github.com/stelehq/stele/internal/event"
)

// LevelOf returns the level that an event's @l says, "Information" if it says none.
func LevelOf(v event.Value) string {
	if v.Kind == event.Undefined || v.Kind == event.Null || v.Kind == event.String && v.Text == "" {
		return event.DefaultLevel
	}
	return string(v.AppendDisplay(nil))
}

// A Bucket counts the events from Start until End (instants; the last bucket's End is in it if it is the last instant of all).
type Bucket struct {
	Start, End int64
	Counts     map[string]int64 // by level as written
}

// Ends returns the keys of the first and the last event of a span that match; some is false if none does.
func (v *View) Ends(ctx context.Context, span Span, want *Wanted) (first, last event.Key, some bool, err error) {
	end := func(descending bool) (event.Key, bool, error) {
		s := v.Scan(ctx, span, descending, want, false)
		defer s.Close()
		if s.Next() {
			return s.Row().Key, true, nil
		}
		return event.Key{}, false, fatal(s)
	}
	if first, some, err = end(false); some {
		last, some, err = end(true)
	}
	return first, last, some, err
}

// NewBuckets splits the time from one instant to another, both included, into n parts.
func NewBuckets(from, to int64, n int) []Bucket {
	// Buckets are half-open: the end is one past the last instant. Unsigned, as the width may be over 63 bits.
	width := uint64(to) - uint64(from)
	if width != math.MaxUint64 {
		width++
	}
	edge := func(i int) int64 {
		hi, lo := bits.Mul64(width, uint64(i))
		offset, _ := bits.Div64(hi, lo, uint64(n)) // i <= n: it fits
		return int64(uint64(from) + offset)
	}
	buckets := make([]Bucket, n)
	for i := range buckets {
		buckets[i] = Bucket{Start: edge(i), End: edge(i + 1), Counts: map[string]int64{}}
	}
	if end := &buckets[n-1].End; *end < to {
		*end = math.MaxInt64 // wrapped
	}
	return buckets
}

// fatal returns why a scan ended early; damage that it passed over is not.
func fatal(s *Scan) error { return s.err }
