package column

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Bits are packed from the lowest bit of each byte on, and numbers lowest bit first, so that eight bytes at once are a little-endian word.

// A bitWriter appends bits to dst.
type bitWriter struct {
	dst  []byte
	word uint64
	n    uint // bits in word, below 32 between calls
}

// put appends the lowest n bits of v, which has no others; n is at most 32.
func (w *bitWriter) put(v uint64, n uint) {
	w.word |= v << w.n
	if w.n += n; w.n >= 32 {
		w.dst = binary.LittleEndian.AppendUint32(w.dst, uint32(w.word))
		w.word >>= 32
		w.n -= 32
	}
}

// putWide is put for up to 64 bits.
func (w *bitWriter) putWide(v uint64, n uint) {
	if n > 32 {
		w.put(v&(1<<32-1), 32)
		v, n = v>>32, n-32
	}
	w.put(v, n)
}

// flush ends the byte begun.
func (w *bitWriter) flush() {
	for ; w.n > 0; w.n -= min(w.n, 8) {
		w.dst = append(w.dst, byte(w.word))
		w.word >>= 8
	}
	w.word = 0
}

// appendPacked appends values of width bits each, ending with a whole byte.
func appendPacked(dst []byte, values []uint64, width uint) []byte {
	if width == 0 {
		return dst
	}
	if width > maxAtOnce {
		w := bitWriter{dst: dst}
		for _, v := range values {
			w.putWide(v, width)
		}
		w.flush()
		return w.dst
	}
	at, end := len(dst), len(dst)+int(packedBytes(len(values), width))
	out := slices.Grow(dst, end+8-at)[:end+8]
	var word uint64
	n := uint(0)
	for _, v := range values {
		word |= v << n
		n += width
		binary.LittleEndian.PutUint64(out[at:], word)
		at += int(n >> 3)
		word >>= n &^ 7
		n &= 7
	}
	return out[:end]
}

// packedBytes is how many bytes n values of width bits take.
func packedBytes(n int, width uint) uint64 {
	high, low := bits.Mul64(uint64(n), uint64(width))
	if high != 0 || low > 1<<62 {
		return 1 << 60 // more than there can be
	}
	return (low + 7) / 8
}

// unpack reads len(dst) values of width bits off src, which holds packedBytes of them.
func unpack(dst []uint64, src []byte, width uint) {
	if width == 0 {
		clear(dst)
		return
	}
	if width > maxAtOnce {
		for i := range dst {
			dst[i] = unpackOne(src, uint(i)*width, width)
		}
		return
	}
	mask := uint64(1)<<width - 1
	at, i := uint(0), 0
	for ; i < len(dst) && int(at>>3)+8 <= len(src); i++ {
		dst[i] = binary.LittleEndian.Uint64(src[at>>3:]) >> (at & 7) & mask
		at += width
	}
	for ; i < len(dst); i++ {
		dst[i] = unpackOne(src, at, width)
		at += width
	}
}

// unpackOne reads width bits that start at a bit of src.
func unpackOne(src []byte, at, width uint) uint64 {
	if width > maxAtOnce {
		return unpackOne(src, at, 32) | unpackOne(src, at+32, width-32)<<32
	}
	var word [8]byte
	copy(word[:], src[at>>3:])
	return binary.LittleEndian.Uint64(word[:]) >> (at & 7) & (1<<width - 1)
}
