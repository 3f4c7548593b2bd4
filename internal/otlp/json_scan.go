package otlp

import (
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// Walking JSON text without building values. Positions are bytes of the request.

// maxJSONDepth bounds what is passed over; what is read is bounded by the depth of an event.
const maxJSONDepth = 10_000

// An object walks the members of a JSON object. After next has returned true, i is where the
// value of the member name begins; whoever reads it moves i to its end.
type object struct {
	src     []byte
	i       int
	name    []byte
	err     error
	scratch []byte
	begun   bool
}

func openObject(src []byte, i int) object {
	o := object{src: src, i: event.SkipSpace(src, i)}
	if o.i >= len(src) || src[o.i] != '{' {
		o.err = event.Expected(src, o.i, "an object")
	}
	return o
}

// next goes to the next member. After it has returned false, i is behind the object, or err says what is wrong.
func (o *object) next() bool {
	if o.err != nil {
		return false
	}
	more, err := step(o.src, &o.i, &o.begun, '}')
	if !more || err != nil {
		o.err = err
		return false
	}
	var after int
	if o.name, o.scratch, after, o.err = event.ScanString(o.src, o.i, o.scratch[:0]); o.err != nil {
		return false
	}
	if o.i = event.SkipSpace(o.src, after); o.i >= len(o.src) || o.src[o.i] != ':' {
		o.err = event.Expected(o.src, o.i, "':'")
		return false
	}
	o.i = event.SkipSpace(o.src, o.i+1)
	return true
}

// A list walks the items of a JSON array as object does members.
type list struct {
	src   []byte
	i     int
	err   error
	begun bool
}

func openList(src []byte, i int) list {
	l := list{src: src, i: event.SkipSpace(src, i)}
	if l.i >= len(src) || src[l.i] != '[' {
		l.err = event.Expected(src, l.i, "an array")
	}
	return l
}

func (l *list) next() bool {
	if l.err != nil {
		return false
	}
	more, err := step(l.src, &l.i, &l.begun, ']')
	l.err = err
	return more && err == nil
}

// step goes over the opening bracket or a comma to where a member or item begins, or over the closing bracket.
func step(src []byte, i *int, begun *bool, end byte) (more bool, err error) {
	if *begun {
		*i = event.SkipSpace(src, *i)
		if *i < len(src) && src[*i] == end {
			*i++
			return false, nil
		}
		if *i >= len(src) || src[*i] != ',' {
			return false, event.Expected(src, *i, "',' or '"+string(end)+"'")
		}
	}
	*i = event.SkipSpace(src, *i+1)
	if !*begun && *i < len(src) && src[*i] == end {
		*i++
		return false, nil
	}
	*begun = true
	return true, nil
}

// skip checks the value at i and returns where it ends.
func skip(src []byte, i, depth int) (next int, err error) {
	i = event.SkipSpace(src, i)
	if i >= len(src) {
		return i, event.Expected(src, i, "a value")
	}
	switch c := src[i]; c {
	case '{', '[':
		if depth >= maxJSONDepth {
			return i, fault.New(fault.Invalid, "", "byte %d: the JSON nests deeper than %d levels", i, maxJSONDepth)
		}
		if c == '[' {
			l := openList(src, i)
			for l.next() {
				l.i, l.err = skip(src, l.i, depth+1)
			}
			return l.i, l.err
		}
		o := openObject(src, i)
		for o.next() {
			o.i, o.err = skip(src, o.i, depth+1)
		}
		return o.i, o.err
	case '"':
		return event.SkipString(src, i)
	case 't':
		return event.ScanLiteral(src, i, "true")
	case 'f':
		return event.ScanLiteral(src, i, "false")
	case 'n':
		return event.ScanLiteral(src, i, "null")
	default:
		return event.ScanNumber(src, i)
	}
}

// isNull tells whether the value at i is null, which stands for an absent one.
func isNull(src []byte, i int) bool { return i < len(src) && src[i] == 'n' }
