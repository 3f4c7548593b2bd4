package otlp

import (
	"github.com/stelehq/stele/internal/event"
)

// span makes an event of a Span. https://opentelemetry.io/docs/specs/otel/trace/api/#span
//
//	end, else start, else arrival        @t
//	start                                @st
//	name                                 @m         with message_template.text as @mt
//	status                               status     @l is Error if it is an error, else absent
//	exceptions among events, attributes  @x
//	trace, span, parent id               @tr, @sp, @ps
//	kind                                 @sk
//	attributes                           properties under their own names
//	what else there is                   properties under their names in the protocol
func (m *mapper) span(raw []byte, at int) error {
	attrs := &m.attributes
	m.clear(outerList, linkList)
	var f, status fields
	if err := m.collect(&f, span, part{raw, at}, attrs); err != nil {
		return err
	}
	if err := m.collect(&status, spanStatus, f.part(15), nil); err != nil {
		return err
	}
	start, end, code := f[7].bits, f[8].bits, int32(status[3].bits)
	events, links := m.lists[outerList], m.lists[linkList]
	switch {
	case end != 0:
	case start != 0:
		end = start
	default:
		end = uint64(max(m.o.Arrival, 0))
	}
	b := &m.b
	m.begin(end)
	if start != 0 {
		b.Name("@st")
		m.time(start)
	}
	if code == statusError {
		b.Name("@l").Text(event.RankError.String())
	}
	m.template()
	m.optional(b, "@m", f[5].bytes)
	if err := m.spanException(events); err != nil {
		return err
	}
	m.id("@tr", f[1].bytes)
	m.id("@sp", f[2].bytes)
	m.id("@ps", f[4].bytes)
	m.kind(int32(f[6].bits))
	m.optional(b, "trace_state", f[3].bytes)
	m.status(code, status[2].bytes)
	count(b, "flags", f[16].bits)
	count(b, "dropped_attributes_count", f[10].bits)
	if err := m.spanEvents(events); err != nil {
		return err
	}
	count(b, "dropped_events_count", f[12].bits)
	if err := m.spanLinks(links); err != nil {
		return err
	}
	count(b, "dropped_links_count", f[14].bits)
	if err := m.room(b); err != nil {
		return err
	}
	if err := m.members(b, attrs, 1); err != nil {
		return err
	}
	return m.add()
}

// kind writes @sk. A kind that has no name is kept as a number.
func (m *mapper) kind(kind int32) {
	names := [...]string{1: "Internal", 2: "Server", 3: "Client", 4: "Producer", 5: "Consumer"}
	switch {
	case kind >= 1 && int(kind) < len(names):
		m.b.Name("@sk").Text(names[kind])
	case kind != 0:
		m.b.Name("kind").Int(int64(kind))
	}
}

// status writes the property status, {"code":"Ok"|"Error","message":...}, unless it is unset.
func (m *mapper) status(code int32, message []byte) {
	if code == 0 && len(message) == 0 {
		return
	}
	b := &m.b
	b.Name("status").Open('{')
	switch code {
	case 0:
	case statusOK:
		b.Name("code").Text("Ok")
	case statusError:
		b.Name("code").Text("Error")
	default:
		b.Name("code").Int(int64(code))
	}
	m.optional(b, "message", message)
	b.Close('}')
}

// spanException writes @x: the exceptions that events tell of, in order, or else the attributes' one.
func (m *mapper) spanException(events []part) error {
	m.scratch = m.scratch[:0]
	for _, e := range events {
		var f fields
		if err := m.collect(&f, spanEvent, e, &m.inner); err != nil {
			return err
		}
		m.scratch = m.exception(m.scratch, &m.inner)
		if len(m.scratch) > m.o.EventBytes {
			return m.tooLong()
		}
	}
	if len(m.scratch) == 0 {
		m.scratch = m.exception(m.scratch, &m.attributes)
	}
	if len(m.scratch) > 0 {
		m.b.Name("@x").String(m.scratch)
	}
	return nil
}

// spanEvents writes the property events: [{"time":"...","name":"...","attributes":{...}},...].
func (m *mapper) spanEvents(events []part) error {
	if len(events) == 0 {
		return nil
	}
	b := &m.b
	b.Name("events").Open('[')
	for _, e := range events {
		var f fields
		if err := m.collect(&f, spanEvent, e, &m.inner); err != nil {
			return err
		}
		b.Open('{')
		if time := f[1].bits; time != 0 {
			b.Name("time")
			m.time(time)
		}
		m.optional(b, "name", f[2].bytes)
		if err := m.innerAttributes(f[4].bits); err != nil {
			return err
		}
		b.Close('}')
	}
	b.Close(']')
	return nil
}

// spanLinks writes the property links: [{"trace_id":"...","span_id":"...","attributes":{...}},...].
func (m *mapper) spanLinks(links []part) error {
	if len(links) == 0 {
		return nil
	}
	b := &m.b
	b.Name("links").Open('[')
	for _, l := range links {
		var f fields
		if err := m.collect(&f, spanLink, l, &m.inner); err != nil {
			return err
		}
		b.Open('{')
		m.id("trace_id", f[1].bytes)
		m.id("span_id", f[2].bytes)
		m.optional(b, "trace_state", f[3].bytes)
		count(b, "flags", f[6].bits)
		if err := m.innerAttributes(f[5].bits); err != nil {
			return err
		}
		b.Close('}')
	}
	b.Close(']')
	return nil
}

// innerAttributes writes what events and links have alike.
func (m *mapper) innerAttributes(dropped uint64) error {
	b := &m.b
	count(b, "dropped_attributes_count", dropped)
	if len(m.inner.all) > 0 {
		b.Name("attributes").Open('{')
		if err := m.members(b, &m.inner, 4); err != nil { // event, list, its element, attributes
			return err
		}
		b.Close('}')
	}
	return m.room(b)
}
