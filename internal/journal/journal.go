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
//	+----------+----------+-------+-------+--------------------------------+
//	| base u64 | time i64 | n u32 | m u32 | n × { rows u32, len u16, id }  |
//	+----------+----------+-------+-------+--------------------------------+-----------+
//	| m × { rows u32, bytes u32, first i64, its place u32, last i64, its place u32 }   |
//	+----------------------------------------------------------------------------------+
//	| m blocks, one after the other, to the end of the body                            |
//	+----------------------------------------------------------------------------------+
//
// Integers are little-endian. first and last are the least and the greatest key of a block: the instant, and which of the
// block's rows it is in arrival order, so that a replay need not open the block.

const (
	// Format and Version stand in every file's header frame (R18).
	Format  = "stele journal"
	Version = 2

	// FirstSequence is the sequence of a file's first group.
	FirstSequence = frame.FirstSequence

	kindGroup = 1

	// MaxID is the longest batch id, in bytes.
	MaxID = 256

	// MaxBatch is how many bytes of blocks, with entryBytes for each, one batch may have: a frame has room for them.
	MaxBatch = frame.MaxBody - groupBytes - batchBytes - MaxID

	// EntryBytes is what a group has for each block besides its bytes.
	EntryBytes = 32

	// MaxCuts is how many cuts a header takes.
	MaxCuts = (frame.MaxExtra - 8) / cutBytes

	cutBytes   = 16
	groupBytes = 24
	batchBytes = 6
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
	dst = binary.LittleEndian.AppendUint64(dst, g.Base)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(g.Time))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(g.Batches)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(g.Blocks)))
	for _, b := range g.Batches {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(b.Rows))
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(b.ID)))
		dst = append(dst, b.ID...)
	}
	for i := range g.Blocks {
		b := &g.Blocks[i]
		dst = binary.LittleEndian.AppendUint32(dst, uint32(b.Rows))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b.Data)))
		dst = appendMark(appendMark(dst, b.First), b.Last)
	}
	return dst
}

func appendMark(dst []byte, m Mark) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(m.Instant))
	return binary.LittleEndian.AppendUint32(dst, m.Place)
}

func markOf(src []byte) Mark {
	return Mark{Instant: int64(binary.LittleEndian.Uint64(src)), Place: binary.LittleEndian.Uint32(src[8:])}
}

// decodeGroup reads a frame's body, which begins at offset in the file less the frame's header. The blocks' data are parts of src.
// Nothing in src is trusted.
func decodeGroup(src []byte, offset int64) (Group, error) {
	const op = "read journal frame"
	var g Group
	if len(src) < groupBytes {
		return g, fault.New(fault.Corrupt, op, "expected at least %d bytes, found %d", groupBytes, len(src))
	}
	whole := len(src)
	g.Base = binary.LittleEndian.Uint64(src)
	g.Time = int64(binary.LittleEndian.Uint64(src[8:]))
	batches, blocks := binary.LittleEndian.Uint32(src[16:]), binary.LittleEndian.Uint32(src[20:])
	src = src[groupBytes:]
	// Divide rather than multiply: batches*batchBytes can overflow, len cannot.
	if uint64(batches) > uint64(len(src)/batchBytes) || uint64(blocks) > uint64(len(src)/EntryBytes) {
		return g, fault.New(fault.Corrupt, op, "%d batches and %d blocks do not fit in %d bytes", batches, blocks, len(src))
	}
	g.Batches = make([]Batch, 0, batches)
	total := uint64(0)
	for range batches {
		if len(src) < batchBytes {
			return g, fault.New(fault.Corrupt, op, "batch %d of %d is cut off", len(g.Batches), batches)
		}
		rows, length := binary.LittleEndian.Uint32(src), int(binary.LittleEndian.Uint16(src[4:]))
		src = src[batchBytes:]
		if total += uint64(rows); total > 1<<31-1 || length > len(src) {
			return g, fault.New(fault.Corrupt, op, "batch %d of %d: %d rows, an id of %d bytes, %d bytes left", len(g.Batches), batches, rows, length, len(src))
		}
		g.Batches = append(g.Batches, Batch{ID: string(src[:length]), Rows: int(rows)})
		src = src[length:]
	}
	if uint64(blocks) > uint64(len(src)/EntryBytes) {
		return g, fault.New(fault.Corrupt, op, "%d blocks do not fit in %d bytes", blocks, len(src))
	}
	entries := src[:int(blocks)*EntryBytes]
	src = src[len(entries):]
	g.Blocks = make([]Block, blocks)
	inBlocks := uint64(0)
	for i := range g.Blocks {
		e := entries[i*EntryBytes:]
		rows, length := binary.LittleEndian.Uint32(e), binary.LittleEndian.Uint32(e[4:])
		b := Block{Rows: int(rows), First: markOf(e[8:]), Last: markOf(e[20:]), Offset: offset + int64(whole-len(src))}
		switch inBlocks += uint64(rows); {
		case rows == 0 || inBlocks > total || uint64(length) > uint64(len(src)):
			return g, fault.New(fault.Corrupt, op, "block %d of %d: %d of %d rows, %d of %d bytes", i, blocks, rows, total, length, len(src))
		case b.First.Place >= rows || b.Last.Place >= rows || b.First.Instant > b.Last.Instant || b.First.Instant == b.Last.Instant && b.First.Place > b.Last.Place:
			return g, fault.New(fault.Corrupt, op, "block %d of %d: keys from %v to %v in %d rows", i, blocks, b.First, b.Last, rows)
		}
		b.Data, src = src[:length:length], src[length:]
		g.Blocks[i] = b
	}
	if inBlocks != total || len(src) > 0 || g.Base > math.MaxUint64-total {
		return g, fault.New(fault.Corrupt, op, "batches of %d events from arrival number %d on, blocks of %d, and %d bytes more", total, g.Base, inBlocks, len(src))
	}
	return g, nil
}
