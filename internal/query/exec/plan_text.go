package exec

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/automaton"
	"github.com/stelehq/stele/internal/query/syntax"
)

// A TextTest is a condition on a string that a machine decides: `like`, a regular expression, Contains and the like, equality, free text.
type TextTest struct {
	Pattern *automaton.Pattern
	Not     bool // the condition is that the pattern does not match
	Most    int  // bytes of the longest string that the condition is sure to be decided for; 0: any
}

// textTestOf takes apart a condition on the value of subject that is true or false for every string; ok is false if e is none.
func textTestOf(e syntax.Expr) (subject syntax.Expr, t *TextTest, ok bool) {
	switch e := e.(type) {
	case *syntax.Unary:
		if e.Op == syntax.Not {
			if subject, t, ok = textTestOf(e.Of); ok {
				t.Not = !t.Not
			}
		}
		return subject, t, ok
	case *syntax.Call:
		f := findFunction(e.Name)
		if f == nil || len(e.Args) != 2 || e.CI && !f.CI {
			return nil, nil, false
		}
		before, after := "", ""
		switch f.Name {
		case "Contains":
		case "StartsWith":
			before = `\A`
		case "EndsWith":
			after = `\z`
		default:
			return nil, nil, false
		}
		switch arg := e.Args[1].(type) {
		case *syntax.String:
			t, ok = literalTest(before, []string{arg.Value}, after, e.CI)
		case *syntax.Regex:
			t, ok = regexTest(before, arg.Source, after, e.CI)
		}
		return e.Args[0], t, ok
	case *syntax.Binary:
		switch right := e.Right.(type) {
		case *syntax.String:
			switch e.Op {
			case syntax.Equal, syntax.NotEqual:
				t, ok = literalTest(`\A`, []string{right.Value}, `\z`, e.CI)
			case syntax.Like, syntax.NotLike:
				if p := compilePattern(right.Value, false); p.parts != nil {
					t, ok = literalTest(`\A`, p.parts, `\z`, e.CI)
				} else {
					t, ok = atomsTest(p.atoms, e.CI)
				}
			}
		case *syntax.Regex:
			if e.Op == syntax.Equal || e.Op == syntax.NotEqual {
				t, ok = regexTest(`\A`, right.Source, `\z`, e.CI)
			}
		}
		if ok {
			t.Not = e.Op == syntax.NotEqual || e.Op == syntax.NotLike
		}
		return e.Left, t, ok
	}
	return nil, nil, false
}

// literalTest makes a test of texts with anything between them. Folding is that of regular expressions: by orbits of simple folding.
func literalTest(before string, parts []string, after string, ci bool) (*TextTest, bool) {
	quoted := make([]string, len(parts))
	for i, part := range parts {
		// What is no character in a text is U+FFFD to an expression.
		if !utf8.ValidString(part) || strings.ContainsRune(part, utf8.RuneError) {
			return nil, false
		}
		quoted[i] = regexp.QuoteMeta(part)
	}
	flags := "(?s)"
	if ci {
		flags = "(?si)"
	}
	p, err := automaton.Compile(flags + before + strings.Join(quoted, ".*") + after)
	return &TextTest{Pattern: p}, err == nil
}

// mostAtoms is up to how long a pattern a machine is made.
const mostAtoms = 1000

// atomsTest makes a test of a pattern with _ or ?, which count characters. A lone surrogate is one to `like`, and three to an expression.
func atomsTest(atoms []atom, ci bool) (*TextTest, bool) {
	var b strings.Builder
	for _, a := range atoms {
		switch a.kind {
		case '%':
			b.WriteString(".*")
		case '_':
			b.WriteString(".")
		case '?':
			b.WriteString(".?")
		default:
			if !utf8.ValidString(a.text) || strings.ContainsRune(a.text, utf8.RuneError) {
				return nil, false
			}
			b.WriteString(regexp.QuoteMeta(a.text))
		}
	}
	flags := "(?s)"
	if ci {
		flags = "(?si)"
	}
	p, err := automaton.Compile(flags + `\A` + b.String() + `\z`)
	if err != nil || len(atoms) > mostAtoms {
		return nil, false
	}
	p.UTF8 = true
	return &TextTest{Pattern: p, Most: maxSteps / 8 / len(atoms) * 64}, true
}

func regexTest(before, source, after string, ci bool) (*TextTest, bool) {
	m, problem := compileRegex(before, source, after, ci)
	if problem != "" {
		return nil, false
	}
	p, err := automaton.Compile(m.String())
	// Other conditions of the same filter spend as well.
	return &TextTest{Pattern: p, Most: maxSteps / 8 / m.size * 64}, err == nil
}

// planText plans a condition on the message, or free text; nil if e is neither.
func planText(e syntax.Expr) *Plan {
	if text, ok := e.(*syntax.Text); ok {
		return planFreeText(text.Value)
	}
	if not, ok := e.(*syntax.Unary); ok && not.Op == syntax.Not {
		if text, ok := not.Of.(*syntax.Text); ok {
			return &Plan{Op: PlanNot, Terms: []*Plan{planFreeText(text.Value)}}
		}
	}
	subject, t, ok := textTestOf(e)
	if !ok {
		return nil
	}
	b, ok := subject.(*syntax.BuiltIn)
	if !ok {
		return nil
	}
	if found := findBuiltIn(b.Name); found == nil || found.names[0] != "Message" {
		return nil
	}
	if _, bad := compile("", e); bad != nil {
		return nil
	}
	return &Plan{Op: PlanMessage, Text: t}
}

// planFreeText is what compiler.freeText does.
func planFreeText(text string) *Plan {
	t, ok := literalTest("", []string{text}, "", true)
	if !ok {
		return &Plan{}
	}
	needle := appendFold(nil, text)
	exception := &Plan{Op: PlanValue, Path: []string{"@x"}, Text: t, holds: func(v event.Value) bool {
		return v.Kind != event.Undefined && v.Kind != event.Null && bytes.Contains(appendFold(nil, v.AppendDisplay(nil)), needle)
	}}
	return &Plan{Op: PlanOr, Terms: []*Plan{{Op: PlanMessage, Text: t}, exception}}
}

// textual notes that a machine decides about strings. The value is then that of the path itself: no name for something made of it.
func (p *Plan) textual(e syntax.Expr) {
	subject, t, ok := textTestOf(e)
	if !ok {
		return
	}
	switch s := subject.(type) {
	case *syntax.Property:
	case *syntax.Path:
		if _, ok := s.Root.(*syntax.Property); !ok || len(s.Steps) != len(p.Path)-1 {
			return
		}
	case *syntax.BuiltIn:
		if s := p.Path[0]; s != "@x" && s != "@tr" && s != "@sp" && s != "@ps" && s != "@sk" {
			return
		}
	default:
		return
	}
	p.Text = t
}
