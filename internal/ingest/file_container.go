package ingest

import (
	"bytes"
	"io"
	"slices"
	"unicode"

	"github.com/stelehq/stele/internal/event"
)

// What container runtimes keep of a program's output has each line in an envelope. The
// envelope is opened and what is inside is read as a file of its own; its time is that of
// events which give none, and the stream becomes a property.
//
//	2026-11-20T10:00:00.123456789Z stdout F {"msg":"up"}     CRI: containerd, CRI-O; P is a part of a line, F the last
//	2026-11-20T10:00:00.123456789Z {"msg":"up"}              kubectl logs --timestamps, docker logs -t
//	web-1  | {"msg":"up"}                                    docker compose logs, with -t or without
//	[pod/web-7c9/app] {"msg":"up"}                           kubectl logs --prefix
type wrapping struct {
	shown  string
	names  string // the property that says where a line is from: stream or app
	text   bool   // it may hold text of which nothing else is known
	opened func(line []byte) (parcel, bool)
	timed  bool              // it has told times
	known  map[string]string // what the property was, so that it is not copied for each line
	parts  [2]fileLine       // of lines that are not whole yet, by stream; number 0: none
	marks  []mark            // of lines that were opened and of which no event came yet
	clef   []byte
}

type mark struct {
	number int64
	stream string
}

// knownSources is how many names of programs are remembered.
const knownSources = 1000

func (e *wrapping) source(name []byte) string {
	if known, ok := e.known[string(name)]; ok {
		return known
	}
	if e.known == nil || len(e.known) >= knownSources {
		e.known = map[string]string{}
	}
	known := string(name)
	e.known[known] = known
	return known
}

// parcel is a line in its envelope.
type parcel struct {
	clock   clock
	timed   bool
	stream  []byte // stdout, stderr, the name of a program, or empty
	partial bool
	text    []byte
}

func openCRI(line []byte) (p parcel, ok bool) {
	if p, ok = openStamped(line); !ok {
		return p, false
	}
	for _, stream := range [...]string{"stdout", "stderr"} {
		rest, is := bytes.CutPrefix(p.text, []byte(stream+" "))
		tag, text := cutWord(rest)
		if !is || string(tag) != "P" && string(tag) != "F" {
			continue
		}
		p.stream, p.partial = p.text[:len(stream)], tag[0] == 'P'
		p.text = text
		return p, true
	}
	return p, false
}

// openStamped reads a line after a time in UTC with a fraction.
func openStamped(line []byte) (p parcel, ok bool) {
	if len(line) < 22 || line[10] != 'T' || line[19] != '.' {
		return p, false
	}
	c := cursor{b: line}
	p.clock = parseISO(&c)
	if c.bad || !p.clock.valid() || !p.clock.zoned || c.i >= len(line) || line[c.i] != ' ' {
		return p, false
	}
	p.text, p.timed = line[c.i+1:], true
	return p, true
}

// openCompose reads a line after a program's name and |, coloured or not, and after the time that -t adds, which always has nine
// digits of a fraction.
func openCompose(line []byte) (p parcel, ok bool) {
	rest := skipColours(line)
	n := 0
	for n < len(rest) && n < 100 && (isWord(rest[n]) || rest[n] == '-' || rest[n] == '.') {
		n++
	}
	p.stream, rest = rest[:n], skipColours(rest[n:])
	for len(rest) > 0 && isBlank(rest[0]) {
		rest = skipColours(rest[1:])
	}
	if len(rest) == 0 || rest[0] != '|' || !bytes.ContainsFunc(p.stream, unicode.IsLetter) || isLevelWord(p.stream) {
		return parcel{}, false
	}
	rest = skipReset(rest[1:])
	if len(rest) > 0 && rest[0] == ' ' {
		rest = rest[1:]
	} else if len(rest) > 0 {
		return parcel{}, false
	}
	p.text = skipReset(rest)
	const timed = len("2026-11-20T10:00:00.123456789Z ")
	if stamped, ok := openStamped(p.text); ok && len(p.text)-len(stamped.text) == timed {
		p.clock, p.timed, p.text = stamped.clock, true, stamped.text
	}
	return p, true
}

// openPrefixed reads a line after [pod/NAME/CONTAINER].
func openPrefixed(line []byte) (p parcel, ok bool) {
	end := bytes.IndexByte(line[:min(len(line), 300)], ']')
	if !hasPrefix(line, "[pod/") || end < 0 || end+1 < len(line) && line[end+1] != ' ' || bytes.Count(line[:end], []byte("/")) != 2 {
		return p, false
	}
	p.stream, p.text = line[1:end], line[min(end+2, len(line)):]
	if stamped, ok := openStamped(p.text); ok {
		p.clock, p.timed, p.text = stamped.clock, true, stamped.text
	}
	return p, true
}

// wrappingOf tells whether the lines of a sample are in envelopes, and returns the sample of
// what is inside. judged is what the lines themselves were taken for.
func wrappingOf(s *sample, judged *dialectKind) (*wrapping, *sample) {
	for _, e := range [...]wrapping{
		{shown: "CRI", names: "stream", text: true, opened: openCRI},
		{shown: "lines with the runtime's time", names: "stream", opened: openStamped},
		{shown: "Docker Compose", names: "app", text: true, opened: openCompose},
		{shown: "kubectl", names: "app", text: true, opened: openPrefixed},
	} {
		inside, n := make([]byte, 0, len(s.text)), 0
		for line := range bytes.Lines(s.text) {
			p, ok := e.opened(bytes.TrimRight(line, "\r\n"))
			if !ok {
				continue
			}
			n++
			e.source(p.stream)
			if inside = append(inside, p.text...); !p.partial {
				inside = append(inside, '\n')
			}
		}
		if n == 0 || n*10 < len(s.lines)*9 {
			continue
		}
		inner := newSample(inside, true, s.patient)
		if len(inner.lines) == 0 {
			continue
		}
		switch {
		case e.stands(judged):
			continue // the format knows what is in front of its lines
		case !e.text && judge(inner).format == TextFormat:
			continue
		}
		return &e, inner
	}
	return nil, nil
}

// severalPrograms opens a text in which each line may be of another program.
var severalPrograms = dialectKind{format: TextFormat, open: func(o *FileOptions, c calendar, s *sample) (dialect, error) {
	var all, seen []*lineForm
	for i := range lineForms {
		all = append(all, &lineForms[i])
	}
	var times stampFinder
	times.prefer(s)
	for i, n := range countForms(all, s, times.form).by {
		if n > 0 {
			seen = append(seen, all[i])
		}
	}
	d := newTextDialect(o, c, s, seen)
	d.joins = min(d.joins, joinParts)
	return d, nil
}}

// stands reports whether lines are better left in the envelope, for what they are taken for.
func (e *wrapping) stands(judged *dialectKind) bool {
	switch {
	case e.shown == "CRI":
		return false
	case judged == nil:
		return true
	case e.names == "app":
		return judged.format == JSONFormat || judged.format == CLEFFormat || judged.format == "bulk" || judged.format == "logfmt" || judged.format == "csv"
	}
	return judged.format != TextFormat
}

// open takes a line out of its envelope. more: it is not whole yet.
func (e *wrapping) open(f *FileReader, line *fileLine) (more bool) {
	p, ok := e.opened(line.text)
	if !ok {
		e.marks = append(e.marks, mark{number: line.number})
		return false
	}
	stream := e.source(p.stream)
	at := 0
	if stream == "stderr" {
		at = 1
	}
	part := &e.parts[at]
	if p.partial || part.number != 0 {
		if part.number == 0 {
			*part = fileLine{number: line.number, offset: line.offset, text: part.text[:0]}
		} else {
			f.report.Joined++
		}
		part.bytes += int64(len(p.text))
		part.text = append(part.text, p.text[:min(len(p.text), max(0, f.o.EventBytes-len(part.text)))]...)
		if p.partial {
			return true
		}
		line.number, line.offset, line.bytes, line.text = part.number, part.offset, part.bytes, part.text
		part.number, part.bytes = 0, 0
	} else {
		line.text, line.bytes = p.text, int64(len(p.text))
	}
	line.over = line.bytes > int64(f.o.EventBytes)
	if line.stream = stream; p.timed {
		line.arrived, e.timed = f.calendar.time(p.clock), true
	}
	e.marks = append(e.marks, mark{line.number, stream})
	return false
}

// forget drops the mark of the line that was read last, which is a part of nothing.
func (f *FileReader) forget() {
	if f.envelope != nil && len(f.envelope.marks) > 0 {
		f.envelope.marks = f.envelope.marks[:len(f.envelope.marks)-1]
	}
}

// rest returns a line whose last part never came.
func (e *wrapping) rest() (line fileLine, ok bool) {
	for i := range e.parts {
		if part := &e.parts[i]; part.number != 0 {
			line, part.number = *part, 0
			line.stream = [...]string{"stdout", "stderr"}[i]
			e.marks = append(e.marks, mark{line.number, line.stream})
			return line, true
		}
	}
	return line, false
}

// address adds the stream to the event that begins on a line.
func (e *wrapping) address(clef []byte, line int64) []byte {
	at := slices.IndexFunc(e.marks, func(m mark) bool { return m.number == line })
	if at < 0 {
		return clef
	}
	stream := e.marks[at].stream
	e.marks = append(e.marks[:0], e.marks[at+1:]...) // those before it were parts of events
	if stream == "" || bytes.Contains(clef, []byte(`,"`+e.names+`":`)) {
		return clef
	}
	e.clef = append(append(e.clef[:0], clef[:len(clef)-1]...), `,"`+e.names+`":`...)
	e.clef = append(event.AppendText(e.clef, stream), '}')
	return e.clef
}

// take reads a line as it is or, if lines are in envelopes, what is inside one.
func (f *FileReader) take() (line fileLine, ok bool) {
	for !f.ended {
		line, err := f.lines.next()
		if err != nil {
			f.ended = true
			if err != io.EOF {
				f.err = err
			}
			break
		}
		f.report.Lines++
		f.current = line
		if f.envelope == nil || line.over || !f.envelope.open(f, &line) {
			return line, true
		}
	}
	if f.envelope != nil {
		return f.envelope.rest()
	}
	return fileLine{}, false
}
