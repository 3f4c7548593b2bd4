package exec

import (
	"fmt"
	"slices"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/syntax"
)

// A function is one row of the table: all it takes to add one (and its lines in docs/filter.md and testdata).
type function struct {
	name     string
	min, max int  // how many arguments; max < 0: any number
	ci       bool // takes the ci modifier
	// A test for true or false: wildcards in its arguments belong to it.
	predicate bool
	// The second argument may be a regular expression; it is put between before and after.
	regex                   bool
	regexBefore, regexAfter string
	apply                   func(e *env, c *call) value
}

// A call is a function's application while it runs: arguments that are missing or given as a regular expression are undefined.
type call struct {
	args  []value
	ci    bool
	regex *matcher
}

var functions = []function{
	{name: "Coalesce", max: -1, apply: coalesce},
	{name: "Concat", min: 1, max: -1, apply: concat},
	{name: "Contains", min: 2, max: 2, ci: true, predicate: true, regex: true, apply: containsText},
	{name: "DateTime", min: 1, max: 1, apply: dateTime},
	{name: "ElementAt", min: 2, max: 2, ci: true, apply: func(_ *env, c *call) value { return elementAt(&c.args[0], &c.args[1], c.ci) }},
	{name: "EndsWith", min: 2, max: 2, ci: true, predicate: true, regex: true, regexAfter: `\z`, apply: endsWith},
	{name: "FromJson", min: 1, max: 1, apply: fromJSON},
	{name: "Has", min: 1, max: 1, predicate: true, apply: func(_ *env, c *call) value { return boolOf(c.args[0].Kind != event.Undefined) }},
	{name: "IndexOf", min: 2, max: 2, ci: true, regex: true, apply: indexOf},
	{name: "Keys", min: 1, max: 1, apply: keys},
	{name: "Length", min: 1, max: 1, apply: length},
	{name: "Now", apply: func(e *env, _ *call) value { return decimalOf(ticksOfTime(e.now())) }},
	{name: "Round", min: 2, max: 2, apply: roundTo},
	{name: "StartsWith", min: 2, max: 2, ci: true, predicate: true, regex: true, regexBefore: `\A`, apply: startsWith},
	{name: "Substring", min: 2, max: 3, apply: substring},
	{name: "TimeSpan", min: 1, max: 1, apply: timeSpan},
	{name: "ToIsoString", min: 1, max: 2, apply: toISOString},
	{name: "ToJson", min: 1, max: 1, apply: toJSON},
	{name: "ToLower", min: 1, max: 1, apply: toLower},
	{name: "ToNumber", min: 1, max: 1, apply: toNumber},
	{name: "ToUpper", min: 1, max: 1, apply: toUpper},
	{name: "TotalMilliseconds", min: 1, max: 1, apply: totalMilliseconds},
	{name: "TypeOf", min: 1, max: 1, apply: typeOf},
	{name: "Values", min: 1, max: 1, apply: values},
}

// findFunction finds a function whatever the case of its name; nil if there is none.
func findFunction(name string) *function {
	for i := range functions {
		if compareFold(functions[i].name, name) == 0 {
			return &functions[i]
		}
	}
	return nil
}

func functionNames() []string {
	names := make([]string, len(functions))
	for i := range functions {
		names[i] = functions[i].name
	}
	return names
}

func arity(f *function) string {
	switch {
	case f.max < 0:
		return fmt.Sprintf("at least %d arguments", f.min)
	case f.min < f.max:
		return fmt.Sprintf("%d or %d arguments", f.min, f.max)
	case f.max == 1:
		return "one argument"
	case f.max == 0:
		return "no arguments"
	}
	return fmt.Sprintf("%d arguments", f.max)
}

func (c *compiler) call(e *syntax.Call) node {
	f := findFunction(e.Name)
	if f == nil {
		return c.fail(e, syntax.Nearest(e.Name, functionNames()), "there is no function %s", e.Name)
	}
	e.Name = f.name
	switch n := len(e.Args); {
	case n < f.min || f.max >= 0 && n > f.max:
		return c.fail(e, "", "%s takes %s, not %d", f.name, arity(f), n)
	case e.CI && !f.ci && !c.lent[e]:
		return c.fail(e, "", "%s takes no `ci`", f.name)
	}
	var re *matcher
	args := make([]node, len(e.Args))
	for i, x := range e.Args {
		source, isRegex := x.(*syntax.Regex)
		if !isRegex {
			args[i] = c.value(x)
			continue
		}
		if i != 1 || !f.regex {
			return c.fail(x, "", "this argument of %s cannot be a regular expression", f.name)
		}
		var problem string
		if re, problem = compileRegex(f.regexBefore, source.Source, f.regexAfter, e.CI); problem != "" {
			return c.fail(x, "", "the regular expression is not valid: %s", problem)
		}
		args[i] = constant(undefined)
	}
	n, ci := max(f.max, len(args)), e.CI
	run := func(e *env) value {
		c := call{args: make([]value, n), ci: ci, regex: re}
		for i, arg := range args {
			c.args[i] = arg(e)
		}
		return f.apply(e, &c)
	}
	if n > 0 && !slices.ContainsFunc(e.Args, func(x syntax.Expr) bool { return !isLiteral(x) }) {
		return constant(run(&env{steps: maxSteps})) // DateTime('…') once, not for each row
	}
	return run
}
