package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A mutation whose text is no longer in the code tries nothing. To run them all takes long; to see that each fits does not.
func TestTheListFitsTheCode(t *testing.T) {
	all, err := read("../mutations.txt")
	if err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	for _, m := range all {
		source, err := os.ReadFile(filepath.Join("../..", m.file))
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
		} else if n := strings.Count(string(source), m.before); n != 1 {
			t.Errorf("%s: %q stands %d times in %s, not once", m.name, m.before, n, m.file)
		}
	}
}
