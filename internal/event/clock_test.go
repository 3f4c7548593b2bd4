package event

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestAClockWritesWhatAppendTimeWrites(t *testing.T) {
	var c Clock
	some := []int64{0, 1, 99, 100, -1, -100, nanos - 1, nanos, -nanos, math.MinInt64, math.MinInt64 + 1, math.MaxInt64, math.MaxInt64 - 99}
	for range 10_000 {
		at := rand.Int64()
		if rand.IntN(2) == 0 {
			at = -at
		}
		some = append(some, at, at/100*100, at+rand.Int64N(nanos/2)-rand.Int64N(nanos/2))
	}
	for _, at := range some {
		want := string(AppendTime(nil, at))
		if got := string(c.Append([]byte("before"), at)); got != "before"+want {
			t.Fatalf("instant %d: %s, expected %s", at, got, want)
		}
	}
}
