package ingest

import (
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// FileOptions says how a file is read. The zero value detects everything.
type FileOptions struct {
	Format FileFormat

	// Members of JSON lines that hold what CLEF calls @t, @m and @l; dots lead into objects.
	// Empty: detected.
	TimeField, MessageField, LevelField string

	EventBytes int            // most bytes of one event; 0: 256 KiB
	Zone       *time.Location // of times that name none; nil: UTC (R3)
	Modified   time.Time      // when the file was last written to: gives dates their year; zero: Now
	Now        time.Time      // the time of events for which the file gives none; zero: the clock's
	Patient    bool           // wait for enough text to judge the format by: right for files, wrong for pipes

	// Refused is told of each line that is no event; nil: nobody is.
	Refused func(FileRefusal)
}

// FileRefusal is a line that was left out.
type FileRefusal struct {
	Line   int64 // from 1
	Offset int64 // of its first byte, after decompression
	Err    error
}

// FileEvent is one event of a file. CLEF is valid until the next call of Next.
type FileEvent struct {
	CLEF         []byte
	Line, Offset int64 // of its first line
	Instant      int64 // its time; meaningless unless Timed
	Timed        bool
}

// FileReport sums up what was read.
type FileReport struct {
	Format   string // as a person would say it
	Events   int64
	Refused  int64 // lines left out
	Undated  int64 // events that got the time of the one before, of the first one after, or of now
	Replaced int64 // events in which bytes that are not UTF-8 were replaced
	Bytes    int64 // read so far, after decompression
}

// FileReader reads a file as CLEF events, whatever its dialect. Not for concurrent use.
//
//	for r.Next() { use(r.Event()) }; err := r.Err()
type FileReader struct {
	o       FileOptions
	lines   *lineReader
	format  FileFormat
	json    *jsonDialect
	text    *textDialect
	out     []byte
	event   FileEvent
	held    *fileLine // a line of text that begins the next event
	stamp   stamp     // of held
	before  int64     // time for events without one
	ended   bool
	started bool
	err     error
	report  FileReport
}

// NewFileReader returns a reader over text that is already decompressed. It does not read
// before the first Next.
func NewFileReader(r io.Reader, o FileOptions) *FileReader {
	if o.EventBytes == 0 {
		o.EventBytes = 256 << 10
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.Modified.IsZero() {
		o.Modified = o.Now
	}
	o.Now = o.Now.Truncate(100) // what the canonical form holds (R3)
	return &FileReader{o: o, lines: newLineReader(r, o.EventBytes), before: instantOf(o.Now)}
}

// Event returns the event that Next found.
func (f *FileReader) Event() FileEvent { return f.event }

// Err returns why reading ended early, nil at the file's end.
func (f *FileReader) Err() error { return f.err }

// Report returns what was read so far.
func (f *FileReader) Report() FileReport {
	f.report.Bytes = f.lines.offset
	if f.text != nil {
		f.report.Format = f.text.describe()
	}
	if f.ended && f.report.Bytes == 0 {
		f.report.Format = "empty"
	}
	return f.report
}

// Next reads the next event. Lines that are none are reported and passed over.
func (f *FileReader) Next() bool {
	if !f.started {
		f.started = true
		if f.err = f.begin(); f.err != nil {
			return false
		}
	}
	if f.format == TextFormat {
		return f.nextText()
	}
	return f.nextJSON()
}

// begin looks at the file's first lines and decides how to read it.
func (f *FileReader) begin() error {
	text, whole := f.lines.sample(f.o.Patient)
	if err := errorIfCoded(text); err != nil && f.o.Format == AutoFormat {
		return err
	}
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		f.lines.skip(3)
		text = text[3:]
	}
	sample := splitSample(text, whole)
	f.format = f.o.Format
	if f.format == AutoFormat {
		if f.o.TimeField != "" || f.o.LevelField != "" || f.o.MessageField != "" {
			f.format = JSONFormat
		} else {
			var err error
			if f.format, err = detectFormat(sample, !whole); err != nil {
				return err
			}
		}
	}
	c := calendar{latest: f.o.Modified, zone: f.o.Zone}
	switch f.format {
	case CLEFFormat:
		f.report.Format = "CLEF"
	case JSONFormat:
		f.json = newJSONDialect(f.o, c, sample)
		f.report.Format = "JSON lines" + f.json.describe(sample)
		if instant, ok := f.json.first(sample); ok {
			f.before = instant
		} else if f.o.TimeField != "" && f.o.Patient {
			if err := f.json.errorIfMisnamed(f.o.TimeField, sample); err != nil {
				f.report.Format = ""
				return err
			}
		}
	case TextFormat:
		f.text = newTextDialect(c, sample, f.o.Patient || whole, f.o.EventBytes)
		if instant, ok := f.text.first(sample); ok {
			f.before = instant
		} else if err := errorIfBinary(text); err != nil && f.o.Format == AutoFormat {
			f.text = nil
			return err
		}
	}
	return nil
}

// line reads the next line that is not over the limit. ok is false at the end.
func (f *FileReader) line() (line fileLine, ok bool) {
	for !f.ended {
		line, err := f.lines.next()
		if err != nil {
			f.ended = true
			if err != io.EOF {
				f.err = err
			}
			return line, false
		}
		if !line.over {
			return line, true
		}
		f.refuse(line.number, line.offset, fault.New(fault.TooLarge, "", "a line of %d bytes is over the limit of %d bytes for an event", line.bytes, f.o.EventBytes))
	}
	return fileLine{}, false
}

func (f *FileReader) refuse(line, offset int64, err error) {
	f.report.Refused++
	if f.o.Refused != nil {
		f.o.Refused(FileRefusal{Line: line, Offset: offset, Err: err})
	}
}

func (f *FileReader) nextJSON() bool {
	for {
		line, ok := f.line()
		if !ok {
			return false
		}
		if len(bytes.TrimSpace(line.text)) == 0 {
			continue
		}
		f.event = FileEvent{Line: line.number, Offset: line.offset}
		if f.format == CLEFFormat {
			f.event.CLEF = bytes.TrimSpace(line.text)
			f.event.Instant, f.event.Timed = clefInstant(f.event.CLEF)
			f.report.Events++
			return true
		}
		out, e, err := f.json.appendEvent(f.out[:0], line.text, f.before)
		f.out = out[:0]
		if err == nil && len(out) > f.o.EventBytes {
			err = fault.New(fault.TooLarge, "", "the event has %d bytes with its time and message, over the limit of %d", len(out), f.o.EventBytes)
		}
		if err != nil {
			f.refuse(line.number, line.offset, err)
			continue
		}
		f.event.CLEF = out
		f.emit(e.instant, e.dated)
		return true
	}
}

// emit counts the event that is about to be returned.
func (f *FileReader) emit(instant int64, dated bool) {
	f.event.Instant, f.event.Timed = instant, true
	f.before = instant
	f.report.Events++
	if !dated {
		f.report.Undated++
	}
}

func (f *FileReader) nextText() bool {
	d := f.text
	for {
		line, s, ok := f.textLine()
		if !ok {
			return d.pending.open && f.takeText()
		}
		if !d.pending.open && len(bytes.TrimSpace(line.text)) == 0 {
			continue
		}
		if s == nil {
			d.join(line.text)
			continue
		}
		if d.pending.open {
			f.held, f.stamp = &line, *s
			if f.takeText() {
				return true
			}
			f.held = nil // the pending event was refused
		}
		d.start(line, *s, f.before)
		if !d.stamped && f.takeText() {
			return true
		}
	}
}

// Pending takes the event whose lines are still being gathered, if there is one: nothing
// more came for a while, so it is taken to be whole. It may be called, other than the rest,
// from the Read of the reader below: while Next waits for more text.
func (f *FileReader) Pending() (FileEvent, bool) {
	if f.text == nil || !f.text.pending.open || f.held != nil || !f.takeText() {
		return FileEvent{}, false
	}
	return f.event, true
}

// textLine returns the next line, and its stamp if it begins an event.
func (f *FileReader) textLine() (fileLine, *stamp, bool) {
	if f.held != nil {
		line, s := *f.held, f.stamp
		f.held = nil
		return line, &s, true
	}
	line, ok := f.line()
	if !ok {
		return line, nil, false
	}
	if s, begins := f.text.begins(line.text); begins {
		return line, &s, true
	}
	return line, nil, true
}

// takeText makes the pending text the current event.
func (f *FileReader) takeText() bool {
	p := &f.text.pending
	line, offset, instant, dated := p.line, p.offset, p.instant, p.dated
	out, replaced := f.text.take(f.out[:0])
	f.out = out[:0]
	if len(out) > f.o.EventBytes {
		f.refuse(line, offset, fault.New(fault.TooLarge, "", "the event has %d bytes as JSON, over the limit of %d", len(out), f.o.EventBytes))
		return false
	}
	if replaced {
		f.report.Replaced++
	}
	f.event = FileEvent{CLEF: out, Line: line, Offset: offset}
	f.emit(instant, dated)
	return true
}

// clefInstant reads the time of a CLEF line for the summary; nothing depends on it.
func clefInstant(line []byte) (int64, bool) {
	at := bytes.Index(line, []byte(`"@t"`))
	if at < 0 {
		return 0, false
	}
	i := event.SkipSpace(line, at+4)
	if i >= len(line) || line[i] != ':' {
		return 0, false
	}
	i = event.SkipSpace(line, i+1)
	if i >= len(line) || line[i] != '"' {
		return 0, false
	}
	text, _, _, err := event.ScanString(line, i, nil)
	if err != nil {
		return 0, false
	}
	instant, _, err := event.ParseTime(text)
	return instant, err == nil
}

// describe says which members were taken for time, level and message.
func (d *jsonDialect) describe(sample [][]byte) string {
	var found []string
	has := func(p fieldPath) bool {
		for _, line := range sample {
			if d.object.scan(line, 0) == nil {
				if _, ok := d.object.lookup(p); ok {
					return true
				}
			}
		}
		return false
	}
	for _, role := range []struct {
		what string
		path fieldPath
	}{{"time", d.times[0]}, {"level", d.levels[0]}, {"message", d.messages[0]}} {
		if has(role.path) {
			found = append(found, role.what+" in "+role.path.String())
		}
	}
	if len(found) == 0 {
		return ""
	}
	return " (" + strings.Join(found, ", ") + ")"
}
