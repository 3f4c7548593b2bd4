package ingest

import (
	"bytes"
	"errors"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// isDocument tells JSON documents from one object a line. objects is how many of the sample's lines are objects.
func isDocument(s *sample, objects int) bool {
	start := documentStart(s.text)
	switch {
	case start == 0:
		return false
	case start == '{' && objects*2 >= len(s.lines) && envelopeOf(s.text) == nil:
		return false
	}
	elements, refused, cut := sampleDocument(s)
	switch {
	case len(elements) == 0:
		return refused == 0 && (start == '[' || cut && !s.whole)
	case start == '[':
		return true
	}
	return len(elements) > refused
}

// documentStart returns the first byte of a document, 0 if the text is none.
func documentStart(text []byte) byte {
	const blanks = " \t\r\n"
	text = bytes.TrimLeft(text, blanks+"\x1e")
	if len(text) == 0 {
		return 0
	}
	inside := text
	if text[0] == '[' {
		if inside = bytes.TrimLeft(text[1:], blanks); len(inside) > 0 && inside[0] == ']' {
			return '['
		}
	}
	if len(inside) == 0 || inside[0] != '{' {
		return 0
	}
	if inside = bytes.TrimLeft(inside[1:], blanks); len(inside) == 0 || inside[0] != '"' && inside[0] != '}' {
		return 0
	}
	return text[0]
}

// sampleDocument reads the elements of the sample. cut says that it ends inside of one, or before the first.
func sampleDocument(s *sample) (elements [][]byte, refused int, cut bool) {
	f := NewFileReader(bytes.NewReader(s.text), FileOptions{EventBytes: max(lineBuffer, len(s.text))})
	f.o.Refused = func(r FileRefusal) {
		if errors.Is(r.Err, errCutOff) {
			cut = true
			return
		}
		refused++
	}
	d := &documentDialect{json: newJSONDialect(FileOptions{}, calendar{}, nil), around: envelopeOf(s.text), sampling: true}
	d.json.hits = d.around != nil && d.around.hits
	d.next(f)
	return d.elements, refused, cut
}

// openDocument opens a file of JSON that is not one object a line.
func openDocument(o *FileOptions, c calendar, s *sample) dialect {
	d := &documentDialect{o: o, around: envelopeOf(s.text)}
	d.elements, _, _ = sampleDocument(s)
	d.json = newJSONDialect(*o, c, d.elements)
	d.json.hits = d.around != nil && d.around.hits
	switch {
	case d.around != nil:
		d.shown = d.around.shown
	case documentStart(s.text) == '[':
		d.shown = "JSON array"
	default:
		d.shown = "JSON objects over several lines"
	}
	if d.around == nil || d.around.plain || d.around.decode == nil {
		d.shown += d.json.found(d.elements)
	}
	return d
}

// envelopeOf recognises the object around an array of events, of which text may be but the beginning.
func envelopeOf(text []byte) *envelope {
	i := event.SkipSpace(text, 0)
	if i >= len(text) || text[i] != '{' {
		return nil
	}
	names, arrays := membersOf(text[i:])
	for e := range envelopes {
		e := &envelopes[e]
		for n, array := range arrays {
			if !e.has(0, names[n]) {
				continue
			}
			if len(e.path) > 1 {
				inner, innerArrays := membersOf(array)
				for m := range inner {
					if e.has(1, inner[m]) && holdsObjects(innerArrays[m]) {
						return e
					}
				}
				continue
			}
			if holdsObjects(array) && (!e.plain || isPage(names, e)) {
				return e
			}
		}
	}
	return nil
}

// membersOf lists the members of an object that may be cut off, with the texts of their values to the end.
func membersOf(text []byte) (names []string, values [][]byte) {
	if len(text) == 0 || text[0] != '{' {
		return nil, nil
	}
	for i := event.SkipSpace(text, 1); len(names) < 1000; {
		name, _, next, err := event.ScanString(text, i, nil)
		if err != nil {
			break
		}
		if i = event.SkipSpace(text, next); i >= len(text) || text[i] != ':' {
			break
		}
		if i = event.SkipSpace(text, i+1); i >= len(text) {
			break
		}
		names, values = append(names, string(name)), append(values, text[i:])
		var v valueEnder
		n, done, _ := v.scan(text[i:])
		if !done {
			break
		}
		if i = event.SkipSpace(text, i+n); i >= len(text) || text[i] != ',' {
			break
		}
		i = event.SkipSpace(text, i+1)
	}
	return names, values
}

// holdsObjects recognises an array of objects, or of nothing, by its beginning.
func holdsObjects(text []byte) bool {
	if len(text) == 0 || text[0] != '[' {
		return false
	}
	i := event.SkipSpace(text, 1)
	return i >= len(text) || text[i] == '{' || text[i] == ']'
}

// besideEvents are the members that services put beside a page of events, folded as foldName does.
var besideEvents = map[string]bool{
	"kind": true, "apiversion": true, "metadata": true, "meta": true, "links": true, "odatacontext": true, "odatacount": true,
	"odatanextlink": true, "nextlink": true, "next": true, "nexttoken": true, "nextpagetoken": true, "nextforwardtoken": true,
	"nextbackwardtoken": true, "searchedlogstreams": true, "responsemetadata": true, "total": true, "count": true, "size": true,
	"limit": true, "offset": true, "page": true, "pages": true, "cursor": true, "hasmore": true, "took": true, "version": true,
}

// isPage reports whether an object has nothing but events and what belongs to no event: else it is one itself.
func isPage(names []string, e *envelope) bool {
	var folded []byte
	for _, name := range names {
		if folded = foldName(folded[:0], []byte(name)); !e.has(0, name) && !besideEvents[string(folded)] {
			return false
		}
	}
	return true
}

// decodedEvents are the events of a request, as they come out of its decoder.
type decodedEvents struct {
	text  []byte
	ends  []int
	given int

	line, offset int64 // where the request begins
}

// AddCLEF keeps an event.
func (q *decodedEvents) AddCLEF(line []byte) error {
	q.text = append(q.text, line...)
	q.ends = append(q.ends, len(q.text))
	return nil
}

func (q *decodedEvents) decode(f *FileReader, decode Decoder, body []byte, line, offset int64) {
	*q = decodedEvents{text: q.text[:0], ends: q.ends[:0], line: line, offset: offset}
	p, err := decode(q, body, PayloadOptions{EventBytes: f.o.EventBytes, Partial: true, Arrival: f.before})
	if err != nil {
		f.tell(FileRefusal{Line: line, Offset: offset, Err: err, Text: body})
		return
	}
	for _, r := range p.Refused {
		f.tell(FileRefusal{Line: line, Offset: offset, Err: r.Err, Text: p.Rest})
	}
	if more := p.Count - len(p.Refused); more > 0 {
		f.tell(FileRefusal{Line: line, Offset: offset, Err: fault.New(fault.Invalid, "", "%d more events of this request are refused", more), Text: p.Rest})
	}
	if p.Count == 0 && p.Events == 0 {
		f.tell(FileRefusal{Line: line, Offset: offset, Err: fault.New(fault.Invalid, "", "the request holds no event"), Text: body})
	}
}

// give emits the next one.
func (q *decodedEvents) give(f *FileReader) bool {
	start := 0
	if q.given > 0 {
		start = q.ends[q.given-1]
	}
	clef := q.text[start:q.ends[q.given]]
	q.given++
	instant, ok := clefInstant(clef)
	if !ok {
		instant = f.before
	}
	return f.emit(clef, q.line, q.offset, instant, ok)
}
