package exec

import "github.com/stelehq/stele/internal/event"

// Functions of values of any type, of numbers, and of times.

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

func toJSON(_ *env, c *call) value {
	v := c.args[0].final()
	if v.Kind == event.Undefined || tooBig(v) {
		return undefined
	}
	return stringOf(string(v.AppendJSON(nil)))
}

func fromJSON(_ *env, c *call) value {
	if c.args[0].Kind != event.String {
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

func dateTime(_ *env, c *call) value {
	if c.args[0].Kind != event.String {
		return undefined
	}
	return defined(parseDateTime(c.args[0].Text))
}

func timeSpan(_ *env, c *call) value {
	if c.args[0].Kind != event.String {
		return undefined
	}
	return defined(parseTimeSpan(c.args[0].Text))
}

func defined(d event.Decimal, ok bool) value {
	if !ok {
		return undefined
	}
	return decimalOf(d)
}

func toISOString(_ *env, c *call) value {
	ticks, ok := c.args[0].decimal()
	offset := event.Decimal{}
	if c.args[1].Kind != event.Undefined {
		var whole bool
		offset, whole = c.args[1].decimal()
		ok = ok && whole
	}
	if !ok {
		return undefined
	}
	s, ok := isoText(ticks, offset)
	if !ok {
		return undefined
	}
	return stringOf(s)
}

// totalMilliseconds takes ticks, or text as TimeSpan takes it.
func totalMilliseconds(_ *env, c *call) value {
	ticks, ok := c.args[0].decimal()
	if c.args[0].Kind == event.String {
		ticks, ok = parseTimeSpan(c.args[0].Text)
	}
	if !ok {
		return undefined
	}
	return defined(divide(ticks, event.DecimalOf(10_000)))
}

func typeOf(_ *env, c *call) value {
	if c.args[0].Kind == event.Bool {
		return stringOf("boolean")
	}
	return stringOf(c.args[0].Kind.String())
}
