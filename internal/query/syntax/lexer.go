package syntax

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd  tokenKind = iota
	tokWord           // identifier or keyword
	tokBuiltIn
	tokVariable
	tokNumber
	tokString
	tokText
	tokRegex
	tokSymbol // an operator or delimiter; token.text is it
)

// A token is a piece of the text. value is what a quoted token means, or at the end what ends; keyword is a word in lower
// case if it is reserved.
type token struct {
	kind    tokenKind
	pos     Pos
	text    string
	value   string
	keyword string
}

func (t token) is(symbol string) bool { return t.kind == tokSymbol && t.text == symbol }

// isWord says whether the token is this word, which need not be reserved, in any case.
func (t token) isWord(word string) bool {
	return t.kind == tokWord && len(t.text) == len(word) && strings.EqualFold(t.text, word)
}

// describe names the token in messages.
func (t token) describe() string {
	if t.kind == tokEnd {
		return "end of the " + t.value
	}
	s := t.text
	if len(s) > 40 {
		s = strings.ToValidUTF8(s[:40], "") + "…"
	}
	return "`" + s + "`"
}

var keywords = []string{"and", "ci", "else", "false", "if", "in", "is", "like", "not", "null", "or", "then", "true"}

// keyword returns the reserved word that word is, in lower case, or "".
func keyword(word string) string {
	if len(word) > 5 {
		return ""
	}
	for _, k := range keywords {
		if strings.EqualFold(word, k) {
			// EqualFold folds ſ and K (Kelvin) too; keywords are ASCII.
			if len(word) == len(k) {
				return k
			}
		}
	}
	return ""
}

// symbols are the operators and delimiters; where one is the beginning of another, the longer comes first.
var symbols = [...]string{"<=", "<>", "<", ">=", ">", "=", "+", "-", "*", "/", "%", "^", "(", ")", "[", "]", "{", "}", ",", ".", ":", "?", "|"}

// A stranger is what other languages have, with what it is here, "" if that is not one word, and what to say of it.
type stranger struct{ text, here, what string }

// strangers are what people write who come from other languages, with what it is here.
var strangers = [...]stranger{
	{"===", "=", "equality is written `=`"},
	{"==", "=", "equality is written `=`"},
	{"=~", "=", "a regular expression is matched with `= /pattern/`"},
	{"=>", ">=", "the operator is written `>=`, and a lambda `|x| x > 1`"},
	{"=<", "<=", "the operator is written `<=`"},
	{"!==", "<>", "inequality is written `<>`"},
	{"!=", "<>", "inequality is written `<>`"},
	{"!", "not", "negation is written `not`"},
	{"&&", "and", "conjunction is written `and`"},
	{"&", "and", "conjunction is written `and`"},
	{"||", "or", "disjunction is written `or`, and texts are joined with `Concat(A, B)`"},
	{";", "", "a query ends without it"},
	{"??", "", "the first value that is not null is `Coalesce(A, B)`"},
	{"~", "=", "a regular expression is matched with `= /pattern/`"},
	{"`", "'", "strings are written in single quotes"},
}

// strangeInfixes are the like between two operands, where this language has words and signs of another meaning.
var strangeInfixes = [...]stranger{
	{"contains", "", "text inside is found with `Contains(X, 'text')` or `X like '%text%'`"},
	{"startswith", "", "a beginning is found with `StartsWith(X, 'text')` or `X like 'text%'`"},
	{"endswith", "", "an ending is found with `EndsWith(X, 'text')` or `X like '%text'`"},
	{"between", "", "a range is written `X >= 1 and X <= 5`"},
	{"matches", "=", "a regular expression is matched with `= /pattern/`"},
	{"ilike", "like", "without regard to case it is `X like '%text%' ci`"},
	{"rlike", "=", "a regular expression is matched with `= /pattern/`"},
	{"regexp", "=", "a regular expression is matched with `= /pattern/`"},
	{"has", "", "text inside is found with `Contains(X, 'text')`, and `Has(X)` says whether X is there"},
	{"exists", "", "`Has(X)` says whether X is there"},
	{"when", "", "a conditional is `if X then 1 else 2`"},
	{"?", "", "a conditional is `if X then 1 else 2`"},
	{":", "=", "equality is written `=`"},
	{"|", "or", "disjunction is written `or`"},
}

type lexer struct {
	text string
	what string // "filter" or "query", for messages
	off  int
	prev token // decides whether / divides or opens a regular expression
}

func (l *lexer) errorAt(pos int, suggestion, format string, args ...any) *Error {
	return ErrorAt(l.text, Pos(pos), suggestion, format, args...)
}

// next returns the next token; tokEnd for ever at the end.
func (l *lexer) next() (token, *Error) {
	l.skipBlank()
	t, err := l.scan()
	if err != nil {
		return token{}, err
	}
	l.off = int(t.pos) + len(t.text)
	l.prev = t
	return t, nil
}

// skipBlank passes white space and comments: -- to the end of the line.
func (l *lexer) skipBlank() {
	for l.off < len(l.text) {
		if strings.HasPrefix(l.text[l.off:], "--") {
			end := strings.IndexByte(l.text[l.off:], '\n')
			if end < 0 {
				l.off = len(l.text)
				return
			}
			l.off += end + 1
			continue
		}
		r, n := utf8.DecodeRuneInString(l.text[l.off:])
		if !unicode.IsSpace(r) && r != '\ufeff' {
			return
		}
		l.off += n
	}
}

func (l *lexer) scan() (token, *Error) {
	rest := l.text[l.off:]
	t := token{pos: Pos(l.off)}
	if rest == "" {
		t.value = l.what
		return t, nil
	}
	switch c := rest[0]; {
	case c == '\'':
		return l.quoted(tokString, '\'', "string")
	case c == '"':
		return l.quoted(tokText, '"', "text")
	case c >= '0' && c <= '9':
		return l.number()
	case c == '/' && l.operandMayStart():
		return l.regex()
	case c == '@':
		n := wordAt(rest[1:], true)
		if n == 0 {
			if strings.HasPrefix(rest, `@"`) {
				return t, l.errorAt(l.off, `"`, "`@` before text in double quotes is not supported")
			}
			return t, l.errorAt(l.off, "", "`@` must be followed by the name of a built-in, such as @Level")
		}
		t.kind, t.text = tokBuiltIn, rest[:1+n]
		return t, nil
	case c == '$':
		n := wordAt(rest[1:], true)
		if n == 0 {
			return t, l.errorAt(l.off, "", "`$` must be followed by the name of a variable")
		}
		t.kind, t.text = tokVariable, rest[:1+n]
		return t, nil
	case strings.HasPrefix(rest, "||") && l.operandMayStart(): // the names of a lambda that has none
		t.kind, t.text = tokSymbol, "|"
		return t, nil
	}
	if n := wordAt(rest, false); n > 0 {
		t.kind, t.text = tokWord, rest[:n]
		if !l.prev.is(".") { // after a dot every word is a name
			t.keyword = keyword(t.text)
		}
		return t, nil
	}
	for _, s := range strangers {
		if strings.HasPrefix(rest, s.text) {
			return t, l.errorAt(l.off, s.here, "unexpected `%s`: %s", s.text, s.what)
		}
	}
	for _, s := range symbols {
		if strings.HasPrefix(rest, s) {
			t.kind, t.text = tokSymbol, s
			return t, nil
		}
	}
	r, n := utf8.DecodeRuneInString(rest)
	if unicode.IsPrint(r) {
		return t, l.errorAt(l.off, "", "unexpected `%s`", rest[:n])
	}
	return t, l.errorAt(l.off, "", "unexpected character %U", r)
}

// wordAt returns the length of the identifier that s begins with. digitFirst: it may begin with a digit.
func wordAt(s string, digitFirst bool) int {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (!unicode.IsDigit(r) || i == 0 && !digitFirst) {
			return i
		}
	}
	return len(s)
}

// IsIdentifier says whether s can be written as a bare name.
func IsIdentifier(s string) bool {
	return s != "" && wordAt(s, false) == len(s) && keyword(s) == ""
}

// quoted reads a string or a text. The quote is escaped by doubling; in a text also by a backslash, which
// escapes itself as well and is otherwise an ordinary character.
func (l *lexer) quoted(kind tokenKind, quote byte, what string) (token, *Error) {
	rest := l.text[l.off:]
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == quote && i+1 < len(rest) && rest[i+1] == quote,
			kind == tokText && c == '\\' && i+1 < len(rest) && (rest[i+1] == quote || rest[i+1] == '\\'):
			i++
			b.WriteByte(rest[i])
		case c == quote:
			return token{kind: kind, pos: Pos(l.off), text: rest[:i+1], value: b.String()}, nil
		default:
			b.WriteByte(c)
		}
	}
	return token{}, l.errorAt(len(l.text), "", "the %s that begins at column %d has no closing `%c`",
		what, l.errorAt(l.off, "", "").Column, quote)
}

func (l *lexer) number() (token, *Error) {
	rest := l.text[l.off:]
	n := digitsAt(rest)
	if strings.HasPrefix(rest, "0x") {
		for n = 2; n < len(rest) && strings.IndexByte("0123456789abcdefABCDEF", rest[n]) >= 0; n++ {
		}
		if n == 2 {
			return token{}, l.errorAt(l.off+2, "", "a hexadecimal number needs digits after `0x`")
		}
	} else if n+1 < len(rest) && rest[n] == '.' && digitsAt(rest[n+1:]) > 0 {
		n += 1 + digitsAt(rest[n+1:])
	} else {
		for end := n; end > 0; {
			_, width := unitAt(rest[end:])
			if width == 0 {
				break
			}
			n = end + width // 1d2: the digits after a unit count only if a unit follows them
			more := digitsAt(rest[n:])
			if more == 0 {
				break
			}
			end = n + more
		}
	}
	if extra := wordAt(rest[n:], true); extra > 0 {
		if c := rest[n]; (c == 'e' || c == 'E') && (extra == 1 || digitsAt(rest[n+1:]) == extra-1) {
			return token{}, l.errorAt(l.off+n, "", "unexpected `%s` after a number: numbers have no exponents", rest[n:n+extra])
		}
		return token{}, l.errorAt(l.off+n, "", "unexpected `%s` after a number: units are d, h, m, s, ms, us, ns", rest[n:n+extra])
	}
	t := token{kind: tokNumber, pos: Pos(l.off), text: rest[:n]}
	if _, ok := (&Number{Text: t.text}).Decimal(); !ok {
		return t, l.errorAt(l.off, "", "the number %s is too large: numbers are below 2 to the power of 96", t.describe())
	}
	return t, nil
}

// operandMayStart: / opens a regular expression at the start, after an operator that wants a value, and after an opening delimiter.
func (l *lexer) operandMayStart() bool {
	switch l.prev.kind {
	case tokEnd:
		return true
	case tokWord:
		switch l.prev.keyword {
		case "and", "or", "not", "like", "in", "is", "if", "then", "else":
			return true
		}
	case tokSymbol:
		switch l.prev.text {
		case "(", "[", ",", "=", "<>", ">", ">=", "<", "<=", ":", "|":
			return true
		}
	}
	return false
}

// regex reads /source/; \/ is a slash, every other escape is the regular expression's own.
func (l *lexer) regex() (token, *Error) {
	rest := l.text[l.off:]
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch {
		case rest[i] == '\\' && i+1 < len(rest):
			if i++; rest[i] != '/' {
				b.WriteByte('\\')
			}
			b.WriteByte(rest[i])
		case rest[i] == '/':
			return token{kind: tokRegex, pos: Pos(l.off), text: rest[:i+1], value: b.String()}, nil
		default:
			b.WriteByte(rest[i])
		}
	}
	return token{}, l.errorAt(l.off, "", "the regular expression that begins here has no closing `/`")
}
