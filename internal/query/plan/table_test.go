package plan

import (
	"testing"

	"github.com/stelehq/stele/internal/query/exec"
)

// TestAggregatesAreThoseOfTheLanguage: what package exec describes is what is computed here.
func TestAggregatesAreThoseOfTheLanguage(t *testing.T) {
	all := exec.Aggregates()
	if len(all) != len(kinds) {
		t.Errorf("%d aggregates are described, and %d computed", len(all), len(kinds))
	}
	for _, a := range all {
		if k := findKind(a.Name); k == nil || k.min != a.Min || k.max != a.Max {
			t.Errorf("%s is described otherwise than it is computed", &a)
		}
	}
}
