package block

import (
	"encoding/binary"
	"math"
	"sort"
	"sync"

	"github.com/stelehq/stele/internal/column"
)

// The payload of a column, by kind:
//
//	null, time   nothing
//	bool         one bit each, the first in the lowest bit
//	int          integers (ints.go)
//	decimal      +------------------------------+----------------------+
//	             | 0, scale  or  1, a byte each | mantissas (integers) |
//	             +------------------------------+----------------------+
//	texts        +-----------+------------------------------+---------------+
//	  plain      | 0 (byte)  | lengths (integers, fixed)    | bytes         |
//	             +-----------+------------------------------+---------------+
//	  dictionary | 1 (byte)  | texts (uvarint) | codes (integers, fixed)     |
//	             |           | lengths (integers, fixed) | the texts' bytes  |
//	             +-----------+-------------------------------------------+

const (
	textsPlain      = 0
	textsDictionary = 1

	scalesSame = 0
	scalesEach = 1
)

// A shaper turns values into a payload. Its methods may be given up and tried again: they only append.
type shaper struct {
	column  column.Encoder
	numbers []int64
}

func (s *shaper) grow(n int) []int64 {
	if cap(s.numbers) < n {
		s.numbers = make([]int64, n+n/4)
	}
	return s.numbers[:n]
}

// appendColumn appends the payload of c. Small dictionaries that don't pay are written plain.
func (s *shaper) appendColumn(dst []byte, k kind, c *gathered) []byte {
	switch {
	case k == kindBool:
		return appendBools(dst, c.bools)
	case k == kindInt:
		return s.column.Ints(dst, c.ints, nil)
	case k == kindDecimal:
		return s.column.Ints(appendScales(dst, c.scales), c.ints, nil)
	case !k.isText():
		return dst
	case c.plain:
		return append(s.appendEnds(append(dst, textsPlain), c.ends), c.text...)
	}
	width := codeWidth(len(c.ends))
	if len(c.text)+len(c.ends)+width*len(c.codes)+4 >= c.total+len(c.codes) {
		dst = append(dst, textsPlain)
		lengths := s.grow(len(c.codes))
		for i, code := range c.codes {
			lengths[i] = int64(len(c.entry(int(code))))
		}
		dst = s.column.Fixed(dst, lengths)
		for _, code := range c.codes {
			dst = append(dst, c.entry(int(code))...)
		}
		return dst
	}
	dst = append(dst, textsDictionary)
	dst = binary.AppendUvarint(dst, uint64(len(c.ends)))
	codes := s.grow(len(c.codes))
	for i, code := range c.codes {
		codes[i] = int64(code)
	}
	dst = s.column.Fixed(dst, codes)
	return append(s.appendEnds(dst, c.ends), c.text...)
}

func codeWidth(entries int) int {
	switch {
	case entries <= 1:
		return 0
	case entries <= 1<<8:
		return 1
	case entries <= 1<<16:
		return 2
	}
	return 3
}

// appendEnds appends the lengths of texts that end at ends.
func (s *shaper) appendEnds(dst []byte, ends []uint32) []byte {
	lengths, last := s.grow(len(ends)), uint32(0)
	for i, end := range ends {
		lengths[i], last = int64(end-last), end
	}
	return s.column.Fixed(dst, lengths)
}

func appendBools(dst []byte, bools []byte) []byte {
	for i := 0; i < len(bools); i += 8 {
		var bits byte
		for j, v := range bools[i:min(i+8, len(bools))] {
			bits |= v << j
		}
		dst = append(dst, bits)
	}
	return dst
}

func appendScales(dst []byte, scales []uint8) []byte {
	for _, s := range scales {
		if s != scales[0] {
			return append(append(dst, scalesEach), scales...)
		}
	}
	return append(dst, scalesSame, scales[0])
}

// A reader gives the values of one column of an open block, at random. It is immutable once made.
type reader struct {
	ints *column.Ints // int: values; decimal: mantissas; texts: codes of a dictionary

	scale  uint8
	scales []byte // nil if all are scale
	bools  []byte

	dictionary bool
	texts      texts

	once    sync.Once
	strings []string // of a small dictionary
}

// A dictionary up to this size is made into strings once, which then serve every row.
const (
	smallDictionary      = 4096
	smallDictionaryBytes = 64 << 10
)

func (r *reader) isSmallDictionary() bool {
	return r.dictionary && r.texts.n <= smallDictionary && len(r.texts.bytes) <= smallDictionaryBytes
}

// stringAt returns text i as a string that does not keep the block alive.
func (r *reader) stringAt(i int) string {
	if !r.isSmallDictionary() {
		return string(r.textAt(i))
	}
	r.once.Do(func() {
		all := string(r.texts.bytes)
		r.strings = make([]string, r.texts.n)
		for i, at := 0, 0; i < r.texts.n; i++ {
			n := len(r.texts.at(i))
			r.strings[i] = all[at : at+n]
			at += n
		}
	})
	return r.strings[r.ints.At(i)]
}

// texts are byte strings one after the other.
type texts struct {
	n      int
	length int      // of each, if ends is nil
	ends   []uint32 // where each ends
	bytes  []byte
	clean  bool // no text needs an escape as JSON
}

func (t *texts) at(i int) []byte {
	if t.ends == nil {
		return t.bytes[i*t.length : (i+1)*t.length : (i+1)*t.length]
	}
	start := uint32(0)
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.bytes[start:t.ends[i]:t.ends[i]]
}

// readTexts reads n texts, which are all that is left of d.
func readTexts(d *column.Decoder, n int, a *column.Account) (t texts) {
	lengths := d.Ints("lengths", n, column.Bounds{Max: math.MaxInt64}, a)
	if d.Err() != nil {
		return t
	}
	t.n, t.bytes = n, d.Src
	d.Src = nil
	if n == 0 {
		if len(t.bytes) != 0 {
			d.Fail("texts: %d bytes for none", len(t.bytes))
		}
	} else if lengths.Same() {
		// Divide rather than multiply: n*length can overflow.
		switch l := lengths.At(0); {
		case l > int64(len(t.bytes)/n) || int(l)*n != len(t.bytes):
			d.Fail("texts: %d bytes are not %d times %d", len(t.bytes), n, l)
		default:
			t.length = int(l)
		}
	} else {
		t.ends = make([]uint32, n)
		end := 0
		for i := range t.ends {
			l := lengths.At(i)
			if l > int64(len(t.bytes)-end) {
				d.Fail("texts: text %d has %d bytes, %d are left", i, l, len(t.bytes)-end)
				return texts{}
			}
			end += int(l)
			t.ends[i] = uint32(end)
		}
		if end != len(t.bytes) {
			d.Fail("texts: %d bytes are left over", len(t.bytes)-end)
		}
	}
	t.clean = needsNoEscape(t.bytes)
	return t
}

// needsNoEscape says whether AppendString would write s as it is.
func needsNoEscape(s []byte) bool {
	for _, c := range s {
		if c < ' ' || c == '"' || c == '\\' || c == 0xED {
			return false
		}
	}
	return true
}

// decodeColumn reads a column of n values. src may come from a damaged file: nothing in it is trusted.
func decodeColumn(src []byte, k kind, n int, a *column.Account) (*reader, error) {
	d := &column.Decoder{Src: src}
	r := &reader{}
	switch {
	case k == kindBool:
		if r.bools = d.Bytes("bools", uint64(n+7)/8); d.Err() == nil && n%8 != 0 && r.bools[n/8]>>(n%8) != 0 {
			d.Fail("bools: bits are left over")
		}
	case k == kindInt:
		r.ints = d.Ints("integers", n, column.AnyInt, a)
	case k == kindDecimal:
		switch form := d.Byte("scales"); {
		case d.Err() != nil:
		case form == scalesSame:
			if r.scale = d.Byte("scale"); r.scale > maxDigits {
				d.Fail("a scale of %d", r.scale)
			}
		case form == scalesEach:
			r.scales = d.Bytes("scales", uint64(n))
			for _, s := range r.scales {
				if s > maxDigits {
					d.Fail("a scale of %d", s)
				}
			}
		default:
			d.Fail("scales: unknown form %d", form)
		}
		r.ints = d.Ints("mantissas", n, column.AnyInt, a)
	case k.isText():
		switch form := d.Byte("texts"); {
		case d.Err() != nil:
		case form == textsPlain:
			r.texts = readTexts(d, n, a)
		case form == textsDictionary:
			entries := d.Count("texts of the dictionary", 1) // they differ, so only one can be empty
			r.dictionary, r.ints = true, d.Ints("codes", n, column.Below(entries), a)
			r.texts = readTexts(d, entries, a)
		default:
			d.Fail("texts: unknown form %d", form)
		}
	}
	if r.isSmallDictionary() {
		a.Take(16*r.texts.n + len(r.texts.bytes))
	}
	a.Take(len(src) + 4*len(r.texts.ends) + 160)
	return r, d.End()
}

func (r *reader) hasDictionary() bool { return r.dictionary }
func (r *reader) entries() int        { return r.texts.n }
func (r *reader) entry(i int) []byte  { return r.texts.at(i) }
func (r *reader) boolAt(i int) byte   { return r.bools[i>>3] >> (i & 7) & 1 }
func (r *reader) scaleAt(i int) uint8 {
	if r.scales != nil {
		return r.scales[i]
	}
	return r.scale
}

func (r *reader) textAt(i int) []byte {
	if r.dictionary {
		return r.texts.at(int(r.ints.At(i)))
	}
	return r.texts.at(i)
}

// inOrder lists the rows of b in key order; nil if they stand so already.
func (b *Builder) inOrder() []uint32 {
	less := func(i, j int) bool {
		if b.instants[i] != b.instants[j] {
			return b.instants[i] < b.instants[j]
		}
		return b.arrivals != nil && b.arrivals[i] < b.arrivals[j] || b.arrivals == nil && i < j
	}
	sorted := true
	for i := 1; i < len(b.instants) && sorted; i++ {
		sorted = !less(i, i-1)
	}
	if sorted {
		return nil
	}
	order := make([]uint32, len(b.instants))
	for i := range order {
		order[i] = uint32(i)
	}
	sort.SliceStable(order, func(i, j int) bool { return less(int(order[i]), int(order[j])) })
	return order
}
