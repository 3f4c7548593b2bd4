package plan

import (
	"slices"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/syntax"
)

// groupColumn compiles a column of a query that groups: aggregates, and what is calculated from them.
func (c *compiler) groupColumn(col *syntax.Column) error {
	text := syntax.Print(col.Expr)
	if slices.Contains(c.keyTexts, text) {
		return c.fail(col.Pos, "", "%s is a group key, and group keys are in the result already: leave it out of `select`", text)
	}
	slots := map[syntax.Expr]int{}
	var err error
	visit(col.Expr, nil, func(e syntax.Expr, scope []string) bool {
		switch e := e.(type) {
		case *syntax.Call:
			if err == nil && !isAggregate(e) {
				err = c.known(e)
			} else if err == nil {
				slots[e], err = c.call(e, e == col.Expr)
				return false
			}
		case *syntax.Property, *syntax.BuiltIn, *syntax.Text, *syntax.Path:
			if err == nil {
				err = c.plainColumn(e, scope)
			}
		case *syntax.Local:
			if err == nil && !isBound(e.Name, scope) {
				err = c.plainColumn(e, scope)
			}
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	if n, ok := slots[col.Expr]; ok {
		c.plan.columns = append(c.plan.columns, column{computed{}, n})
		return nil
	}
	n := len(c.plan.calls)
	f, err := exec.Compile(c.text, replace(col.Expr, slots), slotNames(n)...)
	c.plan.columns = append(c.plan.columns, column{computed{f, n}, -1})
	return err
}

// plainColumn refuses what has a value for each event among aggregates.
func (c *compiler) plainColumn(e syntax.Expr, scope []string) error {
	if path, ok := e.(*syntax.Path); ok {
		switch root := path.Root.(type) {
		case *syntax.Property, *syntax.BuiltIn:
		case *syntax.Local:
			if isBound(root.Name, scope) {
				return nil
			}
		default:
			return nil
		}
	}
	text := syntax.Print(e)
	if slices.Contains(c.keyTexts, text) {
		return c.fail(e.At(), "", "%s is a group key: group by what is to be calculated from it", text)
	}
	if p, ok := e.(*syntax.Property); ok {
		for _, g := range c.query.GroupBy {
			if g.As == p.Name {
				return c.fail(e.At(), "", "%s is a group key, and group keys are in the result already: leave it out of `select`", text)
			}
		}
	}
	return c.fail(e.At(), "", "%s has a value for each event, and this column one for each group: group by it, or take an aggregate such as first(%s)", text, text)
}

// call registers an aggregate. alone: it is the whole column.
func (c *compiler) call(e *syntax.Call, alone bool) (int, error) {
	k := findKind(e.Name)
	e.Name = k.name
	text := syntax.Print(e)
	switch n := len(e.Args); {
	case k.name == "count" && n == 0:
		return 0, c.fail(e.Pos, "count(*)", "count takes one argument, not 0")
	case n < k.min || n > k.max:
		return 0, c.fail(e.Pos, "", "%s takes %s, not %d", k.name, arguments(k), n)
	case e.CI && k.name != "distinct":
		return 0, c.fail(e.Pos, "", "%s takes no `ci`", k.name)
	case k.rows && !alone:
		if k.name == "distinct" {
			return 0, c.fail(e.Pos, "", "distinct gives a row for each value: it must be a column alone, or in count(distinct(…))")
		}
		return 0, c.fail(e.Pos, "", "%s gives a row for each value: it must be a column alone", k.name)
	}
	inputs, ci := e.Args[:k.inputs], e.CI
	if k.name == "count" {
		switch of := e.Args[0].(type) {
		case *syntax.Star:
			k, inputs = countRows, nil
		case *syntax.Call:
			if exec.SameName(of.Name, "distinct") && len(of.Args) == 1 {
				k, inputs, ci = countDistinct, of.Args, of.CI
			}
		}
	}
	if n, ok := c.calls[text]; ok {
		return n, nil
	}
	a := &aggregate{kind: k, text: text, ci: ci, bits: defaultBits}
	if err := c.constants(a, e); err != nil {
		return 0, err
	}
	for _, x := range inputs {
		n, err := c.input(x, k.name)
		if err != nil {
			return 0, err
		}
		a.inputs = append(a.inputs, n)
	}
	n := len(c.plan.calls)
	c.calls[text] = n
	c.plan.calls = append(c.plan.calls, a)
	return n, nil
}

func arguments(k *kind) string {
	switch {
	case k.max == 0:
		return "no arguments"
	case k.min < k.max:
		return "two or three arguments"
	}
	return [...]string{1: "one argument", 2: "two arguments", 3: "three arguments"}[k.max]
}

// input registers what an aggregate is given for each row.
func (c *compiler) input(e syntax.Expr, of string) (int, error) {
	text := syntax.Print(e)
	err := c.first(e, func(e syntax.Expr, scope []string) error {
		switch e := e.(type) {
		case *syntax.Call:
			if isAggregate(e) {
				return c.fail(e.Pos, "", "aggregates do not nest: %s is in %s", syntax.Print(e), of)
			}
		case *syntax.Star:
			return c.fail(e.Pos, "", "`*` is the argument of count(*) alone")
		case *syntax.Local:
			if !isBound(e.Name, scope) && !slices.Contains(c.laterals, e.Name) {
				return c.fail(e.Pos, "", "%s is bound outside of %s: bind it inside", e.Name, of)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if n, ok := c.inputs[text]; ok {
		return n, nil
	}
	f, err := c.row(e, of)
	if err != nil {
		return 0, err
	}
	n := len(c.plan.inputs)
	c.inputs[text] = n
	c.plan.inputs = append(c.plan.inputs, f)
	return n, nil
}

// maxEnds bounds the n of top and bottom.
const maxEnds = 100_000

// constants reads the arguments that are the same for every row.
func (c *compiler) constants(a *aggregate, e *syntax.Call) error {
	switch a.kind.name {
	case "interval":
		if c.plan.width == 0 {
			return c.fail(e.Pos, "", "interval() is the length of a time slice: it needs `group by time(…)`")
		}
		a.p = sliceStart(1, c.plan.width)
	case "top", "bottom":
		d, err := c.constant(e.Args[1])
		if err != nil {
			return err
		}
		n, ok := d.Int64()
		if !ok || n < 1 || n > maxEnds {
			return c.fail(e.Args[1].At(), "", "%s takes a whole number of values from 1 to %d", a.kind.name, maxEnds)
		}
		a.n = int(n)
	case "percentile", "phist":
		at := e.Args[len(e.Args)-1]
		if a.kind.name == "percentile" {
			at = e.Args[1]
		}
		p, err := c.constant(at)
		if err != nil {
			return err
		}
		if p.Neg || p.Compare(event.DecimalOf(100)) > 0 {
			return c.fail(at.At(), "", "a percentage is from 0 to 100")
		}
		a.p = p
		if a.kind.name == "percentile" && len(e.Args) == 3 {
			err, bad := c.constant(e.Args[2])
			if bad != nil {
				return bad
			}
			var ok bool
			if a.bits, ok = bitsFor(err.Float64()); !ok || err.Compare(event.DecimalOf(1)) >= 0 {
				return c.fail(e.Args[2].At(), "0.01", "the error that is permitted is a fraction from 0.00001 to 1")
			}
		}
	}
	return nil
}

// constant evaluates an argument that is a number.
func (c *compiler) constant(e syntax.Expr) (event.Decimal, error) {
	if isConstant(e) {
		f, err := c.row(e, "this argument")
		if err != nil {
			return event.Decimal{}, err
		}
		if v := f.Eval(noRow); v.Kind == event.Number && !f.AsksTime() {
			if d, ok := event.ParseDecimal(v.Text); ok {
				return d, nil
			}
		}
	}
	return event.Decimal{}, c.fail(e.At(), "", "this argument is a number, the same for every event")
}
