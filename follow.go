package stele

import (
	"context"
	"time"

	"github.com/stelehq/stele/internal/engine"
)

// FromNow follows what arrives after the call alone.
const FromNow = engine.FromNow

// Follower reads events in the order in which they arrived, then waits for more (R5). Not for concurrent use. Close it.
type Follower struct {
	f  *engine.Follow
	ev Event
}

// Follow reads all events whose arrival number is above after (0: from the first; FromNow: only new ones) and that
// the filter selects (nil: all), then waits for more until ctx ends. Late events, whose time is in the past, come
// when they arrive. To resume, pass the Arrival of an earlier follower.
func (s *Store) Follow(ctx context.Context, after uint64, f *Filter) *Follower {
	fl := &Follower{}
	lost := func(err error) { fl.f.Lost(err) }
	fl.ev.lost = lost
	fl.f = s.e.Follow(ctx, after, f.match(context.Background(), lost))
	return fl
}

// Next goes to the next event and waits for it. It returns false when ctx ends or the store closes.
func (f *Follower) Next() bool {
	ok := f.f.Next()
	if ok {
		f.ev.row = f.f.Row()
	}
	return ok
}

// NextWithin is Next that waits for at most a time. late: nothing came in it; call again.
func (f *Follower) NextWithin(most time.Duration) (ok, late bool) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	if ok, late = f.f.NextBefore(timer.C); ok {
		f.ev.row = f.f.Row()
	}
	return ok, late
}

// TryNext is Next that never waits for events to arrive. caughtUp: there is none at the moment.
func (f *Follower) TryNext() (ok, caughtUp bool) {
	ok, caughtUp = f.f.TryNext()
	if ok {
		f.ev.row = f.f.Row()
	}
	return ok, caughtUp
}

// Event returns the event at hand, valid until the next call of Next or TryNext.
func (f *Follower) Event() *Event { return &f.ev }

// Arrival returns the number of the last event returned or passed over: follow after it to resume.
func (f *Follower) Arrival() uint64 { return f.f.Passed() }

// Err returns Closed if the store was closed, or what was lost to damage on the way (Corrupt, IO). That ctx ended is no error.
func (f *Follower) Err() error { return f.f.Err() }

// Close ends the follower and returns Err.
func (f *Follower) Close() error { return f.f.Close() }
