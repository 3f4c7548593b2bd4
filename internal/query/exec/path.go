package exec

import (
	"strings"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/syntax"
)

// path compiles a name with the steps after it. Wildcards that have a slot stand for its element.
//
// A run of names reads nested members, A.B.C; where there are none, members whose own names hold dots: "A.B.C",
// or "A.B" with C inside, or "B.C" inside A.
func (c *compiler) path(p *syntax.Path) node {
	var base node
	steps := p.Steps
	for i := len(steps) - 1; i >= 0; i-- {
		if slot, ok := c.slots[wildcard{p, i}]; ok {
			base = func(e *env) value { return given(e.slots[slot]) }
			steps = steps[i+1:]
			break
		}
	}
	if base == nil {
		base, steps = c.root(p.Root, steps)
	}
	for len(steps) > 0 {
		switch s := steps[0]; s.Kind {
		case syntax.Name:
			names := leadingNames(steps)
			steps = steps[len(names):]
			base = members(base, names)
		case syntax.Index:
			base = element(base, c.value(s.At))
			steps = steps[1:]
		default: // every wildcard has had its slot: condition and value see to it
			return constant(undefined)
		}
	}
	return base
}

func leadingNames(steps []syntax.Step) []string {
	var names []string
	for _, s := range steps {
		if s.Kind != syntax.Name {
			break
		}
		names = append(names, s.Name)
	}
	return names
}

// root compiles where a path begins, with the names that directly follow a property.
func (c *compiler) root(root syntax.Expr, steps []syntax.Step) (node, []syntax.Step) {
	switch root := root.(type) {
	case *syntax.Property:
		names := leadingNames(steps)
		return c.fromRow(c.property(append([]string{root.Name}, names...))), steps[len(names):]
	case *syntax.BuiltIn:
		b := findBuiltIn(root.Name)
		if b == nil {
			return c.unknownBuiltIn(root), nil
		}
		if b.names[0] == "Properties" && len(steps) > 0 {
			if names := leadingNames(steps); len(names) > 0 {
				return c.fromRow(c.property(names)), steps[len(names):]
			}
			// @Properties['X'] is the property of exactly that name.
			if name, ok := steps[0].At.(*syntax.String); ok && !strings.HasPrefix(name.Value, "@") {
				return c.fromRow(c.property([]string{name.Value})), steps[1:]
			}
		}
		c.whole = c.whole || b.reads == nil
		for _, r := range b.reads {
			c.reads[r] = true
		}
		return c.fromRow(b.eval), steps
	}
	return c.value(root), steps
}

func (c *compiler) unknownBuiltIn(b *syntax.BuiltIn) node {
	if near := syntax.Nearest(b.Name, builtInNames()); near != "" {
		return c.fail(b, "@"+near, "there is no built-in @%s", b.Name)
	}
	return c.fail(b, "@Properties['@"+b.Name+"']", "there is no built-in @%s", b.Name)
}

// property reads a user property and names inside it. No name begins with @.
func (c *compiler) property(names []string) node {
	heads := make([]string, len(names)) // "A", "A.B", "A.B.C"
	for i := range names {
		heads[i] = strings.Join(names[:i+1], ".")
		c.reads[heads[i]] = true
	}
	return func(e *env) value {
		v := e.row.Lookup(names...)
		if v.Kind != event.Undefined || len(names) == 1 {
			return given(v)
		}
		for i, head := range heads {
			if v = resolve(e.row.Lookup(head), names[i+1:]); v.Kind != event.Undefined {
				return given(v)
			}
		}
		return undefined
	}
}

// members reads names inside a value.
func members(of node, names []string) node {
	return func(e *env) value {
		v := of(e)
		if !e.charge(&v) {
			return undefined
		}
		return given(resolve(v.Value, names))
	}
}

// resolve reads nested members, else members with dots in their names. Each object of v is visited at most once.
func resolve(v event.Value, names []string) event.Value {
	if len(names) == 0 {
		return v
	}
	if v.Kind != event.Object {
		return event.Value{}
	}
	head := ""
	for i, name := range names {
		if i > 0 {
			head += "."
		}
		head += name
		inner := v.Get(head)
		if inner.Kind == event.Undefined {
			continue
		}
		if found := resolve(inner, names[i+1:]); found.Kind != event.Undefined {
			return found
		}
	}
	return event.Value{}
}

// element reads collection[index]: an array by number from 0, an object by name.
func element(of, at node) node {
	return func(e *env) value {
		collection, index := of(e), at(e)
		if !e.charge(&collection) {
			return undefined
		}
		return elementAt(&collection, &index, false)
	}
}

func elementAt(collection, index *value, ci bool) value {
	switch collection.Kind {
	case event.Array:
		if i, ok := index.int(); ok && i >= 0 && i < len(collection.Items) {
			return given(collection.Items[i])
		}
	case event.Object:
		if index.Kind != event.String {
			return undefined
		}
		if !ci {
			return given(collection.Get(index.Text))
		}
		for i := len(collection.Members) - 1; i >= 0; i-- {
			if m := collection.Members[i]; compareFold(m.Name, index.Text) == 0 {
				return given(m.Value)
			}
		}
	}
	return undefined
}
