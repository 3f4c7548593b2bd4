package column

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/fault"
)

// Columns whose content contradicts itself are refused when they are read, or when the texts concerned are made.
func TestForgedTexts(t *testing.T) {
	e := &Encoder{}
	fixed := func(dst []byte, values ...int64) []byte { return e.Fixed(dst, values) }
	plain := func(dst []byte, values ...string) []byte {
		return e.plain(dst, &list{[]byte(strings.Join(values, "")), textsOf(values, false).Ends}, nil)
	}
	join := func(parts ...any) (out []byte) {
		for _, p := range parts {
			switch p := p.(type) {
			case int:
				out = append(out, byte(p))
			case string:
				out = append(out, p...)
			case []byte:
				out = append(out, p...)
			}
		}
		return out
	}
	deep := []byte{}
	for range textDepth + 1 {
		deep = append(deep, textDictionary, 1, formFixed, 0, 0)
	}
	for _, c := range []struct {
		name string
		n    int
		src  []byte
		want string // "" for none
	}{
		{"nothing", 1, nil, "the byte is missing"},
		{"form", 1, []byte{textForms}, "unknown form 8"},
		{"plain, too long", 2, join(textPlain, fixed(nil, 3, 4), "abc"), "text 1 has 4 bytes, 0 are left"},
		{"plain, far too long", 2, join(textPlain, fixed(nil, 3, 400), "abc"), "text 1 has 400 bytes, 0 are left"},
		{"plain, negative", 2, join(textPlain, fixed(nil, -1, 4), "abc"), "text 0 has -1 bytes"},
		{"plain, one length", 3, join(textPlain, fixed(nil, 2, 2, 2), "abcde"), "3 texts of 2 bytes do not fit in 5"},
		{"plain, one negative length", 3, join(textPlain, fixed(nil, -2, -2, -2)), "3 texts of -2 bytes"},
		{"plain, one huge length", math.MaxInt32, join(textPlain, fixed(nil, math.MaxInt64)), "do not fit"},
		{"dictionary, code", 2, join(textDictionary, 2, fixed(nil, 0, 2), plain(nil, "a", "b")), "expected within 0 and 1"},
		{"dictionary, none", 1, join(textDictionary, 0, fixed(nil, 0), plain(nil)), "empty dictionary"},
		{"dictionary, more than texts", 1, join(textDictionary, 2, fixed(nil, 0), plain(nil, "a", "b")), "2 is over 1"},
		{"dictionary in dictionary in …", 1, deep, "over 8 levels"},
		{"back, before the first", 3, join(textBack, 2, fixed(nil, 0, 2, 1), plain(nil, "a", "b")), "text 1 is the one 2 before"},
		{"back, too many new", 3, join(textBack, 2, fixed(nil, 0, 0, 0), plain(nil, "a", "b")), "text 2 is new"},
		{"back", 3, join(textBack, 2, fixed(nil, 0, 1, 0), plain(nil, "a", "b")), ""},
		{"chunks too large", 1, join(textPacked, 13, 1), "chunks of 2^13"},
		{"more chunks than bytes", 5000, join(textPacked, 0, 1), "5000 chunks do not fit"},
		{"more bytes than allowed", 1, join(textPacked, 12, []byte{0xff, 0xff, 0xff, 0x7f}, fixed(nil, 1), 1, "a"), "over"},
		{"packed, lengths", 2, join(textPacked, 12, 4, fixed(nil, 1, 2), 3, "abc"), "have 3 bytes, their chunk 4"},
		{"packed, other lengths", 2, join(textPacked, 12, 2, fixed(nil, 1, 2), 3, "abc"), "text 1 has 2 bytes, 1 are left"},
		{"packed, no zstd", 2, join(textPacked, 12, 4, fixed(nil, 1, 3), 3, "abc"), "zstd"},
		{"packed, cut off", 2, join(textPacked, 12, 4, fixed(nil, 1, 3), 5, "abcd"), "5 bytes are announced, 4 are left"},
		{"packed, not clean", 1, join(textPacked|textClean, 12, 3, fixed(nil, 3), 3, "a\"b"), "need an escape"},
		{"packed", 1, join(textPacked, 12, 3, fixed(nil, 3), 3, "a\"b"), ""},
		{"ids, case", 1, join(textIDs, 12, 3, 2, 3, 7, 0, 1, 2, 0), "a case of 2"},
		{"ids, bits left over", 1, join(textIDs, 12, 3, 0, 3, 15, 0, 1, 2, 0), "bits are left over"},
		{"ids, missing", 2, join(textIDs, 12, 6, 0, 3, 7, 0, 1, 2, 3), "2 ids of 2 bytes do not fit in 3"},
		{"ids, leading", 1, join(textIDs, 12, 3, 0, 3, 7, 3), "3 of 2 bytes as integers"},
		{"ids, other size", 1, join(textIDs, 12, 4, 0, 3, 7, 0, 0x12, 0x30, 0), "have 3 bytes, 4 expected"},
		{"ids, smaller size", 1, join(textIDs, 12, 2, 0, 3, 7, 0, 0x12, 0x30, 0), "too many bytes"},
		{"ids, not clean", 1, join(textIDs|textClean, 12, 3, 0, 3, 3, "\n", 0, 0x12, 0), "need an escape"},
		{"ids", 1, join(textIDs, 12, 3, 0, 3, 7, 0, 0x12, 0x30, 0), ""},
		{"exceptions, too many", 1, join(textIDs, 12, 3, 0, 3, 7, 0, 0x12, 0x30, 2), "2 is over 1"},
		{"exceptions, twice the same", 2, join(textIDs, 12, 3, 0, 1, 1, 0, 0x10, 0x20, 2, fixed(nil, 1, 0), plain(nil, "a", "b")), "exception 1 is text 1 of 2"},
		{"exceptions, behind the end", 2, join(textIDs, 12, 3, 0, 1, 1, 0, 0x10, 0x20, 2, fixed(nil, 1, 1), plain(nil, "a", "b")), "exception 1 is text 2 of 2"},
		{"exceptions, too long", 2, join(textIDs, 12, 3, 0, 1, 1, 0, 0x10, 0x20, 1, fixed(nil, 1), plain(nil, "abc")), "text 1 has too many bytes"},
		{"exceptions", 2, join(textIDs, 12, 4, 0, 1, 1, 0, 0x10, 0x20, 1, fixed(nil, 1), plain(nil, "abc")), ""},
		{"times, no format", 1, join(textTimes, 12, 19, 0), "no format"},
		{"times, digits", 1, join(textTimes, 12, 19, 1, "T.\x0a", 0), "10 digits of a second"},
		{"times, format", 1, join(textTimes, 12, 19, 2, "T\x00\x00\x00", " \x00\x00\x00", fixed(nil, 2)), "expected within 0 and 1"},
		{"times, year", 1, join(textTimes, 12, 19, 1, "T\x00\x00\x00", 1, 0, fixed(nil, 1<<40), 0), "no year of four digits"},
		{"times, size", 1, join(textTimes, 12, 20, 1, "T\x00\x00\x00", 1, 0, fixed(nil, 5), 0), "have 19 bytes, 20 expected"},
		{"times, small size", 1, join(textTimes, 12, 18, 1, "T\x00\x00\x00", 1, 0, fixed(nil, 5), 0), "too many bytes"},
		{"times", 1, join(textTimes, 12, 19, 1, "T\x00\x00\x00", 1, 0, fixed(nil, 5), 0), ""},
		{"patterns, none", 1, join(textPatterns, 12, 1, 0), "no pattern"},
		{"patterns, variable", 1, join(textPatterns, 12, 1, 1, plain(nil, "a\xff\x13"), 1), "unknown kind 19"},
		{"patterns, cut off", 1, join(textPatterns, 12, 1, 1, plain(nil, "a\xff"), 1), "cut off"},
		{"patterns, too few", 2, join(textPatterns, 12, 2, 1, plain(nil, "a"), 1), "cover 1 texts too few"},
		{"patterns, too many", 1, join(textPatterns, 12, 2, 1, plain(nil, "a"), 2), "2 is over 1"},
		{"patterns, other counts", 3, join(textPatterns, 12, 3, 2, plain(nil, "a", "b"), fixed(nil, 0, 1, 0), 1, 2), "1 texts have pattern 1, 2 expected"},
		{"patterns, wide number", 1, join(textPatterns, 12, 2, 1, plain(nil, "\xff\x02"), 1, fixed(nil, 100)), "expected within 0 and 99"},
		{"patterns, too long", 2, join(textPatterns, 12, 5, 1, plain(nil, "abc"), 2), "too many bytes"},
		{"patterns, too long a text", 1, join(textPatterns, 12, 2, 1, plain(nil, "\xff\x40"), 1, plain(nil, "abc")), "too many bytes"},
		{"patterns", 2, join(textPatterns, 12, 6, 1, plain(nil, "abc"), 2), ""},
		{"lines, too many", 1, join(textLines, 12, 3, 5), "5 is over 1"},
		{"lines, other counts", 2, join(textLines, 12, 50, 3, fixed(nil, 1, 1), plain(nil, "a", "b", "c")), "texts have 2 lines of 3"},
		{"lines, more", 2, join(textLines, 12, 50, 3, fixed(nil, 2, 2), plain(nil, "a", "b", "c")), "texts have over 3 lines"},
		{"lines, none", 2, join(textLines, 12, 50, 3, fixed(nil, 0, 3), plain(nil, "a", "b", "c")), "expected within 1 and 3"},
		{"lines, too long", 2, join(textLines, 12, 15, 3, fixed(nil, 1, 2), plain(nil, "a", "b", "cccccccccccccccc")), "too many bytes"},
		{"lines", 2, join(textLines, 12, 19, 3, fixed(nil, 1, 2), plain(nil, "a", "b", "cccccccccccccccc")), ""},
	} {
		a := &Account{}
		r, rest, err := ReadTexts(c.src, c.n, a)
		if err == nil && len(rest) > 0 {
			t.Errorf("%s: %d bytes are left", c.name, len(rest))
		}
		for i := 0; err == nil && i < c.n; i++ {
			r.At(i)
			err = a.Err()
		}
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (!errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, expected … %s …", c.name, err, c.want)
		}
	}
}

// Columns in columns can't take memory out of all proportion: a few bytes that say many texts, in many places.
func TestForgedTextsTakeLittleMemory(t *testing.T) {
	e := &Encoder{}
	const n = 60_000
	src := []byte{textPatterns, 12}
	for range (n + 4095) / 4096 {
		src = append(src, 0)
	}
	src = append(src, 1)
	src = e.plain(src, &list{[]byte(strings.Repeat("\xff\x40", 200)), []uint32{400}}, nil)
	src = append(src, n&0x7f|0x80, n>>7&0x7f|0x80, n>>14)
	inner := e.Fixed([]byte{textBack, 1}, []int64{0})
	for range 200 {
		src = append(src, inner...)
		src = e.plain(src, &list{[]byte("a"), []uint32{1}}, nil)
	}
	a := &Account{}
	if _, _, err := ReadTexts(src, n, a); !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), "more") {
		t.Errorf("%v, %d bytes for %d", err, a.MemSize(), len(src))
	}
}
