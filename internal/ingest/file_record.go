package ingest

import (
	"bytes"

	"github.com/stelehq/stele/internal/event"
)

// A record is what a line form made of the first line of an event. Its bytes may be parts of
// the line.
type record struct {
	clock clock // when; of no account unless timed
	timed bool

	// level is the line's own word for it, empty if it has none. @l gets Serilog's name, and
	// the word is kept as the property level if it is another, unless kept says that the line's
	// level is a property or part of the message already.
	level  string
	kept   bool
	second bool   // the line begins no event if the one before it did and has no message
	word   []byte // what level was read from, where a form maps it itself

	message   []byte // @m, to which the lines that continue the event are added
	exception []byte // @x

	fields []byte // properties as JSON members, each after a comma

	room []byte // for texts that the line has in another form

	// finish is called when the event is whole, to take apart what its message ends with or
	// what the lines after the first say; nil: nothing is to be done.
	finish func(*textEvent)

	times *stampFinder // of the file; nil: any form of time
}

func (r *record) reset() {
	*r = record{fields: r.fields[:0], room: r.room[:0], times: r.times}
}

func (r *record) name(name string) {
	r.fields = append(r.fields, ',', '"')
	r.fields = append(r.fields, name...)
	r.fields = append(r.fields, '"', ':')
}

// text adds a property that is text; its name, here and below, is given by the code and needs no escape.
func (r *record) text(name string, value []byte) {
	r.name(name)
	r.fields = event.AppendString(r.fields, value)
}

// present adds a property unless the value is empty or the "-" that stands for nothing.
func (r *record) present(name string, value []byte) {
	if len(value) > 0 && string(value) != "-" {
		r.text(name, value)
	}
}

// number adds a property that is a number, or text if it is none; nothing if it is absent.
func (r *record) number(name string, value []byte) {
	if !isNumber(value) {
		r.present(name, value)
		return
	}
	r.name(name)
	r.fields = append(r.fields, value...)
}

// appendEvent appends the CLEF of the record: @t, @l, @m, @x, and its properties.
func (r *record) appendEvent(dst []byte, instant int64, message, exception []byte) []byte {
	dst = append(dst, `{"@t":"`...)
	dst = appendFiner(event.AppendTime(dst, instant), r.clock.finer)
	dst = append(dst, '"')
	mapped := event.NormalizeLevel(r.level)
	if r.level != "" {
		dst = append(dst, `,"@l":`...)
		dst = event.AppendText(dst, mapped)
	}
	dst = append(dst, `,"@m":`...)
	dst = event.AppendString(dst, message)
	if len(exception) > 0 {
		dst = append(dst, `,"@x":`...)
		dst = event.AppendString(dst, exception)
	}
	if r.level != mapped && !r.kept {
		dst = append(dst, `,"level":`...)
		dst = event.AppendText(dst, r.level)
	}
	dst = append(dst, r.fields...)
	return append(dst, '}')
}

// appendFiner adds digits to the nine of the time in canonical form that dst ends with. It is then no instant of
// nanoseconds any more, and the store keeps its text (R3).
func appendFiner(dst, digits []byte) []byte {
	if len(digits) == 0 {
		return dst
	}
	dst = dst[:len(dst)-1] // Z
	for dot := bytes.LastIndexByte(dst, '.'); len(dst) < dot+10; {
		dst = append(dst, '0')
	}
	return append(append(dst, digits...), 'Z')
}

// A lineForm is one way in which programs write the first line of an event. Lines that are not
// of the form continue the event before them, unless another form knows them.
type lineForm struct {
	format  FileFormat // the name it goes by on the command line; several forms may share one
	shown   string     // as the summary says it
	example string     // a whole line that this form recognises, and none before it in the table
	parse   func(line []byte, r *record) bool
	layout  func() *pattern // that parse goes by; nil: none
}

// cannotBegin tells by its first byte that a line has not the form.
func (f *lineForm) cannotBegin(line []byte) bool {
	return f.layout != nil && len(line) > 0 && !f.layout().first[line[0]]
}

// cutWord takes the first word, up to a blank.
func cutWord(line []byte) (word, rest []byte) {
	at := bytes.IndexByte(line, ' ')
	if at < 0 {
		return line, nil
	}
	return line[:at], line[at+1:]
}
