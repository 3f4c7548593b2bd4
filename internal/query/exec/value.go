package exec

import (
	"strings"

	"github.com/stelehq/stele/internal/event"
)

// A value is what an expression gives. Of a number either Text or num may be missing: decimal and final make the other.
type value struct {
	event.Value
	num   event.Decimal
	known bool // num is the value
}

var undefined = value{}

func stringOf(s string) value { return value{Value: event.StringValue(s)} }
func boolOf(b bool) value     { return value{Value: event.BoolValue(b)} }
func decimalOf(d event.Decimal) value {
	return value{Value: event.Value{Kind: event.Number}, num: d, known: true}
}
func intOf(n int) value         { return decimalOf(event.DecimalOf(int64(n))) }
func given(v event.Value) value { return value{Value: v} }

// truth is v as the outcome of a condition that was decided, or undefined.
func truth(is, defined bool) value {
	if !defined {
		return undefined
	}
	return boolOf(is)
}

func (v *value) isTrue() bool { return v.Kind == event.Bool && v.Bool }

// decimal returns a number's value; not ok for what is no number, or beyond the range of R7.
func (v *value) decimal() (event.Decimal, bool) {
	if v.Kind != event.Number {
		return event.Decimal{}, false
	}
	if v.known {
		return v.num, true
	}
	return event.ParseDecimal(v.Text)
}

// int returns a whole number that is small enough for an index.
func (v *value) int() (int, bool) {
	d, ok := v.decimal()
	if !ok {
		return 0, false
	}
	n, ok := d.Int64()
	return int(n), ok && int64(int(n)) == n
}

// final returns v as a value of package event. The text of a number that was computed has no needless zeros.
func (v value) final() event.Value {
	if v.known && v.Text == "" {
		v.Text = v.num.Normalized().String()
	}
	return v.Value
}

// equal compares structurally: numbers by value, objects as sets of members (of duplicates the last), strings exactly
// or, if ci, by simple case folding. A number beyond the range of R7 makes the comparison undefined, unless something else differs.
func (e *env) equal(a, b event.Value, ci bool) (same, defined bool) {
	if !e.spend(1) {
		return false, false
	}
	if a.Kind != b.Kind {
		return false, !beyond(a) && !beyond(b)
	}
	switch a.Kind {
	case event.Undefined:
		return false, false
	case event.Bool:
		return a.Bool == b.Bool, true
	case event.Number:
		if x, ok := event.ParseDecimal(a.Text); ok {
			if y, ok := event.ParseDecimal(b.Text); ok {
				return x.Compare(y) == 0, true
			}
		}
		return false, false
	case event.String:
		if e.loops > 0 && !e.spend(len(a.Text)/64) {
			return false, false
		}
		if ci {
			return compareFold(a.Text, b.Text) == 0, true
		}
		return a.Text == b.Text, true
	case event.Array:
		if len(a.Items) != len(b.Items) {
			return false, true
		}
		same, defined = true, true
		for i := range a.Items {
			is, ok := e.equal(a.Items[i], b.Items[i], ci)
			if ok && !is {
				return false, true
			}
			defined = defined && ok
		}
		return same, defined
	case event.Object:
		return e.equalObjects(lastMembers(a.Members), lastMembers(b.Members), ci)
	}
	return true, true // null
}

func (e *env) equalObjects(a, b []event.Member, ci bool) (same, defined bool) {
	if len(a) != len(b) {
		return false, true
	}
	of := make(map[string]event.Value, len(b))
	for _, m := range b {
		of[m.Name] = m.Value
	}
	defined = true
	for _, m := range a {
		other, found := of[m.Name]
		if !found {
			return false, true
		}
		is, ok := e.equal(m.Value, other, ci)
		if ok && !is {
			return false, true
		}
		defined = defined && ok
	}
	return true, defined
}

func beyond(v event.Value) bool {
	if v.Kind != event.Number {
		return false
	}
	_, ok := event.ParseDecimal(v.Text)
	return !ok
}

// lastMembers drops the members that a later duplicate hides.
func lastMembers(members []event.Member) []event.Member {
	seen := make(map[string]int, len(members))
	for i, m := range members {
		seen[m.Name] = i
	}
	if len(seen) == len(members) {
		return members
	}
	kept := make([]event.Member, 0, len(seen))
	for i, m := range members {
		if seen[m.Name] == i {
			kept = append(kept, m)
		}
	}
	return kept
}

// order compares two numbers, or two strings by code point; nothing else has an order.
func order(a, b *value, ci bool) (c int, defined bool) {
	if a.Kind == event.String && b.Kind == event.String {
		if ci {
			return compareFold(a.Text, b.Text), true
		}
		return strings.Compare(a.Text, b.Text), true
	}
	x, ok := a.decimal()
	y, ok2 := b.decimal()
	if !ok || !ok2 {
		return 0, false
	}
	return x.Compare(y), true
}

// properties returns the user's properties of an event, names as the user gave them.
func properties(object event.Value) event.Value {
	out := event.Value{Kind: event.Object}
	for _, m := range object.Members {
		if reified[m.Name] {
			continue
		}
		if strings.HasPrefix(m.Name, "@@") {
			m.Name = m.Name[1:]
		}
		out.Members = append(out.Members, m)
	}
	return out
}

// tooBig says whether v as JSON may have more than maxResult bytes.
func tooBig(v event.Value) bool {
	left := maxResult
	var walk func(event.Value)
	walk = func(v event.Value) {
		left -= len(v.Text) + 8
		for i := 0; i < len(v.Items) && left >= 0; i++ {
			walk(v.Items[i])
		}
		for i := 0; i < len(v.Members) && left >= 0; i++ {
			left -= len(v.Members[i].Name) + 4
			walk(v.Members[i].Value)
		}
	}
	walk(v)
	return left < 0
}
