package exec

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
)

// Functions of text. Characters are Unicode code points (a lone surrogate counts as one); positions count from 0.

// textPair returns the first two arguments if both are strings, folded if ci. With a regular expression the second is "".
func (c *call) textPair(e *env) (text, sub string, ok bool) {
	if c.args[0].Kind != event.String {
		return "", "", false
	}
	text = c.args[0].Text
	if !e.spend(len(text)/64 + 1) {
		return "", "", false
	}
	if c.regex != nil {
		return text, "", c.regex.afford(e, text)
	}
	if c.args[1].Kind != event.String {
		return "", "", false
	}
	if sub = c.args[1].Text; c.ci {
		return fold(text), fold(sub), true
	}
	return text, sub, true
}

// textTest makes a predicate of two texts.
func textTest(e *env, c *call, plain func(text, sub string) bool) value {
	text, sub, ok := c.textPair(e)
	if !ok {
		return undefined
	}
	if c.regex != nil {
		return boolOf(c.regex.MatchString(text))
	}
	return boolOf(plain(text, sub))
}

func containsText(e *env, c *call) value { return textTest(e, c, strings.Contains) }
func startsWith(e *env, c *call) value   { return textTest(e, c, strings.HasPrefix) }
func endsWith(e *env, c *call) value     { return textTest(e, c, strings.HasSuffix) }

func indexOf(e *env, c *call) value {
	text, sub, ok := c.textPair(e)
	if !ok {
		return undefined
	}
	at := -1
	if c.regex == nil {
		at = strings.Index(text, sub)
	} else if found := c.regex.FindStringIndex(text); found != nil {
		at = found[0]
	}
	if at < 0 {
		return intOf(-1)
	}
	return intOf(textLength(text[:at])) // folding keeps the number of characters
}

// lastIndexOf: folding keeps the number of characters.
func lastIndexOf(e *env, c *call) value {
	text, sub, ok := c.textPair(e)
	if !ok {
		return undefined
	}
	at := strings.LastIndex(text, sub)
	if at < 0 {
		return intOf(-1)
	}
	return intOf(textLength(text[:at]))
}

func length(_ *env, c *call) value {
	switch v := &c.args[0]; v.Kind {
	case event.String:
		return intOf(textLength(v.Text))
	case event.Array:
		return intOf(len(v.Items))
	}
	return undefined
}

// substring is undefined if start is outside the text; a length that is missing, null, or too large means to the end.
func substring(_ *env, c *call) value {
	text := &c.args[0]
	start, ok := c.args[1].int()
	if !ok || start < 0 || text.Kind != event.String {
		return undefined
	}
	from := skipChars(text.Text, 0, start)
	if from >= len(text.Text) {
		return undefined
	}
	switch n := &c.args[2]; n.Kind {
	case event.Null, event.Undefined:
		return stringOf(text.Text[from:])
	default:
		d, ok := n.decimal()
		if !ok || d.Neg {
			return undefined
		}
		count, ok := n.int()
		if !ok {
			if d.Normalized().Scale > 0 {
				return undefined
			}
			count = len(text.Text)
		}
		return stringOf(text.Text[from:skipChars(text.Text, from, count)])
	}
}

// skipChars returns the offset n characters after from, at most the end.
func skipChars(s string, from, n int) int {
	for ; n > 0 && from < len(s); n-- {
		from += charAt(s, from)
	}
	return from
}

func concat(e *env, c *call) value {
	size := 0
	for i := range c.args {
		if c.args[i].Kind != event.String {
			return undefined
		}
		size += len(c.args[i].Text)
	}
	if !e.grow(size) {
		return undefined
	}
	var b strings.Builder
	b.Grow(size)
	for i := range c.args {
		b.WriteString(c.args[i].Text)
	}
	return stringOf(b.String())
}

func toLower(e *env, c *call) value { return mapped(e, &c.args[0], unicode.ToLower) }
func toUpper(e *env, c *call) value { return mapped(e, &c.args[0], unicode.ToUpper) }

// mapped applies f to each character but lone surrogates.
func mapped(e *env, v *value, f func(rune) rune) value {
	if v.Kind != event.String || !e.grow(len(v.Text)) {
		return undefined
	}
	out := make([]byte, 0, len(v.Text))
	for i := 0; i < len(v.Text); {
		r, n := utf8.DecodeRuneInString(v.Text[i:])
		if r == utf8.RuneError && n == 1 {
			out = append(out, v.Text[i])
		} else {
			out = utf8.AppendRune(out, f(r))
		}
		i += n
	}
	return stringOf(string(out))
}

// toNumber reads a decimal number, with a sign and blanks around it if they are there.
func toNumber(_ *env, c *call) value {
	v := &c.args[0]
	if v.Kind != event.String {
		return undefined
	}
	s := strings.TrimSpace(v.Text)
	neg := strings.HasPrefix(s, "-")
	s = s[signLength(s):]
	if s == "" || s[0] < '0' || s[0] > '9' {
		return undefined
	}
	// Leading zeros are no JSON.
	if s = strings.TrimLeft(s, "0"); s == "" || s[0] < '0' || s[0] > '9' {
		s = "0" + s
	}
	d, ok := event.ParseDecimal(s)
	if !ok {
		return undefined
	}
	if neg {
		d = negate(d)
	}
	return decimalOf(d)
}

func signLength(s string) int {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return 1
	}
	return 0
}
