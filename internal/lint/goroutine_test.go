package lint

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// TestEveryGoroutineIsGuarded keeps goroutines that nobody catches a panic of out of what is linked into other people's processes: there it ends the process.
func TestEveryGoroutineIsGuarded(t *testing.T) {
	guarded := 0
	others := []string{"internal/fault", "cmd", "bench", "e2e", "ci", "examples", "internal/testkit", "internal/metamorphic"}
	for _, s := range sources(t) {
		if s.test() || slices.ContainsFunc(others, func(part string) bool { return within(s.dir(), part) }) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s has a go statement; fault.Go begins a goroutine whose panic fails what it works for", s.name)
			case *ast.CallExpr:
				switch name := called(n); {
				case name == "fault.Go":
					guarded++
				case strings.HasSuffix(name, ".Go"):
					t.Errorf("%s begins a goroutine by %s; fault.Go begins one whose panic fails what it works for", s.name, name)
				case name == "context.AfterFunc" || name == "time.AfterFunc":
					then, _ := n.Args[1].(*ast.CallExpr)
					cancel, _ := n.Args[1].(*ast.Ident)
					if (then == nil || called(then) != "fault.Guarded") && (cancel == nil || cancel.Name != "cancel") {
						t.Errorf("%s has a function called by %s that is not fault.Guarded", s.name, name)
					}
				}
			}
			return true
		})
	}
	if guarded < 10 {
		t.Errorf("found only %d guarded goroutines: the search is broken", guarded)
	}
}

// called returns what a call names, as "fault.Go"; of what is not simply named the last part.
func called(c *ast.CallExpr) string {
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	of, _ := s.X.(*ast.Ident)
	if of == nil {
		return "." + s.Sel.Name
	}
	return of.Name + "." + s.Sel.Name
}
