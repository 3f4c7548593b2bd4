package elastic

import (
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
	found := false
	d.values = d.values[:0]
	err := d.members(line, 0, func(name, value []byte) error {
		if found {
			return fault.New(fault.Invalid, "", "expected one action, found %q after %q", clip(name), a.kind)
		}
		for k := range kinds {
			if found = string(name) == kinds[k]; found {
				a.kind = Kind(k)
				return d.target(&a.target, value)
			}
		}
		return fault.New(fault.Invalid, "", "expected one of create, delete, index, update, found %q", clip(name))
	})
	if err == nil && !found {
		err = fault.New(fault.Invalid, "", "expected one of create, delete, index, update, found an empty object")
	}
	if err != nil {
		return a, err
	}
	d.last, d.lastRaw = a, line
	return a, nil
}

func (d *Bulk) target(t *Target, object []byte) error {
	return d.members(object, 0, func(name, value []byte) error {
		var field *string
		switch string(name) {
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
			return nil
		}
		switch c := value[0]; {
		case c == '"':
			text, _, _, err := event.ScanString(value, 0, nil)
			*field = string(text)
			return err
		case c == '-' || c-'0' < 10:
			*field = string(value)
		case c != 'n': // null is absent
			return fault.New(fault.Invalid, "", "%s must be a string", name)
		}
		return nil
	})
}

// members calls each for the members of the JSON object that src is. value is compact and lies in d.values, which grows with
// each.
func (d *Bulk) members(src []byte, depth int, each func(name, value []byte) error) error {
	i := event.SkipSpace(src, 0)
	if i >= len(src) || src[i] != '{' {
		return event.Expected(src, i, "a JSON object")
	}
	if i = event.SkipSpace(src, i+1); i < len(src) && src[i] == '}' {
		return end(src, i+1)
	}
	for {
		name, _, next, err := event.ScanString(src, i, nil)
		if err != nil {
			return err
		}
		if i = event.SkipSpace(src, next); i >= len(src) || src[i] != ':' {
			return event.Expected(src, i, "a colon after the member's name")
		}
		start := len(d.values)
		if d.values, next, err = event.Compact(d.values, src, i+1, depth+1); err != nil {
			return err
		}
		if err := each(name, d.values[start:len(d.values):len(d.values)]); err != nil {
			return err
		}
		if i = event.SkipSpace(src, next); i < len(src) && src[i] == ',' {
			i = event.SkipSpace(src, i+1)
			continue
		}
		if i < len(src) && src[i] == '}' {
			return end(src, i+1)
		}
		return event.Expected(src, i, "a comma or } of the object")
	}
}

func end(src []byte, i int) error {
	if i = event.SkipSpace(src, i); i < len(src) {
		return event.Expected(src, i, "the end of the line after the object")
	}
	return nil
}

// update takes the source of an update apart. The event is its doc, which is what the client has to tell; an upsert
// beside it is kept, and without doc it is the event. A script is code for a document that is not here.
func (d *Bulk) update(source []byte) (doc, upsert []byte, err error) {
	d.values = d.values[:0]
	// A document lies a level deeper here than as an event.
	err = d.members(source, -1, func(name, value []byte) error {
		switch string(name) {
		case "doc":
			doc = value
		case "upsert":
			upsert = value
		case "script":
			return fault.New(fault.Invalid, "", "an update by script is not supported: there is no document that it could change")
		}
		return nil
	})
	if doc == nil {
		doc, upsert = upsert, nil
	}
	if err == nil && doc == nil {
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
