package block

import (
	"math/bits"
	"slices"
	"sync"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/event"
)

// A Bitmap has a bit for each row of a block, the first in the lowest bit of the first word.
type Bitmap []uint64

// NewBitmap returns a bitmap for so many rows, with no bit set.
func NewBitmap(rows int) Bitmap { return make(Bitmap, (rows+63)/64) }

// Has reports whether a row's bit is set. A bitmap that is nil has none.
func (m Bitmap) Has(row int) bool { return m != nil && m[row>>6]>>(row&63)&1 != 0 }

// Set sets a row's bit.
func (m Bitmap) Set(row int) { m[row>>6] |= 1 << (row & 63) }

// SetAll sets the bits of the first so many rows.
func (m Bitmap) SetAll(rows int) {
	for i := range m {
		m[i] = ^uint64(0)
	}
	if rows&63 != 0 {
		m[len(m)-1] = 1<<(rows&63) - 1
	}
}

// First returns the first row from from on and before to whose bit is set in either bitmap; to if there is none.
func First(a, b Bitmap, from, to int) int {
	for from < to {
		if w := (a.word(from) | b.word(from)) >> (from & 63); w != 0 {
			return min(from+bits.TrailingZeros64(w), to)
		}
		from = from&^63 + 64
	}
	return to
}

// Last returns the last row from from on and before to whose bit is set in either bitmap; from-1 if there is none.
func Last(a, b Bitmap, from, to int) int {
	for to > from {
		row := to - 1
		if w := (a.word(row) | b.word(row)) << (63 - row&63); w != 0 {
			return max(row-bits.LeadingZeros64(w), from-1)
		}
		to = row &^ 63
	}
	return from - 1
}

// word returns the word that has a row's bit.
func (m Bitmap) word(row int) uint64 {
	if m == nil {
		return 0
	}
	return m[row>>6]
}

// Any reports whether a bit is set.
func (m Bitmap) Any() bool {
	for _, w := range m {
		if w != 0 {
			return true
		}
	}
	return false
}

// SetRange sets the bits of the rows from one until before another.
func (m Bitmap) SetRange(from, to int) {
	for row := from; row < to; {
		if row&63 == 0 && to-row >= 64 {
			m[row>>6] = ^uint64(0)
			row += 64
		} else {
			m.Set(row)
			row++
		}
	}
}

// Count returns how many bits are set.
func (m Bitmap) Count() (n int) {
	for _, w := range m {
		n += bits.OnesCount64(w)
	}
	return n
}

// And, Or and Without join bitmaps of one block. They return a new one, or one of theirs; nil has no bit set.
func (m Bitmap) And(o Bitmap) Bitmap {
	if m == nil || o == nil {
		return nil
	}
	return m.join(o, func(a, b uint64) uint64 { return a & b })
}

// Or has the bits of either.
func (m Bitmap) Or(o Bitmap) Bitmap {
	switch {
	case m == nil:
		return o
	case o == nil:
		return m
	}
	return m.join(o, func(a, b uint64) uint64 { return a | b })
}

// Without has the bits of m that o has not.
func (m Bitmap) Without(o Bitmap) Bitmap {
	if m == nil || o == nil {
		return m
	}
	return m.join(o, func(a, b uint64) uint64 { return a &^ b })
}

func (m Bitmap) join(o Bitmap, word func(a, b uint64) uint64) Bitmap {
	out := make(Bitmap, len(m))
	for i := range m {
		out[i] = word(m[i], o[i])
	}
	return out
}

// A Test is a condition on the value at one path of an event. Holds gets Undefined for an event without one. Its answers must
// depend on the value alone; a value that occurs often is asked about once.
type Test struct {
	Path []string
	// Others are paths by which the value may be found too: an event that has something there is left. So is one without a value that has an object
	// where the path begins.
	Others [][]string
	Holds  func(event.Value) bool

	Number *event.Comparison // if not nil, the same for a number
	Equals *string           // if not nil, the test holds exactly for this string
	Text   *TextTest         // if not nil, the same for a string
	Kinds  bool              // the test depends on the value's kind alone: of each any value is asked about
}

// What is known of a row, or of all rows of a shape.
type verdict uint8

const (
	unknown verdict = iota
	no
	yes
	open // the rows have to be asked one by one
	byValue
)

func verdictOf(holds bool) verdict {
	if holds {
		return yes
	}
	return no
}

// Test sets in selected the rows of which the test holds, and in left those of which only the whole event tells. Only the column
// of the path is decoded. nil has none. After an error, which is of that column, all rows are left.
func (b *Block) Test(t *Test) (selected, left Bitmap, err error) {
	rows := b.Rows()
	f := b.finder(t.Path, t.Others)
	if f.nowhere() {
		if err = b.late(); err == nil {
			selected, left = allOf(rows, verdictOf(t.Holds(event.Value{})))
			return selected, left, nil
		}
	}
	s := scanOf(b, t, &f)
	defer s.release()
	if err = s.open(); err == nil {
		err = b.late()
	}
	if said := s.same(); err == nil && said != byValue {
		selected, left = allOf(rows, said)
		return selected, left, nil
	}
	if err == nil {
		err = b.loadShapes()
	}
	if err == nil {
		selected, left = NewBitmap(rows), NewBitmap(rows)
		switch {
		case len(s.used) == 0:
			s.constant(selected, left)
		case s.canSweep():
			s.sweep(selected, left)
		default:
			s.rows(selected, left)
		}
		err = b.late()
	}
	if err != nil {
		left = NewBitmap(rows)
		left.SetAll(rows)
		return NewBitmap(rows), left, err
	}
	return selected, left, nil
}

// same returns what the shapes and what is known of the columns say of all rows; byValue if that differs.
func (s *valueScan) same() verdict {
	said := no
	for i := range s.shapes {
		if v := s.shapes[i].verdict; i == 0 {
			said = v
		} else if v != said {
			return byValue
		}
	}
	return said
}

// allOf returns the bitmaps of a block of which one verdict is that of all rows.
func allOf(rows int, said verdict) (selected, left Bitmap) {
	if said == no {
		return nil, nil
	}
	all := NewBitmap(rows)
	all.SetAll(rows)
	if said == open {
		return nil, all
	}
	return all, nil
}

// A valueScan runs a test over a block.
type valueScan struct {
	b      *Block
	test   *Test
	shapes []shapeScan
	used   []columnScan // the columns in which the path's values are

	entries map[uint64]verdict // of fixed columns, by column and number
}

// A shapeScan says what a test does with the events of one shape.
type shapeScan struct {
	verdict verdict
	used    int    // byValue: index into valueScan.used
	nth     uint32 // byValue: which of the event's values in that column
	steps   []uint32
}

// A columnScan decides about the values of one column.
type columnScan struct {
	column uint32
	kind   kind
	reader *reader
	next   int           // the next row's first value
	ints   *column.Ints  // integers, or mantissas of one scale; nil: codes, or values that are looked at one by one
	scale  uint8         // of the mantissas
	coded  bool          // texts with a dictionary
	window column.Window // numbers or codes around the last position
	few    [256]verdict  // by what stands in a window of one byte
	between
	hits  Bitmap    // not nil: the positions of the one text that is sought
	codes []verdict // by code
	memo  [256]memoEntry
}

type memoEntry struct {
	value   int64
	scale   uint8
	verdict verdict
}

// A search takes a scan for each block, of some tens of kilobytes.
var scans = sync.Pool{New: func() any { return new(valueScan) }}

// mostPooled is how many shapes a scan has that is kept: few blocks have more.
const mostPooled = 4096

// scanOf finds out what the test does with each shape.
func scanOf(b *Block, t *Test, f *finder) *valueScan {
	s := scans.Get().(*valueScan)
	n := len(b.schema.shapes)
	*s = valueScan{b: b, test: t, shapes: slices.Grow(s.shapes[:0], n)[:n], used: s.used[:0]}
	clear(s.shapes)
	absent := unknown
	for i := range s.shapes {
		sh := &s.shapes[i]
		at := f.target(i)
		switch at.found {
		case targetNone:
			if absent == unknown {
				absent = verdictOf(t.Holds(event.Value{}))
			}
			sh.verdict = absent
		case targetLeaf:
			sh.verdict = s.byColumn(at, sh)
		default:
			sh.verdict = open
		}
	}
	return s
}

// release gives a scan back, without what it holds of its block.
func (s *valueScan) release() {
	if cap(s.shapes) > mostPooled {
		return
	}
	clear(s.used)
	*s = valueScan{shapes: s.shapes[:0], used: s.used[:0]}
	scans.Put(s)
}

// A finder says where a path leads in events of each shape, with regard to others under which its value may be found too.
type finder struct {
	field, head *Field
	others      []*Field
}

func (b *Block) finder(path []string, others [][]string) finder {
	f := finder{field: b.Field(path...), head: b.Field(path[0])}
	for _, path := range others {
		f.others = append(f.others, b.Field(path...))
	}
	return f
}

// nowhere says that no shape has anything on the path.
func (f *finder) nowhere() bool {
	for _, o := range f.others {
		if o.leads != nil {
			return false
		}
	}
	return f.field.leads == nil && f.head.leads == nil
}

// target is an object where only the whole event tells.
func (f *finder) target(shape int) target {
	at := f.field.at(shape)
	for _, o := range f.others {
		if o.at(shape).found != targetNone {
			at.found = targetObject
		}
	}
	if at.found == targetNone && f.head.at(shape).found == targetObject {
		at.found = targetObject // the rest of the path may be one name with dots in it
	}
	return at
}

// valueOfKind has a value of each kind.
var valueOfKind = [kinds]event.Value{
	kindBool: event.BoolValue(true), kindInt: event.NumberValue("0"), kindDecimal: event.NumberValue("0"), kindNumber: event.NumberValue("0"),
	kindString: event.StringValue(""), kindTime: event.StringValue(""), kindTimeText: event.StringValue(""), kindArray: {Kind: event.Array},
}

// byColumn says how the values of a column are decided about. All rows of a shape have the same entry of a fixed one.
func (s *valueScan) byColumn(t target, sh *shapeScan) verdict {
	schema := s.b.schema
	k, from := schema.columns[t.column].kind, schema.seat(t.column)
	switch way := schema.columns[from].origin.way; {
	case k == kindNull:
		return verdictOf(s.test.Holds(event.Value{Kind: event.Null}))
	case s.test.Kinds && valueOfKind[k].Kind != event.Undefined:
		return verdictOf(s.test.Holds(valueOfKind[k]))
	case !k.hasData() || way == wayTime || way == wayQuoting:
		return open
	case s.test.Equals != nil && k != kindString && k != kindTimeText:
		return no
	case way == wayFixed:
		key := uint64(from)<<32 | uint64(t.nth)
		v, ok := s.entries[key]
		if !ok {
			v = open
			if r, err := s.b.column(from); err == nil {
				v = s.ask(from, r, int(t.nth))
			}
			if s.entries == nil {
				s.entries = map[uint64]verdict{}
			}
			s.entries[key] = v
		}
		return v
	}
	sh.nth = t.nth
	for i := range s.used {
		if s.used[i].column == from {
			sh.used = i
			return byValue
		}
	}
	sh.used = len(s.used)
	s.used = append(s.used, columnScan{column: from, kind: k})
	return byValue
}

// constant fills the bitmaps where no value has to be looked at.
func (s *valueScan) constant(selected, left Bitmap) {
	rows := s.b.Rows()
	yesses, opens := make([]uint64, len(s.shapes)), make([]uint64, len(s.shapes)) // 1: so are the rows of the shape
	for i := range s.shapes {
		yesses[i], opens[i] = bit(s.shapes[i].verdict == yes), bit(s.shapes[i].verdict == open)
	}
	var shapes [64]int64
	for row := 0; row < rows; row += len(shapes) {
		some := shapes[:min(len(shapes), rows-row)]
		s.b.shapes.Fill(some, row)
		var y, o uint64
		for i, k := range some {
			y |= yesses[k] << i
			o |= opens[k] << i
		}
		selected[row>>6], left[row>>6] = y, o
	}
}

// rows fills the bitmaps row by row.
func (s *valueScan) rows(selected, left Bitmap) {
	one := &s.used[0]
	var shapes [64]int64
	for row, rows := 0, s.b.Rows(); row < rows; row += len(shapes) {
		some := shapes[:min(len(shapes), rows-row)]
		s.b.shapes.Fill(some, row)
		var yesses, opens uint64
		for i, k := range some {
			sh := &s.shapes[k]
			v := sh.verdict
			if v == byValue {
				u := &s.used[sh.used]
				at := u.next + int(sh.nth)
				v = unknown
				if w := &u.window; w.Width == 1 && uint(at-w.Start) < uint(w.Len) {
					v = u.few[w.Data[at-w.Start]]
				}
				if v == unknown {
					v = s.value(u, at)
				}
			}
			yesses |= bit(v == yes) << i
			opens |= bit(v == open) << i
			if one.next += int(sh.steps[0]); len(sh.steps) > 1 {
				for j, n := range sh.steps[1:] {
					s.used[j+1].next += int(n)
				}
			}
		}
		selected[row>>6], left[row>>6] = yesses, opens
	}
}

func bit(set bool) (b uint64) {
	if set {
		b = 1
	}
	return b
}

// open opens the columns. Those about whose values all the same can be said without a look at each are used no more.
func (s *valueScan) open() error {
	said := make([]verdict, len(s.used))
	place := make([]int, len(s.used))
	left := s.used[:0]
	for i := range s.used {
		var err error
		if said[i], err = s.openColumn(&s.used[i]); err != nil {
			return err
		}
		if place[i] = len(left); said[i] == unknown {
			left = append(left, s.used[i])
		}
	}
	s.used = left
	for i := range s.shapes {
		sh := &s.shapes[i]
		if sh.verdict == byValue && said[sh.used] != unknown {
			sh.verdict = said[sh.used]
		} else if sh.verdict == byValue {
			sh.used = place[sh.used]
		}
	}
	if len(s.used) == 0 {
		return nil
	}
	for i := range s.shapes {
		s.shapes[i].steps = make([]uint32, len(s.used))
		for _, c := range s.b.schema.shapes[i].data {
			for u := range s.used {
				if s.used[u].column == c {
					s.shapes[i].steps[u]++
				}
			}
		}
	}
	return nil
}

// openColumn opens one, and says what is known of all its values; unknown if they may differ.
func (s *valueScan) openColumn(u *columnScan) (said verdict, err error) {
	if u.reader, err = s.b.column(u.column); err != nil {
		return unknown, err
	}
	switch {
	case u.kind.isText():
		if n := u.reader.texts.Entries(); n > 0 {
			u.coded, u.codes = true, make([]verdict, n)
		}
		switch {
		case s.test.Equals != nil:
			return s.seek(u), nil
		case s.test.Text != nil && (u.kind == kindString || u.kind == kindTimeText):
			return s.test.Text.ofAll(u.reader.texts), nil
		}
	case u.kind == kindDecimal:
		if mantissas, scale, same := u.reader.decimals.Scaled(); same {
			u.ints, u.scale = mantissas, scale
		}
	default:
		u.ints = u.reader.ints
	}
	if u.ints != nil && u.kind != kindBool && s.test.Number != nil {
		u.between, said = compare(u.ints, u.scale, s.test.Number)
	}
	return said, nil
}

// seek finds the text that the test asks for in a column.
func (s *valueScan) seek(u *columnScan) verdict {
	some := false
	u.reader.texts.Equal([]byte(*s.test.Equals), func(i int) {
		if some = true; u.coded {
			u.codes[i] = yes
			return
		}
		if u.hits == nil {
			u.hits = NewBitmap(u.reader.texts.Len())
		}
		u.hits.Set(i)
	})
	if !some {
		return no
	}
	for i, v := range u.codes {
		if v == unknown {
			u.codes[i] = no
		}
	}
	return unknown
}

// value decides about one value.
func (s *valueScan) value(u *columnScan, at int) verdict {
	switch {
	case u.ints != nil || u.coded:
		w := &u.window
		if uint(at-w.Start) >= uint(w.Len) {
			if u.coded {
				*w = u.reader.texts.CodeWindow(at)
			} else {
				*w = u.ints.Window(at)
			}
		}
		if w.Width > 1 {
			return s.number(u, w.Int(at-w.Start), at)
		}
		v := &u.few[w.U(at-w.Start)]
		if *v == unknown {
			*v = s.number(u, w.Int(at-w.Start), at)
		}
		return *v
	case u.kind == kindDecimal:
		mantissa, scale := u.reader.decimals.At(at)
		return s.numeric(u, mantissa, scale, at)
	}
	return s.text(u, at)
}

// number decides about value at, which is this number or has this code.
func (s *valueScan) number(u *columnScan, n int64, at int) verdict {
	switch {
	case u.coded:
		v := &u.codes[n]
		if *v == unknown {
			*v = s.text(u, at)
		}
		return *v
	case u.kind == kindBool:
		return s.ask(u.column, u.reader, at)
	}
	return s.numeric(u, n, u.scale, at)
}

func (s *valueScan) text(u *columnScan, at int) verdict {
	if u.hits != nil {
		return verdictOf(u.hits.Has(at))
	}
	if s.test.Text != nil && (u.kind == kindString || u.kind == kindTimeText) {
		if v := s.test.Text.of(u.reader.textAt(at)); v != open {
			return v
		}
	}
	return s.ask(u.column, u.reader, at)
}

// numeric decides about a number by its mantissa and scale; the last answers are kept.
func (s *valueScan) numeric(u *columnScan, mantissa int64, scale uint8, at int) verdict {
	if s.test.Number != nil {
		return verdictOf(s.test.Number.Holds(decimalOf(mantissa, scale)))
	}
	e := &u.memo[uint64(mantissa)*0x9E3779B97F4A7C15>>56]
	if e.verdict == unknown || e.value != mantissa || e.scale != scale {
		*e = memoEntry{value: mantissa, scale: scale, verdict: s.ask(u.column, u.reader, at)}
	}
	return e.verdict
}

func decimalOf(mantissa int64, scale uint8) event.Decimal {
	m := uint64(mantissa)
	if mantissa < 0 {
		m = -m
	}
	return event.Decimal{Mid: uint32(m >> 32), Lo: uint32(m), Scale: scale, Neg: mantissa < 0}
}

// ask puts the value itself to the test.
func (s *valueScan) ask(column uint32, r *reader, at int) verdict {
	v, err := s.b.ownValue(column, r, at)
	if err != nil {
		return open // whoever reads the whole event meets the error
	}
	return verdictOf(s.test.Holds(v))
}
