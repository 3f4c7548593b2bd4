package ingest

import (
	"bytes"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
)

// Lines of logfmt: pairs of a name and a value with blanks between them, as Go kit, logrus, slog,
// Heroku and others write it; bare, or after a timestamp, with a level or syslog's host and
// program behind it, or after the name that Docker Compose puts in front.
//
//	ts=2026-11-20T10:00:00Z level=info msg="up \"and\" ready" took=1.50 cached user=
//	 {"@t":"2026-11-20T10:00:00.0000000Z","@l":"Information","@m":"up \"and\" ready",
//	  "ts":"2026-11-20T10:00:00Z","level":"info","msg":"up \"and\" ready","took":1.50,"cached":true,"user":""}
//
// All members are kept in their order, duplicates too. Unquoted, what is a number in JSON is that
// number, true and false are what they say; a name alone is true. Everything else is text.

var logfmtForms = []lineForm{
	{"logfmt", "logfmt", `level=info msg="a message" n=1`, parseLogfmtLine, nil},
	{"logfmt", "logfmt after a timestamp", `2026-11-20T10:00:00Z app[7]: level=info msg="a message" n=1`, parseStampedLogfmt, nil},
}

// fitsLogfmt asks for more than the form does: files of settings have one pair a line.
func fitsLogfmt(s *sample) int {
	n := 0
	var r record
	for _, line := range s.lines {
		r.reset()
		ok := parseLogfmtLine(line, &r)
		if !ok {
			r.reset()
			ok = parseStampedLogfmt(line, &r)
		}
		if ok && (r.level != "" || r.timed || bytes.Count(line, []byte("=")) > 1) {
			n++
		}
	}
	if n*2 < len(s.lines) {
		return 0
	}
	return s.share(n, 80)
}

func parseLogfmtLine(line []byte, r *record) bool {
	return parseLogfmt(line, r, false)
}

// parseLogfmt reads pairs, and nothing but pairs, into properties, the time, the level and the message.
// Of times only those count that are surely the event's if there is another in front of the pairs.
// A line without a message is its own.
func parseLogfmt(line []byte, r *record, stamped bool) bool {
	line = bytes.TrimRight(line, " \t\r")
	if len(line) == 0 || isBlank(line[0]) {
		return false // it continues another
	}
	p := logfmtPairs{line: line}
	best := [messageRole + 1]uint8{timeRole: 255, levelRole: 255, messageRole: 255}
	known := false
	pairs, bare := 0, 0
	for p.next(r) {
		if p.bare {
			bare++
		} else {
			pairs++
		}
		role := roleOf(p.name)
		if role.kind == timeRole || role.kind == messageRole {
			p.widen(role.kind)
		}
		r.member(p.name)
		switch {
		case p.bare:
			r.fields = append(r.fields, "true"...)
			continue
		case !p.quoted && (isNumber(p.value) || string(p.value) == "true" || string(p.value) == "false"):
			r.fields = append(r.fields, p.value...)
		default:
			r.fields = event.AppendString(r.fields, p.value)
		}
		if role.kind == noRole || role.rank > best[role.kind] || role.kind == timeRole && stamped && !surelyTime(p.name) {
			continue
		}
		if seconds, ok := bytes.CutPrefix(p.value, []byte("audit(")); ok && role.kind == messageRole { // Linux' audit
			if found, ok := findUnix(seconds); ok {
				r.clock, r.timed, known = found.clock, true, true
			}
			continue
		}
		if r.play(role.kind, p.value) {
			best[role.kind], known = role.rank, true
		}
	}
	if p.i < len(line) || bare*2 > pairs || pairs < 2 && !known {
		return false
	}
	if r.message == nil {
		r.message = line
	}
	return true
}

// surelyTime recognises the names that loggers themselves give to the time of a line.
func surelyTime(name []byte) bool {
	switch string(name) {
	case "ts", "t", "time", "timestamp", "@timestamp":
		return true
	}
	return false
}

// logfmtPairs walks over the pairs of a line.
type logfmtPairs struct {
	line        []byte
	i           int // where the next pair begins; before the line's end if that is none
	name, value []byte
	bare        bool // a name without a value
	quoted      bool
}

// logfmtName tells the bytes of names: those of words, and what joins words.
var logfmtName = byteSet("_-./@:$#%+*[]()ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")

// byteSet makes a table of the bytes of a text, and of all that are not ASCII.
func byteSet(text string) (set [256]bool) {
	for b := utf8.RuneSelf; b < len(set); b++ {
		set[b] = true
	}
	for i := range len(text) {
		set[text[i]] = true
	}
	return set
}

// next reads a pair. The first is no name alone, and its name begins like a name.
func (p *logfmtPairs) next(r *record) bool {
	line, i := p.line, p.i
	for i < len(line) && isBlank(line[i]) {
		i++
	}
	from := i
	for i < len(line) && logfmtName[line[i]] {
		i++
	}
	p.name, p.value, p.bare, p.quoted = line[from:i], nil, i == len(line) || isBlank(line[i]), false
	first := p.i == 0
	if len(p.name) == 0 || first && (p.bare || !isWord(p.name[0]) && p.name[0] != '@' || isDigit(p.name[0])) || !p.bare && line[i] != '=' {
		return false
	}
	if p.bare {
		p.i = i
		return true
	}
	i++
	if i < len(line) && (line[i] == '"' || line[i] == '\'') {
		if text, next, ok := unquoteLogfmt(line, i, r); ok {
			p.value, p.quoted, p.i = text, true, next
			return true
		}
	}
	from = i
	for i < len(line) && !isBlank(line[i]) {
		i++
	}
	p.value, p.i = line[from:i], i
	return true
}

// widen takes the words that follow an unquoted message, up to the next pair, as parts of it,
// and the time of day that follows an unquoted date.
func (p *logfmtPairs) widen(kind roleKind) {
	for !p.quoted && !p.bare && p.i < len(p.line) {
		i := p.i
		for i < len(p.line) && isBlank(p.line[i]) {
			i++
		}
		from, name := i, true
		for i < len(p.line) && !isBlank(p.line[i]) {
			if p.line[i] == '=' && name && i > from {
				return
			}
			name = name && logfmtName[p.line[i]]
			i++
		}
		if kind == timeRole && (i == from || !isDigit(p.line[from])) {
			return
		}
		p.value = p.line[p.i-len(p.value) : i]
		p.i = i
	}
}

// unquoteLogfmt reads the quoted text that begins at i, with the escapes of JSON and Go; what
// is no escape stays. A text that a cut line does not close ends with the line. False: it is no
// quoted text, for more than a blank follows, or what is open is a single quotation mark.
func unquoteLogfmt(line []byte, i int, r *record) (text []byte, next int, ok bool) {
	quote := line[i]
	i++
	from, plain := i, true
	for i < len(line) && line[i] != quote {
		if line[i] == '\\' {
			plain = false
			i++
		}
		i++
	}
	if i >= len(line) {
		if quote == '\'' {
			return nil, 0, false
		}
		i = len(line)
	} else if i+1 < len(line) && !isBlank(line[i+1]) {
		return nil, 0, false
	}
	text, next = line[from:i], min(i+1, len(line))
	if !plain {
		at := len(r.room)
		r.room = appendUnescaped(r.room, text)
		text = r.room[at:]
	}
	return text, next, true
}

// appendUnescaped appends a text without its escapes, those of JSON and of Go.
func appendUnescaped(dst, text []byte) []byte {
	for {
		at := bytes.IndexByte(text, '\\')
		if at < 0 || at+1 >= len(text) {
			return append(dst, text...)
		}
		dst = append(dst, text[:at]...)
		text = text[at+1:]
		size := 1
		switch text[0] {
		case '"', '\'', '\\', '/':
			dst = append(dst, text[0])
		case 'n':
			dst = append(dst, '\n')
		case 't':
			dst = append(dst, '\t')
		case 'r':
			dst = append(dst, '\r')
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'a':
			dst = append(dst, '\a')
		case 'v':
			dst = append(dst, '\v')
		case 'x':
			if v, ok := hexValue(text[1:], 2); ok {
				dst, size = append(dst, byte(v)), 3
			} else {
				dst = append(dst, '\\', 'x')
			}
		case 'u', 'U':
			digits := 4
			if text[0] == 'U' {
				digits = 8
			}
			v, ok := hexValue(text[1:], digits)
			if !ok {
				dst = append(dst, '\\', text[0])
				break
			}
			size = 1 + digits
			if v>>10 == 0xD800>>10 && len(text) > size+1 && text[size] == '\\' && text[size+1] == 'u' {
				if low, ok := hexValue(text[size+2:], 4); ok && low>>10 == 0xDC00>>10 {
					v, size = 0x10000+(v-0xD800)<<10+(low-0xDC00), size+6
				}
			}
			dst = utf8.AppendRune(dst, rune(min(v, utf8.MaxRune+1)))
		default:
			dst = append(dst, '\\', text[0])
		}
		text = text[size:]
	}
}

func hexValue(text []byte, digits int) (v uint32, ok bool) {
	if len(text) < digits {
		return 0, false
	}
	for _, b := range text[:digits] {
		switch {
		case isDigit(b):
			v = v<<4 | uint32(b-'0')
		case b|0x20 >= 'a' && b|0x20 <= 'f':
			v = v<<4 | uint32(b|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// parseStampedLogfmt reads pairs after a timestamp, a level, a host and a program in the way of
// syslog, or Docker Compose's name of a service. What is in front of the pairs counts where these say nothing.
func parseStampedLogfmt(line []byte, r *record) bool {
	equals := bytes.IndexByte(line[:min(len(line), 512)], '=')
	if equals < 0 {
		return false
	}
	from := bytes.LastIndexAny(line[:equals], " \t") + 1
	front := line[:from]
	if len(bytes.TrimSpace(front)) == 0 {
		return false
	}
	stampEnd := 0
	var k clock
	for i := range stampForms {
		if f := &stampForms[i]; !f.embedded {
			if s, ok := f.find(front); ok {
				k, stampEnd, r.level = s.clock, s.end, s.level
				break
			}
		}
	}
	header := bytes.TrimSpace(front[stampEnd:])
	if len(header) > 0 && !frontOfLogfmt(header, stampEnd > 0, r) {
		return false
	}
	level := r.level
	if r.level = ""; !parseLogfmt(line[from:], r, stampEnd > 0) {
		return false
	}
	differs := stampEnd > 0 && r.timed
	if stampEnd > 0 && !r.timed {
		r.clock, r.timed = k, true
	}
	if r.level == "" {
		r.level = level
	} else {
		differs = differs || level != "" && event.NormalizeLevel(level) != r.level
	}
	if differs {
		r.present("prefix", bytes.TrimSpace(front))
	}
	return true
}

// frontOfLogfmt reads what is between a timestamp and pairs.
func frontOfLogfmt(header []byte, stamped bool, r *record) bool {
	if name, ok := bytes.CutSuffix(header, []byte("|")); ok && !stamped {
		if name = bytes.TrimRight(name, " "); len(name) == 0 || bytes.IndexByte(name, ' ') >= 0 {
			return false
		}
		r.text("app", name)
		return true
	}
	if !stamped {
		return false
	}
	if level, after, marked := leadingLevel(header); marked && len(trimSeparators(after)) == 0 {
		r.level = level
		return true
	}
	header, ok := bytes.CutSuffix(header, []byte(":"))
	if !ok {
		return false
	}
	app := header
	if at := bytes.IndexByte(header, ' '); at >= 0 {
		r.text("host", header[:at])
		app = bytes.TrimLeft(header[at:], " ")
	}
	if bytes.IndexByte(app, ' ') >= 0 || len(app) == 0 {
		return false
	}
	if at := bytes.IndexByte(app, '['); at > 0 && app[len(app)-1] == ']' {
		r.text("app", app[:at])
		if pid := app[at+1 : len(app)-1]; isNumber(pid) {
			r.number("pid", pid)
		} else {
			r.present("process", pid) // Heroku: app[web.1]
		}
		return true
	}
	r.text("app", app)
	return true
}
