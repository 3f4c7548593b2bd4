package column

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Parts of a column's choice.
const (
	partCodes      = textDictionary
	partBack       = textBack
	partEntries    = 8
	partExceptions = 9
	partLeads      = 10
	partWhich      = 11
	partClock      = 12
	partFlat       = 13
	partLead       = 14
	partForms      = 16
	partVariables  = 24
)

const (
	tryFrom  = 2048 // texts of which a part is tried first
	tryPart  = 1024
	mostFlat = 256 << 20 // bytes
	enough   = 8         // texts for each distinct one make a dictionary without a look at other forms
)

// Texts appends a column. c remembers its form. What the column may take in memory when it is read is at most room (TextReader.Room).
func (e *Encoder) Texts(dst []byte, t Texts, c *Choice) (out []byte, room uint64) {
	n := len(t.Ends)
	if t.Codes != nil {
		n = len(t.Codes)
	}
	if e.Effort == Fast {
		return e.fastTexts(dst, t), fastRoom * uint64(n)
	}
	start := len(dst)
	if t.Codes == nil {
		l := t.expand()
		dst = e.list(dst, &l, c.Part(partFlat), 0, true)
	} else {
		dst = e.codedTexts(dst, t, c)
	}
	// What has become so small may take too much memory when it is read (text.go). zstd alone makes nothing as small.
	r, _, err := ReadTexts(dst[start:], n, nil)
	if err != nil {
		l := t.expand()
		dst = e.packed(dst[:start], &l, nil)
		r, _, err = ReadTexts(dst[start:], n, nil)
	}
	if err != nil {
		return e.fastTexts(dst[:start], t), fastRoom * uint64(n)
	}
	return dst, r.Room()
}

// fastRoom is what a text takes at most in a fast column: a code, the length and the end of an entry.
const fastRoom = 20

// fastTexts appends a column as it is gathered, a dictionary if that is smaller.
func (e *Encoder) fastTexts(dst []byte, t Texts) []byte {
	entries := list{t.Bytes, t.Ends}
	switch {
	case t.Codes == nil:
	case len(t.Bytes)+entries.n()+codeWidth(entries.n())*len(t.Codes)+4 < t.total()+len(t.Codes):
		dst = append(dst, textDictionary)
		dst = binary.AppendUvarint(dst, uint64(entries.n()))
		dst = appendBelow(dst, t.Codes, entries.n())
	default:
		lengths := slices.Grow(e.lengths[:0], len(t.Codes))[:len(t.Codes)]
		for i, code := range t.Codes {
			lengths[i] = t.Ends[code] - uint32(entries.start(int(code)))
		}
		e.lengths = lengths
		dst = append(dst, textPlain)
		dst = appendSmall(dst, lengths)
		for _, code := range t.Codes {
			dst = append(dst, entries.at(int(code))...)
		}
		return dst
	}
	lengths, last := slices.Grow(e.lengths[:0], len(t.Ends))[:len(t.Ends)], uint32(0)
	for i, end := range t.Ends {
		lengths[i], last = end-last, end
	}
	e.lengths = lengths
	dst = append(dst, textPlain)
	dst = appendSmall(dst, lengths)
	return append(dst, t.Bytes...)
}

// appendSmall appends values in the fixed form.
func appendSmall(dst []byte, values []uint32) []byte {
	if len(values) == 0 {
		return appendFixed(dst, nil, 0, 0)
	}
	base, most := values[0], values[0]
	for _, v := range values {
		base, most = min(base, v), max(most, v)
	}
	return appendFrom(dst, values, base, most)
}

// appendBelow appends values that are all below n in the fixed form.
func appendBelow(dst []byte, values []uint32, n int) []byte {
	return appendFrom(dst, values, 0, uint32(max(n, 1)-1))
}

func appendFrom(dst []byte, values []uint32, base, most uint32) []byte {
	width := bytesFor(uint64(most - base))
	dst = append(dst, formFixed)
	dst = binary.AppendVarint(dst, int64(base))
	dst = append(dst, byte(width))
	at := len(dst)
	dst = slices.Grow(dst, width*len(values))[:at+width*len(values)]
	switch out := dst[at:]; width {
	case 0:
	case 1:
		for i, v := range values {
			out[i] = byte(v - base)
		}
	case 2:
		for i, v := range values {
			binary.LittleEndian.PutUint16(out[2*i:], uint16(v-base))
		}
	default:
		for i, v := range values {
			v -= base
			for j := range width {
				out[width*i+j] = byte(v >> (8 * j))
			}
		}
	}
	return dst
}

func codeWidth(entries int) int {
	switch {
	case entries <= 1:
		return 0
	case entries <= 1<<8:
		return 1
	case entries <= 1<<16:
		return 2
	}
	return 3
}

// codedTexts appends a column that comes with a dictionary.
func (e *Encoder) codedTexts(dst []byte, t Texts, c *Choice) []byte {
	start, n := len(dst), len(t.Codes)
	flat := enough*len(t.Ends) > n && t.total() <= mostFlat // too few repetitions, perhaps
	due := c.due(n)
	if !due && c.form != textDictionary && flat {
		l := t.expand()
		dst = e.list(dst, &l, c.Part(partFlat), 0, true)
		c.settle(n, len(dst)-start)
		return dst
	}
	entries, codes := t.firstUse()
	dst = e.dictionary(dst, &entries, codes, c.Part(partForms+textDictionary), 0)
	if !due {
		c.settle(n, len(dst)-start)
		return dst
	}
	form := byte(textDictionary)
	if flat {
		l := t.expand()
		if other := e.list(nil, &l, c.Part(partFlat), 0, true); len(other) < len(dst)-start {
			dst, form = append(dst[:start], other...), textPlain
		}
	}
	c.remember(form, 0, n, len(dst)-start)
	return dst
}

// settle is kept where the search is made at the next time only.
func (c *Choice) settle(n, size int) {
	if !c.kept(n, size) {
		c.age = reviewAfter
	}
}

// list appends texts in the form that is best; dedupe allows a dictionary. Forms are tried on a part of the texts, if there are many.
func (e *Encoder) list(dst []byte, l *list, c *Choice, depth int, dedupe bool) []byte {
	if len(l.bytes) < minPacked || l.n() < 2 || depth >= textDepth-3 {
		return e.packed(dst, l, c.Part(partForms+textPacked))
	}
	start := len(dst)
	if !c.due(l.n()) {
		if out, ok := e.inForm(dst, c.form, l, c.Part(partForms+int(c.form)), depth); ok {
			c.settle(l.n(), len(out)-start)
			return out
		}
	}
	var coded Texts
	distinct := l.n()
	if dedupe {
		if t, ok := e.intern(l, l.n()-l.n()/8); ok {
			coded, distinct = t, len(t.Ends)
		}
	}
	form, best := byte(textDictionary), []byte(nil)
	if distinct > l.n()/enough {
		form, best = e.tryForms(l, c, depth)
	}
	if distinct < l.n() {
		out := e.dictionary(nil, &list{coded.Bytes, coded.Ends}, coded.Codes, c.Part(partForms+textDictionary), depth)
		if best == nil || len(out) < len(best) {
			form, best = textDictionary, out
		}
	}
	c.remember(form, 0, l.n(), len(best))
	return append(dst, best...)
}

// tryForms returns texts in the best form that is no dictionary.
func (e *Encoder) tryForms(l *list, c *Choice, depth int) (form byte, best []byte) {
	part := e.part(l)
	whole := part.n() == l.n()
	of := func(f byte) *Choice {
		if whole {
			return c.Part(partForms + int(f))
		}
		return nil
	}
	var sizes [textForms]int // 0: not tried, or not fit
	try := func(f byte) bool {
		out, ok := e.inForm(nil, f, &part, of(f), depth)
		if !ok {
			return false
		}
		sizes[f] = len(out)
		if f == textPacked && !whole {
			sizes[f] -= sizes[f] / 8 // it does better on more
		}
		if best == nil || sizes[f] < sizes[form] {
			form, best = f, out
		}
		return true
	}
	if !try(textIDs) && !try(textTimes) || e.onlyDecimals(&part) {
		try(textPacked)
		if 4*bytes.Count(part.bytes, []byte{'\n'}) > part.n() {
			try(textLines)
		}
		try(textPatterns)
	} else if 5*sizes[form] > 4*len(part.bytes) {
		try(textPacked)
	}
	if whole {
		return form, best
	}
	first, out := form, []byte(nil)
	for f, size := range sizes {
		if f := byte(f); f == first || size > 0 && size < sizes[first]+sizes[first]/8 {
			if more, ok := e.inForm(nil, f, l, c.Part(partForms+int(f)), depth); ok && (out == nil || len(more) < len(out)) {
				form, out = f, more
			}
		}
	}
	if out == nil { // fits the part, not the whole
		return textPacked, e.packed(nil, l, c.Part(partForms+textPacked))
	}
	return form, out
}

// part returns l, or four pieces of it.
func (e *Encoder) part(l *list) list {
	if l.n() < tryFrom {
		return *l
	}
	some := list{ends: make([]uint32, 0, tryPart)}
	for k := range 4 {
		from := k * (l.n() / 4)
		some.bytes = slices.Grow(some.bytes, int(l.ends[from+tryPart/4-1])-l.start(from))
		for i := from; i < from+tryPart/4; i++ {
			some.add(l.at(i))
		}
	}
	return some
}

// sample returns up to most indexes below n, spread over all, at no fixed distance.
func (e *Encoder) sample(n, most int) []int {
	at := make([]int, min(n, most))
	for i := range at {
		at[i] = i
		if n > most {
			at[i] = i*n/most + i*7919%(n/most)
		}
	}
	return at
}

// onlyDecimals says whether ids have no digit above 9: they may be better as numbers.
func (e *Encoder) onlyDecimals(l *list) bool {
	for _, i := range e.sample(l.n(), 64) {
		for _, c := range l.at(i) {
			if h := hexValue[c]; h != 16 && h > 9 {
				return false
			}
		}
	}
	return true
}

// inForm appends texts in a form; false if they don't have it.
func (e *Encoder) inForm(dst []byte, form byte, l *list, c *Choice, depth int) ([]byte, bool) {
	switch form {
	case textIDs:
		return e.ids(dst, l, c)
	case textTimes:
		return e.times(dst, l, c)
	case textDictionary:
		t, ok := e.intern(l, l.n()-l.n()/8)
		if !ok {
			return dst, false
		}
		return e.dictionary(dst, &list{t.Bytes, t.Ends}, t.Codes, c, depth), true
	case textLines:
		return e.lines(dst, l, c, depth)
	case textPatterns:
		return e.patterns(dst, l, c, depth)
	}
	return e.packed(dst, l, c), true
}
