package syntax

// RewriteQuery does with each expression of q what Rewrite does. Columns and groupings keep the names that they have without it.
func RewriteQuery(q *Query, f func(Expr) Expr) {
	for i := range q.Columns {
		if c := &q.Columns[i]; !c.Star {
			name := c.Name()
			if c.Expr = Rewrite(c.Expr, f); c.Name() != name {
				c.As = name
			}
		}
	}
	for i := range q.Laterals {
		q.Laterals[i].Of = Rewrite(q.Laterals[i].Of, f)
	}
	if q.Where != nil {
		q.Where = Rewrite(q.Where, f)
	}
	for i := range q.GroupBy {
		if g := &q.GroupBy[i]; g.Expr != nil {
			name := g.Name()
			if g.Expr = Rewrite(g.Expr, f); g.Name() != name {
				g.As = name
			}
		}
	}
	if q.Having != nil {
		q.Having = Rewrite(q.Having, f)
	}
}
