package column

import (
	"bytes"
	"encoding/binary"
)

// A Window is integers that stand side by side and are decoded: number i of it, counted from its first, is Base + Divisor · U(i).
// It shares the reader's memory, and stays valid.
type Window struct {
	Start, Len int // which of the stream's integers
	Data       []byte
	Width      int // bytes of each u in Data, little-endian
	Base       int64
	Divisor    uint64
}

// Window returns the decoded integers around integer i, which must be in range.
func (v *Ints) Window(i int) Window {
	w := Window{Len: v.n, Data: v.flat, Width: v.width, Base: v.base, Divisor: v.divisor}
	if v.chunked != nil {
		w.Start = i &^ (chunkLen - 1)
		w.Len = min(chunkLen, v.n-w.Start)
		w.Data = v.chunked.chunk(i >> chunkBits)
	}
	return w
}

// U returns u of number i of the window.
func (w *Window) U(i int) uint64 {
	switch w.Width {
	case 0:
		return 0
	case 1:
		return uint64(w.Data[i])
	case 2:
		return uint64(binary.LittleEndian.Uint16(w.Data[2*i:]))
	}
	return wide(w.Data, i, w.Width)
}

// Int returns number i of the window.
func (w *Window) Int(i int) int64 { return w.Base + int64(w.U(i)*w.Divisor) }

// count returns how many numbers from from on, before i, are the same as number i.
func (w *Window) count(from, i int) (n int) {
	switch w.Width {
	case 0:
		return i - from
	case 1:
		return bytes.Count(w.Data[from:i], w.Data[i:i+1])
	}
	u := w.U(i)
	for ; from < i; from++ {
		if w.U(from) == u {
			n++
		}
	}
	return n
}

// Few says how many numbers u can be if they are known to be 256 at most, counted from 0; else 0.
func (v *Ints) Few() int {
	switch {
	case v.width == 0:
		return 1
	case v.chunked != nil && v.chunked.top < 256:
		return int(v.chunked.top) + 1
	case v.width == 1:
		return 256
	}
	return 0
}

// Top is a bound that no u is over, known without a look at any.
func (v *Ints) Top() uint64 {
	switch {
	case v.width == 0:
		return 0
	case v.chunked != nil:
		return v.chunked.top
	}
	return 1<<(8*v.width) - 1
}

// FillU sets dst to u of the integers from i on, all of which must be in range. Top must be below 1<<32.
func (v *Ints) FillU(dst []uint32, i int) {
	for len(dst) > 0 {
		w := v.Window(i)
		n := min(len(dst), w.Start+w.Len-i)
		w.fillU(dst[:n], i-w.Start)
		dst, i = dst[n:], i+n
	}
}

func (w *Window) fillU(dst []uint32, i int) {
	switch w.Width {
	case 0:
		clear(dst)
	case 1:
		for j, u := range w.Data[i : i+len(dst)] {
			dst[j] = uint32(u)
		}
	case 2:
		data := w.Data[2*i:]
		for j := range dst {
			dst[j] = uint32(data[2*j]) | uint32(data[2*j+1])<<8
		}
	default:
		for j := range dst {
			dst[j] = uint32(wide(w.Data, i+j, w.Width))
		}
	}
}

// FillCodes sets dst to the codes of the texts from i on, all of which must be in range and have a dictionary.
func (t *TextReader) FillCodes(dst []uint32, i int) {
	if t.form == textBack {
		w := t.CodeWindow(i)
		w.fillU(dst, i)
		return
	}
	t.codes.FillU(dst, i)
	if base, divisor := uint32(t.codes.base), uint32(t.codes.divisor); base != 0 || divisor != 1 {
		for j, u := range dst {
			dst[j] = base + u*divisor
		}
	}
}

// OfU returns the integer whose u is given.
func (v *Ints) OfU(u uint64) int64 { return v.base + int64(u*v.divisor) }

// CodeInts returns the codes of a dictionary; nil if there is none, or they are distances.
func (t *TextReader) CodeInts() *Ints {
	if t.form != textDictionary {
		return nil
	}
	return t.codes
}

// CodeWindow is Window of a dictionary's codes.
func (t *TextReader) CodeWindow(i int) Window {
	if t.form == textBack {
		t.once.Do(t.resolve)
		return Window{Len: t.n, Data: t.resolved, Width: t.codeWidth, Divisor: 1}
	}
	return t.codes.Window(i)
}

// A TextWindow is texts that stand side by side and are made: text i of it, counted from its first, is Bytes up to Ends[i], from where the one before ends.
// It shares the reader's memory, which must not be changed, and stays valid.
type TextWindow struct {
	Start int // which of the stream's texts
	Bytes []byte
	Ends  []uint32
}

// TextWindow returns the texts around text i, which must be in range. There is none, and Ends is nil, where texts are read faster one by one.
func (t *TextReader) TextWindow(i int) TextWindow {
	if t.maker != nil {
		l := t.chunkAt(i >> t.shift)
		return TextWindow{Start: i &^ (1<<t.shift - 1), Bytes: l.bytes, Ends: l.ends}
	}
	return TextWindow{Bytes: t.bytes, Ends: t.ends}
}

// Dictionary returns the texts that the codes stand for; nil if there is no dictionary.
func (t *TextReader) Dictionary() *TextReader { return t.entries }

// A single makes any of its texts alone. It stops when the text takes more than limit bytes.
type single interface {
	appendText(dst []byte, i, limit int) ([]byte, error)
}

// Alone says that AppendText makes any text as fast as those around it would be made.
func (t *TextReader) Alone() bool {
	_, ok := t.maker.(*ids)
	return ok
}

// AppendText appends text i, which is made alone if that is possible: it is for a text here and there, where At would make all those around it.
func (t *TextReader) AppendText(dst []byte, i int) []byte {
	for t.entries != nil {
		i = t.Code(i)
		t = t.entries
	}
	s, ok := t.maker.(single)
	if !ok || t.chunks[i>>t.shift].Load() != nil {
		return append(dst, t.At(i)...)
	}
	start := len(dst)
	dst, err := s.appendText(dst, i, int(t.sizes[i>>t.shift]))
	if err == nil && t.clean && t.form != textIDs && !needsNoEscape(dst[start:]) {
		err = corrupt("text %d needs an escape, which none should", i)
	}
	if err != nil {
		t.account.Fail(err)
		return dst[:start]
	}
	return dst
}
