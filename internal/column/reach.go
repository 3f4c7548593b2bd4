package column

import (
	"bytes"
	"iter"
	"math/bits"
)

// A Machine reads texts, piece by piece: from a state it comes to another one, and what it says of a text follows from the state behind its last
// byte. State 0 is where every text begins.
type Machine interface {
	Read(state uint8, text []byte) uint8
}

// States is a set of states of a Machine.
type States [4]uint64

// Add adds a state.
func (s *States) Add(state uint8) { s[state>>6] |= 1 << (state & 63) }

// Anywhere is no state of a machine: in a set it stands for any of them.
const Anywhere = 255

// Has says whether a state is in the set.
func (s *States) Has(state uint8) bool { return s[state>>6]>>(state&63)&1 != 0 }

// Join adds the states of another set.
func (s *States) Join(o States) {
	for i := range s {
		s[i] |= o[i]
	}
}

// Read returns the states that a text leads to.
func (s *States) Read(m Machine, text []byte) (to States) {
	for state := range s.All() {
		if state != Anywhere {
			state = m.Read(state, text)
		}
		to.Add(state)
	}
	return to
}

// All ranges over the states.
func (s *States) All() iter.Seq[uint8] {
	return func(yield func(uint8) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(uint8(i<<6 | bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}

// Any returns the states that texts of these bytes lead to, the empty one among them.
func (s *States) Any(m Machine, of string) States {
	all, fresh := *s, *s
	for fresh != (States{}) {
		var next States
		for i := range of {
			next.Join(fresh.Read(m, []byte{of[i]}))
		}
		for i := range next {
			next[i] &^= all[i]
		}
		all.Join(next)
		fresh = next
	}
	return all
}

// What numbers and times are made of.
const (
	Digits  = "-0123456789"
	Decimal = "-.0123456789"
	Clock   = "-:.,0123456789"
)

// Reach returns the states to which the texts lead from some of these, and perhaps others: of ids and of the numbers in patterns it is asked what any
// of them would do. It looks at each entry of a dictionary once.
func (t *TextReader) Reach(m Machine, from States) (to States) {
	switch {
	case t.n == 0:
		return to
	case from.Has(Anywhere):
		return from
	case t.entries != nil:
		return t.entries.Reach(m, from)
	}
	switch maker := t.maker.(type) {
	case *ids:
		return maker.reach(m, from)
	case *times:
		return maker.reach(m, from)
	case *patterns:
		return maker.reach(m, from)
	case *lines:
		return maker.reach(m, from)
	}
	for state := range from.All() {
		t.reachEach(m, state, &to)
	}
	return to
}

// reachEach reads each text from one state.
func (t *TextReader) reachEach(m Machine, from uint8, to *States) {
	for i := 0; i < t.n; {
		part := t.TextWindow(i)
		if part.Ends == nil {
			to.Add(m.Read(from, t.At(i)))
			i++
			continue
		}
		start := uint32(0)
		for _, end := range part.Ends {
			to.Add(m.Read(from, part.Bytes[start:end]))
			start = end
		}
		i = part.Start + len(part.Ends)
	}
}

func (x *exceptions) reach(m Machine, from States) (to States) {
	if x.texts == nil {
		return to
	}
	return x.texts.Reach(m, from)
}

func (f *ids) reach(m Machine, from States) States {
	to := from
	hex := "0123456789abcdef"
	if f.upper {
		hex = "0123456789ABCDEF"
	}
	for j := 0; j < len(f.template); j++ {
		if !f.digits[j] {
			to = to.Read(m, f.template[j:j+1])
			continue
		}
		var next States
		for i := range hex {
			next.Join(to.Read(m, []byte{hex[i]}))
		}
		if next == to { // nor do the digits that follow lead elsewhere
			for j+1 < len(f.template) && f.digits[j+1] {
				j++
			}
		}
		to = next
	}
	to.Join(f.except.reach(m, from))
	return to
}

func (f *times) reach(m Machine, from States) (to States) {
	for i := range f.formats {
		form := &f.formats[i]
		s := from.Any(m, Clock+string(form.between))
		to.Join(s.Read(m, []byte(form.behind)))
	}
	to.Join(f.except.reach(m, from))
	return to
}

func (p *patterns) reach(m Machine, from States) (to States) {
	for i := range p.all {
		q := &p.all[i]
		s := from.Read(m, []byte(q.literals[0]))
		for j := range q.variables {
			if v := &q.variables[j]; v.text != nil {
				s = v.text.Reach(m, s)
			} else {
				s = s.Any(m, Digits)
			}
			s = s.Read(m, []byte(q.literals[j+1]))
		}
		to.Join(s)
	}
	return to
}

// reach: a line may stand at any place.
func (p *lines) reach(m Machine, from States) (to States) {
	all, fresh := from, from
	for fresh != (States{}) {
		behind := p.lines.Reach(m, fresh)
		to.Join(behind)
		next := behind.Read(m, []byte{'\n'})
		for i := range next {
			next[i] &^= all[i]
		}
		all.Join(next)
		fresh = next
	}
	return to
}

// Longest is a bound that no text is longer than. It looks at lengths alone.
func (t *TextReader) Longest() (most int) {
	if t.entries != nil {
		return t.entries.Longest()
	}
	switch maker := t.maker.(type) {
	case nil:
		if t.ends == nil {
			return t.length
		}
		start := uint32(0)
		for _, end := range t.ends {
			most = max(most, int(end-start))
			start = end
		}
		return most
	case *ids:
		most = len(maker.template)
		if maker.except.texts != nil {
			most = max(most, maker.except.texts.Longest())
		}
		return most
	case *patterns:
		for i := range maker.all {
			size := 0
			for _, literal := range maker.all[i].literals {
				size += len(literal)
			}
			for j := range maker.all[i].variables {
				if v := &maker.all[i].variables[j]; v.text != nil {
					size += v.text.Longest()
				} else {
					size += len("-9223372036854775808")
				}
			}
			most = max(most, size)
		}
		return most
	}
	for _, size := range t.sizes {
		most = max(most, int(size))
	}
	return most
}

// Equal calls found with the number of each text that is a given one; with a dictionary, with that of each entry.
func (t *TextReader) Equal(text []byte, found func(i int)) {
	if t.entries != nil {
		t.entries.Equal(text, found)
		return
	}
	if f, ok := t.maker.(*ids); ok && f.count%2 == 0 {
		f.equal(text, found)
		return
	}
	if t.maker == nil && t.ends == nil {
		if len(text) == t.length {
			for i := range t.n {
				if string(t.At(i)) == string(text) {
					found(i)
				}
			}
		}
		return
	}
	for i := 0; i < t.n; {
		part := t.TextWindow(i)
		start := uint32(0)
		for j, end := range part.Ends {
			if int(end-start) == len(text) && string(part.Bytes[start:end]) == string(text) {
				found(part.Start + j)
			}
			start = end
		}
		i = part.Start + len(part.Ends)
	}
}

// equal compares digits two by two, without making texts of them.
func (f *ids) equal(text []byte, found func(i int)) {
	for k, i := range f.except.at {
		if string(f.except.texts.At(k)) == string(text) {
			found(int(i))
		}
	}
	h := f.hexer()
	want, ok := h.append(nil, text)
	if !ok {
		return
	}
	width := f.width() - f.lead
	lead, mask := uint64(0), ^uint64(0)>>(64-8*max(f.lead, 1))
	for _, b := range want[:f.lead] {
		lead = lead<<8 | uint64(b)
	}
	rest := want[f.lead:]
	check := func(i int) {
		if f.lead > 0 && uint64(f.leads.At(i))&mask != lead {
			return
		}
		if k := f.except.from(i); f.except.next(k) == i { // its digits are none
			return
		}
		found(i)
	}
	if width == 0 {
		for i := range f.n {
			check(i)
		}
		return
	}
	for at := 0; at < len(f.raw); {
		i := bytes.Index(f.raw[at:], rest)
		if i < 0 {
			return
		}
		if at += i; at%width == 0 {
			check(at / width)
		}
		at++
	}
}
