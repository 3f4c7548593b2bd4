package syntax

import (
	"strconv"
	"strings"
)

// PrintQuery writes q in canonical form. ParseQuery of the result gives q again, but for places in the text.
func PrintQuery(q *Query) string {
	if q.Bare {
		s := Print(q.Columns[0].Expr)
		if word := strings.ToLower(s[:wordAt(s, false)]); word != "select" && word != "explain" {
			return s
		}
		return "(" + s + ")" // the property select
	}
	p := printer{}
	if q.Explain != ExplainNone {
		p.WriteString("explain ")
		if word := explainWords[q.Explain%Explain(len(explainWords))]; word != "" {
			p.WriteString(word + " ")
		}
	}
	p.WriteString("select ")
	for i := range q.Columns {
		p.comma(i)
		p.column(&q.Columns[i])
	}
	if q.Stream {
		p.WriteString(" from stream")
	}
	for _, l := range q.Laterals {
		p.WriteString(" lateral unnest(")
		p.argument(l.Of)
		p.WriteString(") as " + l.As)
	}
	if q.Where != nil {
		p.WriteString(" where ")
		p.argument(q.Where)
	}
	for i := range q.GroupBy {
		if i == 0 {
			p.WriteString(" group by ")
		}
		p.comma(i)
		p.grouping(&q.GroupBy[i])
	}
	if q.Having != nil {
		p.WriteString(" having ")
		p.argument(q.Having)
	}
	for i, o := range q.OrderBy {
		if i == 0 {
			p.WriteString(" order by ")
		}
		p.comma(i)
		p.WriteString(o.Name)
		if o.CI {
			p.WriteString(" ci")
		}
		if o.Desc {
			p.WriteString(" desc")
		}
	}
	if q.Limit != nil {
		p.WriteString(" limit " + strconv.FormatInt(*q.Limit, 10))
	}
	return p.String()
}

func (p *printer) comma(i int) {
	if i > 0 {
		p.WriteString(", ")
	}
}

func (p *printer) as(name string) {
	if name != "" {
		p.WriteString(" as " + name)
	}
}

func (p *printer) column(c *Column) {
	if c.Star {
		p.WriteByte('*')
		return
	}
	p.argument(c.Expr)
	p.as(c.As)
}

func (p *printer) grouping(g *Grouping) {
	if g.Time != nil {
		p.WriteString("time(" + g.Time.Text + ")")
		return
	}
	least := 0
	if g.CI {
		least = precPath // else the ci would be read as a comparison's
	}
	if c, ok := g.Expr.(*Call); ok && (c.CI && !g.CI || strings.EqualFold(c.Name, "time")) {
		least = precPath + 1 // or the call's as the grouping's, or the call as a slice of time
	}
	p.expr(g.Expr, least)
	if g.CI {
		p.WriteString(" ci")
	}
	p.as(g.As)
}
