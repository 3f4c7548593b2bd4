package ingest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/ingest"
	"github.com/stelehq/stele/internal/otlp"
)

// Files of OpenTelemetry's Collector have one request a line, of any signal.
func TestFilesOfOTLP(t *testing.T) {
	text := `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1704164645000000000","severityText":"WARN","body":{"stringValue":"one"}},{"timeUnixNano":"1704164646000000000","body":{"stringValue":"two"}}]}]}]}
{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"GET /","startTimeUnixNano":"1704164645000000000","endTimeUnixNano":"1704164646000000000"}]}]}]}
{"resourceMetrics":[{"scopeMetrics":[]}]}
{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"xyz","body":{"stringValue":"bad"}},{"timeUnixNano":"1704164647000000000","body":{"stringValue":"three"}}]}]},{"scopeLogs":
`
	var refused []string
	r := ingest.NewFileReader(strings.NewReader(text), ingest.FileOptions{
		Patient: true, OTLPLogs: otlp.LogsJSON, OTLPTraces: otlp.TracesJSON,
		Refused: func(x ingest.FileRefusal) { refused = append(refused, fmt.Sprintf("line %d: %v", x.Line, x.Err)) },
	})
	var events []string
	for r.Next() {
		e := r.Event()
		events = append(events, fmt.Sprintf("line %d: %s", e.Line, e.CLEF))
	}
	if r.Err() != nil || r.Report().Format != "OTLP JSON" {
		t.Errorf("%v, %+v", r.Err(), r.Report())
	}
	want := []string{
		`line 1: {"@t":"2024-01-02T03:04:05.0000000Z","@l":"WARN","@m":"one","@ra":{"service.name":"shop"}}`,
		`line 1: {"@t":"2024-01-02T03:04:06.0000000Z","@m":"two","@ra":{"service.name":"shop"}}`,
		`line 2: {"@t":"2024-01-02T03:04:06.0000000Z","@st":"2024-01-02T03:04:05.0000000Z","@m":"GET /","@tr":"4bf92f3577b34da6a3ce929d0e0e4736","@sp":"00f067aa0ba902b7"}`,
		`line 4: {"@t":"2024-01-02T03:04:07.0000000Z","@m":"three"}`,
	}
	if d := cmp.Diff(want, events); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"line 3: metrics are no events", `line 4: byte 57: traceId cannot be "xyz"`, "line 4: the file ends before this value does"}, refused); d != "" {
		t.Error(d)
	}
}
