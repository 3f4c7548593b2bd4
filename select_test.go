package stele_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/testkit"
)

// TestFiltersSelectByColumnsWhatTheySelectByEvent: what a filter finds in columns and dictionaries is what it says of each event.
func TestFiltersSelectByColumnsWhatTheySelectByEvent(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 8))
	values := []string{`"x"`, `"X"`, `""`, `"text of some length"`, `1`, `1.0`, `1.50`, `-3`, `1e2`, `123456789012345678901234567890123`, `-0`, `-0.0`, `0`, `79228162514264337593543950335`, `0.0000000000000000000000000001`, `9007199254740993`, `"1"`, `"-0"`, `true`, `false`, `null`, `[1,"x"]`, `{}`, `{"B":"x"}`, `{"B":1.5,"B.C":2}`, `{"B":{"C":"x"}}`, `{"B.C":"x"}`}
	names := []string{"A", "A", "B", "A.B", "A.B.C", "B.C", "@l", "@x", "@mt", "@m", "@tr"}
	conditions := []string{"A = 'x'", "A = 'x' ci", "A <> 'x'", "A = 1", "A <> 1", "A < 1.5", "A >= 1.5", "1 < A", "A.B = 'x'", "A.B.C = 'x'", "A.B.C <> 2", "A.B > 1", "B = null", "B is null", "A is not null", "Has(A)", "Has(A.B)",
		"A like 'X%' ci", "A = /x|1/", "A in ['x', 1]", "A[0] = 1", "A['B'] = 'x'", "A.B['C'] = 'x'", "A[?] = 'x'", "A[*] = 'x'", "@Level = 'x'", "@Level = 'Information'", "@l = 'X'", "@Exception = 'x'", "@TraceId = 'x'", "A = B", "A.B = B", "'x' = A",
		"@Properties['A'] = 'x'", "@Properties.A.B = 'x'", "Length(A) = 1", "ToLower(A) = 'x'", "StartsWith(A, 'te')", "not A", "A", "not Has(A)", "@Message = 'x'", `"text"`, "true", "1 = 2", "@Timestamp > 0", "@Id like 'event%'", "A + 1 = 2", "Coalesce(A, B) = 'x'", "if Has(A) then A = 1 else Has(B)", "Now() > 0", "TypeOf(A) = 'number'", "A < 10000000000", "@EventType = 0"}
	constants := []string{"0", "-0", "1", "1.5", "-3", "100", "9007199254740992", "79228162514264337593543950335", "0.0000000000000000000000000001", "'x'", "'X'", "''", "'1'", "true", "false", "null"}
	comparison := func() string {
		path := []string{"A", "A", "B", "A.B", "A.B.C", "@Level"}[random.IntN(6)]
		return path + " " + []string{"=", "<>", "<", "<=", ">", ">="}[random.IntN(6)] + " " + constants[random.IntN(len(constants))]
	}
	var filter func(depth int) string
	filter = func(depth int) string {
		pick := func() string {
			if random.IntN(2) == 0 {
				return comparison()
			}
			return conditions[random.IntN(len(conditions))]
		}
		switch n := random.IntN(8); {
		case depth > 2 || n < 3:
			return pick()
		case n < 5:
			return "(" + filter(depth+1) + ") and (" + filter(depth+1) + ")"
		case n < 7:
			return "(" + filter(depth+1) + ") or (" + filter(depth+1) + ")"
		}
		return "not (" + filter(depth+1) + ")"
	}
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks = engine.Hooks{BlockRows: 150, ReserveBytes: -1} })
	var lines []string
	for i := range 900 {
		e := fmt.Sprintf(`{"@t":"%s"`, timeOf(i).Format("2006-01-02T15:04:05Z"))
		for range random.IntN(4) {
			e += fmt.Sprintf(`,%q:%s`, names[random.IntN(len(names))], values[random.IntN(len(values))])
		}
		if i%300 == 7 { // kept whole
			for j := range 600 {
				e += fmt.Sprintf(`,"m%d":%d`, j, j)
			}
		}
		lines = append(lines, e+"}")
	}
	for i := 0; i < len(lines); i += 300 {
		s.Append(lines[i : i+300]...)
		if i == 0 {
			if err := s.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(text string) {
		f, err := stele.ParseFilter(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var want []string
		r := s.Read(ctx, stele.ReadOptions{})
		for r.Next() {
			if f.Match(r.Event()) {
				want = append(want, string(r.Event().AppendCLEF(nil)))
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if got := s.Lines(stele.ReadOptions{Filter: f}); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("%s finds %d events, not %d", text, len(got), len(want))
		}
		for _, o := range []stele.ReadOptions{{Filter: f}, {Filter: f, Ordering: stele.Descending}} {
			var got []string
			r := s.ReadText(ctx, o)
			for r.Next() {
				got = append(got, string(r.CLEF()))
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if o.Ordering == stele.Descending {
				slices.Reverse(got)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s finds the text of %d events, not %d", text, len(got), len(want))
			}
		}
	}
	for _, c := range conditions {
		check(c)
	}
	for range 300 {
		check(comparison())
		check(filter(0))
	}
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		check(filter(0))
	}
}
