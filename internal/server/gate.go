package server

import (
	"context"
	"sync"

	"github.com/stelehq/stele/internal/fault"
)

// A gate lets requests in while the store is open, and counts those inside so that the
// store is closed under none of them.
//
//	starting --open--> serving --drain--> draining
//	starting ------------drain----------> draining
type gate struct {
	mu     sync.Mutex
	state  gateState
	api    *api // what requests are served with; nil unless serving
	inside int
	idle   chan struct{} // closed when draining and nobody is inside
}

type gateState uint8

const (
	starting gateState = iota
	serving
	draining
)

var (
	errStarting = fault.New(fault.Unavailable, "", "the server is starting: the store is being opened").
			WithHint("try again in a moment; GET /health tells when it is ready")
	errDraining = fault.New(fault.Unavailable, "", "the server is shutting down").WithHint("try again when it is back")
)

func newGate() gate { return gate{idle: make(chan struct{})} }

// open starts serving with a; after drain it does nothing.
func (g *gate) open(a *api) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == starting {
		g.state, g.api = serving, a
	}
}

// enter lets a request in: leave must be called for it. The error is Unavailable.
func (g *gate) enter() (*api, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch g.state {
	case starting:
		return nil, errStarting
	case draining:
		return nil, errDraining
	}
	g.inside++
	return g.api, nil
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.state == draining {
		close(g.idle)
	}
}

// now returns the state without entering.
func (g *gate) now() gateState {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state
}

// drain lets nobody in any more and ends streams; the channel is closed when the last
// request has left.
func (g *gate) drain() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == draining {
		return g.idle
	}
	if g.api != nil {
		g.api.endStreams()
	}
	g.state, g.api = draining, nil
	if g.inside == 0 {
		close(g.idle)
	}
	return g.idle
}

// streamContext is what a stream lives by: the request's context, ended also by draining.
func (a *api) streamContext(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(a.streams, cancel)
	return ctx, func() { unhook(); cancel() }
}
