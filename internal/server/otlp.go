package server

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
	"github.com/stelehq/stele/internal/otlp"
)

// OTLP over HTTP: https://opentelemetry.io/docs/specs/otlp/#otlphttp. gRPC is in grpc.go.

// otlpProtocol is what OpenTelemetry's exporters and Collector speak over HTTP.
var otlpProtocol = &protocol{"otlp", failOTLP}

var (
	otlpLogs       = &format{otlpProtocol, "otlp-logs", "log record", otlp.Logs, nil, nil}
	otlpLogsJSON   = &format{otlpProtocol, "otlp-logs-json", "log record", otlp.LogsJSON, nil, nil}
	otlpTraces     = &format{otlpProtocol, "otlp-traces", "span", otlp.Traces, nil, nil}
	otlpTracesJSON = &format{otlpProtocol, "otlp-traces-json", "span", otlp.TracesJSON, nil, nil}
)

// otlpFormat is a signal's form.
func otlpFormat(s otlp.Signal, json bool) *format {
	switch {
	case s == otlp.SignalLogs && json:
		return otlpLogsJSON
	case s == otlp.SignalLogs:
		return otlpLogs
	case json:
		return otlpTracesJSON
	}
	return otlpTraces
}

const (
	protobufType = "application/x-protobuf"
	otlpJSONType = "application/json"
)

// ingestOTLP takes in log records or spans; those that are refused leave the others be.
//
//	POST /v1/logs, /v1/traces, /ingest/otlp/v1/logs, /ingest/otlp/v1/traces
//	200 all that was not rejected is durable: an Export…ServiceResponse, with partial_success if something was rejected;
//	400 the request as a whole is wrong; 413 it is over the limit; 415 content type or encoding are not understood; 503 try again
//
// The body is an Export…ServiceRequest as application/x-protobuf or application/json, and so is the answer, an error's
// google.rpc.Status included. Bodies may be gzip or deflate. A repeated Idempotency-Key is acknowledged once within ten minutes.
func ingestOTLP(s otlp.Signal) handler {
	return func(a *api, w http.ResponseWriter, r *http.Request) error {
		json := false
		switch t := mediaType(r.Header.Get("Content-Type")); t {
		case protobufType, "application/protobuf":
		case otlpJSONType:
			json = true
		default:
			return wrongType(t)
		}
		f := otlpFormat(s, json)
		p, err := a.ingest(w, r, f, true)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", otlpType(json))
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(otlp.AppendResponse(nil, json, s, p.Count, rejected(w, f, &p.Payload)))
		return nil
	}
}

func otlpType(json bool) string {
	if json {
		return otlpJSONType
	}
	return protobufType
}

// wrongType says what is served where.
func wrongType(t string) error {
	err := fault.New(fault.Invalid, "", "the content type %q is not understood here; allowed: %s, %s", clip(t, 60), protobufType, otlpJSONType)
	if isGRPC(t) {
		err = fault.New(fault.Invalid, "", "this is gRPC; here OTLP over HTTP is spoken: %s or %s", protobufType, otlpJSONType).
			WithHint("set the exporter's protocol to http/protobuf, or send gRPC to port 4317 of a server started with --otlp")
	}
	return &statusError{http.StatusUnsupportedMediaType, err}
}

// rejected says why records of a payload were refused, and where they are kept.
func rejected(w http.ResponseWriter, f *format, p *ingest.Payload) string {
	if p.Count == 0 {
		return ""
	}
	first := p.Refused[0]
	text := fmt.Sprintf("%s %d: %v", f.unit, first.Line, first.Err)
	if p.Count > 1 {
		text += fmt.Sprintf("; and %d more", p.Count-1)
	}
	if id := w.Header().Get("X-Stele-Refused"); id != "" {
		text += "; what was rejected is kept as " + id
	}
	return cleanText(text)
}

// refuseMetrics tells a client that its metrics find no place here. It is a status that no client retries and every one reports.
//
//	POST /v1/metrics, /ingest/otlp/v1/metrics
//	501
func (a *api) refuseMetrics(w http.ResponseWriter, r *http.Request) error {
	return fault.New(fault.Unsupported, "", "metrics are not taken in; logs and traces are").
		WithHint("turn the metrics exporter off, for example with OTEL_METRICS_EXPORTER=none")
}

// failOTLP is a google.rpc.Status in the form that the client speaks; JSON for who speaks neither.
func failOTLP(w http.ResponseWriter, r *http.Request, status int, err error) {
	t := mediaType(r.Header.Get("Content-Type"))
	json := t != protobufType && t != "application/protobuf"
	body := otlp.AppendStatus(nil, json, rpcCode(status, err), cleanText(err.Error()), retryHeader(w))
	writeWhole(w, status, otlpType(json), body)
}

// retryHeader is Retry-After in seconds, 0 if there is none.
func retryHeader(w http.ResponseWriter) int {
	seconds, err := strconv.Atoi(w.Header().Get("Retry-After"))
	if err != nil {
		return 0
	}
	return seconds
}

// rpcCode is the code of gRPC for an HTTP status.
func rpcCode(status int, err error) int {
	switch status {
	case http.StatusForbidden, http.StatusUnauthorized:
		return otlp.CodePermissionDenied
	case http.StatusNotFound:
		return otlp.CodeNotFound
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return otlp.CodeUnimplemented
	case http.StatusRequestEntityTooLarge:
		return otlp.CodeResourceExhausted
	case http.StatusServiceUnavailable:
		return otlp.CodeUnavailable
	}
	switch {
	case status == fault.Canceled.HTTPStatus():
		return otlp.CodeCanceled
	case status >= 500:
		return otlp.CodeInternal
	}
	return otlp.CodeInvalidArgument
}
