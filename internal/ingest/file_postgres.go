package ingest

import (
	"bytes"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
)

// postgresDialect reads what PostgreSQL writes to stderr, with any usual log_line_prefix, and to
// syslog (postgresql.org, "Error Reporting and Logging"). A record's DETAIL, HINT, STATEMENT and
// the like, which come as records of their own, become properties of it:
//
//	2026-11-20 10:00:00.123 UTC [4913] ada@shop ERROR:  relation "x" does not exist at character 15
//	2026-11-20 10:00:00.123 UTC [4913] ada@shop STATEMENT:  SELECT *
//		FROM x
//	 {"@t":"2026-11-20T10:00:00.1230000Z","@l":"Error","@m":"relation \"x\" does not exist at character 15",
//	  "error_severity":"ERROR","process_id":4913,"user_name":"ada","database_name":"shop","statement":"SELECT *\nFROM x"}
//
// In syslog a record comes in parts with the same number, between which may be parts of other processes:
//
//	Nov 20 10:00:00 db-1 postgres[4913]: [7-1] ERROR:  …
//	Nov 20 10:00:00 db-1 postgres[4913]: [7-2] STATEMENT:  SELECT *
//	Nov 20 10:00:00 db-1 postgres[4913]: [7-3] #011FROM x
type postgresDialect struct {
	chronology chronology
	syslog     bool // as judged by the sample
	limit      int  // bytes of joined lines at which an event is closed
	line       postgresLine

	// Events whose parts may still come, in the order of their first lines: open[oldest], ….
	open   [postgresOpen]postgresEvent
	oldest int
	count  int
}

// postgresOpen is how many records are gathered at a time, each of another process.
const postgresOpen = 16

// postgresEvent is an event whose lines are being gathered.
type postgresEvent struct {
	line, offset int64
	instant      int64
	dated        bool
	closed       bool   // nothing more belongs to it
	process      []byte // by which its other parts are known
	source       []byte // by which they are known in syslog,
	number       []byte // with this
	record       record // without the message
	message      []byte
	follow       []byte // DETAIL and the like, as members
	part         string // the name of the one that is being gathered; empty: none
	text         []byte // of it
	bytes        int
	replaced     bool
}

func fitsPostgres(s *sample) int {
	if isPostgresCSV(s) {
		return 95
	}
	var line postgresLine
	records, others, sure := 0, 0, false
	for i, text := range s.lines {
		switch {
		case line.parse(text):
			records++
			sure = sure || line.number != nil || line.part != "" || line.severity == "LOG" ||
				!line.loose && (line.severity == "FATAL" || line.severity == "PANIC" || line.process != nil)
		case line.number == nil && !isBlank(s.raw[i][0]): // else it goes on with a record
			others++
		}
	}
	if !sure || records == 0 || others > 3*records {
		return 0
	}
	return 90
}

func openPostgres(o *FileOptions, c calendar, s *sample) (dialect, error) {
	if isPostgresCSV(s) {
		return newPostgresCSV(o, c), nil
	}
	d := &postgresDialect{chronology: chronology{calendar: c}, limit: o.EventBytes / 2}
	for _, text := range s.lines {
		if d.line.parse(text); d.line.number != nil {
			d.syslog = true
		}
	}
	return d, nil
}

func (d *postgresDialect) describe() string {
	if d.syslog {
		return "PostgreSQL log (syslog)"
	}
	return "PostgreSQL log"
}

func (d *postgresDialect) next(f *FileReader) bool {
	for {
		if d.count > 0 && (d.open[d.oldest].closed || d.count == postgresOpen) {
			if d.release(f) {
				return true
			}
			continue
		}
		line, ok := f.line()
		if !ok {
			if d.count == 0 {
				return false
			}
			d.open[d.oldest].closed = true
			continue
		}
		l := &d.line
		record := l.parse(line.text)
		blank := !record && len(bytes.TrimSpace(line.text)) == 0
		if e := d.owner(record); e != nil && e.bytes+len(line.text) <= d.limit {
			e.add(l, line.text, record)
			e.bytes++ // its end
			f.report.Joined++
			continue
		}
		if blank {
			f.report.Blank++
			continue
		}
		d.start(line, f.before)
	}
}

// owner returns the event that d.line is a part of, nil if it begins one. It closes the events that
// get no more parts for its sake.
func (d *postgresDialect) owner(record bool) *postgresEvent {
	l := &d.line
	for i := d.count - 1; i >= 0; i-- {
		e := &d.open[(d.oldest+i)%postgresOpen]
		if l.number == nil { // not by syslog: it belongs to the event before or to none
			last := i == d.count-1
			belongs := last && !e.closed && (!record && !l.record.timed || l.part != "" && bytes.Equal(e.process, l.process))
			if !belongs && record {
				e.closed = true
			}
			if belongs {
				return e
			}
			continue
		}
		if !bytes.Equal(e.source, l.source) || e.closed {
			continue
		}
		if bytes.Equal(e.number, l.number) && !l.begins || l.part != "" {
			return e
		}
		e.closed = true
		return nil
	}
	return nil
}

// start begins an event with a line, of which d.line knows the parts.
func (d *postgresDialect) start(line fileLine, before int64) {
	l := &d.line
	e := &d.open[(d.oldest+d.count)%postgresOpen]
	d.count++
	if d.count > 1 {
		before = d.open[(d.oldest+d.count-2)%postgresOpen].instant
	}
	r := &e.record
	r.reset()
	*e = postgresEvent{
		line: line.number, offset: line.offset, instant: before, record: *r,
		process: append(e.process[:0], l.process...), source: append(e.source[:0], l.source...), number: append(e.number[:0], l.number...),
		message: append(e.message[:0], l.text...), follow: e.follow[:0], text: e.text[:0], bytes: len(line.text),
		replaced: !utf8.Valid(line.text),
	}
	if l.record.timed {
		e.instant, e.dated = event.Instant(d.chronology.time(l.record.clock)), true
	}
	severity := l.severity
	if e.record.fields = e.record.fields[:0]; l.part != "" { // alone, its record is elsewhere
		severity = l.word
	}
	e.record.level, e.record.kept = postgresLevel(severity), true
	if severity != "" {
		e.record.name("error_severity")
		e.record.fields = event.AppendText(e.record.fields, severity)
	}
	e.record.fields = append(e.record.fields, l.record.fields...)
	if ms := postgresDuration(l.text); ms != nil {
		e.record.number("duration_ms", ms)
	}
}

// add joins a line to the event.
func (e *postgresEvent) add(l *postgresLine, line []byte, record bool) {
	e.bytes += len(line)
	e.replaced = e.replaced || !utf8.Valid(line)
	if record && l.part != "" {
		e.flush()
		e.differ(l)
		e.part = l.part
		e.text = append(e.text[:0], l.text...)
		return
	}
	text := line
	if l.number != nil { // what looks like a record in it is text: by its number it is no record's first part
		text = l.whole
	}
	to := &e.message
	if e.part != "" {
		to = &e.text
	}
	// A tab marks a line of the text itself. Syslog's parts go on where the one before was cut.
	rest, tab := bytes.CutPrefix(text, []byte("\t"))
	if tab || l.number == nil {
		*to = append(*to, '\n')
	}
	*to = append(*to, rest...)
}

// differ keeps what the prefix of a DETAIL or the like says other than that of its record; the number of a
// line in its session always differs.
func (e *postgresEvent) differ(l *postgresLine) {
	fields := l.record.fields
	for i := 1; i < len(fields); {
		end := event.StringEnd(fields, i)
		after := event.ValueEnd(fields, end+1)
		name := fields[i+1 : end-1]
		if string(name) != "session_line_num" && !hasMember(e.record.fields, fields[i-1:after]) {
			e.follow = append(append(append(e.follow, `,"`...), l.part...), '_')
			e.follow = append(e.follow, fields[i+1:after]...)
		}
		i = after + 1
	}
}

// hasMember reports whether a member, with the comma before it, is among others.
func hasMember(members, member []byte) bool {
	for len(members) > 0 {
		at := bytes.Index(members, member)
		if at < 0 {
			return false
		}
		if members = members[at+len(member):]; len(members) == 0 || members[0] == ',' {
			return true
		}
	}
	return false
}

// flush makes a member of the DETAIL or the like that was gathered.
func (e *postgresEvent) flush() {
	if e.part != "" {
		e.follow = append(append(append(e.follow, `,"`...), e.part...), `":`...)
		e.follow = event.AppendString(e.follow, bytes.TrimRight(e.text, "\n"))
		e.part = ""
	}
}

// release emits the first of the events that are being gathered.
func (d *postgresDialect) release(f *FileReader) bool {
	if d.count == 0 {
		return false
	}
	e := &d.open[d.oldest]
	d.oldest = (d.oldest + 1) % postgresOpen
	d.count--
	e.flush()
	e.record.fields = append(e.record.fields, e.follow...)
	out := e.record.appendEvent(f.out[:0], e.instant, bytes.TrimRight(e.message, "\n"), nil)
	f.out = out[:0]
	return f.emitReplaced(out, e.line, e.offset, e.instant, e.dated, e.replaced)
}

func (d *postgresDialect) clock(line []byte) (clock, bool) {
	d.line.parse(line)
	return d.line.record.clock, d.line.record.timed
}

func (d *postgresDialect) clocks() *chronology { return &d.chronology }

func (d *postgresDialect) first(s *sample) (instant int64, ok bool) {
	return d.chronology.first(s.lines, d.clock)
}

// postgresLevel names the level of a severity.
func postgresLevel(severity string) string {
	switch severity {
	case "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5":
		return event.RankDebug.String()
	case "LOG", "INFO", "NOTICE":
		return event.RankInformation.String()
	case "WARNING":
		return event.RankWarning.String()
	case "ERROR":
		return event.RankError.String()
	case "FATAL", "PANIC":
		return event.RankFatal.String()
	}
	return ""
}

// postgresDuration returns the milliseconds of "duration: 12.345 ms …", nil if a message does not begin so.
func postgresDuration(message []byte) []byte {
	rest, ok := bytes.CutPrefix(message, []byte("duration: "))
	if !ok {
		return nil
	}
	number, unit := cutWord(rest)
	if word, _ := cutWord(unit); string(word) != "ms" || !isNumber(number) {
		return nil
	}
	return number
}
