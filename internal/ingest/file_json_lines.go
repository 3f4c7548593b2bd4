package ingest

import (
	"bytes"

	"github.com/stelehq/stele/internal/event"
)

// Lines of JSON, and what stands between them in real files: lines of text and of logfmt, such as banners and the
// traces of crashes, are events too, joined and dated as in files of text; text in front of an object is kept as the
// property prefix, and gives what the object does not: time, level, message; comments are passed over. What begins like
// an object and is none is refused.
//
//	web_1  | {"level":"warn","msg":"m"}     {"@t":"…","@l":"Warning","@m":"m","app":"web_1","level":"warn","msg":"m"}

// newLineDialect opens a file of JSON lines.
func newLineDialect(o *FileOptions, c calendar, s *sample) *jsonDialect {
	scan := objectScan{known: knownNames, lenient: true}
	var objects, prefixes, others [][]byte
	for _, line := range s.lines {
		switch at, ok := objectAt(&scan, line); {
		case ok && at > 0:
			prefixes = append(prefixes, bytes.TrimRight(line[:at], " \t"))
			fallthrough
		case ok:
			if source, ok := scan.slot(sourceName); ok && source[0] == '{' {
				objects = append(objects, bytes.Clone(source))
				continue
			}
			objects = append(objects, line[at:])
		case !isComment(line):
			others = append(others, line)
		}
	}
	d := newJSONDialect(*o, c, objects)
	d.prefixes = newLineText(o, c, s, prefixes)
	d.others = newLineText(o, c, s, others)
	d.shown = "JSON lines"
	if len(prefixes)*2 > len(objects) {
		d.shown = "JSON lines after text"
	}
	d.shown += d.found(objects)
	return d
}

// newLineText reads the lines, or parts of lines, that are text.
func newLineText(o *FileOptions, c calendar, s *sample, lines [][]byte) *textDialect {
	forms := make([]*lineForm, 0, len(lineForms))
	for i := range lineForms {
		if len(lines) > 0 || !isConsole(&lineForms[i]) {
			forms = append(forms, &lineForms[i])
		}
	}
	d := newTextDialect(o, c, &sample{lines: lines, raw: lines, whole: s.whole, patient: s.patient}, forms)
	d.undecided = true // what the sample does not show may come yet
	return d
}

// objectAt finds the object that a line consists of, or that ends it after some text.
func objectAt(s *objectScan, line []byte) (at int, ok bool) {
	line = bytes.TrimRight(line, " \t\r\x00")
	if len(line) == 0 || line[len(line)-1] != '}' {
		return 0, false
	}
	for tries := 0; tries < 8; tries++ {
		n := bytes.IndexByte(line[at:], '{')
		if n < 0 {
			return 0, false
		}
		at += n
		if at == 0 || bytes.IndexByte([]byte(" \t|:])>-\x00"), line[at-1]) >= 0 {
			if s.scan(line[at:]) == nil {
				return at, true
			}
		}
		at++
	}
	return 0, false
}

// isComment recognises what people write into files of JSON.
func isComment(line []byte) bool {
	return len(line) > 0 && line[0] == '#' || hasPrefix(line, "//")
}

func (d *jsonDialect) next(f *FileReader) bool {
	text := &d.others.pending
	for {
		if len(d.rest) > 0 {
			if d.object(f, d.line, d.rest, ObjectContext{Instant: f.before}, false) {
				return true
			}
			continue
		}
		line, ok := f.line()
		if !ok {
			return d.others.release(f)
		}
		body := bytes.Trim(line.text, " \t\r\x00")
		isText := !d.looksJSON(line, body)
		if len(body) > 0 && isText && !isComment(body) {
			if d.plain(f, line) {
				return true
			}
			continue
		}
		if text.open && d.crash && len(body) == 0 {
			d.others.join(line.text)
			f.report.Joined++
			continue
		}
		if text.open { // its line comes first
			f.unread(line)
			if d.others.release(f) {
				return true
			}
			continue
		}
		switch {
		case len(body) == 0:
			f.report.Blank++
		case isText:
			f.report.Skipped++
		case body[0] == '{':
			if d.line = line; d.object(f, line, body, ObjectContext{Instant: f.before}, false) {
				return true
			}
		default:
			if d.prefixed(f, line) {
				return true
			}
		}
	}
}

// looksJSON recognises objects, whole or broken, and objects after text.
func (d *jsonDialect) looksJSON(line fileLine, body []byte) bool {
	if len(body) == 0 {
		return false
	}
	if body[0] == '{' {
		i := event.SkipSpace(body, 1)
		return i < len(body) && (body[i] == '"' || body[i] == '}')
	}
	d.at, d.hasPrefix = objectAt(&d.objects.scan, line.text)
	return d.hasPrefix
}

// object reads the object that text begins with; dated says that the context's time is the line's own. Another one may follow it in the line.
func (d *jsonDialect) object(f *FileReader, line fileLine, text []byte, c ObjectContext, dated bool) bool {
	d.rest = nil
	rest, err := d.objects.scan.scanFirst(text)
	if err == nil && len(rest) > 0 && rest[0] != '{' {
		err = event.Expected(text, len(text)-len(rest), "the end of the line after the object")
	}
	if err != nil {
		f.refuse(line.number, line.offset, err)
		return false
	}
	d.rest = rest
	return d.give(f, line, c, dated)
}

// give emits the event of the object that was scanned.
func (d *jsonDialect) give(f *FileReader, line fileLine, c ObjectContext, dated bool) bool {
	replaced := d.objects.scan.replaced
	if err := d.unwrap(&c); err != nil {
		f.refuse(line.number, line.offset, err)
		return false
	}
	out, found := d.objects.appendScanned(f.out[:0], &c)
	f.out = out[:0]
	return f.emitReplaced(out, line.number, line.offset, found.Instant, found.Dated || dated, replaced)
}

// unwrap takes a document out of the object in which Elasticsearch's tools export it, whose other members
// become extra ones.
func (d *jsonDialect) unwrap(c *ObjectContext) error {
	s := &d.objects.scan
	source, ok := s.slot(sourceName)
	if _, indexed := s.slot(indexName); !ok || !indexed && !d.hits || source[0] != '{' {
		return nil
	}
	d.source = append(d.source[:0], source...)
	d.around = append(d.around[:0], c.Extra...)
	for i := range s.Len() {
		if name := s.RawName(i); !equalFold(name, "_source") && (len(name) == 0 || name[0] != '@') {
			d.around = append(comma(d.around, 0), s.Member(i)...)
		}
	}
	c.Extra = d.around
	return s.scan(d.source)
}

// prefixed reads an object after some text.
func (d *jsonDialect) prefixed(f *FileReader, line fileLine) bool {
	c := ObjectContext{Instant: f.before}
	prefix := bytes.Trim(line.text[:d.at], " \t\x00")
	d.extra = d.extra[:0]
	dated := false
	if name, ok := bytes.CutSuffix(prefix, []byte("|")); ok && !bytes.ContainsAny(bytes.TrimSpace(name), " \t{") {
		d.extra = event.AppendString(append(d.extra, `"app":`...), bytes.TrimSpace(name))
	} else {
		d.extra = event.AppendString(append(d.extra, `"prefix":`...), prefix)
		p := d.prefixes
		if p.parse(prefix) {
			p.start(line, true, false, f.before)
			if p.pending.open = false; p.pending.record.finish != nil {
				p.pending.record.finish(&p.pending)
			}
			dated = p.ahead.timed
			c.Instant, c.Level, c.Message = p.pending.instant, p.pending.record.level, p.pending.head
			d.extra = append(d.extra, p.pending.record.fields...)
		} else {
			c.Level, c.Message = textLevel(prefix)
		}
	}
	c.Extra, c.Message = d.extra, bytes.TrimRight(c.Message, " \t:-|")
	return d.give(f, line, c, dated) // looksJSON has scanned it
}

// plain reads a line of text.
func (d *jsonDialect) plain(f *FileReader, line fileLine) bool {
	t := d.others
	begins := t.parsed || t.parse(line.text)
	if p := &t.pending; p.open {
		goesOn := isBlank(line.text[0]) || looksLikeTrace(line.text) || d.crash || t.stamped && p.dated
		if !begins && goesOn && len(p.head)+len(p.more)+len(line.text) <= t.limit {
			t.join(line.text)
			f.report.Joined++
			return false
		}
		f.unread(line)
		t.parsed = begins
		return t.release(f)
	}
	t.parsed = false
	t.start(line, begins, false, f.before)
	d.crash = looksLikeTrace(line.text)
	return false
}

// release emits the event of text that is being gathered.
func (d *jsonDialect) release(f *FileReader) bool { return d.others.release(f) }
