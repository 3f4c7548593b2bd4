// Package automaton makes machines of regular expressions that read a text byte by byte and piece by piece: whoever has texts put together of parts that
// recur need not put them together to know whether they match. What a machine says is what package regexp says of the whole text.
package automaton

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"sync"
	"unicode/utf8"
)

// A Pattern is a regular expression, compiled. Safe for concurrent use.
type Pattern struct {
	// UTF8 says that nothing is known of texts with bytes that are no character: what is one to package regexp is none to who asks. It is set before the first Machine.
	UTF8 bool

	prog     *syntax.Prog
	anchored bool // it begins with \A
	looks    bool // what stands before matters to more than \A
	spare    sync.Pool
}

// Compile compiles an expression of RE2's syntax, as package regexp has it.
func Compile(expression string) (*Pattern, error) {
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	p := &Pattern{prog: prog, anchored: prog.StartCond()&syntax.EmptyBeginText != 0}
	for _, i := range prog.Inst {
		if i.Op == syntax.InstEmptyWidth && syntax.EmptyOp(i.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
			p.looks = true
		}
	}
	return p, nil
}

// Machine returns a machine, which Free gives back.
func (p *Pattern) Machine() *Machine {
	if m, ok := p.spare.Get().(*Machine); ok {
		return m
	}
	m := &Machine{p: p, known: map[string]uint8{}, mark: make([]uint32, len(p.prog.Inst)), left: mostWork}
	m.begin()
	return m
}

// Free gives a machine back, which must not be used any more.
func (m *Machine) Free() { m.p.spare.Put(m) }

// A Machine is a deterministic automaton whose states are made when they are first come to: those of package regexp's machine for the text so far, with
// the bytes of a character that is not complete. One that would need too many states comes to full, and then says nothing. Not for concurrent use.
type Machine struct {
	p      *Pattern
	states []state
	known  map[string]uint8
	next   [256][256]uint8
	mark   []uint32 // by instruction: the closure that has met it last
	turn   uint32
	left   int // work
	stack  []uint32
	key    []byte
}

// A state is a place in the text.
type state struct {
	at      []uint32 // instructions that wait for a character, or for what stands behind this place; ascending
	before  before
	pending []byte // of a character
	verdict verdict
}

// before is what stands before a place, as far as it matters.
type before uint8

const (
	nothing before = iota
	newline
	word
	other
)

type verdict uint8

const (
	unasked verdict = iota
	matches
	fails
)

const (
	accept = 1   // it matches, whatever follows
	full   = 254 // too many states
	unset  = 255

	mostStates = 250
	mostWork   = 1 << 20 // instructions looked at to make states
)

func (m *Machine) begin() {
	for i := range m.next {
		for j := range m.next[i] {
			m.next[i][j] = unset
		}
	}
	for j := range m.next[accept] {
		m.next[accept][j], m.next[full][j] = accept, full
	}
	m.turn++
	at, done := m.closure(nil, uint32(m.p.prog.Start), nothing)
	m.states = append(m.states, state{at: at, before: nothing}, state{verdict: matches})
	if done {
		m.states[0].verdict = matches
		for j := range m.next[0] {
			m.next[0][j] = accept
		}
	}
}

// Read returns the state that a text leads to from another one. State 0 is before the text.
func (m *Machine) Read(from uint8, text []byte) uint8 {
	for _, c := range text {
		to := m.next[from][c]
		if to == unset {
			to = m.make(from, c)
		}
		from = to
	}
	return from
}

// Matches says whether a text that ends in this state matches; not known if there would have been too many states, or of a text that UTF8 leaves out.
func (m *Machine) Matches(at uint8) (holds, known bool) {
	if at == full {
		return false, false
	}
	s := &m.states[at]
	if len(s.pending) > 0 && m.p.UTF8 {
		return false, false
	}
	if s.verdict == unasked {
		s.verdict = fails
		if m.ends(*s) {
			m.states[at].verdict = matches
		}
	}
	return m.states[at].verdict == matches, true
}

// Settled says whether all texts that come to this state match, or none does.
func (m *Machine) Settled(at uint8) bool {
	if at == accept || at == full {
		return true
	}
	s := &m.states[at]
	return at == 0 && s.verdict == matches || len(s.at) == 0 && m.p.anchored && s.before != nothing
}

// make finds the state behind a byte.
func (m *Machine) make(from uint8, c byte) uint8 {
	s := m.states[from]
	pending := append(slices.Clone(s.pending), c)
	to, ok := state{at: s.at, before: s.before}, true
	for len(pending) > 0 && utf8.FullRune(pending) {
		r, n := utf8.DecodeRune(pending)
		if r == utf8.RuneError && n == 1 && m.p.UTF8 {
			m.next[from][c] = full
			return full
		}
		if to, ok = m.step(to, r); !ok {
			m.next[from][c] = accept
			return accept
		}
		pending = pending[n:]
	}
	to.pending = pending
	id := m.number(to)
	m.next[from][c] = id
	return id
}

// number returns the number of a state.
func (m *Machine) number(s state) uint8 {
	m.key = append(m.key[:0], byte(s.before), byte(len(s.pending)))
	m.key = append(m.key, s.pending...)
	for _, pc := range s.at {
		m.key = binary.AppendUvarint(m.key, uint64(pc))
	}
	if id, ok := m.known[string(m.key)]; ok {
		return id
	}
	if len(m.states) >= mostStates || m.left < 0 {
		return full
	}
	m.states = append(m.states, s)
	id := uint8(len(m.states) - 1)
	m.known[string(m.key)] = id
	return id
}

// step returns the state behind a character; false if the text matches whatever follows. The state has no pending bytes.
func (m *Machine) step(s state, r rune) (to state, ok bool) {
	at, done := m.look(s, r)
	if done {
		return to, false
	}
	to.before = m.kind(r)
	m.turn++
	for _, pc := range at {
		i := &m.p.prog.Inst[pc]
		if takes(i, r) {
			if to.at, done = m.closure(to.at, i.Out, to.before); done {
				return to, false
			}
		}
	}
	if to.at, done = m.closure(to.at, uint32(m.p.prog.Start), to.before); done {
		return to, false
	}
	slices.Sort(to.at)
	return to, true
}

// kind is what a character is to the place behind it.
func (m *Machine) kind(r rune) before {
	switch {
	case !m.p.looks:
	case r == '\n':
		return newline
	case syntax.IsWordChar(r):
		return word
	}
	return other
}

func takes(i *syntax.Inst, r rune) bool {
	switch i.Op {
	case syntax.InstRune1:
		return r == i.Rune[0]
	case syntax.InstRuneAny:
		return true
	case syntax.InstRuneAnyNotNL:
		return r != '\n'
	case syntax.InstRune:
		return i.MatchRune(r)
	}
	return false
}

// look goes on with the instructions that wait for what stands behind the place: a character, or the end if it is negative.
func (m *Machine) look(s state, r rune) (at []uint32, done bool) {
	if !slices.ContainsFunc(s.at, func(pc uint32) bool { return m.p.prog.Inst[pc].Op == syntax.InstEmptyWidth }) {
		return s.at, false
	}
	holds := syntax.EmptyOp(0)
	if r < 0 {
		holds |= syntax.EmptyEndText | syntax.EmptyEndLine
	}
	if r == '\n' {
		holds |= syntax.EmptyEndLine
	}
	if (s.before == word) != (r >= 0 && syntax.IsWordChar(r)) {
		holds |= syntax.EmptyWordBoundary
	} else {
		holds |= syntax.EmptyNoWordBoundary
	}
	m.turn++
	at = make([]uint32, 0, len(s.at))
	var waiting []uint32
	for _, pc := range s.at {
		m.mark[pc] = m.turn
		if m.p.prog.Inst[pc].Op == syntax.InstEmptyWidth {
			waiting = append(waiting, pc)
		} else {
			at = append(at, pc)
		}
	}
	for len(waiting) > 0 {
		pc := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		i := &m.p.prog.Inst[pc]
		if syntax.EmptyOp(i.Arg)&behind&^holds != 0 {
			continue
		}
		from := len(at)
		if at, done = m.closure(at, i.Out, s.before); done {
			return at, true
		}
		// What it has led to may wait as well.
		more := at[from:]
		at = at[:from]
		for _, pc := range more {
			if m.p.prog.Inst[pc].Op == syntax.InstEmptyWidth {
				waiting = append(waiting, pc)
			} else {
				at = append(at, pc)
			}
		}
	}
	return at, false
}

// What follows decides about these.
const behind = syntax.EmptyEndText | syntax.EmptyEndLine | syntax.EmptyWordBoundary | syntax.EmptyNoWordBoundary

// closure adds the instructions to which pc leads without a character, as far as what stands before decides; done if one of them is that all has matched.
// Those that this turn has met are left out.
func (m *Machine) closure(at []uint32, pc uint32, b before) (_ []uint32, done bool) {
	m.stack = append(m.stack[:0], pc)
	for len(m.stack) > 0 {
		pc := m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		if m.mark[pc] == m.turn {
			continue
		}
		m.mark[pc] = m.turn
		m.left--
		switch i := &m.p.prog.Inst[pc]; i.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			m.stack = append(m.stack, i.Out, i.Arg)
		case syntax.InstCapture, syntax.InstNop:
			m.stack = append(m.stack, i.Out)
		case syntax.InstMatch:
			return at, true
		case syntax.InstFail:
		case syntax.InstEmptyWidth:
			op := syntax.EmptyOp(i.Arg)
			switch {
			case op&syntax.EmptyBeginText != 0 && b != nothing, op&syntax.EmptyBeginLine != 0 && b != nothing && b != newline:
			case op&behind == 0:
				m.stack = append(m.stack, i.Out)
			default:
				at = append(at, pc)
			}
		default:
			at = append(at, pc)
		}
	}
	return at, false
}

// ends says whether a text that ends here matches.
func (m *Machine) ends(s state) bool {
	ok := true
	for range s.pending { // each is no character
		if s, ok = m.step(state{at: s.at, before: s.before}, utf8.RuneError); !ok {
			return true
		}
	}
	_, done := m.look(s, -1)
	return done
}
