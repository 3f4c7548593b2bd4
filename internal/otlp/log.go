package otlp

import (
	"bytes"

	"github.com/stelehq/stele/internal/event"
)

// log makes an event of a LogRecord. https://opentelemetry.io/docs/specs/otel/logs/data-model/
//
//	time, else observed time, else arrival  @t
//	severity text, else number              @l         severity_number if it says more
//	body, a string                          @m         another body: body, and as text @m
//	trace and span id                       @tr, @sp
//	exception.* among the attributes        @x
//	message_template.*                      @mt, @r
//	attributes                              properties under their own names
//	what else there is                      properties under their names in the protocol
//
// Of two properties with one name the last counts (R6): attributes come last, and so hide none of their own.
func (m *mapper) log(raw []byte, at int) error {
	attrs := &m.attributes
	var f fields
	if err := m.collect(&f, logRecord, part{raw, at}, attrs); err != nil {
		return err
	}
	time, observed := f[1].bits, f[11].bits
	number, text := int32(f[2].bits), f[3].bytes
	body, name := f.part(5), f[12].bytes
	switch {
	case time != 0:
	case observed != 0:
		time = observed
	default:
		time = uint64(max(m.o.Arrival, 0))
	}
	b := &m.b
	m.begin(time)
	more := m.level(number, text)
	structured, err := m.message(body, name)
	if err != nil {
		return err
	}
	if m.scratch = m.exception(m.scratch[:0], attrs); len(m.scratch) > 0 {
		b.Name("@x").String(m.scratch)
	}
	m.id("@tr", f[9].bytes)
	m.id("@sp", f[10].bytes)
	if more {
		b.Name("severity_number").Int(int64(number))
	}
	m.optional(b, "event_name", name)
	if observed != 0 && observed != time {
		b.Name("observed_time")
		m.time(observed)
	}
	count(b, "flags", f[8].bits)
	count(b, "dropped_attributes_count", f[7].bits)
	if structured {
		b.Name("body")
		if err := m.value(b, body, 1); err != nil {
			return err
		}
	}
	if err := m.room(b); err != nil {
		return err
	}
	if err := m.members(b, attrs, 1); err != nil {
		return err
	}
	return m.add()
}

// firstSeverity is the lowest severity number of each rank; three finer ones follow it.
var firstSeverity = [...]int32{
	event.RankVerbose: 1, event.RankDebug: 5, event.RankInformation: 9, event.RankWarning: 13, event.RankError: 17, event.RankFatal: 21,
}

// level writes @l: the text as sent, or the number's name. It tells whether the number says more than that.
func (m *mapper) level(number int32, text []byte) (more bool) {
	known := number >= 1 && number <= 24
	if len(text) == 0 {
		if !known {
			return number != 0
		}
		rank := event.RankVerbose + event.Rank((number-1)/4)
		m.b.Name("@l").Text(rank.String())
		return number != firstSeverity[rank]
	}
	m.optional(&m.b, "@l", text)
	if number == 0 {
		return false
	}
	if len(text) > 16 { // longer than any level's name
		return true
	}
	rank := event.LevelRank(string(text))
	if rank == event.RankUnknown {
		return true
	}
	named := firstSeverity[rank]
	if last := text[len(text)-1]; last >= '1' && last <= '4' {
		named += int32(last - '1')
	}
	return number != named
}

// message writes @mt, @m and @r. It tells whether the body holds what @m alone does not. A record without a text is
// called by its event's name, if it has one.
func (m *mapper) message(body part, eventName []byte) (structured bool, err error) {
	v, err := readAny(body)
	if err != nil {
		return false, err
	}
	m.template()
	b := &m.b
	switch {
	case v.number == 1:
		m.textMember("@m", v.bytes)
		return false, m.room(b)
	case len(eventName) > 0:
		m.optional(b, "@m", eventName)
	case v.number != 0:
		m.text.Truncate(0)
		if err := m.value(&m.text, body, 1); err != nil {
			return false, err
		}
		if text := m.text.Bytes(); text[0] == '"' { // bytes, or a number that JSON has none for
			b.Name("@m").Raw(text)
		} else {
			b.Name("@m").String(text)
		}
	}
	return v.number != 0, m.room(b)
}

// textMember writes a string that may be empty.
func (m *mapper) textMember(name string, value []byte) {
	m.b.Name(name).String(value[:min(len(value), m.o.EventBytes+1)])
}

// template writes @mt and @r of the attributes that Serilog's sink sends them in; these are then no properties.
func (m *mapper) template() {
	a := &m.attributes
	template := a.text(a.template)
	if len(template) == 0 {
		return
	}
	m.textMember("@mt", template)
	a.all[a.template].taken = true
	if a.renderings < 0 {
		return
	}
	v, err := readAny(a.all[a.renderings].value)
	if err != nil || v.number != 5 || !allStrings(v.bytes) {
		return
	}
	before := m.b.Len()
	m.b.Name("@r")
	if m.array(&m.b, v.bytes, v.from, 1) != nil {
		m.b.Truncate(before)
		return
	}
	a.all[a.renderings].taken = true
}

// allStrings tells whether an ArrayValue holds strings alone.
func allStrings(raw []byte) bool {
	c := read(arrayValue, raw, 0)
	for c.next() {
		if v, err := readAny(part{c.bytes, 0}); err != nil || v.number != 1 {
			return false
		}
	}
	return c.err == nil
}

// exception appends the text of @x that the attributes make up, after what dst has: the stack trace, with type and message
// in front if it does not tell them itself.
func (m *mapper) exception(dst []byte, a *attributes) []byte {
	kind, message, stack := a.text(a.exceptionType), a.text(a.exceptionMessage), a.text(a.stack)
	if len(kind)+len(message)+len(stack) == 0 {
		return dst
	}
	if len(dst) > 0 {
		dst = append(dst, '\n')
	}
	head := message
	if len(head) == 0 {
		head = kind
	}
	if len(stack) > 0 && bytes.Contains(stack, head) {
		return append(dst, stack...)
	}
	if dst = append(dst, kind...); len(kind) > 0 && len(message) > 0 {
		dst = append(dst, ": "...)
	}
	dst = append(dst, message...)
	if len(stack) > 0 {
		dst = append(append(dst, '\n'), stack...)
	}
	return dst
}
