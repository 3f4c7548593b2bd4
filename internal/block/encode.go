package block

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"

	"github.com/stelehq/stele/internal/column"
)

// A block as bytes; fixed numbers little-endian, CRC means CRC-32C:
//
//	+-------------+-----------+-----------------------+--------------+----------------------------------------------------------+
//	| version (1) | CRC (u32) | head bytes h (uvarint)| head         | section 0 | section 1 | … | zeroes, if need be | sets |
//	+-------------+-----------+-----------------------+--------------+----------------------------------------------------------+
//
// The CRC is of the version and of all from h on to the head's end. If h is 0 the head ends where its content does, and the CRC is of all to
// the block's end: so it is written where there is one section, which has no CRC then.
//
// A section holds one payload or several small ones, one after the other, stored as they are or compressed. Payload 0 is the
// schema, 1 the rows' shapes, 2 their instants, 3 their arrival offsets, 4 + c column c. The head, in uvarints but where said:
//
//	+------+----------+------------------------------------------------------------------------+---------------------------------+---------------+
//	| rows | sections | method (byte), payloads, stored bytes, CRC of these (u32, if h > 0) each | bytes of each payload, unpacked | bytes of sets |
//	+------+----------+------------------------------------------------------------------------+---------------------------------+---------------+
//
// The sets (sets.go) are for who has not opened the block; their bytes are said if h > 0. They have checksums of their own.
//
// A block without sections is told (told.go).
//
//	shapes      integers: the index of each row's shape
//	instants    integers
//	arrivals    nothing if row i has offset i; else integers
const (
	version        = 8
	prefixBytes    = 1 + checksumBytes
	checksumBytes  = 4
	payloadSchema  = 0
	payloadShapes  = 1
	payloadTimes   = 2
	payloadArrival = 3
	payloadColumns = 4

	// A block takes at most this much memory for each of its bytes, and slack: what is read can't be a trap.
	expansion      = 4096
	expansionSlack = 1 << 20
	rowBytes       = 16
	valueBytes     = 8

	smallPayload = 4 << 10  // smaller ones share a section
	sharedBytes  = 64 << 10 // of one shared section
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Codec chooses how much work encoding does.
type Codec uint8

const (
	Fast     Codec = iota // journal: s2
	Thorough              // segments: zstd, best of the candidates
)

// Encode appends the block to dst, with an Encoder that knows nothing of blocks before.
func (b *Builder) Encode(dst []byte, codec Codec) (out []byte, base uint64) {
	if codec != Fast { // which has nothing to remember but its memory
		return NewEncoder(codec).Encode(dst, b)
	}
	if b.fast == nil {
		b.fast = NewEncoder(Fast)
	}
	out, base = b.fast.Encode(dst, b)
	if cap(b.fast.arena)+cap(b.fast.stored) > keptScratch {
		b.fast = nil
	}
	return out, base
}

// keptScratch is the most memory for encoding that a builder keeps.
const keptScratch = 4 << 20

// An Encoder writes blocks, and remembers from one to the next how each column was written best, so that all but the first cost little.
// Not for concurrent use.
type Encoder struct {
	Between func() // called between columns, as a block takes long; nil: nothing is

	codec    Codec
	column   column.Encoder
	loose    *Encoder // thorough: writes the fast forms
	mixing   mixing
	foldings map[string]*folding // by path and kind
	sets     sets
	// Of folding; up to 4 MiB.
	foldTable []uint32
	choices   map[string]*column.Choice // by path and kind

	room    uint64 // of the texts written last
	numbers []int64
	arena   []byte // of payloads

	schemaBytes []byte
	tokens      []token
	columns     int    // of the block before
	joined      []byte // of small payloads
	stored      []byte // of packed sections
	head        []byte
}

// A review says when what is remembered is to be found out anew: after some blocks, and when blocks have grown.
type review struct{ blocks, rows int } // since the last one, the block of that included; rows of that block

const reviewAfter = 64 // blocks

func (r *review) due(rows int) bool {
	if r.blocks > 0 && r.blocks < reviewAfter && rows <= 2*r.rows {
		r.blocks++
		return false
	}
	r.blocks, r.rows = 1, rows
	return true
}

// mostChoices is how many columns an Encoder remembers.
const mostChoices = 1 << 14

// NewEncoder returns an Encoder.
func NewEncoder(codec Codec) *Encoder {
	e := &Encoder{codec: codec}
	if codec == Thorough {
		e.column.Effort = column.Thorough
		e.loose = NewEncoder(Fast)
		e.choices = map[string]*column.Choice{}
		e.foldings = map[string]*folding{}
	}
	return e
}

// choiceOf returns what is remembered of a builder's column; nothing for the fast codec.
func (e *Encoder) choiceOf(b *Builder, column uint32) *column.Choice {
	if e.codec == Fast {
		return nil
	}
	return e.choice(b.trie.path(column))
}

// choice returns what is remembered under a name.
func (e *Encoder) choice(name string) *column.Choice {
	if e.codec == Fast {
		return nil
	}
	c := e.choices[name]
	if c == nil {
		if len(e.choices) >= mostChoices {
			clear(e.choices)
		}
		c = &column.Choice{}
		e.choices[name] = c
	}
	return c
}

// Encode appends the block to dst. Rows are sorted by (instant, arrival). Rows added by AddCLEF or the typed adders get arrival offsets 0, 1, 2, …
// in the order added, relative to the base given to Open; rows added by AppendRuns keep their absolute arrival numbers: Encode returns as
// base what must be given to Open (0 for fresh rows, whose base the journal decides).
func (e *Encoder) Encode(dst []byte, b *Builder) (out []byte, base uint64) {
	w := encoding{Encoder: e}
	e.arena = e.arena[:0]
	order := b.inOrder()
	columns, shapeOf := w.choose(b, order)
	w.findSets(columns, b)
	if e.codec == Thorough {
		shapeOf = w.relate(b, order, columns, shapeOf)
	}

	// Payloads of columns first: small ones are numbered first, so that they stand together.
	bounds := make([]int, 1, len(columns)+1)
	for _, c := range columns {
		if e.Between != nil {
			e.Between()
		}
		if c.origin.way != waySame && c.origin.way != wayTime {
			e.arena = e.appendColumn(e.arena, c.kind, c.values, e.choiceOf(b, c.from))
			w.weight += valueBytes*uint64(c.values.len(c.kind)) + e.room
		}
		bounds = append(bounds, len(e.arena))
	}
	loose := w.looseColumns(columns)
	payloads := make([][]byte, len(columns))
	for i := range payloads {
		payloads[i] = e.arena[bounds[i]:bounds[i+1]:bounds[i+1]]
	}
	place := make([]uint32, len(columns)) // the number each column gets
	sorted := make([]uint32, 0, len(columns))
	for _, small := range []bool{true, false} {
		for i := range columns {
			if (len(payloads[i]) < smallPayload || loose[i] != nil) == small {
				place[i] = uint32(len(sorted))
				sorted = append(sorted, uint32(i))
			}
		}
	}
	for i := range columns {
		if c := &columns[i]; c.origin.way == wayQuoting {
			payloads[i] = c.quoting.append(place, payloads[i])
			if loose[i] != nil {
				loose[i] = c.quoting.append(place, loose[i])
			}
		}
	}
	arrivals, base := w.arrivals(b, order)
	w.payloads = append(make([][]byte, 0, payloadColumns+len(columns)), w.schema(b, columns, sorted, place), w.shapes(shapeOf), w.times(b, order), arrivals)
	w.looseRows(shapeOf)
	for _, i := range sorted {
		w.payloads, w.loose = append(w.payloads, payloads[i]), append(w.loose, loose[i])
	}
	return w.finish(dst, len(b.shapes)), base
}

// An encoding holds what one call of Encode needs.
type encoding struct {
	*Encoder
	payloads [][]byte
	loose    [][]byte // the same in the fast forms, as far as these are short (share.go)
	weight   uint64   // bytes that the columns' values may take in memory

	shapeRows []int    // rows of each of the builder's shapes
	layouts   []uint32 // those in use: the block's layouts
	shaped    []encodedShape
	columnNo  []int32 // 1 + index into columns, by the builder's number
}

type encodedColumn struct {
	from    uint32 // the builder's number
	kind    kind
	given   *gathered // the values
	values  *gathered // what is written: the same, but where the origin says otherwise
	origin  origin    // same: of is an index into the columns
	quoting *quoting
}

type encodedShape struct {
	layout  int
	rows    int
	entries []uint32
}

// choose finds the columns and shapes in use and brings the columns' values and the rows' shapes into key order.
func (e *encoding) choose(b *Builder, order []uint32) (columns []encodedColumn, shapeOf []uint32) {
	e.shapeRows = make([]int, len(b.trie.shapes))
	e.columnNo = make([]int32, len(b.trie.columns))
	newShape := make([]uint32, len(b.trie.shapes))
	columns = make([]encodedColumn, 0, min(e.columns, len(b.trie.columns)))
	e.layouts = make([]uint32, 0, 64)
	for _, sh := range b.shapes {
		if e.shapeRows[sh] == 0 {
			e.layouts = append(e.layouts, sh)
			for _, t := range b.trie.shapes[sh].tokens {
				if t.isLeaf() && e.columnNo[t.id()] == 0 {
					columns = append(columns, encodedColumn{from: t.id(), kind: b.trie.columns[t.id()].kind, values: b.columns[t.id()]})
					e.columnNo[t.id()] = int32(len(columns))
				}
			}
		}
		e.shapeRows[sh]++
	}
	e.columns = len(columns)
	// Frequent shapes first, those met first before others of as many rows.
	keys := make([]uint64, len(e.layouts))
	for i, sh := range e.layouts {
		keys[i] = uint64(math.MaxUint32-e.shapeRows[sh])<<32 | uint64(i)
	}
	slices.Sort(keys)
	layouts := make([]uint32, len(keys))
	for i, key := range keys {
		layouts[i] = e.layouts[uint32(key)]
	}
	e.layouts = layouts
	e.shaped = make([]encodedShape, 0, len(e.layouts))
	for i, sh := range e.layouts {
		newShape[sh] = uint32(i)
		e.shaped = append(e.shaped, encodedShape{layout: i, rows: e.shapeRows[sh]})
	}
	shapeOf = make([]uint32, len(b.shapes))
	if order == nil {
		for i, sh := range b.shapes {
			shapeOf[i] = newShape[sh]
		}
		return columns, shapeOf
	}
	// Where each row's values stand in their columns, then the same in key order.
	values := 0
	for sh, rows := range e.shapeRows {
		values += rows * len(b.trie.shapes[sh].data)
	}
	starts := make([]int, len(b.shapes))
	at := make([]uint32, 0, values)
	next := make([]uint32, len(b.trie.columns))
	for i, sh := range b.shapes {
		starts[i] = len(at)
		for _, c := range b.trie.shapes[sh].data {
			at = append(at, next[c])
			next[c]++
		}
	}
	lists, room := make([][]uint32, len(b.trie.columns)), make([]uint32, values)
	for _, c := range columns {
		n := next[c.from]
		lists[c.from], room = room[:0:n], room[n:]
	}
	for i, row := range order {
		sh := b.shapes[row]
		shapeOf[i] = newShape[sh]
		for j, c := range b.trie.shapes[sh].data {
			lists[c] = append(lists[c], at[starts[row]+j])
		}
	}
	for i := range columns {
		columns[i].values = columns[i].values.ordered(columns[i].kind, lists[columns[i].from])
	}
	return columns, shapeOf
}

// schema writes the part of the builder's schema in use.
func (e *encoding) schema(b *Builder, columns []encodedColumn, sorted, place []uint32) []byte {
	from := &b.trie.schema
	used := make([]bool, len(from.objects))
	used[0] = true
	for _, sh := range e.layouts {
		for _, t := range from.shapes[sh].tokens {
			if t.isOpen() {
				used[t.id()] = true
			}
		}
	}
	to := &schema{}
	objectNo := make([]uint32, len(from.objects))
	for i, o := range from.objects {
		if used[i] {
			objectNo[i] = uint32(len(to.objects))
			to.objects = append(to.objects, object{parent: objectNo[o.parent], name: o.name})
		}
	}
	to.columns = make([]columnDef, 0, len(sorted))
	for _, i := range sorted {
		def := from.columns[columns[i].from]
		def.object, def.origin = objectNo[def.object], columns[i].origin
		if def.origin.way == waySame {
			def.origin.of = place[def.origin.of]
		}
		to.columns = append(to.columns, def)
	}
	e.schemaBytes = appendSchemaColumns(e.schemaBytes[:0], to)
	e.schemaBytes = binary.AppendUvarint(e.schemaBytes, uint64(len(e.layouts)))
	next := leaf(0)
	for _, sh := range e.layouts {
		tokens := slices.Grow(e.tokens[:0], len(from.shapes[sh].tokens))
		for _, t := range from.shapes[sh].tokens {
			switch {
			case t.isLeaf():
				t = leaf(place[e.columnNo[t.id()]-1])
			case t.isOpen():
				t = opening(objectNo[t.id()])
			}
			tokens = append(tokens, t)
		}
		e.tokens = tokens
		e.schemaBytes, next = appendTokens(e.schemaBytes, tokens, next)
	}
	e.schemaBytes = binary.AppendUvarint(e.schemaBytes, uint64(len(e.shaped)))
	for _, sh := range e.shaped {
		e.schemaBytes = appendShape(e.schemaBytes, sh.rows, sh.layout, sh.entries)
	}
	return e.schemaBytes
}

func (e *encoding) shapes(shapeOf []uint32) []byte {
	values := e.shapeNumbers(shapeOf)
	if e.codec == Fast {
		return e.column.Fixed(nil, values)
	}
	return e.column.Ints(nil, values, e.choice(".shapes"))
}

func (e *encoding) shapeNumbers(shapeOf []uint32) []int64 {
	values := e.grow(len(shapeOf))
	for i, sh := range shapeOf {
		values[i] = int64(sh)
	}
	return values
}

func (e *encoding) times(b *Builder, order []uint32) []byte {
	values := b.instants
	if order != nil {
		values = e.grow(len(order))
		for i, row := range order {
			values[i] = b.instants[row]
		}
	}
	return e.column.Ascending(nil, values, e.choice(".instants"))
}

// arrivals returns nothing if offsets are the rows' numbers.
func (e *encoding) arrivals(b *Builder, order []uint32) (payload []byte, base uint64) {
	n := len(b.shapes)
	if n == 0 || b.arrivals == nil && order == nil {
		return nil, 0
	}
	if b.arrivals != nil {
		base = slices.Min(b.arrivals)
	}
	offsets := e.grow(n)
	plain := true
	for i := range offsets {
		row := i
		if order != nil {
			row = int(order[i])
		}
		if b.arrivals != nil {
			offsets[i] = int64(b.arrivals[row] - base)
		} else {
			offsets[i] = int64(row)
		}
		plain = plain && offsets[i] == int64(i)
	}
	if plain {
		return nil, base
	}
	return e.column.Ints(nil, offsets, e.choice(".arrivals")), base
}

// finish packs the payloads into sections and appends the block.
func (e *encoding) finish(dst []byte, rows int) []byte {
	var packed []packedSection
	stored := e.stored[:0]
	weight := e.weight + uint64(rows)*rowBytes
	e.mixing.due = e.mixing.review.due(rows)
	for i := 0; i < len(e.payloads); {
		count := e.share(i)
		if count > 0 {
			e.mix(i, count, rows)
		}
		raw := e.payloads[i]
		if count > 1 {
			joined := e.joined[:0]
			for _, p := range e.payloads[i : i+count] {
				joined = append(joined, p...)
			}
			raw, e.joined = joined, joined
		}
		s := packedSection{payloads: max(count, 1)}
		from := len(stored)
		s.method, stored = pack(stored, raw, e.codec, count > 0 || i == payloadSchema, rows)
		s.bytes = len(stored) - from
		s.crc = crc32.Checksum(stored[from:], castagnoli)
		packed = append(packed, s)
		weight += uint64(len(raw))
		i += s.payloads
	}
	e.stored = stored
	start := len(dst)
	dst = slices.Grow(dst, prefixBytes+3*binary.MaxVarintLen32+16*len(packed)+5*len(e.payloads)+len(stored))
	dst = append(dst, version, 0, 0, 0, 0)
	whole := len(packed) == 1 && len(e.sets.bytes) == 0
	if whole {
		dst = append(dst, 0)
		dst = e.appendHead(dst, rows, packed, false)
	} else {
		e.head = e.appendHead(e.head[:0], rows, packed, true)
		dst = binary.AppendUvarint(dst, uint64(len(e.head)))
		dst = append(dst, e.head...)
	}
	covered := len(dst)
	dst = append(dst, stored...)
	for uint64(len(dst)-start)*expansion+expansionSlack < weight {
		dst = append(dst, 0)
	}
	dst = append(dst, e.sets.bytes...)
	if whole {
		covered = len(dst)
	}
	putChecksum(dst[start:covered])
	return dst
}

// A packedSection is what the head says of a section.
type packedSection struct {
	method          byte
	payloads, bytes int
	crc             uint32
}

func (e *encoding) appendHead(dst []byte, rows int, packed []packedSection, sums bool) []byte {
	dst = binary.AppendUvarint(dst, uint64(rows))
	dst = binary.AppendUvarint(dst, uint64(len(packed)))
	for _, s := range packed {
		dst = append(dst, s.method)
		dst = binary.AppendUvarint(dst, uint64(s.payloads))
		dst = binary.AppendUvarint(dst, uint64(s.bytes))
		if sums {
			dst = binary.LittleEndian.AppendUint32(dst, s.crc)
		}
	}
	for _, p := range e.payloads {
		dst = binary.AppendUvarint(dst, uint64(len(p)))
	}
	if sums {
		dst = binary.AppendUvarint(dst, uint64(len(e.sets.bytes)))
	}
	return dst
}

// checksum is that of the covered part of a block.
func checksum(covered []byte) uint32 {
	return crc32.Update(crc32.Checksum(covered[:1], castagnoli), castagnoli, covered[prefixBytes:])
}

func putChecksum(covered []byte) {
	binary.LittleEndian.PutUint32(covered[1:], checksum(covered))
}
