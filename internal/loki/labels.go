package loki

import (
	"bytes"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// The labels of a stream in protobuf are one text:
//
//	{app="shop",level="info",path="C:\\temp"}
//
// Values are quoted as in Go, in double quotes or in backquotes. winston-loki, and others that build the text with their
// own hands, put values between quotes as they are; so what Go would refuse has a meaning too: a name is whatever stands before
// the =, a quote inside a value is one that neither another label nor the end follows, and a backslash that begins no
// escape is itself.

// parseLabels calls add for each label of the text.
func parseLabels(text []byte, add func(name, value []byte)) error {
	i := space(text, 0)
	if i == len(text) || text[i] != '{' {
		return labelsFault(text, i, "{")
	}
	for i = space(text, i+1); ; {
		if i < len(text) && text[i] == '}' {
			if i = space(text, i+1); i < len(text) {
				return labelsFault(text, i, "the end of the labels")
			}
			return nil
		}
		at := bytes.IndexByte(text[i:], '=')
		if at < 0 {
			return labelsFault(text, len(text), "= after a label's name")
		}
		name := bytes.Trim(text[i:i+at], " \t\r\n")
		if len(name) == 0 {
			return labelsFault(text, i, "a label's name")
		}
		i = space(text, i+at+1)
		value, next, err := labelValue(text, i)
		if err != nil {
			return err
		}
		add(name, value)
		if i = space(text, next); i < len(text) && text[i] == ',' {
			i = space(text, i+1)
		} else if i == len(text) || text[i] != '}' {
			return labelsFault(text, i, "a comma or }")
		}
	}
}

// labelValue reads the quoted value at text[i].
func labelValue(text []byte, i int) (value []byte, next int, err error) {
	if i < len(text) && text[i] == '`' {
		if end := bytes.IndexByte(text[i+1:], '`'); end >= 0 {
			return text[i+1 : i+1+end], i + end + 2, nil
		}
		return nil, i, labelsFault(text, len(text), "the closing `")
	}
	if i == len(text) || text[i] != '"' {
		return nil, i, labelsFault(text, i, `"`)
	}
	i++
	for from := i; ; {
		at := bytes.IndexAny(text[i:], `"\`)
		if at < 0 {
			return nil, i, labelsFault(text, len(text), `the closing "`)
		}
		i += at
		switch {
		case text[i] == '\\':
			value = append(value, text[from:i]...)
			value, i = unescape(value, text, i)
			from = i
		case closes(text, i):
			if value == nil {
				return text[from:i], i + 1, nil
			}
			return append(value, text[from:i]...), i + 1, nil
		default:
			i++
		}
	}
}

// closes tells a quote that ends a value from one inside it: the end of the labels or another label follows.
func closes(text []byte, i int) bool {
	const longestName = 256
	if i = space(text, i+1); i < len(text) && text[i] == ',' {
		i = space(text, i+1)
		name := text[i:min(len(text), i+longestName)]
		if at := bytes.IndexAny(name, `=",`); at > 0 && name[at] == '=' {
			return true
		}
	}
	return i < len(text) && text[i] == '}' && space(text, i+1) == len(text)
}

// unescape appends what the escape at text[i] means.
func unescape(dst, text []byte, i int) ([]byte, int) {
	if i+1 == len(text) {
		return append(dst, '\\'), i + 1
	}
	c := text[i+1]
	if at := bytes.IndexByte([]byte(`abfnrtv\'"`), c); at >= 0 {
		return append(dst, "\a\b\f\n\r\t\v\\'\""[at]), i + 2
	}
	digits, base := 0, 16
	from := i + 2
	switch {
	case c == 'x':
		digits = 2
	case c == 'u':
		digits = 4
	case c == 'U':
		digits = 8
	case c >= '0' && c <= '7':
		digits, base, from = 3, 8, i+1
	}
	n := 0
	for k := range digits {
		d := base
		if from+k < len(text) {
			d = digit(text[from+k])
		}
		if d >= base || n > utf8.MaxRune {
			return append(dst, '\\'), i + 1
		}
		n = n*base + d
	}
	switch {
	case digits == 0 || n > utf8.MaxRune || base == 8 && n > 255:
		return append(dst, '\\'), i + 1
	case c == 'u' || c == 'U':
		return utf8.AppendRune(dst, rune(n)), from + digits
	}
	return append(dst, byte(n)), from + digits
}

func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return 16
}

func space(text []byte, i int) int { return event.SkipSpace(text, i) }

func labelsFault(text []byte, i int, expected string) error {
	return fault.New(fault.Invalid, "", "the stream's labels cannot be read: expected %s at byte %d of %d", expected, i, len(text))
}
