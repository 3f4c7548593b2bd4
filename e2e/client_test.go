package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func needClients(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("clients/node_modules/seq-logging"); err != nil {
		t.Skip("skipped: the npm clients are not installed; `make test-clients` installs them")
	}
}

// runClient runs one of the scripts in clients/ with the server's URL, for at most 40 s.
func runClient(t *testing.T, script string, args ...string) {
	t.Helper()
	needClients(t)
	cmd := exec.Command("node", append([]string{script}, args...)...)
	cmd.Dir = "clients"
	timer := time.AfterFunc(40*time.Second, func() { cmd.Process.Kill() })
	defer timer.Stop()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

func TestClientSeqLogging(t *testing.T) {
	skipWithoutProcesses(t)
	p := serve(t, t.TempDir())
	runClient(t, "seq-logging.mjs", p.url) // without a key it sends the text "null"
	runClient(t, "seq-logging.mjs", p.url, "some-key")

	list := p.events("")
	if len(list) != 4 {
		t.Fatalf("%d events arrived, want 4", len(list))
	}
	boom, hello := list[0], list[2]
	if boom.RenderedMessage != "Boom 1" || boom.Level != "Error" || boom.Exception != "Error: boom\n    at f" ||
		boom.TraceID != "0123456789abcdef0123456789abcdef" {
		t.Errorf("the error came back as %+v", boom)
	}
	if hello.RenderedMessage != "Hello Ada, 003" || hello.Level != "Information" || !strings.HasPrefix(hello.Timestamp, "2026-11-20T10:23:02.725") {
		t.Errorf("the greeting came back as %+v", hello)
	}
	nested, _ := hello.property("nested").(map[string]any)
	if list, _ := nested["list"].([]any); len(list) != 3 || list[2] != "é" || nested["@odd"] != true {
		t.Errorf("the nested property came back as %v", nested)
	}
	if found := p.events("filter=x%20%3D%201"); len(found) != 2 {
		t.Errorf("x = 1 finds %d events, want 2", len(found))
	}
	p.stop()
}

func TestClientPinoSeq(t *testing.T) {
	skipWithoutProcesses(t)
	p := serve(t, t.TempDir())
	runClient(t, "pino-seq.mjs", p.url)

	got := map[string]entity{}
	for _, e := range p.events("") {
		got[e.RenderedMessage] = e
	}
	if placed := got["Order placed"]; placed.Level != "Information" || placed.property("orderId") != 42.0 {
		t.Errorf("the information came back as %+v", placed)
	}
	if failed := got["Order failed"]; failed.Level != "Error" || !strings.Contains(failed.Exception, "it broke") {
		t.Errorf("the error came back as %+v", failed)
	}
	if details := got["details"]; details.Level != "Verbose" {
		t.Errorf("the trace came back as %+v", details)
	}
	p.stop()
}

func TestClientWinstonSeq(t *testing.T) {
	skipWithoutProcesses(t)
	p := serve(t, t.TempDir())
	runClient(t, "winston-seq.mjs", p.url)

	got := map[string]entity{}
	for _, e := range p.events("") {
		got[e.RenderedMessage] = e
	}
	// Winston's names of levels are kept as they are.
	if hello := got["Hello Ada"]; hello.Level != "info" || hello.property("application") != "example" {
		t.Errorf("the greeting came back as %+v", hello)
	}
	if bought := got["User Grace bought shears at $29.99"]; bought.Level != "debug" || bought.property("price") != 29.99 || bought.property("activity") != "purchase" {
		t.Errorf("the purchase came back as %+v", bought)
	}
	if broke := got["it broke"]; broke.Level != "error" || !strings.HasPrefix(broke.Exception, "Error: it broke\n    at ") {
		t.Errorf("the error came back as %+v", broke)
	}
	if details := got["details"]; details.Level != "silly" || len(got) != 4 {
		t.Errorf("%d events; the details came back as %+v", len(got), details)
	}
	p.stop()
}
