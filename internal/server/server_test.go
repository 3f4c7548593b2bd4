package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

// harness is a server over a real socket with a store in memory.
type harness struct {
	t      *testing.T
	s      *Server
	fs     *vfs.Mem
	url    string
	client *http.Client
	stop   func() // ends Serve and waits
	store  *stele.Store
}

// serve starts a server that is ready.
func serve(t *testing.T, o Options) *harness {
	t.Helper()
	h := &harness{t: t, fs: vfs.NewMem()}
	return h.serve(o)
}

// serve starts a server over h's file system.
func (h *harness) serve(o Options) *harness {
	t := h.t
	t.Helper()
	if o.Open == nil {
		o.Open = func(context.Context) (*stele.Store, error) {
			return stele.Open("/store", &stele.Options{FS: h.fs, EventBytes: o.EventBytes, DocumentBytes: o.DocumentBytes})
		}
	}
	ready := make(chan *stele.Store, 1)
	o.Ready = func(s *stele.Store) { ready <- s }
	h.listen(o)
	select {
	case h.store = <-ready:
	case <-time.After(20 * time.Second):
		t.Fatal("the server is not ready")
	}
	return h
}

// listen starts a server without waiting for its store.
func (h *harness) listen(o Options) {
	t := h.t
	t.Helper()
	h.s = New(o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.url = "http://" + l.Addr().String()
	transport := &http.Transport{DisableCompression: true}
	h.client = &http.Client{Transport: transport}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.s.Serve(ctx, l) }()
	stopped := false
	h.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		transport.CloseIdleConnections()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(60 * time.Second):
			t.Error("Serve does not end")
		}
	}
	t.Cleanup(func() { h.stop() })
}

// answer is what a test looks at.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; headers are "Name: value".
func (h *harness) do(method, path, body string, headers ...string) answer {
	h.t.Helper()
	return h.send(h.request(method, path, strings.NewReader(body), headers...))
}

func (h *harness) request(method, path string, body io.Reader, headers ...string) *http.Request {
	h.t.Helper()
	r, err := http.NewRequest(method, h.url+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	setHeaders(r, headers)
	return r
}

func setHeaders(r *http.Request, headers []string) {
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
		} else {
			r.Header.Set(name, value)
		}
	}
}

func (h *harness) send(r *http.Request) answer {
	h.t.Helper()
	resp, err := h.client.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// want compares status and body.
func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	if a.status != status || a.body != body {
		t.Errorf("got %d %s\nwant %d %s", a.status, a.body, status, body)
	}
}

// wantError compares status and a part of the error.
func (a answer) wantError(t *testing.T, status int, part string) {
	t.Helper()
	var e struct{ Error string }
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.status != status || !strings.Contains(e.Error, part) {
		t.Errorf("got %d %s\nwant %d with an Error about %q", a.status, a.body, status, part)
	}
	if a.status == 503 && a.header.Get("Retry-After") == "" {
		t.Errorf("a 503 without Retry-After: %s", a.body)
	}
}

// httpRequest is a request that no client sent.
func httpRequest(method, path string) *http.Request { return httptest.NewRequest(method, path, nil) }

// direct asks a server that has no store, without a socket.
func direct(s *Server, method, path string, headers ...string) answer {
	r := httptest.NewRequest(method, path, nil)
	setHeaders(r, headers)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func TestStartingAnswers503(t *testing.T) {
	s := New(Options{Page: fstest.MapFS{"index.html": {Data: []byte("page")}}})
	for _, path := range []string{"/", "/api", "/api/events", "/ingest/clef", "/metrics", "/health/cluster"} {
		method := "GET"
		if path == "/ingest/clef" {
			method = "POST"
		}
		direct(s, method, path).wantError(t, 503, "starting")
	}
	a := direct(s, "GET", "/health")
	a.want(t, 503, `{"status":"The Stele node is starting."}`)
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	// A browser's logger must be able to read the 503.
	a = direct(s, "OPTIONS", "/api/events/raw", "Origin: https://shop.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type,x-seq-apikey")
	if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("preflight: %d %v", a.status, a.header)
	}
	if a := direct(s, "POST", "/api/events/raw", "Origin: https://shop.example"); a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("no CORS header on the 503: %v", a.header)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	s := New(Options{})
	direct(s, "GET", "/api/nothing").wantError(t, 404, "/api/nothing")
	direct(s, "POST", "/ingest/otlp/v1/profiles").wantError(t, 404, "/ingest/otlp")
	a := direct(s, "DELETE", "/api/events/histogram")
	a.wantError(t, 405, "DELETE is not allowed here; allowed: GET, HEAD, OPTIONS")
	if got := a.header.Get("Allow"); got != "GET, HEAD, OPTIONS" {
		t.Errorf("Allow: %q", got)
	}
	direct(s, "PUT", "/").wantError(t, 405, "GET, HEAD")
	direct(s, "POST", "/health").wantError(t, 405, "GET, HEAD")
	a = direct(s, "OPTIONS", "/api/documents/x", "Origin: https://evil.example", "Access-Control-Request-Method: PUT")
	if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "" || a.header.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("CORS outside ingestion: %d %v", a.status, a.header)
	}
}

// Every kind of R20 has its status and a body, and only 503 asks to try again.
func TestR20EveryKindIsAnswered(t *testing.T) {
	for _, kind := range fault.Kinds() {
		w := httptest.NewRecorder()
		writeError(w, fault.New(kind, "do", "it \"failed\"\xff"))
		a := answer{w.Code, w.Header(), w.Body.String()}
		a.want(t, kind.HTTPStatus(), `{"Error":"do: it \"failed\"�"}`)
		if (a.status == 503) != (a.header.Get("Retry-After") != "") {
			t.Errorf("%v: Retry-After %q with %d", kind, a.header.Get("Retry-After"), a.status)
		}
		if a.status == 429 {
			t.Errorf("%v is 429, which Seq's clients take for a refusal", kind)
		}
	}
	if got := statusOf(whileWriting(fault.New(fault.IO, "", ""))); got != 503 {
		t.Errorf("IO while writing is %d", got)
	}
}

func TestR23HostOnLoopback(t *testing.T) {
	s := New(Options{URLs: []string{"http://stele.internal:5341"}, AllowedHosts: []string{"Alias"}})
	local := func(addr net.Addr, host string) int {
		r := httptest.NewRequest("GET", "/health", nil)
		r.Host = host
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, addr))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5341}
	loopback6 := &net.TCPAddr{IP: net.IPv6loopback, Port: 5341}
	outside := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 5341}
	for _, c := range []struct {
		addr net.Addr
		host string
		want int
	}{
		{loopback, "localhost:5341", 503}, {loopback, "LocalHost.", 503}, {loopback, "127.0.0.1:5341", 503}, {loopback, "127.9.9.9", 503},
		{loopback6, "[::1]:5341", 503}, {loopback6, "[::ffff:127.0.0.1]", 503}, {loopback, "app.localhost", 503},
		{loopback, "stele.internal:5341", 503}, {loopback, "alias:99", 503}, {loopback, "", 503},
		{loopback, "evil.example", 403}, {loopback, "evil.example:5341", 403}, {loopback6, "localhost.evil.example", 403}, {loopback, "10.0.0.1", 403},
		{outside, "anything.example", 503},
	} {
		if got := local(c.addr, c.host); got != c.want {
			t.Errorf("Host %q on %v: %d, want %d", c.host, c.addr, got, c.want)
		}
	}
}

func TestR23ForeignOriginMayNotWrite(t *testing.T) {
	s := New(Options{AllowedOrigins: []string{"http://localhost:4200"}})
	for _, c := range []struct {
		method, path, origin string
		want                 int // 503: let through to the store, which is not open
	}{
		{"PUT", "/api/documents/x", "https://evil.example", 403},
		{"POST", "/api/data/x", "https://evil.example", 403},
		{"DELETE", "/api/documents/x", "null", 403},
		{"POST", "/api/refused/x/retry", "http://localhost:5342", 403},
		{"DELETE", "/api/refused/x", "http://stele.example.evil.example", 403},
		{"PUT", "/api/documents/x", "", 403},
		{"PUT", "/api/documents/x", "http://stele.example:5341", 503},
		{"PUT", "/api/documents/x", "https://Stele.example:5341", 503}, // a proxy ended TLS
		{"PUT", "/api/documents/x", "http://localhost:4200", 503},
		{"GET", "/api/documents/x", "https://evil.example", 503},
		{"POST", "/ingest/clef", "https://evil.example", 503},
		{"POST", "/api/events/raw", "null", 503},
	} {
		if got := direct(s, c.method, c.path, "Host: stele.example:5341", "Origin: "+c.origin).status; got != c.want {
			t.Errorf("%s %s from %q: %d, want %d", c.method, c.path, c.origin, got, c.want)
		}
	}
	if got := direct(s, "PUT", "/api/documents/x").status; got != 503 { // curl
		t.Errorf("without Origin: %d", got)
	}
	// Every route that changes something is one that asks.
	for _, r := range routes {
		if r.method != "GET" && r.access == reads && r.pattern != "/api/data" {
			t.Errorf("%s %s changes state and is not guarded", r.method, r.pattern)
		}
	}
}

func TestR23IngestionOrigins(t *testing.T) {
	s := New(Options{IngestOrigins: []string{"https://shop.example"}})
	if a := direct(s, "POST", "/ingest/clef", "Origin: https://shop.example"); a.header.Get("Access-Control-Allow-Origin") != "https://shop.example" {
		t.Error(a.header)
	}
	if a := direct(s, "OPTIONS", "/ingest/clef", "Origin: https://evil.example", "Access-Control-Request-Method: POST"); a.header.Get("Access-Control-Allow-Origin") != "" || a.header.Get("Access-Control-Allow-Headers") != "" {
		t.Error(a.header)
	}
	a := direct(New(Options{}), "OPTIONS", "/ingest/clef", "Origin: https://any.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type,x-seq-apikey,traceparent")
	if a.status != 204 || a.header.Get("Access-Control-Allow-Methods") != "OPTIONS, POST" || a.header.Get("Access-Control-Allow-Headers") != "content-type,x-seq-apikey,traceparent" {
		t.Error(a.status, a.header)
	}
}

func TestPanicIsInternalAndTheServerLives(t *testing.T) {
	s := New(Options{})
	s.mux.HandleFunc("/boom", func(http.ResponseWriter, *http.Request) { panic("boom") })
	direct(s, "GET", "/boom").wantError(t, 500, "a defect in Stele")
	if got := direct(s, "GET", "/health").status; got != 503 {
		t.Error(got)
	}
}

func TestListen(t *testing.T) {
	ls, err := Listen([]string{"http://localhost:0", "http://127.0.0.1:0/"})
	if err != nil || len(ls) < 2 {
		t.Fatal(ls, err)
	}
	busy := "http://" + ls[0].Addr().String()
	if _, err := Listen([]string{busy}); !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "another program listens there") {
		t.Error(err)
	}
	for _, l := range ls {
		l.Close()
	}
	for text, kind := range map[string]fault.Kind{"https://x": fault.Unsupported, "localhost:5341": fault.Invalid, "http://": fault.Invalid, "http://h/p": fault.Invalid, "http://h:1?x": fault.Invalid, "": fault.Invalid} {
		if _, _, err := listenAddresses(text, map[string]string{"http": "80"}); fault.KindOf(err) != kind {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, want := range map[string]string{"http://*:80": ":80", "http://0.0.0.0": ":80", "http://[::1]:7": "::1:7", "http://h:1/": "h:1"} {
		hosts, port, err := listenAddresses(text, map[string]string{"http": "80"})
		if got := strings.Join(hosts, ",") + ":" + port; err != nil || got != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	ls, err = ListenOTLP([]string{"grpc://127.0.0.1:0", "http://127.0.0.1:0"})
	if err != nil || len(ls) != 2 {
		t.Fatal(ls, err)
	}
	for _, l := range ls {
		l.Close()
	}
	if _, err := ListenOTLP([]string{"tcp://127.0.0.1:0"}); err == nil || !strings.Contains(err.Error(), "is not of the form grpc:// or http://HOST:PORT") {
		t.Error(err)
	}
	if _, err := ListenOTLP([]string{"grpcs://127.0.0.1:0"}); !errors.Is(err, fault.Unsupported) {
		t.Error(err)
	}
}

func TestBudgetOfBodies(t *testing.T) {
	b := &budget{most: 100}
	one, two := b.hold(), b.hold()
	if one.take(60) != nil || two.take(40) != nil {
		t.Fatal("refused within the budget")
	}
	if err := two.take(1); !errors.Is(err, fault.Exhausted) {
		t.Error(err)
	}
	one.release()
	if two.take(60) != nil || b.held() != 100 {
		t.Error("not given back")
	}
	two.release()
	if b.held() != 0 {
		t.Error(b.held())
	}
}

func TestABodyTakesExactlyTheLimit(t *testing.T) {
	for _, limit := range []int{1, 100, 4 << 10, 10_000, 3 << 20} {
		for _, expect := range []int{0, limit} {
			for _, size := range []int{0, limit - 1, limit, limit + 1, 3 * limit} {
				h := (&budget{most: 1 << 30}).hold()
				b := &body{raw: new(pacedReader), decoded: bytes.NewReader(make([]byte, size)), limit: limit, expect: expect, hold: h}
				text, err := b.rest(nil)
				over := errors.Is(err, errOver)
				if err != nil && !over || over != (size > limit) || !over && len(text) != size || cap(text) > limit+1 || h.bytes < int64(len(text)) {
					t.Errorf("limit %d, size %d: %d bytes, over %v, held %d, %v", limit, size, len(text), over, h.bytes, err)
				}
			}
		}
	}
}
