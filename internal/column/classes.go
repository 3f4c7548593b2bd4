package column

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Log-linear classes: a number is the code of its class, then the bits that say which number of the class it is. With m bits of
// detail, numbers below 2^(m+1) are classes of their own, and each power of two above has 2^m classes of equal size. With enough detail
// all numbers are classes of their own, which is a plain Huffman code.

// classOf returns the class of x and how many bits follow its code: the lowest ones of x.
func classOf(x uint64, m uint) (class uint32, raw uint) {
	if length := uint(bits.Len64(x)); length > m+1 {
		raw = length - 1 - m
	}
	return uint32(raw<<m) + uint32(x>>raw), raw
}

// classRange returns the least number of a class, and how many bits follow its code.
func classRange(class uint32, m uint) (least uint64, raw uint) {
	if class < 2<<m {
		return uint64(class), 0
	}
	raw = uint(class>>m) - 1
	return (uint64(class)&(1<<m-1) | 1<<m) << raw, raw
}

// classesUpTo says how many classes numbers up to x have.
func classesUpTo(x uint64, m uint) int {
	class, _ := classOf(x, m)
	return int(class) + 1
}

// appendClasses appends the numbers of one chunk, ending with a whole byte. None has more than most bits behind its code.
func (h *huffman) appendClasses(dst []byte, values []uint64, m, most uint) []byte {
	if most > maxAtOnce-maxCode {
		w := bitWriter{dst: dst}
		for _, x := range values {
			class, raw := classOf(x, m)
			w.put(uint64(h.codes[class]&maxSymbol), uint(h.codes[class]>>maxCode))
			w.putWide(x&(1<<raw-1), raw)
		}
		w.flush()
		return w.dst
	}
	at, end := len(dst), len(dst)+len(values)*int(maxCode+most)/8
	out := slices.Grow(dst, end+16-at)[:end+16]
	var word uint64
	n := uint(0)
	if most == 0 {
		for _, x := range values {
			code := h.codes[x]
			word |= uint64(code&maxSymbol) << n
			n += uint(code >> maxCode)
			binary.LittleEndian.PutUint64(out[at:], word)
			at += int(n >> 3)
			word >>= n &^ 7
			n &= 7
		}
	} else {
		for _, x := range values {
			class, raw := classOf(x, m)
			code := h.codes[class]
			length := uint(code >> maxCode)
			word |= (uint64(code&maxSymbol) | x&(1<<raw-1)<<length) << n
			n += length + raw
			binary.LittleEndian.PutUint64(out[at:], word)
			at += int(n >> 3)
			word >>= n &^ 7
			n &= 7
		}
	}
	if n > 0 {
		at++
	}
	return out[:at]
}

// slack is how many bytes behind a chunk reading it may touch.
const slack = 16

// readClasses reads len(dst) numbers from the size bytes of a chunk at the start of src, which goes on for slack bytes more. False: the
// numbers don't end where the chunk does.
func (t *codeTable) readClasses(dst []uint64, src []byte, size int) bool {
	var word uint64
	var n uint // bits of word that count; more may be there already
	at := 0
	entries, mask, bases := t.entries, t.mask, t.bases
	for i := range dst {
		if at+8 > len(src) {
			return false
		}
		// Fill up to 56 bits or more.
		word |= binary.LittleEndian.Uint64(src[at:]) << (n & 63)
		at += int((63 - n) >> 3)
		n |= 56
		e := entries[word&mask]
		length, raw := uint(e&15), uint(e>>4&63)
		word >>= length
		n -= length
		if raw > maxAtOnce-maxCode { // only 44 bits are sure to be there
			low := word & (1<<32 - 1)
			word >>= 32
			n -= 32
			if at+8 > len(src) {
				return false
			}
			word |= binary.LittleEndian.Uint64(src[at:]) << (n & 63)
			at += int((63 - n) >> 3)
			n |= 56
			dst[i] = bases[e>>10] | low | word&(1<<(raw-32)-1)<<32
			word >>= raw - 32
			n -= raw - 32
			continue
		}
		dst[i] = bases[e>>10] | word&(1<<raw-1)
		word >>= raw
		n -= raw
	}
	return (8*at-int(n)+7)/8 == size
}

// readSymbols is readClasses where all numbers are classes of their own, which T can hold.
func readSymbols[T uint8 | uint16 | uint64](t *codeTable, dst []T, src []byte, size int) bool {
	var word uint64
	var n uint
	at := 0
	entries, mask := t.entries, t.mask
	for ; len(dst) >= 4; dst = dst[4:] {
		if at+8 > len(src) {
			return false
		}
		word |= binary.LittleEndian.Uint64(src[at:]) << (n & 63)
		at += int((63 - n) >> 3)
		n |= 56
		// Four codes have at most 48 bits.
		e0 := entries[word&mask]
		word >>= e0 & 15
		e1 := entries[word&mask]
		word >>= e1 & 15
		e2 := entries[word&mask]
		word >>= e2 & 15
		e3 := entries[word&mask]
		word >>= e3 & 15
		n -= uint(e0&15 + e1&15 + e2&15 + e3&15)
		d := dst[:4:4]
		d[0], d[1], d[2], d[3] = T(e0>>10), T(e1>>10), T(e2>>10), T(e3>>10)
	}
	for i := range dst {
		if at+8 > len(src) {
			return false
		}
		word |= binary.LittleEndian.Uint64(src[at:]) << (n & 63)
		at += int((63 - n) >> 3)
		n |= 56
		e := entries[word&mask]
		word >>= e & 15
		n -= uint(e & 15)
		dst[i] = T(e >> 10)
	}
	return (8*at-int(n)+7)/8 == size
}
