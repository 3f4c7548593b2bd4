package event

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// wtf8 makes the string of some UTF-16 code units, by the definition.
func wtf8(units []uint16) string {
	var s []byte
	for i := 0; i < len(units); i++ {
		r := rune(units[i])
		if r&0xFC00 == 0xD800 && i+1 < len(units) && units[i+1]&0xFC00 == 0xDC00 {
			i++
			r = 0x10000 + (r&0x3FF)<<10 + rune(units[i]&0x3FF)
		}
		s = appendWTF8(s, r)
	}
	return string(s)
}

func aString() *rapid.Generator[string] {
	unit := rapid.OneOf(
		rapid.Uint16Range(' ', '~'), rapid.Uint16Range(' ', '~'), rapid.Uint16Range(' ', '~'),
		rapid.Uint16Range(0, 0x1F), rapid.Uint16Range(0x80, 0x7FF), rapid.Uint16(), rapid.Uint16Range(0xD800, 0xDFFF),
		rapid.SampledFrom([]uint16{'"', '\\', '/', 0x7F, 0xFFFD, 0xFEFF, 0x2028}))
	return rapid.Map(rapid.SliceOfN(unit, 0, 40), wtf8)
}

func aNumber() *rapid.Generator[string] {
	return rapid.StringMatching(`-?(0|[1-9][0-9]{0,3}|[1-9][0-9]{20,400})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?`)
}

func aValue(depth int) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		kinds := []ValueKind{Null, Bool, Number, String, Array, Object}
		if depth == 0 {
			kinds = kinds[:4]
		}
		v := Value{Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
		switch v.Kind {
		case Bool:
			v.Bool = rapid.Bool().Draw(t, "bool")
		case Number:
			v.Text = aNumber().Draw(t, "number")
		case String:
			v.Text = aString().Draw(t, "string")
		case Array:
			for range rapid.IntRange(0, 4).Draw(t, "items") {
				v.Items = append(v.Items, aValue(depth-1).Draw(t, "item"))
			}
		case Object:
			for range rapid.IntRange(0, 4).Draw(t, "members") {
				name := rapid.OneOf(aString(), rapid.SampledFrom([]string{"a", "", "@@m", "@t"})).Draw(t, "name")
				v.Members = append(v.Members, Member{name, aValue(depth-1).Draw(t, "member")})
			}
		}
		return v
	})
}

func TestR6WhatIsReadEqualsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := aValue(4).Draw(t, "value")
		text := v.AppendJSON(nil)
		back, err := ParseValue(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if diff := cmp.Diff(v, back); diff != "" {
			t.Fatalf("%s\n-written +read:\n%s", text, diff)
		}
		if out, err := compactAll(text); err != nil || !bytes.Equal(out, text) {
			t.Fatalf("Compact(%s) = %s, %v", text, out, err)
		}
	})
}

// Escapes, white space and all: any spelling of a value is the same value.
func TestR6EverySpellingIsTheSameValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := aValue(3).Draw(t, "value")
		text := spell(t, nil, v)
		back, err := ParseValue(text)
		if diff := cmp.Diff(v, back); err != nil || diff != "" {
			t.Fatalf("%q, %v\n-written +read:\n%s", text, err, diff)
		}
		if out, err := compactAll(text); err != nil || string(out) != v.String() {
			t.Fatalf("Compact(%q) = %s, %v; want %s", text, out, err, v)
		}
	})
}

// spell writes v in one of the many ways that JSON allows.
func spell(t *rapid.T, dst []byte, v Value) []byte {
	space := func() { dst = append(dst, rapid.StringMatching(`[ \t\r\n]{0,2}`).Draw(t, "space")...) }
	str := func(s string) {
		dst = append(dst, '"')
		for s != "" {
			r, size := decodeWTF8(s)
			s = s[size:]
			// Two neighbouring surrogates would be one character, were they both spelled out: in WTF-8 none neighbour.
			switch must := r < 0x20 || r == '"' || r == '\\' || isHigh(r) || isLow(r); {
			case r > 0xFFFF && rapid.Bool().Draw(t, "pair"):
				r -= 0x10000
				dst = appendEscape(appendEscape(dst, 0xD800+r>>10), 0xDC00+r&0x3FF)
			case r <= 0xFFFF && (must || rapid.IntRange(0, 3).Draw(t, "escape") == 0):
				dst = append(dst, '\\', 'u')
				hex := []byte{hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15]}
				if rapid.Bool().Draw(t, "upper case") {
					hex = bytes.ToUpper(hex)
				}
				dst = append(dst, hex...)
			default:
				dst = appendWTF8(dst, r)
			}
		}
		dst = append(dst, '"')
	}
	space()
	switch v.Kind {
	case String:
		str(v.Text)
	case Array:
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = spell(t, dst, item)
		}
		space()
		dst = append(dst, ']')
	case Object:
		dst = append(dst, '{')
		for i, m := range v.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			space()
			str(m.Name)
			space()
			dst = append(dst, ':')
			dst = spell(t, dst, m.Value)
		}
		space()
		dst = append(dst, '}')
	default:
		dst = v.AppendJSON(dst)
	}
	space()
	return dst
}

func TestUndefinedIsNeverWritten(t *testing.T) {
	v := Value{Kind: Object, Members: []Member{
		{"a", Value{}}, {"b", NumberValue("1")}, {"c", Value{}},
		{"d", Value{Kind: Array, Items: []Value{{}, BoolValue(true), StringValue("x")}}}}}
	if got := v.String(); got != `{"b":1,"d":[null,true,"x"]}` {
		t.Error(got)
	}
	if got := (Value{}).String(); got != "" {
		t.Errorf("%q", got)
	}
	if got := string(StringValue("a\"b").AppendDisplay(nil)); got != `a"b` {
		t.Error(got)
	}
}

func TestGetTakesTheLastOfDuplicates(t *testing.T) {
	v, err := ParseValue([]byte(`{"a":1,"b":{"c":{"d":2}},"a":3,"@@x":4,"@x":5,"b.c":6,"b":{"c":{"d":7},"c":8,"e":{"f":9}},"":10,"n":null,"s":"t"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a": "3", "b.c": "6", "b.e.f": "9", "b.e": `{"f":9}`, "b.c.d": "", "@x": "4", "@@x": "", "": "10", "n": "null", "none": "", "a.b": "", "s.t": "", "b.": "", ".b": "",
	} {
		if got := v.Property(name).String(); got != want {
			t.Errorf("Property(%s) = %s, want %s", name, got, want)
		}
	}
	if got := v.Get("@x").String(); got != "5" {
		t.Errorf("Get takes raw names: %s", got)
	}
	if got := (Value{Kind: Number, Text: "1"}).Get("a"); got.Kind != Undefined {
		t.Error(got)
	}
	if Object.String() != "object" || ValueKind(99).String() != "unknown" {
		t.Error("names of kinds")
	}
}

func TestParseValueKeepsNothingOfItsSource(t *testing.T) {
	src := []byte(`{"name":"plain","other":"a\tb","n":123}`)
	v, err := ParseValue(src)
	if err != nil {
		t.Fatal(err)
	}
	for i := range src {
		src[i] = 'x'
	}
	if got := v.String(); got != `{"name":"plain","other":"a\tb","n":123}` {
		t.Error(got)
	}
}

func TestRealLogsAreReadAndWrittenAsTheyAre(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/*/*")
	if len(files) == 0 {
		t.Skip("skipped: the real logs are not in ../shared/data, so that only made-up values were tried")
	}
	const perFile = 100
	seen := 0
	for _, file := range files {
		if ext := filepath.Ext(file); ext != ".clef" && ext != ".json" && ext != ".ndjson" && ext != ".jsonl" && ext != ".log" {
			continue
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for n := 0; n < perFile && lines.Scan(); {
			line := lines.Bytes()
			if !bytes.HasPrefix(line, []byte("{")) {
				break
			}
			out, err := compactAll(line)
			if err != nil {
				break // a document over several lines, or not JSON at all
			}
			n++
			seen++
			sameTokens(t, line, out)
			v, err := ParseValue(line)
			if err != nil || v.String() != string(out) {
				t.Fatalf("%s: ParseValue gives %s, %v; Compact %s", file, v, err, out)
			}
			if again, err := compactAll(out); err != nil || !bytes.Equal(again, out) {
				t.Fatalf("%s: Compact twice: %v\n%s\n%s", file, err, out, again)
			}
			if m := RenderMessage(v); strings.Contains(m, "\uFFFD") {
				t.Errorf("%s: message %q", file, m)
			}
		}
		f.Close()
	}
	if seen < 500 {
		t.Errorf("only %d lines were JSON", seen)
	}
}
