package block

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

const opParse = "parse event"

// errAgain says that an event has several @t: all of them are then kept as text, for the key can give back only one.
var errAgain = errors.New("several @t")

// A pending value is one that the current event has brought and that is not in its column yet.
type pending struct {
	column  uint32
	kind    kind
	scratch bool  // text: in Builder.scratch rather than in the source
	scale   uint8 // decimal
	a       int64 // int, bool: the value; decimal: the mantissa; text: where it starts
	b       int64 // text: where it ends
}

func invalid(at int, format string, args ...any) error {
	return fault.New(fault.Invalid, opParse, "byte %d: "+format, append([]any{at}, args...)...)
}

// expected is the error for a byte that cannot stand where it stands.
func expected(src []byte, at int, what string) error {
	if at >= len(src) {
		return invalid(at, "expected %s, found the end", what)
	}
	r, _ := utf8.DecodeRune(src[at:])
	return invalid(at, "expected %s, found %q", what, r)
}

func skipSpace(src []byte, i int) int {
	for i < len(src) && (src[i] == ' ' || src[i] == '\t' || src[i] == '\n' || src[i] == '\r') {
		i++
	}
	return i
}

// members reads the members of the object whose '{' stands just before src[i], from node n to the node where the object
// ends; next is just past its '}'. Values are left in b.pend.
func (b *Builder) members(src []byte, i int, n *node) (end *node, next int, err error) {
	base := n.depth
	first := true
	for {
		// Before a member's name, or the end of an object that is still empty.
		var m *member
		if last := n.last; last != nil && last.stands(src[i:]) {
			m, i = last, i+len(last.text)
		} else if other := n.other; other != nil && other.stands(src[i:]) {
			m, i = other, i+len(other.text)
			n.last, n.other = other, last
		} else {
			if i < len(src) && src[i] <= ' ' {
				i = skipSpace(src, i)
			}
			if i < len(src) && src[i] == '}' && first {
				goto closeObject
			}
			if m, i, err = b.name(src, i, n, first); err != nil {
				return nil, i, err
			}
			n.last, n.other = m, last
		}
		if b.count++; b.count > maxMembers {
			return nil, i, errSchemaFull
		}
		if i < len(src) && src[i] <= ' ' {
			i = skipSpace(src, i)
		}
		if i < len(src) && src[i] == '{' && !m.isTime {
			if int(n.depth) >= event.MaxDepth {
				return nil, i, invalid(i, "nested over %d levels", event.MaxDepth)
			}
			e, err := b.trie.follow(n, m, kindObject)
			if err != nil {
				return nil, i, err
			}
			n, i, first = e.to, i+1, true
			continue
		}
		if n, i, err = b.value(src, i, n, m); err != nil {
			return nil, i, err
		}
	after:
		// Behind a value.
		if i < len(src) && src[i] <= ' ' {
			i = skipSpace(src, i)
		}
		if i < len(src) && src[i] == ',' {
			i, first = i+1, false
			continue
		}
		if i >= len(src) || src[i] != '}' {
			return nil, i, expected(src, i, "',' or '}'")
		}
	closeObject:
		i++
		if n.depth == base {
			return n, i, nil
		}
		if n, err = b.trie.leave(n); err != nil {
			return nil, i, err
		}
		goto after
	}
}

// name reads a member's name and the colon; n.last was no help.
func (b *Builder) name(src []byte, i int, n *node, first bool) (*member, int, error) {
	if i >= len(src) || src[i] != '"' {
		if first {
			return nil, i, expected(src, i, `'"' or '}'`)
		}
		return nil, i, expected(src, i, `'"'`)
	}
	end, ok := plainString(src, i+1)
	if ok {
		if end+1 < len(src) && src[end+1] == ':' {
			if m := n.find(src[i : end+2]); m != nil {
				return m, end + 2, nil
			}
		}
		at := skipSpace(src, end+1)
		if at >= len(src) || src[at] != ':' {
			return nil, at, expected(src, at, "':'")
		}
		m, err := b.memberOf(n, src[i+1:end])
		return m, at + 1, err
	}
	name, rest, at, err := event.ScanString(src, i, b.nameScratch[:0])
	if err != nil {
		return nil, i, refuse(err)
	}
	b.nameScratch = rest
	at = skipSpace(src, at)
	if at >= len(src) || src[at] != ':' {
		return nil, at, expected(src, at, "':'")
	}
	m, err := b.memberOf(n, name)
	return m, at + 1, err
}

// memberOf returns n's member called name (WTF-8), which it adds if need be.
func (b *Builder) memberOf(n *node, name []byte) (*member, error) {
	b.text = append(event.AppendString(b.text[:0], name), ':')
	if m := n.find(b.text); m != nil {
		return m, nil
	}
	return b.trie.add(n, name)
}

// value reads a value that is no object at src[i].
func (b *Builder) value(src []byte, i int, n *node, m *member) (*node, int, error) {
	if i >= len(src) {
		return nil, i, expected(src, i, "a value")
	}
	var p pending
	next := i
	switch c := src[i]; {
	case c == '"':
		if end, ok := plainString(src, i+1); ok {
			p = pending{kind: kindString, a: int64(i + 1), b: int64(end)}
			next = end + 1
		} else {
			val, rest, at, err := event.ScanString(src, i, b.scratch)
			if err != nil {
				return nil, i, refuse(err)
			}
			p = pending{kind: kindString, a: int64(i + 1), b: int64(at - 1)}
			if len(val) != at-i-2 || len(rest) != len(b.scratch) { // it holds escapes
				p.scratch, p.a, p.b = true, int64(len(b.scratch)), int64(len(rest))
			}
			b.scratch, next = rest, at
		}
		if m.isTime {
			if err := b.time(src, i, &p); err != nil {
				return nil, i, err
			}
		}
	case m.isTime:
		return nil, i, invalid(i, "@t must be a string that holds a time")
	case c == '-' || c-'0' <= 9:
		if p.kind, p.a, p.scale, next = scanNumber(src, i); p.kind == 0 {
			var err error
			if next, err = event.ScanNumber(src, i); err != nil {
				return nil, i, refuse(err)
			}
			p = pending{kind: kindNumber, a: int64(i), b: int64(next)}
		}
	case c == 't' && word(src, i, "true"):
		p, next = pending{kind: kindBool, a: 1}, i+4
	case c == 'f' && word(src, i, "false"):
		p, next = pending{kind: kindBool}, i+5
	case c == 'n' && word(src, i, "null"):
		p, next = pending{kind: kindNull}, i+4
	case c == '[':
		start := len(b.scratch)
		out, at, err := event.Compact(b.scratch, src, i, int(n.depth))
		if err != nil {
			return nil, i, refuse(err)
		}
		b.scratch, next = out, at
		p = pending{kind: kindArray, scratch: true, a: int64(start), b: int64(len(out))}
	default:
		return nil, i, expected(src, i, "a value")
	}
	e := &m.edge
	if e.kind != p.kind {
		var err error
		if e, err = b.trie.follow(n, m, p.kind); err != nil {
			return nil, i, err
		}
	}
	if p.kind.hasData() {
		p.column = e.column
		b.pend = append(b.pend, p)
	}
	return e.to, next, nil
}

// time takes the string p as the event's @t.
func (b *Builder) time(src []byte, at int, p *pending) error {
	if b.hasTime && !b.timesAsText {
		return errAgain
	}
	from := src
	if p.scratch {
		from = b.scratch
	}
	instant, canonical, err := event.ParseTime(from[p.a:p.b])
	if err != nil {
		return fault.WrapAs(fault.Invalid, err, opParse, "byte %d: @t is no time", at)
	}
	b.hasTime, b.instant = true, instant
	p.kind = kindTimeText
	if canonical && !b.timesAsText {
		p.kind = kindTime
	}
	return nil
}

func word(src []byte, i int, w string) bool {
	return len(src)-i >= len(w) && string(src[i:i+len(w)]) == w
}

// refuse passes an error of package event on; what it says stays, as the caller's input is to blame.
func refuse(err error) error { return fault.Wrap(err, opParse, "the event is no valid JSON") }

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainString finds the end of a string whose first character is src[i]. It is not ok if the string holds
// escapes, control characters or invalid UTF-8, or does not end.
func plainString(src []byte, i int) (end int, ok bool) {
	start := i
	wide := uint64(0) // the high bits of all bytes passed
	for i+8 <= len(src) {
		w := binary.LittleEndian.Uint64(src[i : i+8])
		// With its second bit turned a quote is a blank, and control characters are control characters.
		q, s := w^(2*ones), w^('\\'*ones)
		// The lowest bit set marks the first quote, backslash or control character; higher ones may be false.
		hit := ((q-('!'*ones))&^q | (s-ones)&^s) & highs
		if hit != 0 {
			n := bits.TrailingZeros64(hit) / 8
			wide |= w & (1<<(8*n) - 1)
			i += n
			if src[i] != '"' {
				return i, false
			}
			return i, wide&highs == 0 || utf8.Valid(src[start:i])
		}
		wide |= w
		i += 8
	}
	for ; i < len(src); i++ {
		c := src[i]
		if c == '"' {
			return i, wide&highs == 0 || utf8.Valid(src[start:i])
		}
		if c == '\\' || c < ' ' {
			return i, false
		}
		wide |= uint64(c)
	}
	return i, false
}
