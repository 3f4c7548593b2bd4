package plan

import (
	"math"
	"math/big"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/syntax"
)

// Bounds are keys between which a query's events lie, both included. There are none if From is after To.
type Bounds struct{ From, To event.Key }

// Unbounded has every key.
var Unbounded = Bounds{event.MinKey, event.MaxKey}

// Empty reports whether no key is within the bounds.
func (b Bounds) Empty() bool { return b.From.Compare(b.To) > 0 }

func (b Bounds) and(o Bounds) Bounds {
	if o.From.Compare(b.From) > 0 {
		b.From = o.From
	}
	if o.To.Compare(b.To) < 0 {
		b.To = o.To
	}
	return b
}

var nothing = Bounds{event.MaxKey, event.MinKey}

// A boundTerm is a term of the where clause that says no more than between which keys events lie: @Timestamp or @Id
// compared with what is the same for every event.
type boundTerm struct {
	text string
	op   syntax.Op // with the event's part on the left
	id   bool
	of   *exec.Filter
}

// mirrored is a comparison with its sides exchanged.
var mirrored = map[syntax.Op]syntax.Op{
	syntax.Equal: syntax.Equal, syntax.Less: syntax.Greater, syntax.LessEqual: syntax.GreaterEqual, syntax.Greater: syntax.Less, syntax.GreaterEqual: syntax.LessEqual,
}

// boundTermOf takes a term apart; nil if it is no bound.
func (c *compiler) boundTermOf(e syntax.Expr) (*boundTerm, error) {
	b, ok := e.(*syntax.Binary)
	if !ok || b.CI {
		return nil, nil
	}
	other, ok := mirrored[b.Op]
	if !ok {
		return nil, nil
	}
	t := &boundTerm{text: syntax.Print(e), op: b.Op}
	subject, value := b.Left, b.Right
	if _, ok := value.(*syntax.BuiltIn); ok {
		subject, value, t.op = value, subject, other
	}
	at, ok := subject.(*syntax.BuiltIn)
	if !ok || !isConstant(value) {
		return nil, nil
	}
	switch at.Name {
	case "Timestamp", "t":
	case "Id":
		t.id = true
		if t.op != syntax.Equal {
			return nil, nil
		}
	default:
		return nil, nil
	}
	var err error
	t.of, err = c.row(value, "where")
	return t, err
}

// isConstant reports whether an expression is the same for every event.
func isConstant(e syntax.Expr) bool {
	constant := true
	visit(e, nil, func(e syntax.Expr, scope []string) bool {
		switch e := e.(type) {
		case *syntax.Property, *syntax.BuiltIn, *syntax.Text, *syntax.Variable, *syntax.Star, *syntax.Regex:
			constant = false
		case *syntax.Local:
			constant = constant && isBound(e.Name, scope)
		}
		return constant
	})
	return constant
}

// at returns the bounds that the term sets at a time.
func (t *boundTerm) at(now time.Time) Bounds {
	v := t.of.AsOf(now).Eval(noRow)
	if t.id {
		if k, err := event.ParseKey(v.Text); err == nil && v.Kind == event.String && k.String() == v.Text {
			return Bounds{k, k}
		}
		return nothing
	}
	if v.Kind != event.Number {
		return nothing
	}
	ticks, ok := event.ParseDecimal(v.Text)
	if !ok {
		return nothing
	}
	instant, exact := instantAt(ticks)
	from, to := big.NewInt(math.MinInt64), big.NewInt(math.MaxInt64)
	next := new(big.Int).Add(instant, big.NewInt(1))
	switch t.op {
	case syntax.Equal:
		if !exact {
			return nothing
		}
		from, to = instant, instant
	case syntax.Less:
		to = instant
		if exact {
			to = new(big.Int).Sub(instant, big.NewInt(1))
		}
	case syntax.LessEqual:
		to = instant
	case syntax.Greater:
		from = next
	case syntax.GreaterEqual:
		from = instant
		if !exact {
			from = next
		}
	}
	return betweenInstants(from, to)
}

// betweenInstants bounds at instants that may be outside what a key can hold.
func betweenInstants(from, to *big.Int) Bounds {
	b := Unbounded
	least, most := big.NewInt(math.MinInt64), big.NewInt(math.MaxInt64)
	if from.Cmp(most) > 0 || to.Cmp(least) < 0 {
		return nothing
	}
	if from.Cmp(least) > 0 {
		b.From = event.MakeKey(from.Int64(), 0)
	}
	if to.Cmp(most) < 0 {
		b.To = event.MakeKey(to.Int64(), math.MaxUint64)
	}
	return b
}
