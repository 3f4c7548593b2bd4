package loki

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/testkit"
)

func labelsOf(text string) string {
	var b strings.Builder
	err := parseLabels([]byte(text), func(name, value []byte) { fmt.Fprintf(&b, "%s=%q ", name, value) })
	if err != nil {
		return "error: " + err.Error()
	}
	return strings.TrimSuffix(b.String(), " ")
}

func TestLabels(t *testing.T) {
	const refused = "error: the stream's labels cannot be read: expected "
	for _, c := range []struct{ text, want string }{
		{`{}`, ``},
		{`{a="b"}`, `a="b"`},
		{" { a = \"b\" ,\n c=\"d\", } ", `a="b" c="d"`},
		{`{app="shop",level="info",app="again"}`, `app="shop" level="info" app="again"`},
		{`{a="",b="é"}`, `a="" b="é"`},
		{`{a="\a\b\f\n\r\t\v\\\'\"\x41\101\u00e9\U0001F600"}`, `a="\a\b\f\n\r\t\v\\'\"AAé😀"`},
		{"{a=`C:\\n`,b=\"c\"}", `a="C:\\n" b="c"`},
		{`{__meta.name-x="1"}`, `__meta.name-x="1"`},

		// What winston-loki makes of values that need escapes.
		{`{job=undefined}`, refused + `" at byte 5 of 15`},
		{`{a="say "hi", he said",b="c"}`, `a="say \"hi\", he said" b="c"`},
		{`{a="{"b"}",c="d"}`, `a="{\"b\"}" c="d"`},
		{`{a="say "hi" there",b="c"}`, `a="say \"hi\" there" b="c"`},
		{"{a=\"two\nlines\"}", `a="two\nlines"`},
		{`{a="C:\Users\me\x"}`, `a="C:\\Users\\me\\x"`},
		{`{a="\400\u12\U00110000\q"}`, `a="\\400\\u12\\U00110000\\q"`},

		{``, refused + `{ at byte 0 of 0`},
		{`a="b"`, refused + `{ at byte 0 of 5`},
		{`{`, refused + `= after a label's name at byte 1 of 1`},
		{`{a`, refused + `= after a label's name at byte 2 of 2`},
		{`{="b"}`, refused + `a label's name at byte 1 of 6`},
		{`{a="b`, refused + `the closing " at byte 5 of 5`},
		{"{a=`b", refused + "the closing ` at byte 5 of 5"},
		{`{a="b"`, refused + `the closing " at byte 6 of 6`},
		{`{a="b"}x`, refused + `the closing " at byte 8 of 8`},
		{"{a=`b`", refused + `a comma or } at byte 6 of 6`},
		{"{a=`b`}x", refused + `the end of the labels at byte 7 of 8`},
		{`{a=`, refused + `" at byte 3 of 3`},
		{`{a="\`, refused + `the closing " at byte 5 of 5`},
	} {
		if got := labelsOf(c.text); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.text, got, c.want)
		}
	}
}

// Whatever the text, its labels are parts of it, or it is refused.
func FuzzLabels(f *testing.F) {
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) {
			size := 0
			err := parseLabels(text, func(name, value []byte) { size += len(name) + len(value) })
			if err != nil && fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			if size > 2*len(text) { // an escape of a character is no shorter than half of it
				t.Fatalf("%d bytes of labels in %d bytes of text", size, len(text))
			}
		})
	})
}
