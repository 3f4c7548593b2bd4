package server

import (
	"net/url"
	"strings"
	"testing"
)

func TestSignals(t *testing.T) {
	h := serve(t, Options{})
	const (
		links = `"Links":{"Self":"api/signals/signal-1","Group":"api/signals/resources"}}`
		first = `{"Id":"signal-1","Title":"Errors","Description":null,"Filters":[{"Description":null,"DescriptionIsExcluded":false,"Filter":"@Level = 'Error'","FilterNonStrict":"@Level='Error'"}],` +
			`"Columns":[{"Expression":"Round(X, 1)"}],"IsProtected":false,"IsIndexSuppressed":false,"Grouping":"Inferred","ExplicitGroupName":null,"OwnerId":null,` + links
		empty = `,"Description":null,"Filters":[],"Columns":[],"IsProtected":false,"IsIndexSuppressed":false,"Grouping":"Inferred","ExplicitGroupName":null,"OwnerId":`
	)
	owned := `{"Id":"signal-2","Title":"Mine"` + empty + `"user-1",` + strings.Replace(links, "signal-1", "signal-2", 1)
	bare := `{"Id":"signal-1","Title":"Bare"` + empty + `null,` + links
	for _, s := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/api/signals", "", 200, `[]`},
		{"GET", "/api/signals/resources", "", 200, `{"Links":{"Item":"api/signals/{id}{?partial}","Items":"api/signals{?ownerId,shared,partial}","Template":"api/signals/template"}}`},
		{"GET", "/api/signals/template", "", 200, `{"Title":"New Signal"` + empty + `null,"Links":{"Create":"api/signals","Group":"api/signals/resources"}}`},
		// As seqcli sends what it made of the template: with links, an id of its own and members that are not known here.
		{"POST", "/api/signals", `{"Title":"Errors","Filters":[{"Filter":"@Level = 'Error'","FilterNonStrict":"@Level='Error'"}],"Columns":[{"Expression":"Round(X, 1)"}],
			"Id":null,"IsWatched":false,"Links":{"Create":"api/signals"},"Grouping":"Inferred"}`, 201, first},
		{"POST", "/api/signals", `{"Title":"Mine","OwnerId":"user-1"}`, 201, owned},
		{"GET", "/api/signals/signal-1?partial=True", "", 200, first},
		{"GET", "/api/signals", "", 200, `[` + first + `,` + owned + `]`},
		{"GET", "/api/signals?shared=True", "", 200, `[` + first + `,` + owned + `]`},
		{"GET", "/api/signals?shared=False&partial=False", "", 200, `[` + owned + `]`},
		{"GET", "/api/signals?ownerId=user-1", "", 200, `[` + owned + `]`},
		{"GET", "/api/signals?ownerId=user-2&shared=True", "", 200, `[` + first + `]`},
		{"GET", "/api/signals?shared=perhaps", "", 400, "parameter shared"},
		{"GET", "/api/signals/signal-3", "", 404, `there is no signal "signal-3"`},
		{"POST", "/api/signals", `{"Title":"a","Filters":[{"Filter":"N == 1"}]}`, 400, "line 1, column 3: unexpected `==`: equality is written `=` (did you mean `=`?)"},
		{"POST", "/api/signals", `{"Title":"a","Filters":[{"FilterNonStrict":"some text"}]}`, 400, "filter 1 is empty"},
		{"POST", "/api/signals", `{"Title":""}`, 400, "it has no title"},
		{"POST", "/api/signals", `{"Title":1}`, 400, "it is not of the form"},
		{"POST", "/api/signals", ``, 400, "the body is not JSON"},
		{"POST", "/api/signals", `{"Title":"a","Description":"` + strings.Repeat("x", maxSignal) + `"}`, 413, "over the limit"},
		{"PUT", "/api/signals/signal-3", `{"Title":"a"}`, 404, `there is no signal "signal-3"`},
		{"PUT", "/api/signals/signal-1", `{"Title":"a","Filters":[{"Filter":"("}]}`, 400, "line 1, column 2"},
		{"PUT", "/api/signals/signal-1", `{"Id":"signal-2","Title":"Bare"}`, 200, bare},
		{"GET", "/api/signals/signal-1", "", 200, bare},
		{"PUT", "/api/signals/signal-1", first, 200, first},
		{"POST", "/api/retention", `{"Id":"old","Age":"30d","Signal":"signal-9"}`, 400, `there is no signal "signal-9"`},
		{"POST", "/api/retention", `{"Id":"old","Age":"30d","Signal":"signal-2"}`, 400, `signal-2 selects every event`},
		{"POST", "/api/retention", `{"Id":"old","Age":"36500d","Signal":"signal-1"}`, 200, `{"Id":"old","Age":"36500d","Signal":"signal-1"}`},
		{"DELETE", "/api/signals/signal-1", first, 403, `the retention policy "old" uses the signal signal-1`},
		{"DELETE", "/api/retention/old", "", 204, ""},
		{"DELETE", "/api/signals/signal-1", first, 204, ""}, // seqcli sends the signal
		{"DELETE", "/api/signals/signal-1", "", 404, `there is no signal "signal-1"`},
		{"GET", "/api/documents", "", 200, `[]`},
	} {
		a := h.do(s.method, s.path, s.body)
		if s.status >= 400 {
			a.wantError(t, s.status, s.want)
			continue
		}
		a.want(t, s.status, s.want)
	}
	h.do("POST", "/api/signals", `{"Title":"x"}`, "Origin: http://elsewhere.example").wantError(t, 403, "may not change anything here")
}

// A signal narrows whatever reads events, and what deletes them.
func TestSignalsNarrow(t *testing.T) {
	h := serve(t, Options{})
	h.ingest(strings.Split(strings.TrimSuffix(manyEvents, "\n"), "\n")...)
	for _, filters := range []string{`{"Filter":"@Level = 'Debug'"}`, `{"Filter":"N > 1"},{"Filter":"N < 4"}`, ""} {
		h.do("POST", "/api/signals", `{"Title":"x","Filters":[`+filters+`]}`)
	}
	found := func(query string) string {
		t.Helper()
		var got []string
		for line := range strings.Lines(h.do("GET", "/api/events?clef=true&count=0&ascending=true&"+query, "").body) {
			got = append(got, strings.TrimSuffix(line[strings.Index(line, `"N":`)+4:], "}\n"))
		}
		return strings.Join(got, " ")
	}
	for expr, want := range map[string]string{
		"signal-1": "1 3", "signal-1,signal-2": "3", "signal-1~signal-2": "1 2 3", "signal-3": "0 1 2 3 4", "signal-3,signal-2": "2 3", " ": "0 1 2 3 4",
	} {
		if got := found("signal=" + url.QueryEscape(expr)); got != want {
			t.Errorf("%s finds %s, expected %s", expr, got, want)
		}
	}
	if got := found("signal=signal-1~signal-2&filter=" + url.QueryEscape("N <> 2")); got != "1 3" {
		t.Errorf("with a filter %s", got)
	}
	h.do("GET", "/api/events/histogram?signal=signal-1&buckets=1", "").want(t, 200,
		`[{"start":"2026-11-20T10:00:01.0000000Z","end":"2026-11-20T10:00:03.000000001Z","counts":{"Debug":2}}]`)
	for _, path := range []string{"/api/events?", "/api/events/histogram?", "/api/events/stream?"} {
		h.do("GET", path+"signal=signal-1+or+signal-2", "").wantError(t, 400, "parameter signal: it cannot be used: line 1, column 10: expected `,`, `~` or the end, found `or` (did you mean `~`?)")
		h.do("GET", path+"signal=signal-1,signal-4", "").wantError(t, 404, `there is no signal "signal-4"`)
	}
	live := h.stream("/api/events/stream?clef&lastEventId=0&signal=signal-2")
	for _, want := range []string{`"N":2}`, `"N":3}`} {
		if got := live.next(t); !strings.HasSuffix(got.data, want) {
			t.Errorf("the stream gives %v, expected %s", got, want)
		}
	}
	live.close()

	h.do("DELETE", "/api/events?signal=signal-3", "").wantError(t, 400, "nothing was deleted: it selects every event")
	h.do("DELETE", "/api/events?signal=signal-1~signal-3", "").wantError(t, 400, "nothing was deleted: it selects every event")
	h.do("DELETE", "/api/events?signal=signal-1&id=event-98e9b8832bdd40000000010000000001", "").wantError(t, 400, "cannot be combined")
	h.do("DELETE", "/api/events?signal=signal-2&filter="+url.QueryEscape("@Level = 'Debug'"), "").want(t, 200, `{"Deleted":1}`)
	h.do("DELETE", "/api/events?signal=signal-2&toDateUtc=2026-11-20T10:00:01Z", "").want(t, 200, `{"Deleted":0}`)
	h.do("DELETE", "/api/events?signal=signal-2", "").want(t, 200, `{"Deleted":1}`)
	if got := found(""); got != "0 1 4" {
		t.Errorf("left are %s", got)
	}
}
