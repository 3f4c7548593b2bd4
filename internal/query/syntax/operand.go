package syntax

import (
	"slices"
	"strings"
)

// Operands: prefixes, atoms and paths, and the lists within them.

// operand reads prefix operators and an atom with the path after it.
func (p *parser) operand() (Expr, *Error) {
	pos := p.tok.pos
	switch {
	case p.tok.is("-"):
		of, err := p.afterPrefix(precUnary)
		if err != nil {
			return nil, err
		}
		return &Unary{Pos: pos, Op: Negate, Of: of}, p.value(of)
	case p.tok.keyword == "not":
		of, err := p.afterPrefix(precCompare)
		if err != nil {
			return nil, err
		}
		return &Unary{Pos: pos, Op: Not, Of: of}, p.condition(of)
	case p.tok.keyword == "if":
		return p.nested(&p.depth, p.conditional)
	case p.tok.is("|"):
		return p.nested(&p.depth, p.lambda)
	}
	root, err := p.atom()
	if err != nil {
		return nil, err
	}
	return p.path(root)
}

// afterPrefix reads the operand of the prefix that is the next token.
func (p *parser) afterPrefix(prec int) (Expr, *Error) {
	return p.nested(&p.depth, func() (Expr, *Error) { return p.afterToken(prec) })
}

// afterToken passes the next token and reads an expression.
func (p *parser) afterToken(prec int) (Expr, *Error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	return p.expr(prec)
}

// group reads the inside of parentheses.
func (p *parser) group() (Expr, *Error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	inside := func() (Expr, *Error) { return p.expr(precOr) }
	if p.tok.keyword == "not" || p.tok.keyword == "if" || p.tok.isWord("let") {
		return inside()
	}
	return p.nested(&p.groups, inside)
}

func (p *parser) conditional() (Expr, *Error) {
	e := &If{Pos: p.tok.pos}
	for _, part := range [...]struct {
		word string
		to   *Expr
	}{{"if", &e.Cond}, {"then", &e.Then}, {"else", &e.Else}} {
		if p.tok.keyword != part.word {
			return nil, p.fail("", "unexpected %s: expected `%s`: a conditional is `if … then … else …`", p.tok.describe(), part.word)
		}
		open := p.off
		x, err := p.afterToken(precOr)
		if err != nil {
			if part.word == "if" && p.tok.is(",") && strings.HasPrefix(strings.TrimSpace(p.text[open:]), "(") {
				return nil, ErrorAt(p.text, e.Pos, "", "a conditional is `if X then 1 else 2`")
			}
			return nil, err
		}
		if err := p.condition(x); err != nil {
			return nil, err
		}
		*part.to = x
	}
	return e, nil
}

// path reads the steps that follow root.
func (p *parser) path(root Expr) (Expr, *Error) {
	var steps []Step
	pos := root.At()
	if inner, ok := root.(*Path); ok { // (A.B).C is A.B.C
		root, steps = inner.Root, inner.Steps
	}
	had := len(steps)
	for {
		var s Step
		switch {
		case p.tok.is("."):
			if err := p.advance(); err != nil {
				return nil, err
			}
			if p.tok.kind != tokWord {
				return nil, p.fail("", "unexpected %s: expected a name after `.`", p.tok.describe())
			}
			s.Name = p.tok.text
			if err := p.advance(); err != nil {
				return nil, err
			}
		case p.tok.is("["):
			var err *Error
			if s, err = p.index(); err != nil {
				return nil, err
			}
		default:
			if len(steps) == 0 {
				return root, nil
			}
			return &Path{Pos: pos, Root: root, Steps: steps}, nil
		}
		if len(steps) == had {
			if err := p.value(root); err != nil {
				return nil, err
			}
		}
		if len(steps) >= MaxDepth {
			return nil, p.fail("", "the path has more than %d steps", MaxDepth)
		}
		steps = append(steps, s)
	}
}

func (p *parser) index() (Step, *Error) {
	if err := p.advance(); err != nil {
		return Step{}, err
	}
	s := Step{Kind: Index}
	switch {
	case p.tok.is("?"):
		s.Kind = Any
	case p.tok.is("*"):
		s.Kind = All
	case p.tok.is("]"):
		return s, p.fail("?", "unexpected `]`: `[?]` is any element, `[*]` every element, `[0]` the first")
	}
	if s.Kind != Index {
		if err := p.advance(); err != nil {
			return s, err
		}
		return s, p.expect("]", "after the wildcard")
	}
	at, err := p.nested(&p.depth, func() (Expr, *Error) { return p.expr(precOr) })
	if err != nil {
		return s, err
	}
	if err := p.value(at); err != nil {
		return s, err
	}
	s.At = at
	return s, p.expect("]", "to close the index")
}

// atom reads a literal, a name, a call, an array, an object or a group.
func (p *parser) atom() (Expr, *Error) {
	t := p.tok
	switch t.kind {
	case tokNumber:
		return &Number{t.pos, t.text}, p.advance()
	case tokString:
		return &String{t.pos, t.value}, p.advance()
	case tokText:
		return &Text{t.pos, t.value}, p.advance()
	case tokRegex:
		return &Regex{t.pos, t.value}, p.advance()
	case tokBuiltIn:
		return &BuiltIn{t.pos, t.text[1:]}, p.advance()
	case tokVariable:
		return &Variable{t.pos, t.text[1:]}, p.advance()
	case tokWord:
		return p.word()
	}
	switch {
	case t.is("("):
		e, err := p.group()
		if err != nil {
			return nil, err
		}
		if err := p.condition(e); err != nil {
			return nil, err
		}
		return e, p.expect(")", "to close the group")
	case t.is("["):
		items, err := p.list(&p.depth, "]", "in the array", false)
		return &Array{t.pos, items}, err
	case t.is("{"):
		return p.object()
	}
	return nil, p.fail("", "unexpected %s: expected a value or a condition", t.describe())
}

func (p *parser) word() (Expr, *Error) {
	t := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch t.keyword {
	case "null":
		return &Null{t.pos}, nil
	case "true", "false":
		return &Bool{t.pos, t.keyword == "true"}, nil
	case "and", "or": // and(a, b), the form of a function
		if p.tok.is("(") {
			terms, err := p.list(&p.groups, ")", "in the call", false)
			if err != nil {
				return nil, err
			}
			if len(terms) < 2 {
				return nil, ErrorAt(p.text, t.pos, "", "`%s(…)` takes two arguments or more", t.keyword)
			}
			op := And
			if t.keyword == "or" {
				op = Or
			}
			return &Logic{t.pos, op, terms}, nil
		}
	case "":
		switch {
		case p.tok.is("|") && t.isWord("let"):
			return p.nested(&p.depth, func() (Expr, *Error) { return p.let(t.pos) })
		case !p.tok.is("(") && slices.Contains(p.locals, t.text):
			return &Local{t.pos, t.text}, nil
		case !p.tok.is("("):
			return &Property{t.pos, t.text}, nil
		}
		args, err := p.list(&p.depth, ")", "in the call of "+t.text, true)
		if err != nil {
			return nil, err
		}
		c := &Call{Pos: t.pos, Name: t.text, Args: args}
		if p.tok.keyword == "ci" {
			c.CI = true
			return c, p.advance()
		}
		return c, nil
	}
	return nil, ErrorAt(p.text, t.pos, "", "unexpected `%s`: expected a value or a condition; a property of that name is written @Properties['%s']", t.text, t.text)
}

// list reads items up to the closing symbol; the next token is the opening one. Regular expressions, lambdas and the star
// of count(*) are arguments of a call alone.
func (p *parser) list(level *int, closing, within string, call bool) ([]Expr, *Error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	if star := p.tok; call && star.is("*") {
		if err := p.advance(); err != nil {
			return nil, err
		}
		return []Expr{&Star{star.pos}}, p.expect(closing, "after `*`")
	}
	var items []Expr
	for !p.tok.is(closing) {
		if len(items) > 0 {
			if !p.tok.is(",") {
				if last, ok := items[len(items)-1].(*Property); ok && call && strings.EqualFold(last.Name, "distinct") && p.tok.kind != tokEnd {
					return nil, ErrorAt(p.text, last.Pos, "distinct("+p.tok.text+")", "unexpected %s: distinct values are counted with `count(distinct(X))`", p.tok.describe())
				}
				if last, ok := items[len(items)-1].(*Property); ok && strings.EqualFold(last.Name, "case") && p.tok.kind != tokEnd {
					return nil, ErrorAt(p.text, last.Pos, "", "a conditional is `if X then 1 else 2`")
				}
				return nil, p.fail("", "unexpected %s: expected `,` or `%s` %s", p.tok.describe(), closing, within)
			}
			if err := p.advance(); err != nil {
				return nil, err
			}
		}
		e, err := p.nested(level, func() (Expr, *Error) { return p.expr(precOr) })
		if err != nil {
			return nil, err
		}
		switch e.(type) {
		case *Regex, *Lambda:
			if !call {
				return nil, p.condition(e)
			}
		default:
			if err := p.value(e); err != nil {
				return nil, err
			}
		}
		items = append(items, e)
	}
	return items, p.advance()
}

func (p *parser) object() (Expr, *Error) {
	o := &Object{Pos: p.tok.pos}
	if err := p.advance(); err != nil {
		return nil, err
	}
	for !p.tok.is("}") {
		if len(o.Members) > 0 {
			if err := p.expect(",", "or `}` in the object"); err != nil {
				return nil, err
			}
		}
		var m Member
		switch {
		case p.tok.kind == tokWord:
			m.Name = p.tok.text
		case p.tok.kind == tokString:
			m.Name = p.tok.value
		default:
			return nil, p.fail("", "unexpected %s: expected the name of a member", p.tok.describe())
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		if err := p.expect(":", "after the member's name"); err != nil {
			return nil, err
		}
		var err *Error
		if m.Value, err = p.nested(&p.depth, func() (Expr, *Error) { return p.expr(precOr) }); err != nil {
			return nil, err
		}
		if err := p.value(m.Value); err != nil {
			return nil, err
		}
		o.Members = append(o.Members, m)
	}
	return o, p.advance()
}

// lambda reads |names| body; names may be missing.
func (p *parser) lambda() (Expr, *Error) {
	l := &Lambda{Pos: p.tok.pos}
	if err := p.advance(); err != nil {
		return nil, err
	}
	for !p.tok.is("|") {
		if len(l.Params) > 0 {
			if err := p.expect(",", "or `|` after the name of a lambda's argument"); err != nil {
				return nil, err
			}
		}
		if slices.Contains(l.Params, p.tok.text) {
			return nil, p.fail("", "two arguments of the lambda are called %s", p.tok.describe())
		}
		name, err := p.localName("the name of a lambda's argument, as in `|x| x > 1`")
		if err != nil {
			return nil, err
		}
		l.Params = append(l.Params, name)
	}
	outer := len(p.locals)
	p.locals = append(p.locals, l.Params...)
	var err *Error
	l.Body, err = p.afterToken(precOr)
	p.locals = p.locals[:outer]
	if err != nil {
		return nil, err
	}
	return l, p.condition(l.Body)
}

// let reads |a: 1, b: a + 1| body.
func (p *parser) let(pos Pos) (Expr, *Error) {
	l := &Let{Pos: pos}
	outer := len(p.locals)
	defer func() { p.locals = p.locals[:outer] }()
	for {
		if err := p.advance(); err != nil { // the | or the comma
			return nil, err
		}
		name, err := p.localName("a name, as in `let |a: 1, b: a + 1| b`")
		if err != nil {
			return nil, err
		}
		if err := p.expect(":", "after the name"); err != nil {
			return nil, err
		}
		e, err := p.expr(precOr)
		if err != nil {
			return nil, err
		}
		if err := p.value(e); err != nil {
			return nil, err
		}
		l.Bindings = append(l.Bindings, Member{name, e})
		p.locals = append(p.locals, name)
		if !p.tok.is(",") {
			break
		}
	}
	if !p.tok.is("|") {
		return nil, p.fail("", "unexpected %s: expected `,` or `|` after the value of %s", p.tok.describe(), l.Bindings[len(l.Bindings)-1].Name)
	}
	var err *Error
	if l.Body, err = p.afterToken(precOr); err != nil {
		return nil, err
	}
	return l, p.condition(l.Body)
}

// localName reads a name that a let or a lambda binds; not let, because `let |` begins another.
func (p *parser) localName(expected string) (string, *Error) {
	t := p.tok
	if t.kind != tokWord || t.keyword != "" || t.isWord("let") {
		return "", p.fail("", "unexpected %s: expected %s", t.describe(), expected)
	}
	return t.text, p.advance()
}
