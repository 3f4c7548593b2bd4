package ingest

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// textDialect turns lines of text into CLEF events. A line form takes the first line of an
// event apart, or, if no form fits, the leading timestamp becomes @t, the level word @l, the
// rest @m. Other lines continue the event before them, as @x if they look like a stack trace,
// else in @m. In files without timestamps every line is an event.
//
//	2016-12-19 20:43:21,123 WARN Fetch failed        {"@t":"2016-12-19T20:43:21.1230000Z","@l":"Warning",
//	java.io.IOException: gone                   →     "@m":"Fetch failed",
//		at kafka.Fetch(Fetch.scala:9)                 "@x":"java.io.IOException: gone\n\tat kafka.Fetch(Fetch.scala:9)",
//	                                                  "level":"WARN"}
type textDialect struct {
	calendar  calendar
	forms     []lineForm // those that may be tried
	form      *lineForm  // the one that most lines have; nil if none
	stamped   bool       // the text has timestamps
	undecided bool       // the sample was too small to say that it has none
	stampForm *stampForm // the one that most lines have; nil if unknown
	limit     int        // bytes of joined lines at which an event is closed

	ahead   record // of the line that begins the next event
	parsed  bool   // ahead is of the line that the reader holds
	pending textEvent
}

// textEvent is an event whose lines are still being gathered.
type textEvent struct {
	open         bool
	line, offset int64
	instant      int64
	dated        bool
	record       record // without message and exception
	head         []byte // the message of the first line
	more         []byte // the other lines, each after a newline
	trace        bool   // one of them looks like a line of a stack trace
}

// lineForms is every form, the most particular first.
var lineForms = slices.Concat(
	accessForms,
	logfmtForms,
	mongoForms,
)

// fitsForms scores the sample by the lines that one of the forms of a format recognises.
func fitsForms(format FileFormat) func(*sample) int {
	return func(s *sample) int {
		most := 0
		for i := range lineForms {
			if lineForms[i].format == format {
				most = max(most, countForm(&lineForms[i], s))
			}
		}
		if most*2 < len(s.lines) {
			return 0
		}
		return s.share(most, 80)
	}
}

func countForm(form *lineForm, s *sample) (n int) {
	var r record
	for _, line := range s.lines {
		if r.reset(); form.parse(line, &r) {
			n++
		}
	}
	return n
}

// openForms opens a text of the forms of one format.
func openForms(format FileFormat) func(*FileOptions, calendar, *sample) (dialect, error) {
	return func(o *FileOptions, c calendar, s *sample) (dialect, error) {
		var forms []lineForm
		for _, form := range lineForms {
			if form.format == format {
				forms = append(forms, form)
			}
		}
		return newTextDialect(o, c, s, forms), nil
	}
}

func openText(o *FileOptions, c calendar, s *sample) (dialect, error) {
	return newTextDialect(o, c, s, nil), nil
}

func newTextDialect(o *FileOptions, c calendar, s *sample, forms []lineForm) *textDialect {
	d := &textDialect{calendar: c, limit: o.EventBytes / 2, forms: forms}
	most := 0
	for i := range forms {
		if n := countForm(&forms[i], s); n > most {
			most, d.form = n, &forms[i]
		}
	}
	leading, embedded := make([]int, len(stampForms)), make([]int, len(stampForms))
	for _, line := range s.lines {
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
			best, d.stampForm = leading[i], &stampForms[i]
		}
	}
	for i := range stampForms {
		if embedded[i] > best && embedded[i]*2 >= len(s.lines) {
			best, d.stampForm = embedded[i], &stampForms[i]
		}
	}
	d.stamped = d.stampForm != nil || d.form != nil
	d.undecided = !d.stamped && !s.patient && !s.whole
	return d
}

// describe says what the text was taken for.
func (d *textDialect) describe() string {
	switch {
	case d.form != nil:
		return d.form.shown
	case d.stampForm != nil:
		return "text with timestamps (" + d.stampForm.name + ")"
	case d.stamped:
		return "text with timestamps"
	}
	return "text without timestamps"
}

// parse reads a line as the first of an event into d.ahead. False: it is none.
func (d *textDialect) parse(line []byte) bool {
	r := &d.ahead
	if r.reset(); d.form != nil && d.form.parse(line, r) {
		return true
	}
	for i := range d.forms {
		if r.reset(); &d.forms[i] != d.form && d.forms[i].parse(line, r) {
			return true
		}
	}
	r.reset()
	return d.parseStamp(line, r)
}

// parseStamp reads any line that has a timestamp.
func (d *textDialect) parseStamp(line []byte, r *record) bool {
	s, ok := d.findStamp(line)
	if !ok {
		return false
	}
	r.clock, r.timed = s.clock, true
	r.level = s.level
	after := line[s.end:]
	switch {
	case r.level != "":
		after = trimSeparators(after)
	case s.start > 0:
		r.level, _ = textLevel(after) // the level stays: it is not between time and message
		r.kept = true
	default:
		whole := after
		r.level, after = textLevel(after)
		r.kept = len(after) == len(trimSeparators(whole))
	}
	before := bytes.TrimRight(line[:s.start], " \t")
	after = bytes.TrimLeft(after, " \t")
	if r.message = after; len(before) > 0 {
		r.message = append(append([]byte(nil), before...), ' ')
		r.message = append(r.message, after...)
	}
	return true
}

// findStamp looks for the timestamp that makes a line the first of an event.
func (d *textDialect) findStamp(line []byte) (stamp, bool) {
	if !d.stamped && !d.undecided {
		return stamp{}, false
	}
	if d.stampForm != nil {
		if s, ok := d.stampForm.find(line); ok {
			return s, true
		}
	}
	for i := range stampForms {
		f := &stampForms[i]
		if f.embedded || f == d.stampForm {
			continue
		}
		if s, ok := f.find(line); ok {
			d.stamped = true
			return s, true
		}
	}
	return stamp{}, false
}

func (d *textDialect) first(s *sample) (instant int64, ok bool) {
	for _, line := range s.lines {
		if d.parse(line) && d.ahead.timed {
			return instantOf(d.calendar.time(d.ahead.clock)), true
		}
	}
	return 0, false
}

func (d *textDialect) next(f *FileReader) bool {
	p := &d.pending
	for {
		line, ok := f.line()
		if !ok {
			return d.release(f)
		}
		blank := len(bytes.TrimSpace(line.text)) == 0
		if blank && !p.open {
			f.report.Blank++
			continue
		}
		begins := d.parsed || d.parse(line.text)
		if !begins && p.open && d.stamped && (blank || len(p.head)+len(p.more)+len(line.text) <= d.limit) {
			d.join(line.text)
			f.report.Joined++
			continue
		}
		if p.open {
			f.unread(line)
			d.parsed = begins
			if d.release(f) {
				return true
			}
			continue // it was refused
		}
		d.parsed = false
		goesOn := !begins && d.stamped && f.report.Events > 0 // a part of an event that was too long
		d.start(line, begins, goesOn, f.before)
		if !d.stamped && d.release(f) {
			return true
		}
	}
}

// start begins an event with a line. before is the time for a line that has none.
func (d *textDialect) start(line fileLine, begins, goesOn bool, before int64) {
	p, r := &d.pending, &d.ahead
	if !begins {
		r.reset()
		r.level, _ = textLevel(line.text)
		r.kept, r.message = true, line.text
	}
	fields := append(p.record.fields[:0], r.fields...)
	*p = textEvent{open: true, line: line.number, offset: line.offset, head: p.head[:0], more: p.more[:0]}
	p.record.level, p.record.kept, p.record.fields = r.level, r.kept, fields
	p.head = append(p.head, r.message...)
	if len(r.exception) > 0 {
		p.more, p.trace = append(append(p.more, '\n'), r.exception...), true
	}
	if p.instant, p.dated = before, goesOn; r.timed {
		p.instant, p.dated = instantOf(d.calendar.time(r.clock)), true
	}
}

// join adds a line that begins no event.
func (d *textDialect) join(line []byte) {
	p := &d.pending
	p.more = append(p.more, '\n')
	p.more = append(p.more, line...)
	p.trace = p.trace || looksLikeTrace(line)
}

// release emits the event that is being gathered.
func (d *textDialect) release(f *FileReader) bool {
	p := &d.pending
	if !p.open {
		return false
	}
	p.open = false
	more := bytes.TrimRight(p.more, " \t\n")
	replaced := !utf8.Valid(p.head) || !utf8.Valid(more) // by AppendString
	if p.trace && len(more) > 0 {
		more = more[1:]
	} else {
		p.head, more = append(p.head, more...), nil
	}
	out := p.record.appendEvent(f.out[:0], p.instant, p.head, more)
	f.out = out[:0]
	if !f.emit(out, p.line, p.offset, p.instant, p.dated) {
		return false
	}
	if replaced {
		f.report.Replaced++
	}
	return true
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
