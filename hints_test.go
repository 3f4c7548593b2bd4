package stele_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/testkit"
)

// hintsOf are the hints of a query as text, once its rows are read.
func hintsOf(t *testing.T, rows *stele.Rows) (all []string) {
	t.Helper()
	if rows.Hints() != nil {
		t.Error("there are hints before the rows")
	}
	for rows.Next() {
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	for _, h := range rows.Hints() {
		all = append(all, h.String())
	}
	return all
}

// Who finds nothing is told which properties no event has: in the journal, sealed, merged, reopened.
func TestHints(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks = engine.Hooks{BlockRows: 2, ReserveBytes: -1} })
	filter := func(text string) *stele.Filter {
		t.Helper()
		f, _, err := stele.ParseSearch(text)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if got := s.Hints(ctx, filter("RequestPth = 'x'")); got != nil {
		t.Errorf("of a store without events: %v", got)
	}
	s.Append(`{"@t":"2026-11-20T10:00:00Z","RequestPath":"/a","User":{"Name":"ada"},"@@sign":1}`, `{"@t":"2026-11-20T10:00:01Z","RequestPath":"/b","id.orig_h":"10.0.0.1","Items":[{"Price":1}]}`)
	check := func(when string) {
		t.Helper()
		for text, want := range map[string]string{
			"RequestPth = 'x'":                                "no event has a property RequestPth; did you mean RequestPath?",
			"RequestPath = 'x' and User.Nmae = 'x'":           "no event has a property User.Nmae; did you mean User.Name?",
			"Level = 'x' or Zebra.Stripes > 1 or Zebra = 1":   "no event has a property Level; did you mean @Level?|no event has a property Zebra",
			"RequestPath = 'x' and User.Name = 'b'":           "",
			"id.orig_h = 'x' and Items[?].Price > 2":          "",
			"@Properties['@sign'] = 2":                        "",
			"@Properties['@sing'] = 2":                        "no event has a property @Properties['@sing']; did you mean @Properties['@sign']?",
			`"no such text"`:                                  "",
			"nonsense":                                        "", // text
			"@Properties['request-path'] = 'x'":               "no event has a property @Properties['request-path']; did you mean RequestPath?",
			"Some(Itmes, |x| x.Price > 1) and Has(Missing.X)": "no event has a property Itmes; did you mean Items?|no event has a property Missing",
		} {
			var got []string
			for _, h := range s.Hints(ctx, filter(text)) {
				got = append(got, h.String())
			}
			if strings.Join(got, "|") != want {
				t.Errorf("%s: %s: %q, not %q", when, text, got, want)
			}
		}
		for text, want := range map[string]string{
			"select * from stream where RequestPth = 'x'":                               "no event has a property RequestPth; did you mean RequestPath?",
			"select count(*) from stream where RequestPth = 'x'":                        "no event has a property RequestPth; did you mean RequestPath?",
			"select count(*) as n from stream group by RequestPth":                      "no event has a property RequestPth; did you mean RequestPath?",
			"select mean(Elapsed) as n from stream order by n":                          "no event has a property Elapsed; did you mean @Elapsed?",
			"select Usr from stream where Has(RequestPath)":                             "no event has a property Usr; did you mean User?",
			"select x.Price from stream lateral unnest(Itms) as x where x.Price > 100":  "no event has a property Itms; did you mean Items?",
			"select x.Price from stream lateral unnest(Items) as x where x.Price > 9":   "",
			"select count(*) as n from stream group by RequestPath having n > 5":        "",
			"select User.Name from stream where RequestPath = '/b'":                     "",
			"select count(*) from stream where RequestPath = '/a' or RequestPth = '/a'": "", // it found something
			"explain select RequestPth from stream":                                     "",
			"1 + 1":                                                                     "",
		} {
			if got := strings.Join(hintsOf(t, s.Query(ctx, parseQuery(t, text), stele.QueryOptions{})), "|"); got != want {
				t.Errorf("%s: %s: %q, not %q", when, text, got, want)
			}
		}
	}
	check("in the journal")
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	check("sealed")
	s.Reopen()
	check("opened again")
	narrowed := s.Query(ctx, parseQuery(t, "select count(*) from stream"), stele.QueryOptions{Filter: filter("RequestPth = 'x'")})
	if got := hintsOf(t, narrowed); len(got) != 1 {
		t.Errorf("of a filter beside a query: %q", got)
	}
	snapshot, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	if got := hintsOf(t, snapshot.Query(ctx, parseQuery(t, "select * from stream where RequestPth = 1"), stele.QueryOptions{})); len(got) != 1 {
		t.Errorf("of a snapshot: %q", got)
	}
	many := "A0 = 1"
	for i := range 100 {
		many += fmt.Sprintf(" or A%d = 1", i)
	}
	if got := s.Hints(ctx, filter(many)); len(got) != 5 {
		t.Errorf("of many: %v", got)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if got := s.Hints(gone, filter("RequestPth = 'x'")); got != nil {
		t.Errorf("for who has gone: %v", got)
	}
}

// What was not looked at is not spoken of: blocks beyond the bound, and events that are kept whole.
func TestHintsSayWhatTheyKnow(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks = engine.Hooks{BlockRows: 1, ReserveBytes: -1} })
	var lines []string
	for i := range 300 {
		lines = append(lines, fmt.Sprintf(`{"@t":"%s","A":1}`, timeOf(i).Format("2006-01-02T15:04:05Z")))
	}
	lines[0] = `{"@t":"2020-01-01T00:00:00Z","Old":1}`
	s.Append(lines...)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	f, err := stele.ParseFilter("Old = 2 or A = 2")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Hints(ctx, f)); got != "[none of the 256 events looked at has a property Old]" {
		t.Error(got)
	}
	whole := `{"@t":"2026-01-01T00:00:00Z"`
	for i := range 600 {
		whole += fmt.Sprintf(`,"m%d":%d`, i, i)
	}
	s = testkit.OpenMem(t, nil)
	s.Append(whole+"}", `{"@t":"2020-01-01T00:00:00Z","m":1}`)
	if f, err = stele.ParseFilter("m7 = 2"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Hints(ctx, f)); got != "[none of the 1 events looked at has a property m7]" {
		t.Error(got)
	}
}
