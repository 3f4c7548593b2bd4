package ingest

import "bytes"

// FileFormat names a way of reading files, as --format does. Formats lists them all.
type FileFormat string

// The formats that code outside this package asks for by name.
const (
	AutoFormat FileFormat = "auto" // judged by the file's beginning; the zero value too
	CLEFFormat FileFormat = "clef" // one CLEF event a line
	JSONFormat FileFormat = "json" // one JSON object a line, in any dialect
	TextFormat FileFormat = "text" // lines of text, with or without timestamps
)

// A dialect reads the events of one file. It takes lines with FileReader.line and unread, and
// turns lines down with refuse.
type dialect interface {
	// next finds the next event and gives it to FileReader.emit; false: the file has no more.
	next(f *FileReader) bool
	// describe says what the file was taken for, as a person would.
	describe() string
	// first returns the first time in the sample, for events before it that have none.
	first(s *sample) (instant int64, ok bool)
}

// A gatherer is a dialect that holds an event back until it sees the next one begin.
type gatherer interface {
	dialect
	// release emits the event that is held back, if there is one.
	release(f *FileReader) bool
}

// dialectKind is one row of the table of dialects.
type dialectKind struct {
	format FileFormat
	help   string // for the command line, a few words
	// fits says how well the file's beginning fits, from 0 (not at all) to 100. The highest
	// wins, of equals the first. It is not asked when the user names the format.
	fits func(s *sample) int
	open func(o *FileOptions, c calendar, s *sample) (dialect, error)
}

// dialects is the table, the most particular first.
var dialects = []dialectKind{
	{CLEFFormat, "CLEF, one event a line", fitsCLEF, openCLEF},
	{JSONFormat, "one JSON object a line, in any dialect", fitsJSON, openJSON},
	{"access", "access log of Apache or nginx, common or combined", fitsForms("access"), openForms("access")},
	{"zeek", "log of Zeek or Bro, separated by tabs", fitsZeek, openZeek},
	{"mongodb", "MongoDB log before 4.4", fitsForms("mongodb"), openForms("mongodb")},
	{"postgres", "PostgreSQL log: stderr, syslog", fitsPostgres, openPostgres},
	{"csv", "CSV with a header", fitsCSV, openCSV},
	{"logfmt", "logfmt: pairs name=value", fitsLogfmt, openForms("logfmt")},
	{TextFormat, "text, with or without timestamps", func(*sample) int { return 1 }, openText},
}

// Formats returns what FileOptions.Format may be, each with a few words about it.
func Formats() (formats []FileFormat, help []string) {
	formats, help = []FileFormat{AutoFormat}, []string{"judged by the first lines"}
	for i := range dialects {
		formats, help = append(formats, dialects[i].format), append(help, dialects[i].help)
	}
	return formats, help
}

// formatKind returns the row of a format, nil for auto.
func formatKind(format FileFormat) *dialectKind {
	for i := range dialects {
		if dialects[i].format == format {
			return &dialects[i]
		}
	}
	return nil
}

// judge returns the row that fits the sample best.
func judge(s *sample) *dialectKind {
	best, most := formatKind(TextFormat), 0
	for i := range dialects {
		if score := dialects[i].fits(s); score > most {
			best, most = &dialects[i], score
		}
	}
	return best
}

// sampleLines is how many lines at most the detection looks at.
const sampleLines = 200

// sample is a file's beginning.
type sample struct {
	text  []byte   // as it is, without a byte order mark
	lines [][]byte // those of its first lines that are not blank, without blanks around them
	whole bool     // the file ends with the sample
	// patient says that a sample which tells nothing tells something: there was time to wait for more.
	patient bool
}

// newSample splits a text. The last line is left out if the sample ends inside it, unless it
// is the only one.
func newSample(text []byte, whole, patient bool) *sample {
	s := &sample{text: text, whole: whole, patient: patient}
	for len(text) > 0 && len(s.lines) < sampleLines {
		line, rest, ended := bytes.Cut(text, []byte("\n"))
		if !ended && !whole && len(s.lines) > 0 {
			break
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			s.lines = append(s.lines, line)
		}
		text = rest
	}
	return s
}

// share turns a count of the sample's lines into a score: none is 0, all is most.
func (s *sample) share(count, most int) int {
	if count == 0 || len(s.lines) == 0 {
		return 0
	}
	return max(1, count*most/len(s.lines))
}
