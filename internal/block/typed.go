package block

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// Events from typed values (R19). Begin starts an event, the adders add its members in order, End adds the event or says what was
// wrong with the first wrong member; the builder is then as it was before Begin. The adders go through the same trie as text.

type typed struct {
	open  bool  // between Begin and End
	at    *node // where the event is in the trie
	err   error // of the first adder that failed
	size  int   // bytes of names and values so far
	text  []byte
	depth int  // objects open; with text
	whole bool // the schema has no room: the event goes into text
}

const opTyped = "add event"

// Begin starts an event at an instant (nanoseconds since 1970). text is its @t as it was given, nil for the canonical form;
// the instant is then the one that text names. An event begun and not ended is given up.
func (b *Builder) Begin(instant int64, text []byte) {
	b.Abandon()
	b.start()
	b.typed = typed{open: true, at: b.trie.root, text: b.typed.text[:0]}
	p := pending{kind: kindTime}
	if text != nil {
		at, canonical, err := event.ParseTime(text)
		if err != nil {
			b.refuse(fault.WrapAs(fault.Invalid, err, opTyped, "@t is no time"))
			return
		}
		if instant = at; !canonical {
			p = b.held(kindTimeText, text)
		}
	}
	b.instant, b.hasTime = instant, true
	b.put(timeName, p)
}

// Abandon gives up the event begun, if any.
func (b *Builder) Abandon() {
	if b.typed.open {
		b.trie.forget()
		b.typed = typed{text: b.typed.text}
	}
}

// End adds the event begun. An error (fault.Invalid, fault.TooLarge) is that of the first adder that failed.
func (b *Builder) End() error {
	t := &b.typed
	if !t.open {
		return fault.New(fault.Invalid, opTyped, "an event is ended that was not begun")
	}
	defer b.Abandon()
	if t.err == nil && b.depth() > 1 {
		b.refuse(fault.New(fault.Invalid, opTyped, "%d objects are still open", b.depth()-1))
	}
	if t.err == nil {
		t.err = b.room(t.size)
	}
	if t.err == nil && !t.whole {
		err := b.commit(nil, t.at)
		if err != errSchemaFull {
			return err
		}
		b.toText()
	}
	if t.err != nil {
		return t.err
	}
	t.text = append(t.text, '}')
	b.start()
	n, c := b.trie.whole()
	b.scratch = append(b.scratch, t.text...)
	b.pend = append(b.pend, pending{column: c, kind: kindEvent, scratch: true, b: int64(len(b.scratch))})
	return b.commit(nil, n)
}

// String adds a string; v is UTF-8 or WTF-8.
func (b *Builder) String(name, v string) {
	if !validText(v) {
		b.refuse(fault.New(fault.Invalid, opTyped, "the value of %q is not valid UTF-8", name))
		return
	}
	if b.proceed(name, len(v)) {
		b.scratch = append(b.scratch, v...)
		b.put(name, pending{kind: kindString, scratch: true, a: int64(len(b.scratch) - len(v)), b: int64(len(b.scratch))})
	}
}

// Int adds an integer.
func (b *Builder) Int(name string, v int64) {
	if b.proceed(name, 8) {
		b.put(name, pending{kind: kindInt, a: v})
	}
}

// Float adds a number as the shortest text that gives it back. NaN and the infinities are refused.
func (b *Builder) Float(name string, v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		b.refuse(fault.New(fault.Invalid, opTyped, "the value of %q is %v, which JSON cannot say", name, v))
		return
	}
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	var text [32]byte
	b.number(name, strconv.AppendFloat(text[:0], v, format, -1, 64))
}

// Number adds a number given as JSON text, which is kept.
func (b *Builder) Number(name, text string) {
	if len(text) <= b.eventBytes {
		b.number(name, []byte(text))
	} else {
		b.proceed(name, len(text))
	}
}

func (b *Builder) number(name string, text []byte) {
	k, v, scale, next := scanNumber(text, 0)
	if k == 0 {
		var err error
		if next, err = event.ScanNumber(text, 0); err != nil || next != len(text) {
			b.refuse(fault.New(fault.Invalid, opTyped, "the value of %q is no JSON number", name))
			return
		}
	}
	if next != len(text) {
		b.refuse(fault.New(fault.Invalid, opTyped, "the value of %q is no JSON number", name))
		return
	}
	if !b.proceed(name, len(text)) {
		return
	}
	if k == 0 {
		b.put(name, b.held(kindNumber, text))
	} else {
		b.put(name, pending{kind: k, a: v, scale: scale})
	}
}

// Bool adds true or false.
func (b *Builder) Bool(name string, v bool) {
	if b.proceed(name, 5) {
		p := pending{kind: kindBool}
		if v {
			p.a = 1
		}
		b.put(name, p)
	}
}

// Null adds null.
func (b *Builder) Null(name string) {
	if b.proceed(name, 4) {
		b.put(name, pending{kind: kindNull})
	}
}

// Object begins an object; the members that follow are its own until EndObject.
func (b *Builder) Object(name string) {
	if !b.proceed(name, 4) {
		return
	}
	if b.depth() >= event.MaxDepth {
		b.refuse(fault.New(fault.Invalid, opTyped, "%q is nested over %d levels", name, event.MaxDepth))
		return
	}
	b.put(name, pending{kind: kindObject})
}

// EndObject ends the object begun last.
func (b *Builder) EndObject() {
	t := &b.typed
	if t.err != nil || !t.open {
		return
	}
	if b.depth() <= 1 {
		b.refuse(fault.New(fault.Invalid, opTyped, "an object is ended that was not begun"))
		return
	}
	if !t.whole {
		n, err := b.trie.leave(t.at)
		if err == nil {
			t.at = n
			return
		}
		b.toText()
	}
	t.text, t.depth = append(t.text, '}'), t.depth-1
}

// JSON adds any JSON value given as text.
func (b *Builder) JSON(name string, raw []byte) {
	if !b.proceed(name, len(raw)) {
		return
	}
	t := &b.typed
	if !t.whole {
		held, scratch, count := len(b.pend), len(b.scratch), b.count
		n, err := b.json(name, raw)
		if err == nil {
			t.at = n
			// raw is not kept: texts that stand in it are copied.
			for i := held; i < len(b.pend); i++ {
				if p := &b.pend[i]; p.kind.isText() && !p.scratch {
					*p = withColumn(b.held(p.kind, raw[p.a:p.b]), p.column)
				}
			}
			return
		}
		b.pend, b.scratch, b.count = b.pend[:held], b.scratch[:scratch], count
		if err != errSchemaFull {
			b.refuse(fault.Wrap(err, opTyped, "the value of %q", name))
			return
		}
		b.toText()
	}
	b.nameText(name)
	out, next, err := event.Compact(t.text, raw, 0, t.depth)
	if err == nil && skipSpace(raw, next) < len(raw) {
		err = expected(raw, skipSpace(raw, next), "the end")
	}
	if err != nil {
		b.refuse(fault.Wrap(err, opTyped, "the value of %q", name))
		return
	}
	t.text = out
}

// json reads raw as the value of the member name and returns the node behind it.
func (b *Builder) json(name string, raw []byte) (*node, error) {
	n := b.typed.at
	m, err := b.memberOf(n, []byte(name))
	if err != nil {
		return nil, err
	}
	if b.count++; b.count > maxMembers {
		return nil, errSchemaFull
	}
	i := skipSpace(raw, 0)
	if i < len(raw) && raw[i] == '{' {
		if b.depth() >= event.MaxDepth {
			return nil, invalid(i, "nested over %d levels", event.MaxDepth)
		}
		e, err := b.trie.follow(n, m, kindObject)
		if err != nil {
			return nil, err
		}
		if n, i, err = b.members(raw, i+1, e.to); err != nil {
			return nil, err
		}
		if n, err = b.trie.leave(n); err != nil {
			return nil, err
		}
	} else if n, i, err = b.value(raw, i, n, m); err != nil {
		return nil, err
	}
	if i = skipSpace(raw, i); i < len(raw) {
		return nil, expected(raw, i, "the end")
	}
	return n, nil
}

func withColumn(p pending, column uint32) pending {
	p.column = column
	return p
}

// held is a text value, copied to where it stays until the event ends.
func (b *Builder) held(k kind, text []byte) pending {
	start := len(b.scratch)
	b.scratch = append(b.scratch, text...)
	return pending{kind: k, scratch: true, a: int64(start), b: int64(len(b.scratch))}
}

// refuse notes the first error of the event.
func (b *Builder) refuse(err error) {
	if b.typed.err == nil {
		b.typed.err = err
	}
}

// depth is how many objects are open, the event included.
func (b *Builder) depth() int {
	if b.typed.whole {
		return b.typed.depth
	}
	return int(b.typed.at.depth)
}

// proceed says whether a member can be added, and refuses what is wrong with its name or takes too much.
func (b *Builder) proceed(name string, size int) bool {
	t := &b.typed
	if !t.open || t.err != nil {
		return false
	}
	t.size += len(name) + size + 4
	switch {
	case t.size > b.eventBytes:
		b.refuse(fault.New(fault.TooLarge, opTyped, "the event has at least %d bytes, over the limit of %d", t.size, b.eventBytes))
	case !validText(name):
		b.refuse(fault.New(fault.Invalid, opTyped, "the name %q is not valid UTF-8", name))
	case name == timeName && b.depth() == 1:
		b.refuse(fault.New(fault.Invalid, opTyped, "@t is given when the event begins"))
	}
	return t.err == nil
}

// put adds a member whose value is p.
func (b *Builder) put(name string, p pending) {
	t := &b.typed
	if !t.whole {
		err := b.step(name, p)
		if err == nil {
			return
		}
		b.toText()
	}
	b.nameText(name)
	if p.kind == kindObject {
		t.text, t.depth = append(t.text, '{'), t.depth+1
	} else {
		t.text = b.appendPending(t.text, &p)
	}
}

// step is put by way of the trie; errSchemaFull is its only error.
func (b *Builder) step(name string, p pending) error {
	t := &b.typed
	m := t.at.last
	if m == nil || m.name != name {
		var err error
		if m, err = b.memberOf(t.at, []byte(name)); err != nil {
			return err
		}
		t.at.last = m
	}
	if b.count++; b.count > maxMembers {
		return errSchemaFull
	}
	e, err := b.trie.follow(t.at, m, p.kind)
	if err != nil {
		return err
	}
	if p.kind != kindObject && p.kind.hasData() {
		p.column = e.column
		b.pend = append(b.pend, p)
	}
	t.at = e.to
	return nil
}

// toText turns the event so far into text, as the schema has no room for it.
func (b *Builder) toText() {
	t := &b.typed
	tokens := t.at.tokens()
	t.text, t.depth, t.whole = append(t.text[:0], '{'), 1, true
	next := 0
	for _, tok := range tokens {
		switch {
		case tok == closing:
			t.text, t.depth = append(t.text, '}'), t.depth-1
		case tok.isOpen():
			b.nameText(b.trie.objects[tok.id()].name)
			t.text, t.depth = append(t.text, '{'), t.depth+1
		default:
			def := &b.trie.columns[tok.id()]
			b.nameText(def.name)
			p := pending{kind: def.kind}
			if def.kind.hasData() {
				p = b.pend[next]
				next++
			}
			t.text = b.appendPending(t.text, &p)
		}
	}
	b.trie.forget()
}

func (b *Builder) nameText(name string) {
	t := &b.typed
	if t.text[len(t.text)-1] != '{' {
		t.text = append(t.text, ',')
	}
	t.text = append(event.AppendString(t.text, []byte(name)), ':')
}

// appendPending appends a value whose text, if any, is in scratch, as JSON.
func (b *Builder) appendPending(dst []byte, p *pending) []byte {
	switch p.kind {
	case kindNull:
		return append(dst, "null"...)
	case kindBool:
		return strconv.AppendBool(dst, p.a != 0)
	case kindInt:
		return strconv.AppendInt(dst, p.a, 10)
	case kindDecimal:
		return appendDecimal(dst, p.a, p.scale)
	case kindTime:
		return append(event.AppendTime(append(dst, '"'), b.instant), '"')
	case kindString, kindTimeText:
		return event.AppendString(dst, b.scratch[p.a:p.b])
	}
	return append(dst, b.scratch[p.a:p.b]...)
}

// validText says whether s is WTF-8: UTF-8 in which lone surrogates have their three-byte form.
func validText(s string) bool {
	if utf8.ValidString(s) {
		return true
	}
	high := false // a high surrogate stands just before: a low one would make a pair, which has a form of its own
	for i := 0; i < len(s); {
		if r, n := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || n > 1 {
			i, high = i+n, false
			continue
		}
		if len(s)-i < 3 || s[i] != 0xED || s[i+1]&0xE0 != 0xA0 || s[i+2]&0xC0 != 0x80 {
			return false
		}
		low := s[i+1] >= 0xB0
		if low && high {
			return false
		}
		i, high = i+3, !low
	}
	return true
}
