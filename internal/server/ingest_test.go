package server

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/vfs"
)

const iso = `"@t":"2026-11-20T10:00:00.0000000Z"`

// stored returns every event as it was given, oldest first.
func (h *harness) stored() string {
	h.t.Helper()
	var b strings.Builder
	for e, err := range h.store.Read(context.Background(), stele.ReadOptions{}).All() {
		if err != nil {
			h.t.Fatal(err)
		}
		b.Write(e.AppendCLEF(nil))
		b.WriteByte('\n')
	}
	return b.String()
}

func (h *harness) wantStored(want string) {
	h.t.Helper()
	if d := cmp.Diff(want, h.stored()); d != "" {
		h.t.Error(d)
	}
}

func packed(t testing.TB, text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The validation rules that clients count on (wire.md 1.1), row by row.
func TestValidationRules(t *testing.T) {
	h := serve(t, Options{EventBytes: 1000, BatchBytes: 10_000})
	for _, c := range []struct {
		name, body string
		status     int
		want       string // the body, or a part of the error
	}{
		{"@t alone", `{` + iso + `}`, 201, accepted},
		{"empty property name", `{` + iso + `,"":42}`, 201, accepted},
		{"dotted template", `{` + iso + `,"@mt":"{a.b}{a.c}{b.d}","a":{"b":1,"c":2},"b":{"d":3}}`, 201, accepted},
		{"@i", `{` + iso + `,"@i":"ba6bd213","@m":"x"}`, 201, accepted},
		{"integer over 2^53", `{` + iso + `,"N":635476923356034756}`, 201, accepted},
		{"span", `{` + iso + `,"@tr":"abc","@sp":"def","@ra":{"service":{"name":"a"}},"@sa":{"name":"b"}}`, 201, accepted},
		{"@m with @i", `{` + iso + `,"@m":"not a {template","@i":"1"}`, 201, accepted},
		{"no @t", `{}`, 400, "line 1 is refused, and with it the whole batch"},
		{"no JSON", `{hello!}`, 400, "line 1 is refused"},
		{"bad @t", `{"@t":"not a time"}`, 400, "line 1 is refused"},
		{"X", strings.Repeat("X", 100), 400, "line 1 is refused"},
		{"event over its limit", `{` + iso + `,"a":"` + strings.Repeat("a", 1000) + `"}`, 400, "at most 1000 are allowed"},
		{"batch over its limit", strings.Repeat(`{`+iso+`}`+"\n", 300), 413, "the body is over the limit of 10000 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := h.do("POST", "/ingest/clef", c.body, "Content-Type: text/plain")
			if c.status == 201 {
				a.want(t, 201, c.want)
				if got := a.header.Get("Content-Type"); got != "application/json" {
					t.Errorf("type %q", got)
				}
			} else {
				a.wantError(t, c.status, c.want)
			}
		})
	}
	if got := strings.Count(h.stored(), "\n"); got != 7 {
		t.Errorf("%d events stored, want 7", got)
	}
}

// The recorded requests of real loggers, headers and all.
func TestRecordedClients(t *testing.T) {
	h := serve(t, Options{})
	for _, name := range []string{"seq-logging-3.2.0", "pino-seq-4.0.0", "winston-seq-3.0.1"} {
		base := filepath.Join("../../../shared/data/wire", name)
		head, err := os.ReadFile(base + ".head.txt")
		if err != nil {
			t.Skip("skipped: the requests recorded of real clients are not in ../shared/data/wire:", err)
		}
		body, err := os.ReadFile(base + ".body")
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(head), "\r", "")), "\n")
		method, path, _ := strings.Cut(lines[0], " ")
		path, _, _ = strings.Cut(path, " ")
		r := h.request(method, path, bytes.NewReader(body))
		for _, line := range lines[1:] {
			field, value, _ := strings.Cut(line, ": ")
			switch strings.ToLower(field) {
			case "host", "content-length", "connection":
			default:
				r.Header.Set(field, value)
			}
		}
		h.send(r).want(t, 201, accepted)
	}
	h.wantStored(`{"@t":"2026-11-20T10:23:02.725Z","@l":"Information","@mt":"Hello {name}, {n:000}","name":"Ada","n":3,"o":{"a":[1,null,"é"]}}
{"@t":"2026-11-20T10:23:02.726Z","@l":"Error","@mt":"Boom {x}","@x":"Error: boom\n    at f","x":1}
{"@t":"2026-11-20T10:23:02.768Z","@l":"Information","@mt":"Logged in","pid":22072,"hostname":"vm","name":"app","user":"ada","ms":12.5}
{"@t":"2026-11-20T10:23:02.773Z","@l":"Error","@mt":"Failed","@x":"Error: bad\n    at file:///tmp/dep/npm/send_seq.mjs:4:152\n    at T (file:///tmp/dep/npm/send_seq.mjs:2:80)\n    at file:///tmp/dep/npm/send_seq.mjs:4:7\n    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)","type":"Error","pid":22072,"hostname":"vm","name":"app"}
{"@t":"2026-11-20T10:23:02.783Z","@l":"info","@mt":"Hello {who}","who":"Ada"}
{"@t":"2026-11-20T10:23:02.785Z","@l":"warn","@mt":"w","a":{"b":1}}
`)
}

func TestBodies(t *testing.T) {
	const a, b = `{` + iso + `,"n":1}`, `{` + iso + `,"n":2}`
	deflated := func(text string) string {
		var buf bytes.Buffer
		w := zlib.NewWriter(&buf)
		_, _ = w.Write([]byte(text))
		_ = w.Close()
		return buf.String()
	}
	for _, c := range []struct {
		name, body, encoding string
		status               int
		want                 string // what is stored, or a part of the error
	}{
		{"mark, carriage returns, blank lines", "\xef\xbb\xbf" + a + "\r\n\r\n" + b, "", 201, a + "\n" + b + "\n"},
		{"gzip", packed(t, a), "gzip", 201, a + "\n"},
		{"gzip of several members", packed(t, a+"\n{"+iso[:5]) + packed(t, iso[5:]+`,"n":2}`), "GZIP", 201, a + "\n" + b + "\n"},
		{"deflate", deflated(a), "deflate", 201, a + "\n"},
		{"identity", a, "identity", 201, a + "\n"},
		{"empty gzip", "", "gzip", 201, ""},
		{"truncated gzip", packed(t, strings.Repeat(a+"\n", 100))[:60], "gzip", 400, "the gzip body ends too early"},
		{"half a gzip header", packed(t, a)[:5], "gzip", 400, "the gzip body ends too early"},
		{"no gzip", a, "gzip", 400, "the body is not sound gzip"},
		{"gzip with litter behind", packed(t, a) + "litter litter", "gzip", 400, "the body is not sound gzip"},
		{"gzip bomb", packed(t, strings.Repeat(" ", 20<<20)), "gzip", 413, "the body, decompressed, is over the limit of 100000 bytes"},
		{"gzip of nothing, for ever", strings.Repeat(packed(t, ""), 10_000), "gzip", 413, "over the limit"},
		{"unknown encoding", a, "br", 415, `the content encoding "br" is not understood; allowed: gzip, deflate, identity`},
		{"broken JSON", a + "\n{\"@t\":\n", "", 400, "line 2 is refused, and with it the whole batch"},
		{"invalid UTF-8", a + "\n{" + iso + ",\"a\":\"\xff\"}", "", 400, "line 2 is refused"},
		{"10,000 levels", `{` + iso + `,"a":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, "", 400, "64 levels"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "", 400, "UTF-16"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, Options{BatchBytes: 100_000})
			headers := []string{}
			if c.encoding != "" {
				headers = append(headers, "Content-Encoding: "+c.encoding)
			}
			for _, chunked := range []bool{false, true} {
				r := h.request("POST", "/ingest/clef", strings.NewReader(c.body), headers...)
				want := c.want
				if chunked {
					r.ContentLength = -1
					want += c.want
				}
				got := h.send(r)
				if c.status == 201 {
					got.want(t, 201, accepted)
					if n := strings.Count(h.stored(), "\n"); n != strings.Count(want, "\n") {
						t.Errorf("%d events stored", n)
					}
					continue
				}
				got.wantError(t, c.status, c.want)
				h.wantStored("")
				if got.header.Get("X-Stele-Refused") == "" {
					t.Error("not in the list of refused payloads")
				}
			}
			if used := h.s.gate.api.memory.held(); used != 0 {
				t.Errorf("%d bytes of the budget are not given back", used)
			}
		})
	}
}

// A number of 400 digits, duplicate members, lone surrogates: kept (R6).
func TestR06OverHTTP(t *testing.T) {
	h := serve(t, Options{})
	line := `{` + iso + `,"n":` + strings.Repeat("9", 400) + `,"a":1,"a":2,"s":"\ud800\u0000","f":1.50e+07}`
	h.do("POST", "/ingest/clef", line).want(t, 201, accepted)
	h.wantStored(line + "\n")
	a := h.do("GET", "/api/events", "")
	if !strings.Contains(a.body, `"Properties":[{"Name":"n","Value":`+strings.Repeat("9", 400)+`},{"Name":"a","Value":1},{"Name":"a","Value":2},{"Name":"s","Value":"\ud800\u0000"},{"Name":"f","Value":1.50e+07}]`) {
		t.Error(a.body)
	}
	var list []struct{ Id string }
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list) != 1 {
		t.Fatal(err, a.body)
	}
	h.do("GET", "/api/events/"+list[0].Id+"?clef", "").want(t, 200, line)
}

func TestSingleEventAsJSON(t *testing.T) {
	h := serve(t, Options{})
	h.do("POST", "/ingest/clef", "{\n  "+iso+",\n  \"n\": 1\n}\n", "Content-Type: application/json; charset=utf-8").want(t, 201, accepted)
	h.wantStored(`{` + iso + `,"n":1}` + "\n")
}

func TestR16IdempotencyKey(t *testing.T) {
	h := serve(t, Options{})
	for range 3 {
		h.do("POST", "/ingest/clef", `{`+iso+`,"n":1}`, "Idempotency-Key: one").want(t, 201, accepted)
	}
	h.do("POST", "/ingest/clef", `{`+iso+`,"n":2}`, "Idempotency-Key: two").want(t, 201, accepted)
	h.stop()
	h.serve(Options{})
	h.do("POST", "/ingest/clef", `{`+iso+`,"n":1}`, "Idempotency-Key: one").want(t, 201, accepted)
	h.wantStored(`{` + iso + `,"n":1}` + "\n" + `{` + iso + `,"n":2}` + "\n")
	h.do("POST", "/ingest/clef", "", "Idempotency-Key: "+strings.Repeat("x", 257)).wantError(t, 400, "at most 256")

	// To another endpoint it is another batch: exporters that number their requests have the same key for logs and for spans.
	for range 2 {
		h.do("POST", "/api/events/raw?clef", `{`+iso+`,"n":3}`, "Idempotency-Key: one").want(t, 201, accepted)
	}
	h.wantStored(`{` + iso + `,"n":1}` + "\n" + `{` + iso + `,"n":2}` + "\n" + `{` + iso + `,"n":3}` + "\n")
}

func TestR21WholeBatchOrNothing(t *testing.T) {
	h := serve(t, Options{})
	body := `{` + iso + `,"n":1}` + "\n\n{}\nx\n" + `{` + iso + `,"n":2}`
	a := h.do("POST", "/ingest/clef", body)
	a.wantError(t, 400, "line 3 is refused, and with it the whole batch")
	h.wantStored("")

	p := h.do("POST", "/ingest/clef?partial=true", body)
	got := regexp.MustCompile(`"Error":"[^"]+"`).ReplaceAllString(strings.ReplaceAll(p.body, `\"`, `'`), `"Error":"…"`)
	if want := `{"MinimumLevelAccepted":null,"Refused":[{"Line":3,"Error":"…"},{"Line":4,"Error":"…"}]}`; p.status != 201 || got != want {
		t.Errorf("got %d %s, want %s", p.status, got, want)
	}
	h.wantStored(`{` + iso + `,"n":1}` + "\n" + `{` + iso + `,"n":2}` + "\n")
	if a := h.do("GET", "/api/refused/"+p.header.Get("X-Stele-Refused"), ""); a.body != "{}\nx\n" {
		t.Errorf("refused: %q", a.body)
	}

	p = h.do("POST", "/api/events/raw?partial=true", `{"Events":[{"Timestamp":"2026-11-21T00:00:00Z"},{},7]}`)
	p.want(t, 201, `{"MinimumLevelAccepted":null,"Refused":[{"Line":2,"Error":"the event has no Timestamp"},{"Line":3,"Error":"the event is a number; it must be an object"}]}`)
	if a := h.do("GET", "/api/refused/"+p.header.Get("X-Stele-Refused"), ""); a.body != `{"Events":[{},7]}` {
		t.Errorf("refused: %q", a.body)
	}
	h.do("POST", "/ingest/clef?partial=true", `{`+iso+`}`).want(t, 201, `{"MinimumLevelAccepted":null,"Refused":[]}`)
	h.do("POST", "/ingest/clef?partial=some", "").wantError(t, 400, "parameter partial")
	if a := h.do("POST", "/ingest/clef?partial=true", strings.Repeat("x\n", 2000)); a.status != 201 || !strings.HasSuffix(a.body, `],"RefusedCount":2000}`) {
		t.Errorf("%d … %s", a.status, a.body[len(a.body)-60:])
	}
}

// A client that sends a byte now and then does not hold a place for ever, and is told to try again.
func TestSlowBodyIsGivenUp(t *testing.T) {
	h := serve(t, Options{bodyGrace: 200 * time.Millisecond})
	r, w := io.Pipe()
	stop := make(chan struct{})
	go func() {
		defer w.Close()
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				if _, err := w.Write([]byte(" ")); err != nil {
					return
				}
			}
		}
	}()
	// Given up by the server, or this call never returns.
	resp, err := h.client.Do(h.request("POST", "/ingest/clef", r))
	close(stop)
	if err == nil {
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		answer{resp.StatusCode, resp.Header, string(b)}.wantError(t, 503, "the body came too slowly")
	}
	h.do("POST", "/ingest/clef", "").want(t, 201, accepted)
}

// A client that keeps the pace may take longer than the grace.
func TestSteadyBodyIsTaken(t *testing.T) {
	h := serve(t, Options{bodyGrace: 200 * time.Millisecond})
	r, w := io.Pipe()
	go func() {
		defer w.Close()
		for range 12 {
			if _, err := w.Write([]byte(strings.Repeat(" ", 4000) + "\n")); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		_, _ = w.Write([]byte(`{` + iso + `}`))
	}()
	h.send(h.request("POST", "/ingest/clef", r)).want(t, 201, accepted)
}

func TestBodiesOverTheBudgetAre503(t *testing.T) {
	h := serve(t, Options{BodyMemory: 10})
	h.do("POST", "/ingest/clef", `{`+iso+`}`).wantError(t, 503, "too many bytes")
}

func TestConcurrentIngestion(t *testing.T) {
	h := serve(t, Options{})
	const writers, each = 8, 15
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for j := range each {
				body := fmt.Sprintf(`{%s,"w":%d,"j":%d}`+"\n"+`{%s,"w":%d,"j":%d,"second":true}`, iso, i, j, iso, i, j)
				if j%3 == 2 {
					body += "\n{}"
				}
				a := h.do("POST", "/ingest/clef", body)
				if want := map[bool]int{true: 400, false: 201}[j%3 == 2]; a.status != want {
					t.Errorf("%d %s", a.status, a.body)
				}
				if a := h.do("GET", "/api/events?count=5&render", ""); a.status != 200 {
					t.Errorf("%d %s", a.status, a.body)
				}
			}
		})
	}
	wg.Wait()
	if got, want := strings.Count(h.stored(), "\n"), writers*(each-each/3)*2; got != want {
		t.Errorf("%d events, want %d", got, want)
	}
	var list []refusal
	if err := json.Unmarshal([]byte(h.do("GET", "/api/refused", "").body), &list); err != nil || len(list) != writers*(each/3) {
		t.Errorf("%d refused, want %d; %v", len(list), writers*(each/3), err)
	}
}

func escape(text string) string {
	return strings.NewReplacer("%", "%25", " ", "%20", "'", "%27", "&", "%26", "+", "%2B", "\"", "%22", "=", "%3D", "#", "%23").Replace(text)
}

// A body that nobody reads is not waited for without end either.
func TestUnreadBodyIsGivenUp(t *testing.T) {
	h := serve(t, Options{bodyGrace: 200 * time.Millisecond})
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx")
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	all, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 404 ") {
		t.Errorf("the connection is not ended: %v, %s", err, all)
	}
}

// One connection serves many requests, whatever deadlines the earlier ones had.
func TestDeadlinesDoNotOutliveTheirRequest(t *testing.T) {
	h := serve(t, Options{bodyGrace: 100 * time.Millisecond})
	entered, release := holdSyncs(h.fs)
	answered := make(chan answer, 1)
	go func() { answered <- h.do("POST", "/ingest/clef", `{`+iso+`}`) }()
	<-entered
	time.Sleep(300 * time.Millisecond) // past the body's grace: the answer still comes
	release()
	(<-answered).want(t, 201, accepted)
	for range 3 {
		time.Sleep(150 * time.Millisecond)
		h.do("POST", "/ingest/clef", `{`+iso+`}`, "Expect: 100-continue").want(t, 201, accepted)
	}
}

// Events that together are over what a batch may have, though the body is not: nothing is stored, no single event is
// blamed, and the body is kept whole.
func TestAFullBatchIsRefusedWhole(t *testing.T) {
	h := serve(t, Options{Open: func(context.Context) (*stele.Store, error) {
		return stele.Open("/store", &stele.Options{FS: vfs.NewMem(), BatchBytes: 1000})
	}})
	long := strings.Repeat("x", 200)
	ten := func(one, between string) string { return strings.TrimSuffix(strings.Repeat(one+between, 10), between) }
	for _, c := range []struct{ path, contentType, body string }{
		{"/ingest/clef", "", ten(`{"@t":"2026-11-20T10:00:00Z","@m":"`+long+`"}`, "\n")},
		{"/ingest/clef?partial=true", "", ten(`{"@t":"2026-11-20T10:00:00Z","@m":"`+long+`"}`, "\n")},
		{"/api/events/raw", "", `{"Events":[` + ten(`{"Timestamp":"2026-11-20T10:00:00Z","RenderedMessage":"`+long+`"}`, ",") + `]}`},
		{"/v1/logs", "application/json", `{"resourceLogs":[{"resource":{"attributes":[{"key":"a","value":{"stringValue":"` + long + `"}}]},"scopeLogs":[{"logRecords":[` + ten("{}", ",") + `]}]}]}`},
		{"/v1/traces", "application/json", `{"resourceSpans":[{"scopeSpans":[{"scope":{"name":"` + long + `"},"spans":[` + ten("{}", ",") + `]}]}]}`},
		{"/_bulk", "", ten(`{"index":{"_id":"`+long+`"}}`+"\n{}\n", "")},
		{"/loki/api/v1/push", "application/json", `{"streams":[{"stream":{"a":"` + long + `"},"values":[` + ten(`["1795168800000000000","x"]`, ",") + `]}]}`},
		{"/gelf", "", ten(`{"short_message":"`+long+`"}`, "\n")},
	} {
		a := h.do("POST", c.path, c.body, "Content-Type: "+c.contentType)
		if a.status != 413 || !strings.Contains(a.body, "the events are too many for one request (send fewer at once)") {
			t.Errorf("%s: %d %s", c.path, a.status, a.body)
		}
		if kept := h.do("GET", "/api/refused/"+a.header.Get("X-Stele-Refused"), ""); kept.body != c.body {
			t.Errorf("%s: %d, kept is %q", c.path, kept.status, kept.body)
		}
	}
	h.wantStored("")
}
