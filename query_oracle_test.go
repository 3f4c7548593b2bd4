package stele_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/plan"
	"github.com/stelehq/stele/internal/query/syntax"
	"github.com/stelehq/stele/internal/testkit"
)

// TestQueriesAgreeWithTheOracle: random queries over a store with events in journals and segments, late ones, and deleted ones, give what package plan
// gives row by row for the events that a reader reads. STELE_SEED=n takes other ones, STELE_LONG=1 two hundred times as many.
func TestQueriesAgreeWithTheOracle(t *testing.T) {
	seed := uint64(1)
	if n, err := strconv.ParseUint(os.Getenv("STELE_SEED"), 10, 64); err == nil {
		seed = n
	}
	rounds := 200
	switch {
	case os.Getenv("STELE_LONG") != "":
		rounds *= 200
	case raceDetector:
		rounds /= 10
	}
	r := rand.New(rand.NewPCG(seed, 1))
	g := queryMaker{r}
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.BlockRows = 50 })
	for part := range 4 {
		lines := make([]string, 300)
		for i := range lines {
			lines[i] = g.event()
		}
		s.Append(lines...)
		if part < 3 {
			if err := s.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := s.Delete(ctx, stele.Range{From: stele.FromTime(queryBase.Add(20 * time.Second)), To: stele.BeforeTime(queryBase.Add(24 * time.Second))}); err != nil {
		t.Fatal(err)
	}
	doomed, _ := stele.ParseFilter("Code = 503")
	if _, err := s.DeleteMatching(ctx, stele.Range{}, doomed); err != nil {
		t.Fatal(err)
	}
	var rows []exec.Row
	for e, err := range s.Read(ctx, stele.ReadOptions{}).All() {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, exec.NewRow(e.Key(), e.Value()))
	}
	for range rounds {
		text := g.query()
		want, limited, err := oracle(text, rows, plan.Unbounded)
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, text, err)
		}
		answer := s.Query(ctx, parseQuery(t, text), stele.QueryOptions{Now: queryBase.Add(time.Hour)})
		got, err := tableOf(answer)
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, text, err)
		}
		if got != want || answer.Statistics().Limited != limited {
			t.Fatalf("seed %d: %s gives\n%s(%v), not\n%s(%v)", seed, text, got, answer.Statistics().Limited, want, limited)
		}
	}
}

// oracle answers a query over those of the rows that are within bounds; they are in order of time.
func oracle(text string, rows []exec.Row, within plan.Bounds) (table string, limited bool, err error) {
	q, err := syntax.ParseQuery(text)
	if err != nil {
		return "", false, err
	}
	p, err := plan.Compile(text, q)
	if err != nil {
		return "", false, err
	}
	run, err := p.Start(queryBase.Add(time.Hour), within, plan.NewMemory(1<<30))
	if err != nil {
		return "", false, err
	}
	var wanted []exec.Row
	for _, row := range rows {
		k := event.MakeKey(row.Timestamp(), row.Arrival())
		if b := run.Bounds(); k.Compare(b.From) >= 0 && k.Compare(b.To) <= 0 && (run.Filter() == nil || run.Filter().Match(row)) {
			wanted = append(wanted, row)
		}
	}
	var values [][]event.Value
	if p.Streams() {
		if p.Descending() {
			slices.Reverse(wanted)
		}
		for _, row := range wanted {
			_ = run.Each(row, func(v []event.Value) error {
				values = append(values, v)
				return nil
			})
		}
		// Whether the limit may have left rows out is known when the next event is asked for.
		limited = len(values) >= int(p.Limit())
		values = values[:min(len(values), int(p.Limit()))]
	} else {
		part := run.NewPartial()
		for _, row := range wanted {
			if err := part.Add(row); err != nil {
				return "", false, err
			}
		}
		result, err := run.Finish(part)
		if err != nil {
			return "", false, err
		}
		values, limited = result.Rows, result.Cut
	}
	var b strings.Builder
	for _, row := range values {
		for i, v := range row {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(v.String())
		}
		b.WriteByte('\n')
	}
	return b.String(), limited, nil
}

var queryBase = time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)

// A queryMaker makes random events, and queries that make something of them.
type queryMaker struct{ *rand.Rand }

func (g queryMaker) pick(list ...string) string { return list[g.IntN(len(list))] }

// event has members that are there, or not, of one type or of several, with few values or with many.
func (g queryMaker) event() string {
	at := queryBase.Add(time.Duration(g.IntN(60_000)) * time.Millisecond)
	var b strings.Builder
	fmt.Fprintf(&b, `{"@t":%q,"@mt":%s,"Host":"%s%d","Elapsed":%d.%02d`, at.Format(time.RFC3339Nano),
		g.pick(`"{Host} took {Elapsed} ms"`, `"Request {Code} of {User}"`, `"slow {Missing}"`, `"plain text"`), g.pick("web-", "Web-", "db-"), g.IntN(3), g.IntN(300), g.IntN(100))
	maybe := func(share int, format string, args ...any) {
		if g.IntN(100) < share {
			fmt.Fprintf(&b, format, args...)
		}
	}
	maybe(70, `,"Code":%s`, g.pick("200", "200.0", "404", "500", "503"))
	maybe(30, `,"@l":%s`, g.pick(`"Error"`, `"error"`, `"Warning"`))
	maybe(10, `,"@x":"System.Exception: it failed\n   at x%d()"`, g.IntN(3))
	maybe(40, `,"User":%s`, g.pick(`{"Name":"nina","Age":31}`, `{"Name":"omar"}`, `"nina"`, `null`, `{"Age":31.0,"Name":"nina"}`))
	maybe(30, `,"Tags":%s`, g.pick(`["a","b"]`, `[]`, `[1,"a",null]`, `"a"`))
	maybe(20, `,"Opt":%s`, g.pick("1", "-2.5", "1e40", "79228162514264337593543950335", "0.0000000000000000000000000001", `"text"`, "true", "null"))
	maybe(15, `,"Id":"%016x%016x"`, g.Uint64(), g.Uint64())
	maybe(5, `,"a.b":%d`, g.IntN(3))
	b.WriteString("}")
	return b.String()
}

func (g queryMaker) condition(depth int) string {
	if depth > 0 {
		switch g.IntN(5) {
		case 0:
			return "(" + g.condition(depth-1) + " and " + g.condition(depth-1) + ")"
		case 1:
			return "(" + g.condition(depth-1) + " or " + g.condition(depth-1) + ")"
		case 2:
			return "not (" + g.condition(depth-1) + ")"
		}
	}
	n := g.IntN(600)
	at := queryBase.Add(time.Duration(g.IntN(60_000)) * time.Millisecond).Format(time.RFC3339Nano)
	return g.pick("Code >= "+strconv.Itoa(n), "Code = 404", "Code <> 200", "Host = 'web-1'", "Host = 'WEB-1' ci", "Host like '%b-%'", "Host in ['db-0', 'web-2']",
		"Elapsed > "+strconv.Itoa(n%300), "Elapsed < 20.5", "@Level = 'Error'", "@Level = 'error' ci", "Has(@Exception)", `"failed"`, `"took 1"`, "@Message like '%took 2%'",
		"@MessageTemplate = 'plain text'", "Tags[?] = 'a'", "Tags[*] = 'a'", "User.Name = 'nina'", "User = 'nina'", "User is null", "Opt is not null", "Opt > 0", "Opt = true", "a.b = 1",
		"Length(Host) = 4", "Missing = 1", "true", "@Timestamp >= DateTime('"+at+"')", "@Timestamp < DateTime('"+at+"')", "@Timestamp >= Now() - 59m30s", "@Id > 'event-9'", "StartsWith(Id, 'a')", "Elapsed % 2 < 1")
}

func (g queryMaker) input() string {
	return g.pick("Elapsed", "Elapsed", "Code", "Host", "Opt", "@Message", "User.Name", "User", "Elapsed * 2", "Length(@Message)", "Tags", "Id", "Missing", "@Timestamp", "@Level")
}

func (g queryMaker) aggregate() string {
	x, condition := g.input(), g.condition(0)
	if strings.Contains(condition, `"`) {
		condition = "Code > 300" // text in double quotes is no value
	}
	return g.pick("count(*)", "count(*)", "count("+x+")", "count(distinct("+x+"))", "sum("+x+")", "mean("+x+")", "min("+x+")", "max("+x+")", "first("+x+")", "last("+x+")",
		"percentile("+x+", 95)", "percentile("+x+", 50, 0.001)", "phist("+x+", Code, 50)", "any("+condition+")", "all("+condition+")", "count(*) / 7", "Round(mean("+x+"), 2)",
		"if count("+x+") > 3 then max(Elapsed) else 'few'")
}

func (g queryMaker) query() string {
	where := ""
	if g.IntN(4) > 0 {
		where = " where " + g.condition(2)
	}
	limit := ""
	if g.IntN(3) == 0 {
		limit = fmt.Sprintf(" limit %d", g.IntN(20))
	}
	lateral := g.pick("", "", "", "", " lateral unnest(Tags) as tag")
	if g.IntN(4) == 0 {
		columns, order := g.pick("*", g.input()+" as a, "+g.input()+" as b", "Host as a, Elapsed as b, @Id"), ""
		if columns != "*" {
			order = g.pick("", " order by time desc", " order by a", " order by b desc, a ci", " order by a ci, time desc")
		}
		return "select " + columns + " from stream" + lateral + where + order + limit
	}
	columns := make([]string, 1+g.IntN(4))
	for i := range columns {
		columns[i] = g.aggregate() + " as c" + strconv.Itoa(i)
	}
	if g.IntN(8) == 0 {
		columns = []string{g.pick("distinct("+g.input()+")", "distinct(Host) ci", "top("+g.input()+", 5)", "bottom("+g.input()+", 3)") + " as c0"}
	}
	var by []string
	if g.IntN(3) == 0 {
		by = append(by, "time("+g.pick("1s", "7s", "1m")+")")
		where = cmp.Or(where, " where true") + " and @Timestamp >= DateTime('2026-03-14T15:00:05Z')"
	}
	for i := range g.IntN(3) {
		by = append(by, g.pick("Host", "Host ci", "Code", "@Level", "@Level ci", "User", "User.Name", "Opt", "Tags", "Substring(Host, 0, 1)", "@MessageTemplate", "Code / 100", "Id", "Has(@Exception)")+" as k"+strconv.Itoa(i))
	}
	text := "select " + strings.Join(columns, ", ") + " from stream" + lateral + where
	if len(by) > 0 {
		text += " group by " + strings.Join(by, ", ")
	}
	return text + g.pick("", "", " having c0 > 5", " having c0 <> 1") + g.pick("", "", " order by c0", " order by c0 desc") + limit
}
