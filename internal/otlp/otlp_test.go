package otlp

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
)

// collector is a batch that holds what it is given to what a store asks of it.
type collector struct {
	t     testing.TB
	lines []string
	most  int // bytes; 0: any number
	bytes int
}

func (c *collector) AddCLEF(line []byte) error {
	v, err := event.ParseValue(line)
	if err != nil {
		c.t.Fatalf("%v in %s", err, line)
	}
	at := v.Get("@t")
	if _, _, err := event.ParseTime([]byte(at.Text)); err != nil {
		c.t.Fatalf("%v in %s", err, line)
	}
	if whole := v.AppendJSON(nil); !bytes.Equal(whole, line) {
		c.t.Fatalf("not in Stele's own form: %s\nit is %s", line, whole)
	}
	if c.bytes += len(line); c.most > 0 && c.bytes > c.most {
		return fault.New(fault.TooLarge, "", "the batch is full")
	}
	c.lines = append(c.lines, string(line))
	return nil
}

type decoder func(ingest.Adder, []byte, ingest.PayloadOptions) (ingest.Payload, error)

var options = ingest.PayloadOptions{EventBytes: 10_000, Partial: true, Arrival: 1_700_000_000_000_000_000}

func shared(t testing.TB, name string) []byte {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", filepath.FromSlash(name))
	b, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	return b
}

func TestSmoke(t *testing.T) {
	unzip := func(b []byte) []byte {
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := out.ReadFrom(r); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	for _, c := range []struct {
		name string
		d    decoder
	}{
		{"otlp/logs.json", LogsJSON}, {"otlp/events.json", LogsJSON}, {"otlp/trace.json", TracesJSON}, {"otlp/metrics.json", LogsJSON},
		{"wire/otel-go-otlploghttp-0.23.0.body", Logs}, {"wire/otel-js-0.223.1-json.body", LogsJSON}, {"wire/otel-js-0.223.1-json-gzip.body", LogsJSON}, {"wire/otel-js-0.223.1-protobuf.body", Logs},
	} {
		body := shared(t, c.name)
		if strings.Contains(c.name, "gzip") {
			body = unzip(body)
		}
		b := &collector{t: t}
		p, err := c.d(b, body, options)
		t.Log(c.name, p.Events, p.Count, err, "\n", strings.Join(b.lines, "\n"))
	}
}
