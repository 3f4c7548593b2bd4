package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A question is asked of each system in its own language.
type question struct {
	name, about string
	sampled     bool // VictoriaLogs answers from a sample

	path    string     // Stele's
	query   url.Values // and what is asked
	logsQL  string
	limit   string // VictoriaLogs' limit of events; "": none
	columns []string
	sql     string // DuckDB's; "": it is not asked
}

// search asks Stele for the newest events that match.
func search(filter string) (string, url.Values) {
	v := url.Values{"clef": {"true"}, "count": {"100"}}
	if filter != "" {
		v.Set("filter", filter)
	}
	return "/api/events", v
}

// tabulate asks Stele for a table.
func tabulate(query string) (string, url.Values) {
	return "/api/data", url.Values{"q": {query}, "rangeStartUtc": {"2025-06-01T00:00:00Z"}}
}

// questions are those of the peers' page, under the same names. trace is a trace that is there.
func questions(trace string) []question {
	var all []question
	events := func(name, about, filter, logsQL, limit, sql string) {
		path, query := search(filter)
		all = append(all, question{name: name, about: about, path: path, query: query, logsQL: logsQL, limit: limit, sql: sql})
	}
	table := func(name, about, query, logsQL, sql string, columns ...string) {
		path, values := tabulate(query)
		all = append(all, question{name: name, about: about, path: path, query: values, logsQL: logsQL, columns: columns, sql: sql, sampled: name == "q8"})
	}
	events("q1", "the last hundred", "", "*", "100", "select _time from events order by _time desc limit 100")
	events("q2", "the last hundred errors", "@Level = 'Error'", `level:="Error"`, "100", "select _time from events where level = 'Error' order by _time desc limit 100")
	events("q3", "a rare word", `"quokkastampede"`, "quokkastampede", "", "select _time from events where _msg like '%quokkastampede%'")
	events("q4", "a rare value", "Needle = 'zx-3-q'", `Needle:="zx-3-q"`, "", "select _time from events where Needle = 'zx-3-q'")
	table("q5", "count by level", "select count(*) as n from stream group by @Level as level", "* | stats by (level) count() n",
		"select level, count(*) n from events group by level", "level", "n")
	table("q6", "count by minute", "select count(*) as n from stream group by time(1m) limit 100000", "* | stats by (_time:1m) count() n",
		"select strftime(time_bucket(interval 1 minute, _time::timestamp), '%Y-%m-%dT%H:%M:%SZ') t, count(*) n from events group by t", "_time", "n")
	table("q7", "failures by application", "select count(*) as n from stream where StatusCode >= 500 group by Application", "StatusCode:>=500 | stats by (Application) count() n",
		"select Application, count(*) n from events where StatusCode >= 500 group by Application", "Application", "n")
	table("q8", "95th percentile by application", "select percentile(Elapsed, 95) as p from stream where Has(Elapsed) group by Application", "Elapsed:* | stats by (Application) quantile(0.95, Elapsed) p",
		"select Application, quantile_disc(Elapsed, 0.95) p from events where Elapsed is not null group by Application", "Application", "p")
	table("q9", "count by regular expression", "select count(*) as n from stream where Contains(@Message, /time.?out/)", `_msg:~"time.?out" | stats count() n`,
		"select count(*) n from events where regexp_matches(_msg, 'time.?out')", "n")
	table("q9i", "the same in any case", "select count(*) as n from stream where Contains(@Message, /TIME.?OUT/) ci", `_msg:~"(?i)TIME.?OUT" | stats count() n`,
		"select count(*) n from events where regexp_matches(_msg, '(?i)TIME.?OUT')", "n")
	events("q9s", "part of a rare word", "Contains(@Message, 'okkastamp')", `_msg:~"okkastamp"`, "", "select _time from events where contains(_msg, 'okkastamp')")
	events("q10", "a trace", "TraceId = '"+trace+"'", `TraceId:="`+trace+`"`, "", "select _time from events where TraceId = '"+trace+"'")
	table("q11", "ten most frequent users", "select count(*) as n from stream where UserId is not null group by UserId as user order by n desc, user limit 10",
		"UserId:* | stats by (UserId) count() n | sort by (n desc, UserId) limit 10",
		"select UserId, count(*) n from events where UserId is not null group by UserId order by n desc, UserId limit 10", "UserId", "n")
	table("q12", "how many requests", "select count(distinct(RequestId)) as n from stream", "* | stats count_uniq(RequestId) n",
		"select count(distinct RequestId) n from events", "n")
	return all
}

// steleAnswer is what an answer of Stele says, in an order of its own.
func (q *question) steleAnswer(body []byte) ([]string, error) {
	if q.columns == nil {
		return eachLine(body, func(line map[string]any) (string, error) { return instant(line["@t"]) })
	}
	var r struct {
		Rows   [][]any
		Slices []struct {
			Time string
			Rows [][]any
		}
	}
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	var all []string
	for _, row := range r.Rows {
		all = append(all, joined(row))
	}
	for _, s := range r.Slices {
		t, err := instant(s.Time)
		if err != nil {
			return nil, err
		}
		for _, row := range s.Rows {
			all = append(all, joined(append([]any{t}, row...)))
		}
	}
	slices.Sort(all)
	return all, nil
}

// victoriaAnswer is the same of VictoriaLogs.
func (q *question) victoriaAnswer(body []byte) ([]string, error) {
	return eachLine(body, func(line map[string]any) (string, error) {
		if q.columns == nil {
			return instant(line["_time"])
		}
		var row []any
		for _, c := range q.columns {
			v := line[c]
			if c == "_time" {
				t, err := instant(v)
				if err != nil {
					return "", err
				}
				v = t
			}
			row = append(row, v)
		}
		return joined(row), nil
	})
}

func eachLine(body []byte, of func(map[string]any) (string, error)) ([]string, error) {
	var all []string
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var object map[string]any
		if err := decode(lines.Bytes(), &object); err != nil {
			return nil, err
		}
		one, err := of(object)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	slices.Sort(all)
	return all, lines.Err()
}

func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w in %.200s", err, text)
	}
	return nil
}

// instant is a time in one form.
func instant(v any) (string, error) {
	text, _ := v.(string)
	t, err := time.Parse(time.RFC3339Nano, text)
	return t.UTC().Format(time.RFC3339Nano), err
}

func joined(row []any) string {
	cells := make([]string, len(row))
	for i, v := range row {
		cells[i] = fmt.Sprint(v)
	}
	return strings.Join(cells, " ")
}
