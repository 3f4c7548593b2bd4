package event

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func text(s string) Token { return Token{Text: s} }

func TestParseTemplate(t *testing.T) {
	tests := []struct {
		template string
		want     []Token
	}{
		{"", nil},
		{"plain", []Token{text("plain")}},
		{"{Name}", []Token{{Text: "{Name}", Name: "Name"}}},
		{"Hello, {Name}!", []Token{text("Hello, "), {Text: "{Name}", Name: "Name"}, text("!")}},
		{"{@User}{$User}", []Token{{Text: "{@User}", Name: "User"}, {Text: "{$User}", Name: "User"}}},
		{"{0} and {1}", []Token{{Text: "{0}", Name: "0"}, text(" and "), {Text: "{1}", Name: "1"}}},
		{"{_x1}{Ünï}", []Token{{Text: "{_x1}", Name: "_x1"}, {Text: "{Ünï}", Name: "Ünï"}}},
		{"{a.b}", []Token{{Text: "{a.b}", Name: "a.b"}}},
		{"{N:000}", []Token{{Text: "{N:000}", Name: "N", Format: "000"}}},
		{"{N,10}{N,-10}", []Token{{Text: "{N,10}", Name: "N", Align: 10}, {Text: "{N,-10}", Name: "N", Align: -10}}},
		{"{N,10:x8}", []Token{{Text: "{N,10:x8}", Name: "N", Align: 10, Format: "x8"}}},
		{"{T:HH:mm:ss, zz}", []Token{{Text: "{T:HH:mm:ss, zz}", Name: "T", Format: "HH:mm:ss, zz"}}},
		{"{N:}", []Token{{Text: "{N:}", Name: "N"}}},
		// Braces.
		{"{{", []Token{text("{")}},
		{"}}", []Token{text("}")}},
		{"a } b", []Token{text("a } b")}},
		{"{{Name}}", []Token{text("{Name}")}},
		{"{{{Name}}}", []Token{text("{"), {Text: "{Name}", Name: "Name"}, text("}")}},
		{"}}}{{{", []Token{text("}}{{")}},
		{"{", []Token{text("{")}},
		{"a{", []Token{text("a{")}},
		// What is no hole is text.
		{"{}", []Token{text("{}")}},
		{"{ Name}", []Token{text("{ Name}")}},
		{"{Name }", []Token{text("{Name }")}},
		{"{Na-me}", []Token{text("{Na-me}")}},
		{"{Name", []Token{text("{Name")}},
		{"{Name\n}", []Token{text("{Name\n}")}},
		{"{@}", []Token{text("{@}")}},
		{"{@@Name}", []Token{text("{@@Name}")}},
		{"{:x}", []Token{text("{:x}")}},
		{"{,5}", []Token{text("{,5}")}},
		{"{N,}", []Token{text("{N,}")}},
		{"{N,0}", []Token{text("{N,0}")}},
		{"{N,-}", []Token{text("{N,-}")}},
		{"{N,+5}", []Token{text("{N,+5}")}},
		{"{N,5-}", []Token{text("{N,5-}")}},
		{"{N,x}", []Token{text("{N,x}")}},
		{"{N, 5}", []Token{text("{N, 5}")}},
		{"{N,:x}", []Token{text("{N,:x}")}},
		{"{N,99999999999999999999}", []Token{text("{N,99999999999999999999}")}},
		{"{N,1001}", []Token{text("{N,1001}")}},
		{"{a{N}", []Token{text("{a{N}")}},
		{"{a<b} {N}", []Token{text("{a<b} "), {Text: "{N}", Name: "N"}}},
		{"{a\t{N}", []Token{text("{a\t"), {Text: "{N}", Name: "N"}}},
		{"{N:$}", []Token{text("{N:$}")}},
		{"\xED\xA0\x80{N}\xff", []Token{text("\xED\xA0\x80"), {Text: "{N}", Name: "N"}, text("\xff")}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, ParseTemplate(test.template)); diff != "" {
			t.Errorf("%q: -want +got:\n%s", test.template, diff)
		}
	}
}

func TestRenderMessage(t *testing.T) {
	tests := []struct{ name, event, want string }{
		{"nothing", `{}`, ""},
		{"not an object", `"x"`, ""},
		{"only @m", `{"@m":"a {b} {{c}}","b":1}`, "a {b} {{c}}"},
		{"@m before @mt", `{"@m":"rendered","@mt":"{b}","b":1}`, "rendered"},
		{"null @m", `{"@m":null,"@mt":"{b}","b":1}`, "1"},
		{"empty @m", `{"@m":"","@mt":"{b}","b":1}`, ""},
		{"@m of another kind", `{"@m":12.50}`, "12.50"},
		{"@mt of another kind", `{"@mt":["{b}"],"b":1}`, ""},
		{"the last @mt counts", `{"@mt":"a","@mt":"b"}`, "b"},
		{"a string is bare", `{"@mt":"Hello, {Name}!","Name":"o\"X\u00e9"}`, `Hello, o"Xé!`},
		{"a number is its text", `{"@mt":"{N}","N":1.50e3}`, "1.50e3"},
		{"null, true, array, object", `{"@mt":"{a} {b} {c} {d}","a":null,"b":true,"c":[1, "x"],"d":{"e" : "f"}}`, `null true [1,"x"] {"e":"f"}`},
		{"operators", `{"@mt":"{@a} {$a}","a":{"b":"c"}}`, `{"b":"c"} {"b":"c"}`},
		{"missing", `{"@mt":"{a} {@b} {c,5:x} {{d}}"}`, "{a} {@b} {c,5:x} {d}"},
		{"positional", `{"@mt":"{1}{0}","0":"a","1":"b"}`, "ba"},
		{"the last duplicate", `{"@mt":"{a}","a":1,"a":2}`, "2"},
		{"path", `{"@mt":"{a.b}{a.c}{b.d}","a":{"b":1,"c":2},"b":{"d":3}}`, "123"},
		{"literal name before path", `{"@mt":"{a.b}","a":{"b":1},"a.b":2}`, "2"},
		{"@t is no property", `{"@mt":"{t} {@t}","@t":"x"}`, "{t} {@t}"},
		{"align", `{"@mt":"[{a,5}][{a,-5}][{a,1}]","a":"né"}`, "[   né][né   ][né]"},
		{"renderings", `{"@mt":"{a:x} {b} {a:X} {c:0}","@r":["one","two"],"a":255,"b":2,"c":3.5}`, "one 2 two 4"},
		{"a rendering is aligned", `{"@mt":"[{a,6:x}]","@r":["ff"],"a":255}`, "[    ff]"},
		{"an aligned rendering stays", `{"@mt":"[{a,6:x}]","@r":["    ff"],"a":255}`, "[    ff]"},
		{"a rendering needs no property", `{"@mt":"{a:x}","@r":["ff"]}`, "ff"},
		{"a rendering that is no string", `{"@mt":"{a:0.0} {b:000}","@r":[null,"z"],"a":1,"b":2}`, "1.0 z"},
		{"@r is no array", `{"@mt":"{a:000}","@r":"x","a":1}`, "001"},
		{"missing holes take their rendering's turn", `{"@mt":"{x:a} {a:b}","@r":["one","two"],"a":1}`, "one two"},
		{"format without rendering", `{"@mt":"took {Elapsed:0.000} ms, {Name:l}, {N:N2}","Elapsed":12.3456,"Name":"n","N":1}`, "took 12.346 ms, n, 1"},
		{"lone surrogate", `{"@mt":"\ud800{a}","a":"\udc00"}`, "\xED\xA0\x80\xED\xB0\x80"},
	}
	for _, test := range tests {
		v, err := ParseValue([]byte(test.event))
		if err != nil {
			t.Fatal(err)
		}
		if got := RenderMessage(v); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if v.Get("@m").Kind == Undefined {
			if _, filled := MessageParts(v); strings.Join(filled, "") != test.want {
				t.Errorf("%s: parts %q, want %q", test.name, filled, test.want)
			}
		}
	}
}

func TestMessageParts(t *testing.T) {
	v, err := ParseValue([]byte(`{"@m":"x","@mt":"Got {Code:000} from {Host}, {Gone}","Host":"a","Code":7}`))
	if err != nil {
		t.Fatal(err)
	}
	tokens, filled := MessageParts(v)
	wantTokens := []Token{text("Got "), {Text: "{Code:000}", Name: "Code", Format: "000"}, text(" from "), {Text: "{Host}", Name: "Host"}, text(", "), {Text: "{Gone}", Name: "Gone"}}
	if diff := cmp.Diff(wantTokens, tokens); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Got ", "007", " from ", "a", ", ", "{Gone}"}, filled); diff != "" {
		t.Error(diff)
	}
	v, _ = ParseValue([]byte(`{"@m":"a {b}"}`))
	if tokens, filled := MessageParts(v); len(tokens) != 1 || tokens[0] != text("a {b}") || filled[0] != "a {b}" {
		t.Errorf("%v, %q", tokens, filled)
	}
	if tokens, filled := MessageParts(Value{}); tokens != nil || filled != nil {
		t.Errorf("%v, %q", tokens, filled)
	}
}

func TestFormats(t *testing.T) {
	tests := []struct{ number, format, want string }{
		{"7", "000", "007"}, {"-7", "000", "-007"}, {"1234", "000", "1234"}, {"7", "0", "7"}, {"0", "0", "0"}, {"0", "000", "000"},
		{"1.5", "0", "2"}, {"2.5", "0", "3"}, {"-2.5", "0", "-3"}, {"2.4999", "0", "2"}, {"0.4", "0", "0"}, {"-0.4", "0", "0"}, {"-0.5", "0", "-1"},
		{"1.5", "0.00", "1.50"}, {"1", "0.00", "1.00"}, {"1.005", "0.00", "1.01"}, {"1.0049", "0.00", "1.00"}, {"-0.001", "0.00", "0.00"}, {"9.995", "0.00", "10.00"},
		{"0.5", "00.0", "00.5"}, {"12.3456789", "0.0000", "12.3457"}, {"1e2", "0.0", "100.0"},
		{"79228162514264337593543950335", "0.00", "79228162514264337593543950335.00"}, {"7.9228162514264337593543950335", "0", "8"},
		{"1e29", "0.00", "1e29"}, {"255", "x", "ff"}, {"255", "X", "FF"}, {"255", "x8", "000000ff"}, {"255", "X4", "00FF"}, {"255.0", "x", "ff"},
		{"-1", "x", "ffffffff"}, {"-2147483648", "x", "80000000"}, {"-2147483649", "x", "ffffffff7fffffff"}, {"1.5", "x", "1.5"}, {"255", "x999", "255"}, {"255", "xx", "255"}, {"255", "x-4", "255"},
		{"1.50", "N2", "1.50"}, {"1.50", "#.##", "1.50"}, {"1.50", "0.", "1.50"}, {"1.50", ".00", "1.50"}, {"1.50", "0.0.0", "1.50"}, {"1.50", "", "1.50"},
		{"1", strings.Repeat("0", 65), "1"}, {"1", strings.Repeat("0", 64), strings.Repeat("0", 63) + "1"},
	}
	for _, test := range tests {
		if got := string(appendFormatted([]byte("x"), NumberValue(test.number), test.format)); got != "x"+test.want {
			t.Errorf("{%s:%s} = %s, want %s", test.number, test.format, got[1:], test.want)
		}
	}
	for _, v := range []Value{StringValue("7"), {Kind: Null}, BoolValue(true)} {
		if got := string(appendFormatted(nil, v, "000")); got != string(v.AppendDisplay(nil)) {
			t.Errorf("a %s is formatted: %s", v.Kind, got)
		}
	}
}

func TestR7FixedFormatRoundsLikeBigNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := aDecimalText().Draw(t, "number")
		d, ok := ParseDecimal(number)
		if !ok {
			return
		}
		places := rapid.IntRange(0, 30).Draw(t, "places")
		format := "0"
		if places > 0 {
			format += "." + strings.Repeat("0", places)
		}
		want := d.rat().FloatString(places) // rounds halves away from zero
		if strings.Trim(want, "-0.") == "" {
			want = strings.TrimPrefix(want, "-")
		}
		if got := string(appendFormatted(nil, NumberValue(number), format)); got != want {
			t.Fatalf("{%s:%s} = %s, want %s", number, format, got, want)
		}
	})
}

// checkTemplate holds for every template: written out again with braces doubled in texts, the tokens are the same.
func checkTemplate(t interface{ Fatalf(string, ...any) }, template string) {
	tokens := ParseTemplate(template)
	var again strings.Builder
	for i, token := range tokens {
		switch {
		case token.Text == "":
			t.Fatalf("%q: token %d is empty", template, i)
		case token.Name != "":
			if token.Text[0] != '{' || token.Text[len(token.Text)-1] != '}' || !strings.Contains(template, token.Text) {
				t.Fatalf("%q: hole %+v", template, token)
			}
			again.WriteString(token.Text)
		case i > 0 && tokens[i-1].Name == "":
			t.Fatalf("%q: two texts side by side", template)
		default:
			again.WriteString(bracesDoubled.Replace(token.Text))
		}
	}
	if diff := cmp.Diff(tokens, ParseTemplate(again.String())); diff != "" {
		t.Fatalf("%q and %q differ:\n%s", template, again.String(), diff)
	}
	// With every hole filled by its own text the message is the template, but for doubled braces.
	none := func(string) Value { return Value{} }
	var texts strings.Builder
	for _, token := range tokens {
		texts.WriteString(token.Text)
	}
	if got := string(AppendMessage(nil, tokens, Value{}, none)); got != texts.String() {
		t.Fatalf("%q without properties is %q, want %q", template, got, texts.String())
	}
	if len(texts.String()) > len(template) {
		t.Fatalf("%q grows to %q", template, texts.String())
	}
}

func TestTemplatesAreWrittenBack(t *testing.T) {
	piece := rapid.OneOf(rapid.SampledFrom([]string{"{", "}", "{{", "}}", "{a}", "{@a,5:x}", ",", ":", "-1", "x", " ", "é", "\n", "$", "<"}), aString())
	rapid.Check(t, func(t *rapid.T) {
		checkTemplate(t, strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), ""))
	})
}

func TestMessagesAreBounded(t *testing.T) {
	const holes = 40_000
	v := Value{Kind: Object, Members: []Member{
		{"@mt", StringValue(strings.Repeat("{a}", holes))}, {"a", StringValue(strings.Repeat("x", 100_000))}}}
	m := RenderMessage(v)
	if len(m) < MaxMessage || len(m) > MaxMessage+100_000+3*holes {
		t.Errorf("a message of %d bytes", len(m))
	}
	if _, filled := MessageParts(v); strings.Join(filled, "") != m {
		t.Error("the parts are not the message")
	}
	// And the time is linear: this would take minutes if every brace copied what is before it.
	braces := strings.Repeat("}{{", 1_000_000)
	if tokens := ParseTemplate(braces); len(tokens) != 1 || len(tokens[0].Text) != 2_000_000 {
		t.Errorf("%d tokens", len(tokens))
	}
}
