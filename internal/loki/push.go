// Package loki reads what Loki's clients push: streams of lines with labels, as protobuf compressed by snappy, or as JSON.
//
//	{"streams":[{"stream":{"app":"shop"},"values":[["1795168800000000000","a line",{"trace_id":"…"}],…]},…]}
//
// Each line becomes an event at the time that was sent with it. Labels and structured metadata are properties. A
// line of text is the message; the members of a line that is a JSON object are properties too.
//
// Source of the forms: Loki's reference, "HTTP API, ingest logs", and pkg/push/push.proto of grafana/loki.
package loki

import (
	"bytes"

	"github.com/klauspost/compress/s2"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
)

// Push adds the entries of a body to b: JSON if o says so or the body is it, else protobuf. What is wrong with one entry
// concerns it alone, and with o.Partial the others go on; the error is what is wrong with the body. Payload.Rest is
// JSON in either case.
//
// A compressed body says how long it is. take is asked for that much memory before it is used.
func Push(b ingest.Adder, body []byte, o ingest.PayloadOptions, take func(bytes int) error) (ingest.Payload, error) {
	d := &decoder{b: b, o: &o}
	var err error
	if o.JSON || isJSON(body) {
		err = d.json(bytes.TrimPrefix(body, []byte("\ufeff")))
	} else if body, err = decompress(body, take); err == nil {
		err = d.protobuf(body)
	}
	if len(d.p.Rest) > 0 {
		d.p.Rest = append(d.p.Rest, "]}]}"...)
	}
	return d.p, err
}

// isJSON tells JSON from snappy, whose first byte, part of a length, may be any: its second is then none that
// copies what came before, which " and } would be.
func isJSON(body []byte) bool {
	return bytes.HasPrefix(body, []byte(`{"`)) || bytes.HasPrefix(body, []byte(`{}`))
}

func decompress(body []byte, take func(bytes int) error) ([]byte, error) {
	n, err := s2.DecodedLen(body)
	if err != nil {
		return nil, fault.WrapAs(fault.Invalid, err, "", "the body is no snappy block").WithHint("JSON needs the content type application/json")
	}
	if err := take(n); err != nil {
		return nil, err
	}
	plain, err := s2.Decode(make([]byte, n), body)
	if err != nil {
		return nil, fault.WrapAs(fault.Invalid, err, "", "the body is no snappy block").WithHint("JSON needs the content type application/json")
	}
	return plain, nil
}

// decoder is the state of one body.
type decoder struct {
	b ingest.Adder
	o *ingest.PayloadOptions
	p ingest.Payload

	entries int    // so far
	stop    bool   // the first refusal ended it
	labels  tags   // of the stream at hand
	meta    tags   // of the entry at hand
	named   []byte // how Rest names the stream at hand: "stream":{…} or "labels":"…"
	begun   bool   // Rest has an entry of the stream at hand

	lines   lines
	clef    []byte
	text    []byte // an entry in compact JSON
	scratch []byte
}

// stream begins a stream.
func (d *decoder) stream() {
	d.labels.reset()
	d.named, d.begun = d.named[:0], false
}

// entry adds an entry. rest gives it as it is to stand in Rest, if it is refused. The error is none of the entry's.
func (d *decoder) entry(instant int64, line []byte, bad error, rest func() []byte) error {
	d.entries++
	err := bad
	if err == nil {
		err = d.add(instant, line)
	}
	if err == nil {
		d.p.Events++
		return nil
	}
	if whole := d.o.BeyondEvent(err, len(d.clef)); whole != nil {
		return whole
	}
	switch {
	case d.begun:
		d.p.Rest = append(d.p.Rest, ',')
	case len(d.p.Rest) > 0:
		d.p.Rest = append(d.p.Rest, "]},{"...)
	default:
		d.p.Rest = append(d.p.Rest, `{"streams":[{`...)
	}
	if !d.begun {
		d.p.Rest = append(append(d.p.Rest, d.named...), `,"values":[`...)
		d.begun = true
	}
	d.p.Rest = append(d.p.Rest, rest()...)
	d.stop = !d.p.Refuse(d.entries, err, d.o)
	return nil
}

// add makes an entry's event and adds it.
func (d *decoder) add(instant int64, line []byte) error {
	meta := d.meta.without(&d.labels)
	if size := len(line) + len(meta) + len(d.labels.members); size > d.o.EventBytes {
		d.clef = d.clef[:0]
		return fault.New(fault.Invalid, "", "the entry is %d bytes long with its labels; at most %d are allowed", size, d.o.EventBytes)
	}
	level := d.labels.level
	if d.meta.rank > d.labels.rank {
		level = d.meta.level
	}
	d.clef = d.lines.appendCLEF(d.clef[:0], line, instant, level)
	d.clef = d.clef[:len(d.clef)-1] // }
	d.trace(`,"@tr":"`, d.labels.trace, d.meta.trace)
	d.trace(`,"@sp":"`, d.labels.span, d.meta.span)
	for _, members := range [][]byte{meta, d.labels.members} {
		if len(members) > 0 {
			d.clef = append(append(d.clef, ','), members...)
		}
	}
	d.clef = append(d.clef, '}')
	return d.b.AddCLEF(d.clef)
}

// trace adds an id that the line itself does not give; metadata's before a label's.
func (d *decoder) trace(member string, label, meta []byte) {
	id := meta
	if len(id) == 0 {
		id = label
	}
	if len(id) > 0 && !bytes.Contains(d.clef, []byte(member)) {
		d.clef = append(append(append(d.clef, member...), id...), '"')
	}
}

// lines turns lines into the CLEF of events: those that are JSON objects or logfmt are taken apart as in files, and nothing
// of them is removed (R9).
type lines struct {
	objects *ingest.Objects
	logfmt  ingest.Logfmt
}

// appendCLEF appends the event of a line. level is what its labels say, for a line that does not say it.
func (l *lines) appendCLEF(dst, line []byte, instant int64, level string) []byte {
	if at := event.SkipSpace(line, 0); at < len(line) && line[at] == '{' {
		if l.objects == nil {
			l.objects = ingest.NewObjects(ingest.ObjectOptions{KeepLevels: true})
		}
		if clef, _, err := l.objects.Append(dst, line, ingest.ObjectContext{Instant: instant, Fixed: true, Level: level}); err == nil {
			return clef
		}
	} else if clef, ok := l.logfmt.Append(dst, line, instant, level); ok {
		return clef
	}
	dst = append(event.AppendTime(append(dst, `{"@t":"`...), instant), '"')
	if level != "" {
		dst = event.AppendText(append(dst, `,"@l":`...), level)
	}
	return append(event.AppendString(append(dst, `,"@m":`...), line), '}')
}
