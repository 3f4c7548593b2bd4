package ingest

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
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
	chronology chronology
	forms      []*lineForm // those that are tried, in this order
	form       *lineForm   // the one that most lines have; nil if none
	stamped    bool        // the first lines of events are told from the others
	undecided  bool        // the sample was too small to say that there are no timestamps
	times      stampFinder
	pattern    *userPattern // what alone tells the first lines; nil: none was given
	limit      int          // bytes of joined lines at which an event is closed
	joins      joining      // which lines continue an event
	indented   bool         // every line has blanks in front, which are no sign

	ahead   record // of the line that begins the next event
	parsed  bool   // ahead is of the line that the reader holds
	laidOut bool   // ahead was read by a form, not by its time alone
	plain   []byte // a line without colours
	pending textEvent
}

// textEvent is an event whose lines are still being gathered.
type textEvent struct {
	open         bool
	begun        bool // by a line that begins an event
	line, offset int64
	stream       string // of its first line
	instant      int64
	dated        bool
	record       record // without message and exception
	head         []byte // the message of the first line
	more         []byte // the other lines, each after a newline
	trace        bool   // one of them looks like a line of a stack trace
	replaced     bool   // one of them is not UTF-8
}

// lineForms is every form, the most particular first.
var lineForms = slices.Concat(
	accessForms,
	logfmtForms,
	ltsvForms,
	mongoForms,
	mysqlSlowForms,
	mysqlGeneralForms,
	syslogForms,
	pgbouncerForms,
	consoleForms,
)

// formsOf lists the forms of some formats.
func formsOf(formats ...FileFormat) (forms []*lineForm) {
	for i := range lineForms {
		if slices.Contains(formats, lineForms[i].format) {
			forms = append(forms, &lineForms[i])
		}
	}
	return forms
}

// fitsForms scores the sample by the lines that the forms of a format recognise.
func fitsForms(format FileFormat) func(*sample) int {
	return func(s *sample) int {
		var times stampFinder
		times.prefer(s)
		c := countForms(formsOf(format), s, times.form)
		switch {
		case c.matched*2 < c.begins || c.matched == 0:
			return 0
		case c.timed:
			return max(1, 80*c.matched/c.begins)
		case c.matched*10 < c.begins*9:
			return 0
		}
		return max(1, 60*c.matched/c.begins)
	}
}

// formCount is how well forms know a sample.
type formCount struct {
	by      []int // lines that each form knows and none before it
	matched int   // lines that a form knows
	begins  int   // lines that seem to begin an event
	timed   bool  // most of those that a form knows have a time
}

// countForms tells how well forms know a sample, most of whose times have the form preferred.
func countForms(forms []*lineForm, s *sample, preferred *stampForm) (c formCount) {
	c.by = make([]int, len(forms))
	times := stampFinder{form: preferred}
	r := record{times: &times}
	var plain []byte
	timed := 0
	for at, line := range s.lines {
		line = withoutColours(line, &plain)
		known := false
		times.on(line)
		for i, form := range forms {
			if form.cannotBegin(line) {
				continue
			}
			if r.reset(); form.parse(line, &r) {
				c.by[i]++
				c.matched++
				known = true
				if r.timed {
					timed++
				}
				break
			}
		}
		if known || timed == 0 && !isBlank(s.raw[at][0]) && !looksLikeTrace(line) {
			c.begins++
		} else if _, ok := times.begins(line); ok {
			c.begins++
		}
	}
	c.timed = timed*2 > c.matched
	return c
}

// openForms opens a text of the forms of one format.
func openForms(format FileFormat) func(*FileOptions, calendar, *sample) (dialect, error) {
	return func(o *FileOptions, c calendar, s *sample) (dialect, error) {
		return newTextDialect(o, c, s, formsOf(format)), nil
	}
}

func openText(o *FileOptions, c calendar, s *sample) (dialect, error) {
	return newTextDialect(o, c, s, nil), nil
}

func newTextDialect(o *FileOptions, c calendar, s *sample, forms []*lineForm) *textDialect {
	d := &textDialect{chronology: chronology{calendar: c}, limit: o.EventBytes / 2, forms: forms}
	d.times.prefer(s)
	count := countForms(forms, s, d.times.form)
	d.times.judge(s, c)
	d.ahead.times = &d.times
	d.indented = isIndented(s)
	most := 0
	for i, n := range count.by {
		if n > most {
			most, d.form = n, forms[i]
		}
	}
	if d.form != nil && isConsole(d.form) {
		// Forms that the sample does not have would see in others' lines what is not there.
		var kept []*lineForm
		for i, n := range count.by {
			if n*50 >= count.matched {
				kept = append(kept, forms[i])
			}
		}
		d.forms = kept
	}
	d.forms = append(slices.Clip(d.forms), besides(d.form)...)
	d.joins = d.joiningOf(s)
	d.stamped = d.times.form != nil || d.form != nil
	d.undecided = !d.stamped && !s.patient && !s.whole
	return d
}

// describe says what the text was taken for.
func (d *textDialect) describe() string {
	switch {
	case d.form != nil:
		return d.form.shown
	case d.times.form != nil:
		return "text with timestamps (" + d.times.form.name + ")"
	case d.stamped:
		return "text with timestamps"
	}
	return "text without timestamps"
}

// parse reads a line as the first of an event into d.ahead. False: it is none.
func (d *textDialect) parse(line []byte) bool {
	r := &d.ahead
	line = withoutColours(trimNULs(line), &d.plain)
	if d.indented {
		line = bytes.TrimLeft(line, " \t")
	}
	if d.parseForms(line, r) {
		d.laidOut = true
		return true
	}
	d.laidOut = false
	r.reset()
	if d.parseStamp(line, r) {
		return true
	}
	d.laidOut = d.stamped && d.pattern == nil && parseAmidst(line, r)
	return d.laidOut
}

// parseForms reads a line that has one of the forms.
func (d *textDialect) parseForms(line []byte, r *record) bool {
	d.times.on(line)
	defer d.times.on(nil)
	for _, form := range d.forms {
		if form.cannotBegin(line) {
			continue
		}
		if r.reset(); form.parse(line, r) {
			return true
		}
	}
	return false
}

// parseStamp reads any line that has a timestamp.
func (d *textDialect) parseStamp(line []byte, r *record) bool {
	if !d.stamped && !d.undecided || d.pattern != nil {
		return false
	}
	s, ok := d.times.begins(line)
	if !ok {
		return false
	}
	d.stamped = true
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
		r.room = append(append(append(r.room[:0], before...), ' '), after...)
		r.message = r.room
	}
	return true
}

func (d *textDialect) clock(line []byte) (clock, bool) {
	ok := d.parse(line) && d.ahead.timed
	return d.ahead.clock, ok
}

func (d *textDialect) clocks() *chronology { return &d.chronology }

func (d *textDialect) first(s *sample) (instant int64, ok bool) {
	return d.chronology.first(s.lines, d.clock)
}

func (d *textDialect) next(f *FileReader) bool {
	p := &d.pending
	for {
		line, ok := f.line()
		if !ok {
			return d.release(f)
		}
		line.text = trimNULs(line.text)
		blank := len(bytes.TrimSpace(line.text)) == 0
		if blank && (!p.open || d.joins == joinNone) {
			f.report.Blank++
			continue
		}
		if hasPrefix(line.text, "--------- beginning of ") && d.form != nil && d.form.format == "android" {
			if f.report.Skipped++; p.open && d.release(f) {
				return true
			}
			continue
		}
		begins := d.parsed || d.parse(line.text) && !d.quoted()
		goesOn := d.stamped && (blank || d.continues(f, line.text))
		if !begins && p.open && goesOn && line.stream == p.stream {
			if len(p.head)+len(p.more)+len(line.text) <= d.limit {
				d.join(line.text)
				f.report.Joined++
				continue
			}
			if blank {
				f.forget()
				f.report.Blank++
				continue
			}
		}
		if p.open {
			f.unread(line)
			d.parsed = begins
			if d.release(f) {
				return true
			}
			continue // it was refused
		}
		if !begins && d.pattern != nil && f.report.Events == 0 {
			f.refuse(line.number, line.offset, fault.New(fault.Invalid, "", "the line does not fit the pattern: %s", d.pattern.stuck(line.text, &d.times)))
			continue
		}
		d.parsed = false
		goesOn = goesOn && !begins && line.stream == p.stream && f.report.Events > 0 // a part of an event that was too long
		d.start(line, begins, goesOn, f.before)
		if !d.stamped && d.release(f) {
			return true
		}
	}
}

// trimNULs drops the NULs with which a crash, or a log that was cut while it was written, fills up the beginning of a line.
func trimNULs(line []byte) []byte { return bytes.TrimLeft(line, "\x00") }

// quoted reports whether the line that was parsed only looks like the first of an event: it
// stands in a stack trace, and its time is of another form than the file's.
func (d *textDialect) quoted() bool {
	if p := &d.pending; d.ahead.second && p.open && len(p.head)+len(p.more) == 0 {
		return true
	}
	return d.pending.open && d.pending.trace && !d.laidOut && d.times.form != nil && d.times.found != d.times.form
}

// start begins an event with a line. before is the time for a line that has none.
func (d *textDialect) start(line fileLine, begins, goesOn bool, before int64) {
	p, r := &d.pending, &d.ahead
	if !begins {
		r.reset()
		r.message = withoutColours(line.text, &d.plain)
		r.level, _ = textLevel(r.message)
		r.kept = true
	}
	fields, finer := append(p.record.fields[:0], r.fields...), p.record.clock.finer
	*p = textEvent{open: true, begun: begins, line: line.number, offset: line.offset, stream: line.stream, head: p.head[:0], more: p.more[:0], replaced: !utf8.Valid(line.text)}
	p.record.level, p.record.kept, p.record.fields, p.record.finish = r.level, r.kept, fields, r.finish
	p.record.clock.finer = append(finer[:0], r.clock.finer...)
	p.head = append(p.head, r.message...)
	if len(r.exception) > 0 {
		p.more, p.trace = append(append(p.more, '\n'), r.exception...), true
	}
	if p.instant, p.dated = before, goesOn; r.timed {
		p.instant, p.dated = event.Instant(d.chronology.time(r.clock)), true
	}
}

// join adds a line that begins no event.
func (d *textDialect) join(line []byte) {
	p := &d.pending
	p.more = append(p.more, '\n')
	p.more = append(p.more, line...)
	p.trace = p.trace || looksLikeTrace(line)
	p.replaced = p.replaced || !utf8.Valid(line)
}

// release emits the event that is being gathered.
func (d *textDialect) release(f *FileReader) bool {
	p := &d.pending
	if !p.open {
		return false
	}
	p.open = false
	p.more = bytes.TrimRight(p.more, " \t\n")
	if p.record.finish != nil {
		p.record.finish(p)
	}
	p.openObject()
	var exception []byte
	switch {
	case p.trace && len(p.more) > 0:
		exception = p.more[1:]
	case len(p.head) == 0 && len(p.more) > 0:
		p.head = append(p.head, p.more[1:]...)
	default:
		p.head = append(p.head, p.more...)
	}
	out := p.record.appendEvent(f.out[:0], p.instant, p.head, exception)
	f.out = out[:0]
	return f.emitReplaced(out, p.line, p.offset, p.instant, p.dated, p.replaced) // by AppendString
}
