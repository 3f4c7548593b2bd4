package server

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/s2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/stelehq/stele/internal/vfs"
)

func TestLokiRecordedRequests(t *testing.T) {
	for name, want := range map[string]string{
		"winston-loki-6.1.7-json":     `{"@t":"2026-11-20T10:23:08.3050000Z","@l":"info","@m":"to loki json {\"k\":1,\"level\":\"info\"}","k":"1","level":"info","app":"x"}` + "\n",
		"winston-loki-6.1.7-protobuf": `{"@t":"2026-11-20T10:23:06.8020000Z","@l":"info","@m":"to loki {\"k\":1,\"level\":\"info\"}","level":"info","app":"x"}` + "\n",
		"pino-loki-3.0.0": `{"@t":"2026-11-20T10:23:10.5070000Z","@l":"Information","@m":"pino loki","level":30,"time":1795170190507,"pid":22103,"k":2,"msg":"pino loki",` +
			`"level":"info","hostname":"vm","app":"y"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			h := serve(t, Options{})
			method, path, body, headers := recorded(t, name)
			h.do(method, path, body, headers...).want(t, 204, "")
			h.wantStored(want)
		})
	}
}

// wantText compares status and a part of an error that is text.
func (a answer) wantText(t *testing.T, status int, part string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, part) || a.header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.HasSuffix(a.body, "\n") {
		t.Errorf("got %d %s %q\nwant %d and a text about %q", a.status, a.header.Get("Content-Type"), a.body, status, part)
	}
}

const (
	lokiTime  = `"1795168800000000000"`
	lokiEvent = `{"@t":"2026-11-20T10:00:00.0000000Z","@m":"x"` + `,"app":"shop"}` + "\n"
	lokiJSON  = "Content-Type: application/json"
)

func lokiBody(values ...string) string {
	return `{"streams":[{"stream":{"app":"shop"},"values":[` + strings.Join(values, ",") + `]}]}`
}

func lokiProtobuf(line string) []byte {
	field := func(n protowire.Number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), b)
	}
	now := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1795168800)
	entry := append(field(1, now), field(2, []byte(line))...)
	return field(1, append(field(1, []byte(`{app="shop"}`)), field(2, entry)...))
}

func TestLokiForms(t *testing.T) {
	body := lokiBody(`[` + lokiTime + `,"x"]`)
	block := string(s2.EncodeSnappy(nil, lokiProtobuf("x")))
	for _, c := range []struct {
		name, path, body string
		headers          []string
	}{
		{"JSON", "/loki/api/v1/push", body, []string{"Content-Type: application/json; charset=utf-8"}},
		{"JSON without a content type", "/loki/api/v1/push", body, nil},
		{"JSON in gzip", "/loki/api/v1/push", packed(t, "\n"+body), []string{lokiJSON, "Content-Encoding: gzip"}},
		{"protobuf", "/loki/api/v1/push", block, []string{"Content-Type: application/x-protobuf", "X-Scope-OrgID: tenant", "Authorization: Basic eA=="}},
		{"protobuf that says how it is compressed", "/loki/api/v1/push", block, []string{"Content-Type: application/x-protobuf", "Content-Encoding: snappy"}},
		{"the older path", "/api/prom/push", `{"streams":[{"labels":"{app=\"shop\"}","entries":[{"ts":"2026-11-20T10:00:00Z","line":"x"}]}]}`, []string{lokiJSON}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, Options{})
			h.do("POST", c.path, c.body, c.headers...).want(t, 204, "")
			h.wantStored(lokiEvent)
		})
	}
}

// The good entries are stored in their order; those that are not can be read and sent again.
func TestR21LokiPartialFailure(t *testing.T) {
	h := serve(t, Options{EventBytes: 200})
	bad := `["soon","1"]`
	long := `[` + lokiTime + `,"` + strings.Repeat("a", 200) + `"]`
	a := h.do("POST", "/loki/api/v1/push", lokiBody(bad, `[`+lokiTime+`,"x"]`, long, `[`+lokiTime+`,"y"]`), lokiJSON)
	a.want(t, 204, "")
	h.wantStored(lokiEvent + strings.ReplaceAll(lokiEvent, `"x"`, `"y"`))
	id := a.header.Get("X-Stele-Refused")
	h.do("GET", "/api/refused/"+id, "").want(t, 200, lokiBody(bad, long))
	h.do("POST", "/api/refused/"+id+"/retry", "").wantError(t, 400, `entry 1 is refused, and with it the whole batch: the entry's time, "soon", is not nanoseconds since 1970`)

	// Nothing good in it: there is nothing that another try could double.
	a = h.do("POST", "/loki/api/v1/push", lokiBody(bad, long), lokiJSON)
	a.wantText(t, 400, `2 of 2 entries are refused; the first is entry 1: the entry's time, "soon", is not nanoseconds since 1970`)
	if a.header.Get("X-Stele-Refused") == "" {
		t.Error("it is not listed")
	}
	// A refused part of protobuf is kept as JSON, which is taken in when its cause is gone.
	a = h.do("POST", "/loki/api/v1/push", string(s2.EncodeSnappy(nil, lokiProtobuf(strings.Repeat("b", 200)))), "Content-Type: application/x-protobuf")
	a.wantText(t, 400, "1 of 1 entries are refused; the first is entry 1: the entry is 212 bytes long with its labels; at most 200 are allowed")
	h.stop()
	h.serve(Options{})
	h.do("POST", "/api/refused/"+a.header.Get("X-Stele-Refused")+"/retry", "").want(t, 201, accepted)
	h.wantStored(lokiEvent + strings.ReplaceAll(lokiEvent, `"x"`, `"y"`) + strings.ReplaceAll(lokiEvent, `"x"`, `"`+strings.Repeat("b", 200)+`"`))
}

// A client sends a body again when the answer was lost. Loki keeps an entry once; so does this.
func TestR16LokiBodyIsStoredOnce(t *testing.T) {
	h := serve(t, Options{})
	body := lokiBody(`[`+lokiTime+`,"x"]`, `[`+lokiTime+`,"x"]`)
	for range 3 {
		h.do("POST", "/loki/api/v1/push", body, lokiJSON).want(t, 204, "")
	}
	h.wantStored(strings.Repeat(lokiEvent, 2))
	h.do("POST", "/loki/api/v1/push", body, lokiJSON, "X-Scope-OrgID: another").want(t, 204, "")
	h.wantStored(strings.Repeat(lokiEvent, 4))
	for range 2 {
		h.do("POST", "/loki/api/v1/push", body, lokiJSON, "Idempotency-Key: mine").want(t, 204, "")
	}
	h.wantStored(strings.Repeat(lokiEvent, 6))
}

func TestLokiErrors(t *testing.T) {
	h := serve(t, Options{BatchBytes: 1000})
	h.do("POST", "/loki/api/v1/push", `{"streams":`, lokiJSON).wantText(t, 400, "the body is no push request: ")
	h.do("POST", "/loki/api/v1/push", "hello", "Content-Type: application/x-protobuf").wantText(t, 400, "the body is no snappy block")
	h.do("POST", "/loki/api/v1/push", strings.Repeat("a", 1001), lokiJSON).wantText(t, 413, "over the limit of 1000 bytes")
	h.do("POST", "/loki/api/v1/push", packed(t, strings.Repeat(" ", 1<<20)), lokiJSON, "Content-Encoding: gzip").wantText(t, 413, "decompressed, is over the limit of 1000 bytes")
	h.do("POST", "/loki/api/v1/push", "x", lokiJSON, "Content-Encoding: br").wantText(t, 415, "br")
	h.do("POST", "/loki/api/v1/push", "\xff\xff\xff\xff\x0f\x00").wantText(t, 413, "the body, decompressed, would have 4294967295 bytes, over the limit of 1000")
	h.do("POST", "/loki/api/v1/push", string(s2.EncodeSnappy(nil, make([]byte, 10_000)))).wantText(t, 413, "would have 10000 bytes")
	h.do("GET", "/loki/api/v1/push", "").wantText(t, 405, "GET is not allowed here")
	h.do("GET", "/loki/api/v1/labels", "").wantError(t, 404, "/loki/api/v1/labels")
	h.do("POST", "/loki/api/v1/push", `{"streams":[]}`, lokiJSON).want(t, 204, "")
	h.do("POST", "/loki/api/v1/push", "\x00").want(t, 204, "") // protobuf of nothing
	h.wantStored("")
	if kept := h.do("GET", "/api/refused", ""); strings.Count(kept.body, `"Format":"loki"`) != 7 {
		t.Error(kept.body)
	}

	direct(New(Options{}), "POST", "/loki/api/v1/push").wantText(t, 503, "starting")
	direct(New(Options{}), "GET", "/ready").wantText(t, 503, "starting")
	h.do("GET", "/ready", "").want(t, 200, "ready\n")
}

// What a block becomes is counted before it is there: it is in the budget for bodies.
func TestLokiMemory(t *testing.T) {
	h := serve(t, Options{BodyMemory: 1 << 20})
	bomb := s2.EncodeSnappy(nil, make([]byte, 2<<20))
	a := h.do("POST", "/loki/api/v1/push", string(bomb))
	a.wantText(t, 503, "too many bytes of request bodies")
	if a.header.Get("Retry-After") == "" {
		t.Error(a.header)
	}
	if used := h.s.gate.api.memory.held(); used != 0 {
		t.Errorf("%d bytes are held for ever", used)
	}
}

func TestLokiFullDisk(t *testing.T) {
	h := onBrokenDisk(t, vfs.EIO)
	a := h.do("POST", "/loki/api/v1/push", lokiBody(`[`+lokiTime+`,"x"]`), lokiJSON)
	a.wantText(t, 503, "")
	if a.header.Get("Retry-After") == "" || a.header.Get("X-Stele-Refused") != "" {
		t.Error(a.header)
	}
}

func TestR23LokiOrigin(t *testing.T) {
	h := serve(t, Options{})
	a := h.do("OPTIONS", "/loki/api/v1/push", "", "Origin: https://shop.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type")
	if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Headers") != "content-type" {
		t.Error(a)
	}
}

func TestLokiMetrics(t *testing.T) {
	h := serve(t, Options{})
	h.do("POST", "/loki/api/v1/push", lokiBody(`[`+lokiTime+`,"x"]`, `[]`), lokiJSON).want(t, 204, "")
	text := h.do("GET", "/metrics", "").body
	for _, want := range []string{
		`stele_http_requests_total{method="POST",path="/loki/api/v1/push",status="204"} 1`,
		`stele_ingested_events_total{protocol="loki"} 1`, `stele_refused_events_total{protocol="loki"} 1`, `stele_refused_payloads_total{protocol="loki"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
}

// The order of a body is the order of its events, also where all have the same time.
func TestLokiOrder(t *testing.T) {
	h := serve(t, Options{})
	var values []string
	var want bytes.Buffer
	for i := range 100 {
		n := jsonNumber(uint64(i))
		values = append(values, `[`+lokiTime+`,"`+n+`"]`)
		want.WriteString(strings.ReplaceAll(lokiEvent, `"x"`, `"`+n+`"`))
	}
	h.do("POST", "/loki/api/v1/push", lokiBody(values...), lokiJSON).want(t, 204, "")
	if d := cmp.Diff(want.String(), h.stored()); d != "" {
		t.Error(d)
	}
}
