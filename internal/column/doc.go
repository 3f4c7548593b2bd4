// Package column writes columns of integers and texts as bytes and reads them back: the encodings of the block, without any
// knowledge of events.
//
// Every stream opens with a byte that names its form, and streams nest: the codes of a dictionary are a stream of integers. How many
// values a stream has is known from elsewhere. With Fast effort streams are aligned to bytes and left for a general compressor; with
// Thorough effort each stream takes the form that is smallest as measured, and carries its own compression.
//
// Reading trusts nothing. A reader checks what it can cheaply; what it finds wrong later, in a chunk decoded when first touched,
// it puts into its Account, and gives zeroes in place of the values. Memory is bounded by the number of values that the caller asks for,
// which the caller bounds, and by the bytes given.
package column

import "hash/maphash"

// Effort says how much work encoding does.
type Effort uint8

const (
	Fast     Effort = iota // aligned to bytes, no search
	Thorough               // the smallest form
)

// An Encoder writes streams. It holds scratch memory and is not for concurrent use. The zero value is ready.
type Encoder struct {
	Effort Effort

	levels  [nesting + 1]level
	numbers []int64

	seed    maphash.Seed // of texts
	zipped  []byte
	lengths []uint32
	codes   []int64
	miner   miner
}
