package stele_test

import (
	"fmt"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/testkit"
)

// Filters that ask for an id find what they find without the sets of ids, whatever else they ask.
func TestFiltersByID(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks = engine.Hooks{BlockRows: 4500, ReserveBytes: -1} })
	id := func(i int) string { return fmt.Sprintf("%016x", uint64(i+1)*0x9E3779B97F4A7C15) }
	const n = 9000
	b := s.NewBatch()
	for i := range n {
		line := fmt.Appendf(nil, `{"@t":"2024-01-01T%02d:%02d:%02dZ","@sp":"%s","Id":"%s","Kind":"k%d"}`, i/3600, i/60%60, i%60, id(i), id(-i), i%3)
		if i == 100 {
			line = []byte(`{"@t":"2024-01-01T00:01:40Z","Id":["none"],"Kind":7}`)
		}
		if err := b.AddCLEF(line); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Store.Append(ctx, b); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[string]int{
		"Id = '" + id(-7) + "'":                              1,
		"'" + id(-7) + "' = Id":                              1,
		"Id = '" + id(-5000) + "' and Kind = 'k2'":           1,
		"Id = '" + id(-5000) + "' and Kind = 'k1'":           0,
		"Id = '" + id(-5000) + "' or Kind = 'k1'":            3000,
		"not Id = '" + id(-5000) + "'":                       n - 1,
		"Id <> 'none'":                                       n,
		"Id = 'none'":                                        0,
		"Id[0] = 'none'":                                     1,
		"Id[?] = 'none'":                                     1,
		"Id = 'none' or Id[0] = 'none'":                      1,
		"Id = '" + id(-5) + "' or Id = '" + id(-8000) + "'":  2,
		"Id in ['" + id(-5) + "', '" + id(-8000) + "']":      2,
		"Id = 'NONE' ci":                                     0,
		"@SpanId = '" + id(8999) + "'":                       1,
		"@Properties['Id'] = '" + id(-8999) + "'":            1,
		"@SpanId = '" + id(3) + "' and Id = '" + id(4) + "'": 0,
		"Id like '" + id(-6) + "'":                           1,
		"Id.x = 'none'":                                      0,
	} {
		f, err := stele.ParseFilter(filter)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		texts := 0
		r := s.ReadText(ctx, stele.ReadOptions{Filter: f})
		for r.Next() {
			texts++
		}
		if err := r.Close(); err != nil {
			t.Errorf("%s: %v", filter, err)
		}
		if lines := s.Lines(stele.ReadOptions{Filter: f}); texts != want || len(lines) != want {
			t.Errorf("%s: %d as text, %d events, expected %d", filter, texts, len(lines), want)
		}
	}
}
