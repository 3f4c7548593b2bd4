package exec

import (
	"os"
	"strings"
	"testing"
)

// TestExamplesOfTheReference runs every example of docs/query-language.md: a block ```json is the event from there on, each line of a
// block ```filter is an expression, ⇒, and what it gives.
func TestExamplesOfTheReference(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/query-language.md")
	if err != nil {
		t.Fatal(err)
	}
	var row Row
	examples := 0
	block := ""
	var body strings.Builder
	for line := range strings.Lines(string(doc)) {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && block == "":
			block = fence
			body.Reset()
		case isFence:
			if block == "json" {
				row = rowOf(t, body.String())
			}
			block = ""
		case block == "filter" && strings.TrimSpace(line) != "":
			text, want, ok := strings.Cut(strings.TrimSpace(line), "⇒")
			if !ok {
				t.Errorf("no ⇒ in %q", line)
				continue
			}
			examples++
			if got := evalText(strings.TrimSpace(text), row); got != strings.TrimSpace(want) {
				t.Errorf("%s\n gives %s\nnot    %s", text, got, want)
			}
		default:
			body.WriteString(line)
		}
	}
	if examples < 60 {
		t.Errorf("only %d examples", examples)
	}
}
