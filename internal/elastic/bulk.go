// Package elastic reads the bodies of Elasticsearch's bulk API, as its clients send them.
//
//	{"index":{"_index":"logs-app","_id":"7"}}                    an action, one line
//	{"@timestamp":"2026-11-20T10:00:00Z","message":"hi"}         its document, one line
//	{"update":{"_index":"logs-app","_id":"7"}}
//	{"doc":{"level":"error"},"doc_as_upsert":true}
//	{"delete":{"_index":"logs-app","_id":"7"}}                   no document follows
//
// An event store keeps what happened: each document becomes one event, whatever the action. Nothing is looked up,
// changed or deleted.
//
// Source of the form: Elasticsearch's reference, "Bulk index or delete documents".
package elastic

import (
	"bytes"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
)

// Kind is the kind of an action.
type Kind uint8

// The kinds that there are.
const (
	Index Kind = iota
	Create
	Update
	Delete
)

var kinds = [...]string{"index", "create", "update", "delete"}

func (k Kind) String() string { return kinds[k] }

// A Target is where a client wants a document. What it says is kept in the event, under the names given here.
type Target struct {
	Index    string // _index
	ID       string // _id
	Type     string // _type, of clients older than Elasticsearch 7; "_doc" is none
	Routing  string // _routing
	Pipeline string // _pipeline
}

// Most bytes of an index's name and of an id, a routing or a pipeline, as Elasticsearch has it. They are part of
// every event.
const (
	maxIndex = 255
	maxID    = 512
)

// maxActions is how many actions a body may have: the answer to each is kept until all are durable.
const maxActions = 100_000

// smallRest is how many bytes the refused documents of any body may have: each names in full what the body's address names once.
const smallRest = 1 << 20

// Item is what became of one action.
type Item struct {
	Kind  Kind
	Index string
	ID    string // "" if the client gave none
	Err   error  // nil: the document is in the batch; else kind Invalid or TooLarge
	Type  string // Elasticsearch's name for Err
}

// The names of errors.
const (
	errDocument = "document_parsing_exception"
	errArgument = "illegal_argument_exception"
)

// Bulk decodes one body. Its zero value is ready, for one use.
type Bulk struct {
	Default Target // what actions leave out
	Items   []Item // one for each action, in order; filled by Add

	b       ingest.Adder
	o       *ingest.PayloadOptions
	p       ingest.Payload
	objects objects
	clef    []byte
	members event.Members // of the action or update at hand
	inside  event.Members // of the object that the action's name has
	last    action        // the action before, and its text
	lastRaw []byte
}

type action struct {
	kind   Kind
	target Target
}

// Add adds the documents of body to b. What is wrong with one of them concerns it alone, and with o.Partial the
// others go on. An action that cannot be read is the error: nothing tells then whether the next line is a document.
func (d *Bulk) Add(b ingest.Adder, body []byte, o ingest.PayloadOptions) (ingest.Payload, error) {
	d.b, d.o = b, &o
	if err := d.Default.check(); err != nil {
		return d.p, err
	}
	most := longestRest(body)
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	for number := 1; len(body) > 0; number++ {
		var line []byte
		if line, body = cutLine(body); len(line) == 0 {
			continue
		}
		a, err := d.action(line)
		if err != nil {
			return d.p, fault.WrapAs(fault.Invalid, err, "", "malformed action on line %d", number)
		}
		if len(d.Items) == maxActions {
			return d.p, fault.New(fault.TooLarge, "", "the body has more than %d actions", maxActions).WithHint("send fewer at once")
		}
		at := number
		var document []byte
		if a.kind != Delete {
			if len(body) > 0 {
				document, body = cutLine(body)
			}
			number++
			at = number
		}
		name, err := d.document(a, document)
		if err != nil && name == "" {
			return d.p, err
		}
		if !d.note(a, document, at, name, err) {
			break
		}
		if len(d.p.Rest) > most {
			return d.p, fault.New(fault.TooLarge, "", "too many documents are refused for one request: with their targets they are longer than %d bytes", most).
				WithHint("send fewer at once")
		}
	}
	return d.p, nil
}

// Whole returns a bulk body that says by itself where its documents go: what Default says stands in every action that leaves it
// out. From an action on that cannot be read, it is as it was; so is all of it if it would be many times as long.
func (d *Bulk) Whole(body []byte) []byte {
	if d.Default == (Target{}) {
		return body
	}
	var whole []byte
	for rest := bytes.TrimPrefix(body, []byte("\ufeff")); len(rest) > 0; {
		if len(whole) > longestRest(body) {
			return body
		}
		line, after := cutLine(rest)
		a, err := d.action(line)
		switch {
		case len(line) == 0:
		case err != nil:
			return append(whole, rest...)
		default:
			whole = a.append(whole)
			if a.kind != Delete {
				line, after = cutLine(after)
				whole = append(append(whole, line...), '\n')
			}
		}
		rest = after
	}
	return whole
}

// longestRest is how many bytes a body may have that stands for another, or a part of it.
func longestRest(body []byte) int { return max(smallRest, 4*len(body)) }

// Named reports whether the client gave every document of the body an id: then the same body again would change nothing
// in Elasticsearch.
func (d *Bulk) Named() bool {
	for i := range d.Items {
		if d.Items[i].ID == "" {
			return false
		}
	}
	return len(d.Items) > 0
}

// cutLine cuts the first line off, without blanks around it.
func cutLine(body []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(body, []byte("\n"))
	return bytes.Trim(line, " \t\r"), rest
}

// note enters what became of an action; it tells whether to go on.
func (d *Bulk) note(a action, document []byte, line int, name string, err error) bool {
	item := Item{Kind: a.kind, Index: a.target.Index, ID: a.target.ID}
	if err == nil {
		d.p.Events++
		d.Items = append(d.Items, item)
		return true
	}
	if a.kind != Delete { // which has no document that could be kept
		d.p.Rest = append(append(a.append(d.p.Rest), document...), '\n')
	}
	if len(d.p.Refused) == ingest.MaxRefusals {
		err = errMany
	}
	item.Err, item.Type = err, name
	d.Items = append(d.Items, item)
	return d.p.Refuse(line, err, d.o)
}

// errMany stands for every refusal after the first ones, so that a body of nothing but mistakes takes no more
// memory than another.
var errMany = fault.New(fault.Invalid, "", "refused; only the first %d refusals of a body are described", ingest.MaxRefusals)

// document adds the event of an action, or returns why not, with Elasticsearch's name for that; without a name it is
// no fault of the document.
func (d *Bulk) document(a action, source []byte) (name string, err error) {
	if a.kind == Delete {
		return errArgument, fault.New(fault.Invalid, "", "delete is not supported: events are kept as they were sent")
	}
	if len(source) > d.o.EventBytes {
		return errArgument, fault.New(fault.Invalid, "", "the document is %d bytes long; at most %d are allowed", len(source), d.o.EventBytes)
	}
	if err := a.target.check(); err != nil {
		return errArgument, err
	}
	var upsert []byte
	if a.kind == Update {
		if source, upsert, err = d.update(source); err != nil {
			return errDocument, err
		}
	}
	if len(source) == 0 {
		return errDocument, fault.New(fault.Invalid, "", "the action has no document")
	}
	if d.clef, err = d.objects.appendCLEF(d.clef[:0], source, d.o.Arrival); err != nil {
		return errDocument, err
	}
	d.clef = a.target.appendMembers(d.clef[:len(d.clef)-1])
	if upsert != nil {
		d.clef = append(append(d.clef, `,"_upsert":`...), upsert...)
	}
	d.clef = append(d.clef, '}')
	if err = d.b.AddCLEF(d.clef); err == nil {
		return "", nil
	}
	if whole := d.o.BeyondEvent(err, len(d.clef)); whole != nil {
		return "", whole
	}
	return errDocument, err
}
