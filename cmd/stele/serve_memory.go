package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The Go runtime collects garbage whenever the heap has grown by a share of what lives in it, GOGC. Most of what a loaded
// server allocates is large and short-lived, so that share is smaller than Go's own; but of the few megabytes that live in one with
// little to do it would be so little that small requests spend a third of their time on it. So the share is set anew after each collection.
const (
	leastPercent = 50
	mostPercent  = 1000
)

// gcPercent is the share for a heap in which live bytes live, if it is to grow to floor at least.
func gcPercent(live, floor int64) int {
	live = max(live, 1<<20)
	return int(min(max((floor-live)*100/live, leastPercent), mostPercent))
}

// limitMemory tells the Go runtime how much memory there is. What the environment says wins (GOGC, GOMEMLIMIT).
func limitMemory(memory int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(leastPercent)
		(&collector{floor: memory / 5}).again(0)
	}
}

// A collector sets the share after each collection of garbage.
type collector struct {
	floor   int64 // the heap may grow so far without a collection
	percent int
}

// again is called when a collection is over, as what it has freed is an object that lives no longer than to the next one.
func (c *collector) again(int) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	// To set it stops the world for a moment: not for a little more or less.
	if p := gcPercent(int64(live[0].Value.Uint64()), c.floor); p > c.percent+c.percent/4 || p < c.percent-c.percent/4 {
		c.percent = p
		debug.SetGCPercent(p)
	}
	runtime.AddCleanup(&[1]*int{}, c.again, 0)
}
