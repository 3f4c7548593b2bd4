package server

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	collectorlogs "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/slim/otlp/logs/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/otlp"
	"github.com/stelehq/stele/internal/vfs"
)

const (
	asProtobuf = "Content-Type: application/x-protobuf"
	asJSON     = "Content-Type: application/json"
)

// otlpLog is a request with a record for each text, one second after the other.
func otlpLog(t testing.TB, texts ...string) string {
	t.Helper()
	scope := &logspb.ScopeLogs{}
	for i, text := range texts {
		scope.LogRecords = append(scope.LogRecords, &logspb.LogRecord{
			TimeUnixNano: 1_700_000_000_000_000_000 + uint64(i)*1_000_000_000,
			Body:         &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: text}},
		})
	}
	b, err := proto.Marshal(&collectorlogs.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{ScopeLogs: []*logspb.ScopeLogs{scope}}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (a answer) wantType(t *testing.T, want string) {
	t.Helper()
	if got := a.header.Values("Content-Type"); len(got) != 1 || got[0] != want {
		t.Errorf("content type %q, want %s", got, want)
	}
}

// status reads a google.rpc.Status in protobuf.
func (a answer) rpcStatus(t *testing.T) (code uint64, message string) {
	t.Helper()
	for b := []byte(a.body); len(b) > 0; {
		number, _, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatalf("no status: %q", a.body)
		}
		b = b[n:]
		switch number {
		case 1:
			code, n = protowire.ConsumeVarint(b)
		case 2:
			message, n = protowire.ConsumeString(b)
		default:
			_, n = protowire.ConsumeBytes(b)
		}
		if n < 0 {
			t.Fatalf("no status: %q", a.body)
		}
		b = b[n:]
	}
	return code, message
}

func TestOTLPAnswers(t *testing.T) {
	h := serve(t, Options{BatchBytes: 100_000, EventBytes: 1000})
	const logJSON = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1700000000000000000","body":{"stringValue":"a"}}]}]}]}`
	const spanJSON = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"endTimeUnixNano":"1700000000000000000","name":"a"}]}]}]}`
	const huge = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"` + "…" + `"}}]}]}]}`
	for _, c := range []struct {
		name, path, body string
		headers          []string
		status           int
		answer           string // whole, or a part of an error
	}{
		{"protobuf", "/v1/logs", otlpLog(t, "a"), []string{asProtobuf}, 200, ""},
		{"protobuf under Seq's path", "/ingest/otlp/v1/logs", otlpLog(t, "a"), []string{"Content-Type: application/x-protobuf; x=1"}, 200, ""},
		{"JSON", "/v1/logs", logJSON, []string{asJSON}, 200, "{}"},
		{"JSON with a charset", "/ingest/otlp/v1/logs", logJSON, []string{"Content-Type: application/json; charset=utf-8"}, 200, "{}"},
		{"spans", "/v1/traces", spanJSON, []string{asJSON}, 200, "{}"},
		{"spans under Seq's path", "/ingest/otlp/v1/traces", spanJSON, []string{asJSON}, 200, "{}"},
		{"gzip", "/v1/logs", packed(t, logJSON), []string{asJSON, "Content-Encoding: gzip"}, 200, "{}"},
		{"empty protobuf", "/v1/logs", "", []string{asProtobuf}, 200, ""},
		{"empty JSON", "/v1/logs", "{}", []string{asJSON}, 200, "{}"},
		{"no JSON at all", "/v1/traces", "", []string{asJSON}, 200, "{}"},
		{"empty spans", "/v1/traces", "", []string{asProtobuf}, 200, ""},

		{"no protobuf", "/v1/logs", "\xff\xff", []string{asProtobuf}, 400, "byte 0: this is no protobuf request"},
		{"JSON that breaks off", "/v1/logs", `{"resourceLogs":[`, []string{asJSON}, 400, "byte 17"},
		{"another signal", "/v1/traces", logJSON, []string{asJSON}, 400, `the request has "resourceLogs"`},
		{"bad gzip", "/v1/logs", "x", []string{asJSON, "Content-Encoding: gzip"}, 400, "gzip"},
		{"over the limit", "/v1/logs", strings.Replace(huge, "…", strings.Repeat("x", 100_000), 1), []string{asJSON}, 413, "over the limit of 100000 bytes"},
		{"a bomb", "/v1/logs", packed(t, strings.Replace(huge, "…", strings.Repeat("x", 100_000), 1)), []string{asJSON, "Content-Encoding: gzip"}, 413, "decompressed"},
		{"gRPC", "/v1/logs", "", []string{"Content-Type: application/grpc"}, 415, "this is gRPC; here OTLP over HTTP is spoken"},
		{"no type", "/v1/logs", logJSON, nil, 415, "allowed: application/x-protobuf, application/json"},
		{"zstd", "/v1/logs", "x", []string{asProtobuf, "Content-Encoding: zstd"}, 415, "zstd"},
		{"metrics", "/v1/metrics", "", []string{asProtobuf}, 501, "metrics are not taken in"},
		{"metrics under Seq's path", "/ingest/otlp/v1/metrics", "{}", []string{asJSON}, 501, "metrics are not taken in"},
		{"key", "/v1/logs", logJSON, []string{asJSON, "Idempotency-Key: " + strings.Repeat("x", 300)}, 400, "at most 256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := h.do("POST", c.path, c.body, c.headers...)
			json := len(c.headers) == 0 || !strings.Contains(c.headers[0], "protobuf")
			a.wantType(t, otlpType(json))
			if a.header.Get("Content-Length") == "" {
				t.Error("no length")
			}
			if c.status == 200 {
				a.want(t, 200, c.answer)
				return
			}
			if a.status != c.status {
				t.Fatalf("status %d, want %d: %s", a.status, c.status, a.body)
			}
			code, message := uint64(0), ""
			if json {
				code, message = jsonStatus(t, a.body)
			} else {
				code, message = a.rpcStatus(t)
			}
			if want := map[int]uint64{400: 3, 413: 8, 415: 3, 501: 12}[c.status]; code != want || !strings.Contains(message, c.answer) {
				t.Errorf("code %d, message %q; want %d, %q", code, message, want, c.answer)
			}
		})
	}
	if got := strings.Count(h.stored(), "\n"); got != 7 {
		t.Errorf("%d events stored, want 7:\n%s", got, h.stored())
	}
	a := h.do("GET", "/v1/logs", "")
	if code, _ := jsonStatus(t, a.body); a.status != 405 || code != 12 || a.header.Get("Allow") != "OPTIONS, POST" {
		t.Errorf("%d %s %s", a.status, a.header, a.body)
	}
	h.do("POST", "/v1/other", "").wantError(t, 404, "nothing is served at /v1/other")
	text := h.do("GET", "/metrics", "").body
	for _, want := range []string{`stele_ingested_events_total{protocol="otlp"} 7`, `stele_ingested_events_total{protocol="seq"} 0`} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
}

func jsonStatus(t *testing.T, body string) (uint64, string) {
	t.Helper()
	var status struct {
		Code    uint64
		Message string
	}
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return status.Code, status.Message
}

// TestR21OTLPPartialSuccess: what is good is stored, what is not is told, kept, and can be ingested when its cause is gone.
func TestR21OTLPPartialSuccess(t *testing.T) {
	h := serve(t, Options{EventBytes: 300})
	long := strings.Repeat("x", 400)
	a := h.do("POST", "/v1/logs", otlpLog(t, "a", long, "b", long), asProtobuf)
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var response collectorlogs.ExportLogsServiceResponse
	if err := proto.Unmarshal([]byte(a.body), &response); err != nil {
		t.Fatal(err)
	}
	p := response.GetPartialSuccess()
	if p.GetRejectedLogRecords() != 2 || !strings.Contains(p.GetErrorMessage(), "log record 2: the event, with resource and scope, is over the limit of 300 bytes; and 1 more; what was rejected is kept as refused-") {
		t.Errorf("%v", p)
	}
	b := h.do("POST", "/v1/traces", `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"good","endTimeUnixNano":1700000000000000000},{"traceId":"xyz"}]}]}]}`, asJSON)
	want := `{"partialSuccess":{"rejectedSpans":"1","errorMessage":"span 2: byte 108: traceId cannot be \"xyz\"; what was rejected is kept as ` + b.header.Get("X-Stele-Refused") + `"}}`
	b.want(t, 200, want)
	h.wantStored(`{"@t":"2023-11-14T22:13:20.0000000Z","@m":"a"}` + "\n" + `{"@t":"2023-11-14T22:13:20.0000000Z","@m":"good"}` + "\n" + `{"@t":"2023-11-14T22:13:22.0000000Z","@m":"b"}` + "\n")

	list := h.do("GET", "/api/refused", "").body
	if !strings.Contains(list, `"Format":"otlp-logs"`) || !strings.Contains(list, `"Format":"otlp-traces-json"`) || !strings.Contains(list, `"Line":2`) {
		t.Error(list)
	}
	retry := "/api/refused/" + a.header.Get("X-Stele-Refused") + "/retry"
	h.do("POST", retry, "").wantError(t, 400, "log record 1 is refused, and with it the whole batch")
	h.stop()
	h.serve(Options{})
	h.do("POST", retry, "").want(t, 201, accepted)
	if got := h.stored(); strings.Count(got, "\n") != 5 || strings.Count(got, long) != 2 {
		t.Error(got)
	}
	h.do("GET", "/api/refused/"+b.header.Get("X-Stele-Refused"), "").want(t, 200, `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}`)
}

// TestR16OTLP: a batch sent again under its key is stored once, in whatever form.
func TestR16OTLP(t *testing.T) {
	h := serve(t, Options{})
	for range 2 {
		h.do("POST", "/v1/logs", otlpLog(t, "a"), asProtobuf, "Idempotency-Key: k1").want(t, 200, "")
	}
	h.wantStored(`{"@t":"2023-11-14T22:13:20.0000000Z","@m":"a"}` + "\n")
}

// While the store is opened, and when the disk is full, exporters are told to come back, in their own form.
func TestOTLPBackPressure(t *testing.T) {
	h := &harness{t: t}
	hold := make(chan struct{})
	h.listen(Options{Open: func(ctx context.Context) (*stele.Store, error) {
		<-hold
		return stele.Open("/store", &stele.Options{FS: vfs.NewMem()})
	}})
	a := h.do("POST", "/v1/logs", otlpLog(t, "a"), asProtobuf)
	a.wantType(t, protobufType)
	if code, message := a.rpcStatus(t); a.status != 503 || code != otlp.CodeUnavailable || !strings.Contains(message, "starting") || a.header.Get("Retry-After") != retryAfter {
		t.Errorf("%d %v %q", a.status, a.header, a.body)
	}
	a = h.do("POST", "/v1/traces", "{}", asJSON)
	a.wantType(t, otlpJSONType)
	a.want(t, 503, `{"code":14,"message":"the server is starting: the store is being opened (try again in a moment; GET /health tells when it is ready)",`+
		`"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2s"}]}`)
	close(hold)
}

// TestOTLPDefect: a panic behind an ingestion endpoint is answered in the protocol's form.
func TestOTLPDefect(t *testing.T) {
	h := serve(t, Options{})
	resource := h.resource(t, "/v1/traces")
	resource.routes = []*route{{method: "POST", handle: func(*api, http.ResponseWriter, *http.Request) error { panic("defect") }}}
	a := h.do("POST", "/v1/traces", "{}", asJSON)
	if code, _ := jsonStatus(t, a.body); a.status != 500 || code != otlp.CodeInternal {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func (h *harness) resource(t *testing.T, path string) *resource {
	r, err := http.NewRequest("POST", path, nil)
	if err != nil {
		t.Fatal(err)
	}
	handler, _ := h.s.mux.Handler(r)
	return handler.(*resource)
}

// Requests of real exporters, as they were recorded.
func TestOTLPRecordedRequests(t *testing.T) {
	for _, c := range []struct{ name, stored string }{
		{"otel-go-otlploghttp-0.23.0", `{"@t":"2026-11-20T10:25:40.427100251Z","@l":"Warning","@m":"hello from go","n":3,` +
			`"@ra":{"schema_url":"https://opentelemetry.io/schemas/1.43.0","service.name":"unknown_service:x","telemetry.sdk.language":"go","telemetry.sdk.name":"opentelemetry","telemetry.sdk.version":"1.47.0"},"@sa":{"name":"x"}}`},
		{"otel-js-0.223.1-json", `{"@t":"2026-11-20T10:23:06.7450000Z","@l":"INFO","@m":"hello otlp","a":1,"b":"x","c":[1,2],"d":true,"f":1.5,` + jsResource + `,"@sa":{"name":"lib","version":"1.2"}}`},
		{"otel-js-0.223.1-json-gzip", `{"@t":"2026-11-20T10:23:06.7630000Z","@l":"ERROR","@m":"{\"kind\":\"map\",\"n\":2}","body":{"kind":"map","n":2},` + jsResource + `,"@sa":{"name":"lib"}}`},
		{"otel-js-0.223.1-protobuf", `{"@t":"2026-11-20T10:23:06.7590000Z","@l":"INFO","@m":"hello otlp","a":1,"b":"x","c":[1,2],"d":true,"f":1.5,` + jsResource + `,"@sa":{"name":"lib","version":"1.2"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			method, path, body, headers := recorded(t, c.name)
			h := serve(t, Options{})
			r := h.request(method, path, strings.NewReader(body), headers...)
			if slices.Contains(headers, "Transfer-Encoding: chunked") {
				r.ContentLength = -1
			}
			a := h.send(r)
			a.wantType(t, r.Header.Get("Content-Type"))
			want := ""
			if strings.Contains(c.name, "json") {
				want = "{}"
			}
			a.want(t, 200, want)
			if d := cmp.Diff(c.stored+"\n", h.stored()); d != "" {
				t.Error(d)
			}
		})
	}
}

const jsResource = `"@ra":{"service.name":"unknown_service:node","telemetry.sdk.language":"nodejs","telemetry.sdk.name":"opentelemetry","telemetry.sdk.version":"2.12.1"}`
