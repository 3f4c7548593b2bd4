// Package journal keeps the write-ahead files: the recent blocks that no segment holds
// yet. A file is written by one process from its creation to its end and only replayed
// afterwards; none is ever continued.
package journal

import (
	"encoding/binary"

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
//	+----------+----------+-------+--------------------------------+-------------+
//	| base u64 | time i64 | n u32 | n × { rows u32, len u16, id }  | block …     |
//	+----------+----------+-------+--------------------------------+-------------+
//
// Integers are little-endian. The block reaches to the end of the body.

const (
	// Format and Version stand in every file's header frame (R18).
	Format  = "stele journal"
	Version = 1

	// FirstSequence is the sequence of a file's first group.
	FirstSequence = frame.FirstSequence

	kindGroup = 1

	// MaxID is the longest batch id, in bytes.
	MaxID = 256

	// MaxBlock is the longest block, in bytes: a frame has room for it and one batch.
	MaxBlock = frame.MaxBody - 20 - batchBytes - MaxID

	// MaxCuts is how many cuts a header takes.
	MaxCuts = (frame.MaxExtra - 8) / cutBytes

	cutBytes   = 16
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

// Group is what one frame holds: one block with the events of one or several batches.
// Every batch lies within one group (R11).
type Group struct {
	Base    uint64 // arrival number of the first batch's first event
	Time    int64  // when it was committed, nanoseconds since the Unix epoch
	Batches []Batch
	Block   []byte
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

func appendGroup(dst []byte, g Group) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, g.Base)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(g.Time))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(g.Batches)))
	for _, b := range g.Batches {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(b.Rows))
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(b.ID)))
		dst = append(dst, b.ID...)
	}
	return append(dst, g.Block...)
}

// decodeGroup reads a frame's body. The block is a part of src. Nothing in src is trusted.
func decodeGroup(src []byte) (Group, error) {
	const op = "read journal frame"
	var g Group
	if len(src) < 20 {
		return g, fault.New(fault.Corrupt, op, "expected at least 20 bytes, found %d", len(src))
	}
	g.Base = binary.LittleEndian.Uint64(src)
	g.Time = int64(binary.LittleEndian.Uint64(src[8:]))
	n := binary.LittleEndian.Uint32(src[16:])
	src = src[20:]
	// Divide rather than multiply: n*batchBytes can overflow, len cannot.
	if uint64(n) > uint64(len(src)/batchBytes) {
		return g, fault.New(fault.Corrupt, op, "%d batches do not fit in %d bytes", n, len(src))
	}
	g.Batches = make([]Batch, 0, n)
	total := uint64(0)
	for range n {
		if len(src) < batchBytes {
			return g, fault.New(fault.Corrupt, op, "batch %d of %d is cut off", len(g.Batches), n)
		}
		rows, length := binary.LittleEndian.Uint32(src), int(binary.LittleEndian.Uint16(src[4:]))
		src = src[batchBytes:]
		if total += uint64(rows); total > 1<<31-1 || length > len(src) {
			return g, fault.New(fault.Corrupt, op, "batch %d of %d: %d rows, an id of %d bytes, %d bytes left", len(g.Batches), n, rows, length, len(src))
		}
		g.Batches = append(g.Batches, Batch{ID: string(src[:length]), Rows: int(rows)})
		src = src[length:]
	}
	g.Block = src
	return g, nil
}
