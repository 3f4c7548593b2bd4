package event

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// EventType is the 32-bit number that events of one call site share: @i if it is such a number, in hex with or without
// a leading $ or as a JSON number; else the hash of @mt; else the hash of @m, whose braces count doubled, as a template would have them.
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

// HashTemplate is Jenkins' one-at-a-time hash over the UTF-16 code units of a message template (WTF-8), the way
// that Serilog's compact format makes @i.
func HashTemplate(template string) uint32 {
	var h uint32
	unit := func(u rune) {
		h += uint32(u)
		h += h << 10
		h ^= h >> 6
	}
	for i := 0; i < len(template); {
		r, size := rune(template[i]), 1
		if r >= utf8.RuneSelf {
			r, size = decodeWTF8(template[i:])
		}
		i += size
		if r >= 0x10000 {
			r -= 0x10000
			unit(0xD800 + r>>10)
			r = 0xDC00 + r&0x3FF
		}
		unit(r)
	}
	h += h << 3
	h ^= h >> 11
	h += h << 15
	return h
}

// decodeWTF8 is utf8.DecodeRuneInString that knows surrogates.
func decodeWTF8(s string) (rune, int) {
	if len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] <= 0xBF && s[2]&0xC0 == 0x80 {
		return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return utf8.DecodeRuneInString(s)
}
