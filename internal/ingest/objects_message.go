package ingest

import (
	"bytes"

	"github.com/stelehq/stele/internal/event"
)

// objectMessage is where the message of an object was found.
type objectMessage struct {
	text     []byte // what stands between the quotes of a JSON string
	bytes    []byte // or an array of bytes or of strings, as journald has them
	template []byte // or the template alone
	absent   []byte // or from elsewhere, as it is
	parts    int    // or the parts of the record of a request
	part     [3][]byte
	status   int // of the request
}

// message looks for the message; absent is what holds for an object that gives none.
func (o *Objects) message(absent []byte) (m objectMessage) {
	for i := range o.messages {
		p := &o.messages[i]
		if o.scan.slots[p.id] == 0 {
			continue
		}
		v, ok := o.scan.lookup(*p)
		if !ok {
			continue
		}
		if m.text = messageText(v); len(m.text) > 0 {
			break
		}
		if p.id == messageName && isArrayText(v) {
			m.bytes = v
			break
		}
	}
	if len(m.text) > 0 || m.bytes != nil {
		return m
	}
	for i := range o.templates {
		if v, ok := o.scan.lookup(o.templates[i]); ok {
			if m.template = messageText(v); len(m.template) > 0 {
				return m
			}
		}
	}
	if m.absent = absent; len(absent) == 0 {
		o.record(&m)
	}
	return m
}

// messageText returns what stands between the quotes of a string, without the ends of lines behind it;
// nothing if it is no string.
func messageText(v []byte) []byte {
	text, _ := textOf(v)
	for len(text) >= 2 && (text[len(text)-1] == 'n' || text[len(text)-1] == 'r') {
		slashes := 0
		for slashes < len(text)-1 && text[len(text)-2-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			break
		}
		text = text[:len(text)-2]
	}
	return text
}

// isArrayText recognises the array of bytes that journald writes for a field that is no UTF-8 text, and that
// of strings for a field that was given several times.
func isArrayText(v []byte) bool {
	if len(v) < 3 || v[0] != '[' {
		return false
	}
	for item, i, ok := itemOf(v, 1); ok; item, i, ok = itemOf(v, i) {
		if item[0] == '"' == (v[1] != '"') || item[0] != '"' && (len(item) > 3 || !allDigits(string(item)) || wholeNumber(item) > 255) {
			return false
		}
	}
	return true
}

// record makes a message of what was asked for and the status of the answer: of the first row that is there, or is but
// for its status.
func (o *Objects) record(m *objectMessage) {
	for _, row := range recordFields {
		if o.scan.slots[row[0].id] == 0 || m.parts > 0 && o.scan.slots[row[len(row)-1].id] == 0 {
			continue
		}
		var parts [3][]byte
		n := 0
		for n < len(row) {
			if parts[n] = o.recordPart(row[n]); len(parts[n]) == 0 {
				break
			}
			n++
		}
		if n == len(row) {
			m.part, m.parts = parts, n
			if status := parts[n-1]; len(status) == 3 && allDigits(string(status)) {
				m.status = wholeNumber(status)
			}
			return
		}
		if n == 2 && m.parts == 0 {
			m.part, m.parts = parts, n
		}
	}
}

// recordPart returns the text of a string or a number.
func (o *Objects) recordPart(p fieldPath) []byte {
	v, ok := o.scan.lookup(p)
	if !ok {
		return nil
	}
	if text, ok := textOf(v); ok {
		return text
	}
	if isDigit(v[0]) {
		return v
	}
	return nil
}

// appendMessage adds what was found: @m, or @mt if there is but a template and nothing that it is to be filled from.
func (o *Objects) appendMessage(dst []byte, empty int, m *objectMessage) []byte {
	switch {
	case len(m.text) > 0:
		dst = append(comma(dst, empty), `"@m":"`...)
		dst = append(append(dst, m.text...), '"')
	case len(m.template) > 0:
		if text, ok := o.render(nil, m.template); ok {
			dst = append(comma(dst, empty), `"@m":`...)
			return event.AppendString(dst, text)
		}
		dst = append(comma(dst, empty), `"@mt":"`...)
		dst = append(append(dst, m.template...), '"')
	case m.bytes != nil:
		o.text = appendArrayText(o.text[:0], m.bytes)
		dst = append(comma(dst, empty), `"@m":`...)
		dst = event.AppendString(dst, bytes.TrimRight(o.text, "\r\n"))
	case len(m.absent) > 0:
		dst = append(comma(dst, empty), `"@m":`...)
		dst = event.AppendString(dst, m.absent)
	case m.parts > 0:
		dst = append(comma(dst, empty), `"@m":"`...)
		for i, part := range m.part[:m.parts] {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = append(dst, part...)
		}
		dst = append(dst, '"')
	}
	return dst
}

// appendArrayText decodes what isArrayText recognises. Strings become lines.
func appendArrayText(dst, v []byte) []byte {
	var text, scratch []byte
	for item, i, ok := itemOf(v, 1); ok; item, i, ok = itemOf(v, i) {
		if item[0] != '"' {
			dst = append(dst, byte(wholeNumber(item)))
			continue
		}
		if len(dst) > 0 {
			dst = append(dst, '\n')
		}
		text, scratch, _ = stringOf(item, scratch)
		dst = append(dst, text...)
	}
	return dst
}

// render fills a template from the member Properties, where the holes of a CLEF template are not
// looked for. ok is false if there is no such member.
func (o *Objects) render(dst, template []byte) (text []byte, ok bool) {
	raw, ok := o.scan.slot(propertiesName)
	if !ok || raw[0] != '{' {
		return dst, false
	}
	decoded, ok := o.decoded(append(append([]byte{'"'}, template...), '"'))
	properties, err := event.ParseValue(raw)
	if !ok || err != nil {
		return dst, false
	}
	tokens := event.ParseTemplate(string(decoded))
	return event.AppendMessage(dst, tokens, o.renderings(tokens), properties.Get), true
}

// renderings reads the texts of holes with a format, {"Name":[{"Format":"000","Rendering":"003"}]}, as @r has
// them: an array in the order of the holes.
func (o *Objects) renderings(tokens []event.Token) event.Value {
	raw, _ := o.scan.slot(renderingsName)
	all, err := event.ParseValue(raw)
	if err != nil || all.Kind != event.Object {
		return event.Value{}
	}
	list := event.Value{Kind: event.Array}
	for _, t := range tokens {
		if t.Name == "" || t.Format == "" {
			continue
		}
		var found event.Value
		for _, r := range all.Get(t.Name).Items {
			if r.Get("Format").Text == t.Format {
				found = r.Get("Rendering")
				break
			}
		}
		list.Items = append(list.Items, found)
	}
	return list
}
