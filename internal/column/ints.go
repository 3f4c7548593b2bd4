package column

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// Integers, in one of these forms:
//
//	fixed   +----------+---------------+-----------+-----------------------------------+
//	        | 0 (byte) | base (varint) | w (byte)  | value - base, w bytes each        |
//	        +----------+---------------+-----------+-----------------------------------+
//	deltas  +----------+---------------------------------------------------------------+
//	        | 1 (byte) | varint of each value minus the one before (the first: minus 0) |
//	        +----------+---------------------------------------------------------------+
//
// w is 0 to 8, bytes are little-endian, arithmetic wraps.
const (
	intsFixed  = 0
	intsDeltas = 1
)

// Ints appends values. c remembers their form.
func (e *Encoder) Ints(dst []byte, values []int64, c *Choice) []byte {
	base, width := fixedForm(values)
	if deltasSize(values) < width*len(values) {
		return appendDeltas(dst, values)
	}
	return appendFixed(dst, values, base, width)
}

// Fixed appends values in the fixed form, which is read at random without any decoding.
func (e *Encoder) Fixed(dst []byte, values []int64) []byte {
	base, width := fixedForm(values)
	return appendFixed(dst, values, base, width)
}

func appendFixed(dst []byte, values []int64, base int64, width int) []byte {
	dst = append(dst, intsFixed)
	dst = binary.AppendVarint(dst, base)
	dst = append(dst, byte(width))
	switch width {
	case 0:
	case 1:
		for _, v := range values {
			dst = append(dst, byte(v-base))
		}
	case 2:
		for _, v := range values {
			dst = binary.LittleEndian.AppendUint16(dst, uint16(v-base))
		}
	default:
		var word [8]byte
		for _, v := range values {
			binary.LittleEndian.PutUint64(word[:], uint64(v-base))
			dst = append(dst, word[:width]...)
		}
	}
	return dst
}

// fixedForm returns the base and the width that the fixed form has for values.
func fixedForm(values []int64) (base int64, width int) {
	if len(values) == 0 {
		return 0, 0
	}
	base, most := values[0], values[0]
	for _, v := range values {
		base, most = min(base, v), max(most, v)
	}
	return base, (bits.Len64(uint64(most)-uint64(base)) + 7) / 8
}

func appendDeltas(dst []byte, values []int64) []byte {
	dst = append(dst, intsDeltas)
	last := int64(0)
	for _, v := range values {
		dst = binary.AppendVarint(dst, v-last)
		last = v
	}
	return dst
}

// deltasSize is how many bytes appendDeltas appends.
func deltasSize(values []int64) int {
	size, last := 1, int64(0)
	for _, v := range values {
		d := v - last
		size += (bits.Len64(uint64(d<<1^d>>63)|1) + 6) / 7
		last = v
	}
	return size
}

// A Range bounds integers, both ends included.
type Range struct{ Min, Max int64 }

// AnyInt bounds nothing.
var AnyInt = Range{math.MinInt64, math.MaxInt64}

// Below is the range of indexes into n things.
func Below(n int) Range { return Range{0, int64(n) - 1} }

// Ints reads integers at random. Safe for concurrent use.
type Ints struct {
	n     int
	base  int64
	width int // bytes of each in fixed
	fixed []byte

	deltas bool
}

// Len is how many there are.
func (v *Ints) Len() int { return v.n }

// At returns integer i, which must be in range.
func (v *Ints) At(i int) int64 {
	switch v.width {
	case 0:
		return v.base
	case 1:
		return v.base + int64(v.fixed[i])
	case 2:
		return v.base + int64(binary.LittleEndian.Uint16(v.fixed[2*i:]))
	}
	at := i * v.width
	if at+8 <= len(v.fixed) {
		return v.base + int64(binary.LittleEndian.Uint64(v.fixed[at:])&(1<<(8*v.width)-1))
	}
	var word [8]byte
	copy(word[:], v.fixed[at:at+v.width])
	return v.base + int64(binary.LittleEndian.Uint64(word[:]))
}

// Fill sets dst to the integers from i on, all of which must be in range.
func (v *Ints) Fill(dst []int64, i int) {
	for j := range dst {
		dst[j] = v.At(i + j)
	}
}

// Same says whether all integers are known to be the same without a look at each.
func (v *Ints) Same() bool { return v.width == 0 }

// ReadInts reads n integers off src and returns what follows them. An integer outside r is Corrupt.
func ReadInts(src []byte, n int, r Range, a *Account) (v *Ints, rest []byte, err error) {
	d := &Decoder{Src: src}
	v = &Ints{n: n}
	switch form := d.Byte("form"); {
	case d.err != nil:
	case form == intsFixed:
		v.base = d.Varint("base")
		v.width = int(d.Byte("width"))
		if v.width > 8 {
			d.Fail("a width of %d bytes", v.width)
			break
		}
		// Divide rather than multiply: n*width can overflow.
		if v.width > 0 && n > len(d.Src)/v.width {
			d.Fail("%d of width %d do not fit in %d bytes", n, v.width, len(d.Src))
			break
		}
		v.fixed = d.Bytes("integers", uint64(n*v.width))
	case form == intsDeltas:
		if n > len(d.Src) {
			d.Fail("%d do not fit in %d bytes", n, len(d.Src))
			break
		}
		v.width, v.deltas = 8, true
		v.fixed = make([]byte, 0, 8*n)
		a.Take(8 * n)
		last := int64(0)
		for range n {
			last += d.Varint("delta")
			v.fixed = binary.LittleEndian.AppendUint64(v.fixed, uint64(last))
		}
	default:
		d.Fail("unknown form %d", form)
	}
	if d.err == nil && r != AnyInt {
		v.checkAll(d, r)
	}
	if d.err != nil {
		return nil, nil, d.err
	}
	return v, d.Src, nil
}

// checkAll looks at every integer.
func (v *Ints) checkAll(d *Decoder, r Range) {
	n := v.n
	if v.Same() {
		n = min(n, 1)
	}
	for i := range n {
		if x := v.At(i); x < r.Min || x > r.Max {
			d.Fail("integer %d is %d, not within %d and %d", i, x, r.Min, r.Max)
			return
		}
	}
}

// Form says in words how the integers are written.
func (v *Ints) Form() string {
	if v.deltas {
		return "deltas"
	}
	return fmt.Sprintf("%d + width %d", v.base, v.width)
}
