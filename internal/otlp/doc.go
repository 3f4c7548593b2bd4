// Package otlp turns the requests of the OpenTelemetry protocol, logs and traces, into events: protobuf and
// JSON (https://opentelemetry.io/docs/specs/otlp/), and writes the answers.
//
// The protobuf form is walked as it lies there; no message is built. The JSON form is rewritten
// into protobuf, resource by resource and record by record (json.go), so that there is one mapping:
//
//	request ─► resource group ─► scope group ─► record ─► event
//	           @ra, once         @sa, once      mapper    Adder.AddCLEF
//
// What is wrong with one record refuses that record; what is wrong around the records refuses the request.
// A field that the protocol does not know is passed over, as it demands.
package otlp

import (
	"github.com/stelehq/stele/internal/ingest"
)

// A signal is what the requests of logs and of traces differ in.
type signal struct {
	unit    string // what a record is called
	groups  string // JSON names of the lists, from the outside in
	scopes  string
	records string
	message messageType // of a record
	record  func(m *mapper, raw []byte, at int) error
}

var (
	logs   = signal{"log record", "resourceLogs", "scopeLogs", "logRecords", logRecord, (*mapper).log}
	traces = signal{"span", "resourceSpans", "scopeSpans", "spans", span, (*mapper).span}
)

// Logs adds the records of an ExportLogsServiceRequest in protobuf to b. Refusals count log records from 1.
func Logs(b ingest.Adder, body []byte, o ingest.PayloadOptions) (ingest.Payload, error) {
	return newMapper(b, o, &logs).protobuf(body)
}

// LogsJSON is Logs for a request in JSON.
func LogsJSON(b ingest.Adder, body []byte, o ingest.PayloadOptions) (ingest.Payload, error) {
	return newMapper(b, o, &logs).json(body)
}

// Traces adds the spans of an ExportTraceServiceRequest in protobuf to b. Refusals count spans from 1.
func Traces(b ingest.Adder, body []byte, o ingest.PayloadOptions) (ingest.Payload, error) {
	return newMapper(b, o, &traces).protobuf(body)
}

// TracesJSON is Traces for a request in JSON.
func TracesJSON(b ingest.Adder, body []byte, o ingest.PayloadOptions) (ingest.Payload, error) {
	return newMapper(b, o, &traces).json(body)
}
