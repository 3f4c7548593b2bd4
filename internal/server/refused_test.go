package server

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/vfs"
)

func TestR21ListOfRefusedPayloads(t *testing.T) {
	h := serve(t, Options{BatchBytes: 200_000, EventBytes: 1000})
	h.do("GET", "/api/refused", "").want(t, 200, `[]`)
	clef := h.do("POST", "/ingest/clef?apiKey=secret", "x\xff\n", "Content-Type: text/plain", "User-Agent: test/1", "X-Seq-ApiKey: secret")
	clef.wantError(t, 400, "line 1")
	legacy := h.do("POST", "/api/events/raw", `{"Events":[{}]}`, "User-Agent: test/1", "Content-Type: application/json")
	large := h.do("POST", "/ingest/clef", strings.Repeat("a", 300_000), "User-Agent: test/1")
	large.wantError(t, 413, "over the limit")
	cut := h.do("POST", "/ingest/clef", packed(t, strings.Repeat("abc\n", 1000))[:40], "User-Agent: test/1", "Content-Encoding: gzip")
	cut.wantError(t, 400, "ends too early")
	odd := h.do("POST", "/ingest/clef", "\x01\x02", "User-Agent: test/1", "Content-Encoding: br")
	odd.wantError(t, 415, "br")

	a := h.do("GET", "/api/refused", "")
	if strings.Contains(a.body, "secret") {
		t.Error("the list tells API keys")
	}
	got := regexp.MustCompile(`"Id":"[^"]+","Time":"[^"]+"`).ReplaceAllString(a.body, `"Id":"…","Time":"…"`)
	got = regexp.MustCompile(`"Error":"((?:[^"\\]|\\.){0,50})(?:[^"\\]|\\.)*"`).ReplaceAllString(got, `"Error":"$1"`)
	got = regexp.MustCompile(`"Bytes":[0-9]+,"Truncated":true\},\{"Id":"…","Time":"…","Endpoint":"/ingest/clef","Format":"clef","ContentType":"","Client":"127.0.0.1 test/1","Error":"the body is over`).
		ReplaceAllString(got, `"Bytes":…,"Truncated":true},{"Id":"…","Time":"…","Endpoint":"/ingest/clef","Format":"clef","ContentType":"","Client":"127.0.0.1 test/1","Error":"the body is over`)
	want := `[{"Id":"…","Time":"…","Endpoint":"/ingest/clef","Format":"clef","ContentType":"","Client":"127.0.0.1 test/1","Error":"the content encoding \"br\" is not understood; allow","Line":0,"Bytes":2,"Truncated":false},` +
		`{"Id":"…","Time":"…","Endpoint":"/ingest/clef","Format":"clef","ContentType":"","Client":"127.0.0.1 test/1","Error":"the gzip body ends too early: its first 40 bytes, ","Line":0,"Bytes":…,"Truncated":true},` +
		`{"Id":"…","Time":"…","Endpoint":"/ingest/clef","Format":"clef","ContentType":"","Client":"127.0.0.1 test/1","Error":"the body is over the limit of 200000 bytes (send l","Line":0,"Bytes":300000,"Truncated":true},` +
		`{"Id":"…","Time":"…","Endpoint":"/api/events/raw","Format":"legacy","ContentType":"application/json","Client":"127.0.0.1 test/1","Error":"the event has no Timestamp","Line":1,"Bytes":15,"Truncated":false},` +
		`{"Id":"…","Time":"…","Endpoint":"/ingest/clef","Format":"clef","ContentType":"text/plain","Client":"127.0.0.1 test/1","Error":"`
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, `,"Line":1,"Bytes":3,"Truncated":false}]`) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	payload := func(of answer) answer { return h.do("GET", "/api/refused/"+of.header.Get("X-Stele-Refused"), "") }
	p := payload(clef)
	p.want(t, 200, "x\xff\n")
	if p.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(p.header.Get("Content-Disposition"), "attachment") {
		t.Error(p.header)
	}
	payload(legacy).want(t, 200, `{"Events":[{}]}`)
	payload(large).want(t, 200, strings.Repeat("a", 64<<10))
	payload(odd).want(t, 200, "\x01\x02")
	h.do("GET", "/api/refused/none", "").wantError(t, 404, `there is no refused payload "none"`)

	retry := func(of answer) answer {
		return h.do("POST", "/api/refused/"+of.header.Get("X-Stele-Refused")+"/retry", "")
	}
	retry(clef).wantError(t, 400, "line 1 is refused")
	retry(legacy).wantError(t, 400, "event 1 is refused")
	retry(large).wantError(t, 400, "only the first 65536 of the payload's bytes were kept")
	retry(odd).wantError(t, 400, "content encoding")
	h.do("POST", "/api/refused/none/retry", "").wantError(t, 404, "none")
	if after := h.do("GET", "/api/refused", ""); after.body != a.body {
		t.Error("a retry that is refused changes the list")
	}

	h.do("DELETE", "/api/refused/"+odd.header.Get("X-Stele-Refused"), "").want(t, 204, "")
	h.do("DELETE", "/api/refused/"+odd.header.Get("X-Stele-Refused"), "").wantError(t, 404, "refused-")
	payload(odd).wantError(t, 404, "refused-")

	// The list is durable; the cause gone, an entry is ingested and leaves it.
	h.stop()
	h.serve(Options{EventBytes: 100})
	long := h.do("POST", "/ingest/clef", `{`+iso+`,"a":"`+strings.Repeat("a", 100)+`"}`)
	long.wantError(t, 400, "at most 100")
	h.stop()
	h.serve(Options{})
	var list []refusal
	if err := json.Unmarshal([]byte(h.do("GET", "/api/refused", "").body), &list); err != nil || len(list) != 5 || list[0].ID != long.header.Get("X-Stele-Refused") {
		t.Fatalf("%v %v", list, err)
	}
	retry(long).want(t, 201, accepted)
	h.wantStored(`{` + iso + `,"a":"` + strings.Repeat("a", 100) + `"}` + "\n")
	retry(long).wantError(t, 404, "refused-")
}

// A batch that is sent again, because its answer was lost, counts once; so does what is refused of it: ingesting two entries again
// would double its events.
func TestR16RefusedOnce(t *testing.T) {
	h := serve(t, Options{BatchBytes: 2000})
	const key = "Idempotency-Key: key"
	entries := 0
	for _, c := range []struct {
		name, path, body string
		headers          []string
		twice            bool
	}{
		{"partly", "/ingest/clef?partial=true", "{" + iso + "}\nx\n", []string{key + "1"}, false},
		{"another key", "/ingest/clef?partial=true", "{" + iso + "}\nx\n", []string{key + "2"}, false},
		{"as a whole", "/ingest/clef", "x", []string{key + "3"}, false},
		{"too long", "/ingest/clef", strings.Repeat("x", 3000), []string{key + "4"}, false},
		{"OTLP", "/v1/logs", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},1]}]}]}`, []string{"Content-Type: application/json", key + "5"}, false},
		{"Loki", "/loki/api/v1/push", lokiBody(`["1","x"]`, `[]`), []string{"Content-Type: application/json"}, false},
		{"Elasticsearch with ids", "/_bulk", `{"index":{"_id":"1"}}` + "\n{}\n" + `{"index":{"_id":"2"}}` + "\nx\n", nil, false},
		{"Elasticsearch without", "/_bulk", `{"index":{}}` + "\n{}\n" + `{"index":{"_id":"2"}}` + "\nx\n", nil, true},
		{"without a key", "/ingest/clef", "x", nil, true},
	} {
		first := h.do("POST", c.path, c.body, c.headers...).header.Get("X-Stele-Refused")
		second := h.do("POST", c.path, c.body, c.headers...).header.Get("X-Stele-Refused")
		if first == "" || second == "" || (first != second) != c.twice {
			t.Errorf("%s: %q, then %q", c.name, first, second)
		}
		if entries++; c.twice {
			entries++
		}
	}
	var list []refusal
	if err := json.Unmarshal([]byte(h.do("GET", "/api/refused", "").body), &list); err != nil || len(list) != entries {
		t.Errorf("%d entries, want %d, %v", len(list), entries, err)
	}
}

func TestR21TheListIsBounded(t *testing.T) {
	store, err := stele.Open("/store", &stele.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ctx := context.Background()
	open := func() *refusals {
		l := newRefusals(store.Documents(refusedSpace), slog.New(slog.DiscardHandler))
		l.entries, l.bytes = 5, 10_000
		return l
	}
	l := open()
	check := func(want string) {
		t.Helper()
		for _, l := range []*refusals{l, open()} { // as it is known, and as it is stored
			all, err := l.list(ctx)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, e := range all {
				lines = append(lines, fmt.Sprint(e.Line))
			}
			if got := strings.Join(lines, " "); got != want {
				t.Errorf("lines %s, want %s", got, want)
			}
		}
	}
	for i := range 8 {
		if _, err := l.add(ctx, refusal{Line: i, Payload: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	check("7 6 5 4 3")
	if _, err := l.add(ctx, refusal{Line: 8, Payload: make([]byte, 6000)}); err != nil { // 8,000 in base64
		t.Fatal(err)
	}
	check("8 7 6 5 4")
	if _, err := l.add(ctx, refusal{Line: 9, Payload: make([]byte, 3000)}); err != nil {
		t.Fatal(err)
	}
	check("9")
	if _, err := l.add(ctx, refusal{Line: 10, Payload: make([]byte, 30_000)}); err != nil { // the newest stays whatever its size
		t.Fatal(err)
	}
	check("10")
	infos, err := store.Documents(refusedSpace).List(ctx, "")
	if err != nil || len(infos) != 1 {
		t.Errorf("%d documents, %v", len(infos), err)
	}
}

// An entry over what a document may be keeps its start.
func TestRefusedOverADocument(t *testing.T) {
	store, err := stele.Open("/store", &stele.Options{FS: vfs.NewMem(), DocumentBytes: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	l := newRefusals(store.Documents(refusedSpace), slog.New(slog.DiscardHandler))
	id, err := l.add(context.Background(), refusal{Payload: make([]byte, 90_000)})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := l.get(context.Background(), id); err != nil || !e.Truncated || len(e.Payload) != keepOfOver {
		t.Errorf("%d bytes, truncated %v, %v", len(e.Payload), e.Truncated, err)
	}
}

// A body that claims a coding and is none of it is kept as it came (R21).
func TestR21WhatDoesNotDecodeIsKeptAsItCame(t *testing.T) {
	h := serve(t, Options{})
	plain := `{"@t":"2026-11-20T10:00:00Z","@mt":"not packed at all"}` + "\n"
	a := h.do("POST", "/ingest/clef", plain, "Content-Encoding: gzip")
	a.wantError(t, 400, "not sound gzip")
	h.do("GET", "/api/refused/"+a.header.Get("X-Stele-Refused"), "").want(t, 200, plain)
	if list := h.do("GET", "/api/refused", ""); !strings.Contains(list.body, fmt.Sprintf(`"Bytes":%d,"Truncated":false`, len(plain))) {
		t.Error(list.body)
	}
}
