package block

import (
	"slices"
	"strconv"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// A program writes events of one shape: literal text, a value, literal text, … What all rows of the shape have is part of the text.
type program struct {
	text  []byte // all literal texts, the one behind the last value included, with slack behind
	steps []step
	tail  int // where the last literal begins
	size  int // of the literals
	room  int // bytes that literals and numbers take, and slack
}

type step struct {
	at, size uint32 // of the literal before the value in the program's text; the opening quote is part of it
	column   uint32
	seat     uint32 // the column whose positions count
	nth      uint32 // which of the row's values in that column
	do       act
	skip     uint8 // of a piece: its comma, where it is the first in its object
}

// An act is a way of writing a value.
type act uint8

const (
	actPiece       act = iota // the piece of it
	actText                   // a text as it is
	actAlone                  // the same, made where it goes
	actCoded                  // the same from a dictionary
	actString                 // a text as a string
	actCodedString            // the same from a dictionary
	actInt                    // the rest as their kinds
	actDecimal                // all of one scale
	actAnyDecimal
	actBool
	actTime
	actTimeText   // an instant in a form
	actTimeNumber // the same for numbers
	actQuoting    // a text that quotes, as it is
	actQuotingString
)

// mostText is how many bytes an event's text has at most: no block can make a row endless.
const mostText = 1 << 28

// program returns the shape's program, made at the first call. Its columns are then decoded. seen is scratch, a zero for each column.
func (b *Block) program(sh uint32, seen []uint32) (*program, error) {
	if p := b.programs[sh].Load(); p != nil {
		return p, nil
	}
	shape := &b.schema.shapes[sh]
	p := &program{steps: make([]step, 0, len(shape.tokens))}
	defer func() {
		for _, t := range shape.tokens {
			if t.isLeaf() {
				seen[t.id()] = 0
			}
		}
	}()
	whole := b.schema.isEvent(shape)
	text := make([]byte, 0, 256)
	if !whole {
		text = append(text, '{')
	}
	first, entries := true, shape.entries
	start := 0 // of the literal at hand
	for _, t := range shape.tokens {
		if t == closing {
			text, first = append(text, '}'), false
			continue
		}
		if t.isOpen() {
			if !first {
				text = append(text, ',')
			}
			text = append(event.AppendString(text, []byte(b.schema.objects[t.id()].name)), ':', '{')
			first = true
			continue
		}
		def := &b.schema.columns[t.id()]
		var r *reader
		if def.kind.hasData() {
			var err error
			if r, err = b.column(t.id()); err != nil {
				return nil, err
			}
		}
		s := step{at: uint32(start), column: t.id(), seat: b.schema.seat(t.id())}
		pieced := r != nil && def.origin.way != wayFixed && !whole && b.piecesOf(t.id(), r) != nil
		if !pieced {
			if !first {
				text = append(text, ',')
			}
			if !whole {
				text = append(event.AppendString(text, []byte(def.name)), ':')
			}
		}
		if first {
			s.skip = 1
		}
		first = false
		switch {
		case def.kind == kindNull:
			text = append(text, "null"...)
			continue
		case def.origin.way == wayFixed:
			text = r.append(text, def.kind, int(entries[0]))
			entries = entries[1:]
			continue
		}
		s.nth = seen[t.id()]
		seen[t.id()]++
		quoted := false
		if s.do = actPiece; !pieced {
			s.do, quoted = actOf(def, r)
		}
		if quoted {
			text = append(text, '"')
		}
		s.size = uint32(len(text) - start)
		start = len(text)
		if quoted {
			text = append(text, '"')
		}
		p.steps = append(p.steps, s)
	}
	if !whole {
		text = append(text, '}')
	}
	p.tail, p.size = start, len(text)
	p.room = p.size + (numberRoom+slack)*(len(p.steps)+1)
	p.text = append(text, make([]byte, slack)...)
	b.programs[sh].Store(p)
	b.account.Take(24*cap(p.steps) + cap(p.text) + 256)
	return p, nil
}

// actOf says how values of a column are written that has no pieces; quoted: between quotes.
func actOf(def *columnDef, r *reader) (do act, quoted bool) {
	switch {
	case r == nil: // kindTime
		return actTime, true
	case r.instant != nil && r.instant.number:
		return actTimeNumber, false
	case r.instant != nil:
		return actTimeText, true
	case r.quotes != nil && def.kind == kindString:
		return actQuotingString, false
	case r.quotes != nil:
		return actQuoting, false
	}
	coded := r.texts != nil && r.texts.Entries() > 0
	switch def.kind {
	case kindInt:
		return actInt, false
	case kindBool:
		return actBool, false
	case kindDecimal:
		if _, _, same := r.decimals.Parts(); same {
			return actDecimal, false
		}
		return actAnyDecimal, false
	case kindTimeText: // times are text without escapes
		quoted = true
	case kindString:
		if quoted = r.clean(); !quoted && coded {
			return actCodedString, false
		} else if !quoted {
			return actString, false
		}
	}
	switch {
	case coded:
		return actCoded, quoted
	case r.texts.Alone():
		return actAlone, quoted
	}
	return actText, quoted // texts that stand as they are
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

// AppendCLEF appends the event as it was given (R6): one JSON object, no white space, no newline. What dst has room for behind its
// length is overwritten.
func (c *Cursor) AppendCLEF(dst []byte) ([]byte, error) {
	if err := c.valid(); err != nil {
		return dst, err
	}
	p, err := c.b.program(c.shape(), c.seen)
	if err != nil {
		return dst, err
	}
	c.pass()
	// The text grows within out. Behind n there is always room for all literals and numbers, which are not checked one by one.
	out, n := dst[:cap(dst)], len(dst)
	if len(out)-n < p.room {
		out = slices.Grow(dst, p.room)
		out = out[:cap(out)]
	}
	for i := range p.steps {
		s := &p.steps[i]
		if s.size > 0 {
			n = put(out, n, p.text, int(s.at), int(s.size))
		}
		f := &c.feeds[s.column]
		at := int(c.next[s.seat] + s.nth)
		switch s.do {
		case actPiece:
			w := c.numbers(f, s, at)
			var u uint64
			if w.Width == 1 {
				u = uint64(w.Data[at-w.Start])
			} else {
				u = w.U(at - w.Start)
			}
			from := int(f.pieces.ends[u]) + int(s.skip)
			size := int(f.pieces.ends[u+1]) - from
			if len(out)-n < p.room+size {
				if out, err = grow(out, n, len(dst), p.room+size); err != nil {
					return dst, err
				}
			}
			n = put(out, n, f.pieces.text, from, size)
		case actInt:
			w := c.numbers(f, s, at)
			n = putInt(out, n, w.Int(at-w.Start))
		case actDecimal:
			w := c.numbers(f, s, at)
			n = putDecimal(out, n, w.Int(at-w.Start), f.scale)
		case actAnyDecimal:
			mantissa, scale := c.readerOf(f, s).decimals.At(at)
			n = putDecimal(out, n, mantissa, scale)
		case actBool:
			w := c.numbers(f, s, at)
			n = len(strconv.AppendBool(out[:n], w.Int(at-w.Start) != 0))
		case actTime:
			n = len(c.clock.Append(out[:n], c.instant()))
		case actTimeText:
			n = len(c.readerOf(f, s).instant.appendText(out[:n], c.instant()))
		case actTimeNumber:
			n = len(c.readerOf(f, s).instant.appendNumber(out[:n], c.instant()))
		case actText, actCoded:
			text := c.textOf(f, s, at)
			if len(out)-n < p.room+len(text) {
				if out, err = grow(out, n, len(dst), p.room+len(text)); err != nil {
					return dst, err
				}
			}
			n = putText(out, n, text)
		case actAlone:
			if out, n, err = takeText(c.readerOf(f, s).texts.AppendText(out[:n], at), len(dst), p.room); err != nil {
				return dst, err
			}
		case actString, actCodedString:
			if out, n, err = takeText(event.AppendString(out[:n], c.textOf(f, s, at)), len(dst), p.room); err != nil {
				return dst, err
			}
		case actQuotingString:
			if c.text, err = c.quoted(c.text[:0], c.readerOf(f, s), at); err != nil {
				return dst, err
			}
			if out, n, err = takeText(event.AppendString(out[:n], c.text), len(dst), p.room); err != nil {
				return dst, err
			}
		case actQuoting:
			text, err := c.quoted(out[:n], c.readerOf(f, s), at)
			if err != nil {
				return dst, err
			}
			if out, n, err = takeText(text, len(dst), p.room); err != nil {
				return dst, err
			}
		}
	}
	n = put(out, n, p.text, p.tail, p.size-p.tail)
	return out[:n], c.b.late()
}

// takeText takes over a text that was appended to, the event beginning at start, and makes room behind it.
func takeText(text []byte, start, room int) (out []byte, n int, err error) {
	out, n = text[:cap(text)], len(text)
	if len(out)-n < room {
		out, err = grow(out, n, start, room)
	}
	return out, n, err
}

// grow makes room behind the first n bytes of out, in which the event begins at start.
func grow(out []byte, n, start, room int) ([]byte, error) {
	if n-start+room > mostText {
		return nil, fault.New(fault.Corrupt, opDecode, "an event has over %d bytes", n-start)
	}
	out = slices.Grow(out[:n], room)
	return out[:cap(out)], nil
}
