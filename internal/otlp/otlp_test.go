package otlp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
	"github.com/stelehq/stele/internal/testkit"
)

// collector is a batch that holds what it is given to Stele's own form too.
type collector struct {
	testkit.Collector
	t testing.TB
}

func (c *collector) AddCLEF(line []byte) error {
	err := c.Collector.AddCLEF(line)
	if fault.KindOf(err) == fault.Invalid {
		c.t.Fatalf("%v in %s", err, line)
	}
	if v, _ := event.ParseValue(line); !bytes.Equal(v.AppendJSON(nil), line) {
		c.t.Fatalf("not in Stele's own form: %s\nit is %s", line, v.AppendJSON(nil))
	}
	return err
}

type decoder func(ingest.Adder, []byte, ingest.PayloadOptions) (ingest.Payload, error)

var options = ingest.PayloadOptions{EventBytes: 10_000, Partial: true, Arrival: 1_700_000_000_000_000_000}

// What becomes of requests: testdata/logs and testdata/traces. The argument event-bytes limits events. Inputs that
// begin with a letter are records alone.
func TestMapping(t *testing.T) {
	for name, f := range map[string]struct {
		whole  decoder
		around string
	}{
		"logs":   {LogsJSON, `{"resourceLogs":[{"scopeLogs":[{"logRecords":[%s]}]}]}`},
		"traces": {TracesJSON, `{"resourceSpans":[{"scopeSpans":[{"spans":[%s]}]}]}`},
	} {
		datadriven.RunTest(t, "testdata/"+name, func(t *testing.T, d *datadriven.TestData) string {
			o := options
			if d.HasArg("event-bytes") {
				d.ScanArgs(t, "event-bytes", &o.EventBytes)
			}
			if d.HasArg("not-partial") {
				o.Partial = false
			}
			body := d.Input
			if d.Cmd == "records" {
				body = fmt.Sprintf(f.around, strings.ReplaceAll(d.Input, "\n", ","))
			}
			b := &collector{t: t}
			p, err := f.whole(b, []byte(body), o)
			return outcome(b, &p, err)
		})
	}
}

func outcome(b *collector, p *ingest.Payload, err error) string {
	var out strings.Builder
	for _, line := range b.Lines {
		out.WriteString(line + "\n")
	}
	for _, r := range p.Refused {
		fmt.Fprintf(&out, "refused %d: %v\n", r.Line, r.Err)
	}
	if p.Rest != nil {
		fmt.Fprintf(&out, "rest: %s\n", p.Rest)
	}
	if err != nil {
		fmt.Fprintf(&out, "error: %s: %v\n", fault.KindOf(err), err)
	}
	if p.Count != len(p.Refused) || err == nil && p.Events != len(b.Lines) {
		fmt.Fprintf(&out, "%d events and %d refusals are counted\n", p.Events, p.Count)
	}
	return out.String()
}

// A field of two bytes becomes a note of many: a record of nothing but such fields is refused before the notes take more
// memory than an event could have.
func TestNotesAreBounded(t *testing.T) {
	many := func(number byte) string { return strings.Repeat(string([]byte{number<<3 | 2, 0}), 1_000_000) }
	field := func(number protowire.Number, content string) string {
		return string(appendString(nil, number, content))
	}
	for _, c := range []struct {
		name   string
		signal *signal
		body   string
	}{
		{"attributes", &logs, field(1, field(2, field(2, many(6))))},
		{"attributes of a resource", &logs, field(1, field(1, many(1))+field(2, field(2, "")))},
		{"entities of a resource", &logs, field(1, field(1, many(3))+field(2, field(2, "")))},
		{"attributes of a scope", &logs, field(1, field(2, field(1, many(3))+field(2, "")))},
		{"attributes of a span", &traces, field(1, field(2, field(2, many(9))))},
		{"events of a span", &traces, field(1, field(2, field(2, many(11))))},
		{"attributes of an event", &traces, field(1, field(2, field(2, field(11, many(3)))))},
		{"links of a span", &traces, field(1, field(2, field(2, many(13))))},
		{"attributes of a link", &traces, field(1, field(2, field(2, field(13, many(4)))))},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMapper(&collector{t: t}, options, c.signal)
			p, err := m.protobuf([]byte(c.body))
			if err != nil || p.Count != 1 || fault.KindOf(p.Refused[0].Err) != fault.Invalid {
				t.Errorf("%d refused, %v", p.Count, err)
			}
			notes := cap(m.attributes.all) + cap(m.inner.all) + cap(m.lists[0]) + cap(m.lists[1])
			if notes > options.EventBytes {
				t.Errorf("%d are held, for an event of at most %d bytes", notes, options.EventBytes)
			}
		})
	}
}
