package column

import (
	"encoding/binary"
	"math"
)

// Ids are texts of one length in which some places are hexadecimal digits, and all others the same in each text: hex of any length, GUIDs
// with hyphens, either with constant text before and behind. Two digits take a byte.
//
//	+-----------+-------------------+---------------------------------+---------------------------------+
//	| chunks    | u (byte)          | n (uvarint): length of the texts | n bits: set where a digit varies |
//	+-----------+-------------------+---------------------------------+---------------------------------+
//	| the other places' bytes | k (byte): first bytes that are integers | these (integers, if k > 0)      |
//	+-------------------------+-----------------------------------------+---------------------------------+
//	| the other bytes, those of a text together | exceptions                                                |
//	+-------------------------------------------+-----------------------------------------------------------+
//
// u is 1 if digits above 9 are upper-case. After an odd number of digits comes half a byte of zero. Exceptions, whose digits are zeroes:
//
//	+------------------+----------------------------------------------------------------+----------------+
//	| count (uvarint)  | how far each is behind the one before (integers; the first: 0) | texts          |
//	+------------------+----------------------------------------------------------------+----------------+
//
// Without any, only the count is there.
type ids struct {
	n        int
	upper    bool
	template []byte // of literal bytes; digit where a digit varies
	digits   []bool
	count    int // digits that vary
	lead     int
	leads    *Ints
	raw      []byte
	except   exceptions
	places   []uint8 // when read: of the digits
	clean    bool    // none needs an escape
	together bool    // the two digits of each byte stand side by side
}

const maxIDLength = 255

// width is how many bytes the digits of a text take.
func (f *ids) width() int { return (f.count + 1) / 2 }

// exceptions are values that don't have the form of the others.
type exceptions struct {
	at    []int64
	texts *TextReader
}

func (e *Encoder) exceptions(dst []byte, at []int64, l *list, c *Choice) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(at)))
	if len(at) == 0 {
		return dst
	}
	gaps, last := make([]int64, len(at)), int64(0)
	for i, a := range at {
		gaps[i], last = a-last, a
	}
	dst = e.Ints(dst, gaps, c.Part(partExceptions))
	return e.packed(dst, l, c.Part(partExceptions))
}

func (d *textSource) exceptions(n int) (x exceptions) {
	count := d.Number("exceptions", n)
	if count == 0 {
		return x
	}
	gaps := d.ints("exceptions", count, Below(n))
	x.texts = d.texts("exceptions", count)
	if d.Err() != nil {
		return x
	}
	x.at = make([]int64, count)
	gaps.Fill(x.at, 0)
	last := int64(0)
	for i, gap := range x.at {
		if last += gap; last >= int64(n) || i > 0 && gap == 0 {
			d.Fail("exception %d is text %d of %d", i, last, n)
			return x
		}
		x.at[i] = last
	}
	d.account.Take(8 * count)
	return x
}

// from returns the number of the first exception at or after i.
func (x *exceptions) from(i int) int {
	low, high := 0, len(x.at)
	for low < high {
		if mid := (low + high) / 2; x.at[mid] < int64(i) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// next returns the position of exception i, one that no text has if there is none.
func (x *exceptions) next(i int) int {
	if i < len(x.at) {
		return int(x.at[i])
	}
	return math.MaxInt
}

// add appends exception i to a list that may have limit bytes.
func (x *exceptions) add(dst *list, i, limit int) error {
	v := x.texts.At(i)
	if len(v) > limit-len(dst.bytes) {
		return corrupt("text %d has too many bytes", x.at[i])
	}
	dst.add(v)
	return nil
}

var hexValue = func() (v [256]byte) { // 16: none; lower-case digits have bit 5 set, upper-case ones bit 6
	for i := range v {
		v[i] = 16
	}
	for i := range byte(10) {
		v['0'+i] = i
	}
	for i := range byte(6) {
		v['a'+i], v['A'+i] = 0x20|(10+i), 0x40|(10+i)
	}
	return v
}()

// idForm finds the form that most of the sampled texts have; false if they have none.
func idForm(l *list, sample []int) (f ids, ok bool) {
	// The most common length.
	var lengths [maxIDLength + 1]int
	best := 0
	for _, i := range sample {
		if n := len(l.at(i)); n <= maxIDLength {
			if lengths[n]++; lengths[n] > lengths[best] {
				best = n
			}
		}
	}
	if best < 6 || lengths[best] < len(sample)-len(sample)/8 {
		return f, false
	}
	// Places that are the same in all, and what cases the digits have.
	first := []byte(nil)
	same := make([]bool, best)
	seen := byte(0)
	digit := make([]int, best)
	for _, i := range sample {
		v := l.at(i)
		if len(v) != best {
			continue
		}
		if first == nil {
			first = v
			for j := range same {
				same[j] = true
			}
		}
		for j, c := range v {
			same[j] = same[j] && c == first[j]
			if h := hexValue[c]; h != 16 {
				digit[j]++
				seen |= h
			}
		}
	}
	if first == nil {
		return f, false
	}
	f.upper = seen&0x60 == 0x40
	f.template, f.digits = first, make([]bool, best)
	for j := range f.digits {
		if same[j] {
			continue
		}
		if digit[j] < lengths[best]-lengths[best]/8 {
			return f, false
		}
		f.digits[j] = true
		f.count++
	}
	return f, f.count >= 4
}

// A hexer turns texts into bytes.
type hexer struct {
	length  int
	places  []int // of digits
	literal []int // the other places
	text    []byte
	refuse  byte // what no digit's value may have
}

func (f *ids) hexer() *hexer {
	h := &hexer{length: len(f.template), text: f.template, refuse: 16 | 0x40}
	if f.upper {
		h.refuse = 16 | 0x20
	}
	for j, digit := range f.digits {
		if digit {
			h.places = append(h.places, j)
		} else {
			h.literal = append(h.literal, j)
		}
	}
	return h
}

// append appends v's digits; false if v has not the form.
func (h *hexer) append(dst, v []byte) ([]byte, bool) {
	if len(v) != h.length {
		return dst, false
	}
	bad := byte(0)
	for _, j := range h.literal {
		bad |= v[j] ^ h.text[j]
	}
	if bad != 0 {
		return dst, false
	}
	p := h.places
	for ; len(p) >= 2; p = p[2:] {
		high, low := hexValue[v[p[0]]], hexValue[v[p[1]]]
		bad |= high | low
		dst = append(dst, high<<4|low&15)
	}
	if len(p) > 0 {
		high := hexValue[v[p[0]]]
		bad |= high
		dst = append(dst, high<<4)
	}
	return dst, bad&h.refuse == 0
}

// bytes turns texts into bytes, zeroes for the exceptions, which are odd; false if there are too many, of which odd then has some.
func (f *ids) bytes(l *list) (raw []byte, at []int64, odd list, ok bool) {
	h, width := f.hexer(), f.width()
	raw = make([]byte, 0, l.n()*width)
	for i := range l.n() {
		was := len(raw)
		v := l.at(i)
		if raw, ok = h.append(raw, v); !ok {
			raw = append(raw[:was], make([]byte, width)...)
			at = append(at, int64(i))
			if odd.add(v); len(at) > l.n()/8 {
				return nil, nil, odd, false
			}
		}
	}
	return raw, at, odd, true
}

// widen lets places vary that are constant in the sample and other digits in texts that are exceptions, if that makes the whole smaller.
func (f *ids) widen(odd *list, n int) (widened bool) {
	misses := make([]int, len(f.template))
	for i := range odd.n() {
		v := odd.at(i)
		if len(v) != len(f.template) {
			continue
		}
		for j, c := range v {
			if !f.digits[j] && c != f.template[j] && hexValue[c] != 16 && hexValue[f.template[j]] != 16 {
				misses[j]++
			}
		}
	}
	// A place that is let vary costs half a byte in each text, an exception about as many bytes as it has.
	for j, m := range misses {
		if 2*m*len(f.template) > n {
			f.digits[j], widened = true, true
			f.count++
		}
	}
	return widened
}

// ids appends l as ids; false if too few of its texts are.
func (e *Encoder) ids(dst []byte, l *list, c *Choice) ([]byte, bool) {
	f, ok := idForm(l, e.sample(l.n(), 256))
	if !ok {
		return dst, false
	}
	raw, at, odd, ok := f.bytes(l)
	if odd.n() > 0 && f.widen(&odd, l.n()) {
		raw, at, odd, ok = f.bytes(l)
	}
	if !ok {
		return dst, false
	}
	width := f.width()
	dst = append(dst, textIDs|cleanBit(odd.bytes)&cleanBit(f.template))
	dst, _ = appendChunks(dst, l)
	dst = append(dst, byte(0))
	if f.upper {
		dst[len(dst)-1] = 1
	}
	dst = binary.AppendUvarint(dst, uint64(len(f.template)))
	bitmap := make([]byte, (len(f.template)+7)/8)
	for j, digit := range f.digits {
		if digit {
			bitmap[j/8] |= 1 << (j % 8)
		}
	}
	dst = append(dst, bitmap...)
	for j, digit := range f.digits {
		if !digit {
			dst = append(dst, f.template[j])
		}
	}
	lead := e.leads(raw, width, c.Part(partLead))
	dst = append(dst, byte(lead))
	if lead > 0 {
		dst = e.Ints(dst, leadingInts(raw, width, lead), c.Part(partLeads))
		for i := 0; i < len(raw); i += width {
			dst = append(dst, raw[i+lead:i+width]...)
		}
	} else {
		dst = append(dst, raw...)
	}
	return e.exceptions(dst, at, &odd, c), true
}

func leadingInts(raw []byte, width, lead int) []int64 {
	out := make([]int64, 0, len(raw)/width)
	for i := 0; i < len(raw); i += width {
		v := int64(0)
		for _, b := range raw[i : i+lead] {
			v = v<<8 | int64(b)
		}
		out = append(out, v)
	}
	return out
}

// leads says how many of the first bytes are better kept as integers: those of a time or a counter. A part of the ids decides.
func (e *Encoder) leads(raw []byte, width int, c *Choice) int {
	n := len(raw) / width
	if !c.due(n) {
		c.age++
		return min(int(c.detail), width)
	}
	some := raw[:min(n, 512)*width]
	best, gain := 0, len(some)/width/2 // half a byte each
	for _, lead := range []int{2, 4, 6, 8} {
		lead = min(lead, width)
		was := lead * len(some) / width
		if size := len(e.Ints(nil, leadingInts(some, width, lead), nil)); was-size > gain {
			best, gain = lead, was-size
		}
		if lead == width {
			break
		}
	}
	c.remember(textIDs, byte(best), n, len(raw))
	return best
}

func (d *textSource) ids(t *TextReader) {
	d.chunked(t)
	f := &ids{n: t.n}
	switch u := d.Byte("case"); u {
	case 0, 1:
		f.upper = u == 1
	default:
		d.Fail("a case of %d", u)
	}
	length := d.Number("length of ids", maxIDLength)
	bitmap := d.Bytes("digits", uint64(length+7)/8)
	if d.Err() != nil {
		return
	}
	f.template, f.digits = make([]byte, length), make([]bool, length)
	for j := range f.digits {
		if bitmap[j/8]>>(j%8)&1 == 1 {
			f.digits[j] = true
			f.template[j] = '0'
			f.count++
		} else {
			f.template[j] = d.Byte("constant text")
		}
	}
	if length%8 != 0 && bitmap[length/8]>>(length%8) != 0 {
		d.Fail("bits are left over")
	}
	if f.clean = t.clean; f.clean && !needsNoEscape(f.template) {
		d.Fail("ids need an escape, which none should")
	}
	width := f.width()
	if f.lead = int(d.Byte("leading bytes")); f.lead > min(width, 8) {
		d.Fail("%d of %d bytes as integers", f.lead, width)
	}
	if f.lead > 0 {
		f.leads = d.ints("leading bytes", t.n, AnyInt)
	}
	if d.Err() != nil {
		return
	}
	// Divide rather than multiply: the product can overflow.
	if rest := width - f.lead; rest > 0 {
		if t.n > len(d.Src)/rest {
			d.Fail("%d ids of %d bytes do not fit in %d", t.n, rest, len(d.Src))
			return
		}
		f.raw = d.Bytes("digits", uint64(t.n*rest))
	}
	f.except = d.exceptions(t.n)
	f.together = true
	for j, digit := range f.digits {
		if digit {
			f.together = f.together && (len(f.places)%2 == 0 || int(f.places[len(f.places)-1]) == j-1)
			f.places = append(f.places, uint8(j))
		}
	}
	t.maker = f
}

var lowerPairs, upperPairs = hexPairs("0123456789abcdef"), hexPairs("0123456789ABCDEF")

func hexPairs(digits string) (pairs [256][2]byte) {
	for i := range pairs {
		pairs[i] = [2]byte{digits[i>>4], digits[i&15]}
	}
	return pairs
}

func (f *ids) appendTexts(dst *list, from, to, limit int) error {
	rest := f.width() - f.lead
	var leads []int64
	if f.lead > 0 {
		leads = make([]int64, to-from)
		f.leads.Fill(leads, from)
	}
	x := f.except.from(from)
	odd := f.except.next(x)
	var lead int64
	for i := from; i < to; i++ {
		if i == odd {
			if err := f.except.add(dst, x, limit); err != nil {
				return err
			}
			x++
			odd = f.except.next(x)
			continue
		}
		if len(f.template) > limit-len(dst.bytes) {
			return corrupt("text %d has too many bytes", i)
		}
		if leads != nil {
			lead = leads[i-from]
		}
		dst.bytes = f.append(dst.bytes, lead, f.raw[i*rest:(i+1)*rest])
		dst.end()
	}
	return nil
}

func (f *ids) appendText(dst []byte, i, _ int) ([]byte, error) {
	if len(f.except.at) > 0 {
		if x := f.except.from(i); f.except.next(x) == i {
			v := f.except.texts.At(x)
			if f.clean && !needsNoEscape(v) {
				return dst, corrupt("text %d needs an escape, which none should", i)
			}
			return append(dst, v...), nil
		}
	}
	rest, lead := f.width()-f.lead, int64(0)
	if f.lead > 0 {
		lead = f.leads.At(i)
	}
	return f.append(dst, lead, f.raw[i*rest:(i+1)*rest]), nil
}

// append appends the text that has these digits, two a byte, the leading bytes apart.
func (f *ids) append(dst []byte, lead int64, digits []byte) []byte {
	pairs := &lowerPairs
	if f.upper {
		pairs = &upperPairs
	}
	at := len(dst)
	dst = append(dst, f.template...)
	out, places := dst[at:], f.places
	if f.lead > 0 {
		var bytes [(maxIDLength + 1) / 2]byte
		for k := f.lead - 1; k >= 0; k-- {
			bytes[k] = byte(lead)
			lead >>= 8
		}
		digits = append(bytes[:f.lead], digits...)
	}
	if f.together {
		for _, b := range digits[:len(places)/2] {
			*(*[2]byte)(out[places[0]:]) = pairs[b]
			places = places[2:]
		}
	} else {
		for _, b := range digits[:len(places)/2] {
			out[places[0]], out[places[1]] = pairs[b][0], pairs[b][1]
			places = places[2:]
		}
	}
	if len(places) > 0 {
		out[places[0]] = pairs[digits[len(digits)-1]][0]
	}
	return dst
}
