package block

import (
	"encoding/binary"
	"strconv"
	"sync"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// Value decodes the whole event.
func (b *Block) Value(row int) (v event.Value, err error) {
	err = b.on(row, func(c *Cursor) (err error) {
		v, err = c.Value()
		return err
	})
	return v, err
}

// Value decodes the whole event.
func (c *Cursor) Value() (event.Value, error) {
	if err := c.valid(); err != nil {
		return event.Value{}, err
	}
	sh := &c.b.schema.shapes[c.shape()]
	if c.b.schema.isEvent(sh) {
		return c.leafValue(sh, 0)
	}
	return c.objectValue(sh, 0, len(sh.tokens))
}

// objectValue builds an object from the shape's tokens between start and end.
func (c *Cursor) objectValue(sh *shape, start, end int) (event.Value, error) {
	s := c.b.schema
	stack := []event.Value{{Kind: event.Object}}
	var names []string
	for i := start; i < end; i++ {
		top := &stack[len(stack)-1]
		switch t := sh.tokens[i]; {
		case t == closing:
			closed := *top
			stack = stack[:len(stack)-1]
			outer := &stack[len(stack)-1]
			outer.Members = append(outer.Members, event.Member{Name: names[len(names)-1], Value: closed})
			names = names[:len(names)-1]
		case t.isOpen():
			names = append(names, s.objects[t.id()].name)
			stack = append(stack, event.Value{Kind: event.Object})
		default:
			v, err := c.leafValue(sh, i)
			if err != nil {
				return event.Value{}, err
			}
			top.Members = append(top.Members, event.Member{Name: s.columns[t.id()].name, Value: v})
		}
	}
	return stack[0], nil
}

// earlier counts how often t stands among tokens. Only repeated members have any.
func earlier(tokens []token, t token) (n uint32) {
	for _, o := range tokens {
		if o == t {
			n++
		}
	}
	return n
}

// leafValue decodes what the row has for the shape's token i, a leaf.
func (c *Cursor) leafValue(sh *shape, i int) (event.Value, error) {
	return c.valueAt(sh.tokens[i].id(), c.b.schema.nth(sh, i))
}

// nth is which of a row's values in its column the leaf at token i is; in a fixed column, which entry.
func (s *schema) nth(sh *shape, i int) uint32 {
	if t := sh.tokens[i]; s.columns[t.id()].origin.way != wayFixed {
		return earlier(sh.tokens[:i], t)
	}
	return sh.entries[s.fixedBefore(sh.tokens[:i])]
}

// valueAt decodes the row's nth value in a column; in a fixed column, the nth entry.
func (c *Cursor) valueAt(column, nth uint32) (event.Value, error) {
	v, err := c.decodeAt(column, nth)
	if err == nil {
		err = c.b.late()
	}
	return v, err
}

func (c *Cursor) decodeAt(column, nth uint32) (v event.Value, err error) {
	b := c.b
	def := &b.schema.columns[column]
	k := def.kind
	var r *reader
	if k.hasData() {
		if r, err = b.column(column); err != nil {
			return event.Value{}, err
		}
	}
	at := int(nth)
	if def.origin.way != wayFixed {
		at += int(c.next[b.schema.seat(column)])
	}
	switch {
	case r == nil:
	case r.instant != nil:
		return r.instant.valueOf(b.instants.At(c.row)), nil
	case r.quotes != nil:
		if c.text, err = c.quoted(c.text[:0], r, at); err != nil {
			return event.Value{}, err
		}
		if k == kindString {
			return event.Value{Kind: event.String, Text: string(c.text)}, nil
		}
		return b.parseValue(column, c.text)
	}
	switch k {
	case kindNull:
		return event.Value{Kind: event.Null}, nil
	case kindTime:
		var text [40]byte
		return event.Value{Kind: event.String, Text: string(event.AppendTime(text[:0], b.instants.At(c.row)))}, nil
	}
	return b.ownValue(column, r, at)
}

// ownValue decodes the value at a position of a column that has values of its own, or is fixed.
func (b *Block) ownValue(column uint32, r *reader, at int) (event.Value, error) {
	switch b.schema.columns[column].kind {
	case kindBool:
		return event.Value{Kind: event.Bool, Bool: r.boolAt(at) != 0}, nil
	case kindInt:
		return event.Value{Kind: event.Number, Text: strconv.FormatInt(r.ints.At(at), 10)}, nil
	case kindDecimal:
		var text [32]byte
		mantissa, scale := r.decimals.At(at)
		return event.Value{Kind: event.Number, Text: string(appendDecimal(text[:0], mantissa, scale))}, nil
	case kindNumber:
		return event.Value{Kind: event.Number, Text: r.stringAt(at)}, nil
	case kindString, kindTimeText:
		return event.Value{Kind: event.String, Text: r.stringAt(at)}, nil
	}
	return b.parseValue(column, r.textAt(at))
}

func (b *Block) parseValue(column uint32, text []byte) (event.Value, error) {
	v, err := event.ParseValue(text)
	if err != nil {
		return v, fault.WrapAs(fault.Corrupt, err, opDecode, "column %s", b.schema.path(column))
	}
	return v, nil
}

// Lookup returns the value at a path of raw member names (no array steps), Undefined if absent; only the columns concerned are decoded.
// With duplicate members the last one counts.
func (b *Block) Lookup(row int, path ...string) (event.Value, error) {
	return b.Field(path...).Value(row)
}

// A Field is a path looked up in a block's schema: with it the value of a row costs no search for names. Safe for concurrent use.
type Field struct {
	b     *Block
	path  []string
	leads []target // by layout; nil: it leads nowhere
}

// A target is where a path leads in events of one shape.
type target struct {
	column uint32 // of a leaf; of an object its first token
	nth    uint32 // of a leaf, as schema.nth has it; of an object the token behind it
	found  targetKind

	byShape bool // of a layout: nth says which of a shape's entries is its nth
}

const targetBytes = 12

// tokens are those of an object.
func (t *target) tokens() (start, end int) { return int(t.column), int(t.nth) }

func objectTarget(start, end int) target {
	return target{found: targetObject, column: uint32(start), nth: uint32(end)}
}

type targetKind uint8

const (
	targetNone targetKind = iota
	targetLeaf
	targetObject
	targetWhole // in the text of the whole event
)

// fields keeps the fields asked for, up to maxFields of them.
type fields struct {
	mu    sync.RWMutex
	known map[string]*Field
}

const maxFields = 256

// Field looks a path up; the same path gives the same field.
func (b *Block) Field(path ...string) *Field {
	var room [128]byte
	key := room[:0]
	for _, name := range path {
		key = append(binary.AppendUvarint(key, uint64(len(name))), name...)
	}
	b.fields.mu.RLock()
	f := b.fields.known[string(key)]
	b.fields.mu.RUnlock()
	if f != nil {
		return f
	}
	f = &Field{b: b, path: append([]string(nil), path...), leads: b.leads(path)}
	b.fields.mu.Lock()
	defer b.fields.mu.Unlock()
	if known := b.fields.known[string(key)]; known != nil {
		return known
	}
	if len(b.fields.known) < maxFields {
		if b.fields.known == nil {
			b.fields.known = map[string]*Field{}
		}
		b.fields.known[string(key)] = f
		b.account.Take(len(f.leads)*targetBytes + len(key) + 128)
	}
	return f
}

// endOf returns the index of the token that closes the object opened at i.
func (s *schema) endOf(tokens []token, i int) int {
	for depth := 0; ; i++ {
		switch t := tokens[i]; {
		case t == closing:
			if depth--; depth == 0 {
				return i
			}
		case t.isOpen():
			depth++
		}
	}
}

// Value is the value of a row, Undefined if the event has none there.
func (f *Field) Value(row int) (v event.Value, err error) {
	err = f.b.on(row, func(c *Cursor) (err error) {
		v, err = c.Lookup(f)
		return err
	})
	return v, err
}

// Lookup is the value of a field of the cursor's block.
func (c *Cursor) Lookup(f *Field) (event.Value, error) {
	if err := c.valid(); err != nil {
		return event.Value{}, err
	}
	sh := c.shape()
	switch t := f.at(int(sh)); t.found {
	case targetLeaf:
		return c.valueAt(t.column, t.nth)
	case targetObject:
		start, end := t.tokens()
		return c.objectValue(&c.b.schema.shapes[sh], start, end)
	case targetWhole:
		return c.findInWhole(t.column, f.path)
	}
	return event.Value{}, nil
}

// findInWhole looks a path up in the text of an event kept whole, of which it decodes no more than the value.
func (c *Cursor) findInWhole(column uint32, path []string) (event.Value, error) {
	r, err := c.b.column(column)
	if err != nil {
		return event.Value{}, err
	}
	text, err := c.walk.Find(r.textAt(int(c.next[column])), path)
	if err != nil {
		return event.Value{}, fault.Wrap(err, opDecode, "column %s", c.b.schema.path(column))
	}
	if text == nil {
		return event.Value{}, nil
	}
	v, err := event.ParseValue(text)
	if err != nil {
		return v, fault.WrapAs(fault.Corrupt, err, opDecode, "column %s", c.b.schema.path(column))
	}
	return v, nil
}
