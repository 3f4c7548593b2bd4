package column

import "math/bits"

// Integers of the thorough forms are brought to numbers from 0 to top, u = (value - base) / divisor, and these may be written by their
// differences. These start anew with each chunk, whose first number stands in a table.
//
//	plain    x = u
//	deltas   x = d - shift, where d is u minus the one before and shift the least d
//	zigzag   x = d, its sign in the lowest bit
//	double   x = d minus the d before it (the chunk's first: minus shift), its sign in the lowest bit
//
// Arithmetic wraps at 64 bits.
const (
	plain      = 0
	deltas     = 1
	zigzag     = 2
	double     = 3
	transforms = 4
)

// A chunk is what is decoded at a time.
const (
	chunkBits = 12
	chunkLen  = 1 << chunkBits
)

func chunksOf(n int) int { return (n + chunkLen - 1) / chunkLen }

// strideOf says how many x a whole chunk has.
func strideOf(transform byte) int {
	if transform == plain {
		return chunkLen
	}
	return chunkLen - 1
}

// codedOf says how many x n values have.
func codedOf(transform byte, n int) int {
	if transform == plain {
		return n
	}
	return n - chunksOf(n)
}

func toZigzag(d uint64) uint64   { return d<<1 ^ uint64(int64(d)>>63) }
func fromZigzag(x uint64) uint64 { return x>>1 ^ -(x & 1) }

// transformed appends the x of u to dst; u may start at the beginning of any chunk.
func transformed(dst []uint64, u []uint64, transform byte) (x []uint64, shift uint64) {
	if transform == plain {
		return append(dst, u...), 0
	}
	switch transform {
	case deltas:
		least := int64(1<<63 - 1)
		for at := 0; at < len(u); at += chunkLen {
			c := u[at:min(at+chunkLen, len(u))]
			for i := 1; i < len(c); i++ {
				least = min(least, int64(c[i]-c[i-1]))
			}
		}
		shift = uint64(least)
	case double:
		if len(u) > 1 {
			shift = u[1] - u[0]
		}
	}
	for at := 0; at < len(u); at += chunkLen {
		c := u[at:min(at+chunkLen, len(u))]
		last := shift
		for i := 1; i < len(c); i++ {
			d := c[i] - c[i-1]
			switch transform {
			case deltas:
				dst = append(dst, d-shift)
			case zigzag:
				dst = append(dst, toZigzag(d))
			default:
				dst = append(dst, toZigzag(d-last))
				last = d
			}
		}
	}
	return dst, shift
}

// restore turns the x of a chunk, which stand in u from its second place on, into u. The first is there already.
func restore(u []uint64, transform byte, shift uint64) {
	if len(u) == 0 {
		return
	}
	last, d := u[0], shift
	switch transform {
	case deltas:
		for i := 1; i < len(u); i++ {
			last += u[i] + shift
			u[i] = last
		}
	case zigzag:
		for i := 1; i < len(u); i++ {
			last += fromZigzag(u[i])
			u[i] = last
		}
	case double:
		for i := 1; i < len(u); i++ {
			d += fromZigzag(u[i])
			last += d
			u[i] = last
		}
	}
}

// bytesFor is how many whole bytes numbers up to top take.
func bytesFor(top uint64) int { return (bits.Len64(top) + 7) / 8 }

func topOf(x []uint64) (top uint64) {
	for _, v := range x {
		top |= v // its length is that of the highest
	}
	return top
}
