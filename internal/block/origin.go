package block

import (
	"encoding/binary"

	"github.com/stelehq/stele/internal/column"
)

// A way says where the values of a column come from. Its number is part of the format: the upper half of the byte that has the kind.
//
//	own      the column's payload: a value for each leaf of each row
//	fixed    the shape: the payload has the entries, the shape's definition says for each leaf which one all its rows have
//	same     another column, which stands as often as this one in every shape: value i is value i of that one; no payload
//	time     the instant of the row, in a form; no payload
//	quoting  the payload: texts with references to values of the same row in other columns (quoting.go)
type way uint8

const (
	wayOwn     way = 0
	wayFixed   way = 1
	waySame    way = 2
	wayTime    way = 3
	wayQuoting way = 4
	ways           = 5
)

var wayNames = [ways]string{"own", "fixed", "same", "time", "quoting"}

func (w way) String() string {
	if w >= ways {
		return "?"
	}
	return wayNames[w]
}

// An origin is a way and what goes with it.
type origin struct {
	way     way
	of      uint32   // same: the column
	entries int      // fixed
	form    timeForm // time
	depth   int      // quoting: more than that of any column it quotes, which is 0 if that does not quote
}

const (
	mostFixed = 1 << 12 // entries of a fixed column
	mostDepth = 4
)

// Behind a column's name, by its way:
//
//	fixed    entries (uvarint)
//	same     column (uvarint)
//	time     form (byte)   minutes (varint)
//	quoting  depth (uvarint)
func (o *origin) append(dst []byte) []byte {
	switch o.way {
	case wayFixed:
		dst = binary.AppendUvarint(dst, uint64(o.entries))
	case waySame:
		dst = binary.AppendUvarint(dst, uint64(o.of))
	case wayTime:
		dst = append(dst, o.form.byte())
		dst = binary.AppendVarint(dst, int64(o.form.minutes))
	case wayQuoting:
		dst = binary.AppendUvarint(dst, uint64(o.depth))
	}
	return dst
}

func decodeOrigin(d *column.Decoder, w way, k kind, columns int) (o origin) {
	o.way = w
	switch w {
	case wayOwn:
	case wayFixed:
		o.entries = d.Number("entries of a fixed column", mostFixed)
	case waySame:
		o.of = d.Below("the same column", columns)
	case wayTime:
		o.form = timeFormOf(d.Byte("form of a time"), d.Varint("minutes"), k)
		if d.Err() == nil && !o.form.fits(k) {
			d.Fail("a column of kind %v has times of the form %02x", k, o.form.byte())
		}
	case wayQuoting:
		o.depth = d.Number("depth of quotations", mostDepth)
		if k != kindString && k != kindArray {
			d.Fail("a column of kind %v quotes", k)
		}
	default:
		d.Fail("unknown way %d of a column", w)
	}
	if d.Err() == nil && w != wayOwn && (!k.hasData() || k == kindEvent) {
		d.Fail("a column of kind %v has no values of way %v", k, w)
	}
	return o
}

// stored says whether the column has a value of its own for each leaf of each row.
func (c *columnDef) stored() bool {
	return c.kind.hasData() && (c.origin.way == wayOwn || c.origin.way == wayQuoting)
}

// checkOrigins refuses columns that lead to none with values, and pairs that don't stand side by side.
func (s *schema) checkOrigins(d *column.Decoder) {
	followers := make([]int, len(s.columns)) // how many columns have its values
	some := false
	for i := range s.columns {
		if c := &s.columns[i]; c.origin.way == waySame {
			some = true
			followers[c.origin.of]++
			if o := &s.columns[c.origin.of]; o.kind != c.kind || !o.stored() {
				d.Fail("column %d has the values of column %d, which is of kind %v and way %v", i, c.origin.of, o.kind, o.origin.way)
				return
			}
		}
	}
	if !some {
		return
	}
	counts := make([]int, len(s.columns)) // leaves of a layout
	behind := make([]int, len(s.columns)) // leaves of all the columns that have its values
	for _, l := range s.layouts {
		for _, t := range l.tokens {
			if t.isLeaf() {
				counts[t.id()]++
				if o := &s.columns[t.id()].origin; o.way == waySame {
					behind[o.of]++
				}
			}
		}
		for _, t := range l.tokens {
			if !t.isLeaf() {
				continue
			}
			c := t.id()
			if o := &s.columns[c].origin; o.way == waySame && counts[c] != counts[o.of] || behind[c] != followers[c]*counts[c] {
				d.Fail("column %d or one that has its values stands elsewhere", c)
				return
			}
		}
		for _, t := range l.tokens {
			if t.isLeaf() {
				c := t.id()
				counts[c], behind[c], behind[s.seat(c)] = 0, 0, 0
			}
		}
	}
}

// seat is the column whose positions a column's values have.
func (s *schema) seat(c uint32) uint32 {
	if o := &s.columns[c].origin; o.way == waySame {
		return o.of
	}
	return c
}

// fixedBefore counts the leaves of fixed columns among tokens.
func (s *schema) fixedBefore(tokens []token) (n int) {
	for _, t := range tokens {
		if t.isLeaf() && s.columns[t.id()].origin.way == wayFixed {
			n++
		}
	}
	return n
}
