package stele_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
)

func mustFilter(t *testing.T, text string) *stele.Filter {
	t.Helper()
	f, err := stele.ParseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// And and Or agree with what each filter says by itself, whatever the expressions are; nil is every event.
func TestFiltersAreJoined(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.Append(at(0, 0), at(1, 1), at(2, 2), at(3, 3), at(4, 4), at(5, 5), `{"@t":"2026-01-01T00:00:00Z","A":true}`)
	texts := []string{"", "N = 1", "N > 1 or N = 0", "not N % 2 = 0", "A", "true", "if N > 2 then N < 4 else A", `"x"`, "N in [1, 2, 3] and N <> 2"}
	filters := make([]*stele.Filter, len(texts))
	for i, text := range texts {
		if text != "" {
			filters[i] = mustFilter(t, text)
		}
	}
	for i, a := range filters {
		for j, b := range filters {
			and, err := stele.And(a, b)
			if err != nil {
				t.Fatal(err)
			}
			or, err := stele.Or(a, b)
			if err != nil {
				t.Fatal(err)
			}
			for e, err := range s.Read(ctx, stele.ReadOptions{}).All() {
				if err != nil {
					t.Fatal(err)
				}
				holds := func(f *stele.Filter) bool { return f == nil || f.Match(e) }
				if holds(and) != (holds(a) && holds(b)) || holds(or) != (holds(a) || holds(b)) {
					t.Errorf("%s: %q with %q: and is %v, or is %v", e.AppendCLEF(nil), texts[i], texts[j], holds(and), holds(or))
				}
			}
		}
	}
	if f, err := stele.And(); f != nil || err != nil {
		t.Errorf("of none: %v, %v", f, err)
	}
	if f, err := stele.Or(); err != nil || f.String() != "false" {
		t.Errorf("one of none: %v, %v", f, err)
	}
	long := mustFilter(t, "N in ["+strings.Repeat("1,", 8000)+"1]")
	if _, err := stele.And(long, long); !errors.Is(err, stele.TooLarge) {
		t.Errorf("%v", err)
	}
	deep := mustFilter(t, strings.Repeat("not ", 199)+"A")
	if _, err := stele.Or(deep, mustFilter(t, strings.Repeat("(", 199)+"A"+strings.Repeat(")", 199))); err != nil && !errors.Is(err, stele.TooLarge) {
		t.Errorf("%v", err)
	}
}
