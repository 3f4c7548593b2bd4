package follow

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
)

// An ID tells the files of one machine apart, whatever they are called: device and inode, or
// volume and file index. It is given again when a file was deleted.
type ID struct {
	Device uint64 `json:"device"`
	File   uint64 `json:"file"`
}

// A Print recognises a stretch of a file by its checksum.
type Print struct {
	Bytes int    `json:"bytes"`
	Sum   string `json:"sum,omitempty"` // SHA-256, its first 16 bytes, in hex
}

const (
	headBytes = 4096 // of a file's beginning
	tailBytes = 1024 // of what comes before the position
)

func printOf(b []byte) Print {
	sum := sha256.Sum256(b)
	return Print{len(b), hex.EncodeToString(sum[:16])}
}

func (p Print) fits(b []byte) bool { return p.Bytes == 0 || len(b) == p.Bytes && printOf(b) == p }

// isPacked reports whether the file is compressed with gzip.
func isPacked(f *os.File) bool {
	var magic [2]byte
	n, _ := f.ReadAt(magic[:], 0)
	return n == 2 && magic == [2]byte{0x1f, 0x8b}
}

// unpack returns the text of a compressed file from its beginning.
func unpack(f *os.File) (io.Reader, error) {
	return gzip.NewReader(io.NewSectionReader(f, 0, 1<<62))
}

// readAt reads as many of n bytes at an offset as there are.
func readAt(f *os.File, offset int64, n int) []byte {
	b := make([]byte, n)
	n, _ = f.ReadAt(b, offset)
	return b[:n]
}

// prefix reports whether the shorter of two files is what the other begins with, by the
// first and the last bytes of it.
func prefix(a, b *os.File, size int64) bool {
	if size == 0 || !bytes.Equal(readAt(a, 0, int(min(size, headBytes))), readAt(b, 0, int(min(size, headBytes)))) {
		return false
	}
	last := int(min(size, tailBytes))
	return bytes.Equal(readAt(a, size-int64(last), last), readAt(b, size-int64(last), last))
}
