package column

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// The coded forms, of which Thorough effort takes the smallest:
//
//	+-------------------------------+---------------+-------------------+---------------+
//	| coder + 16 · transform (byte) | base (varint) | divisor (uvarint) | top (uvarint) |  all u are 0 if top is: then that is all
//	+-------------------------------+----------------+-----------------------------------------+---------------------+
//	with a transform but plain:     | shift (varint) | first u of each chunk, packed as top is | greatest x (uvarint) |
//	+-------------------------------+----------------+-----------------------------------------+---------------------+
//
// and then, by coder, all x (transform.go), of which the chunks have 4,096 or, transformed, 4,095:
//
//	packed   3   as many bits for each as the greatest x has; a chunk ends with a whole byte
//	classes  4   +---------------------+-------------------------------------+-----------------------------------+----------------+
//	             | detail, 0-11 (byte) | length of each class's code (ints)  | bytes of each chunk (uvarint each) | the chunks     |
//	             +---------------------+-------------------------------------+-----------------------------------+----------------+
//	zstd     5   bytes (uvarint), a zstd frame: x after x, as many bytes for each as the greatest has
//	planes   6   the same: the lowest byte of each, then the second of each, …
//	runs     7   runs (uvarint), the x of each (ints), how many follow the first of each (ints)
//
// What is nested (ints) is in any form again, up to nesting deep.
const (
	coderPacked  = 3
	coderClasses = 4
	coderZstd    = 5
	coderPlanes  = 6
	coderRuns    = 7

	nesting   = 2
	maxDetail = 11
)

// A level holds what encoding needs at one depth of nesting.
type level struct {
	u, x    []uint64 // x: of the transform below, if not plain
	sample  []uint64
	counts  []uint32
	code    huffman
	bytes   []byte
	packed  []byte
	trial   []byte
	numbers []int64
	also    []int64
}

// A head is what all coded forms open with.
type head struct {
	base    int64
	divisor uint64
	top     uint64
}

// normalise brings values to u.
func (l *level) normalise(values []int64) (h head) {
	h.divisor = 1
	l.u = slices.Grow(l.u[:0], len(values))[:len(values)]
	if len(values) == 0 {
		return h
	}
	u := l.u[:len(values)]
	least, most := values[0], values[0]
	for _, v := range values {
		least, most = min(least, v), max(most, v)
	}
	divisor := uint64(0)
	for _, v := range values {
		if divisor = gcd(divisor, uint64(v)-uint64(least)); divisor == 1 {
			break
		}
	}
	h = head{base: least, divisor: max(divisor, 1), top: uint64(most) - uint64(least)}
	if h.divisor == 1 {
		for i, v := range values {
			u[i] = uint64(v) - uint64(least)
		}
		return h
	}
	h.top /= h.divisor
	for i, v := range values {
		u[i] = (uint64(v) - uint64(least)) / h.divisor
	}
	return h
}

func (h *head) append(dst []byte, form byte) []byte {
	dst = append(dst, form)
	dst = binary.AppendVarint(dst, h.base)
	dst = binary.AppendUvarint(dst, h.divisor)
	return binary.AppendUvarint(dst, h.top)
}

// appendCoded appends the level's u in a form; false: the form does not fit them.
func (e *Encoder) appendCoded(dst []byte, h head, p plan, c *Choice, depth int) ([]byte, bool) {
	l := &e.levels[depth]
	transform, coder := p.form>>4, p.form&15
	dst = h.append(dst, p.form)
	if h.top == 0 {
		return dst, true
	}
	x, greatest := l.u, h.top
	if transform != plain {
		var shift uint64
		l.x, shift = transformed(l.x[:0], l.u, transform)
		x, greatest = l.x, topOf(l.x)
		dst = binary.AppendVarint(dst, int64(shift))
		w := bitWriter{dst: dst}
		for at := 0; at < len(l.u); at += chunkLen {
			w.putWide(l.u[at], uint(bits.Len64(h.top)))
		}
		w.flush()
		dst = binary.AppendUvarint(w.dst, greatest)
		if greatest == 0 && coder != coderPacked {
			return dst, false
		}
	}
	stride := strideOf(transform)
	switch coder {
	case coderPacked:
		width := uint(bits.Len64(greatest))
		for at := 0; at < len(x); at += stride {
			dst = appendPacked(dst, x[at:min(at+stride, len(x))], width)
		}
	case coderClasses:
		return e.appendClasses(dst, x, greatest, chunksOf(len(l.u)), stride, uint(p.detail), c, depth)
	case coderZstd, coderPlanes:
		l.bytes = appendBytes(l.bytes[:0], x, bytesFor(greatest), coder == coderPlanes)
		l.packed = Compress(l.packed[:0], l.bytes)
		dst = binary.AppendUvarint(dst, uint64(len(l.packed)))
		dst = append(dst, l.packed...)
	case coderRuns:
		if l.numbers, l.also = runsOf(l.numbers[:0], l.also[:0], x); depth == nesting {
			return dst, false
		}
		dst = binary.AppendUvarint(dst, uint64(len(l.numbers)))
		dst = e.coded(dst, l.numbers, c.Part(0), depth+1)
		dst = e.coded(dst, l.also, c.Part(1), depth+1)
	}
	return dst, true
}

func (e *Encoder) appendClasses(dst []byte, x []uint64, greatest uint64, chunks, stride int, detail uint, c *Choice, depth int) ([]byte, bool) {
	l := &e.levels[depth]
	n := classesUpTo(greatest, detail)
	if n > maxSymbols || n < 2 || depth == nesting {
		return dst, false
	}
	l.counts = append(l.counts[:0], make([]uint32, n)...)
	_, most := classRange(uint32(n-1), detail)
	if most == 0 {
		for _, v := range x {
			l.counts[v]++
		}
	} else {
		for _, v := range x {
			class, _ := classOf(v, detail)
			l.counts[class]++
		}
	}
	l.code.measure(l.counts)
	l.code.assign()
	l.numbers = l.numbers[:0]
	for _, length := range l.code.lengths {
		l.numbers = append(l.numbers, int64(length))
	}
	dst = append(dst, byte(detail))
	dst = e.coded(dst, l.numbers, c.Part(0), depth+1)
	l.packed = l.packed[:0]
	for k := range chunks { // the last may have one value, and no x
		start := len(l.packed)
		l.packed = l.code.appendClasses(l.packed, x[min(k*stride, len(x)):min((k+1)*stride, len(x))], detail, most)
		dst = binary.AppendUvarint(dst, uint64(len(l.packed)-start))
	}
	return append(dst, l.packed...), true
}

// appendBytes appends width bytes of each x.
func appendBytes(dst []byte, x []uint64, width int, planes bool) []byte {
	if planes {
		for b := range width {
			for _, v := range x {
				dst = append(dst, byte(v>>(8*b)))
			}
		}
		return dst
	}
	var word [8]byte
	for _, v := range x {
		binary.LittleEndian.PutUint64(word[:], v)
		dst = append(dst, word[:width]...)
	}
	return dst
}

// runsOf appends the x of each run and how many follow it.
func runsOf(values, more []int64, x []uint64) ([]int64, []int64) {
	for i, v := range x {
		if i > 0 && v == x[i-1] {
			more[len(more)-1]++
			continue
		}
		values, more = append(values, int64(v)), append(more, 0)
	}
	return values, more
}

// chunked decodes chunks when they are first touched.
type chunked struct {
	account   *Account
	n         int // integers in all
	width     int // bytes of each u
	top       uint64
	ascending bool

	transform byte
	shift     uint64
	firsts    []byte // packed

	data   []byte
	size   uint     // packed: bits of each x
	bounds []uint32 // classes: where each chunk of data ends
	code   *code    // classes

	chunks []atomic.Pointer[[]byte]
}

// readSymbols16 is readSymbols for numbers of two bytes.
func readSymbols16(t *codeTable, data, src []byte, size int) bool {
	buffer := chunkBuffers16.Get().(*[chunkLen]uint16)
	defer chunkBuffers16.Put(buffer)
	u := buffer[:len(data)/2]
	if !readSymbols(t, u, src, size) {
		return false
	}
	for i, v := range u {
		binary.LittleEndian.PutUint16(data[2*i:], v)
	}
	return true
}

var chunkBuffers16 = sync.Pool{New: func() any { return new([chunkLen]uint16) }}

var chunkBuffers = sync.Pool{New: func() any { return new([chunkLen]uint64) }}

// chunk returns the u of chunk k, width bytes each.
func (c *chunked) chunk(k int) []byte {
	if p := c.chunks[k].Load(); p != nil {
		return *p
	}
	n := min(chunkLen, c.n-k*chunkLen)
	data := make([]byte, n*c.width)
	if msg := c.decode(data, n, k); msg != "" {
		clear(data)
		d := Decoder{}
		d.Fail("chunk %d of integers: %s", k, msg)
		c.account.Fail(d.err)
	}
	if c.chunks[k].CompareAndSwap(nil, &data) {
		c.account.Take(len(data) + 24)
	}
	return *c.chunks[k].Load()
}

const wrongEnd = "the codes do not end where the chunk does"

// decode sets data to the n numbers of chunk k and says what is wrong with them.
func (c *chunked) decode(data []byte, n, k int) string {
	var table *codeTable
	if c.code != nil {
		var msg string
		if table, msg = c.code.read(c.account); msg != "" {
			return msg
		}
	}
	if c.symbols() && c.transform == plain && !c.ascending && c.width <= 2 { // none can be over the top
		src, size := c.coded(k)
		if c.width == 2 && !readSymbols16(table, data, src, size) || c.width == 1 && !readSymbols(table, data, src, size) {
			return wrongEnd
		}
		return ""
	}
	buffer := chunkBuffers.Get().(*[chunkLen]uint64)
	defer chunkBuffers.Put(buffer)
	u := buffer[:n]
	x := u
	if c.transform != plain {
		x = u[1:]
	}
	if c.bounds == nil {
		stride := strideOf(c.transform)
		unpack(x, c.data[uint64(k)*packedBytes(stride, c.size):], c.size)
	} else if src, size := c.coded(k); c.symbols() && !readSymbols(table, x, src, size) || !c.symbols() && !table.readClasses(x, src, size) {
		return wrongEnd
	}
	if c.transform != plain {
		u[0] = c.first(k)
		restore(u, c.transform, c.shift)
	}
	if msg := c.check(u); msg != "" {
		return msg
	}
	if c.ascending && k+1 < len(c.chunks) && c.first(k+1) < u[n-1] {
		return "its last is greater than the next chunk's first"
	}
	narrow(data, u, c.width)
	return ""
}

// check says what is wrong with u.
func (c *chunked) check(u []uint64) string {
	most := uint64(0)
	for _, v := range u {
		most = max(most, v)
	}
	if most > c.top {
		return fmt.Sprintf("%d at %d is over %d", most, slices.Index(u, most), c.top)
	}
	for i := 1; i < len(u) && c.ascending; i++ {
		if u[i] < u[i-1] {
			return fmt.Sprintf("%d at %d is less than the one before", u[i], i)
		}
	}
	return ""
}

func (c *chunked) first(k int) uint64 {
	width := uint(bits.Len64(c.top))
	return unpackOne(c.firsts, uint(k)*width, width)
}

// symbols says whether each x is a class of its own.
func (c *chunked) symbols() bool { return c.code != nil && c.code.symbols }

// coded returns the size bytes of chunk k, and slack behind them.
func (c *chunked) coded(k int) (src []byte, size int) {
	start, end := 0, int(c.bounds[k])
	if k > 0 {
		start = int(c.bounds[k-1])
	}
	src = c.data[start:]
	if end+slack > len(c.data) {
		src = append(make([]byte, 0, end-start+slack), c.data[start:end]...)[:end-start+slack]
	}
	return src, end - start
}

// narrow writes each u in width bytes.
func narrow(dst []byte, u []uint64, width int) {
	switch width {
	case 1:
		dst = dst[:len(u)]
		for i, v := range u {
			dst[i] = byte(v)
		}
	case 2:
		for i, v := range u {
			binary.LittleEndian.PutUint16(dst[2*i:], uint16(v))
		}
	case 4:
		for i, v := range u {
			binary.LittleEndian.PutUint32(dst[4*i:], uint32(v))
		}
	case 8:
		for i, v := range u {
			binary.LittleEndian.PutUint64(dst[8*i:], v)
		}
	}
}

// widen reads each u of width bytes.
func widen(u []uint64, src []byte, width int) {
	switch width {
	case 1:
		for i, v := range src[:len(u)] {
			u[i] = uint64(v)
		}
	case 2:
		for i := range u {
			u[i] = uint64(binary.LittleEndian.Uint16(src[2*i:]))
		}
	default:
		for i := range u {
			u[i] = wide(src, i, width)
		}
	}
}

// widthFor is how many bytes a chunk has for each number up to top.
func widthFor(top uint64) int {
	switch n := bytesFor(top); {
	case n <= 2:
		return n
	case n <= 4:
		return 4
	}
	return 8
}

// readCoded reads what follows the byte of a coded form.
func (v *Ints) readCoded(d *Decoder, b Bounds, a *Account, depth int) {
	transform, coder := v.form>>4, v.form&15
	if transform >= transforms || coder < coderPacked || coder > coderRuns || depth > nesting {
		d.Fail("unknown form %d", v.form)
		return
	}
	v.base = d.Varint("base")
	v.divisor = d.Uvarint("divisor")
	top := d.Uvarint("top")
	high, span := bits.Mul64(v.divisor, top)
	if d.err == nil && (v.divisor == 0 || high != 0 || span > uint64(math.MaxInt64)-uint64(v.base)) {
		d.Fail("integers from %d on in %d steps of %d", v.base, top, v.divisor)
	}
	if d.err == nil && v.n > 0 && (v.base < b.Min || v.base+int64(span) > b.Max) {
		d.Fail("integers are within %d and %d, expected within %d and %d", v.base, v.base+int64(span), b.Min, b.Max)
	}
	if d.err != nil || top == 0 {
		return
	}
	c := &chunked{account: a, n: v.n, top: top, ascending: b.Ascending, transform: transform}
	greatest := top
	if transform != plain {
		c.shift = uint64(d.Varint("shift"))
		c.firsts = d.Bytes("first of each chunk", packedBytes(chunksOf(v.n), uint(bits.Len64(top))))
		if greatest = d.Uvarint("greatest x"); greatest == 0 && coder != coderPacked {
			d.Fail("form %d of nothing", v.form)
		}
	}
	v.width = widthFor(top)
	c.width = v.width
	n := codedOf(transform, v.n)
	switch coder {
	case coderPacked:
		c.size = uint(bits.Len64(greatest))
		whole := n / strideOf(transform)
		c.data = d.Bytes("packed", uint64(whole)*packedBytes(strideOf(transform), c.size)+packedBytes(n%strideOf(transform), c.size))
	case coderClasses:
		c.openClasses(d, greatest, depth)
	case coderZstd, coderPlanes:
		v.flat = readBytes(d, n, bytesFor(greatest), coder == coderPlanes)
		v.settle(d, c, bytesFor(greatest), a)
		return
	case coderRuns:
		v.flat = readRuns(d, n, greatest, depth)
		v.settle(d, c, widthFor(greatest), a)
		return
	}
	c.chunks = make([]atomic.Pointer[[]byte], chunksOf(v.n))
	a.Take(8*len(c.chunks) + 200)
	v.chunked = c
	if b.Ascending && d.err == nil {
		v.checkAscending(d, a)
	}
}

// checkAscending leaves to be checked with each chunk what can be. Only differences can ascend by nature.
func (v *Ints) checkAscending(d *Decoder, a *Account) {
	c := v.chunked
	if c.transform == plain {
		var all Account
		c.account = &all
		for k := range c.chunks {
			c.chunk(k)
		}
		if d.err = all.Err(); d.err != nil {
			d.Src = nil
		}
		c.account = a
		a.Take(all.MemSize())
		return
	}
	for k := 1; k < len(c.chunks); k++ {
		if c.first(k) < c.first(k-1) {
			d.Fail("chunk %d starts below the one before", k)
			return
		}
	}
}

func (c *chunked) openClasses(d *Decoder, greatest uint64, depth int) {
	detail := uint(d.Byte("detail"))
	if detail > maxDetail {
		d.Fail("%d bits of detail", detail)
		return
	}
	n := classesUpTo(greatest, detail)
	if n > maxSymbols || n < 2 {
		d.Fail("%d classes", n)
		return
	}
	c.code = &code{detail: detail, symbols: n <= 2<<detail}
	c.code.lengths = readInts(d, n, Bounds{Max: maxCode}, &c.code.late, depth+1)
	chunks := chunksOf(c.n)
	if chunks > len(d.Src) {
		d.Fail("%d chunks do not fit in %d bytes", chunks, len(d.Src))
		return
	}
	c.bounds = make([]uint32, chunks)
	end := 0
	for k := range c.bounds {
		end += d.Number("bytes of a chunk", chunkLen*9)
		c.bounds[k] = uint32(min(end, math.MaxUint32))
	}
	// What follows may be touched, so that a copy is rarely needed, but does not count.
	data := d.Src
	if d.Bytes("chunks", uint64(end)); d.err == nil {
		c.data = data
	}
}

// readBytes reads n numbers of width bytes each.
func readBytes(d *Decoder, n, width int, planes bool) []byte {
	frame := d.Bytes("zstd", d.Uvarint("bytes of zstd"))
	if d.err != nil {
		return nil
	}
	raw, err := Decompress(frame, n*width)
	if err != nil {
		d.err, d.Src = err, nil
		return nil
	}
	if !planes {
		return raw
	}
	out := make([]byte, len(raw))
	for b := range width {
		for i, v := range raw[b*n : (b+1)*n] {
			out[i*width+b] = v
		}
	}
	return out
}

// readRuns reads n numbers up to greatest.
func readRuns(d *Decoder, n int, greatest uint64, depth int) []byte {
	runs := d.Number("runs", n)
	var late Account
	values := readInts(d, runs, AnyInt, &late, depth+1)
	more := readInts(d, runs, Bounds{Max: int64(n)}, &late, depth+1)
	if d.err != nil {
		return nil
	}
	width := widthFor(greatest)
	out := make([]byte, 0, n*width)
	var word [8]byte
	for r := range runs {
		x, count := uint64(values.At(r)), int(more.At(r))+1
		if x > greatest || count > n-len(out)/width {
			d.Fail("run %d: %d times %d, %d are left", r, count, x, n-len(out)/width)
			return nil
		}
		binary.LittleEndian.PutUint64(word[:], x)
		for range count {
			out = append(out, word[:width]...)
		}
	}
	if err := late.Err(); err != nil {
		d.err, d.Src = err, nil
	} else if len(out) != n*width {
		d.Fail("the runs have %d numbers, expected %d", len(out)/width, n)
	}
	return out
}

// settle turns all x, width bytes each in v.flat, into u.
func (v *Ints) settle(d *Decoder, c *chunked, width int, a *Account) {
	if d.err != nil {
		return
	}
	x := v.flat
	if c.transform == plain {
		v.width = width
	} else {
		v.flat = make([]byte, v.n*v.width)
	}
	b := chunkBuffers.Get().(*[chunkLen]uint64)
	defer chunkBuffers.Put(b)
	at := 0
	for k := range chunksOf(v.n) {
		u := b[:min(chunkLen, v.n-k*chunkLen)]
		rest := u
		if c.transform != plain {
			rest = u[1:]
		}
		widen(rest, x[at*width:], width)
		at += len(rest)
		if c.transform != plain {
			u[0] = c.first(k)
			restore(u, c.transform, c.shift)
			narrow(v.flat[k*chunkLen*v.width:], u, v.width)
		}
		if msg := c.check(u); msg != "" {
			d.Fail("chunk %d of integers: %s", k, msg)
			return
		}
	}
	a.Take(len(v.flat))
}

func (v *Ints) codedForm() string {
	name := [...]string{coderPacked: "packed", coderClasses: "classes", coderZstd: "zstd", coderPlanes: "planes", coderRuns: "runs"}[v.form&15]
	name = [transforms]string{"", "deltas ", "zigzag ", "double "}[v.form>>4] + name
	if v.width == 0 {
		return "constant"
	}
	if c := v.chunked; c != nil && c.symbols() {
		name = strings.Replace(name, "classes", "symbols", 1)
	} else if c != nil && c.bounds != nil {
		name += fmt.Sprintf(" of detail %d", c.code.detail)
	}
	return name
}
