package syntax_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/query/syntax"
	"github.com/stelehq/stele/internal/testkit"
)

// inside checks that an error points into the text.
func inside(t *testing.T, text string, err error) {
	if bad, ok := err.(*syntax.Error); ok && (bad.Offset < 0 || bad.Offset > len(text) || bad.Line < 1 || bad.Column < 1 || bad.Message == "") {
		t.Fatalf("%q: %+v", text, *bad)
	}
}

// FuzzParse: no text makes the parser panic or err outside the text; what parses prints as itself.
func FuzzParse(f *testing.F) {
	script, err := os.ReadFile("testdata/parse")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(script)) {
		f.Add(strings.TrimSuffix(line, "\n"))
	}
	f.Fuzz(func(t *testing.T, seed string) {
		testkit.Soak(t, []byte(seed), func(input []byte) {
			text := string(input)
			e, err := syntax.Parse(text)
			if err != nil {
				inside(t, text, err)
				return
			}
			printed := syntax.Print(e)
			again, err := syntax.Parse(printed)
			if fault.KindOf(err) == fault.TooLarge {
				return
			}
			if err != nil {
				t.Fatalf("%q prints as %q: %v", text, printed, err)
			}
			if diff := syntax.Same(e, again); diff != "" {
				t.Fatalf("%q prints as %q, another expression:\n%s", text, printed, diff)
			}
		})
	})
}

// FuzzParseQuery: no text makes the parser panic or err outside the text; what parses prints as itself.
func FuzzParseQuery(f *testing.F) {
	for _, name := range []string{"query", "parse"} {
		script, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		for _, text := range syntax.QueriesOf(string(script)) {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, seed string) {
		testkit.Soak(t, []byte(seed), func(input []byte) {
			text := string(input)
			q, err := syntax.ParseQuery(text)
			if err != nil {
				inside(t, text, err)
				return
			}
			printed := syntax.PrintQuery(q)
			again, err := syntax.ParseQuery(printed)
			if fault.KindOf(err) == fault.TooLarge {
				return
			}
			if err != nil {
				t.Fatalf("%q prints as %q: %v", text, printed, err)
			}
			if diff := syntax.SameQuery(q, again); diff != "" {
				t.Fatalf("%q prints as %q, another query:\n%s", text, printed, diff)
			}
		})
	})
}
