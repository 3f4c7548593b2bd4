package event

import (
	"math"
	"math/bits"
	"strconv"
)

// Decimal is a number of R7, .NET's decimal: ±mantissa / 10^Scale, with a mantissa of 96 bits (Hi, Mid, Lo) and a scale
// of 0 to 28. Equal values may have different scales (1.5 and 1.50); zero is never negative as made here.
type Decimal struct {
	Hi, Mid, Lo uint32
	Scale       uint8
	Neg         bool
}

// MaxScale is the largest scale of a Decimal, and MaxDigits the most digits of its mantissa.
const (
	MaxScale  = 28
	MaxDigits = 29
)

// ParseDecimal reads a JSON number's text (exponents allowed). ok is false if it is beyond the range of R7, or no number;
// digits past scale 28, or past what the mantissa holds, are rounded half to even. The scale is the text's where it can be.
func ParseDecimal(text string) (d Decimal, ok bool) {
	t, ok := readNumber(text)
	if !ok {
		return Decimal{}, false
	}
	if t.count == 0 {
		return Decimal{Scale: uint8(min(max(t.scale, 0), MaxScale))}, true
	}
	if t.count-t.scale > MaxDigits {
		return Decimal{}, false
	}
	for drop := max(t.scale-MaxScale, t.count-MaxDigits, 0); t.scale-drop >= 0 || drop == 0; drop++ {
		if m, fits := t.mantissa(drop); fits {
			d = m.decimal(max(t.scale-drop, 0))
			d.Neg = t.neg && m != (mantissa{})
			return d, true
		}
	}
	return Decimal{}, false
}

// numberText is a number's text taken apart: its value is ±digits / 10^scale.
type numberText struct {
	text   string
	neg    bool
	digits int // position in text of the first digit that is not a leading zero; a point may lie among the digits
	count  int // how many digits from there on
	scale  int
}

// scaleLimit is far beyond any scale that matters, and far from overflow.
const scaleLimit = 1 << 26

func readNumber(text string) (t numberText, ok bool) {
	i := 0
	if i < len(text) && text[i] == '-' {
		t.neg = true
		i++
	}
	t.text, t.digits = text, -1
	point, any := false, false
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' && !point && any {
			point, any = true, false
			continue
		}
		if c-'0' > 9 {
			break
		}
		any = true
		if point {
			t.scale++
		}
		if t.digits < 0 && c != '0' {
			t.digits = i
		}
		if t.digits >= 0 {
			t.count++
		}
	}
	if !any {
		return t, false
	}
	if i == len(text) {
		return t, true
	}
	if text[i]|0x20 != 'e' {
		return t, false
	}
	i++
	sign := 1
	if i < len(text) && (text[i] == '+' || text[i] == '-') {
		if text[i] == '-' {
			sign = -1
		}
		i++
	}
	if i == len(text) {
		return t, false
	}
	exponent := 0
	for ; i < len(text); i++ {
		if text[i]-'0' > 9 {
			return t, false
		}
		exponent = min(exponent*10+int(text[i]-'0'), scaleLimit)
	}
	t.scale -= sign * exponent
	return t, true
}

// mantissa returns the digits without the last drop of them, rounded half to even, times 10^-scale if scale is negative.
// fits is false if that is over 96 bits.
func (t numberText) mantissa(drop int) (m mantissa, fits bool) {
	keep := t.count - drop
	if keep < 0 {
		return m, true
	}
	i := t.digits
	for n := 0; n < keep; i++ {
		if t.text[i] == '.' {
			continue
		}
		if m, fits = m.timesPlus(10, uint64(t.text[i]-'0')); !fits {
			return m, false
		}
		n++
	}
	if drop > 0 && t.roundsUp(i, drop, m.lo&1 == 1) {
		return m.timesPlus(1, 1)
	}
	for n := t.scale; n < 0; n++ {
		if m, fits = m.timesPlus(10, 0); !fits {
			return m, false
		}
	}
	return m, true
}

// roundsUp judges the drop digits from text[i] on: over a half, or a half after an odd digit.
func (t numberText) roundsUp(i, drop int, odd bool) bool {
	first := true
	for n := 0; n < drop; i++ {
		c := t.text[i]
		if c == '.' {
			continue
		}
		n++
		switch {
		case first && c != '5':
			return c > '5'
		case !first && c != '0':
			return true
		}
		first = false
	}
	return odd
}

// mantissa is a number of 96 bits: hi<<64 | lo, hi below 1<<32.
type mantissa struct{ hi, lo uint64 }

// timesPlus returns m*factor+plus for a factor up to 1<<31; fits is false if it is over 96 bits.
func (m mantissa) timesPlus(factor, plus uint64) (_ mantissa, fits bool) {
	high, low := bits.Mul64(m.lo, factor)
	low, carry := bits.Add64(low, plus, 0)
	high += m.hi*factor + carry
	return mantissa{high, low}, high <= math.MaxUint32
}

func (m mantissa) decimal(scale int) Decimal {
	return Decimal{Hi: uint32(m.hi), Mid: uint32(m.lo >> 32), Lo: uint32(m.lo), Scale: uint8(scale)}
}

func (d Decimal) mantissa() mantissa {
	return mantissa{uint64(d.Hi), uint64(d.Mid)<<32 | uint64(d.Lo)}
}

// IsZero reports whether d is zero, of whatever scale.
func (d Decimal) IsZero() bool { return d.Hi|d.Mid|d.Lo == 0 }

// Compare orders by value: -1, 0, 1.
func (d Decimal) Compare(o Decimal) int {
	switch {
	case d.IsZero() && o.IsZero():
		return 0
	case d.IsZero():
		return -o.sign()
	case o.IsZero() || d.Neg != o.Neg:
		return d.sign()
	}
	a, b := d.mantissa().wide(), o.mantissa().wide()
	for n := d.Scale; n < o.Scale; n++ {
		a = a.timesTen()
	}
	for n := o.Scale; n < d.Scale; n++ {
		b = b.timesTen()
	}
	return d.sign() * a.compare(b)
}

func (d Decimal) sign() int {
	if d.Neg {
		return -1
	}
	return 1
}

// wide is a number of 192 bits, lowest word first: a mantissa times 10^28 is below 1<<190.
type wide [3]uint64

func (m mantissa) wide() wide { return wide{m.lo, m.hi, 0} }

func (w wide) timesTen() wide {
	h0, l0 := bits.Mul64(w[0], 10)
	h1, l1 := bits.Mul64(w[1], 10)
	l1, carry := bits.Add64(l1, h0, 0)
	return wide{l0, l1, w[2]*10 + h1 + carry}
}

func (w wide) compare(o wide) int {
	for i := len(w) - 1; i >= 0; i-- {
		if w[i] != o[i] {
			if w[i] < o[i] {
				return -1
			}
			return 1
		}
	}
	return 0
}

// tenth returns m/10 and the digit that is left.
func (m mantissa) tenth() (mantissa, byte) {
	high, rest := m.hi/10, m.hi%10
	low, rest := bits.Div64(rest, m.lo, 10)
	return mantissa{high, low}, byte(rest)
}

// Normalized returns the same value with the smallest scale, so that equal values are == .
func (d Decimal) Normalized() Decimal {
	if d.IsZero() {
		return Decimal{}
	}
	m, scale := d.mantissa(), int(d.Scale)
	for scale > 0 {
		less, digit := m.tenth()
		if digit != 0 {
			break
		}
		m, scale = less, scale-1
	}
	n := m.decimal(scale)
	n.Neg = d.Neg
	return n
}

// Append appends d without exponent, with exactly Scale digits after the point: a JSON number.
func (d Decimal) Append(dst []byte) []byte {
	if d.Neg {
		dst = append(dst, '-')
	}
	var buf [MaxDigits + 2]byte
	at, m := len(buf), d.mantissa()
	for n := 0; n <= int(d.Scale) || m != (mantissa{}); n++ {
		if n == int(d.Scale) && n > 0 {
			at--
			buf[at] = '.'
		}
		var digit byte
		m, digit = m.tenth()
		at--
		buf[at] = '0' + digit
	}
	return append(dst, buf[at:]...)
}

// String is Append as a string.
func (d Decimal) String() string { return string(d.Append(nil)) }

// DecimalOf returns n.
func DecimalOf(n int64) Decimal {
	if n < 0 {
		d := mantissa{lo: -uint64(n)}.decimal(0)
		d.Neg = true
		return d
	}
	return mantissa{lo: uint64(n)}.decimal(0)
}

// Int64 returns d if it is a whole number (of whatever scale) within int64.
func (d Decimal) Int64() (n int64, ok bool) {
	d = d.Normalized()
	m := d.mantissa()
	switch {
	case d.Scale != 0 || m.hi != 0:
		return 0, false
	case d.Neg:
		return -int64(m.lo), m.lo <= 1<<63
	}
	return int64(m.lo), m.lo < 1<<63
}

// Float64 returns the binary64 nearest to d.
func (d Decimal) Float64() float64 {
	f, _ := strconv.ParseFloat(d.String(), 64) // d's text is always in range
	return f
}
