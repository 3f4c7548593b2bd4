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
	var (
		traceID, spanID, parentID, state, name []byte
		kind                                   int32
		start, end, flags                      uint64
		droppedAttributes, droppedEvents       uint64
		droppedLinks                           uint64
		status                                 part
		attrs                                  = &m.attributes
	)
	attrs.reset()
	events, links := m.lists[0][:0], m.lists[1][:0]
	c := read(span, raw, at)
	for c.next() {
		switch c.number {
		case 1:
			traceID = c.bytes
		case 2:
			spanID = c.bytes
		case 3:
			state = c.bytes
		case 4:
			parentID = c.bytes
		case 5:
			name = c.bytes
		case 6:
			kind = int32(c.bits)
		case 7:
			start = c.bits
		case 8:
			end = c.bits
		case 9:
			if err := m.attribute(attrs, c.bytes, c.from); err != nil {
				return err
			}
		case 10:
			droppedAttributes = uint64(uint32(c.bits))
		case 11:
			if events = append(events, part{c.bytes, c.from}); m.tooMany(len(events)) {
				return m.tooLong()
			}
		case 12:
			droppedEvents = uint64(uint32(c.bits))
		case 13:
			if links = append(links, part{c.bytes, c.from}); m.tooMany(len(links)) {
				return m.tooLong()
			}
		case 14:
			droppedLinks = uint64(uint32(c.bits))
		case 15:
			if status.raw != nil {
				return c.twice()
			}
			status = part{c.bytes, c.from}
		case 16:
			flags = c.bits
		}
	}
	m.lists = [2][]part{events, links}
	if c.err != nil {
		return c.err
	}
	code, statusMessage, err := readStatus(status)
	if err != nil {
		return err
	}
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
	m.optional(b, "@m", name)
	if err := m.spanException(events); err != nil {
		return err
	}
	m.id("@tr", traceID)
	m.id("@sp", spanID)
	m.id("@ps", parentID)
	m.kind(kind)
	m.optional(b, "trace_state", state)
	m.status(code, statusMessage)
	count(b, "flags", flags)
	count(b, "dropped_attributes_count", droppedAttributes)
	if err := m.spanEvents(events); err != nil {
		return err
	}
	count(b, "dropped_events_count", droppedEvents)
	if err := m.spanLinks(links); err != nil {
		return err
	}
	count(b, "dropped_links_count", droppedLinks)
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

func readStatus(status part) (code int32, message []byte, err error) {
	c := read(spanStatus, status.raw, status.at)
	for c.next() {
		if c.number == 2 {
			message = c.bytes
		} else {
			code = int32(c.bits)
		}
	}
	return code, message, c.err
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
		m.inner.reset()
		c := read(spanEvent, e.raw, e.at)
		for c.next() {
			if c.number == 3 {
				if err := m.attribute(&m.inner, c.bytes, c.from); err != nil {
					return err
				}
			}
		}
		if c.err != nil {
			return c.err
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
		var time, dropped uint64
		var name []byte
		m.inner.reset()
		c := read(spanEvent, e.raw, e.at)
		for c.next() {
			switch c.number {
			case 1:
				time = c.bits
			case 2:
				name = c.bytes
			case 3:
				if err := m.attribute(&m.inner, c.bytes, c.from); err != nil {
					return err
				}
			case 4:
				dropped = uint64(uint32(c.bits))
			}
		}
		if c.err != nil {
			return c.err
		}
		b.Open('{')
		if time != 0 {
			b.Name("time")
			m.time(time)
		}
		m.optional(b, "name", name)
		if err := m.innerAttributes(dropped); err != nil {
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
		var traceID, spanID, state []byte
		var dropped, flags uint64
		m.inner.reset()
		c := read(spanLink, l.raw, l.at)
		for c.next() {
			switch c.number {
			case 1:
				traceID = c.bytes
			case 2:
				spanID = c.bytes
			case 3:
				state = c.bytes
			case 4:
				if err := m.attribute(&m.inner, c.bytes, c.from); err != nil {
					return err
				}
			case 5:
				dropped = uint64(uint32(c.bits))
			case 6:
				flags = c.bits
			}
		}
		if c.err != nil {
			return c.err
		}
		b.Open('{')
		m.id("trace_id", traceID)
		m.id("span_id", spanID)
		m.optional(b, "trace_state", state)
		count(b, "flags", flags)
		if err := m.innerAttributes(dropped); err != nil {
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
