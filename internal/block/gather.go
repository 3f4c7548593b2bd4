package block

import (
	"slices"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// A Run is rows of an open block, To not included.
type Run struct {
	Block    *Block
	From, To int
}

// A source is a block that AppendRuns copies from, with what has been found out about it. A builder keeps some until Reset.
type source struct {
	block   *Block
	cursor  *Cursor
	shapes  []mapping
	columns []sourceColumn
	leads   translation

	followers map[uint32][]uint32 // the columns that are the same as another

	counts  []uint32 // of each shape in the run at hand
	touched []uint32 // the shapes counted
	used    []uint32 // the columns of these
}

const maxSources = 256

// A mapping leads from a source's shape to the builder's.
type mapping struct {
	known   bool
	ok      bool // false: such events don't fit the schema
	shape   uint32
	columns []uint32 // the builder's column for each leaf that holds data
}

type sourceColumn struct {
	reader *reader
	byRow  *rowColumn // its pieces are of rows, not of values
	to     uint32     // the builder's column
	count  uint32     // values in the run at hand

	codes []mappedCode // of the source's dictionary
	ints  []int64      // all numbers or codes, once values are taken singly
}

// A mappedCode is where a text of a source's dictionary stands in the builder's: 1 + code, and the text's length.
type mappedCode struct{ code, length uint32 }

// A piece is some values of a source's column, on their way to the builder's.
type piece struct {
	from     *sourceColumn
	lo, size uint32
}

const (
	// gatherPieces is how many pieces are gathered before their values are copied, so that both stay in the CPU's cache.
	gatherPieces = 32 << 10
	// shortPiece is below how many values a piece is served from numbers that were all decoded before.
	shortPiece = 64
	// plainValues is from how many values on a column without a dictionary makes the builder's do without from the start.
	plainValues = 512
)

// AppendRuns copies rows of open blocks in the order given, their arrival numbers included. It first notes which values
// each column gets, then copies column by column: of a run of many rows the values of a column are one copy, and texts of dictionaries
// are looked up once for each block. After an error the builder has to be Reset.
func (b *Builder) AppendRuns(runs []Run) error {
	for _, r := range runs {
		if r.From < 0 || r.To < r.From || r.To > r.Block.Rows() {
			return fault.New(fault.NotFound, "merge blocks", "there are no rows %d to %d among %d", r.From, r.To, r.Block.Rows())
		}
		if err := b.appendRun(b.sourceOf(r.Block), r.From, r.To); err != nil {
			return err
		}
	}
	return b.copyPieces()
}

func (b *Builder) appendRun(s *source, from, to int) error {
	if len(b.shapes)+to-from > MaxRows {
		return b.tooMany()
	}
	s.cursor.Seek(from)
	for from < to {
		fit, err := b.gather(s, from, to)
		if err != nil {
			return err
		}
		from += fit
		s.cursor.row = from
		if from < to { // a row that the schema has no room for
			if err := b.appendWhole(s); err != nil {
				return err
			}
			s.cursor.Next()
			from++
		}
		if b.pieces >= gatherPieces || len(b.sources) >= maxSources {
			if err := b.copyPieces(); err != nil {
				return err
			}
		}
		if b.size > maxBuilderBytes {
			return b.tooMany()
		}
	}
	return nil
}

// gather notes rows up to one whose shape does not fit, and returns how many those are.
func (b *Builder) gather(s *source, from, to int) (rows int, err error) {
	blk := s.block
	if to-from == 1 {
		return b.gatherOne(s, from)
	}
	s.touched = s.touched[:0]
	row := from
	for ; row < to; row++ {
		sh := uint32(blk.shapes.At(row))
		m := &s.shapes[sh]
		if !m.known {
			if err := b.mapSource(s, sh, m); err != nil {
				return 0, err
			}
		}
		if !m.ok {
			break
		}
		if s.counts[sh] == 0 {
			s.touched = append(s.touched, sh)
		}
		s.counts[sh]++
		b.addAbsolute(m.shape, event.MakeKey(blk.instants.At(row), blk.arrival(row)))
	}
	s.used = s.used[:0]
	for _, sh := range s.touched {
		for _, c := range blk.schema.shapes[sh].byRow {
			if s.columns[c].count == 0 {
				s.columns[c].count = 1
				s.used = append(s.used, c)
			}
		}
	}
	for _, c := range s.used {
		b.addPiece(&s.columns[c], uint32(from), uint32(row-from))
		s.columns[c].count = 0
	}
	s.used = s.used[:0]
	for _, sh := range s.touched {
		for _, c := range blk.schema.shapes[sh].data {
			if s.columns[c].count == 0 {
				s.used = append(s.used, c)
			}
			s.columns[c].count += s.counts[sh]
		}
		s.counts[sh] = 0
	}
	for _, i := range s.used {
		c := &s.columns[i]
		lo := s.cursor.next[i]
		s.cursor.next[i] += c.count
		s.add(b, i, lo, c.count)
		c.count = 0
	}
	b.size += 16 * (row - from)
	return row - from, nil
}

// gatherOne is gather for one row.
func (b *Builder) gatherOne(s *source, row int) (rows int, err error) {
	sh := uint32(s.block.shapes.At(row))
	m := &s.shapes[sh]
	if !m.known {
		if err := b.mapSource(s, sh, m); err != nil {
			return 0, err
		}
	}
	if !m.ok {
		return 0, nil
	}
	b.addAbsolute(m.shape, event.MakeKey(s.block.instants.At(row), s.block.arrival(row)))
	for _, c := range s.block.schema.shapes[sh].byRow {
		b.addPiece(&s.columns[c], uint32(row), 1)
	}
	for _, c := range s.block.schema.shapes[sh].data {
		lo := s.cursor.next[c]
		s.cursor.next[c]++
		s.add(b, c, lo, 1)
	}
	b.size += 16
	return 1, nil
}

// add adds a piece of a column, and of those that are the same.
func (s *source) add(b *Builder, c, lo, size uint32) {
	if s.columns[c].byRow == nil {
		b.addPiece(&s.columns[c], lo, size)
	}
	for _, f := range s.followers[c] {
		b.addPiece(&s.columns[f], lo, size)
	}
}

func (b *Builder) addPiece(from *sourceColumn, lo, size uint32) {
	to := b.columns[from.to]
	if len(to.pieces) == 0 {
		b.receiving = append(b.receiving, from.to)
	} else if last := &to.pieces[len(to.pieces)-1]; last.from == from && last.lo+last.size == lo {
		last.size += size
		return
	}
	to.pieces = append(to.pieces, piece{from, lo, size})
	b.pieces++
}

// copyPieces copies what was gathered.
func (b *Builder) copyPieces() error {
	for _, i := range b.receiving {
		c, k := b.columns[i], b.trie.columns[i].kind
		for _, p := range c.pieces {
			if p.from.byRow == nil {
				b.size += b.copyPiece(c, k, p)
			} else if err := b.copyRows(c, k, p); err != nil {
				return err
			}
		}
		clear(c.pieces) // so that no block is kept
		c.pieces = c.pieces[:0]
		if k.isText() && !c.plain && c.isMostlyNew() {
			c.giveUp()
		}
	}
	b.receiving, b.pieces = b.receiving[:0], 0
	for src := range b.sources {
		if err := src.account.Err(); err != nil {
			return fault.Wrap(err, "merge blocks", "a column is not as its block says")
		}
	}
	if len(b.sources) >= maxSources {
		b.source, b.sources = nil, nil
	}
	return nil
}

// copyPiece returns how much memory it takes.
func (b *Builder) copyPiece(c *gathered, k kind, p piece) int {
	r, lo, n := p.from.reader, int(p.lo), int(p.size)
	switch {
	case k == kindBool:
		for i := range n {
			c.bools = append(c.bools, r.boolAt(lo+i))
		}
		return n
	case k == kindInt:
		c.ints = append(c.ints, b.intsOf(p)...)
		return 8 * n
	case k == kindDecimal:
		c.ints, c.scales = r.decimals.Append(c.ints, c.scales, lo, n)
		return 9 * n
	case r.texts.Entries() > 0:
		return b.copyCodes(c, p)
	}
	if !c.plain && len(c.codes) == 0 && r.texts.Len() >= plainValues {
		c.plain = true
	}
	if c.plain {
		return c.appendTexts(r.texts, lo, n)
	}
	size := 0
	for i := range n {
		size += c.appendText(r.texts.At(lo+i), b.seed)
	}
	return size
}

// appendTexts adds n texts to a column without a dictionary, and returns how much memory they take.
func (c *gathered) appendTexts(t *column.TextReader, lo, n int) int {
	start := len(c.text)
	c.text, c.ends = t.Append(c.text, c.ends, lo, n)
	c.total += len(c.text) - start
	return len(c.text) - start + 4*n
}

// copyCodes copies texts from a dictionary. Each is looked up in the builder's once.
func (b *Builder) copyCodes(c *gathered, p piece) int {
	r, size := p.from.reader, 0
	codes := b.intsOf(p)
	if c.plain {
		for _, code := range codes {
			size += c.appendText(r.texts.Entry(int(code)), b.seed)
		}
		return size
	}
	known := p.from.codes
	if known == nil {
		known = make([]mappedCode, r.texts.Entries())
		p.from.codes = known
	}
	for _, code := range codes {
		m := &known[code]
		if m.code == 0 {
			text := r.texts.Entry(int(code))
			to, taken := c.intern(text, b.seed)
			*m = mappedCode{to + 1, uint32(len(text))}
			size += taken
		}
		c.codes = append(c.codes, m.code-1)
		c.total += int(m.length)
	}
	return size + 4*len(codes)
}

// intsOf returns the piece's numbers or codes. They are valid until the next call.
func (b *Builder) intsOf(p piece) []int64 {
	lo, n, from := int(p.lo), int(p.size), p.from
	if from.ints == nil && n < shortPiece {
		from.ints = make([]int64, from.reader.numbers())
		from.reader.fill(from.ints, 0)
	}
	if from.ints != nil {
		return from.ints[lo : lo+n]
	}
	if cap(b.numbers) < n {
		b.numbers = make([]int64, n+n/4)
	}
	numbers := b.numbers[:n]
	from.reader.fill(numbers, lo)
	return numbers
}

// numbers is how many numbers or codes there are.
func (r *reader) numbers() int {
	if r.texts != nil {
		return r.texts.Len()
	}
	return r.ints.Len()
}

// fill sets dst to numbers or codes from one on.
func (r *reader) fill(dst []int64, from int) {
	if r.texts != nil {
		r.texts.Codes(dst, from)
	} else {
		r.ints.Fill(dst, from)
	}
}

// mapSource finds the builder's shape for a source's, and opens its columns: nothing can fail half-way through a row then.
func (b *Builder) mapSource(s *source, sh uint32, m *mapping) error {
	schema := s.block.schema
	from := &schema.shapes[sh]
	b.mapShape(m, schema, from.tokens, &s.leads)
	leaves := 0
	for _, t := range from.tokens {
		if !t.isLeaf() || !schema.columns[t.id()].kind.hasData() {
			continue
		}
		c := &s.columns[t.id()]
		if c.reader == nil {
			if err := s.open(t.id(), c); err != nil {
				return err
			}
		}
		if m.ok {
			c.to = m.columns[leaves]
			leaves++
		}
	}
	return nil
}

// appendWhole adds the row at the source's cursor, which the schema has no room for, as one text.
func (b *Builder) appendWhole(s *source) (err error) {
	if err := b.copyPieces(); err != nil { // the column's texts stand in the order of rows
		return err
	}
	if b.text, err = s.cursor.AppendCLEF(b.text[:0]); err != nil {
		return err
	}
	b.addAbsolute(b.addText(b.text), s.cursor.Key())
	return nil
}

// sourceOf returns what is known about a block; merging takes rows from several in turn.
func (b *Builder) sourceOf(src *Block) *source {
	if b.source != nil && b.source.block == src {
		return b.source
	}
	s := b.sources[src]
	if s == nil {
		if b.sources == nil {
			b.sources = make(map[*Block]*source)
		}
		s = &source{
			block: src, cursor: src.Cursor(), shapes: make([]mapping, len(src.schema.shapes)), columns: make([]sourceColumn, len(src.schema.columns)),
			counts: make([]uint32, len(src.schema.shapes)),
		}
		b.sources[src] = s
	}
	b.source = s
	return s
}

// addAbsolute adds a row with the arrival number that its key gives.
func (b *Builder) addAbsolute(shape uint32, key event.Key) {
	arrival := key.Arrival()
	if b.arrivals == nil && arrival != uint64(len(b.shapes)) {
		b.arrivals = make([]uint64, len(b.shapes), max(64, 2*len(b.shapes)))
		for i := range b.arrivals {
			b.arrivals[i] = uint64(i)
		}
	}
	if b.arrivals != nil {
		b.arrivals = append(b.arrivals, arrival)
	}
	b.shapes = append(b.shapes, shape)
	b.instants = append(b.instants, key.Instant())
}

// Arrivals are the lowest and the highest arrival number of the rows; of fresh ones, which the journal numbers, the offsets.
func (b *Builder) Arrivals() (lowest, highest uint64) {
	if b.arrivals == nil {
		return 0, uint64(max(len(b.shapes)-1, 0))
	}
	return slices.Min(b.arrivals), slices.Max(b.arrivals)
}

// RowBytes is about how many bytes a row takes, uncompressed.
func (b *Block) RowBytes() int {
	size := 0
	for i := range b.sections {
		size += b.sections[i].size
	}
	return 16 + size/max(1, b.Rows())
}
