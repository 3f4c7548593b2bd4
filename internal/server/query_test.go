package server

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stelehq/stele"
)

const askedEvents = `{"@t":"2026-11-20T10:00:00Z","@mt":"a","N":0,"Who":"ada"}
{"@t":"2026-11-20T10:00:30Z","@mt":"b","@l":"Error","N":1.50,"Who":"bob, the \"second\""}
{"@t":"2026-11-20T10:01:00Z","@mt":"a","@l":"Error","N":2,"Who":null}
{"@t":"2026-11-20T10:03:00Z","@mt":"a","N":3}
`

var statistics = regexp.MustCompile(`"Statistics":\{"ElapsedMilliseconds":[0-9.]+,"ScannedEventCount":\d+,"MatchingEventCount":\d+,"LimitReached":(true|false)\}`)

// settled leaves out of an answer what differs from run to run.
func (a answer) settled() answer {
	a.body = statistics.ReplaceAllString(a.body, `"Limited":$1`)
	return a
}

func ask(q string, more ...string) string {
	return "/api/data?q=" + url.QueryEscape(q) + strings.Join(append([]string{""}, more...), "&")
}

func TestQueries(t *testing.T) {
	h := serve(t, Options{})
	h.do("POST", "/ingest/clef", askedEvents).want(t, 201, accepted)
	h.do("POST", "/api/signals", `{"Title":"Errors","Filters":[{"Filter":"@Level = 'Error'"}]}`)
	const from = "where @Timestamp >= DateTime('2026-11-20T10:00:00Z') and @Timestamp < DateTime('2026-11-20T10:04:00Z')"
	for _, c := range []struct {
		path, want string
	}{
		{ask("select count(*) from stream"), `{"Columns":["count(*)"],"Rows":[[4]],"Limited":false}`},
		{ask("1 + 1 / 4"), `{"Columns":["1 + 1 / 4"],"Rows":[[1.25]],"Limited":false}`},
		{ask("select N, Who from stream limit 3"), `{"Columns":["N","Who"],"Rows":[[0,"ada"],[1.50,"bob, the \"second\""],[2,null]],"Limited":true}`},
		{ask("select N, Who from stream limit 3", "format=application%2Fjson"), `{"Columns":["N","Who"],"Rows":[[0,"ada"],[1.50,"bob, the \"second\""],[2,null]],"Limited":true}`},
		{ask("select sum(N) as total from stream group by @Level"), `{"Columns":["@Level","total"],"Rows":[["Error",3.5],["Information",3]],"Limited":false}`},
		{ask("select count(*) from stream " + from + " group by time(1m)"), `{"Columns":["count(*)"],"Slices":[{"Time":"2026-11-20T10:00:00.0000000Z","Rows":[[2]]},` +
			`{"Time":"2026-11-20T10:01:00.0000000Z","Rows":[[1]]},{"Time":"2026-11-20T10:02:00.0000000Z","Rows":[[0]]},{"Time":"2026-11-20T10:03:00.0000000Z","Rows":[[1]]}],"Limited":false}`},
		{ask("select distinct(N) from stream "+from+" group by time(2m)", "signal=signal-1~signal-1"), `{"Columns":["distinct(N)"],"Slices":[{"Time":"2026-11-20T10:00:00.0000000Z","Rows":[[1.5],[2]]}],"Limited":false}`},
		{ask("select count(*) from stream " + from + " group by time(1m), @Level, Has(Who)"), `{"Columns":["@Level","Has(Who)","count(*)"],"Series":[` +
			`{"Key":["Error",true],"Slices":[{"Time":"2026-11-20T10:00:00.0000000Z","Rows":[[1]]},{"Time":"2026-11-20T10:01:00.0000000Z","Rows":[[1]]}]},` +
			`{"Key":["Information",true],"Slices":[{"Time":"2026-11-20T10:00:00.0000000Z","Rows":[[1]]}]},` +
			`{"Key":["Information",false],"Slices":[{"Time":"2026-11-20T10:03:00.0000000Z","Rows":[[1]]}]}],"Limited":false}`},
		{ask("select count(*) from stream", "rangeStartUtc=2026-11-20T10:00:30Z", "rangeEndUtc=2026-11-20T10:01:00Z"), `{"Columns":["count(*)"],"Rows":[[1]],"Limited":false}`},
		{ask("select count(*) from stream group by time(1m)", "rangeStartUtc=2026-11-20T10:02:00Z", "rangeEndUtc=2026-11-20T10:02:30Z", "trace=true"),
			`{"Columns":["count(*)"],"Slices":[{"Time":"2026-11-20T10:02:00.0000000Z","Rows":[[0]]}],"Limited":false}`},
		{ask("select count(*) from stream", "signal=signal-1"), `{"Columns":["count(*)"],"Rows":[[2]],"Limited":false}`},
		{ask("select N from stream where N > 5"), `{"Columns":["N"],"Rows":[],"Limited":false}`},
		{ask("select count(*) from stream where N > 5 group by time(1m), @Level", "rangeStartUtc=2026-11-20T10:02:00Z"), `{"Columns":["@Level","count(*)"],"Series":[],"Limited":false}`},
		{ask("select N, Who, Missing from stream", "format=text/csv"), "N,Who,Missing\r\n0,ada,\r\n1.50,\"bob, the \"\"second\"\"\",\r\n2,,\r\n3,,\r\n"},
		{ask("select count(*) as n from stream "+from+" group by time(2m), @Level", "format=text/csv%3B+charset%3Dutf-8"), "time,@Level,n\r\n2026-11-20T10:00:00.0000000Z,Error,2\r\n2026-11-20T10:00:00.0000000Z,Information,1\r\n2026-11-20T10:02:00.0000000Z,Information,1\r\n"},
		{ask("select count(*) as n from stream "+from+" group by time(2m), @Level", "format=application/x-ndjson"), `{"Columns":["time","@Level","n"],"Time":true,"Keys":1}` + "\n" +
			`["2026-11-20T10:00:00.0000000Z","Error",2]` + "\n" + `["2026-11-20T10:00:00.0000000Z","Information",1]` + "\n" + `["2026-11-20T10:02:00.0000000Z","Information",1]` + "\n" + `{"Limited":false}` + "\n"},
	} {
		h.do("GET", c.path, "").settled().want(t, 200, c.want)
		h.do("POST", c.path, `{"Signal":null,"Variables":null}`).settled().want(t, 200, c.want)
		h.do("POST", c.path, ``).settled().want(t, 200, c.want)
	}
	if a := h.do("GET", ask("1", "format=text/csv"), ""); a.header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Error(a.header)
	}
	// A signal that is not stored, as the page has while it is edited.
	h.do("POST", ask("select count(*) from stream", "signal=signal-1"), `{"Signal":{"Title":"x","Filters":[{"Filter":"N = 2"}],"Links":{}}}`).settled().want(t, 200,
		`{"Columns":["count(*)"],"Rows":[[1]],"Limited":false}`)
	h.do("POST", ask("select N + $add from stream where Who = $who"), `{"Variables":{"add":-0.5,"$who":"ada","unused":[null,{"a":true}]}}`).settled().want(t, 200,
		`{"Columns":["N + $add"],"Rows":[[-0.5]],"Limited":false}`)
	// Without q it is the form of documents (R22).
	h.do("PUT", "/api/data/x", "1")
	h.do("GET", "/api/data", "").want(t, 200, `{"x":1}`)
	h.do("GET", "/api/data/resources", "").want(t, 200, `{"Links":{"Item":"api/data/{key}","Items":"api/data{?prefix}","Query":"api/data{?q,rangeStartUtc,rangeEndUtc,signal,timeoutMS,trace,format}"}}`)
	metrics := h.do("GET", "/metrics", "").body
	for _, line := range []string{`stele_queries_total{outcome="answered"} `, "stele_queries_running 0\n", "stele_queries_waiting 0\n", "stele_query_duration_seconds_count ", "stele_query_scanned_events_total "} {
		if !strings.Contains(metrics, line) {
			t.Errorf("no %s in the metrics", line)
		}
	}
}

// Who finds nothing is told what no event has: in the header, and where a query is answered in JSON beside the rows.
func TestHintsAreTold(t *testing.T) {
	h := serve(t, Options{})
	h.do("POST", "/ingest/clef", askedEvents).want(t, 201, accepted)
	const hint, member = "no event has a property Woh; did you mean Who?", `"Hints":[{"Text":"no event has a property Woh; did you mean Who?","Property":"Woh","Suggestion":"Who"}],`
	of := func(filter string) string { return "/api/events?filter=" + url.QueryEscape(filter) }
	for _, c := range []struct{ path, body, header string }{
		{ask("select N from stream where Woh = 'x'"), `{"Columns":["N"],"Rows":[],` + member + `"Limited":false}`, ""},
		{ask("select count(*) from stream where Woh = 'x'"), `{"Columns":["count(*)"],"Rows":[[0]],` + member + `"Limited":false}`, ""},
		{ask("select count(*) from stream where Zebra = 'x'"), `{"Columns":["count(*)"],"Rows":[[0]],"Hints":[{"Text":"no event has a property Zebra","Property":"Zebra","Suggestion":null}],"Limited":false}`, ""},
		{ask("select Woh from stream limit 1", "format=application/x-ndjson"), `{"Columns":["Woh"],"Time":false,"Keys":0}` + "\n[null]\n{" + member + `"Limited":true}` + "\n", ""},
		{ask("select Woh from stream limit 1", "format=text/csv"), "Woh\r\n\r\n", hint},
		{of("Woh = 'x'"), "[]", hint},
		{of("Woh = 'x'") + "&clef=true", "", hint},
		{of("Woh = 'x' or N = 1.5 and Who = 'y'") + "&ascending=true", "[]", hint},
		{of("Who = 'x'"), "[]", ""},
	} {
		a := h.do("GET", c.path, "").settled()
		a.want(t, 200, c.body)
		if got := a.header.Get("X-Stele-Hint"); got != c.header {
			t.Errorf("%s: the hint %q, not %q", c.path, got, c.header)
		}
	}
	a := h.do("GET", of("Woh = 'x' and Níl = 1"), "")
	if got := a.header.Values("X-Stele-Hint"); len(got) != 2 || got[0] != hint || got[1] != "no event has a property N?l" {
		t.Errorf("two hints: %q", got)
	}
}

// What is wrong with a query is told in the form that Seq's clients read of a 400, with its place and the query that was probably meant.
func TestWrongQueries(t *testing.T) {
	h := serve(t, Options{})
	h.ingest(clefLine)
	for _, c := range []struct {
		path, body, want string
	}{
		{ask("select count(*) from stream where N == 1 && M = 2"), "", `{"Error":"the query cannot be run: line 1, column 37: unexpected ` + "`==`: equality is written `=` (did you mean `=`?)" + `",` +
			`"Reasons":["unexpected ` + "`==`: equality is written `=`" + `"],"Suggestion":"select count(*) from stream where N = 1 and M = 2","Position":{"Offset":36,"Line":1,"Column":37}}`},
		{ask("select\n  count(*)\nfrom stream\nwhere ("), "", `{"Error":"the query cannot be run: line 4, column 8: `},
		{ask("select count(*) from stream group by time(1m)"), "", `group by time(…) needs to know where to begin`},
		{ask(""), "", `{"Error":"parameter q: it is missing; it is a query such as select count(*) from stream","Reasons":[],"Suggestion":null}`},
		{ask("1", "format=xml"), "", `{"Error":"parameter format: \"xml\" is unknown; it is application/json, text/csv or application/x-ndjson","Reasons":[],"Suggestion":null}`},
		{ask("1", "rangeStartUtc=yesterday"), "", `{"Error":"parameter rangeStartUtc: `},
		{ask("1", "rangeStartUtc=2026-01-02", "rangeEndUtc=2026-01-01"), "", `2026-01-01 is before rangeStartUtc, 2026-01-02`},
		{ask("1", "timeoutMS=soon"), "", `{"Error":"parameter timeoutMS: `},
		{ask("1", "signal=signal-1+x"), "", `{"Error":"parameter signal: it cannot be used: line 1, column 10: expected`},
		{ask("select $x"), `{"Variables":{"y":1}}`, `the variable $x is not defined`},
		{ask("select $x"), `{"Variables":{"x":1e99}}`, `the variable $x: 1e99 is beyond the numbers`},
		{ask("1"), "{", `{"Error":"the body is not of the form`},
		{ask("1"), `{"Signal":{"Filters":[{"Filter":"N == 1"}]}}`, `unexpected ` + "`==`"},
	} {
		method := "GET"
		if c.body != "" {
			method = "POST"
		}
		a := h.do(method, c.path, c.body)
		if a.status != 400 || !strings.Contains(a.body, c.want) || !strings.Contains(a.body, `"Reasons":[`) {
			t.Errorf("%s: %d %s\nexpected %s", c.path, a.status, a.body, c.want)
		}
	}
	h.do("GET", ask("1", "signal=signal-1"), "").wantError(t, 404, `there is no signal "signal-1"`)
	h.do("POST", ask("1"), strings.Repeat(" ", maxSignal+1)).wantError(t, 413, "")
	if m := h.do("GET", "/metrics", "").body; !strings.Contains(m, `stele_queries_total{outcome="invalid"} 15`+"\n") {
		t.Error(regexp.MustCompile(`stele_queries.*`).FindAllString(m, -1))
	}
}

// manyRows ingests so many events that a query of them takes a while.
func (h *harness) manyRows(n int) {
	h.t.Helper()
	for from := 0; from < n; from += 10_000 {
		var b strings.Builder
		for i := from; i < min(n, from+10_000); i++ {
			fmt.Fprintf(&b, `{"@t":"2026-11-20T10:%02d:%02d.%07dZ","N":%d}`+"\n", i/60%60, i%60, i, i)
		}
		h.do("POST", "/ingest/clef", b.String()).want(h.t, 201, accepted)
	}
}

func TestQueriesHaveLimits(t *testing.T) {
	h := serve(t, Options{Queries: 1, QueryMemory: 4 << 10, QueryTime: time.Minute, queryWait: 50 * time.Millisecond})
	h.manyRows(20_000)
	h.do("GET", ask("select count(*) from stream group by N"), "").wantError(t, 503, "memory")
	const long = "select count(*) from stream where Length(ToJson(@Properties)) + Length(Replace(@Message, /x|y/, 'z')) > 0"
	late := h.do("GET", ask(long, "timeoutMS=1"), "")
	if late.wantError(t, 503, "the query was ended after the 1ms that it may take"); late.header.Get("X-Stele-Error") != "Exhausted" {
		t.Error(late.header)
	}

	// The one place is taken: who comes waits, for a while.
	leave, err := h.s.gate.api.queries.enter(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	h.do("GET", ask("1"), "").wantError(t, 503, "1 queries are being run, and others wait")
	h.do("GET", ask("1", "timeoutMS=5"), "").wantError(t, 503, "the query was ended after the 5ms that it may take")
	waited := make(chan answer)
	go func() { waited <- h.do("GET", ask("1", "format=text/csv"), "") }()
	for _, waiting := h.s.gate.api.queries.state(); waiting == 0; _, waiting = h.s.gate.api.queries.state() {
		time.Sleep(time.Millisecond)
	}
	leave()
	if a := <-waited; a.status != 503 { // it may have been late
		a.want(t, 200, "1\r\n1\r\n")
	}
	h.ingest(clefLine) // ingestion does not wait for queries
	m := h.do("GET", "/metrics", "").body
	if !strings.Contains(m, `stele_queries_total{outcome="exhausted"} `) || strings.Contains(m, `stele_queries_total{outcome="exhausted"} 0`) {
		t.Error(regexp.MustCompile(`stele_queries.*`).FindAllString(m, -1))
	}
}

// The server's limit holds for who gives none, or more.
func TestQueriesHaveTheServersLimit(t *testing.T) {
	h := serve(t, Options{QueryTime: time.Millisecond})
	h.manyRows(20_000)
	for _, more := range []string{"", "timeoutMS=60000"} {
		h.do("GET", ask("select count(*) from stream where Length(ToJson(@Properties)) + Length(Replace(@Message, /x|y/, 'z')) > 0", more), "").wantError(t, 503, "after the 1ms that it may take")
	}
}

// The gate serves in order, refuses when too many wait, and forgets who gives up.
func TestQueryGate(t *testing.T) {
	g := newQueryGate(1, time.Minute)
	leave, err := g.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const n = mostWaiting
	order := make(chan int, n)
	for i := range n {
		go func() {
			leave, err := g.enter(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			order <- i
			leave()
		}()
		for _, waiting := g.state(); waiting <= i; _, waiting = g.state() {
			time.Sleep(100 * time.Microsecond)
		}
		if i < 3 { // they are in the queue of the channel a moment after they were counted
			time.Sleep(20 * time.Millisecond)
		}
	}
	if _, err := g.enter(t.Context()); stele.KindOf(err) != stele.Exhausted {
		t.Errorf("one too many: %v", err)
	}
	leave()
	for i := range n {
		if got := <-order; i < 3 && got != i {
			t.Errorf("number %d was let in as number %d", got, i)
		}
	}
	leave, err = g.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.enter(ctx); stele.KindOf(err) != stele.Canceled {
		t.Errorf("given up: %v", err)
	}
	leave()
	if running, waiting := g.state(); running != 0 || waiting != 0 {
		t.Errorf("%d run and %d wait", running, waiting)
	}
}

// A client that leaves ends its query.
func TestQueryEndsWhenTheClientLeaves(t *testing.T) {
	h := serve(t, Options{Queries: 1})
	h.manyRows(50_000)
	ctx, cancel := context.WithCancel(t.Context())
	r := h.request("GET", ask("select count(*) from stream where Length(Replace(ToJson(@Document), /[0-9]+[a-z]*x|y/, 'z')) > 0 or Length(ToJson(@Properties)) > 0 group by N limit 100000"), nil).WithContext(ctx)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if resp, err := h.client.Do(r); err == nil {
			resp.Body.Close()
		}
	}()
	deadline := time.Now().Add(20 * time.Second)
	for running := 0; running == 0 && time.Now().Before(deadline); running, _ = h.s.gate.api.queries.state() {
	}
	cancel()
	<-gone
	for running, _ := h.s.gate.api.queries.state(); running > 0; running, _ = h.s.gate.api.queries.state() {
		if time.Now().After(deadline) {
			t.Fatal("the query goes on")
		}
		time.Sleep(time.Millisecond)
	}
}

// A long answer is sent while it is made: what the server holds of it does not grow with it.
func TestLongAnswersAreStreamed(t *testing.T) {
	h := serve(t, Options{})
	h.manyRows(30_000)
	for format, end := range map[string]string{"application/json": "}", "text/csv": "\n", "application/x-ndjson": "}\n"} {
		a := h.do("GET", ask("select N, @Timestamp, ToJson(@Document) from stream limit 100000", "format="+format), "")
		if a.status != 200 || a.header.Get("Content-Length") != "" || !strings.HasSuffix(a.body, end) || strings.Count(a.body, "2026-11-20T10:") != 30_000 {
			t.Errorf("%s: %d, length %q, %d bytes", format, a.status, a.header.Get("Content-Length"), len(a.body))
		}
	}
}
