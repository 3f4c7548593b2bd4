package block

import (
	"sync"

	"github.com/stelehq/stele/internal/column"
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

	passed  int      // rows written one after the other
	windows []window // of each column, then of the rows' shapes and instants; nil until the cursor has passed warmRows
	kept    bool     // by the block, whose memory the windows then are
}

// A window is some values of a column, decoded together because a cursor passes over them.
type window struct {
	start  int
	values []int64 // numbers, mantissas or codes
	scales []uint8
}

const (
	windowValues = 256
	warmRows     = 32 // fewer rows are served value by value
)

// pass notes that another row is written.
func (c *Cursor) pass() {
	if c.passed++; c.passed == warmRows {
		c.windows = make([]window, len(c.b.columns)+2)
	}
}

// number returns the number, or the code, at a position of a column.
func (c *Cursor) number(column uint32, r *reader, at int) int64 {
	if c.windows == nil {
		if r.texts != nil {
			return int64(r.texts.Code(at))
		}
		return r.ints.At(at)
	}
	w := &c.windows[column]
	if i := at - w.start; i >= 0 && i < len(w.values) {
		return w.values[i]
	}
	r.fill(c.move(w, at, c.b.columns[column].values), w.start)
	return w.values[at-w.start]
}

// decimal returns the decimal at a position of a column.
func (c *Cursor) decimal(column uint32, r *reader, at int) (mantissa int64, scale uint8) {
	if c.windows == nil {
		return r.decimals.At(at)
	}
	w := &c.windows[column]
	if i := at - w.start; i < 0 || i >= len(w.values) {
		n := len(c.move(w, at, c.b.columns[column].values))
		w.values, w.scales = r.decimals.Append(w.values[:0], w.scales[:0], w.start, n)
	}
	return w.values[at-w.start], w.scales[at-w.start]
}

// ofRow returns what each row has one of: which 0 are the shapes, 1 the instants.
func (c *Cursor) ofRow(which int, v *column.Ints) int64 {
	if c.windows == nil {
		return v.At(c.row)
	}
	w := &c.windows[len(c.b.columns)+which]
	if i := c.row - w.start; i >= 0 && i < len(w.values) {
		return w.values[i]
	}
	v.Fill(c.move(w, c.row, c.b.Rows()), w.start)
	return w.values[c.row-w.start]
}

// move makes w the window that has a position, of n in all, and returns its values to be filled.
func (c *Cursor) move(w *window, at, n int) []int64 {
	if w.values == nil {
		w.values = make([]int64, windowValues)
		if c.kept {
			c.b.account.Take(8 * windowValues)
		}
	}
	w.start = at &^ (windowValues - 1)
	w.values = w.values[:min(windowValues, n-w.start)]
	return w.values
}

func (c *Cursor) instant() int64 { return c.ofRow(1, c.b.instants) }

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
		for _, column := range c.b.schema.shapes[c.shape()].data {
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
	for _, column := range c.b.schema.shapes[c.shape()].data {
		c.next[column]--
	}
	return true
}

// Seek goes to a row, -1 to Rows().
func (c *Cursor) Seek(row int) {
	every := c.b.places.every
	near := every / 2
	if row < c.row-near || row > c.row+near {
		c.passed, c.windows = 0, nil
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
func (c *Cursor) shape() uint32 { return uint32(c.ofRow(0, c.b.shapes)) }

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
		c.kept = true
	}
	c.Seek(max(-1, min(row, b.Rows())))
	err := c.valid()
	if err == nil {
		err = do(c)
	}
	b.spare.Store(c)
	return err
}
