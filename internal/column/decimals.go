package column

import "math"

// Decimals are a mantissa and a scale each, the number of digits behind the point. One of two forms:
//
//	each       0 (byte)   scales (ints)   mantissas (ints)
//	shortest   1 (byte)   scale (byte)    mantissas (ints), all brought to that scale
//
// The second is for decimals none of which ends with a zero, but for one right behind the point (2.0): each is what is left of its mantissa once the
// zeroes at the end are cut off, down to a scale of 1. Among numbers that shortest texts were made for, scales tell nothing else.
const (
	decimalsEach     = 0
	decimalsShortest = 1
)

// maxScale is the highest scale of a decimal: mantissas have at most 18 digits.
const maxScale = 18

var powersOfTen = func() (p [maxScale + 1]int64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = 10 * p[i-1]
	}
	return p
}()

// Decimals appends decimals, whose scales are at most 18. c remembers their form.
func (e *Encoder) Decimals(dst []byte, mantissas []int64, scales []uint8, c *Choice) []byte {
	start, n := len(dst), len(scales)
	due := c.due(n)
	if e.Effort == Thorough && (due || c.form == decimalsShortest) {
		numbers, scale := shortest(e.numbers[:0], mantissas, scales)
		if e.numbers = numbers; len(numbers) > 0 {
			dst = e.Ints(append(dst, decimalsShortest, scale), numbers, c.Part(2))
			if !due && c.kept(n, len(dst)-start) {
				return dst
			}
		}
	}
	size := len(dst) - start
	e.numbers = e.numbers[:0]
	for _, s := range scales {
		e.numbers = append(e.numbers, int64(s))
	}
	dst = e.Ints(append(dst, decimalsEach), e.numbers, c.Part(0))
	dst = e.Ints(dst, mantissas, c.Part(1))
	each := dst[start+size:]
	form := byte(decimalsEach)
	if size > 0 && size <= len(each) {
		form, dst = decimalsShortest, dst[:start+size]
	} else {
		dst = append(dst[:start], each...)
	}
	if due || form != c.form || !c.kept(n, len(dst)-start) {
		c.remember(form, 0, n, len(dst)-start)
	}
	return dst
}

// shortest appends the mantissas at their highest scale; none if that is not possible, or all have the same.
func shortest(dst, mantissas []int64, scales []uint8) ([]int64, uint8) {
	scale, same := uint8(0), true
	for i, s := range scales {
		if s == 0 || s > 1 && mantissas[i]%10 == 0 {
			return dst, 0
		}
		same = same && s == scales[0]
		scale = max(scale, s)
	}
	if same {
		return dst, 0
	}
	for i, m := range mantissas {
		p := powersOfTen[scale-scales[i]]
		if m > math.MaxInt64/p || m < math.MinInt64/p {
			return dst[:0], 0
		}
		dst = append(dst, m*p)
	}
	return dst, scale
}

// Decimals reads decimals at random. Safe for concurrent use.
type Decimals struct {
	scale     uint8 // of the shortest form
	scales    *Ints // of the other
	mantissas *Ints
}

// Decimals reads n decimals, as ReadInts does.
func (d *Decoder) Decimals(what string, n int, a *Account) (v Decimals) {
	switch form := d.Byte(what); {
	case d.err != nil:
	case form == decimalsEach:
		v.scales = d.Ints("scales", n, Bounds{Max: maxScale}, a)
	case form == decimalsShortest:
		if v.scale = d.Byte("scale"); v.scale < 1 || v.scale > maxScale {
			d.Fail("a scale of %d", v.scale)
		}
	default:
		d.Fail("%s: unknown form %d", what, form)
	}
	v.mantissas = d.Ints("mantissas", n, AnyInt, a)
	return v
}

// At returns decimal i, which must be in range.
func (v *Decimals) At(i int) (mantissa int64, scale uint8) {
	mantissa = v.mantissas.At(i)
	if v.scales != nil {
		return mantissa, uint8(v.scales.At(i))
	}
	return shorten(mantissa, v.scale)
}

// Parts returns the mantissas and, if it is known to be the same for all, their scale.
func (v *Decimals) Parts() (mantissas *Ints, scale uint8, same bool) {
	if v.scales == nil || !v.scales.Same() {
		return v.mantissas, 0, false
	}
	return v.mantissas, uint8(v.scales.base), true
}

// Scaled returns mantissas that are all of one scale, if the decimals are written so. What they stand for may have zeroes less: OfMantissa cuts them off.
func (v *Decimals) Scaled() (mantissas *Ints, scale uint8, ok bool) {
	if v.scales == nil {
		return v.mantissas, v.scale, true
	}
	return v.Parts()
}

// OfMantissa returns the decimal that one of these mantissas stands for, as At does.
func (v *Decimals) OfMantissa(mantissa int64) (int64, uint8) {
	if v.scales == nil {
		return shorten(mantissa, v.scale)
	}
	return mantissa, uint8(v.scales.base)
}

// Scales returns how many digits behind the point each decimal has; nil if Scaled says it for all.
func (v *Decimals) Scales() *Ints {
	if v.scales == nil || v.scales.Same() {
		return nil
	}
	return v.scales
}

// Mantissas returns the decimals without their points.
func (v *Decimals) Mantissas() *Ints { return v.mantissas }

// Load decodes every chunk, as reading all decimals would.
func (v *Decimals) Load() {
	v.mantissas.Load()
	if v.scales != nil {
		v.scales.Load()
	}
}

// shorten cuts off zeroes at the end.
func shorten(mantissa int64, scale uint8) (int64, uint8) {
	for scale > 1 && mantissa%10 == 0 {
		mantissa, scale = mantissa/10, scale-1
	}
	return mantissa, scale
}

// Append appends n decimals from i on, all of which must be in range.
func (v *Decimals) Append(mantissas []int64, scales []uint8, i, n int) ([]int64, []uint8) {
	start := len(mantissas)
	mantissas = append(mantissas, make([]int64, n)...)
	v.mantissas.Fill(mantissas[start:], i)
	switch {
	case v.scales == nil:
		for j := start; j < len(mantissas); j++ {
			var s uint8
			mantissas[j], s = shorten(mantissas[j], v.scale)
			scales = append(scales, s)
		}
	case v.scales.Same() && n > 0:
		s := uint8(v.scales.At(i))
		for range n {
			scales = append(scales, s)
		}
	default:
		for j := range n {
			scales = append(scales, uint8(v.scales.At(i+j)))
		}
	}
	return mantissas, scales
}

// Form says in words how the decimals are written.
func (v *Decimals) Form() string {
	if v.scales == nil {
		return "shortest, " + v.mantissas.Form()
	}
	return "scales " + v.scales.Form() + ", " + v.mantissas.Form()
}
