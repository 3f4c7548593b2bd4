package frame

// The file header is the body of the frames with sequences 1 and 2, the same in both, so
// that damage to one frame does not lose it.
//
//	+-------------------+------------+-------------+---------------+------------+-------+
//	| format length (1) | format (f) | version (2) | store id (16) | number (8) | extra |
//	+-------------------+------------+-------------+---------------+------------+-------+

import (
	"encoding/binary"
	"io"

	"github.com/stelehq/stele/internal/fault"
)

// FileHeader is what the first frames of every file say.
type FileHeader struct {
	Format  string   // "stele journal", ...: 1..64 bytes
	Version uint16   // of the caller's format; the caller refuses others by name (R18)
	StoreID [16]byte // of the store that the file belongs to
	Number  uint64   // the number in the file's name
	Extra   []byte   // the caller's own, at most MaxExtra bytes
}

// MaxExtra bounds FileHeader.Extra.
const MaxExtra = 1024

const (
	maxFormat     = 64
	fixedFileBody = 1 + 2 + 16 + 8

	// longestPreamble bounds both header frames: a longer file without one whole frame is
	// damaged, a shorter one may be what a crash during its creation left.
	longestPreamble = 2 * (Overhead + fixedFileBody + maxFormat + MaxExtra)
)

func (h FileHeader) check() *fault.Error {
	if len(h.Format) == 0 || len(h.Format) > maxFormat || len(h.Extra) > MaxExtra {
		return fault.New(fault.Internal, "create log", "a file header with a format of %d and extra data of %d bytes", len(h.Format), len(h.Extra))
	}
	return nil
}

func appendFileHeader(dst []byte, h FileHeader) []byte {
	dst = append(dst, byte(len(h.Format)))
	dst = append(dst, h.Format...)
	dst = binary.LittleEndian.AppendUint16(dst, h.Version)
	dst = append(dst, h.StoreID[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, h.Number)
	return append(dst, h.Extra...)
}

// decodeFileHeader copies what it keeps of src.
func decodeFileHeader(src []byte) (FileHeader, bool) {
	if len(src) < fixedFileBody || src[0] == 0 || src[0] > maxFormat || len(src)-fixedFileBody < int(src[0]) || len(src)-fixedFileBody-int(src[0]) > MaxExtra {
		return FileHeader{}, false
	}
	h := FileHeader{Format: string(src[1 : 1+src[0]])}
	src = src[1+src[0]:]
	h.Version = binary.LittleEndian.Uint16(src)
	copy(h.StoreID[:], src[2:])
	h.Number = binary.LittleEndian.Uint64(src[18:])
	if len(src) > 26 {
		h.Extra = append([]byte(nil), src[26:]...)
	}
	return h, true
}

// ReadHeader reads the file's header alone. It is fault.Corrupt if both copies are damaged,
// and if the file is shorter than one: a crash during its creation may have left that.
func ReadHeader(r io.ReaderAt, size int64, name string) (FileHeader, error) {
	s := scanner{window: window{r: r, size: size, name: name}}
	var first *fault.Error
	for at := int64(0); at < min(size, longestPreamble); {
		p, err := s.next(at)
		if err != nil {
			return FileHeader{}, err
		}
		if first == nil {
			first = p.reason
		}
		if !p.found {
			break
		}
		if p.whole && p.header.kind == kindFileHeader && p.header.sequence < FirstSequence {
			if h, ok := decodeFileHeader(p.body); ok {
				return h, nil
			}
		}
		at = p.resume()
	}
	if first == nil {
		first = fault.New(fault.Corrupt, "read frame", "expected a file header, found %d bytes", size)
	}
	return FileHeader{}, fault.Wrap(first, "read log", "no file header").At(name, 0)
}
