package elastic

import (
	"slices"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// action reads an action line: {"index":{"_index":"a","_id":"7","routing":"r"}}. What else its object has (version,
// if_seq_no, require_alias, …) speaks of documents that are looked up, and means nothing here.
func (d *Bulk) action(line []byte) (action, error) {
	if string(line) == string(d.lastRaw) { // most clients say the same over and over
		return d.last, nil
	}
	a := action{target: d.Default}
	if err := d.object(line, 0); err != nil {
		return a, err
	}
	const expected = "expected one of create, delete, index, update, found "
	if d.members.Len() == 0 {
		return a, fault.New(fault.Invalid, "", expected+"an empty object")
	}
	kind := slices.IndexFunc(kinds[:], func(k string) bool { return string(d.members.RawName(0)) == k })
	switch {
	case kind < 0:
		return a, fault.New(fault.Invalid, "", expected+"%q", clip(d.members.Name(0)))
	case d.members.Len() > 1:
		return a, fault.New(fault.Invalid, "", "expected one action, found %q after %q", clip(d.members.Name(1)), kinds[kind])
	}
	a.kind = Kind(kind)
	if err := d.target(&a.target, d.members.Value(0)); err != nil {
		return a, err
	}
	d.last, d.lastRaw = a, line
	return a, nil
}

// object takes the object that text is apart into d.members.
func (d *Bulk) object(text []byte, depth int) error {
	next, err := d.members.Scan(text, 0, depth)
	if err != nil {
		return err
	}
	if next = event.SkipSpace(text, next); next < len(text) {
		return event.Expected(text, next, "the end of the line after the object")
	}
	return nil
}

func (d *Bulk) target(t *Target, object []byte) error {
	m := &d.inside
	if _, err := m.Scan(object, 0, 1); err != nil {
		return err
	}
	for i := range m.Len() {
		var field *string
		switch name := string(m.RawName(i)); name {
		case "_index":
			field = &t.Index
		case "_id":
			field = &t.ID
		case "_type":
			field = &t.Type
		case "routing", "_routing":
			field = &t.Routing
		case "pipeline", "_pipeline":
			field = &t.Pipeline
		default:
			continue
		}
		switch value := m.Value(i); {
		case value[0] == '"':
			*field, _ = m.Text(i)
		case value[0] == '-' || value[0]-'0' < 10:
			*field = string(value)
		case value[0] != 'n': // null is absent
			return fault.New(fault.Invalid, "", "%s must be a string", m.RawName(i))
		}
	}
	return nil
}

// update takes the source of an update apart. The event is its doc, which is what the client has to tell; an upsert
// beside it is kept, and without doc it is the event. A script is code for a document that is not here.
func (d *Bulk) update(source []byte) (doc, upsert []byte, err error) {
	if err := d.object(source, -1); err != nil { // a document lies a level deeper here than as an event
		return nil, nil, err
	}
	value := func(name string) []byte {
		if i := d.members.Find(name); i >= 0 {
			return d.members.Value(i)
		}
		return nil
	}
	if value("script") != nil {
		return nil, nil, fault.New(fault.Invalid, "", "an update by script is not supported: there is no document that it could change")
	}
	if doc, upsert = value("doc"), value("upsert"); doc == nil {
		doc, upsert = upsert, nil
	}
	if doc == nil {
		err = fault.New(fault.Invalid, "", "the update has neither doc nor upsert")
	}
	return doc, upsert, err
}

// check bounds what becomes part of every event.
func (t *Target) check() error {
	for _, f := range t.fields() {
		if len(f.value) > f.most {
			return fault.New(fault.Invalid, "", "the %s is %d bytes long; at most %d are allowed", f.name, len(f.value), f.most)
		}
	}
	return nil
}

type field struct {
	name, value string
	most        int
}

func (t *Target) fields() [5]field {
	f := [...]field{
		{"_index", t.Index, maxIndex}, {"_id", t.ID, maxID}, {"_type", t.Type, maxIndex}, {"_routing", t.Routing, maxID}, {"_pipeline", t.Pipeline, maxID},
	}
	if t.Type == "_doc" { // what clients that must say something say
		f[2].value = ""
	}
	return f
}

// appendMembers appends what the target says as members of the object that dst ends in.
func (t *Target) appendMembers(dst []byte) []byte {
	for _, f := range t.fields() {
		if f.value == "" {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), f.name...), `":`...)
		dst = event.AppendText(dst, f.value)
	}
	return dst
}

// Body returns the bulk body of one document, for the endpoints that take one. A document may span lines there.
func Body(k Kind, t Target, document []byte) []byte {
	a := action{k, t}
	body := a.append(nil)
	for _, c := range document {
		if c == '\n' || c == '\r' { // white space: inside a string JSON has neither
			c = ' '
		}
		body = append(body, c)
	}
	return append(body, '\n')
}

// append appends the action as a line, with what it left out.
func (a *action) append(dst []byte) []byte {
	dst = append(append(append(dst, `{"`...), kinds[a.kind]...), `":{`...)
	dst = a.target.appendMembers(dst)
	return append(dst, "}}\n"...)
}

// clip shortens what a client sent, for messages.
func clip(s []byte) string {
	if len(s) > 60 {
		return string(s[:60]) + "…"
	}
	return string(s)
}
