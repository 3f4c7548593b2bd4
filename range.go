package stele

import (
	"math"
	"time"

	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/event"
)

// Range bounds the keys of events: From is the lower end, To the upper one, whatever the ordering. The zero Range has
// every event.
type Range struct{ From, To Bound }

// Bound is one end of a range: on keys or on instants. The zero Bound is unbounded.
type Bound struct {
	key     event.Key
	bounded bool
	// open: the bound's keys are outside the range. On instants all keys of the instant
	// count, on keys that one.
	open    bool
	instant bool
}

// Inclusive bounds at a key that is in the range.
func Inclusive(k Key) Bound { return Bound{key: k, bounded: true} }

// Exclusive bounds at a key that is not in the range.
func Exclusive(k Key) Bound { return Bound{key: k, bounded: true, open: true} }

// FromTime is a lower bound: events at t and later.
func FromTime(t time.Time) Bound { return Bound{key: keyAt(t), bounded: true, instant: true} }

// BeforeTime is an upper bound: events before t.
func BeforeTime(t time.Time) Bound {
	return Bound{key: keyAt(t), bounded: true, instant: true, open: true}
}

// AfterTime is a lower bound: events after t.
func AfterTime(t time.Time) Bound {
	return Bound{key: keyAt(t), bounded: true, instant: true, open: true}
}

// ThroughTime is an upper bound: events at t and before.
func ThroughTime(t time.Time) Bound { return Bound{key: keyAt(t), bounded: true, instant: true} }

// keyAt returns the first key of an instant, clamped to what a key can hold (R3).
func keyAt(t time.Time) event.Key { return event.MakeKey(clampTime(t), 0) }

func clampTime(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// span returns the range with both ends inclusive.
func (r Range) span() engine.Span {
	s := engine.Everything
	ok := true
	if f := r.From; f.bounded {
		switch s.From = f.key; {
		case f.instant && f.open:
			s.From, ok = engine.After(event.MakeKey(f.key.Instant(), math.MaxUint64))
		case f.open:
			s.From, ok = engine.After(f.key)
		}
	}
	if t := r.To; t.bounded && ok {
		switch s.To = t.key; {
		case t.open: // the first key of the instant, or the key itself
			s.To, ok = engine.Before(t.key)
		case t.instant:
			s.To = event.MakeKey(t.key.Instant(), math.MaxUint64)
		}
	}
	if !ok {
		return engine.Nothing
	}
	return s
}

// Ordering says which end of a range is read first.
type Ordering uint8

// The orderings: oldest first, or newest first.
const (
	Ascending Ordering = iota
	Descending
)
