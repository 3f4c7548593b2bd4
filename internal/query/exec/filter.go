package exec

import (
	"strings"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/syntax"
)

// A Filter is a compiled expression: immutable, safe for concurrent use.
type Filter struct {
	tree   syntax.Expr
	eval   node
	slots  int
	locals int  // names that are bound in it
	kept   int  // values of the row that loops read
	builds bool // it has literals of arrays or objects
	reads  map[string]bool
	whole  bool
	asOf   time.Time
	plan   *Plan
}

// Parse reads a strict expression. The error is a *syntax.Error, which points at the place (errors.Is fault.Invalid),
// or a *fault.Error of kind TooLarge.
func Parse(text string) (*Filter, error) {
	tree, err := syntax.Parse(text)
	if err != nil {
		return nil, err
	}
	f, bad := compile(text, tree)
	if bad != nil {
		return nil, bad
	}
	f.plan = planOf(tree)
	return f, nil
}

// Compile makes a filter of an expression of a query that was parsed from text. locals are the names of its Locals whose values EvalLocals
// is given. The error is a *syntax.Error.
func Compile(text string, tree syntax.Expr, locals ...string) (*Filter, error) {
	f, bad := compile(text, tree, locals...)
	if bad != nil {
		return nil, bad
	}
	f.plan = planOf(tree)
	return f, nil
}

// Search reads what a person typed. A condition is one; everything else is text to find in message and exception, and
// reason says why. Blank text finds everything. err is only for what is neither: text over the limit, or not UTF-8.
func Search(text string) (f *Filter, reason *syntax.Error, err error) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		f, _ := compile("", &syntax.Bool{Value: true})
		return f, nil, nil
	}
	f, err = Parse(text)
	if err == nil {
		if reason = noCondition(text, f.tree); reason == nil {
			return f, nil, nil
		}
	} else {
		var ok bool
		if reason, ok = err.(*syntax.Error); !ok || strings.ToValidUTF8(text, "") != text {
			return nil, nil, err
		}
	}
	found := &syntax.Text{Value: trimmed}
	f, _ = compile("", found)
	f.plan = planOf(found)
	return f, reason, nil
}

// noCondition says why an expression is taken as text: it can never be true, or it is a name alone, as a single
// word always is.
func noCondition(text string, e syntax.Expr) *syntax.Error {
	switch e := e.(type) {
	case *syntax.Property, *syntax.BuiltIn:
		return syntax.ErrorAt(text, e.At(), "Has("+syntax.Print(e)+")", "a name alone is no condition")
	case *syntax.Path:
		for _, s := range e.Steps {
			if s.Kind == syntax.Any || s.Kind == syntax.All {
				return nil
			}
		}
		return syntax.ErrorAt(text, e.At(), "Has("+syntax.Print(e)+")", "a name alone is no condition")
	case *syntax.Null, *syntax.Number, *syntax.String, *syntax.Array, *syntax.Object:
		return syntax.ErrorAt(text, e.At(), "", "a value alone is no condition")
	case *syntax.Binary:
		if !e.Op.IsComparison() {
			return syntax.ErrorAt(text, e.At(), "", "a calculation alone is no condition")
		}
	case *syntax.Unary:
		if e.Op != syntax.Not {
			return syntax.ErrorAt(text, e.At(), "", "a calculation alone is no condition")
		}
	}
	return nil
}

// Match says whether the filter selects the row: only if it is exactly true (R8).
func (f *Filter) Match(r Row) bool {
	v := f.run(r, nil)
	return v.isTrue()
}

// Eval returns what the expression gives for the row. An array or object of more than 1 MiB that the expression itself
// builds is undefined.
func (f *Filter) Eval(r Row) event.Value { return f.EvalLocals(r, nil) }

// EvalLocals is Eval with the values of the names that Compile was given, in that order.
func (f *Filter) EvalLocals(r Row, locals []event.Value) event.Value {
	v := f.run(r, locals).final()
	if f.builds && tooBig(v) {
		return event.Value{}
	}
	return v
}

// MatchLocals is Match with the values of the names that Compile was given, in that order.
func (f *Filter) MatchLocals(r Row, locals []event.Value) bool {
	v := f.run(r, locals)
	return v.isTrue()
}

func (f *Filter) run(r Row, locals []event.Value) value {
	e := f.enter(r)
	for i := range locals {
		e.locals[i] = given(locals[i])
	}
	v := f.eval(e)
	f.exit(e)
	return v
}

func (f *Filter) enter(r Row) *env {
	e := envs.Get().(*env)
	for len(e.locals) < f.locals {
		e.locals = append(e.locals, value{})
	}
	slots := e.slots[:0]
	for len(slots) < f.slots {
		slots = append(slots, event.Value{})
	}
	for len(e.kept) < f.kept {
		e.kept = append(e.kept, kept{})
	}
	e.row, e.asOf, e.slots, e.steps, e.texts = r, f.asOf, slots, maxSteps, maxTexts
	return e
}

func (f *Filter) exit(e *env) {
	clear(e.slots) // keep no row alive
	clear(e.locals)
	clear(e.kept)
	e.row = nil
	e.message.next()
	envs.Put(e)
}

// String returns the filter as strict text: canonical, and the same filter when parsed.
func (f *Filter) String() string { return syntax.Print(f.tree) }

// Expr returns the filter's tree, which must not be changed.
func (f *Filter) Expr() syntax.Expr { return f.tree }

// AsOf returns the filter with Now() fixed at t. Without it, Now() is the time of each evaluation.
func (f *Filter) AsOf(t time.Time) *Filter {
	g := *f
	g.asOf = t
	return &g
}

// AsksTime reports whether the filter calls Now().
func (f *Filter) AsksTime() bool { return asksTime(f.tree) }

func asksTime(e syntax.Expr) bool {
	if c, ok := e.(*syntax.Call); ok {
		if f := findFunction(c.Name); f != nil && f.Name == "Now" {
			return true
		}
	}
	found := false
	syntax.Children(e, func(child syntax.Expr) { found = found || asksTime(child) })
	return found
}

// Reads names the raw top-level members that the filter can read, in no order. whole: it can read any, through
// the message or Row.Object.
func (f *Filter) Reads() (members []string, whole bool) {
	for name := range f.reads {
		members = append(members, name)
	}
	return members, f.whole
}
