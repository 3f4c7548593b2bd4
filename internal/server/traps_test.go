package server

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// What existing clients of Seq and of OpenTelemetry stumble over, one test for each; the
// numbers are those of wire.md 1.11.

const clefLine = `{` + iso + `,"n":1}`

// seqPaths are the ways by which Seq's clients send events, with a body of one event.
var seqPaths = []struct{ path, contentType, body string }{
	{"/ingest/clef", "", clefLine},
	{"/api/events/raw?clef", "application/x-ndjson", clefLine},
	{"/api/events/raw", "application/vnd.serilog.clef; charset=utf-8", clefLine},
	{"/api/events/raw", "application/json", `{"Events":[{"Timestamp":"2026-11-20T10:00:00.0000000Z","Properties":{"n":1}}]}`},
}

func (h *harness) count() int { return strings.Count(h.stored(), "\n") }

// Loggers without a key send the text null. It is no key, and nothing to warn of.
func TestTrap01NullApiKey(t *testing.T) {
	var log bytes.Buffer
	h := serve(t, Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))})
	for _, p := range seqPaths {
		for _, headers := range [][]string{{"X-Seq-ApiKey: null"}, {"X-Seq-ApiKey: "}, {"X-Seq-ApiKey:   "}, {"x-seq-apikey: undefined"}} {
			h.do("POST", p.path, p.body, append(headers, "Content-Type: "+p.contentType)...).want(t, 201, accepted)
		}
	}
	several := h.request("POST", "/ingest/clef?apiKey=null", strings.NewReader(clefLine))
	several.Header["X-Seq-Apikey"] = []string{"null", "one", "two"}
	h.send(several).want(t, 201, accepted)
	h.stop()
	for _, line := range strings.Split(strings.TrimSpace(log.String()), "\n") {
		if !strings.Contains(line, "msg=serving") {
			t.Errorf("the log speaks of it: %s", line)
		}
	}
}

// Serilog's sink posts nothing every two minutes to learn the level.
func TestTrap02EmptyCLEFBody(t *testing.T) {
	h := serve(t, Options{})
	for _, p := range seqPaths[:3] {
		for _, body := range []string{"", "\n", "\r\n\r\n", "\xef\xbb\xbf"} {
			h.do("POST", p.path, body, "Content-Type: "+p.contentType).want(t, 201, accepted)
		}
		chunked := h.request("POST", p.path, struct{ io.Reader }{strings.NewReader("")}, "Content-Type: "+p.contentType)
		chunked.ContentLength = -1
		h.send(chunked).want(t, 201, accepted)
		h.do("POST", p.path, packed(t, ""), "Content-Type: "+p.contentType, "Content-Encoding: gzip").want(t, 201, accepted)
	}
	h.wantStored("")
}

// Serilog's sink does not read JSON: it searches for the text below, and what follows, up to
// the next quote, is the level. No blank may stand in it.
func TestTrap03ExactTextOfTheLevel(t *testing.T) {
	h := serve(t, Options{})
	level := func(body string) (string, bool) {
		_, value, found := strings.Cut(body, `"MinimumLevelAccepted":"`)
		value, _, _ = strings.Cut(value, `"`)
		return value, found
	}
	for _, p := range seqPaths {
		for _, query := range []string{"", "partial=true"} {
			path := p.path
			if query != "" {
				path += map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + query
			}
			a := h.do("POST", path, p.body, "Content-Type: "+p.contentType)
			if got, found := level(a.body); found {
				t.Errorf("%s: the sink reads the level %q from %s", path, got, a.body)
			}
			// Null, and in the place where the sink would find a level.
			if !strings.HasPrefix(a.body, `{"MinimumLevelAccepted":null`) || !json.Valid([]byte(a.body)) {
				t.Errorf("%s: %s", path, a.body)
			}
			if got := a.header.Get("Content-Type"); got != "application/json" {
				t.Errorf("%s: the answer calls itself %q", path, got)
			}
		}
	}
	// A refused line cannot forge a level: quotes in its text are escaped.
	a := h.do("POST", "/ingest/clef?partial=true", `{"@t":"\"MinimumLevelAccepted\":\"Fatal\""}`)
	if got, found := level(a.body); found {
		t.Errorf("the sink reads the level %q from %s", got, a.body)
	}
}

// seq-logging takes 200 and 201 alone for success, and OpenTelemetry's SDK for C++ 200 alone: the
// addresses that Seq's clients use answer 201, those of OTLP 200.
func TestTrap04SeqIsAnswered201AndOTLP200(t *testing.T) {
	h := serve(t, Options{})
	for _, p := range seqPaths {
		h.do("POST", p.path, p.body, "Content-Type: "+p.contentType).want(t, 201, accepted)
	}
	h.wantStored(strings.Repeat(clefLine+"\n", len(seqPaths)))
	for _, p := range otlpPaths {
		for body, want := range map[string]string{p.body: "{}", `{}`: "{}"} {
			a := h.do("POST", p.path, body, "Content-Type: application/json")
			a.want(t, 200, want)
			if got := a.header.Get("Content-Type"); got != "application/json" {
				t.Errorf("%s: the answer calls itself %q", p.path, got)
			}
		}
		// An answer of no bytes has its content type as well.
		a := h.do("POST", p.path, "", "Content-Type: application/x-protobuf")
		a.want(t, 200, "")
		if got := a.header.Get("Content-Type"); got != "application/x-protobuf" {
			t.Errorf("%s: the answer calls itself %q", p.path, got)
		}
	}
}

// otlpPaths are the ways by which OpenTelemetry's clients send logs and traces, with a body of one event in JSON.
var otlpPaths = []struct{ path, body string }{
	{"/ingest/otlp/v1/logs", otlpRecord},
	{"/v1/logs", otlpRecord},
	{"/ingest/otlp/v1/traces", otlpSpan},
	{"/v1/traces", otlpSpan},
}

const (
	otlpRecord = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795170186745000000","body":{"stringValue":"a record"}}]}]}]}`
	otlpSpan   = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0123456789abcdef0123456789abcdef","spanId":"0123456789abcdef","name":"a span",` +
		`"startTimeUnixNano":"1795170186745000000","endTimeUnixNano":"1795170186746000000"}]}]}]}`
)

// trouble is what keeps a server from taking events in that are nobody's fault.
var trouble = []struct {
	name string
	meet func(t *testing.T) answer
}{
	{"starting", func(t *testing.T) answer { return direct(New(Options{}), "POST", "/ingest/clef") }},
	{"shutting down", func(t *testing.T) answer {
		s := New(Options{})
		s.gate.drain()
		return direct(s, "POST", "/api/events/raw")
	}},
	{"the disk is full", func(t *testing.T) answer { return onDisk(t, vfs.ENOSPC) }},
	{"the disk fails", func(t *testing.T) answer { return onDisk(t, vfs.EIO) }},
	{"too many bodies at once", func(t *testing.T) answer {
		return serve(t, Options{BodyMemory: 10}).do("POST", "/ingest/clef", clefLine)
	}},
	{"the store is closed", func(t *testing.T) answer {
		h := serve(t, Options{})
		if err := h.store.Close(); err != nil {
			t.Fatal(err)
		}
		return h.do("POST", "/ingest/clef", clefLine)
	}},
	{"a body that comes too slowly", func(t *testing.T) answer {
		h := serve(t, Options{bodyGrace: 100 * time.Millisecond})
		conn := dial(t, h)
		fmt.Fprintf(conn, "POST /ingest/clef HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
		return readAnswer(t, conn)
	}},
	{"the cause is not known", func(t *testing.T) answer {
		w := httptest.NewRecorder()
		writeError(w, whileWriting(errors.New("something")))
		return answer{w.Code, w.Header(), w.Body.String()}
	}},
}

func onDisk(t *testing.T, err error) answer {
	h := &harness{t: t, fs: vfs.NewMem()}
	faulty := vfs.NewFaulty(h.fs)
	h.serve(Options{Open: func(context.Context) (*stele.Store, error) { return stele.Open("/store", &stele.Options{FS: faulty}) }})
	faulty.Add(&vfs.Rule{Kind: vfs.OpWrite, Forever: true, Err: err}, &vfs.Rule{Kind: vfs.OpSync, Forever: true, Err: err}, &vfs.Rule{Kind: vfs.OpCreate, Forever: true, Err: err})
	defer faulty.Clear()
	return h.do("POST", "/ingest/clef", clefLine)
}

func dial(t *testing.T, h *harness) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	return conn
}

// readAnswer reads what a connection holds until it ends.
func readAnswer(t *testing.T, conn net.Conn) answer {
	t.Helper()
	all, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("%v after %q", err, all)
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(all)), nil)
	if err != nil {
		t.Fatalf("%v in %q", err, all)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// Seq's clients drop their events on 429 and keep them on 503.
func TestTrap05BusyIs503Never429(t *testing.T) {
	for _, c := range trouble {
		a := c.meet(t)
		if want := 503; a.status != want && c.name != "the cause is not known" {
			t.Errorf("%s: %d %s", c.name, a.status, a.body)
		}
		// What exporters of OpenTelemetry would have to wait longer for they drop.
		if after := a.header.Get("Retry-After"); a.status == 503 && after != "1" && after != "2" {
			t.Errorf("%s: Retry-After %q", c.name, after)
		}
	}
	for _, kind := range fault.Kinds() {
		if kind.HTTPStatus() == 429 {
			t.Errorf("%v is 429", kind)
		}
	}
}

// A client deletes its events when it is told 400 or 413 (all of them), or any other 4xx (most).
// Such an answer is given only when the payload can never be taken, and what was refused is kept.
func TestTrap06RefusalsAreCertain(t *testing.T) {
	for _, c := range trouble {
		if a := c.meet(t); a.status < 500 {
			t.Errorf("%s: %d %s", c.name, a.status, a.body)
		}
	}
	h := serve(t, Options{EventBytes: 1000, BatchBytes: 10_000})
	long := strings.Repeat("a", 2000)
	for _, c := range []struct {
		path, body, encoding string
		status               int
	}{
		{"/ingest/clef", "{}", "", 400},
		{"/ingest/clef", clefLine + "\n{\"@t\":\"" + long + "\"}", "", 400},
		{"/ingest/clef", long, "gzip", 400},
		{"/api/events/raw", `{"Events":[{"Timestamp":"never"}]}`, "", 400},
		{"/api/events/raw", `{"Events":`, "", 400},
		{"/api/events/raw?clef", strings.Repeat(clefLine+"\n", 1000), "", 413},
		{"/ingest/clef", packed(t, strings.Repeat(clefLine+"\n", 1000)), "gzip", 413},
		{"/ingest/clef", clefLine, "br", 415},
	} {
		a := h.do("POST", c.path, c.body, "Content-Encoding: "+c.encoding)
		a.wantError(t, c.status, "")
		id := a.header.Get("X-Stele-Refused")
		if id == "" {
			t.Errorf("%s: %d %s: the payload is lost", c.path, a.status, a.body)
			continue
		}
		if kept := h.do("GET", "/api/refused/"+id, ""); kept.status != 200 || kept.body == "" {
			t.Errorf("%s: kept as %d %q", c.path, kept.status, kept.body)
		}
	}
	h.wantStored("")
}

// ?clef, ?clef=true and ?clef=clef say CLEF; ?clef= does not.
func TestTrap07BareClef(t *testing.T) {
	h := serve(t, Options{})
	n := 0
	for _, query := range []string{"?clef", "?clef=true", "?clef=clef", "?apiKey=x&clef", "?clef&apiKey=x", "?CLEF", "?partial=false&clef=True"} {
		for _, contentType := range []string{"", "application/x-ndjson", "application/json", "text/plain"} {
			h.do("POST", "/api/events/raw"+query, clefLine, "Content-Type: "+contentType).want(t, 201, accepted)
			n++
		}
	}
	for _, query := range []string{"", "?clef=", "?clef=false", "?apiKey=clef"} {
		h.do("POST", "/api/events/raw"+query, clefLine, "Content-Type: application/x-ndjson").wantError(t, 400, "body must contain an 'Events' array")
	}
	if got := h.count(); got != n {
		t.Errorf("%d events, want %d", got, n)
	}
}

// @t is all that is asked for; a property's name may be empty; numbers are exact.
func TestTrap08OnlyTimestampAndExactNumbers(t *testing.T) {
	h := serve(t, Options{})
	lines := []string{
		`{"@t":"2026-11-20T10:00:00.0000001Z"}`,
		`{"@t":"2026-11-20T10:00:00.0000002Z","":42}`,
		`{"@t":"2026-11-20T10:00:00.0000003Z","N":635476923356034756}`,
		`{"@t":"2026-11-20T10:00:00.0000004Z","D":0.1,"E":0.2,"F":0.30}`,
		`{"@t":"2026-11-20T10:00:00.0000005Z","X":null,"@mt":null}`,
	}
	h.ingest(lines...)
	h.do("POST", "/api/events/raw", `{"Events":[{"Timestamp":"2026-11-20T10:00:00.0000006Z"},{"Timestamp":"2026-11-20T10:00:00.0000007Z","Properties":{"":1,"N":635476923356034756}}]}`).want(t, 201, accepted)
	h.wantStored(strings.Join(lines, "\n") + "\n" + `{"@t":"2026-11-20T10:00:00.0000006Z"}
{"@t":"2026-11-20T10:00:00.0000007Z","":1,"N":635476923356034756}
`)
	for filter, want := range map[string]int{
		"N = 635476923356034756": 2, "N = 635476923356034757": 0, "N > 635476923356034755": 2, "N = 635476923356034800": 0,
		"D + E = 0.3": 1, "D + E = F": 1, "F = 0.3": 1, "D = 0.1000000000000000055511151231257827": 0,
		"@Properties[''] = 42": 1, "X is null and Has(X)": 1,
	} {
		var found []map[string]any
		a := h.do("GET", "/api/events?filter="+url.QueryEscape(filter), "")
		if err := json.Unmarshal([]byte(a.body), &found); err != nil || len(found) != want || a.header.Get("X-Stele-Matched-As-Text") != "" {
			t.Errorf("%s finds %d events, want %d (%v %s)", filter, len(found), want, err, a.header.Get("X-Stele-Matched-As-Text"))
		}
	}
	if a := h.do("GET", "/api/events?filter="+url.QueryEscape("N > 0"), ""); strings.Count(a.body, `{"Name":"N","Value":635476923356034756}`) != 2 {
		t.Error(a.body)
	}
}

// A key that nobody knows is no key, unless keys are asked for.
func TestTrap09UnknownKeyIsAccepted(t *testing.T) {
	h := serve(t, Options{})
	for _, p := range seqPaths {
		h.do("POST", p.path, p.body, "Content-Type: "+p.contentType, "X-Seq-ApiKey: nobody").want(t, 201, accepted)
		separator := map[bool]string{true: "&", false: "?"}[strings.Contains(p.path, "?")]
		h.do("POST", p.path+separator+"apiKey=nobody;%zz", p.body, "Content-Type: "+p.contentType).want(t, 201, accepted)
	}
}

// Levels are free text and come back as they were written; without one it is Information.
func TestTrap10LevelsAreFreeText(t *testing.T) {
	h := serve(t, Options{})
	levels := []string{"WARN", "Trace", "info", "WaRn!", "überwichtig", "5", "Information"}
	for _, l := range levels {
		text, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		h.ingest(`{` + iso + `,"@l":` + string(text) + `}`)
		h.do("POST", "/api/events/raw", `{"Events":[{"Timestamp":"2026-11-20T10:00:01Z","Level":`+string(text)+`}]}`).want(t, 201, accepted)
	}
	h.ingest(`{` + iso + `}`)
	h.do("POST", "/api/events/raw", `{"Events":[{"Timestamp":"2026-11-20T10:00:01Z","Level":null}]}`).want(t, 201, accepted)
	var list []struct{ Level string }
	if err := json.Unmarshal([]byte(h.do("GET", "/api/events?count=100", "").body), &list); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, e := range list {
		got[e.Level]++
	}
	for _, l := range levels {
		want := 2
		if l == "Information" {
			want = 4
		}
		if got[l] != want {
			t.Errorf("%d events of level %q, want %d", got[l], l, want)
		}
	}
	if a := h.do("GET", "/api/events?filter="+url.QueryEscape(`@Level = 'WaRn!'`), ""); strings.Count(a.body, `"Level":"WaRn!"`) != 2 {
		t.Error(a.body)
	}
}

// Clients resolve relative links against a base address that may have a path, and throw if a
// parameter that they give is not in the template.
func TestTrap11LinksAreRelativeAndNameTheirParameters(t *testing.T) {
	h := serve(t, Options{Version: "2026.1.3-dev"})
	h.ingest(clefLine)
	var root struct {
		Product, Version string
		Links            map[string]string
	}
	if err := json.Unmarshal([]byte(h.do("GET", "/api", "", "Accept: application/vnd.datalust.seq.v14+json").body), &root); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^\d+\.\d+\.\d+(-.+)?$`).MatchString(root.Version) {
		t.Errorf("clients cannot read the version %q", root.Version)
	}
	// What the newest client of Seq may give, as far as these links are there.
	asked := map[string][]string{
		"Events.Item":             {"id", "render", "permalinkId"},
		"Events.Items":            {"count", "filter", "signal", "startAtId", "afterId", "render", "fromDateUtc", "toDateUtc", "shortCircuitAfter", "permalinkId", "background", "trace"},
		"Events.ServerSentEvents": {"filter", "signal", "clef", "render", "lastEventId"},
		"Events.Raw":              {"clef"},
		"Expressions.ToStrict":    {"fuzzy"},
		"Signals.Item":            {"id", "partial"},
		"Signals.Items":           {"ownerId", "shared", "partial"},
		"Signals.Template":        {},
	}
	values := map[string]string{
		"count": "1", "filter": "n = 1", "fromDateUtc": "2026-11-20T00:00:00Z", "toDateUtc": "2026-11-21T00:00:00Z", "render": "true", "fuzzy": "n", "buckets": "3",
		"background": "true", "trace": "false", "shortCircuitAfter": "1000", "prefix": "x", "lastEventId": "0", "clef": "false", "partial": "false",
	}
	var list []struct {
		ID    string `json:"Id"`
		Links map[string]string
	}
	if err := json.Unmarshal([]byte(h.do("GET", "/api/events", "").body), &list); err != nil || len(list) != 1 {
		t.Fatal(err)
	}
	values["id"] = list[0].ID
	groups := map[string]map[string]string{"Event": list[0].Links}
	for name, link := range root.Links {
		group, isGroup := strings.CutSuffix(name, "Resources")
		checkLink(t, "root."+name, link)
		a := h.do("GET", "/"+link, "")
		if a.status != 200 {
			t.Errorf("%s: %d %s", link, a.status, a.body)
		}
		if isGroup {
			var resources struct{ Links map[string]string }
			if err := json.Unmarshal([]byte(a.body), &resources); err != nil || len(resources.Links) == 0 {
				t.Errorf("%s: %v in %s", link, err, a.body)
			}
			groups[group] = resources.Links
		}
	}
	for group, links := range groups {
		for name, template := range links {
			full := group + "." + name
			parameters := checkLink(t, full, template)
			for _, p := range asked[full] {
				if !slices.Contains(parameters, p) {
					t.Errorf("%s: a client that gives %s throws: %s", full, p, template)
				}
			}
			delete(asked, full)
			if template == "api/documents/{key}" || template == "api/data/{key}" || strings.HasPrefix(template, "api/refused/{id}") || strings.HasPrefix(template, "api/retention/") || strings.HasPrefix(template, "api/signals/{id}") ||
				strings.HasPrefix(template, "api/events/stream") || strings.HasPrefix(template, "api/events/raw") {
				continue // these have tests of their own, and need more than an address
			}
			if a := h.do("GET", "/"+expand(template, values), ""); a.status != 200 {
				t.Errorf("%s: GET %s: %d %s", full, expand(template, values), a.status, a.body)
			}
		}
	}
	for name := range asked {
		t.Errorf("there is no link %s", name)
	}
}

var expression = regexp.MustCompile(`\{([?&/]?)([A-Za-z0-9_,]+)\}`)

// checkLink checks a link's form and returns the parameters that its template names.
func checkLink(t *testing.T, name, link string) (parameters []string) {
	t.Helper()
	if u, err := url.Parse(expression.ReplaceAllString(link, "x")); err != nil || u.IsAbs() || u.Host != "" || strings.HasPrefix(link, "/") {
		t.Errorf("%s: %q is not relative: a base path would be lost", name, link)
	}
	if strings.ContainsAny(expression.ReplaceAllString(link, ""), "{}") {
		t.Errorf("%s: %q is no template", name, link)
	}
	for _, m := range expression.FindAllStringSubmatch(link, -1) {
		parameters = append(parameters, strings.Split(m[2], ",")...)
	}
	return parameters
}

// expand fills a template in: {name} and {?name,name}.
func expand(template string, values map[string]string) string {
	return expression.ReplaceAllStringFunc(template, func(e string) string {
		m := expression.FindStringSubmatch(e)
		if m[1] == "" {
			return url.PathEscape(values[m[2]])
		}
		var pairs []string
		for _, name := range strings.Split(m[2], ",") {
			if v := values[name]; v != "" {
				pairs = append(pairs, name+"="+url.QueryEscape(v))
			}
		}
		if len(pairs) == 0 {
			return ""
		}
		return m[1] + strings.Join(pairs, "&")
	})
}

// @@x is the user's @x; a name with one @ that CLEF does not know is the user's too.
func TestTrap12DoubledAndUnknownAts(t *testing.T) {
	h := serve(t, Options{})
	h.ingest(`{` + iso + `,"@@m":1,"@foo":2,"@@@x":3,"@":4}`)
	h.do("POST", "/api/events/raw", `{"Events":[{"Timestamp":"2026-11-20T10:00:01Z","Properties":{"@m":1,"@foo":2}}]}`).want(t, 201, accepted)
	h.wantStored(`{` + iso + `,"@@m":1,"@foo":2,"@@@x":3,"@":4}` + "\n" + `{"@t":"2026-11-20T10:00:01Z","@@m":1,"@@foo":2}` + "\n")
	a := h.do("GET", "/api/events?render", "")
	for _, want := range []string{
		`"Properties":[{"Name":"@m","Value":1},{"Name":"@foo","Value":2},{"Name":"@@x","Value":3},{"Name":"@","Value":4}]`,
		`"Properties":[{"Name":"@m","Value":1},{"Name":"@foo","Value":2}]`,
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("no %s in %s", want, a.body)
		}
	}
	if a := h.do("GET", "/api/events?filter="+url.QueryEscape("@Properties['@m'] = 1 and @Properties['@foo'] = 2"), ""); strings.Count(a.body, `"Id"`) != 2 {
		t.Error(a.body)
	}
}

// The raw form's array may be called Events or events.
func TestTrap13EventsInLowerCase(t *testing.T) {
	h := serve(t, Options{})
	h.do("POST", "/api/events/raw", `{"events":[]}`).want(t, 201, accepted)
	h.do("POST", "/api/events/raw", `{"Events":[]}`).want(t, 201, accepted)
	h.do("POST", "/api/events/raw", `{"events":[{"Timestamp":"2026-11-20T10:00:00.0000000Z","Properties":{"n":1}}]}`, "Content-Type: application/json").want(t, 201, accepted)
	h.do("POST", "/api/events/raw", `{"EVENTS":[]}`).wantError(t, 400, "'Events' array")
	h.do("POST", "/api/events/raw", `{"events":{}}`).wantError(t, 400, "must be an array")
	h.wantStored(clefLine + "\n")
}

// Seq's clients tail by WebSocket and ask for a close with 1000. There are no WebSockets here: no
// link speaks of one, who tries one all the same is told so, and a stream of server-sent events ends
// as a whole answer does.
func TestTrap14NoWebSocketsAndStreamsEndCleanly(t *testing.T) {
	h := serve(t, Options{})
	var resources struct{ Links map[string]string }
	if err := json.Unmarshal([]byte(h.do("GET", "/api/events/resources", "").body), &resources); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Stream", "Scan"} {
		if link, there := resources.Links[name]; there {
			t.Errorf("the link %s leads clients to open a WebSocket on %s", name, link)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // a stream would have no end
	defer cancel()
	for _, path := range []string{"/api/events/stream", "/api/events/stream?filter=n%20%3D%201&clef"} {
		r := h.request("GET", path, nil, "Connection: keep-alive, Upgrade", "Upgrade: WebSocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
		h.send(r.WithContext(ctx)).wantError(t, 501, "WebSockets are not served")
	}
	// Another upgrade, such as that to h2c, may be ignored (RFC 9110, 7.8).
	h.stream("/api/events/stream", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__").close()

	for _, version := range []string{"HTTP/1.1", "HTTP/1.0"} {
		h := serve(t, Options{})
		conn := dial(t, h)
		fmt.Fprintf(conn, "GET /api/events/stream?clef&lastEventId=0 %s\r\nHost: localhost\r\n\r\n", version)
		h.ingest(clefLine)
		var head [1]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			t.Fatal(err)
		}
		h.stop()
		rest, err := io.ReadAll(conn)
		if err != nil {
			t.Fatalf("%s: the stream breaks off: %v", version, err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(append(head[:], rest...))), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || !strings.HasSuffix(string(body), "\n\n") {
			t.Errorf("%s: the stream ends with %v after %q", version, err, body)
		}
	}
}

// A browser asks first, on every path that takes events in.
func TestTrap15PreflightOnIngestionPaths(t *testing.T) {
	s := New(Options{})
	seen := 0
	for _, rt := range routes {
		ingestion := rt.access.ingests != nil
		for _, prefix := range []string{"/ingest/", "/v1/", "/loki/api/v1/push", "/api/events/raw", "/elasticsearch", "/gelf"} {
			if strings.HasPrefix(rt.pattern, prefix) && !ingestion {
				t.Errorf("%s %s takes events in and is not open to pages", rt.method, rt.pattern)
			}
		}
		if !ingestion {
			continue
		}
		seen++
		path := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(rt.pattern, "x")
		const names = "content-type,x-seq-apikey,content-encoding,traceparent"
		a := direct(s, "OPTIONS", path, "Origin: https://shop.example", "Access-Control-Request-Method: "+rt.method, "Access-Control-Request-Headers: "+names)
		if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Headers") != names ||
			!slices.Contains(strings.Split(a.header.Get("Access-Control-Allow-Methods"), ", "), rt.method) || a.header.Get("Access-Control-Max-Age") == "" {
			t.Errorf("OPTIONS %s: %d %v", path, a.status, a.header)
		}
		// And it reads the answer, also while the server starts.
		if a := direct(s, rt.method, path, "Origin: https://shop.example"); a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s %s: %d %v", rt.method, path, a.status, a.header)
		}
	}
	if seen < 3 {
		t.Errorf("%d ingestion paths", seen)
	}
	// Paths that are served under another name.
	for _, path := range []string{"/_bulk", "/logs/_bulk", "/logs/_doc"} {
		a := direct(s, "OPTIONS", path, "Origin: https://shop.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type")
		if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Headers") != "content-type" {
			t.Errorf("OPTIONS %s: %d %v", path, a.status, a.header)
		}
	}
}

// Compressed bodies: OpenTelemetry's Collector compresses by default, Vector and Fluent Bit when told to.
func TestTrap16CompressedBodies(t *testing.T) {
	h := serve(t, Options{})
	n := 0
	for _, p := range seqPaths {
		for encoding, body := range map[string]string{"gzip": packed(t, p.body), "deflate": deflated(t, p.body), "identity": p.body, "x-gzip": packed(t, p.body), "GZIP": packed(t, p.body)} {
			for _, chunked := range []bool{false, true} {
				r := h.request("POST", p.path, strings.NewReader(body), "Content-Type: "+p.contentType, "Content-Encoding: "+encoding)
				if chunked {
					r.ContentLength = -1
				}
				h.send(r).want(t, 201, accepted)
				n++
			}
		}
	}
	h.wantStored(strings.Repeat(clefLine+"\n", n))
	for _, p := range otlpPaths {
		for encoding, body := range map[string]string{"gzip": packed(t, p.body), "deflate": deflated(t, p.body), "identity": p.body} {
			r := h.request("POST", p.path, strings.NewReader(body), "Content-Type: application/json", "Content-Encoding: "+encoding)
			r.ContentLength = -1 // as the Collector and the SDKs send it
			h.send(r).want(t, 200, "{}")
			n++
		}
	}
	if got := h.count(); got != n {
		t.Errorf("%d events, want %d", got, n)
	}
}

func deflated(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// /ingest/clef asks for no content type, and believes none.
func TestTrap17NoContentType(t *testing.T) {
	h := serve(t, Options{})
	types := []string{"", "text/plain", "application/octet-stream", "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "no such/type;;", "application/vnd.serilog.clef"}
	for _, contentType := range types {
		r := h.request("POST", "/ingest/clef", strings.NewReader(clefLine))
		r.Header["Content-Type"] = nil // the client must not choose one
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		h.send(r).want(t, 201, accepted)
	}
	h.wantStored(strings.Repeat(clefLine+"\n", len(types)))
}
