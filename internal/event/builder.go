package event

import (
	"math"
	"strconv"
)

// A Builder writes the CLEF text of one event, member after member; commas come by
// themselves. The zero value is ready for Begin. Not for concurrent use.
//
//	b.Begin(instant)             {"@t":"2026-11-20T10:00:00.0000000Z"
//	b.Name("@l").Text("Error")   ,"@l":"Error"
//	b.User("http").Open('{')     ,"http":{
//	b.User("status").Int(500)    "status":500
//	b.Close('}')                 }
//	b.End()                      }
type Builder struct {
	buf []byte
}

// Begin starts an event at an instant in nanoseconds since 1970.
func (b *Builder) Begin(instant int64) *Builder {
	b.buf = AppendTime(append(b.buf[:0], `{"@t":"`...), instant)
	b.buf = append(b.buf, '"')
	return b
}

// End closes the event and returns its text, valid until the next Begin.
func (b *Builder) End() []byte {
	b.buf = append(b.buf, '}')
	return b.buf
}

// Len returns how many bytes have been written.
func (b *Builder) Len() int { return len(b.buf) }

// Bytes returns what has been written, valid until the next call.
func (b *Builder) Bytes() []byte { return b.buf }

// Truncate takes back what was written after the first n bytes.
func (b *Builder) Truncate(n int) { b.buf = b.buf[:n] }

// comma separates what follows from what came before, in its object or array.
func (b *Builder) comma() {
	if n := len(b.buf); n > 0 && b.buf[n-1] != '{' && b.buf[n-1] != '[' && b.buf[n-1] != ':' {
		b.buf = append(b.buf, ',')
	}
}

// Name writes a member's name as it is: one of CLEF's, or one that the code gives. It must
// need no escape.
func (b *Builder) Name(name string) *Builder {
	b.comma()
	b.buf = append(b.buf, '"')
	b.buf = append(b.buf, name...)
	b.buf = append(b.buf, '"', ':')
	return b
}

// User writes a member's name that a client chose: at the top of an event an @ in front is
// doubled, as CLEF says, so that it stays a property's name.
func (b *Builder) User(name string) *Builder {
	b.comma()
	if len(name) > 0 && name[0] == '@' {
		name = "@" + name
	}
	b.buf = append(AppendText(b.buf, name), ':')
	return b
}

// UserBytes is User for a name in bytes that are may not be UTF-8: see String.
func (b *Builder) UserBytes(name []byte) *Builder {
	b.comma()
	if len(name) > 0 && name[0] == '@' {
		name = append([]byte{'@'}, name...)
	}
	b.buf = append(AppendString(b.buf, name), ':')
	return b
}

// InnerBytes is Inner for a name in bytes that are may not be UTF-8: see String.
func (b *Builder) InnerBytes(name []byte) *Builder {
	b.comma()
	b.buf = append(AppendString(b.buf, name), ':')
	return b
}

// Inner writes a member's name inside a property's value, where @ means nothing.
func (b *Builder) Inner(name string) *Builder {
	b.comma()
	b.buf = append(AppendText(b.buf, name), ':')
	return b
}

// Text writes a string.
func (b *Builder) Text(s string) *Builder {
	b.comma()
	b.buf = AppendText(b.buf, s)
	return b
}

// String writes a string; bytes that are not UTF-8 become U+FFFD.
func (b *Builder) String(s []byte) *Builder {
	b.comma()
	b.buf = AppendString(b.buf, s)
	return b
}

// Raw writes a value that already is JSON without white space (see Compact).
func (b *Builder) Raw(json []byte) *Builder {
	b.comma()
	b.buf = append(b.buf, json...)
	return b
}

// Time writes an instant as a string, in the form of @t.
func (b *Builder) Time(instant int64) *Builder {
	b.comma()
	b.buf = append(AppendTime(append(b.buf, '"'), instant), '"')
	return b
}

// Int writes an integer.
func (b *Builder) Int(v int64) *Builder {
	b.comma()
	b.buf = strconv.AppendInt(b.buf, v, 10)
	return b
}

// Uint writes an integer.
func (b *Builder) Uint(v uint64) *Builder {
	b.comma()
	b.buf = strconv.AppendUint(b.buf, v, 10)
	return b
}

// Float writes a number by the shortest text that reads back equal; what JSON has no
// number for becomes the string "NaN", "Infinity" or "-Infinity".
func (b *Builder) Float(v float64) *Builder {
	switch {
	case math.IsNaN(v):
		return b.Text("NaN")
	case math.IsInf(v, 1):
		return b.Text("Infinity")
	case math.IsInf(v, -1):
		return b.Text("-Infinity")
	}
	b.comma()
	b.buf = strconv.AppendFloat(b.buf, v, 'g', -1, 64)
	return b
}

// Bool writes true or false.
func (b *Builder) Bool(v bool) *Builder {
	b.comma()
	b.buf = strconv.AppendBool(b.buf, v)
	return b
}

// Null writes null.
func (b *Builder) Null() *Builder {
	b.comma()
	b.buf = append(b.buf, "null"...)
	return b
}

// Open begins an object or array with '{' or '['; Close ends it with '}' or ']'.
func (b *Builder) Open(bracket byte) *Builder {
	b.comma()
	b.buf = append(b.buf, bracket)
	return b
}

// Close ends what Open began.
func (b *Builder) Close(bracket byte) *Builder {
	b.buf = append(b.buf, bracket)
	return b
}
