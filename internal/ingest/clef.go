// Package ingest turns what others send into the events of a batch: the payloads of wire
// protocols (clef.go, legacy.go) and the dialects of files.
package ingest

import (
	"bytes"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// Adder is the batch that events go into; *stele.Batch is one. A call that fails adds nothing.
type Adder interface {
	AddCLEF(line []byte) error
}

// PayloadOptions says how a payload is taken.
type PayloadOptions struct {
	EventBytes int   // most bytes of one event as sent
	Partial    bool  // go on after an event that is refused (R21)
	JSON       bool  // the payload calls itself application/json: one event may span lines
	Arrival    int64 // when the payload came, in nanoseconds since 1970: the time of events that have none
}

// MaxRefusals is how many refusals of one payload are described one by one.
const MaxRefusals = 1000

// Refusal is an event that was not taken.
type Refusal struct {
	Line int   // the line, or for legacy payloads the place in the array, from 1
	Err  error // kind Invalid
}

// Payload is what became of a payload.
type Payload struct {
	Events  int       // events added
	Count   int       // events refused; without Partial the first one ends it
	Refused []Refusal // the first MaxRefusals of them, in order
	Rest    []byte    // the refused events alone, as a payload of the same form
}

// Refuse notes the event at line; it tells whether to go on. Rest is the caller's to fill.
func (p *Payload) Refuse(line int, err error, o *PayloadOptions) bool {
	p.Count++
	if len(p.Refused) < MaxRefusals {
		p.Refused = append(p.Refused, Refusal{line, err})
	}
	return o.Partial
}

// CLEF adds each line of body (newline-delimited CLEF) to b. Tolerated: a byte order mark, \r\n,
// blank lines, no newline at the end. The error is what cannot be laid to a single line.
func CLEF(b Adder, body []byte, o PayloadOptions) (Payload, error) {
	c := CLEFPieces{Options: o}
	if o.JSON && bytes.IndexByte(body, '\n') >= 0 {
		text, err := withoutMark(body)
		if err != nil {
			return c.Payload, err
		}
		if one, ok := oneObject(text); ok {
			body = one
		}
	}
	_, err := c.Add(b, body, true)
	return c.Payload, err
}

// CLEFPieces is CLEF for a body that comes piece by piece.
type CLEFPieces struct {
	Options PayloadOptions // but for JSON, which needs the whole body
	Payload Payload        // what has become of what was added
	Lines   int            // lines so far, blank ones counted
	Stopped bool           // an event was refused, and with it the rest

	begun bool
}

// Add adds the whole lines of text, or all of it at the end, and returns how much of text that is: the rest is to be
// added again, with what follows it.
func (c *CLEFPieces) Add(b Adder, text []byte, end bool) (used int, err error) {
	whole := len(text)
	if !end {
		whole = bytes.LastIndexByte(text, '\n') + 1
	}
	if whole == 0 || c.Stopped {
		return 0, nil
	}
	body := text[:whole]
	if !c.begun {
		c.begun = true
		if body, err = withoutMark(body); err != nil {
			return 0, err
		}
	}
	for at := 0; at < len(body); {
		text, next := body[at:], len(body)
		if n := bytes.IndexByte(text, '\n'); n >= 0 {
			text, next = text[:n], at+n+1
		}
		at = next
		c.Lines++
		line := bytes.Trim(text, " \t\r")
		if len(line) == 0 {
			continue
		}
		if err := addLine(b, line, &c.Options); err != nil {
			if all := c.Options.BeyondEvent(err, len(line)); all != nil {
				return 0, all
			}
			c.Payload.Rest = append(append(c.Payload.Rest, bytes.TrimSuffix(text, []byte{'\r'})...), '\n')
			if !c.Payload.Refuse(c.Lines, err, &c.Options) {
				c.Stopped = true
				return whole, nil
			}
			continue
		}
		c.Payload.Events++
	}
	return whole, nil
}

func addLine(b Adder, line []byte, o *PayloadOptions) error {
	if len(line) > o.EventBytes {
		return tooLong(len(line), o.EventBytes)
	}
	err := b.AddCLEF(line)
	if fault.KindOf(err) == fault.Invalid && looksLegacy(line) {
		return fault.WrapAs(fault.Invalid, err, "", "this is a payload in the raw events form, not CLEF").
			WithHint(`send {"Events":[...]} to /api/events/raw`)
	}
	return err
}

// tooLong is the event's fault, not the payload's: 400, not 413.
func tooLong(bytes, limit int) error {
	return fault.New(fault.Invalid, "", "the event is %d bytes long; at most %d are allowed", bytes, limit)
}

// BeyondEvent tells what is wrong with an event, of size bytes as CLEF, from what is not: err is why it was not taken,
// and nil says that this concerns it alone. Else it is the error of the payload, of which nothing is used.
func (o *PayloadOptions) BeyondEvent(err error, size int) error {
	switch kind := fault.KindOf(err); {
	case kind == fault.TooLarge && size <= o.EventBytes: // it is all of them together
		return fault.WrapAs(fault.TooLarge, err, "", "the events are too many for one request").WithHint("send fewer at once")
	case kind == fault.Invalid, kind == fault.TooLarge:
		return nil
	}
	return err
}

func looksLegacy(line []byte) bool {
	line = bytes.TrimLeft(bytes.TrimPrefix(line, []byte("{")), " \t")
	return bytes.HasPrefix(line, []byte(`"Events"`)) || bytes.HasPrefix(line, []byte(`"events"`))
}

// oneObject returns body as one line if it is one JSON object.
func oneObject(body []byte) ([]byte, bool) {
	text := bytes.Trim(body, " \t\r\n")
	if len(text) == 0 || text[0] != '{' {
		return nil, false
	}
	one, next, err := event.Compact(nil, text, 0, 0)
	return one, err == nil && next == len(text)
}

// withoutMark drops a byte order mark of UTF-8 and names those of other encodings.
func withoutMark(body []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		return body[3:], nil
	case bytes.HasPrefix(body, []byte("\xff\xfe")), bytes.HasPrefix(body, []byte("\xfe\xff")):
		return nil, fault.New(fault.Invalid, "", "the payload begins with the byte order mark of UTF-16").WithHint("send UTF-8")
	}
	return body, nil
}
