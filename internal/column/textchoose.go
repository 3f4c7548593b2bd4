package column

import (
	"bytes"
	"encoding/binary"
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
	partForms      = 16
	partVariables  = 24
)

const (
	tryFrom = 2048 // texts of which a part is tried first
	tryPart = 1024
)

// Texts appends a column. c remembers its form.
func (e *Encoder) Texts(dst []byte, t Texts, c *Choice) []byte {
	if e.Effort == Fast {
		return e.fastTexts(dst, t)
	}
	start := len(dst)
	if t.Codes == nil {
		l := t.expand()
		dst = e.list(dst, &l, c.Part(partFlat), 0, true)
	} else {
		dst = e.codedTexts(dst, t, c)
	}
	// What has become so small may take too much memory when it is read (text.go).
	if n := max(len(t.Codes), len(t.Ends)); (len(dst)-start)*textExpansion < 128*len(t.Bytes)+textPerValue*n {
		if _, _, err := ReadTexts(dst[start:], n, nil); err != nil {
			dst = e.fastTexts(dst[:start], t)
		}
	}
	return dst
}

// fastTexts appends a column as it is gathered, a dictionary if that is smaller.
func (e *Encoder) fastTexts(dst []byte, t Texts) []byte {
	entries := list{t.Bytes, t.Ends}
	if t.Codes == nil {
		return e.plain(dst, &entries, nil)
	}
	width, total := codeWidth(entries.n()), 0
	for _, code := range t.Codes {
		total += len(entries.at(int(code)))
	}
	if len(t.Bytes)+entries.n()+width*len(t.Codes)+4 >= total+len(t.Codes) {
		l := t.expand()
		return e.plain(dst, &l, nil)
	}
	dst = append(dst, textDictionary)
	dst = binary.AppendUvarint(dst, uint64(entries.n()))
	codes := make([]int64, len(t.Codes))
	for i, code := range t.Codes {
		codes[i] = int64(code)
	}
	dst = e.Fixed(dst, codes)
	return e.plain(dst, &entries, nil)
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
	flat := 8*len(t.Ends) > n // too few repetitions, perhaps
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

// list appends texts in the form that is best; dedupe allows a dictionary.
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
	form, best := byte(textPacked), e.packed(nil, l, c.Part(partForms+textPacked))
	try := func(f byte) bool {
		out, ok := e.inForm(nil, f, l, c.Part(partForms+int(f)), depth)
		if ok && len(out) < len(best) {
			form, best = f, out
		}
		return form == f
	}
	done := try(textIDs) && !e.onlyDecimals(l) || try(textTimes)
	if dedupe {
		try(textDictionary)
	}
	if lines := bytes.Count(l.bytes[:min(len(l.bytes), 64<<10)], []byte{'\n'}); !done && lines > 0 {
		if part := e.part(l); 4*bytes.Count(part.bytes, []byte{'\n'}) > part.n() && e.promises(&part, textLines, depth) {
			try(textLines)
		}
	}
	if part := e.part(l); !done && e.promises(&part, textPatterns, depth) {
		try(textPatterns)
	}
	c.remember(form, 0, l.n(), len(best))
	return append(dst, best...)
}

// promises says whether a form does well enough on a part of a column to be tried on all of it.
func (e *Encoder) promises(part *list, form byte, depth int) bool {
	if part.n() < tryPart {
		return true
	}
	out, ok := e.inForm(nil, form, part, nil, depth)
	return ok && len(out) < len(e.packed(nil, part, nil))
}

// part returns l, or four pieces of it.
func (e *Encoder) part(l *list) list {
	if l.n() < tryFrom {
		return *l
	}
	var some list
	for k := range 4 {
		from := k * (l.n() / 4)
		for i := from; i < from+tryPart/4; i++ {
			some.add(l.at(i))
		}
	}
	return some
}

// sample returns up to most indexes below n: a few at the beginning, then some spread over all.
func (e *Encoder) sample(n, most int) []int {
	at := make([]int, 0, min(n, most))
	for i := range min(n, most) {
		if n > most {
			i = i * n / most
		}
		at = append(at, i)
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
