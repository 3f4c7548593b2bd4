package stele_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/plan"
	"github.com/stelehq/stele/internal/testkit"
)

// A variedQueries makes queries by chance.
type variedQueries struct{ *rand.Rand }

func (m variedQueries) pick(list ...string) string { return list[m.IntN(len(list))] }

func (m variedQueries) value() string {
	return m.pick("A", "A", "N", "N", "D", "D", "Id", "B.C", "B.D", "B", "A.B", "Missing", "@Level", "@MessageTemplate", "@Exception", "@TraceId", "@EventType", "@Message", "@Timestamp",
		"1", "'x'", "N % 3", "N / 10", "D * 2", "Length(A)", "TypeOf(A)", "TypeOf(B)", "ToUpper(A)", "Coalesce(A, N)", "N + D", "if N > 120 then A else D", "B['C']", "@Properties['A']", "Round(D, 0)", "A[0]", "Concat(A, Id)", "DatePart(@Timestamp, 'hour', 0)", "Substring(Id, 0, 1)", "N > 120", "Has(N)", "A = 'b'")
}

func (m variedQueries) aggregate() string {
	v := m.value()
	switch m.IntN(15) {
	case 0, 1, 2:
		return "count(*)"
	case 11:
		return "count(" + v + ")"
	case 3:
		return "count(distinct(" + v + "))"
	case 4:
		return m.pick("sum", "mean", "min", "max") + "(" + v + ")"
	case 5:
		return m.pick("sum", "mean", "min", "max") + "(" + m.pick("N", "D", "Big", "B.C") + ")"
	case 6:
		return "percentile(" + m.pick("D", "N", "Big", v) + ", " + m.pick("0", "5", "50", "95", "99.9", "100") + ")"
	case 7:
		return m.pick("first", "last") + "(" + v + ")"
	case 8:
		return m.pick("any", "all") + "(" + m.pick("N > 120", "Has(A)", "A = 'a'", v) + ")"
	case 9:
		return "phist(D, N, 50)"
	case 10:
		return "sum(N) / count(*)"
	}
	return m.pick("sum", "count", "max") + "(" + m.pick("N", "D") + ")"
}

func (m variedQueries) condition() string {
	return m.pick("A = 'a'", "N > 120", "D < 100.5", "Has(Id)", "B.C = 3", "A is null", "@Level = 'Error'", `"at"`, "not Has(N)", "N in [100, 101, 120]", "A like 'a%' ci", "@Message like '%1%'", "true", "false",
		"@Timestamp >= DateTime('2024-01-01T00:05:00Z')", "@Timestamp < DateTime('2024-01-01T00:10:00Z')", "N > 110 and A <> 'b'", "N > 140 or D > 250")
}

func (m variedQueries) query() string {
	if m.IntN(20) == 0 {
		return m.pick("select count(*) from stream group by @Level", "select count(*) from stream", "select count(*) from stream group by @Level ci as l", "select count(*) as n from stream group by A order by n desc limit 2",
			"select count(*), interval() from stream group by time(1m)", "select percentile(D, 95) from stream group by @MessageTemplate", "select count(*) from stream group by time(10s), @Level, A, TypeOf(B)")
	}
	var q strings.Builder
	rowset := m.IntN(12) == 0
	switch {
	case rowset:
		q.WriteString("select " + m.pick("distinct("+m.value()+")", "top("+m.value()+", 3)", "bottom("+m.value()+", 3)"))
	default:
		q.WriteString("select ")
		for i := range 1 + m.IntN(3) {
			if i > 0 {
				q.WriteString(", ")
			}
			fmt.Fprintf(&q, "%s as c%d", m.aggregate(), i)
		}
	}
	q.WriteString(" from stream")
	if m.IntN(3) > 0 {
		q.WriteString(" where " + m.condition())
	}
	var keys []string
	if m.IntN(4) == 0 {
		keys = append(keys, "time("+m.pick("1m", "7s", "1h", "90s", "1d")+")")
	}
	for i := range m.IntN(3) {
		keys = append(keys, fmt.Sprintf("%s%s as k%d", m.value(), m.pick("", "", "", " ci"), i))
	}
	if len(keys) > 0 {
		q.WriteString(" group by " + strings.Join(keys, ", "))
		if !rowset && m.IntN(5) == 0 {
			q.WriteString(" having c0 " + m.pick("> 3", "is not null", "<> 1"))
		}
	}
	if !rowset && m.IntN(4) == 0 {
		q.WriteString(" order by c0" + m.pick("", " desc", " ci"))
	}
	return q.String() + m.pick("", " limit 5", " limit 100000")
}

// agreeEvents are events of which a member is there or not, twice, nested, under a name with dots, and of any kind.
func agreeEvents(r *rand.Rand, n int) []string {
	m := variedQueries{r}
	odd := []string{`"x"`, `""`, `1`, `1.0`, `1.50`, `-3`, `1e2`, `9223372036854775807`, `123456789012345678901234567890123`, `-0`, `true`, `null`, `[1,"x"]`, `{}`, `{"B":1}`, `{"B":{"C":"x"},"B.C":2}`}
	var events []string
	for i := range n {
		e := fmt.Sprintf(`{"@t":"2024-01-01T00:%02d:%02d.%03dZ"`, i/60%60, i%60, r.IntN(1000))
		for range 1 + r.IntN(5) {
			switch r.IntN(12) {
			case 0, 1:
				e += fmt.Sprintf(`,"A":%q`, m.pick("a", "b", "A", "d"))
			case 2, 3:
				e += fmt.Sprintf(`,"N":%d`, 100+r.IntN(50))
			case 4:
				e += fmt.Sprintf(`,"D":%d.%02d`, r.IntN(300), r.IntN(100))
			case 5:
				e += fmt.Sprintf(`,"Id":"%016x"`, r.Uint64())
			case 6:
				e += fmt.Sprintf(`,"B":{"C":%d,"D":%q}`, r.IntN(5), m.pick("u", "v"))
			case 7:
				e += fmt.Sprintf(`,"Big":%d`, r.Int64()-1<<62)
			case 8:
				e += fmt.Sprintf(`,"@l":%q`, m.pick("Error", "error", "Warning"))
			case 9:
				e += `,"@mt":"at {A}, {N}"`
			case 10:
				e += fmt.Sprintf(`,%q:%s`, m.pick("A", "N", "D", "B", "A.B", "B.C"), m.pick(odd...))
			}
		}
		if r.IntN(400) == 0 { // kept whole
			for j := range 600 {
				e += fmt.Sprintf(`,"m%d":%d`, j, j)
			}
		}
		events = append(events, e+"}")
	}
	return events
}

// firstKey is the lower bound that queries are given which need one.
var firstKey = event.MakeKey(time.Date(2024, 1, 1, 0, 2, 0, 0, time.UTC).UnixNano(), 0)

// regularEvents come from few places in a program.
func regularEvents(r *rand.Rand, n int) []string {
	m := variedQueries{r}
	var events []string
	for i := range n {
		e := fmt.Sprintf(`{"@t":"2024-01-01T%02d:%02d:%02d.%03dZ","A":%q`, i/3600, i/60%60, i%60, r.IntN(1000), m.pick("a", "b", "A", "c"))
		switch i % 3 {
		case 0:
			e += fmt.Sprintf(`,"@l":"Error","@mt":"at {A}, {N}","N":%d,"D":%d.%04d`, r.Int64N(1e12), r.IntN(9), r.IntN(10000))
		case 1:
			e += fmt.Sprintf(`,"@l":"Warning","Id":"%016x","D":%d,"Big":%d`, r.Uint64(), r.IntN(100)-50, r.Int64()-1<<62)
		case 2:
			e += fmt.Sprintf(`,"B":{"C":%d,"D":"u"},"D":%d.5`, i, i)
		}
		switch r.IntN(300) {
		case 0:
			e += `,"D":"odd"`
		case 1: // no integer at the scale of the others
			e += fmt.Sprintf(`,"D":%d123456789012345678.5`, r.IntN(100))
		}
		events = append(events, e+"}")
	}
	return events
}

// TestQueriesByBlocksAgreeWithRows: what comes of whole blocks, side by side, is what comes of the events one by one, whatever form they are stored in.
func TestQueriesByBlocksAgreeWithRows(t *testing.T) {
	stores, queries := 4, 150
	if os.Getenv("STELE_LONG") != "" {
		stores, queries = 40, 2500
	}
	within := stele.Range{From: stele.Inclusive(firstKey)}
	answered := 0
	for seed := range stores {
		r := rand.New(rand.NewPCG(uint64(seed), 11))
		s := testkit.OpenMem(t, func(o *stele.Options) {
			o.Hooks = engine.Hooks{BlockRows: [...]int{100, 250, 400, 4000}[seed%4], ReserveBytes: -1, NoTelling: seed%2 == 0}
		})
		events, queries := 700, queries
		all := agreeEvents(r, events)
		if seed%4 == 3 { // larger blocks of events that are much alike, whose columns have a value for each row
			events, queries = 6000, queries/5
			all = regularEvents(r, events)
		}
		for i := 0; i < len(all); i += events / 4 {
			s.Append(all[i:min(i+events/4, len(all))]...)
			if i < events/2 {
				if err := s.Flush(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		if f, err := stele.ParseFilter("N = 107 or A = 'd'"); err != nil {
			t.Fatal(err)
		} else if _, err := s.DeleteMatching(ctx, stele.Range{}, f); err != nil {
			t.Fatal(err)
		}
		var rows []exec.Row
		read := s.Read(ctx, stele.ReadOptions{})
		for read.Next() {
			rows = append(rows, exec.NewRow(read.Event().Key(), read.Event().Value()))
		}
		if err := read.Close(); err != nil {
			t.Fatal(err)
		}
		m := variedQueries{r}
		for range queries {
			text := m.query()
			bounds, over := plan.Unbounded, stele.Range{}
			if strings.Contains(text, "time(") {
				bounds.From, over = firstKey, within
			}
			want, _, err := oracle(text, rows, bounds)
			q, bad := stele.ParseQuery(text)
			if bad != nil {
				if err == nil {
					t.Fatalf("%s: %v", text, bad)
				}
				continue
			}
			got, gotErr := tableOf(s.Query(ctx, q, stele.QueryOptions{Range: over, Now: queryBase.Add(time.Hour), Memory: 1 << 30}))
			if (err == nil) != (gotErr == nil) {
				t.Fatalf("%s\n gives the error %v, one by one %v", text, gotErr, err)
			}
			if got != want {
				t.Fatalf("seed %d: %s\n gives\n%s\nand one by one\n%s", seed, text, got, want)
			}
			answered++
		}
	}
	t.Logf("%d queries", answered)
	if answered < stores*queries/2 {
		t.Errorf("only %d queries were answered", answered)
	}
}

// TestHistogramsAgreeWithEvents: what is counted by blocks is what the events say one by one.
func TestHistogramsAgreeWithEvents(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 12))
		s := testkit.OpenMem(t, func(o *stele.Options) {
			o.Hooks = engine.Hooks{BlockRows: [...]int{70, 300, 3000}[seed], ReserveBytes: -1}
		})
		events := agreeEvents(r, 900)
		for i, e := range events {
			switch r.IntN(12) {
			case 0: // a level of its own kind, or of its own
				events[i] = e[:len(e)-1] + fmt.Sprintf(`,"@l":%s}`, []string{"null", `""`, "7", `{"a":1}`, fmt.Sprintf("%q", fmt.Sprint("level ", i))}[r.IntN(5)])
			}
		}
		s.Append(events[:400]...)
		if err := s.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		s.Append(events[400:]...)
		if f, err := stele.ParseFilter("N = 107"); err != nil {
			t.Fatal(err)
		} else if _, err := s.DeleteMatching(ctx, stele.Range{}, f); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"", "N > 120", "@Level = 'Error'", "@Message like '%1%'", "false", "Has(B)"} {
			var f *stele.Filter
			if text != "" {
				var err error
				if f, err = stele.ParseFilter(text); err != nil {
					t.Fatal(err)
				}
			}
			for _, over := range []stele.Range{{}, {From: stele.Inclusive(firstKey)}, {From: stele.Inclusive(firstKey), To: stele.BeforeTime(time.Date(2024, 1, 1, 0, 9, 0, 0, time.UTC))}} {
				for _, n := range []int{1, 7, 1000} {
					got, err := s.Histogram(ctx, stele.HistogramOptions{Range: over, Filter: f, Buckets: n})
					if err != nil {
						t.Fatal(err)
					}
					want := make([]map[string]int64, len(got))
					for i := range want {
						want[i] = map[string]int64{}
					}
					read := s.Read(ctx, stele.ReadOptions{Range: over, Filter: f})
					for read.Next() {
						e, found := read.Event(), false
						for i, b := range got {
							if !e.Time().Before(b.Start) && e.Time().Before(b.End) {
								want[i][e.Level()]++
								found = true
							}
						}
						if !found {
							t.Fatalf("%s: no bucket has %v", text, e.Time())
						}
					}
					if err := read.Close(); err != nil {
						t.Fatal(err)
					}
					for i, b := range got {
						if !maps.Equal(b.Counts, want[i]) {
							t.Fatalf("seed %d, %q, %d buckets: bucket %d has %v, expected %v", seed, text, n, i, b.Counts, want[i])
						}
					}
				}
			}
		}
	}
}
