package engine

import "github.com/stelehq/stele/internal/event"

// Span is a range of keys, both ends inclusive; From above To is the empty one.
type Span struct{ From, To event.Key }

// Everything spans all keys.
var Everything = Span{From: event.MinKey, To: event.MaxKey}

// Nothing spans no key.
var Nothing = Span{From: event.MaxKey, To: event.MinKey}

// Empty reports whether no key is in the span.
func (s Span) Empty() bool { return s.From.Compare(s.To) > 0 }

// Has reports whether the key is in the span.
func (s Span) Has(k event.Key) bool { return s.From.Compare(k) <= 0 && k.Compare(s.To) <= 0 }

// Overlaps reports whether the span and the keys from min to max share a key.
func (s Span) Overlaps(min, max event.Key) bool {
	return s.From.Compare(max) <= 0 && min.Compare(s.To) <= 0
}

// Within reports whether all keys from min to max are in the span.
func (s Span) Within(min, max event.Key) bool {
	return s.From.Compare(min) <= 0 && max.Compare(s.To) <= 0
}

// After returns the key that follows k; ok is false for the last one of all.
func After(k event.Key) (_ event.Key, ok bool) {
	for i := len(k) - 1; i >= 0; i-- {
		k[i]++
		if k[i] != 0 {
			return k, true
		}
	}
	return event.MaxKey, false
}

// Before returns the key that precedes k; ok is false for the first one of all.
func Before(k event.Key) (_ event.Key, ok bool) {
	for i := len(k) - 1; i >= 0; i-- {
		k[i]--
		if k[i] != 0xff {
			return k, true
		}
	}
	return event.MinKey, false
}
