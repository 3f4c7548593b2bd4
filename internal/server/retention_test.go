package server

import (
	"net/url"
	"strings"
	"testing"
)

const manyEvents = `{"@t":"2026-11-20T10:00:00.0000000Z","N":0}
{"@t":"2026-11-20T10:00:01.0000000Z","@l":"Debug","N":1}
{"@t":"2026-11-20T10:00:02.0000000Z","N":2}
{"@t":"2026-11-20T10:00:03.0000000Z","@l":"Debug","N":3}
{"@t":"2026-11-20T10:00:04.0000000Z","N":4}
`

func TestDeletes(t *testing.T) {
	h := serve(t, Options{})
	h.do("POST", "/ingest/clef", manyEvents).want(t, 201, accepted)
	left := func(want string) {
		t.Helper()
		var got []string
		for line := range strings.Lines(h.do("GET", "/api/events?clef=true&count=0&ascending=true", "").body) {
			got = append(got, strings.TrimSuffix(line[strings.Index(line, `"N":`)+4:], "}\n"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("left are %s, expected %s", got, want)
		}
	}
	for _, c := range []struct {
		path, left string
		status     int
		want       string
	}{
		{"?filter=", "0 1 2 3 4", 400, "parameter filter: it is empty"},
		{"?toDateUtc=", "0 1 2 3 4", 400, "parameter toDateUtc: it is empty"},
		{"?filtre=N", "0 1 2 3 4", 400, "parameter filtre: it is unknown here"},
		{"?filter=" + url.QueryEscape("N == 1"), "0 1 2 3 4", 400, "nothing was deleted: it is no expression"},
		{"?filter=" + url.QueryEscape("@Timestamp < Now()"), "0 1 2 3 4", 400, "the filter calls Now()"},
		{"?filter=" + strings.Repeat("x", maxFilter+1), "0 1 2 3 4", 400, "is too long"},
		{"?id=event-1", "0 1 2 3 4", 400, "is no event id"},
		{"?id=event-98e9b8832bdd40000000010000000001&filter=N%3D1", "0 1 2 3 4", 400, "cannot be combined"},
		{"?fromDateUtc=yesterday", "0 1 2 3 4", 400, "is not an ISO 8601 timestamp"},
		{"?signal=signal-1", "0 1 2 3 4", 404, `there is no signal "signal-1"`},
		{"?signal=", "0 1 2 3 4", 400, "parameter signal: it is empty"},
		{"?filter=" + url.QueryEscape("@Level = 'Debug'") + "&toDateUtc=2026-11-20T10:00:03Z", "0 2 3 4", 200, `{"Deleted":1}`},
		{"?fromDateUtc=2026-11-20T10:00:04Z", "0 2 3", 200, `{"Deleted":1}`},
	} {
		a := h.do("DELETE", "/api/events"+c.path, "")
		if c.status >= 400 {
			a.wantError(t, c.status, c.want)
		} else {
			a.want(t, c.status, c.want)
		}
		left(c.left)
	}
	list := h.do("GET", "/api/events?ascending=true", "").body
	_, id, _ := strings.Cut(list, `{"Id":"`)
	id, _, _ = strings.Cut(id, `"`)
	h.do("DELETE", "/api/events/"+id, "").want(t, 204, "")
	h.do("DELETE", "/api/events/"+id, "").wantError(t, 404, "no event has the id "+id)
	h.do("DELETE", "/api/events/event-1", "").wantError(t, 400, "the path names no event")
	left("2 3")
	h.do("DELETE", "/api/events?id="+id+"&id="+id, "").want(t, 200, `{"Deleted":0}`)
	h.do("DELETE", "/api/events", "").want(t, 200, `{"Deleted":2}`)
	left("")
}

func TestRetention(t *testing.T) {
	h := serve(t, Options{})
	h.do("POST", "/ingest/clef", manyEvents).want(t, 201, accepted)
	for _, s := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/api/retention", "", 200, `[]`},
		{"POST", "/api/retention/run", `{"Id":"now","Age":"100d","Filter":"@Level = 'Debug' and N > 1"}`, 200, `[{"Id":"now","Events":0}]`},
		{"POST", "/api/retention", `{"Id":"debug","Age":"36500d","Filter":"@Level = 'Debug'"}`, 200, `{"Id":"debug","Age":"36500d","Filter":"@Level = 'Debug'"}`},
		{"POST", "/api/retention", `{"Id":"size","Bytes":"10GiB","ArrivedAge":"36h"}`, 200, `{"Id":"size","ArrivedAge":"1d12h","Bytes":10737418240}`},
		{"GET", "/api/retention", "", 200, `[{"Id":"debug","Age":"36500d","Filter":"@Level = 'Debug'"},{"Id":"size","ArrivedAge":"1d12h","Bytes":10737418240}]`},
		{"GET", "/api/retention/size", "", 200, `{"Id":"size","ArrivedAge":"1d12h","Bytes":10737418240}`},
		{"GET", "/api/retention/none", "", 404, `there is no retention policy "none"`},
		{"POST", "/api/retention/run", "", 200, `[{"Id":"debug","Events":0},{"Id":"size","Events":0}]`},
		{"DELETE", "/api/retention/size", "", 204, ""},
		{"DELETE", "/api/retention/size", "", 404, `there is no retention policy "size"`},
		{"POST", "/api/retention", ``, 400, "the body is empty"},
		{"POST", "/api/retention", `{`, 400, "the body is not JSON"},
		{"POST", "/api/retention", `{"Id":"a","Age":"30 days"}`, 400, `Age: "30 days" is not a length of time`},
		{"POST", "/api/retention", `{"Id":"a","Ages":"30d"}`, 400, "it is not of the form"},
		{"POST", "/api/retention", `{"Id":"run","Age":"30d"}`, 400, `the id "run" is reserved`},
		{"POST", "/api/retention", `{"Id":"a","Filter":"N = 1"}`, 400, "a filter needs an age"},
		{"POST", "/api/retention/run", `{"Id":"a"}`, 400, "it says nothing"},
		{"GET", "/api/retention/resources", "", 200, `{"Links":{"Item":"api/retention/{id}","Items":"api/retention","Run":"api/retention/run"}}`},
	} {
		a := h.do(s.method, s.path, s.body)
		if s.status >= 400 {
			a.wantError(t, s.status, s.want)
			continue
		}
		a.want(t, s.status, s.want)
	}
}
