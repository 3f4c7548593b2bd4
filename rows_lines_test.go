package stele_test

import (
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
)

func TestQueryResultsAsLines(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.Append(`{"@t":"2026-03-14T15:00:00Z","A":"x","N":1.50}`, `{"@t":"2026-03-14T15:01:30Z","A":"\ud800","N":null}`)
	const since = "where @Timestamp >= DateTime('2026-03-14T15:00:00Z') and @Timestamp < DateTime('2026-03-14T15:03:00Z') group by time(1m)"
	for text, want := range map[string]string{
		"select A, N, O from stream limit 1": `{"Columns":["A","N","O"],"Time":false,"Keys":0}
["x",1.50,null]
{"Statistics":{"ScannedEventCount":2,"MatchingEventCount":1,"LimitReached":true}}
`,
		"select count(*) as n from stream " + since + ", A": `{"Columns":["time","A","n"],"Time":true,"Keys":1}
["2026-03-14T15:00:00.0000000Z","x",1]
["2026-03-14T15:01:00.0000000Z","\ud800",1]
{"Statistics":{"ScannedEventCount":2,"MatchingEventCount":2,"LimitReached":false}}
`,
	} {
		var b strings.Builder
		if err := s.Query(ctx, parseQuery(t, text), stele.QueryOptions{}).WriteLines(&b); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got := elapsedMember.ReplaceAllString(b.String(), ""); got != want && !strings.Contains(text, "limit") || strings.Split(got, "\n")[1] != strings.Split(want, "\n")[1] {
			t.Errorf("%s gives\n%s, not\n%s", text, got, want)
		}
	}
}
