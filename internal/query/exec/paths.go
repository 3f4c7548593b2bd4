package exec

import (
	"slices"
	"strings"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/syntax"
)

// A Path is where an expression looks for a value.
type Path struct {
	Names  []string   // raw member names
	Others [][]string // where the value may be instead, as in Plan
}

// Paths returns the paths of which the values decide what the expression gives; what is constant has none. ok is false if it asks for something
// else of an event: its time, its message, all of it.
func (f *Filter) Paths() (paths []Path, ok bool) {
	if f.AsksTime() && f.asOf.IsZero() {
		return nil, false
	}
	p := pathList{}
	p.expr(f.tree)
	return p.paths, !p.more
}

// EvalAt returns what the expression gives for an event that has values at its Paths, and nothing that Others name.
func (f *Filter) EvalAt(paths []Path, values []event.Value) event.Value {
	return f.Eval(&pathRow{paths: paths, values: values})
}

// A pathRow is an event of which the values at some paths are asked for.
type pathRow struct {
	valueRow
	paths  []Path
	values []event.Value
}

func (r *pathRow) Lookup(path ...string) event.Value {
	for i := range r.paths {
		if slices.Equal(r.paths[i].Names, path) {
			return r.values[i]
		}
	}
	return event.Value{}
}

// A pathList collects the paths of an expression.
type pathList struct {
	paths []Path
	more  bool // it asks for something else
}

// add adds a path; others are where its value may be instead, besides under names with dots.
func (l *pathList) add(names []string, others ...[]string) {
	n := slices.IndexFunc(l.paths, func(p Path) bool { return slices.Equal(p.Names, names) })
	if n < 0 {
		n = len(l.paths)
		l.paths = append(l.paths, Path{Names: names})
		for i := 1; i < len(names); i++ {
			others = append(others, []string{strings.Join(names[:i+1], ".")})
		}
	}
	p := &l.paths[n]
	for _, o := range others {
		if !slices.ContainsFunc(p.Others, func(known []string) bool { return slices.Equal(known, o) }) {
			p.Others = append(p.Others, o)
		}
	}
}

func (l *pathList) expr(e syntax.Expr) {
	switch e := e.(type) {
	case *syntax.Text:
		l.more = true
	case *syntax.Call:
		if findFunction(e.Name) == nil {
			l.more = true
		}
	case *syntax.Property:
		l.add([]string{e.Name})
	case *syntax.BuiltIn:
		l.builtIn(e)
	case *syntax.Path:
		l.path(e)
		return
	}
	syntax.Children(e, l.expr)
}

func (l *pathList) path(p *syntax.Path) {
	names := leadingNames(p.Steps)
	switch root := p.Root.(type) {
	case *syntax.Property:
		l.add(append([]string{root.Name}, names...))
	case *syntax.BuiltIn:
		b := findBuiltIn(root.Name)
		switch {
		case b == nil || b.names[0] != "Properties" || len(p.Steps) == 0:
			l.builtIn(root)
		case len(names) > 0:
			l.add(names)
		default:
			if name, ok := p.Steps[0].At.(*syntax.String); ok && !strings.HasPrefix(name.Value, "@") {
				l.add([]string{name.Value})
			} else {
				l.more = true
			}
		}
	default:
		l.expr(p.Root)
	}
	for _, s := range p.Steps {
		if s.At != nil {
			l.expr(s.At)
		}
	}
}

// builtIn: those that read one member, or in an event without some others one, and nothing else of the event.
func (l *pathList) builtIn(e *syntax.BuiltIn) {
	b := findBuiltIn(e.Name)
	switch {
	case b == nil:
		l.more = true
	case b.names[0] == "MessageTemplate":
		l.add([]string{"@mt"}, []string{"@m"})
	case b.names[0] == "EventType":
		l.add([]string{"@mt"}, []string{"@i"}, []string{"@m"})
	case len(b.reads) != 1 || b.reads[0] == "@t":
		l.more = true
	default:
		l.add(b.reads)
	}
}

// IsNamed reports whether the expression is the value under names, as it is.
func (f *Filter) IsNamed() bool { return isNamed(f.tree) }

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
