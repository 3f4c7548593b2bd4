package column

import (
	"bytes"
	"slices"
)

// Mining finds the patterns of texts. A text is cut into runs of digits, words and what stands between. Runs of digits vary, and so do
// words that mix letters and digits, as ids do. Texts alike in all else have one mask. Where masks differ in words alone, the
// words that differ much become variables too. What is left in small numbers gets the pattern that is one variable.

const (
	mineBytes  = 4 << 10 // longer texts have no pattern
	rareRows   = 4       // a pattern in fewer rows is none
	fewWords   = 8       // different words at a place that are kept in patterns of their own
	mineRest   = 2       // one in so many texts may have no pattern
	mostMasks  = 1 << 14
	shortestID = 6
)

// A span is a part of a text that may be a variable.
type span struct {
	start, end uint16
	kind       spanKind
}

type spanKind byte

const (
	spanWord   spanKind = 1
	spanDigits spanKind = 2
	spanMixed  spanKind = 3
)

const (
	classDigit = 1
	classLower = 2 // a to f
	classUpper = 4 // A to F
	classOther = 8 // other letters, bytes of a character beyond ASCII
)

var classes = func() (c [256]byte) {
	for i := range c {
		switch b := byte(i); {
		case b-'0' <= 9:
			c[i] = classDigit
		case b-'a' < 6:
			c[i] = classLower
		case b-'A' < 6:
			c[i] = classUpper
		case b|0x20 >= 'a' && b|0x20 <= 'z' || b >= 0x80:
			c[i] = classOther
		}
	}
	return c
}()

// cut cuts v into spans and appends its mask; false if v is not to be cut.
func cut(v, mask []byte, spans []span) ([]byte, []span, bool) {
	if len(v) > mineBytes {
		return mask, spans, false
	}
	for i := 0; i < len(v); {
		if classes[v[i]] == 0 {
			mask = append(mask, v[i])
			i++
			continue
		}
		start := i
		if n := guidAt(v[i:]); n > 0 {
			i += n
			spans = append(spans, span{uint16(start), uint16(i), spanMixed})
			mask = append(mask, variableMark, byte(spanMixed))
			continue
		}
		seen, last, changes := byte(0), byte(0), 0
		for i < len(v) {
			class := classes[v[i]]
			if class == 0 {
				break
			}
			if v[i] == variableMark {
				return mask, spans, false
			}
			seen |= class
			if digit := class & classDigit; digit != last {
				changes, last = changes+1, digit
			}
			i++
		}
		if len(spans) >= mostVariables {
			return mask, spans, false
		}
		switch {
		case seen == classDigit:
			if i-start > mostDigits {
				spans = append(spans, span{uint16(start), uint16(i), spanMixed})
				mask = append(mask, variableMark, byte(spanMixed))
				continue
			}
			spans = append(spans, span{uint16(start), uint16(i), spanDigits})
			mask = append(mask, variableMark, byte(spanDigits))
		case seen&classDigit == 0:
			spans = append(spans, span{uint16(start), uint16(i), spanWord})
			mask = append(mask, v[start:i]...)
		case i-start >= shortestID && (seen == classDigit|classLower || seen == classDigit|classUpper) || changes > 4:
			spans = append(spans, span{uint16(start), uint16(i), spanMixed})
			mask = append(mask, variableMark, byte(spanMixed))
		default: // such as node104
			for at := start; at < i; {
				from, digit := at, classes[v[at]] == classDigit
				for at < i && (classes[v[at]] == classDigit) == digit {
					at++
				}
				switch {
				case !digit:
					spans = append(spans, span{uint16(from), uint16(at), spanWord})
					mask = append(mask, v[from:at]...)
				case at-from > mostDigits:
					spans = append(spans, span{uint16(from), uint16(at), spanMixed})
					mask = append(mask, variableMark, byte(spanMixed))
				default:
					spans = append(spans, span{uint16(from), uint16(at), spanDigits})
					mask = append(mask, variableMark, byte(spanDigits))
				}
			}
		}
	}
	return mask, spans, len(spans) <= mostVariables
}

// guidAt returns the length of the GUID that v begins with, 0 if with none.
func guidAt(v []byte) int {
	const length = 36
	if len(v) < length || v[8] != '-' || v[13] != '-' || v[18] != '-' || v[23] != '-' || len(v) > length && classes[v[length]] != 0 {
		return 0
	}
	seen := byte(0)
	for i, c := range v[:length] {
		if i != 8 && i != 13 && i != 18 && i != 23 {
			class := classes[c]
			if class == 0 {
				return 0
			}
			seen |= class
		}
	}
	if seen&classOther != 0 || seen&(classLower|classUpper) == classLower|classUpper {
		return 0
	}
	return length
}

type mined struct {
	which    []int64
	patterns []minedPattern
}

type minedPattern struct {
	literals [][]byte
	slots    []*slot
	rows     int
}

// describe appends the pattern as a text.
func (p *minedPattern) describe(dst []byte) []byte {
	for i, s := range p.slots {
		dst = append(dst, p.literals[i]...)
		dst = append(dst, variableMark, s.kind())
	}
	return append(dst, p.literals[len(p.slots)]...)
}

// A slot holds a variable's values: digits as numbers, everything else as texts.
type slot struct {
	digits  bool
	numbers []int64
	widths  []uint8
	long    bool // a number has zeroes before it
	widest  uint8
	narrow  uint8
	texts   list
}

// grow makes room for n values.
func (s *slot) grow(n int) {
	if s.digits {
		s.numbers, s.widths = make([]int64, 0, n), make([]uint8, 0, n)
	} else {
		s.texts.ends = make([]uint32, 0, n)
	}
}

func (s *slot) add(v []byte) {
	if !s.digits {
		s.texts.add(v)
		return
	}
	n, width := int64(0), uint8(len(v))
	for _, c := range v {
		n = n*10 + int64(c-'0')
	}
	s.long = s.long || v[0] == '0' && width > 1
	if len(s.numbers) == 0 {
		s.narrow = width
	}
	s.widest, s.narrow = max(s.widest, width), min(s.narrow, width)
	s.numbers, s.widths = append(s.numbers, n), append(s.widths, width)
}

func (s *slot) kind() byte {
	switch {
	case !s.digits || s.long && s.widest != s.narrow:
		return variableText
	case s.long:
		return s.widest
	}
	return 0
}

// list returns the values as texts.
func (s *slot) list() *list {
	if s.digits && s.texts.n() == 0 {
		for i, n := range s.numbers {
			s.texts.bytes = appendNumber(s.texts.bytes, n, int(s.widths[i]))
			s.texts.end()
		}
	}
	return &s.texts
}

// A mask is what texts alike have in common.
type mask struct {
	like    int    // a text that has it
	rows    int    // how many have it
	vary    []bool // which of its spans are variables
	pattern int
}

// A miner is the scratch memory of mining.
type miner struct {
	of     []int32  // the mask of each text, none if it has none
	kept   []span   // of the first texts, one after the other
	bounds []uint32 // where each text's begin, and the last's end
	spans  []span
	text   []byte
	last   []byte
}

const (
	none      = -1
	mostSpans = 1 << 20 // kept at a time
)

// mine finds the patterns of l; false if most texts have none.
func (w *miner) mine(l *list) (*mined, bool) {
	w.of, w.kept, w.bounds = slices.Grow(w.of[:0], l.n())[:l.n()], w.kept[:0], append(w.bounds[:0], 0)
	of := w.of
	known := map[string]int32{}
	var masks []mask
	rest := 0
	last := int32(none)
	for i := range of {
		of[i] = none
		text, spans, ok := cut(l.at(i), w.text[:0], w.spans[:0])
		if w.text, w.spans = text, spans; len(w.kept) < mostSpans {
			w.kept = append(w.kept, spans...)
			w.bounds = append(w.bounds, uint32(len(w.kept)))
		}
		if !ok {
			rest++
			continue
		}
		if last != none && bytes.Equal(text, w.last) {
			of[i] = last
			masks[last].rows++
			continue
		}
		k, found := known[string(text)]
		if !found {
			if len(masks) == mostMasks {
				if rest++; rest > l.n()/mineRest {
					return nil, false
				}
				continue
			}
			k = int32(len(masks))
			known[string(text)] = k
			masks = append(masks, mask{like: i})
		}
		masks[k].rows++
		of[i], last, w.last = k, k, append(w.last[:0], text...)
	}
	if len(masks) == 0 || len(masks) > max(16, l.n()-l.n()/8) && len(masks) == mostMasks {
		return nil, false
	}
	generalise(l, masks)
	m, rest := patternsOf(l, masks)
	if rest > l.n()/mineRest {
		return nil, false
	}
	m.extract(l, masks, w)
	return m, true
}

// generalise decides which spans of the masks vary.
func generalise(l *list, masks []mask) {
	groups := map[string][]int{} // masks by what they are with no regard to words
	var order []string
	var spans []span
	var text, skeleton []byte
	cuts := make([][]span, len(masks))
	for k := range masks {
		v := l.at(masks[k].like)
		text, spans, _ = cut(v, text[:0], spans[:0])
		cuts[k] = slices.Clone(spans)
		masks[k].vary = make([]bool, len(spans))
		skeleton = skeleton[:0]
		at := 0
		for j, s := range spans {
			skeleton = append(skeleton, v[at:s.start]...)
			skeleton = append(skeleton, variableMark, byte(s.kind))
			at = int(s.end)
			masks[k].vary[j] = s.kind != spanWord
		}
		skeleton = append(skeleton, v[at:]...)
		if _, found := groups[string(skeleton)]; !found {
			order = append(order, string(skeleton))
		}
		groups[string(skeleton)] = append(groups[string(skeleton)], k)
	}
	for _, key := range order {
		group := groups[key]
		if len(group) == 1 {
			continue
		}
		rows := 0
		for _, k := range group {
			rows += masks[k].rows
		}
		places := len(cuts[group[0]])
		words := make([]map[string]bool, places)
		for j := range places {
			words[j] = map[string]bool{}
			for _, k := range group {
				s := cuts[k][j]
				words[j][string(l.at(masks[k].like)[s.start:s.end])] = true
			}
		}
		// First what varies much; if then there are still few rows for each pattern, all that varies.
		for _, most := range []int{fewWords, 1} {
			left := map[string]bool{}
			for _, k := range group {
				v := l.at(masks[k].like)
				text = text[:0]
				for j, s := range cuts[k] {
					if s.kind == spanWord && len(words[j]) > most {
						masks[k].vary[j] = true
					}
					if !masks[k].vary[j] {
						text = append(append(text, v[s.start:s.end]...), variableMark)
					}
				}
				left[string(text)] = true
			}
			if rows/len(left) >= 2*fewWords {
				break
			}
		}
	}
}

// patternsOf gives each mask its pattern and returns the patterns, the most frequent first, and how many texts have none.
func patternsOf(l *list, masks []mask) (m *mined, rest int) {
	m = &mined{}
	known := map[string]int{}
	var spans []span
	var text []byte
	for k := range masks {
		v := l.at(masks[k].like)
		_, spans, _ = cut(v, nil, spans[:0])
		p := minedPattern{}
		text = text[:0]
		var literal []byte
		at := 0
		for j, s := range spans {
			literal = append(literal, v[at:s.start]...)
			at = int(s.end)
			if !masks[k].vary[j] {
				literal = append(literal, v[s.start:s.end]...)
				continue
			}
			p.literals = append(p.literals, literal)
			p.slots = append(p.slots, &slot{digits: s.kind == spanDigits})
			text = append(append(text, literal...), variableMark, byte(s.kind))
			literal = nil
		}
		literal = append(literal, v[at:]...)
		p.literals = append(p.literals, literal)
		text = append(text, literal...)
		i, found := known[string(text)]
		if !found {
			i = len(m.patterns)
			known[string(text)] = i
			m.patterns = append(m.patterns, p)
		}
		m.patterns[i].rows += masks[k].rows
		masks[k].pattern = i
	}
	order := make([]int, len(m.patterns))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return m.patterns[b].rows - m.patterns[a].rows })
	place := make([]int, len(m.patterns)) // 1 + new number
	var kept []minedPattern
	covered := 0
	for _, i := range order {
		if m.patterns[i].rows < rareRows && l.n() > rareRows || len(kept) == mostPatterns-1 {
			break
		}
		kept = append(kept, m.patterns[i])
		covered += m.patterns[i].rows
		place[i] = len(kept)
	}
	m.patterns = kept
	for k := range masks {
		masks[k].pattern = place[masks[k].pattern] - 1
	}
	return m, l.n() - covered
}

// extract puts the variables of each text where they belong.
func (m *mined) extract(l *list, masks []mask, w *miner) {
	for i := range m.patterns {
		p := &m.patterns[i]
		for _, s := range p.slots {
			s.grow(p.rows)
		}
	}
	whole := -1
	m.which = make([]int64, l.n())
	for i := range m.which {
		v := l.at(i)
		k := w.of[i]
		if k < 0 || masks[k].pattern < 0 {
			if whole < 0 {
				whole = len(m.patterns)
				m.patterns = append(m.patterns, minedPattern{literals: [][]byte{nil, nil}, slots: []*slot{{}}})
			}
			m.which[i] = int64(whole)
			m.patterns[whole].slots[0].add(v)
			m.patterns[whole].rows++
			continue
		}
		p := &m.patterns[masks[k].pattern]
		m.which[i] = int64(masks[k].pattern)
		var spans []span
		if i+1 < len(w.bounds) {
			spans = w.kept[w.bounds[i]:w.bounds[i+1]]
		} else {
			w.text, w.spans, _ = cut(v, w.text[:0], w.spans[:0])
			spans = w.spans
		}
		slots := p.slots
		for j, s := range spans {
			if masks[k].vary[j] {
				slots[0].add(v[s.start:s.end])
				slots = slots[1:]
			}
		}
	}
}
