package event

import (
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

// EventType is the 32-bit number that events of one call site share: @i if it is such a number, in hex with or without
// a leading $ or as a JSON number, and else its hash; without @i the hash of @mt; else of @m, whose braces count doubled, as
// a template would have them.
func EventType(event Value) uint32 {
	switch id := event.Get("@i"); id.Kind {
	case String:
		if n, err := strconv.ParseUint(strings.TrimPrefix(id.Text, "$"), 16, 32); err == nil {
			return uint32(n)
		}
		if id.Text != "" {
			return HashTemplate(id.Text)
		}
	case Number:
		if d, ok := ParseDecimal(id.Text); ok {
			if n, ok := d.Int64(); ok && n >= 0 && n <= 1<<32-1 {
				return uint32(n)
			}
		}
		return HashTemplate(id.Text)
	}
	if mt := event.Get("@mt"); mt.Kind == String {
		return HashTemplate(mt.Text)
	}
	if m := event.Get("@m"); m.Kind == String {
		return HashTemplate(bracesDoubled.Replace(m.Text))
	}
	return HashTemplate("")
}

var bracesDoubled = strings.NewReplacer("{", "{{", "}", "}}")

// EventTypeText writes an event type as Seq's clients expect it: $ and eight upper-case hex digits.
func EventTypeText(eventType uint32) string {
	const digits = "0123456789ABCDEF"
	text := []byte("$00000000")
	for i := range 8 {
		text[8-i] = digits[eventType>>(4*i)&15]
	}
	return string(text)
}

// HashTemplate is MurmurHash3 (32 bits, seed 0) over a message template in UTF-8, lone surrogates as U+FFFD: the numbers
// that Seq gives to templates, so that a search by @EventType that was saved there finds the same events here. Serilog's own compact format uses
// another hash; it writes it as @i, which counts first.
func HashTemplate(template string) uint32 {
	if !utf8.ValidString(template) {
		template = withoutSurrogates(template)
	}
	const c1, c2 = 0xCC9E2D51, 0x1B873593
	h, rest := uint32(0), template
	for ; len(rest) >= 4; rest = rest[4:] {
		k := uint32(rest[0]) | uint32(rest[1])<<8 | uint32(rest[2])<<16 | uint32(rest[3])<<24
		h ^= bits.RotateLeft32(k*c1, 15) * c2
		h = bits.RotateLeft32(h, 13)*5 + 0xE6546B64
	}
	var k uint32
	for i := range len(rest) {
		k |= uint32(rest[i]) << (8 * i)
	}
	h ^= bits.RotateLeft32(k*c1, 15) * c2
	h ^= uint32(len(template))
	h = (h ^ h>>16) * 0x85EBCA6B
	h = (h ^ h>>13) * 0xC2B2AE35
	return h ^ h>>16
}

func withoutSurrogates(s string) string {
	valid := make([]byte, 0, len(s))
	for s != "" {
		r, size := decodeWTF8(s)
		valid, s = utf8.AppendRune(valid, r), s[size:] // AppendRune writes a surrogate as U+FFFD
	}
	return string(valid)
}

// decodeWTF8 is utf8.DecodeRuneInString that knows surrogates.
func decodeWTF8(s string) (rune, int) {
	if len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] <= 0xBF && s[2]&0xC0 == 0x80 {
		return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return utf8.DecodeRuneInString(s)
}
