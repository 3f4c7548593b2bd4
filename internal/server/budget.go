package server

import (
	"context"
	"sync"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// A budget bounds the bytes of memory that requests hold at one time: bodies, and what becomes of them. Safe for concurrent use.
type budget struct {
	most int64

	mu    sync.Mutex
	used  int64
	freed chan struct{} // closed when bytes are given back; nil while nobody waits for that
}

// hold is one request's part of the budget. Not for concurrent use.
type hold struct {
	b     *budget
	bytes int64
	wait  time.Time // until when take waits for room; zero: not at all
	ctx   context.Context
}

func (b *budget) hold() *hold { return &hold{b: b} }

// short tells whether three quarters are used.
func (b *budget) short() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used > b.most/4*3
}

// patient returns a hold whose take waits for room, together as long as that, or until ctx ends.
func (b *budget) patient(ctx context.Context, as time.Duration) *hold {
	return &hold{b: b, ctx: ctx, wait: time.Now().Add(as)}
}

// take adds n bytes. Where there is no room it waits, if it may, and then fails with kind Exhausted, which is 503: the client tries again.
// Who waits with nothing in hand leaves half of the budget to those who have begun, so that they can end.
func (h *hold) take(n int64) error {
	b := h.b
	var late <-chan time.Time
	for {
		b.mu.Lock()
		room := b.most
		if !h.wait.IsZero() && h.bytes == 0 && b.used > 0 {
			room /= 2
		}
		if b.used+n <= room {
			b.used += n
			h.bytes += n
			b.mu.Unlock()
			return nil
		}
		hopeless := h.wait.IsZero() || h.bytes+n > b.most || !time.Now().Before(h.wait)
		if hopeless {
			b.mu.Unlock()
			return fault.New(fault.Exhausted, "", "too many bytes of request bodies are being taken in at once").
				WithHint("send it again a little later, or raise the server's limit of memory")
		}
		if b.freed == nil {
			b.freed = make(chan struct{})
		}
		freed := b.freed
		b.mu.Unlock()
		if late == nil {
			timer := time.NewTimer(time.Until(h.wait))
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-freed:
		case <-late:
		case <-h.ctx.Done():
			return fault.WrapAs(fault.Canceled, h.ctx.Err(), "", "the client gave up")
		}
	}
}

// release gives everything back.
func (h *hold) release() { h.giveBack(h.bytes) }

// giveBack gives a part of it back.
func (h *hold) giveBack(n int64) {
	if n == 0 {
		return
	}
	h.bytes -= n
	h.b.mu.Lock()
	defer h.b.mu.Unlock()
	h.b.used -= n
	if h.b.freed != nil {
		close(h.b.freed)
		h.b.freed = nil
	}
}
