package stele_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
)

var elapsedMember = regexp.MustCompile(`"ElapsedMilliseconds":[0-9.]+,`)

func TestQueryResultsAreWritten(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.Append(`{"@t":"2026-03-14T15:00:00Z","A":"x","N":1.50,"O":{"k":[1,null]}}`,
		`{"@t":"2026-03-14T15:00:30Z","A":"y","N":123456789012345678901234567890.5,"O":"a,\"b\"\r\nc"}`,
		`{"@t":"2026-03-14T15:01:00Z","A":"x","N":null,"O":""}`,
		`{"@t":"2026-03-14T15:02:00Z","A":"\ud800","O":true}`)
	const since = " where @Timestamp >= DateTime('2026-03-14T15:00:00Z') and @Timestamp < DateTime('2026-03-14T15:03:00Z') "
	for _, c := range []struct{ text, json, csv string }{
		{"select A, N, O from stream",
			`{"Columns":["A","N","O"],"Rows":[["x",1.50,{"k":[1,null]}],["y",123456789012345678901234567890.5,"a,\"b\"\r\nc"],["x",null,""],["\ud800",null,true]],"Statistics":{"ScannedEventCount":4,"MatchingEventCount":4,"LimitReached":false}}`,
			"A,N,O\r\nx,1.50,\"{\"\"k\"\":[1,null]}\"\r\ny,123456789012345678901234567890.5,\"a,\"\"b\"\"\r\nc\"\r\nx,,\"\"\r\n\uFFFD,,true\r\n"},
		{"select count(*) as n from stream" + since + "group by time(1m)",
			`{"Columns":["n"],"Slices":[{"Time":"2026-03-14T15:00:00.0000000Z","Rows":[[2]]},{"Time":"2026-03-14T15:01:00.0000000Z","Rows":[[1]]},{"Time":"2026-03-14T15:02:00.0000000Z","Rows":[[1]]}],"Statistics":{"ScannedEventCount":4,"MatchingEventCount":4,"LimitReached":false}}`,
			"time,n\r\n2026-03-14T15:00:00.0000000Z,2\r\n2026-03-14T15:01:00.0000000Z,1\r\n2026-03-14T15:02:00.0000000Z,1\r\n"},
		{"select count(*), max(N) from stream" + since + "group by time(1m), A limit 3",
			`{"Columns":["A","count(*)","max(N)"],"Series":[{"Key":["x"],"Slices":[{"Time":"2026-03-14T15:00:00.0000000Z","Rows":[[1,1.5]]},{"Time":"2026-03-14T15:01:00.0000000Z","Rows":[[1,null]]}]},{"Key":["y"],"Slices":[{"Time":"2026-03-14T15:00:00.0000000Z","Rows":[[1,null]]}]}],"Statistics":{"ScannedEventCount":4,"MatchingEventCount":4,"LimitReached":true}}`,
			"time,A,count(*),max(N)\r\n2026-03-14T15:00:00.0000000Z,x,1,1.5\r\n2026-03-14T15:00:00.0000000Z,y,1,\r\n2026-03-14T15:01:00.0000000Z,x,1,\r\n"},
		{"select distinct(A) as a from stream where A <> 'z'" + strings.Replace(since, "where", "and", 1) + "group by time(2m)",
			`{"Columns":["a"],"Slices":[{"Time":"2026-03-14T15:00:00.0000000Z","Rows":[["x"],["y"]]},{"Time":"2026-03-14T15:02:00.0000000Z","Rows":[["\ud800"]]}],"Statistics":{"ScannedEventCount":4,"MatchingEventCount":4,"LimitReached":false}}`,
			"time,a\r\n2026-03-14T15:00:00.0000000Z,x\r\n2026-03-14T15:00:00.0000000Z,y\r\n2026-03-14T15:02:00.0000000Z,\uFFFD\r\n"},
		{"select N from stream where false",
			`{"Columns":["N"],"Rows":[],"Statistics":{"ScannedEventCount":4,"MatchingEventCount":0,"LimitReached":false}}`,
			"N\r\n"},
		{"select 1 as one, 'a' as letter",
			`{"Columns":["one","letter"],"Rows":[[1,"a"]],"Statistics":{"ScannedEventCount":0,"MatchingEventCount":0,"LimitReached":false}}`,
			"one,letter\r\n1,a\r\n"},
	} {
		var b strings.Builder
		if err := s.Query(ctx, parseQuery(t, c.text), stele.QueryOptions{}).WriteJSON(&b); err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
		if !json.Valid([]byte(b.String())) {
			t.Errorf("%s gives no JSON", c.text)
		}
		if got := elapsedMember.ReplaceAllString(b.String(), ""); got != c.json {
			t.Errorf("%s gives\n%s, not\n%s", c.text, got, c.json)
		}
		b.Reset()
		if err := s.Query(ctx, parseQuery(t, c.text), stele.QueryOptions{}).WriteCSV(&b); err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
		if got := b.String(); got != c.csv {
			t.Errorf("%s gives\n%q, not\n%q", c.text, got, c.csv)
		}
		if _, err := csv.NewReader(strings.NewReader(b.String())).ReadAll(); err != nil {
			t.Errorf("%s gives no CSV: %v", c.text, err)
		}
	}
}

func TestQueryResultsThatCannotBeWritten(t *testing.T) {
	s := queryStore(t)
	for name, write := range map[string]func(*stele.Rows, *failingWriter) error{
		"JSON": func(r *stele.Rows, w *failingWriter) error { return r.WriteJSON(w) },
		"CSV":  func(r *stele.Rows, w *failingWriter) error { return r.WriteCSV(w) },
	} {
		rows := s.Query(ctx, parseQuery(t, "select @Document from stream lateral unnest([1,2,3,4,5,6,7,8,9,10,11,12]) as x limit 100000"), stele.QueryOptions{})
		if err := write(rows, &failingWriter{40 << 10}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: %v", name, err)
		}
		var w failingWriter
		if err := write(s.Query(ctx, parseQuery(t, "select count(*) from stream group by time(1s)"), stele.QueryOptions{}), &w); !errors.Is(err, stele.Invalid) {
			t.Errorf("%s of a query that cannot be run: %v", name, err)
		}
	}
}
