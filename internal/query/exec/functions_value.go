package exec

import (
	"fmt"
	"math"
	"strconv"

	"github.com/stelehq/stele/internal/event"
)

// Functions of values of any type and of numbers.

// coalesce gives the first argument that is defined and not null, else the last.
func coalesce(_ *env, c *call) value {
	last := undefined
	for _, v := range c.args {
		if last = v; v.Kind != event.Undefined && v.Kind != event.Null {
			return v
		}
	}
	return last
}

func keys(_ *env, c *call) value {
	if c.args[0].Kind != event.Object {
		return undefined
	}
	out := event.Value{Kind: event.Array}
	for _, m := range lastMembers(c.args[0].Members) {
		out.Items = append(out.Items, event.StringValue(m.Name))
	}
	return given(out)
}

func values(_ *env, c *call) value {
	if c.args[0].Kind != event.Object {
		return undefined
	}
	out := event.Value{Kind: event.Array}
	for _, m := range lastMembers(c.args[0].Members) {
		out.Items = append(out.Items, m.Value)
	}
	return given(out)
}

func toJSON(e *env, c *call) value {
	v := c.args[0].final()
	if v.Kind == event.Undefined || tooBig(v) {
		return undefined
	}
	text := stringOf(string(v.AppendJSON(nil)))
	if !e.charge(&text) || !e.grow(len(text.Text)) {
		return undefined
	}
	return text
}

func some(e *env, c *call) value  { return c.quantify(e, true) }
func every(e *env, c *call) value { return c.quantify(e, false) }

// quantify looks for an element of which the lambda is, or is not, true.
func (c *call) quantify(e *env, sought bool) value {
	n, at := elements(c.args[0].Value)
	if n < 0 {
		return undefined
	}
	e.loops++
	defer func() { e.loops-- }()
	for i := range n {
		if !e.spend(c.cost) {
			return undefined
		}
		e.locals[c.local] = given(at(i))
		if v := c.body(e); v.isTrue() == sought {
			return boolOf(sought)
		}
	}
	return boolOf(!sought)
}

func arrivedOf(_ *env, c *call) value {
	if c.args[0].Kind != event.String {
		return undefined
	}
	key, err := event.ParseKey(c.args[0].Text)
	if err != nil {
		return undefined
	}
	return arrivalNumber(key.Arrival())
}

func toEventType(_ *env, c *call) value {
	if c.args[0].Kind != event.String {
		return undefined
	}
	return decimalOf(event.DecimalOf(int64(event.HashTemplate(c.args[0].Text))))
}

// toHexString drops decimals; the sign of a negative number stands before 0x.
func toHexString(_ *env, c *call) value {
	d, ok := c.args[0].decimal()
	if !ok {
		return undefined
	}
	m := mantissaOf(d)
	m.Quo(m, pow10(int(d.Scale)))
	return stringOf(fmt.Sprintf("%#x", m))
}

// bucket goes through binary64 at 15 digits, as powers do (R7). Bucket i holds what is over g^(i-1) and at most g^i, with
// g = (1+err)/(1-err): no value in it is further from its middle than the fraction err of the value, as in DDSketch (Masson, Rim, Lee, 2019).
func bucket(_ *env, c *call) value {
	d, ok := c.args[0].decimal()
	maxError := 0.01
	if c.args[1].Kind != event.Undefined {
		e, isNumber := c.args[1].decimal()
		maxError, ok = e.Float64(), ok && isNumber
	}
	if !ok || maxError <= 0 || maxError >= 1 {
		return undefined
	}
	if d.IsZero() {
		return intOf(0)
	}
	g := (1 + maxError) / (1 - maxError)
	i := math.Ceil(math.Log(math.Abs(d.Float64())) / math.Log(g))
	middle := math.Pow(g, i) * 2 / (1 + g)
	out, ok := event.ParseDecimal(strconv.FormatFloat(middle, 'e', 14, 64))
	if d.Neg {
		out = negate(out)
	}
	return defined(out.Normalized(), ok)
}

func fromJSON(e *env, c *call) value {
	if c.args[0].Kind != event.String || e.loops > 0 && !e.spend(len(c.args[0].Text)/8) {
		return undefined
	}
	v, err := event.ParseValue([]byte(c.args[0].Text))
	if err != nil {
		return undefined
	}
	return given(v)
}

func roundTo(_ *env, c *call) value {
	d, ok := c.args[0].decimal()
	places, whole := c.args[1].int()
	if !ok || !whole || places < 0 || places > event.MaxScale {
		return undefined
	}
	return decimalOf(round(d, places))
}

func defined(d event.Decimal, ok bool) value {
	if !ok {
		return undefined
	}
	return decimalOf(d)
}

func typeOf(_ *env, c *call) value {
	if c.args[0].Kind == event.Bool {
		return stringOf("boolean")
	}
	return stringOf(c.args[0].Kind.String())
}
