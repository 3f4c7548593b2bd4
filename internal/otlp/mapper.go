package otlp

import (
	"errors"
	"math"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
)

// A mapper makes events of one request's records. It holds the buffers that all of them share.
type mapper struct {
	adder  ingest.Adder
	o      ingest.PayloadOptions
	signal *signal
	p      ingest.Payload
	rest   rest

	place    int   // of the record, from 1
	groupErr error // why no record of the resource group can be taken
	scopeErr error // why no record of the scope group can be taken

	resource event.Builder // @ra of the group, nothing if it has none
	scope    event.Builder // @sa

	b          event.Builder     // the event
	text       event.Builder     // a value as text
	attributes attributes        // of the record
	inner      attributes        // of a span's event or link
	lists      [listCount][]part // of the record, by fieldType.list
	record     []byte            // one that came in JSON, in protobuf
	scratch    []byte
}

// part is a message inside a record, and where it lies in the request.
type part struct {
	raw []byte
	at  int
}

func newMapper(b ingest.Adder, o ingest.PayloadOptions, s *signal) *mapper {
	return &mapper{adder: b, o: o, signal: s}
}

// errEnough ends a walk after a refusal that ends the payload.
var errEnough = errors.New("enough")

// result ends a walk.
func (m *mapper) result(err error) (ingest.Payload, error) {
	if err == errEnough {
		err = nil
	}
	m.p.Rest = m.rest.whole()
	return m.p, err
}

// take makes an event of a record, in protobuf; asSent is what the request holds of it. The error ends the walk.
func (m *mapper) take(raw []byte, at int, asSent []byte) error {
	m.place++
	err := m.groupErr
	if err == nil {
		err = m.scopeErr
	}
	if err == nil {
		err = m.signal.record(m, raw, at)
	}
	if err == nil {
		m.p.Events++
		return nil
	}
	return m.refuse(err, asSent)
}

// refuse notes that the record at m.place is not taken.
func (m *mapper) refuse(err error, asSent []byte) error {
	if whole := m.o.BeyondEvent(err, m.b.Len()); whole != nil {
		return whole
	}
	m.rest.add(asSent)
	if !m.p.Refuse(m.place, err, &m.o) {
		return errEnough
	}
	return nil
}

// begin starts an event at nanoseconds since 1970. Beyond the year 2262 the text says more than the instant can (R3).
func (m *mapper) begin(nanos uint64) {
	if nanos <= math.MaxInt64 {
		m.b.Begin(int64(nanos))
		return
	}
	m.b.Begin(0)
	m.b.Truncate(1)
	m.b.Name("@t")
	m.time(nanos)
}

// time writes an instant as a string.
func (m *mapper) time(nanos uint64) {
	if nanos <= math.MaxInt64 {
		m.b.Time(int64(nanos))
		return
	}
	const second = uint64(time.Second)
	m.b.Text(time.Unix(int64(nanos/second), int64(nanos%second)).UTC().Format(time.RFC3339Nano))
}

// add ends the event and adds it to the batch.
func (m *mapper) add() error {
	size := m.b.Len() + len(`,"@ra":,"@sa":}`) + m.resource.Len() + m.scope.Len()
	if size > m.o.EventBytes {
		return m.tooLong()
	}
	if m.resource.Len() > 0 {
		m.b.Name("@ra").Raw(m.resource.Bytes())
	}
	if m.scope.Len() > 0 {
		m.b.Name("@sa").Raw(m.scope.Bytes())
	}
	return m.adder.AddCLEF(m.b.End())
}

// tooLong is the record's fault, not the request's.
func (m *mapper) tooLong() error {
	return fault.New(fault.Invalid, "", "the event, with resource and scope, is over the limit of %d bytes", m.o.EventBytes)
}

// room refuses what is being written when no event can hold it any more.
func (m *mapper) room(b *event.Builder) error {
	if b.Len() > m.o.EventBytes {
		return m.tooLong()
	}
	return nil
}

// tooMany tells whether no event can hold so many objects, or members: the shortest are {}, with a comma. What is only noted while
// a record is read must not grow with the request, which may be of nothing but fields of two bytes.
func (m *mapper) tooMany(n int) bool { return n > m.o.EventBytes/len("{},") }

// fields are what a message says once, by number: of several values the last.
type fields [17]field

func (f *fields) part(number int) part { return part{f[number].bytes, f[number].from} }

// collect reads a message: what it says once into f, its attributes into a; its other lists are added to m.lists.
func (m *mapper) collect(f *fields, t messageType, p part, a *attributes) error {
	if a != nil {
		a.reset()
	}
	c := read(t, p.raw, p.at)
	for c.next() {
		switch one := c.known; {
		case one.repeated && one.of == keyValue:
			if err := m.attribute(a, c.bytes, c.from); err != nil {
				return err
			}
		case one.repeated:
			list := append(m.lists[one.list], part{c.bytes, c.from})
			if m.lists[one.list] = list; m.tooMany(len(list)) {
				return m.tooLong()
			}
		case one.kind == kindMessage && f[c.number].number != 0:
			return c.twice()
		default:
			if f[c.number] = c.field; one.kind == kindUint32 {
				f[c.number].bits = uint64(uint32(c.bits))
			}
		}
	}
	return c.err
}

func (m *mapper) clear(lists ...uint8) {
	for _, i := range lists {
		m.lists[i] = m.lists[i][:0]
	}
}

// setResource makes @ra of a group's resource and schema URL.
func (m *mapper) setResource(raw []byte, at int, schema []byte) {
	m.groupErr = m.writeResource(raw, at, schema)
}

func (m *mapper) writeResource(raw []byte, at int, schema []byte) error {
	b := &m.resource
	b.Truncate(0)
	m.clear(outerList)
	var f fields
	if err := m.collect(&f, resource, part{raw, at}, &m.attributes); err != nil {
		return err
	}
	dropped, refs := f[2].bits, m.lists[outerList]
	if len(schema) == 0 && dropped == 0 && len(refs) == 0 && len(m.attributes.all) == 0 {
		return nil
	}
	b.Open('{')
	m.optional(b, "schema_url", schema)
	count(b, "dropped_attributes_count", dropped)
	if err := m.entityRefs(b, refs); err != nil {
		return err
	}
	if err := m.members(b, &m.attributes, 2); err != nil {
		return err
	}
	b.Close('}')
	return m.room(b)
}

// entityRefs writes which attributes of a resource make up which entities.
func (m *mapper) entityRefs(b *event.Builder, refs []part) error {
	if len(refs) == 0 {
		return nil
	}
	b.Name("entity_refs").Open('[')
	for _, ref := range refs {
		b.Open('{')
		if err := m.entityRef(b, ref); err != nil {
			return err
		}
		b.Close('}')
	}
	b.Close(']')
	return nil
}

func (m *mapper) entityRef(b *event.Builder, ref part) error {
	m.clear(idKeys, descriptionKeys)
	var f fields
	if err := m.collect(&f, entityRef, ref, nil); err != nil {
		return err
	}
	m.optional(b, "schema_url", f[1].bytes)
	m.optional(b, "type", f[2].bytes)
	for _, list := range [...]struct {
		name string
		keys []part
	}{{"id_keys", m.lists[idKeys]}, {"description_keys", m.lists[descriptionKeys]}} {
		if len(list.keys) == 0 {
			continue
		}
		b.Name(list.name).Open('[')
		for _, key := range list.keys {
			if err := m.room(b); err != nil {
				return err
			}
			b.String(key.raw[:min(len(key.raw), m.o.EventBytes+1)])
		}
		b.Close(']')
	}
	return m.room(b)
}

// setScope makes @sa of a group's scope and schema URL.
func (m *mapper) setScope(raw []byte, at int, schema []byte) {
	m.scopeErr = m.writeScope(raw, at, schema)
}

func (m *mapper) writeScope(raw []byte, at int, schema []byte) error {
	b := &m.scope
	b.Truncate(0)
	var f fields
	if err := m.collect(&f, scope, part{raw, at}, &m.attributes); err != nil {
		return err
	}
	name, version, dropped := f[1].bytes, f[2].bytes, f[4].bits
	if len(name) == 0 && len(version) == 0 && len(schema) == 0 && dropped == 0 && len(m.attributes.all) == 0 {
		return nil
	}
	b.Open('{')
	m.optional(b, "name", name)
	m.optional(b, "version", version)
	m.optional(b, "schema_url", schema)
	count(b, "dropped_attributes_count", dropped)
	if err := m.members(b, &m.attributes, 2); err != nil {
		return err
	}
	b.Close('}')
	return m.room(b)
}

// optional writes a member unless it is empty, which in protobuf is the same as absent.
func (m *mapper) optional(b *event.Builder, name string, value []byte) {
	if len(value) > 0 {
		b.Name(name).String(value[:min(len(value), m.o.EventBytes+1)]) // longer than an event is refused all the same
	}
}

// count writes a number unless it is 0, which in protobuf is the same as absent.
func count(b *event.Builder, name string, value uint64) {
	if value != 0 {
		b.Name(name).Uint(value)
	}
}
