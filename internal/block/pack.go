package block

import (
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/stelehq/stele/internal/fault"
)

// How a section is stored; the numbers are part of the format.
const (
	methodRaw  = 0
	methodS2   = 1
	methodZstd = 2
	methods    = 3
)

// minPack is the size from which compression is tried.
const minPack = 32

var zstdWriter = sync.OnceValue(func() *zstd.Encoder {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic("block: zstd options: " + err.Error())
	}
	return w
})

// The reader never writes past the room it is given, so a frame that promises more than its section says is found out.
var zstdReader = sync.OnceValue(func() *zstd.Decoder {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true), zstd.IgnoreChecksum(true))
	if err != nil {
		panic("block: zstd options: " + err.Error())
	}
	return r
})

// pack returns raw as it is stored. What compression can't make smaller by a thirty-second part stays raw, which is read faster.
func pack(raw []byte, codec Codec) (method byte, packed []byte) {
	if len(raw) < minPack {
		return methodRaw, raw
	}
	limit := len(raw) - len(raw)/32
	if codec == Thorough {
		if z := zstdWriter().EncodeAll(raw, nil); len(z) < limit {
			return methodZstd, z
		}
		return methodRaw, raw
	}
	if s := s2.Encode(nil, raw); len(s) < limit {
		return methodS2, s
	}
	return methodRaw, raw
}

// unpack returns the size bytes that packed holds; size has been checked against what the block may take.
func unpack(method byte, packed []byte, size int) ([]byte, error) {
	switch method {
	case methodRaw:
		if len(packed) != size {
			return nil, fault.New(fault.Corrupt, opDecode, "%d bytes are stored, %d expected", len(packed), size)
		}
		return packed, nil
	case methodS2:
		if n, err := s2.DecodedLen(packed); err != nil || n != size {
			return nil, fault.New(fault.Corrupt, opDecode, "s2 announces %d bytes, %d expected", n, size)
		}
		raw, err := s2.Decode(make([]byte, size), packed)
		if err != nil {
			return nil, fault.WrapAs(fault.Corrupt, err, opDecode, "s2")
		}
		return raw, nil
	case methodZstd:
		raw, err := zstdReader().DecodeAll(packed, make([]byte, 0, size))
		if err != nil {
			return nil, fault.WrapAs(fault.Corrupt, err, opDecode, "zstd")
		}
		if len(raw) != size {
			return nil, fault.New(fault.Corrupt, opDecode, "zstd gives %d bytes, %d expected", len(raw), size)
		}
		return raw, nil
	}
	return nil, fault.New(fault.Corrupt, opDecode, "unknown method %d", method)
}
