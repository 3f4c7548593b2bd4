package otlp

import (
	"encoding/base64"
	"encoding/hex"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// attribute is a KeyValue whose value is not yet read. Without a value it is null.
type attribute struct {
	key   []byte
	value part
	taken bool // it became a member of CLEF's and is no property
}

// attributes are a record's, in order, and which of them mean more to us: indexes into all, -1 if absent. Of
// two with the same key the last counts.
type attributes struct {
	all                                    []attribute
	template, renderings                   int // message_template.*, which Serilog's sink sends
	exceptionType, exceptionMessage, stack int // exception.*, of OpenTelemetry's semantic conventions
}

func (a *attributes) reset() {
	*a = attributes{all: a.all[:0], template: -1, renderings: -1, exceptionType: -1, exceptionMessage: -1, stack: -1}
}

// attribute reads a KeyValue and adds it to a.
func (m *mapper) attribute(a *attributes, raw []byte, at int) error {
	if m.tooMany(len(a.all)) {
		return m.tooLong()
	}
	one, err := readKeyValue(raw, at)
	if err != nil {
		return err
	}
	switch i := len(a.all); string(one.key) {
	case "message_template.text":
		a.template = i
	case "message_template.renderings":
		a.renderings = i
	case "exception.type":
		a.exceptionType = i
	case "exception.message":
		a.exceptionMessage = i
	case "exception.stacktrace":
		a.stack = i
	}
	a.all = append(a.all, one)
	return nil
}

func readKeyValue(raw []byte, at int) (attribute, error) {
	var one attribute
	// As nearly all are written: a short key, then the value.
	if len(raw) > 2 && raw[0] == 1<<3|byte(protowire.BytesType) && raw[1] < 0x80 {
		if end := 2 + int(raw[1]); len(raw) > end+1 && raw[end] == 2<<3|byte(protowire.BytesType) && int(raw[end+1]) == len(raw)-end-2 && raw[end+1] < 0x80 {
			one.key = raw[2:end]
			one.value = part{raw[end+2:], at + end + 2}
			return one, nil
		}
	}
	c := read(keyValue, raw, at)
	for c.next() {
		switch {
		case c.number == 1:
			one.key = c.bytes
		case one.value.raw != nil:
			return one, c.twice()
		default:
			one.value = part{c.bytes, c.from}
		}
	}
	return one, c.err
}

// text returns the i-th attribute's value if there is one and it is a string that is not empty.
func (a *attributes) text(i int) []byte {
	if i < 0 {
		return nil
	}
	v, err := readAny(a.all[i].value)
	if err != nil || v.number != 1 {
		return nil
	}
	return v.bytes
}

// members writes attributes as members. depth is how deep their values lie in the event: 1 for its own.
func (m *mapper) members(b *event.Builder, a *attributes, depth int) error {
	for i := range a.all {
		one := &a.all[i]
		if one.taken {
			continue
		}
		if len(one.key) > m.o.EventBytes {
			return m.tooLong()
		}
		if b == &m.b && depth == 1 {
			b.UserBytes(one.key)
		} else {
			b.InnerBytes(one.key)
		}
		if err := m.value(b, one.value, depth); err != nil {
			return err
		}
	}
	return nil
}

// readAny returns the one field of an AnyValue that counts; its number is 0 if it is empty.
func readAny(value part) (last field, err error) {
	// A short string alone, as most are.
	if raw := value.raw; len(raw) > 1 && raw[0] == 1<<3|byte(protowire.BytesType) && raw[1] < 0x80 && int(raw[1]) == len(raw)-2 {
		return field{number: 1, bytes: raw[2:], from: value.at + 2}, nil
	}
	c := read(anyValue, value.raw, value.at)
	for c.next() {
		if c.number == last.number && (c.number == 5 || c.number == 6) {
			return last, c.twice()
		}
		last = c.field
	}
	return last, c.err
}

// value writes an AnyValue that lies so deep.
func (m *mapper) value(b *event.Builder, value part, depth int) error {
	v, err := readAny(value)
	if err != nil {
		return err
	}
	switch v.number {
	case 0:
		b.Null()
	case 1:
		if len(v.bytes) > m.o.EventBytes {
			return m.tooLong()
		}
		b.String(v.bytes)
	case 2:
		b.Bool(v.bits != 0)
	case 3:
		b.Int(int64(v.bits))
	case 4:
		b.Float(math.Float64frombits(v.bits))
	case 5:
		err = m.array(b, v.bytes, v.from, depth)
	case 6:
		err = m.object(b, v.bytes, v.from, depth)
	case 7:
		if len(v.bytes) > m.o.EventBytes {
			return m.tooLong()
		}
		m.scratch = base64.StdEncoding.AppendEncode(m.scratch[:0], v.bytes)
		b.String(m.scratch)
	}
	if err != nil {
		return err
	}
	return m.room(b)
}

func tooDeep() error {
	return fault.New(fault.Invalid, "", "a value nests deeper than an event may: %d levels", event.MaxDepth)
}

func (m *mapper) array(b *event.Builder, raw []byte, at, depth int) error {
	if depth >= event.MaxDepth {
		return tooDeep()
	}
	b.Open('[')
	c := read(arrayValue, raw, at)
	for c.next() {
		if err := m.value(b, part{c.bytes, c.from}, depth+1); err != nil {
			return err
		}
	}
	b.Close(']')
	return c.err
}

func (m *mapper) object(b *event.Builder, raw []byte, at, depth int) error {
	if depth >= event.MaxDepth {
		return tooDeep()
	}
	b.Open('{')
	c := read(keyValueList, raw, at)
	for c.next() {
		one, err := readKeyValue(c.bytes, c.from)
		if err != nil {
			return err
		}
		if len(one.key) > m.o.EventBytes {
			return m.tooLong()
		}
		b.InnerBytes(one.key)
		if err := m.value(b, one.value, depth+1); err != nil {
			return err
		}
	}
	b.Close('}')
	return c.err
}

// id writes a trace's or span's id as hex. Nothing, or all zeros, is none.
func (m *mapper) id(name string, id []byte) {
	for _, b := range id {
		if b != 0 {
			m.scratch = hex.AppendEncode(m.scratch[:0], id[:min(len(id), m.o.EventBytes)])
			m.b.Name(name).String(m.scratch)
			return
		}
	}
}
