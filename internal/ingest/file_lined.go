package ingest

import (
	"bytes"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
)

// clefDialect passes lines of CLEF on as they are, but for bytes that are not UTF-8, which it replaces; the store judges them.
type clefDialect struct{ clean []byte }

func fitsCLEF(s *sample) int {
	objects, clef, _ := countObjects(s)
	if objects > 0 && clef*2 >= objects {
		return s.share(objects, 100)
	}
	return 0
}

func openCLEF(*FileOptions, calendar, *sample) (dialect, error) { return new(clefDialect), nil }

func (*clefDialect) describe() string { return "CLEF" }

func (*clefDialect) first(*sample) (int64, bool) { return 0, false }

func (d *clefDialect) next(f *FileReader) bool {
	for {
		line, ok := f.line()
		if !ok {
			return false
		}
		text := bytes.TrimSpace(line.text)
		if len(text) == 0 {
			f.report.Blank++
			continue
		}
		f.report.Events++
		if !utf8.Valid(text) {
			d.clean = appendValid(d.clean[:0], text)
			text = d.clean
			f.report.Replaced++
		}
		f.event = FileEvent{CLEF: text, Line: line.number, Offset: line.offset}
		f.event.Instant, f.event.Timed = clefInstant(text)
		return true
	}
}

func openJSON(o *FileOptions, c calendar, s *sample) (dialect, error) {
	if objects, _, _ := countObjects(s); isDocument(s, objects) {
		return openDocument(o, c, s), nil
	}
	d := newLineDialect(o, c, s)
	if _, timed := d.first(s); !timed && o.TimeField != "" && s.patient {
		if err := d.errorIfMisnamed(o.TimeField, s.lines); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *jsonDialect) describe() string { return d.shown }

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
