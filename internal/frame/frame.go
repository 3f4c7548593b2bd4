// Package frame is the codec that the journal, the manifest and the document log share (R13).
package frame

// A log file is frames, one after the other, from its first byte. Integers are little-endian.
//
//	+-----------------------------------------------------------------------------------+
//	|  0 magic "STLF" (4) | kind (1) | version (1) | zero (2) | file id (8)              |
//	| 16 sequence (8) | synced (8) | body length n (4) | CRC-32C of bytes 0..36 (4)      |
//	+-----------------------------------------------------------------------------------+
//	| 40 body (n)                                                                       |
//	+-----------------------------------------------------------------------------------+
//	| 40+n CRC-32C of the body, continued from the header's (4)                         |
//	+-----------------------------------------------------------------------------------+
//
// The file id is random for each file: bytes inside a body are not taken for a frame unless
// whoever wrote them knew it, and a frame that a disk put into the wrong file is not either.
// The body's checksum continues the header's, so that a body belongs to one header.
// synced is the highest sequence that was known durable when the frame was written: what is
// missing up to it is damage, what is missing after every such mark is a torn tail.
// docs/format/frame.md says it in full.

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/stelehq/stele/internal/fault"
)

const (
	magic   = "STLF"
	version = 1
	crcSize = 4

	// HeaderSize is how many bytes of a frame stand before its body.
	HeaderSize = 40
)

// MaxBody is the longest body of one frame; longer is fault.TooLarge.
const MaxBody = 256 << 20

// Overhead is how many bytes a frame adds to its body.
const Overhead = HeaderSize + crcSize

// MaxKind is the highest kind that callers may use; those above are the codec's own.
const MaxKind = 239

const (
	kindFileHeader = 255 // sequences 1 and 2
	kindMark       = 254 // the closing mark: no body
)

// FirstSequence is the sequence number of the caller's first frame in a file.
const FirstSequence = 3

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Frame is one frame as read. Body is valid until the callback returns (Scan), or the
// caller's own (ReadAt).
type Frame struct {
	Kind     uint8  // the caller's, 0..MaxKind
	Sequence uint64 // 1, 2, 3, ... in the file
	Synced   uint64 // highest sequence known durable when this one was written
	Offset   int64  // of the frame in the file
	Length   int64  // of the whole frame
	Body     []byte
}

// Item is one frame to be written.
type Item struct {
	Kind uint8
	Body []byte
	More [][]byte // follow Body as if they were part of it
}

func (it *Item) size() int {
	n := len(it.Body)
	for _, b := range it.More {
		n += len(b)
	}
	return n
}

// Place is where a frame was written.
type Place struct {
	Sequence uint64
	Offset   int64
	Length   int64
}

// header is a frame's first HeaderSize bytes.
type header struct {
	kind     uint8
	version  uint8
	fileID   uint64
	sequence uint64
	synced   uint64
	length   uint32 // of the body
	crc      uint32
}

// total is the length of the whole frame. It cannot overflow: length is below 2^32.
func (h header) total() int64 { return HeaderSize + int64(h.length) + crcSize }

func appendHeader(dst []byte, h header) ([]byte, uint32) {
	at := len(dst)
	dst = append(dst, magic...)
	dst = append(dst, h.kind, version, 0, 0)
	dst = binary.LittleEndian.AppendUint64(dst, h.fileID)
	dst = binary.LittleEndian.AppendUint64(dst, h.sequence)
	dst = binary.LittleEndian.AppendUint64(dst, h.synced)
	dst = binary.LittleEndian.AppendUint32(dst, h.length)
	crc := crc32.Checksum(dst[at:], castagnoli)
	return binary.LittleEndian.AppendUint32(dst, crc), crc
}

// decodeHeader checks the first HeaderSize bytes of src, which may be anything. A version
// from the future is not an error here: every version keeps magic, version and checksum
// where they are.
func decodeHeader(src []byte) (header, *fault.Error) {
	const op = "read frame"
	if len(src) < HeaderSize {
		return header{}, fault.New(fault.Corrupt, op, "expected a frame header of %d bytes, found %d bytes", HeaderSize, len(src))
	}
	if string(src[:4]) != magic {
		return header{}, fault.New(fault.Corrupt, op, "expected the magic %q, found %q", magic, src[:4])
	}
	h := header{
		kind:     src[4],
		version:  src[5],
		fileID:   binary.LittleEndian.Uint64(src[8:]),
		sequence: binary.LittleEndian.Uint64(src[16:]),
		synced:   binary.LittleEndian.Uint64(src[24:]),
		length:   binary.LittleEndian.Uint32(src[32:]),
		crc:      binary.LittleEndian.Uint32(src[36:]),
	}
	if found := crc32.Checksum(src[:36], castagnoli); found != h.crc {
		return header{}, fault.New(fault.Corrupt, op, "header checksum: expected %08x, found %08x", h.crc, found)
	}
	if h.version == version && (src[6] != 0 || src[7] != 0 || h.length > MaxBody || h.sequence == 0 || h.synced >= h.sequence) {
		return header{}, fault.New(fault.Corrupt, op, "a frame header that no writer makes (sequence %d, synced %d, length %d)", h.sequence, h.synced, h.length)
	}
	return h, nil
}

func unsupported(h header, name string, offset int64) *fault.Error {
	return fault.New(fault.Unsupported, "read frame", "frame format %d; this Stele reads format %d", h.version, version).
		At(name, offset).WithHint("open the store with the version of Stele that wrote it")
}

// checkBody compares the body's checksum.
func (h header) checkBody(body, crc []byte) *fault.Error {
	expected, found := binary.LittleEndian.Uint32(crc), crc32.Update(h.crc, castagnoli, body)
	if found != expected {
		return fault.New(fault.Corrupt, "read frame", "frame %d, body checksum: expected %08x, found %08x", h.sequence, expected, found)
	}
	return nil
}

func (h header) frame(offset int64, body []byte) Frame {
	return Frame{Kind: h.kind, Sequence: h.sequence, Synced: h.synced, Offset: offset, Length: h.total(), Body: body}
}
