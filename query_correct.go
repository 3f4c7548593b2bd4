package stele

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CorrectQuery returns the query that text was probably meant to be: with what the errors of ParseQuery suggest in the places that they point at. It is ""
// if text is a query, or if that does not make one of it.
func CorrectQuery(text string) string {
	const most = 8 // mistakes
	for range most {
		_, err := ParseQuery(text)
		at, ok := errors.AsType[*FilterError](err)
		if !ok || at.Suggestion == "" {
			return ""
		}
		better, whole := correct(text, at)
		if better == "" || whole {
			return better
		}
		text = better
	}
	return ""
}

// correct puts the suggestion in the place of what stands at the error. whole: that makes a query; otherwise the next mistake is elsewhere. It is "" if
// neither is so.
func correct(text string, at *FilterError) (better string, whole bool) {
	for _, n := range wordLengths(text[at.Offset:]) {
		changed := text[:at.Offset] + at.Suggestion + text[at.Offset+n:]
		_, err := ParseQuery(changed)
		if err == nil {
			return changed, true
		}
		next, ok := errors.AsType[*FilterError](err)
		if ok && better == "" && (next.Offset < at.Offset || next.Offset >= at.Offset+len(at.Suggestion)) {
			better = changed
		}
	}
	return better, false
}

// wordLengths are how long what text begins with may be, the likeliest first.
func wordLengths(text string) []int {
	if text == "" {
		return []int{0}
	}
	first, size := utf8.DecodeRuneInString(text)
	inWord := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '@' || r == '$'
	}
	switch {
	case first == '"' || first == '\'' || first == '`':
		if end := strings.IndexRune(text[size:], first); end >= 0 {
			return []int{size + end + size}
		}
		return []int{len(text)}
	case inWord(first):
		n := strings.IndexFunc(text, func(r rune) bool { return !inWord(r) })
		if n < 0 {
			n = len(text)
		}
		return []int{n, 0}
	}
	n := strings.IndexFunc(text, func(r rune) bool { return inWord(r) || unicode.IsSpace(r) || strings.ContainsRune("()[]{}'\",", r) })
	if n < 0 {
		n = len(text)
	}
	var lengths []int
	for n = min(n, 3); n > 0; n-- {
		if utf8.RuneStart(text[min(n, len(text)-1)]) || n == len(text) {
			lengths = append(lengths, n)
		}
	}
	return append(lengths, size, 0)
}
