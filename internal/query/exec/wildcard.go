package exec

import (
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/syntax"
)

// Wildcards. A[?] is any element, A[*] every one. They belong to the innermost comparison or test around them:
// Items[?].Price > 10 asks whether there is an item with such a price. Several in one comparison nest in the order of the text.

// A wildcard is a step of a path.
type wildcard struct {
	path *syntax.Path
	step int
}

// freeWildcards lists the wildcards in e that no predicate or condition within e owns, inner ones first.
func freeWildcards(e syntax.Expr) []wildcard {
	if isPredicate(e) {
		return nil
	}
	var free []wildcard
	switch e := e.(type) {
	case *syntax.Logic, *syntax.Let, *syntax.Lambda:
		return nil // their parts are conditions
	case *syntax.Unary:
		if e.Op == syntax.Not {
			return nil
		}
	case *syntax.If:
		return append(freeWildcards(e.Then), freeWildcards(e.Else)...)
	case *syntax.Path:
		free = freeWildcards(e.Root)
		for i, s := range e.Steps {
			switch s.Kind {
			case syntax.Index:
				free = append(free, freeWildcards(s.At)...)
			case syntax.Any, syntax.All:
				free = append(free, wildcard{e, i})
			}
		}
		return free
	}
	syntax.Children(e, func(x syntax.Expr) { free = append(free, freeWildcards(x)...) })
	return free
}

// quantify compiles e as loops over what its wildcards stand for.
func (c *compiler) quantify(e syntax.Expr, free []wildcard) node {
	type loop struct {
		over node
		slot int
		all  bool
	}
	loops := make([]loop, len(free))
	c.loops++
	for i, w := range free {
		// Compiled before this wildcard has its slot, so that it is the part of the path before it.
		over := c.before(w)
		loops[i] = loop{over, len(c.slots), w.path.Steps[w.step].Kind == syntax.All}
		c.slots[w] = loops[i].slot
	}
	inner, cost := c.plain(e), loopCost(e)
	c.loops--
	var run func(e *env, i int) value
	run = func(e *env, i int) value {
		if i == len(loops) {
			if !e.spend(cost) {
				return undefined
			}
			v := inner(e)
			return boolOf(v.isTrue())
		}
		l := &loops[i]
		collection := l.over(e)
		if !e.charge(&collection) {
			return undefined
		}
		n, at := elements(collection.Value)
		if n < 0 {
			return undefined
		}
		for k := range n {
			if !e.spend(1) {
				return undefined
			}
			e.slots[l.slot] = at(k)
			if v := run(e, i+1); v.isTrue() != l.all {
				return boolOf(!l.all)
			}
		}
		return boolOf(l.all)
	}
	return func(e *env) value {
		e.loops++
		v := run(e, 0)
		e.loops--
		return v
	}
}

// before compiles the part of a path before its wildcard.
func (c *compiler) before(w wildcard) node {
	head := *w.path
	head.Steps = head.Steps[:w.step]
	for i := range head.Steps {
		if slot, ok := c.slots[wildcard{w.path, i}]; ok {
			c.slots[wildcard{&head, i}] = slot
			defer delete(c.slots, wildcard{&head, i})
		}
	}
	return c.path(&head)
}

// elements gives the items of an array, or the members' values of an object (of duplicates the last); n is -1 for what has none.
func elements(v event.Value) (n int, at func(int) event.Value) {
	switch v.Kind {
	case event.Array:
		return len(v.Items), func(i int) event.Value { return v.Items[i] }
	case event.Object:
		members := lastMembers(v.Members)
		return len(members), func(i int) event.Value { return members[i].Value }
	}
	return -1, nil
}
