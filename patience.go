package stele

import (
	"context"
	"runtime"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// A patience ends with a context. What is asked of one event, or of one value in a block's column, may take long, and a block has so many, that who gave up is
// not to wait for all of them. Nor is who appends meanwhile: others have the processor now and then. Not for concurrent use.
type patience struct {
	ctx   context.Context
	asked int
	turn  time.Time // when others had the processor last
	over  bool
}

const (
	patienceStep = 64                   // after so many events or values a look is taken
	patienceTurn = 8 * time.Millisecond // as the engine's walks over blocks have it
)

// ended is asked before each event or value, and says whether nobody waits for it any more. What is decided from then on means nothing.
func (p *patience) ended() bool {
	if p.asked++; p.asked%patienceStep == 0 {
		p.over = p.over || p.ctx.Err() != nil
		if now := time.Now(); now.Sub(p.turn) > patienceTurn {
			if !p.turn.IsZero() {
				runtime.Gosched()
			}
			p.turn = now
		}
	}
	return p.over
}

// err is ended as an error: Canceled.
func (p *patience) err() error {
	if !p.ended() {
		return nil
	}
	return canceled(p.ctx.Err())
}

func canceled(err error) error {
	return fault.WrapAs(fault.Canceled, err, "query", "the caller gave up")
}
