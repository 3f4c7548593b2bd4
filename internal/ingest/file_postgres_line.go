package ingest

import "bytes"

// A postgresLine is one line of a PostgreSQL log, taken apart.
type postgresLine struct {
	record   record // time, and what the prefix says as properties
	severity string // LOG, ERROR, …; empty if the line has none
	word     string // DETAIL, HINT, …
	part     string // the property for it
	text     []byte // what follows, or the whole line
	whole    []byte // all that follows what syslog puts in front

	loose   bool   // one blank follows the colon, not two
	counted bool   // the prefix has the line's number in its session
	process []byte // the number of the process, if the line has it
	source  []byte // who wrote the line, as syslog has it: db-1 postgres[4913]:
	number  []byte // of the record in syslog: 7 of [7-2]
	begins  bool   // it is the record's first part there
}

// postgresWords are the words before a colon and two blanks.
var postgresWords = []struct{ word, part string }{
	{"LOG", ""}, {"ERROR", ""}, {"FATAL", ""}, {"PANIC", ""}, {"WARNING", ""}, {"NOTICE", ""}, {"INFO", ""},
	{"DEBUG", ""}, {"DEBUG1", ""}, {"DEBUG2", ""}, {"DEBUG3", ""}, {"DEBUG4", ""}, {"DEBUG5", ""},
	{"DETAIL", "detail"}, {"HINT", "hint"}, {"STATEMENT", "statement"}, {"CONTEXT", "context"}, {"QUERY", "query"},
	{"LOCATION", "location"}, {"BACKTRACE", "backtrace"},
}

// parse reads a line. It returns whether that is a record, or a DETAIL or the like; parts of
// a record in syslog without either have a number all the same.
func (l *postgresLine) parse(line []byte) bool {
	l.record.reset()
	*l = postgresLine{record: l.record, text: line}
	if len(line) == 0 || isBlank(line[0]) {
		return false
	}
	prefix, rest, ok := line, line, false
	if line, ok = l.syslog(line); ok {
		l.text, l.whole, prefix = line, line, line
	}
	colon := ":  "
	at := l.findWord(line, colon)
	if at < 0 && len(line) > 0 && isDigit(line[0]) { // some forwarders make one blank of two
		colon, l.loose = ": ", true
		at = l.findWord(line, colon)
	}
	if at < 0 {
		return false
	}
	prefix, rest = line[:at], line[at+len(l.severity)+len(l.word)+len(colon):]
	l.prefix(prefix, l.number != nil)
	if !l.record.timed { // an ERROR:  in somebody's text
		l.record.reset()
		l.severity, l.word, l.part = "", "", ""
		return false
	}
	l.text = rest
	return true
}

// findWord looks for a severity, or DETAIL or the like, followed by a colon and blanks,
// and returns where it begins, -1 if there is none.
func (l *postgresLine) findWord(line []byte, colon string) int {
	for from := 0; ; {
		at := bytes.Index(line[from:], []byte(colon))
		if at < 0 {
			return -1
		}
		end := from + at
		begin := end
		for begin > 0 && end-begin < 10 && (line[begin-1]-'A' < 26 || isDigit(line[begin-1])) {
			begin--
		}
		if begin < end && (begin == 0 || !isWord(line[begin-1])) {
			for i := range postgresWords {
				if w := &postgresWords[i]; string(line[begin:end]) == w.word {
					if l.part = w.part; w.part == "" {
						l.severity = w.word
					} else {
						l.word = w.word
					}
					return begin
				}
			}
		}
		from = end + len(colon)
	}
}

// syslog takes off what syslog puts in front: Nov 20 10:00:00 db-1 postgres[4913]: [7-2]
func (l *postgresLine) syslog(line []byte) (rest []byte, ok bool) {
	c := cursor{b: line}
	var k clock
	switch {
	case !isDigit(line[0]):
		k = parseSyslog(&c)
	case len(line) > 19 && line[10] == 'T':
		k = parseISO(&c)
	default:
		return line, false
	}
	if c.bad || !k.valid() || c.peek() != ' ' {
		return line, false
	}
	host, rest := cutWord(line[c.i+1:])
	tag := host
	if bytes.HasSuffix(host, []byte("]:")) { // Heroku's has no host
		host = nil
	} else {
		tag, rest = cutWord(rest)
	}
	tag, colon := bytes.CutSuffix(tag, []byte(":"))
	at := bytes.IndexByte(tag, '[')
	if !colon || at <= 0 || tag[len(tag)-1] != ']' {
		return line, false
	}
	r := &l.record
	r.clock, r.timed = k, true
	r.present("host", host)
	app, process := tag[:at], tag[at+1:len(tag)-1]
	if dot := bytes.LastIndexByte(process, '.'); dot > 0 && len(host) == 0 { // app[postgres.4882]
		app, process = process[:dot], process[dot+1:]
	}
	r.text("app", app)
	l.process, l.source = process, line[c.i+1:len(line)-len(rest)]
	r.number("process_id", process)
	// [GREEN] is the name of a database at Heroku.
	if word, after := cutWord(rest); len(host) == 0 && len(word) > 2 && word[0] == '[' && word[len(word)-1] == ']' && bytes.HasPrefix(after, []byte("[")) {
		r.text("prefix", word[1:len(word)-1])
		rest = after
	}
	// [7-2] counts records and their parts.
	if end := bytes.IndexByte(rest, ']'); len(rest) > 4 && rest[0] == '[' && end > 0 && end < 24 {
		number, part, ok := bytes.Cut(rest[1:end], []byte("-"))
		if ok && isNumber(number) && isNumber(part) {
			l.number, l.begins = number, string(part) == "1"
			r.number("sequence_number", number)
			rest = rest[end+1:]
			if len(rest) > 0 && rest[0] == ' ' {
				rest = rest[1:]
			}
			if len(host) == 0 {
				rest = bytes.TrimLeft(rest, " ")
			}
			if tabbed, ok := bytes.CutPrefix(rest, []byte("#011")); ok {
				rest = append(append(r.room, '\t'), tabbed...)
				r.room = rest
			}
			if bytes.Contains(rest, []byte("#011")) {
				rest = bytes.ReplaceAll(rest, []byte("#011"), []byte("\t"))
			}
			return rest, true
		}
	}
	return rest, true
}

// prefix reads what log_line_prefix has put in front of a record. That is free text to the server, so its
// parts are known by their looks; what has none is kept as the property prefix. timed says that the time is known.
func (l *postgresLine) prefix(text []byte, timed bool) {
	r := &l.record
	if !timed {
		text = l.time(text)
	}
	other := len(r.room)
	for len(text) > 0 {
		switch text[0] {
		case ' ', ',', ':', '|', '<', '>', '-', '\t', ';':
			text = text[1:]
			continue
		}
		if name, value, rest, ok := cutPrefixPair(text); ok {
			l.pair(name, value)
			text = rest
			continue
		}
		end := bytes.IndexAny(text, " ,|<>;")
		if text[0] == '[' {
			end = bytes.IndexByte(text, ']') + 1
		} else if paren := bytes.IndexByte(text, ')'); paren > 0 && (end < 0 || paren < end) {
			end = paren + 1 // 10.0.0.1(5432):ada@shop
		} else if at := bytes.IndexByte(text, '@'); at >= 0 && (end < 0 || at < end) {
			if colon := bytes.IndexByte(text[at:], ':'); colon > 0 && (end < 0 || at+colon < end) {
				end = at + colon
			}
		}
		if end <= 0 {
			end = len(text)
		}
		token := bytes.TrimRight(text[:end], ":")
		text = text[end:]
		if len(token) > 0 && !l.token(token) {
			if len(r.room) > other {
				r.room = append(r.room, ' ')
			}
			r.room = append(r.room, token...)
		}
	}
	if len(r.room) > other {
		r.text("prefix", r.room[other:])
	}
}

// time finds the time in a prefix, and returns the prefix without it.
func (l *postgresLine) time(text []byte) []byte {
	r := &l.record
	for i := 0; i+10 <= len(text); i++ {
		if !isDigit(text[i]) || i > 0 && isWord(text[i-1]) {
			continue
		}
		c := cursor{b: text, i: i}
		k := parseISO(&c)
		if c.bad || !k.valid() {
			s, ok := findEpoch(text[i:]) // %n
			if !ok || bytes.IndexByte(text[i:i+s.end], '.') < 0 {
				continue
			}
			k, c.i = s.clock, i+s.end
		}
		r.clock, r.timed = k, true
		rest := text[c.i:]
		if !k.zoned && len(rest) > 3 && rest[0] == ' ' {
			// A zone's name that is known in its country only.
			n := 1
			for n < len(rest) && rest[n]-'A' < 26 {
				n++
			}
			if n > 3 && n < 7 && (n == len(rest) || !isWord(rest[n]) && rest[n] != '=') {
				r.text("time_zone", rest[1:n])
				rest = rest[n:]
			}
		}
		before := bytes.Trim(text[:i], " <[")
		rest = bytes.TrimLeft(rest, "]>")
		if len(before) > 0 {
			at := len(r.room)
			r.room = append(append(append(r.room, before...), ' '), rest...)
			return r.room[at:]
		}
		return rest
	}
	return text
}

// cutPrefixPair takes user=ada off a prefix. The value ends before a comma or a blank, or
// if the name says that it may have blanks, before a comma.
func cutPrefixPair(text []byte) (name, value, rest []byte, ok bool) {
	n := 0
	for n < len(text) && isWord(text[n]) {
		n++
	}
	switch {
	case n == 0:
		return nil, nil, text, false
	case n < len(text) && text[n] == '=':
		name, rest = text[:n], text[n+1:]
	case bytes.HasPrefix(text[n:], []byte(" = ")):
		name, rest = text[:n], text[n+3:]
	default:
		return nil, nil, text, false
	}
	stops := " ,|;"
	if len(name) > 2 && string(name[:3]) == "app" {
		stops = ",|;"
	}
	end := bytes.IndexAny(rest, stops)
	if end < 0 {
		end = len(rest)
	}
	value = bytes.TrimRight(rest[:end], " ")
	if stops == ",|;" {
		// app=my program client=… : the last word is a name.
		if equals := bytes.IndexByte(value, '='); equals > 0 {
			if blank := bytes.LastIndexByte(value[:equals], ' '); blank > 0 {
				end, value = blank, bytes.TrimRight(value[:blank], " ")
			}
		}
	}
	return name, value, rest[end:], true
}

// pair adds what a prefix says by name.
func (l *postgresLine) pair(name, value []byte) {
	if len(value) == 0 {
		return
	}
	r := &l.record
	switch string(name) {
	case "user", "u", "usr":
		r.text("user_name", value)
	case "db", "d", "database":
		r.text("database_name", value)
	case "app", "a", "application", "app_name", "appname", "application_name":
		r.text("application_name", value)
	case "client", "host", "h", "remote", "r", "client_addr":
		r.text("connection_from", value)
	case "pid", "p", "process":
		l.pid(value)
	case "session", "sess", "c":
		r.text("session_id", value)
	case "line", "l", "log_line":
		l.count(value)
	case "state", "e", "sqlstate", "sql_error_code":
		r.text("sql_state_code", value)
	default:
		r.member(name)
		r.fields = appendCell(r.fields, value)
	}
}

func (l *postgresLine) pid(value []byte) {
	if l.process == nil {
		l.process = value
		l.record.number("process_id", value)
	}
}

func (l *postgresLine) count(value []byte) {
	l.counted = true
	l.record.number("session_line_num", value)
}

// token adds what a part of a prefix looks like. False: it looks like nothing.
func (l *postgresLine) token(token []byte) bool {
	r := &l.record
	if token[0] == '[' && token[len(token)-1] == ']' {
		inner := token[1 : len(token)-1]
		first, second, two := bytes.Cut(inner, []byte("-"))
		switch {
		case string(inner) == "local" || string(inner) == "unknown":
			r.text("connection_from", token)
		case two && isNumber(first) && isNumber(second) && l.process == nil && string(second) != "1":
			l.pid(first)
			l.count(second)
		case two && isNumber(first) && isNumber(second) && !l.counted:
			l.count(first)
		case isNumber(inner) && l.process == nil:
			l.pid(inner)
		case isNumber(inner) && !l.counted:
			l.count(inner)
		case bytes.IndexByte(inner, '=') > 0: // [queryid=7]
			name, value, rest, ok := cutPrefixPair(inner)
			if !ok || len(rest) > 0 {
				return false
			}
			l.pair(name, value)
		case isSession(inner):
			r.text("session_id", inner)
		default:
			return false
		}
		return true
	}
	if token[len(token)-1] == ')' {
		if at := bytes.LastIndexByte(token, '('); at > 0 && isNumber(token[at+1:len(token)-1]) {
			r.text("connection_from", token)
			return true
		}
		return false
	}
	if user, database, ok := bytes.Cut(token, []byte("@")); ok {
		if at := bytes.LastIndexByte(user, ':'); at > 0 && isAddress(user[:at]) { // 10.0.0.1:ada@shop
			r.text("connection_from", user[:at])
			user = user[at+1:]
		}
		if len(user) > 0 {
			r.text("user_name", user)
		}
		if len(database) > 0 {
			r.text("database_name", database)
		}
		return true
	}
	switch {
	case len(token) == 5 && isSQLState(token):
		r.text("sql_state_code", token)
	case isNumber(token) && l.process == nil:
		l.pid(token)
	case isSession(token):
		r.text("session_id", token)
	default:
		return false
	}
	return true
}

// isSession recognises %c: the start of the session and its process, in hexadecimal.
func isSession(token []byte) bool {
	first, second, ok := bytes.Cut(token, []byte("."))
	if !ok || len(first) != 8 || len(second) == 0 || len(second) > 8 {
		return false
	}
	_, a := hexValue(first, len(first))
	_, b := hexValue(second, len(second))
	return a && b
}

// isSQLState recognises 00000 and 42P01, but no process's number.
func isSQLState(token []byte) bool {
	letters := false
	for _, b := range token {
		if letters = letters || b-'A' < 26; !isDigit(b) && b-'A' >= 26 {
			return false
		}
	}
	return isDigit(token[0]) && letters || string(token) == "00000"
}
