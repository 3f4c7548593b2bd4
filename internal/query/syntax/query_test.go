package syntax

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"
)

// showQuery lists the query's parts, one to a line. A name that a lateral, a let or a lambda binds has a ' after it.
func showQuery(q *Query) string {
	var b strings.Builder
	line := func(what string, parts ...any) {
		fmt.Fprintf(&b, "  %s", what)
		for _, p := range parts {
			if s := fmt.Sprint(p); s != "" {
				fmt.Fprintf(&b, " %s", s)
			}
		}
		b.WriteByte('\n')
	}
	flag := func(is bool, word string) string {
		if is {
			return word
		}
		return ""
	}
	if q.Bare {
		line("bare")
	}
	if q.Explain != ExplainNone {
		line("explain", explainWords[q.Explain])
	}
	for i := range q.Columns {
		if c := &q.Columns[i]; c.Star {
			line("column *")
		} else {
			line("column", tree(c.Expr), "as", fmt.Sprintf("%q", c.Name()))
		}
	}
	if q.Stream {
		line("stream")
	}
	for _, l := range q.Laterals {
		line("unnest", tree(l.Of), "as", l.As)
	}
	if q.Where != nil {
		line("where", tree(q.Where))
	}
	for i := range q.GroupBy {
		if g := &q.GroupBy[i]; g.Time != nil {
			line("group by time", g.Time.Text)
		} else {
			line("group by", tree(g.Expr), flag(g.CI, "ci"), "as", fmt.Sprintf("%q", g.Name()))
		}
	}
	if q.Having != nil {
		line("having", tree(q.Having))
	}
	for _, o := range q.OrderBy {
		line("order by", o.Name, flag(o.Time, "(time)"), flag(o.CI, "ci"), flag(o.Desc, "desc"))
	}
	if q.Limit != nil {
		line("limit", *q.Limit)
	}
	return b.String()
}

// sameQuery compares queries but for places in the text, which it sets to 0. It says nothing if they are the same.
func sameQuery(a, b *Query) string {
	for _, q := range []*Query{a, b} {
		q.Exprs(clearPlaces)
		for i := range q.Columns {
			q.Columns[i].Pos = 0
		}
		for i := range q.Laterals {
			q.Laterals[i].Pos = 0
		}
		for i := range q.GroupBy {
			if q.GroupBy[i].Pos = 0; q.GroupBy[i].Time != nil {
				q.GroupBy[i].Time.Pos = 0
			}
		}
		for i := range q.OrderBy {
			q.OrderBy[i].Pos = 0
		}
	}
	if reflect.DeepEqual(a, b) {
		return ""
	}
	return showQuery(a) + "is not\n" + showQuery(b)
}

// TestParseQuery runs testdata/query: each query's parts and its canonical text if that differs, or its error. A line that
// begins with a blank goes on with the query before.
func TestParseQuery(t *testing.T) {
	datadriven.RunTest(t, "testdata/query", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		for _, text := range queriesOf(d.Input) {
			q, err := ParseQuery(text)
			if err != nil {
				fmt.Fprintf(&out, "%v\n", err)
				continue
			}
			printed := PrintQuery(q)
			again, err := ParseQuery(printed)
			if err != nil {
				t.Errorf("%s\nprints as %s\nwhich is no query: %v", text, printed, err)
			} else if diff := sameQuery(q, again); diff != "" {
				t.Errorf("%s\nprints as %s\nwhich is another query:\n%s", text, printed, diff)
			}
			fmt.Fprintf(&out, "%s\n%s", printed, showQuery(q))
		}
		return out.String()
	})
}

func queriesOf(script string) []string {
	var all []string
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, " ") && len(all) > 0 {
			all[len(all)-1] += "\n" + line
		} else {
			all = append(all, line)
		}
	}
	return all
}

// Random queries, of the shapes that the parser makes.
func queries() *rapid.Generator[*Query] {
	alias := rapid.SampledFrom([]string{"", "", "n", "time", "limit", "ci", "From"})
	name := rapid.SampledFrom([]string{"n", "service", "time", "limit", "ci"})
	return rapid.Custom(func(t *rapid.T) *Query {
		q := &Query{}
		if rapid.IntRange(0, 9).Draw(t, "bare") == 0 {
			return &Query{Bare: true, Columns: []Column{{Expr: conditions(2).Draw(t, "expression")}}}
		}
		v, optional := values(2), rapid.Bool()
		q.Explain = rapid.SampledFrom([]Explain{ExplainNone, ExplainPlan, ExplainAnalyze, ExplainLower}).Draw(t, "explain")
		for range rapid.IntRange(1, 3).Draw(t, "columns") {
			if rapid.IntRange(0, 4).Draw(t, "star") == 0 {
				q.Columns = append(q.Columns, Column{Star: true})
			} else {
				q.Columns = append(q.Columns, Column{Expr: v.Draw(t, "column"), As: alias.Draw(t, "as")})
			}
		}
		if optional.Draw(t, "limited") {
			n := rapid.Int64Range(0, 1<<62).Draw(t, "limit")
			q.Limit = &n
		}
		if q.Stream = optional.Draw(t, "stream"); !q.Stream {
			q.Columns = slices.DeleteFunc(q.Columns, func(c Column) bool { return c.Star })
			if len(q.Columns) == 0 {
				q.Columns = []Column{{Expr: &Null{}}}
			}
			return q
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "laterals") {
			q.Laterals = append(q.Laterals, Lateral{Of: v.Draw(t, "of"), As: fmt.Sprintf("element%d", i)})
		}
		if optional.Draw(t, "has where") {
			q.Where = conditions(2).Draw(t, "where")
		}
		for range rapid.IntRange(0, 2).Draw(t, "groupings") {
			q.GroupBy = append(q.GroupBy, Grouping{Expr: v.Draw(t, "grouping"), CI: optional.Draw(t, "ci"), As: alias.Draw(t, "as")})
		}
		if optional.Draw(t, "by time") {
			q.GroupBy = append(q.GroupBy, Grouping{Time: &Number{Text: "1m30s"}})
		}
		if optional.Draw(t, "has having") {
			q.Having = v.Draw(t, "having")
		}
		for range rapid.IntRange(0, 2).Draw(t, "orderings") {
			o := Ordering{Name: name.Draw(t, "by"), CI: optional.Draw(t, "ci"), Desc: optional.Draw(t, "desc")}
			o.Time = o.Name == "time"
			q.OrderBy = append(q.OrderBy, o)
		}
		return q
	})
}

// TestPrintedQueriesParseBack: what PrintQuery writes, ParseQuery reads as the same query.
func TestPrintedQueriesParseBack(t *testing.T) {
	checkOften(t, func(t *rapid.T) {
		q := queries().Draw(t, "query")
		text := PrintQuery(q)
		if len(text) > MaxBytes {
			return
		}
		again, err := ParseQuery(text)
		if err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
		if diff := sameQuery(q, again); diff != "" {
			t.Fatalf("%s\n%s", text, diff)
		}
	})
}
