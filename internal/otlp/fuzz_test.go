package otlp

import (
	"fmt"
	"strings"
	"testing"

	collectorlogs "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	collectortrace "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/testkit"
)

// accounted feeds any bytes to a decoder and checks what always holds: the events are CLEF (the collector sees to it), what is
// refused is refused with a reason, and the rest holds the refused records and nothing else, in the same form.
func accounted(t *testing.T, d decoder, body []byte) (lines []string, refused int, err error) {
	b := &collector{t: t}
	o := options
	o.EventBytes = 2000
	p, err := d(b, body, o)
	if err != nil {
		if fault.KindOf(err) != fault.Invalid {
			t.Fatalf("%s: %v", fault.KindOf(err), err)
		}
		return nil, 0, err
	}
	if p.Events != len(b.Lines) || (p.Rest == nil) != (p.Count == 0) || p.Count > 0 && len(p.Refused) == 0 {
		t.Fatalf("%d events for %d lines, %d refused, %d told of, rest %q", p.Events, len(b.Lines), p.Count, len(p.Refused), p.Rest)
	}
	for _, line := range b.Lines {
		if len(line) > o.EventBytes {
			t.Fatalf("an event of %d bytes", len(line))
		}
	}
	if p.Rest != nil {
		again := &collector{t: t}
		q, err := d(again, p.Rest, o)
		if err != nil || q.Events != 0 || q.Count != p.Count {
			t.Fatalf("of the rest %d events and %d refused, %v; %d were refused\nrest %q\nof %q", q.Events, q.Count, err, p.Count, p.Rest, body)
		}
	}
	return b.Lines, p.Count, nil
}

// compare checks events against the plain mapping, wherever the generated code takes the request too.
func compare(t *testing.T, body []byte, lines []string, refused int, m proto.Message, want func() []string) {
	if refused > 0 || proto.Unmarshal(body, m) != nil || hasUnknown(m.ProtoReflect()) {
		return
	}
	expected := want()
	if len(expected) != len(lines) {
		t.Fatalf("%d events, want %d, of %q", len(lines), len(expected), body)
	}
	for i, line := range lines {
		if line != expected[i] {
			t.Fatalf("got  %s\nwant %s\nof %q", line, expected[i], body)
		}
	}
}

// hasUnknown tells whether a message holds what its type does not know: the generated code passes over a known number on the
// wrong wire type, which we refuse, and knows the fields for profiles, which we pass over.
func hasUnknown(m protoreflect.Message) (found bool) {
	if len(m.GetUnknown()) > 0 {
		return true
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case strings.HasSuffix(string(f.Name()), "_strindex"):
			found = true
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				found = found || hasUnknown(v.List().Get(i).Message())
			}
		case f.Message() != nil:
			found = hasUnknown(v.Message())
		}
		return !found
	})
	return found
}

func FuzzLogs(f *testing.F) {
	f.Add([]byte("\x0a\x14\x12\x12\x12\x10\x09\x00\x00\xb4\xc4\x04\x01\x97\x17\x2a\x05\x0a\x03abc"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(body []byte) {
			lines, refused, err := accounted(t, Logs, body)
			if err == nil {
				var m collectorlogs.ExportLogsServiceRequest
				compare(t, body, lines, refused, &m, func() []string { return wantLogs(&m) })
			}
		})
	})
}

func FuzzTraces(f *testing.F) {
	f.Add([]byte("\x0a\x0c\x12\x0a\x12\x08\x2a\x03abc\x30\x02"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(body []byte) {
			lines, refused, err := accounted(t, Traces, body)
			if err == nil {
				var m collectortrace.ExportTraceServiceRequest
				compare(t, body, lines, refused, &m, func() []string { return wantTraces(&m) })
			}
		})
	})
}

func FuzzLogsJSON(f *testing.F) {
	f.Add([]byte(`{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scopeLogs":[{"scope":{"name":"b"},"logRecords":[{"timeUnixNano":"1","body":{"kvlistValue":{"values":[{"key":"k","value":{"doubleValue":1.5}}]}},"traceId":"0a"}]}]}]}`))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(body []byte) { accounted(t, LogsJSON, body) })
	})
}

func FuzzTracesJSON(f *testing.F) {
	f.Add([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a","kind":2,"status":{"code":2},"events":[{"attributes":[{"key":"exception.type","value":{"stringValue":"E"}}]}],"links":[{"spanId":"00"}]},7]}]}]}`))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(body []byte) { accounted(t, TracesJSON, body) })
	})
}

// A value may nest as deep as an event may, and no deeper; what is passed over may nest deeper, but not without end.
func TestDepth(t *testing.T) {
	nested := func(levels int) string {
		return `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"a","value":` +
			strings.Repeat(`{"arrayValue":{"values":[`, levels) + `{}` + strings.Repeat(`]}}`, levels) + `}]}]}]}]}`
	}
	for levels, refused := range map[int]int{1: 0, event.MaxDepth - 1: 0, event.MaxDepth: 1, 1000: 1} {
		lines, count, err := accounted(t, LogsJSON, []byte(nested(levels)))
		if err != nil || count != refused || len(lines) != 1-refused {
			t.Errorf("%d levels: %d events, %d refused, %v", levels, len(lines), count, err)
		}
	}
	for levels, kind := range map[int]fault.Kind{9_990: 0, 10_010: fault.Invalid, 3_000_000: fault.Invalid} {
		_, err := LogsJSON(&collector{t: t}, []byte(`{"x":`+strings.Repeat("[", levels)+strings.Repeat("]", levels)+`}`), options)
		if err != nil != (kind != 0) || err != nil && fault.KindOf(err) != kind {
			t.Errorf("%d levels: %v", levels, err)
		}
	}
}

// Requests that grow: what an event holds of resource and scope comes again with each record. When the batch is full the
// request is refused as a whole: what is left of it could be too long again.
func TestGrowthIsBounded(t *testing.T) {
	const records = 100_000
	large := strings.Repeat("x", 5000)
	request := fmt.Sprintf(`{"resourceLogs":[{"resource":{"attributes":[{"key":"a","value":{"stringValue":"%s"}}]},"scopeLogs":[{"logRecords":[{}%s]}]}]}`, large, strings.Repeat(",{}", records-1))
	b := &collector{testkit.Collector{Most: 1_000_000}, t}
	p, err := LogsJSON(b, []byte(request), options)
	if fault.KindOf(err) != fault.TooLarge || !strings.HasPrefix(err.Error(), "the events are too many for one request (send fewer at once)") || p.Count > 0 || len(b.Lines) > 1_000_000/5000 {
		t.Fatalf("%d events, %d refused, %v", len(b.Lines), p.Count, err)
	}
}
