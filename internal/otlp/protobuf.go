package otlp

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/stelehq/stele/internal/ingest"
)

// protobuf walks a request: groups of a resource, in them groups of a scope, in them records.
func (m *mapper) protobuf(body []byte) (ingest.Payload, error) {
	m.rest.form = protobufForm{}
	return m.result(m.resourceGroups(body))
}

func (m *mapper) resourceGroups(body []byte) error {
	c := read(request, body, 0)
	for c.next() {
		if err := m.resourceGroup(part{c.bytes, c.from}); err != nil {
			return err
		}
	}
	return c.err
}

func (m *mapper) resourceGroup(group part) error {
	head, schema, err := readHead(resourceGroup, group)
	if err != nil {
		return err
	}
	m.setResource(head.raw, head.at, schema)
	defer m.rest.endResource(group.raw)
	c := read(resourceGroup, group.raw, group.at)
	for c.next() {
		if c.number != groupItems {
			continue
		}
		if err := m.scopeGroup(part{c.bytes, c.from}); err != nil {
			return err
		}
	}
	return nil // readHead has seen it all
}

func (m *mapper) scopeGroup(group part) error {
	head, schema, err := readHead(scopeGroup, group)
	if err != nil {
		return err
	}
	m.setScope(head.raw, head.at, schema)
	defer m.rest.endScope(group.raw)
	c := read(scopeGroup, group.raw, group.at)
	for c.next() {
		if c.number != groupItems {
			continue
		}
		if err := m.take(c.bytes, c.from, c.bytes); err != nil {
			return err
		}
	}
	return nil
}

// readHead returns what a group says of all its items, which may stand after them.
func readHead(t messageType, group part) (head part, schema []byte, err error) {
	c := read(t, group.raw, group.at)
	for c.next() {
		switch c.number {
		case groupHead:
			if head.raw != nil {
				return head, nil, c.twice()
			}
			head = part{c.bytes, c.from}
		case groupSchema:
			schema = c.bytes
		}
	}
	return head, schema, c.err
}

// rest collects the records that are refused, in a request of the same form: their groups as they were, the
// records that were taken left out.
type rest struct {
	form   form
	items  []byte // of the scope group
	scopes []byte // of the resource group
	all    []byte
}

// A form is how a request is written.
type form interface {
	appendItem(dst []byte, number protowire.Number, item []byte) []byte // adds a group or record to the list in field number
	group(t messageType, group, items []byte) []byte                    // the group with other items
	request(groups []byte) []byte
}

func (r *rest) add(record []byte) { r.items = r.form.appendItem(r.items, groupItems, record) }

func (r *rest) endScope(group []byte) {
	if len(r.items) > 0 {
		r.scopes = r.form.appendItem(r.scopes, groupItems, r.form.group(scopeGroup, group, r.items))
		r.items = r.items[:0]
	}
}

func (r *rest) endResource(group []byte) {
	if len(r.scopes) > 0 {
		r.all = r.form.appendItem(r.all, requestItems, r.form.group(resourceGroup, group, r.scopes))
		r.scopes = r.scopes[:0]
	}
}

// whole returns the request; nil if nothing was refused.
func (r *rest) whole() []byte {
	if len(r.all) == 0 {
		return nil
	}
	return r.form.request(r.all)
}

// protobufForm writes lists as what they are in protobuf, repeated fields.
type protobufForm struct{}

func (protobufForm) appendItem(dst []byte, number protowire.Number, item []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, number, protowire.BytesType), item)
}

func (protobufForm) request(groups []byte) []byte { return groups }

func (protobufForm) group(t messageType, group, items []byte) []byte {
	var out []byte
	c := read(t, group, 0)
	for c.any() {
		if c.number != groupItems {
			out = append(out, c.whole...)
		}
	}
	return append(out, items...)
}
