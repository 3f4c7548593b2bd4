package exec

import (
	"strings"

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
	r := readings{}
	r.expr(e)
	switch {
	case r.more:
	case r.path == nil:
		if f, bad := compile("", e); bad == nil {
			if f.Match(valueRow{}) {
				return &Plan{Op: PlanTrue}
			}
			return &Plan{Op: PlanFalse}
		}
	default:
		if f, bad := compile("", e); bad == nil {
			p := &Plan{Op: PlanValue, Path: r.path, Others: r.others, of: f}
			for i := 1; i < len(r.path); i++ {
				p.Others = append(p.Others, []string{strings.Join(r.path[:i+1], ".")})
			}
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
	return p.of.Match(&singleRow{path: p.Path, value: v})
}

// A singleRow is an event of which one value is asked for.
type singleRow struct {
	valueRow
	path  []string
	value event.Value
}

func (r *singleRow) Lookup(path ...string) event.Value {
	if len(path) != len(r.path) {
		return event.Value{}
	}
	for i, name := range path {
		if name != r.path[i] {
			return event.Value{}
		}
	}
	return r.value
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

// isNamed reports whether an expression is the value under names, as it is.
func isNamed(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Property:
		return true
	case *syntax.Path:
		_, ok := e.Root.(*syntax.Property)
		return ok && len(leadingNames(e.Steps)) == len(e.Steps)
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

// readings is what an expression asks of an event.
type readings struct {
	path   []string   // the one path that it reads; nil: none so far
	others [][]string // what stands in for its value, if there is something
	more   bool       // it asks for something else
}

func (r *readings) reads(path []string) {
	if r.path == nil {
		r.path = path
	}
	if strings.Join(r.path, "\x00") != strings.Join(path, "\x00") {
		r.more = true
	}
}

func (r *readings) expr(e syntax.Expr) {
	switch e := e.(type) {
	case *syntax.Text:
		r.more = true
	case *syntax.Call:
		if f := findFunction(e.Name); f == nil || f.Name == "Now" {
			r.more = true
		}
	case *syntax.Property:
		r.reads([]string{e.Name})
	case *syntax.BuiltIn:
		r.builtIn(e)
	case *syntax.Path:
		switch root := e.Root.(type) {
		case *syntax.Property:
			names := leadingNames(e.Steps)
			r.reads(append([]string{root.Name}, names...))
		case *syntax.BuiltIn:
			if b := findBuiltIn(root.Name); b != nil && b.names[0] == "Properties" && len(e.Steps) > 0 {
				if names := leadingNames(e.Steps); len(names) > 0 {
					r.reads(names)
				} else if name, ok := e.Steps[0].At.(*syntax.String); ok && !strings.HasPrefix(name.Value, "@") {
					r.reads([]string{name.Value})
				} else {
					r.more = true
				}
			} else {
				r.builtIn(root)
			}
		default:
			r.expr(e.Root)
		}
		for _, s := range e.Steps {
			if s.At != nil {
				r.expr(s.At)
			}
		}
		return
	}
	syntax.Children(e, r.expr)
}

// builtIn: those that read one member, or in an event without some others one, and nothing else of the event.
func (r *readings) builtIn(e *syntax.BuiltIn) {
	b := findBuiltIn(e.Name)
	switch {
	case b == nil:
		r.more = true
	case b.names[0] == "MessageTemplate":
		r.reads([]string{"@mt"})
		r.others = append(r.others, []string{"@m"})
	case b.names[0] == "EventType":
		r.reads([]string{"@mt"})
		r.others = append(r.others, []string{"@i"}, []string{"@m"})
	case len(b.reads) != 1 || b.reads[0] == "@t":
		r.more = true
	default:
		r.reads(b.reads)
	}
}
