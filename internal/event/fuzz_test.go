package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/fault"
)

// depthOf is how deep the containers of a valid JSON text nest.
func depthOf(src []byte) int {
	deepest, depth, inString := 0, 0, false
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == '{' || c == '['):
			depth++
			deepest = max(deepest, depth)
		case !inString && (c == '}' || c == ']'):
			depth--
		}
	}
	return deepest
}

func FuzzCompact(f *testing.F) {
	for _, seed := range []string{
		`{"@t":"2026-11-20T09:58:00.1234567Z","@mt":"Hello {Name}","Name":"\u0041\ud83d\ude00\ud800","N":[1,-0.5e+7,{}],"Name":null}`,
		` [ true , false , null , "\"\\\/\b\f\n\r\t" ] `, `"\u12"`, "\"\xED\xA0\x80\"", `{"a":01}`, strings.Repeat("[", 65), "\"12345678\n\"", `1e`, "{\"é\":\"€\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		out, err := compactAll(src)
		v, errValue := ParseValue(src)
		valid := json.Valid(src) && utf8.Valid(src) && depthOf(src) <= MaxDepth
		if (err == nil) != valid || (errValue == nil) != valid {
			t.Fatalf("%q: Compact says %v, ParseValue %v, encoding/json that it is valid: %v", src, err, errValue, valid)
		}
		if err != nil {
			if !errors.Is(err, fault.Invalid) || err.Error() != errValue.Error() || !utf8.ValidString(err.Error()) {
				t.Fatalf("%q: %v\n%v", src, err, errValue)
			}
			return
		}
		sameTokens(t, src, out)
		if got := v.AppendJSON(nil); !bytes.Equal(got, out) {
			t.Fatalf("%q: ParseValue gives %s, Compact %s", src, got, out)
		}
		if again, err := compactAll(out); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("%q: %s and then %s, %v", src, out, again, err)
		}
		if !utf8.Valid(out) {
			t.Fatalf("%q: %q", src, out)
		}
		_, _ = RenderMessage(v), EventType(v)
	})
}

// units decodes a valid JSON string into UTF-16, plainly.
func units(s []byte) []uint16 {
	var all []uint16
	for s = s[1 : len(s)-1]; len(s) > 0; {
		if s[0] != '\\' {
			r, size := utf8.DecodeRune(s)
			all, s = utf16.AppendRune(all, r), s[size:]
			continue
		}
		if s[1] == 'u' {
			var u uint16
			for _, c := range s[2:6] {
				u = u<<4 | uint16(strings.IndexByte("0123456789abcdef", c|0x20))
				if c <= '9' {
					u = u&^15 | uint16(c-'0')
				}
			}
			all, s = append(all, u), s[6:]
			continue
		}
		c := s[1]
		if i := strings.IndexByte("bfnrt", c); i >= 0 {
			c = "\b\f\n\r\t"[i]
		}
		all, s = append(all, uint16(c)), s[2:]
	}
	return all
}

func FuzzScanString(f *testing.F) {
	for _, seed := range []string{`""`, `"plain text of more than eight bytes"`, `"\ud83d\ude00\ud800\udc00\udc00\ud800"`, `"\u0000\u001F\/\"\\"`, "\"é€😀\xED\xA0\x80\"", "\"1234567\x00\"", `"\`, `"\ud800\u`, `"\ud800\u00`, `x`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		val, rest, next, err := ScanString(src, 0, []byte("kept"))
		skipped, errSkip := SkipString(src, 0)
		if (err == nil) != (errSkip == nil) || next != skipped || err != nil && err.Error() != errSkip.Error() {
			t.Fatalf("%q: ScanString %d, %v; SkipString %d, %v", src, next, err, skipped, errSkip)
		}
		if !bytes.HasPrefix(rest, []byte("kept")) {
			t.Fatalf("%q: scratch lost: %q", src, rest)
		}
		if err != nil {
			if !errors.Is(err, fault.Invalid) || next > len(src) {
				t.Fatalf("%q: %d, %v", src, next, err)
			}
			// No beginning of src is a string.
			for end := 2; end <= min(len(src), 64); end++ {
				if src[0] == '"' && src[end-1] == '"' && json.Valid(src[:end]) && utf8.Valid(src[:end]) {
					t.Fatalf("%q is a string, but: %v", src[:end], err)
				}
			}
			return
		}
		if !json.Valid(src[:next]) || !utf8.Valid(src[:next]) {
			t.Fatalf("%q is no string, yet it is read", src[:next])
		}
		want := units(src[:next])
		if string(val) != wtf8(want) {
			t.Fatalf("%q is read %q, want %q", src[:next], val, wtf8(want))
		}
		back := AppendString(nil, val)
		if diff := cmp.Diff(want, units(back)); diff != "" {
			t.Fatalf("%q is written %q:\n%s", src[:next], back, diff)
		}
	})
}

func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "plain text of more than eight bytes", "a\"b\\c\x00\x1f\x7f", "é€😀", "\xED\xA0\x80\xED\xB0\x80", "\xFF\xC3\xED\xA0"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		out := AppendString(nil, s)
		if !json.Valid(out) || !utf8.Valid(out) {
			t.Fatalf("%q is written %q", s, out)
		}
		val, _, next, err := ScanString(out, 0, nil)
		if err != nil || next != len(out) {
			t.Fatalf("%q is written %q: %v", s, out, err)
		}
		if utf8.Valid(s) && !bytes.Equal(val, s) {
			t.Fatalf("%q is read %q", s, val)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{
		"2026-11-20T09:58:00.1234567Z", "2026-11-20T09:58:00.123456789Z", "2026-11-20", "2026-11-20 09:58+01", "0001-01-01T00:00:00.0000000Z", "9999-12-31T23:59:60.9999999-23:59",
		"1677-09-21T00:12:43.145224192Z", "2262-04-11T23:47:16.854775807Z", "2024-02-29t10:00:00,5z", "2026-02-29T00:00:00.0000000Z", "2026-11-20T24:00:00Z", "2026-11-20T09:58:00.123456:Z",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		instant, canonical, err := ParseTime(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) || instant != 0 || canonical {
				t.Fatalf("%q: %d, %v, %v", text, instant, canonical, err)
			}
			return
		}
		written := AppendTime(nil, instant)
		if canonical != bytes.Equal(written, text) {
			t.Fatalf("%q: canonical is %v, and it is written %s", text, canonical, written)
		}
		if back, canonical, err := ParseTime(written); back != instant || !canonical || err != nil {
			t.Fatalf("%s is read %d, %v, %v; want %d", written, back, canonical, err, instant)
		}
		if when, err := time.Parse(time.RFC3339Nano, string(text)); err == nil {
			want := clampInstant(when.Unix(), int64(when.Nanosecond()))
			if instant != want {
				t.Fatalf("%q: %d, the standard library has %d", text, instant, want)
			}
		}
	})
}

func FuzzParseDecimal(f *testing.F) {
	for _, seed := range []string{"0", "-0.00", "1.50e3", "79228162514264337593543950335", "79228162514264337593543950335.5", "7.9228162514264337593543950336", "5e-29", "1e-400", "1e29", "0.33333333333333333333333333333", "01", "1.", "-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		next, err := ScanNumber([]byte(text), 0)
		if err != nil || next < len(text) {
			ParseDecimal(text) // must only not panic
			return
		}
		_, exponent, _ := strings.Cut(strings.ToLower(text), "e")
		if len(strings.Trim(exponent, "+-")) > 3 || len(text) > 500 {
			ParseDecimal(text)
			return // big numbers would take too long
		}
		checkDecimal(t, text)
	})
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"Hello, {Name}!", "{{{a,-5:x8}}}", "{@a}{$b}{0}{a.b}", "{a{b}", "}{", "{N,0}{N:}{ N}", "{é}\xED\xA0\x80\xFF{"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, template string) { checkTemplate(t, template) })
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("\xEF\xBB\xBFa\r\n\n \t\nb"))
	f.Fuzz(func(t *testing.T, body []byte) {
		last := 0
		for line := range Lines(body) {
			if line.Number <= last || bytes.IndexByte(line.Text, '\n') >= 0 || !bytes.HasPrefix(body[line.Offset:], line.Text) ||
				bytes.Count(body[:line.Offset], []byte("\n")) != line.Number-1 {
				t.Fatalf("%q: %d at %d: %q", body, line.Number, line.Offset, line.Text)
			}
			last = line.Number
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add("event-80000000000000000000000000000000")
	f.Add("event-")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text)
		if err == nil && k.String() != strings.ToLower(text) || err != nil && !errors.Is(err, fault.Invalid) {
			t.Fatalf("%q: %s, %v", text, k, err)
		}
	})
}
