package block

import (
	"encoding/binary"
	"math"
	"sort"
	"sync"

	"github.com/stelehq/stele/internal/column"
)

// The payload of a column, by kind; integers, bools and decimals are streams of package column:
//
//	null, time   nothing
//	bool, int    integers
//	decimal      decimals
//	texts        +-----------+------------------------------+---------------+
//	  plain      | 0 (byte)  | lengths (integers)           | bytes         |
//	             +-----------+------------------------------+---------------+
//	  dictionary | 1 (byte)  | texts (uvarint) | codes (integers)            |
//	             |           | lengths (integers) | the texts' bytes         |
//	             +-----------+-------------------------------------------+
//
// The bytes of texts are all that is left: 0 (byte) and the bytes, or 1 (byte), how many there are (uvarint) and a zstd frame.

const (
	textsPlain      = 0
	textsDictionary = 1

	textBytesRaw  = 0
	textBytesZstd = 1
	packTextBytes = 1 << 10 // from so many on
)

func (e *Encoder) grow(n int) []int64 {
	if cap(e.numbers) < n {
		e.numbers = make([]int64, n+n/4)
	}
	return e.numbers[:n]
}

// appendColumn appends the payload of c. Small dictionaries that don't pay are written plain.
func (e *Encoder) appendColumn(dst []byte, k kind, c *gathered, choice *column.Choice) []byte {
	switch {
	case k == kindBool:
		return e.column.Bools(dst, c.bools, choice)
	case k == kindInt:
		return e.column.Ints(dst, c.ints, choice)
	case k == kindDecimal:
		return e.column.Decimals(dst, c.ints, c.scales, choice)
	case !k.isText():
		return dst
	case c.plain:
		return e.appendTexts(append(dst, textsPlain), c.ends, c.text, choice)
	}
	width := codeWidth(len(c.ends))
	if len(c.text)+len(c.ends)+width*len(c.codes)+4 >= c.total+len(c.codes) {
		ends, text := make([]uint32, 0, len(c.codes)), make([]byte, 0, c.total)
		for _, code := range c.codes {
			text = append(text, c.entry(int(code))...)
			ends = append(ends, uint32(len(text)))
		}
		return e.appendTexts(append(dst, textsPlain), ends, text, choice)
	}
	dst = append(dst, textsDictionary)
	dst = binary.AppendUvarint(dst, uint64(len(c.ends)))
	codes := e.grow(len(c.codes))
	for i, code := range c.codes {
		codes[i] = int64(code)
	}
	if e.codec == Fast {
		dst = e.column.Fixed(dst, codes)
	} else {
		dst = e.column.Ints(dst, codes, choice.Part(1))
	}
	return e.appendTexts(dst, c.ends, c.text, choice)
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

// appendTexts appends texts that end at ends of text.
func (e *Encoder) appendTexts(dst []byte, ends []uint32, text []byte, choice *column.Choice) []byte {
	lengths, last := e.grow(len(ends)), uint32(0)
	for i, end := range ends {
		lengths[i], last = int64(end-last), end
	}
	if e.codec == Fast {
		return append(append(e.column.Fixed(dst, lengths), textBytesRaw), text...)
	}
	dst = e.column.Ints(dst, lengths, choice.Part(0))
	if len(text) >= packTextBytes {
		start := len(dst)
		dst = binary.AppendUvarint(append(dst, textBytesZstd), uint64(len(text)))
		dst = column.Compress(dst, text)
		if size := len(dst) - start; size < len(text)-len(text)/32 && len(text)/expansion < size {
			return dst
		}
		dst = dst[:start]
	}
	return append(append(dst, textBytesRaw), text...)
}

// A reader gives the values of one column of an open block, at random. It is immutable once made.
type reader struct {
	ints     *column.Ints // bool, int: values; texts: codes of a dictionary
	decimals column.Decimals

	dictionary bool
	texts      texts

	instant *timeForm // wayTime, which has nothing else
	quotes  *quotes   // wayQuoting: ints and texts are what the quotations leave

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
	t.n, t.bytes = n, textBytes(d, a)
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

// textBytes reads the bytes of texts, which are all that is left of d.
func textBytes(d *column.Decoder, a *column.Account) []byte {
	switch form := d.Byte("bytes of texts"); {
	case d.Err() != nil:
		return nil
	case form == textBytesRaw:
		return d.Bytes("bytes of texts", uint64(len(d.Src)))
	case form == textBytesZstd:
		size := d.Uvarint("bytes of texts")
		if size > expansion*uint64(len(d.Src)) {
			d.Fail("texts: %d bytes in %d", size, len(d.Src))
			return nil
		}
		raw, err := column.Decompress(d.Src, int(size))
		if err != nil {
			d.Fail("texts: %v", err)
			return nil
		}
		d.Src = nil
		a.Take(len(raw))
		return raw
	default:
		d.Fail("bytes of texts: unknown form %d", form)
		return nil
	}
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
		r.ints = d.Ints("bools", n, column.Bounds{Max: 1}, a)
	case k == kindInt:
		r.ints = d.Ints("integers", n, column.AnyInt, a)
	case k == kindDecimal:
		r.decimals = d.Decimals("decimals", n, a)
	case k.isText():
		switch form := d.Byte("texts"); {
		case d.Err() != nil:
		case form == textsPlain:
			r.texts = readTexts(d, n, a)
		case form == textsDictionary:
			entries := d.Number("texts of the dictionary", n)
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

// clean says whether no text needs an escape as JSON.
func (r *reader) clean() bool { return r.texts.clean }

func (r *reader) hasDictionary() bool { return r.dictionary }
func (r *reader) entries() int        { return r.texts.n }
func (r *reader) entry(i int) []byte  { return r.texts.at(i) }
func (r *reader) boolAt(i int) byte   { return byte(r.ints.At(i)) }

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
