package segment

// A segment whose only block is short, so that the whole file fits in a page: its bytes, what is said of them, and a trailer. There is no head
// and no second copy of anything: what lies in one page has one fate.
//
//	+-----------+--------------------------------+---------------------------------------------------------------------+
//	| block (n) | identity | meta (the rest of f) | version (1) | f (3) | CRC of all before (4) | magic "STLO" (4)      |
//	+-----------+--------------------------------+---------------------------------------------------------------------+
//
// The meta, in uvarints but where said, differences modulo 2^64:
//
//	2·rows + apart | instant of the min key (8) | max key's instant - that | min arrival: its epoch, its counter (R2)
//	if apart is 1:   max arrival - min arrival | min key's arrival - min arrival | max key's arrival - min arrival | min arrival - base (zigzag)
//
// If apart is 0 the arrival numbers follow each other from the base on, the min key has the first and the max key the last.

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
)

const (
	smallMagic = "STLO"
	smallBytes = 4096 // of the longest such file

	counterBits = 40 // of an arrival number (R2)
)

// together reports whether the other arrival numbers follow from the least one.
func (m Meta) together() bool {
	last := m.MinArrival + uint64(m.Rows) - 1
	return m.MaxArrival == last && m.MinKey.Arrival() == m.MinArrival && m.MaxKey.Arrival() == last && m.Base == m.MinArrival
}

func appendMeta(dst []byte, m Meta) []byte {
	rows := 2 * uint64(m.Rows)
	if !m.together() {
		rows++
	}
	dst = binary.AppendUvarint(dst, rows)
	first := uint64(m.MinKey.Instant())
	dst = le.AppendUint64(dst, first)
	dst = binary.AppendUvarint(dst, uint64(m.MaxKey.Instant())-first)
	dst = binary.AppendUvarint(dst, m.MinArrival>>counterBits)
	dst = binary.AppendUvarint(dst, m.MinArrival&(1<<counterBits-1))
	if m.together() {
		return dst
	}
	for _, n := range []uint64{m.MaxArrival, m.MinKey.Arrival(), m.MaxKey.Arrival()} {
		dst = binary.AppendUvarint(dst, n-m.MinArrival)
	}
	return binary.AppendVarint(dst, int64(m.MinArrival-m.Base))
}

func (d *decoder) meta() (m Meta) {
	rows := d.Uvarint()
	apart := rows&1 == 1
	if rows >>= 1; rows > math.MaxInt32 {
		d.Bad = true
		return Meta{}
	}
	m.Rows = int(rows)
	first := d.Fixed()
	last := first + d.Uvarint()
	epoch := d.Uvarint()
	m.MinArrival = epoch<<counterBits | d.Uvarint()
	if !apart {
		m.Base, m.MaxArrival = m.MinArrival, m.MinArrival+rows-1
		m.MinKey, m.MaxKey = event.MakeKey(int64(first), m.MinArrival), event.MakeKey(int64(last), m.MaxArrival)
		return m
	}
	m.MaxArrival = m.MinArrival + d.Uvarint()
	m.MinKey = event.MakeKey(int64(first), m.MinArrival+d.Uvarint())
	m.MaxKey = event.MakeKey(int64(last), m.MinArrival+d.Uvarint())
	m.Base = m.MinArrival - uint64(d.Varint())
	return m
}

// appendSmall appends a whole file.
func appendSmall(dst, block []byte, id Identity, m Meta) []byte {
	at := len(dst)
	dst = append(dst, block...)
	dst = appendMeta(appendIdentity(dst, id), m)
	dst = appendLength(dst, len(dst)-at-len(block))
	dst = le.AppendUint32(dst, checksum(dst[at:]))
	return append(dst, smallMagic...)
}

// readSmall reads and checks a file of size bytes that ends with the magic of a small one.
func readSmall(r io.ReaderAt, size int64, name string) (block []byte, id Identity, m Meta, err error) {
	const op = "open segment"
	fail := func(at int64, format string, args ...any) ([]byte, Identity, Meta, error) {
		return nil, Identity{}, Meta{}, fault.New(fault.Corrupt, op, format, args...).At(name, at)
	}
	if size > smallBytes {
		return fail(size-int64(len(smallMagic)), "the magic %q ends a file of %d bytes, more than %d", smallMagic, size, smallBytes)
	}
	data := make([]byte, size)
	if err := readFull(r, data, 0, name); err != nil {
		return nil, Identity{}, Meta{}, err
	}
	t := trailer{data[size-trailerSize:]}
	if t.magic() != smallMagic {
		return fail(size-4, "expected the magic %q, found %q", smallMagic, t.magic())
	}
	if expected, found := t.checksum(), checksum(data[:size-8]); expected != found {
		return fail(0, "checksum of the file: expected %08x, found %08x", expected, found)
	}
	if t.version() != version {
		return nil, Identity{}, Meta{}, unsupported(t.version(), name)
	}
	end := size - trailerSize - t.length()
	if end < 0 {
		return fail(size-trailerSize, "a footer of %d bytes in a file of %d", t.length(), size)
	}
	d := decoder{frame.Numbers{Src: data[end : size-trailerSize]}}
	id, m = d.identity(), d.meta()
	if d.Bad || len(d.Src) > 0 {
		return fail(end, "a footer that no writer makes")
	}
	return data[:end:end], id, m, nil
}
