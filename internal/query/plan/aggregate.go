package plan

import (
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/syntax"
)

// An aggregate is one that the query's columns call; the same call in two places is one.
type aggregate struct {
	kind   *kind
	text   string // as Print writes it
	inputs []int  // of the plan: what is evaluated for each row
	ci     bool
	p      event.Decimal
	bits   uint8
	n      int
}

// A kind of aggregate: one row of the table is all it takes to add one, with its state.
type kind struct {
	name     string
	min, max int  // how many arguments
	inputs   int  // the first of them, which are evaluated for each row; the others are constants
	rows     bool // gives a row for each of its values
	make     func(a *aggregate, m *account) (state, error)

	// If not nil, there is no state: the number of a group's rows tells all.
	result func(a *aggregate, rows uint64) event.Value
}

// A state is what an aggregate knows of the rows of a group that a partial has seen. What it says in the end depends on the rows alone: not
// on how they were divided among states, nor on the order in which they came and were merged.
type state interface {
	// add takes n rows whose inputs are the same, the first of them at a place.
	add(in []*sample, n uint64, at Place, m *account) error
	// merge takes what another state of the same aggregate knows, and may take over its memory: that is not used again.
	merge(from state, m *account) error
	result() event.Value
}

// A rowset is a state that gives a row for each of its values.
type rowset interface{ rows() []event.Value }

// A Place is where a row stands in the order of time.
type Place struct {
	Key event.Key
	Row uint32 // among the rows that `lateral unnest` makes of the event
}

func (p Place) compare(o Place) int {
	if c := p.Key.Compare(o.Key); c != 0 {
		return c
	}
	return int(p.Row) - int(o.Row)
}

// A sample is an input's value in a row. Aggregates of numbers share its decimal.
type sample struct {
	value          event.Value
	num            event.Decimal
	parsed, number bool
}

// decimal returns the value as a number; not ok for what is none, or is beyond the range of R7.
func (s *sample) decimal() (event.Decimal, bool) {
	if !s.parsed {
		s.parsed = true
		if s.value.Kind == event.Number {
			s.num, s.number = event.ParseDecimal(s.value.Text)
		}
	}
	return s.num, s.number
}

const stateBytes = 64

var kinds = [...]*kind{
	{name: "all", min: 1, max: 1, inputs: 1, make: makeOf(func(*aggregate) state { return &allState{} })},
	{name: "any", min: 1, max: 1, inputs: 1, make: makeOf(func(*aggregate) state { return &anyState{} })},
	{name: "bottom", min: 2, max: 2, inputs: 1, rows: true, make: makeOf(func(a *aggregate) state { return &endState{most: a.n, sign: -1} })},
	{name: "count", min: 1, max: 1, inputs: 1, make: makeOf(func(*aggregate) state { return &countState{} })},
	{name: "distinct", min: 1, max: 1, inputs: 1, rows: true, make: makeOf(func(a *aggregate) state {
		return &distinctState{a.ci, map[string]event.Value{}}
	})},
	{name: "first", min: 1, max: 1, inputs: 1, make: makeOf(func(*aggregate) state { return &edgeState{sign: 1} })},
	{name: "interval", result: func(a *aggregate, _ uint64) event.Value { return numberOf(a.p) }},
	{name: "last", min: 1, max: 1, inputs: 1, make: makeOf(func(*aggregate) state { return &edgeState{sign: -1} })},
	{name: "max", min: 1, max: 1, inputs: 1, make: makeOf(func(*aggregate) state { return &extremeState{sign: 1} })},
	{name: "mean", min: 1, max: 1, inputs: 1, make: makeOf(func(*aggregate) state { return &meanState{} })},
	{name: "min", min: 1, max: 1, inputs: 1, make: makeOf(func(*aggregate) state { return &extremeState{sign: -1} })},
	{name: "percentile", min: 2, max: 3, inputs: 1, make: makeOf(func(a *aggregate) state { return &quantileState{newQuantile(a.bits), a.p} })},
	{name: "phist", min: 3, max: 3, inputs: 2, make: makeOf(func(a *aggregate) state { return &quantileState{newQuantile(a.bits), a.p} })},
	{name: "sum", min: 1, max: 1, inputs: 1, make: makeOf(func(*aggregate) state { return &sumState{} })},
	{name: "top", min: 2, max: 2, inputs: 1, rows: true, make: makeOf(func(a *aggregate) state { return &endState{most: a.n, sign: 1} })},
}

// countDistinct is count(distinct(…)), and countRows count(*).
var (
	countDistinct = &kind{name: "count", inputs: 1, make: makeOf(func(a *aggregate) state { return &countDistinctState{a.ci, newCardinality(exactDistinct)} })}
	countRows     = &kind{name: "count", result: func(_ *aggregate, rows uint64) event.Value { return countOf(rows) }}
)

func makeOf(make func(*aggregate) state) func(*aggregate, *account) (state, error) {
	return func(a *aggregate, m *account) (state, error) {
		if err := m.take(stateBytes); err != nil {
			return nil, err
		}
		return make(a), nil
	}
}

func findKind(name string) *kind {
	for _, k := range kinds {
		if exec.SameName(k.name, name) {
			return k
		}
	}
	return nil
}

// otherNames are what aggregates are called elsewhere.
var otherNames = [...]struct{ name, here string }{
	{"median", "percentile(…, 50)"}, {"maximum", "max"}, {"minimum", "min"}, {"total", "sum"},
	{"countdistinct", "count(distinct(…))"}, {"count_distinct", "count(distinct(…))"}, {"dcount", "count(distinct(…))"}, {"uniq", "count(distinct(…))"},
	{"quantile", "percentile"}, {"earliest", "first"}, {"latest", "last"}, {"values", "distinct"},
}

// nearestCall is the aggregate that a name was probably meant to be, "" if it is like none.
func nearestCall(name string) string {
	for _, o := range otherNames {
		if exec.SameName(o.name, name) {
			return o.here
		}
	}
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return syntax.Nearest(name, names)
}
