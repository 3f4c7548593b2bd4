package stele

import (
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// Error is what every function of this package returns: a kind, the operation that failed, the file and offset
// where there is one, a hint where something can be done, and the chain of causes.
type Error = fault.Error

// Kind says what sort of failure an error is. Kinds are errors themselves: errors.Is(err, stele.NotFound) asks for
// one anywhere in a chain of causes.
type Kind = fault.Kind

// The kinds of errors. Their numbers never change.
const (
	Invalid     = fault.Invalid     // the caller's input is wrong; sending it again will not help
	NotFound    = fault.NotFound    // what was named does not exist
	Closed      = fault.Closed      // the store, snapshot or reader is closed
	Unavailable = fault.Unavailable // starting or stopping; try again
	Locked      = fault.Locked      // another process owns the directory
	Full        = fault.Full        // the disk is full; the store goes on when there is room
	TooLarge    = fault.TooLarge    // over a limit that is an option
	Exhausted   = fault.Exhausted   // a budget of memory or time ran out
	Canceled    = fault.Canceled    // the caller's context ended
	Denied      = fault.Denied      // not allowed, as writing to a store that was opened read-only
	Unsupported = fault.Unsupported // a newer format or an unknown feature
	Corrupt     = fault.Corrupt     // data on disk is damaged
	IO          = fault.IO          // the file system failed
	Internal    = fault.Internal    // a defect in Stele
)

// KindOf returns the kind of an error, 0 for nil. Errors from outside this package are sorted by what they are: an
// ended context is Canceled, a full disk Full, and what is unknown Internal.
func KindOf(err error) Kind { return fault.KindOf(err) }

// Key names an event and orders it: the instant in nanoseconds, then the arrival number. Keys
// compare with Compare; String and ParseKey have the text form, "event-" and 32 hex digits.
type Key = event.Key

// MinKey and MaxKey bound every key.
var (
	MinKey = event.MinKey
	MaxKey = event.MaxKey
)

// ParseKey reads a key's text form. Invalid if it is none.
func ParseKey(s string) (Key, error) { return event.ParseKey(s) }

// Value is a decoded JSON value, or Undefined, its zero value.
type Value = event.Value
