package column

import (
	"encoding/binary"
	"math"

	"github.com/stelehq/stele/internal/fault"
)

// Plain texts are kept as they are. Packed ones are zstd frames, one for each chunk; a chunk stored in as many bytes as it has is not compressed.

func corrupt(format string, args ...any) error {
	return fault.New(fault.Corrupt, opDecode, format, args...)
}

// lengths returns the lengths of the texts.
func (l *list) lengths() []int64 {
	lengths, last := make([]int64, len(l.ends)), uint32(0)
	for i, end := range l.ends {
		lengths[i], last = int64(end-last), end
	}
	return lengths
}

func (e *Encoder) plain(dst []byte, l *list, c *Choice) []byte {
	dst = append(dst, textPlain)
	dst = e.Ints(dst, l.lengths(), c.Part(textPlain))
	return append(dst, l.bytes...)
}

// minPacked is the size from which compression is tried.
const minPacked = 48

// packed appends the texts compressed, or plain if that is smaller by little.
func (e *Encoder) packed(dst []byte, l *list, c *Choice) []byte {
	if len(l.bytes) < minPacked {
		return e.plain(dst, l, c)
	}
	start := len(dst)
	dst = append(dst, textPacked|cleanBit(l.bytes))
	dst, shift := appendChunks(dst, l)
	dst = e.Ints(dst, l.lengths(), c.Part(textPlain))
	stored := 0
	for from := 0; from < l.n(); from += 1 << shift {
		to := min(l.n(), from+1<<shift)
		raw := l.bytes[l.start(from):l.ends[to-1]]
		e.zipped = Compress(e.zipped[:0], raw)
		if len(e.zipped) < len(raw) {
			dst = binary.AppendUvarint(dst, uint64(len(e.zipped)))
			dst = append(dst, e.zipped...)
			stored += len(e.zipped)
		} else {
			dst = binary.AppendUvarint(dst, uint64(len(raw)))
			dst = append(dst, raw...)
			stored += len(raw)
		}
	}
	if stored >= len(l.bytes)-len(l.bytes)/32-4 {
		return e.plain(dst[:start], l, c)
	}
	return dst
}

func cleanBit(s []byte) byte {
	if needsNoEscape(s) {
		return textClean
	}
	return 0
}

// appendChunks divides texts into chunks.
func appendChunks(dst []byte, l *list) (_ []byte, shift uint8) {
	shift = chunkShift
	for shift > 0 && len(l.bytes)/max(1, l.n())<<shift > chunkBytes {
		shift--
	}
	dst = append(dst, shift)
	for from := 0; from < l.n(); from += 1 << shift {
		to := min(l.n(), from+1<<shift)
		dst = binary.AppendUvarint(dst, uint64(int(l.ends[to-1])-l.start(from)))
	}
	return dst, shift
}

func (d *textSource) plain(t *TextReader) {
	lengths := d.ints("lengths", t.n, AnyInt)
	if d.Err() != nil {
		return
	}
	if t.n == 0 || lengths.Same() {
		length := int64(0)
		if t.n > 0 {
			length = lengths.At(0)
		}
		// Divide rather than multiply: n*length can overflow.
		if length < 0 || t.n > 0 && length > int64(len(d.Src)/t.n) {
			d.Fail("%d texts of %d bytes do not fit in %d", t.n, length, len(d.Src))
			return
		}
		t.length = int(length)
		t.bytes = d.Bytes("texts", uint64(t.n*t.length))
		return
	}
	if !d.take(4 * uint64(t.n)) {
		return
	}
	t.ends = make([]uint32, t.n)
	end := d.fillEnds(t.ends, lengths, 0, min(len(d.Src), math.MaxUint32))
	if d.Err() == nil {
		t.bytes = d.Bytes("texts", uint64(end))
		d.account.Take(4 * t.n)
	}
}

// fillEnds adds up the lengths from the one on; the texts must fit in size bytes.
func (d *Decoder) fillEnds(ends []uint32, lengths *Ints, from, size int) int {
	var some [256]int64
	end := 0
	for at := 0; at < len(ends); at += len(some) {
		part := some[:min(len(some), len(ends)-at)]
		lengths.Fill(part, from+at)
		for i, length := range part {
			if length < 0 || length > int64(size-end) {
				d.Fail("text %d has %d bytes, %d are left", from+at+i, length, size-end)
				return 0
			}
			end += int(length)
			ends[at+i] = uint32(end)
		}
	}
	return end
}

// packed makes texts out of frames.
type packed struct {
	lengths *Ints
	shift   uint8
	stored  [][]byte
}

func (d *textSource) packed(t *TextReader) {
	d.chunked(t)
	p := &packed{lengths: d.ints("lengths", t.n, AnyInt), shift: t.shift}
	for range t.sizes {
		p.stored = append(p.stored, d.Bytes("a chunk", d.Uvarint("stored bytes of a chunk")))
	}
	t.maker = p
}

func (p *packed) appendTexts(dst *list, from, to, limit int) error {
	d := &Decoder{}
	dst.ends = dst.ends[:to-from]
	if end := d.fillEnds(dst.ends, p.lengths, from, limit); d.err == nil && end != limit {
		return corrupt("texts from %d on have %d bytes, their chunk %d", from, end, limit)
	}
	if d.err != nil {
		return d.err
	}
	stored := p.stored[from>>p.shift]
	if len(stored) == limit {
		dst.bytes = append(dst.bytes, stored...)
		return nil
	}
	var err error
	if dst.bytes, err = zstdReader().DecodeAll(stored, dst.bytes); err != nil {
		return fault.WrapAs(fault.Corrupt, err, opDecode, "zstd")
	}
	return nil
}
