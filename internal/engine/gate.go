package engine

import (
	"sync/atomic"

	"github.com/stelehq/stele/internal/fault"
)

// A gate counts the calls inside the store, so that closing turns new ones away and
// waits for those inside.
type gate struct {
	inside  atomic.Int64 // calls inside; shutBit is added once shut
	closing chan struct{}
	empty   chan struct{} // capacity 1: who leaves does not have to meet shut at its wait
}

const shutBit = 1 << 62

func newGate() *gate {
	return &gate{closing: make(chan struct{}), empty: make(chan struct{}, 1)}
}

func errClosed() error { return fault.New(fault.Closed, "use store", "the store is closed") }

// enter lets a call in; every nil must be followed by one leave.
func (g *gate) enter() error {
	if g.inside.Add(1) >= shutBit {
		g.leave()
		return errClosed()
	}
	return nil
}

func (g *gate) leave() {
	if g.inside.Add(-1) == shutBit {
		select {
		case g.empty <- struct{}{}:
		default:
		}
	}
}

// shut turns new calls away and waits until none is inside. The caller has closed
// closing, which wakes those that wait; only one may.
func (g *gate) shut() {
	g.inside.Add(shutBit)
	for g.inside.Load() != shutBit {
		<-g.empty
	}
}
