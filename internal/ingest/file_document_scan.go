package ingest

import (
	"bytes"
	"io"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// A documentScan walks over the bytes of a file that is JSON without regard to lines, and accounts
// for the lines that it passes over.
type documentScan struct {
	f      *FileReader
	line   lineKind // what the line at hand is so far
	taken  int64    // bytes of it
	indent int      // the same if all are blanks; else -1
	text   []byte   // a value that was read, or its beginning
}

// lineKind says what a line of a document is. Of several things that it is the last one counts.
type lineKind uint8

const (
	blankLine     lineKind = iota
	structureLine          // brackets and members around the events
	joinedLine             // a part of an event that began before
	countedLine            // begins an event, or something that was refused
)

// window returns bytes that follow, at least one unless the file ends.
func (d *documentScan) window() []byte {
	br := d.f.lines.br
	n := br.Buffered()
	if n == 0 {
		if _, err := br.Peek(1); err != nil {
			if err != io.EOF && d.f.err == nil {
				d.f.err = err
			}
			return nil
		}
		n = br.Buffered()
	}
	w, _ := br.Peek(n)
	return w
}

// take passes over bytes of the window, which are of one kind.
func (d *documentScan) take(w []byte, kind lineKind) {
	for rest := w; len(rest) > 0; {
		at := bytes.IndexByte(rest, '\n')
		if at < 0 {
			d.line = max(d.line, kind)
			d.taken += int64(len(rest))
			if blank := len(bytes.TrimLeft(rest, " \t\r")) == 0; blank && d.indent >= 0 {
				d.indent += len(rest)
			} else {
				d.indent = -1
			}
			break
		}
		if at > 0 && len(bytes.TrimSpace(rest[:at])) > 0 {
			d.line = max(d.line, kind)
		}
		d.endLine()
		if kind == countedLine {
			kind = joinedLine
		}
		if kind == joinedLine {
			d.line = joinedLine
		}
		rest = rest[at+1:]
	}
	d.f.lines.skip(len(w))
}

// endLine counts the line at hand.
func (d *documentScan) endLine() {
	r := &d.f.report
	d.f.lines.number++
	r.Lines++
	switch d.line {
	case blankLine:
		r.Blank++
	case structureLine:
		r.Skipped++
	case joinedLine:
		r.Joined++
	}
	d.line, d.taken, d.indent = blankLine, 0, 0
}

// end counts the last line if it has no end. It may be called again.
func (d *documentScan) end() {
	if d.taken > 0 {
		d.endLine()
	}
}

// place returns the line at hand and the offset.
func (d *documentScan) place() (line, offset int64) { return d.f.lines.number + 1, d.f.lines.offset }

// next passes over what may stand between values (white space, commas, the record separators of RFC 7464, and the
// NULs that a crash leaves) and returns the byte that follows.
func (d *documentScan) next() (c byte, ok bool) {
	for {
		w := d.window()
		if len(w) == 0 {
			return 0, false
		}
		n := 0
		for n < len(w) && isBetween(w[n]) {
			n++
		}
		d.takeBetween(w[:n])
		if n < len(w) {
			return w[n], true
		}
	}
}

func isBetween(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ',' || c == 0x1e || c == 0
}

// takeBetween keeps lines of white space alone apart from those of commas.
func (d *documentScan) takeBetween(w []byte) {
	for len(w) > 0 {
		n := 0
		blank := bytes.IndexByte([]byte(" \t\r\n"), w[0]) >= 0
		for n < len(w) && (bytes.IndexByte([]byte(" \t\r\n"), w[n]) >= 0) == blank {
			n++
		}
		if blank {
			d.take(w[:n], blankLine)
		} else {
			d.take(w[:n], structureLine)
		}
		w = w[n:]
	}
}

var errCutOff = fault.New(fault.Invalid, "", "the file ends before this value does")

// value reads the value that begins here into d.text, of which it keeps at most limit bytes; size is how
// long it is. An error says where the text is no JSON; what follows the place is not read.
func (d *documentScan) value(limit int, kind lineKind) (size int64, err error) {
	d.text = d.text[:0]
	var v valueEnder
	for {
		w := d.window()
		if len(w) == 0 {
			switch {
			case d.f.err != nil:
				return size, d.f.err
			case v.depth == 0 && !v.quoted && size > 0: // a number or a word
				return size, nil
			}
			return size, errCutOff
		}
		n, done, why := v.scan(w)
		d.keep(w[:n], limit)
		size += int64(n)
		d.take(w[:n], kind)
		if n > 0 && kind == countedLine {
			kind = joinedLine
		}
		if why != "" {
			line, offset := d.place()
			return size, fault.New(fault.Invalid, "", "line %d, byte %d: %s", line, offset, why)
		}
		if done {
			return size, nil
		}
	}
}

// A valueEnder finds the end of a JSON value that comes in pieces. It looks at strings and brackets; the rest is
// judged when the value is parsed.
type valueEnder struct {
	quoted, escaped, began bool
	depth                  int
	arrays                 uint64 // whether each of the open containers is an array, the outermost lowest
	last                   byte   // that was not white space, outside of strings
}

// scan returns how many bytes of w belong to the value, and whether it ends with them. why says what is
// wrong with the byte after them.
func (v *valueEnder) scan(w []byte) (n int, done bool, why string) {
	for i, c := range w {
		if v.quoted {
			switch {
			case v.escaped:
				v.escaped = false
			case c == '\\':
				v.escaped = true
			case c == '"':
				if v.quoted = false; v.depth == 0 {
					return i + 1, true, ""
				}
			case c == '\n':
				return i, false, "the line ends inside a string"
			}
			continue
		}
		switch c {
		case '"':
			v.quoted = true
		case '{', '[':
			if v.depth > 0 && !v.inArray() && v.last != ':' {
				return i, false, "expected a member's name, found '" + string(c) + "'"
			}
			if v.depth == event.MaxDepth {
				return i, false, "objects and arrays nest too deep"
			}
			v.arrays &^= 1 << v.depth
			if c == '[' {
				v.arrays |= 1 << v.depth
			}
			v.depth++
		case '}', ']':
			if v.depth == 0 {
				return i, true, "" // ends a number or a word
			}
			if v.inArray() != (c == ']') {
				return i, false, "found '" + string(c) + "' where something else is to be closed"
			}
			if v.depth--; v.depth == 0 {
				return i + 1, true, ""
			}
		case ' ', '\t', '\r', '\n', ',', 0x1e, 0:
			if v.depth == 0 && v.began {
				return i, true, "" // ends a number or a word
			}
			if c != ',' {
				continue
			}
		}
		v.began = true
		v.last = c
	}
	return len(w), false, ""
}

func (v *valueEnder) inArray() bool { return v.arrays>>(v.depth-1)&1 != 0 }

// skipBroken passes over what is left of a broken value: up to a line that begins like the one on which the
// value began, or with a bracket that closes what is around it. It is added to d.text, up to limit bytes.
func (d *documentScan) skipBroken(indent int, inside bool, limit int) {
	for first := true; ; first = false {
		if !first || d.indent < 0 {
			if !d.skipLine(limit) {
				return
			}
		}
		c, ok := d.blanks(limit)
		if !ok {
			return
		}
		switch {
		case c == '{' && (indent < 0 || d.indent == indent), c == ']' && inside && (indent < 0 || d.indent < indent):
			return
		case c == 0x1e:
			return
		}
	}
}

// keep adds bytes to d.text, which has limit bytes at most.
func (d *documentScan) keep(w []byte, limit int) {
	if room := limit - len(d.text); room > 0 {
		d.text = append(d.text, w[:min(len(w), room)]...)
	}
}

// blanks passes over blanks in a line and keeps them.
func (d *documentScan) blanks(limit int) (c byte, ok bool) {
	for {
		w := d.window()
		if len(w) == 0 {
			return 0, false
		}
		n := 0
		for n < len(w) && (w[n] == ' ' || w[n] == '\t') {
			n++
		}
		d.keep(w[:n], limit)
		d.take(w[:n], blankLine)
		if n < len(w) {
			return w[n], true
		}
	}
}

// skipLine passes over the rest of the line, which is a part of what was refused, and keeps it.
func (d *documentScan) skipLine(limit int) bool {
	for {
		w := d.window()
		if len(w) == 0 {
			return false
		}
		n := bytes.IndexByte(w, '\n')
		if n < 0 {
			d.keep(w, limit)
			d.take(w, joinedLine)
			continue
		}
		d.keep(w[:n+1], limit)
		d.take(w[:n], joinedLine)
		d.take(d.window()[:1], structureLine)
		return true
	}
}

// restOfLine reads what follows in the line into d.text, at most limit bytes of it.
func (d *documentScan) restOfLine(limit int, kind lineKind) {
	d.text = d.text[:0]
	for {
		w := d.window()
		n := bytes.IndexByte(w, '\n')
		if n < 0 {
			n = len(w)
		}
		d.keep(w[:n], limit)
		d.take(w[:n], kind)
		if n < len(w) || len(w) == 0 {
			return
		}
	}
}
