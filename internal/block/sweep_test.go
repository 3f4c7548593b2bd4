package block

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
)

// TestTestsSayWhatValuesSay: what a test finds in columns as a whole is what it says of each value.
func TestTestsSayWhatValuesSay(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 4))
	limits := []string{"0", "1", "1.5", "-3", "120", "120.5", "299.99", "9223372036854775807", "-79228162514264337593543950335", "79228162514264337593543950335", "0.0000000000000000000000000001"}
	number := func(text string) event.Decimal {
		d, ok := event.ParseDecimal(text)
		if !ok {
			t.Fatalf("%s is no number", text)
		}
		return d
	}
	sought := []string{"a", "x", "", "2024-01-01", "none", "0123456789abcdef"}
	for _, n := range []int{1, 40, 3000} {
		events := variedEvents(r, n)
		everyBlock(t, events, func(b *Block) {
			for _, path := range [][]string{{"A"}, {"N"}, {"D"}, {"Id"}, {"Big"}, {"B"}, {"B", "C"}, {"ok"}, {"none"}} {
				values := make([]event.Value, b.Rows())
				f := b.Field(path...)
				for i := range values {
					var err error
					if values[i], err = f.Value(i); err != nil {
						t.Fatal(err)
					}
				}
				check := func(what string, test *Test) {
					t.Helper()
					test.Path, test.Others = path, dotted(path)
					selected, left, err := b.Test(test)
					if err != nil {
						t.Fatal(err)
					}
					for i, v := range values {
						if !left.Has(i) && selected.Has(i) != test.Holds(v) || left.Has(i) && selected.Has(i) {
							t.Fatalf("%q %s: row %d, %v: selected %v, left %v", path, what, i, v, selected.Has(i), left.Has(i))
						}
					}
				}
				for range 8 {
					c := event.Comparison{Limit: number(limits[r.IntN(len(limits))]), Less: r.IntN(2) == 0, Equal: r.IntN(2) == 0, Greater: r.IntN(2) == 0}
					check(fmt.Sprint(c), &Test{Number: &c, Holds: func(v event.Value) bool {
						d, ok := event.ParseDecimal(v.Text)
						return v.Kind == event.Number && ok && c.Holds(d)
					}})
				}
				for _, text := range append(sought, values[r.IntN(len(values))].Text) {
					check("= "+text, &Test{Equals: &text, Holds: func(v event.Value) bool { return v.Kind == event.String && v.Text == text }})
					part := text[:len(text)/2]
					check("contains "+part, &Test{Text: finding(part).test(), Holds: func(v event.Value) bool { return v.Kind == event.String && strings.Contains(v.Text, part) }})
				}
			}
		})
	}
}
