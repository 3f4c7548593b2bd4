package exec

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/stelehq/stele/internal/event"
)

// asOf is what Now() is in the tests.
var asOf = time.Date(2026, 3, 14, 16, 0, 0, 0, time.UTC)

func rowOf(t testing.TB, clef string) Row {
	t.Helper()
	v, err := event.ParseValue([]byte(clef))
	if err != nil {
		t.Fatalf("event: %v", err)
	}
	instant, _, err := event.ParseTime([]byte(v.Get("@t").Text))
	if err != nil {
		t.Fatalf("@t: %v", err)
	}
	return NewRow(event.MakeKey(instant, event.ArrivalOf(1, 42)), v)
}

func evalText(text string, row Row) string {
	f, err := Parse(text)
	if err != nil {
		return "error: " + err.Error()
	}
	return show(f.AsOf(asOf).Eval(row))
}

func show(v event.Value) string {
	if v.Kind == event.Undefined {
		return "undefined"
	}
	return v.String()
}

// TestEval runs testdata/eval/*: `event` sets the row, `eval` evaluates each line, `search` shows what a person's text becomes.
func TestEval(t *testing.T) {
	datadriven.Walk(t, "testdata/eval", func(t *testing.T, path string) {
		row := rowOf(t, `{"@t":"2026-03-14T15:09:26.5358979Z"}`)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var out strings.Builder
			switch d.Cmd {
			case "event":
				row = rowOf(t, d.Input)
				return ""
			case "eval":
				for line := range strings.Lines(d.Input) {
					line = strings.TrimSuffix(line, "\n")
					fmt.Fprintf(&out, "%s\n", evalText(line, row))
				}
			case "reads":
				for line := range strings.Lines(d.Input) {
					f, err := Parse(line)
					if err != nil {
						t.Fatal(err)
					}
					members, whole := f.Reads()
					fmt.Fprintf(&out, "%q %v\n", slices.Sorted(slices.Values(members)), whole)
				}
			case "search":
				for line := range strings.Lines(d.Input) {
					f, reason, err := Search(strings.TrimSuffix(line, "\n"))
					if err != nil {
						fmt.Fprintf(&out, "error: %v\n", err)
						continue
					}
					fmt.Fprintf(&out, "%s", f)
					if reason != nil {
						fmt.Fprintf(&out, "   because %v", reason)
					}
					out.WriteByte('\n')
				}
			default:
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			return out.String()
		})
	})
}
