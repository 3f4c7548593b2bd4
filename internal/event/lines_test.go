package event

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestLines(t *testing.T) {
	tests := []struct {
		body string
		want []string // number@offset:text
	}{
		{"", nil}, {"\n", nil}, {"\r\n\r\n", nil}, {" \t\r\n", nil}, {"\xEF\xBB\xBF", nil},
		{"a", []string{"1@0:a"}},
		{"a\n", []string{"1@0:a"}},
		{"a\r\n", []string{"1@0:a"}},
		{"a\r", []string{"1@0:a"}},
		{"a\nb", []string{"1@0:a", "2@2:b"}},
		{"a\r\nb\r\n", []string{"1@0:a", "2@3:b"}},
		{"\n\na\n  \n\r\nb", []string{"3@2:a", "6@9:b"}},
		{" a \n", []string{"1@0: a "}},
		{"a\rb\n", []string{"1@0:a\rb"}},
		{"\xEF\xBB\xBFa\nb", []string{"1@3:a", "2@5:b"}},
		{"a\n\xEF\xBB\xBFb", []string{"1@0:a", "2@2:\xEF\xBB\xBFb"}},
	}
	for _, test := range tests {
		var got []string
		for line := range Lines([]byte(test.body)) {
			got = append(got, fmt.Sprintf("%d@%d:%s", line.Number, line.Offset, line.Text))
			if cap(line.Text) != len(line.Text) {
				t.Errorf("%q: appending to line %d would overwrite the next", test.body, line.Number)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.body, got, test.want)
		}
	}
	for line := range Lines([]byte("a\nb\nc")) {
		if line.Number > 1 {
			t.Error("the loop goes on after break")
		}
		break
	}
}

func TestLinesAgreeWithSplitting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := []byte(rapid.StringMatching(`([ab\r\n\t ]|\r\n){0,60}`).Draw(t, "body"))
		var want, got []string
		for i, line := range bytes.Split(body, []byte("\n")) {
			line = bytes.TrimSuffix(line, []byte("\r"))
			if len(bytes.Trim(line, " \t\r")) > 0 {
				want = append(want, fmt.Sprintf("%d:%s", i+1, line))
			}
		}
		for line := range Lines(body) {
			got = append(got, fmt.Sprintf("%d:%s", line.Number, line.Text))
			if !bytes.HasPrefix(body[line.Offset:], line.Text) {
				t.Fatalf("line %d does not begin at %d", line.Number, line.Offset)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", body, got, want)
		}
	})
}
