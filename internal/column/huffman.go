package column

import (
	"fmt"
	"math/bits"
	"slices"
	"sync"
)

// A canonical Huffman code: symbols get their codes by length, then by number, so that the lengths alone say what it is. Lengths are at
// most maxCode bits, and the code is complete: any bits are the codes of some symbols, so reading needs no check for each. Codes
// are written in reverse, their first bit lowest, so that the next bits of a stream are the index of a table.
//
// Lengths of least cost are found as in Moffat and Katajainen, "In-Place Calculation of Minimum-Redundancy Codes" (1995); what is
// too long is brought back by moving other symbols one bit down until the code is complete again.
const (
	maxCode    = 12
	maxSymbols = 1 << maxCode
	maxSymbol  = maxSymbols - 1

	// Codes get at most so many bits more than their number needs: it costs next to nothing, and keeps the tables small that read them.
	spareCode = 3

	maxAtOnce = 56 // bits that a word of 64 has room for behind those that end a byte
)

type symbolCount struct{ count, symbol uint32 }

// A huffman holds the code for writing, and scratch.
type huffman struct {
	used    []symbolCount
	work    []uint32
	lengths []uint8  // by symbol; 0: does not occur
	codes   []uint16 // by symbol: the code, reversed, in the lower maxCode bits, its length in the others
}

// measure finds the lengths of the best code for counts (by symbol, at least two, of which one occurs) and returns how many bits all symbols take.
func (h *huffman) measure(counts []uint32) (total uint64) {
	h.lengths = append(h.lengths[:0], make([]uint8, len(counts))...)
	h.used = h.used[:0]
	for s, c := range counts {
		if c > 0 {
			h.used = append(h.used, symbolCount{c, uint32(s)})
		}
	}
	if len(h.used) == 1 { // a second one makes the code complete
		s := h.used[0].symbol
		other := uint32(0)
		if s == 0 {
			other = 1
		}
		h.lengths[s], h.lengths[other] = 1, 1
		return uint64(h.used[0].count)
	}
	slices.SortFunc(h.used, func(a, b symbolCount) int {
		if a.count != b.count {
			return int(a.count) - int(b.count)
		}
		return int(a.symbol) - int(b.symbol)
	})
	limit := min(bits.Len(uint(len(h.used)-1))+spareCode, maxCode)
	numbers := h.numbersOfLengths(limit)
	// The rarest symbols get the longest codes.
	at := 0
	for l := limit; l > 0; l-- {
		for range numbers[l] {
			h.lengths[h.used[at].symbol] = uint8(l)
			total += uint64(h.used[at].count) * uint64(l)
			at++
		}
	}
	return total
}

// numbersOfLengths says how many codes of each length, limit at most, there are for the sorted counts.
func (h *huffman) numbersOfLengths(limit int) (numbers [maxCode + 1]int) {
	n := len(h.used)
	h.work = slices.Grow(h.work[:0], n)[:n]
	a := h.work
	for i, u := range h.used {
		a[i] = u.count
	}
	// First pass, left to right: a[next] becomes a parent's weight, then the parent's index.
	a[0] += a[1]
	root, leaf := 0, 2
	for next := 1; next < n-1; next++ {
		if leaf >= n || a[root] < a[leaf] {
			a[next] = a[root]
			a[root] = uint32(next)
			root++
		} else {
			a[next] = a[leaf]
			leaf++
		}
		if leaf >= n || root < next && a[root] < a[leaf] {
			a[next] += a[root]
			a[root] = uint32(next)
			root++
		} else {
			a[next] += a[leaf]
			leaf++
		}
	}
	// Second pass, right to left: the depths of inner nodes.
	a[n-2] = 0
	for next := n - 3; next >= 0; next-- {
		a[next] = a[a[next]] + 1
	}
	// Third pass: at each depth, what is no inner node is a leaf.
	room, depth := 1, uint32(0)
	inner := n - 2
	for room > 0 {
		used := 0
		for inner >= 0 && a[inner] == depth {
			used++
			inner--
		}
		numbers[min(int(depth), limit)] += room - used
		room = 2 * used
		depth++
	}
	// Codes cut to the limit take too much room: shorten none, lengthen the longest that still can be.
	excess := -1 << limit
	for l := 1; l <= limit; l++ {
		excess += numbers[l] << (limit - l)
	}
	for ; excess > 0; excess-- {
		l := limit - 1
		for numbers[l] == 0 {
			l--
		}
		// A code of length l becomes two of length l+1, and one of the longest takes the second place.
		numbers[l]--
		numbers[l+1] += 2
		numbers[limit]--
	}
	return numbers
}

// assign gives each symbol its code by its length.
func (h *huffman) assign() {
	h.codes = append(h.codes[:0], make([]uint16, len(h.lengths))...)
	next := firstCodes(h.lengths)
	for s, l := range h.lengths {
		if l > 0 {
			h.codes[s] = bits.Reverse16(next[l])>>(16-l) | uint16(l)<<maxCode
			next[l]++
		}
	}
}

// firstCodes returns the first code of each length.
func firstCodes(lengths []uint8) (next [maxCode + 1]uint16) {
	var numbers [maxCode + 1]uint16
	for _, l := range lengths {
		numbers[l]++
	}
	code := uint16(0)
	for l := 1; l <= maxCode; l++ {
		next[l] = code
		code = (code + numbers[l]) << 1
	}
	return next
}

// A codeTable reads a code: the entry at the next bits (as many as the longest code has) is the symbol, a class, then 6 bits that say
// how many bits follow the code, then 4 bits with its length.
type codeTable struct {
	entries []uint32
	mask    uint64
	bases   []uint64 // the least number of each class; nil if each class is one number
}

// A code is a codeTable that is made when it is first needed: of most dictionaries that are opened only the entries are looked at.
type code struct {
	lengths *Ints // of the codes of classes with so many bits of detail, within 0 and maxCode
	late    Account
	detail  uint
	symbols bool // each class is one number

	once  sync.Once
	table codeTable
	wrong string // with the lengths
}

// read returns the table, and says what is wrong with it. Its memory is told to a.
func (c *code) read(a *Account) (*codeTable, string) {
	c.once.Do(func() {
		c.table, c.wrong = newCodeTable(c.lengths, &c.late, c.detail)
		c.lengths = nil
		a.Take(4*len(c.table.entries) + 8*len(c.table.bases))
	})
	return &c.table, c.wrong
}

// newCodeTable makes the table for the lengths of classes with m bits of detail. They are within 0 and maxCode, and they tell late what is wrong with them.
func newCodeTable(lengths *Ints, late *Account, m uint) (t codeTable, wrong string) {
	n := lengths.Len()
	all := make([]uint8, n)
	longest, room := uint8(0), 0
	for s := range all {
		l := uint8(lengths.At(s))
		all[s] = l
		longest = max(longest, l)
		if l > 0 {
			room += 1 << (maxCode - l)
		}
	}
	if err := late.Err(); err != nil {
		return t, "code lengths: " + err.Error()
	}
	if room != 1<<maxCode {
		return t, fmt.Sprintf("code lengths: they fill %d of %d places", room, 1<<maxCode)
	}
	t.entries = make([]uint32, 1<<longest)
	t.mask = uint64(len(t.entries) - 1)
	if n > 2<<m {
		t.bases = make([]uint64, n)
		for s := range t.bases {
			t.bases[s], _ = classRange(uint32(s), m)
		}
	}
	next := firstCodes(all)
	for s, l := range all {
		if l == 0 {
			continue
		}
		code := bits.Reverse16(next[l]) >> (16 - l)
		next[l]++
		_, raw := classRange(uint32(s), m)
		for at := int(code); at < len(t.entries); at += 1 << l {
			t.entries[at] = uint32(s)<<10 | uint32(raw)<<4 | uint32(l)
		}
	}
	return t, ""
}
