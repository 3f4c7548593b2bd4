package block

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/stelehq/stele/internal/event"
)

// TestScripts runs testdata/scripts. Commands:
//
//	build [thorough] [base=N]  a block of the events that follow, one a line; its description, then its events. A refused
//	                           line is reported and skipped.
//	lookup row=N path=a,b      the value there
//	search instant=… arrival=N the first row at or after
//
// `go test ./internal/block -run TestScripts -rewrite` writes the expected output anew.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		var blk *Block
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var w strings.Builder
			switch d.Cmd {
			case "build":
				codec, base := Fast, uint64(0)
				for _, a := range d.CmdArgs {
					switch a.Key {
					case "thorough":
						codec = Thorough
					case "base":
						base, _ = strconv.ParseUint(a.Vals[0], 10, 64)
					default:
						t.Fatalf("unknown argument %s", a.Key)
					}
				}
				b := NewBuilder(Limits{})
				for line := range strings.Lines(d.Input) {
					if err := b.AddCLEF([]byte(strings.TrimSuffix(line, "\n"))); err != nil {
						fmt.Fprintf(&w, "refused: %v\n", err)
					}
				}
				blk = reopen(t, b, codec, base)
				w.WriteString(blk.Describe())
				for c := blk.Cursor(); c.Next(); {
					text, err := c.AppendCLEF(nil)
					fmt.Fprintf(&w, "%d: %s", c.Key().Arrival(), text)
					if err != nil {
						fmt.Fprintf(&w, " %v", err)
					}
					w.WriteByte('\n')
				}
			case "lookup":
				var row int
				var path string
				d.ScanArgs(t, "row", &row)
				d.ScanArgs(t, "path", &path)
				v, err := blk.Lookup(row, strings.Split(path, ".")...)
				if err != nil {
					return err.Error()
				}
				if v.Kind == event.Undefined {
					return "undefined\n"
				}
				return string(v.AppendJSON(nil)) + "\n"
			case "search":
				var text string
				var arrival int
				d.ScanArgs(t, "instant", &text)
				d.ScanArgs(t, "arrival", &arrival)
				instant, _, err := event.ParseTime([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&w, "%d\n", blk.Search(event.MakeKey(instant, uint64(arrival))))
			default:
				t.Fatalf("unknown command %s", d.Cmd)
			}
			return w.String()
		})
	})
}
