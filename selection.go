package stele

import (
	"context"
	"math"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/automaton"
	"github.com/stelehq/stele/internal/query/exec"
)

// selection decides what a plan allows about all rows of a block by its columns; nil if that is nothing. With Now() in it, it is now. Once the context has ended
// all rows are open.
func selection(ctx context.Context, p *exec.Plan) func(*block.Block) engine.Selection {
	if p.Op == exec.PlanAnd && len(p.Terms) == 1 {
		p = p.Terms[0]
	}
	if p.Op == exec.PlanEvent {
		return nil
	}
	instants := newSelector(p).instants
	return func(b *block.Block) engine.Selection {
		s := selector{instants, &patience{ctx: ctx, over: ctx.Err() != nil}}
		yes, open := s.rows(b, p)
		if s.patience.over {
			return engine.Selection{Open: allRows(b.Rows())}
		}
		return engine.Selection{Yes: yes, Open: open}
	}
}

// narrow returns the part of a span outside of which the filter selects nothing.
func (f *Filter) narrow(span engine.Span) engine.Span {
	if f == nil {
		return span
	}
	first, last := instantsOf(f.f.Plan())
	from, to := event.MakeKey(first, 0), event.MakeKey(last, math.MaxUint64)
	if span.From.Compare(from) < 0 {
		span.From = from
	}
	if span.To.Compare(to) > 0 {
		span.To = to
	}
	return span
}

// instantsOf returns the instants between which the plan's condition may be true.
func instantsOf(p *exec.Plan) (first, last int64) {
	first, last = math.MinInt64, math.MaxInt64
	switch p.Op {
	case exec.PlanTime:
		return p.Instants()
	case exec.PlanAnd:
		for _, t := range p.Terms {
			f, l := instantsOf(t)
			first, last = max(first, f), min(last, l)
		}
	}
	return first, last
}

// A selector runs a plan over blocks.
type selector struct {
	instants map[*exec.Plan][2]int64 // of each PlanTime
	patience *patience               // when it is over, what is said of rows means nothing
}

// newSelector returns a selector of endless patience.
func newSelector(p *exec.Plan) *selector {
	s := &selector{map[*exec.Plan][2]int64{}, &patience{ctx: context.Background()}}
	s.prepare(p)
	return s
}

func (s *selector) prepare(p *exec.Plan) {
	if p.Op == exec.PlanTime {
		first, last := p.Instants()
		s.instants[p] = [2]int64{first, last}
	}
	for _, t := range p.Terms {
		s.prepare(t)
	}
}

// rows returns the rows of which the plan's condition is true, and those of which only the event tells. A bitmap that
// is nil has no row.
func (s *selector) rows(b *block.Block, p *exec.Plan) (yes, open block.Bitmap) {
	rows := b.Rows()
	if s.patience.over {
		return nil, nil
	}
	switch p.Op {
	case exec.PlanTrue:
		return allRows(rows), nil
	case exec.PlanFalse:
	case exec.PlanValue:
		test := &block.Test{Path: p.Path, Others: p.Others, Holds: func(v event.Value) bool { return !s.patience.ended() && p.Holds(v) }, Number: p.Number, Equals: p.Equals, Kinds: p.Kinds}
		if p.Text != nil && p.Equals == nil {
			machine := p.Text.Pattern.Machine()
			defer machine.Free()
			test.Text = textTest(p.Text, machine)
		}
		// What is damaged is open, and met again by who asks the event.
		yes, open, _ = b.Test(test)
	case exec.PlanMessage:
		machine := p.Text.Pattern.Machine()
		defer machine.Free()
		yes, open, _ = b.Message(textTest(p.Text, machine))
	case exec.PlanTime:
		if b.LoadInstants() != nil {
			return nil, allRows(rows)
		}
		at := s.instants[p]
		from, to := b.SearchInstant(at[0]), rows
		if at[1] < math.MaxInt64 {
			to = b.SearchInstant(at[1] + 1)
		}
		if from < to {
			yes = block.NewBitmap(rows)
			yes.SetRange(from, to)
		}
	case exec.PlanNot:
		no, open := s.rows(b, p.Terms[0])
		return allRows(rows).Without(no).Without(open), open
	case exec.PlanAnd, exec.PlanOr:
		return s.join(b, p)
	default:
		open = allRows(rows)
	}
	return yes, open
}

// join runs the terms of `and` and `or`.
func (s *selector) join(b *block.Block, p *exec.Plan) (yes, open block.Bitmap) {
	yes, open = s.rows(b, p.Terms[0])
	for _, t := range p.Terms[1:] {
		if p.Op == exec.PlanAnd {
			if !yes.Any() && !open.Any() {
				return nil, nil
			}
			y, o := s.rows(b, t)
			both := yes.And(y)
			open = yes.Or(open).And(y.Or(o)).Without(both)
			yes = both
		} else {
			y, o := s.rows(b, t)
			yes = yes.Or(y)
			open = open.Or(o).Without(yes)
		}
	}
	return yes, open
}

func allRows(rows int) block.Bitmap {
	all := block.NewBitmap(rows)
	all.SetAll(rows)
	return all
}

// textTest is a test of strings as a machine decides it.
func textTest(t *exec.TextTest, machine *automaton.Machine) *block.TextTest {
	return &block.TextTest{Machine: machine, Most: t.Most, Holds: func(state uint8) (holds, known bool) {
		holds, known = machine.Matches(state)
		return holds != t.Not, known
	}}
}
