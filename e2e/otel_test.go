package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// otelGo builds the program in otelgo, a module of its own with OpenTelemetry's Go SDK.
func otelGo(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "otelgo")
	out, err := exec.Command("go", "build", "-C", "otelgo", "-o", bin, ".").CombinedOutput()
	if err != nil && strings.Contains(string(out), "main.go:") {
		t.Fatalf("otelgo: %v\n%s", err, out)
	}
	if err != nil {
		t.Skipf("skipped: OpenTelemetry's Go SDK cannot be had: %v\n%.500s", err, out)
	}
	return bin
}

// stored returns every event as it was taken in, oldest first.
func (p *process) stored() (lines []string) {
	p.t.Helper()
	resp, err := http.Get(p.url + "/api/events?clef&count=0")
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body := json.NewDecoder(resp.Body)
	for body.More() {
		var line json.RawMessage
		if err := body.Decode(&line); err != nil {
			p.t.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	slices.Reverse(lines)
	return lines
}

// The exporters of OpenTelemetry's Go SDK, over HTTP and gRPC: everything they send arrives, once, and nothing is reported.
func TestClientOTelGo(t *testing.T) {
	skipWithoutProcesses(t)
	sender := otelGo(t)
	for _, kind := range []string{"http", "http-gzip", "grpc", "grpc-gzip"} {
		t.Run(kind, func(t *testing.T) {
			grpc, plain := freeAddress(t), freeAddress(t)
			p := serve(t, t.TempDir(), "--otlp-urls", "grpc://"+grpc+";http://"+plain)
			address := plain
			if strings.HasPrefix(kind, "grpc") {
				address = grpc
			}
			send(t, sender, kind, address)
			wantOTelGo(t, p)
			p.stop()
		})
	}
	t.Run("http to the main address", func(t *testing.T) {
		p := serve(t, t.TempDir())
		send(t, sender, "http", strings.TrimPrefix(p.url, "http://"))
		wantOTelGo(t, p)
		p.stop()
	})
	// Exporters that meet a server which is not there yet send again, and what they send is there once.
	t.Run("grpc before the server is there", func(t *testing.T) {
		address := freeAddress(t)
		done := make(chan error, 1)
		go func() {
			out, err := exec.Command(sender, "grpc", address).CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w\n%s", err, out)
			}
			done <- err
		}()
		time.Sleep(300 * time.Millisecond) // whatever of it has passed, the test holds
		p := serve(t, t.TempDir(), "--otlp-urls", "grpc://"+address)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		wantOTelGo(t, p)
		p.stop()
	})
}

func send(t *testing.T, sender, kind, address string) {
	t.Helper()
	if out, err := exec.Command(sender, kind, address).CombinedOutput(); err != nil {
		t.Fatalf("otelgo %s: %v\n%s", kind, err, out)
	}
}

func wantOTelGo(t *testing.T, p *process) {
	t.Helper()
	const resource = `"@ra":{"service.instances":3,"service.name":"shop"},"@sa":{"name":"checkout","version":"0.9"}}`
	var ids struct {
		Trace  string `json:"@tr"`
		Span   string `json:"@sp"`
		Parent string `json:"@ps"`
	}
	lines := p.stored()
	if len(lines) != 1005 {
		t.Fatalf("%d events, want 1005\n%s", len(lines), strings.Join(lines[:min(10, len(lines))], "\n"))
	}
	if err := json.Unmarshal([]byte(lines[0]), &ids); err != nil || len(ids.Trace) != 32 || len(ids.Span) != 16 || len(ids.Parent) != 16 {
		t.Fatalf("%v in %s", err, lines[0])
	}
	inner := `"@tr":"` + ids.Trace + `","@sp":"` + ids.Span + `",`
	want := []string{
		`{"@t":"2026-11-20T10:00:00.126456789Z","@st":"2026-11-20T10:00:00.124456789Z","@l":"Error","@m":"charge","@x":"*errors.errorString: card declined",` + inner +
			`"@ps":"` + ids.Parent + `","@sk":"Client","status":{"code":"Error","message":"declined"},"flags":257,` +
			`"events":[{"time":"2026-11-20T10:00:00.125456789Z","name":"exception","attributes":{"exception.type":"*errors.errorString","exception.message":"card declined"}}],` +
			`"links":[{"trace_id":"` + ids.Trace + `","span_id":"` + ids.Parent + `","flags":257,"attributes":{"again":true}}],"peer.service":"bank","cards":["a","b"],` + resource,
		`{"@t":"2026-11-20T10:00:00.128456789Z","@st":"2026-11-20T10:00:00.123456789Z","@m":"GET /orders/{id}","@tr":"` + ids.Trace + `","@sp":"` + ids.Parent + `",` +
			`"@sk":"Server","status":{"code":"Ok"},"flags":257,` + resource,
		`{"@t":"2026-11-20T10:00:01.123456789Z","@l":"WARN","@m":"The basket is nearly full",` + inner + `"observed_time":"…","flags":1,"items":41,"ratio":0.5,"paid":false,"http.request.method":"POST","raw":"AAEC",` + resource,
		`{"@t":"2026-11-20T10:00:02.123456789Z","@l":"Error","@m":"{\"id\":7,\"lines\":[1,\"two\"]}",` + inner + `"severity_number":18,"observed_time":"…","flags":1,"body":{"id":7,"lines":[1,"two"]},` + resource,
		`{"@t":"2026-11-20T10:00:03.123456789Z","@l":"PANIC","@m":"It broke","@x":"net.OpError: connection refused","observed_time":"…","exception.type":"net.OpError","exception.message":"connection refused",` + resource,
	}
	for i, line := range want {
		if got := withoutObserved(lines[i]); got != line {
			t.Errorf("event %d\ngot  %s\nwant %s", i, got, line)
		}
	}
	var numbers []string
	for _, line := range lines[len(want):] {
		_, text, _ := strings.Cut(line, `"@m":"record `)
		text, _, _ = strings.Cut(text, `"`)
		numbers = append(numbers, text)
	}
	var all []string
	for n := range 1000 {
		all = append(all, fmt.Sprint(n))
	}
	slices.Sort(numbers)
	slices.Sort(all)
	if !reflect.DeepEqual(numbers, all) {
		t.Errorf("of the many records arrived %v", numbers)
	}
	if got := p.events("filter=" + "Resource.x%20is%20null%20and%20%40Resource.service.name%20%3D%20'shop'%20and%20http.request.method%20%3D%20'POST'"); len(got) != 1 {
		t.Errorf("names with dots find %d events, want 1", len(got))
	}
}

// withoutObserved takes out the time at which the SDK saw a record.
func withoutObserved(line string) string {
	before, after, found := strings.Cut(line, `"observed_time":"`)
	if !found {
		return line
	}
	_, after, _ = strings.Cut(after, `"`)
	return before + `"observed_time":"…"` + after
}
