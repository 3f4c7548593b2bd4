// Package plan makes queries executable: what the text of package syntax asks for is checked and compiled, run over rows, and
// brought into order.
//
// A Plan is compiled once and does not change. A Run is one execution of it. Each worker fills a Partial; partials merge in any order
// into one, of which Finish makes the result. What is here works row by row by package exec.
package plan

import (
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/syntax"
)

// A Plan is a compiled query: immutable, safe for concurrent use.
type Plan struct {
	explain   syntax.Explain
	scalar    bool
	grouped   bool // aggregates or group keys: rows of the result stand for groups of events
	text      string
	names     []string // of the result's columns: the time slice, the keys, then what is selected
	laterals  []*exec.Filter
	late      *exec.Filter // the part of the where clause that asks for what laterals give; nil: none
	bounds    []*boundTerm
	filter    *exec.Filter // the other part, without bounds; nil: none
	terms     []term       // of filter
	width     int64        // of a time slice, in nanoseconds; 0: none
	unbounded error        // what is wrong if the events have no lower bound
	keys      []key
	inputs    []*exec.Filter // of aggregates, each evaluated once for a row
	calls     []*aggregate
	columns   []column
	having    *exec.Filter // over the values of the result's columns
	criteria  string       // having as text
	orders    []order
	limit     int64
	folds     bool // a key is told apart without regard to case
}

// A key is what rows are grouped by.
type key struct {
	of *exec.Filter
	ci bool
}

// A column is one that is selected.
type column struct {
	computed     // over the event, or over the results of aggregates
	call     int // of calls: that aggregate's result alone; -1: computed
}

// An order is one item of `order by`.
type order struct {
	column int // -1: by the time of the event
	ci     bool
	desc   bool
}

// DefaultLimit is how many rows a query gives that sets no limit.
const DefaultLimit = 1024

// Columns names the columns of the result. The first are the time slice, if Sliced, and the group keys.
func (p *Plan) Columns() []string { return p.names }

// Sliced reports whether the first column is the time slice.
func (p *Plan) Sliced() bool { return p.width > 0 }

// Keys is how many columns are group keys; they follow the time slice.
func (p *Plan) Keys() int { return len(p.keys) }

// Explain says whether the query is to be explained.
func (p *Plan) Explain() syntax.Explain { return p.explain }

// String is the query in canonical form, without `explain`.
func (p *Plan) String() string { return p.text }

// Scalar reports whether the query reads no events.
func (p *Plan) Scalar() bool { return p.scalar }

// Streams reports whether rows can be given as events are read, in order of time.
func (p *Plan) Streams() bool {
	return !p.scalar && !p.grouped && (len(p.orders) == 0 || len(p.orders) == 1 && p.orders[0].column < 0)
}

// Descending reports whether events are best read from the newest.
func (p *Plan) Descending() bool {
	return len(p.orders) > 0 && p.orders[0].column < 0 && p.orders[0].desc
}

// Limit is how many rows the result has at most.
func (p *Plan) Limit() int64 { return p.limit }

// Asked returns the expressions that are asked of events.
func (p *Plan) Asked() (all []syntax.Expr) {
	add := func(f *exec.Filter) {
		if f != nil {
			all = append(all, f.Expr())
		}
	}
	add(p.filter)
	add(p.late)
	for _, k := range p.keys {
		add(k.of)
	}
	for _, list := range [][]*exec.Filter{p.laterals, p.inputs} {
		for _, f := range list {
			add(f)
		}
	}
	for _, c := range p.columns {
		add(c.of)
	}
	return all
}
