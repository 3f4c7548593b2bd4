package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
)

// The JSON form is protobuf's own JSON mapping but for ids, which are hex, and enumerations, which are numbers
// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). Tolerated besides: names in snake case, enumerations by
// name, ids in base64, and numbers and their text for each other. A member that is null is absent.

// json walks a request. Each head of a group and each record is rewritten into protobuf.
func (m *mapper) json(body []byte) (ingest.Payload, error) {
	m.rest.form = jsonForm{m.signal}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if event.SkipSpace(body, 0) == len(body) {
		return m.result(nil) // no telemetry is no mistake
	}
	return m.result(m.jsonRequest(body))
}

func (m *mapper) jsonRequest(src []byte) error {
	var other string
	seen := false
	o := openObject(src, 0)
	for o.next() {
		switch {
		case isNull(src, o.i) || !sameName(o.name, m.signal.groups):
			if bytes.HasPrefix(o.name, []byte("resource")) && !sameName(o.name, m.signal.groups) {
				other = string(o.name[:min(len(o.name), 40)])
			}
			o.i, o.err = skip(src, o.i, 1)
		default:
			seen = true
			l := openList(src, o.i)
			for l.next() {
				l.i, l.err = m.jsonResourceGroup(src, l.i)
			}
			o.i, o.err = l.i, l.err
		}
	}
	if o.err != nil {
		return o.err
	}
	if end := event.SkipSpace(src, o.i); end < len(src) {
		return event.Expected(src, end, "the end of the text")
	}
	if other != "" && !seen {
		return fault.New(fault.Invalid, "", "the request has %q, not %q", other, m.signal.groups).WithHint("is this a request of another signal?")
	}
	return nil
}

// jsonGroup is a group whose text has been checked as a whole.
type jsonGroup struct {
	head, schema int // where its values begin; 0: absent
	items        []int
	end          int
}

func readJSONGroup(src []byte, i int, head, items string) (g jsonGroup, err error) {
	o := openObject(src, i)
	for o.next() {
		if !isNull(src, o.i) {
			switch {
			case sameName(o.name, head):
				g.head = o.i
			case sameName(o.name, "schemaUrl"):
				g.schema = o.i
			case sameName(o.name, items):
				g.items = append(g.items, o.i)
			}
		}
		o.i, o.err = skip(src, o.i, 1)
	}
	g.end = o.i
	return g, o.err
}

// read returns the group's head, in protobuf, and its schema URL.
func (g *jsonGroup) read(src []byte, t messageType) (head, schema []byte, err error) {
	if g.head != 0 {
		if head, _, err = appendMessage(nil, src, g.head, t, 0); err != nil {
			return nil, nil, err
		}
	}
	if g.schema != 0 {
		schema, _, _, err = event.ScanString(src, g.schema, nil)
	}
	return head, schema, err
}

func (m *mapper) jsonResourceGroup(src []byte, i int) (next int, err error) {
	g, err := readJSONGroup(src, i, "resource", m.signal.scopes)
	if err != nil {
		return g.end, err
	}
	head, schema, err := g.read(src, resource)
	if m.setResource(head, 0, schema); err != nil {
		m.groupErr = err
	}
	defer m.rest.endResource(src[i:g.end])
	for _, at := range g.items {
		l := openList(src, at)
		for l.next() {
			l.i, l.err = m.jsonScopeGroup(src, l.i)
		}
		if l.err != nil {
			return g.end, l.err
		}
	}
	return g.end, nil
}

func (m *mapper) jsonScopeGroup(src []byte, i int) (next int, err error) {
	g, err := readJSONGroup(src, i, "scope", m.signal.records)
	if err != nil {
		return g.end, err
	}
	head, schema, err := g.read(src, scope)
	if m.setScope(head, 0, schema); err != nil {
		m.scopeErr = err
	}
	defer m.rest.endScope(src[i:g.end])
	for _, at := range g.items {
		l := openList(src, at)
		for l.next() {
			l.i, l.err = m.jsonRecord(src, l.i)
		}
		if l.err != nil {
			return g.end, l.err
		}
	}
	return g.end, nil
}

func (m *mapper) jsonRecord(src []byte, i int) (next int, err error) {
	raw, next, wrong := appendMessage(m.record[:0], src, i, m.signal.message, 0)
	m.record = raw
	if wrong == nil {
		return next, m.take(raw, 0, src[i:next])
	}
	if next, err = skip(src, i, 1); err != nil {
		return next, err
	}
	m.place++
	return next, m.refuse(wrong, src[i:next])
}

// jsonForm writes lists as their items with commas between.
type jsonForm struct{ signal *signal }

func (jsonForm) appendItem(dst []byte, _ protowire.Number, item []byte) []byte {
	if len(dst) > 0 {
		dst = append(dst, ',')
	}
	return append(dst, item...)
}

func (f jsonForm) group(t messageType, group, items []byte) []byte {
	name := f.signal.records
	if t == resourceGroup {
		name = f.signal.scopes
	}
	out := []byte{'{'}
	o := openObject(group, 0)
	for o.next() {
		from := o.i
		if o.i, o.err = skip(group, from, 1); o.err == nil && !sameName(o.name, name) {
			out = append(event.AppendString(out, o.name), ':')
			out = append(append(out, group[from:o.i]...), ',')
		}
	}
	return f.list(out, name, items)
}

func (f jsonForm) request(groups []byte) []byte { return f.list([]byte{'{'}, f.signal.groups, groups) }

func (jsonForm) list(dst []byte, name string, items []byte) []byte {
	dst = append(append(append(dst, '"'), name...), `":[`...)
	return append(append(dst, items...), "]}"...)
}

// sameName tells whether a member is called so, in camel case or in snake case.
func sameName(member []byte, camel string) bool {
	j := 0
	for i := range len(camel) {
		c := camel[i]
		if c >= 'A' && c <= 'Z' && j < len(member) && member[j] == '_' {
			j, c = j+1, c|0x20
		}
		if j >= len(member) || member[j] != c {
			return false
		}
		j++
	}
	return j == len(member)
}

// maxMessages is how deep messages nest before they are too deep for an event: a level of a value takes up to three.
const maxMessages = 4 * event.MaxDepth

// appendMessage appends the fields of the JSON object at src[i], which has been checked to be JSON, in protobuf.
func appendMessage(dst, src []byte, i int, t messageType, depth int) (out []byte, next int, err error) {
	if depth > maxMessages {
		return dst, i, tooDeep()
	}
	seen := uint32(0) // singular messages, by number
	o := openObject(src, i)
	for o.next() {
		f := messages[t].named(o.name)
		switch {
		case f == nil || isNull(src, o.i):
			o.i, o.err = skip(src, o.i, 0)
		case f.repeated:
			l := openList(src, o.i)
			for l.next() {
				dst, l.i, l.err = f.append(dst, src, l.i, depth)
			}
			o.i, o.err = l.i, l.err
		case f.kind == kindMessage && seen&(1<<f.number) != 0:
			o.err = fault.New(fault.Invalid, "", "byte %d: %s is there twice", o.i, f.name)
		default:
			seen |= 1 << f.number
			dst, o.i, o.err = f.append(dst, src, o.i, depth)
		}
	}
	return dst, o.i, o.err
}

func (m *message) named(name []byte) *fieldType {
	for i := range m.fields {
		if string(name) == m.fields[i].name && len(name) > 0 {
			return &m.fields[i]
		}
	}
	if bytes.IndexByte(name, '_') < 0 {
		return nil
	}
	for i := range m.fields {
		if f := &m.fields[i]; f.number != 0 && sameName(name, f.name) {
			return f
		}
	}
	return nil
}

// append appends the JSON value at src[i] as the field.
func (f *fieldType) append(dst, src []byte, i, depth int) (out []byte, next int, err error) {
	dst = protowire.AppendTag(dst, f.number, f.kind.wire())
	if f.kind == kindMessage {
		// The length is put in when it is known: a varint may have more bytes than it needs.
		at := len(dst)
		dst = append(dst, 0x80, 0x80, 0x80, 0x80, 0)
		if dst, next, err = appendMessage(dst, src, i, f.of, depth+1); err != nil {
			return dst, next, err
		}
		n := len(dst) - at - 5
		for k := range 5 {
			dst[at+k] |= byte(n >> (7 * k) & 0x7F)
		}
		return dst, next, nil
	}
	if f.kind == kindBool {
		if src[i] == 't' {
			next, err = event.ScanLiteral(src, i, "true")
			return append(dst, 1), next, err
		}
		next, err = event.ScanLiteral(src, i, "false")
		return append(dst, 0), next, err
	}
	text, next, err := scalar(src, i)
	if err != nil {
		return dst, next, err
	}
	ok := true
	switch f.kind {
	case kindString:
		if ok = src[i] == '"'; ok {
			dst = protowire.AppendBytes(dst, text)
		}
	case kindBytes:
		var decoded []byte
		decoded, ok = fromBase64(text)
		dst = protowire.AppendBytes(dst, decoded)
	case kindID:
		var decoded []byte
		decoded, ok = fromID(text)
		dst = protowire.AppendBytes(dst, decoded)
	case kindDouble:
		var number float64
		number, ok = toDouble(text, src[i] == '"')
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(number))
	case kindFixed64:
		var number uint64
		number, ok = toUint(text)
		dst = binary.LittleEndian.AppendUint64(dst, number)
	default:
		number, known := f.names[string(text)]
		whole := int64(number)
		if !known {
			whole, ok = toInt(text)
		}
		switch f.kind {
		case kindUint32, kindFixed32:
			ok = ok && whole >= 0 && whole <= math.MaxUint32
		case kindEnum:
			ok = ok && whole == int64(int32(whole))
		}
		if f.kind == kindFixed32 {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(whole))
		} else {
			dst = protowire.AppendVarint(dst, uint64(whole))
		}
	}
	if !ok {
		return dst, i, fault.New(fault.Invalid, "", "byte %d: %s cannot be %s", i, f.name, clip(src[i:next]))
	}
	return dst, next, nil
}

// scalar returns a string's value, or a number's text.
func scalar(src []byte, i int) (text []byte, next int, err error) {
	if i < len(src) && src[i] == '"' {
		text, _, next, err = event.ScanString(src, i, nil)
		return text, next, err
	}
	if next, err = event.ScanNumber(src, i); err != nil {
		return nil, i, event.Expected(src, i, "a string or a number")
	}
	return src[i:next], next, nil
}

func fromBase64(text []byte) ([]byte, bool) {
	text = bytes.TrimRight(text, "=")
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	decoded, err := encoding.AppendDecode(nil, text)
	return decoded, err == nil
}

// fromID reads the hex that OTLP demands, or base64 as protobuf's JSON mapping has it by itself: the
// lengths of ids, 8 and 16 bytes, tell which.
func fromID(text []byte) ([]byte, bool) {
	if decoded, err := hex.AppendDecode(nil, text); err == nil {
		return decoded, true
	}
	if n := len(bytes.TrimRight(text, "=")); n != 11 && n != 22 {
		return nil, false
	}
	return fromBase64(text)
}

func toDouble(text []byte, quoted bool) (float64, bool) {
	if quoted {
		switch string(text) {
		case "NaN":
			return math.NaN(), true
		case "Infinity":
			return math.Inf(1), true
		case "-Infinity":
			return math.Inf(-1), true
		}
		if end, err := event.ScanNumber(text, 0); err != nil || end != len(text) {
			return 0, false
		}
	}
	number, err := strconv.ParseFloat(string(text), 64)
	return number, err == nil
}

func toUint(text []byte) (uint64, bool) {
	if number, err := strconv.ParseUint(string(text), 10, 64); err == nil {
		return number, true
	}
	whole, ok := toInt(text)
	return uint64(whole), ok && whole >= 0
}

// toInt reads a whole number, also one that is written like 1e3 or 1.0.
func toInt(text []byte) (int64, bool) {
	if number, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return number, true
	}
	if end, err := event.ScanNumber(text, 0); err != nil || end != len(text) {
		return 0, false
	}
	d, ok := event.ParseDecimal(string(text))
	if !ok {
		return 0, false
	}
	return d.Int64()
}

// clip shortens JSON text that is quoted in an error.
func clip(text []byte) string {
	if len(text) > 60 {
		return string(bytes.ToValidUTF8(text[:60], nil)) + "…"
	}
	return string(text)
}
