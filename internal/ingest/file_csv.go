package ingest

import (
	"bytes"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// csvDialect reads CSV with a header (RFC 4180), separated by commas, semicolons, tabs or bars.
// Each column is a property, under the header's name: what is a number in JSON is that number,
// quoted or not; an empty cell is no property; everything else is text as it stands. Time, level and
// message are found by the names and values of the columns, and stay properties.
//
//	time,level,msg,n                    {"@t":"2026-11-20T10:00:00.0000000Z","@l":"Warning","@m":"a \"b\"",
//	2026-11-20T10:00:00Z,warn,"a ""b""",7  →  "time":"2026-11-20T10:00:00Z","level":"warn","msg":"a \"b\"","n":7}
//
// A row with other than the header's number of cells is refused, but for empty ones at its end. So is a line
// whose quotation mark nothing closes; the next one is then read as a row.
type csvDialect struct {
	chronology chronology
	finder     stampFinder
	shape      csvShape
	split      csvSplit
	limit      int

	names    [][]byte // of columns, each as ,"name":
	times    [][]int  // columns that give the time, joined by a blank; the first that do so count
	levels   []int    // columns that give the level
	messages []int    // columns that give the message

	// Of CSV whose columns are known without a header.
	shown string                                  // what it is
	least int                                     // cells that a row may have; 0: as many as there are columns
	more  func(dst []byte, cells [][]byte) []byte // adds members

	header  bool // has been read, or is known
	joined  []byte
	lines   []csvLine // read ahead: a row over several lines, or what is left of one that was none
	text    []byte    // of lines
	at      int       // the line of lines that is next
	pending bool      // lines are in use
}

// csvShape is how a file's rows are written.
type csvShape struct {
	comma byte
	trim  bool // blanks follow the separators
	slash bool // in quotes a backslash protects the next byte
}

type csvLine struct {
	number, offset int64
	from, to       int
}

func fitsCSV(s *sample) int {
	d := sampleCSV(s)
	if d == nil {
		return 0
	}
	return d.score
}

func openCSV(o *FileOptions, c calendar, s *sample) (dialect, error) {
	d := &csvDialect{chronology: chronology{calendar: c}, limit: o.EventBytes, shape: csvShape{comma: ','}}
	if found := sampleCSV(s); found != nil {
		d.shape = found.shape
	} else {
		d.shape = guessCSV(s)
	}
	d.split.csvShape = d.shape
	if rows := sampleRows(s.text, d.shape, s.whole); len(rows) > 0 {
		d.columns(withMessage(rows), rows[1:])
	}
	return d, nil
}

func (d *csvDialect) describe() string {
	if d.shown != "" {
		return d.shown
	}
	name := map[byte]string{',': "commas", ';': "semicolons", '\t': "tabs", '|': "bars"}[d.shape.comma]
	return "CSV with " + name
}

// clock takes a line for a row. A header has no time, and the parts of rows over several lines are passed over.
func (d *csvDialect) clock(line []byte) (clock, bool) {
	d.split.begin()
	if at, _ := d.split.more(line); at >= 0 {
		return clock{}, false
	}
	return d.time(d.split.cells)
}

func (d *csvDialect) clocks() *chronology { return &d.chronology }

func (d *csvDialect) first(s *sample) (instant int64, ok bool) {
	return d.chronology.first(s.raw, d.clock)
}

func (d *csvDialect) next(f *FileReader) bool {
	for {
		line, joined, ok := d.row(f)
		if !ok {
			return false
		}
		if line.number == 0 { // it was refused
			continue
		}
		cells := d.split.cells
		switch {
		case !d.header && namesSeparator(cells):
			f.report.Skipped++
			continue
		case !d.header || d.isHeader(cells):
			if !d.header {
				d.columns(cells, nil)
			}
			d.header = true
			f.report.Skipped += 1 + joined
			continue
		}
		f.report.Joined += joined
		n := len(d.names)
		for len(cells) > n && len(cells[len(cells)-1]) == 0 {
			cells = cells[:len(cells)-1]
		}
		if len(cells) > n || len(cells) < n && (d.least == 0 || len(cells) < d.least) {
			f.tell(FileRefusal{Line: line.number, Offset: line.offset, Text: d.rowText(f, line),
				Err: fault.New(fault.Invalid, "", "the row has %d cells, the header %d", len(d.split.cells), n)})
			continue
		}
		out, instant, dated, replaced := d.event(f.out[:0], cells, f.before)
		f.out = out[:0]
		if f.emitReplaced(out, line.number, line.offset, instant, dated, replaced) {
			return true
		}
	}
}

// event appends the CLEF of a row.
func (d *csvDialect) event(dst []byte, cells [][]byte, undated int64) (out []byte, instant int64, dated, replaced bool) {
	if k, ok := d.time(cells); ok {
		instant, dated = event.Instant(d.chronology.time(k)), true
	} else {
		instant = undated
	}
	dst = append(event.AppendTime(append(dst, `{"@t":"`...), instant), '"')
	for _, c := range d.levels {
		if level := wordLevel(cells[c]); level != "" {
			dst = event.AppendText(append(dst, `,"@l":`...), level)
			break
		}
	}
	for _, c := range d.messages {
		if len(cells[c]) > 0 {
			dst = event.AppendString(append(dst, `,"@m":`...), cells[c])
			break
		}
	}
	for i, cell := range cells {
		if len(cell) == 0 {
			continue
		}
		dst = append(dst, d.names[i]...)
		if isNumber(cell) {
			dst = append(dst, cell...)
			continue
		}
		dst = event.AppendString(dst, cell)
		replaced = replaced || !utf8.Valid(cell)
	}
	if d.more != nil {
		dst = d.more(dst, cells)
	}
	return append(dst, '}'), instant, dated, replaced
}

// time reads the time of a row.
func (d *csvDialect) time(cells [][]byte) (clock, bool) {
	for _, columns := range d.times {
		if k, ok := d.clockOf(cells, columns); ok {
			return k, true
		}
	}
	return clock{}, false
}

func (d *csvDialect) clockOf(cells [][]byte, columns []int) (clock, bool) {
	for _, c := range columns {
		if c >= len(cells) {
			return clock{}, false
		}
	}
	if len(columns) == 1 {
		return clockText(bytes.TrimSpace(cells[columns[0]]), &d.finder)
	}
	d.joined = d.joined[:0]
	for i, c := range columns {
		part := bytes.TrimSpace(cells[c])
		if i > 0 {
			d.joined = append(d.joined, ' ')
		}
		// A spreadsheet drops the zeros in front of 081109 and 000512.
		for n := len(part); len(columns) == 2 && n > 0 && n < 6 && allDigits(string(part)); n++ {
			d.joined = append(d.joined, '0')
		}
		d.joined = append(d.joined, part...)
	}
	return clockText(d.joined, &d.finder)
}

// namesSeparator recognises the line sep=; that Excel takes for the separator.
func namesSeparator(cells [][]byte) bool {
	first := cells[0]
	switch len(cells) {
	case 1:
		return len(first) == 5 && equalFold(first[:4], "sep=")
	case 2:
		return equalFold(first, "sep=") && len(cells[1]) == 0
	}
	return false
}

func (d *csvDialect) isHeader(cells [][]byte) bool {
	if len(cells) != len(d.names) {
		return false
	}
	for i, cell := range cells {
		name := d.names[i]
		if len(name) != len(cell)+4 || string(name[2:2+len(cell)]) != string(cell) {
			return false
		}
	}
	return len(cells) > 1
}

// row reads the cells of the next row into d.split. joined is how many lines it has after the first.
// A line that is none is refused; then line is zero.
func (d *csvDialect) row(f *FileReader) (line csvLine, joined int64, ok bool) {
	if !d.pending {
		read, ok := f.line()
		for ; ok && len(bytes.TrimSpace(read.text)) == 0; read, ok = f.line() {
			f.report.Blank++
		}
		if !ok {
			return csvLine{}, 0, false
		}
		line = csvLine{number: read.number, offset: read.offset}
		d.split.begin()
		if at, err := d.split.more(read.text); err != "" {
			d.refuse(f, line, read.text, at, err)
			return csvLine{}, 0, true
		} else if at < 0 {
			return line, 0, true
		}
		d.text = append(d.text[:0], read.text...)
		line.to = len(d.text)
		d.lines, d.at, d.pending = append(d.lines[:0], line), 0, true
	}
	// Rows over several lines, and lines that such a row would have had.
	for ; d.at < len(d.lines); d.at++ {
		line = d.lines[d.at]
		if len(bytes.TrimSpace(d.text[line.from:line.to])) > 0 {
			break
		}
		f.report.Blank++
	}
	if d.at == len(d.lines) {
		d.pending = false
		return csvLine{}, 0, true
	}
	d.split.begin()
	for n := d.at; ; n++ {
		if n == len(d.lines) && !d.readAhead(f, line) {
			at, why := d.split.cell, "nothing closes the quotation mark, up to the limit for an event or the end of the file"
			d.at++
			d.refuse(f, line, d.text[line.from:line.to], at, why)
			return csvLine{}, 0, true
		}
		text := d.text[line.from:d.lines[n].to]
		at, err := d.split.more(text)
		if err != "" {
			d.at++
			d.refuse(f, line, d.text[line.from:line.to], at, err)
			return csvLine{}, 0, true
		}
		if at < 0 {
			joined = int64(n - d.at)
			d.at = n + 1
			if d.at == len(d.lines) {
				d.pending = false
			}
			return line, joined, true
		}
	}
}

// readAhead adds a line to d.lines, for the row that begins with line. False: there is none, or no room.
func (d *csvDialect) readAhead(f *FileReader, line csvLine) bool {
	if len(d.text)-line.from > d.limit {
		return false
	}
	read, ok := f.line()
	if !ok {
		return false
	}
	d.text = append(d.text, '\n')
	next := csvLine{number: read.number, offset: read.offset, from: len(d.text)}
	d.text = append(d.text, read.text...)
	next.to = len(d.text)
	d.lines = append(d.lines, next)
	return true
}

// rowText returns the text of the row that row read last.
func (d *csvDialect) rowText(f *FileReader, line csvLine) []byte {
	if line.to == 0 {
		return f.current.text
	}
	return d.text[line.from:d.lines[d.at-1].to]
}

// refuse tells of a line that is no row. The byte is counted from 1.
func (d *csvDialect) refuse(f *FileReader, line csvLine, text []byte, at int, why string) {
	err := fault.New(fault.Invalid, "", "byte %d: %s", at+1, why)
	if at >= len(text) { // of a line that the quoted cell reached
		err = fault.New(fault.Invalid, "", "the quoted cell that begins here goes on to a line where %s", why)
	}
	f.tell(FileRefusal{Line: line.number, Offset: line.offset, Err: err, Text: text})
}

// protected reports whether a text ends with a backslash that protects what follows.
func protected(text []byte) bool {
	n := len(text) - len(bytes.TrimRight(text, "\\"))
	return n%2 == 1
}

// csvSplit takes a row apart, line by line.
type csvSplit struct {
	csvShape
	cells [][]byte // parts of the text, or of room
	room  []byte   // for cells with doubled quotation marks
	cell  int      // where the cell begins that is being read
	scan  int      // how far it is known that no quotation mark ends it; 0: nothing is
}

func (s *csvSplit) begin() {
	s.cells, s.room, s.cell, s.scan = s.cells[:0], s.room[:0], 0, 0
}

// more goes on with a text that begins with what was given before. It returns -1 if the row is whole,
// where the quoted cell begins that the text does not close, or where it is wrong and why.
func (s *csvSplit) more(text []byte) (at int, why string) {
	for {
		i := s.cell
		for s.trim && i < len(text) && text[i] == ' ' {
			i++
		}
		if i >= len(text) || text[i] != '"' {
			end := bytes.IndexByte(text[i:], s.comma)
			if end < 0 {
				s.cells = append(s.cells, text[i:])
				return -1, ""
			}
			s.cells = append(s.cells, text[i:i+end])
			s.cell = i + end + 1
			continue
		}
		from := i + 1
		for i = max(from, s.scan); ; i += 2 {
			end := bytes.IndexByte(text[i:], '"')
			if end < 0 {
				s.scan = len(text)
				return from - 1, ""
			}
			if i += end; s.slash && protected(text[from:i]) {
				i--
				continue
			}
			if i+1 >= len(text) || text[i+1] != '"' {
				break
			}
		}
		cell := text[from:i]
		if bytes.IndexByte(cell, '"') >= 0 || s.slash && bytes.IndexByte(cell, '\\') >= 0 {
			at := len(s.room)
			for i := 0; i < len(cell); i++ {
				if s.slash && cell[i] == '\\' && i+1 < len(cell) {
					i++
					s.room = append(s.room, cell[i])
				} else if s.room = append(s.room, cell[i]); cell[i] == '"' {
					i++
				}
			}
			cell = s.room[at:]
		}
		s.cells = append(s.cells, cell)
		for i++; s.trim && i < len(text) && text[i] == ' '; i++ {
		}
		if i >= len(text) {
			return -1, ""
		}
		if text[i] != s.comma {
			return i, "text follows the closing quotation mark of a cell"
		}
		s.cell, s.scan = i+1, 0
	}
}
