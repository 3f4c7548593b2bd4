package server

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/vfs"
)

// recorded reads a request of a real client as it was sent; its headers are as do takes them.
func recorded(t *testing.T, name string) (method, path, body string, headers []string) {
	t.Helper()
	base := filepath.Join("../../../shared/data/wire", name)
	head, err := os.ReadFile(base + ".head.txt")
	if err != nil {
		t.Skip("skipped: the recorded requests (../shared/data/wire) are not here")
	}
	b, err := os.ReadFile(base + ".body")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(strings.NewReader(string(head)))
	lines.Scan()
	method, path, _ = strings.Cut(strings.TrimSuffix(lines.Text(), " HTTP/1.1"), " ")
	for lines.Scan() {
		name, _, _ := strings.Cut(lines.Text(), ":")
		switch strings.ToLower(name) {
		case "host", "connection", "content-length", "":
		default:
			headers = append(headers, lines.Text())
		}
	}
	return method, path, string(b), headers
}

// bulkAnswer takes out of an answer to a bulk request what differs from run to run.
func bulkAnswer(body string) string {
	body = regexp.MustCompile(`"took":[0-9]+`).ReplaceAllString(body, `"took":…`)
	body = regexp.MustCompile(`"event-[0-9a-f]{32}"`).ReplaceAllString(body, `"event-…"`)
	return regexp.MustCompile(`"_version":1,"result":"created","_shards":\{"total":1,"successful":1,"failed":0\},"_seq_no":[0-9]+,"_primary_term":[0-9]+`).ReplaceAllString(body, `…`)
}

func TestElasticRecordedRequests(t *testing.T) {
	for _, c := range []struct{ name, contentType, answer, stored string }{
		{"elasticsearch-js-9.4.3-bulk", "application/vnd.elasticsearch+json;compatible-with=9",
			`{"took":…,"errors":false,"items":[{"create":{"_index":"logs-app","_id":"event-…",…,"status":201}},{"create":{"_index":"logs-app","_id":"event-…",…,"status":201}}]}`,
			`{"@t":"2026-11-20T10:00:00.0000000Z","@l":"info","@m":"hi","@timestamp":"2026-11-20T10:00:00Z","message":"hi","level":"info","_index":"logs-app"}` + "\n" +
				`{"@t":"2026-11-20T10:00:01.0000000Z","@m":"ho","@timestamp":"2026-11-20T10:00:01Z","message":"ho","_index":"logs-app"}` + "\n"},
		{"elasticsearch-js-9.4.3-helpers-bulk", "application/vnd.elasticsearch+json;compatible-with=9",
			`{"took":…,"errors":false,"items":[{"create":{"_index":"x","_id":"event-…",…,"status":201}},{"create":{"_index":"x","_id":"event-…",…,"status":201}}]}`,
			`{"@t":"…","a":1,"_index":"x"}` + "\n" + `{"@t":"…","a":2,"_index":"x"}` + "\n"},
		{"rsyslog-8.2302-omelasticsearch", "application/json",
			`{"took":…,"errors":false,"items":[{"index":{"_index":"logs-rsyslog","_id":"event-…",…,"status":201}}]}`,
			`{"@t":"2026-11-20T10:23:15.9681060Z","@l":"notice","@m":"hello from logger é","@timestamp":"2026-11-20T10:23:15.968106+00:00","host":"vm","severity":"notice",` +
				`"app":"myapp","message":"hello from logger é","_index":"logs-rsyslog"}` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, Options{})
			method, path, body, headers := recorded(t, c.name)
			a := h.do(method, path, body, headers...)
			a.body = bulkAnswer(a.body)
			a.want(t, 200, c.answer)
			if a.header.Get("Content-Type") != c.contentType || a.header.Get("X-Elastic-Product") != "Elasticsearch" {
				t.Error(a.header)
			}
			stored := h.stored()
			if strings.Contains(c.stored, "…") {
				stored = regexp.MustCompile(`"@t":"[^"]+"`).ReplaceAllString(stored, `"@t":"…"`)
			}
			if d := cmp.Diff(c.stored, stored); d != "" {
				t.Error(d)
			}
		})
	}
}

const elasticDoc = `{"@timestamp":"2026-11-20T10:00:00Z","a":1}`

// elasticEvent is what elasticDoc is stored as.
func elasticEvent(target string) string {
	return `{"@t":"2026-11-20T10:00:00.0000000Z","@timestamp":"2026-11-20T10:00:00Z","a":1` + target + "}\n"
}

func TestElasticPaths(t *testing.T) {
	for _, c := range []struct{ request, body, answer, target string }{
		{"POST /_bulk", `{"index":{"_index":"a","_id":"7"}}` + "\n" + elasticDoc + "\n", `"items":[{"index":{"_index":"a","_id":"7",…,"status":201}}]}`, `,"_index":"a","_id":"7"`},
		{"PUT /elasticsearch/_bulk", `{"index":{}}` + "\n" + elasticDoc, `"items":[{"index":{"_index":"","_id":"event-…",…,"status":201}}]}`, ``},
		{"POST /logs/_bulk?pipeline=p&refresh=wait_for", `{"create":{}}` + "\n" + elasticDoc, `"items":[{"create":{"_index":"logs","_id":"event-…",…,"status":201}}]}`, `,"_index":"logs","_pipeline":"p"`},
		{"PUT /elasticsearch/a%2Fb/_bulk", `{"create":{}}` + "\n" + elasticDoc, `"items":[{"create":{"_index":"a/b","_id":"event-…",…,"status":201}}]}`, `,"_index":"a/b"`},
		{"POST /_bulk?filter_path=took,errors,items.*.error", `{"index":{"_index":"a"}}` + "\n" + elasticDoc, `"items":[{"index":{"status":201}}]}`, `,"_index":"a"`},
		{"POST /logs/_doc", elasticDoc, `{"_index":"logs","_id":"event-…",…,"status":201}`, `,"_index":"logs"`},
		{"PUT /logs/_doc/7?routing=r", "\n" + elasticDoc + "\r\n\n", `{"_index":"logs","_id":"7",…,"status":201}`, `,"_index":"logs","_id":"7","_routing":"r"`},
		{"POST /elasticsearch/logs/_doc/7", elasticDoc, `{"_index":"logs","_id":"7",…,"status":201}`, `,"_index":"logs","_id":"7"`},
		{"PUT /logs/_create/7", strings.ReplaceAll(elasticDoc, ",", ",\n"), `{"_index":"logs","_id":"7",…,"status":201}`, `,"_index":"logs","_id":"7"`},
	} {
		t.Run(c.request, func(t *testing.T) {
			h := serve(t, Options{})
			method, path, _ := strings.Cut(c.request, " ")
			a := h.do(method, path, c.body)
			if got := bulkAnswer(a.body); a.status/100 != 2 || !strings.HasSuffix(got, c.answer) {
				t.Errorf("%d %s", a.status, got)
			}
			h.wantStored(elasticEvent(c.target))
		})
	}
}

// What the answer calls a document is what the API calls its event.
func TestElasticIDsAreEventIDs(t *testing.T) {
	h := serve(t, Options{})
	a := h.do("POST", "/logs/_doc", elasticDoc)
	var doc struct {
		ID   string `json:"_id"`
		Seq  uint64 `json:"_seq_no"`
		Term uint64 `json:"_primary_term"`
	}
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil || doc.Term == 0 {
		t.Fatal(a.body, err)
	}
	h.do("GET", "/api/events/"+doc.ID+"?clef=true", "").want(t, 200, strings.TrimSuffix(elasticEvent(`,"_index":"logs"`), "\n"))
	more := h.do("POST", "/_bulk", strings.Repeat(`{"index":{}}`+"\n"+elasticDoc+"\n", 2))
	for _, n := range []uint64{doc.Seq + 1, doc.Seq + 2} {
		if !strings.Contains(more.body, `"_seq_no":`+jsonNumber(n)) {
			t.Errorf("no %d in %s", n, more.body)
		}
	}
}

func jsonNumber(n uint64) string { b, _ := json.Marshal(n); return string(b) }

// The good documents are stored in their order, the bad ones are named in theirs, and kept as a body of their own.
func TestR21ElasticPartialFailure(t *testing.T) {
	h := serve(t, Options{EventBytes: 200})
	a := h.do("POST", "/logs/_bulk", `{"index":{}}`+"\n"+elasticDoc+"\n"+`{"create":{"_id":"x"}}`+"\n{\"a\":\n"+`{"delete":{"_id":"y"}}`+"\n"+
		`{"index":{"_index":"b"}}`+"\n"+elasticDoc+"\n"+`{"index":{"_id":"z"}}`+"\n"+`{"a":"`+strings.Repeat("a", 200)+`"}`+"\n")
	if d := cmp.Diff(`{"took":…,"errors":true,"items":[{"index":{"_index":"logs","_id":"event-…",…,"status":201}},`+
		`{"create":{"_index":"logs","_id":"x","status":400,"error":{"type":"document_parsing_exception","reason":"parse JSON: byte 5: expected a JSON value, found the end of the text"}}},`+
		`{"delete":{"_index":"logs","_id":"y","status":400,"error":{"type":"illegal_argument_exception","reason":"delete is not supported: events are kept as they were sent"}}},`+
		`{"index":{"_index":"b","_id":"event-…",…,"status":201}},`+
		`{"index":{"_index":"logs","_id":"z","status":400,"error":{"type":"illegal_argument_exception","reason":"the document is 208 bytes long; at most 200 are allowed"}}}]}`,
		bulkAnswer(a.body)); a.status != 200 || d != "" {
		t.Error(a.status, d)
	}
	h.wantStored(elasticEvent(`,"_index":"logs"`) + elasticEvent(`,"_index":"b"`))

	id := a.header.Get("X-Stele-Refused")
	rest := `{"create":{"_index":"logs","_id":"x"}}` + "\n{\"a\":\n" + `{"index":{"_index":"logs","_id":"z"}}` + "\n" + `{"a":"` + strings.Repeat("a", 200) + `"}` + "\n"
	h.do("GET", "/api/refused/"+id, "").want(t, 200, rest)
	h.do("POST", "/api/refused/"+id+"/retry", "").wantError(t, 400, "line 2 is refused")

	// A body that has only deletes has nothing to keep.
	if a := h.do("POST", "/_bulk", `{"delete":{"_index":"b","_id":"y"}}`+"\n"); a.status != 200 || a.header.Get("X-Stele-Refused") != "" {
		t.Error(a.status, a.body)
	}
	short := h.do("POST", "/_bulk?filter_path=errors,items.*.error,items.*.status", `{"index":{"_index":"a"}}`+"\n"+elasticDoc+"\n"+`{"index":{"_index":"a"}}`+"\nx\n")
	short.body = bulkAnswer(short.body)
	short.want(t, 200, `{"took":…,"errors":true,"items":[{"index":{"status":201}},{"index":{"status":400,"error":{"type":"document_parsing_exception","reason":"parse JSON: byte 0: expected a JSON object, found 'x'"}}}]}`)
}

// What was refused for its size is taken when the limit is higher.
func TestR21ElasticRetry(t *testing.T) {
	h := serve(t, Options{EventBytes: 100})
	doc := `{"@timestamp":"2026-11-20T10:00:00Z",` + "\n" + `"a":"` + strings.Repeat("a", 100) + `"}`
	a := h.do("PUT", "/logs/_doc/7", doc)
	a.want(t, 400, `{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"the document is 145 bytes long; at most 100 are allowed"}],`+
		`"type":"illegal_argument_exception","reason":"the document is 145 bytes long; at most 100 are allowed"},"status":400}`)
	h.stop()
	h.serve(Options{})
	for range 2 { // the second finds it gone
		retry := h.do("POST", "/api/refused/"+a.header.Get("X-Stele-Refused")+"/retry", "")
		if retry.status != 201 && retry.status != 404 {
			t.Error(retry)
		}
	}
	h.wantStored(`{"@t":"2026-11-20T10:00:00.0000000Z","@timestamp":"2026-11-20T10:00:00Z","a":"` + strings.Repeat("a", 100) + `","_index":"logs","_id":"7"}` + "\n")
}

// A body that is refused as a whole is kept with what its address says: what is taken later has its index.
func TestR21ElasticWhole(t *testing.T) {
	fs := vfs.NewMem()
	open := func(most int) Options {
		return Options{Open: func(context.Context) (*stele.Store, error) {
			return stele.Open("/store", &stele.Options{FS: fs, BatchBytes: most})
		}}
	}
	h := serve(t, open(200))
	doc := `{"@timestamp":"2026-11-20T10:00:00Z","a":"` + strings.Repeat("a", 200) + `"}`
	bulk := h.do("POST", "/logs/_bulk", `{"index":{}}`+"\n"+doc+"\n")
	bulk.wantElasticError(t, 413, "content_too_long_exception", "the events are too many")
	one := h.do("POST", "/logs/_doc/7", doc)
	one.wantElasticError(t, 413, "content_too_long_exception", "the events are too many")
	h.do("GET", "/api/refused/"+bulk.header.Get("X-Stele-Refused"), "").want(t, 200, `{"index":{"_index":"logs"}}`+"\n"+doc+"\n")
	h.stop()
	h.serve(open(0))
	for _, a := range []answer{bulk, one} {
		h.do("POST", "/api/refused/"+a.header.Get("X-Stele-Refused")+"/retry", "").want(t, 201, accepted)
	}
	event := func(more string) string {
		return `{"@t":"2026-11-20T10:00:00.0000000Z","@timestamp":"2026-11-20T10:00:00Z","a":"` + strings.Repeat("a", 200) + `","_index":"logs"` + more + "}\n"
	}
	h.wantStored(event("") + event(`,"_id":"7"`))
}

func TestR16ElasticRetry(t *testing.T) {
	h := serve(t, Options{})
	body := strings.Repeat(`{"index":{"_index":"a"}}`+"\n"+elasticDoc+"\n", 2)
	first := h.do("POST", "/_bulk", body, "Idempotency-Key: k")
	again := h.do("POST", "/_bulk", body, "Idempotency-Key: k")
	took := regexp.MustCompile(`"took":[0-9]+`)
	if got, want := took.ReplaceAllString(again.body, ""), took.ReplaceAllString(first.body, ""); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	h.wantStored(strings.Repeat(elasticEvent(`,"_index":"a"`), 2))

	// Without a key, a body counts once if its client named every document, as it would in Elasticsearch.
	h = serve(t, Options{})
	named := `{"index":{"_index":"a","_id":"1"}}` + "\n" + elasticDoc + "\n"
	unnamed := named + `{"index":{"_index":"a"}}` + "\n" + elasticDoc + "\n"
	for range 2 {
		h.do("POST", "/_bulk", named)
		h.do("POST", "/_bulk", unnamed)
		h.do("PUT", "/a/_doc/2", elasticDoc)
	}
	one, two := elasticEvent(`,"_index":"a","_id":"1"`), elasticEvent(`,"_index":"a","_id":"2"`)
	both := one + elasticEvent(`,"_index":"a"`)
	h.wantStored(one + both + two + both)
}

// wantElasticError compares status, Elasticsearch's name for the error and a part of its reason.
func (a answer) wantElasticError(t *testing.T, status int, name, part string) {
	t.Helper()
	var e struct {
		Error struct {
			Type, Reason string
			RootCause    []struct{ Type, Reason string } `json:"root_cause"`
		}
		Status int
	}
	err := json.Unmarshal([]byte(a.body), &e)
	if err != nil || a.status != status || e.Status != status || e.Error.Type != name || !strings.Contains(e.Error.Reason, part) ||
		len(e.Error.RootCause) != 1 || e.Error.RootCause[0].Reason != e.Error.Reason {
		t.Errorf("got %d %s\nwant %d with a %s about %q", a.status, a.body, status, name, part)
	}
	if a.header.Get("X-Elastic-Product") != "Elasticsearch" {
		t.Error(a.header)
	}
}

func TestElasticErrors(t *testing.T) {
	h := serve(t, Options{BatchBytes: 1000})
	h.do("POST", "/_bulk", "").wantElasticError(t, 400, "illegal_argument_exception", "the request has no actions")
	h.do("POST", "/_bulk", elasticDoc+"\n").wantElasticError(t, 400, "illegal_argument_exception", "malformed action on line 1")
	h.do("POST", "/logs/_doc", "[]").wantElasticError(t, 400, "document_parsing_exception", "expected a JSON object")
	h.do("POST", "/"+strings.Repeat("a", 256)+"/_bulk", `{"index":{}}`+"\n{}\n").wantElasticError(t, 400, "illegal_argument_exception", "the _index is 256 bytes long")
	h.do("POST", "/_bulk", strings.Repeat("a", 1001)).wantElasticError(t, 413, "content_too_long_exception", "over the limit")
	bomb := packed(t, strings.Repeat(`{"index":{}}`+"\n{}\n", 100_000))
	h.do("POST", "/_bulk", bomb, "Content-Encoding: gzip").wantElasticError(t, 413, "content_too_long_exception", "decompressed, is over the limit of 1000 bytes")
	h.do("POST", "/_bulk", "x", "Content-Encoding: br").wantElasticError(t, 415, "illegal_argument_exception", "br")
	h.do("DELETE", "/logs/_doc/7", "").wantElasticError(t, 405, "illegal_argument_exception", "DELETE is not allowed here")
	h.do("GET", "/logs/_doc/7", "").wantElasticError(t, 405, "illegal_argument_exception", "GET is not allowed here")
	h.do("GET", "/_search", "").wantElasticError(t, 404, "resource_not_found_exception", "/elasticsearch/_search")
	h.do("POST", "/_monitoring/bulk", "{}").wantElasticError(t, 404, "resource_not_found_exception", "_monitoring")
	if a := h.do("POST", "/_bulk", "{", "Accept: application/vnd.elasticsearch+json; compatible-with=8"); a.header.Get("Content-Type") != "application/vnd.elasticsearch+json;compatible-with=8" {
		t.Error(a.header)
	}
	h.wantStored("")

	// A document of 1 byte can bring an index of 255: what the store takes in is bounded too.
	h = serve(t, Options{Open: func(context.Context) (*stele.Store, error) {
		return stele.Open("/store", &stele.Options{FS: vfs.NewMem(), BatchBytes: 1000})
	}})
	a := h.do("POST", "/"+strings.Repeat("a", 255)+"/_bulk", strings.Repeat(`{"index":{}}`+"\n{}\n", 100))
	a.wantElasticError(t, 413, "content_too_long_exception", "the events are too many for one request")
	h.wantStored("")

	direct(New(Options{}), "POST", "/_bulk").wantElasticError(t, 503, "unavailable_shards_exception", "starting")
}

// A full disk refuses the whole request with the status that clients retry, and lists nothing.
func TestElasticFullDisk(t *testing.T) {
	h := onBrokenDisk(t, vfs.ENOSPC)
	a := h.do("POST", "/_bulk", `{"index":{}}`+"\n{}\n")
	a.wantElasticError(t, 503, "unavailable_shards_exception", "")
	if a.header.Get("Retry-After") == "" || a.header.Get("X-Stele-Refused") != "" {
		t.Error(a.header)
	}
}

// onBrokenDisk serves a store whose writes fail with err.
func onBrokenDisk(t *testing.T, err error) *harness {
	h := &harness{t: t, fs: vfs.NewMem()}
	faulty := vfs.NewFaulty(h.fs)
	h.serve(Options{Open: func(context.Context) (*stele.Store, error) { return stele.Open("/store", &stele.Options{FS: faulty}) }})
	faulty.Add(&vfs.Rule{Kind: vfs.OpWrite, Forever: true, Err: err}, &vfs.Rule{Kind: vfs.OpSync, Forever: true, Err: err}, &vfs.Rule{Kind: vfs.OpCreate, Forever: true, Err: err})
	t.Cleanup(faulty.Clear)
	return h
}

func TestElasticGzip(t *testing.T) {
	h := serve(t, Options{})
	a := h.do("POST", "/_bulk", packed(t, `{"index":{"_index":"a"}}`+"\n"+elasticDoc+"\n"), "Content-Encoding: gzip", "Content-Type: application/x-ndjson")
	if a.status != 200 {
		t.Error(a)
	}
	h.wantStored(elasticEvent(`,"_index":"a"`))
}

// Who asks decides what / is: Elasticsearch's clients find a node, browsers the page.
func TestElasticProbes(t *testing.T) {
	h := serve(t, Options{Page: fstest.MapFS{"index.html": {Data: []byte("page")}}})
	clients := []string{
		"User-Agent: elasticsearch-js/9.4.3 (linux 6.1; Node.js 20.20.2; Transport 9.4.0)",
		"User-Agent: elasticsearch-py/8.15.0 (Python/3.12.4; elastic-transport/8.15.0)",
		"User-Agent: Elastic-filebeat/9.1.0 (linux; amd64; abcdef; 2026-01-01)",
		"User-Agent: logstash/9.1.0 (OS=Linux-6.1; JVM=Eclipse Adoptium-21) logstash-output-elasticsearch/12.0.2",
		"User-Agent: fluent-plugin-elasticsearch/5.4.3 Faraday/2.9.0",
		"User-Agent: Vector/0.50.0 (x86_64-unknown-linux-gnu)",
		"Accept: application/vnd.elasticsearch+json; compatible-with=9",
		"X-Elastic-Client-Meta: es=9.4.3,js=20.20.2,t=9.4.0",
		"X-Elastic-Product-Origin: beats",
	}
	for _, client := range clients {
		a := h.do("GET", "/", "", client)
		if a.status != 200 || !strings.Contains(a.body, `"tagline":"You Know, for Search"`) || a.header.Get("X-Elastic-Product") != "Elasticsearch" {
			t.Errorf("%s: %d %s", client, a.status, a.body)
		}
		if a := h.do("HEAD", "/", "", client); a.status != 200 || a.header.Get("X-Elastic-Product") != "Elasticsearch" {
			t.Errorf("HEAD %s: %d", client, a.status)
		}
	}
	for _, browser := range []string{"User-Agent: Mozilla/5.0 (X11; Linux x86_64) elastic", "User-Agent: curl/8.5.0", "Accept: text/html"} {
		h.do("GET", "/", "", browser).want(t, 200, "page")
		h.do("GET", "/events", "", browser).want(t, 200, "page")
	}
	for path, part := range map[string]string{
		"/elasticsearch": `"number":"9.4.0"`, "/elasticsearch/": `"number":"9.4.0"`,
		"/_license": `"type":"basic"`, "/_xpack?human=false": `"ilm":{"available":false`, "/_cluster/health?timeout=5s": `"status":"green"`, "/_cat/health": "stele green\n",
		"/_nodes/_all/http": `"publish_address":"` + strings.TrimPrefix(h.url, "http://") + `"`, "/_nodes": `"successful":1`,
	} {
		a := h.do("GET", path, "")
		if a.status != 200 || !strings.Contains(a.body, part) || strings.HasPrefix(a.body, "{") && !json.Valid([]byte(a.body)) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	for _, path := range []string{"/_index_template/logs", "/_ilm/policy/filebeat", "/_data_stream/filebeat-9", "/_template/logstash"} {
		h.do("GET", path, "").wantElasticError(t, 404, "resource_not_found_exception", path)
		h.do("PUT", path, "{}").want(t, 200, `{"acknowledged":true}`)
	}
	h.do("PUT", "/logs", "{}", clients[0]).want(t, 200, `{"acknowledged":true,"shards_acknowledged":true,"index":"logs"}`)
	if a := h.do("HEAD", "/logs", "", clients[0]); a.status != 404 {
		t.Error(a)
	}
	h.do("POST", "/_refresh", "").want(t, 200, `{"_shards":{"total":1,"successful":1,"failed":0}}`)
	h.do("GET", "/_all/_refresh", "").want(t, 200, `{"_shards":{"total":1,"successful":1,"failed":0}}`) // as the JavaScript client's helper does
	h.do("POST", "/logs/_refresh", "", clients[0]).want(t, 200, `{"_shards":{"total":1,"successful":1,"failed":0}}`)
}

// What others serve stays theirs, whatever the client.
func TestElasticPathsTakeNothingFromOthers(t *testing.T) {
	h := serve(t, Options{Page: fstest.MapFS{"index.html": {Data: []byte("page")}}})
	const client = "User-Agent: elasticsearch-py/8.15.0"
	h.do("POST", "/api/_bulk", "").wantError(t, 404, "/api/_bulk")
	h.do("POST", "/ingest/_doc", "", client).wantError(t, 404, "/ingest/_doc")
	h.do("GET", "/health", "", client).want(t, 200, `{"status":"The Stele node is in service."}`)
	h.do("PUT", "/api/documents/_bulk/_doc", "1", client).want(t, 200, `{"Key":"_bulk/_doc","Bytes":1}`)
	h.do("PUT", "/", "").wantError(t, 405, "GET, HEAD")
	h.do("POST", "/logs", "").wantError(t, 405, "GET, HEAD")
}

// Ingestion is open to other sites' pages, as R23 has it for every protocol.
func TestR23ElasticOrigin(t *testing.T) {
	h := serve(t, Options{IngestOrigins: []string{"https://shop.example"}})
	a := h.do("POST", "/_bulk", `{"index":{}}`+"\n"+elasticDoc, "Origin: https://shop.example")
	if a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "https://shop.example" {
		t.Error(a)
	}
	a = h.do("OPTIONS", "/logs/_bulk", "", "Origin: https://shop.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type")
	if a.status != 204 || a.header.Get("Access-Control-Allow-Headers") != "content-type" {
		t.Error(a)
	}
	if a := h.do("OPTIONS", "/_bulk", "", "Origin: https://evil.example", "Access-Control-Request-Method: POST"); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error(a)
	}
}

func TestElasticMetrics(t *testing.T) {
	h := serve(t, Options{})
	h.do("POST", "/logs/_bulk", `{"index":{}}`+"\n"+elasticDoc+"\n"+`{"index":{}}`+"\nx\n")
	text := h.do("GET", "/metrics", "").body
	for _, want := range []string{
		`stele_http_requests_total{method="POST",path="/elasticsearch/{index}/_bulk",status="200"} 1`,
		`stele_ingested_events_total{protocol="elasticsearch"} 1`, `stele_refused_events_total{protocol="elasticsearch"} 1`, `stele_refused_payloads_total{protocol="elasticsearch"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
}
