package exec_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/testkit"
)

// FuzzEval: no filter over no event panics; canonical text means the same; Match is Eval giving true; Search takes what Parse does not.
func FuzzEval(f *testing.F) {
	for _, name := range []string{"operators", "paths", "builtins", "functions", "locals", "errors"} {
		script, err := os.ReadFile("testdata/eval/" + name)
		if err != nil {
			f.Fatal(err)
		}
		object := exec.Sample
		for line := range strings.Lines(string(script)) {
			if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, "{\"@t\"") {
				object = line
			} else if line != "" {
				f.Add(line, object)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text, object string) {
		v, err := event.ParseValue([]byte(object))
		if err != nil || len(object) > 4096 {
			return
		}
		row := exec.NewRow(event.MakeKey(1, 1), v)
		testkit.Soak(t, []byte(text), func(input []byte) { evaluate(t, string(input), row) })
	})
}

func evaluate(t *testing.T, text string, row exec.Row) {
	filter, err := exec.Parse(text)
	if err != nil {
		if found, reason, err := exec.Search(text); err == nil && (found == nil || reason == nil && strings.TrimSpace(text) != "") {
			t.Fatalf("%q: neither expression nor text with a reason", text)
		}
		return
	}
	filter = filter.AsOf(exec.FixedNow)
	value := filter.Eval(row)
	if is := value.Kind == event.Bool && value.Bool; filter.Match(row) != is {
		t.Fatalf("%q gives %s, and Match %v", text, exec.Show(value), !is)
	}
	again, err := exec.Parse(filter.String())
	if err != nil {
		if len(filter.String()) > 32<<10 {
			return
		}
		t.Fatalf("%q prints as %q: %v", text, filter, err)
	}
	if second := again.AsOf(exec.FixedNow).Eval(row); exec.Show(second) != exec.Show(value) {
		t.Fatalf("%q gives %s, but as %q %s", text, exec.Show(value), again, exec.Show(second))
	}
}
