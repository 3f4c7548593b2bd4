// Package membership tells, of sets of texts under names, that a text is surely not in one. It is asked of bytes that are only read where needed.
package membership

// Sets as bytes; fixed numbers little-endian, the CRC is CRC-32C:
//
//	+-----------------+----------+-----------------------+----------------------------------------+
//	| head bytes (u32)| head     | CRC of both before    | fingerprints of each set, one by one   |
//	+-----------------+----------+-----------------------+----------------------------------------+
//
// The head, in uvarints but where said: how many sets; for each the bytes of its name, the name, seed (u64), binary logarithm l of the
// segments' length (byte), segments s, CRC of the fingerprints (u32).
//
// The fingerprints are (s + 2)·2^l bytes, those of a binary fuse filter of 8 bits: Graf and Lemire, "Binary Fuse Filters: Fast and Smaller Than Xor
// Filters", Journal of Experimental Algorithmics 27, 2022. Its keys are the texts' XXH64 with seed 0. One in 256 other texts may seem to be in the set.

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/bits"
	"slices"

	"github.com/FastFilter/xorfilter"
	"github.com/cespare/xxhash/v2"

	"github.com/stelehq/stele/internal/fault"
)

const (
	lengthBytes = 4
	crcBytes    = 4
	firstRead   = 4 << 10 // of a head, whose length is not known
	mostHead    = 1 << 20

	maxSegmentBits = 18 // the longest segment that the algorithm makes
	maxSegments    = 1 << 20
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// Key is the key of a text.
func Key(text []byte) uint64 { return xxhash.Sum64(text) }

// A Builder makes sets. Not for concurrent use.
type Builder struct {
	fuse  xorfilter.BinaryFuseBuilder
	head  []byte
	body  []byte
	count int
}

// Add adds a set by the keys of its texts, which are sorted and made unique in place. It reports whether it could: for very few keys, or by a
// chance that nobody meets, there is no filter, and the set is left out.
func (b *Builder) Add(name string, keys []uint64) bool {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	f, err := xorfilter.BuildBinaryFuse[uint8](&b.fuse, keys)
	size := bits.TrailingZeros32(f.SegmentLength)
	if err != nil || len(keys) < 2 || size > maxSegmentBits || f.SegmentCount > maxSegments || len(f.Fingerprints) != int(f.SegmentCount+2)<<size || len(b.head)+len(name)+64 > mostHead {
		return false
	}
	b.head = binary.AppendUvarint(b.head, uint64(len(name)))
	b.head = append(b.head, name...)
	b.head = le.AppendUint64(b.head, f.Seed)
	b.head = append(b.head, byte(size))
	b.head = binary.AppendUvarint(b.head, uint64(f.SegmentCount))
	b.head = le.AppendUint32(b.head, crc32.Checksum(f.Fingerprints, castagnoli))
	b.body = append(b.body, f.Fingerprints...)
	b.count++
	return true
}

// Append appends the sets, nothing if there are none, and forgets them.
func (b *Builder) Append(dst []byte) []byte {
	if b.count > 0 {
		start := len(dst)
		head := binary.AppendUvarint(nil, uint64(b.count))
		dst = le.AppendUint32(dst, uint32(len(head)+len(b.head)))
		dst = append(append(dst, head...), b.head...)
		dst = le.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
		dst = append(dst, b.body...)
	}
	b.head, b.body, b.count = b.head[:0], b.body[:0], 0
	return dst
}

// A set is what a head says of one.
type set struct {
	name     string
	filter   xorfilter.BinaryFuse[uint8] // without its fingerprints
	crc      uint32
	at, size int64 // of the fingerprints
}

// Excludes reports that the set of this name is there, and the text surely not in it. size is that of all sets. What is damaged is fault.Corrupt.
func Excludes(src io.ReaderAt, size int64, name string, text string) (bool, error) {
	sets, err := open(src, size)
	if err != nil {
		return false, err
	}
	for i := range sets {
		if s := &sets[i]; s.name == name {
			if err := s.read(src); err != nil {
				return false, err
			}
			return !s.filter.Contains(xxhash.Sum64String(text)), nil
		}
	}
	return false, nil
}

// Names returns the sets' names, and how many bytes the fingerprints of each have.
func Names(src io.ReaderAt, size int64) (names []string, sizes []int64, err error) {
	sets, err := open(src, size)
	for _, s := range sets {
		names, sizes = append(names, s.name), append(sizes, s.size)
	}
	return names, sizes, err
}

// Check reads all, and returns what is wrong with it.
func Check(src io.ReaderAt, size int64) error {
	sets, err := open(src, size)
	for i := range sets {
		if err == nil {
			err = sets[i].read(src)
		}
	}
	return err
}

func corrupt(format string, args ...any) error {
	return fault.New(fault.Corrupt, "read membership", format, args...)
}

func read(src io.ReaderAt, b []byte, at int64) error {
	if n, err := src.ReadAt(b, at); n < len(b) {
		return fault.WrapAs(fault.IO, err, "read membership", "%d of %d bytes at %d could be read", n, len(b), at)
	}
	return nil
}

// open reads the head. Nothing in it is believed before its checksum, nor taken for what no Builder makes.
func open(src io.ReaderAt, size int64) ([]set, error) {
	if size < lengthBytes+crcBytes {
		return nil, corrupt("%d bytes", size)
	}
	b := make([]byte, min(size, firstRead))
	if err := read(src, b, 0); err != nil {
		return nil, err
	}
	n := int64(le.Uint32(b))
	whole := lengthBytes + n + crcBytes
	if n > mostHead || whole > size {
		return nil, corrupt("a head of %d bytes in %d", n, size)
	}
	if have := int64(len(b)); have < whole {
		b = append(b, make([]byte, whole-have)...)
		if err := read(src, b[have:], have); err != nil {
			return nil, err
		}
	}
	if expected, found := le.Uint32(b[whole-crcBytes:]), crc32.Checksum(b[:whole-crcBytes], castagnoli); expected != found {
		return nil, corrupt("checksum of the head: expected %08x, found %08x", expected, found)
	}
	sets, bad := decode(b[lengthBytes:whole-crcBytes], whole, size)
	if bad {
		return nil, corrupt("a head that no writer makes")
	}
	return sets, nil
}

func decode(head []byte, at, size int64) (sets []set, bad bool) {
	uvarint := func(most uint64) uint64 {
		v, n := binary.Uvarint(head)
		if n <= 0 || v > most {
			bad = true
			return 0
		}
		head = head[n:]
		return v
	}
	for count := uvarint(uint64(len(head))); count > 0 && !bad; count-- {
		n := uvarint(uint64(len(head)))
		if bad || n+8+1 > uint64(len(head)) {
			return nil, true
		}
		s := set{name: string(head[:n]), at: at}
		f := &s.filter
		f.Seed = le.Uint64(head[n:])
		log := head[n+8]
		head = head[n+8+1:]
		f.SegmentCount = uint32(uvarint(maxSegments))
		if bad || log > maxSegmentBits || f.SegmentCount == 0 || len(head) < crcBytes {
			return nil, true
		}
		s.crc = le.Uint32(head)
		head = head[crcBytes:]
		f.SegmentLength = 1 << log
		f.SegmentLengthMask = f.SegmentLength - 1
		f.SegmentCountLength = f.SegmentCount << log
		s.size = (int64(f.SegmentCount) + 2) << log
		if at += s.size; at > size {
			return nil, true
		}
		sets = append(sets, s)
	}
	return sets, bad || len(head) > 0 || at != size
}

// read reads the set's fingerprints.
func (s *set) read(src io.ReaderAt) error {
	b := make([]byte, s.size)
	if err := read(src, b, s.at); err != nil {
		return err
	}
	if found := crc32.Checksum(b, castagnoli); found != s.crc {
		return corrupt("checksum of %q at %d: expected %08x, found %08x", s.name, s.at, s.crc, found)
	}
	s.filter.Fingerprints = b
	return nil
}
