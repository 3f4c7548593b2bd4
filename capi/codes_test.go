package main

import (
	"testing"

	"github.com/stelehq/stele/internal/fault"
)

// Every kind of error has a C code of its own, whose number is the kind's place in the header and is never reused (R20).
func TestR20EveryKindHasACode(t *testing.T) {
	seen := map[int32]fault.Kind{}
	for _, k := range fault.Kinds() {
		code, ok := codes[k]
		if !ok {
			t.Errorf("%v has no code", k)
			continue
		}
		if code != 19+int32(k) {
			t.Errorf("%v has the code %d, which is not %d", k, code, 19+int32(k))
		}
		if other, twice := seen[code]; twice {
			t.Errorf("%v and %v share the code %d", k, other, code)
		}
		seen[code] = k
	}
	if len(codes) != len(fault.Kinds()) {
		t.Errorf("%d codes for %d kinds", len(codes), len(fault.Kinds()))
	}
}
