package exec

import (
	"slices"

	"github.com/stelehq/stele/internal/query/syntax"
)

func (c *compiler) call(e *syntax.Call) node {
	f := findFunction(e.Name)
	if f == nil {
		return c.noFunction(e)
	}
	e.Name = f.Name
	switch n := len(e.Args); {
	case !f.takes(n):
		return c.fail(e, "", "%s takes %s, not %d: %s", f.Name, f.arity(), n, f)
	case e.CI && !f.CI && !c.lent[e]:
		return c.fail(e, "", "%s takes no `ci`", f.Name)
	}
	template := call{ci: e.CI}
	args := make([]node, len(e.Args))
	for i, x := range e.Args {
		switch x := x.(type) {
		case *syntax.Regex:
			if i != 1 || !f.Regex {
				return c.fail(x, "", "this argument of %s cannot be a regular expression", f.Name)
			}
			var problem string
			if template.regex, problem = compileRegex(f.before, x.Source, f.after, e.CI); problem != "" {
				return c.fail(x, "", "the regular expression is not valid: %s", problem)
			}
			args[i] = constant(undefined)
		case *syntax.Lambda:
			if i != 1 || !f.Lambda {
				return c.fail(x, "", "this argument of %s cannot be a lambda", f.Name)
			}
			if len(x.Params) != 1 {
				return c.fail(x, "", "the lambda of %s takes one argument: `|x| x > 1`", f.Name)
			}
			template.local = c.bind(x.Params[0])
			c.loops++
			template.body = c.condition(x.Body)
			c.loops--
			c.unbind(1)
			template.cost = loopCost(x.Body)
			args[i] = constant(undefined)
		default:
			if i == 1 && f.Lambda {
				return c.fail(x, "", "the second argument of %s is a lambda: `%s(Items, |x| x > 1)`", f.Name, f.Name)
			}
			args[i] = c.value(x)
		}
	}
	n := max(f.Max, len(args))
	run := func(e *env) value {
		c := template
		c.args = make([]value, n)
		for i, arg := range args {
			c.args[i] = arg(e)
			if !e.charge(&c.args[i]) {
				return undefined
			}
		}
		return f.apply(e, &c)
	}
	if n > 0 && !slices.ContainsFunc(e.Args, func(x syntax.Expr) bool { return !isLiteral(x) }) {
		return constant(run(&env{steps: maxSteps, texts: maxTexts})) // DateTime('…') once, not for each row
	}
	return run
}

// noFunction says what a name may have meant that no function has.
func (c *compiler) noFunction(e *syntax.Call) node {
	for _, other := range otherNames {
		if compareFold(other.name, e.Name) == 0 {
			return c.fail(e, other.here, "there is no function %s here: %s", e.Name, other.what)
		}
	}
	if a, ok := FindAggregate(e.Name); ok {
		return c.fail(e, "", "%s is an aggregate: it stands in the columns of a query, as in `select %s from stream`", a.Name, aggregateExample(a.Name))
	}
	return c.fail(e, syntax.Nearest(e.Name, functionNames(false)), "there is no function %s", e.Name)
}

func aggregateExample(name string) string {
	switch name {
	case "count":
		return "count(*)"
	case "interval":
		return "count(*) / (interval() / 1s)"
	case "percentile":
		return "percentile(X, 95)"
	case "phist":
		return "phist(X, N, 95)"
	case "top", "bottom":
		return name + "(X, 5)"
	}
	return name + "(X)"
}

// otherNames are functions of other languages.
var otherNames = [...]struct{ name, here, what string }{
	{"IsDefined", "Has", "`Has(X)` says whether X is defined"},
	{"Exists", "Has", "`Has(X)` says whether X is defined"},
	{"Defined", "Has", "`Has(X)` says whether X is defined"},
	{"IsMatch", "Contains", "a regular expression is found with `Contains(X, /pattern/)`, and matched with `X = /pattern/`"},
	{"IndexOfMatch", "IndexOf", "the place of a regular expression is `IndexOf(X, /pattern/)`"},
	{"ToString", "ToJson", "`ToJson` makes text of any value, `ToIsoString` of times"},
	{"Len", "Length", "the length is `Length(X)`"},
	{"Lower", "ToLower", "`ToLower(X)`; `ci` after a comparison ignores case"},
	{"Upper", "ToUpper", "`ToUpper(X)`; `ci` after a comparison ignores case"},
	{"Substr", "Substring", "`Substring(X, start, length)`"},
	{"IfNull", "Coalesce", "`Coalesce(X, 0)`"},
	{"IsNull", "", "`X is null`"},
	{"Avg", "mean", "the mean is the aggregate `mean(X)`"},
	{"Average", "mean", "the mean is the aggregate `mean(X)`"},
	{"P50", "", "percentiles are the aggregate `percentile(X, 50)`"},
	{"P90", "", "percentiles are the aggregate `percentile(X, 90)`"},
	{"P95", "", "percentiles are the aggregate `percentile(X, 95)`"},
	{"P99", "", "percentiles are the aggregate `percentile(X, 99)`"},
	{"CountIf", "", "events that fulfil a condition are counted with `sum(if X then 1 else 0)`, or chosen with `where`"},
	{"Count_If", "", "events that fulfil a condition are counted with `sum(if X then 1 else 0)`, or chosen with `where`"},
	{"SumIf", "", "a sum over a condition is `sum(if X then Y else 0)`"},
	{"Rate", "", "events per second are `count(*) / (interval() / 1s)` in slices of time"},
	{"Cast", "ToNumber", "numbers are read with `ToNumber(X)`"},
	{"DateAdd", "", "times are numbers: `@Timestamp + 1h`"},
	{"DateDiff", "", "times are numbers: `@Timestamp - @Start`"},
	{"Date_Trunc", "", "slices of time are `group by time(1h)`"},
	{"Time", "", "time(1h) stands in `group by`"},
	{"Any", "Some", "`Some(Items, |x| x > 1)`, or `Items[?] > 1`"},
	{"All", "Every", "`Every(Items, |x| x > 1)`, or `Items[*] > 1`"},
}

// bind gives a name of a let or a lambda its place.
func (c *compiler) bind(name string) int {
	place := c.locals
	c.locals++
	c.scope = append(c.scope, local{name, place})
	return place
}

// unbind forgets the last n names.
func (c *compiler) unbind(n int) { c.scope = c.scope[:len(c.scope)-n] }

// A local is a name that a let, a lambda or a query binds, with its place in env.locals.
type local struct {
	name  string
	place int
}

// localValue compiles a bound name.
func (c *compiler) localValue(e *syntax.Local) node {
	for i := len(c.scope) - 1; i >= 0; i-- {
		if c.scope[i].name == e.Name {
			place := c.scope[i].place
			return func(e *env) value { return e.locals[place] }
		}
	}
	return c.fail(e, "", "nothing is called %s here", e.Name)
}

// let computes its bindings once, in order.
func (c *compiler) let(l *syntax.Let) node {
	values, places := make([]node, len(l.Bindings)), make([]int, len(l.Bindings))
	for i, b := range l.Bindings {
		values[i] = c.condition(b.Value)
		places[i] = c.bind(b.Name)
	}
	body := c.condition(l.Body)
	c.unbind(len(l.Bindings))
	return func(e *env) value {
		for i, n := range values {
			e.locals[places[i]] = n(e)
		}
		return body(e)
	}
}
