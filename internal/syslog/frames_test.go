package syslog

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stelehq/stele/internal/testkit"
)

// split feeds a stream in pieces of the lengths given, the last one over and over.
func split(stream []byte, limit int, pieces ...int) (got []string) {
	s := Splitter{Limit: limit}
	var buf []byte
	for i := 0; len(stream) > 0; i++ {
		n := min(max(1, pieces[min(i, len(pieces)-1)]), len(stream))
		buf, stream = append(buf, stream[:n]...), stream[n:]
		for {
			f, used := s.Next(buf)
			if f.Over > 0 {
				got = append(got, fmt.Sprintf("over %d", f.Over))
			} else if f.Text != nil {
				got = append(got, string(f.Text))
			}
			if used == 0 {
				break
			}
			buf = buf[used:]
		}
		if len(buf) > limit+16 {
			panic("the splitter wants more than it says")
		}
	}
	if rest := s.Rest(buf); rest != nil {
		got = append(got, "rest "+string(rest))
	}
	return got
}

func TestSplitter(t *testing.T) {
	for _, c := range []struct {
		stream string
		want   string
	}{
		{"<1>a\n<1>b\n", "<1>a|<1>b"},
		{"<1>a\x00<1>b\x00", "<1>a|<1>b"},
		{"<1>a\r\n\n\x00<1>b", "<1>a\r|rest <1>b"},
		{"4 <1>a4 <1>b", "<1>a|<1>b"},
		{"5 <1>\na\n4 <1>b<1>c\n4 <1>d", "<1>\na|<1>b|<1>c|<1>d"},
		{"12 <1>half", "rest <1>half"},
		{"12", "rest 12"},
		{"12 monkeys\nno PRI\n", "12 monkeys|no PRI"},
		{"0 <1>a\n", "0 <1>a"},
		{"1234567890 <1>a\n", "1234567890 <1>a"},
		{"", ""},
		{"\n\n", ""},
		{"22 <1>" + strings.Repeat("x", 19) + "4 <1>a", "over 22|<1>a"},
		{"<1>" + strings.Repeat("x", 100) + "\n<1>a\n", "over 17|<1>a"},
		{"<1>" + strings.Repeat("x", 100), "over 17"},
		{"99 <1>" + strings.Repeat("x", 20), "over 99"},
	} {
		if got := strings.Join(split([]byte(c.stream), 16, 1), "|"); got != c.want {
			t.Errorf("%q, a byte at a time:\ngot  %q\nwant %q", c.stream, got, c.want)
		}
		if got := strings.Join(split([]byte(c.stream), 16, 17), "|"); !strings.Contains(c.want, "over") && got != c.want {
			t.Errorf("%q, at once:\ngot  %q\nwant %q", c.stream, got, c.want)
		}
	}
}

// Messages come out as they went in, whatever framing each has and however the network cuts them.
func TestSplitterFindsEveryMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want []string
		for range rapid.IntRange(0, 20).Draw(t, "messages") {
			text := rapid.StringMatching(`<[0-9]{1,3}>[ -~]{0,40}`).Draw(t, "text")
			switch rapid.IntRange(0, 2).Draw(t, "framing") {
			case 0:
				text += rapid.StringMatching(`(\n[ -~]{0,5}\x00?){0,2}`).Draw(t, "more")
				stream = append(stream, fmt.Sprintf("%d %s", len(text), text)...)
			case 1:
				stream = append(stream, text+"\n"...)
			default:
				stream = append(stream, text+"\x00"...)
			}
			want = append(want, text)
		}
		pieces := rapid.SliceOfN(rapid.IntRange(1, 60), 1, 10).Draw(t, "pieces")
		if got := split(stream, 100, pieces...); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("%q\ngot  %q\nwant %q", stream, got, want)
		}
	})
}

func FuzzSplitter(f *testing.F) {
	f.Add([]byte("4 <1>a<1>b\n12 <1>"), 3)
	f.Fuzz(func(t *testing.T, seed []byte, piece int) {
		testkit.Soak(t, seed, func(stream []byte) {
			const limit = 32
			a, b := split(stream, limit, piece%16), split(stream, limit, 1)
			overs := strings.Contains(strings.Join(a, ""), "over") || strings.Contains(strings.Join(b, ""), "over")
			if !overs && strings.Join(a, "|") != strings.Join(b, "|") {
				t.Fatalf("%q: in pieces of %d %q, of 1 %q", stream, piece%16, a, b)
			}
			total := 0
			for _, m := range b {
				total += len(strings.TrimPrefix(m, "rest "))
			}
			if printable := len(bytes.ReplaceAll(bytes.ReplaceAll(bytes.ReplaceAll(stream, []byte{0}, nil), []byte{'\n'}, nil), []byte{'\r'}, nil)); !overs && total+11*bytes.Count(stream, []byte(" <")) < printable {
				t.Fatalf("%q lost something: %q", stream, b)
			}
		})
	})
}
