package engine

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stelehq/stele/internal/vfs"
)

// Turns are counted while queries run alone; without any, nobody looks at the clock.
func TestTurns(t *testing.T) {
	var walks atomic.Int32
	tn := turn{walks: &walks}
	tn.rest()
	if !tn.begun.IsZero() {
		t.Error("a turn has begun, but no query runs")
	}
	walks.Store(1)
	tn.rest()
	begun := tn.begun
	if begun.IsZero() {
		t.Error("no turn has begun")
	}
	tn.begun = begun.Add(-time.Hour)
	if tn.rest(); tn.begun.Before(begun) {
		t.Error("a turn that took an hour is not over")
	}
	walks.Store(0)
	if tn.rest(); !tn.begun.IsZero() {
		t.Error("the turn goes on, but the query has ended")
	}
	new(turn).rest()
}

func TestAWalkIsCountedWhileItRuns(t *testing.T) {
	e := open(t, vfs.NewMem(), small)
	add(t, e, 0, 24)
	flush(t, e)
	v, err := e.Pin()
	ok(t, err)
	defer v.Release()
	for name, end := range map[string]func() error{
		"whole":  func() error { return nil },
		"failed": func() error { return errors.New("enough") },
		"panic":  func() error { panic("enough") },
	} {
		func() {
			defer func() { _ = recover() }()
			_, _ = (&Blocks{Span: Everything, Each: func(int, Slab) error {
				if e.walks.Load() != 1 {
					t.Errorf("%s: %d walks run", name, e.walks.Load())
				}
				return end()
			}}).Walk(ctx, v)
		}()
		if e.walks.Load() != 0 {
			t.Errorf("%s: %d walks run after it", name, e.walks.Load())
		}
	}
}
