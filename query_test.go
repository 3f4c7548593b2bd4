package stele_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
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
	const array = "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]"
	nested := strings.Repeat(" lateral unnest("+array+") as x", 6)
	for i := range 6 {
		nested = strings.Replace(nested, "as x ", fmt.Sprintf("as x%d ", i), 1)
	}
	for _, c := range []struct {
		text   string
		memory int64
	}{
		{"select count(*) from stream" + nested + " where x > 20", 0},
		{"select @Document from stream" + nested + " limit 1000000", 1 << 20},
	} {
		if got, err := tableOf(s.Query(ctx, parseQuery(t, c.text), stele.QueryOptions{Memory: c.memory})); got != "" || !errors.Is(err, stele.Exhausted) {
			t.Errorf("%s: %s, %v", c.text, got, err)
		}
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

var (
	millisCell = regexp.MustCompile(` [0-9.]+\n`)
	blocksRead = regexp.MustCompile(`[0-9]+ blocks by their columns, [0-9]+ passed over" [0-9]+`) // how many blocks there are is for the store to say
)

func TestExplain(t *testing.T) {
	s := queryStore(t)
	const text = `select count(*) as n, percentile(Elapsed, 95), count(distinct(Code)) from stream lateral unnest([1, 2]) as x where @Timestamp >= DateTime('2026-03-14T15:00:10Z') and Code > 200 and @Message like '%5%' and x > 1 group by time(1m30s), Code ci as c having n > 3 order by n desc, c limit 7`
	for prefix, want := range map[string]string{
		"explain ": `"read" "from 2026-03-14T15:00:10Z, in no order"
"filter" "Code > 200 (by columns)"
"filter" "@Message like '%5%' (by columns)"
"unnest" "[1, 2]"
"filter elements" "x > 1"
"group" "by slices of 1m30s, c ci"
"aggregate" "count(*)"
"aggregate" "percentile(Elapsed, 95) (exact for 8192 values that differ, then to 0.39 %)"
"aggregate" "count(distinct(Code)) (exact for 1048576 values, then with a standard error of 0.2 %)"
"having" "n > 3"
"sort" "by n desc, c"
"limit" "7 rows"
`,
		"explain lower ": `"` + text + `"` + "\n",
		"explain analyze ": `"read" "from 2026-03-14T15:00:10Z, in no order; N blocks by their columns, N passed over" N T
"filter" "Code > 200 (by columns)"  
"filter" "@Message like '%5%' (by columns)" 34 
"unnest" "[1, 2]"  
"filter elements" "x > 1"  
"group" "by slices of 1m30s, c ci"  T
"aggregate" "count(*)"  
"aggregate" "percentile(Elapsed, 95) (exact for 8192 values that differ, then to 0.39 %)"  
"aggregate" "count(distinct(Code)) (exact for 1048576 values, then with a standard error of 0.2 %)"  
"having" "n > 3"  
"sort" "by n desc, c"  T
"limit" "7 rows" 2 
"total"   T
`,
	} {
		rows := s.Query(ctx, parseQuery(t, prefix+text), stele.QueryOptions{})
		got, err := tableOf(rows)
		if strings.Contains(prefix, "analyze") {
			got = blocksRead.ReplaceAllString(millisCell.ReplaceAllString(got, " T\n"), `N blocks by their columns, N passed over" N`)
		}
		if err != nil || got != want {
			t.Errorf("%sgives\n%s%v, not\n%s", prefix, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"explain select 1": "\"select\" \"1, without events\"\n",
		"explain select * from stream where false order by time desc":                     "\"read\" \"all events, newest first\"\n\"filter\" \"false (by columns)\"\n\"select\" \"@Timestamp, @Id, @Document, as events are read\"\n\"limit\" \"1024 rows\"\n",
		"explain select A from stream where @Timestamp < 1 and @Timestamp > 2 order by A": "\"read\" \"no events: the bounds exclude each other, in no order\"\n\"select\" \"A\"\n\"sort\" \"by A\"\n\"limit\" \"1024 rows\"\n",
	} {
		if got, err := tableOf(s.Query(ctx, parseQuery(t, text), stele.QueryOptions{})); err != nil || got != want {
			t.Errorf("%s gives\n%s%v, not\n%s", text, got, err, want)
		}
	}
	if got, err := tableOf(s.Query(ctx, parseQuery(t, "explain analyze select Elapsed as e from stream order by e"), stele.QueryOptions{Memory: 1000})); got != "" || !errors.Is(err, stele.Exhausted) {
		t.Errorf("a query that fails gives %q, %v", got, err)
	}
}

// TestQueriesBesideADamagedColumn: a query that does not read the column is answered in full; one that does counts what is sound, and the error tells what is not. So it
// is whatever was read before.
func TestQueriesBesideADamagedColumn(t *testing.T) {
	s, name, sound := damagedColumn(t)
	s.Damaged()
	for range 2 {
		for text, want := range map[string]string{
			"select count(*) from stream":                                            "6000\n",
			"select count(*) from stream where @Timestamp >= DateTime('2024-01-01')": "6000\n",
			"select sum(N) - sum(N) as zero from stream where N < 500 group by true": "true 0\n",
			"select count(*) from stream group by N > -1 as k having k":              "true 6000\n",
		} {
			if got, err := tableOf(s.Query(ctx, parseQuery(t, text), stele.QueryOptions{})); got != want || err != nil {
				t.Errorf("%s gives %s, %v", text, got, err)
			}
		}
		for text, want := range map[string]string{
			"select count(Id) from stream":                         "0\n",
			"select count(*) as n from stream group by Length(Id)": fmt.Sprintf("null %d\n", len(sound)),
			"select count(*) as n from stream where not Id = 'x'":  fmt.Sprintf("%d\n", len(sound)),
			"select N from stream where N = 1 limit 1":             "1\n",
		} {
			got, err := tableOf(s.Query(ctx, parseQuery(t, text), stele.QueryOptions{}))
			if got != want || !errors.Is(err, stele.Corrupt) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s gives %s, %v", text, got, err)
			}
		}
		var b strings.Builder
		if err := s.Query(ctx, parseQuery(t, "select count(Id) from stream"), stele.QueryOptions{}).WriteJSON(&b); !errors.Is(err, stele.Corrupt) || !strings.Contains(b.String(), `"Warning":"`) || strings.Contains(b.String(), `"Error"`) {
			t.Errorf("%s, %v", b.String(), err)
		}
	}
}
