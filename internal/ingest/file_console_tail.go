package ingest

import (
	"bytes"

	"github.com/stelehq/stele/internal/event"
)

// What the lines of some layouts have at the end of the message, or after the first line, is
// taken apart here, once the event is whole.

// has reports whether a property of the name is there already. The name needs no escape.
func (r *record) has(name []byte) bool {
	for from := 0; from <= len(r.fields); {
		at := bytes.Index(r.fields[from:], name)
		if at < 0 {
			break
		}
		at += from
		if at >= 2 && r.fields[at-1] == '"' && r.fields[at-2] == ',' && hasPrefix(r.fields[at+len(name):], `":`) {
			return true
		}
		from = at + 1
	}
	return string(name) == "level" && !r.kept && r.level != ""
}

// takePairs moves pairs name=value from the message's end to the properties, if their names
// are new.
func (r *record) takePairs(message []byte) []byte {
	for at := 0; at < len(message); at++ {
		if at > 0 && !isBlank(message[at-1]) || !isWord(message[at]) || isDigit(message[at]) {
			continue
		}
		if !r.pairs(message[at:]) {
			continue
		}
		return bytes.TrimRight(message[:at], " \t,")
	}
	return message
}

// pairs reads a text that is nothing but pairs into properties.
func (r *record) pairs(text []byte) bool {
	before := len(r.fields)
	p := logfmtPairs{line: bytes.TrimRight(text, " \t")}
	for p.next(r) {
		if p.bare || r.has(p.name) {
			r.fields = r.fields[:before]
			return false
		}
		r.member(p.name)
		if !p.quoted && (isNumber(p.value) || string(p.value) == "true" || string(p.value) == "false") {
			r.fields = append(r.fields, p.value...)
		} else {
			r.fields = event.AppendString(r.fields, p.value)
		}
	}
	if p.i < len(p.line) || len(r.fields) == before {
		r.fields = r.fields[:before]
		return false
	}
	return true
}

// takeObject moves the members of a JSON object at the message's end to the properties, if
// their names are new.
func (r *record) takeObject(message []byte) []byte {
	text := bytes.TrimRight(message, " \t")
	if len(text) == 0 || text[len(text)-1] != '}' {
		return message
	}
	var scan objectScan
	for at, tries := 0, 0; at < len(text) && tries < 8; at++ {
		if text[at] != '{' || at > 0 && !isBlank(text[at-1]) {
			continue
		}
		if tries++; scan.scan(text[at:]) == nil && r.members(&scan) {
			return bytes.TrimRight(text[:at], " \t")
		}
	}
	return message
}

// members adds the members of an object, unless one is there already.
func (r *record) members(scan *objectScan) bool {
	for i := range scan.Len() {
		if r.has(scan.RawName(i)) {
			return false
		}
	}
	for i := range scan.Len() {
		r.fields = append(r.fields, ',', '"')
		if hasPrefix(scan.RawName(i), "@") {
			r.fields = append(r.fields, '@')
		}
		r.fields = append(append(r.fields, scan.RawName(i)...), '"', ':')
		r.fields = append(r.fields, scan.Value(i)...)
	}
	return true
}

// openObject takes a message that is one JSON object apart: its members become properties, and
// the message is what it says that it is.
func (e *textEvent) openObject() {
	text := bytes.TrimSpace(e.head)
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' || len(e.more) > 0 {
		return
	}
	var scan objectScan
	r := &e.record
	if scan.scan(text) != nil || scan.Len() == 0 || !r.members(&scan) {
		return
	}
	for _, name := range []string{"message", "msg"} {
		if v, ok := scan.find(name); ok {
			if message, _, ok := stringOf(v, nil); ok && len(message) > 0 {
				e.head = append(e.head[:0], message...)
				break
			}
		}
	}
	for _, name := range []string{"level", "severity", "lvl"} {
		if v, ok := scan.find(name); ok && (r.level == "" || r.kept) {
			if word, _, ok := stringOf(v, nil); ok && event.LevelRank(string(word)) != event.RankUnknown {
				r.level, r.kept = string(word), true
				return
			}
		}
	}
}

func finishPairs(e *textEvent) { e.head = e.record.takePairs(e.head) }

func finishObject(e *textEvent) { e.head = e.record.takeObject(e.head) }

// finishKlog reads what klog's structured calls write: "message" key="value" n=3.
func finishKlog(e *textEvent) {
	text, rest, ok := cutQuoted(e.head)
	if !ok || len(rest) > 0 && !isBlank(rest[0]) {
		return
	}
	if rest = bytes.TrimSpace(rest); len(rest) > 0 && !e.record.pairs(rest) {
		return
	}
	e.head = appendUnescaped(nil, text)
}

// finishMonolog reads the context and the extra members that follow the message: {"a":1} [].
// Laravel writes exceptions into the context, with the line ends of their traces.
func finishMonolog(e *textEvent) {
	if at := bytes.Index(e.head, []byte(` {"exception":"`)); at >= 0 && len(e.more) > 0 {
		more := append([]byte{'\n'}, e.head[at+1:]...)
		e.more, e.trace = append(more, e.more...), true
		e.head = e.head[:at]
		return
	}
	for range 2 {
		e.head = bytes.TrimRight(e.head, " ")
		if rest, ok := bytes.CutSuffix(e.head, []byte(" []")); ok {
			e.head = rest
			continue
		}
		e.head = e.record.takeObject(e.head)
	}
}

// finishKafka reads the logger, which stands after the last line.
func finishKafka(e *textEvent) {
	at := bytes.LastIndexByte(e.more, '\n')
	if at < 0 {
		return
	}
	last := bytes.TrimSpace(e.more[at:])
	if len(last) > 2 && last[0] == '(' && last[len(last)-1] == ')' && isName(last[1:]) && bytes.IndexByte(last, ' ') < 0 {
		e.record.text("logger", last[1:len(last)-1])
		e.more = e.more[:at]
	}
}

// finishJUL reads the second line: LEVEL: message.
func finishJUL(e *textEvent) {
	text := bytes.TrimPrefix(e.more, []byte("\n"))
	level, _, ok := bytes.Cut(text[:min(len(text), 40)], []byte(":"))
	if !ok || len(level) == 0 || bytes.IndexByte(level, ' ') >= 0 || bytes.IndexByte(level, '\n') >= 0 {
		return
	}
	e.record.level = internLevel(level)
	e.splitTrace(bytes.TrimLeft(text[len(level)+1:], " "))
}

// finishMEL reads the lines after the first, which are set in by six blanks.
func finishMEL(e *textEvent) {
	if len(e.more) == 0 {
		return
	}
	lines := bytes.ReplaceAll(e.more, []byte("\n      "), []byte("\n"))
	if len(e.head) > 0 {
		lines = append(append([]byte(nil), e.head...), lines...)
	}
	e.splitTrace(bytes.TrimPrefix(lines, []byte("\n")))
}

// splitTrace makes text the event's message, and of it what follows from the first line of a
// stack trace the exception.
func (e *textEvent) splitTrace(text []byte) {
	text = append([]byte(nil), text...) // it may be a part of more
	for at := 0; at < len(text); {
		end := bytes.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text) - at
		}
		if looksLikeTrace(text[at:at+end]) && at > 0 {
			e.head, e.more, e.trace = append(e.head[:0], text[:at-1]...), append(append(e.more[:0], '\n'), text[at:]...), true
			return
		}
		at += end + 1
	}
	e.head, e.more, e.trace = append(e.head[:0], text...), e.more[:0], false
}

// finishApacheError reads the referer that follows the message.
func finishApacheError(e *textEvent) {
	if at := bytes.LastIndex(e.head, []byte(", referer: ")); at >= 0 {
		e.record.present("referer", e.head[at+len(", referer: "):])
		e.head = e.head[:at]
	}
}

// nginxNames are the names that nginx gives in its error log, and those of its variables.
var nginxNames = map[string]string{
	"client": "remote_addr", "server": "server", "request": "request", "subrequest": "subrequest", "upstream": "upstream",
	"host": "host", "referrer": "referer", "login": "login",
}

// finishNginxError reads what follows the message: , client: 1.2.3.4, server: x, request: "GET / HTTP/1.1".
func finishNginxError(e *textEvent) {
	at := bytes.Index(e.head, []byte(", client: "))
	if at < 0 {
		return
	}
	rest, r := e.head[at:], &e.record
	before := len(r.fields)
	for len(rest) > 0 {
		name, value, ok := bytes.Cut(bytes.TrimPrefix(rest, []byte(", ")), []byte(": "))
		known := nginxNames[string(name)]
		if !ok || known == "" {
			r.fields = r.fields[:before] // it is not as nginx has it
			return
		}
		if text, after, ok := cutQuoted(value); ok {
			value, rest = text, after
		} else if end := bytes.Index(value, []byte(", ")); end >= 0 {
			value, rest = value[:end], value[end:]
		} else {
			rest = nil
		}
		if known == "request" {
			requestFields(value, r)
		} else {
			r.present(known, value)
		}
	}
	e.head = e.head[:at]
}

// finishMySQL gives the levels of MySQL that nobody else has.
func finishMySQL(e *textEvent) {
	r := &e.record
	switch r.level {
	case "Note", "System", "NOTE", "SYSTEM":
		if !r.has([]byte("level_name")) {
			r.text("level", []byte(r.level))
			r.level, r.kept = event.RankInformation.String(), true
		}
	}
}

// parseZap reads what zap writes for people: time, level, logger, place, message and an object,
// with tabs between them, of which logger, place and object may be missing.
func parseZap(line []byte, r *record) bool {
	first, rest, ok := bytes.Cut(line, []byte{'\t'})
	if !ok {
		return false
	}
	if s, ok := r.times.find(first); ok && s.end == len(first) {
		r.clock = s.clock
	} else if instant, ok := parseEpoch(string(first), true); ok {
		r.clock = clockOf(instant)
	} else {
		return false
	}
	level, rest, ok := bytes.Cut(rest, []byte{'\t'})
	if !ok || !isLevelWord(level) && string(level) != "DPANIC" {
		return false
	}
	r.timed, r.level = true, internLevel(level)
	parts := bytes.Count(rest, []byte{'\t'})
	if at := bytes.LastIndexByte(rest, '\t'); at >= 0 && at+1 < len(rest) && rest[at+1] == '{' {
		parts--
	}
	for ; parts > 0; parts-- {
		part, after, _ := bytes.Cut(rest, []byte{'\t'})
		switch {
		case isPlace(part) && !r.has([]byte("source")):
			r.text("source", part)
		case !r.has([]byte("source")) && !r.has([]byte("logger")) && len(part) > 0 && isName(part) && bytes.IndexByte(part, ' ') < 0:
			r.text("logger", part)
		default:
			parts = 0
			continue
		}
		rest = after
	}
	r.message, r.finish = rest, finishObject
	return true
}

// parseRedis reads 1:M 01 Jan 2020 00:00:00.000 * up, and [1] 01 Jan 00:00:00.000 * up of old versions.
func parseRedis(line []byte, r *record) bool {
	first, rest := cutWord(line)
	pid, role, ok := bytes.Cut(first, []byte(":"))
	if !ok {
		if pid, ok = bytes.CutPrefix(first, []byte("[")); ok {
			pid, ok = bytes.CutSuffix(pid, []byte("]"))
		}
	}
	if !ok || len(pid) == 0 || !allDigits(string(pid)) || len(role) > 1 {
		return false
	}
	c := cursor{b: rest}
	r.clock = parseDayMonth(&c)
	if c.bad || !r.clock.valid() || len(rest) < c.i+2 || rest[c.i] != ' ' {
		return false
	}
	mark := rest[c.i+1 : c.i+2]
	switch mark[0] {
	case '.':
		r.level = "Debug"
	case '-':
		r.level = "Verbose"
	case '*':
		r.level = "Information"
	case '#':
		r.level = "Warning"
	default:
		return false
	}
	r.timed, r.kept = true, true
	r.number("pid", pid)
	r.present("role", role)
	r.text("level", mark)
	r.message = bytes.TrimLeft(rest[c.i+2:], " ")
	return true
}

// parsePHP reads PHP's error log: [20-Nov-2026 10:00:00 UTC] PHP Warning:  up in /srv/x.php on line 3.
func parsePHP(line []byte, r *record) bool {
	s, ok := leading(parseDayFirst)(line)
	if !ok || line[0] != '[' {
		return false
	}
	rest, ok := bytes.CutPrefix(line[s.end:], []byte(" PHP "))
	if !ok {
		return false
	}
	word, message, ok := bytes.Cut(rest, []byte(": "))
	if !ok || len(word) > 40 {
		return false
	}
	r.clock, r.timed, r.kept = s.clock, true, true
	switch string(word) {
	case "Fatal error", "Parse error", "Core error", "Compile error":
		r.level = "Fatal"
	case "Warning", "Core warning", "Compile warning", "Deprecated", "User Warning":
		r.level = "Warning"
	case "Notice", "Strict Standards", "User Notice":
		r.level = "Information"
	default:
		r.level = "Error"
	}
	r.text("level", word)
	r.message = bytes.TrimLeft(message, " ")
	if at := bytes.LastIndex(r.message, []byte(" on line ")); at >= 0 {
		from, number := bytes.LastIndex(r.message[:at], []byte(" in ")), r.message[at+len(" on line "):]
		if from >= 0 && len(number) > 0 && allDigits(string(number)) {
			r.room = append(append(append(r.room[:0], r.message[from+len(" in "):at]...), ':'), number...)
			r.text("source", r.room)
			r.message = r.message[:from]
		}
	}
	return true
}
