package ingest

import (
	"bytes"

	"github.com/stelehq/stele/internal/event"
)

// appendException adds @x: the stack trace, or what the library says of an error in an object of its own.
func (o *Objects) appendException(dst []byte, empty int) []byte {
	for i := range exceptionFields {
		p := &exceptionFields[i]
		if o.scan.slots[p.id] == 0 {
			continue
		}
		v, ok := o.scan.lookup(*p)
		if !ok || len(v) < 2 {
			continue
		}
		if v[0] == '"' {
			if text := messageText(v); isTrace(text, p) {
				dst = append(comma(dst, empty), `"@x":"`...)
				return append(append(dst, text...), '"')
			}
			continue
		}
		if o.text = o.appendTrace(o.text[:0], v); len(o.text) > 0 {
			dst = append(comma(dst, empty), `"@x":`...)
			return event.AppendString(dst, o.text)
		}
	}
	return dst
}

// isTrace tells exceptions from words: a stack may be what runs a program, an exception "none".
func isTrace(text []byte, p *fieldPath) bool {
	if bytes.Contains(text, []byte(`\n`)) {
		return true
	}
	return p.shown != "stack" && (bytes.IndexByte(text, ' ') >= 0 || looksLikeTrace(text))
}

// What libraries call the parts of an exception.
var (
	exceptionTypes    = []string{"type", "class", "className", "name", "exception_class", "exceptionType", "exc_type"}
	exceptionMessages = []string{"message", "msg", "exception_message", "exc_value"}
	exceptionTraces   = []string{"stack_trace", "stacktrace", "stackTrace", "stack", "extendedStackTrace", "StackTraceString", "trace", "backtrace"}
)

// appendTrace appends the text of an exception that is an object or an array; nothing if it has none.
//
//	["at a","at b"]                                     lines, as Elasticsearch and Ruby have them
//	[{"class":"a.B","method":"c","file":"B.java","line":7}]    frames, as Log4j and Spark have them
//	{"class":"a.B","message":"why","stacktrace":…}
//	[{"ClassName":"A","Message":"why","StackTraceString":"…"}] an exception and what caused it, as Serilog has them
func (o *Objects) appendTrace(dst, v []byte) []byte {
	switch v[0] {
	case '{':
		return o.appendExceptionObject(dst, v)
	case '[':
	default:
		return dst
	}
	for item, i, ok := itemOf(v, 1); ok; item, i, ok = itemOf(v, i) {
		before := len(dst)
		if before > 0 {
			dst = append(dst, '\n')
		}
		start := len(dst)
		switch item[0] {
		case '"':
			dst = o.appendDecoded(dst, item)
		case '{':
			if dst = o.appendFrame(dst, item); len(dst) == start {
				dst = o.appendExceptionObject(dst, item)
			}
		}
		if len(dst) == start {
			dst = dst[:before]
		}
	}
	return dst
}

// appendExceptionObject appends type: message, and the trace under it unless that begins with them.
func (o *Objects) appendExceptionObject(dst, v []byte) []byte {
	kind, message, trace := firstText(v, exceptionTypes), firstText(v, exceptionMessages), []byte(nil)
	for _, name := range exceptionTraces {
		if t, ok := memberOf(v, name); ok && len(t) > 2 && (t[0] == '"' || t[0] == '[') {
			trace = t
			break
		}
	}
	if trace == nil && kind == nil {
		return dst // a message alone is no more than the event says
	}
	start := len(dst)
	if trace != nil && trace[0] == '"' {
		dst = o.appendDecoded(dst, trace)
		if kind == nil || bytes.HasPrefix(dst[start:], kind[1:len(kind)-1]) || bytes.HasPrefix(dst[start:], []byte("Traceback")) {
			return dst
		}
		dst = dst[:start]
	}
	if kind != nil {
		dst = o.appendDecoded(dst, kind)
	}
	if message != nil {
		if len(dst) > start {
			dst = append(dst, ": "...)
		}
		dst = o.appendDecoded(dst, message)
	}
	if trace == nil {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, '\n')
	}
	if trace[0] == '"' {
		return o.appendDecoded(dst, trace)
	}
	for item, i, ok := itemOf(trace, 1); ok; item, i, ok = itemOf(trace, i) {
		before := len(dst)
		if item[0] == '"' {
			dst = o.appendDecoded(dst, item)
		} else {
			dst = o.appendFrame(dst, item)
		}
		if len(dst) > before {
			dst = append(dst, '\n')
		}
	}
	return bytes.TrimRight(dst, "\n")
}

// appendFrame appends "\tat class.method(file:line)".
func (o *Objects) appendFrame(dst, v []byte) []byte {
	method := firstText(v, []string{"method", "methodName", "function", "func"})
	if method == nil {
		return dst
	}
	dst = append(dst, "\tat "...)
	if class := firstText(v, []string{"class", "className"}); class != nil {
		dst = append(o.appendDecoded(dst, class), '.')
	}
	dst = o.appendDecoded(dst, method)
	if file := firstText(v, []string{"file", "fileName", "filename", "source"}); file != nil {
		dst = o.appendDecoded(append(dst, '('), file)
		for _, name := range [...]string{"line", "lineNumber", "lineno"} {
			if line, ok := memberOf(v, name); ok {
				dst = append(append(dst, ':'), bytes.Trim(line, `"`)...)
				break
			}
		}
		dst = append(dst, ')')
	}
	return dst
}

func (o *Objects) appendDecoded(dst, v []byte) []byte {
	var text []byte
	text, o.scratch, _ = stringOf(v, o.scratch)
	return append(dst, bytes.TrimRight(text, "\r\n")...)
}

// firstText returns the first member that is a string and not empty.
func firstText(object []byte, names []string) []byte {
	for _, name := range names {
		if v, ok := memberOf(object, name); ok && len(v) > 2 && v[0] == '"' {
			return v
		}
	}
	return nil
}
