package block

import (
	"encoding/binary"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/event"
)

// A schema says what the rows of a block look like: which objects nest in which, which columns there are, and the shapes.
//
// An object is named by its parent and its name; object 0 is the event itself. A column holds the values of one
// kind that stand under one name in one object. A shape is the ordered list of an event's tokens:
//
//	close       0          ends the innermost open object
//	open o      2·o        object o begins (o ≥ 1)
//	leaf c      2·c + 1    the next value of column c
//
// so presence, nesting, order and duplicates of members all follow from the shape (R6). Bytes, every number a uvarint:
//
//	+---------+---------------------------------+---------+-------------------------------------------------------+
//	| objects | parent, name length, name       | columns | object, kind and way (1 byte), name length, name,     |
//	|         | … for objects 1, 2, …           |         | what goes with the way (origin.go) … for each column  |
//	+---------+---------------------------------+---------+-------------------------------------------------------+
//	| layouts | tokens, token, token, … for each layout   | shapes  | rows, layout, entry, entry, … for each shape  |
//	+---------+-------------------------------------------+---------+-----------------------------------------------+
//
// A layout is a list of tokens; the shapes that have it differ in their entries: one for each leaf of a fixed column, the value
// that all rows of the shape have there. A token is written as 0 for the leaf of the column after the last leaf's, 1 for a close, else
// the number above and 1.
type schema struct {
	objects []object
	columns []columnDef
	layouts []*layout
	shapes  []shape
}

type object struct {
	parent uint32
	name   string // WTF-8
}

type columnDef struct {
	object uint32
	kind   kind
	name   string // WTF-8
	origin origin // of an open block's; a builder's columns are their own
}

// A layout is what shapes with the same members have in common.
type layout struct {
	tokens []token
	data   []uint32 // the columns of the leaves that have values of their own, in order
	byRow  []uint32 // the columns of the leaves whose values are found by the row, each once
	fixed  int      // leaves of fixed columns
}

type shape struct {
	*layout
	number  int      // of the layout
	rows    int      // how many rows have it
	entries []uint32 // of the leaves of fixed columns
}

type token uint32

const closing token = 0

func opening(object uint32) token { return token(object << 1) }
func leaf(column uint32) token    { return token(column<<1 | 1) }
func (t token) isLeaf() bool      { return t&1 == 1 }
func (t token) isOpen() bool      { return t&1 == 0 && t != closing }
func (t token) id() uint32        { return uint32(t >> 1) }

// A kind is the type of a column's values; its number is part of the format.
type kind uint8

const (
	kindNull     kind = 1  // no data
	kindBool     kind = 2  // one bit
	kindInt      kind = 3  // an int64 whose shortest text is the number's text
	kindDecimal  kind = 4  // mantissa and scale that give back the number's text
	kindNumber   kind = 5  // any other number: its text
	kindString   kind = 6  // WTF-8
	kindTime     kind = 7  // @t in canonical form: no data, the key has it
	kindTimeText kind = 8  // @t in any other form: its text (R3)
	kindArray    kind = 9  // JSON without white space
	kindEvent    kind = 10 // a whole event as JSON without white space, kept so because a limit was hit
	kindObject   kind = 11 // an object's begin: an edge of the trie, never a column
	kinds             = 12
)

var kindNames = [kinds]string{"?", "null", "bool", "int", "decimal", "number", "string", "time", "time text", "array", "event", "object"}

func (k kind) String() string {
	if k >= kinds {
		return "?"
	}
	return kindNames[k]
}

// hasData says whether a column of the kind stores anything per value.
func (k kind) hasData() bool { return k != kindNull && k != kindTime }

// isText says whether the values are byte strings.
func (k kind) isText() bool {
	return k == kindNumber || k == kindString || k >= kindTimeText && k <= kindEvent
}

const timeName = "@t"

// isEvent says whether the shape is that of events kept whole.
func (s *schema) isEvent(sh *shape) bool {
	return len(sh.tokens) == 1 && s.columns[sh.tokens[0].id()].kind == kindEvent
}

// dataColumns lists the columns of the leaves that have values of their own.
func (s *schema) dataColumns(tokens []token) []uint32 {
	n := 0
	for _, t := range tokens {
		if t.isLeaf() && s.columns[t.id()].stored() {
			n++
		}
	}
	data := make([]uint32, 0, n)
	for _, t := range tokens {
		if t.isLeaf() && s.columns[t.id()].stored() {
			data = append(data, t.id())
		}
	}
	return data
}

// path names a column for people: names joined by dots, then the kind.
func (s *schema) path(column uint32) string {
	return s.names(column) + " (" + s.columns[column].kind.String() + ")"
}

// names is path without the kind.
func (s *schema) names(column uint32) string {
	d := &s.columns[column]
	text := d.name
	for o, steps := d.object, 0; o != 0 && steps <= event.MaxDepth; o, steps = s.objects[o].parent, steps+1 {
		text = s.objects[o].name + "." + text
	}
	return text
}

func appendSchema(dst []byte, s *schema) []byte {
	dst = appendSchemaColumns(dst, s)
	dst = binary.AppendUvarint(dst, uint64(len(s.layouts)))
	next := leaf(0)
	for _, l := range s.layouts {
		dst, next = appendTokens(dst, l.tokens, next)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.shapes)))
	for _, sh := range s.shapes {
		dst = appendShape(dst, sh.rows, sh.number, sh.entries)
	}
	return dst
}

// appendSchemaColumns appends the objects and columns.
func appendSchemaColumns(dst []byte, s *schema) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s.objects)))
	for _, o := range s.objects[1:] {
		dst = binary.AppendUvarint(dst, uint64(o.parent))
		dst = binary.AppendUvarint(dst, uint64(len(o.name)))
		dst = append(dst, o.name...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.columns)))
	for _, c := range s.columns {
		dst = binary.AppendUvarint(dst, uint64(c.object))
		dst = append(dst, byte(c.kind)|byte(c.origin.way)<<4)
		dst = binary.AppendUvarint(dst, uint64(len(c.name)))
		dst = append(dst, c.name...)
		dst = c.origin.append(dst)
	}
	return dst
}

// appendTokens appends a layout; next is the leaf that is written as 0, and becomes that of the next layout.
func appendTokens(dst []byte, tokens []token, next token) ([]byte, token) {
	dst = binary.AppendUvarint(dst, uint64(len(tokens)))
	for _, t := range tokens {
		switch {
		case t == next:
			dst = append(dst, 0)
		case t < 0x7F:
			dst = append(dst, byte(t)+1)
		default:
			dst = binary.AppendUvarint(dst, uint64(t)+1)
		}
		if t.isLeaf() {
			next = leaf(t.id() + 1)
		}
	}
	return dst, next
}

func appendShape(dst []byte, rows, layout int, entries []uint32) []byte {
	dst = binary.AppendUvarint(dst, uint64(rows))
	dst = binary.AppendUvarint(dst, uint64(layout))
	for _, e := range entries {
		dst = binary.AppendUvarint(dst, uint64(e))
	}
	return dst
}

// decodeSchema checks src, which may come from a damaged file, for a block of rows rows. Whoever seals opens a schema for every thousand
// rows or so: what is found in it lies side by side in few pieces of memory.
func decodeSchema(src []byte, rows int) (*schema, error) {
	d := column.Decoder{Src: src}
	s := &schema{}
	texts := string(src)
	text := func(what string) string {
		b := d.Bytes(what, d.Uvarint(what))
		end := len(src) - len(d.Src)
		if d.Err() != nil {
			return ""
		}
		return texts[end-len(b) : end]
	}
	n := d.Count("objects", 2)
	if d.Err() == nil && n < 1 {
		d.Fail("there is no object 0")
	}
	s.objects = make([]object, 1, n+1)
	for i := 1; i < n && d.Err() == nil; i++ {
		o := object{parent: d.Below("parent object", i), name: text("object name")}
		s.objects = append(s.objects, o)
	}
	n = d.Count("columns", 3)
	s.columns = make([]columnDef, 0, n)
	for i := 0; i < n && d.Err() == nil; i++ {
		object, b := d.Below("object of a column", len(s.objects)), d.Byte("kind")
		c := columnDef{object: object, kind: kind(b & 15), name: text("column name")}
		if d.Err() == nil && (c.kind == 0 || c.kind >= kindObject) {
			d.Fail("column %d has the unknown kind %d", i, c.kind)
		}
		c.origin = decodeOrigin(&d, way(b>>4), c.kind, n)
		s.columns = append(s.columns, c)
	}
	s.decodeLayouts(&d)
	s.decodeShapes(&d, rows)
	return s, d.End()
}

// A trait is what of a column matters to each layout it stands in.
type trait struct {
	plain                       bool // stored, and none of the others
	stored, byRow, fixed, event bool
	last                        int // 1 + the layout in which it stood last, of those by row
}

func (s *schema) traits() []trait {
	all := make([]trait, len(s.columns))
	for i := range s.columns {
		c, t := &s.columns[i], &all[i]
		t.stored, t.fixed, t.event = c.stored(), c.origin.way == wayFixed, c.kind == kindEvent
		t.byRow = c.kind.hasData() && s.columns[s.seat(uint32(i))].origin.way != wayOwn
		t.plain = t.stored && !t.byRow && !t.event
	}
	return all
}

func (s *schema) decodeLayouts(d *column.Decoder) {
	n := d.Count("layouts", 1)
	if d.Err() != nil {
		return
	}
	s.layouts = make([]*layout, 0, n)
	layouts, traits := make([]layout, n), s.traits()
	// No token takes less than a byte.
	tokens, data := make([]token, 0, len(d.Src)), make([]uint32, 0, len(d.Src))
	next := leaf(0)
	for i := range layouts {
		count := d.Count("tokens", 1)
		from := len(tokens)
		src := d.Src
		for j := 0; j < count; j++ {
			t := next
			if len(src) > 0 && src[0] < 0x80 { // nearly all
				if src[0] > 0 {
					t = token(src[0] - 1)
				}
				src = src[1:]
			} else {
				d.Src = src
				if code := d.Number("token", 1<<31); code > 0 {
					t = token(code - 1)
				}
				if src = d.Src; d.Err() != nil {
					return
				}
			}
			if t.isLeaf() {
				next = leaf(t.id() + 1)
			}
			tokens = append(tokens, t)
		}
		d.Src = src
		if d.Err() != nil {
			return
		}
		l := &layouts[i]
		l.tokens = tokens[from:len(tokens):len(tokens)]
		if data = s.readTokens(d, i, l, traits, data); d.Err() != nil {
			return
		}
		s.layouts = append(s.layouts, l)
	}
	s.checkOrigins(d)
}

// Shapes that share a layout have so many tokens between them, beyond those of one shape for each layout.
const mostShared = 1 << 20

func (s *schema) decodeShapes(d *column.Decoder, rows int) {
	n := d.Count("shapes", 2)
	s.shapes = make([]shape, 0, n)
	left, shared := rows, mostShared
	used := make([]bool, len(s.layouts))
	for i := 0; i < n && d.Err() == nil; i++ {
		sh := shape{rows: d.Number("rows of a shape", left)}
		left -= sh.rows
		sh.number = int(d.Below("layout", len(s.layouts)))
		if d.Err() != nil {
			return
		}
		sh.layout = s.layouts[sh.number]
		if used[sh.number] {
			if shared -= len(sh.tokens); shared < 0 {
				d.Fail("the shapes share over %d tokens", mostShared)
			}
		}
		used[sh.number] = true
		if sh.fixed > 0 {
			s.decodeEntries(d, &sh)
		}
		s.shapes = append(s.shapes, sh)
	}
	if d.Err() == nil && left != 0 {
		d.Fail("the shapes cover %d rows too few", left)
	}
}

func (s *schema) decodeEntries(d *column.Decoder, sh *shape) {
	sh.entries = make([]uint32, 0, sh.fixed)
	for _, t := range sh.tokens {
		if t.isLeaf() && s.columns[t.id()].origin.way == wayFixed && d.Err() == nil {
			sh.entries = append(sh.entries, d.Below("entry", s.columns[t.id()].origin.entries))
		}
	}
}

// readTokens refuses a layout whose objects don't nest as the schema says, and finds out which columns stand in it; its list of those with
// values is put behind data.
func (s *schema) readTokens(d *column.Decoder, number int, l *layout, traits []trait, data []uint32) []uint32 {
	in, depth, from := uint32(0), 1, len(data)
	for i, t := range l.tokens {
		switch {
		case t.isLeaf():
			c := t.id()
			if uint64(c) >= uint64(len(s.columns)) || s.columns[c].object != in {
				d.Fail("token %d is column %d, which is no member of object %d", i, c, in)
				return data
			}
			is := &traits[c]
			if is.stored {
				data = append(data, c)
			}
			if is.plain {
				continue
			}
			if is.event && len(l.tokens) != 1 {
				d.Fail("a whole event is only a part of its shape")
				return data
			}
			if is.byRow && is.last != number+1 {
				is.last = number + 1
				l.byRow = append(l.byRow, c)
			}
			if is.fixed {
				l.fixed++
			}
		case t == closing:
			if in == 0 {
				d.Fail("token %d closes nothing", i)
				return data
			}
			in, depth = s.objects[in].parent, depth-1
		default:
			if uint64(t.id()) >= uint64(len(s.objects)) || s.objects[t.id()].parent != in {
				d.Fail("token %d opens object %d, which is no member of object %d", i, t.id(), in)
				return data
			}
			if depth++; depth > event.MaxDepth {
				d.Fail("a shape nests over %d levels", event.MaxDepth)
				return data
			}
			in = t.id()
		}
	}
	if in != 0 {
		d.Fail("a shape ends within an object")
	}
	l.data = data[from:len(data):len(data)]
	return data
}

const opDecode = "decode block"
