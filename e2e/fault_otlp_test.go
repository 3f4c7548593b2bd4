package e2e

import (
	"testing"
	"time"
)

// The exporters' own times: ten seconds for a batch, of which a request may take all. 503 is retried
// after Retry-After, five times at most.
const otlpQuick = `{"timeoutMillis": 5000}`

var otlpConduct = []conduct{
	{1, 0, true},
	{1, 0, true},
	{2, 1, false},
	{several, 0, true},
	{1, 1, true},
	{2, 2, false},
	{1, 1, false},
}

func TestClientFaultsOTLPJSON(t *testing.T) {
	measure(t, subject{
		name: "exporter-logs-otlp-http 0.223.1 (JSON)", start: driving("otel-logs", otlpQuick), waits: 30 * time.Second,
		impatience: [2]time.Duration{5 * time.Second, 10 * time.Second}, want: otlpConduct,
	})
}

func TestClientFaultsOTLPProtobuf(t *testing.T) {
	measure(t, subject{
		name: "exporter-logs-otlp-proto 0.223.1", start: driving("otel-logs-proto", otlpQuick), waits: 30 * time.Second,
		impatience: [2]time.Duration{5 * time.Second, 10 * time.Second}, want: otlpConduct,
	})
}

func TestClientRestartOTLPJSON(t *testing.T)     { acrossRestarts(t, "otel-logs", otlpQuick) }
func TestClientRestartOTLPProtobuf(t *testing.T) { acrossRestarts(t, "otel-logs-proto", otlpQuick) }

func TestClientRestartOTLPgRPC(t *testing.T) {
	acrossRestartsAt(t, "otel-logs-grpc", `{"timeoutMillis": 5000}`, "--otlp-urls=grpc://")
}
