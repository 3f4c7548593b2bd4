package column

import (
	"bytes"
	"encoding/binary"
)

// Lines are texts of several lines: how many each has, and all lines one after the other as a column of their own.
//
//	+--------+-----------------+----------------------------+--------------+
//	| chunks | lines (uvarint) | lines of each (integers)   | lines (texts) |
//	+--------+-----------------+----------------------------+--------------+
//
// A newline stands between two lines of a text. Each text has one line at least.
type lines struct {
	counts *Ints
	lines  *TextReader
	starts []uint32 // the first line of each chunk's first text
	shift  uint8
}

// mostLines bounds how many lines n texts of so many bytes have: what is read is to take memory in proportion to the bytes.
func mostLines(size, n int) int { return n + size/8 }

// lines appends l as lines; false if they are too short for that.
func (e *Encoder) lines(dst []byte, l *list, c *Choice, depth int) ([]byte, bool) {
	start := len(dst)
	dst = append(dst, textLines|cleanBit(l.bytes))
	dst, _ = appendChunks(dst, l)
	counts := make([]int64, l.n())
	split := list{bytes: make([]byte, 0, len(l.bytes))}
	for i := range counts {
		v := l.at(i)
		n := int64(1)
		for k := 0; k < len(v); {
			at := bytes.IndexByte(v[k:], '\n')
			if at < 0 {
				split.bytes = append(split.bytes, v[k:]...)
				break
			}
			split.add(v[k : k+at])
			k += at + 1
			n++
		}
		split.end()
		counts[i] = n
	}
	if split.n() > mostLines(len(l.bytes), l.n()) {
		return dst[:start], false
	}
	dst = binary.AppendUvarint(dst, uint64(split.n()))
	dst = e.Ints(dst, counts, c.Part(partWhich))
	return e.list(dst, &split, c.Part(partEntries), depth+1, true), true
}

func (d *textSource) lines(t *TextReader) {
	d.chunked(t)
	p := &lines{shift: t.shift}
	size := 0
	for _, s := range t.sizes {
		size += int(s)
	}
	total := d.Number("lines", mostLines(size, t.n))
	p.counts = d.ints("lines of each", t.n, Bounds{Min: 1, Max: int64(total)})
	if d.Err() != nil {
		return
	}
	p.starts = make([]uint32, len(t.sizes)+1)
	var some [256]int64
	sum := int64(0)
	for at := 0; at < t.n; {
		if at&(1<<p.shift-1) == 0 {
			p.starts[at>>p.shift] = uint32(sum)
		}
		part := some[:min(len(some), t.n-at, 1<<p.shift)]
		p.counts.Fill(part, at)
		for _, n := range part {
			if sum += n; n < 1 || sum > int64(total) {
				d.Fail("texts have over %d lines", total)
				return
			}
		}
		at += len(part)
	}
	if sum != int64(total) {
		d.Fail("texts have %d lines of %d", sum, total)
		return
	}
	d.account.Take(4 * len(p.starts))
	p.lines = d.texts("lines", total)
	t.maker = p
}

func (p *lines) appendTexts(dst *list, from, to, limit int) error {
	counts := make([]int64, to-from)
	p.counts.Fill(counts, from)
	line := int(p.starts[from>>p.shift])
	for _, n := range counts {
		if n < 1 || n > int64(p.lines.n-line) {
			return corrupt("%d lines from %d of %d on", n, line, p.lines.n)
		}
		for k := range n {
			v := p.lines.At(line)
			line++
			if len(v)+1 > limit+1-len(dst.bytes) {
				return corrupt("texts from %d on have too many bytes", from)
			}
			if k > 0 {
				dst.bytes = append(dst.bytes, '\n')
			}
			dst.bytes = append(dst.bytes, v...)
		}
		dst.end()
	}
	return nil
}

func (p *lines) appendText(dst []byte, i, limit int) ([]byte, error) {
	start := len(dst)
	line := int(p.starts[i>>p.shift])
	var some [64]int64
	for at := i >> p.shift << p.shift; at < i; at += len(some) {
		part := some[:min(len(some), i-at)]
		p.counts.Fill(part, at)
		for _, n := range part {
			line += int(n)
		}
	}
	for k := range int(p.counts.At(i)) {
		if k > 0 {
			dst = append(dst, '\n')
		}
		dst = p.lines.AppendText(dst, line+k)
		if len(dst)-start > limit {
			return dst, corrupt("text %d has too many bytes", i)
		}
	}
	return dst, nil
}
