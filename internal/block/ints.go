package block

import (
	"encoding/binary"
	"math/bits"
)

// Integers are written in one of two ways, whichever is smaller:
//
//	fixed   +----------+---------------+-----------+-----------------------------------+
//	        | 0 (byte) | base (varint) | w (byte)  | value - base, w bytes each        |
//	        +----------+---------------+-----------+-----------------------------------+
//	deltas  +----------+---------------------------------------------------------------+
//	        | 1 (byte) | varint of each value minus the one before (the first: minus 0) |
//	        +----------+---------------------------------------------------------------+
//
// w is 0 to 8, bytes are little-endian, arithmetic wraps. How many there are is known from elsewhere.
const (
	intsFixed  = 0
	intsDeltas = 1
)

// appendFixed appends values in the fixed form.
func appendFixed(dst []byte, values []int64) []byte {
	base, width := fixedForm(values)
	dst = append(dst, intsFixed)
	dst = binary.AppendVarint(dst, base)
	dst = append(dst, byte(width))
	return appendWidth(dst, values, base, width)
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

func appendWidth(dst []byte, values []int64, base int64, width int) []byte {
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

// appendDeltas appends values in the deltas form.
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

// appendInts appends values in the smaller form.
func appendInts(dst []byte, values []int64) []byte {
	if _, width := fixedForm(values); deltasSize(values) < width*len(values) {
		return appendDeltas(dst, values)
	}
	return appendFixed(dst, values)
}

// ints reads n integers.
type ints struct {
	base  int64
	width int
	fixed []byte
	all   []int64 // of the deltas form
}

// at returns integer i, which must be in range.
func (v *ints) at(i int) int64 {
	switch {
	case v.all != nil:
		return v.all[i]
	case v.width == 0:
		return v.base
	case v.width == 1:
		return v.base + int64(v.fixed[i])
	case v.width == 2:
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

func (v *ints) memory() int { return 8 * len(v.all) }

// ints reads n integers off d.
func (d *decoder) ints(what string, n int) (v ints) {
	switch form := d.byte(what); {
	case d.err != nil:
	case form == intsFixed:
		v.base = d.varint(what)
		v.width = int(d.byte(what))
		if v.width > 8 {
			d.fail("%s: a width of %d bytes", what, v.width)
			return v
		}
		// Divide rather than multiply: n*width can overflow.
		if v.width > 0 && n > len(d.src)/v.width {
			d.fail("%s: %d of width %d do not fit in %d bytes", what, n, v.width, len(d.src))
			return v
		}
		v.fixed = d.bytes(what, uint64(n*v.width))
	case form == intsDeltas:
		if n > len(d.src) {
			d.fail("%s: %d do not fit in %d bytes", what, n, len(d.src))
			return v
		}
		v.all = make([]int64, n)
		last := int64(0)
		for i := range v.all {
			last += d.varint(what)
			v.all[i] = last
		}
	default:
		d.fail("%s: unknown form %d", what, form)
	}
	return v
}

func (d *decoder) varint(what string) int64 {
	v, n := binary.Varint(d.src)
	if n <= 0 {
		d.fail("%s: the number is cut off or too long", what)
		return 0
	}
	d.src = d.src[n:]
	return v
}
