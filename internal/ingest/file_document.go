package ingest

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// documentDialect reads JSON that is not one object a line: arrays of objects, objects over several
// lines or several in one, one after another or after record separators (RFC 7464), and the
// objects around an array of events that services export. Memory holds one event at a time.
//
//	[{…},{…}]   {…}{…}   {"Records":[{…},{…}]}   {"hits":{"total":2,"hits":[{"_source":{…}},…]}}
type documentDialect struct {
	scan    documentScan
	json    *jsonDialect
	o       *FileOptions
	around  *envelope // what the top-level objects are; nil: events
	open    []byte    // brackets of the containers around the events that are open
	names   []string  // of the members that lead into those that are objects
	cut     bool      // the last thing refused was cut off by the file's end
	found   bool      // the object at hand has the array
	carried []byte    // members of the object at hand that its events get
	shown   string

	decoded decodedEvents

	sampling bool // elements are gathered, not given
	elements [][]byte
}

// sampleElements is how many elements the detection looks at.
const sampleElements = 100

// An envelope is an object that holds an array of events, and how it is taken off.
type envelope struct {
	path   []string // of the array; the last name may be any of more
	more   []string
	plain  bool // the names are common: of other objects than pages they are members like any other
	shown  string
	hits   bool // the member _source of an element is the event
	carry  bool // single values beside the array belong to each event
	decode func(d *documentDialect, element []byte) (Decoder, []byte)
}

// Decoder reads the payload of a protocol, as CLEF and Legacy do.
type Decoder func(b Adder, body []byte, o PayloadOptions) (Payload, error)

var envelopes = []envelope{
	{path: []string{"resourceLogs"}, more: []string{"resourceSpans", "resourceMetrics"}, shown: "OTLP JSON", decode: decodeOTLP},
	{path: []string{"hits", "hits"}, shown: "Elasticsearch search results", hits: true},
	{path: []string{"logEvents"}, shown: "CloudWatch Logs JSON", carry: true},
	{path: []string{"Records"}, more: []string{"records", "Events", "events", "logs", "entries", "items", "value", "data"}, plain: true, shown: "JSON document", decode: decodeRaw},
}

// has reports whether a name is that of the array.
func (e *envelope) has(depth int, name string) bool {
	if depth == len(e.path)-1 {
		for _, m := range e.more {
			if m == name {
				return true
			}
		}
	}
	return depth < len(e.path) && e.path[depth] == name
}

// decodeOTLP makes a request of an element of OTLP's arrays.
func decodeOTLP(d *documentDialect, element []byte) (Decoder, []byte) {
	name := d.names[len(d.names)-1]
	decode := d.o.OTLPLogs
	switch name {
	case "resourceSpans":
		decode = d.o.OTLPTraces
	case "resourceMetrics":
		decode = refuseMetrics
	}
	if decode == nil {
		return nil, nil
	}
	return decode, append(append([]byte(`{"`+name+`":[`), element...), "]}"...)
}

func refuseMetrics(Adder, []byte, PayloadOptions) (Payload, error) {
	return Payload{}, fault.New(fault.Invalid, "", "metrics are no events")
}

// decodeRaw makes a payload of an event in the raw form of Seq.
func decodeRaw(_ *documentDialect, element []byte) (Decoder, []byte) {
	if t, ok := memberOf(element, "Timestamp"); !ok || t[0] != '"' {
		return nil, nil
	}
	_, template := memberOf(element, "MessageTemplate")
	_, message := memberOf(element, "RenderedMessage")
	if !template && !message {
		return nil, nil
	}
	return Legacy, append(append([]byte(`{"Events":[`), element...), "]}"...)
}

func (d *documentDialect) describe() string { return d.shown }

func (d *documentDialect) first(*sample) (int64, bool) {
	for _, element := range d.elements {
		if _, found, err := d.json.objects.Append(nil, element, ObjectContext{}); err == nil && found.Dated {
			return found.Instant, true
		}
	}
	return 0, false
}

func (d *documentDialect) next(f *FileReader) bool {
	d.scan.f = f
	for !f.ended {
		if d.decoded.given < len(d.decoded.ends) {
			if d.decoded.give(f) {
				return true
			}
			continue
		}
		if d.sampling && len(d.elements) >= sampleElements {
			return false
		}
		c, ok := d.scan.next()
		if !ok {
			d.finish(f)
			return false
		}
		line, offset := d.scan.place()
		switch {
		case c == d.closing():
			d.pop(f, line, offset)
		case len(d.open) == 0 && c == '[', len(d.open) == 0 && c == '{' && d.around != nil:
			d.push(c)
		case len(d.open) > 0 && d.open[len(d.open)-1] == '{':
			d.member(f, c, line, offset)
		case c == '{':
			if d.element(f, line, offset) {
				return true
			}
		default:
			d.notEvent(f, c, line, offset)
		}
	}
	return false
}

// closing is what ends the innermost container.
func (d *documentDialect) closing() byte {
	if len(d.open) == 0 {
		return 0 // which next never returns
	}
	return d.open[len(d.open)-1] + 2 // '[' and ']', '{' and '}'
}

func (d *documentDialect) push(bracket byte) {
	d.scan.take(d.scan.window()[:1], structureLine)
	if len(d.open) == 0 {
		d.found, d.carried, d.names = false, d.carried[:0], d.names[:0]
	}
	d.open = append(d.open, bracket)
}

func (d *documentDialect) pop(f *FileReader, line, offset int64) {
	d.scan.take(d.scan.window()[:1], structureLine)
	bracket := d.open[len(d.open)-1]
	if d.open = d.open[:len(d.open)-1]; len(d.open) == 0 {
		if bracket == '{' && !d.found {
			f.tell(FileRefusal{Line: line, Offset: offset, Err: fault.New(fault.Invalid, "", "the object that ends here has no array %s, as others in the file do", d.around.path[len(d.around.path)-1])})
		}
		return
	}
	if len(d.names) > 0 {
		d.names = d.names[:len(d.names)-1]
	}
}

// finish accounts for the file's end.
func (d *documentDialect) finish(f *FileReader) {
	line, offset := d.scan.place()
	unfinished := d.scan.taken > 0 || f.report.Lines > 0
	if d.scan.taken == 0 && unfinished {
		line = f.lines.number // the last one
	}
	d.scan.end()
	f.ended = true
	if len(d.open) > 0 && !d.cut && f.err == nil {
		f.tell(FileRefusal{Line: line, Offset: offset, Err: fault.WrapAs(fault.Invalid, errCutOff, "", "no %c closes what holds the events", d.open[0]+2)})
	}
}

// member reads a member of an object around the events.
func (d *documentDialect) member(f *FileReader, c byte, line, offset int64) {
	const most = 64 << 10 // of a value beside the events that is looked at
	if c != '"' {
		d.brokenEnvelope(f, line, offset, fault.New(fault.Invalid, "", "expected a member's name, found '%c'", c))
		return
	}
	if _, err := d.scan.value(most, structureLine); err != nil {
		d.brokenEnvelope(f, line, offset, err)
		return
	}
	raw := bytes.Clone(d.scan.text)
	name, _, _, err := event.ScanString(raw, 0, nil)
	if err != nil {
		d.brokenEnvelope(f, line, offset, err)
		return
	}
	c, ok := d.scan.next()
	if !ok || c != ':' {
		d.brokenEnvelope(f, line, offset, fault.New(fault.Invalid, "", "expected a colon after the name %s", name))
		return
	}
	d.scan.take(d.scan.window()[:1], structureLine)
	if c, ok = d.scan.next(); !ok {
		return
	}
	if depth := len(d.names); d.around.has(depth, string(name)) {
		last := depth == len(d.around.path)-1
		if last && c == '[' || !last && c == '{' {
			d.names = append(d.names, string(name))
			d.found = d.found || last
			d.push(c)
			return
		}
	}
	size, err := d.scan.value(most, structureLine)
	switch {
	case err != nil:
		d.brokenEnvelope(f, line, offset, err)
	case d.around.carry && len(d.open) == 1 && size < 1<<10 && c != '{' && c != '[' && !bytes.HasPrefix(name, []byte("@")):
		value, next, err := event.Compact(nil, d.scan.text, 0, 1)
		if err == nil && next == len(d.scan.text) {
			d.carried = append(append(comma(d.carried, 0), raw...), ':')
			d.carried = append(d.carried, value...)
		}
	}
}

// brokenEnvelope refuses the rest of an object around the events. What begins with a brace next is another one.
func (d *documentDialect) brokenEnvelope(f *FileReader, line, offset int64, err error) {
	d.open = d.open[:0]
	d.scan.text = d.scan.text[:0] // a member before it, perhaps
	d.broken(f, line, offset, err, -1)
}

// element reads an object that is an event, or several.
func (d *documentDialect) element(f *FileReader, line, offset int64) bool {
	indent, limit := d.scan.indent, f.o.EventBytes
	inside := d.around != nil && len(d.names) == len(d.around.path)
	protocol := inside && d.around.decode != nil
	if protocol {
		limit = max(limit, requestBytes)
	}
	size, err := d.scan.value(limit+1, countedLine)
	if err != nil {
		d.broken(f, line, offset, err, indent)
		return false
	}
	text := d.scan.text
	if size > int64(limit) {
		d.refuse(f, line, offset, fault.New(fault.TooLarge, "", "an object of %d bytes is over the limit of %d bytes for an event", size, limit))
		return false
	}
	if d.sampling {
		err := d.json.objects.scan.scan(text)
		if err == nil {
			err = d.json.unwrap(new(ObjectContext))
		}
		if err != nil {
			d.refuse(f, line, offset, err)
			return false
		}
		d.elements = append(d.elements, append(append([]byte{'{'}, d.json.objects.scan.All()...), '}'))
		return false
	}
	if protocol {
		if !utf8.Valid(text) { // what of it is replaced, its decoder does not tell
			text = appendValid(nil, text)
		}
		element, _, err := event.Compact(nil, text, 0, -1)
		if err != nil {
			d.refuse(f, line, offset, d.placed(err, line))
			return false
		}
		if decode, body := d.around.decode(d, element); decode != nil {
			d.decoded.decode(f, decode, body, line, offset)
			return false
		}
		if !d.around.plain {
			d.refuse(f, line, offset, fault.New(fault.Unsupported, "", "OTLP is not understood here"))
			return false
		}
	}
	if err := d.json.objects.scan.scan(text); err != nil {
		d.refuse(f, line, offset, d.placed(err, line))
		return false
	}
	return d.json.give(f, fileLine{number: line, offset: offset}, ObjectContext{Instant: f.before, Extra: d.carried}, false)
}

// requestBytes bounds an element that holds events of its own.
const requestBytes = 16 << 20

// notEvent refuses a value that is no object, or what is no JSON at all.
func (d *documentDialect) notEvent(f *FileReader, c byte, line, offset int64) {
	if len(d.open) == 0 && c != '"' {
		d.scan.restOfLine(f.o.EventBytes, countedLine)
		d.refuse(f, line, offset, fault.New(fault.Invalid, "", "byte %d: expected a JSON object, found '%c'", offset, c))
		return
	}
	if _, err := d.scan.value(f.o.EventBytes, countedLine); err != nil {
		d.broken(f, line, offset, err, d.scan.indent)
		return
	}
	if len(d.scan.text) == 0 { // a bracket that closes nothing
		d.scan.take(d.scan.window()[:1], countedLine)
		d.refuse(f, line, offset, fault.New(fault.Invalid, "", "byte %d: expected an event, found '%c'", offset, c))
		return
	}
	d.refuse(f, line, offset, fault.New(fault.Invalid, "", "byte %d: an event is an object; this is %s", offset, kindOf(d.scan.text)))
}

func (d *documentDialect) refuse(f *FileReader, line, offset int64, err error) {
	f.tell(FileRefusal{Line: line, Offset: offset, Err: err, Text: d.scan.text})
}

// broken refuses what cannot be read to its end, and finds where to go on.
func (d *documentDialect) broken(f *FileReader, line, offset int64, err error, indent int) {
	if f.err != nil {
		return
	}
	d.cut = errors.Is(err, errCutOff)
	d.scan.skipBroken(indent, len(d.open) > 0, f.o.EventBytes) // it belongs to what is refused
	d.refuse(f, line, offset, err)
}

// placed says on which line of the file an error in an element of several lines is.
func (d *documentDialect) placed(err error, line int64) error {
	var e *fault.Error
	if !errors.As(err, &e) || e.Offset <= 0 || e.Offset > int64(len(d.scan.text)) {
		return err
	}
	if n := int64(bytes.Count(d.scan.text[:e.Offset], []byte("\n"))); n > 0 {
		return fault.WrapAs(fault.Invalid, err, "", "line %d", line+n)
	}
	return err
}
