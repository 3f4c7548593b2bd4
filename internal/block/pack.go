package block

import (
	"slices"

	"github.com/klauspost/compress/s2"

	"github.com/stelehq/stele/internal/column"
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

// pack appends raw as it is stored. What compression can't make smaller by a thirty-second part stays raw, which is read faster. Columns
// written by the thorough codec are compressed already, but for what small ones have in common.
func pack(dst, raw []byte, codec Codec, loose bool, rows int) (method byte, out []byte) {
	if len(raw) < minPack || codec == Thorough && !loose {
		return methodRaw, append(dst, raw...)
	}
	most := len(dst) + len(raw) - len(raw)/32
	if codec == Thorough {
		if out = compressShared(dst, raw, rows); len(out) < most {
			return methodZstd, out
		}
		return methodRaw, append(dst, raw...)
	}
	dst = slices.Grow(dst, s2.MaxEncodedLen(len(raw)))
	if out = dst[:len(dst)+len(s2.Encode(dst[len(dst):cap(dst)], raw))]; len(out) < most {
		return methodS2, out
	}
	return methodRaw, append(dst, raw...)
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
		return column.Decompress(packed, size)
	}
	return nil, fault.New(fault.Corrupt, opDecode, "unknown method %d", method)
}
