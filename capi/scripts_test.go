package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Results that no script can provoke, and where they are.
var elsewhere = map[string]string{
	"STELE_FORKED":   "not every runner's language can fork",
	"STELE_INTERNAL": "needs a defect",
}

// TestScriptsAreWhole tells what the conformance scripts leave out: of functions, and of results.
func TestScriptsAreWhole(t *testing.T) {
	names, err := filepath.Glob("conformance/scripts/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var scripts strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		scripts.Write(text)
	}
	called, answered := map[string]bool{}, map[string]bool{}
	for _, line := range strings.Split(scripts.String(), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "=":
			answered[words[1]] = true
		default:
			called["stele_"+words[0]] = true
		}
	}

	symbols, err := os.ReadFile("symbols.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(symbols)) {
		if !called[name] {
			t.Errorf("no script calls %s", name)
		}
	}
	header, err := os.ReadFile("../include/stele.h")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(header), "typedef int32_t stele_result;")
	list, _, _ = strings.Cut(list, "};")
	for _, name := range regexp.MustCompile(`STELE_[A-Z_]+ +=`).FindAllString(list, -1) {
		name = strings.Fields(name)[0]
		if _, excused := elsewhere[name]; answered[name] == excused {
			t.Errorf("%s: answered by a script: %v; excused: %v", name, answered[name], excused)
		}
	}
}
