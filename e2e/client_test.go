package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// client runs one of the scripts in clients/ with the server's URL, for at most 40 s.
func client(t *testing.T, script string, args ...string) {
	t.Helper()
	if _, err := os.Stat("clients/node_modules/seq-logging"); err != nil {
		t.Skip("skipped: the npm clients are not installed; `make test-clients` installs them")
	}
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
	client(t, "seq-logging.mjs", p.url) // without a key it sends the text "null"
	client(t, "seq-logging.mjs", p.url, "some-key")

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
	client(t, "pino-seq.mjs", p.url)

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
