// Package terse makes short texts of JSON much shorter than compressors for long ones can: it knows before the first byte what logs are made of.
//
// It mixes contexts, as PAQ does (Mahoney, "Adaptive Weighing of Context Models for Lossless Data Compression", 2005): each bit is predicted from what
// followed the last bytes, the word or the member's name before, a network of one neuron weighs these predictions by which were right of late,
// and an arithmetic coder writes the bit in as many bits as it was surprising. Before that the model has read a vocabulary. It takes about 2 µs
// a byte and a megabyte of memory, so it is for texts of a few kilobytes.
//
// What it writes depends on every constant here and on the vocabulary: they are a part of the format of whoever keeps it.
package terse

import (
	_ "embed"
	"slices"
	"sync"

	"github.com/stelehq/stele/internal/fault"
)

// Vocabulary is text like that which is to be expected.
//
//go:embed vocabulary.txt
var Vocabulary []byte

// MaxText is the longest text.
const MaxText = 8 << 10

// learned is a model that has read the vocabulary; it is never changed.
var learned = sync.OnceValue(func() *model {
	m := newModel()
	for _, c := range Vocabulary {
		for i := 7; i >= 0; i-- {
			m.predict()
			m.learn(int32(c>>i) & 1)
		}
	}
	return m
})

var spare sync.Pool // of *model

// take returns a model that has read the vocabulary.
func take() *model {
	m, _ := spare.Get().(*model)
	if m == nil {
		m = &model{}
	}
	m.copy(learned())
	return m
}

// Append appends the code of text, which is at most MaxText long, to dst. The decoder has to be told the text's length.
func Append(dst, text []byte) []byte {
	m := take()
	defer spare.Put(m)
	// The coder's interval; the bytes that both ends begin with are written.
	low, high := uint32(0), ^uint32(0)
	for _, c := range text {
		for i := 7; i >= 0; i-- {
			mid := low + split(high-low, m.predict())
			bit := int32(c>>i) & 1
			if bit == 1 {
				high = mid
			} else {
				low = mid + 1
			}
			m.learn(bit)
			for (low^high)>>24 == 0 {
				dst = append(dst, byte(high>>24))
				low, high = low<<8, high<<8|0xff
			}
		}
	}
	// As few bytes as are in the interval whatever follows them: the decoder reads zeros.
	for n := uint32(0); ; n += 8 {
		if end := (high >> (24 - n)) << (24 - n); end >= low {
			for shift := 24; shift >= 24-int(n); shift -= 8 {
				dst = append(dst, byte(end>>shift))
			}
			break
		}
	}
	return dst
}

// split is the part of an interval that a one has.
func split(size uint32, probability int32) uint32 {
	return uint32(uint64(size) * uint64(probability) >> 12)
}

// Decode returns the text of size bytes that code stands for. Any bytes stand for some text, so that whoever keeps them keeps a checksum too.
func Decode(code []byte, size int) ([]byte, error) {
	if size < 0 || size > MaxText {
		return nil, fault.New(fault.Corrupt, "decode text", "a text of %d bytes, more than %d", size, MaxText)
	}
	m := take()
	defer spare.Put(m)
	text := make([]byte, 0, size)
	low, high, at := uint32(0), ^uint32(0), uint32(0)
	next := func() {
		at <<= 8
		if len(code) > 0 {
			at |= uint32(code[0])
			code = code[1:]
		}
	}
	for range 4 {
		next()
	}
	for range size {
		c := byte(0)
		for range 8 {
			mid := low + split(high-low, m.predict())
			bit := int32(0)
			if at <= mid {
				bit, high = 1, mid
			} else {
				low = mid + 1
			}
			c = c<<1 | byte(bit)
			m.learn(bit)
			for (low^high)>>24 == 0 {
				low, high = low<<8, high<<8|0xff
				next()
			}
		}
		text = append(text, c)
	}
	if len(code) > 0 {
		return nil, fault.New(fault.Corrupt, "decode text", "%d bytes are left over", len(code))
	}
	return text, nil
}

// copy makes m the same as from.
func (m *model) copy(from *model) {
	counters, weights, places, read := m.counters, m.weights, m.places, m.read
	*m = *from
	m.counters = append(counters[:0], from.counters...)
	m.weights = append(weights[:0], from.weights...)
	m.places = append(places[:0], from.places...)
	m.read = append(slices.Grow(read[:0], len(from.read)+MaxText), from.read...)
}
