package syntax

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/fault"
)

// Limits on what is parsed, so that no text exhausts the stack or the machine.
const (
	MaxBytes = 32 << 10 // of text
	MaxDepth = 200      // of brackets, calls, prefixes, ifs, lets and lambdas in each other, of parentheses in each other, of a path's steps
)

// Parse reads an expression. An error is an *Error, or of kind TooLarge if text is over MaxBytes.
func Parse(text string) (Expr, error) {
	p, err := newParser(text, "filter")
	if err != nil {
		return nil, err
	}
	bad := p.advance()
	if bad != nil {
		return nil, bad
	}
	e, bad := p.whole()
	if bad != nil {
		return nil, bad
	}
	return e, nil
}

// newParser checks the text as a whole; what names it in messages.
func newParser(text, what string) (*parser, error) {
	if len(text) > MaxBytes {
		return nil, fault.New(fault.TooLarge, "parse "+what, "the %s has %d bytes", what, len(text)).
			WithHint("a %s has at most %d bytes", what, MaxBytes)
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			return nil, ErrorAt(text, Pos(i), "", "the byte 0x%02x is not UTF-8", text[i])
		}
		i += n
	}
	return &parser{lexer: lexer{text: text, what: what}}, nil
}

// A parser is a Pratt parser with one token of look-ahead.
type parser struct {
	lexer
	tok    token    // the next token
	locals []string // names bound around it, inner ones last
	// How deep the parser is. Parentheses that Print may add, those around `not`, `if` and `let`, do not count, so that
	// what is printed is never deeper than what was parsed.
	depth, groups int
}

// whole reads an expression up to the end; the first token is the next.
func (p *parser) whole() (Expr, *Error) {
	if p.tok.kind == tokEnd {
		return nil, p.fail("", "the %s is empty", p.what)
	}
	e, err := p.whereCondition()
	if err == nil && p.tok.kind != tokEnd {
		return nil, p.unexpectedAfter()
	}
	return e, err
}

// whereCondition reads an expression that may be text in double quotes.
func (p *parser) whereCondition() (Expr, *Error) {
	e, err := p.expr(precOr)
	if err != nil {
		return nil, err
	}
	return e, p.condition(e)
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

// unexpectedAfter is the error for a token that cannot follow a complete expression.
func (p *parser) unexpectedAfter() *Error {
	if p.strangeInfix() {
		for _, s := range strangeInfixes {
			if strings.EqualFold(p.tok.text, s.text) {
				return p.fail(s.here, "unexpected %s: %s", p.tok.describe(), s.what)
			}
		}
	}
	before := strings.ToLower(strings.TrimSpace(p.text[:p.tok.pos]))
	switch {
	case p.tok.kind == tokString && strings.HasSuffix(before, "interval"):
		return p.fail("", "unexpected %s: a duration is written `1h`, without quotes", p.tok.describe())
	case p.tok.kind == tokString && (strings.HasSuffix(before, "timestamp") || strings.HasSuffix(before, "date")):
		return p.fail("", "unexpected %s: a time is written `DateTime(%s)`", p.tok.describe(), p.tok.text)
	case p.tok.kind == tokWord && p.tok.keyword == "":
		return p.fail(Nearest(p.tok.text, []string{"and", "or", "not", "like", "in", "is", "ci"}),
			"unexpected %s: expected an operator, such as `and` or `=`, or the end", p.tok.describe())
	case p.tok.keyword == "ci":
		return p.fail("", "unexpected `ci`: it follows a comparison or a function call")
	}
	return p.fail("", "unexpected %s: expected an operator or the end", p.tok.describe())
}

// strangeInfix says whether the next token is one of strangeInfixes.
func (p *parser) strangeInfix() bool {
	return p.tok.kind != tokString && p.tok.kind != tokText && slices.ContainsFunc(strangeInfixes[:], func(s stranger) bool { return strings.EqualFold(p.tok.text, s.text) })
}

// nested runs read one level deeper, by the measure of level.
func (p *parser) nested(level *int, read func() (Expr, *Error)) (Expr, *Error) {
	if *level >= MaxDepth {
		return nil, p.fail("", "the %s nests deeper than %d levels", p.what, MaxDepth)
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
		if err := p.condition(l.Terms[len(l.Terms)-1]); err != nil {
			return nil, err
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
	return l, p.condition(l.Terms[len(l.Terms)-1])
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
	if p.tok.isWord("undefined") || p.tok.isWord("defined") || p.tok.isWord("missing") {
		test := "Has(" + Print(of) + ")"
		if p.tok.isWord("defined") == e.Not {
			test = "not " + test
		}
		return nil, p.fail("", "unexpected %s: write `%s`; `is null` is true of null and of what is not there", p.tok.describe(), test)
	}
	if p.tok.keyword == "true" || p.tok.keyword == "false" {
		return nil, p.fail("", "unexpected %s: compare with `= %s`", p.tok.describe(), p.tok.keyword)
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
	open := p.tok
	var err *Error
	if e.Right, err = p.expr(ops[op].prec + 1); err != nil {
		if (e.Op == In || e.Op == NotIn) && open.is("(") && p.tok.is(",") {
			return nil, ErrorAt(p.text, open.pos, "", "a list is written in brackets: `in [1, 2]`")
		}
		return nil, err
	}
	if e.Op == In || e.Op == NotIn {
		switch e.Right.(type) {
		case *String, *Number:
			if open.is("(") {
				return nil, ErrorAt(p.text, open.pos, "["+Print(e.Right)+"]", "a list is written in brackets: `in [1, 2]`")
			}
		}
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

// value refuses what is no value: text in double quotes, regular expressions and lambdas.
func (p *parser) value(e Expr) *Error {
	if e, ok := e.(*Text); ok {
		return ErrorAt(p.text, e.Pos, quote(e.Value, '\''), "text in double quotes searches message and exception; a string is written in single quotes")
	}
	return p.condition(e)
}

// condition refuses what is neither value nor text in double quotes.
func (p *parser) condition(e Expr) *Error {
	switch e := e.(type) {
	case *Regex:
		return ErrorAt(p.text, e.Pos, "", "a regular expression can only stand on the right of `=` and `<>`, or as the pattern of a text function")
	case *Lambda:
		return ErrorAt(p.text, e.Pos, "", "a lambda can only stand as an argument of a function, as in `Some(Items, |x| x > 1)`")
	}
	return nil
}
