package exec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vectorRow is the event of the cases in testdata/vectors, that of the project they come from.
const vectorRow = `{"@t":"2025-05-15T03:12:11.789Z","@mt":"Hello, {Name}!","@l":"Warning",` +
	`"@x":"System.DivideByZeroException: Attempted to divide by zero.","@tr":"1befc31e94b01d1a473f63a7905f6c9b","@sp":"bb1111820570b80e",` +
	`"Name":"World","User":{"Id":42,"Name":"nblumhardt"}}`

type vector struct{ name, text, want string }

// vectors reads a file of testdata/vectors: names, expressions and what they give. Those that are skipped have a reason instead.
func vectors(t *testing.T, file string) (all []vector, skipped int) {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", "vectors", file))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(script)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		if names[name] {
			t.Errorf("two cases are called %s", name)
		}
		names[name] = true
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "skipped: ") {
			skipped++
			continue
		}
		text, want, ok := strings.Cut(rest, "⇒")
		if !ok {
			t.Errorf("%s has no ⇒", name)
		}
		all = append(all, vector{name, strings.TrimSpace(text), strings.TrimSpace(want)})
	}
	return all, skipped
}

func runVectors(t *testing.T, all []vector) {
	row := rowOf(t, vectorRow)
	for _, v := range all {
		if got := evalText(v.text, row); got != v.want {
			t.Errorf("%s: %s\n gives %s\nnot    %s", v.name, v.text, got, v.want)
		}
	}
}

// TestVectorsOfSerilogExpressions: all 260 cases are accounted for, and fewer than 25 do not apply.
func TestVectorsOfSerilogExpressions(t *testing.T) {
	all, skipped := vectors(t, "serilog-expressions")
	if len(all)+skipped != 260 || skipped >= 25 {
		t.Errorf("%d cases and %d that are skipped, of 260", len(all), skipped)
	}
	runVectors(t, all)
}

// TestVectorsOfTheStatement: each function has its rules tested, in the words of its name.
func TestVectorsOfTheStatement(t *testing.T) {
	all, _ := vectors(t, "statement")
	runVectors(t, all)
	for _, f := range functions {
		n := 0
		for _, v := range all {
			if strings.HasPrefix(v.name, f.Name+".") && strings.Contains(v.text, f.Name+"(") {
				n++
			}
		}
		if n < 2 {
			t.Errorf("testdata/vectors/statement has %d cases of %s", n, f.Name)
		}
	}
}
