package exec

import (
	"strings"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/syntax"
)

func (c *compiler) comparison(b *syntax.Binary) node {
	ci := c.borrowedCI(b) || b.CI
	if re, ok := b.Right.(*syntax.Regex); ok {
		return c.regexComparison(b, re)
	}
	left, right := c.value(b.Left), c.value(b.Right)
	switch b.Op {
	case syntax.Equal, syntax.NotEqual:
		want := b.Op == syntax.Equal
		return func(e *env) value {
			l, r := left(e), right(e)
			if !e.charge(&l, &r) {
				return undefined
			}
			same, defined := e.same(&l, &r, ci)
			return truth(same == want, defined)
		}
	case syntax.Like, syntax.NotLike:
		if s, ok := b.Right.(*syntax.String); ok && strings.Contains(s.Value, "*") && !strings.ContainsAny(s.Value, "%_?") {
			meant := syntax.Print(&syntax.String{Value: strings.ReplaceAll(s.Value, "*", "%")})
			return c.fail(s, meant, "`*` is no wildcard of `like`: any text is `%%`; what is to be equal is compared with `=`")
		}
		return like(left, right, b, ci)
	case syntax.In, syntax.NotIn:
		want := b.Op == syntax.In
		return func(e *env) value {
			l, r := left(e), right(e)
			if e.loops > 0 && !e.spend(len(r.Items)) || !e.charge(&l) {
				return undefined
			}
			found, defined := e.contains(&r, &l, ci)
			return truth(found == want, defined)
		}
	}
	var holds func(c int) bool
	switch b.Op {
	case syntax.Less:
		holds = func(c int) bool { return c < 0 }
	case syntax.LessEqual:
		holds = func(c int) bool { return c <= 0 }
	case syntax.Greater:
		holds = func(c int) bool { return c > 0 }
	default:
		holds = func(c int) bool { return c >= 0 }
	}
	return func(e *env) value {
		l, r := left(e), right(e)
		if !e.charge(&l, &r) {
			return undefined
		}
		order, defined := order(&l, &r, ci)
		return truth(holds(order), defined)
	}
}

// borrowedCI: in `A = ToLower(B) ci` the grammar gives the ci to the call. If the function has no use for it, it is the comparison's.
func (c *compiler) borrowedCI(b *syntax.Binary) bool {
	for e := b.Right; ; {
		switch x := e.(type) {
		case *syntax.Binary:
			if x.Op.IsComparison() {
				return false // it will borrow it
			}
			e = x.Right
		case *syntax.Unary:
			e = x.Of
		case *syntax.Call:
			f := findFunction(x.Name)
			if !x.CI || f == nil || f.CI {
				return false
			}
			c.lent[x] = true
			return true
		default:
			return false
		}
	}
}

// same compares without making text of numbers that were computed.
func (e *env) same(a, b *value, ci bool) (same, defined bool) {
	if a.Kind == event.Undefined || b.Kind == event.Undefined {
		return false, false
	}
	if a.Kind == event.Number && b.Kind == event.Number {
		x, ok := a.decimal()
		y, ok2 := b.decimal()
		return ok && ok2 && x.Compare(y) == 0, ok && ok2
	}
	return e.equal(a.final(), b.final(), ci)
}

// contains says whether an item of array equals v; undefined items of the answer count only if none does.
func (e *env) contains(array, v *value, ci bool) (found, defined bool) {
	if array.Kind != event.Array || v.Kind == event.Undefined {
		return false, false
	}
	if v.Kind == event.Number {
		if _, ok := v.decimal(); !ok {
			return false, false
		}
	}
	defined = true
	for i := range array.Items {
		item := given(array.Items[i])
		same, ok := e.same(v, &item, ci)
		if ok && same {
			return true, true
		}
		defined = defined && ok
	}
	return false, defined
}

func like(left, right node, b *syntax.Binary, ci bool) node {
	want := b.Op == syntax.Like
	var fixed *pattern
	if s, ok := b.Right.(*syntax.String); ok {
		fixed = compilePattern(s.Value, ci)
	}
	return func(e *env) value {
		l := left(e)
		if l.Kind != event.String || !e.charge(&l) {
			return undefined
		}
		p := fixed
		if p == nil {
			r := right(e)
			if r.Kind != event.String || !e.charge(&r) {
				return undefined
			}
			p = compilePattern(r.Text, ci)
		}
		matches, ok := p.match(e, l.Text)
		return truth(matches == want, ok)
	}
}

// regexComparison: a string equals a regular expression that matches the whole of it.
func (c *compiler) regexComparison(b *syntax.Binary, re *syntax.Regex) node {
	m, problem := compileRegex(`\A`, re.Source, `\z`, b.CI)
	if problem != "" {
		return c.fail(re, "", "the regular expression is not valid: %s", problem)
	}
	left, want := c.value(b.Left), b.Op == syntax.Equal
	return func(e *env) value {
		v := left(e)
		if v.Kind != event.String || !m.afford(e, v.Text) {
			return undefined
		}
		return boolOf(m.MatchString(v.Text) == want)
	}
}
