package ingest

import (
	"bytes"
	"strings"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// The raw events form of Seq, older than CLEF and still what its JavaScript loggers send.
//
//	{"Events":[{"Timestamp":"…","Level":"…","MessageTemplate":"…","Exception":"…",
//	            "TraceId":"…","SpanId":"…","Properties":{…}}, …]}
//
// Each event becomes a CLEF line with its members in the order given, Properties spliced in.

// Legacy adds each event of body to b. A body that is not JSON, or not of this form, is
// refused as a whole.
func Legacy(b Adder, body []byte, o PayloadOptions) (Payload, error) {
	l := legacy{b: b, o: &o}
	body, err := withoutMark(body)
	if err != nil {
		return l.p, err
	}
	l.src = body
	if err := l.body(); err != nil {
		return Payload{}, err
	}
	if l.p.Count > 0 {
		l.p.Rest = append(l.p.Rest, "]}"...)
	}
	return l.p, nil
}

type legacy struct {
	b    Adder
	o    *PayloadOptions
	src  []byte
	i    int
	p    Payload
	seen int // events so far
	stop bool

	event   []byte // the event at hand, without white space
	line    []byte // and as CLEF
	scratch []byte
}

const missingEvents = "Invalid raw event JSON, body must contain an 'Events' array."

// body reads the object that holds the events.
func (l *legacy) body() error {
	if l.space(); l.i == len(l.src) || l.src[l.i] != '{' {
		return l.broken(missingEvents)
	}
	l.i++
	found := false
	for first := true; ; first = false {
		l.space()
		if first && l.at('}') {
			break
		}
		name, rest, next, err := event.ScanString(l.src, l.i, l.scratch[:0])
		if err != nil {
			return l.notJSON(err, "a member name")
		}
		isEvents := string(name) == "Events" || string(name) == "events"
		l.scratch, l.i = rest, next
		if l.space(); !l.take(':') {
			return l.notJSON(nil, "a colon")
		}
		l.space()
		if isEvents {
			found = true
			if err := l.events(); err != nil || l.stop {
				return err
			}
		} else if l.event, l.i, err = l.compact(0); err != nil {
			return l.notJSON(err, "a value")
		}
		if l.space(); l.take(',') {
			continue
		}
		if !l.at('}') {
			return l.notJSON(nil, "a comma or the end of the object")
		}
		break
	}
	l.i++
	if l.space(); l.i < len(l.src) {
		if l.at('{') {
			return l.broken("Invalid raw event JSON: more than one object in the body.")
		}
		return l.notJSON(nil, "the end")
	}
	if !found {
		return l.broken(missingEvents)
	}
	return nil
}

// events reads the array.
func (l *legacy) events() error {
	if !l.take('[') {
		return fault.New(fault.Invalid, "", "Invalid raw event JSON, the 'Events' property must be an array.")
	}
	if l.space(); l.take(']') {
		return nil
	}
	for {
		l.space()
		l.seen++
		var err error
		start := l.i
		// Properties lie a level deeper here than in CLEF, whose depth AddCLEF checks.
		if l.event, l.i, err = l.compact(-1); err != nil {
			return l.notJSON(err, "an event")
		}
		if err := l.add(l.src[start:l.i]); err != nil {
			if whole := l.o.BeyondEvent(err, len(l.line)); whole != nil {
				return whole
			}
			if l.p.Count == 0 {
				l.p.Rest = append(l.p.Rest, `{"Events":[`...)
			} else {
				l.p.Rest = append(l.p.Rest, ',')
			}
			l.p.Rest = append(l.p.Rest, l.src[start:l.i]...)
			if !l.p.Refuse(l.seen, err, l.o) {
				l.stop = true
				return nil
			}
		} else {
			l.p.Events++
		}
		if l.space(); l.take(',') {
			continue
		}
		if l.take(']') {
			return nil
		}
		return l.notJSON(nil, "a comma or the end of the array")
	}
}

// compact checks the value at hand and copies it without white space.
func (l *legacy) compact(depth int) ([]byte, int, error) {
	return event.Compact(l.event[:0], l.src, l.i, depth)
}

// fields are the members of an event that CLEF has a name for.
var fields = []struct {
	name, clef string
	text       bool // must be a string
}{
	{"Timestamp", "@t", true},
	{"Level", "@l", true},
	{"MessageTemplate", "@mt", true},
	{"RenderedMessage", "@m", true},
	{"Exception", "@x", true},
	{"EventType", "@i", false},
	{"TraceId", "@tr", true},
	{"SpanId", "@sp", true},
	{"ParentId", "@ps", true},
	{"Start", "@st", true},
	{"SpanKind", "@sk", true},
	{"Resource", "@ra", false},
	{"Scope", "@sa", false},
}

// add makes a CLEF line of the event at hand and adds it. raw is the event as it was sent.
func (l *legacy) add(raw []byte) error {
	if len(raw) > l.o.EventBytes {
		return tooLong(len(raw), l.o.EventBytes)
	}
	if l.event[0] != '{' {
		return fault.New(fault.Invalid, "", "the event is %s; it must be an object", kindOf(l.event))
	}
	l.line = append(l.line[:0], '{')
	var timestamp bool
	var template string
	var renderings []byte
	err := l.members(l.event, func(name, rawName, value []byte) error {
		for _, f := range fields {
			if !strings.EqualFold(string(name), f.name) {
				continue
			}
			if value[0] == 'n' { // null is absent
				return nil
			}
			if f.text && value[0] != '"' {
				return fault.New(fault.Invalid, "", "the event's %s is %s; it must be a string", f.name, kindOf(value))
			}
			switch f.clef {
			case "@t":
				timestamp = true
				if err := checkTimestamp(value); err != nil {
					return err
				}
			case "@mt":
				text, _, _, _ := event.ScanString(value, 0, nil)
				template = string(text)
			}
			l.member(`"`+f.clef+`"`, value)
			return nil
		}
		switch {
		case strings.EqualFold(string(name), "Properties"):
			return l.properties(value)
		case strings.EqualFold(string(name), "Renderings"):
			renderings = value
		default:
			l.property(name, rawName, value) // nothing is dropped
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !timestamp {
		return fault.New(fault.Invalid, "", "the event has no Timestamp")
	}
	if renderings != nil && renderings[0] != 'n' {
		l.renderings(template, renderings)
	}
	l.line = append(l.line, '}')
	return l.b.AddCLEF(l.line)
}

func checkTimestamp(value []byte) error {
	text, _, _, err := event.ScanString(value, 0, nil)
	if err == nil {
		_, _, err = event.ParseTime(text)
	}
	if err != nil {
		return fault.WrapAs(fault.Invalid, err, "", "the event's Timestamp cannot be read as ISO 8601")
	}
	return nil
}

// properties splices the members of the event's Properties into the line.
func (l *legacy) properties(value []byte) error {
	switch value[0] {
	case 'n':
		return nil
	case '{':
		return l.members(value, func(name, rawName, value []byte) error {
			l.property(name, rawName, value)
			return nil
		})
	}
	return fault.New(fault.Invalid, "", "the event's Properties are %s; they must be an object", kindOf(value))
}

// property adds a member of the user's; a name that begins with @ is escaped by doubling it.
func (l *legacy) property(name, rawName, value []byte) {
	if len(name) > 0 && name[0] == '@' {
		escaped := append([]byte{'@'}, name...)
		l.member(string(event.AppendString(nil, escaped)), value)
		return
	}
	l.member(string(rawName), value)
}

func (l *legacy) member(rawName string, value []byte) {
	if len(l.line) > 1 {
		l.line = append(l.line, ',')
	}
	l.line = append(l.line, rawName...)
	l.line = append(l.line, ':')
	l.line = append(l.line, value...)
}

// renderings adds @r, the texts of the template's holes that have a format, in their order,
// from {"Name":[{"Format":"000","Rendering":"003"}]}. What does not fit is kept as it is.
func (l *legacy) renderings(template string, raw []byte) {
	all, err := event.ParseValue(raw)
	texts := []byte{'['}
	fits := err == nil && all.Kind == event.Object
	for _, hole := range event.ParseTemplate(template) {
		if hole.Name == "" || hole.Format == "" || !fits {
			continue
		}
		fits = false
		for _, r := range all.Get(hole.Name).Items {
			text := r.Get("Rendering")
			if r.Get("Format").Text == hole.Format && text.Kind == event.String {
				if len(texts) > 1 {
					texts = append(texts, ',')
				}
				texts = text.AppendJSON(texts)
				fits = true
				break
			}
		}
	}
	if !fits {
		l.member(`"Renderings"`, raw)
	} else if len(texts) > 1 {
		l.member(`"@r"`, append(texts, ']'))
	}
}

// members walks an object that Compact has made. The slices are parts of object, but for
// name, which is valid during the call.
func (l *legacy) members(object []byte, each func(name, rawName, value []byte) error) error {
	for i := 1; i < len(object) && object[i] != '}'; {
		name, rest, next, err := event.ScanString(object, i, l.scratch[:0])
		if err != nil {
			return fault.WrapAs(fault.Internal, err, "", "a checked event cannot be read")
		}
		l.scratch = nil // name may lie in it, and members of members come while it is in use
		rawName := object[i:next]
		end := event.ValueEnd(object, next+1)
		if err := each(name, rawName, object[next+1:end]); err != nil {
			return err
		}
		l.scratch = rest
		if i = end; i < len(object) && object[i] == ',' {
			i++
		}
	}
	return nil
}

func (l *legacy) space() {
	for l.i < len(l.src) && (l.src[l.i] == ' ' || l.src[l.i] == '\n' || l.src[l.i] == '\r' || l.src[l.i] == '\t') {
		l.i++
	}
}

func (l *legacy) at(c byte) bool { return l.i < len(l.src) && l.src[l.i] == c }

func (l *legacy) take(c byte) bool {
	if !l.at(c) {
		return false
	}
	l.i++
	return true
}

// broken refuses the body as a whole; CLEF that came here by mistake is told where to go.
func (l *legacy) broken(text string) error {
	err := fault.New(fault.Invalid, "", "%s", text)
	if start := bytes.TrimLeft(l.src, " \t\r\n"); len(start) > 0 && start[0] == '{' {
		err = err.WithHint("newline-delimited CLEF goes to /ingest/clef, or here with ?clef or the content type application/vnd.serilog.clef")
	}
	return err
}

// notJSON says where the body stops being JSON. Line numbers help nobody: it is one long line.
func (l *legacy) notJSON(cause error, expected string) error {
	const text = "Invalid raw event JSON"
	switch {
	case cause != nil && l.seen > 0:
		return fault.WrapAs(fault.Invalid, cause, "", text+", event %d could not be parsed", l.seen)
	case cause != nil:
		return fault.WrapAs(fault.Invalid, cause, "", text+", before the first event")
	case l.seen > 0:
		return fault.New(fault.Invalid, "", text+", after event %d at byte %d: expected %s", l.seen, l.i, expected)
	}
	return fault.New(fault.Invalid, "", text+", before the first event at byte %d: expected %s", l.i, expected)
}

// kindOf names the kind of a JSON value by its first byte.
func kindOf(value []byte) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
