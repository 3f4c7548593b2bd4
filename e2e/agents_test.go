package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// Agents that cannot be installed where the tests run: what they send, by their own sources
// and documentation, in requests of our own.

// agentRequest is one request and what the agent needs of the answer.
type agentRequest struct {
	method, path, contentType, userAgent, body string
	status                                     int
	want                                       string // in the answer
}

func (p *process) agent(e agentRequest) {
	p.t.Helper()
	req, err := http.NewRequest(e.method, p.url+e.path, strings.NewReader(e.body))
	if err != nil {
		p.t.Fatal(err)
	}
	if e.contentType != "" {
		req.Header.Set("Content-Type", e.contentType)
	}
	req.Header.Set("User-Agent", e.userAgent)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if resp.StatusCode != e.status || !strings.Contains(string(answer), e.want) {
		p.t.Errorf("%s %s: %s: %s; want %d with %s", e.method, e.path, resp.Status, answer, e.status, e.want)
	}
}

// TestFluentBitOutput: plugin out_es with Suppress_Type_Name (fluent/fluent-bit, plugins/out_es).
func TestFluentBitOutput(t *testing.T) {
	skipWithoutProcesses(t)
	p := serve(t, t.TempDir())
	p.agent(agentRequest{"POST", "/_bulk", "application/x-ndjson", "Fluent-Bit",
		`{"create":{"_index":"fluent-bit"}}` + "\n" +
			`{"@timestamp":"2026-11-20T13:45:00.123Z","log":"disk almost full","stream":"stderr","kubernetes":{"pod_name":"web-1"}}` + "\n",
		200, `"errors":false`})
	if list := p.events("filter=kubernetes.pod_name%20%3D%20'web-1'"); len(list) != 1 || list[0].RenderedMessage != "disk almost full" || !strings.HasPrefix(list[0].Timestamp, "2026-11-20T13:45:00.123") {
		t.Errorf("the event came back as %+v", list)
	}
	p.stop()
}

// TestVectorSink: sink elasticsearch in mode bulk (vectordotdev/vector, src/sinks/elasticsearch),
// which asks for the cluster's health first.
func TestVectorSink(t *testing.T) {
	skipWithoutProcesses(t)
	p := serve(t, t.TempDir())
	const agent = "Vector/0.50.0 (x86_64-unknown-linux-gnu)"
	p.agent(agentRequest{"GET", "/_cluster/health", "", agent, "", 200, `"status"`})
	p.agent(agentRequest{"POST", "/_bulk?timeout=60s", "application/x-ndjson", agent,
		`{"index":{"_index":"vector-2026.11.20"}}` + "\n" +
			`{"file":"/var/log/app.log","host":"web-1","message":"disk almost full","source_type":"file","timestamp":"2026-11-20T13:45:00.123456789Z"}` + "\n",
		200, `"errors":false`})
	if list := p.events("filter=source_type%20%3D%20'file'"); len(list) != 1 || list[0].RenderedMessage != "disk almost full" || !strings.HasPrefix(list[0].Timestamp, "2026-11-20T13:45:00.123") {
		t.Errorf("the event came back as %+v", list)
	}
	p.stop()
}
