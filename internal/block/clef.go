package block

import (
	"strconv"

	"github.com/stelehq/stele/internal/event"
)

// A program writes events of one shape: literal text, a value, literal text, … What all rows of the shape have is part of the text.
type program struct {
	steps []step
	tail  string
}

type step struct {
	before string // up to the value, its opening quote included
	do     act
	column uint32 // whose positions count
	nth    uint32 // which of the row's values in that column
	from   *reader
	coded  bool // a text of a dictionary
}

// An act is a way of writing a value.
type act uint8

const (
	actText   act = iota // as it is
	actString            // as a string
	actInt               // the rest as their kinds
	actDecimal
	actBool
	actTime
	actTimeText   // an instant in a form
	actTimeNumber // the same for numbers
	actQuoting    // a text that quotes, as it is
	actQuotingString
)

// program returns the shape's program, made at the first call. Its columns are then decoded.
func (b *Block) program(sh uint32) (*program, error) {
	if p := b.programs[sh].Load(); p != nil {
		return p, nil
	}
	p := &program{}
	seen := map[uint32]uint32{}
	shape := &b.schema.shapes[sh]
	whole := b.schema.isEvent(shape)
	var text []byte
	if !whole {
		text = append(text, '{')
	}
	first, entries := true, shape.entries
	for _, t := range shape.tokens {
		if t == closing {
			text, first = append(text, '}'), false
			continue
		}
		if !first {
			text = append(text, ',')
		}
		if t.isOpen() {
			text = append(event.AppendString(text, []byte(b.schema.objects[t.id()].name)), ':', '{')
			first = true
			continue
		}
		first = false
		def := &b.schema.columns[t.id()]
		if !whole {
			text = append(event.AppendString(text, []byte(def.name)), ':')
		}
		if def.kind == kindNull {
			text = append(text, "null"...)
			continue
		}
		s := step{column: b.schema.seat(t.id()), nth: seen[t.id()]}
		seen[t.id()]++
		if def.kind.hasData() {
			var err error
			if s.from, err = b.column(t.id()); err != nil {
				return nil, err
			}
			if def.origin.way == wayFixed {
				text = s.from.append(text, def.kind, int(entries[0]))
				entries = entries[1:]
				continue
			}
		}
		quoted := false
		s.do, quoted = actOf(def, s.from)
		s.coded = (s.do == actText || s.do == actString) && s.from.texts.Entries() > 0
		if quoted {
			text = append(text, '"')
		}
		s.before = string(text)
		text = text[:0]
		if quoted {
			text = append(text, '"')
		}
		p.steps = append(p.steps, s)
	}
	if !whole {
		text = append(text, '}')
	}
	p.tail = string(text)
	b.programs[sh].Store(p)
	b.account.Take(64*len(p.steps) + 256)
	return p, nil
}

// actOf says how values of a column are written; quoted: between quotes.
func actOf(def *columnDef, r *reader) (do act, quoted bool) {
	switch {
	case r == nil: // kindTime
	case r.instant != nil && r.instant.number:
		return actTimeNumber, false
	case r.instant != nil:
		return actTimeText, true
	case r.quotes != nil && def.kind == kindString:
		return actQuotingString, false
	case r.quotes != nil:
		return actQuoting, false
	}
	switch def.kind {
	case kindTime:
		return actTime, true
	case kindTimeText:
		return actText, true // times are text without escapes
	case kindString:
		if r.clean() {
			return actText, true
		}
		return actString, false
	case kindInt:
		return actInt, false
	case kindDecimal:
		return actDecimal, false
	case kindBool:
		return actBool, false
	}
	return actText, false // texts that stand as they are
}

// append appends value at of a column of kind k as JSON; the column has values of its own or is fixed.
func (r *reader) append(dst []byte, k kind, at int) []byte {
	switch k {
	case kindBool:
		return strconv.AppendBool(dst, r.boolAt(at) != 0)
	case kindInt:
		return strconv.AppendInt(dst, r.ints.At(at), 10)
	case kindDecimal:
		mantissa, scale := r.decimals.At(at)
		return appendDecimal(dst, mantissa, scale)
	case kindString, kindTimeText:
		return event.AppendString(dst, r.textAt(at))
	}
	return append(dst, r.textAt(at)...)
}

// AppendCLEF appends the event as it was given (R6): one JSON object, no white space, no newline.
func (b *Block) AppendCLEF(dst []byte, row int) ([]byte, error) {
	err := b.on(row, func(c *Cursor) (err error) {
		dst, err = c.AppendCLEF(dst)
		return err
	})
	return dst, err
}

// textOf returns the text at a position of a step's column.
func (c *Cursor) textOf(s *step, at int) []byte {
	if s.coded {
		return s.from.texts.Entry(int(c.number(s.column, s.from, at)))
	}
	return s.from.textAt(at)
}

// AppendCLEF appends the event as it was given (R6): one JSON object, no white space, no newline.
func (c *Cursor) AppendCLEF(dst []byte) ([]byte, error) {
	if err := c.valid(); err != nil {
		return dst, err
	}
	p, err := c.b.program(c.shape())
	if err != nil {
		return dst, err
	}
	c.pass()
	for i := range p.steps {
		s := &p.steps[i]
		dst = append(dst, s.before...)
		at := int(c.next[s.column] + s.nth)
		switch s.do {
		case actText:
			dst = append(dst, c.textOf(s, at)...)
		case actString:
			dst = event.AppendString(dst, c.textOf(s, at))
		case actInt:
			dst = strconv.AppendInt(dst, c.number(s.column, s.from, at), 10)
		case actDecimal:
			mantissa, scale := c.decimal(s.column, s.from, at)
			dst = appendDecimal(dst, mantissa, scale)
		case actTime:
			dst = event.AppendTime(dst, c.instant())
		case actBool:
			dst = strconv.AppendBool(dst, c.number(s.column, s.from, at) != 0)
		case actTimeText:
			dst = s.from.instant.appendText(dst, c.instant())
		case actTimeNumber:
			dst = s.from.instant.appendNumber(dst, c.instant())
		case actQuotingString:
			if c.text, err = c.quoted(c.text[:0], s.from, at); err != nil {
				return dst, err
			}
			dst = event.AppendString(dst, c.text)
		case actQuoting:
			if dst, err = c.quoted(dst, s.from, at); err != nil {
				return dst, err
			}
		}
	}
	return append(dst, p.tail...), c.b.late()
}
