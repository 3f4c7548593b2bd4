package stele

import (
	"context"
	"iter"

	"github.com/stelehq/stele/internal/engine"
)

// ReadOptions choose what is read. The zero value is everything, oldest first.
type ReadOptions struct {
	Range    Range
	Ordering Ordering
	Filter   *Filter // nil: every event
	Limit    int     // most events; 0: all
}

// Reader reads events in key order.
//
//	r := store.Read(ctx, stele.ReadOptions{})
//	for r.Next() {
//		use(r.Event())
//	}
//	err := r.Close()
//
// Damage met on the way does not stop it: what is lost is passed over, and Err and Close
// report it. Not for concurrent use. Close it.
type Reader struct {
	scan *engine.Scan
	ev   Event
	left int // of the limit; negative: all
}

// Read reads the snapshot. The reader may not outlive it.
func (s *Snapshot) Read(ctx context.Context, o ReadOptions) *Reader { return read(ctx, s.v, o, false) }

// Read reads what the store holds now: the reader has a snapshot of its own.
func (s *Store) Read(ctx context.Context, o ReadOptions) *Reader {
	v, err := s.e.Pin()
	if err != nil {
		return &Reader{scan: engine.FailedScan(err)}
	}
	return read(ctx, v, o, true)
}

func read(ctx context.Context, v *engine.View, o ReadOptions, owns bool) *Reader {
	r := &Reader{left: o.Limit}
	if o.Limit == 0 {
		r.left = -1
	}
	lost := func(err error) { r.scan.Lost(err) }
	r.ev.lost = lost
	r.scan = v.Scan(ctx, o.Filter.narrow(o.Range.span()), o.Ordering == Descending, o.Filter.wanted(ctx, lost), owns)
	return r
}

// Next goes to the next event, and reports whether there is one.
func (r *Reader) Next() bool {
	if r.left == 0 || !r.scan.Next() {
		return false
	}
	r.left--
	r.ev.row = r.scan.Row()
	return true
}

// Event returns the event at hand. It is valid until the next call of Next; Clone keeps it.
func (r *Reader) Event() *Event { return &r.ev }

// Clone returns an event that stays valid.
func (e *Event) Clone() *Event { return &Event{row: e.row} }

// Err returns why reading ended early, or what was passed over on the way: Canceled, Closed, Corrupt with
// file and offset, IO. nil while all is well.
func (r *Reader) Err() error { return r.scan.Err() }

// Close ends the reader and returns Err. Harmless when repeated.
func (r *Reader) Close() error { return r.scan.Close() }

// All ranges over the events that are left, then closes the reader. If Err is not nil at the
// end it comes last, with a nil event.
func (r *Reader) All() iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		defer r.Close()
		for r.Next() {
			if !yield(r.Event(), nil) {
				return
			}
		}
		if err := r.Err(); err != nil {
			yield(nil, err)
		}
	}
}
