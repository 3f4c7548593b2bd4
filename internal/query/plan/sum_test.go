package plan

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stelehq/stele/internal/event"
)

// randomDecimal has any mantissa and scale, small ones more often.
func randomDecimal(r *rand.Rand) event.Decimal {
	d := event.Decimal{Lo: r.Uint32(), Mid: r.Uint32(), Hi: r.Uint32(), Scale: uint8(r.IntN(event.MaxScale + 1)), Neg: r.IntN(2) == 0}
	switch r.IntN(4) {
	case 0:
		d.Hi, d.Mid, d.Lo = 0, 0, d.Lo%1000
	case 1:
		d.Hi, d.Mid = 0, 0
	case 2:
		d.Hi = 0
	}
	if r.IntN(2) == 0 {
		d.Scale %= 4
	}
	if d.IsZero() {
		d.Neg = false
	}
	return d
}

func ratOf(d event.Decimal) *big.Rat {
	r, _ := new(big.Rat).SetString(d.String())
	return r
}

// nearest rounds to what a decimal holds, by way of text.
func nearest(r *big.Rat) (event.Decimal, bool) { return event.ParseDecimal(r.FloatString(120)) }

// TestR7SumsAreExact: sums in any grouping, and their means, are those of exact fractions, rounded once.
func TestR7SumsAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var parts [3]sum
		want, n := new(big.Rat), uint64(0)
		for range 1 + r.IntN(30) {
			s := &parts[r.IntN(len(parts))]
			d := randomDecimal(r)
			times := uint64(1)
			if r.IntN(4) == 0 {
				times = r.Uint64N(1 << 40)
			}
			if whole, ok := d.Int64(); ok && times == 1 {
				scale := uint8(r.IntN(5))
				d = scaled(whole, scale)
				s.addSmall(whole, scale)
			} else {
				s.add(d, times)
			}
			want.Add(want, new(big.Rat).Mul(ratOf(d), new(big.Rat).SetInt(new(big.Int).SetUint64(times))))
			n += times
		}
		var all sum
		for _, i := range r.Perm(len(parts)) {
			all.merge(&parts[i])
		}
		got, ok := all.decimal()
		exact, fits := nearest(want)
		if ok != fits || ok && got.Compare(exact) != 0 {
			t.Fatalf("the sum is %v %v, not %v %v", got, ok, exact, fits)
		}
		if n == 0 {
			continue
		}
		got, ok = all.over(n)
		exact, fits = nearest(want.Quo(want, new(big.Rat).SetInt(new(big.Int).SetUint64(n))))
		if ok != fits || ok && got.Compare(exact) != 0 {
			t.Fatalf("the mean is %v %v, not %v %v", got, ok, exact, fits)
		}
	}
}

// TestSumsHoldTheMost: 2^63 of the largest numbers at the largest scale.
func TestSumsHoldTheMost(t *testing.T) {
	var s sum
	s.add(event.Decimal{Lo: 1, Scale: event.MaxScale}, 1)
	most := event.Decimal{Hi: 1<<32 - 1, Mid: 1<<32 - 1, Lo: 1<<32 - 1}
	s.add(most, 1<<63)
	if _, ok := s.decimal(); ok {
		t.Error("a sum beyond the range is a number")
	}
	if d, ok := s.over(1 << 63); !ok || d.Compare(most) != 0 {
		t.Errorf("the mean is %v, %v", d, ok)
	}
	most.Neg = true
	s.add(most, 1<<63)
	if d, ok := s.decimal(); !ok || d.String() != "0.0000000000000000000000000001" {
		t.Errorf("what is left is %v, %v", d, ok)
	}
}
