package ingest

import (
	"bytes"
	"io"
	"slices"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// FileOptions says how a file is read. The zero value detects everything.
type FileOptions struct {
	Format FileFormat

	// Pattern takes the lines apart: in the language of docs/patterns.md, or a regular expression
	// with named groups. Format is auto or text then. Empty: none.
	Pattern string

	// Members of JSON lines that hold what CLEF calls @t, @m and @l; dots lead into objects.
	// Empty: detected.
	TimeField, MessageField, LevelField string

	EventBytes int            // most bytes of one event; 0: 256 KiB
	Zone       *time.Location // of times that name none; nil: UTC (R3)
	Modified   time.Time      // when the file was last written to: gives dates their year; zero: Now
	Now        time.Time      // the time of events for which the file gives none; zero: the clock's
	Patient    bool           // wait for enough text to judge the format by: right for files, wrong for pipes

	// Ahead opens the text a second time, for a look at all its times before the first event is
	// given: it tells which year dates without one lie in. Nil: they are judged as they come.
	Ahead func() (io.ReadCloser, error)

	// Refused is told of each line that is no event; nil: nobody is.
	Refused func(FileRefusal)

	// What reads requests of OTLP in files, as JSON; nil: they are refused.
	OTLPLogs, OTLPTraces Decoder

	Resume *FileResume // where in the file the text begins; nil: at its beginning
}

// FileRefusal is a line that was left out.
type FileRefusal struct {
	Line   int64 // from 1
	Offset int64 // of its first byte, after decompression
	Err    error

	// Text is the line, of one over the limit its beginning; or, if the event got too long by
	// what was found in it, the event. Valid until Refused returns; nil: not at hand.
	Text []byte
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
	Undated  int64 // events that got the time of the one before, of the first one after, or of now
	Replaced int64 // events in which bytes that are not UTF-8 were replaced
	Bytes    int64 // read so far, after decompression

	// Every line is one of these, or the first line of an event.
	Lines   int64 // read
	Blank   int64
	Joined  int64 // parts of an event that began on a line before
	Skipped int64 // headers, comments and the like: what says how to read the others
	Refused int64 // left out; FileOptions.Refused was told why
}

// FileReader reads a file as CLEF events, whatever its dialect. Not for concurrent use.
//
//	for r.Next() { use(r.Event()) }; err := r.Err()
type FileReader struct {
	o        FileOptions
	lines    *lineReader
	calendar calendar
	dialect  dialect   // nil before the first Next
	envelope *wrapping // of lines that a container's runtime kept; nil: none
	out      []byte
	event    FileEvent
	current  fileLine // the one that line returned last
	held     fileLine // a line that was taken back
	holds    bool
	before   int64 // time for events without one
	ended    bool
	err      error
	report   FileReport
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
	return &FileReader{
		o: o, lines: newLineReader(r, o.EventBytes), before: event.Instant(o.Now),
		calendar: calendar{latest: o.Modified, zone: o.Zone},
	}
}

// Event returns the event that Next found.
func (f *FileReader) Event() FileEvent { return f.event }

// Err returns why reading ended early, nil at the file's end.
func (f *FileReader) Err() error { return f.err }

// Report returns what was read so far.
func (f *FileReader) Report() FileReport {
	f.report.Bytes = f.lines.offset
	if f.dialect != nil {
		f.report.Format = f.dialect.describe()
		if f.envelope != nil {
			f.report.Format = f.envelope.shown + ": " + f.report.Format
		}
	}
	if f.ended && f.report.Bytes == 0 {
		f.report.Format = "empty"
	}
	return f.report
}

// Next reads the next event. Lines that are none are reported and passed over.
func (f *FileReader) Next() bool {
	if f.dialect == nil {
		if f.err == nil && f.o.Resume != nil {
			f.err = f.resume(f.o.Resume)
		} else if f.err == nil {
			f.err = f.begin()
		}
		if f.err != nil {
			return false
		}
	}
	return f.dialect.next(f)
}

// Pending takes the event whose lines are still being gathered, if there is one: nothing
// more came for a while, so it is taken to be whole. It may be called, other than the rest,
// from the Read of the reader below: while Next waits for more text.
func (f *FileReader) Pending() (FileEvent, bool) {
	g, ok := f.dialect.(gatherer)
	if !ok || f.holds || !g.release(f) {
		return FileEvent{}, false
	}
	return f.event, true
}

// begin looks at the file's first lines and decides how to read it.
func (f *FileReader) begin() error {
	text, whole := f.lines.sample(f.o.Patient)
	auto := f.o.Format == AutoFormat || f.o.Format == ""
	if err := errorIfCoded(text); err != nil && auto {
		return err
	}
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		f.lines.skip(3)
		text = text[3:]
	}
	s := newSample(text, whole, f.o.Patient)
	kind := formatKind(f.o.Format)
	switch {
	case !auto && kind == nil:
		return fault.New(fault.Invalid, opDetect, "%q is not a format", f.o.Format)
	case f.o.Pattern != "" && !auto && f.o.Format != TextFormat:
		return fault.New(fault.Invalid, opDetect, "a pattern is for text, not for %s", f.o.Format)
	case f.o.Pattern != "":
		kind = &dialectKind{format: TextFormat, open: openPattern}
	case auto && (f.o.TimeField != "" || f.o.LevelField != "" || f.o.MessageField != ""):
		kind = formatKind(JSONFormat)
	case auto:
		kind = judge(s)
	}
	if e, inside := wrappingOf(s, kind); e != nil && (auto || e.shown == "CRI") {
		if f.envelope, s = e, inside; auto && f.o.Pattern == "" && kind.format != JSONFormat {
			kind = judge(s)
			if e.names == "app" && len(e.known) > 1 && kind.format != JSONFormat && kind.format != CLEFFormat {
				kind = &severalPrograms
			}
		}
	}
	d, err := kind.open(&f.o, f.calendar, s)
	if err != nil {
		return err
	}
	if instant, ok := d.first(s); ok {
		f.before = instant
	} else if err := errorIfBinary(text); err != nil && auto && kind.format == TextFormat {
		return err
	}
	f.dialect = d
	return f.lookAhead(s)
}

// lookAhead lets a dialect of text see all its times, if some of them leave out the year or the date.
func (f *FileReader) lookAhead(s *sample) error {
	d, ok := f.dialect.(chronological)
	if !ok || f.envelope != nil || f.o.Ahead == nil || f.o.Resume != nil {
		return nil
	}
	incomplete := slices.ContainsFunc(s.raw, func(line []byte) bool {
		k, ok := d.clock(line)
		return ok && !k.whole()
	})
	if !incomplete {
		return nil
	}
	text, err := f.o.Ahead()
	if err != nil {
		return fault.Wrap(err, "", "the file cannot be read a second time, for the years of its dates")
	}
	defer text.Close()
	lines := newLineReader(text, f.o.EventBytes)
	d.clocks().align(func(yield func(clock) bool) {
		for {
			var line fileLine
			if line, err = lines.next(); err != nil {
				return
			}
			if k, ok := d.clock(line.text); ok && !yield(k) {
				return
			}
		}
	})
	if err != io.EOF {
		return nil // reading the file itself will tell
	}
	if instant, ok := d.first(s); ok {
		f.before = instant
	}
	return nil
}

// line reads the next line that is not over the limit. ok is false at the end.
func (f *FileReader) line() (line fileLine, ok bool) {
	if f.holds {
		f.holds = false
		f.current = f.held
		f.arrive(f.held)
		return f.held, true
	}
	for {
		line, ok := f.take()
		if !ok {
			return fileLine{}, false
		}
		f.current = line
		if !line.over {
			f.arrive(line)
			return line, true
		}
		f.refuse(line.number, line.offset, fault.New(fault.TooLarge, "", "a line of %d bytes is over the limit of %d bytes for an event", line.bytes, f.o.EventBytes))
	}
}

// arrive makes the time at which a line came that of events without one.
func (f *FileReader) arrive(line fileLine) {
	if !line.arrived.IsZero() {
		f.before = event.Instant(line.arrived)
	}
}

// unread takes back the line that line returned last, which stays valid.
func (f *FileReader) unread(line fileLine) { f.held, f.holds = line, true }

// refuse notes a line that is no event.
func (f *FileReader) refuse(line, offset int64, err error) {
	r := FileRefusal{Line: line, Offset: offset, Err: err}
	if f.current.number == line {
		r.Text = f.current.text
	}
	f.tell(r)
}

func (f *FileReader) tell(r FileRefusal) {
	f.report.Refused++
	if f.o.Refused != nil {
		f.o.Refused(r)
	}
}

// emit makes clef, built in f.out or valid until the next line, the current event unless it
// is over the limit; then the line it begins with is refused. dated says that the event gives
// its time itself.
func (f *FileReader) emit(clef []byte, line, offset, instant int64, dated bool) bool {
	if f.envelope != nil {
		clef, dated = f.envelope.address(clef, line), dated || f.envelope.timed
	}
	if len(clef) > f.o.EventBytes {
		err := fault.New(fault.TooLarge, "", "the event has %d bytes as JSON with what was found in it, over the limit of %d", len(clef), f.o.EventBytes)
		f.tell(FileRefusal{Line: line, Offset: offset, Err: err, Text: clef})
		return false
	}
	f.event = FileEvent{CLEF: clef, Line: line, Offset: offset, Instant: instant, Timed: true}
	f.before = instant
	f.report.Events++
	if !dated {
		f.report.Undated++
	}
	return true
}

// emitReplaced is emit of an event in which bytes that are not UTF-8 were replaced, or not.
func (f *FileReader) emitReplaced(clef []byte, line, offset, instant int64, dated, replaced bool) bool {
	if !f.emit(clef, line, offset, instant, dated) {
		return false
	}
	if replaced {
		f.report.Replaced++
	}
	return true
}
