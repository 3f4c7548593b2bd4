package block

import (
	"sync"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// places are the positions of every column's next value at each every-th row, made when a row is first sought far from where a cursor stands.
type places struct {
	once  sync.Once
	at    []uint32 // len(columns) for each
	every int      // a power of two
}

const (
	placeRows  = 128     // in most blocks
	mostPlaces = 1 << 20 // len(places.at) in a block with very many columns or rows
)

// placesEvery says how many rows apart places are.
func placesEvery(rows, columns int) int {
	every := placeRows
	for rows/every*columns > mostPlaces {
		every *= 2
	}
	return every
}

func (b *Block) placesAt(i int) []uint32 {
	p := &b.places
	p.once.Do(func() {
		n := len(b.columns)
		next := make([]uint32, n)
		p.at = make([]uint32, 0, n*(b.Rows()/p.every+1))
		for row := range b.Rows() {
			if row%p.every == 0 {
				p.at = append(p.at, next...)
			}
			for _, c := range b.schema.shapes[b.shapes.At(row)].data {
				next[c]++
			}
		}
		b.account.Take(4 * len(p.at))
	})
	n := len(b.columns)
	return p.at[i*n : (i+1)*n]
}

// A Cursor walks over a block's rows, forwards or backwards; next to the row before it, a row costs no search. Not for concurrent use.
//
//	for c := b.Cursor(); c.Next(); { … c.Row() … }              // from the first
//	for c := b.CursorAt(b.Rows()); c.Prev(); { … c.Row() … }    // from the last
type Cursor struct {
	b    *Block
	row  int
	next []uint32 // the position in each column of the first value at or after row
	walk event.Walk
	text []byte // scratch: a text that quotes
}

// Cursor returns a cursor before the first row.
func (b *Block) Cursor() *Cursor {
	return &Cursor{b: b, row: -1, next: make([]uint32, len(b.columns))}
}

// CursorAt returns a cursor on a row. On row -1 it stands before the first, on Rows() behind the last.
func (b *Block) CursorAt(row int) *Cursor {
	c := b.Cursor()
	if row >= b.Rows() {
		c.row = b.Rows()
		for i := range c.next {
			c.next[i] = uint32(b.columns[i].values)
		}
	} else {
		c.Seek(row)
	}
	return c
}

// Row is the row the cursor stands on.
func (c *Cursor) Row() int { return c.row }

// Key is the key of the row.
func (c *Cursor) Key() event.Key { return c.b.Key(c.row) }

// Next goes one row on; false if there is none.
func (c *Cursor) Next() bool {
	if c.row >= 0 && c.row < c.b.Rows() {
		for _, column := range c.b.schema.shapes[c.b.shapes.At(c.row)].data {
			c.next[column]++
		}
	}
	if c.row < c.b.Rows() {
		c.row++
	}
	return c.row < c.b.Rows()
}

// Prev goes one row back; false if there is none.
func (c *Cursor) Prev() bool {
	if c.row >= 0 {
		c.row--
	}
	if c.row < 0 {
		return false
	}
	for _, column := range c.b.schema.shapes[c.b.shapes.At(c.row)].data {
		c.next[column]--
	}
	return true
}

// Seek goes to a row, -1 to Rows().
func (c *Cursor) Seek(row int) {
	every := c.b.places.every
	near := every / 2
	if row < c.row-near || row > c.row+near {
		if row > near && row < c.b.Rows() {
			c.row = row / every * every
			copy(c.next, c.b.placesAt(row/every))
		} else if row <= near {
			c.row = -1
			clear(c.next)
		}
	}
	for c.row < row && (c.Next() || c.row < row) {
	}
	for c.row > row {
		c.Prev()
	}
}

// shape is the row's shape.
func (c *Cursor) shape() uint32 { return uint32(c.b.shapes.At(c.row)) }

// valid refuses a row that is none.
func (c *Cursor) valid() error {
	if c.row < 0 || c.row >= c.b.Rows() {
		return fault.New(fault.NotFound, "read block", "there is no row %d among %d", c.row, c.b.Rows())
	}
	return nil
}

// on runs a function with a cursor on a row, for callers that keep none.
func (b *Block) on(row int, do func(*Cursor) error) error {
	c := b.spare.Swap(nil)
	if c == nil {
		c = b.Cursor()
	}
	c.Seek(max(-1, min(row, b.Rows())))
	err := c.valid()
	if err == nil {
		err = do(c)
	}
	b.spare.Store(c)
	return err
}
