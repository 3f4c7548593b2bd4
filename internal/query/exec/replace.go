package exec

import (
	"strings"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
)

// replace: an empty text to replace is no text, and so undefined; an empty match of a regular expression is a match.
func replace(e *env, c *call) value {
	if c.args[0].Kind != event.String || c.args[2].Kind != event.String {
		return undefined
	}
	text, by := c.args[0].Text, c.args[2].Text
	if c.regex != nil {
		return c.regex.replace(e, text, by)
	}
	sub := c.args[1]
	if sub.Kind != event.String || sub.Text == "" || !e.spend(len(text)/64+1) {
		return undefined
	}
	if c.ci {
		return replaceFold(e, text, sub.Text, by)
	}
	if size := len(text) + strings.Count(text, sub.Text)*(len(by)-len(sub.Text)); !e.grow(size) {
		return undefined
	}
	return stringOf(strings.ReplaceAll(text, sub.Text, by))
}

func replaceFold(e *env, text, sub, by string) value {
	if !e.spend((len(text) + 63) / 64 * (len(sub) + 1)) {
		return undefined
	}
	var out []byte
	for i := 0; i < len(text); {
		if n := prefixFold(text[i:], sub); n > 0 {
			out = append(out, by...)
			i += n
		} else {
			n = charAt(text, i)
			out = append(out, text[i:i+n]...)
			i += n
		}
		if len(out) > maxResult {
			return undefined
		}
	}
	if !e.grow(len(out)) {
		return undefined
	}
	return stringOf(string(out))
}

// prefixFold returns the length of what s begins with that equals sub but for case; 0 if it does not.
func prefixFold(s, sub string) int {
	i := 0
	for j := 0; j < len(sub); {
		if i >= len(s) {
			return 0
		}
		x, n := utf8.DecodeRuneInString(s[i:])
		y, m := utf8.DecodeRuneInString(sub[j:])
		if n == 1 && x == utf8.RuneError || m == 1 && y == utf8.RuneError { // bytes that are no UTF-8 are themselves
			if s[i] != sub[j] {
				return 0
			}
			n, m = 1, 1
		} else if x != y && foldRune(x) != foldRune(y) {
			return 0
		}
		i, j = i+n, j+m
	}
	return i
}

// replace puts by in the place of each match. $0 in it is the match, $1 the first group, and so on, $$ a dollar sign; every other
// dollar sign is itself. It is undefined if that takes too long: each match may have looked at all of the text.
func (m *matcher) replace(e *env, text, by string) value {
	cost := len(text)/64*m.size + 1
	most := max(e.steps, 0) / cost
	matches := m.FindAllStringSubmatchIndex(text, most+1)
	if len(matches) > most || !e.spend((len(matches)+1)*cost) {
		return undefined
	}
	var out []byte
	done := 0
	for _, at := range matches {
		out = append(out, text[done:at[0]]...)
		out = m.expand(out, by, text, at)
		if len(out) > maxResult {
			return undefined
		}
		done = at[1]
	}
	out = append(out, text[done:]...)
	if !e.grow(len(out)) {
		return undefined
	}
	return stringOf(string(out))
}

// expand appends by for the match at; at has two positions for each group. A number means as many of its digits as make a group.
func (m *matcher) expand(out []byte, by, text string, at []int) []byte {
	for {
		plain, rest, found := strings.Cut(by, "$")
		out = append(out, plain...)
		if !found {
			return out
		}
		if strings.HasPrefix(rest, "$") {
			out, by = append(out, '$'), rest[1:]
			continue
		}
		group, digits := 0, 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' && group*10+int(rest[digits]-'0') <= m.NumSubexp() {
			group = group*10 + int(rest[digits]-'0')
			digits++
		}
		if digits == 0 {
			out = append(out, '$')
		} else if at[2*group] >= 0 {
			out = append(out, text[at[2*group]:at[2*group+1]]...)
		}
		by = rest[digits:]
	}
}
