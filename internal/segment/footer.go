package segment

// The footer's summary:
//
//	+------------+----------+----------+--------------+--------------+-----------------+-----------------+
//	| blocks (4) | zero (4) | rows (8) | min key (16) | max key (16) | min arrival (8) | max arrival (8) |
//	+------------+----------+----------+--------------+--------------+-----------------+-----------------+

import (
	"io"
	"math"

	"github.com/stelehq/stele/internal/fault"
)

type footer struct {
	fileID      uint64
	info        Info
	indexOffset uint64
	indexCRC    uint32
}

// appendFooter appends footer and trailer.
func appendFooter(dst []byte, f footer) []byte {
	at := len(dst)
	dst = le.AppendUint64(dst, f.fileID)
	dst = le.AppendUint32(dst, uint32(f.info.Blocks))
	dst = le.AppendUint32(dst, 0)
	dst = le.AppendUint64(dst, uint64(f.info.Rows))
	dst = append(dst, f.info.MinKey[:]...)
	dst = append(dst, f.info.MaxKey[:]...)
	dst = le.AppendUint64(dst, f.info.MinArrival)
	dst = le.AppendUint64(dst, f.info.MaxArrival)
	dst = le.AppendUint64(dst, f.indexOffset)
	dst = le.AppendUint32(dst, f.indexCRC)
	dst = appendIdentity(dst, f.info.Identity)
	dst = appendLength(dst, len(dst)-at)
	dst = le.AppendUint32(dst, checksum(dst[at:]))
	return append(dst, trailerMagic...)
}

// appendLength appends the first half of a trailer.
func appendLength(dst []byte, footer int) []byte {
	return le.AppendUint32(dst, version|uint32(footer)<<8)
}

// A trailer is the last bytes of a file.
type trailer struct{ bytes []byte }

func (t trailer) version() byte    { return t.bytes[0] }
func (t trailer) length() int64    { return int64(le.Uint32(t.bytes) >> 8) }
func (t trailer) checksum() uint32 { return le.Uint32(t.bytes[4:]) }
func (t trailer) magic() string    { return string(t.bytes[8:]) }

// readTrailer reads the trailer of a file of size bytes; what it says has not been checked.
func readTrailer(r io.ReaderAt, size int64, name string) (trailer, error) {
	const op = "open segment"
	if size < trailerSize {
		return trailer{}, fault.New(fault.Corrupt, op, "expected a footer, found a file of %d bytes", size).At(name, 0)
	}
	t := trailer{make([]byte, trailerSize)}
	if err := readFull(r, t.bytes, size-trailerSize, name); err != nil {
		return trailer{}, err
	}
	switch t.magic() {
	case trailerMagic, smallMagic:
		return t, nil
	case "STLE": // of format 1
		return trailer{}, unsupported(1, name)
	}
	return trailer{}, fault.New(fault.Corrupt, op, "expected the magic %q, found %q", trailerMagic, t.magic()).At(name, size-4)
}

// readFooter checks the footer that ends with t, in a file of size bytes.
func readFooter(r io.ReaderAt, size int64, t trailer, name string) (footer, int64, error) {
	const op = "open segment"
	end, length := size-trailerSize, t.length()
	if length > end || length < footerFixed {
		return footer{}, 0, fault.New(fault.Corrupt, op, "a footer of %d bytes in a file of %d", length, size).At(name, end)
	}
	b := make([]byte, length+4)
	if err := readFull(r, b, end-length, name); err != nil {
		return footer{}, 0, err
	}
	if expected, found := t.checksum(), checksum(b); expected != found {
		return footer{}, 0, fault.New(fault.Corrupt, op, "footer checksum: expected %08x, found %08x", expected, found).At(name, end-length)
	}
	if t.version() != version {
		return footer{}, 0, unsupported(t.version(), name)
	}
	f, ok := decodeFooter(b[:length])
	if !ok {
		return footer{}, 0, fault.New(fault.Corrupt, op, "a footer that no writer makes").At(name, end-length)
	}
	f.info.Bytes = size
	return f, end - length, nil
}

func decodeFooter(b []byte) (f footer, ok bool) {
	f.fileID = le.Uint64(b)
	b = b[8:]
	blocks, rows := le.Uint32(b), le.Uint64(b[8:])
	if blocks > math.MaxInt32 || rows > math.MaxInt64 {
		return f, false
	}
	f.info.Blocks, f.info.Rows = int(blocks), int64(rows)
	copy(f.info.MinKey[:], b[16:])
	copy(f.info.MaxKey[:], b[32:])
	f.info.MinArrival, f.info.MaxArrival = le.Uint64(b[48:]), le.Uint64(b[56:])
	b = b[summarySize:]
	f.indexOffset, f.indexCRC = le.Uint64(b), le.Uint32(b[8:])
	f.info.Identity, ok = decodeIdentity(b[12:])
	return f, ok
}

// readHead reads and checks the head of a file and returns where its blocks begin.
func readHead(r io.ReaderAt, size int64, name string) (fileID uint64, id Identity, end int64, err error) {
	const op = "read segment"
	fail := func(offset int64, format string, args ...any) (uint64, Identity, int64, error) {
		return 0, Identity{}, 0, fault.New(fault.Corrupt, op, format, args...).At(name, offset)
	}
	var head [headSize]byte
	if size < headSize {
		return fail(0, "expected a head of %d bytes, found %d", headSize, size)
	}
	if err := readFull(r, head[:], 0, name); err != nil {
		return 0, Identity{}, 0, err
	}
	if string(head[:4]) != headMagic {
		return fail(0, "expected the magic %q, found %q", headMagic, head[:4])
	}
	if expected, found := le.Uint32(head[20:]), checksum(head[:20]); expected != found {
		return fail(0, "head checksum: expected %08x, found %08x", expected, found)
	}
	if head[4] != version {
		return 0, Identity{}, 0, unsupported(head[4], name)
	}
	length := int64(le.Uint32(head[16:]))
	if length > size-headSize-crcSize {
		return fail(16, "an identity of %d bytes in a file of %d", length, size)
	}
	b := make([]byte, length+crcSize)
	if err := readFull(r, b, headSize, name); err != nil {
		return 0, Identity{}, 0, err
	}
	if expected, found := le.Uint32(b[length:]), checksum(b[:length]); expected != found {
		return fail(headSize, "identity checksum: expected %08x, found %08x", expected, found)
	}
	id, ok := decodeIdentity(b[:length])
	if !ok {
		return fail(headSize, "an identity that no writer makes")
	}
	return le.Uint64(head[8:]), id, headSize + length + crcSize, nil
}

// readFull reads len(p) bytes that the file should have.
func readFull(r io.ReaderAt, p []byte, offset int64, name string) error {
	n, err := r.ReadAt(p, offset)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		return fault.New(fault.Corrupt, "read segment", "expected %d bytes, found %d", len(p), n).At(name, offset)
	}
	return fault.WrapAs(fault.IO, err, "read segment", "cannot read %d bytes", len(p)).At(name, offset)
}
