package plan

import (
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/query/exec"
)

// A Run is one execution of a plan: Now() is one moment for all of it. Safe for concurrent use.
type Run struct {
	*Plan  // with Now() fixed
	memory *Memory
	bounds Bounds

	vectors *vectors // nil: rows are added one by one
}

// Start begins an execution over the events within bounds. The error is a *syntax.Error: group by time(…) needs a lower bound.
func (p *Plan) Start(now time.Time, within Bounds, memory *Memory) (*Run, error) {
	for _, t := range p.bounds {
		within = within.and(t.at(now))
	}
	if p.width > 0 && within.From == event.MinKey {
		return nil, p.unbounded
	}
	fixed := p.asOf(now)
	return &Run{Plan: fixed, memory: memory, bounds: within, vectors: vectorsOf(fixed)}, nil
}

// asOf fixes Now().
func (p *Plan) asOf(now time.Time) *Plan {
	fix := func(f *exec.Filter) *exec.Filter {
		if f != nil && f.AsksTime() {
			return f.AsOf(now)
		}
		return f
	}
	fixed := *p
	fixed.late, fixed.filter, fixed.having = fix(p.late), fix(p.filter), fix(p.having)
	fixed.laterals, fixed.inputs = mapped(p.laterals, fix), mapped(p.inputs, fix)
	fixed.keys = mapped(p.keys, func(k key) key { return key{fix(k.of), k.ci} })
	fixed.columns = mapped(p.columns, func(c column) column { return column{computed{fix(c.of), c.values}, c.call} })
	return &fixed
}

func mapped[T any](list []T, f func(T) T) []T {
	out := make([]T, len(list))
	for i := range list {
		out[i] = f(list[i])
	}
	return out
}

// Bounds are the keys between which the events lie.
func (r *Run) Bounds() Bounds { return r.bounds }

// Filter is what the events fulfil that rows are made of, besides being within bounds; nil: they all are. What adds rows has asked it.
func (r *Run) Filter() *exec.Filter { return r.filter }

// maxRows is how many rows an event may become, so that no query is lost in one: nested laterals multiply.
const maxRows = 1 << 18

// rows calls f for each row of an event: itself, or those that the laterals make of it and the where clause wants. It ends with f's
// error, or fault.Exhausted. The row is valid during the call.
func (r *Run) rows(event exec.Row, f func(row row, n uint32) error) error {
	at := row{Row: event}
	if len(r.laterals) == 0 {
		return f(at, 0)
	}
	tried, n := 0, uint32(0)
	return r.unnest(&at, func() error {
		if tried++; tried > maxRows {
			return fault.New(fault.Exhausted, "query", "`lateral unnest` makes more than %d rows of one event", maxRows)
		}
		if len(at.elements) < len(r.laterals) || r.late != nil && !r.late.MatchLocals(event, at.elements) {
			return nil
		}
		n++
		return f(at, n-1)
	})
}

// A row is an event, with the elements that the laterals give.
type row struct {
	exec.Row
	elements []event.Value
}

func (r row) eval(f *exec.Filter) event.Value { return f.EvalLocals(r.Row, r.elements) }

// unnest nests the laterals that are left, and calls f at each step and for each row. What is no array has no elements.
func (r *Run) unnest(at *row, f func() error) error {
	depth := len(at.elements)
	if err := f(); err != nil || depth == len(r.laterals) {
		return err
	}
	for _, item := range at.eval(r.laterals[depth]).Items {
		at.elements = append(at.elements[:depth], item)
		if err := r.unnest(at, f); err != nil {
			return err
		}
	}
	at.elements = at.elements[:depth]
	return nil
}

// Each calls f with each row of the result that an event gives, if the plan Streams. It ends with f's error, or fault.Exhausted.
func (r *Run) Each(event exec.Row, f func(values []event.Value) error) error {
	return r.rows(event, func(at row, _ uint32) error { return f(r.project(at)) })
}

// Row is the one row of a scalar query.
func (r *Run) Row() []event.Value { return r.project(row{Row: noRow}) }

func (r *Run) project(at row) []event.Value {
	values := make([]event.Value, len(r.columns))
	for i := range r.columns {
		values[i] = at.eval(r.columns[i].of)
	}
	return values
}
