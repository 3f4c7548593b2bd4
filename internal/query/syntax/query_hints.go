package syntax

import "slices"

// What people write who come from SQL, with what it is here.

// clauses are the words that begin the parts of a query, in their order.
var clauses = []string{"select", "from", "where", "group", "having", "order", "limit", "for"}

// sqlWords stand where a clause may begin.
var sqlWords = [...]struct{ word, here, what string }{
	{"offset", "", "there is no `offset`: ask for the next rows with a condition on time, such as `@Timestamp < DateTime('…')`"},
	{"fetch", "limit", "the number of rows is limited with `limit 10`"},
	{"join", "", "there are no joins: `lateral unnest(Items) as item` gives a row for each element of an array"},
	{"inner", "", "there are no joins: `lateral unnest(Items) as item` gives a row for each element of an array"},
	{"left", "", "there are no joins: `lateral unnest(Items) as item` gives a row for each element of an array"},
	{"cross", "lateral", "there are no joins: `lateral unnest(Items) as item` gives a row for each element of an array"},
	{"unnest", "lateral unnest", "arrays are taken apart with `lateral unnest(Items) as item`"},
	{"union", "", "there is no `union`: join the conditions with `or`"},
	{"into", "", "`into` is not supported: results are not kept in variables"},
	{"as", "", "`as` names columns, groupings and `unnest`"},
	{"filter", "where", "events are selected with `where`"},
	{"desc", "", "`desc` follows a name after `order by`"},
	{"asc", "", "`asc` follows a name after `order by`"},
	{"nulls", "", "there is no `nulls first`: null comes first in ascending order"},
}

// unexpectedInQuery is the error for a token that follows a complete query.
func (p *parser) unexpectedInQuery(q *Query) *Error {
	for i, word := range clauses {
		if !p.tok.isWord(word) {
			continue
		}
		if i == 0 {
			return p.fail("", "unexpected `select`: a text is one query, and queries do not nest")
		}
		if slices.Contains(q.has(), word) {
			return p.fail("", "the query has a second `%s`", word)
		}
		return p.fail("", "`%s` stands too late: the order is select, from, where, group by, having, order by, limit", word)
	}
	for _, s := range sqlWords {
		if p.tok.isWord(s.word) {
			return p.fail(s.here, "unexpected %s: %s", p.tok.describe(), s.what)
		}
	}
	if p.tok.kind == tokWord && p.tok.keyword == "" && !p.strangeInfix() {
		if near := Nearest(p.tok.text, clauses); near != "" {
			return p.fail(near, "unexpected %s: expected an operator, a clause such as `where` or `group by`, or the end", p.tok.describe())
		}
		if !q.Stream && q.Limit == nil {
			return p.fail("as "+p.tok.text, "unexpected %s: expected an operator, `from stream`, or `as` before the column's name", p.tok.describe())
		}
		if q.Stream && q.Where == nil && q.GroupBy == nil && q.Limit == nil && q.OrderBy == nil && q.Having == nil && len(q.Laterals) == 0 {
			return p.fail("", "unexpected %s: expected `where`, `group by` or another clause, or the end; `stream` takes no other name", p.tok.describe())
		}
	}
	return p.unexpectedAfter()
}

// has lists the clauses that the query has.
func (q *Query) has() []string {
	has := []string{"select"}
	for _, c := range [...]struct {
		word string
		is   bool
	}{
		{"from", q.Stream}, {"where", q.Where != nil}, {"group", q.GroupBy != nil}, {"having", q.Having != nil},
		{"order", q.OrderBy != nil}, {"limit", q.Limit != nil},
	} {
		if c.is {
			has = append(has, c.word)
		}
	}
	return has
}

// notSelect catches the statements of SQL that are no `select`; all else is an expression.
func (p *parser) notSelect() *Error {
	first := p.tok
	for _, word := range [...]string{"insert", "update", "delete", "create", "drop", "alter", "with", "from"} {
		if !first.isWord(word) {
			continue
		}
		// A property may be so called: only another word after it makes it SQL.
		ahead := p.lexer
		if next, err := ahead.next(); err == nil && next.kind == tokWord && next.keyword == "" {
			if word == "from" {
				return p.fail("", "a query begins with `select`: `select * from stream`")
			}
			return p.fail("", "unexpected `%s`: a query begins with `select`, and only reads", first.text)
		}
	}
	return nil
}

// notColumn catches what SQL has directly after `select`.
func (p *parser) notColumn() *Error {
	if p.tok.kind == tokEnd {
		return p.fail("", "unexpected end of the query: expected what to select, such as `*`, `count(*)` or `@Message`")
	}
	if p.tok.isWord("distinct") || p.tok.isWord("top") || p.tok.isWord("all") {
		ahead := p.lexer
		next, err := ahead.next()
		if err != nil {
			return nil
		}
		switch {
		case p.tok.isWord("top") && next.kind == tokNumber:
			return p.fail("", "unexpected `%s`: the number of rows is limited with `limit %s` at the end", p.tok.text, next.text)
		case (next.kind == tokWord && next.keyword == "" && !next.isWord("as") && !next.isWord("from")) || next.kind == tokBuiltIn:
			if p.tok.isWord("distinct") {
				return p.fail("distinct("+next.text+")", "unexpected `%s`: distinct values are selected with `distinct(X)`", p.tok.text)
			}
		}
	}
	return nil
}

// columnFrom catches `select from stream`, which is the property from, and a stranger.
func (p *parser) columnFrom(q *Query, first token) *Error {
	if first.isWord("from") && len(q.Columns) > 0 && (p.tok.isWord("stream") || p.tok.isWord("series")) {
		return ErrorAt(p.text, first.pos, "", "unexpected `%s`: expected another column after the comma", first.text)
	}
	if first.isWord("from") && (p.tok.isWord("stream") || p.tok.isWord("series")) {
		return ErrorAt(p.text, first.pos, "* from", "unexpected `%s`: expected what to select, such as `*`, `count(*)` or `@Message`", first.text)
	}
	return nil
}

// orderByExpression is the error for an ordering that is no name; the next token is in it.
func (p *parser) orderByExpression(pos Pos) *Error {
	if p.tok.kind == tokBuiltIn && (p.tok.text == "@Timestamp" || p.tok.text == "@t") {
		return ErrorAt(p.text, pos, "time", "events are put in the order of their time with `order by time`")
	}
	return ErrorAt(p.text, pos, "", "`order by` takes the name of a column or grouping: name it with `as`, as in `select count(*) as n … order by n desc`")
}

// columnText refuses text in double quotes as a column: SQL has names so.
func (p *parser) columnText(e Expr) *Error {
	if text, ok := e.(*Text); ok {
		name := "@Properties[" + quote(text.Value, '\'') + "]"
		if IsIdentifier(text.Value) {
			name = text.Value
		}
		return ErrorAt(p.text, text.Pos, name, "text in double quotes searches message and exception; a property is written without quotes")
	}
	return p.value(e)
}
