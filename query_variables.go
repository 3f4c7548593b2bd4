package stele

import (
	"strings"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/query/syntax"
)

// ParseQueryWith is ParseQuery of a text with variables, such as $since, whose values are given by their names without the $. Invalid too: a value is a number outside of what the language
// can reckon with. What the text names and is not given is an error at its place.
func ParseQueryWith(text string, variables map[string]Value) (*Query, error) {
	literals := map[string]literal{}
	for name, v := range variables {
		of, err := literalOf(v)
		if err != nil {
			return nil, fault.Wrap(err, "parse query", "the variable $%s", name)
		}
		literals[name] = of
	}
	return parseQuery(text, literals)
}

// A literal makes the expression of a value for a place in a text.
type literal func(at syntax.Pos) syntax.Expr

// literalOf returns the literal that stands for a value.
func literalOf(v Value) (literal, error) {
	switch v.Kind {
	case event.Null:
		return func(at syntax.Pos) syntax.Expr { return &syntax.Null{Pos: at} }, nil
	case event.Bool:
		return func(at syntax.Pos) syntax.Expr { return &syntax.Bool{Pos: at, Value: v.Bool} }, nil
	case event.String:
		return func(at syntax.Pos) syntax.Expr { return &syntax.String{Pos: at, Value: v.Text} }, nil
	case event.Number:
		d, ok := event.ParseDecimal(v.Text)
		if !ok {
			return nil, fault.New(fault.Invalid, "", "%.60s is beyond the numbers that can be reckoned with", v.Text)
		}
		number, negative := strings.CutPrefix(d.String(), "-")
		return func(at syntax.Pos) syntax.Expr {
			if n := (&syntax.Number{Pos: at, Text: number}); !negative {
				return n
			}
			return &syntax.Unary{Pos: at, Op: syntax.Negate, Of: &syntax.Number{Pos: at, Text: number}}
		}, nil
	case event.Array:
		items := make([]literal, len(v.Items))
		for i, item := range v.Items {
			var err error
			if items[i], err = literalOf(item); err != nil {
				return nil, err
			}
		}
		return func(at syntax.Pos) syntax.Expr {
			a := &syntax.Array{Pos: at}
			for _, item := range items {
				a.Items = append(a.Items, item(at))
			}
			return a
		}, nil
	case event.Object:
		members := make([]literal, len(v.Members))
		for i, m := range v.Members {
			var err error
			if members[i], err = literalOf(m.Value); err != nil {
				return nil, err
			}
		}
		return func(at syntax.Pos) syntax.Expr {
			o := &syntax.Object{Pos: at}
			for i, m := range v.Members {
				o.Members = append(o.Members, syntax.Member{Name: m.Name, Value: members[i](at)})
			}
			return o
		}, nil
	}
	return nil, fault.New(fault.Invalid, "", "undefined is no value")
}

// fill puts literals in the place of the variables.
func fill(q *syntax.Query, literals map[string]literal) {
	if len(literals) == 0 {
		return
	}
	syntax.RewriteQuery(q, func(e syntax.Expr) syntax.Expr {
		if v, ok := e.(*syntax.Variable); ok {
			if of := literals[v.Name]; of != nil {
				return of(v.Pos)
			}
		}
		return e
	})
}
