package ingest

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// What is known of a CSV file by its beginning: how its rows are written, and which columns
// have the time, the level and the message.

var csvSeparators = []byte{',', ';', '\t', '|'}

// csvFound is a shape that fits the sample.
type csvFound struct {
	shape csvShape
	score int
}

// sampleCSV returns the shape that the sample's rows have, nil if they have none.
func sampleCSV(s *sample) *csvFound {
	var best *csvFound
	columns := 0
	for _, comma := range csvSeparators {
		shape := csvShape{comma: comma}
		if len(s.lines) > 0 {
			shape.trim = bytes.Count(s.lines[0], []byte{comma}) == bytes.Count(s.lines[0], []byte{comma, ' '}) && bytes.IndexByte(s.lines[0], comma) > 0
		}
		rows := sampleRows(s.text, shape, s.whole)
		if bytes.Contains(s.text, []byte(`\"`)) { // which may be the text of a cell as well
			slash := shape
			slash.slash = true
			if more := sampleRows(s.text, slash, s.whole); len(more) > len(rows) {
				shape, rows = slash, more
			}
		}
		if len(rows) > 0 && len(rows[0]) > columns {
			if score := scoreCSV(rows, shape); score > 0 {
				best, columns = &csvFound{shape, score}, len(rows[0])
			}
		}
	}
	return best
}

// guessCSV is for a file that the user calls CSV though its sample says little.
func guessCSV(s *sample) csvShape {
	shape := csvShape{comma: ','}
	if len(s.lines) > 0 {
		for _, comma := range csvSeparators {
			if bytes.IndexByte(s.lines[0], comma) >= 0 && bytes.IndexByte(s.lines[0], shape.comma) < 0 {
				shape.comma = comma
			}
		}
	}
	return shape
}

// sampleRows takes the beginning of a file apart, up to the first row that is not well formed,
// or not whole.
func sampleRows(text []byte, shape csvShape, whole bool) (rows [][][]byte) {
	split := csvSplit{csvShape: shape}
	for len(text) > 0 && len(rows) <= sampleLines {
		split.begin()
		end := 0
		for {
			at := bytes.IndexByte(text[end:], '\n')
			if at < 0 && (!whole || end == len(text)) {
				return rows
			}
			if end += at; at < 0 {
				end = len(text)
			}
			at, why := split.more(bytes.TrimSuffix(text[:end], []byte("\r")))
			if why != "" {
				return rows
			}
			if at < 0 {
				break
			}
			if end++; end > len(text) {
				return rows
			}
		}
		row := make([][]byte, len(split.cells))
		for i, cell := range split.cells {
			row[i] = slices.Clone(cell)
		}
		blank := len(bytes.TrimSpace(text[:end])) == 0
		if !blank && !(len(rows) == 0 && namesSeparator(row)) {
			rows = append(rows, row)
		}
		text = text[min(end+1, len(text)):]
	}
	return rows
}

// scoreCSV says how well rows fit, the first as the header: names, and as many cells in every row.
func scoreCSV(rows [][][]byte, shape csvShape) int {
	header, rows := withMessage(rows), rows[1:]
	seen := map[string]bool{}
	for i, name := range header {
		name = bytes.TrimSpace(name)
		if i == 0 && len(name) == 0 && len(header) > 2 {
			continue // the column of an index
		}
		if !isColumnName(name) || seen[string(name)] {
			return 0
		}
		seen[string(name)] = true
	}
	same := 0
	for _, row := range rows {
		for len(row) > len(header) && len(row[len(row)-1]) == 0 {
			row = row[:len(row)-1]
		}
		if len(row) == len(header) {
			same++
		}
	}
	d := csvDialect{shape: shape}
	d.columns(header, rows)
	dated := 0
	for _, row := range rows {
		if _, ok := d.time(row); ok {
			dated++
		}
	}
	switch {
	case same*10 < len(rows)*9 || len(header) < 2:
		return 0
	case dated*2 >= len(rows) && (dated > 0 || len(d.times) > 0 && len(header) > 2):
		return 85
	case len(header) > 2 && (len(rows) > 1 || len(d.levels) > 0 && len(d.messages) > 0):
		return 60
	}
	return 0
}

// withMessage returns the header, and one more name if all rows have one more cell: Windows' event
// viewer names no column for the message.
func withMessage(rows [][][]byte) [][]byte {
	header := rows[0]
	for _, row := range rows[1:] {
		if len(row) != len(header)+1 || len(row[len(header)]) == 0 {
			return header
		}
	}
	if len(rows) > 1 && len(header) > 2 {
		header = append(slices.Clip(header), []byte("message"))
	}
	return header
}

// isColumnName tells names from the other things that lines of text begin with.
func isColumnName(name []byte) bool {
	if len(name) == 0 || len(name) > 80 || !utf8.Valid(name) || isNumber(name) || bytes.ContainsAny(name, "=<>{}:;,\"\x00\x1b") || name[0] == '#' || isDigit(name[0]) {
		return false
	}
	return bytes.ContainsFunc(name, func(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' || r >= utf8.RuneSelf })
}

// columns names the columns, and finds those of the time, the level and the message by their
// names and by what rows have in them.
func (d *csvDialect) columns(header [][]byte, rows [][][]byte) {
	if d.names != nil {
		return
	}
	folded := make([]string, len(header))
	for i, name := range header {
		if name = bytes.TrimSpace(name); len(name) == 0 {
			name = append([]byte("column"), byte('0'+(i+1)/10%10), byte('0'+(i+1)%10))
		}
		d.names = append(d.names, appendMemberName([]byte{','}, name))
		folded[i] = string(foldName(nil, name))
	}
	d.times = timeColumns(folded)
	for i := range d.times {
		n := 0
		for _, row := range rows {
			if _, ok := d.clockOf(row, d.times[i]); ok {
				n++
			}
		}
		if n > 0 && n*2 >= len(rows) {
			toFront(d.times, i)
			break
		}
	}
	if len(rows) > 0 {
		d.anyTime(rows)
	}
	d.judgeTimes(rows)
	d.levels = roleColumns(folded, levelRole, "level", "severity")
	prefer(d.levels, rows, func(cell []byte) bool { return wordLevel(cell) != "" })
	d.messages = roleColumns(folded, messageRole, "message", "content", "description")
	prefer(d.messages, rows, func(cell []byte) bool { return len(cell) > 0 })
}

// judgeTimes finds out whether 03/04/2026 is in March or in April.
func (d *csvDialect) judgeTimes(rows [][][]byte) {
	var texts [][]byte
	for _, row := range rows {
		switch {
		case len(d.times) == 0:
		case len(d.times[0]) > 1:
			d.clockOf(row, d.times[0])
			texts = append(texts, bytes.Clone(d.joined))
		case d.times[0][0] < len(row):
			texts = append(texts, bytes.TrimSpace(row[d.times[0][0]]))
		}
	}
	s := &sample{lines: texts}
	d.finder.prefer(s)
	d.finder.judge(s, d.chronology.calendar)
}

// anyTime takes the first column that has times in all rows, whatever it is called, unless a
// column of another name has some.
func (d *csvDialect) anyTime(rows [][][]byte) {
	for _, row := range rows {
		if _, ok := d.time(row); ok {
			return
		}
	}
	for column := range d.names {
		n := 0
		for _, row := range rows {
			if column < len(row) && len(row[column]) >= 16 {
				if _, ok := findISO(row[column]); ok {
					n++
				}
			}
		}
		if n == len(rows) {
			d.times = append(d.times, []int{column})
			return
		}
	}
}

// timeColumns lists columns that may give the time, the most telling first: alone by a name that means
// date and time, then date and time of day in two or three columns, then by other names.
func timeColumns(folded []string) (list [][]int) {
	var ranked []int
	for i, name := range folded {
		if r := roleOf([]byte(name)); r.kind == timeRole && name != "date" {
			ranked = append(ranked, i)
		}
	}
	slices.SortStableFunc(ranked, func(a, b int) int {
		return int(roleOf([]byte(folded[a])).rank) - int(roleOf([]byte(folded[b])).rank)
	})
	for _, i := range ranked {
		list = append(list, []int{i})
	}
	for _, names := range [][]string{{"date", "time"}, {"month", "date", "time"}, {"month", "day", "time"}, {"date", "day", "time"}, {"day", "time"}, {"logdate", "logtime"}, {"eventdate", "eventtime"}} {
		columns := make([]int, 0, len(names))
		for _, name := range names {
			if i := slices.Index(folded, name); i >= 0 {
				columns = append(columns, i)
			}
		}
		if len(columns) == len(names) {
			list = append(list, columns)
		}
	}
	for _, part := range []string{"datetime", "timestamp", "time", "date"} {
		for i, name := range folded {
			if bytes.Contains([]byte(name), []byte(part)) && !slices.ContainsFunc(list, func(c []int) bool { return len(c) == 1 && c[0] == i }) {
				list = append(list, []int{i})
			}
		}
	}
	return list
}

// roleColumns lists the columns of a role by rank, then those whose names have one of the words.
func roleColumns(folded []string, kind roleKind, words ...string) (list []int) {
	for i, name := range folded {
		if roleOf([]byte(name)).kind == kind {
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(a, b int) int {
		return int(roleOf([]byte(folded[a])).rank) - int(roleOf([]byte(folded[b])).rank)
	})
	for i, name := range folded {
		for _, word := range words {
			if bytes.Contains([]byte(name), []byte(word)) && !slices.Contains(list, i) {
				list = append(list, i)
			}
		}
	}
	return list
}

// prefer moves the first column that fits in at least half of the rows to the front.
func prefer(columns []int, rows [][][]byte, fits func(cell []byte) bool) {
	for i, column := range columns {
		n := 0
		for _, row := range rows {
			if column < len(row) && fits(row[column]) {
				n++
			}
		}
		if n > 0 && n*2 >= len(rows) {
			toFront(columns, i)
			return
		}
	}
}

func toFront[T any](list []T, i int) {
	first := list[i]
	copy(list[1:i+1], list[:i])
	list[0] = first
}
