package stele_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
)

// queryStore has 60 events, one a second, some sealed and some not.
func queryStore(t *testing.T) *testkit.Fixture {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.BlockRows = 7 })
	for i := range 60 {
		s.Append(fmt.Sprintf(`{"@t":"2026-03-14T15:00:%02dZ","@mt":"Took {Elapsed}","Elapsed":%d.5,"Code":%d}`, i, i, 200+i%3*100))
		if i == 40 {
			if err := s.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

func parseQuery(t *testing.T, text string) *stele.Query {
	t.Helper()
	q, err := stele.ParseQuery(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return q
}

// tableOf renders all rows.
func tableOf(rows *stele.Rows) (string, error) {
	var b strings.Builder
	for rows.Next() {
		for i, v := range rows.Values() {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(v.String())
		}
		b.WriteByte('\n')
	}
	return b.String(), rows.Close()
}

func TestQuery(t *testing.T) {
	s := queryStore(t)
	filter, err := stele.ParseFilter("Code <> 300")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		o    stele.QueryOptions
		want string
	}{
		{"select count(*), sum(Elapsed) from stream", stele.QueryOptions{}, "60 1800\n"},
		{"select count(*) from stream where @Timestamp >= DateTime('2026-03-14T15:00:30Z')", stele.QueryOptions{}, "30\n"},
		{"select count(*) as n from stream group by Code", stele.QueryOptions{Filter: filter}, "200 20\n400 20\n"},
		{"select count(*) from stream where Code = 400", stele.QueryOptions{Filter: filter, Range: stele.Range{To: stele.BeforeTime(time.Date(2026, 3, 14, 15, 0, 30, 0, time.UTC))}}, "10\n"},
		{"select Elapsed from stream limit 2", stele.QueryOptions{}, "0.5\n1.5\n"},
		{"select Elapsed from stream order by time desc limit 2", stele.QueryOptions{}, "59.5\n58.5\n"},
		{"select Elapsed as e from stream where Code = 300 order by e desc limit 2", stele.QueryOptions{}, "58.5\n55.5\n"},
		{"select count(*) from stream where false", stele.QueryOptions{}, "0\n"},
		{"select 1 + 1", stele.QueryOptions{}, "2\n"},
		{"select Now() - DateTime('1970-01-01')", stele.QueryOptions{Now: time.Unix(1, 0)}, "10000000\n"},
		{"select count(*) from stream group by time(20s)", stele.QueryOptions{Range: stele.Range{From: stele.FromTime(time.Date(2026, 3, 14, 15, 0, 10, 0, time.UTC))}},
			"639090972000000000 10\n639090972200000000 20\n639090972400000000 20\n"},
		{"select Elapsed from stream limit 0", stele.QueryOptions{}, ""},
	} {
		got, err := tableOf(s.Query(ctx, parseQuery(t, c.text), c.o))
		if err != nil || got != c.want {
			t.Errorf("%s gives\n%s and %v, not\n%s", c.text, got, err, c.want)
		}
	}
}

func TestQueryErrors(t *testing.T) {
	s := queryStore(t)
	var at *stele.FilterError
	if _, err := stele.ParseQuery("select avg(X) from stream"); !errors.As(err, &at) || at.Column != 8 || at.Suggestion != "mean" || !errors.Is(err, stele.Invalid) {
		t.Errorf("a query that is wrong: %v", err)
	}
	if _, err := tableOf(s.Query(ctx, parseQuery(t, "select count(*) from stream group by time(1s)"), stele.QueryOptions{})); !errors.As(err, &at) || !errors.Is(err, stele.Invalid) {
		t.Errorf("without a lower bound: %v", err)
	}
	if got, err := tableOf(s.Query(ctx, parseQuery(t, "select count(*) as n from stream group by Elapsed"), stele.QueryOptions{Memory: 5000})); got != "" || !errors.Is(err, stele.Exhausted) {
		t.Errorf("with little memory: %s, %v", got, err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	for _, text := range []string{"select count(*) from stream", "select Elapsed from stream", "select Elapsed as e from stream order by e", "select 1"} {
		if got, err := tableOf(s.Query(gone, parseQuery(t, text), stele.QueryOptions{})); got != "" || !errors.Is(err, stele.Canceled) {
			t.Errorf("cancelled %s: %q, %v", text, got, err)
		}
	}
	rows := s.Query(ctx, parseQuery(t, "select Elapsed from stream"), stele.QueryOptions{})
	rows.Next()
	if err := rows.Close(); err != nil || rows.Next() {
		t.Errorf("closed early: %v", err)
	}
	snapshot, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	snapshot.Close()
	if _, err := tableOf(snapshot.Query(ctx, parseQuery(t, "select count(*) from stream"), stele.QueryOptions{})); !errors.Is(err, stele.Closed) {
		t.Errorf("over a closed snapshot: %v", err)
	}
}

func TestQueryStatistics(t *testing.T) {
	s := queryStore(t)
	for text, want := range map[string]struct {
		matched uint64
		limited bool
	}{
		"select count(*) from stream where Code = 400":                      {20, false},
		"select count(*) from stream group by Elapsed":                      {60, false},
		"select count(*) from stream group by Elapsed limit 60":             {60, false},
		"select count(*) from stream group by Elapsed limit 59":             {60, true},
		"select Elapsed from stream where Code = 400 limit 5":               {5, true},
		"select Elapsed from stream where Code = 400":                       {20, false},
		"select Elapsed as e from stream where Code = 400 order by e":       {20, false},
		"select @Id as id from stream where Code = 400 order by id limit 3": {20, true},
	} {
		rows := s.Query(ctx, parseQuery(t, text), stele.QueryOptions{})
		if _, err := tableOf(rows); err != nil {
			t.Fatal(err)
		}
		got := rows.Statistics()
		if got.Matched != want.matched || got.Limited != want.limited || got.Scanned < got.Matched || got.Elapsed <= 0 {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
