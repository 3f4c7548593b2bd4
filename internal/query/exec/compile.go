package exec

import (
	"bytes"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/syntax"
)

// A node is a compiled expression.
type node func(*env) value

// A compiler turns a tree into nodes. It corrects the spelling of function names in the tree.
type compiler struct {
	text   string
	bad    *syntax.Error // the first mistake; what is compiled after it is never run
	slots  map[wildcard]int
	scope  []local               // names bound around what is compiled, inner ones last
	locals int                   // how many names are bound in all
	builds bool                  // arrays or objects are built
	loops  int                   // of wildcards and lambdas around what is compiled
	kept   int                   // how many values of the row are kept for loops
	lent   map[*syntax.Call]bool // calls whose ci is the comparison's around them
	reads  map[string]bool
	whole  bool
}

func compile(text string, tree syntax.Expr, locals ...string) (*Filter, *syntax.Error) {
	c := &compiler{text: text, slots: map[wildcard]int{}, lent: map[*syntax.Call]bool{}, reads: map[string]bool{}}
	for _, name := range locals {
		c.bind(name)
	}
	eval := c.condition(tree)
	if c.bad != nil {
		return nil, c.bad
	}
	return &Filter{tree: tree, eval: eval, slots: len(c.slots), locals: c.locals, kept: c.kept, builds: c.builds, reads: c.reads, whole: c.whole}, nil
}

// fromRow is a node that reads the row alone: in a loop it reads once.
func (c *compiler) fromRow(n node) node {
	if c.loops == 0 {
		return n
	}
	place := c.kept
	c.kept++
	return func(e *env) value {
		k := &e.kept[place]
		if !k.read {
			k.value, k.read = n(e), true
		}
		return k.value
	}
}

// loopCost is what one turn of a loop costs with body in it.
func loopCost(body syntax.Expr) int {
	parts := 0
	var count func(syntax.Expr)
	count = func(e syntax.Expr) {
		parts++
		syntax.Children(e, count)
	}
	count(body)
	return 1 + parts/8
}

// fail records a mistake and stands in for the node that it is in.
func (c *compiler) fail(at syntax.Expr, suggestion, format string, args ...any) node {
	if c.bad == nil {
		c.bad = syntax.ErrorAt(c.text, at.At(), suggestion, format, args...)
	}
	return constant(undefined)
}

func constant(v value) node { return func(*env) value { return v } }

// condition compiles e where true or not true is what counts: a wildcard that no comparison or test encloses gets its meaning here.
func (c *compiler) condition(e syntax.Expr) node {
	if !isPredicate(e) {
		if free := freeWildcards(e); len(free) > 0 {
			return c.quantify(e, free)
		}
	}
	return c.value(e)
}

// isPredicate says whether e gives the wildcards in it their meaning.
func isPredicate(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Binary:
		return e.Op.IsComparison()
	case *syntax.IsNull:
		return true
	case *syntax.Call:
		f := findFunction(e.Name)
		return f != nil && f.predicate
	}
	return false
}

// value compiles e; predicates with wildcards become loops.
func (c *compiler) value(e syntax.Expr) node {
	if isPredicate(e) {
		var free []wildcard
		syntax.Children(e, func(x syntax.Expr) { free = append(free, freeWildcards(x)...) })
		if len(free) > 0 {
			return c.quantify(e, free)
		}
	}
	return c.plain(e)
}

// plain compiles e alone, all of whose wildcards have their slots.
func (c *compiler) plain(e syntax.Expr) node {
	switch e := e.(type) {
	case *syntax.Null:
		return constant(given(event.Value{Kind: event.Null}))
	case *syntax.Bool:
		return constant(boolOf(e.Value))
	case *syntax.Number:
		d, _ := e.Decimal() // the lexer saw to it
		return constant(decimalOf(d))
	case *syntax.String:
		return constant(stringOf(e.Value))
	case *syntax.Text:
		return c.freeText(e.Value)
	case *syntax.Array:
		return c.array(e)
	case *syntax.Object:
		return c.object(e)
	case *syntax.Property, *syntax.BuiltIn:
		return c.path(&syntax.Path{Root: e})
	case *syntax.Path:
		return c.path(e)
	case *syntax.Call:
		return c.call(e)
	case *syntax.Let:
		return c.let(e)
	case *syntax.Local:
		return c.localValue(e)
	case *syntax.Variable:
		return c.fail(e, "", "the variable $%s is not defined", e.Name)
	case *syntax.Star:
		return c.fail(e, "", "`*` is the argument of count(*) alone")
	case *syntax.Logic:
		return c.logic(e)
	case *syntax.Unary:
		return c.unary(e)
	case *syntax.Binary:
		return c.binary(e)
	case *syntax.IsNull:
		of, want := c.value(e.Of), !e.Not
		return func(e *env) value {
			v := of(e)
			return boolOf((v.Kind == event.Null || v.Kind == event.Undefined) == want)
		}
	case *syntax.If:
		cond, then, otherwise := c.condition(e.Cond), c.value(e.Then), c.value(e.Else)
		return func(e *env) value {
			if v := cond(e); v.isTrue() {
				return then(e)
			}
			return otherwise(e)
		}
	}
	return c.fail(e, "", "this cannot stand here") // a regular expression or a lambda in a tree that was not parsed
}

// freeText finds text in message and exception, whatever its case.
func (c *compiler) freeText(text string) node {
	c.whole = true
	c.reads["@x"] = true
	needle := appendFold(nil, text)
	exception := member("@x")
	return c.fromRow(func(e *env) value {
		if e.message.contains(e.row, needle) {
			return boolOf(true)
		}
		x := exception(e)
		return boolOf(x.Kind != event.Undefined && bytes.Contains(appendFold(nil, x.AppendDisplay(nil)), needle))
	})
}

// array leaves out undefined items. An array of literals is made once.
func (c *compiler) array(a *syntax.Array) node {
	c.builds = true
	items := make([]node, len(a.Items))
	literal := true
	for i, x := range a.Items {
		items[i] = c.value(x)
		literal = literal && isLiteral(x)
	}
	n := func(e *env) value {
		out := make([]event.Value, 0, len(items))
		for _, item := range items {
			if v := item(e); v.Kind != event.Undefined {
				out = append(out, v.final())
			}
		}
		return given(event.Value{Kind: event.Array, Items: out})
	}
	if literal {
		return constant(n(nil))
	}
	return n
}

func isLiteral(e syntax.Expr) bool {
	switch e.(type) {
	case *syntax.Null, *syntax.Bool, *syntax.Number, *syntax.String:
		return true
	}
	return false
}

// object: of duplicates the last counts, and an undefined one removes the member.
func (c *compiler) object(o *syntax.Object) node {
	c.builds = true
	values := make([]node, len(o.Members))
	for i, m := range o.Members {
		values[i] = c.value(m.Value)
	}
	return func(e *env) value {
		all := make([]event.Member, len(values))
		for i, n := range values {
			v := n(e)
			all[i] = event.Member{Name: o.Members[i].Name, Value: v.final()}
		}
		out := make([]event.Member, 0, len(all))
		for _, m := range lastMembers(all) {
			if m.Value.Kind != event.Undefined {
				out = append(out, m)
			}
		}
		return given(event.Value{Kind: event.Object, Members: out})
	}
}

// logic is `and` and `or` (R8): always true or false, and what is not true counts as false.
func (c *compiler) logic(l *syntax.Logic) node {
	terms := make([]node, len(l.Terms))
	for i, t := range l.Terms {
		terms[i] = c.condition(t)
	}
	decided := l.Op == syntax.Or // one such term decides
	return func(e *env) value {
		for _, t := range terms {
			if v := t(e); v.isTrue() == decided {
				return boolOf(decided)
			}
		}
		return boolOf(!decided)
	}
}

func (c *compiler) unary(u *syntax.Unary) node {
	if u.Op == syntax.Not {
		of := c.condition(u.Of)
		return func(e *env) value {
			switch v := of(e); v.Kind {
			case event.Bool:
				return boolOf(!v.Bool)
			case event.Undefined:
				return boolOf(true)
			}
			return undefined
		}
	}
	of := c.value(u.Of)
	return func(e *env) value {
		v := of(e)
		if d, ok := v.decimal(); ok {
			return decimalOf(negate(d))
		}
		return undefined
	}
}

func (c *compiler) binary(b *syntax.Binary) node {
	if b.Op.IsComparison() {
		return c.comparison(b)
	}
	left, right := c.value(b.Left), c.value(b.Right)
	apply := map[syntax.Op]arithmetic{
		syntax.Add: add, syntax.Subtract: subtract, syntax.Multiply: multiply,
		syntax.Divide: divide, syntax.Remainder: remainder, syntax.Power: power,
	}[b.Op]
	return func(e *env) value {
		l, r := left(e), right(e)
		x, ok := l.decimal()
		y, ok2 := r.decimal()
		if ok && ok2 {
			if d, ok := apply(x, y); ok {
				return decimalOf(d)
			}
		}
		return undefined
	}
}
