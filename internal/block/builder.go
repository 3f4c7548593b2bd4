package block

import (
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// Limits bound what a Builder takes.
type Limits struct {
	EventBytes int // most bytes of one event's text; 0 means 256 KiB
}

const (
	defaultEventBytes = 256 << 10
	maxBuilderBytes   = 1 << 30
)

// MaxRows is how many events AddCLEF, End and AppendRuns put into one builder. AppendBuilder does not ask: Open takes sixteen times as many.
const (
	MaxRows    = 1 << 20
	formatRows = 16 * MaxRows
)

// Builder fills columns from CLEF lines or typed values, in arrival order. Not for concurrent use. Its zero value is not ready: NewBuilder.
type Builder struct {
	eventBytes int
	seed       *seed
	trie       trie
	columns    []*gathered // as trie.columns; may lag behind it

	instants []int64
	shapes   []uint32
	arrivals []uint64 // nil while row i has arrival i
	size     int

	// The event being added.
	pend        []pending
	scratch     []byte // texts that don't stand in the source
	nameScratch []byte
	whole       event.Walk // over an event kept whole
	text        []byte
	count       int // members
	instant     int64
	hasTime     bool
	timesAsText bool

	typed typed
	fast  *Encoder // nil until the first use

	// Of AppendBuilder: where the shapes of other builders lead, as long as these live, and how many values of each column were taken.
	joined map[*Builder]*joined
	taken  []int

	// Of AppendRuns.
	source    *source // the one used last
	sources   map[*Block]*source
	receiving []uint32 // the columns that have pieces
	pieces    int      // of all columns
	numbers   []int64
}

// NewBuilder returns an empty builder.
func NewBuilder(l Limits) *Builder {
	b := &Builder{eventBytes: l.EventBytes, seed: newSeed(), trie: newTrie()}
	if b.eventBytes <= 0 {
		b.eventBytes = defaultEventBytes
	}
	return b
}

// Rows is how many events are in.
func (b *Builder) Rows() int { return len(b.shapes) }

// Size is about how many bytes of memory the events take.
func (b *Builder) Size() int { return b.size }

// SchemaSize is about how many bytes of memory the names and shapes take that the builder has met: they stay when it is reset, until there are many.
func (b *Builder) SchemaSize() int { return b.trie.size() + 300*len(b.columns) }

// Instant is the instant of the i-th event added (before any sorting).
func (b *Builder) Instant(i int) int64 { return b.instants[i] }

// Reset empties the builder and keeps its memory and shapes.
func (b *Builder) Reset() {
	// Of few rows it is known which columns have values; what AppendRuns was given up half-way with may be in any.
	rows, few := b.shapes, len(b.shapes) <= fewRows && b.source == nil && b.sources == nil
	b.instants, b.shapes, b.arrivals, b.size = b.instants[:0], b.shapes[:0], nil, 0
	b.start()
	b.typed = typed{}
	b.source, b.sources = nil, nil
	for _, i := range b.receiving {
		clear(b.columns[i].pieces)
		b.columns[i].pieces = b.columns[i].pieces[:0]
	}
	b.receiving, b.pieces = b.receiving[:0], 0
	if b.trie.nearlyFull() { // events with ever new members: a fresh schema serves what comes better
		b.trie.reset()
		b.columns, b.joined = nil, nil
		return
	}
	if few {
		for _, sh := range rows {
			for _, c := range b.trie.shapes[sh].data {
				b.columns[c].reset()
			}
		}
		return
	}
	for _, c := range b.columns {
		c.reset()
	}
}

// start readies the builder for the next event.
func (b *Builder) start() {
	b.pend, b.scratch = b.pend[:0], b.scratch[:0]
	b.count, b.hasTime, b.timesAsText = 0, false, false
}

// AddCLEF adds one event: a JSON object with an @t. A refused event (fault.Invalid or fault.TooLarge; the error says
// which byte of line and why) leaves the builder as it was. line is not kept.
func (b *Builder) AddCLEF(line []byte) error {
	if err := b.room(len(line)); err != nil {
		return err
	}
	b.start()
	err := b.parse(line)
	if err == errAgain {
		b.trie.forget()
		b.start()
		b.timesAsText = true
		err = b.parse(line)
	}
	if err == errSchemaFull {
		b.trie.forget()
		return b.addWhole(line)
	}
	if err != nil {
		b.trie.forget()
	}
	return err
}

// room refuses an event of so many bytes if it is over a limit.
func (b *Builder) room(size int) error {
	if size > b.eventBytes {
		return fault.New(fault.TooLarge, opParse, "the event has %d bytes, over the limit of %d", size, b.eventBytes)
	}
	return b.roomForRow()
}

func (b *Builder) roomForRow() error {
	if len(b.shapes) >= MaxRows || b.size > maxBuilderBytes {
		return b.tooMany()
	}
	return nil
}

func (b *Builder) tooMany() error {
	return fault.New(fault.TooLarge, opParse, "a block holds up to %d events and %d bytes", MaxRows, maxBuilderBytes)
}

func (b *Builder) parse(line []byte) error {
	i := skipSpace(line, 0)
	if i >= len(line) || line[i] != '{' {
		return expected(line, i, "'{'")
	}
	n, next, err := b.members(line, i+1, b.trie.root)
	if err != nil {
		return err
	}
	if next = skipSpace(line, next); next < len(line) {
		return expected(line, next, "the end")
	}
	if !b.hasTime {
		return errNoTime()
	}
	return b.commit(line, n)
}

func errNoTime() error { return fault.New(fault.Invalid, opParse, "the event has no @t") }

// commit moves the pending values to their columns. Nothing can be refused any more once a value has moved.
func (b *Builder) commit(src []byte, n *node) error {
	sh, err := b.trie.shapeAt(n)
	if err != nil {
		return err
	}
	b.trie.keep()
	b.growColumns()
	size := 16
	for i := range b.pend {
		p := &b.pend[i]
		c := b.columns[p.column]
		switch p.kind {
		case kindInt:
			c.ints = append(c.ints, p.a)
			size += 8
		case kindDecimal:
			c.ints = append(c.ints, p.a)
			c.scales = append(c.scales, p.scale)
			size += 9
		case kindBool:
			c.bools = append(c.bools, byte(p.a))
			size++
		default:
			text := src
			if p.scratch {
				text = b.scratch
			}
			size += c.appendText(text[p.a:p.b], b.seed)
		}
	}
	b.addRow(sh, b.instant)
	b.size += size
	return nil
}

// addRow adds a row with the next arrival number.
func (b *Builder) addRow(shape uint32, instant int64) {
	if b.arrivals != nil {
		b.arrivals = append(b.arrivals, b.nextArrival())
	}
	b.shapes = append(b.shapes, shape)
	b.instants = append(b.instants, instant)
}

// nextArrival follows the arrival number of the row added last.
func (b *Builder) nextArrival() uint64 {
	if n := len(b.arrivals); n > 0 {
		return b.arrivals[n-1] + 1
	}
	return uint64(len(b.shapes))
}

func (b *Builder) growColumns() {
	for len(b.columns) < len(b.trie.columns) {
		b.columns = append(b.columns, &gathered{})
	}
}

// addWhole adds an event that the schema has no room for as one text (bounded schema).
func (b *Builder) addWhole(line []byte) error {
	b.start()
	out, next, err := event.Compact(b.scratch, line, 0, 0)
	if err != nil {
		return refuse(err)
	}
	b.scratch = out
	if next = skipSpace(line, next); next < len(line) {
		return expected(line, next, "the end")
	}
	// Every @t must be a time, as in any other event; the last one counts.
	b.whole.Start(out)
	for {
		name, value, ok, err := b.whole.Next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if string(name) != timeName {
			continue
		}
		if value[0] != '"' {
			return fault.New(fault.Invalid, opParse, "@t must be a string that holds a time")
		}
		at, rest, _, err := event.ScanString(value, 0, b.nameScratch[:0])
		if err != nil {
			return refuse(err)
		}
		b.nameScratch = rest
		if b.instant, _, err = event.ParseTime(at); err != nil {
			return fault.WrapAs(fault.Invalid, err, opParse, "@t is no time")
		}
		b.hasTime = true
	}
	if !b.hasTime {
		return errNoTime()
	}
	n, c := b.trie.whole()
	b.pend = append(b.pend, pending{column: c, kind: kindEvent, scratch: true, b: int64(len(out))})
	return b.commit(nil, n)
}
