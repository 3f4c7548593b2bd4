package frame

import "encoding/binary"

// Numbers reads numbers off bytes that may be anything and end too early: then Bad is set, and what is read is 0.
type Numbers struct {
	Src []byte // what is left
	Bad bool
}

// Uvarint reads a base-128 number, as in package encoding/binary.
func (d *Numbers) Uvarint() uint64 {
	n, size := binary.Uvarint(d.Src)
	if d.Bad = d.Bad || size <= 0; d.Bad {
		return 0
	}
	d.Src = d.Src[size:]
	return n
}

// Varint reads a zigzag-coded one.
func (d *Numbers) Varint() int64 {
	n := d.Uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

// Fixed reads eight bytes, little-endian.
func (d *Numbers) Fixed() uint64 {
	if d.Bad = d.Bad || len(d.Src) < 8; d.Bad {
		return 0
	}
	n := binary.LittleEndian.Uint64(d.Src)
	d.Src = d.Src[8:]
	return n
}
