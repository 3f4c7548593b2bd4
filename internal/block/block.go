// Package block is the one storage format for events: some thousands of them, column by column, used in the journal
// and in segments alike.
package block

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// Block is an open block: immutable, safe for concurrent use, rows in key order. Columns are decoded when first touched.
type Block struct {
	schema   *schema
	told     *told // nil: it was not
	sections []section
	payloads []payload
	sets     []byte
	damaged  *Damaged // nil: nothing is known to be
	base     uint64
	rows     int
	part     *partial      // nil: all of the block was there when it was opened
	room     uint64        // bytes that the columns' texts may take
	texts    atomic.Uint64 // that those opened may take
	shapes   *column.Ints  // of each row; of a block that is there in part once loadShapes was called
	instants *column.Ints
	arrivals *column.Ints // nil: row i has offset i
	last     uint64       // highest offset
	first    uint64       // lowest offset

	columns  []lazyColumn
	programs []atomic.Pointer[program] // by shape
	places   places
	fields   fields
	seats    leafSeats
	spare    atomic.Pointer[Cursor] // one cursor kept for the calls that name a row
	account  column.Account
	memo     memo
	messages composition
}

type section struct {
	method byte
	bytes  uint64
	sum    []byte // nil: the block's checksum is its own
	at     int    // where it begins in the block
	stored []byte // nil, of a block that is there in part: not read yet
	size   int    // unpacked

	once sync.Once
	raw  []byte
	err  error
}

// A payload is a part of an unpacked section.
type payload struct {
	section    int
	start, end int
}

type lazyColumn struct {
	once    sync.Once
	values  int // how many values the rows' shapes say it has
	reader  *reader
	account column.Account
	err     error

	pieced sync.Once
	pieces *pieces
}

const opOpen = "open block"

func corrupt(format string, args ...any) *fault.Error {
	return fault.New(fault.Corrupt, opOpen, format, args...)
}

// Open checks data (structure and every checksum; nothing in it is trusted) and returns a block over it; data must not change afterwards.
// base is added to the block's arrival offsets.
func Open(data []byte, base uint64) (*Block, error) {
	b := &Block{base: base, schema: &schema{}}
	told, err := b.readWhole(data)
	if err != nil {
		return nil, err
	}
	if told != nil {
		return openTold(told, b.rows, base)
	}
	if err := b.checkSections(); err != nil {
		return nil, err
	}
	if err := b.readRows(); err != nil {
		return nil, err
	}
	b.account.Take(len(data) + 96*len(b.columns) + 512)
	return b, nil
}

// readWhole is readHead, then finds the sections in data and checks their checksums.
func (b *Block) readWhole(data []byte) (told *column.Decoder, err error) {
	told, sets, err := b.readHead(data, len(data))
	if err != nil || told != nil {
		return told, err
	}
	b.sets = data[len(data)-sets:]
	return nil, b.cut(data[:len(data)-sets])
}

// readHead finds the sections and the payloads in them; data is the beginning of a block of length bytes, with all of its head. sets is how many of the
// block's last bytes are sets. Of a told block, which has no sections, it returns what follows their number.
func (b *Block) readHead(data []byte, length int) (told *column.Decoder, sets int, err error) {
	d := &column.Decoder{Src: data}
	found := d.Byte("version")
	sum := d.Bytes("checksum", checksumBytes)
	size := d.Uvarint("bytes of the head")
	switch {
	case len(data) >= prefixBytes && string(data[:4]) == "STLB": // of versions to 4
		return nil, 0, fault.New(fault.Unsupported, opOpen, "the block has format version %d, this program reads %d", data[4], version)
	case d.Err() != nil:
		return nil, 0, d.Err()
	case size > uint64(len(d.Src)):
		return nil, 0, corrupt("the head has %d bytes, %d are left", size, len(d.Src))
	}
	covered := data
	if size > 0 {
		covered = data[:uint64(len(data)-len(d.Src))+size]
		d.Src = d.Src[:size]
	}
	if got, want := checksum(covered), binary.LittleEndian.Uint32(sum); got != want {
		return nil, 0, corrupt("the checksum is %08x, expected %08x", got, want)
	}
	if found != version {
		return nil, 0, fault.New(fault.Unsupported, opOpen, "the block has format version %d, this program reads %d", found, version)
	}
	if b.rows = d.Number("rows", formatRows); d.Err() != nil {
		return nil, 0, d.Err()
	}
	sections := d.Count("sections", 3)
	if sections == 0 && d.Err() == nil && size == 0 {
		return d, 0, nil
	}
	if err := b.readDirectory(d, sections, length, size > 0); err != nil {
		return nil, 0, err
	}
	at := len(covered) // where the sections begin
	if size == 0 {
		at = len(data) - len(d.Src)
	} else {
		sets = d.Number("bytes of sets", length-at)
		if err := d.End(); err != nil {
			return nil, 0, err
		}
	}
	for i := range b.sections {
		s := &b.sections[i]
		if left := length - sets - at; s.bytes > uint64(left) {
			return nil, 0, corrupt("section %d has %d bytes, %d are left", i, s.bytes, left)
		}
		s.at = at
		at += int(s.bytes)
	}
	return nil, sets, nil
}

// readDirectory reads what the head says of the sections and of the payloads in them; sums says whether it has the sections' checksums.
func (b *Block) readDirectory(d *column.Decoder, n, length int, sums bool) error {
	b.sections = make([]section, n)
	counts := make([]int, n)
	total := 0
	for i := range b.sections {
		s := &b.sections[i]
		s.method = d.Byte("method")
		counts[i] = d.Number("payloads of a section", len(d.Src))
		s.bytes = d.Uvarint("bytes of a section")
		if sums {
			s.sum = d.Bytes("checksum", checksumBytes)
		}
		switch {
		case d.Err() != nil:
			return d.Err()
		case s.method >= methods:
			return corrupt("section %d is stored by the unknown method %d", i, s.method)
		}
		total += counts[i]
	}
	if total > len(d.Src) || total < payloadColumns {
		return corrupt("the head announces %d payloads in %d bytes", total, len(d.Src))
	}
	weight := uint64(b.rows) * rowBytes
	most := uint64(length)*expansion + expansionSlack
	b.payloads = make([]payload, 0, total)
	for i, count := range counts {
		s := &b.sections[i]
		for range count {
			length := d.Uvarint("bytes of a payload")
			if weight += length; length > most || weight > most {
				return corrupt("the block announces over %d bytes of content in %d", most, length)
			}
			b.payloads = append(b.payloads, payload{section: i, start: s.size, end: s.size + int(length)})
			s.size += int(length)
		}
	}
	b.room = most - min(most, weight)
	return d.Err()
}

// cut takes the sections from a block's bytes without its sets.
func (b *Block) cut(data []byte) error {
	end := len(data)
	for i := range b.sections {
		s := &b.sections[i]
		end = s.at + int(s.bytes)
		s.take(data[s.at:end:end])
	}
	for _, c := range data[end:] {
		if c != 0 {
			return corrupt("the %d bytes behind the last section are not zero", len(data)-end)
		}
	}
	return nil
}

// take has the section's stored bytes, and checks them. What is wrong is told later, when the columns' names are known.
func (s *section) take(stored []byte) {
	s.stored = stored
	if s.sum == nil {
		return
	}
	if got, want := crc32.Checksum(stored, castagnoli), binary.LittleEndian.Uint32(s.sum); got != want {
		s.err = corrupt("its checksum is %08x, expected %08x", got, want)
	}
}

// checkSections reports the first damaged section by the names of the columns in it, if these can be read.
func (b *Block) checkSections() error {
	for i := range b.sections {
		if err := b.sections[i].err; err != nil {
			if raw, err := b.payload(payloadSchema); err == nil {
				if s, err := decodeSchema(raw, math.MaxInt32); err == nil || s != nil {
					b.schema = s
				}
			}
			return fault.Wrap(err, opOpen, "section %d (%s)", i, b.describeSection(i))
		}
	}
	return nil
}

// describeSection says what is in a section.
func (b *Block) describeSection(section int) string {
	var names []string
	for i, p := range b.payloads {
		if p.section != section {
			continue
		}
		if len(names) == 4 {
			names = append(names, "…")
			break
		}
		names = append(names, b.payloadName(i))
	}
	return strings.Join(names, ", ")
}

func (b *Block) payloadName(i int) string {
	switch {
	case i < payloadColumns:
		return [...]string{"schema", "shapes", "instants", "arrivals"}[i]
	case i-payloadColumns < len(b.schema.columns):
		return "column " + b.schema.path(uint32(i-payloadColumns))
	}
	return "a column"
}

// payload returns the bytes of payload i.
func (b *Block) payload(i int) ([]byte, error) {
	p := &b.payloads[i]
	s := &b.sections[p.section]
	s.once.Do(func() {
		if b.part != nil {
			b.part.read(b, s)
		}
		if s.err != nil {
			return
		}
		if s.raw, s.err = unpack(s.method, s.stored, s.size); s.err == nil && s.method != methodRaw {
			b.account.Take(len(s.raw))
		}
	})
	if s.err != nil {
		return nil, fault.Wrap(s.err, opDecode, "%s", b.payloadName(i))
	}
	return s.raw[p.start:p.end:p.end], nil
}

// readRows reads what every row needs: schema, shapes, keys.
func (b *Block) readRows() error {
	if err := b.readSchema(); err != nil {
		return err
	}
	if err := b.readShapes(b.rows); err != nil {
		return err
	}
	if err := b.readTimes(b.rows); err != nil {
		return err
	}
	return b.readArrivals(b.rows)
}

// readSchema reads the schema, and what of the columns follows from it.
func (b *Block) readSchema() error {
	raw, err := b.payload(payloadSchema)
	if err != nil {
		return err
	}
	if b.schema, err = decodeSchema(raw, b.rows); err != nil {
		b.schema = &schema{}
		return fault.Wrap(err, opOpen, "schema")
	}
	if want := len(b.payloads) - payloadColumns; len(b.schema.columns) != want {
		return corrupt("the schema has %d columns, the head %d", len(b.schema.columns), want)
	}
	b.columns = make([]lazyColumn, len(b.schema.columns))
	for i := range b.columns {
		b.columns[i].account.Over = &b.account
		if p := &b.payloads[payloadColumns+i]; b.schema.columns[i].origin.way == waySame && p.end > p.start {
			return corrupt("column %s is the same as another, yet has %d bytes", b.schema.path(uint32(i)), p.end-p.start)
		}
	}
	weight := uint64(0)
	for i := range b.schema.columns {
		weight += uint64(b.schema.columns[i].origin.entries)
	}
	for _, sh := range b.schema.shapes {
		if weight += uint64(len(sh.data)) * uint64(sh.rows); weight > b.room/valueBytes {
			return corrupt("the block announces over %d values", b.room/valueBytes)
		}
		for _, c := range sh.data {
			b.columns[c].values += sh.rows
		}
	}
	b.room -= weight * valueBytes
	b.programs = make([]atomic.Pointer[program], len(b.schema.shapes))
	b.places.every = placesEvery(b.rows, len(b.columns))
	return nil
}

// readShapes reads which shape each row has.
func (b *Block) readShapes(rows int) error {
	raw, err := b.payload(payloadShapes)
	if err != nil {
		return err
	}
	d := &column.Decoder{Src: raw}
	shapes := d.Ints("shapes", rows, column.Below(len(b.schema.shapes)), &b.account)
	if err := d.End(); err != nil {
		return fault.Wrap(err, opOpen, "shapes")
	}
	counts := make([]int, len(b.schema.shapes))
	var some [512]int64
	for row := 0; row < rows; row += len(some) {
		part := some[:min(len(some), rows-row)]
		shapes.Fill(part, row)
		for _, sh := range part {
			counts[sh]++
		}
	}
	if err := b.account.Err(); err != nil {
		return fault.Wrap(err, opOpen, "shapes")
	}
	for i, sh := range b.schema.shapes {
		if counts[i] != sh.rows {
			return corrupt("%d rows have shape %d, the schema says %d", counts[i], i, sh.rows)
		}
	}
	b.shapes = shapes
	return nil
}

func (b *Block) readTimes(rows int) error {
	raw, err := b.payload(payloadTimes)
	if err != nil {
		return err
	}
	d := &column.Decoder{Src: raw}
	b.instants = d.Ints("instants", rows, column.Bounds{Min: math.MinInt64, Max: math.MaxInt64, Ascending: true}, &b.account)
	if err := d.End(); err != nil {
		return fault.Wrap(err, opOpen, "instants")
	}
	return nil
}

func (b *Block) readArrivals(rows int) error {
	raw, err := b.payload(payloadArrival)
	if err != nil {
		return err
	}
	if rows > 0 {
		b.last = uint64(rows - 1)
	}
	if len(raw) > 0 {
		d := &column.Decoder{Src: raw}
		b.arrivals = d.Ints("arrivals", rows, column.AnyInt, &b.account)
		if err := d.End(); err != nil {
			return fault.Wrap(err, opOpen, "arrivals")
		}
		first, last := b.arrivals.Span()
		b.first, b.last = uint64(first), uint64(last)
		if first < 0 { // over an int64
			b.first, b.last = math.MaxUint64, 0
			for i := range rows {
				at := uint64(b.arrivals.At(i))
				b.first, b.last = min(b.first, at), max(b.last, at)
			}
		}
	}
	if b.base > math.MaxUint64-b.last {
		return corrupt("arrival numbers from %d on run over", b.base)
	}
	return nil
}

// Rows is how many events the block holds.
func (b *Block) Rows() int { return b.rows }

// Key is the key of a row.
func (b *Block) Key(row int) event.Key { return event.MakeKey(b.instants.At(row), b.arrival(row)) }

// Instant is the instant of a row, in nanoseconds since 1970.
func (b *Block) Instant(row int) int64 { return b.instants.At(row) }

func (b *Block) arrival(row int) uint64 {
	if b.arrivals == nil {
		return b.base + uint64(row)
	}
	return b.base + uint64(b.arrivals.At(row))
}

// MinArrival and MaxArrival bound the rows' arrival numbers.
func (b *Block) MinArrival() uint64 { return b.base + b.first }
func (b *Block) MaxArrival() uint64 { return b.base + b.last }

// Search returns the first row whose key is at or after k (Rows() if none).
func (b *Block) Search(k event.Key) int {
	instant, arrival := k.Instant(), k.Arrival()
	return sort.Search(b.Rows(), func(row int) bool {
		return b.instants.At(row) > instant || b.instants.At(row) == instant && b.arrival(row) >= arrival
	})
}

// SearchInstant returns the first row at or after an instant (Rows() if none).
func (b *Block) SearchInstant(instant int64) int {
	return sort.Search(b.Rows(), func(row int) bool { return b.instants.At(row) >= instant })
}

// MemSize is about how many bytes of memory the block holds now; it grows as columns are touched.
func (b *Block) MemSize() int { return b.account.MemSize() }

// Load decodes every column, as reading all rows would.
func (b *Block) Load() error {
	for c := range b.columns {
		if !b.schema.columns[c].kind.hasData() {
			continue
		}
		r, err := b.column(uint32(c))
		if err != nil {
			return err
		}
		r.load(b.schema.columns[c].kind)
	}
	return b.late()
}

// late returns what was found wrong with values that were decoded after their column was opened.
func (b *Block) late() error {
	err := b.account.Err()
	if err == nil {
		return nil
	}
	for c := range b.columns {
		if err := b.columns[c].account.Err(); err != nil {
			return fault.Wrap(err, opDecode, "column %s", b.schema.path(uint32(c)))
		}
	}
	return fault.Wrap(err, opDecode, "keys")
}

// column returns the reader of a column, which is decoded at the first call.
func (b *Block) column(c uint32) (*reader, error) {
	def := &b.schema.columns[c]
	if def.origin.way == waySame {
		c = def.origin.of
		def = &b.schema.columns[c]
	}
	l := &b.columns[c]
	l.once.Do(func() {
		raw, err := b.payload(payloadColumns + int(c))
		if err == nil {
			l.reader, err = b.decode(raw, def, l)
		}
		if err == nil && l.reader.texts != nil && b.texts.Add(l.reader.texts.Room()) > b.room {
			err = corrupt("the block's texts take over %d bytes", b.room)
		}
		if err != nil {
			l.reader, l.err = nil, fault.Wrap(err, opDecode, "column %s", b.schema.path(c))
		}
	})
	return l.reader, l.err
}

// decode makes the reader of a column, which is not the same as another.
func (b *Block) decode(raw []byte, def *columnDef, l *lazyColumn) (*reader, error) {
	switch def.origin.way {
	case wayFixed:
		return decodeColumn(raw, def.kind, def.origin.entries, &l.account)
	case wayTime:
		return &reader{instant: &def.origin.form}, nothing(raw)
	case wayQuoting:
		return b.decodeQuoting(raw, def, l)
	}
	return decodeColumn(raw, def.kind, l.values, &l.account)
}

// nothing refuses the payload of a column that needs none.
func nothing(raw []byte) error {
	if len(raw) > 0 {
		return fault.New(fault.Corrupt, opDecode, "%d bytes are left over", len(raw))
	}
	return nil
}
