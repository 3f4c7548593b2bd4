package otlp

import (
	"fmt"
	"testing"

	collectorlogs "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/slim/otlp/logs/v1"
	resourcepb "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/stelehq/stele/internal/ingest"
)

type counter struct{ events, bytes int }

func (c *counter) AddCLEF(line []byte) error {
	c.events++
	c.bytes += len(line)
	return nil
}

func benchmarkRequest() *collectorlogs.ExportLogsServiceRequest {
	str := func(s string) *common.AnyValue {
		return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
	}
	num := func(n int64) *common.AnyValue {
		return &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: n}}
	}
	scope := &logspb.ScopeLogs{Scope: &common.InstrumentationScope{Name: "checkout", Version: "1.2.3"}}
	for i := range 1000 {
		scope.LogRecords = append(scope.LogRecords, &logspb.LogRecord{
			TimeUnixNano: 1_700_000_000_000_000_000 + uint64(i)*1_000_000, ObservedTimeUnixNano: 1_700_000_000_000_000_000 + uint64(i)*1_000_000,
			SeverityNumber: 9, SeverityText: "INFO", Body: str(fmt.Sprintf("HTTP GET /orders/%d responded 200 in %d ms", i, i%97)),
			TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"),
			Attributes: []*common.KeyValue{
				{Key: "http.request.method", Value: str("GET")}, {Key: "url.path", Value: str(fmt.Sprintf("/orders/%d", i))},
				{Key: "http.response.status_code", Value: num(200)}, {Key: "elapsed", Value: &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: float64(i%97) + 0.25}}},
				{Key: "user.id", Value: num(int64(i * 7))}, {Key: "cached", Value: &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: i%2 == 0}}},
			},
		})
	}
	return &collectorlogs.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{
		Resource:  &resourcepb.Resource{Attributes: []*common.KeyValue{{Key: "service.name", Value: str("shop")}, {Key: "service.version", Value: str("1.2.3")}, {Key: "host.name", Value: str("web-1")}}},
		ScopeLogs: []*logspb.ScopeLogs{scope},
	}}}
}

// A thousand log records a request, as a batching exporter sends them.
func BenchmarkLogs(b *testing.B) {
	m := benchmarkRequest()
	wire, err := proto.Marshal(m)
	if err != nil {
		b.Fatal(err)
	}
	text, err := protojson.Marshal(m)
	if err != nil {
		b.Fatal(err)
	}
	for _, form := range []struct {
		name string
		d    decoder
		body []byte
	}{{"protobuf", Logs, wire}, {"json", LogsJSON, text}} {
		b.Run(form.name, func(b *testing.B) {
			b.SetBytes(int64(len(form.body)))
			b.ReportAllocs()
			var c counter
			for range b.N {
				if _, err := form.d(&c, form.body, ingest.PayloadOptions{EventBytes: 256 << 10, Partial: true}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
