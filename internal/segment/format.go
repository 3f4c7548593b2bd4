// Package segment keeps immutable files of blocks. Blocks are opaque bytes to it.
package segment

// A segment is a head, blocks, an index and a footer, with nothing between them; small.go has what a short one is. Integers are
// little-endian, checksums CRC-32C.
//
//	+------------------------------------------------------------------------------+
//	| head: magic "STLS" (4) | version (1) | zero (3) | file id (8)                 |
//	|       identity length i (4) | CRC of the 20 bytes before (4)                  |
//	|       identity (i) | CRC of it (4)                                            |
//	+------------------------------------------------------------------------------+
//	| block, once for each: block header (92) | bytes (n)                           |
//	+------------------------------------------------------------------------------+
//	| index: for each block: offset (8) | its block header (92)                     |
//	+------------------------------------------------------------------------------+
//	| footer: file id (8) | summary (64) | index offset (8) | CRC of the index (4)  |
//	|         identity (the rest)                                                   |
//	| trailer: version (1) | footer length f (3)                                    |
//	|          CRC of footer and the 4 bytes before (4) | magic "STLT" (4)          |
//	+------------------------------------------------------------------------------+
//
// The identity: number (uvarint), store id (16), how many journals it replaces and the number of each, how many segments and the number of
// each (uvarints).
//
// A block header describes its block alone, so that blocks are found without the index:
//
//	+------------------------------------------------------------------------------+
//	| magic "STLB" (4) | ordinal (4) | file id (8) | length n (4) | rows (4)        |
//	| min key (16) | max key (16) | min arrival (8) | max arrival (8) | base (8)    |
//	| how many of its last bytes are sets (4)                                       |
//	| CRC of the block's bytes (4) | CRC of the 88 bytes before (4)                 |
//	+------------------------------------------------------------------------------+
//
// The file id is random: bytes inside a block are not taken for one. docs/format/segment.md
// says it in full.

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
)

const (
	headMagic    = "STLS"
	blockMagic   = "STLB"
	trailerMagic = "STLT"
	version      = 4

	headSize        = 24
	blockHeaderSize = 92
	entrySize       = 8 + blockHeaderSize
	footerFixed     = 8 + summarySize + 8 + 4
	summarySize     = 4 + 4 + 8 + 16 + 16 + 8 + 8
	trailerSize     = 12
	crcSize         = 4
)

// MaxBlock is the longest block.
const MaxBlock = 1 << 30

// maxReplaced bounds how many files one segment replaces: far more than a compaction reads.
const maxReplaced = 1 << 16

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// Identity says what a segment is (R14). It stands in the file's first bytes and again in its
// footer.
type Identity struct {
	Number   uint64   // in the file's name
	StoreID  [16]byte // of the store that it belongs to
	Journals []uint64 // numbers of the journal files that it replaces
	Segments []uint64 // numbers of the segments that it replaces
}

// Meta describes a block: what the index and the block's own header keep of it.
type Meta struct {
	Rows                   int
	MinKey, MaxKey         event.Key // of its events, inclusive
	MinArrival, MaxArrival uint64
	Base                   uint64 // base arrival number, the caller's
	Sets                   int    // how many of the block's last bytes tell which texts are in it, for who does not read it whole
}

// Info is what a footer says of the whole file.
type Info struct {
	Identity
	Rows                   int64
	MinKey, MaxKey         event.Key
	MinArrival, MaxArrival uint64
	Blocks                 int
	Bytes                  int64 // length of the file
}

// add widens the ranges by a block.
func (i *Info) add(m Meta) {
	if i.Blocks == 0 {
		i.MinKey, i.MaxKey, i.MinArrival, i.MaxArrival = m.MinKey, m.MaxKey, m.MinArrival, m.MaxArrival
	}
	if bytes.Compare(m.MinKey[:], i.MinKey[:]) < 0 {
		i.MinKey = m.MinKey
	}
	if bytes.Compare(m.MaxKey[:], i.MaxKey[:]) > 0 {
		i.MaxKey = m.MaxKey
	}
	i.MinArrival, i.MaxArrival = min(i.MinArrival, m.MinArrival), max(i.MaxArrival, m.MaxArrival)
	i.Rows += int64(m.Rows)
	i.Blocks++
}

func appendIdentity(dst []byte, id Identity) []byte {
	dst = binary.AppendUvarint(dst, id.Number)
	dst = append(dst, id.StoreID[:]...)
	for _, list := range [][]uint64{id.Journals, id.Segments} {
		dst = binary.AppendUvarint(dst, uint64(len(list)))
		for _, n := range list {
			dst = binary.AppendUvarint(dst, n)
		}
	}
	return dst
}

// A decoder reads what may come from a damaged file.
type decoder struct{ frame.Numbers }

func (d *decoder) identity() (id Identity) {
	id.Number = d.Uvarint()
	if d.Bad = d.Bad || len(d.Src) < len(id.StoreID); d.Bad {
		return id
	}
	copy(id.StoreID[:], d.Src)
	d.Src = d.Src[len(id.StoreID):]
	for _, list := range []*[]uint64{&id.Journals, &id.Segments} {
		n := d.Uvarint()
		if d.Bad = d.Bad || n > maxReplaced || n > uint64(len(d.Src)); d.Bad {
			return id
		}
		for range n {
			*list = append(*list, d.Uvarint())
		}
	}
	return id
}

// decodeIdentity reads an identity that fills src.
func decodeIdentity(src []byte) (id Identity, ok bool) {
	d := decoder{frame.Numbers{Src: src}}
	id = d.identity()
	return id, !d.Bad && len(d.Src) == 0
}

func appendHead(dst []byte, fileID uint64, id Identity) []byte {
	at := len(dst)
	identity := appendIdentity(nil, id)
	dst = append(dst, headMagic...)
	dst = append(dst, version, 0, 0, 0)
	dst = le.AppendUint64(dst, fileID)
	dst = le.AppendUint32(dst, uint32(len(identity)))
	dst = le.AppendUint32(dst, checksum(dst[at:]))
	dst = append(dst, identity...)
	return le.AppendUint32(dst, checksum(identity))
}

// blockHeader is a block's header decoded.
type blockHeader struct {
	ordinal uint32
	fileID  uint64
	length  uint32
	crc     uint32
	meta    Meta
}

func appendBlockHeader(dst []byte, h blockHeader) []byte {
	at := len(dst)
	dst = append(dst, blockMagic...)
	dst = le.AppendUint32(dst, h.ordinal)
	dst = le.AppendUint64(dst, h.fileID)
	dst = le.AppendUint32(dst, h.length)
	dst = le.AppendUint32(dst, uint32(h.meta.Rows))
	dst = append(dst, h.meta.MinKey[:]...)
	dst = append(dst, h.meta.MaxKey[:]...)
	dst = le.AppendUint64(dst, h.meta.MinArrival)
	dst = le.AppendUint64(dst, h.meta.MaxArrival)
	dst = le.AppendUint64(dst, h.meta.Base)
	dst = le.AppendUint32(dst, uint32(h.meta.Sets))
	dst = le.AppendUint32(dst, h.crc)
	return le.AppendUint32(dst, checksum(dst[at:]))
}

// decodeBlockHeader checks blockHeaderSize bytes, which may be anything.
func decodeBlockHeader(src []byte) (blockHeader, *fault.Error) {
	const op = "read block"
	if len(src) < blockHeaderSize {
		return blockHeader{}, fault.New(fault.Corrupt, op, "expected a block header of %d bytes, found %d", blockHeaderSize, len(src))
	}
	if string(src[:4]) != blockMagic {
		return blockHeader{}, fault.New(fault.Corrupt, op, "expected the magic %q, found %q", blockMagic, src[:4])
	}
	expected, found := le.Uint32(src[88:]), checksum(src[:88])
	if expected != found {
		return blockHeader{}, fault.New(fault.Corrupt, op, "block header checksum: expected %08x, found %08x", expected, found)
	}
	h := blockHeader{ordinal: le.Uint32(src[4:]), fileID: le.Uint64(src[8:]), length: le.Uint32(src[16:]), crc: le.Uint32(src[84:])}
	rows := le.Uint32(src[20:])
	if rows > math.MaxInt32 || h.length > MaxBlock {
		return blockHeader{}, fault.New(fault.Corrupt, op, "a block of %d rows in %d bytes", rows, h.length)
	}
	sets := le.Uint32(src[80:])
	if sets > h.length {
		return blockHeader{}, fault.New(fault.Corrupt, op, "sets of %d bytes in a block of %d", sets, h.length)
	}
	h.meta.Rows, h.meta.Sets = int(rows), int(sets)
	copy(h.meta.MinKey[:], src[24:])
	copy(h.meta.MaxKey[:], src[40:])
	h.meta.MinArrival, h.meta.MaxArrival, h.meta.Base = le.Uint64(src[56:]), le.Uint64(src[64:]), le.Uint64(src[72:])
	return h, nil
}

func (h blockHeader) check(body []byte) *fault.Error {
	if found := checksum(body); found != h.crc {
		return fault.New(fault.Corrupt, "read block", "block %d, checksum: expected %08x, found %08x", h.ordinal, h.crc, found)
	}
	return nil
}

func unsupported(found byte, name string) *fault.Error {
	return fault.New(fault.Unsupported, "open segment", "segment format %d; this Stele reads format %d", found, version).
		At(name, fault.NoOffset).WithHint("open the store with the version of Stele that wrote it")
}
