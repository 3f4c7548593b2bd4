package engine

import (
	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
)

// A Batch gathers the events of one append. Events go into a builder; whenever that has grown to a piece, it becomes an encoded
// block, a tenth of its size, so that a batch of any length takes little memory and its columns stay in the processor's
// cache. Not for concurrent use.
type Batch struct {
	builder  *block.Builder
	encoder  *block.Encoder
	rows     int // at which the builder becomes a piece
	pieces   []piece
	data     []byte  // of the pieces, one after the other
	instants []int64 // of the pieces' events
	turn     turn
}

// A piece is an encoded block of a batch.
type piece struct {
	start, end  int // in the batch's data
	rows        int
	first, last journal.Mark
}

const (
	// A builder that has either becomes a piece.
	pieceBytes = 1 << 20
	pieceRows  = 8 << 10

	// restRows is after how many events others may go on.
	restRows = 64

	// keptPieces is the most memory for pieces that a batch keeps for the next events.
	keptPieces = 2 << 20
)

// NewBatch returns an empty batch.
func (e *Engine) NewBatch() *Batch {
	return &Batch{builder: e.newBuilder(), encoder: block.NewEncoder(block.Fast), rows: e.o.Hooks.PieceRows, turn: turn{walks: &e.walks}}
}

// Builder takes typed values. After each event that it has taken, Added is to be called.
func (b *Batch) Builder() *block.Builder { return b.builder }

// AddCLEF adds one event; a refused one leaves the batch as it was.
func (b *Batch) AddCLEF(line []byte) error {
	if err := b.builder.AddCLEF(line); err != nil {
		return err
	}
	b.Added()
	return nil
}

// Added makes a piece of what the builder has, if it is enough for one.
func (b *Batch) Added() {
	if b.builder.Size() >= pieceBytes || b.builder.Rows() >= b.rows {
		b.cut()
	}
	if b.builder.Rows()%restRows == 0 {
		b.turn.rest()
	}
}

// Rows is how many events are in.
func (b *Batch) Rows() int { return len(b.instants) + b.builder.Rows() }

// Size is about how many bytes of memory the batch takes.
func (b *Batch) Size() int {
	return b.builder.Size() + b.builder.SchemaSize() + len(b.data) + 8*len(b.instants)
}

// Reset empties the batch and keeps some of its memory.
func (b *Batch) Reset() {
	b.builder.Reset()
	b.pieces, b.data, b.instants = b.pieces[:0], b.data[:0], b.instants[:0]
	if cap(b.data)+8*cap(b.instants) > keptPieces {
		b.data, b.instants = nil, nil
	}
}

// AppendCLEF appends the first n events as they were given (R6), a line each, in the order in which they were added.
func (b *Batch) AppendCLEF(dst []byte, n int) ([]byte, error) {
	b.cut()
	for i := range b.pieces {
		p := &b.pieces[i]
		opened, err := block.Open(b.data[p.start:p.end], 0)
		if err != nil {
			return dst, unsound(err)
		}
		rows := make([]int, p.rows)
		for row := range rows {
			rows[opened.Key(row).Arrival()] = row
		}
		for _, row := range rows[:min(n, p.rows)] {
			if dst, err = opened.AppendCLEF(dst, row); err != nil {
				return dst, unsound(err)
			}
			dst = append(dst, '\n')
		}
		n -= min(n, p.rows)
	}
	return dst, nil
}

// small tells whether the batch is to be joined with others.
func (b *Batch) small() bool {
	return len(b.pieces) == 0 && b.builder.Rows() < coalesceRows && b.builder.Size() < coalesceBytes
}

// cut makes a piece of what the builder has.
func (b *Batch) cut() {
	rows := b.builder.Rows()
	if rows == 0 {
		return
	}
	p := piece{start: len(b.data), rows: rows}
	p.first, p.last = marks(b.builder)
	for i := range rows {
		b.instants = append(b.instants, b.builder.Instant(i))
	}
	b.data, _ = b.encoder.Encode(b.data, b.builder)
	p.end = len(b.data)
	b.pieces = append(b.pieces, p)
	b.builder.Reset()
}

// check opens the pieces: what does not encode soundly is not to be acknowledged.
func (b *Batch) check() error {
	size := 0
	for i := range b.pieces {
		b.turn.rest()
		p := &b.pieces[i]
		opened, err := block.Open(b.data[p.start:p.end], 0)
		if err == nil && opened.Rows() != p.rows {
			err = fault.New(fault.Internal, "append", "encoded %d events, found %d", p.rows, opened.Rows())
		}
		if err != nil {
			return unsound(err)
		}
		size += p.end - p.start + journal.EntryBytes
	}
	if size > journal.MaxBatch {
		return fault.New(fault.TooLarge, "append", "the batch is stored in %d bytes, over the limit of %d", size, journal.MaxBatch)
	}
	return nil
}

func unsound(err error) error {
	return fault.WrapAs(fault.Internal, err, "append", "the batch does not encode soundly; nothing was stored")
}

// blocks describes the pieces as the journal has them.
func (b *Batch) blocks() []journal.Block {
	all := make([]journal.Block, len(b.pieces))
	for i := range b.pieces {
		p := &b.pieces[i]
		all[i] = journal.Block{Rows: p.rows, First: p.first, Last: p.last, Data: b.data[p.start:p.end:p.end]}
	}
	return all
}

// allInstants lists the instants of all events, in their order.
func (b *Batch) allInstants() []int64 {
	all := make([]int64, 0, b.Rows())
	all = append(all, b.instants...)
	for i := range b.builder.Rows() {
		all = append(all, b.builder.Instant(i))
	}
	return all
}

// marks returns the least and the greatest key of a builder's rows, which is not empty.
func marks(b *block.Builder) (first, last journal.Mark) {
	first.Instant = b.Instant(0)
	last = first
	for i := 1; i < b.Rows(); i++ {
		switch t := b.Instant(i); {
		case t < first.Instant:
			first = journal.Mark{Instant: t, Place: uint32(i)}
		case t >= last.Instant:
			last = journal.Mark{Instant: t, Place: uint32(i)}
		}
	}
	return first, last
}

func keyOf(m journal.Mark, base uint64) event.Key {
	return event.MakeKey(m.Instant, base+uint64(m.Place))
}
