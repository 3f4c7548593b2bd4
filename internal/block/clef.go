package block

import (
	"strconv"

	"github.com/stelehq/stele/internal/event"
)

// A program writes events of one shape: literal text, a value, literal text, …
type program struct {
	steps []step
	tail  string
	data  []uint32 // the columns it reads, as in the shape
}

type step struct {
	before string // up to the value, its opening quote included
	kind   kind
	column uint32
	nth    uint32 // which of the row's values in that column
	from   *reader
}

// program returns the shape's program, made at the first call. Its columns are then decoded.
func (b *Block) program(sh uint32) (*program, error) {
	if p := b.programs[sh].Load(); p != nil {
		return p, nil
	}
	p := &program{data: b.schema.shapes[sh].data}
	seen := map[uint32]uint32{}
	whole := b.schema.isEvent(&b.schema.shapes[sh])
	var text []byte
	if !whole {
		text = append(text, '{')
	}
	first := true
	for _, t := range b.schema.shapes[sh].tokens {
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
		s := step{kind: def.kind, column: t.id(), nth: seen[t.id()]}
		seen[t.id()]++
		if def.kind.hasData() {
			var err error
			if s.from, err = b.column(t.id()); err != nil {
				return nil, err
			}
		}
		quoted := def.kind == kindTime || def.kind == kindTimeText || def.kind == kindString && s.from.texts.clean
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

// AppendCLEF appends the event as it was given (R6): one JSON object, no white space, no newline.
func (b *Block) AppendCLEF(dst []byte, row int) ([]byte, error) {
	err := b.on(row, func(c *Cursor) (err error) {
		dst, err = c.AppendCLEF(dst)
		return err
	})
	return dst, err
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
	for i := range p.steps {
		s := &p.steps[i]
		dst = append(dst, s.before...)
		at := int(c.next[s.column] + s.nth)
		switch s.kind {
		case kindString:
			if s.from.texts.clean {
				dst = append(dst, s.from.textAt(at)...)
			} else {
				dst = event.AppendString(dst, s.from.textAt(at))
			}
		case kindInt:
			dst = strconv.AppendInt(dst, s.from.ints.At(at), 10)
		case kindDecimal:
			mantissa, scale := s.from.decimals.At(at)
			dst = appendDecimal(dst, mantissa, scale)
		case kindTime:
			dst = event.AppendTime(dst, c.b.instants.At(c.row))
		case kindBool:
			dst = strconv.AppendBool(dst, s.from.boolAt(at) != 0)
		default: // texts that stand as they are; times are text without escapes
			dst = append(dst, s.from.textAt(at)...)
		}
	}
	return append(dst, p.tail...), c.b.late()
}
