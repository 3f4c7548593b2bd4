package plan

import (
	"slices"
	"strings"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/syntax"
)

// A compiler checks and compiles one query. Its methods return errors that point at the place: *syntax.Error.
type compiler struct {
	text     string
	query    *syntax.Query
	plan     *Plan
	laterals []string
	inputs   map[string]int // by text: what aggregates are given
	calls    map[string]int // by text
	keyTexts []string       // of group keys, by column after the time slice
}

// Compile compiles the query that syntax.ParseQuery made of text, and takes the query over. The error is a *syntax.Error.
func Compile(text string, q *syntax.Query) (*Plan, error) {
	p := &Plan{explain: q.Explain, scalar: !q.Stream, limit: DefaultLimit}
	q.Explain = syntax.ExplainNone
	p.text = syntax.PrintQuery(q)
	if q.Limit != nil {
		p.limit = *q.Limit
	}
	c := &compiler{text: text, query: q, plan: p, inputs: map[string]int{}, calls: map[string]int{}}
	steps := []func() error{c.scalar}
	if q.Stream {
		steps = []func() error{c.unnest, c.where, c.group, c.selected, c.having, c.order}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (c *compiler) fail(at syntax.Pos, suggestion, format string, args ...any) error {
	return syntax.ErrorAt(c.text, at, suggestion, format, args...)
}

// scalar compiles a query that reads no events.
func (c *compiler) scalar() error {
	for i := range c.query.Columns {
		col := &c.query.Columns[i]
		if col.Star {
			return c.fail(col.Pos, "* from stream", "`*` selects events: it needs `from stream`")
		}
		name := col.Name()
		if err := c.noEvent(col.Expr); err != nil {
			return err
		}
		f, err := exec.Compile(c.text, col.Expr)
		if err != nil {
			return err
		}
		c.plan.columns = append(c.plan.columns, column{computed{of: f}, -1})
		c.plan.names = append(c.plan.names, name)
	}
	return c.namesDiffer()
}

// noEvent refuses what asks for events where there are none.
func (c *compiler) noEvent(e syntax.Expr) error {
	return c.first(e, func(e syntax.Expr, scope []string) error {
		switch e := e.(type) {
		case *syntax.Property, *syntax.BuiltIn, *syntax.Text:
			return c.fail(e.At(), "", "%s is of an event: a query reads events only with `from stream`", syntax.Print(e))
		case *syntax.Call:
			if isAggregate(e) {
				return c.fail(e.Pos, "", "%s is an aggregate of events: a query reads events only with `from stream`", syntax.Print(e))
			}
			return c.known(e)
		}
		return nil
	})
}

// first visits e until an error comes up.
func (c *compiler) first(e syntax.Expr, f func(e syntax.Expr, scope []string) error) (err error) {
	visit(e, nil, func(e syntax.Expr, scope []string) bool {
		if err == nil {
			err = f(e, scope)
		}
		return err == nil
	})
	return err
}

func isAggregate(c *syntax.Call) bool { return findKind(c.Name) != nil && !exec.IsFunction(c.Name) }

// known refuses a call of what there is not.
func (c *compiler) known(e *syntax.Call) error {
	if exec.IsFunction(e.Name) || findKind(e.Name) != nil {
		return nil
	}
	if near := nearestCall(e.Name); near != "" {
		return c.fail(e.Pos, near, "there is no function or aggregate %s", e.Name)
	}
	_, err := exec.Compile(c.text, e, c.laterals...)
	return err
}

// row compiles an expression of an event. clause is where it stands, in which aggregates have no place.
func (c *compiler) row(e syntax.Expr, clause string) (*exec.Filter, error) {
	err := c.first(e, func(e syntax.Expr, scope []string) error {
		call, ok := e.(*syntax.Call)
		if !ok {
			return nil
		}
		if !isAggregate(call) {
			return c.known(call)
		}
		if clause == "where" {
			return c.fail(call.Pos, "", "`where` looks at one event at a time, and %s is an aggregate of many: name it with `as` in `select`, and use the name in `having`", syntax.Print(call))
		}
		return c.fail(call.Pos, "", "%s is an aggregate of many events: it has no place in %s", syntax.Print(call), clause)
	})
	if err != nil {
		return nil, err
	}
	return exec.Compile(c.text, e, c.laterals...)
}

// asksLaterals reports whether an expression asks for elements that laterals give.
func (c *compiler) asksLaterals(e syntax.Expr) (asks bool) {
	visit(e, nil, func(e syntax.Expr, scope []string) bool {
		l, ok := e.(*syntax.Local)
		asks = asks || ok && !isBound(l.Name, scope) && slices.Contains(c.laterals, l.Name)
		return !asks
	})
	return asks
}

// unnest compiles the laterals.
func (c *compiler) unnest() error {
	for i := range c.query.Laterals {
		l := &c.query.Laterals[i]
		f, err := c.row(l.Of, "`lateral unnest`")
		if err != nil {
			return err
		}
		c.plan.laterals = append(c.plan.laterals, f)
		c.laterals = append(c.laterals, l.As)
	}
	if len(c.laterals) > maxSlots {
		return c.fail(c.query.Laterals[maxSlots].Pos, "", "a query has at most %d of `lateral unnest`", maxSlots)
	}
	return nil
}

// where takes the condition apart: bounds of time, what is asked of events, what is asked of lateral elements.
func (c *compiler) where() error {
	if c.query.Where == nil {
		return nil
	}
	var early, late []syntax.Expr
	for _, t := range conjunction(c.query.Where) {
		// Each term is compiled for itself first, as errors point at the first of them.
		bound, err := c.boundTermOf(t)
		if err != nil {
			return err
		}
		switch {
		case bound != nil:
			c.plan.bounds = append(c.plan.bounds, bound)
		case c.asksLaterals(t):
			late = append(late, t)
		default:
			early = append(early, t)
			f, err := c.row(t, "where")
			if err != nil {
				return err
			}
			c.plan.terms = append(c.plan.terms, term{f.String(), decided(f.Plan())})
		}
	}
	var err error
	if len(early) > 0 {
		if c.plan.filter, err = c.row(all(early), "where"); err != nil {
			return err
		}
	}
	if len(late) > 0 {
		c.plan.late, err = c.row(all(late), "where")
	}
	return err
}

// conjunction lists what `and` joins.
func conjunction(e syntax.Expr) []syntax.Expr {
	l, ok := e.(*syntax.Logic)
	if !ok || l.Op != syntax.And {
		return []syntax.Expr{e}
	}
	var terms []syntax.Expr
	for _, t := range l.Terms {
		terms = append(terms, conjunction(t)...)
	}
	return terms
}

func all(terms []syntax.Expr) syntax.Expr {
	if len(terms) == 1 {
		return terms[0]
	}
	return &syntax.Logic{Pos: syntax.Pos(terms[0].At()), Op: syntax.And, Terms: terms}
}

// group compiles what rows are grouped by.
func (c *compiler) group() error {
	var names []string
	for i := range c.query.GroupBy {
		g := &c.query.GroupBy[i]
		if g.Time != nil {
			ticks, _ := g.Time.Decimal() // the parser saw to it
			width, exact := nanosOf(ticks)
			if !exact || width < nanosPerTick {
				return c.fail(g.Time.Pos, "", "time(…) takes a duration from 100ns to 290 years, in whole nanoseconds")
			}
			c.plan.width = width
			c.plan.unbounded = c.fail(g.Pos, "", "group by time(…) needs to know where to begin: bound the events by `where @Timestamp >= Now() - 1d`, for one")
			continue
		}
		names = append(names, g.Name())
		c.keyTexts = append(c.keyTexts, syntax.Print(g.Expr))
		f, err := c.row(g.Expr, "`group by`")
		if err != nil {
			return err
		}
		c.plan.keys = append(c.plan.keys, key{f, g.CI})
		c.plan.folds = c.plan.folds || g.CI
	}
	if c.plan.width > 0 {
		names = append([]string{"time"}, names...)
	}
	c.plan.names = names
	return nil
}

// nanosOf converts a duration; not ok if it is no whole number of nanoseconds that int64 holds.
func nanosOf(ticks event.Decimal) (int64, bool) {
	var s sum
	s.add(ticks, nanosPerTick)
	d, ok := s.decimal()
	if !ok {
		return 0, false
	}
	return d.Int64()
}

// namesDiffer refuses a second column that is given the same name.
func (c *compiler) namesDiffer() error {
	lead := len(c.plan.names) - len(c.plan.columns)
	if len(c.plan.columns) > maxSlots {
		return c.fail(0, "", "a query has at most %d columns", maxSlots)
	}
	given := map[string]bool{}
	for _, g := range c.query.GroupBy {
		if g.As != "" && given[g.As] {
			return c.fail(g.Pos, "", "two groupings are called %s", g.As)
		}
		given[g.Name()] = true
	}
	for i := range c.query.Columns {
		col := &c.query.Columns[i]
		if col.As != "" && given[col.As] {
			return c.fail(col.Pos, "", "two columns are called %s%s", col.As, keyHint(lead))
		}
		if !col.Star {
			given[col.Name()] = true
		}
	}
	return nil
}

func keyHint(lead int) string {
	if lead == 0 {
		return ""
	}
	return ": group keys are columns too"
}

// starColumns are what `select *` gives.
var starColumns = []string{"Timestamp", "Id", "Document"}

// selected compiles the columns.
func (c *compiler) selected() error {
	c.plan.grouped = len(c.query.GroupBy) > 0
	for i := range c.query.Columns {
		if e := c.query.Columns[i].Expr; e != nil {
			visit(e, nil, func(e syntax.Expr, _ []string) bool {
				if call, ok := e.(*syntax.Call); ok && isAggregate(call) {
					c.plan.grouped = true
				}
				return !c.plan.grouped
			})
		}
	}
	if err := c.namesDiffer(); err != nil {
		return err
	}
	for i := range c.query.Columns {
		col := &c.query.Columns[i]
		name := col.Name()
		var err error
		switch {
		case col.Star:
			err = c.star(col)
		case c.plan.grouped:
			err = c.groupColumn(col)
			c.plan.names = append(c.plan.names, name)
		default:
			var f *exec.Filter
			f, err = c.row(col.Expr, "`select`")
			c.plan.columns = append(c.plan.columns, column{computed{of: f}, -1})
			c.plan.names = append(c.plan.names, name)
		}
		if err != nil {
			return err
		}
	}
	if len(c.plan.columns) > maxSlots || len(c.plan.keys) > maxSlots || len(c.plan.calls) > maxSlots {
		return c.fail(0, "", "a query has at most %d columns, group keys and aggregates each", maxSlots)
	}
	return c.rowsets()
}

func (c *compiler) star(col *syntax.Column) error {
	if c.plan.grouped {
		return c.fail(col.Pos, "", "`*` selects events, and this query gives groups of them: select aggregates, such as count(*)")
	}
	for _, name := range starColumns {
		f, err := c.row(&syntax.BuiltIn{Pos: col.Pos, Name: name}, "`select`")
		if err != nil {
			return err
		}
		c.plan.columns = append(c.plan.columns, column{computed{of: f}, -1})
		c.plan.names = append(c.plan.names, "@"+name)
	}
	return nil
}

// rowsets sees to it that what gives rows of its own stands alone.
func (c *compiler) rowsets() error {
	for _, call := range c.plan.calls {
		if !call.kind.rows {
			continue
		}
		if len(c.plan.calls) > 1 || len(c.plan.columns) > 1 {
			col := &c.query.Columns[0]
			for i := range c.plan.columns {
				if n := c.plan.columns[i].call; n >= 0 && c.plan.calls[n] == call {
					col = &c.query.Columns[i]
				}
			}
			hint := ""
			if call.kind.name == "distinct" {
				hint = "; count(distinct(…)) counts them, and goes with others"
			}
			return c.fail(col.Pos, "", "%s gives a row for each value, so it must be the only column%s", call.kind.name, hint)
		}
	}
	return nil
}

// having compiles the condition on groups: its names are those of columns.
func (c *compiler) having() error {
	e := c.query.Having
	if e == nil {
		return nil
	}
	if !c.plan.grouped {
		return c.fail(e.At(), "", "`having` chooses among groups, and there are none: events are chosen with `where`")
	}
	c.plan.criteria = syntax.Print(e)
	slots := map[syntax.Expr]int{}
	err := c.first(e, func(e syntax.Expr, scope []string) error {
		switch e := e.(type) {
		case *syntax.Property:
			n := slices.Index(c.plan.names, e.Name)
			if n < 0 {
				return c.fail(e.Pos, syntax.Nearest(e.Name, c.plan.names), "`having` knows columns and group keys alone, and none is called %s: they have %s", e.Name, listed(c.plan.names))
			}
			slots[e] = n
		case *syntax.BuiltIn, *syntax.Text:
			return c.fail(e.At(), "", "`having` knows columns and group keys alone, and %s is of an event: use `where`, or name a key with `as`", syntax.Print(e))
		case *syntax.Call:
			if !isAggregate(e) {
				return c.known(e)
			}
			text := syntax.Print(e)
			if n := c.columnOf(text); n >= 0 {
				if as := c.query.Columns[n].As; as != "" {
					return c.fail(e.Pos, as, "`having` takes the names of columns")
				}
			}
			return c.fail(e.Pos, "", "`having` takes the names of columns: select `%s as n`, and write n here", text)
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.plan.having, err = exec.Compile(c.text, replace(e, slots), slotNames(len(c.plan.names))...)
	return err
}

// columnOf finds the column that is an aggregate alone.
func (c *compiler) columnOf(text string) int {
	for i, col := range c.plan.columns {
		if col.call >= 0 && strings.EqualFold(c.plan.calls[col.call].text, text) {
			return i
		}
	}
	return -1
}

func listed(names []string) string {
	if len(names) > 12 {
		names = append(slices.Clone(names[:12]), "…")
	}
	return strings.Join(names, ", ")
}

// order compiles `order by`.
func (c *compiler) order() error {
	for _, o := range c.query.OrderBy {
		n := slices.Index(c.plan.names, o.Name)
		switch {
		case n >= 0:
		case o.Time && c.plan.width > 0:
			n = 0
		case o.Time && c.plan.grouped:
			return c.fail(o.Pos, "", "`order by time` needs time slices: group by time(1h), for one")
		case o.Time:
		default:
			return c.fail(o.Pos, syntax.Nearest(o.Name, c.plan.names), "`order by` takes the name of a column or group key, and none is called %s: they are %s", o.Name, listed(c.plan.names))
		}
		c.plan.orders = append(c.plan.orders, order{n, o.CI, o.Desc})
	}
	return nil
}
