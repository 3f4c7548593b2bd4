package ingest

import (
	"bytes"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// w3cDialect reads the W3C's extended log format (w3.org/TR/WD-logfile), which IIS, CloudFront,
// Windows' firewall, Exchange and others write: a line #Fields names what the lines after it hold, and may come again.
//
//	#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status time-taken
//	2026-11-20 10:00:00 10.0.0.1 GET /a x=1 404 12
//	 {"@t":"2026-11-20T10:00:00.0000000Z","@l":"Warning","@m":"GET /a?x=1 404","date":"2026-11-20","time":"10:00:00",
//	  "remote_addr":"10.0.0.1","method":"GET","path":"/a?x=1","status":404,"time-taken":12}
//
// Fields that other access logs have too get the name that they have there; the others keep theirs.
// Times are UTC unless a line #Time Format says that they are local. "-" is absent.
type w3cDialect struct {
	calendar calendar
	fields   []w3cField
	comma    bool // fields are separated by commas
	local    bool // times are the computer's

	localTime bool   // the fields are time-local and date-local, of IIS' Advanced Logging
	day       string // of #Date:, for lines that have a time alone
	csv       csvSplit

	date, time, stem, query, method, status int // fields, -1 if absent
	cells                                   [][]byte
	text                                    []byte
}

type w3cField struct {
	name string
	key  []byte // ,"name":
}

// w3cNames are the names of access logs for fields of this format.
var w3cNames = map[string]string{
	"c-ip": "remote_addr", "c-port": "remote_port", "cs-username": "remote_user", "cs-method": "method", "cs-version": "protocol",
	"cs-protocol-version": "protocol", "sc-status": "status", "sc-bytes": "bytes_sent", "cs-bytes": "request_length",
	"cs(user-agent)": "user_agent", "cs(referer)": "referer", "cs-host": "vhost", "cs(host)": "vhost",
	"x-forwarded-for": "x_forwarded_for", "cs(x-forwarded-for)": "x_forwarded_for",
}

func fitsW3C(s *sample) int {
	for _, line := range s.lines {
		if line[0] != '#' {
			break
		}
		if bytes.HasPrefix(line, []byte("#Fields: ")) {
			return 100
		}
	}
	return 0
}

func openW3C(_ *FileOptions, c calendar, _ *sample) (dialect, error) {
	return &w3cDialect{calendar: c, csv: csvSplit{csvShape: csvShape{comma: ','}}}, nil
}

func (d *w3cDialect) describe() string { return "W3C extended log" }

func (d *w3cDialect) first(s *sample) (instant int64, ok bool) {
	look := &w3cDialect{calendar: d.calendar, csv: d.csv}
	for _, line := range s.lines {
		if line[0] == '#' {
			look.directive(line)
		} else if look.split(line) == "" && len(look.cells) == len(look.fields) {
			if instant, ok := look.instant(); ok {
				return instant, true
			}
		}
	}
	return 0, false
}

func (d *w3cDialect) next(f *FileReader) bool {
	for {
		line, ok := f.line()
		if !ok {
			return false
		}
		// A crash fills the end of a file up with NULs.
		text := bytes.Trim(line.text, "\x00")
		switch {
		case len(bytes.TrimSpace(text)) == 0:
			f.report.Blank++
			continue
		case text[0] == '#':
			f.report.Skipped++
			d.directive(text)
			continue
		case d.fields == nil:
			f.refuse(line.number, line.offset, fault.New(fault.Invalid, "", "no line #Fields before it says what it holds"))
			continue
		}
		if why := d.split(text); why != "" {
			f.refuse(line.number, line.offset, fault.New(fault.Invalid, "", "%s", why))
			continue
		}
		if len(d.cells) != len(d.fields) {
			f.refuse(line.number, line.offset, fault.New(fault.Invalid, "", "the line has %d fields, #Fields names %d", len(d.cells), len(d.fields)))
			continue
		}
		instant, dated := d.instant()
		if !dated {
			instant = f.before
		}
		replaced := !utf8.Valid(text)
		out := d.event(f.out[:0], text, instant)
		f.out = out[:0]
		if f.emitReplaced(out, line.number, line.offset, instant, dated, replaced) {
			return true
		}
	}
}

// directive takes what a line with # says about those after it.
func (d *w3cDialect) directive(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimSpace(value)
	switch string(bytes.ToLower(name)) {
	case "#date":
		d.day = string(value[:min(len(value), 10)])
	case "#time format":
		d.local = equalFold(value, "local")
	case "#fields":
		names := bytes.Fields(value)
		if d.comma = len(names) == 1 && bytes.IndexByte(value, ',') > 0; d.comma {
			names = bytes.Split(value, []byte(","))
		}
		d.fields = d.fields[:0:0]
		d.date, d.time, d.stem, d.query, d.method, d.status = -1, -1, -1, -1, -1, -1
		dateLocal, timeLocal := -1, -1
		for i, name := range names {
			lower := string(bytes.ToLower(name))
			switch lower {
			case "date":
				d.date = i
			case "time", "date-time", "datetime", "timestamp":
				d.time = i
			case "date-local":
				dateLocal = i
			case "time-local":
				timeLocal = i
			case "cs-uri-stem", "cs-uri":
				d.stem = i
			case "cs-uri-query":
				d.query = i
			case "cs-method":
				d.method = i
			case "sc-status":
				d.status = i
			}
			if known := w3cNames[lower]; known != "" {
				name = []byte(known)
			}
			d.fields = append(d.fields, w3cField{name: lower, key: appendMemberName([]byte{','}, name)})
		}
		if d.localTime = d.time < 0 && timeLocal >= 0; d.localTime {
			d.date, d.time = dateLocal, timeLocal
		}
	}
}

// split takes a line apart. why is empty if that could be done.
func (d *w3cDialect) split(line []byte) (why string) {
	d.cells = d.cells[:0]
	if d.comma {
		d.csv.begin()
		at, why := d.csv.more(line)
		if why == "" && at >= 0 {
			why = "nothing closes the quotation mark"
		}
		d.cells = append(d.cells, d.csv.cells...)
		return why
	}
	blank := byte(' ')
	if bytes.IndexByte(line, '\t') >= 0 {
		blank = '\t'
	}
	for rest := bytes.TrimRight(line, " \t"); len(rest) > 0; {
		if blank == ' ' {
			if quoted, after, ok := cutField(rest); ok {
				d.cells = append(d.cells, quoted)
				rest = bytes.TrimLeft(after, " ")
				continue
			}
		}
		end := bytes.IndexByte(rest, blank)
		if end < 0 {
			d.cells = append(d.cells, rest)
			break
		}
		d.cells = append(d.cells, rest[:end])
		if rest = rest[end+1:]; blank == ' ' {
			rest = bytes.TrimLeft(rest, " ")
		}
	}
	return ""
}

// instant reads the time of the line in d.cells.
func (d *w3cDialect) instant() (int64, bool) {
	d.text = d.text[:0]
	switch {
	case d.date >= 0 && d.time >= 0:
		d.text = append(append(append(d.text, d.cells[d.date]...), ' '), d.cells[d.time]...)
	case d.time >= 0 && len(d.cells[d.time]) < 16:
		d.text = append(append(append(d.text, d.day...), ' '), d.cells[d.time]...)
	case d.time >= 0:
		d.text = append(d.text, d.cells[d.time]...)
	default:
		return 0, false
	}
	k, ok := clockText(d.text, nil)
	if !ok {
		return 0, false
	}
	k.zoned = k.zoned || !d.local && !d.localTime
	return event.Instant(d.calendar.time(k)), true
}

func (d *w3cDialect) cell(field int) []byte {
	if field < 0 || len(d.cells[field]) == 1 && d.cells[field][0] == '-' {
		return nil
	}
	return d.cells[field]
}

// event appends the CLEF of the line whose fields are in d.cells.
func (d *w3cDialect) event(dst, line []byte, instant int64) []byte {
	dst = append(event.AppendTime(append(dst, `{"@t":"`...), instant), '"')
	method, stem, status := d.cell(d.method), d.cell(d.stem), d.cell(d.status)
	if len(status) == 3 {
		switch status[0] {
		case '4':
			dst = append(dst, `,"@l":"Warning"`...)
		case '5':
			dst = append(dst, `,"@l":"Error"`...)
		default:
			dst = append(dst, `,"@l":"Information"`...)
		}
	}
	d.text = append(d.text[:0], stem...)
	if query := d.cell(d.query); query != nil && stem != nil {
		d.text = append(append(d.text, '?'), query...)
	}
	path := d.text
	if method != nil && stem != nil {
		at := len(d.text)
		d.text = append(append(append(d.text, method...), ' '), path...)
		if status != nil {
			d.text = append(append(d.text, ' '), status...)
		}
		dst = event.AppendString(append(dst, `,"@m":`...), d.text[at:])
	} else {
		dst = event.AppendString(append(dst, `,"@m":`...), line)
	}
	for i := range d.fields {
		cell := d.cell(i)
		switch {
		case len(cell) == 0, i == d.query && stem != nil:
		case i == d.stem:
			dst = event.AppendString(append(dst, `,"path":`...), path)
		default:
			dst = appendCell(append(dst, d.fields[i].key...), cell)
		}
	}
	return append(dst, '}')
}
