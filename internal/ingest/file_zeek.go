package ingest

import (
	"bytes"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// zeekDialect reads the tab-separated logs of Zeek and Bro (docs.zeek.org, "Zeek Log Formats"),
// whose lines with # in front say how to read the others; they may change on the way.
//
//	#separator \x09
//	#path	dns
//	#fields	ts	id.orig_h	id.orig_p	query	answers	AA
//	#types	time	addr	port	string	vector[string]	bool
//	1521911721.789543	10.0.0.1	5353	example.com	192.0.2.1,192.0.2.2	F
//	 {"@t":"2018-03-24T17:15:21.7895430Z","@m":"dns 10.0.0.1:5353 example.com","_path":"dns","ts":1521911721.789543,
//	  "id.orig_h":"10.0.0.1","id.orig_p":5353,"query":"example.com","answers":["192.0.2.1","192.0.2.2"],"AA":false}
//
// Names and values are those of Zeek's JSON logs: times and other numbers are numbers, with
// the text they have; sets and vectors are arrays; what is unset is absent.
type zeekDialect struct {
	comma, setComma    []byte
	empty, unset, path []byte

	fields  []zeekField
	time    int // the field that is the time, -1 if none; so the others
	level   int
	message int

	origin, port, target, targetPort int   // of the message of a line that has none
	telling                          []int // the other fields of that message

	cells [][]byte
	room  []byte
	text  []byte
}

type zeekField struct {
	name string
	key  []byte // ,"name":
	kind zeekKind
	many bool // a set or vector of it
}

type zeekKind uint8

const (
	zeekText   zeekKind = iota
	zeekNumber          // also of time
	zeekBool
)

// zeekTelling has the fields by which one knows what a line is about, by the log's path.
var zeekTelling = map[string][]string{
	"conn": {"proto", "service", "conn_state"}, "dns": {"qtype_name", "query", "rcode_name"},
	"http": {"method", "host", "uri", "status_code"}, "ssl": {"version", "server_name"},
	"files": {"source", "mime_type", "filename"}, "weird": {"name", "addl"}, "smtp": {"mailfrom", "subject", "last_reply"},
	"ftp": {"command", "arg", "reply_code"}, "ssh": {"client", "server"}, "x509": {"certificate.subject"},
	"dhcp": {"mac", "host_name", "assigned_addr"}, "software": {"host", "unparsed_version"}, "kerberos": {"request_type", "client", "service"},
	"ntlm": {"username", "hostname", "domainname"}, "rdp": {"cookie", "result"}, "sip": {"method", "uri", "status_msg"}, "tunnel": {"tunnel_type", "action"},
	"dce_rpc": {"endpoint", "operation"}, "smb_files": {"action", "path", "name"}, "smb_mapping": {"path", "service"}, "intel": {"seen.indicator", "seen.where"},
}

func fitsZeek(s *sample) int {
	fields := false
	for _, line := range s.lines {
		if line[0] != '#' {
			break
		}
		if bytes.HasPrefix(line, []byte("#separator ")) {
			return 100
		}
		if bytes.HasPrefix(line, []byte("#types\t")) && fields {
			return 100
		}
		fields = fields || bytes.HasPrefix(line, []byte("#fields\t"))
	}
	return 0
}

func openZeek(*FileOptions, calendar, *sample) (dialect, error) {
	return newZeekDialect(), nil
}

func newZeekDialect() *zeekDialect {
	return &zeekDialect{comma: []byte("\t"), setComma: []byte(","), empty: []byte("(empty)"), unset: []byte("-")}
}

func (d *zeekDialect) describe() string {
	if len(d.path) > 0 {
		return "Zeek log (" + string(d.path) + ")"
	}
	return "Zeek log"
}

func (d *zeekDialect) first(s *sample) (instant int64, ok bool) {
	look := newZeekDialect()
	for _, line := range s.lines {
		if line[0] == '#' {
			look.directive(line)
		} else if look.split(line); len(look.cells) == len(look.fields) && look.time >= 0 {
			if instant, ok := zeekTime(look.cells[look.time]); ok {
				return instant, true
			}
		}
	}
	return 0, false
}

func (d *zeekDialect) next(f *FileReader) bool {
	for {
		line, ok := f.line()
		if !ok {
			return false
		}
		switch {
		case len(bytes.TrimSpace(line.text)) == 0:
			f.report.Blank++
			continue
		case line.text[0] == '#':
			f.report.Skipped++
			d.directive(line.text)
			continue
		case d.fields == nil:
			f.refuse(line.number, line.offset, fault.New(fault.Invalid, "", "no line #fields before it says what it holds"))
			continue
		}
		if d.split(line.text); len(d.cells) != len(d.fields) {
			f.refuse(line.number, line.offset, fault.New(fault.Invalid, "", "the line has %d fields, #fields names %d", len(d.cells), len(d.fields)))
			continue
		}
		out, instant, dated := d.event(f.out[:0], f.before)
		f.out = out[:0]
		replaced := !utf8.Valid(line.text)
		if f.emitReplaced(out, line.number, line.offset, instant, dated, replaced) {
			return true
		}
	}
}

func (d *zeekDialect) split(line []byte) {
	d.cells = d.cells[:0]
	for {
		at := bytes.Index(line, d.comma)
		if at < 0 {
			d.cells = append(d.cells, line)
			return
		}
		d.cells = append(d.cells, line[:at])
		line = line[at+len(d.comma):]
	}
}

// directive takes what a line with # says about those after it.
func (d *zeekDialect) directive(line []byte) {
	if text, ok := bytes.CutPrefix(line, []byte("#separator ")); ok {
		if comma := appendZeekText(nil, bytes.TrimRight(text, "\r")); len(comma) > 0 {
			d.comma = comma
		}
		return
	}
	name, rest, _ := bytes.Cut(line, d.comma)
	value := bytes.Clone(rest)
	switch string(name) {
	case "#set_separator":
		if len(value) > 0 {
			d.setComma = appendZeekText(nil, value)
		}
	case "#empty_field":
		d.empty = value
	case "#unset_field":
		d.unset = value
	case "#path":
		d.path = appendZeekText(nil, value)
	case "#fields":
		d.fields = d.fields[:0:0]
		for _, name := range bytes.Split(value, d.comma) {
			d.fields = append(d.fields, zeekField{name: string(name), key: appendMemberName([]byte{','}, name)})
		}
		d.roles()
	case "#types":
		for i, kind := range bytes.Split(value, d.comma) {
			if i < len(d.fields) {
				d.fields[i].setType(string(kind))
			}
		}
	}
}

// setType reads a type: count, set[addr], vector[string].
func (f *zeekField) setType(kind string) {
	if at := bytes.IndexByte([]byte(kind), '['); at > 0 && kind[len(kind)-1] == ']' {
		f.many, kind = true, kind[at+1:len(kind)-1]
	}
	switch kind {
	case "time", "interval", "count", "int", "double", "port", "counter":
		f.kind = zeekNumber
	case "bool":
		f.kind = zeekBool
	default:
		f.kind = zeekText
	}
}

// roles looks up the fields that make @t, @l and @m.
func (d *zeekDialect) roles() {
	find := func(names ...string) int {
		for _, name := range names {
			for i := range d.fields {
				if d.fields[i].name == name {
					return i
				}
			}
		}
		return -1
	}
	d.time, d.level, d.message = find("ts", "_write_ts"), find("level", "severity"), find("message", "msg")
	d.origin, d.port, d.target, d.targetPort = find("id.orig_h"), find("id.orig_p"), find("id.resp_h"), find("id.resp_p")
	d.telling = d.telling[:0]
	for _, name := range zeekTelling[string(d.path)] {
		if i := find(name); i >= 0 {
			d.telling = append(d.telling, i)
		}
	}
}

// set returns the value of a field, nil if it is unset or there is none.
func (d *zeekDialect) set(field int) []byte {
	if field < 0 || bytes.Equal(d.cells[field], d.unset) || bytes.Equal(d.cells[field], d.empty) {
		return nil
	}
	return d.cells[field]
}

// event appends the CLEF of the line whose fields are in d.cells.
func (d *zeekDialect) event(dst []byte, undated int64) (out []byte, instant int64, dated bool) {
	instant = undated
	if d.time >= 0 {
		if at, ok := zeekTime(d.cells[d.time]); ok {
			instant, dated = at, true
		}
	}
	dst = append(event.AppendTime(append(dst, `{"@t":"`...), instant), '"')
	if word := d.set(d.level); word != nil {
		word = word[bytes.LastIndexByte(word, ':')+1:] // Reporter::WARNING
		if level := wordLevel(word); level != "" {
			dst = event.AppendText(append(dst, `,"@l":`...), level)
		}
	}
	d.text = d.text[:0]
	if m := d.set(d.message); m != nil {
		d.text = appendZeekText(d.text, m)
	} else {
		d.summary()
	}
	dst = event.AppendString(append(dst, `,"@m":`...), d.text)
	if len(d.path) > 0 {
		dst = event.AppendString(append(dst, `,"_path":`...), d.path)
	}
	for i := range d.fields {
		cell := d.cells[i]
		if bytes.Equal(cell, d.unset) {
			continue
		}
		f := &d.fields[i]
		dst = append(dst, f.key...)
		if !f.many {
			dst = d.value(dst, cell, f.kind)
			continue
		}
		dst = append(dst, '[')
		if bytes.Equal(cell, d.empty) {
			cell = nil
		}
		for first := true; len(cell) > 0 || !first && cell != nil; first = false {
			item, rest, more := bytes.Cut(cell, d.setComma)
			if cell = rest; !more {
				cell = nil
			}
			if !first {
				dst = append(dst, ',')
			}
			if bytes.Equal(item, d.unset) {
				dst = append(dst, "null"...)
				continue
			}
			dst = d.value(dst, item, f.kind)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}'), instant, dated
}

// summary makes a message of a line that has none: the log, who with whom, and what tells.
func (d *zeekDialect) summary() {
	d.text = append(d.text, d.path...)
	address := func(before string, host, port int) {
		if h := d.set(host); h != nil {
			d.text = append(append(d.text, before...), h...)
			if p := d.set(port); p != nil {
				d.text = append(append(d.text, ':'), p...)
			}
		}
	}
	address(" ", d.origin, d.port)
	address(" -> ", d.target, d.targetPort)
	for _, i := range d.telling {
		if v := d.set(i); v != nil {
			d.text = appendZeekText(append(d.text, ' '), v)
		}
	}
}

func (d *zeekDialect) value(dst, text []byte, kind zeekKind) []byte {
	switch {
	case kind == zeekNumber && isNumber(text):
		return append(dst, text...)
	case kind == zeekBool && len(text) == 1 && text[0] == 'T':
		return append(dst, "true"...)
	case kind == zeekBool && len(text) == 1 && text[0] == 'F':
		return append(dst, "false"...)
	case bytes.Equal(text, d.empty):
		return append(dst, `""`...)
	case bytes.IndexByte(text, '\\') < 0:
		return event.AppendString(dst, text)
	}
	d.room = appendZeekText(d.room[:0], text)
	return event.AppendString(dst, d.room)
}

// appendZeekText appends a text without Zeek's escapes: \x09 and \\. One whose bytes are not
// UTF-8 stays escaped, as in Zeek's JSON.
func appendZeekText(dst, text []byte) []byte {
	from, rest := len(dst), text
	for {
		at := bytes.IndexByte(rest, '\\')
		if at < 0 || at+1 >= len(rest) {
			dst = append(dst, rest...)
			break
		}
		dst = append(dst, rest[:at]...)
		rest = rest[at+1:]
		if rest[0] == 'x' {
			if v, ok := hexValue(rest[1:], 2); ok {
				dst, rest = append(dst, byte(v)), rest[3:]
				continue
			}
		}
		if dst = append(dst, '\\'); rest[0] == '\\' {
			rest = rest[1:]
		}
	}
	if !utf8.Valid(dst[from:]) {
		dst = append(dst[:from], text...)
	}
	return dst
}

// zeekTime reads seconds since 1970.
func zeekTime(text []byte) (int64, bool) {
	whole, fraction, _ := bytes.Cut(text, []byte("."))
	if len(whole) > 10 || len(whole) == 0 || len(fraction) > 9 {
		return parseEpoch(string(text), false)
	}
	n := int64(0)
	for i := range len(whole) + 9 {
		digit := byte('0')
		switch at := i - len(whole); {
		case at < 0:
			digit = whole[i]
		case at < len(fraction):
			digit = fraction[at]
		}
		if !isDigit(digit) {
			return parseEpoch(string(text), false)
		}
		if n > (1<<63-10)/10 {
			return 0, false
		}
		n = n*10 + int64(digit-'0')
	}
	return n, true
}
