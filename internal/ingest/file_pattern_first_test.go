package ingest

import (
	"reflect"
	"slices"
	"testing"
)

// TestPatternFirst tries every layout on every example and its tails: a byte that no match begins with is looked at
// first, and must never hide a match.
func TestPatternFirst(t *testing.T) {
	var layouts []*pattern
	for _, form := range lineForms {
		if form.layout != nil {
			layouts = append(layouts, form.layout())
		}
	}
	var lines []string
	for _, form := range lineForms {
		lines = append(lines, form.example)
	}
	for _, form := range stampForms {
		lines = append(lines, form.example+"up")
	}
	matches := 0
	for _, line := range lines {
		for at := range min(len(line), 40) {
			text := []byte(line[at:])
			for _, p := range layouts {
				m := matching{p: p, text: text, times: &stampFinder{}, steps: matchSteps}
				if !m.run(0, 0) {
					continue
				}
				if matches++; !p.first[text[0]] {
					t.Fatalf("%q matches %v, which does not begin with %q", text, p.nodes[0], text[0])
				}
			}
		}
	}
	if matches < len(layouts) {
		t.Errorf("only %d matches of %d layouts", matches, len(layouts))
	}
}

// TestStampsOfALine holds what the finder remembers of a line to what it finds anew.
func TestStampsOfALine(t *testing.T) {
	for _, form := range stampForms {
		line := []byte("[" + form.example + "] " + form.example + "up")
		var fresh, known stampFinder
		known.on(line)
		for range 2 {
			for at := range line {
				want, ok := fresh.inside(line[at:])
				got, found := known.inside(line[at:])
				if !reflect.DeepEqual(want, got) || ok != found || ok && fresh.found != known.found {
					t.Fatalf("%q: %v %v, anew %v %v", line[at:], got, found, want, ok)
				}
			}
		}
		known.on(slices.Clone(line[:1]))
		if _, ok := known.inside(line[len(line)-2:]); ok {
			t.Fatal("a line forgotten is still known")
		}
	}
}
