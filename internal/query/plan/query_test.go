package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/syntax"
)

// asOf is what Now() is in the tests.
var asOf = time.Date(2026, 3, 14, 16, 0, 0, 0, time.UTC)

func rowsOf(t testing.TB, clef string) []exec.Row {
	t.Helper()
	var rows []exec.Row
	for line := range strings.Lines(clef) {
		v, err := event.ParseValue([]byte(line))
		if err != nil {
			t.Fatalf("event %s: %v", line, err)
		}
		instant, _, err := event.ParseTime([]byte(v.Get("@t").Text))
		if err != nil {
			t.Fatalf("@t of %s: %v", line, err)
		}
		rows = append(rows, exec.NewRow(event.MakeKey(instant, event.ArrivalOf(1, uint64(len(rows)+1))), v))
	}
	return rows
}

func compileText(text string) (*Plan, error) {
	q, err := syntax.ParseQuery(text)
	if err != nil {
		return nil, err
	}
	return Compile(text, q)
}

// answer runs a query over rows that stand in order of time.
func answer(p *Plan, rows []exec.Row, memory int64) (table [][]event.Value, cut bool, err error) {
	r, err := p.Start(asOf, Unbounded, NewMemory(memory))
	if err != nil {
		return nil, false, err
	}
	if p.Scalar() {
		return [][]event.Value{r.Row()}, false, nil
	}
	part := r.NewPartial()
	defer part.Close()
	for _, row := range rows {
		if !r.wants(row) {
			continue
		}
		if err := part.Add(row); err != nil {
			return nil, false, err
		}
	}
	res, err := r.Finish(part)
	if err != nil {
		return nil, false, err
	}
	return res.Rows, res.Cut, nil
}

// wants is what a scan asks.
func (r *Run) wants(row exec.Row) bool {
	k := event.MakeKey(row.Timestamp(), row.Arrival())
	return k.Compare(r.bounds.From) >= 0 && k.Compare(r.bounds.To) <= 0 && (r.filter == nil || r.filter.Match(row))
}

func show(v event.Value) string {
	if v.Kind == event.Undefined {
		return "-"
	}
	return v.String()
}

// TestQuery runs testdata/query/*: `events` sets them, `query` shows the result of each query, a blank line between two.
func TestQuery(t *testing.T) {
	datadriven.Walk(t, "testdata/query", func(t *testing.T, path string) {
		var rows []exec.Row
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var out strings.Builder
			switch d.Cmd {
			case "events":
				rows = rowsOf(t, d.Input)
			case "query":
				p, err := compileText(d.Input)
				if err != nil {
					return fmt.Sprintf("error: %v\n", err)
				}
				table, cut, err := answer(p, rows, 1<<20)
				if err != nil {
					return fmt.Sprintf("error: %v\n", err)
				}
				fmt.Fprintln(&out, strings.Join(p.Columns(), " | "))
				for _, values := range table {
					for i, v := range values {
						if i > 0 {
							out.WriteString(" | ")
						}
						if i == 0 && p.Sliced() {
							v = sliceText(v)
						}
						out.WriteString(show(v))
					}
					out.WriteByte('\n')
				}
				if cut {
					out.WriteString("(cut)\n")
				}
			case "errors":
				for line := range strings.Lines(d.Input) {
					line = strings.TrimSuffix(line, "\n")
					p, err := compileText(line)
					if err == nil {
						_, _, err = answer(p, rows, 1<<20)
					}
					fmt.Fprintf(&out, "%v\n", err)
				}
			default:
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			return out.String()
		})
	})
}

// sliceText shows the start of a slice as a time.
func sliceText(v event.Value) event.Value {
	f, _ := exec.Compile("", &syntax.Call{Name: "ToIsoString", Args: []syntax.Expr{&syntax.Number{Text: v.Text}}})
	return event.NumberValue(f.Eval(noRow).Text)
}
