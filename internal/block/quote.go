package block

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"
)

// How quotations are found. A rendered message repeats what other members of its event say; what they don't say is its template,
// of which there are few.
//
// A template is learnt from its first event: wherever the value of a sibling stands in the text, between what are no letters and digits,
// there is a place with all the siblings that have this value, and with the text itself. Each further event that fits strikes out the candidates that
// it does not have there; where the text itself is never struck out, it is no quotation. An event that fits no template of
// its layout makes the next one.

const (
	mostSiblings  = 63  // looked at, of one layout
	mostTemplates = 256 // of one layout
	mostQuotes    = 192 // of one template
	triedAtOnce   = 8   // templates, those that fitted last first
	shortValue    = 3   // shorter ones are looked for behind ':', '=' and quotes alone
	surelyQuoted  = 4   // bytes of a value that is a quotation without a template to say so
	ownText       = uint64(1) << mostSiblings
)

// A template is what the texts of some events have in common.
type template struct {
	places []place
	tail   []byte
}

// A place may be a quotation.
type place struct {
	before     []byte // between the place before and this one
	own        []byte // what stood here in the first event
	candidates uint64 // one bit for each sibling, the highest one for the text itself
}

// match says whether a text is the template's, given the siblings' values; found are the candidates left.
func (t *template) match(text []byte, values [][]byte, found []uint64) ([]uint64, bool) {
	found = found[:0]
	for i := range t.places {
		p := &t.places[i]
		if !bytes.HasPrefix(text, p.before) {
			return found, false
		}
		text = text[len(p.before):]
		next := t.tail
		if i+1 < len(t.places) {
			next = t.places[i+1].before
		}
		best, length := uint64(0), -1
		for set := p.candidates; set != 0; set &= set - 1 {
			j := bits.TrailingZeros64(set)
			v := p.own
			if j < mostSiblings {
				v = values[j]
			}
			switch {
			case len(v) < length || !bytes.HasPrefix(text, v):
			case len(v) == length:
				best |= 1 << j
			case bytes.HasPrefix(text[len(v):], next):
				best, length = 1<<j, len(v)
			}
		}
		if best == 0 {
			return found, false
		}
		found = append(found, best)
		text = text[length:]
	}
	return found, bytes.Equal(text, t.tail)
}

// learn makes the template of a text.
func learn(text []byte, values [][]byte) *template {
	var byFirst [256]uint64
	for j, v := range values {
		if len(v) > 0 {
			byFirst[v[0]] |= 1 << j
		}
	}
	t := &template{}
	start := 0
	for i := 0; i < len(text) && len(t.places) < mostQuotes; i++ {
		set := byFirst[text[i]]
		if set == 0 || i > 0 && isWord(text[i-1]) && isWord(text[i]) {
			continue
		}
		best, length := longestAt(text, i, set, values)
		if length == 0 || length < shortValue && !introduced(text[:i]) {
			continue
		}
		end := i + length
		t.places = append(t.places, place{before: text[start:i:i], own: text[i:end:end], candidates: best | ownText})
		start, i = end, end-1
	}
	t.tail = text[start:]
	return t
}

// longestAt returns those of a set of siblings that have the longest value standing at text[i].
func longestAt(text []byte, i int, set uint64, values [][]byte) (best uint64, length int) {
	for ; set != 0; set &= set - 1 {
		j := bits.TrailingZeros64(set)
		v := values[j]
		if len(v) < length || !bytes.HasPrefix(text[i:], v) {
			continue
		}
		if end := i + len(v); end < len(text) && isWord(text[end-1]) && isWord(text[end]) {
			continue
		}
		if len(v) > length {
			best, length = 0, len(v)
		}
		best |= 1 << j
	}
	return best, length
}

func isWord(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c-'0' <= 9 || c >= 0x80
}

// introduced says whether text ends as it does before a value.
func introduced(text []byte) bool {
	text = bytes.TrimRight(text, " \t")
	return len(text) == 0 || bytes.IndexByte([]byte(`:="'`), text[len(text)-1]) >= 0
}

// append appends what the template's quotations leave of a text; ref gives the number by which a sibling is quoted.
func (t *template) append(dst []byte, ref func(sibling int) int) []byte {
	for i := range t.places {
		p := &t.places[i]
		dst = append(dst, p.before...)
		if p.candidates&ownText != 0 {
			dst = append(dst, p.own...)
			continue
		}
		dst = binary.AppendUvarint(append(dst, quoteMark), uint64(ref(bits.TrailingZeros64(p.candidates))))
	}
	return append(dst, t.tail...)
}

// alone settles a template that one text only has: long values are quotations.
func (t *template) alone() *template {
	for i := range t.places {
		if p := &t.places[i]; len(p.own) < surelyQuoted {
			p.candidates = ownText
		} else {
			p.candidates &^= ownText
		}
	}
	return t
}

// A quoter tries a column for quotations.
type quoter struct {
	*relations
	column   uint32
	siblings [][]uint32 // by layout: the columns that may be quoted; nil where the column itself is not
	counts   []uint8    // by layout: the column's leaves

	templates [][]*template // by layout
	assigned  []*template   // by value; nil: none fits
	next      []uint32      // the next value of each column

	values [][]byte
	room   []byte
	found  []uint64
}

func (r *relations) newQuoter(column uint32) *quoter {
	q := &quoter{
		relations: r, column: column, counts: r.occurrences(column),
		siblings: make([][]uint32, len(r.leaves)), templates: make([][]*template, len(r.leaves)),
	}
	for l, leaves := range r.leaves {
		if q.counts[l] == 0 {
			continue
		}
		list := []uint32{}
		seen := map[uint32]bool{column: true}
		for _, c := range leaves {
			if seen[c] || len(list) == mostSiblings || !r.quotable(column, c) {
				continue
			}
			seen[c] = true
			list = append(list, c)
		}
		q.siblings[l] = list
	}
	return q
}

// quotable says whether a column may quote another.
func (r *relations) quotable(column, c uint32) bool {
	o := &r.columns[c]
	switch o.origin.way {
	case waySame, wayTime:
		return false
	case wayFixed:
		return r.fixed*len(r.shaped) <= mostEntries
	}
	return o.kind != kindEvent && !r.leadsTo(c, column)
}

// leadsTo says whether a column quotes another, or quotes one that does.
func (r *relations) leadsTo(from, to uint32) bool {
	if from == to {
		return true
	}
	if q := r.columns[from].quoting; q != nil {
		for _, c := range q.siblings {
			if r.leadsTo(c, to) {
				return true
			}
		}
	}
	return false
}

// depth is what the origin of a column that quotes says.
func (r *relations) depth(c uint32) (depth int) {
	if q := r.columns[c].quoting; q != nil {
		for _, s := range q.siblings {
			depth = max(depth, r.depth(s))
		}
		depth++
	}
	return depth
}

// walk calls do for each value of the column in rows from to until to, with the siblings' values in place; next must stand at from.
func (q *quoter) walk(from, to int, do func(layout uint32, text []byte)) {
	c := &q.columns[q.column]
	for _, l := range q.shapeOf[from:to] {
		if q.counts[l] > 0 {
			q.gather(l)
			for i := range uint32(q.counts[l]) {
				do(l, c.given.textAt(int(q.next[q.column]+i)))
			}
		}
		for _, o := range q.leaves[l] {
			q.next[o]++
		}
	}
}

// gather finds the values of a row's siblings.
func (q *quoter) gather(layout uint32) {
	q.values, q.room = q.values[:0], q.room[:0]
	for _, c := range q.siblings[layout] {
		o, at, start := &q.columns[c], int(q.next[c]), len(q.room)
		switch o.kind {
		case kindInt:
			q.room = strconv.AppendInt(q.room, o.given.ints[at], 10)
		case kindDecimal:
			q.room = appendDecimal(q.room, o.given.ints[at], o.given.scales[at])
		case kindBool:
			q.room = strconv.AppendBool(q.room, o.given.bools[at] != 0)
		default:
			q.values = append(q.values, o.given.textAt(at))
			continue
		}
		q.values = append(q.values, q.room[start:len(q.room):len(q.room)])
	}
}

// learn finds or makes the template of a value.
func (q *quoter) learn(layout uint32, text []byte) {
	list := q.templates[layout]
	for i, t := range list[:min(len(list), triedAtOnce)] {
		var ok bool
		if q.found, ok = t.match(text, q.values, q.found); ok {
			for j, f := range q.found {
				t.places[j].candidates = f
			}
			copy(list[1:i+1], list[:i])
			list[0] = t
			q.assigned = append(q.assigned, t)
			return
		}
	}
	if len(list) >= mostTemplates {
		q.assigned = append(q.assigned, nil)
		return
	}
	t := learn(text, q.values)
	list = append(list, nil)
	copy(list[1:], list)
	list[0] = t
	q.templates[layout] = list
	q.assigned = append(q.assigned, t)
}

// A quoting is what a column to be written quotes.
type quoting struct {
	siblings []uint32 // indexes into the columns
	most     int      // bytes of the longest value
}

// number is the number by which a column is quoted.
func (q *quoting) number(column uint32) int {
	for i, c := range q.siblings {
		if c == column {
			return i
		}
	}
	q.siblings = append(q.siblings, column)
	return len(q.siblings) - 1
}

// append puts what stands before the texts that quotations leave in front of them; place has the columns' numbers.
func (q *quoting) append(place []uint32, texts []byte) []byte {
	dst := binary.AppendUvarint(nil, uint64(q.most))
	dst = binary.AppendUvarint(dst, uint64(len(q.siblings)))
	for _, c := range q.siblings {
		dst = binary.AppendUvarint(dst, uint64(place[c]))
	}
	return append(dst, texts...)
}

// A writer turns the values that a quoter has learnt into what their quotations leave.
type writer struct {
	*quoter
	quoting quoting
	left    gathered
	done    int
	text    []byte
}

func (w *writer) write(layout uint32, text []byte) {
	t := w.assigned[w.done]
	w.done++
	if t == nil {
		t = learn(text, w.values).alone()
	}
	w.text = t.append(w.text[:0], func(sibling int) int { return w.quoting.number(w.siblings[layout][sibling]) })
	w.left.appendText(w.text, w.seed)
	w.quoting.most = max(w.quoting.most, len(text))
}
