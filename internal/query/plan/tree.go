package plan

import (
	"slices"
	"strconv"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/syntax"
)

// Results of aggregates, and columns in `having`, are Locals in the tree that package exec compiles, with names that no text can spell.

// visit calls f for e and for all below it, outer ones first; scope is what lets and lambdas around them bind. What is below e is left out
// if f says false.
func visit(e syntax.Expr, scope []string, f func(e syntax.Expr, scope []string) bool) {
	if !f(e, scope) {
		return
	}
	switch e := e.(type) {
	case *syntax.Lambda:
		visit(e.Body, append(slices.Clip(scope), e.Params...), f)
	case *syntax.Let:
		for _, b := range e.Bindings {
			visit(b.Value, scope, f)
			scope = append(slices.Clip(scope), b.Name)
		}
		visit(e.Body, scope, f)
	default:
		syntax.Children(e, func(x syntax.Expr) { visit(x, scope, f) })
	}
}

func isBound(name string, scope []string) bool { return slices.Contains(scope, name) }

// maxSlots bounds the columns, keys, aggregates and laterals of a query each.
const maxSlots = 1 << 10

// slotName is the name of the n-th value.
func slotName(n int) string { return "\x00" + strconv.Itoa(n) }

// slotNames are those of the first n.
func slotNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = slotName(i)
	}
	return names
}

// replace puts the slots of their values in the place of nodes.
func replace(e syntax.Expr, slots map[syntax.Expr]int) syntax.Expr {
	if len(slots) == 0 {
		return e
	}
	return syntax.Rewrite(e, func(x syntax.Expr) syntax.Expr {
		if n, ok := slots[x]; ok {
			return &syntax.Local{Pos: syntax.Pos(x.At()), Name: slotName(n)}
		}
		return x
	})
}

// A computed is an expression over the first of a row of values.
type computed struct {
	of     *exec.Filter
	values int
}

func (c computed) eval(values []event.Value) event.Value {
	return c.of.EvalLocals(noRow, values[:c.values])
}

// noRow is where there is no event.
var noRow = exec.NewRow(event.Key{}, event.Value{Kind: event.Object})
