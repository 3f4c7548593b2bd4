package column

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestTextScripts runs testdata/scripts/texts: the bytes of each form. A command names a form; its input is the texts, one a line, in
// which \n stands for a newline. A form that such texts don't have is said to be none.
//
// `go test ./internal/column -run TestTextScripts -rewrite` writes the expected output anew.
func TestTextScripts(t *testing.T) {
	datadriven.RunTest(t, "testdata/scripts/texts", func(t *testing.T, d *datadriven.TestData) string {
		var values []string
		for line := range strings.Lines(d.Input) {
			values = append(values, strings.ReplaceAll(strings.TrimSuffix(line, "\n"), `\n`, "\n"))
		}
		for form, name := range textNames {
			if d.Cmd != name {
				continue
			}
			data, ok := InForm(nil, form, textsOf(values, false))
			if !ok {
				return "none\n"
			}
			r, rest, err := ReadTexts(data, len(values), nil)
			if err != nil || len(rest) > 0 {
				t.Fatalf("%v, %d bytes are left", err, len(rest))
			}
			for i, v := range values {
				if string(r.At(i)) != v {
					t.Fatalf("text %d is %q", i, r.At(i))
				}
			}
			return fmt.Sprintf("%s, room %d\n%s", r.Form(), r.Room(), hex.Dump(data))
		}
		t.Fatalf("unknown form %s", d.Cmd)
		return ""
	})
}
