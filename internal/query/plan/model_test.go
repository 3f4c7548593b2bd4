package plan

import (
	"fmt"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
)

// A model computes queries that group in the plainest way: all values of a group in a list, fractions for numbers.

// modelAggregates are each a text and what it comes to.
var modelAggregates = []struct {
	text string
	of   func(rows []event.Value) string
}{
	{"count(*)", func(rows []event.Value) string { return fmt.Sprint(len(rows)) }},
	{"count(B)", func(rows []event.Value) string { return fmt.Sprint(len(present(rows, "B"))) }},
	{"count(distinct(A))", func(rows []event.Value) string { return fmt.Sprint(len(distinctOf(rows, "A"))) }},
	{"sum(B)", func(rows []event.Value) string {
		return ratText(total(numbers(rows, "B")), len(numbers(rows, "B")))
	}},
	{"mean(D)", func(rows []event.Value) string {
		n := numbers(rows, "D")
		if len(n) == 0 {
			return "-"
		}
		return ratText(new(big.Rat).Quo(total(n), big.NewRat(int64(len(n)), 1)), 1)
	}},
	{"min(B)", func(rows []event.Value) string { return rankedNumber(numbers(rows, "B"), 0) }},
	{"max(B)", func(rows []event.Value) string { return rankedNumber(numbers(rows, "B"), 1) }},
	{"percentile(B, 30)", func(rows []event.Value) string { return rankedNumber(numbers(rows, "B"), 0.3) }},
	{"phist(B, D, 60)", func(rows []event.Value) string {
		var all []*big.Rat
		for _, row := range rows {
			b, d := numbers([]event.Value{row}, "B"), numbers([]event.Value{row}, "D")
			if len(b) == 1 && len(d) == 1 && d[0].IsInt() {
				for range d[0].Num().Int64() {
					all = append(all, b[0])
				}
			}
		}
		return rankedNumber(all, 0.6)
	}},
	{"any(C)", func(rows []event.Value) string {
		return fmt.Sprint(slices.ContainsFunc(rows, func(v event.Value) bool { return v.Get("C").Bool }))
	}},
	{"all(C)", func(rows []event.Value) string {
		return fmt.Sprint(!slices.ContainsFunc(rows, func(v event.Value) bool { return !v.Get("C").Bool }))
	}},
	{"first(A)", func(rows []event.Value) string { return show(rows[0].Get("A")) }},
	{"last(C)", func(rows []event.Value) string { return show(rows[len(rows)-1].Get("C")) }},
}

func present(rows []event.Value, name string) (out []event.Value) {
	for _, row := range rows {
		if v := row.Get(name); v.Kind != event.Undefined && v.Kind != event.Null {
			out = append(out, v)
		}
	}
	return out
}

func distinctOf(rows []event.Value, name string) map[string]bool {
	seen := map[string]bool{}
	for _, v := range present(rows, name) {
		seen[plainKey(v)] = true
	}
	return seen
}

// plainKey knows the values that randomEvents makes.
func plainKey(v event.Value) string {
	switch v.String() {
	case "1.0":
		return "1"
	case "[1.0,2]":
		return "[1,2]"
	case `{"b":"z","a":0,"a":1}`:
		return `{"a":1,"b":"z"}`
	case "":
		return "null"
	}
	return v.String()
}

func numbers(rows []event.Value, name string) (out []*big.Rat) {
	for _, v := range present(rows, name) {
		if v.Kind == event.Number && v.Text != "1e99" {
			r, _ := new(big.Rat).SetString(v.Text)
			out = append(out, r)
		}
	}
	return out
}

func total(list []*big.Rat) *big.Rat {
	t := new(big.Rat)
	for _, r := range list {
		t.Add(t, r)
	}
	return t
}

// ratText rounds as R7 has it.
func ratText(r *big.Rat, n int) string {
	if n == 0 {
		return "-"
	}
	d, ok := event.ParseDecimal(r.FloatString(100))
	if !ok {
		return "-"
	}
	return d.Normalized().String()
}

func rankedNumber(list []*big.Rat, share float64) string {
	if len(list) == 0 {
		return "-"
	}
	slices.SortFunc(list, func(a, b *big.Rat) int { return a.Cmp(b) })
	rank := max(int(math.Ceil(share*float64(len(list))-1e-9)), 1)
	return ratText(list[rank-1], 1)
}

// plainOrder is the order of the keys that plainKey gives.
func plainOrder(a, b string) int {
	order := []string{"null", "true", "1", `"X"`, `"Yy"`, `"x"`, `"y"`, "[1,2]", `{"a":1,"b":"z"}`}
	return slices.Index(order, a) - slices.Index(order, b)
}

// TestModel: random queries that group give what the model gives.
func TestModel(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 2))
	rounds := 100
	if long() {
		rounds = 20_000
	}
	for range rounds {
		rows := randomEvents(t, r, 1+r.IntN(80))
		byTime, byKey, filtered := r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0
		var columns []string
		aggregates := r.Perm(len(modelAggregates))[:1+r.IntN(4)]
		for i, n := range aggregates {
			columns = append(columns, fmt.Sprintf("%s as x%d", modelAggregates[n].text, i))
		}
		text := "select " + strings.Join(columns, ", ") + " from stream " + since
		if filtered {
			text += "and D > 0 "
		}
		var groupings []string
		if byTime {
			groupings = append(groupings, "time(7s)")
		}
		if byKey {
			groupings = append(groupings, "A as a")
		}
		if len(groupings) > 0 {
			text += "group by " + strings.Join(groupings, ", ")
		}
		text += " limit 20" // fewer than there are slices, so that none is filled in

		type modelKey struct {
			slice int64
			key   string
		}
		groups := map[modelKey][]event.Value{}
		for _, row := range rows {
			v := row.Object()
			if d := numbers([]event.Value{v}, "D"); filtered && d[0].Sign() <= 0 {
				continue
			}
			var k modelKey
			if byTime {
				// A week after the year 1 begins with a whole number of 7 s before 1970 begins: 62135596800 = 7 * 8876513828 + 4.
				k.slice = (row.Timestamp()/1e9+4)/7*7 - 4
			}
			if byKey {
				k.key = plainKey(v.Get("A"))
			}
			groups[k] = append(groups[k], v)
		}
		keys := slices.SortedFunc(maps.Keys(groups), func(a, b modelKey) int {
			if a.slice != b.slice {
				return int(a.slice - b.slice)
			}
			return plainOrder(a.key, b.key)
		})
		var want strings.Builder
		for i, k := range keys {
			if i == 20 {
				break
			}
			if byTime {
				fmt.Fprintf(&want, "%d | ", (k.slice+epochSeconds)*1e7)
			}
			if byKey {
				want.WriteString(k.key + " | ")
			}
			for _, n := range aggregates {
				want.WriteString(modelAggregates[n].of(groups[k]) + " | ")
			}
			want.WriteByte('\n')
		}
		p, err := compileText(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got, cut, err := answer(p, rows, 1<<20)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(keys) == 0 && len(groupings) == 0 {
			continue // the one group of no events: testdata/query has it
		}
		if tableText(got) != want.String() || cut != (len(keys) > 20) {
			t.Fatalf("%s gives\n%s(%v), not\n%s\nover %s", text, tableText(got), cut, want.String(), objects(rows))
		}
	}
}

func objects(rows []exec.Row) string {
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(row.Object().String() + "\n")
	}
	return b.String()
}
