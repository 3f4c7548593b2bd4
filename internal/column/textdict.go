package column

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"
)

// A dictionary has its entries in the order of first use, and one integer for each value: the entry's number, or in the form back 0 for
// the next entry that was not used before, else how many values back the same entry was used. Back suits ids that a few rows share.

// firstUse returns t with its entries in the order of first use, without those that are not used.
func (t Texts) firstUse() (entries list, codes []uint32) {
	fresh := uint32(0)
	for _, code := range t.Codes {
		if code > fresh {
			break
		}
		if code == fresh {
			fresh++
		}
	}
	if int(fresh) == len(t.Ends) {
		ordered := true
		next := uint32(0)
		for _, code := range t.Codes {
			ordered = ordered && code <= next
			if code == next {
				next++
			}
		}
		if ordered {
			return list{t.Bytes, t.Ends}, t.Codes
		}
	}
	from := list{t.Bytes, t.Ends}
	place := make([]uint32, len(t.Ends)) // 1 + new number
	entries = list{make([]byte, 0, len(t.Bytes)), make([]uint32, 0, len(t.Ends))}
	codes = make([]uint32, len(t.Codes))
	for i, code := range t.Codes {
		if place[code] == 0 {
			entries.add(from.at(int(code)))
			place[code] = uint32(entries.n())
		}
		codes[i] = place[code] - 1
	}
	return entries, codes
}

// total is how many bytes the values of a dictionary have.
func (t Texts) total() (size int) {
	if t.Total > 0 {
		return t.Total
	}
	from := list{t.Bytes, t.Ends}
	for _, code := range t.Codes {
		size += len(from.at(int(code)))
	}
	return size
}

// expand returns the values one after the other.
func (t Texts) expand() list {
	from := list{t.Bytes, t.Ends}
	if t.Codes == nil {
		return from
	}
	l := list{make([]byte, 0, t.total()), make([]uint32, 0, len(t.Codes))}
	for _, code := range t.Codes {
		l.add(from.at(int(code)))
	}
	return l
}

// intern returns the texts of l as a dictionary in the order of first use; false if more than most are distinct.
func (e *Encoder) intern(l *list, most int) (t Texts, ok bool) {
	if e.seed == (maphash.Seed{}) {
		e.seed = maphash.MakeSeed()
	}
	size := 256
	for size < l.n()/4 { // so that it grows once at most
		size *= 2
	}
	slots := make([]uint32, size) // 1 + code
	var hashes []uint64
	var entries list
	codes := make([]uint32, l.n())
	for i := range codes {
		v := l.at(i)
		h := maphash.Bytes(e.seed, v)
		at := h & uint64(size-1)
		for {
			slot := slots[at]
			if slot == 0 {
				if len(hashes) >= most {
					return Texts{}, false
				}
				entries.add(v)
				hashes = append(hashes, h)
				slots[at] = uint32(len(hashes))
				codes[i] = uint32(len(hashes) - 1)
				break
			}
			if hashes[slot-1] == h && bytes.Equal(entries.at(int(slot-1)), v) {
				codes[i] = slot - 1
				break
			}
			at = (at + 1) & uint64(size-1)
		}
		if 2*len(hashes) > size {
			size *= 4
			slots = make([]uint32, size)
			for j, h := range hashes {
				at := h & uint64(size-1)
				for slots[at] != 0 {
					at = (at + 1) & uint64(size-1)
				}
				slots[at] = uint32(j + 1)
			}
		}
	}
	return Texts{Bytes: entries.bytes, Ends: entries.ends, Codes: codes}, true
}

// distances turns codes in the order of first use into what the form back keeps, in place of out.
func distances(out []int64, codes []uint32, entries int) []int64 {
	last := make([]int32, entries) // 1 + where each was used last
	out = slices.Grow(out, len(codes))[:len(codes)]
	clear(out)
	for i, code := range codes {
		if last[code] != 0 {
			out[i] = int64(i) + 1 - int64(last[code])
		}
		last[code] = int32(i) + 1
	}
	return out
}

// backFrom is how many entries a dictionary has at least for which distances are tried.
const backFrom = 64

// dictionary appends a column with a dictionary, codes in the order of first use.
func (e *Encoder) dictionary(dst []byte, entries *list, codes []uint32, c *Choice, depth int) []byte {
	var out []byte
	form, due := byte(textDictionary), c.due(len(codes))
	if due || c.form == textDictionary || entries.n() < backFrom {
		values := slices.Grow(e.codes[:0], len(codes))[:len(codes)]
		for i, code := range codes {
			values[i] = int64(code)
		}
		e.codes = values
		out = e.Ints(nil, values, c.Part(partCodes))
	}
	if entries.n() >= backFrom && (due || c.form == textBack) {
		e.codes = distances(e.codes[:0], codes, entries.n())
		if back := e.Ints(nil, e.codes, c.Part(partBack)); out == nil || len(back) < len(out) {
			out, form = back, textBack
		}
	}
	if due {
		c.remember(form, 0, len(codes), len(out))
	} else {
		c.settle(len(codes), len(out))
	}
	dst = append(dst, form)
	dst = binary.AppendUvarint(dst, uint64(entries.n()))
	dst = append(dst, out...)
	return e.list(dst, entries, c.Part(partEntries), depth+1, false)
}

func (d *textSource) dictionary(t *TextReader) {
	entries := d.Number("texts of the dictionary", min(t.n, math.MaxInt32))
	if entries == 0 && t.n > 0 {
		d.Fail("an empty dictionary")
	}
	r := Below(entries)
	if t.form == textBack {
		r = Below(t.n)
		d.take(4 * uint64(t.n))
	}
	t.codes = d.ints("codes", t.n, r)
	t.entries = d.texts("texts of the dictionary", entries)
}

// resolve turns distances into codes.
func (t *TextReader) resolve() {
	t.codeWidth = widthFor(uint64(max(t.entries.n-1, 1)))
	t.resolved = make([]byte, t.n*t.codeWidth)
	t.account.Take(len(t.resolved))
	var some [256]int64
	next := 0
	for at := 0; at < t.n; at += len(some) {
		part := some[:min(len(some), t.n-at)]
		t.codes.Fill(part, at)
		for j, distance := range part {
			i := at + j
			if uint64(distance) > uint64(i) {
				t.account.Fail(corrupt("text %d is the one %d before", i, distance))
				clear(t.resolved)
				return
			}
			code := uint32(next)
			if distance > 0 {
				code = t.resolvedAt(i - int(distance))
			} else if next++; next > t.entries.n {
				t.account.Fail(corrupt("text %d is new, as are %d before it that the dictionary has", i, next-1))
				clear(t.resolved)
				return
			}
			switch t.codeWidth {
			case 1:
				t.resolved[i] = byte(code)
			case 2:
				binary.LittleEndian.PutUint16(t.resolved[2*i:], uint16(code))
			default:
				binary.LittleEndian.PutUint32(t.resolved[4*i:], code)
			}
		}
	}
}

func (t *TextReader) resolvedAt(i int) uint32 {
	switch t.codeWidth {
	case 1:
		return uint32(t.resolved[i])
	case 2:
		return uint32(binary.LittleEndian.Uint16(t.resolved[2*i:]))
	}
	return binary.LittleEndian.Uint32(t.resolved[4*i:])
}
