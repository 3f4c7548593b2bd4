package syntax

// A Query is what `select …` asks for. Parts that are missing are nil or zero.
type Query struct {
	// Bare: the text was an expression alone; it is the one column.
	Bare     bool
	Explain  Explain
	Columns  []Column
	Stream   bool // from stream; without it the query is scalar: it reads no events
	Laterals []Lateral
	Where    Expr // may be text in double quotes
	GroupBy  []Grouping
	Having   Expr // names in it are those of columns and groupings
	OrderBy  []Ordering
	Limit    *int64 // not negative
}

// Explain says whether a query is to be answered or explained.
type Explain uint8

// What `explain` asks for.
const (
	ExplainNone    Explain = iota
	ExplainPlan            // explain: how the query would be run
	ExplainAnalyze         // explain analyze: it is run, and what that took is the answer
	ExplainLower           // explain lower: the query in the form in which it is run
)

// explainWords are what is written after `explain`.
var explainWords = [...]string{ExplainAnalyze: "analyze", ExplainLower: "lower"}

// Column is one item of `select`.
type Column struct {
	Pos
	Star bool   // select *; Expr is nil
	Expr Expr   // the Call of an aggregate may be anywhere in it
	As   string // "" if it was not named
}

// Name is the column's name in the result: what `as` says, else the expression as Print writes it ("count(*)"), as Seq has
// it. It is "*" for a Star.
func (c *Column) Name() string {
	switch {
	case c.As != "":
		return c.As
	case c.Star:
		return "*"
	}
	return Print(c.Expr)
}

// Lateral is `lateral unnest(Of) as As`: each event becomes as many rows as Of has elements, with As for the element. In
// the query's other parts, those of later laterals included, As is a Local; in Having, which reads columns, it is not.
type Lateral struct {
	Pos
	Of Expr
	As string
}

// Grouping is one item of `group by`: an expression, or time(1m), where Time is the duration and all else is empty.
type Grouping struct {
	Pos
	Expr Expr
	CI   bool   // keys that differ only in case are one
	As   string // "" if it was not named
	Time *Number
}

// Name is the name of the grouping's column in the result: what `as` says, else the expression as Print writes it, else "time".
func (g *Grouping) Name() string {
	switch {
	case g.As != "":
		return g.As
	case g.Time != nil:
		return "time"
	}
	return Print(g.Expr)
}

// Ordering is one item of `order by`. Name is that of a column or a grouping. Time: the name is `time` in any case, which
// means the slices of group by time(…), or the events' time, unless a column or grouping is so called.
type Ordering struct {
	Pos
	Name string
	Time bool
	CI   bool
	Desc bool
}

// Exprs calls f for each expression of the query, in order of the text.
func (q *Query) Exprs(f func(Expr)) {
	for i := range q.Columns {
		if !q.Columns[i].Star {
			f(q.Columns[i].Expr)
		}
	}
	for i := range q.Laterals {
		f(q.Laterals[i].Of)
	}
	if q.Where != nil {
		f(q.Where)
	}
	for i := range q.GroupBy {
		if q.GroupBy[i].Expr != nil {
			f(q.GroupBy[i].Expr)
		}
	}
	if q.Having != nil {
		f(q.Having)
	}
}
