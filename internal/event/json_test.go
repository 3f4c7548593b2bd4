package event

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/fault"
)

// compactAll is Compact of a text that holds one value and nothing more.
func compactAll(src []byte) ([]byte, error) {
	out, next, err := Compact(nil, src, 0, 0)
	if err != nil {
		return nil, err
	}
	if next = SkipSpace(src, next); next < len(src) {
		return nil, Expected(src, next, "the end after the value")
	}
	return out, nil
}

func TestJSONThatIsValid(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	long := strings.Repeat("1234567890", 40)
	tests := []struct{ src, want string }{
		{`null`, `null`}, {` true `, `true`}, {"\t\r\n false", `false`},
		{`0`, `0`}, {`-0`, `-0`}, {`-0.0e-0`, `-0.0e-0`}, {`1E400`, `1E400`}, {`1e+05`, `1e+05`}, {`20.50`, `20.50`}, {`10`, `10`},
		{long, long}, {"-" + long + "." + long + "e" + long, "-" + long + "." + long + "e" + long},
		{`""`, `""`}, {`" a b "`, `" a b "`}, {`"\""`, `"\""`}, {`"\\\/\b\f\n\r\t"`, `"\\/\b\f\n\r\t"`},
		{`"\u0008\u000C\u000a\u000D\u0009\u0022\u005C\u002f\u0041"`, `"\b\f\n\r\t\"\\/A"`},
		{`"\u0000\u001F\u007f"`, "\"\\u0000\\u001f\x7f\""}, {"\"\x7f\"", "\"\x7f\""},
		{`"\u00e9\u20AC\ud83d\uDE00"`, `"é€😀"`}, {`"é€😀"`, `"é€😀"`},
		{`"\ud800"`, `"\ud800"`}, {`"\uDFFF\uD800"`, `"\udfff\ud800"`}, {`"\ud800\ud83d\ude00"`, `"\ud800😀"`},
		{`"\ud800x\udc00"`, `"\ud800x\udc00"`}, {`"\ud800\n"`, `"\ud800\n"`}, {`"\ud800\u0041"`, `"\ud800A"`}, {`"\ud800\\udc00"`, `"\ud800\\udc00"`},
		{`"\uFFFD\uFFFE\uFFFF\u2028\uFEFF"`, "\"\uFFFD\uFFFE\uFFFF\u2028\uFEFF\""},
		{`[]`, `[]`}, {` [ ] `, `[]`}, {"[\n1 ,\t2\r]", `[1,2]`}, {`[[],{},"",null]`, `[[],{},"",null]`},
		{`{}`, `{}`}, {` { "" : 1 } `, `{"":1}`}, {`{"a":1,"a":2,"a":1}`, `{"a":1,"a":2,"a":1}`},
		{`{"b":1,"@@m":2,"@timestamp":3,"a":4}`, `{"b":1,"@@m":2,"@timestamp":3,"a":4}`},
		{`{"\u0061\ud800":"x"}`, `{"a\ud800":"x"}`},
		{deep, deep},
	}
	for _, test := range tests {
		got, err := compactAll([]byte(test.src))
		if err != nil || string(got) != test.want {
			t.Errorf("Compact(%s) = %s, %v; want %s", test.src, got, err, test.want)
			continue
		}
		v, err := ParseValue([]byte(test.src))
		if err != nil || string(v.AppendJSON(nil)) != test.want {
			t.Errorf("ParseValue(%s) = %s, %v; want %s", test.src, v.AppendJSON(nil), err, test.want)
		}
		if !json.Valid([]byte(test.src)) {
			t.Errorf("encoding/json refuses %s", test.src)
		}
	}
}

func TestJSONThatIsRefused(t *testing.T) {
	tests := []struct{ src, want string }{
		{``, `byte 0: expected a JSON value, found the end of the text`},
		{`  `, `byte 2: expected a JSON value, found the end of the text`},
		{`hello`, `byte 0: expected a JSON value, found 'h'`},
		{`tru`, `byte 3: expected "e" of true, found the end of the text`},
		{`nuLl`, `byte 2: expected "ll" of null, found 'L'`},
		{`NaN`, `byte 0: expected a JSON value, found 'N'`},
		{`-Infinity`, `byte 1: expected a digit, found 'I'`},
		{`truefalse`, `byte 4: expected the end after the value, found 'f'`},
		{`1 2`, `byte 2: expected the end after the value, found '2'`},
		{`[1]]`, `byte 3: expected the end after the value, found ']'`},
		{"\xEF\xBB\xBF1", `byte 0: expected a JSON value, found '` + "\uFEFF" + `' (U+FEFF)`},
		{"\xFF", `byte 0: expected a JSON value, found the byte 0xFF`},
		{"1\x00", `byte 1: expected the end after the value, found the control character 0x00`},
		{`01`, `byte 0: a number may not begin with 0 and another digit`},
		{`-012`, `byte 1: a number may not begin with 0 and another digit`},
		{`-`, `byte 1: expected a digit, found the end of the text`},
		{`+1`, `byte 0: expected a JSON value, found '+'`},
		{`.5`, `byte 0: expected a JSON value, found '.'`},
		{`1.`, `byte 2: expected a digit after the decimal point, found the end of the text`},
		{`1.e5`, `byte 2: expected a digit after the decimal point, found 'e'`},
		{`1e`, `byte 2: expected a digit of the exponent, found the end of the text`},
		{`1e+`, `byte 3: expected a digit of the exponent, found the end of the text`},
		{`1E-x`, `byte 3: expected a digit of the exponent, found 'x'`},
		{`0x10`, `byte 1: expected the end after the value, found 'x'`},
		{`'a'`, `byte 0: expected a JSON value, found '''`},
		{`"abc`, `byte 4: the text ends inside the string that begins at byte 0; expected "`},
		{`"`, `byte 1: the text ends inside the string that begins at byte 0; expected "`},
		{`"\`, `byte 1: the text ends inside an escape`},
		{`"\"`, `byte 3: the text ends inside the string that begins at byte 0; expected "`},
		{`"\u12"`, `byte 1: expected four hex digits after \u`},
		{`"\u12G4"`, `byte 1: expected four hex digits after \u`},
		{`"\ud83d\u"`, `byte 7: expected four hex digits after \u`},
		{`"\U0041"`, `byte 1: \ may be followed by one of "\/bfnrtu, not by 'U'`},
		{`"\x41"`, `byte 1: \ may be followed by one of "\/bfnrtu, not by 'x'`},
		{"\"0123456789012345\n\"", `byte 17: a string may not hold the control character 0x0A; write it as \n`},
		{"\"\x00\"", `byte 1: a string may not hold the control character 0x00; write it as \u0000`},
		{"\"ab\x1f\"", `byte 3: a string may not hold the control character 0x1F; write it as \u001f`},
		{"\"\x80\"", `byte 1: expected UTF-8, found the byte 0x80 that does not belong there`},
		{"\"é\xC3\"", `byte 3: expected UTF-8, found the byte 0xC3 that does not belong there`},
		{"\"0123456\xC0\x80\"", `byte 8: expected UTF-8, found the byte 0xC0`},
		{"\"\xF4\x90\x80\x80\"", `byte 1: expected UTF-8, found the byte 0xF4`},
		{"\"\xE2\x82\"", `byte 1: expected UTF-8, found the byte 0xE2`},
		{"\"\xED\xA0\x80\"", `byte 1: expected UTF-8, found a raw surrogate; write it as \ud800`},
		{"\"\xED\xA0\xBD\xED\xB8\x80\"", `byte 1: expected UTF-8, found a raw surrogate; write it as \ud83d`},
		{"\"\xED\xBF\xBF\"", `byte 1: expected UTF-8, found a raw surrogate; write it as \udfff`},
		{`[`, `byte 1: expected a JSON value, found the end of the text`},
		{`[1`, `byte 2: expected a comma or ] of the array, found the end of the text`},
		{`[1,]`, `byte 3: expected a JSON value, found ']'`},
		{`[,1]`, `byte 1: expected a JSON value, found ','`},
		{`[1 2]`, `byte 3: expected a comma or ] of the array, found '2'`},
		{`[1}`, `byte 2: expected a comma or ] of the array, found '}'`},
		{`[1]//`, `byte 3: expected the end after the value, found '/'`},
		{`{`, `byte 1: expected a member's name in double quotes, found the end of the text`},
		{`{a:1}`, `byte 1: expected a member's name in double quotes, found 'a'`},
		{`{hello!}`, `byte 1: expected a member's name in double quotes, found 'h'`},
		{`{"a"}`, `byte 4: expected a colon after the member's name, found '}'`},
		{`{"a":}`, `byte 5: expected a JSON value, found '}'`},
		{`{"a":1,}`, `byte 7: expected a member's name in double quotes, found '}'`},
		{`{"a":1 "b":2}`, `byte 7: expected a comma or } of the object, found '"'`},
		{`{"a":1`, `byte 6: expected a comma or } of the object, found the end of the text`},
		{`{"a`, `byte 3: the text ends inside the string that begins at byte 1; expected "`},
		{`{1:2}`, `byte 1: expected a member's name in double quotes, found '1'`},
		{"[\v1]", `byte 1: expected a JSON value, found the control character 0x0B`},
		{"[\u00a01]", `byte 1: expected a JSON value, found '` + "\u00a0" + `' (U+00A0)`},
		{strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), `byte 64: objects and arrays may nest 64 levels deep, no deeper`},
		{strings.Repeat(`{"a":`, 100_000), `byte 320: objects and arrays may nest 64 levels deep, no deeper`},
	}
	for _, test := range tests {
		_, err := compactAll([]byte(test.src))
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Compact(%.60q): %v; want %s", test.src, err, test.want)
			continue
		}
		var e *fault.Error
		var offset int64
		if fmt.Sscanf(e0(err, &e), "byte %d", &offset); e.Offset != offset {
			t.Errorf("%v: Offset is %d", err, e.Offset)
		}
		if _, other := ParseValue([]byte(test.src)); other == nil || other.Error() != err.Error() {
			t.Errorf("Compact(%.60q): %v\nParseValue: %v", test.src, err, other)
		}
	}
}

func e0(err error, e **fault.Error) string {
	if errors.As(err, e) {
		return (*e).Msg
	}
	return ""
}

// A string's parts lie at every distance from the words of eight bytes in which the scanner works.
func TestScanStringAtEveryAlignment(t *testing.T) {
	for before := range 20 {
		for after := range 20 {
			for _, middle := range []struct{ json, value string }{
				{``, ``}, {`\"`, `"`}, {`\\`, `\`}, {`\n`, "\n"}, {"é", "é"}, {"€", "€"}, {"😀", "😀"}, {`\ud800`, "\xED\xA0\x80"}, {`\u0000`, "\x00"}, {"é\\té", "é\té"},
			} {
				a, z := strings.Repeat("a", before), strings.Repeat("z", after)
				src := []byte("xx\"" + a + middle.json + z + `","next":"`)
				end := len(src) - len(`,"next":"`)
				val, rest, next, err := ScanString(src, 2, []byte("kept"))
				if err != nil || string(val) != a+middle.value+z || next != end || !bytes.HasPrefix(rest, []byte("kept")) {
					t.Fatalf("ScanString(%s) = %q, %q, %d, %v; want %q, %d", src, val, rest, next, err, a+middle.value+z, end)
				}
				if after, err := SkipString(src, 2); after != end || err != nil {
					t.Fatalf("SkipString(%s) = %d, %v; want %d", src, after, err, end)
				}
				back := AppendString(nil, val)
				if again, _, _, err := ScanString(back, 0, nil); err != nil || !bytes.Equal(again, val) {
					t.Fatalf("%s is written %s and read %q, %v", src, back, again, err)
				}
			}
			for _, bad := range []string{"\n", "\x1f", "\x00", "\x80", "\xff", "\xC3", "\xED\xA0\x80", `\q`, `\u12x4`} {
				src := []byte("xx\"" + strings.Repeat("a", before) + bad + strings.Repeat("z", after) + `"`)
				_, rest, next, err := ScanString(src, 2, []byte("kept"))
				if !errors.Is(err, fault.Invalid) || next != 3+before || string(rest) != "kept" {
					t.Fatalf("ScanString(%q) = %d, %v, rest %q; want byte %d", src, next, err, rest, 3+before)
				}
				if next, err := SkipString(src, 2); !errors.Is(err, fault.Invalid) || next != 3+before {
					t.Fatalf("SkipString(%q) = %d, %v", src, next, err)
				}
			}
		}
	}
}

func TestScanStringIsAPartOfTheSourceIfItHoldsNoEscape(t *testing.T) {
	src := []byte(`"plain é"`)
	val, rest, _, err := ScanString(src, 0, nil)
	if err != nil || &val[0] != &src[1] || rest != nil {
		t.Fatalf("%q, %q, %v", val, rest, err)
	}
	if cap(val) != len(val) {
		t.Error("appending to the value would overwrite the source")
	}
	for _, src := range []string{``, `x`, `5`} {
		if _, _, _, err := ScanString([]byte(src), 0, nil); !errors.Is(err, fault.Invalid) {
			t.Errorf("ScanString(%q): %v", src, err)
		}
	}
	// Several values share one scratch, as a parser would keep them.
	scratch := []byte(nil)
	a, scratch, _, _ := ScanString([]byte(`"a\tb"`), 0, scratch)
	b, _, _, _ := ScanString([]byte(`"\u0063"`), 0, scratch)
	if string(a) != "a\tb" || string(b) != "c" {
		t.Errorf("%q, %q", a, b)
	}
}

// Every byte at every place of a word, against the definition.
func TestPlainMask(t *testing.T) {
	for c := range 256 {
		for place := range 8 {
			for _, above := range []byte{'a', 0, '"', '\\', 0x1f, 0x20, 0x21, 0x7f, 0x80, 0xff} {
				src := bytes.Repeat([]byte{'a'}, 8)
				for i := place + 1; i < 8; i++ {
					src[i] = above
				}
				src[place] = byte(c)
				want := len(src)
				for i, b := range src {
					if b < 0x20 || b == '"' || b == '\\' || b >= 0x80 {
						want = i
						break
					}
				}
				if got := bits.TrailingZeros64(plainMask(binary.LittleEndian.Uint64(src))) / 8; got != want {
					t.Fatalf("the first mark for % x is at %d, want %d", src, got, want)
				}
			}
		}
	}
}

func TestAppendStringNeverWritesWhatIsNotJSON(t *testing.T) {
	tests := []struct{ s, want string }{
		{"", `""`}, {"a\"b\\c/\b\t\n\f\r\x00\x1f\x7f", `"a\"b\\c/\b\t\n\f\r\u0000\u001f` + "\x7f\""},
		{"\xED\xA0\x80\xED\xBF\xBF", `"\ud800\udfff"`}, {"é€😀\u2028", "\"é€😀\u2028\""},
		{"\xFF", "\"\uFFFD\""}, {"a\xC3", "\"a\uFFFD\""}, {"\xED\xA0", "\"\uFFFD\uFFFD\""}, {"\xED\xA0x", "\"\uFFFD\uFFFDx\""},
		{"\xF5\x80\x80\x80", "\"\uFFFD\uFFFD\uFFFD\uFFFD\""}, {"\xC0\x80", "\"\uFFFD\uFFFD\""},
	}
	for _, test := range tests {
		if got := string(AppendString(nil, []byte(test.s))); got != test.want || !json.Valid([]byte(got)) {
			t.Errorf("AppendString(%q) = %s, want %s", test.s, got, test.want)
		}
		if got := string(AppendText([]byte("x"), test.s)); got != "x"+test.want {
			t.Errorf("AppendText(%q) = %s, want x%s", test.s, got, test.want)
		}
	}
}

func TestCompactCountsDepthFromItsCaller(t *testing.T) {
	for _, test := range []struct {
		depth, levels int
		ok            bool
	}{{0, 64, true}, {0, 65, false}, {1, 63, true}, {1, 64, false}, {63, 1, true}, {63, 2, false}, {64, 0, true}, {64, 1, false}} {
		src := strings.Repeat("[", test.levels) + "1" + strings.Repeat("]", test.levels)
		out, next, err := Compact([]byte("x"), []byte("..."+src), 3, test.depth)
		if (err == nil) != test.ok {
			t.Errorf("%d levels at depth %d: %v", test.levels, test.depth, err)
		}
		if test.ok && (string(out) != "x"+src || next != 3+len(src)) {
			t.Errorf("%d levels at depth %d: %s, %d", test.levels, test.depth, out, next)
		}
	}
}

// tokens is what encoding/json sees in a text: order, duplicates and number texts included.
func tokens(t interface{ Fatalf(string, ...any) }, src []byte) []json.Token {
	dec := json.NewDecoder(bytes.NewReader(src))
	dec.UseNumber()
	var all []json.Token
	for {
		token, err := dec.Token()
		if err != nil {
			if err.Error() != "EOF" {
				t.Fatalf("encoding/json refuses %q: %v", src, err)
			}
			return all
		}
		all = append(all, token)
	}
}

func sameTokens(t interface{ Fatalf(string, ...any) }, src, out []byte) {
	if diff := cmp.Diff(tokens(t, src), tokens(t, out)); diff != "" {
		t.Fatalf("encoding/json sees another value: -%q +%q\n%s", src, out, diff)
	}
}
