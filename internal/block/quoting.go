package block

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/fault"
)

// The payload of a column that quotes:
//
//	+----------------------+-------------------------------------+----------------------+-----------------------------------+
//	| most bytes (uvarint) | siblings (uvarint)                  | column (uvarint) …   | what the quotations leave (texts) |
//	+----------------------+-------------------------------------+----------------------+-----------------------------------+
//
// In what is left, a byte FF and the number of a sibling (uvarint) stand for the text of the row's first value in that column: a string as it
// is, a number or a truth value as JSON has it. No value is longer than the most bytes. A sibling is own or fixed or quotes itself, with less
// depth, so that none leads back.
const (
	quoteMark   = 0xFF    // no text of an event holds this byte
	mostQuoting = 1 << 20 // bytes of a value that quotes
	mostEntries = 1 << 20 // shapes times fixed siblings of one column
)

// quotes is what a column quotes. Texts are put together when they are asked for.
type quotes struct {
	siblings []sibling
	most     int
}

type sibling struct {
	column  uint32
	kind    kind
	from    *reader
	values  int
	entries []int32 // fixed: by shape, -1 for none
}

func (b *Block) decodeQuoting(raw []byte, def *columnDef, l *lazyColumn) (*reader, error) {
	d := &column.Decoder{Src: raw}
	q := &quotes{most: d.Number("most bytes", mostQuoting)}
	n := d.Count("siblings", 1)
	q.siblings = make([]sibling, 0, n)
	fixed := 0
	for range n {
		c := d.Below("a sibling's column", len(b.schema.columns))
		if d.Err() != nil {
			return nil, d.Err()
		}
		of := &b.schema.columns[c]
		s := sibling{column: c, kind: of.kind, values: b.columns[c].values}
		if !of.kind.hasData() || of.origin.way == waySame || of.origin.way == wayTime || of.origin.depth >= def.origin.depth {
			d.Fail("column %s is quoted, which is of kind %v, way %v and depth %d", b.schema.path(c), of.kind, of.origin.way, of.origin.depth)
			return nil, d.Err()
		}
		var err error
		if s.from, err = b.column(c); err != nil {
			return nil, err
		}
		if of.origin.way == wayFixed {
			s.values = of.origin.entries
			if fixed++; fixed*len(b.schema.shapes) > mostEntries {
				d.Fail("over %d entries are quoted", mostEntries)
				return nil, d.Err()
			}
			s.entries = b.schema.entriesOf(c)
		}
		q.siblings = append(q.siblings, s)
	}
	l.account.Take(64*len(q.siblings) + 4*fixed*len(b.schema.shapes))
	if d.Err() != nil {
		return nil, d.Err()
	}
	r, err := decodeColumn(d.Src, kindString, l.values, &l.account)
	if err != nil {
		return nil, err
	}
	r.quotes = q
	return r, nil
}

// entriesOf lists the first entry of a fixed column in each shape.
func (s *schema) entriesOf(c uint32) []int32 {
	entries := make([]int32, len(s.shapes))
	places := make([]int, len(s.layouts)) // 1 + among the layout's fixed leaves
	for i, l := range s.layouts {
		n := 0
		for _, t := range l.tokens {
			if !t.isLeaf() || s.columns[t.id()].origin.way != wayFixed {
				continue
			}
			if n++; t.id() == c {
				places[i] = n
				break
			}
		}
	}
	for i := range s.shapes {
		entries[i] = -1
		if at := places[s.shapes[i].number]; at > 0 {
			entries[i] = int32(s.shapes[i].entries[at-1])
		}
	}
	return entries
}

// quoted appends the text at a position of a column that quotes, for the cursor's row.
func (c *Cursor) quoted(dst []byte, r *reader, at int) ([]byte, error) {
	start := len(dst)
	rest := r.textAt(at)
	for {
		i := bytes.IndexByte(rest, quoteMark)
		if i < 0 {
			dst = append(dst, rest...)
			break
		}
		dst = append(dst, rest[:i]...)
		n, size := binary.Uvarint(rest[i+1:])
		if size <= 0 || n >= uint64(len(r.quotes.siblings)) {
			return dst, fault.New(fault.Corrupt, opDecode, "a text quotes a sibling that is none of %d", len(r.quotes.siblings))
		}
		rest = rest[i+1+size:]
		var err error
		if dst, err = c.sibling(dst, &r.quotes.siblings[n]); err != nil {
			return dst, err
		}
		if len(dst)-start > r.quotes.most {
			break
		}
	}
	if len(dst)-start > r.quotes.most {
		return dst, fault.New(fault.Corrupt, opDecode, "a text with quotations has over %d bytes", r.quotes.most)
	}
	return dst, nil
}

// sibling appends the text of the row's first value in a column.
func (c *Cursor) sibling(dst []byte, s *sibling) ([]byte, error) {
	at := int(c.next[s.column])
	if s.entries != nil {
		at = int(s.entries[c.shape()])
	}
	if at < 0 || at >= s.values {
		return dst, fault.New(fault.Corrupt, opDecode, "row %d quotes column %s, which it has not", c.row, c.b.schema.path(s.column))
	}
	switch {
	case s.from.quotes != nil:
		return c.quoted(dst, s.from, at)
	case s.kind == kindInt:
		return strconv.AppendInt(dst, s.from.ints.At(at), 10), nil
	case s.kind == kindDecimal:
		mantissa, scale := s.from.decimals.At(at)
		return appendDecimal(dst, mantissa, scale), nil
	case s.kind == kindBool:
		return strconv.AppendBool(dst, s.from.boolAt(at) != 0), nil
	}
	return append(dst, s.from.textAt(at)...), nil
}
