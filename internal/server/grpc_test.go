package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	collectorlogs "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/otlp"
	"github.com/stelehq/stele/internal/vfs"
)

const (
	logsExport    = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
	tracesExport  = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
	metricsExport = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
)

// intake is a server's address for ingestion alone, spoken to over HTTP/2 without TLS.
type intake struct {
	*harness
	url    string
	client *http.Client
}

func serveIntake(t *testing.T, o Options) *intake {
	t.Helper()
	h := &harness{t: t, fs: vfs.NewMem()}
	i := listenIntake(t, h, &o)
	h.serve(o)
	t.Cleanup(i.client.CloseIdleConnections) // before the server stops, which would wait for them
	return i
}

func listenIntake(t *testing.T, h *harness, o *Options) *intake {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.Ingestion = []net.Listener{l}
	transport := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true}
	transport.Protocols.SetUnencryptedHTTP2(true)
	return &intake{h, "http://" + l.Addr().String(), &http.Client{Transport: transport}}
}

// frame is a gRPC message as it travels.
func frame(compressed byte, message string) string {
	head := binary.BigEndian.AppendUint32([]byte{compressed}, uint32(len(message)))
	return string(head) + message
}

// call makes a gRPC call; it returns the answer's message, and the trailers.
func (i *intake) call(t *testing.T, method, body string, headers ...string) (message string, code string, trailers http.Header) {
	t.Helper()
	r, err := http.NewRequest("POST", i.url+method, io.NopCloser(strings.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Te", "trailers")
	setHeaders(r, headers)
	resp, err := i.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/grpc" || resp.ProtoMajor != 2 {
		t.Fatalf("%s %s %v %q", resp.Proto, resp.Status, resp.Header, answer)
	}
	if len(answer) >= 5 {
		if answer[0] != 0 || int(binary.BigEndian.Uint32(answer[1:])) != len(answer)-5 {
			t.Fatalf("the answer's frame is %q", answer)
		}
		message = string(answer[5:])
	} else if len(answer) > 0 {
		t.Fatalf("the answer is %q", answer)
	}
	return message, resp.Trailer.Get("Grpc-Status"), resp.Trailer
}

func TestGRPCCalls(t *testing.T) {
	i := serveIntake(t, Options{BatchBytes: 50_000, EventBytes: 1000})
	long := strings.Repeat("x", 60_000)
	for _, c := range []struct {
		name, method, body string
		headers            []string
		code, text         string
	}{
		{"logs", logsExport, frame(0, otlpLog(t, "a")), nil, "0", ""},
		{"logs in gzip", logsExport, frame(1, packed(t, otlpLog(t, "b"))), []string{"Grpc-Encoding: gzip"}, "0", ""},
		{"gzip announced and not used", logsExport, frame(0, otlpLog(t, "c")), []string{"Grpc-Encoding: gzip", "Content-Type: application/grpc+proto", "Grpc-Timeout: 10S"}, "0", ""},
		{"spans", tracesExport, frame(0, ""), nil, "0", ""},
		{"nothing", logsExport, frame(0, ""), []string{"Grpc-Timeout: 99999999H"}, "0", ""},

		{"no protobuf", logsExport, frame(0, "\xff\xff"), nil, "3", "byte 0: this is no protobuf request"},
		{"no message", logsExport, "", nil, "1", "the call brings no message"},
		{"half a message", logsExport, frame(0, otlpLog(t, "a"))[:9], nil, "1", "broke off"},
		{"two messages", logsExport, frame(0, otlpLog(t, "a")) + frame(0, ""), nil, "1", "a call brings one message, and here is more"},
		{"an odd frame", logsExport, frame(7, "x"), nil, "3", "begins with 0 or 1, not with 7"},
		{"unknown compression", logsExport, frame(1, "x"), []string{"Grpc-Encoding: snappy"}, "12", "snappy"},
		{"bad gzip", logsExport, frame(1, "x"), []string{"Grpc-Encoding: gzip"}, "3", "gzip"},
		{"JSON", logsExport, frame(0, "{}"), []string{"Content-Type: application/grpc+json"}, "12", "application/grpc+json"},
		{"over the limit", logsExport, frame(0, otlpLog(t, long)), nil, "8", "over the limit of 50000 bytes"},
		{"a bomb", logsExport, frame(1, packed(t, otlpLog(t, long))), []string{"Grpc-Encoding: gzip"}, "8", "over the limit of 50000 bytes"},
		{"metrics", metricsExport, frame(0, ""), nil, "12", "metrics are not taken in"},
		{"a bad timeout", logsExport, frame(0, ""), []string{"Grpc-Timeout: soon"}, "3", "grpc-timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			message, code, trailers := i.call(t, c.method, c.body, c.headers...)
			if text := trailers.Get("Grpc-Message"); code != c.code || !strings.Contains(text, c.text) || message != "" {
				t.Errorf("message %q, code %s, %q; want %s, %q", message, code, text, c.code, c.text)
			}
		})
	}
	for _, want := range []string{`"@m":"a"`, `"@m":"b"`, `"@m":"c"`} {
		if got := strings.Count(i.stored(), want); got != 1 {
			t.Errorf("%d of %s in\n%s", got, want, i.stored())
		}
	}
}

func TestGRPCPartialSuccess(t *testing.T) {
	i := serveIntake(t, Options{EventBytes: 300})
	message, code, trailers := i.call(t, logsExport, frame(0, otlpLog(t, strings.Repeat("é", 300), "b")))
	var response collectorlogs.ExportLogsServiceResponse
	if err := proto.Unmarshal([]byte(message), &response); err != nil || code != "0" || trailers.Get("Grpc-Message") != "" {
		t.Fatalf("%q %v %v", message, err, trailers)
	}
	if p := response.GetPartialSuccess(); p.GetRejectedLogRecords() != 1 || !strings.Contains(p.GetErrorMessage(), "log record 1") {
		t.Errorf("%v", p)
	}
	i.wantStored(`{"@t":"2023-11-14T22:13:21.0000000Z","@m":"b"}` + "\n")
}

// A message holds bytes that no header may; clients undo the percent signs.
func TestPercentEncoded(t *testing.T) {
	if got := percentEncoded("100% \"é\"\n~"); got != `100%25 "%C3%A9"%0A~` {
		t.Error(got)
	}
}

// While the store is being opened a call is UNAVAILABLE, with the time after which to try again.
func TestGRPCBackPressure(t *testing.T) {
	h := &harness{t: t}
	hold := make(chan struct{})
	o := Options{}
	o.Open = func(context.Context) (*stele.Store, error) {
		<-hold
		return stele.Open("/store", &stele.Options{FS: vfs.NewMem()})
	}
	i := listenIntake(t, h, &o)
	h.listen(o)
	defer i.client.CloseIdleConnections()
	_, code, trailers := i.call(t, logsExport, frame(0, otlpLog(t, "a")))
	details, err := base64.RawStdEncoding.DecodeString(trailers.Get("Grpc-Status-Details-Bin"))
	if err != nil {
		t.Fatal(err)
	}
	want := otlp.AppendStatus(nil, false, otlp.CodeUnavailable, errStarting.Error(), 2)
	if code != "14" || !bytes.Equal(details, want) {
		t.Errorf("%v\n%q\n%q", trailers, details, want)
	}
	close(hold)
}

// The deadline that a client gives is kept, and tells it that a retry is in order.
func TestGRPCDeadline(t *testing.T) {
	i := serveIntake(t, Options{})
	body, feed := io.Pipe()
	r, err := http.NewRequest("POST", i.url+logsExport, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Grpc-Timeout", "1m")
	go func() {
		message := frame(0, otlpLog(t, "a"))
		feed.Write([]byte(message[:5]))
		time.Sleep(50 * time.Millisecond) // the deadline is over before the message is there
		feed.Write([]byte(message[5:]))
		feed.Close()
	}()
	resp, err := i.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	if code := resp.Trailer.Get("Grpc-Status"); code != "4" {
		t.Errorf("code %s", code)
	}
	i.wantStored("")
}

// Addresses of ingestion serve that and /health, over either version of HTTP, and nothing else.
func TestIngestionAlone(t *testing.T) {
	i := serveIntake(t, Options{})
	for _, client := range []*http.Client{i.client, i.harness.client} {
		for _, c := range []struct {
			method, path, body, contentType string
			status                          int
		}{
			{"POST", "/v1/logs", otlpLog(t, "a"), "application/x-protobuf", 200},
			{"POST", "/ingest/clef", `{` + iso + `}`, "", 201},
			{"GET", "/health", "", "", 200},
			{"GET", "/", "", "", 404},
			{"GET", "/api", "", "", 404},
			{"GET", "/api/events", "", "", 404},
			{"POST", "/api/refused/x/retry", "", "", 404},
			{"DELETE", "/api/documents/x", "", "", 404},
			{"GET", "/metrics", "", "", 404},
			{"GET", "/v1/logs", "", "", 405},
			{"OPTIONS", "/v1/logs", "", "", 204},
		} {
			r, err := http.NewRequest(c.method, i.url+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.contentType != "" {
				r.Header.Set("Content-Type", c.contentType)
			}
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != c.status {
				t.Errorf("%s %s over %s: %s", c.method, c.path, resp.Proto, resp.Status)
			}
		}
	}
	// gRPC needs HTTP/2, which the other addresses do not speak.
	i.do("POST", logsExport, frame(0, ""), "Content-Type: application/grpc").wantError(t, 415, "gRPC needs HTTP/2")
	i.do("POST", logsExport, "{}", "Content-Type: application/json").wantError(t, 415, "is not gRPC's")
}

// A message that stands still is given up over HTTP/2 too, with a code that clients retry.
func TestGRPCSlowMessage(t *testing.T) {
	i := serveIntake(t, Options{bodyGrace: 50 * time.Millisecond})
	body, feed := io.Pipe()
	defer feed.Close()
	r, err := http.NewRequest("POST", i.url+logsExport, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/grpc")
	go feed.Write([]byte(frame(0, otlpLog(t, "a"))[:7]))
	resp, err := i.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	if code := resp.Trailer.Get("Grpc-Status"); code != "14" {
		t.Errorf("code %s, %s", code, resp.Trailer.Get("Grpc-Message"))
	}
	i.wantStored("")
}

// Calls that bring nothing hold no more memory than bodies may, however many a connection has; the others are told to try again.
func TestGRPCManyCallsAtOnce(t *testing.T) {
	i := serveIntake(t, Options{BodyMemory: 10*callMemory + callMemory/2})
	answers := make(chan string)
	var feeds []*io.PipeWriter
	for range 20 {
		body, feed := io.Pipe()
		feeds = append(feeds, feed)
		go func() {
			r, err := http.NewRequest("POST", i.url+logsExport, body)
			if err != nil {
				panic(err)
			}
			r.Header.Set("Content-Type", "application/grpc")
			resp, err := i.client.Do(r)
			if err != nil {
				answers <- err.Error()
				return
			}
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body)
			answers <- resp.Trailer.Get("Grpc-Status")
		}()
	}
	for n := range 20 {
		want := "14" // at once
		if n == 10 {
			for _, feed := range feeds {
				feed.Close()
			}
		}
		if n >= 10 {
			want = "1"
		}
		if got := <-answers; got != want {
			t.Errorf("answer %d is %s, want %s", n, got, want)
		}
	}
	if _, code, _ := i.call(t, logsExport, frame(0, "")); code != "0" {
		t.Errorf("afterwards the code is %s", code)
	}
}
