package exec

import (
	"strings"

	"github.com/stelehq/stele/internal/event"
)

// A builtIn is a name with @. One row of the table is all it takes to add one.
type builtIn struct {
	names []string // without @; the first is canonical, the others are CLEF's short names
	reads []string // raw members; nil: any
	eval  node
}

var builtIns = []builtIn{
	{[]string{"Timestamp", "t"}, []string{"@t"}, func(e *env) value { return decimalOf(ticksOf(e.row.Timestamp())) }},
	{[]string{"Level", "l"}, []string{"@l"}, level},
	{[]string{"Message", "m"}, nil, func(e *env) value { return stringOf(string(e.message.of(e.row))) }},
	{[]string{"MessageTemplate", "mt"}, []string{"@mt", "@m"}, messageTemplate},
	{[]string{"Exception", "x"}, []string{"@x"}, member("@x")},
	{[]string{"TraceId", "tr"}, []string{"@tr"}, member("@tr")},
	{[]string{"SpanId", "sp"}, []string{"@sp"}, member("@sp")},
	{[]string{"ParentId", "ps"}, []string{"@ps"}, member("@ps")},
	{[]string{"SpanKind", "sk"}, []string{"@sk"}, member("@sk")},
	{[]string{"Resource", "ra"}, []string{"@ra"}, member("@ra")},
	{[]string{"Scope", "sa"}, []string{"@sa"}, member("@sa")},
	{[]string{"Definitions", "d"}, []string{"@d"}, member("@d")},
	{[]string{"Start", "st"}, []string{"@st"}, func(e *env) value {
		if start, ok := spanStart(e); ok {
			return decimalOf(ticksOf(start))
		}
		return undefined
	}},
	{[]string{"Elapsed"}, []string{"@st", "@t"}, elapsed},
	{[]string{"EventType", "i"}, []string{"@i", "@mt", "@m"}, eventType},
	{[]string{"Id"}, []string{}, func(e *env) value { return stringOf(e.row.ID()) }},
	{[]string{"Arrived"}, []string{}, arrived},
	{[]string{"Properties", "p"}, nil, func(e *env) value { return given(properties(e.row.Object())) }},
	{[]string{"Data"}, nil, func(e *env) value { return given(e.row.Object()) }},
	{[]string{"Document"}, nil, func(e *env) value { return stringOf(string(e.row.Object().AppendJSON(nil))) }},
}

// reified are the members of an event that are no user properties.
var reified = map[string]bool{
	"@t": true, "@m": true, "@mt": true, "@l": true, "@x": true, "@i": true, "@r": true, "@tr": true, "@sp": true,
	"@ps": true, "@st": true, "@sk": true, "@ra": true, "@sa": true, "@d": true,
}

func findBuiltIn(name string) *builtIn {
	for i := range builtIns {
		for _, n := range builtIns[i].names {
			if n == name {
				return &builtIns[i]
			}
		}
	}
	return nil
}

// builtInNames are what a misspelled name may have meant.
func builtInNames() []string {
	names := make([]string, 0, len(builtIns))
	for _, b := range builtIns {
		names = append(names, b.names[0])
	}
	return names
}

// member is a reified member; null means the same as its absence, as in CLEF.
func member(raw string) node {
	path := []string{raw}
	return func(e *env) value {
		v := e.row.Lookup(path...)
		if v.Kind == event.Null {
			return undefined
		}
		return given(v)
	}
}

var levelPath = []string{"@l"} // an interface's variable arguments would be made anew for each event

func level(e *env) value {
	switch l := e.row.Lookup(levelPath...); {
	case l.Kind == event.Undefined, l.Kind == event.Null, l.Kind == event.String && l.Text == "":
		return stringOf(event.DefaultLevel)
	case l.Kind == event.String:
		return given(l)
	default:
		return stringOf(string(l.AppendDisplay(nil)))
	}
}

// messageTemplate: an event with @m alone has that text for a template, with its braces doubled.
func messageTemplate(e *env) value {
	if mt := e.row.Lookup("@mt"); mt.Kind == event.String {
		return given(mt)
	}
	if m := e.row.Lookup("@m"); m.Kind == event.String {
		return stringOf(strings.NewReplacer("{", "{{", "}", "}}").Replace(m.Text))
	}
	return stringOf("")
}

// eventType asks for three members only, so that a row need not build the rest.
func eventType(e *env) value {
	few := event.Value{Kind: event.Object}
	for _, name := range [...]string{"@i", "@mt", "@m"} {
		if v := e.row.Lookup(name); v.Kind != event.Undefined {
			few.Members = append(few.Members, event.Member{Name: name, Value: v})
		}
	}
	return decimalOf(event.DecimalOf(int64(event.EventType(few))))
}

func arrived(e *env) value { return arrivalNumber(e.row.Arrival()) }

func arrivalNumber(n uint64) value {
	return decimalOf(event.Decimal{Mid: uint32(n >> 32), Lo: uint32(n)})
}

func spanStart(e *env) (instant int64, ok bool) {
	v := e.row.Lookup("@st")
	if v.Kind != event.String {
		return 0, false
	}
	instant, _, err := event.ParseTime([]byte(v.Text))
	return instant, err == nil
}

func elapsed(e *env) value {
	start, ok := spanStart(e)
	if !ok {
		return undefined
	}
	d, ok := subtract(ticksOf(e.row.Timestamp()), ticksOf(start))
	if !ok {
		return undefined
	}
	return decimalOf(d)
}
