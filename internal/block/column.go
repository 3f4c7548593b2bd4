package block

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"slices"
)

// gathered are the values of one kind at one path, in row order. Texts go through a dictionary from the first value
// on, which the column gives up when more than half of its values are new.
type gathered struct {
	ints   []int64 // int: the values; decimal: the mantissas
	scales []uint8 // decimal
	bools  []byte  // bool: 0 or 1 each

	// Texts. With a dictionary, text i of it ends at ends[i] and codes has one entry for each value; without, value i ends at ends[i].
	text  []byte
	ends  []uint32
	slots []slot // open addressing
	codes []uint32
	plain bool
	total int // bytes of all values, repeated ones counted again

	hopeless int // how many times more the column starts without a dictionary, since it gave one up

	last     []byte // the dictionary's text looked up last, nil if there is none
	lastCode uint32

	pieces []piece // what AppendRuns has gathered and not copied yet
}

// A slot of a dictionary has a text's hash above 1 + its place in ends; zero is free.
type slot uint64

const (
	tryBefore = 128 // new texts before a dictionary can be given up
	minSlots  = 16
	keptSlots = 4096

	// A column that gave up its dictionary has none the next times, for what it holds is mostly alike from batch to batch.
	hopelessFor = 15
)

// A seed keeps whoever sends events from choosing texts that have one hash.
type seed struct {
	long maphash.Seed
	a, b uint64
}

func newSeed() *seed {
	s := &seed{long: maphash.MakeSeed()}
	s.a, s.b = maphash.Bytes(s.long, []byte("a")), maphash.Bytes(s.long, []byte("b"))
	return s
}

// hash takes short texts, which most are, in a few steps: two words that hold all bytes, each mixed with what nobody knows, multiplied.
func (s *seed) hash(v []byte) uint32 {
	var x, y uint64
	switch n := len(v); {
	case n > 16:
		return uint32(maphash.Bytes(s.long, v))
	case n >= 8:
		x, y = binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[n-8:])
	case n >= 4:
		x, y = uint64(binary.LittleEndian.Uint32(v)), uint64(binary.LittleEndian.Uint32(v[n-4:]))
	case n > 0:
		x = uint64(v[0]) | uint64(v[n/2])<<8 | uint64(v[n-1])<<16
	}
	high, low := bits.Mul64(x^s.a, y^(s.b+uint64(len(v))*0x9E3779B97F4A7C15))
	return uint32(high ^ low ^ (high^low)>>32)
}

func (c *gathered) reset() {
	c.ints, c.scales, c.bools = c.ints[:0], c.scales[:0], c.bools[:0]
	if len(c.ends) > 0 && !c.plain { // else they are clear
		c.clearSlots()
	}
	c.text, c.ends, c.codes = c.text[:0], c.ends[:0], c.codes[:0]
	c.plain, c.total = false, 0
	if c.hopeless > 0 {
		c.hopeless--
		c.plain = true
	}
}

// entry is text i of the dictionary, or value i of a plain column.
func (c *gathered) entry(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = c.ends[i-1]
	}
	return c.text[start:c.ends[i]]
}

// len is how many values there are.
func (c *gathered) len(k kind) int {
	switch {
	case k == kindBool:
		return len(c.bools)
	case k == kindInt || k == kindDecimal:
		return len(c.ints)
	case c.plain:
		return len(c.ends)
	}
	return len(c.codes)
}

func (c *gathered) textAt(i int) []byte {
	if c.plain {
		return c.entry(i)
	}
	return c.entry(int(c.codes[i]))
}

// appendText adds a value and returns how much memory it takes.
func (c *gathered) appendText(v []byte, seed *seed) int {
	c.total += len(v)
	if c.plain {
		c.text = append(c.text, v...)
		c.ends = append(c.ends, uint32(len(c.text)))
		return len(v) + 4
	}
	if c.last != nil && string(c.last) == string(v) {
		c.codes = append(c.codes, c.lastCode)
		return 4
	}
	code, taken := c.intern(v, seed)
	c.codes = append(c.codes, code)
	if taken > 0 && c.isMostlyNew() {
		c.giveUp()
	}
	return taken + 4
}

// appendCode adds a value by its place in the dictionary.
func (c *gathered) appendCode(code uint32) {
	c.total += len(c.entry(int(code)))
	c.codes = append(c.codes, code)
	if c.isMostlyNew() {
		c.giveUp()
	}
}

// isMostlyNew says whether a dictionary does not pay.
func (c *gathered) isMostlyNew() bool { return len(c.ends) > tryBefore && len(c.ends) > len(c.codes)/2 }

// intern returns the code of v in the dictionary, where it puts v if need be, and how much memory that takes.
func (c *gathered) intern(v []byte, seed *seed) (code uint32, taken int) {
	if len(c.slots) < 2*len(c.ends)+2 {
		c.grow()
	}
	h := seed.hash(v)
	mask := uint32(len(c.slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		s := c.slots[at]
		if s == 0 {
			start := len(c.text)
			c.text = append(c.text, v...)
			code = uint32(len(c.ends))
			c.ends = append(c.ends, uint32(len(c.text)))
			c.slots[at] = slot(h)<<32 | slot(code+1)
			c.last, c.lastCode = c.text[start:], code
			return code, len(v) + 24
		}
		if uint32(s>>32) != h {
			continue
		}
		if text := c.entry(int(uint32(s) - 1)); string(text) == string(v) {
			c.last, c.lastCode = text, uint32(s)-1
			return c.lastCode, 0
		}
	}
}

func (c *gathered) grow() {
	old := c.slots
	c.slots = make([]slot, max(minSlots, 2*len(old)))
	mask := uint32(len(c.slots) - 1)
	for _, s := range old {
		if s == 0 {
			continue
		}
		at := uint32(s>>32) & mask
		for c.slots[at] != 0 {
			at = (at + 1) & mask
		}
		c.slots[at] = s
	}
}

func (c *gathered) clearSlots() {
	if len(c.slots) > keptSlots {
		c.slots = nil
	}
	clear(c.slots)
	c.last = nil
}

// giveUp turns a column with a dictionary into a plain one. It keeps the memory, for a column that gives up does so in one block after another.
func (c *gathered) giveUp() {
	text, ends := slices.Clone(c.text), slices.Clone(c.ends)
	c.text, c.ends = slices.Grow(c.text[:0], 2*c.total), slices.Grow(c.ends[:0], 2*len(c.codes))
	for _, code := range c.codes {
		start := uint32(0)
		if code > 0 {
			start = ends[code-1]
		}
		c.text = append(c.text, text[start:ends[code]]...)
		c.ends = append(c.ends, uint32(len(c.text)))
	}
	c.plain, c.hopeless = true, hopelessFor
	if c.codes = c.codes[:0]; cap(c.codes) > keptSlots {
		c.codes = nil
	}
	c.clearSlots()
}

// ordered returns a column with c's values in another order: value i of it is value order[i] of c. It shares c's dictionary.
func (c *gathered) ordered(k kind, order []uint32) *gathered {
	if slices.IsSorted(order) {
		return c
	}
	o := &gathered{plain: c.plain, total: c.total}
	switch {
	case k == kindBool:
		o.bools = make([]byte, len(order))
		for i, from := range order {
			o.bools[i] = c.bools[from]
		}
	case k == kindInt || k == kindDecimal:
		o.ints = make([]int64, len(order))
		for i, from := range order {
			o.ints[i] = c.ints[from]
		}
		if k == kindDecimal {
			o.scales = make([]uint8, len(order))
			for i, from := range order {
				o.scales[i] = c.scales[from]
			}
		}
	case !k.isText():
	case c.plain:
		o.text = make([]byte, 0, len(c.text))
		o.ends = make([]uint32, 0, len(order))
		for _, from := range order {
			o.text = append(o.text, c.entry(int(from))...)
			o.ends = append(o.ends, uint32(len(o.text)))
		}
	default:
		o.text, o.ends = c.text, c.ends
		o.codes = make([]uint32, len(order))
		for i, from := range order {
			o.codes[i] = c.codes[from]
		}
	}
	return o
}

// appendColumn adds all of o's values behind c's.
func (c *gathered) appendColumn(k kind, o *gathered, seed *seed) {
	switch {
	case k == kindBool:
		c.bools = append(c.bools, o.bools...)
	case k == kindInt || k == kindDecimal:
		c.ints = append(c.ints, o.ints...)
		c.scales = append(c.scales, o.scales...)
	case !k.isText():
	case o.plain:
		for i := range o.ends {
			c.appendText(o.entry(i), seed)
		}
	default:
		codes := make([]uint32, len(o.ends)) // 1 + code in c
		for _, from := range o.codes {
			if c.plain {
				c.appendText(o.entry(int(from)), seed)
				continue
			}
			if codes[from] == 0 {
				code, _ := c.intern(o.entry(int(from)), seed)
				codes[from] = code + 1
			}
			c.appendCode(codes[from] - 1)
		}
	}
}
