package event

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/fault"
)

// JSON text as RFC 8259 has it, read strictly.
//
//	value   = { | [ | string | number | true | false | null
//	string  = '"' { plain run | \ escape } '"'
//	number  = [-] (0 | 1-9 {0-9}) [. 0-9 {0-9}] [(e|E) [+|-] 0-9 {0-9}]
//
// A plain run is UTF-8 without '"', '\' and bytes below 0x20. Eight ASCII bytes of it are judged at a time:
//
//	word        each byte b of eight, little-endian
//	mask        0x80 in the first byte that is '"', '\', below 0x20 or above 0x7F (bytes after the first may be wrong)
//
// Decoded strings are WTF-8: UTF-8 in which a lone surrogate, which JSON can spell (\ud800) and UTF-8 cannot, is the
// three bytes that UTF-8's scheme would give it (ED A0 80 … ED BF BF). A pair of escapes is one character of four bytes. (R6)

// MaxDepth is how deep an event's objects and arrays nest; deeper is fault.Invalid.
const MaxDepth = 64

const (
	every01 = 0x0101010101010101
	every80 = 0x8080808080808080
)

// plainMask has 0x80 in the first byte of w that ends a run of plain ASCII; bytes after the first mark may be marked wrongly.
func plainMask(w uint64) uint64 {
	quote := w ^ every01*'"'
	slash := w ^ every01*'\\'
	// A byte minus one borrows only if it is zero; a byte minus 0x20 only if it is below 0x20. Bytes above 0x7F are marked by w itself.
	return ((quote-every01)&^quote | (slash-every01)&^slash | (w-every01*0x20)&^w | w) & every80
}

// scanPlain returns the first position at or after i that does not continue a plain run: '"', '\', a control
// character, a byte that is not UTF-8, or the end of src.
func scanPlain(src []byte, i int) int {
	for i < len(src) {
		for i+8 <= len(src) {
			m := plainMask(binary.LittleEndian.Uint64(src[i:]))
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
			break
		}
		for i < len(src) && src[i] < utf8.RuneSelf {
			if c := src[i]; c < 0x20 || c == '"' || c == '\\' {
				return i
			}
			i++
			if i+8 <= len(src) {
				break
			}
		}
		for i < len(src) && src[i] >= utf8.RuneSelf {
			_, size := utf8.DecodeRune(src[i:])
			if size == 1 {
				return i
			}
			i += size
		}
	}
	return i
}

// ScanString reads the JSON string that starts at src[i] == '"'. val is its WTF-8 value: a
// part of src if it holds no escape, else the bytes appended to scratch (rest is scratch grown).
// Refused: control characters below 0x20, bad escapes, invalid UTF-8, no end.
func ScanString(src []byte, i int, scratch []byte) (val, rest []byte, next int, err error) {
	if i >= len(src) || src[i] != '"' {
		return nil, scratch, i, Expected(src, i, `a string, which begins with "`)
	}
	from := i + 1
	j := scanPlain(src, from)
	if j < len(src) && src[j] == '"' {
		return src[from:j:j], scratch, j + 1, nil
	}
	start := len(scratch)
	for {
		if j >= len(src) || src[j] != '\\' {
			return nil, scratch[:start], j, stringFault(src, i, j)
		}
		scratch = append(scratch, src[from:j]...)
		r, after, err := scanEscape(src, j)
		if err != nil {
			return nil, scratch[:start], j, err
		}
		scratch = appendWTF8(scratch, r)
		from = after
		j = scanPlain(src, from)
		if j < len(src) && src[j] == '"' {
			scratch = append(scratch, src[from:j]...)
			return scratch[start:len(scratch):len(scratch)], scratch, j + 1, nil
		}
	}
}

// SkipString is ScanString for who needs no value: it checks the string and returns where it ends.
func SkipString(src []byte, i int) (next int, err error) {
	if i >= len(src) || src[i] != '"' {
		return i, Expected(src, i, `a string, which begins with "`)
	}
	j := scanPlain(src, i+1)
	for {
		switch {
		case j < len(src) && src[j] == '"':
			return j + 1, nil
		case j >= len(src) || src[j] != '\\':
			return j, stringFault(src, i, j)
		}
		_, after, err := scanEscape(src, j)
		if err != nil {
			return j, err
		}
		j = scanPlain(src, after)
	}
}

// scanEscape decodes the escape at src[i] == '\'. r may be a lone surrogate.
func scanEscape(src []byte, i int) (r rune, next int, err error) {
	if i+1 >= len(src) {
		return 0, i, syntax(i, "the text ends inside an escape")
	}
	switch c := src[i+1]; c {
	case '"', '\\', '/':
		return rune(c), i + 2, nil
	case 'b':
		return '\b', i + 2, nil
	case 'f':
		return '\f', i + 2, nil
	case 'n':
		return '\n', i + 2, nil
	case 'r':
		return '\r', i + 2, nil
	case 't':
		return '\t', i + 2, nil
	case 'u':
		r, ok := hex4(src, i+2)
		if !ok {
			return 0, i, syntax(i, `expected four hex digits after \u`)
		}
		next = i + 6
		if isHigh(r) && next+1 < len(src) && src[next] == '\\' && src[next+1] == 'u' {
			if low, ok := hex4(src, next+2); ok && isLow(low) {
				return (r-0xD800)<<10 + (low - 0xDC00) + 0x10000, next + 6, nil
			}
		}
		return r, next, nil
	default:
		return 0, i, syntax(i, `\ may be followed by one of "\/bfnrtu, not by %s`, describe(src, i+1))
	}
}

func isHigh(r rune) bool { return r >= 0xD800 && r < 0xDC00 }
func isLow(r rune) bool  { return r >= 0xDC00 && r < 0xE000 }

func hex4(src []byte, i int) (rune, bool) {
	if len(src)-i < 4 {
		return 0, false
	}
	var r rune
	for _, c := range src[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// appendWTF8 is utf8.AppendRune that keeps surrogates.
func appendWTF8(dst []byte, r rune) []byte {
	if isHigh(r) || isLow(r) {
		return append(dst, 0xED, 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
	}
	return utf8.AppendRune(dst, r)
}

// ScanNumber checks the JSON number that starts at src[i] and returns where it ends.
func ScanNumber(src []byte, i int) (next int, err error) {
	j := i
	if j < len(src) && src[j] == '-' {
		j++
	}
	digits := skipDigits(src, j)
	switch {
	case digits == j:
		return i, Expected(src, j, "a digit")
	case src[j] == '0' && digits > j+1:
		return i, syntax(j, "a number may not begin with 0 and another digit")
	}
	j = digits
	if j < len(src) && src[j] == '.' {
		j++
		if digits = skipDigits(src, j); digits == j {
			return i, Expected(src, j, "a digit after the decimal point")
		}
		j = digits
	}
	if j < len(src) && src[j]|0x20 == 'e' {
		j++
		if j < len(src) && (src[j] == '+' || src[j] == '-') {
			j++
		}
		if digits = skipDigits(src, j); digits == j {
			return i, Expected(src, j, "a digit of the exponent")
		}
		j = digits
	}
	return j, nil
}

func skipDigits(src []byte, i int) int {
	for i < len(src) && src[i]-'0' <= 9 {
		i++
	}
	return i
}

// SkipSpace returns the first position at or after i that is no JSON white space.
func SkipSpace(src []byte, i int) int {
	for i < len(src) {
		switch src[i] {
		case ' ', '\n', '\r', '\t':
			i++
		default:
			return i
		}
	}
	return i
}

// ScanLiteral checks that src[i:] begins with the JSON literal true, false or null, and returns where it ends.
func ScanLiteral(src []byte, i int, literal string) (next int, err error) {
	for j := range len(literal) {
		if i+j >= len(src) || src[i+j] != literal[j] {
			return i, Expected(src, i+j, fmt.Sprintf("%q of %s", literal[j:], literal))
		}
	}
	return i + len(literal), nil
}

const opJSON = "parse JSON"

// syntax returns a fault.Invalid whose Offset is i.
func syntax(i int, format string, args ...any) error {
	return fault.New(fault.Invalid, opJSON, "byte %d: %s", i, fmt.Sprintf(format, args...)).At("", int64(i))
}

// Expected returns the fault.Invalid that says what should be at src[i], and what is there. Its Offset is i.
func Expected(src []byte, i int, what string) error {
	return syntax(i, "expected %s, found %s", what, describe(src, i))
}

// describe names what stands at src[i], for messages.
func describe(src []byte, i int) string {
	if i < 0 || i >= len(src) {
		return "the end of the text"
	}
	switch c := src[i]; {
	case c < 0x20 || c == 0x7F:
		return fmt.Sprintf("the control character 0x%02X", c)
	case c < utf8.RuneSelf:
		return fmt.Sprintf("'%c'", c)
	}
	if r, size := utf8.DecodeRune(src[i:]); size > 1 {
		return fmt.Sprintf("'%c' (U+%04X)", r, r)
	}
	return fmt.Sprintf("the byte 0x%02X", src[i])
}

// stringFault says why the string that starts at src[open] cannot go on at src[i].
func stringFault(src []byte, open, i int) error {
	if i >= len(src) {
		return syntax(i, `the text ends inside the string that begins at byte %d; expected "`, open)
	}
	c := src[i]
	switch {
	case c < 0x20:
		return syntax(i, `a string may not hold the control character 0x%02X; write it as %s`, c, appendEscape(nil, rune(c)))
	case c == 0xED && i+2 < len(src) && src[i+1] >= 0xA0 && src[i+1] <= 0xBF && src[i+2]&0xC0 == 0x80:
		r := 0xD000 | rune(src[i+1]&0x3F)<<6 | rune(src[i+2]&0x3F)
		return syntax(i, `expected UTF-8, found a raw surrogate; write it as \u%04x`, r)
	}
	return syntax(i, "expected UTF-8, found the byte 0x%02X that does not belong there", c)
}
