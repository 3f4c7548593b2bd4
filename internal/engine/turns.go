package engine

import (
	"runtime"
	"sync/atomic"
	"time"
)

// The runtime lets each goroutine have a processor for 10 ms or more while others wait, and counts goroutines, not what they are for: a query, whose
// workers are as many as processors, has a small share beside those who append, seal and merge. So while it runs these take shorter turns than its
// workers do. Shares are in the proportion of the turns: nobody starves, and who works in short steps does not wait long for the next.
const (
	walkTurn   = 8 * time.Millisecond // of a query's worker; it ends between blocks
	besideTurn = 2 * time.Millisecond // of others, while queries run
)

// A turn is how long somebody has worked since others could. Not for concurrent use.
type turn struct {
	walks *atomic.Int32 // walks that run; nil: none ever does
	begun time.Time     // zero: none ran
}

// rest lets others go on, if that is due. Whoever works for long calls it every now and then.
func (t *turn) rest() {
	if t.walks == nil || t.walks.Load() == 0 {
		t.begun = time.Time{}
		return
	}
	now := time.Now()
	if t.begun.IsZero() {
		t.begun = now
	} else if now.Sub(t.begun) > besideTurn {
		runtime.Gosched()
		t.begun = time.Now()
	}
}
