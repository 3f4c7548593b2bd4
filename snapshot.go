package stele

import (
	"context"

	"github.com/stelehq/stele/internal/engine"
)

// Snapshot is a consistent view of the store at one moment. Safe for concurrent use. Close it: until then the files that it
// needs stay on disk, deleted ones too.
type Snapshot struct {
	e *engine.Engine
	v *engine.View
}

// Snapshot returns a view of what the store holds now.
func (s *Store) Snapshot() (*Snapshot, error) {
	v, err := s.e.Snapshot()
	if err != nil {
		return nil, err
	}
	return &Snapshot{s.e, v}, nil
}

// Close lets go of the snapshot. Its readers answer Closed from then on. Harmless when repeated.
func (s *Snapshot) Close() error {
	s.v.Release()
	return nil
}

// Get returns the event of a key. NotFound if the snapshot has none. The event stays valid.
func (s *Snapshot) Get(ctx context.Context, k Key) (*Event, error) { return get(ctx, s.v, k) }

// Get returns the event of a key. NotFound if the store has none. The event stays valid.
func (s *Store) Get(ctx context.Context, k Key) (*Event, error) {
	v, err := s.e.Pin()
	if err != nil {
		return nil, err
	}
	defer v.Release()
	return get(ctx, v, k)
}

func get(ctx context.Context, v *engine.View, k Key) (*Event, error) {
	row, err := v.Get(ctx, k)
	if err != nil {
		return nil, err
	}
	return &Event{row: row}, nil
}
