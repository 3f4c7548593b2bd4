package ingest

import "github.com/stelehq/stele/internal/event"

// Logfmt turns lines of logfmt that clients send one by one into CLEF, with the same properties as in files. Not for
// concurrent use.
type Logfmt struct{ r record }

// Append appends to dst the CLEF of a line that is pairs of logfmt from its first byte to its last, at an instant,
// whatever time it gives. The word of its level stays as it is; numbers and letters become Serilog's names. level is that of
// a line that gives none, empty: no @l. ok is false for any other line, and dst is then returned as it was.
func (l *Logfmt) Append(dst, line []byte, instant int64, level string) (clef []byte, ok bool) {
	r := &l.r
	r.reset()
	if !parseLogfmtLine(line, r) {
		return dst, false
	}
	if r.level != "" {
		level = r.level
		if len(r.word) > 1 && !isDigit(r.word[0]) {
			level = string(r.word)
		}
	}
	dst = append(event.AppendTime(append(dst, `{"@t":"`...), instant), '"')
	if level != "" {
		dst = event.AppendText(append(dst, `,"@l":`...), level)
	}
	dst = event.AppendString(append(dst, `,"@m":`...), r.message)
	return append(append(dst, r.fields...), '}'), true
}
