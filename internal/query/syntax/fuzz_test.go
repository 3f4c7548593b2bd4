package syntax

import (
	"os"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/fault"
)

// FuzzParse: no text makes the parser panic or err outside the text; what parses prints as itself.
func FuzzParse(f *testing.F) {
	script, err := os.ReadFile("testdata/parse")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(script)) {
		f.Add(strings.TrimSuffix(line, "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			if bad, ok := err.(*Error); ok && (bad.Offset < 0 || bad.Offset > len(text) || bad.Line < 1 || bad.Column < 1 || bad.Message == "") {
				t.Fatalf("%+v", *bad)
			}
			return
		}
		printed := Print(e)
		again, err := Parse(printed)
		if fault.KindOf(err) == fault.TooLarge {
			return
		}
		if err != nil {
			t.Fatalf("%q prints as %q: %v", text, printed, err)
		}
		if diff := same(e, again); diff != "" {
			t.Fatalf("%q prints as %q, another expression:\n%s", text, printed, diff)
		}
	})
}
