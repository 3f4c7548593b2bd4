package column

import (
	"encoding/binary"

	"github.com/stelehq/stele/internal/fault"
)

// A Decoder reads numbers and texts off a byte string, Src, and remembers the first thing that is wrong with it.
// After that, reads give zeroes and Src is empty.
type Decoder struct {
	Src []byte
	err error
}

const opDecode = "decode block"

// Fail notes an error (fault.Corrupt), unless there is one.
func (d *Decoder) Fail(format string, args ...any) {
	if d.err == nil {
		d.err = fault.New(fault.Corrupt, opDecode, format, args...)
	}
	d.Src = nil
}

// Err is the first error.
func (d *Decoder) Err() error { return d.err }

// End returns the first error; bytes left over are one.
func (d *Decoder) End() error {
	if len(d.Src) > 0 {
		d.Fail("%d bytes are left over", len(d.Src))
	}
	return d.err
}

// Uvarint reads a number; what names it in errors, here as in the methods below.
func (d *Decoder) Uvarint(what string) uint64 {
	v, n := binary.Uvarint(d.Src)
	if n <= 0 {
		d.Fail("%s: the number is cut off or too long", what)
		return 0
	}
	d.Src = d.Src[n:]
	return v
}

// Varint reads a signed number.
func (d *Decoder) Varint(what string) int64 {
	v, n := binary.Varint(d.Src)
	if n <= 0 {
		d.Fail("%s: the number is cut off or too long", what)
		return 0
	}
	d.Src = d.Src[n:]
	return v
}

// Number reads a number up to most.
func (d *Decoder) Number(what string, most int) int {
	v := d.Uvarint(what)
	if v > uint64(most) {
		d.Fail("%s: %d is over %d", what, v, most)
		return 0
	}
	return int(v)
}

// Below reads a number less than limit.
func (d *Decoder) Below(what string, limit int) uint32 {
	v := d.Uvarint(what)
	if d.err == nil && v >= uint64(limit) {
		d.Fail("%s: %d is not below %d", what, v, limit)
		return 0
	}
	return uint32(v)
}

// Count reads how many things of at least size bytes each follow; one more is let through.
func (d *Decoder) Count(what string, size int) int {
	v := d.Uvarint(what)
	if v > uint64(len(d.Src)/size)+1 {
		d.Fail("%s: %d do not fit in %d bytes", what, v, len(d.Src))
		return 0
	}
	return int(v)
}

// Byte reads a byte.
func (d *Decoder) Byte(what string) byte {
	if len(d.Src) == 0 {
		d.Fail("%s: the byte is missing", what)
		return 0
	}
	v := d.Src[0]
	d.Src = d.Src[1:]
	return v
}

// Bytes reads n bytes, which alias Src.
func (d *Decoder) Bytes(what string, n uint64) []byte {
	if n > uint64(len(d.Src)) {
		d.Fail("%s: %d bytes are announced, %d are left", what, n, len(d.Src))
		return nil
	}
	v := d.Src[:n:n]
	d.Src = d.Src[n:]
	return v
}

// Text reads a text behind its length.
func (d *Decoder) Text(what string) string { return string(d.Bytes(what, d.Uvarint(what))) }

// Ints reads n integers, see ReadInts.
func (d *Decoder) Ints(what string, n int, b Bounds, a *Account) *Ints {
	v, rest, err := ReadInts(d.Src, n, b, a)
	if d.err != nil {
		return &Ints{}
	}
	if err != nil {
		d.Src, d.err = nil, fault.Wrap(err, opDecode, "%s", what)
		return &Ints{}
	}
	d.Src = rest
	return v
}
