package exec

import (
	"math"
	"math/big"
	"strconv"

	"github.com/stelehq/stele/internal/event"
)

// Arithmetic of R7: exact where the 96-bit mantissa holds the result, else rounded half to even at the last digit that
// fits; undefined (ok false) if the whole part does not fit.

// arithmetic applies a binary operator to two numbers.
type arithmetic func(a, b event.Decimal) (event.Decimal, bool)

func mantissaOf(d event.Decimal) *big.Int {
	m := new(big.Int).SetUint64(uint64(d.Hi)<<32 | uint64(d.Mid))
	m.Lsh(m, 32).Or(m, new(big.Int).SetUint64(uint64(d.Lo)))
	if d.Neg {
		m.Neg(m)
	}
	return m
}

// pow10 returns ten to the n.
func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// fit makes a Decimal of m / 10^scale, rounded to what fits.
func fit(m *big.Int, scale int) (event.Decimal, bool) {
	neg := m.Sign() < 0
	abs := new(big.Int).Abs(m)
	// The digits to drop: those past scale 28, and those past 96 bits.
	drop := max(scale-event.MaxScale, 0)
	if extra := (abs.BitLen() - 96) * 30103 / 100000; extra > drop {
		drop = extra
	}
	for ; ; drop++ {
		if drop > scale && drop > 0 {
			return event.Decimal{}, false
		}
		q := roundedQuotient(abs, pow10(drop))
		if q.BitLen() > 96 {
			continue
		}
		var word [12]byte
		q.FillBytes(word[:])
		d := event.Decimal{Scale: uint8(scale - drop), Neg: neg && q.Sign() != 0}
		d.Hi = uint32(word[0])<<24 | uint32(word[1])<<16 | uint32(word[2])<<8 | uint32(word[3])
		d.Mid = uint32(word[4])<<24 | uint32(word[5])<<16 | uint32(word[6])<<8 | uint32(word[7])
		d.Lo = uint32(word[8])<<24 | uint32(word[9])<<16 | uint32(word[10])<<8 | uint32(word[11])
		return d, true
	}
}

// roundedQuotient is abs / by, half to even.
func roundedQuotient(abs, by *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(abs, by, new(big.Int))
	switch r.Lsh(r, 1).Cmp(by) {
	case 1:
		q.Add(q, big.NewInt(1))
	case 0:
		if q.Bit(0) == 1 {
			q.Add(q, big.NewInt(1))
		}
	}
	return q
}

// aligned returns both mantissas at the larger of the two scales.
func aligned(a, b event.Decimal) (x, y *big.Int, scale int) {
	x, y = mantissaOf(a), mantissaOf(b)
	switch d := int(a.Scale) - int(b.Scale); {
	case d < 0:
		x.Mul(x, pow10(-d))
	case d > 0:
		y.Mul(y, pow10(d))
	}
	return x, y, int(max(a.Scale, b.Scale))
}

func add(a, b event.Decimal) (event.Decimal, bool) {
	x, y, scale := aligned(a, b)
	return fit(x.Add(x, y), scale)
}

func negate(d event.Decimal) event.Decimal {
	d.Neg = !d.Neg && !d.IsZero()
	return d
}

func subtract(a, b event.Decimal) (event.Decimal, bool) { return add(a, negate(b)) }

func multiply(a, b event.Decimal) (event.Decimal, bool) {
	x := mantissaOf(a)
	return fit(x.Mul(x, mantissaOf(b)), int(a.Scale)+int(b.Scale))
}

func divide(a, b event.Decimal) (event.Decimal, bool) {
	if b.IsZero() {
		return event.Decimal{}, false
	}
	// 60 digits are enough: a quotient of two such numbers that is no tie is further than 10^-58 from every tie.
	x, y, _ := aligned(a, b)
	d, ok := fit(x.Quo(x.Mul(x, pow10(60)), y), 60)
	return d.Normalized(), ok
}

func remainder(a, b event.Decimal) (event.Decimal, bool) {
	if b.IsZero() {
		return event.Decimal{}, false
	}
	x, y, scale := aligned(a, b)
	return fit(x.Rem(x, y), scale)
}

// power is exact multiplication for whole exponents from zero; all others go through binary64 at 15 digits (R7).
func power(a, b event.Decimal) (event.Decimal, bool) {
	if n, ok := b.Int64(); ok && n >= 0 {
		return wholePower(a, n)
	}
	f := math.Pow(a.Float64(), b.Float64())
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return event.Decimal{}, false
	}
	d, ok := event.ParseDecimal(strconv.FormatFloat(f, 'e', 14, 64))
	return d.Normalized(), ok
}

// wholePower squares and multiplies. Only powers of -1, 0 and 1, and of what shrinks to zero, survive a large exponent, so it ends soon.
func wholePower(a event.Decimal, n int64) (event.Decimal, bool) {
	result, ok := event.DecimalOf(1), true
	for {
		if n&1 == 1 {
			if result, ok = multiply(result, a); !ok {
				return result, false
			}
		}
		if n >>= 1; n == 0 {
			return result, true
		}
		if a, ok = multiply(a, a); !ok {
			return result, false
		}
	}
}

// round rounds to places digits after the point, midpoints away from zero.
func round(d event.Decimal, places int) event.Decimal {
	if int(d.Scale) <= places {
		return d
	}
	m := mantissaOf(d)
	by := pow10(int(d.Scale) - places)
	q, r := m.QuoRem(m, by, new(big.Int))
	if r.Lsh(r.Abs(r), 1).Cmp(by) >= 0 {
		one := int64(1)
		if d.Neg {
			one = -1
		}
		q.Add(q, big.NewInt(one))
	}
	out, _ := fit(q, places) // fewer digits than d had
	return out
}
