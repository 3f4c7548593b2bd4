package column

import (
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/stelehq/stele/internal/fault"
)

var zstdWriter = sync.OnceValue(func() *zstd.Encoder { return newZstdWriter(zstd.SpeedDefault) })

var zstdBestWriter = sync.OnceValue(func() *zstd.Encoder { return newZstdWriter(zstd.SpeedBestCompression) })

func newZstdWriter(level zstd.EncoderLevel) *zstd.Encoder {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic("column: zstd options: " + err.Error())
	}
	return w
}

// The reader never writes past the room it is given, so a frame that promises more than was said is found out.
var zstdReader = sync.OnceValue(func() *zstd.Decoder {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true), zstd.IgnoreChecksum(true))
	if err != nil {
		panic("column: zstd options: " + err.Error())
	}
	return r
})

// Compress appends a zstd frame with raw in it.
func Compress(dst, raw []byte) []byte { return zstdWriter().EncodeAll(raw, dst) }

// CompressBest is Compress at ten times the cost, for what is small.
func CompressBest(dst, raw []byte) []byte { return zstdBestWriter().EncodeAll(raw, dst) }

// Decompress returns the size bytes in a zstd frame. The caller has bounded size.
func Decompress(frame []byte, size int) ([]byte, error) {
	raw, err := zstdReader().DecodeAll(frame, make([]byte, 0, size))
	if err != nil {
		return nil, fault.WrapAs(fault.Corrupt, err, opDecode, "zstd")
	}
	if len(raw) != size {
		return nil, fault.New(fault.Corrupt, opDecode, "zstd gives %d bytes, %d expected", len(raw), size)
	}
	return raw, nil
}
