package ingest

import (
	"fmt"
	"testing"
)

// jsonText is the lines that a web server with pino writes.
func jsonText(open, between, end string) []byte {
	text := []byte(open)
	for i := range 10_000 {
		if i > 0 {
			text = append(text, between...)
		}
		text = fmt.Appendf(text, `{"level":30,"time":%d,"pid":657,"hostname":"box","reqId":"req-%d","req":{"method":"GET","url":"/orders/%d"},"res":{"statusCode":200},"responseTime":%d.5,"msg":"request completed"}`,
			1531171074631+i, i, i, i%100)
	}
	return append(text, end...)
}

func BenchmarkJSONLines(b *testing.B) { benchmarkFile(b, JSONFormat, jsonText("", "\n", "\n")) }

func BenchmarkJSONArray(b *testing.B) { benchmarkFile(b, JSONFormat, jsonText("[\n", ",\n", "\n]\n")) }

func BenchmarkJSONAfterText(b *testing.B) {
	benchmarkFile(b, JSONFormat, jsonText("web-1  | ", "\nweb-1  | ", "\n"))
}

func BenchmarkBulkFile(b *testing.B) {
	benchmarkFile(b, "bulk", jsonText("{\"index\":{\"_index\":\"a\"}}\n", "\n{\"index\":{\"_index\":\"a\"}}\n", "\n"))
}

// BenchmarkObjects is what a protocol pays for an object.
func BenchmarkObjects(b *testing.B) {
	x, dst := NewObjects(ObjectOptions{}), []byte(nil)
	object := []byte(`{"@timestamp":"2026-11-20T13:45:00.123Z","log.level":"warn","message":"order placed late","service":{"name":"shop"},"trace.id":"4bf92f3577b34da6a3ce929d0e0e4736","duration":12.5}`)
	extra := []byte(`"_index":"orders","_id":"42"`)
	b.SetBytes(int64(len(object)))
	b.ReportAllocs()
	for b.Loop() {
		dst, _, _ = x.Append(dst[:0], object, ObjectContext{Instant: 1, Extra: extra})
	}
}
