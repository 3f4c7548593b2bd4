package plan_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/plan"
	"github.com/stelehq/stele/internal/query/syntax"
	"github.com/stelehq/stele/internal/testkit"
)

// FuzzQuery: a query that is parsed compiles, or says where it is wrong. It runs over a few events without a panic and within its memory; what
// it is printed as is the same query.
func FuzzQuery(f *testing.F) {
	for _, text := range plan.MergedQueries {
		f.Add(text)
	}
	f.Add("explain analyze select X from stream order by time desc limit 0")
	f.Add("1 + 1")
	rows := plan.RowsOf(f, askedRows)
	f.Fuzz(func(t *testing.T, text string) {
		testkit.Soak(t, []byte(text), func(input []byte) { run(t, string(input), rows) })
	})
}

const askedRows = `{"@t":"2026-03-14T15:00:00Z","@mt":"{A}","A":"x","B":1.5,"C":true,"D":2,"L":[1,{"p":[2]}],"X":{"y":null}}
{"@t":"2026-03-14T15:00:01.5Z","@x":"e","A":1e99,"B":79228162514264337593543950335,"C":null,"D":0,"L":[[]]}
{"@t":"2026-03-14T15:03:00Z","@m":"m","B":"7","L":"none"}`

// FuzzPlan: the same of queries that follow the grammar, each choice of which is a byte of the input.
func FuzzPlan(f *testing.F) {
	random := rand.New(rand.NewPCG(6, 6))
	for range 40 {
		choices := make([]byte, 20+random.IntN(150))
		for i := range choices {
			choices[i] = byte(random.Uint32())
		}
		f.Add(choices)
	}
	rows := plan.RowsOf(f, askedRows)
	f.Fuzz(func(t *testing.T, choices []byte) {
		testkit.Soak(t, choices, func(input []byte) { run(t, queryOf(input), rows) })
	})
}

// run checks what a query comes to.
func run(t *testing.T, text string, rows []exec.Row) {
	q, err := syntax.ParseQuery(text)
	if err != nil {
		return
	}
	printed := syntax.PrintQuery(q)
	p, err := plan.Compile(text, q)
	if err != nil {
		var at *syntax.Error
		if !errors.As(err, &at) {
			t.Fatalf("%q: %v has no place", text, err)
		}
		return
	}
	first, err := plan.AnswerText(p, rows, 1<<20)
	if err != nil && !errors.Is(err, fault.Exhausted) && !errors.Is(err, fault.Invalid) {
		t.Fatalf("%q: %v", text, err)
	}
	if q, err = syntax.ParseQuery(printed); err == nil {
		p, err = plan.Compile(printed, q)
	}
	if err != nil {
		t.Fatalf("%q is printed as %q: %v", text, printed, err)
	}
	if second, err := plan.AnswerText(p, rows, 1<<20); err == nil && first != second {
		t.Fatalf("%q gives\n%s, and printed as %q\n%s", text, first, printed, second)
	}
}
