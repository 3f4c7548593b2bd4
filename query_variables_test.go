package stele_test

import (
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/testkit"
)

func TestQueryVariables(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	s.Append(`{"@t":"2026-03-14T15:00:00Z","A":"x","N":1.50}`, `{"@t":"2026-03-14T15:01:30Z","A":"it's","N":-2}`, `{"@t":"2026-03-14T15:02:00Z","A":null,"N":7}`)
	given, err := event.ParseValue([]byte(`{"n":-2,"text":"it's","none":null,"yes":true,"since":"2026-03-14T15:01:00Z","list":["x",null],"o":{"a":[1e3]},"big":1e40}`))
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]stele.Value{}
	for _, m := range given.Members {
		if m.Name != "big" {
			variables[m.Name] = m.Value
		}
	}
	for text, want := range map[string]string{
		"select N - $n as d from stream where A = $text":                         `{"Columns":["d"],"Rows":[[0]]`,
		"select N - $n from stream where A = $text and $yes":                     `{"Columns":["N - $n"],"Rows":[[0]]`,
		"select count(*) from stream where @Timestamp >= DateTime($since)":       `{"Columns":["count(*)"],"Rows":[[2]]`,
		"select count(*) from stream where A in $list group by N = $n":           `{"Columns":["N = $n","count(*)"],"Rows":[[false,2]]`,
		"select max(N + $n) as m from stream having m > $o.a[0] - 1000 + $n * 3": `{"Columns":["m"],"Rows":[[5]]`,
		"$o":            `{"Columns":["$o"],"Rows":[[{"a":[1000]}]]`,
		"$none is null": `{"Columns":["$none is null"],"Rows":[[true]]`,
		"select x, $n from stream lateral unnest($list) as x where N = 7": `{"Columns":["x","$n"],"Rows":[["x",-2],[null,-2]]`,
	} {
		q, err := stele.ParseQueryWith(text, variables)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var b strings.Builder
		if err := s.Query(ctx, q, stele.QueryOptions{}).WriteJSON(&b); err != nil || !strings.HasPrefix(b.String(), want) {
			t.Errorf("%s gives %s, %v\nnot %s", text, b.String(), err, want)
		}
		if again, err := stele.ParseQueryWith(q.String(), variables); err != nil || again.String() != q.String() {
			t.Errorf("%s is %s, which is no query: %v", text, q, err)
		}
	}
	_, err = stele.ParseQueryWith("select N from stream where A = $other", variables)
	wantError(t, err, stele.Invalid, "line 1, column 32: the variable $other is not defined")
	variables["big"] = given.Get("big")
	_, err = stele.ParseQueryWith("1", variables)
	wantError(t, err, stele.Invalid, "the variable $big: 1e40 is beyond")
}
