package plan

import (
	"math/big"
	"math/bits"

	"github.com/stelehq/stele/internal/event"
)

// Time slices. A slice of time(d) begins a whole number of d after 0001-01-01T00:00Z, and ends before the next one.

const (
	nanosPerTick = 100
	epochSeconds = 62_135_596_800 // from year 1 to 1970
)

// sinceYearOne returns the nanoseconds from year 1 to an instant, in 128 bits.
func sinceYearOne(instant int64) (high, low uint64) {
	high, low = bits.Mul64(epochSeconds, 1e9)
	sign := uint64(instant >> 63)
	low, carry := bits.Add64(low, uint64(instant), 0)
	high, _ = bits.Add64(high, sign, carry)
	return high, low
}

// sliceOf returns the number of the slice that an instant is in. width is in nanoseconds, at least a tick, so that the number fits.
func sliceOf(instant, width int64) int64 {
	high, low := sinceYearOne(instant)
	n, _ := bits.Div64(high, low, uint64(width))
	return int64(n)
}

// sliceStart returns where a slice begins, in ticks.
func sliceStart(slice, width int64) event.Decimal {
	high, low := bits.Mul64(uint64(slice), uint64(width))
	return event.Decimal{Hi: uint32(high), Mid: uint32(low >> 32), Lo: uint32(low), Scale: 2}.Normalized()
}

// instantAt returns the instant of ticks, in nanoseconds since 1970 rounded down, and whether it is that exactly.
func instantAt(ticks event.Decimal) (instant *big.Int, exact bool) {
	var s sum
	s.add(ticks, nanosPerTick)
	n, negative := s.magnitude()
	if negative {
		n.Neg(n)
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s.scale)), nil)
	rest := new(big.Int)
	n.DivMod(n, unit, rest)
	epoch := new(big.Int).Mul(big.NewInt(epochSeconds), big.NewInt(1e9))
	return n.Sub(n, epoch), rest.Sign() == 0
}
