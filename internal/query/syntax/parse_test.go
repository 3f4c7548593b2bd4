package syntax

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// tree shows e with every operator in brackets, so that precedence can be seen.
func tree(e Expr) string {
	var kids []string
	Children(e, func(x Expr) { kids = append(kids, tree(x)) })
	list := func(name string) string { return "(" + strings.Join(append([]string{name}, kids...), " ") + ")" }
	ci := func(name string, is bool) string {
		if is {
			return list(name + "~ci")
		}
		return list(name)
	}
	switch e := e.(type) {
	case *Path:
		steps := ""
		for _, s := range e.Steps {
			steps += map[StepKind]string{Name: "." + s.Name, Index: "[]", Any: "[?]", All: "[*]"}[s.Kind]
		}
		return list("path" + steps)
	case *Logic:
		return list(e.Op.String())
	case *Unary:
		return list(e.Op.String())
	case *Binary:
		return ci(strings.ReplaceAll(e.Op.String(), " ", "-"), e.CI)
	case *IsNull:
		return list(map[bool]string{false: "is-null", true: "is-not-null"}[e.Not])
	case *If:
		return list("if")
	case *Call:
		return ci(e.Name+"()", e.CI)
	case *Lambda:
		return list("|" + strings.Join(e.Params, ",") + "|")
	case *Let:
		names := make([]string, len(e.Bindings))
		for i, b := range e.Bindings {
			names[i] = b.Name
		}
		return list("let:" + strings.Join(names, ","))
	case *Local:
		return e.Name + "'"
	case *Array:
		return list("array")
	case *Object:
		return list("object")
	}
	return Print(e)
}

// same compares trees but for places in the text, which it sets to 0. It says nothing if they are the same.
func same(a, b Expr) string {
	clearPlaces(a)
	clearPlaces(b)
	if reflect.DeepEqual(a, b) {
		return ""
	}
	return fmt.Sprintf("%.2000s\nis not\n%.2000s", tree(a), tree(b))
}

func clearPlaces(e Expr) {
	v := reflect.ValueOf(e).Elem()
	v.FieldByName("Pos").SetInt(0)
	for _, name := range []string{"Items", "Args", "Members", "Params"} {
		if f := v.FieldByName(name); f.IsValid() && f.Len() == 0 {
			f.SetZero()
		}
	}
	Children(e, clearPlaces)
}

// TestParse runs testdata/parse: each line's tree and its canonical text if that differs, or its error.
func TestParse(t *testing.T) {
	datadriven.RunTest(t, "testdata/parse", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		for line := range strings.Lines(d.Input) {
			line = strings.TrimSuffix(line, "\n")
			e, err := Parse(line)
			if err != nil {
				fmt.Fprintf(&out, "%v\n", err)
				continue
			}
			printed := Print(e)
			again, err := Parse(printed)
			if err != nil {
				t.Errorf("%s\nprints as %s\nwhich is no expression: %v", line, printed, err)
			} else if diff := same(e, again); diff != "" {
				t.Errorf("%s\nprints as %s\nwhich is another expression:\n%s", line, printed, diff)
			}
			out.WriteString(tree(e))
			if printed != line {
				out.WriteString("   printed: " + printed)
			}
			out.WriteByte('\n')
		}
		return out.String()
	})
}
