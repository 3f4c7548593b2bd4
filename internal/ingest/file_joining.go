package ingest

import "bytes"

// joining says which lines that begin no event continue the one before.
type joining uint8

const (
	joinAll   joining = iota
	joinParts         // only what is indented or belongs to a stack trace; other lines are events
	joinNone          // in formats whose events are one line each: whatever else there is is an event
)

// joiningOf decides by the form that most lines have, and how many lines have a time: where they are
// few among many that have none, the others are events of their own.
func (d *textDialect) joiningOf(s *sample) joining {
	if d.form != nil {
		switch d.form.format {
		case "access", "squid", "uwsgi", "haproxy", "proxifier", "healthapp", "pgbouncer":
			return joinNone
		case "logfmt", "ltsv":
			return joinParts
		}
		return joinAll
	}
	if d.times.form == nil {
		return joinAll // which is of account if later lines have times
	}
	begins, loose := 0, 0
	var plain []byte
	for i, line := range s.lines {
		if _, ok := d.times.begins(withoutColours(line, &plain)); ok {
			begins++
		} else if !isBlank(s.raw[i][0]) && !looksLikeTrace(line) {
			loose++
		}
	}
	if begins*10 < loose {
		return joinParts
	}
	return joinAll
}

// continues reports whether a line that begins no event continues the open one.
func (d *textDialect) continues(f *FileReader, line []byte) bool {
	joins := d.joins
	if joins == joinAll && !d.pending.begun && f.envelope != nil && f.envelope.names == "app" {
		joins = joinParts // one of several programs, and not that of which the layout is known
	}
	switch joins {
	case joinNone:
		return false
	case joinParts:
		return d.pending.trace || isBlank(line[0]) || looksLikeTrace(line)
	}
	return true
}

// isIndented reports whether a text has blanks in front of nearly every line, as if it was
// pasted or sent by mail.
func isIndented(s *sample) bool {
	n := 0
	for _, line := range s.raw {
		if isBlank(line[0]) {
			n++
		}
	}
	return n*10 >= len(s.raw)*9 && n > 0
}

// besides returns the forms that stand among those of another: what a server writes to its
// standard output and error is often kept in one file.
func besides(form *lineForm) []*lineForm {
	if form == nil || form.format != "access" {
		return nil
	}
	return formsOf("nginx-error", "apache-error")
}

// parseAmidst reads a line of an access log that stands in another text.
func parseAmidst(line []byte, r *record) bool {
	if !bytes.Contains(line, []byte(`] "`)) {
		return false
	}
	if r.reset(); parseCombined(line, r) {
		return true
	}
	r.reset()
	return parseCommon(line, r)
}
