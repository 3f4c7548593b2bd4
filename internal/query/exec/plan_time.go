package exec

import (
	"math"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/syntax"
)

// planTime plans a comparison of @Timestamp with what does not depend on the event: such a condition holds from one instant to another, and
// before or behind it no more. nil if e is none.
func planTime(e syntax.Expr) *Plan {
	b, ok := e.(*syntax.Binary)
	if !ok {
		return nil
	}
	op, left, right := b.Op, b.Left, b.Right
	if !isTimestamp(left) {
		left, right = right, left
		switch op {
		case syntax.Less:
			op = syntax.Greater
		case syntax.LessEqual:
			op = syntax.GreaterEqual
		case syntax.Greater:
			op = syntax.Less
		case syntax.GreaterEqual:
			op = syntax.LessEqual
		}
	}
	switch op {
	case syntax.Less, syntax.LessEqual, syntax.Greater, syntax.GreaterEqual:
	default:
		return nil
	}
	if !isTimestamp(left) || !isConstant(right) {
		return nil
	}
	f, bad := compile("", e)
	if bad != nil {
		return nil
	}
	return &Plan{Op: PlanTime, of: f, below: op == syntax.Less || op == syntax.LessEqual}
}

func isTimestamp(e syntax.Expr) bool {
	b, ok := e.(*syntax.BuiltIn)
	if !ok {
		return false
	}
	found := findBuiltIn(b.Name)
	return found != nil && found.names[0] == "Timestamp"
}

// isConstant says whether an expression is made of literals and functions alone, Now among them.
func isConstant(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Number, *syntax.String:
		return true
	case *syntax.Call:
		if findFunction(e.Name) == nil {
			return false
		}
	case *syntax.Binary, *syntax.Unary:
	default:
		return false
	}
	constant := true
	syntax.Children(e, func(child syntax.Expr) { constant = constant && isConstant(child) })
	return constant
}

// Instants returns the first and the last instant (nanoseconds since 1970) between which the condition of a PlanTime is true, and is for no other; first > last if
// there is none. With Now() in it, it is true so now.
func (p *Plan) Instants() (first, last int64) {
	f := *p.of
	if f.AsksTime() {
		f.asOf = time.Now()
	}
	// The condition holds from some instant on, or until one: where does it turn?
	turn, turns := search64(func(n uint64) bool {
		return f.Match(valueRow{key: event.MakeKey(int64(n+1<<63), 0)}) != p.below
	})
	at := int64(turn + 1<<63)
	switch {
	case p.below && !turns:
		return math.MinInt64, math.MaxInt64
	case p.below && turn == 0 || !p.below && !turns:
		return math.MaxInt64, math.MinInt64
	case p.below:
		return math.MinInt64, at - 1
	}
	return at, math.MaxInt64
}

// search64 returns the first number for which a condition holds that holds from some number on; false if there is none.
func search64(holds func(uint64) bool) (n uint64, ok bool) {
	if !holds(math.MaxUint64) {
		return 0, false
	}
	for bit := 63; bit >= 0; bit-- {
		if !holds(n | (1<<bit - 1)) {
			n |= 1 << bit
		}
	}
	return n, true
}
