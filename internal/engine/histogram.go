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

// Histogram counts the span's events that match, by time and level. A bounded end of the span bounds the buckets too;
// an open one is the first or last matching event's time. With nothing wanted in particular only @l is decoded.
func (v *View) Histogram(ctx context.Context, span Span, fromOpen, toOpen bool, want *Wanted, n int) ([]Bucket, error) {
	from, to := span.From.Instant(), span.To.Instant()
	ends := func(descending bool) (event.Key, bool, error) {
		s := v.Scan(ctx, span, descending, want, false)
		defer s.Close()
		if s.Next() {
			return s.Row().Key, true, nil
		}
		return event.Key{}, false, fatal(s)
	}
	if fromOpen || toOpen {
		first, some, err := ends(false)
		if err != nil || !some {
			return nil, err
		}
		last, _, err := ends(true)
		if err != nil {
			return nil, err
		}
		if fromOpen {
			from = first.Instant()
		}
		if toOpen {
			to = last.Instant()
		}
	}
	if span.Empty() || from > to {
		return nil, nil
	}
	// Buckets are half-open: the end is one past the last instant. Unsigned, as the width may be over 63 bits.
	width := uint64(to) - uint64(from)
	if width != math.MaxUint64 {
		width++
	}
	buckets := make([]Bucket, n)
	edge := func(i int) int64 {
		hi, lo := bits.Mul64(width, uint64(i))
		offset, _ := bits.Div64(hi, lo, uint64(n)) // i <= n: it fits
		return int64(uint64(from) + offset)
	}
	for i := range buckets {
		buckets[i] = Bucket{Start: edge(i), End: edge(i + 1), Counts: map[string]int64{}}
	}
	if end := &buckets[n-1].End; *end < to {
		*end = math.MaxInt64 // wrapped
	}
	s := v.Scan(ctx, span, false, want, false)
	defer s.Close()
	at := 0
	for s.Next() {
		row := s.Row()
		instant := row.Key.Instant()
		for at < n-1 && instant >= buckets[at].End {
			at++
		}
		level, err := row.Block.Lookup(row.Index, "@l")
		if err != nil {
			s.Lost(err)
			continue
		}
		if level.Kind == event.String && level.Text != "" {
			buckets[at].Counts[level.Text]++ // without a copy
		} else {
			buckets[at].Counts[LevelOf(level)]++
		}
	}
	return buckets, s.Err()
}

// fatal returns why a scan ended early; damage that it passed over is not.
func fatal(s *Scan) error { return s.err }
