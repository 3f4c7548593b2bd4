package ingest

import (
	"bytes"
	"io"
	"slices"
)

// What container runtimes keep of a program's output has each line in an envelope. The
// envelope is opened and what is inside is read as a file of its own; its time is that of
// events which give none, and the stream becomes a property.
//
//	2026-11-20T10:00:00.123456789Z stdout F {"msg":"up"}     CRI: containerd, CRI-O; P is a part of a line, F the last
//	2026-11-20T10:00:00.123456789Z {"msg":"up"}              kubectl logs --timestamps, docker logs -t
type wrapping struct {
	shown  string
	opened func(line []byte) (parcel, bool)
	parts  [2]fileLine // of lines that are not whole yet, by stream; number 0: none
	marks  []mark      // of lines that were opened and of which no event came yet
	clef   []byte
}

type mark struct {
	number int64
	stream string
}

// parcel is a line in its envelope.
type parcel struct {
	clock   clock
	stream  string // stdout, stderr or empty
	partial bool
	text    []byte
}

func openCRI(line []byte) (p parcel, ok bool) {
	if p, ok = openStamped(line); !ok {
		return p, false
	}
	for _, stream := range [...]string{"stdout", "stderr"} {
		rest, is := bytes.CutPrefix(p.text, []byte(stream+" "))
		if !is || len(rest) < 1 || rest[0] != 'P' && rest[0] != 'F' {
			continue
		}
		p.stream, p.partial = stream, rest[0] == 'P'
		_, p.text = cutWord(rest)
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
	p.text = line[c.i+1:]
	return p, true
}

// wrappingOf tells whether the lines of a sample are in envelopes, and returns the sample of
// what is inside. judged is what the lines themselves were taken for.
func wrappingOf(s *sample, judged *dialectKind) (*wrapping, *sample) {
	for _, e := range [...]wrapping{{shown: "CRI", opened: openCRI}, {shown: "lines with the runtime's time", opened: openStamped}} {
		inside, n := make([]byte, 0, len(s.text)), 0
		for line := range bytes.Lines(s.text) {
			p, ok := e.opened(bytes.TrimRight(line, "\r\n"))
			if !ok {
				continue
			}
			n++
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
		if e.shown != "CRI" && (judged == nil || judged.format != TextFormat || judge(inner).format == TextFormat) {
			continue
		}
		return &e, inner
	}
	return nil, nil
}

// open takes a line out of its envelope. more: it is not whole yet.
func (e *wrapping) open(f *FileReader, line *fileLine) (more bool) {
	p, ok := e.opened(line.text)
	if !ok {
		e.marks = append(e.marks, mark{number: line.number})
		return false
	}
	at := 0
	if p.stream == "stderr" {
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
	line.arrived, line.stream = f.calendar.time(p.clock), p.stream
	e.marks = append(e.marks, mark{line.number, p.stream})
	return false
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
	if stream == "" || bytes.Contains(clef, []byte(`"stream":`)) {
		return clef
	}
	e.clef = append(append(e.clef[:0], clef[:len(clef)-1]...), `,"stream":"`...)
	e.clef = append(append(e.clef, stream...), '"', '}')
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
