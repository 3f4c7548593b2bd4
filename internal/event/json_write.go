package event

import (
	"unicode/utf8"
	"unsafe"
)

// The one form in which Stele writes JSON: no white space, strings with the fewest and shortest escapes.
//
//	"  \            \"  \\
//	08 09 0A 0C 0D  \b \t \n \f \r
//	00..1F, others  \u0000 .. \u001f
//	lone surrogate  \ud800 .. \udfff
//	all else        as it is, in UTF-8

// AppendString appends s (WTF-8) as a JSON string with the shortest escapes: \" \\ \n \r \t \b \f,
// \u00XX for other controls, \udXXX for lone surrogates; all else as it is. A byte that is no WTF-8, which no
// decoded string holds, becomes U+FFFD, so that what is written is always JSON.
func AppendString(dst []byte, s []byte) []byte {
	dst = append(dst, '"')
	for {
		n := scanPlain(s, 0)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"')
		}
		s = s[n:]
		switch c := s[0]; {
		case c < utf8.RuneSelf:
			dst, s = appendEscape(dst, rune(c)), s[1:]
		case len(s) >= 3 && c == 0xED && s[1] >= 0xA0 && s[1] <= 0xBF && s[2]&0xC0 == 0x80:
			dst, s = appendEscape(dst, 0xD000|rune(s[1]&0x3F)<<6|rune(s[2]&0x3F)), s[3:]
		default:
			dst, s = append(dst, "\uFFFD"...), s[1:]
		}
	}
}

// AppendText is AppendString of a string.
func AppendText(dst []byte, s string) []byte {
	// SAFETY: AppendString neither writes to its argument nor keeps it, and s stays alive during the call.
	return AppendString(dst, unsafe.Slice(unsafe.StringData(s), len(s)))
}

const hexDigits = "0123456789abcdef"

// appendEscape appends a character of the basic plane in its escaped form.
func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, '\\', 'b')
	case '\t':
		return append(dst, '\\', 't')
	case '\n':
		return append(dst, '\\', 'n')
	case '\f':
		return append(dst, '\\', 'f')
	case '\r':
		return append(dst, '\\', 'r')
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// Compact checks one JSON value that starts at src[i] (white space allowed before it) and appends it
// to dst without white space, strings in AppendString's form, number texts and member order as given,
// duplicates kept. depth is how deep src[i] already lies: 0 for an event, 1 for a member's value. After an error
// out is dst with a part of the value.
func Compact(dst, src []byte, i, depth int) (out []byte, next int, err error) {
	i = SkipSpace(src, i)
	if i >= len(src) {
		return dst, i, Expected(src, i, "a JSON value")
	}
	switch c := src[i]; c {
	case '"':
		return compactString(dst, src, i)
	case '{':
		return compactObject(dst, src, i, depth)
	case '[':
		return compactArray(dst, src, i, depth)
	case 't', 'f', 'n':
		next, err = ScanLiteral(src, i, literalOf(c))
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		next, err = ScanNumber(src, i)
	default:
		return dst, i, Expected(src, i, "a JSON value")
	}
	if err != nil {
		return dst, i, err
	}
	return append(dst, src[i:next]...), next, nil
}

func literalOf(first byte) string {
	switch first {
	case 't':
		return "true"
	case 'f':
		return "false"
	}
	return "null"
}

// tooDeep refuses the container at src[i] that would be the (depth+1)-th level.
func tooDeep(i, depth int) error {
	if depth < MaxDepth {
		return nil
	}
	return syntax(i, "objects and arrays may nest %d levels deep, no deeper", MaxDepth)
}

func compactArray(dst, src []byte, i, depth int) ([]byte, int, error) {
	if err := tooDeep(i, depth); err != nil {
		return dst, i, err
	}
	dst = append(dst, '[')
	i = SkipSpace(src, i+1)
	if i < len(src) && src[i] == ']' {
		return append(dst, ']'), i + 1, nil
	}
	for {
		var err error
		if dst, i, err = Compact(dst, src, i, depth+1); err != nil {
			return dst, i, err
		}
		i = SkipSpace(src, i)
		if i < len(src) && src[i] == ',' {
			dst = append(dst, ',')
			i++
			continue
		}
		if i < len(src) && src[i] == ']' {
			return append(dst, ']'), i + 1, nil
		}
		return dst, i, Expected(src, i, "a comma or ] of the array")
	}
}

func compactObject(dst, src []byte, i, depth int) ([]byte, int, error) {
	if err := tooDeep(i, depth); err != nil {
		return dst, i, err
	}
	dst = append(dst, '{')
	i = SkipSpace(src, i+1)
	if i < len(src) && src[i] == '}' {
		return append(dst, '}'), i + 1, nil
	}
	for {
		var err error
		if i >= len(src) || src[i] != '"' {
			return dst, i, Expected(src, i, "a member's name in double quotes")
		}
		if dst, i, err = compactString(dst, src, i); err != nil {
			return dst, i, err
		}
		i = SkipSpace(src, i)
		if i >= len(src) || src[i] != ':' {
			return dst, i, Expected(src, i, "a colon after the member's name")
		}
		dst = append(dst, ':')
		if dst, i, err = Compact(dst, src, i+1, depth+1); err != nil {
			return dst, i, err
		}
		i = SkipSpace(src, i)
		if i < len(src) && src[i] == ',' {
			dst = append(dst, ',')
			i = SkipSpace(src, i+1)
			continue
		}
		if i < len(src) && src[i] == '}' {
			return append(dst, '}'), i + 1, nil
		}
		return dst, i, Expected(src, i, "a comma or } of the object")
	}
}

// compactString copies plain runs and rewrites escapes, without decoding the string elsewhere first.
func compactString(dst, src []byte, i int) ([]byte, int, error) {
	from := i + 1
	dst = append(dst, '"')
	for {
		j := scanPlain(src, from)
		dst = append(dst, src[from:j]...)
		if j >= len(src) || src[j] != '"' && src[j] != '\\' {
			return dst, j, stringFault(src, i, j)
		}
		if src[j] == '"' {
			return append(dst, '"'), j + 1, nil
		}
		r, after, err := scanEscape(src, j)
		if err != nil {
			return dst, j, err
		}
		if r < 0x20 || r == '"' || r == '\\' || isHigh(r) || isLow(r) {
			dst = appendEscape(dst, r)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
		from = after
	}
}
