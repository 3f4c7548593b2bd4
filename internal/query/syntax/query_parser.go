package syntax

import (
	"slices"
	"strings"
)

// Queries: clauses of expressions. Their keywords are reserved nowhere: after a complete expression no name can follow, so a
// name there begins the next clause.

// ParseQuery reads a query, or an expression alone, which is a scalar query of one column. An error is an *Error, or of kind
// TooLarge if text is over MaxBytes.
func ParseQuery(text string) (*Query, error) {
	p, err := newParser(text, "query")
	if err != nil {
		return nil, err
	}
	q, bad := p.query()
	if bad != nil {
		return nil, bad
	}
	return q, nil
}

func (p *parser) query() (*Query, *Error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	q := &Query{}
	switch {
	case p.tok.isWord("explain"):
		if err := p.explain(q); err != nil {
			return nil, err
		}
	case !p.tok.isWord("select"):
		if err := p.notSelect(); err != nil {
			return nil, err
		}
		at := p.tok.pos
		e, err := p.whole()
		q.Bare, q.Columns = true, []Column{{Pos: at, Expr: e}}
		return q, err
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	for _, clause := range [...]func(*Query) *Error{p.columns, p.into, p.from, p.where, p.groupBy, p.having, p.orderBy, p.limit, p.forOptions} {
		if err := clause(q); err != nil {
			return nil, err
		}
	}
	if p.tok.kind != tokEnd {
		return nil, p.unexpectedInQuery(q)
	}
	for i := range q.Columns {
		if c := &q.Columns[i]; c.Star && !q.Stream {
			return nil, ErrorAt(p.text, c.Pos, "* from stream", "`*` selects the events of the stream")
		}
	}
	bindLaterals(q)
	return q, nil
}

// explain reads up to `select`, which is the next token then.
func (p *parser) explain(q *Query) *Error {
	if err := p.advance(); err != nil {
		return err
	}
	q.Explain = ExplainPlan
	for kind, word := range explainWords {
		if word != "" && p.tok.isWord(word) {
			q.Explain = Explain(kind)
			if err := p.advance(); err != nil {
				return err
			}
		}
	}
	if !p.tok.isWord("select") {
		return p.fail(Nearest(p.tok.text, []string{"select", "analyze", "lower"}), "unexpected %s: `explain`, `explain analyze` and `explain lower` stand before `select`", p.tok.describe())
	}
	return nil
}

// clause says whether the next token begins the clause of that word, and passes it.
func (p *parser) clause(word string) (bool, *Error) {
	if !p.tok.isWord(word) {
		return false, nil
	}
	return true, p.advance()
}

// clause2 is clause with a second word that must follow.
func (p *parser) clause2(word, second string) (bool, *Error) {
	is, err := p.clause(word)
	if err != nil || !is {
		return false, err
	}
	if !p.tok.isWord(second) {
		return false, p.fail(second, "unexpected %s: expected `%s` after `%s`", p.tok.describe(), second, word)
	}
	return true, p.advance()
}

// items reads what commas separate.
func (p *parser) items(one func() *Error) *Error {
	for {
		if err := one(); err != nil {
			return err
		}
		if !p.tok.is(",") {
			return nil
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
}

func (p *parser) columns(q *Query) *Error {
	return p.items(func() *Error {
		c := Column{Pos: p.tok.pos}
		if err := p.notColumn(); err != nil {
			return err
		}
		if p.tok.is("*") {
			c.Star = true
			q.Columns = append(q.Columns, c)
			return p.advance()
		}
		first := p.tok
		var err *Error
		if c.Expr, err = p.expr(precOr); err != nil {
			return err
		}
		if err := p.columnText(c.Expr); err != nil {
			return err
		}
		if err := p.columnFrom(q, first); err != nil {
			return err
		}
		c.As, err = p.as()
		q.Columns = append(q.Columns, c)
		return err
	})
}

// valueItem reads an expression that gives a value.
func (p *parser) valueItem() (Expr, *Error) {
	e, err := p.expr(precOr)
	if err != nil {
		return nil, err
	}
	return e, p.value(e)
}

// as reads `as name`, if it is there.
func (p *parser) as() (string, *Error) {
	if is, err := p.clause("as"); err != nil || !is {
		return "", err
	}
	return p.name("a name after `as`")
}

// name reads the name of a column; words that are reserved in expressions may be names.
func (p *parser) name(expected string) (string, *Error) {
	t := p.tok
	if t.kind != tokWord {
		suggestion := ""
		if (t.kind == tokString || t.kind == tokText) && wordAt(t.value, false) == len(t.value) {
			suggestion = t.value
		}
		return "", p.fail(suggestion, "unexpected %s: expected %s: letters, digits and _, without quotes", t.describe(), expected)
	}
	return t.text, p.advance()
}

func (p *parser) into(*Query) *Error {
	if !p.tok.isWord("into") {
		return nil
	}
	return p.fail("", "`into` is not supported: results are not kept in variables")
}

func (p *parser) from(q *Query) *Error {
	if is, err := p.clause("from"); err != nil || !is {
		return err
	}
	switch {
	case p.tok.isWord("stream"):
	case p.tok.isWord("series"):
		return p.fail("stream", "this store has events only: `series` are metrics")
	default:
		return p.fail("stream", "unexpected %s: events are selected `from stream`, and `where` says which", p.tok.describe())
	}
	q.Stream = true
	if err := p.advance(); err != nil {
		return err
	}
	for p.tok.isWord("lateral") {
		if err := p.lateral(q); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) lateral(q *Query) *Error {
	l := Lateral{Pos: p.tok.pos}
	if _, err := p.clause2("lateral", "unnest"); err != nil {
		return err
	}
	if err := p.expect("(", "after `unnest`"); err != nil {
		return err
	}
	var err *Error
	if l.Of, err = p.nested(&p.depth, p.valueItem); err != nil {
		return err
	}
	if err := p.expect(")", "to close `unnest`"); err != nil {
		return err
	}
	if !p.tok.isWord("as") {
		return p.fail("", "unexpected %s: expected `as` and a name for the element: `lateral unnest(Items) as item`", p.tok.describe())
	}
	if err := p.advance(); err != nil {
		return err
	}
	if slices.ContainsFunc(q.Laterals, func(other Lateral) bool { return other.As == p.tok.text }) {
		return p.fail("", "two `unnest` are called %s", p.tok.describe())
	}
	if l.As, err = p.localName("a name for the element: `lateral unnest(Items) as item`"); err != nil {
		return err
	}
	q.Laterals = append(q.Laterals, l)
	return nil
}

// events refuses a clause that needs events in a query that reads none; the next token begins the clause.
func (p *parser) events(q *Query, word string) *Error {
	if p.tok.isWord(word) && !q.Stream {
		return p.fail("from stream "+word, "unexpected `%s`: a query without `from stream` is a calculation, and reads no events", word)
	}
	return nil
}

func (p *parser) where(q *Query) *Error {
	if err := p.events(q, "where"); err != nil {
		return err
	}
	if is, err := p.clause("where"); err != nil || !is {
		return err
	}
	var err *Error
	q.Where, err = p.whereCondition()
	return err
}

func (p *parser) groupBy(q *Query) *Error {
	if err := p.events(q, "group"); err != nil {
		return err
	}
	if is, err := p.clause2("group", "by"); err != nil || !is {
		return err
	}
	return p.items(func() *Error {
		g, err := p.grouping(q)
		q.GroupBy = append(q.GroupBy, g)
		return err
	})
}

func (p *parser) grouping(q *Query) (g Grouping, err *Error) {
	g.Pos = p.tok.pos
	isTime := p.tok.isWord("time")
	if g.Expr, err = p.valueItem(); err != nil {
		return g, err
	}
	if c, ok := g.Expr.(*Call); ok && isTime && c.Pos == g.Pos && strings.EqualFold(c.Name, "time") {
		if g.Time, err = p.slice(c); err != nil {
			return g, err
		}
		for _, other := range q.GroupBy {
			if other.Time != nil {
				return g, ErrorAt(p.text, g.Pos, "", "a query is grouped by time(…) once")
			}
		}
		g.Expr = nil
		if p.tok.isWord("as") {
			return g, p.fail("", "time(…) takes no name: its column is called time")
		}
		return g, nil
	}
	if p.tok.keyword == "ci" {
		g.CI = true
		if err := p.advance(); err != nil {
			return g, err
		}
	} else if c, ok := g.Expr.(*Call); ok && c.CI && c.Pos == g.Pos {
		c.CI, g.CI = false, true // of `F(X) ci` the grouping has the ci; in `F(X) ci ci` both have one
	}
	g.As, err = p.as()
	return g, err
}

// slice checks the argument of time(…).
func (p *parser) slice(c *Call) (*Number, *Error) {
	if len(c.Args) == 1 && !c.CI {
		if n, ok := c.Args[0].(*Number); ok && n.IsDuration() {
			if d, _ := n.Decimal(); d.IsZero() {
				return nil, ErrorAt(p.text, n.Pos, "", "time(…) takes a duration longer than zero")
			}
			return n, nil
		}
	}
	return nil, ErrorAt(p.text, c.Pos, "", "time(…) takes one duration, such as time(1m) or time(1h30m)")
}

func (p *parser) having(q *Query) *Error {
	if err := p.events(q, "having"); err != nil {
		return err
	}
	if is, err := p.clause("having"); err != nil || !is {
		return err
	}
	var err *Error
	q.Having, err = p.valueItem()
	return err
}

func (p *parser) orderBy(q *Query) *Error {
	if err := p.events(q, "order"); err != nil {
		return err
	}
	if is, err := p.clause2("order", "by"); err != nil || !is {
		return err
	}
	return p.items(func() *Error {
		o := Ordering{Pos: p.tok.pos, Time: p.tok.isWord("time")}
		if p.tok.kind == tokBuiltIn || p.tok.kind == tokNumber || p.tok.kind == tokSymbol {
			return p.orderByExpression(o.Pos)
		}
		var err *Error
		if o.Name, err = p.name("the name of a column or grouping"); err != nil {
			return err
		}
		if p.tok.kind == tokSymbol && !p.tok.is(",") {
			return p.orderByExpression(o.Pos)
		}
		if p.tok.keyword == "ci" {
			o.CI = true
			if err := p.advance(); err != nil {
				return err
			}
		}
		for _, direction := range [...]string{"asc", "desc"} {
			is, err := p.clause(direction)
			if err != nil {
				return err
			}
			if is {
				o.Desc = direction == "desc"
				break
			}
		}
		q.OrderBy = append(q.OrderBy, o)
		return nil
	})
}

func (p *parser) limit(q *Query) *Error {
	if is, err := p.clause("limit"); err != nil || !is {
		return err
	}
	n := &Number{Text: p.tok.text}
	if p.tok.kind == tokNumber && digitsAt(p.tok.text) == len(p.tok.text) {
		if d, ok := n.Decimal(); ok {
			if rows, ok := d.Int64(); ok {
				q.Limit = &rows
				return p.advance()
			}
		}
	}
	return p.fail("", "unexpected %s: `limit` takes a whole number of rows", p.tok.describe())
}

// forOptions: there are none that this language knows.
func (p *parser) forOptions(*Query) *Error {
	if is, err := p.clause("for"); err != nil || !is {
		return err
	}
	if p.tok.kind != tokWord {
		return p.fail("", "unexpected %s: expected the name of an option", p.tok.describe())
	}
	return p.fail("", "there is no option %s: queries take no options after `for`", p.tok.describe())
}

// bindLaterals makes Locals of the properties that laterals name.
func bindLaterals(q *Query) {
	if len(q.Laterals) == 0 {
		return
	}
	var names []string
	bind := func(e Expr) Expr {
		if property, ok := e.(*Property); ok && slices.Contains(names, property.Name) {
			return &Local{property.Pos, property.Name}
		}
		return e
	}
	for i := range q.Laterals {
		q.Laterals[i].Of = Rewrite(q.Laterals[i].Of, bind)
		names = append(names, q.Laterals[i].As)
	}
	for i := range q.Columns {
		if !q.Columns[i].Star {
			q.Columns[i].Expr = Rewrite(q.Columns[i].Expr, bind)
		}
	}
	if q.Where != nil {
		q.Where = Rewrite(q.Where, bind)
	}
	for i := range q.GroupBy {
		if q.GroupBy[i].Expr != nil {
			q.GroupBy[i].Expr = Rewrite(q.GroupBy[i].Expr, bind)
		}
	}
}
