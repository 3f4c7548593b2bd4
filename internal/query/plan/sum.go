package plan

import (
	"math/big"
	"math/bits"
	"strconv"

	"github.com/stelehq/stele/internal/event"
)

// A sum is exact: ±words / 10^scale, in two's complement of 256 bits, lowest word first. A number of R7 at scale 28 is below
// 2^190, so 2^63 of them fit.
type sum struct {
	words [4]uint64
	scale uint8
}

// add adds d, n times over.
func (s *sum) add(d event.Decimal, n uint64) {
	if d.Scale > s.scale {
		s.rescale(d.Scale)
	}
	w := [4]uint64{uint64(d.Mid)<<32 | uint64(d.Lo), uint64(d.Hi)}
	if n != 1 {
		w = times(w, n)
	}
	w = shifted(w, s.scale-d.Scale)
	if d.Neg {
		s.words = minus(s.words, w)
	} else {
		s.words = plus(s.words, w)
	}
}

// addSmall adds m / 10^scale.
func (s *sum) addSmall(m int64, scale uint8) {
	if scale != s.scale {
		s.add(scaled(m, scale), 1)
		return
	}
	sign := uint64(m >> 63)
	s.words = plus(s.words, [4]uint64{uint64(m), sign, sign, sign})
}

func scaled(m int64, scale uint8) event.Decimal {
	d := event.DecimalOf(m)
	d.Scale = scale
	return d
}

func (s *sum) merge(o *sum) {
	other := o.words
	switch {
	case o.scale > s.scale:
		s.rescale(o.scale)
	case o.scale < s.scale:
		other = shifted(other, s.scale-o.scale)
	}
	s.words = plus(s.words, other)
}

func (s *sum) rescale(to uint8) {
	s.words = shifted(s.words, to-s.scale)
	s.scale = to
}

// shifted is w times 10^n.
func shifted(w [4]uint64, n uint8) [4]uint64 {
	for ; n >= 19; n -= 19 {
		w = times(w, powers[19])
	}
	if n > 0 {
		w = times(w, powers[n])
	}
	return w
}

// powers are those of ten that a word holds.
var powers = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// times is right for negative w too, as all is modulo 2^256.
func times(w [4]uint64, n uint64) (out [4]uint64) {
	var carry uint64
	for i := range w {
		hi, lo := bits.Mul64(w[i], n)
		var c uint64
		out[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	return out
}

func plus(a, b [4]uint64) (out [4]uint64) {
	var c uint64
	for i := range a {
		out[i], c = bits.Add64(a[i], b[i], c)
	}
	return out
}

func minus(a, b [4]uint64) (out [4]uint64) {
	var c uint64
	for i := range a {
		out[i], c = bits.Sub64(a[i], b[i], c)
	}
	return out
}

// magnitude returns the sum's absolute value times 10^scale.
func (s *sum) magnitude() (abs *big.Int, negative bool) {
	w := s.words
	if negative = w[3]>>63 == 1; negative {
		w = minus([4]uint64{}, w)
	}
	abs = new(big.Int)
	for i := len(w) - 1; i >= 0; i-- {
		abs.Lsh(abs, 64).Or(abs, new(big.Int).SetUint64(w[i]))
	}
	return abs, negative
}

// decimal rounds the sum to what a decimal holds; not ok beyond the range of R7.
func (s *sum) decimal() (event.Decimal, bool) {
	abs, negative := s.magnitude()
	return decimalOf(abs, negative, int(s.scale))
}

// over is the sum divided by n, rounded once; not ok beyond the range of R7.
func (s *sum) over(n uint64) (event.Decimal, bool) {
	abs, negative := s.magnitude()
	// 40 digits more than the sum has hold all that a decimal can; what is left decides about halves alone.
	const more = 40
	abs.Mul(abs, new(big.Int).Exp(big.NewInt(10), big.NewInt(more), nil))
	rest := new(big.Int)
	abs.QuoRem(abs, new(big.Int).SetUint64(n), rest)
	abs.Mul(abs, big.NewInt(10))
	if rest.Sign() != 0 {
		abs.Add(abs, big.NewInt(1))
	}
	d, ok := decimalOf(abs, negative, int(s.scale)+more+1)
	return d.Normalized(), ok
}

// decimalOf is ±abs / 10^scale, rounded half to even.
func decimalOf(abs *big.Int, negative bool, scale int) (event.Decimal, bool) {
	text := make([]byte, 0, 96)
	if negative {
		text = append(text, '-')
	}
	text = abs.Append(text, 10)
	text = append(text, "e-"...)
	return event.ParseDecimal(string(strconv.AppendInt(text, int64(scale), 10)))
}
