package syntax

import (
	"strings"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/fault"
)

// Limits on what is parsed, so that no text exhausts the stack or the machine.
const (
	MaxBytes = 32 << 10 // of text
	MaxDepth = 200      // of brackets, calls, prefixes and ifs in each other, of parentheses in each other, of a path's steps
)

// Parse reads an expression. An error is an *Error, or of kind TooLarge if text is over MaxBytes.
func Parse(text string) (Expr, error) {
	if len(text) > MaxBytes {
		return nil, fault.New(fault.TooLarge, "parse filter", "the filter has %d bytes", len(text)).
			WithHint("a filter has at most %d bytes", MaxBytes)
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			return nil, ErrorAt(text, Pos(i), "", "the byte 0x%02x is not UTF-8", text[i])
		}
		i += n
	}
	p := parser{lexer: lexer{text: text}}
	e, err := p.whole()
	if err != nil {
		return nil, err
	}
	return e, nil
}

// A parser is a Pratt parser with one token of look-ahead.
type parser struct {
	lexer
	tok token // the next token
	// How deep the parser is. Parentheses that Print may add, those around `not` and `if`, do not count, so that
	// what is printed is never deeper than what was parsed.
	depth, groups int
}

func (p *parser) whole() (Expr, *Error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokEnd {
		return nil, p.fail("", "the filter is empty")
	}
	e, err := p.expr(precOr)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.unexpectedAfter()
	}
	if r, ok := e.(*Regex); ok {
		return nil, p.misplacedRegex(r)
	}
	return e, nil
}

func (p *parser) advance() *Error {
	t, err := p.next()
	p.tok = t
	return err
}

// fail points at the next token.
func (p *parser) fail(suggestion, format string, args ...any) *Error {
	return ErrorAt(p.text, p.tok.pos, suggestion, format, args...)
}

func (p *parser) misplacedRegex(r *Regex) *Error {
	return ErrorAt(p.text, r.Pos, "", "a regular expression can only stand on the right of `=` and `<>`, or as the pattern of a text function")
}

// unexpectedAfter is the error for a token that cannot follow a complete expression.
func (p *parser) unexpectedAfter() *Error {
	switch {
	case p.tok.kind == tokWord && p.tok.keyword == "":
		return p.fail(Nearest(p.tok.text, []string{"and", "or", "not", "like", "in", "is", "ci"}),
			"unexpected %s: expected an operator, such as `and` or `=`, or the end", p.tok.describe())
	case p.tok.keyword == "ci":
		return p.fail("", "unexpected `ci`: it follows a comparison or a function call")
	}
	return p.fail("", "unexpected %s: expected an operator or the end", p.tok.describe())
}

// nested runs read one level deeper, by the measure of level.
func (p *parser) nested(level *int, read func() (Expr, *Error)) (Expr, *Error) {
	if *level >= MaxDepth {
		return nil, p.fail("", "the filter nests deeper than %d levels", MaxDepth)
	}
	*level++
	e, err := read()
	*level--
	return e, err
}

func (p *parser) expect(symbol, within string) *Error {
	if !p.tok.is(symbol) {
		return p.fail("", "unexpected %s: expected `%s` %s", p.tok.describe(), symbol, within)
	}
	return p.advance()
}

// expr reads an expression of operators that bind at least as tightly as prec.
func (p *parser) expr(prec int) (Expr, *Error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	for {
		switch {
		case p.tok.keyword == "or" && prec <= precOr:
			left, err = p.logic(left, Or)
		case p.tok.keyword == "and" && prec <= precAnd:
			left, err = p.logic(left, And)
		case p.tok.keyword == "is" && prec <= precIsNull:
			left, err = p.isNull(left)
		default:
			op, ok := p.infix(prec)
			if !ok {
				return left, nil
			}
			left, err = p.binary(left, op)
		}
		if err != nil {
			return nil, err
		}
	}
}

// infix says which binary operator comes next, if it binds at least as tightly as prec. `not` after an
// operand can only begin `not like` or `not in`.
func (p *parser) infix(prec int) (Op, bool) {
	op := Or
	switch p.tok.keyword {
	case "like":
		op = Like
	case "in":
		op = In
	case "not":
		op = NotLike
	}
	if p.tok.kind == tokSymbol {
		for _, o := range [...]Op{Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, Add, Subtract, Multiply, Divide, Remainder, Power} {
			if p.tok.text == ops[o].text {
				op = o
			}
		}
	}
	return op, op != Or && prec <= ops[op].prec
}

func (p *parser) logic(first Expr, op Op) (Expr, *Error) {
	l := &Logic{Pos: p.tok.pos, Op: op, Terms: []Expr{first}}
	for p.tok.keyword == op.String() {
		if r, ok := l.Terms[len(l.Terms)-1].(*Regex); ok {
			return nil, p.misplacedRegex(r)
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		term, err := p.expr(ops[op].prec + 1)
		if err != nil {
			return nil, err
		}
		l.Terms = append(l.Terms, term)
	}
	if r, ok := l.Terms[len(l.Terms)-1].(*Regex); ok {
		return nil, p.misplacedRegex(r)
	}
	return l, nil
}

func (p *parser) isNull(of Expr) (Expr, *Error) {
	e := &IsNull{Pos: p.tok.pos, Of: of}
	if err := p.value(of); err != nil {
		return nil, err
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.keyword == "not" {
		e.Not = true
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if p.tok.keyword != "null" {
		return nil, p.fail("null", "unexpected %s: expected `is null` or `is not null`", p.tok.describe())
	}
	return e, p.advance()
}

func (p *parser) binary(left Expr, op Op) (Expr, *Error) {
	e := &Binary{Pos: p.tok.pos, Op: op, Left: left}
	if err := p.value(left); err != nil {
		return nil, err
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if op == NotLike {
		switch p.tok.keyword {
		case "like":
		case "in":
			e.Op = NotIn
		default:
			suggestion := ""
			if p.tok.keyword == "null" {
				suggestion = "is not null"
			}
			return nil, ErrorAt(p.text, e.Pos, suggestion, "unexpected `not` before %s: expected `not like` or `not in`", p.tok.describe())
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	var err *Error
	if e.Right, err = p.expr(ops[op].prec + 1); err != nil {
		return nil, err
	}
	if _, isRegex := e.Right.(*Regex); !isRegex || op != Equal && op != NotEqual {
		if err := p.value(e.Right); err != nil {
			return nil, err
		}
	}
	if op.IsComparison() && p.tok.keyword == "ci" {
		e.CI = true
		return e, p.advance()
	}
	return e, nil
}

// value refuses what is no value: text in double quotes, and regular expressions.
func (p *parser) value(e Expr) *Error {
	switch e := e.(type) {
	case *Regex:
		return p.misplacedRegex(e)
	case *Text:
		return ErrorAt(p.text, e.Pos, quote(e.Value, '\''), "text in double quotes searches message and exception; a string is written in single quotes")
	}
	return nil
}

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
		if r, ok := of.(*Regex); ok {
			return nil, p.misplacedRegex(r)
		}
		return &Unary{Pos: pos, Op: Not, Of: of}, nil
	case p.tok.keyword == "if":
		return p.nested(&p.depth, p.conditional)
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
	if p.tok.keyword == "not" || p.tok.keyword == "if" {
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
		x, err := p.afterToken(precOr)
		if err != nil {
			return nil, err
		}
		if r, ok := x.(*Regex); ok {
			return nil, p.misplacedRegex(r)
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
	case tokWord:
		return p.word()
	}
	switch {
	case t.is("("):
		e, err := p.group()
		if err != nil {
			return nil, err
		}
		if r, ok := e.(*Regex); ok {
			return nil, p.misplacedRegex(r)
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
		if !p.tok.is("(") {
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

// list reads items up to the closing symbol; the next token is the opening one.
func (p *parser) list(level *int, closing, within string, regexAllowed bool) ([]Expr, *Error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	var items []Expr
	for !p.tok.is(closing) {
		if len(items) > 0 {
			if !p.tok.is(",") {
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
		if _, isRegex := e.(*Regex); !isRegex || !regexAllowed {
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

// quote writes s between quotes, doubling those inside.
func quote(s string, q byte) string {
	one := string(q)
	return one + strings.ReplaceAll(s, one, one+one) + one
}
