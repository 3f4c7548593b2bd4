package ingest

import (
	"bytes"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
)

// textDialect turns lines of text into CLEF events: the leading timestamp becomes @t, the
// level word @l, the rest @m. Lines without a timestamp continue the event before them, as
// @x if they look like a stack trace, else in @m. In files without timestamps every line is
// an event.
//
//	2016-12-19 20:43:21,123 WARN Fetch failed        {"@t":"2016-12-19T20:43:21.1230000Z","@l":"WARN",
//	java.io.IOException: gone                   →     "@m":"Fetch failed",
//		at kafka.Fetch(Fetch.scala:9)                 "@x":"java.io.IOException: gone\n\tat kafka.Fetch(Fetch.scala:9)"}
type textDialect struct {
	calendar  calendar
	stamped   bool       // the text has timestamps
	undecided bool       // the sample was too small to say that it has none
	form      *stampForm // the one that most lines have; nil if unknown
	limit     int        // bytes of joined lines at which an event is closed
	pending   textEvent
}

// textEvent is an event whose lines are still being gathered.
type textEvent struct {
	open         bool
	line, offset int64
	instant      int64
	dated        bool
	level        string
	head         []byte // what follows the timestamp and the level on the first line
	more         []byte // the other lines, each after a newline
	trace        bool   // one of them looks like a line of a stack trace
}

func newTextDialect(c calendar, sample [][]byte, patient bool, limit int) *textDialect {
	d := &textDialect{calendar: c, limit: limit / 2}
	leading, embedded := make([]int, len(stampForms)), make([]int, len(stampForms))
	for _, line := range sample {
		for i, f := range stampForms {
			if _, ok := f.find(line); !ok {
				continue
			}
			if !f.embedded {
				leading[i]++
				break
			}
			embedded[i]++
		}
	}
	best := 0
	for i := range stampForms {
		if leading[i] > best {
			best, d.form = leading[i], &stampForms[i]
		}
	}
	for i := range stampForms {
		if embedded[i] > best && embedded[i]*2 >= len(sample) {
			best, d.form = embedded[i], &stampForms[i]
		}
	}
	d.stamped = d.form != nil
	d.undecided = !d.stamped && !patient
	return d
}

// describe says what the text was taken for.
func (d *textDialect) describe() string {
	switch {
	case d.form != nil:
		return "text with timestamps (" + d.form.name + ")"
	case d.stamped:
		return "text with timestamps"
	}
	return "text without timestamps"
}

// find looks for the timestamp that makes a line the first of an event.
func (d *textDialect) find(line []byte) (stamp, bool) {
	if !d.stamped && !d.undecided {
		return stamp{}, false
	}
	if d.form != nil {
		if s, ok := d.form.find(line); ok {
			return s, true
		}
	}
	for i := range stampForms {
		f := &stampForms[i]
		if f.embedded || f == d.form {
			continue
		}
		if s, ok := f.find(line); ok {
			d.stamped = true
			return s, true
		}
	}
	return stamp{}, false
}

// first returns the first time in the sample, for the lines before it.
func (d *textDialect) first(sample [][]byte) (instant int64, ok bool) {
	for _, line := range sample {
		if s, ok := d.find(line); ok {
			return instantOf(d.calendar.time(s.clock)), true
		}
	}
	return 0, false
}

// begins reports whether a line begins an event, so that the pending one is to be taken
// before start gets the line; else the line is to be joined.
func (d *textDialect) begins(line []byte) (stamp, bool) {
	s, ok := d.find(line)
	p := &d.pending
	switch {
	case ok, !d.stamped, !p.open:
		return s, true
	case len(p.head)+len(p.more)+len(line) > d.limit && len(bytes.TrimSpace(line)) > 0:
		return stamp{goesOn: true}, true // too long: what follows is an event of its own at the same time
	}
	return s, false
}

// start begins an event with a line. before is the time for a line that has none.
func (d *textDialect) start(line fileLine, s stamp, before int64) {
	p := &d.pending
	*p = textEvent{open: true, line: line.number, offset: line.offset, head: p.head[:0], more: p.more[:0]}
	rest := line.text
	if s.end == 0 {
		p.instant, p.dated = before, s.goesOn
		p.level, _ = textLevel(rest)
		p.head = append(p.head, rest...)
		return
	}
	p.dated = true
	p.instant = instantOf(d.calendar.time(s.clock))
	p.level = s.level
	after := rest[s.end:]
	switch {
	case p.level != "":
		after = trimSeparators(after)
	case s.start > 0:
		p.level, _ = textLevel(after) // the level stays: it is not between time and message
	default:
		p.level, after = textLevel(after)
	}
	p.head = append(p.head, bytes.TrimRight(rest[:s.start], " \t")...)
	if after = bytes.TrimLeft(after, " \t"); len(p.head) > 0 && len(after) > 0 {
		p.head = append(p.head, ' ')
	}
	p.head = append(p.head, after...)
}

// join adds a line that begins no event.
func (d *textDialect) join(line []byte) {
	p := &d.pending
	p.more = append(p.more, '\n')
	p.more = append(p.more, line...)
	p.trace = p.trace || looksLikeTrace(line)
}

// take appends the CLEF of the pending event and closes it. replaced says that bytes which
// are not UTF-8 were replaced by U+FFFD.
func (d *textDialect) take(dst []byte) (out []byte, replaced bool) {
	p := &d.pending
	p.open = false
	more := bytes.TrimRight(p.more, " \t\n")
	replaced = !utf8.Valid(p.head) || !utf8.Valid(more) // by AppendString
	dst = append(dst, `{"@t":"`...)
	dst = event.AppendTime(dst, p.instant)
	dst = append(dst, '"')
	if p.level != "" {
		dst = appendField(dst, 0, "@l", p.level)
	}
	dst = append(dst, `,"@m":`...)
	if p.trace || len(more) == 0 {
		dst = event.AppendString(dst, p.head)
	} else {
		p.head = append(p.head, more...)
		dst = event.AppendString(dst, p.head)
	}
	if p.trace && len(more) > 0 {
		dst = append(dst, `,"@x":`...)
		dst = event.AppendString(dst, more[1:])
	}
	return append(dst, '}'), replaced
}

// traceMarks begin lines of the stack traces of Java, .NET, JavaScript, Python, Go and Ruby,
// after blanks have been taken away.
var traceMarks = [][]byte{
	[]byte("at "), []byte("Caused by: "), []byte("Suppressed: "), []byte("Traceback (most recent call last)"),
	[]byte("File \""), []byte("goroutine "), []byte("panic: "), []byte("--- End of "), []byte("---> "),
}

// looksLikeTrace recognises one line of a stack trace, or the line that names the exception.
func looksLikeTrace(line []byte) bool {
	text := bytes.TrimLeft(line, " \t")
	for i, mark := range traceMarks {
		if bytes.HasPrefix(text, mark) && (i > 0 || len(text) < len(line)) {
			return true
		}
	}
	// org.example.SomeException: why
	name, _, _ := bytes.Cut(text[:min(len(text), 200)], []byte(":"))
	return bytes.IndexByte(name, ' ') < 0 && (bytes.HasSuffix(name, []byte("Exception")) || bytes.HasSuffix(name, []byte("Error")))
}
