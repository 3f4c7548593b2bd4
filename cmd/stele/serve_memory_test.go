package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestGCPercent(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		live, floor int64
		want        int
	}{
		{0, 50 * mb, mostPercent}, {mb, 50 * mb, mostPercent}, {10 * mb, 50 * mb, 400}, {25 * mb, 50 * mb, 100}, {40 * mb, 50 * mb, leastPercent},
		{500 * mb, 50 * mb, leastPercent},
	} {
		if got := gcPercent(c.live, c.floor); got != c.want {
			t.Errorf("%d live of %d: %d, expected %d", c.live, c.floor, got, c.want)
		}
	}
}

// The share follows the heap, collection after collection.
func TestCollectorFollowsTheHeap(t *testing.T) {
	before := debug.SetGCPercent(leastPercent)
	defer debug.SetGCPercent(before)
	percent := func() uint64 {
		s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	await := func(what string, ok func(uint64) bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); !ok(percent()); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: the share stays at %d", what, percent())
			}
			runtime.GC()
		}
	}
	(&collector{floor: 64 << 20}).again(0)
	await("a small heap", func(p uint64) bool { return p > 3*leastPercent })
	heap := make([]byte, 64<<20)
	await("a large heap", func(p uint64) bool { return p == leastPercent })
	runtime.KeepAlive(heap)
	heap = nil
	await("a small heap again", func(p uint64) bool { return p > 3*leastPercent })
}
