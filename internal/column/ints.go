package column

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// Integers open with their form. Three forms are for any effort:
//
//	fixed   +----------+---------------+-----------+-----------------------------------+
//	        | 0 (byte) | base (varint) | w (byte)  | value - base, w bytes each        |
//	        +----------+---------------+-----------+-----------------------------------+
//	deltas  +----------+---------------------------------------------------------------+
//	        | 1 (byte) | varint of each value minus the one before (the first: minus 0) |
//	        +----------+---------------------------------------------------------------+
//	steps   +----------+-----------------------------------+-----------+-------------------------------------------+
//	        | 2 (byte) | first (varint), divisor (uvarint) | w (byte)  | (value - the one before) / divisor, w bytes |
//	        +----------+-----------------------------------+-----------+-------------------------------------------+
//
// w is 0 to 8, bytes are little-endian, arithmetic wraps, but not in steps, which never lead down. The other forms are in coded.go.
const (
	formFixed  = 0
	formDeltas = 1
	formSteps  = 2
)

// Ints appends values. c remembers their form.
func (e *Encoder) Ints(dst []byte, values []int64, c *Choice) []byte {
	if e.Effort == Thorough {
		return e.coded(dst, values, c, 0)
	}
	base, width := fixedForm(values)
	if deltasSize(values) < width*len(values) {
		return appendDeltas(dst, values)
	}
	return appendFixed(dst, values, base, width)
}

// Ascending appends values of which none is less than the one before it. c remembers their form.
func (e *Encoder) Ascending(dst []byte, values []int64, c *Choice) []byte {
	if e.Effort == Thorough {
		return e.coded(dst, values, c, 0)
	}
	return e.steps(dst, values)
}

// Fixed appends values in the fixed form, which is read at random without any decoding.
func (e *Encoder) Fixed(dst []byte, values []int64) []byte {
	base, width := fixedForm(values)
	return appendFixed(dst, values, base, width)
}

func appendFixed(dst []byte, values []int64, base int64, width int) []byte {
	dst = append(dst, formFixed)
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
	return base, bytesFor(uint64(most) - uint64(base))
}

func appendDeltas(dst []byte, values []int64) []byte {
	dst = append(dst, formDeltas)
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
		size += (bits.Len64(toZigzag(uint64(v-last))|1) + 6) / 7
		last = v
	}
	return size
}

// steps appends values that ascend.
func (e *Encoder) steps(dst []byte, values []int64) []byte {
	l := &e.levels[0]
	steps, divisor, top := l.u[:0], uint64(0), uint64(0)
	for i := 1; i < len(values); i++ {
		d := uint64(values[i]) - uint64(values[i-1])
		steps = append(steps, d)
		divisor = gcd(divisor, d)
		top = max(top, d)
	}
	l.u = steps
	divisor = max(divisor, 1)
	width := bytesFor(top / divisor)
	dst = append(dst, formSteps)
	first := int64(0)
	if len(values) > 0 {
		first = values[0]
	}
	dst = binary.AppendVarint(dst, first)
	dst = binary.AppendUvarint(dst, divisor)
	dst = append(dst, byte(width))
	var word [8]byte
	for _, d := range steps {
		binary.LittleEndian.PutUint64(word[:], d/divisor)
		dst = append(dst, word[:width]...)
	}
	return dst
}

// gcd is fast where a is a divisor of b already, which most are.
func gcd(a, b uint64) uint64 {
	for a != 0 {
		if a == 1 {
			return 1
		}
		a, b = b%a, a
	}
	return b
}

// Bounds are what integers must keep to; what does not is Corrupt.
type Bounds struct {
	Min, Max  int64 // both included
	Ascending bool  // none is less than the one before it
}

// AnyInt bounds nothing.
var AnyInt = Bounds{Min: math.MinInt64, Max: math.MaxInt64}

// Below bounds indexes into n things.
func Below(n int) Bounds { return Bounds{Max: int64(n) - 1} }

// Ints reads integers at random: base + divisor · u. Safe for concurrent use.
type Ints struct {
	n       int
	base    int64
	divisor uint64
	width   int    // bytes of each u
	flat    []byte // all u; nil if they are decoded by chunks
	chunked *chunked
	form    byte
}

// Len is how many there are.
func (v *Ints) Len() int { return v.n }

// At returns integer i, which must be in range.
func (v *Ints) At(i int) int64 {
	data := v.flat
	if v.chunked != nil {
		data = v.chunked.chunk(i >> chunkBits)
		i &= chunkLen - 1
	}
	var u uint64
	switch v.width {
	case 0:
		return v.base
	case 1:
		u = uint64(data[i])
	case 2:
		u = uint64(binary.LittleEndian.Uint16(data[2*i:]))
	default:
		u = wide(data, i, v.width)
	}
	return v.base + int64(u*v.divisor)
}

func wide(data []byte, i, width int) uint64 {
	at := i * width
	if at+8 <= len(data) {
		return binary.LittleEndian.Uint64(data[at:]) & (1<<(8*width) - 1)
	}
	var word [8]byte
	copy(word[:], data[at:at+width])
	return binary.LittleEndian.Uint64(word[:])
}

// Load decodes every chunk, as reading all integers would.
func (v *Ints) Load() {
	for i := 0; i < v.n; i += chunkLen {
		v.At(i)
	}
}

// Fill sets dst to the integers from i on, all of which must be in range.
func (v *Ints) Fill(dst []int64, i int) {
	if v.chunked == nil {
		v.fill(dst, v.flat, i)
		return
	}
	for len(dst) > 0 {
		n := min(len(dst), chunkLen-i&(chunkLen-1))
		v.fill(dst[:n], v.chunked.chunk(i>>chunkBits), i&(chunkLen-1))
		dst, i = dst[n:], i+n
	}
}

func (v *Ints) fill(dst []int64, data []byte, i int) {
	switch v.width {
	case 0:
		for j := range dst {
			dst[j] = v.base
		}
	case 1:
		data = data[i:]
		for j := range dst {
			dst[j] = v.base + int64(uint64(data[j])*v.divisor)
		}
	case 2:
		data = data[2*i:]
		for j := range dst {
			dst[j] = v.base + int64(uint64(binary.LittleEndian.Uint16(data[2*j:]))*v.divisor)
		}
	default:
		for j := range dst {
			dst[j] = v.base + int64(wide(data, i+j, v.width)*v.divisor)
		}
	}
}

// Same says whether all integers are known to be the same without a look at each.
func (v *Ints) Same() bool { return v.width == 0 }

// Span returns the least and the greatest integer, 0 and 0 if there are none. What is decoded later keeps within.
func (v *Ints) Span() (least, most int64) {
	if v.chunked != nil {
		return v.base, v.base + int64(v.chunked.top*v.divisor)
	}
	if v.n == 0 {
		return 0, 0
	}
	n := v.n
	if v.Same() {
		n = 1
	}
	least, most = math.MaxInt64, math.MinInt64
	for i := range n {
		x := v.At(i)
		least, most = min(least, x), max(most, x)
	}
	return least, most
}

// ReadInts reads n integers off src, which must not change afterwards, and returns what follows them. The caller has bounded n: reading may
// take 8 bytes for each. What can't be checked at once is told to a when it is found.
func ReadInts(src []byte, n int, b Bounds, a *Account) (v *Ints, rest []byte, err error) {
	d := &Decoder{Src: src}
	v = readInts(d, n, b, a, 0)
	return v, d.Src, d.err
}

func readInts(d *Decoder, n int, b Bounds, a *Account, depth int) *Ints {
	v := &Ints{n: n, divisor: 1, form: d.Byte("form")}
	if n > math.MaxInt32 {
		d.Fail("%d integers", n)
	}
	switch {
	case d.err != nil:
	case v.form == formFixed:
		v.readFixed(d)
	case v.form == formDeltas:
		v.readDeltas(d, a)
	case v.form == formSteps:
		v.readSteps(d, a)
	default:
		v.readCoded(d, b, a, depth)
	}
	if d.err == nil && v.chunked == nil && b != AnyInt {
		v.check(d, b)
	}
	if d.err != nil {
		return &Ints{}
	}
	return v
}

func (v *Ints) readFixed(d *Decoder) {
	v.base = d.Varint("base")
	v.readFlat(d, v.n)
}

// readFlat reads the width and n numbers of it.
func (v *Ints) readFlat(d *Decoder, n int) {
	v.width = int(d.Byte("width"))
	if v.width > 8 {
		d.Fail("a width of %d bytes", v.width)
		return
	}
	// Divide rather than multiply: n*width can overflow.
	if v.width > 0 && n > len(d.Src)/v.width {
		d.Fail("%d of width %d do not fit in %d bytes", n, v.width, len(d.Src))
		return
	}
	v.flat = d.Bytes("integers", uint64(n*v.width))
}

func (v *Ints) readDeltas(d *Decoder, a *Account) {
	if v.n > len(d.Src) {
		d.Fail("%d do not fit in %d bytes", v.n, len(d.Src))
		return
	}
	v.width, v.flat = 8, make([]byte, 0, 8*v.n)
	a.Take(8 * v.n)
	last := int64(0)
	for range v.n {
		last += d.Varint("delta")
		v.flat = binary.LittleEndian.AppendUint64(v.flat, uint64(last))
	}
}

func (v *Ints) readSteps(d *Decoder, a *Account) {
	last := d.Varint("first")
	divisor := d.Uvarint("divisor")
	steps := Ints{n: max(v.n-1, 0), divisor: 1}
	steps.readFlat(d, steps.n)
	if d.err != nil || v.n == 0 {
		return
	}
	v.width, v.flat = 8, make([]byte, 0, 8*v.n)
	a.Take(8 * v.n)
	v.flat = binary.LittleEndian.AppendUint64(v.flat, uint64(last))
	for i := range steps.n {
		q := uint64(steps.At(i))
		if divisor == 0 || q > (uint64(math.MaxInt64)-uint64(last))/divisor {
			d.Fail("integer %d is out of range", i+1)
			return
		}
		last += int64(q * divisor)
		v.flat = binary.LittleEndian.AppendUint64(v.flat, uint64(last))
	}
}

// check looks at every integer.
func (v *Ints) check(d *Decoder, b Bounds) {
	if least, most := v.Span(); v.n > 0 && (least < b.Min || most > b.Max) {
		d.Fail("integers are within %d and %d, expected within %d and %d", least, most, b.Min, b.Max)
		return
	}
	for i := 1; i < v.n && b.Ascending; i++ {
		if v.At(i) < v.At(i-1) {
			d.Fail("integer %d is %d, less than %d before it", i, v.At(i), v.At(i-1))
		}
	}
}

// Form says in words how the integers are written.
func (v *Ints) Form() string {
	switch v.form {
	case formFixed:
		return fmt.Sprintf("%d + width %d", v.base, v.width)
	case formDeltas:
		return "deltas"
	case formSteps:
		return "steps"
	}
	return v.codedForm()
}

// Bools appends values that are 0 or 1 each. They are integers within 0 and 1. c remembers their form.
func (e *Encoder) Bools(dst []byte, values []byte, c *Choice) []byte {
	l := &e.levels[0]
	if e.Effort == Thorough {
		e.numbers = e.numbers[:0]
		for _, v := range values {
			e.numbers = append(e.numbers, int64(v))
		}
		return e.coded(dst, e.numbers, c, 0)
	}
	l.u = l.u[:0]
	for _, v := range values {
		l.u = append(l.u, uint64(v))
	}
	dst, _ = e.appendCoded(dst, head{divisor: 1, top: 1}, plan{form: coderPacked}, nil, 0)
	return dst
}
