// Package exec evaluates filters row by row: the tree of package syntax becomes closures over a Row. It is the
// slow and plain way, and stays as the oracle of any faster one. docs/query-language.md is the reference.
package exec

import "github.com/stelehq/stele/internal/event"

// A Row is one event as a filter sees it. Names are the raw member names of the CLEF object ("@l", "User", "@@m").
// Values that it returns are only read, and only during the call of Match or Eval.
type Row interface {
	Timestamp() int64                  // the key's instant: nanoseconds since the Unix epoch (R1)
	Arrival() uint64                   // the arrival number (R2)
	ID() string                        // "event-" and 32 hex digits
	Lookup(path ...string) event.Value // nested members, of duplicates the last; Undefined if absent
	Object() event.Value               // the whole event
}

// NewRow is a Row over a decoded event.
func NewRow(key event.Key, object event.Value) Row { return valueRow{key, object} }

type valueRow struct {
	key    event.Key
	object event.Value
}

func (r valueRow) Timestamp() int64    { return r.key.Instant() }
func (r valueRow) Arrival() uint64     { return r.key.Arrival() }
func (r valueRow) ID() string          { return r.key.String() }
func (r valueRow) Object() event.Value { return r.object }
func (r valueRow) Lookup(path ...string) event.Value {
	v := r.object
	for _, name := range path {
		v = v.Get(name)
	}
	return v
}
