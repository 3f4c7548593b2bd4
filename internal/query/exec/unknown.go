package exec

import (
	"slices"
	"strings"

	"github.com/stelehq/stele/internal/query/syntax"
)

// Unknown returns an error for each property that tree reads and that is none of known, the names of properties that there
// are; each points at its place in text, and suggests the nearest of them. Whether it is a mistake is for the caller to judge: events to
// come may have it.
func Unknown(text string, tree syntax.Expr, known []string) []*syntax.Error {
	var all []*syntax.Error
	check := func(at syntax.Expr, name string) {
		for _, k := range known {
			if k == name || strings.HasPrefix(k, name+".") { // A.B may be one name
				return
			}
		}
		if !slices.ContainsFunc(all, func(e *syntax.Error) bool { return e.Offset == int(at.At()) }) {
			all = append(all, syntax.ErrorAt(text, at.At(), syntax.Nearest(name, known), "no event has a property %s", name))
		}
	}
	var walk func(e syntax.Expr)
	walk = func(e syntax.Expr) {
		switch e := e.(type) {
		case *syntax.Property:
			check(e, e.Name)
		case *syntax.Path:
			if b, ok := e.Root.(*syntax.BuiltIn); ok && (b.Name == "Properties" || b.Name == "p") {
				if name, ok := e.Steps[0].At.(*syntax.String); ok {
					check(e, name.Value)
				} else if e.Steps[0].Kind == syntax.Name {
					check(e, e.Steps[0].Name)
				}
			}
		}
		syntax.Children(e, walk)
	}
	walk(tree)
	return all
}
