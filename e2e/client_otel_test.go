package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// What OpenTelemetry's SDK for JavaScript sends with each of its exporters, to the addresses that
// Seq has and to those that OTLP has by default, is the same in the end.

// otlpWay is an exporter of the SDK and the address that it is given.
type otlpWay struct{ kind, path, compression string }

func TestClientOTLPLogs(t *testing.T) {
	exportOTLP(t, "otel-logs.mjs", (*process).wantOTLPLogs,
		otlpWay{"http", "/ingest/otlp/v1/logs", "none"}, otlpWay{"http", "/v1/logs", "gzip"}, otlpWay{"proto", "/v1/logs", "none"}, otlpWay{"proto", "/ingest/otlp/v1/logs", "gzip"})
}

func TestClientOTLPTraces(t *testing.T) {
	exportOTLP(t, "otel-traces.mjs", (*process).wantOTLPTraces, otlpWay{"http", "/ingest/otlp/v1/traces", "gzip"}, otlpWay{"proto", "/v1/traces", "none"})
}

func exportOTLP(t *testing.T, script string, want func(*process), ways ...otlpWay) {
	skipWithoutProcesses(t)
	needClients(t)
	for _, way := range ways {
		t.Run(way.kind+" "+way.compression, func(t *testing.T) {
			t.Parallel()
			p := serve(t, t.TempDir())
			runClient(t, script, way.kind, p.url+way.path, way.compression)
			want(p)
			p.stop()
		})
	}
}

// wantOTLPLogs checks the records that otel-logs.mjs sends.
func (p *process) wantOTLPLogs() {
	t := p.t
	t.Helper()
	list := p.events("count=1000")
	if len(list) != 102 {
		t.Fatalf("%d events arrived, want 102", len(list))
	}
	got := map[string]entity{}
	for _, e := range list {
		got[e.RenderedMessage] = e
	}
	basket := got["The basket is nearly full"]
	if basket.Level != "WARNING" || !strings.HasPrefix(basket.Timestamp, "2026-11-20T10:00:00.123") || basket.property("items") != 41.0 ||
		basket.property("ratio") != 0.5 || !reflect.DeepEqual(basket.property("tags"), []any{"a", "b"}) || basket.property("large") != 9007199254740991.0 {
		t.Errorf("the warning came back as %+v", basket)
	}
	for n := range 100 {
		if e := got[fmt.Sprintf("record %d", n)]; e.Level != "INFO" {
			t.Errorf("record %d came back as %+v", n, e)
		}
	}
	order := list[100]
	if order.TraceID != "0123456789abcdef0123456789abcdef" || !strings.Contains(order.RenderedMessage, `"two"`) {
		t.Errorf("the structured body came back as %+v", order)
	}
	var found []entity
	p.get("/api/events?count=10&filter="+url.QueryEscape("@Resource.service.name = 'shop' and @Scope.name = 'checkout' and items = 41"), &found)
	if len(found) != 1 {
		t.Errorf("%d events are found by their service, scope and attribute", len(found))
	}
}

// wantOTLPTraces checks the spans that otel-traces.mjs sends.
func (p *process) wantOTLPTraces() {
	t := p.t
	t.Helper()
	list := p.events("")
	if len(list) != 2 {
		t.Fatalf("%d events arrived, want 2", len(list))
	}
	parent, child := list[0], list[1]
	if parent.RenderedMessage != "POST /orders" || parent.SpanKind != "Server" || parent.Elapsed != "00:00:00.2500000" || !strings.HasPrefix(parent.Start, "2026-11-20T10:00:00.000") {
		t.Errorf("the parent came back as %+v", parent)
	}
	if child.RenderedMessage != "insert order" || child.SpanKind != "Client" || child.TraceID != parent.TraceID || child.ParentID != parent.SpanID || child.SpanID == "" ||
		child.Level != "Error" || !strings.Contains(child.Exception, "it broke") {
		t.Errorf("the child came back as %+v", child)
	}
}

func TestClientOTLPgRPC(t *testing.T) {
	skipWithoutProcesses(t)
	needClients(t)
	for _, compression := range []string{"none", "gzip"} {
		t.Run(compression, func(t *testing.T) {
			t.Parallel()
			addr := freeAddress(t)
			p := serve(t, t.TempDir(), "--otlp-urls=grpc://"+addr)
			runClient(t, "otel-logs.mjs", "grpc", "http://"+addr, compression)
			p.wantOTLPLogs()
			p.stop()

			p = serve(t, t.TempDir(), "--otlp-urls=grpc://"+addr)
			runClient(t, "otel-traces.mjs", "grpc", "http://"+addr, compression)
			p.wantOTLPTraces()
			p.stop()
		})
	}
}

// A client that speaks gRPC to an address of HTTP is told so, and not left to guess.
func TestClientOTLPMisdirectedGRPC(t *testing.T) {
	skipWithoutProcesses(t)
	p := serve(t, t.TempDir())
	req, err := http.NewRequest("POST", p.url+"/v1/logs", strings.NewReader("\x00\x00\x00\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("answered with %s", resp.Status)
	}
	p.stop()
}
