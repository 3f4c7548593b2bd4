// Package journal keeps the write-ahead files: the recent blocks that no segment holds
// yet. A file is written by one process from its creation to its end and only replayed
// afterwards; none is ever continued.
package journal

import (
	"encoding/binary"
	"math"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/vfs"
)

// A journal file is a log of frames (R13). Its header's extra bytes are
//
//	+-----------+--------+---------------------------------------+
//	| epoch u32 | n u32  | n × { file number u64, sequence u64 } |
//	+-----------+--------+---------------------------------------+
//
// and each of its frames, of kind kindGroup, has the body
//
//	+------------------+----------+-------+---+---+---------------------+
//	| base (2 numbers) | time i64 |   n   |   m   | n × { rows, len, id } |
//	+------------------+----------+-------+---+---+---------------------+-+---------------------------+
//	| m × { rows, bytes, time - first (varint), its place, last - first, its place }                  |
//	+-------------------------------------------------------------------------------------------------+
//	| m blocks, one after the other, to the end of the body                                           |
//	+-------------------------------------------------------------------------------------------------+
//
// Integers are little-endian, numbers without a width uvarints, differences modulo 2^64. The base is an arrival number: its epoch, its counter
// (R2). first and last are the least and the greatest key of a block: the instant, and which of the
// block's rows it is in arrival order, so that a replay need not open the block.

const (
	// Format and Version stand in every file's header frame (R18).
	Format  = "stele journal"
	Version = 3

	// FirstSequence is the sequence of a file's first group.
	FirstSequence = frame.FirstSequence

	kindGroup = 1

	// MaxID is the longest batch id, in bytes.
	MaxID = 256

	// MaxBatch is how many bytes of blocks, with EntryBytes for each, one batch may have: a frame has room for them.
	MaxBatch = frame.MaxBody - groupBytes - batchBytes - MaxID

	// EntryBytes is the most that a group has for each block besides its bytes.
	EntryBytes = 4*binary.MaxVarintLen32 + 2*binary.MaxVarintLen64

	// MaxCuts is how many cuts a header takes.
	MaxCuts = (frame.MaxExtra - 8) / cutBytes

	cutBytes   = 16
	groupBytes = 2*binary.MaxVarintLen64 + 8 + 2*binary.MaxVarintLen32 // at most
	batchBytes = 2 * binary.MaxVarintLen32                             // at most, besides the id

	leastBatch = 2 // bytes
	leastEntry = 6

	counterBits = 40 // of an arrival number (R2)
)

// Cut says how far a file counts: frames of it beyond Sequence were refused (R12) or
// never acknowledged, and replay ignores them. Frames up to it are known durable.
type Cut struct {
	Number   uint64
	Sequence uint64
}

// Header is what a journal file says of itself and of its predecessors.
type Header struct {
	StoreID [16]byte
	Number  uint64
	Epoch   uint32
	Cuts    []Cut // of the earlier files that are not sealed yet
}

// Batch is one append's share of a group. Batches follow each other in arrival order.
type Batch struct {
	ID   string // R16; empty if the caller gave none
	Rows int
}

// Block is one block of a group. The blocks of a group have its events one after the other, in arrival order.
type Block struct {
	Rows        int
	First, Last Mark // the least and the greatest of its keys
	Data        []byte
	Offset      int64 // of Data in the file, where Commit or Replay found it a place
}

// Mark is a key within a block.
type Mark struct {
	Instant int64
	Place   uint32 // which of the block's rows it is, in arrival order
}

// Group is what one frame holds: the events of one or several batches.
// Every batch lies within one group (R11).
type Group struct {
	Base    uint64 // arrival number of the first batch's first event
	Time    int64  // when it was committed, nanoseconds since the Unix epoch
	Batches []Batch
	Blocks  []Block
}

// Rows returns how many events the group's batches have.
func (g Group) Rows() int {
	n := 0
	for _, b := range g.Batches {
		n += b.Rows
	}
	return n
}

var names = vfs.Numbered{Prefix: "journal-", Suffix: ".log"}

// Name returns the file name of journal number n.
func Name(n uint64) string { return names.Name(n) }

// ParseName is the inverse of Name; ok is false for other files.
func ParseName(name string) (n uint64, ok bool) { return names.Parse(name) }

func appendHeader(dst []byte, h Header) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, h.Epoch)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(h.Cuts)))
	for _, c := range h.Cuts {
		dst = binary.LittleEndian.AppendUint64(dst, c.Number)
		dst = binary.LittleEndian.AppendUint64(dst, c.Sequence)
	}
	return dst
}

// decodeHeader reads a header's extra bytes. Nothing in src is trusted.
func decodeHeader(src []byte) (epoch uint32, cuts []Cut, err error) {
	const op = "read journal header"
	if len(src) < 8 {
		return 0, nil, fault.New(fault.Corrupt, op, "expected at least 8 bytes, found %d", len(src))
	}
	epoch = binary.LittleEndian.Uint32(src)
	n := binary.LittleEndian.Uint32(src[4:])
	src = src[8:]
	if uint64(n) != uint64(len(src)/cutBytes) || len(src)%cutBytes != 0 {
		return 0, nil, fault.New(fault.Corrupt, op, "%d cuts do not fill %d bytes", n, len(src))
	}
	cuts = make([]Cut, n)
	for i := range cuts {
		cuts[i].Number = binary.LittleEndian.Uint64(src[i*cutBytes:])
		cuts[i].Sequence = binary.LittleEndian.Uint64(src[i*cutBytes+8:])
	}
	return epoch, cuts, nil
}

// appendGroup appends all of a group but the blocks' bytes.
func appendGroup(dst []byte, g Group) []byte {
	dst = binary.AppendUvarint(dst, g.Base>>counterBits)
	dst = binary.AppendUvarint(dst, g.Base&(1<<counterBits-1))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(g.Time))
	dst = binary.AppendUvarint(dst, uint64(len(g.Batches)))
	dst = binary.AppendUvarint(dst, uint64(len(g.Blocks)))
	for _, b := range g.Batches {
		dst = binary.AppendUvarint(dst, uint64(b.Rows))
		dst = binary.AppendUvarint(dst, uint64(len(b.ID)))
		dst = append(dst, b.ID...)
	}
	for i := range g.Blocks {
		b := &g.Blocks[i]
		dst = binary.AppendUvarint(dst, uint64(b.Rows))
		dst = binary.AppendUvarint(dst, uint64(len(b.Data)))
		dst = binary.AppendVarint(dst, g.Time-b.First.Instant)
		dst = binary.AppendUvarint(dst, uint64(b.First.Place))
		dst = binary.AppendUvarint(dst, uint64(b.Last.Instant-b.First.Instant))
		dst = binary.AppendUvarint(dst, uint64(b.Last.Place))
	}
	return dst
}

// decodeGroup reads a frame's body, which begins at offset in the file less the frame's header. The blocks' data are parts of src.
// Nothing in src is trusted.
func decodeGroup(src []byte, offset int64) (Group, error) {
	const op = "read journal frame"
	whole := len(src)
	d := frame.Numbers{Src: src}
	var g Group
	epoch, counter := d.Uvarint(), d.Uvarint()
	g.Base, g.Time = epoch<<counterBits|counter, int64(d.Fixed())
	batches, blocks := d.Uvarint(), d.Uvarint()
	if d.Bad || epoch >= 1<<(64-counterBits) || counter >= 1<<counterBits {
		return g, fault.New(fault.Corrupt, op, "%d bytes have no group's beginning", whole)
	}
	// Divide rather than multiply: products can overflow, len cannot.
	if batches > uint64(len(d.Src)/leastBatch) || blocks > uint64(len(d.Src)/leastEntry) {
		return g, fault.New(fault.Corrupt, op, "%d batches and %d blocks do not fit in %d bytes", batches, blocks, len(d.Src))
	}
	g.Batches = make([]Batch, 0, batches)
	total := uint64(0)
	for range batches {
		rows, length := d.Uvarint(), d.Uvarint()
		if d.Bad || rows > math.MaxInt32 || length > uint64(len(d.Src)) {
			return g, fault.New(fault.Corrupt, op, "batch %d of %d: %d rows, an id of %d bytes, %d bytes left", len(g.Batches), batches, rows, length, len(d.Src))
		}
		if total += rows; total > math.MaxInt32 {
			return g, fault.New(fault.Corrupt, op, "batch %d of %d: more than %d rows", len(g.Batches), batches, math.MaxInt32)
		}
		g.Batches = append(g.Batches, Batch{ID: string(d.Src[:length]), Rows: int(rows)})
		d.Src = d.Src[length:]
	}
	if blocks > uint64(len(d.Src)/leastEntry) {
		return g, fault.New(fault.Corrupt, op, "%d blocks do not fit in %d bytes", blocks, len(d.Src))
	}
	g.Blocks = make([]Block, blocks)
	lengths := make([]uint64, blocks)
	inBlocks := uint64(0)
	for i := range g.Blocks {
		rows := d.Uvarint()
		lengths[i] = d.Uvarint()
		first := g.Time - d.Varint()
		place := d.Uvarint()
		last := first + int64(d.Uvarint())
		lastPlace := d.Uvarint()
		switch {
		case d.Bad || rows == 0 || rows > total-inBlocks:
			return g, fault.New(fault.Corrupt, op, "block %d of %d: %d of %d rows", i, blocks, rows, total-inBlocks)
		case place >= rows || lastPlace >= rows || first > last || first == last && place > lastPlace:
			return g, fault.New(fault.Corrupt, op, "block %d of %d: keys from %d, row %d, to %d, row %d, in %d rows", i, blocks, first, place, last, lastPlace, rows)
		}
		inBlocks += rows
		g.Blocks[i] = Block{Rows: int(rows), First: Mark{first, uint32(place)}, Last: Mark{last, uint32(lastPlace)}}
	}
	for i := range g.Blocks {
		b := &g.Blocks[i]
		if lengths[i] > uint64(len(d.Src)) {
			return g, fault.New(fault.Corrupt, op, "block %d of %d: %d of %d bytes", i, blocks, lengths[i], len(d.Src))
		}
		b.Offset = offset + int64(whole-len(d.Src))
		b.Data, d.Src = d.Src[:lengths[i]:lengths[i]], d.Src[lengths[i]:]
	}
	if inBlocks != total || len(d.Src) > 0 || g.Base > math.MaxUint64-total {
		return g, fault.New(fault.Corrupt, op, "batches of %d events from arrival number %d on, blocks of %d, and %d bytes more", total, g.Base, inBlocks, len(d.Src))
	}
	return g, nil
}
