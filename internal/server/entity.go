package server

import (
	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
)

// An event in the shape that Seq's clients read.
//
//	{"Id":"event-…","Timestamp":"…Z","Start"?,"Properties":[{"Name","Value"},…],
//	 "MessageTemplateTokens":[{"Text"} | {"PropertyName","RawText","FormattedValue"?},…],
//	 "EventType":"$XXXXXXXX","Level":"…","Exception"?,"RenderedMessage"?,"TraceId"?,"SpanId"?,"ParentId"?,
//	 "SpanKind"?,"Resource"?:[{"Name","Value"}],"Scope"?,"Elapsed"?,"Definitions"?,"Links":{"Self","Group"}}

// reified are the members of CLEF that the entity has fields for; every other member is a property.
var reified = map[string]bool{
	"@t": true, "@m": true, "@mt": true, "@l": true, "@x": true, "@i": true, "@r": true, "@tr": true, "@sp": true,
	"@ps": true, "@st": true, "@sk": true, "@ra": true, "@sa": true, "@d": true,
}

// textFields are members given back as they are, if they are there and not null.
var textFields = []struct{ clef, name string }{
	{"@x", "Exception"}, {"@tr", "TraceId"}, {"@sp", "SpanId"}, {"@ps", "ParentId"}, {"@sk", "SpanKind"},
}

// appendEntity appends e. Properties keep their order, duplicates and number texts (R6); @@ at the start of a
// name is one @ again.
func appendEntity(dst []byte, e *stele.Event, render bool) []byte {
	v, key := e.Value(), e.Key()
	id := key.String()
	dst = append(dst, `{"Id":"`...)
	dst = append(dst, id...)
	dst = append(dst, `","Timestamp":"`...)
	dst = event.AppendTime(dst, key.Instant())
	dst = append(dst, '"')
	start, isSpan := spanStart(v)
	if isSpan {
		dst = append(dst, `,"Start":"`...)
		dst = append(event.AppendTime(dst, start), '"')
	}
	dst = append(dst, `,"Properties":[`...)
	dst = appendProperties(dst, v)
	dst = append(dst, `],"MessageTemplateTokens":[`...)
	dst = appendTokens(dst, v)
	dst = append(dst, `],"EventType":"`...)
	dst = append(dst, event.EventTypeText(event.EventType(v))...)
	dst = append(dst, `","Level":`...)
	dst = event.AppendText(dst, e.Level())
	for _, f := range textFields {
		if m := v.Get(f.clef); m.Kind != event.Undefined && m.Kind != event.Null {
			dst = appendName(dst, f.name)
			dst = m.AppendJSON(dst)
		}
	}
	if render {
		dst = event.AppendText(appendName(dst, "RenderedMessage"), e.Message())
	}
	dst = appendPairs(dst, "Resource", v.Get("@ra"))
	dst = appendPairs(dst, "Scope", v.Get("@sa"))
	if isSpan {
		dst = append(appendName(dst, "Elapsed"), '"')
		dst = append(appendTimeSpan(dst, key.Instant(), start), '"')
	}
	if d := v.Get("@d"); d.Kind != event.Undefined && d.Kind != event.Null {
		dst = d.AppendJSON(appendName(dst, "Definitions"))
	}
	dst = append(dst, `,"Links":{"Self":"api/events/`...)
	dst = append(dst, id...)
	return append(dst, `{?render,permalinkId}","Group":"api/events/resources"}}`...)
}

// appendName begins another member; name needs no escapes.
func appendName(dst []byte, name string) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

func appendProperties(dst []byte, v event.Value) []byte {
	first := true
	for _, m := range v.Members {
		name := m.Name
		switch {
		case reified[name]:
			continue
		case len(name) > 1 && name[0] == '@' && name[1] == '@':
			name = name[1:]
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = appendPair(dst, name, m.Value)
	}
	return dst
}

func appendPair(dst []byte, name string, v event.Value) []byte {
	dst = event.AppendText(append(dst, `{"Name":`...), name)
	return append(v.AppendJSON(append(dst, `,"Value":`...)), '}')
}

// appendPairs appends an object's members as a list of names and values; absent if it is no object.
func appendPairs(dst []byte, name string, v event.Value) []byte {
	if v.Kind != event.Object {
		return dst
	}
	dst = append(appendName(dst, name), '[')
	for i, m := range v.Members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendPair(dst, m.Name, m.Value)
	}
	return append(dst, ']')
}

// appendTokens appends the message's parts. A hole with a format or an alignment carries its text, which only the
// writer may have known (@r); other holes are filled from Properties by whoever shows them.
func appendTokens(dst []byte, v event.Value) []byte {
	tokens, filled := event.MessageParts(v)
	for i, t := range tokens {
		if i > 0 {
			dst = append(dst, ',')
		}
		if t.Name == "" {
			dst = append(event.AppendText(append(dst, `{"Text":`...), t.Text), '}')
			continue
		}
		dst = event.AppendText(append(dst, `{"PropertyName":`...), t.Name)
		dst = event.AppendText(append(dst, `,"RawText":`...), t.Text)
		if t.Format != "" || t.Align != 0 {
			dst = event.AppendText(append(dst, `,"FormattedValue":`...), filled[i])
		}
		dst = append(dst, '}')
	}
	return dst
}

// spanStart is the instant of @st, whose presence makes an event a span.
func spanStart(v event.Value) (instant int64, ok bool) {
	st := v.Get("@st")
	if st.Kind != event.String {
		return 0, false
	}
	instant, _, err := event.ParseTime([]byte(st.Text))
	return instant, err == nil
}

// appendTimeSpan appends to-from as .NET's TimeSpan does: [-][d.]hh:mm:ss[.fffffff].
func appendTimeSpan(dst []byte, to, from int64) []byte {
	ns := uint64(to) - uint64(from) // the difference may not fit in int64; it does in uint64
	if to < from {
		dst = append(dst, '-')
		ns = uint64(from) - uint64(to)
	}
	seconds, ticks := ns/1e9, ns%1e9/100
	if days := seconds / 86400; days > 0 {
		dst = append(appendDigits(dst, days, 1), '.')
	}
	dst = append(appendDigits(dst, seconds/3600%24, 2), ':')
	dst = append(appendDigits(dst, seconds/60%60, 2), ':')
	dst = appendDigits(dst, seconds%60, 2)
	if ticks > 0 {
		dst = appendDigits(append(dst, '.'), ticks, 7)
	}
	return dst
}

// appendDigits appends n in decimal with at least width digits.
func appendDigits(dst []byte, n uint64, width int) []byte {
	if n >= 10 || width > 1 {
		dst = appendDigits(dst, n/10, width-1)
	}
	return append(dst, byte('0'+n%10))
}
