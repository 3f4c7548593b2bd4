package exec

import (
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/syntax"
)

// A Plan is a filter taken apart for who holds the values of many events side by side: conditions on the value at one path, which
// need no event to be decided about, and what joins them.
type Plan struct {
	Op    PlanOp
	Terms []*Plan // of PlanAnd, PlanOr and PlanNot

	// Of PlanValue.
	Path   []string          // raw member names
	Others [][]string        // where the value may be instead: A.B is first sought in A, then under the name "A.B"
	Equals *string           // not nil: the condition is that the value is this string
	Number *event.Comparison // not nil: decides about numbers without their text
	Text   *TextTest         // not nil: decides about strings; always of PlanMessage
	Kinds  bool              // the condition asks only of what kind the value is
	paths  []Path            // Path and Others
	of     *Filter
	holds  func(event.Value) bool // in place of of
	below  bool                   // of PlanTime: it holds until an instant, not from one on
}

// PlanOp says what a plan is.
type PlanOp uint8

// The kinds of plan.
const (
	PlanEvent PlanOp = iota // only the whole event tells
	PlanTrue                // every event
	PlanFalse               // no event
	PlanValue               // a condition on the value at Path
	PlanAnd
	PlanOr
	PlanNot     // one term, which is true or false for every event
	PlanMessage // a condition on the message
	PlanTime    // a condition on @Timestamp that holds between two instants: Instants
)

// Plan takes the filter apart. Events that are open in the end are for Match.
func (f *Filter) Plan() *Plan {
	if f.plan == nil || !f.asOf.IsZero() && f.AsksTime() {
		return &Plan{}
	}
	return f.plan
}

// planOf compiles parts of the tree again, so it is made once, with the filter.
func planOf(e syntax.Expr) *Plan {
	if p := planText(e); p != nil {
		return p
	}
	if p := planTime(e); p != nil {
		return p
	}
	l := pathList{}
	l.expr(e)
	switch {
	case l.more || len(l.paths) > 1 || asksTime(e):
	case len(l.paths) == 0:
		if f, bad := compile("", e); bad == nil {
			if f.Match(valueRow{}) {
				return &Plan{Op: PlanTrue}
			}
			return &Plan{Op: PlanFalse}
		}
	default:
		if f, bad := compile("", e); bad == nil {
			p := &Plan{Op: PlanValue, Path: l.paths[0].Names, Others: l.paths[0].Others, paths: l.paths, of: f}
			p.Kinds = asksKind(e)
			p.simple(e)
			p.textual(e)
			return p
		}
	}
	switch e := e.(type) {
	case *syntax.Logic:
		p := &Plan{Op: PlanAnd}
		if e.Op == syntax.Or {
			p.Op = PlanOr
		}
		for _, t := range e.Terms {
			p.Terms = append(p.Terms, planOf(t))
		}
		return p
	case *syntax.Unary:
		if inner, ok := e.Of.(*syntax.Logic); ok && e.Op == syntax.Not {
			return &Plan{Op: PlanNot, Terms: []*Plan{planOf(inner)}}
		}
	}
	return &Plan{}
}

// Holds says whether the condition of a PlanValue is exactly true where its path has v.
func (p *Plan) Holds(v event.Value) bool {
	if p.holds != nil {
		return p.holds(v)
	}
	return p.of.Match(&pathRow{paths: p.paths, values: []event.Value{v}})
}

// asksKind reports whether an expression over one path asks only of what kind the value there is.
func asksKind(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.IsNull:
		return isNamed(e.Of)
	case *syntax.Call:
		f := findFunction(e.Name)
		return f != nil && f.Name == "Has" && len(e.Args) == 1 && isNamed(e.Args[0])
	case *syntax.Unary:
		return e.Op == syntax.Not && asksKind(e.Of)
	}
	return false
}

// simple notes what a comparison with a literal allows.
func (p *Plan) simple(e syntax.Expr) {
	b, ok := e.(*syntax.Binary)
	if !ok || !b.Op.IsComparison() {
		return
	}
	switch left := b.Left.(type) {
	case *syntax.Property:
	case *syntax.Path:
		if len(left.Steps) != len(p.Path)-1 { // an index, which is not in the path
			return
		}
	default:
		return
	}
	switch right := b.Right.(type) {
	case *syntax.String:
		if b.Op == syntax.Equal && !b.CI {
			p.Equals = &right.Value
		}
	case *syntax.Number:
		limit, ok := right.Decimal()
		if !ok {
			return
		}
		if op := b.Op; op != syntax.In && op != syntax.NotIn && op != syntax.Like && op != syntax.NotLike {
			p.Number = &event.Comparison{
				Limit:   limit,
				Less:    op == syntax.Less || op == syntax.LessEqual || op == syntax.NotEqual,
				Equal:   op == syntax.Equal || op == syntax.LessEqual || op == syntax.GreaterEqual,
				Greater: op == syntax.Greater || op == syntax.GreaterEqual || op == syntax.NotEqual,
			}
		}
	}
}
