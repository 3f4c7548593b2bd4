package server

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// masked hides what differs from run to run: arrival numbers in ids.
func masked(text string) string {
	return regexp.MustCompile(`event-([0-9a-f]{16})[0-9a-f]{16}`).ReplaceAllString(text, "event-$1…")
}

// Every member of the entity, whole.
func TestEventEntity(t *testing.T) {
	h := serve(t, Options{})
	h.ingest(
		`{"@t":"2026-11-20T10:00:00.1234567Z","@mt":"Hi {Name}, {n:000} {w,5} {gone}","@r":["007"],"@l":"warn","@x":"boom\n at f","@i":"c0ffee00","@tr":"0af7","@sp":"b7ad","@ps":"00f0","@sk":"Server","@st":"2026-11-19T09:59:58Z",`+
			`"@ra":{"service":{"name":"x"}},"@sa":{"name":"s","v":1.0},"@d":{"m":1},"Name":"Ada","n":7,"w":"a","@@m":"user's","@odd":null,"":{"b":[1,"é"]}}`,
		`{"@t":"2026-11-20T12:00:00+02:00","@m":"plain {not a hole}"}`,
		`{"@t":"2026-11-20T09:00:00Z"}`,
	)
	a := h.do("GET", "/api/events?render=true", "")
	a.body = masked(a.body)
	a.want(t, 200, `[`+
		`{"Id":"event-98e9b88333390cbc…","Timestamp":"2026-11-20T10:00:00.1234567Z","Start":"2026-11-19T09:59:58.0000000Z",`+
		`"Properties":[{"Name":"Name","Value":"Ada"},{"Name":"n","Value":7},{"Name":"w","Value":"a"},{"Name":"@m","Value":"user's"},{"Name":"@odd","Value":null},{"Name":"","Value":{"b":[1,"é"]}}],`+
		`"MessageTemplateTokens":[{"Text":"Hi "},{"PropertyName":"Name","RawText":"{Name}"},{"Text":", "},{"PropertyName":"n","RawText":"{n:000}","FormattedValue":"007"},{"Text":" "},`+
		`{"PropertyName":"w","RawText":"{w,5}","FormattedValue":"    a"},{"Text":" "},{"PropertyName":"gone","RawText":"{gone}"}],`+
		`"EventType":"$C0FFEE00","Level":"warn","Exception":"boom\n at f","TraceId":"0af7","SpanId":"b7ad","ParentId":"00f0","SpanKind":"Server",`+
		`"RenderedMessage":"Hi Ada, 007     a {gone}","Resource":[{"Name":"service","Value":{"name":"x"}}],"Scope":[{"Name":"name","Value":"s"},{"Name":"v","Value":1.0}],`+
		`"Elapsed":"1.00:00:02.1234567","Definitions":{"m":1},"Links":{"Self":"api/events/event-98e9b88333390cbc…{?render,permalinkId}","Group":"api/events/resources"}},`+
		`{"Id":"event-98e9b8832bdd4000…","Timestamp":"2026-11-20T10:00:00.0000000Z","Properties":[],"MessageTemplateTokens":[{"Text":"plain {not a hole}"}],`+
		`"EventType":"$22C02F6A","Level":"Information","RenderedMessage":"plain {not a hole}","Links":{"Self":"api/events/event-98e9b8832bdd4000…{?render,permalinkId}","Group":"api/events/resources"}},`+
		`{"Id":"event-98e9b53cfb24a000…","Timestamp":"2026-11-20T09:00:00.0000000Z","Properties":[],"MessageTemplateTokens":[],`+
		`"EventType":"$00000000","Level":"Information","RenderedMessage":"","Links":{"Self":"api/events/event-98e9b53cfb24a000…{?render,permalinkId}","Group":"api/events/resources"}}]`)
}

func TestTimeSpan(t *testing.T) {
	const second = int64(1e9)
	for want, d := range map[string]int64{"00:00:00": 0, "00:00:01": second, "00:00:00.0000001": 100, "1.02:03:04.5000000": (86400+2*3600+3*60+4)*second + 5e8, "-00:01:00": -60 * second, "-00:00:00.5000000": -5e8} {
		if got := string(appendTimeSpan(nil, d, 0)); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
	if got := string(appendTimeSpan(nil, 1<<63-1, -1<<63)); got != "213503.23:34:33.7095516" {
		t.Error(got)
	}
}

// pageOf returns the values of n in a list of events.
func pageOf(t *testing.T, a answer) (ids []string, numbers string) {
	t.Helper()
	var list []struct {
		Id         string
		Properties []struct{ Value json.Number }
	}
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var n []string
	for _, e := range list {
		ids = append(ids, e.Id)
		n = append(n, string(e.Properties[0].Value))
	}
	return ids, strings.Join(n, " ")
}

func TestListEvents(t *testing.T) {
	h := serve(t, Options{})
	var lines []string
	for i := range 40 { // two events at each second
		lines = append(lines, fmt.Sprintf(`{"@t":"2026-11-20T10:00:%02dZ","n":%d}`, i/2, i))
	}
	h.ingest(lines...)
	list := func(query string) ([]string, string) {
		t.Helper()
		return pageOf(t, h.do("GET", "/api/events?"+query, ""))
	}
	ids, got := list("count=5")
	if got != "39 38 37 36 35" {
		t.Error(got)
	}
	for query, want := range map[string]string{
		"count=3&afterId=" + ids[1]:                                                            "37 36 35",
		"count=3&startAtId=" + ids[1]:                                                          "38 37 36",
		"fromDateUtc=2026-11-20T10:00:18Z":                                                     "39 38 37 36", // inclusive
		"fromDateUtc=2026-11-20T10:00:17Z&toDateUtc=2026-11-20T10:00:18Z":                      "35 34",       // exclusive
		"fromDateUtc=2026-11-20T10:00:18Z&afterId=" + ids[1]:                                   "37 36",
		"fromDateUtc=2026-11-20T10:00:17Z&toDateUtc=2026-11-20T10:00:18Z&afterId=" + ids[0]:    "35 34", // toDateUtc ends earlier
		"count=2&toDateUtc=2026-11-20T10:00:19Z&startAtId=" + ids[1]:                           "37 36",
		"count=2&toDateUtc=2030-01-01&afterId=" + ids[0]:                                       "38 37",
		"filter=" + escape("n >= 3 and n < 6"):                                                 "5 4 3",
		"filter=" + escape("n = 1 or n = 2") + "&count=1":                                      "2",
		"count=4&ascending=true":                                                               "0 1 2 3",
		"count=3&ascending&afterId=" + ids[4]:                                                  "36 37 38",
		"count=3&ascending&startAtId=" + ids[4]:                                                "35 36 37",
		"ascending=1&fromDateUtc=2026-11-20T10:00:19Z&afterId=" + ids[4]:                       "38 39", // fromDateUtc begins later
		"ascending=1&fromDateUtc=2026-11-20T10:00:01Z&count=1&afterId=" + ids[4]:               "36",
		"count=2&apiKey=x&permalinkId=unknown&shortCircuitAfter=10&background=true&trace=true": "39 38",
	} {
		if _, got := list(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if ids, _ := list(""); len(ids) != 30 {
		t.Errorf("%d events by default", len(ids))
	}
	// Pages put together are everything, once.
	var all []string
	for after := ""; ; {
		ids, n := list("count=7&afterId=" + after)
		if len(ids) == 0 {
			break
		}
		all = append(all, strings.Fields(n)...)
		after = ids[len(ids)-1]
	}
	if len(all) != 40 || all[0] != "39" || all[39] != "0" {
		t.Errorf("pages give %v", all)
	}
	for query, want := range map[string]string{
		"count=0": "parameter count", "count=10001": "from 1 to 10000", "afterId=x": "parameter afterId", "render=2": "parameter render", "ascending=no": "parameter ascending",
		"fromDateUtc=x": "parameter fromDateUtc", "filter=%FF": "parameter filter",
	} {
		h.do("GET", "/api/events?"+query, "").wantError(t, 400, want)
	}
	h.do("GET", "/api/events?signal=signal-1", "").wantError(t, 404, "parameter signal: it cannot be used: there is no signal \"signal-1\"")
	a := h.do("GET", "/api/events?count=2&clef=true", "")
	a.want(t, 200, `{"@t":"2026-11-20T10:00:19Z","n":39}`+"\n"+`{"@t":"2026-11-20T10:00:19Z","n":38}`+"\n")
	h.do("GET", "/api/events?count=2&clef=true&ascending=true", "").want(t, 200, `{"@t":"2026-11-20T10:00:00Z","n":0}`+"\n"+`{"@t":"2026-11-20T10:00:00Z","n":1}`+"\n")
	if n := strings.Count(h.do("GET", "/api/events?count=0&clef=true&ascending=true", "").body, "\n"); n != 40 {
		t.Errorf("%d lines of everything", n)
	}
	if got := a.header.Get("Content-Type"); got != "application/vnd.serilog.clef" {
		t.Error(got)
	}
	h.do("GET", "/api/events?clef&filter="+escape("n < 0"), "").want(t, 200, "")
	h.do("HEAD", "/api/events", "").want(t, 200, "")
}

// At least a thousand events a page, and a list larger than is held back.
func TestLargePages(t *testing.T) {
	h := serve(t, Options{})
	pad := strings.Repeat("x", 1000)
	for i := range 5 {
		lines := make([]string, 1000)
		for j := range lines {
			lines[j] = fmt.Sprintf(`{"@t":"2026-11-20T10:00:00Z","n":%d,"pad":"%s"}`, i*1000+j, pad)
		}
		h.ingest(lines...)
	}
	a := h.do("GET", "/api/events?count=5000", "")
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list) != 5000 {
		t.Fatalf("%d events, %v", len(list), err)
	}
	if a.header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Error(a.header)
	}
}

func TestGetEvent(t *testing.T) {
	h := serve(t, Options{})
	line := `{` + iso + `,"@mt":"n is {n}","n":1}`
	h.ingest(line)
	ids, _ := pageOf(t, h.do("GET", "/api/events", ""))
	path := "/api/events/" + ids[0]
	if a := h.do("GET", path, ""); !strings.HasPrefix(a.body, `{"Id":"`+ids[0]+`","Timestamp":"2026-11-20T10:00:00.0000000Z","Properties":[{"Name":"n","Value":1}]`) || strings.Contains(a.body, "Rendered") {
		t.Error(a.body)
	}
	if a := h.do("GET", path+"?render", ""); !strings.Contains(a.body, `"RenderedMessage":"n is 1"`) {
		t.Error(a.body)
	}
	h.do("GET", path+"?clef=true", "").want(t, 200, line)
	h.do("GET", "/api/events/event-00000000000000000000000000000000", "").wantError(t, 404, "there is no event event-0000")
	h.do("GET", "/api/events/7", "").wantError(t, 400, `"7" is no event id`)
	h.do("GET", "/api/events/resources", "").want(t, 200, `{"Links":{"Item":"api/events/{id}{?render,clef,permalinkId}",`+
		`"Items":"api/events{?filter,count,afterId,startAtId,fromDateUtc,toDateUtc,render,clef,signal,shortCircuitAfter,permalinkId,background,trace}",`+
		`"Histogram":"api/events/histogram{?filter,fromDateUtc,toDateUtc,buckets,signal}",`+
		`"ServerSentEvents":"api/events/stream{?filter,clef,render,lastEventId,signal}","Raw":"api/events/raw{?clef,partial}","DeleteInSignal":"api/events{?filter,signal,fromDateUtc,toDateUtc}"}}`)
	h.do("GET", "/api/events/describe", "").want(t, 200, `{"Links":{"Raw":"/api/events/raw{?clef}"}}`)
}

func TestHistogram(t *testing.T) {
	h := serve(t, Options{})
	h.do("GET", "/api/events/histogram", "").want(t, 200, `[]`)
	h.ingest(`{"@t":"2026-11-20T10:00:00Z"}`, `{"@t":"2026-11-20T10:00:05Z","@l":"warn \"x\""}`, `{"@t":"2026-11-20T10:00:05Z","@l":"Error"}`, `{"@t":"2026-11-20T10:00:19Z"}`)
	h.do("GET", "/api/events/histogram?buckets=2&fromDateUtc=2026-11-20T10:00:00Z&toDateUtc=2026-11-20T10:00:20Z", "").want(t, 200,
		`[{"start":"2026-11-20T10:00:00.0000000Z","end":"2026-11-20T10:00:10.0000000Z","counts":{"Error":1,"Information":1,"warn \"x\"":1}},`+
			`{"start":"2026-11-20T10:00:10.0000000Z","end":"2026-11-20T10:00:20.0000000Z","counts":{"Information":1}}]`)
	h.do("GET", "/api/events/histogram?buckets=1&fromDateUtc=2026-11-20T10:00:00Z&toDateUtc=2026-11-20T10:00:20Z&filter="+escape("@Level = 'Error'"), "").want(t, 200,
		`[{"start":"2026-11-20T10:00:00.0000000Z","end":"2026-11-20T10:00:20.0000000Z","counts":{"Error":1}}]`)
	h.do("GET", "/api/events/histogram?buckets=0", "").wantError(t, 400, "parameter buckets")
	h.do("GET", "/api/events/histogram?buckets=10001", "").wantError(t, 400, "from 1 to 10000")
	if a := h.do("GET", "/api/events/histogram?filter="+escape("what is (this"), ""); a.status != 200 || a.header.Get("X-Stele-Matched-As-Text") == "" {
		t.Error(a.status, a.header)
	}
}

func TestSearchedAsText(t *testing.T) {
	h := serve(t, Options{})
	h.ingest(`{`+iso+`,"@m":"cannot open (file","n":1}`, `{`+iso+`,"@m":"opened","n":2}`)
	a := h.do("GET", "/api/events?filter="+escape("open (file"), "")
	if _, n := pageOf(t, a); n != "1" {
		t.Error(n)
	}
	why := a.header.Get("X-Stele-Matched-As-Text")
	if why == "" {
		t.Error("the answer does not say that it searched text")
	}
	a = h.do("GET", "/api/events?filter="+escape("naïve → é"), "")
	for _, c := range a.header.Get("X-Stele-Matched-As-Text") {
		if c < ' ' || c > '~' {
			t.Errorf("the header holds %q", c)
		}
	}
	a = h.do("GET", "/api/events?filter="+escape("n = 2"), "")
	if a.header.Get("X-Stele-Matched-As-Text") != "" {
		t.Error("an expression is said to be text")
	}

	var strict struct {
		StrictExpression      string
		MatchedAsText         bool
		ReasonIfMatchedAsText *string
		Position              *struct{ Offset, Line, Column int }
	}
	a = h.do("GET", "/api/expressions/to-strict?fuzzy="+escape("open (file"), "")
	if err := json.Unmarshal([]byte(a.body), &strict); err != nil || !strict.MatchedAsText || strict.ReasonIfMatchedAsText == nil || strict.Position == nil || strict.Position.Line != 1 {
		t.Error(a.body, err)
	}
	again := h.do("GET", "/api/events?filter="+escape(strict.StrictExpression), "")
	if _, n := pageOf(t, again); n != "1" || again.header.Get("X-Stele-Matched-As-Text") != "" {
		t.Errorf("the strict expression %s finds %s", strict.StrictExpression, n)
	}
	h.do("GET", "/api/expressions/to-strict?fuzzy=", "").want(t, 200, `{"StrictExpression":"","MatchedAsText":false,"ReasonIfMatchedAsText":null}`)
	a = h.do("GET", "/api/expressions/to-strict?fuzzy="+escape("n = 2"), "")
	if !strings.HasSuffix(a.body, `,"MatchedAsText":false,"ReasonIfMatchedAsText":null}`) {
		t.Error(a.body)
	}
	h.do("GET", "/api/expressions/to-strict?fuzzy="+strings.Repeat("x", maxFilter+1), "").wantError(t, 400, "parameter fuzzy")
}

func TestRoot(t *testing.T) {
	h := serve(t, Options{Version: "1.2.3-dev", Instance: `A "name"`})
	links := `"Links":{"EventsResources":"api/events/resources","SignalsResources":"api/signals/resources","ExpressionsResources":"api/expressions/resources",` +
		`"DocumentsResources":"api/documents/resources","DataResources":"api/data/resources","RetentionResources":"api/retention/resources","RefusedResources":"api/refused/resources","Store":"api/store"}}`
	h.do("GET", "/api", "").want(t, 200, `{"Product":"Stele","Version":"1.2.3-dev","InstanceName":"A \"name\"",`+links)
	// Every link leads somewhere.
	var root struct{ Links map[string]string }
	if err := json.Unmarshal([]byte(h.do("GET", "/api", "").body), &root); err != nil {
		t.Fatal(err)
	}
	for name, link := range root.Links {
		if strings.HasPrefix(link, "/") {
			t.Errorf("%s is not relative: %s", name, link)
		}
		if a := h.do("GET", "/"+link, ""); a.status != 200 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestStoreStatistics(t *testing.T) {
	h := serve(t, Options{})
	h.ingest(`{"@t":"2026-11-20T10:00:00Z"}`, `{"@t":"2026-11-21T10:00:00Z"}`)
	a := h.do("GET", "/api/store", "")
	numbers := regexp.MustCompile(`"(StoreId|LastArrival)":"[^"]+"|"(JournalBytes|SegmentBytes|DocumentBytes|DiskBytes|FreeBytes|MinFreeBytes|OpenedMs)":-?[0-9]+`)
	a.body = numbers.ReplaceAllString(a.body, `"$1$2":…`)
	a.want(t, 200, `{"StoreId":…,"Events":2,"JournalEvents":2,"Segments":0,"Documents":0,"SegmentBytes":…,"JournalBytes":…,"DocumentBytes":…,"DiskBytes":…,`+
		`"Oldest":"2026-11-20T10:00:00.0000000Z","Newest":"2026-11-21T10:00:00.0000000Z","LastArrival":…,"HiddenEvents":0,"HiddenBytes":0,"PinnedBytes":0,"FreeBytes":…,"MinFreeBytes":…,"Snapshots":0,"OldestSnapshotMs":0,"OpenedMs":…,"Damage":[]}`)
	if a := serve(t, Options{}).do("GET", "/api/store", ""); !strings.Contains(a.body, `"Oldest":null,"Newest":null`) {
		t.Error(a.body)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	h := serve(t, Options{})
	h.do("GET", "/health", "").want(t, 200, `{"status":"The Stele node is in service."}`)
	h.do("GET", "/health/cluster", "").want(t, 200, `{"Status":"Healthy","Description":"The Stele node is in service."}`)
	h.ingest(`{`+iso+`}`, `{`+iso+`}`)
	h.do("POST", "/ingest/clef", "{}").wantError(t, 400, "")
	h.do("POST", "/nothing/"+strings.Repeat("x", 100), "").wantError(t, 405, "")
	h.do("GET", "/api/nothing", "").wantError(t, 404, "")
	text := h.do("GET", "/metrics", "").body
	for _, want := range []string{
		`stele_http_requests_total{method="POST",path="/ingest/clef",status="201"} 1`,
		`stele_http_requests_total{method="POST",path="/ingest/clef",status="400"} 1`,
		`stele_http_requests_total{method="GET",path="/api/",status="404"} 1`,
		`stele_http_requests_total{method="POST",path="other",status="405"} 1`,
		`stele_ingested_events_total{protocol="seq"} 2`, `stele_refused_payloads_total{protocol="seq"} 1`, `stele_refused_events_total{protocol="seq"} 1`,
		`stele_ingest_payloads_total{protocol="seq"} 2`, `stele_ingest_bytes_total{protocol="seq"} 77`, `stele_store_events 2`, `stele_http_request_body_bytes_total 77`,
		`stele_http_request_duration_seconds_count{path="/ingest/clef"} 2`, `stele_streams 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	// Another server in the process counts for itself.
	if text := serve(t, Options{}).do("GET", "/metrics", "").body; !strings.Contains(text, "stele_ingested_events_total{protocol=\"seq\"} 0\n") {
		t.Error("metrics are shared")
	}
}
