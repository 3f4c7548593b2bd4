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

	moves  sync.Once
	steady []uint32   // the columns that have one value in every row
	moving [][]uint32 // by shape: the columns of its values, but for the steady ones, filled up with spare places behind the columns
}

const (
	moveStep   = 4       // of places.moving
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
		b.findPlaces()
		b.account.Take(4 * len(p.at))
	})
	n := len(b.columns)
	return p.at[i*n : (i+1)*n]
}

// findPlaces counts the rows of each layout from place to place, which is faster than going from row to row.
func (b *Block) findPlaces() {
	p := &b.places
	rows := make([]uint32, len(b.schema.layouts))    // of each layout since the last place
	met := make([]int, 0, min(len(rows), placeRows)) // the layouts that have some
	next := make([]uint32, len(b.columns))
	p.at = make([]uint32, 0, len(b.columns)*(b.Rows()/p.every+1))
	var shapes [placeRows]int64
	for row := 0; row < b.Rows(); row += len(shapes) {
		if row%p.every == 0 {
			for _, l := range met {
				for _, column := range b.schema.layouts[l].data {
					next[column] += rows[l]
				}
				rows[l] = 0
			}
			met = met[:0]
			p.at = append(p.at, next...)
		}
		some := shapes[:min(len(shapes), b.Rows()-row)]
		b.shapes.Fill(some, row)
		for _, sh := range some {
			l := b.schema.shapes[sh].number
			if rows[l] == 0 {
				met = append(met, l)
			}
			rows[l]++
		}
	}
}

// sortMoves finds out which columns move on with every row.
func (b *Block) sortMoves() {
	const repeated = 1 << 31
	layouts, seen := make([]uint32, len(b.columns)), make([]uint32, len(b.columns)) // layouts with the column; 1 + the last of them
	for i, l := range b.schema.layouts {
		for _, c := range l.data {
			if seen[c] == uint32(i+1) {
				layouts[c] = repeated
			}
			seen[c] = uint32(i + 1)
			layouts[c]++
		}
	}
	p := &b.places
	for c, n := range layouts {
		if int(n) == len(b.schema.layouts) {
			p.steady = append(p.steady, uint32(c))
		}
	}
	moving := make([][]uint32, len(b.schema.layouts))
	size := 0
	for i, l := range b.schema.layouts {
		for _, c := range l.data {
			if int(layouts[c]) != len(b.schema.layouts) {
				moving[i] = append(moving[i], c)
			}
		}
		// To fours, so that the loop over them seldom takes another turn than foreseen. No spare place is counted twice.
		for spare := uint32(len(b.columns)); len(moving[i])%moveStep != 0; spare++ {
			moving[i] = append(moving[i], spare)
		}
		size += len(moving[i])
	}
	p.moving = make([][]uint32, len(b.schema.shapes))
	for i := range p.moving {
		p.moving[i] = moving[b.schema.shapes[i].number]
	}
	b.account.Take(8*size + 24*len(p.moving) + 4*len(p.steady))
}

// A Cursor walks over a block's rows, forwards or backwards; next to the row before it, a row costs no search. Not for concurrent use.
//
//	for c := b.Cursor(); c.Next(); { … c.Row() … }              // from the first
//	for c := b.CursorAt(b.Rows()); c.Prev(); { … c.Row() … }    // from the last
type Cursor struct {
	b    *Block
	row  int
	next []uint32 // the position in each column of the first value at or after row; spare places behind
	walk event.Walk
	text []byte // scratch: a text that quotes
	room []byte // scratch: a text that was made for one row

	passed   int    // rows written, each near the one before
	feeds    []feed // of each column
	shapes   column.Window
	instants column.Window
	clock    event.Clock
	seen     []uint32 // scratch of Block.program
}

// A feed is the part of a column's values that a cursor passes over, decoded. Their memory is the block's.
type feed struct {
	numbers column.Window // numbers, mantissas or codes
	pieces  *pieces
	texts   column.TextWindow // texts, or those of the dictionary
	count   int               // of the window's texts
	from    *reader           // nil until it is used
	ints    *column.Ints      // what numbers are of, but for codes
	scale   uint8             // of all mantissas
}

const (
	warmRows = 16 // from so many on whole chunks of texts are made
	nearRows = 8  // the rows of which the next is so near
)

// pass notes that another row is written.
func (c *Cursor) pass() { c.passed++ }

// readerOf returns the reader of a step's column, which program has opened.
func (c *Cursor) readerOf(f *feed, s *step) *reader {
	if f.from == nil {
		f.from, _ = c.b.column(s.column)
		f.pieces = c.b.columns[s.column].pieces
		if f.ints = f.from.ints; c.b.schema.columns[s.column].kind == kindDecimal {
			f.ints, f.scale, _ = f.from.decimals.Parts()
		}
	}
	return f.from
}

// numbers returns the window that has a position of a step's column.
func (c *Cursor) numbers(f *feed, s *step, at int) *column.Window {
	if uint(at-f.numbers.Start) >= uint(f.numbers.Len) {
		if r := c.readerOf(f, s); f.ints != nil {
			f.numbers = f.ints.Window(at)
		} else {
			f.numbers = r.texts.CodeWindow(at)
		}
	}
	return &f.numbers
}

// textOf returns the text at a position of a step's column.
func (c *Cursor) textOf(f *feed, s *step, at int) []byte {
	t := c.readerOf(f, s).texts
	if s.do == actCoded || s.do == actCodedString {
		w := c.numbers(f, s, at)
		at = int(w.Int(at - w.Start))
		t = t.Dictionary()
	}
	switch {
	case uint(at-f.texts.Start) < uint(f.count):
	case c.passed < warmRows:
		c.room = t.AppendText(c.room[:0], at)
		return c.room
	default:
		if f.texts = t.TextWindow(at); f.texts.Ends == nil {
			return t.At(at)
		}
		f.count = len(f.texts.Ends)
	}
	at -= f.texts.Start
	start := uint32(0)
	if at > 0 {
		start = f.texts.Ends[at-1]
	}
	return f.texts.Bytes[start:f.texts.Ends[at]]
}

// shape is the row's shape.
func (c *Cursor) shape() uint32 {
	if uint(c.row-c.shapes.Start) >= uint(c.shapes.Len) {
		c.shapes = c.b.shapes.Window(c.row)
	}
	return uint32(c.shapes.Int(c.row - c.shapes.Start))
}

func (c *Cursor) instant() int64 {
	if uint(c.row-c.instants.Start) >= uint(c.instants.Len) {
		c.instants = c.b.instants.Window(c.row)
	}
	return c.instants.Int(c.row - c.instants.Start)
}

// Cursor returns a cursor before the first row.
func (b *Block) Cursor() *Cursor {
	n := len(b.columns)
	positions := make([]uint32, 2*n+moveStep)
	return &Cursor{b: b, row: -1, next: positions[:n+moveStep], seen: positions[n+moveStep:], feeds: make([]feed, n)}
}

// CursorAt returns a cursor on a row. On row -1 it stands before the first, on Rows() behind the last.
func (b *Block) CursorAt(row int) *Cursor {
	c := b.Cursor()
	if row >= b.Rows() {
		c.row = b.Rows()
		for i := range b.columns {
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
func (c *Cursor) Key() event.Key { return event.MakeKey(c.instant(), c.b.arrival(c.row)) }

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
	switch {
	case row == c.row+1:
		c.Next()
		return
	case row == c.row-1:
		c.Prev()
		return
	case row == c.row:
		return
	case row < c.row-nearRows || row > c.row+nearRows:
		c.passed = 0
	}
	every := c.b.places.every
	if near := every / 2; row < c.row-near || row > c.row+near {
		if row > near && row < c.b.Rows() {
			c.row = row / every * every
			copy(c.next, c.b.placesAt(row/every))
		} else if row <= near {
			c.row = -1
			clear(c.next)
		}
	}
	if c.row < row {
		c.advance(row)
	}
	for c.row > row {
		c.Prev()
	}
}

// advance goes on to a row, Rows() at most.
func (c *Cursor) advance(row int) {
	b := c.b
	b.places.moves.Do(b.sortMoves)
	next, moving := c.next, b.places.moving
	var shapes [128]int64
	for at := max(c.row, 0); at < row; at += len(shapes) {
		some := shapes[:min(len(shapes), row-at)]
		b.shapes.Fill(some, at)
		for _, sh := range some {
			for m := moving[sh]; len(m) >= moveStep; m = m[moveStep:] {
				next[m[0]]++
				next[m[1]]++
				next[m[2]]++
				next[m[3]]++
			}
		}
	}
	for _, column := range b.places.steady {
		next[column] = uint32(max(row, 0))
	}
	c.row = row
}

// valid refuses a row that is none.
func (c *Cursor) valid() error {
	if c.row < 0 || c.row >= c.b.Rows() {
		return fault.New(fault.NotFound, "read block", "there is no row %d among %d", c.row, c.b.Rows())
	}
	return c.b.LoadKeys()
}

// on runs a function with a cursor on a row, for callers that keep none.
func (b *Block) on(row int, do func(*Cursor) error) error {
	if err := b.LoadKeys(); err != nil {
		return err
	}
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
