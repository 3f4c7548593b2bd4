package syntax_test

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/query/syntax"
	"github.com/stelehq/stele/internal/testkit"
)

// TestParseSignals runs testdata/signals: each line as it groups and its canonical text if that differs, or its error.
func TestParseSignals(t *testing.T) {
	datadriven.RunTest(t, "testdata/signals", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		for line := range strings.Lines(d.Input) {
			line = strings.TrimSuffix(line, "\n")
			s, err := syntax.ParseSignals(line)
			if err != nil {
				fmt.Fprintf(&out, "%v\n", err)
				continue
			}
			fmt.Fprintf(&out, "%s", grouped(s))
			if s.String() != line {
				fmt.Fprintf(&out, "   %s", s)
			}
			out.WriteByte('\n')
		}
		return out.String()
	})
}

func grouped(s *syntax.Signals) string {
	if s.ID != "" {
		return s.ID
	}
	text := "(" + s.Op.String()
	for _, t := range s.Terms {
		text += " " + grouped(t)
	}
	return text + ")"
}

func TestSignalsHaveLimits(t *testing.T) {
	if _, err := syntax.ParseSignals(strings.Repeat("x", syntax.MaxSignalBytes+1)); !errors.Is(err, fault.TooLarge) {
		t.Errorf("%v", err)
	}
	if _, err := syntax.ParseSignals(strings.Repeat("(", syntax.MaxDepth+1)); err == nil || !strings.Contains(err.Error(), "more than 200 parentheses") {
		t.Errorf("%v", err)
	}
	if _, err := syntax.ParseSignals(strings.Repeat("(", syntax.MaxDepth) + "a" + strings.Repeat(")", syntax.MaxDepth)); err != nil {
		t.Error(err)
	}
	if s, err := syntax.ParseSignals(strings.Repeat("a,b~", syntax.MaxSignalBytes/4-1) + "a"); err != nil || len(s.IDs()) != 2 {
		t.Errorf("%v, %v", s, err)
	}
}

// FuzzParseSignals: no text makes the parser panic or err outside the text; what parses prints as itself.
func FuzzParseSignals(f *testing.F) {
	script, err := os.ReadFile("testdata/signals")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(script)) {
		f.Add(strings.TrimSuffix(line, "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		testkit.Soak(t, []byte(text), func(input []byte) { checkSignals(t, string(input)) })
	})
}

func checkSignals(t *testing.T, text string) {
	s, err := syntax.ParseSignals(text)
	if err != nil {
		if bad, ok := err.(*syntax.Error); ok && (bad.Offset < 0 || bad.Offset > len(text) || bad.Line < 1 || bad.Column < 1 || bad.Message == "") {
			t.Fatalf("%+v", *bad)
		}
		return
	}
	printed := s.String()
	again, err := syntax.ParseSignals(printed)
	if fault.KindOf(err) == fault.TooLarge || strings.Count(printed, "(") > syntax.MaxDepth {
		return
	}
	if err != nil {
		t.Fatalf("%q prints as %q: %v", text, printed, err)
	}
	if again.String() != printed || grouped(again) != grouped(s) || !reflect.DeepEqual(again.IDs(), s.IDs()) {
		t.Fatalf("%q prints as %q, another expression: %s", text, printed, grouped(again))
	}
}
