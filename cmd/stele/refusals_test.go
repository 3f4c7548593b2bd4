package main

import (
	"os"
	"strings"
	"testing"
)

// What queries and signals are refused for, of a directory; the scripts have what they answer.
func TestRefusedQueriesAndSignals(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("STELE_URL", "")
	if err := os.WriteFile("a.clef", []byte(`{"@t":"2026-11-20T10:00:00Z","@mt":"took {Elapsed}","Elapsed":10,"Note":"first"}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string // with | between
		code int
		want string // of what is written anywhere
	}{
		{"ingest|-q|a.clef", 0, ""},
		{"signal", 0, "there are no signals"},
		{"signal|create|Everything", 0, "signal-1  Everything: every event"},
		{"signal|create|Bad|--filter|N == 1", 2, "stele: the filter cannot be used: line 1, column 3: unexpected `==`: equality is written `=` (did you mean `=`?)"},
		{"signal|show|signal-2", 3, `there is no signal "signal-2"`},
		{"signal|update|signal-2|--title|x", 3, `there is no signal "signal-2"`},
		{"search|--signal|signal-1,signal-4", 3, `stele: --signal signal-1,signal-4 cannot be used: there is no signal "signal-4"`},
		{"search|--signal|signal-1 and signal-2", 2, "line 1, column 10: expected `,`, `~` or the end, found `and` (did you mean `,`?)"},
		{"search|--json|--signal|signal-1", 0, `"Note":"first"`},
		{"delete|--signal|signal-1", 2, "nothing was deleted: --signal signal-1 selects every event"},
		{"delete|--signal|signal-1|--all", 2, "say what is to be deleted"},
		{"retention|set|x|--age|1d|--signal|signal-1", 2, "signal-1 selects every event"},
		{"query|", 2, "the query is empty"},
		{"query|1|--limit|5", 2, "--limit goes with a query from stream"},
		{"query|1|--limit=-5", 2, "not negative"},
		{"query|select (|--limit|5", 2, "unexpected end of the query"},
		{"query|1|--csv|--json", 2, "can't be used together"},
		{"query|--chart|select Elapsed from stream", 2, "a chart is of a query that groups by something"},
		{"query|--chart|select max(Note) from stream group by @Level", 2, "a chart is of numbers"},
		{"query|--from|noon|1", 2, `--from: "noon" is not a time`},
		{"query|--signal|signal-2|1", 3, `there is no signal "signal-2"`},
		{"query|select count(*) from stream group by time(1m)", 2, "needs to know where to begin"},
		{"query|@Level", 2, "@Level is of an event"},
		{"query|--csv|select Note, Elapsed from stream|--limit|2", 0, "Note,Elapsed\r\nfirst,10\r\n"},
		{"query|-", 0, "fromStandardInput\n               42"},
	} {
		var out strings.Builder
		code := run(append(strings.Split(c.args, "|"), "--datapath", "data"), streams{in: strings.NewReader("select 42 as fromStandardInput"), out: &out, err: &out})
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("stele %s ends with %d, not %d:\n%s\nexpected %s", c.args, code, c.code, out.String(), c.want)
		}
	}
}
