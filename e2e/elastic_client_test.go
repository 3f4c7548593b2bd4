package e2e

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// text returns what is at a path as it is.
func (p *process) text(path string) string {
	p.t.Helper()
	resp, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("GET %s: %s: %s %v", path, resp.Status, body, err)
	}
	return string(body)
}

func TestClientElasticsearch(t *testing.T) {
	skipWithoutProcesses(t)
	for _, form := range []string{"plain", "gzip"} {
		t.Run(form, func(t *testing.T) {
			p := serve(t, t.TempDir())
			runClient(t, "elasticsearch.mjs", p.url, form)

			got := map[string]entity{}
			for _, e := range p.events("filter=" + url.QueryEscape("_index <> 'many'")) {
				got[e.RenderedMessage] = e
			}
			if len(got) != 5 {
				t.Errorf("%d events arrived, want 5: %v", len(got), got)
			}
			indexed := got["indexed"]
			order, _ := indexed.property("order").(map[string]any)
			items, _ := order["items"].([]any)
			if indexed.Level != "warn" || indexed.Timestamp != "2026-11-20T10:00:00.0000000Z" || order["id"] != 42.0 || len(items) != 3 || items[2] != "é" ||
				indexed.property("_index") != "shop" || indexed.property("_id") != nil || indexed.property("@timestamp") != "2026-11-20T10:00:00.000Z" {
				t.Errorf("the indexed document came back as %+v", indexed)
			}
			if e := got["created"]; e.property("_id") != "c1" || e.property("_index") != "other" {
				t.Errorf("the created document came back as %+v", e)
			}
			if e := got["updated"]; e.property("_id") != "u1" || e.property("_index") != "shop" {
				t.Errorf("the updated document came back as %+v", e)
			}
			if e := got["two"]; e.property("_id") != "two" {
				t.Errorf("the document two came back as %+v", e)
			}
			many := p.events("filter=" + url.QueryEscape("_index = 'many'"))
			seen := map[any]bool{}
			for _, e := range many {
				seen[e.property("n")] = true
			}
			if len(many) != 499 || len(seen) != 499 || seen[250.0] {
				t.Errorf("%d documents of the helper arrived, %d of them different; want 499", len(many), len(seen))
			}

			// The two that were no documents are listed, each as a body that says where it was to go.
			var refused []struct{ ID, Format string }
			p.get("/api/refused", &refused)
			var bodies []string
			for _, r := range refused {
				bodies = append(bodies, p.text("/api/refused/"+r.ID))
			}
			want := `{"create":{"_index":"many"}}` + "\n" + `["no document"]` + "\n" + `|{"index":{"_index":"shop"}}` + "\n" + `["no document"]` + "\n"
			if strings.Join(bodies, "|") != want {
				t.Errorf("refused were %q", bodies)
			}
			p.stop()
		})
	}
}

// TestElasticAgentsSetUp: what agents ask before they send anything, as their sources have it (elastic/beats, libbeat/esleg
// and libbeat/template; logstash-plugins/logstash-output-elasticsearch; vectordotdev/vector, src/sinks/elasticsearch).
func TestElasticAgentsSetUp(t *testing.T) {
	skipWithoutProcesses(t)
	p := serve(t, t.TempDir())
	const node, agreed, stored = `"tagline":"You Know, for Search"`, `{"acknowledged":true}`, `"errors":false`
	type ask struct {
		method, path string
		status       int
		want         string
	}
	for agent, asks := range map[string][]ask{
		"Elastic-filebeat/9.1.0 (linux; amd64)": {
			{"GET", "/", 200, node}, {"GET", "/_license?human=false", 200, `"type":"basic"`},
			{"GET", "/_ilm/policy/filebeat", 404, ""}, {"PUT", "/_ilm/policy/filebeat", 200, agreed},
			{"GET", "/_index_template/filebeat-9.1.0", 404, ""}, {"PUT", "/_index_template/filebeat-9.1.0", 200, agreed},
			{"GET", "/_data_stream/filebeat-9.1.0", 404, ""}, {"PUT", "/_data_stream/filebeat-9.1.0", 200, agreed},
			{"POST", "/_bulk?filter_path=errors%2Citems.%2A.error%2Citems.%2A.status", 200, `"errors":false,"items":[{"create":{"status":201}}]}`},
		},
		"logstash/9.1.0 (OS=Linux-6.1-amd64; JVM=Eclipse Adoptium-21.0.7) logstash-output-elasticsearch/12.0.4": {
			{"HEAD", "/", 200, ""}, {"GET", "/", 200, node}, {"GET", "/_license", 200, `"status":"active"`},
			{"HEAD", "/_index_template/ecs-logstash", 404, ""}, {"PUT", "/_index_template/ecs-logstash", 200, agreed},
			{"POST", "/_bulk?filter_path=errors,items.*.error,items.*.status", 200, stored},
		},
		"Vector/0.50.0 (x86_64-unknown-linux-gnu)":    {{"GET", "/", 200, `"number":"9.`}, {"POST", "/_bulk", 200, stored}},
		"Faraday v2.9.0 elasticsearch-ruby/8.15.0":    {{"GET", "/", 200, node}, {"POST", "/_bulk", 200, stored}},
		"Mozilla/5.0 (X11; Linux x86_64) Firefox/140": {{"GET", "/elasticsearch/", 200, node}, {"GET", "/", 200, "<!doctype html>"}},
	} {
		for _, a := range asks {
			p.agent(agentRequest{a.method, a.path, "application/x-ndjson", agent, `{"create":{"_index":"a"}}` + "\n" + `{"message":"m"}` + "\n", a.status, a.want})
		}
	}
	if n := len(p.events("")); n != 4 {
		t.Errorf("%d events arrived, want 4", n)
	}
	p.stop()
}
