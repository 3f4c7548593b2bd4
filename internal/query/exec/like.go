package exec

import "strings"

// A pattern is the right side of `like`, taken apart: % any text, _ one character, ? one or none, each doubled for itself.
// Matching takes time proportional to the text, and to the pattern only where _ or ? stand in it.
type pattern struct {
	ci    bool
	parts []string // literal text between the %, when there is neither _ nor ?
	atoms []atom   // the general form
}

type atom struct {
	kind byte   // 0 literal, '%', '_' or '?'
	text string // one character, if literal; folded if ci
}

func compilePattern(s string, ci bool) *pattern {
	p := &pattern{ci: ci}
	if ci {
		s = fold(s)
	}
	simple := true
	for i := 0; i < len(s); {
		n := charAt(s, i)
		switch c := s[i]; {
		case c != '%' && c != '_' && c != '?':
			p.atoms = append(p.atoms, atom{text: s[i : i+n]})
		case i+1 < len(s) && s[i+1] == c:
			p.atoms = append(p.atoms, atom{text: s[i : i+1]})
			n = 2
		default:
			p.atoms = append(p.atoms, atom{kind: c})
			simple = simple && c == '%'
		}
		i += n
	}
	if simple {
		var part strings.Builder
		for _, a := range p.atoms {
			if a.kind == 0 {
				part.WriteString(a.text)
				continue
			}
			p.parts = append(p.parts, part.String())
			part.Reset()
		}
		p.parts = append(p.parts, part.String())
	}
	return p
}

// match says whether s matches; not ok if that would take too long.
func (p *pattern) match(e *env, s string) (matches, ok bool) {
	if p.ci {
		s = fold(s)
	}
	if p.parts != nil {
		return matchParts(s, p.parts), true
	}
	if !e.spend(len(s)/64*len(p.atoms) + 1) {
		return false, false
	}
	return p.simulate(s), true
}

// matchParts: the first part begins s, the last ends it, those between follow each other, each at its first place.
func matchParts(s string, parts []string) bool {
	last := len(parts) - 1
	if last == 0 {
		return s == parts[0]
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	if s, ok = strings.CutSuffix(s, parts[last]); !ok {
		return false
	}
	for _, part := range parts[1:last] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}

// simulate runs the pattern as an automaton: bit i says that the first i atoms match the text so far.
func (p *pattern) simulate(s string) bool {
	states := make([]bool, len(p.atoms)+1)
	next := make([]bool, len(p.atoms)+1)
	states[0] = true
	p.skip(states)
	for i := 0; i < len(s); {
		n := charAt(s, i)
		c := s[i : i+n]
		clear(next)
		alive := false
		for j, a := range p.atoms {
			if !states[j] {
				continue
			}
			switch a.kind {
			case '%':
				next[j], alive = true, true
			case '_', '?':
				next[j+1], alive = true, true
			default:
				if a.text == c {
					next[j+1], alive = true, true
				}
			}
		}
		if !alive {
			return false
		}
		p.skip(next)
		states, next = next, states
		i += n
	}
	return states[len(p.atoms)]
}

// skip passes the atoms that may match nothing.
func (p *pattern) skip(states []bool) {
	for j, a := range p.atoms {
		if states[j] && (a.kind == '%' || a.kind == '?') {
			states[j+1] = true
		}
	}
}
