package ingest

import (
	"bytes"

	"github.com/stelehq/stele/internal/event"
)

// The slow query log of MySQL, MariaDB and Percona (dev.mysql.com, The Slow Query Log). What stands after # are properties under
// their own names, the statement is the message. Older servers write the time only when the second has changed.
//
//	# Time: 2026-11-20T10:00:00.123456Z                   {"@t":"2026-11-20T10:00:00.1234560Z","@m":"SELECT 1;",
//	# User@Host: ada[ada] @ localhost []  Id:     2        "user_name":"ada","connection_from":"localhost","Id":2,
//	# Query_time: 1.5  Lock_time: 0.0 Rows_sent: 1    →    "Query_time":1.5,"Lock_time":0.0,"Rows_sent":1,
//	use shop;                                              "database_name":"shop","timestamp":1795168800}
//	SET timestamp=1795168800;
//	SELECT 1;
var mysqlSlowForms = []lineForm{
	{"mysql-slow", "MySQL slow query log", `# Time: 2026-11-20T10:00:00.123456Z`, parseSlowTime, nil},
	{"mysql-slow", "MySQL slow query log", `# User@Host: ada[ada] @ localhost []  Id:     2`, parseSlowUser, nil},
}

func fitsMySQLSlow(s *sample) int {
	for i, line := range s.lines {
		if hasPrefix(line, "# User@Host: ") || i == 0 && hasPrefix(line, "# Time: ") {
			return 90
		}
	}
	return 0
}

func parseSlowTime(line []byte, r *record) bool {
	text, ok := bytes.CutPrefix(line, []byte("# Time: "))
	if !ok {
		return false
	}
	text = bytes.Replace(bytes.TrimSpace(text), []byte("  "), []byte(" 0"), 1) // an hour of one digit
	s, ok := r.times.find(text)
	if !ok || s.end != len(text) {
		return false
	}
	r.clock, r.timed, r.finish = s.clock, true, finishMySQLSlow
	return true
}

func parseSlowUser(line []byte, r *record) bool {
	if !hasPrefix(line, "# User@Host: ") {
		return false
	}
	r.message, r.second, r.finish = line, true, finishMySQLSlow
	return true
}

// finishMySQLSlow takes the lines of a statement apart.
func finishMySQLSlow(e *textEvent) {
	r := &e.record
	text := append(append([]byte(nil), e.head...), e.more...)
	e.head, e.more, e.trace = e.head[:0], e.more[:0], false
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		switch rest, comment := bytes.CutPrefix(line, []byte("# ")); {
		case comment && len(e.head) == 0 && slowPairs(rest, r):
		case len(e.head) > 0:
			e.head = append(append(e.head, '\n'), line...)
		case hasPrefix(line, "use ") && line[len(line)-1] == ';':
			r.text("database_name", bytes.Trim(line[len("use "):len(line)-1], "`"))
		case hasPrefix(line, "SET timestamp=") && line[len(line)-1] == ';':
			seconds := line[len("SET timestamp=") : len(line)-1]
			r.number("timestamp", seconds)
			if instant, ok := parseEpoch(string(seconds), true); ok && !e.dated {
				e.instant, e.dated = instant, true
			}
		default:
			e.head = append(e.head, line...)
		}
	}
}

// slowPairs reads what follows # in a line: names and values with a colon between them.
func slowPairs(text []byte, r *record) bool {
	before := len(r.fields)
	for text = bytes.TrimSpace(text); len(text) > 0; {
		name, rest, ok := bytes.Cut(text, []byte(": "))
		if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t") {
			if name, ok = bytes.CutSuffix(text, []byte(":")); !ok || bytes.ContainsAny(name, " \t:") {
				r.fields = r.fields[:before]
				return false
			}
			break // it has no value
		}
		rest = bytes.TrimLeft(rest, " ")
		if string(name) == "User@Host" {
			user, host, ok := bytes.Cut(rest, []byte(" @ "))
			name, after, bracket := bytes.Cut(host, []byte("["))
			address, after, end := bytes.Cut(after, []byte("]"))
			if !ok || !bracket || !end { // it was cut off
				r.present("user_name", rest)
				break
			}
			if login, account, _ := bytes.Cut(user, []byte("[")); string(account) == string(login)+"]" {
				user = login
			}
			r.present("user_name", user)
			r.present("connection_from", bytes.TrimSpace(name))
			r.present("remote_addr", address)
			text = bytes.TrimLeft(after, " ")
			continue
		}
		value, after := cutWord(rest)
		if bytes.HasSuffix(value, []byte(":")) { // the name of the next, and this has no value
			text = rest
			continue
		}
		r.member(name)
		if isNumber(value) {
			r.fields = append(r.fields, value...)
		} else {
			r.fields = event.AppendString(r.fields, value)
		}
		text = bytes.TrimLeft(after, " ")
	}
	return true
}
