package block_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stelehq/stele/internal/block"
)

// Only a column that alone has the texts under its name has a set.
func TestWhichColumnsHaveSets(t *testing.T) {
	id := func(i int) string { return fmt.Sprintf("%016x", uint64(i+1)*0x9E3779B97F4A7C15) }
	for _, test := range []struct {
		name string
		rows int
		more func(i int) string // members behind Id
		last string             // an event more
		want []string
	}{
		{"ids", 5000, func(int) string { return "" }, "", []string{"Id"}},
		{"few", 4000, func(int) string { return "" }, "", nil},
		{"two, and one with a dictionary", 5000, func(i int) string { return fmt.Sprintf(`,"Other":"%s","Kind":"k%d"`, id(-i), i%7) }, "", []string{"Id", "Other"}},
		{"half of them distinct", 5000, func(i int) string { return fmt.Sprintf(`,"Half":"%s"`, id(i/2)) }, "", []string{"Id"}},
		{"long", 5000, func(i int) string { return fmt.Sprintf(`,"Long":"%064d %s"`, i, id(i)) }, "", []string{"Id"}},
		{"inside an object", 5000, func(i int) string { return fmt.Sprintf(`,"Of":{"Inner":"%s"}`, id(-i)) }, "", []string{"Id"}},
		{"numbers under the name too", 5000, func(int) string { return "" }, `{"@t":"2024-01-01T00:00:00Z","Id":7}`, []string{"Id"}},
		{"a time under the name too", 5000, func(int) string { return "" }, `{"@t":"2024-01-01T00:00:00Z","Id":"2024-01-01T00:00:00Z"}`, []string{"Id"}},
		{"an object under the name too", 5000, func(int) string { return "" }, `{"@t":"2024-01-01T00:00:00Z","Id":{"a":1}}`, nil},
	} {
		w := block.NewBuilder(block.Limits{})
		for i := range test.rows {
			if err := w.AddCLEF(fmt.Appendf(nil, `{"@t":"2024-01-01T00:00:00Z","Id":"%s"%s}`, id(i), test.more(i))); err != nil {
				t.Fatal(err)
			}
		}
		if test.last != "" {
			if err := w.AddCLEF([]byte(test.last)); err != nil {
				t.Fatal(err)
			}
		}
		for _, codec := range []block.Codec{block.Fast, block.Thorough} {
			e := block.NewEncoder(codec)
			data, base := e.Encode(nil, w)
			l, b, err := block.Inspect(data, base)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, s := range l.Sets {
				names = append(names, s.Name)
			}
			slices.Sort(names)
			want := test.want
			if codec == block.Fast {
				want = nil
			}
			if !slices.Equal(names, want) || (e.Sets() > 0) != (want != nil) {
				t.Errorf("%s: sets of %v in %d bytes, expected %v", test.name, names, e.Sets(), want)
			}
			if want != nil {
				if text, err := b.AppendCLEF(nil, 4711); err != nil || len(text) < 40 {
					t.Errorf("%s: %s, %v", test.name, text, err)
				}
			}
		}
	}
}
