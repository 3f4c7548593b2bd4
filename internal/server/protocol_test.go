package server

import "testing"

// What is listed as refused is retried by its format's name, and counted by its protocol's.
func TestFormatsAreFoundByName(t *testing.T) {
	known := map[*protocol]bool{}
	for _, p := range protocols {
		known[p] = true
	}
	for _, f := range formats {
		if formatNamed(f.name) != f || f.unit == "" || f.add == nil || !known[f.protocol] {
			t.Errorf("the row of %q is not whole, or its name is taken", f.name)
		}
	}
	for _, r := range routes {
		if p := r.access.ingests; p != nil && !known[p] {
			t.Errorf("the protocol of %s is not among protocols", r.pattern)
		}
	}
	if formatNamed("none") != nil {
		t.Error("a format that there is not")
	}
}
