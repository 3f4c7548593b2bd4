package ingest

import (
	"bytes"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// FileResume lets reading begin in the middle of a file, where an event begins.
type FileResume struct {
	// Head is the file's first lines, whole ones, as many as it takes to judge the format.
	// They are read for what they say about the others; their events are not given.
	Head []byte

	Offset, Line int64     // bytes and lines of the file before the text
	Last         time.Time // of the event before: for events that have no time; zero: the head's
}

// resume reads the head as if it were the file, and goes on with the text.
func (f *FileReader) resume(at *FileResume) error {
	rest, o := f.lines, f.o
	f.o.Refused, f.o.Patient = nil, true
	f.lines = newLineReader(bytes.NewReader(at.Head), f.o.EventBytes)
	if err := f.begin(); err != nil {
		return err
	}
	for f.dialect.next(f) {
	}
	if f.err != nil {
		return fault.Wrap(f.err, "", "the file's beginning cannot be read again")
	}
	f.o, f.lines, f.ended = o, rest, false
	f.lines.number, f.lines.offset = at.Line, at.Offset
	f.report = FileReport{}
	if !at.Last.IsZero() {
		f.before = event.Instant(at.Last)
		if d, ok := f.dialect.(*textDialect); ok {
			d.chronology.before = at.Last
		}
	}
	return nil
}
