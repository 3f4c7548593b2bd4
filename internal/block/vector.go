package block

import (
	"slices"
	"strconv"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/event"
)

// A Vector says what the rows of a block have at one path. Each row has a class, and rows of one class have the same value: what is asked of
// a value is asked once for each class that occurs, then brought to the rows by a table. Classes need not differ. Gather fills a vector
// and uses its memory again. Not for concurrent use.
type Vector struct {
	Codes []uint32 // the class of each row
	Rest  Bitmap   // the rows of RestClass; nil: there are none

	block   *Block
	finder  finder
	bases   []uint32 // by shape: the class, or the first one of the column where the value is
	sources []vectorSource
	classes uint32
	counts  []int64
}

// The classes that every vector has. Those behind them are values.
const (
	AbsentClass = 0 // the event has nothing there
	RestClass   = 1 // only the whole event tells: an object is there, or the event is kept as text, or a name with dots may be what is meant
	NullClass   = 2
	firstClass  = 3
)

// A vectorSource is a column in which values of the path are, and what tells them apart.
type vectorSource struct {
	column uint32
	kind   kind
	reader *reader
	by     classing
	first  uint32       // class
	placed bool         // rows have places in it; else their shapes tell all
	seats  []vectorSeat // by shape
	most   uint32       // greatest step
	all    bool         // every row has its value here, and no other in the column
	next   uint32       // of fill: the position of the next row's first value
	have   valueRange   // of fill: the values that stand in its buffer
}

// A vectorSeat says where a row of a shape has the value.
type vectorSeat struct {
	mask uint32 // all bits if it is in this column, else none
	nth  uint32 // which of the row's values in the column
	step uint32 // how many of them the row has
}

// A classing is what a class stands for, counted from the first one of its column.
type classing uint8

const (
	byEntry    classing = iota // an entry of a fixed column; a shape says which
	byCode                     // an entry of a dictionary
	byNumber                   // a number by its u (package column)
	byPosition                 // a value by its position
	byRow                      // a value that only its row tells
)

// Gather sets v to what the rows have at a path of raw member names. others are as in Test. Only the columns where the path's values are get decoded.
// After an error, which is of these, every row is of RestClass.
func (b *Block) Gather(path []string, others [][]string, v *Vector) error {
	err := b.classify(path, others, v)
	if err == nil {
		if err = v.fill(); err == nil {
			err = b.late()
		}
	}
	if err != nil {
		v.lose()
	}
	return err
}

// CountClasses counts the rows of each class. Where the value follows from the shape of the rows alone it does so without a look at any row, and
// v.Codes is empty; else v is as after Gather. The result is v's memory.
func (b *Block) CountClasses(path []string, others [][]string, v *Vector) ([]int64, error) {
	err := b.classify(path, others, v)
	v.counts = resized(v.counts, v.Classes())
	clear(v.counts)
	if err == nil && !v.byValue() {
		v.Codes, v.Rest = v.Codes[:0], nil
		for i, class := range v.bases {
			v.counts[class] += int64(b.schema.shapes[i].rows)
		}
		return v.counts, nil
	}
	if err == nil {
		if err = v.fill(); err == nil {
			err = b.late()
		}
	}
	if err != nil {
		v.lose()
	}
	for _, class := range v.Codes {
		v.counts[class]++
	}
	return v.counts, err
}

// Classes is how many there are; many of them may have no row.
func (v *Vector) Classes() int { return int(v.classes) }

// lose leaves every row to whoever asks the whole event.
func (v *Vector) lose() {
	rows := v.block.Rows()
	v.Codes = resized(v.Codes, rows)
	for i := range v.Codes {
		v.Codes[i] = RestClass
	}
	v.Rest = NewBitmap(rows)
	v.Rest.SetAll(rows)
}

// byValue says whether the class of some rows depends on more than their shape.
func (v *Vector) byValue() bool {
	return slices.ContainsFunc(v.sources, func(s vectorSource) bool { return s.placed })
}

func resized[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

// classify finds out the classes, and which the rows of each shape have.
func (b *Block) classify(path []string, others [][]string, v *Vector) error {
	v.block, v.finder, v.classes = b, b.finder(path, others), firstClass
	v.sources, v.bases = v.sources[:0], resized(v.bases, len(b.schema.shapes))
	for i := range v.bases {
		var err error
		if v.bases[i], err = v.class(i); err != nil {
			return err
		}
	}
	for i := range v.sources {
		if s := &v.sources[i]; s.placed {
			s.setSteps(b)
		}
	}
	return nil
}

// class returns the class of the rows of a shape, or the first one of the column where their value is.
func (v *Vector) class(shape int) (uint32, error) {
	at := v.finder.target(shape)
	switch at.found {
	case targetNone:
		return AbsentClass, nil
	case targetLeaf:
	default:
		return RestClass, nil
	}
	def := &v.block.schema.columns[at.column]
	if def.kind == kindNull {
		return NullClass, nil
	}
	column, way := v.block.schema.seat(at.column), wayTime
	if def.kind != kindTime {
		way = v.block.schema.columns[column].origin.way
	}
	s, err := v.source(column, way)
	if err != nil {
		return RestClass, err
	}
	if s.by == byEntry {
		return s.first + at.nth, nil
	}
	if !s.placed {
		s.placed, s.seats = true, resized(s.seats, len(v.bases))
		clear(s.seats)
	}
	s.seats[shape] = vectorSeat{mask: ^uint32(0), nth: at.nth}
	if s.by == byRow {
		s.seats[shape].nth = 0
	}
	return s.first, nil
}

// source returns the source that a column is, and opens the column.
func (v *Vector) source(column uint32, way way) (*vectorSource, error) {
	for i := range v.sources {
		if v.sources[i].column == column {
			return &v.sources[i], nil
		}
	}
	b := v.block
	s := vectorSource{column: column, kind: b.schema.columns[column].kind, first: v.classes}
	classes := b.Rows()
	if s.kind.hasData() {
		var err error
		if s.reader, err = b.column(column); err != nil {
			return nil, err
		}
	}
	switch way {
	case wayFixed:
		s.by, classes = byEntry, b.schema.columns[column].origin.entries
	case wayTime, wayQuoting:
		if err := b.LoadKeys(); err != nil {
			return nil, err
		}
		s.by = byRow
	default:
		values := b.columns[column].values
		s.by, classes = byPosition, values
		if s.kind.isText() {
			if n := s.reader.texts.Entries(); n > 0 {
				s.by, classes = byCode, n
			}
		} else if numbers := s.integers(); numbers != nil {
			if top := numbers.Top(); top < uint64(max(256, values)) {
				s.by, classes = byNumber, int(top)+1
			}
		}
	}
	v.classes += uint32(classes)
	if n := len(v.sources); n < cap(v.sources) { // the memory of an earlier call
		old := &v.sources[:n+1][n]
		s.seats, s.have.classes = old.seats, old.have.classes
	}
	v.sources = append(v.sources, s)
	return &v.sources[len(v.sources)-1], nil
}

// integers returns the numbers that u can stand for, nil if there are none.
func (s *vectorSource) integers() *column.Ints {
	switch s.kind {
	case kindBool, kindInt:
		return s.reader.ints
	case kindDecimal:
		if mantissas, _, ok := s.reader.decimals.Scaled(); ok {
			return mantissas
		}
	}
	return nil
}

// setSteps counts what the rows of each shape have in the column.
func (s *vectorSource) setSteps(b *Block) {
	s.next, s.have = 0, valueRange{classes: s.have.classes[:0]}
	if s.by != byRow {
		s.most, s.all = countSteps(b.schema, s.column, s.seats)
		return
	}
	s.most, s.all = 1, true
	for i := range s.seats {
		s.seats[i].step = 1
		s.all = s.all && s.seats[i].mask != 0
	}
}

// Value returns the value of a class; Undefined for AbsentClass and RestClass.
func (v *Vector) Value(class uint32) (value event.Value, err error) {
	switch class {
	case AbsentClass, RestClass:
		return event.Value{}, nil
	case NullClass:
		return event.Value{Kind: event.Null}, nil
	}
	s := v.sourceOf(class)
	at := int(class - s.first)
	switch s.by {
	case byRow:
		return v.finder.field.Value(at)
	case byCode:
		value, err = s.entry(v.block, at)
	case byNumber:
		value = s.number(uint64(at))
	default:
		value, err = v.block.ownValue(s.column, s.reader, at)
	}
	if err == nil {
		err = v.block.late()
	}
	return value, err
}

// Text returns the bytes of a class whose value is a string, which must not be changed; false for any other value.
func (v *Vector) Text(class uint32) (text []byte, ok bool, err error) {
	if class < firstClass {
		return nil, false, nil
	}
	s := v.sourceOf(class)
	if s.kind != kindString && s.kind != kindTimeText && s.kind != kindTime {
		return nil, false, nil
	}
	return v.bytes(s, class)
}

// display returns the bytes that people read for a class that is kept as them; formats: numbers are not.
func (v *Vector) display(class uint32, formats bool) (text []byte, ok bool, err error) {
	if class < firstClass {
		return nil, false, nil
	}
	s := v.sourceOf(class)
	if !s.kind.isText() || s.kind == kindNumber && formats || s.by == byRow {
		return nil, false, nil
	}
	return v.bytes(s, class)
}

func (v *Vector) bytes(s *vectorSource, class uint32) (text []byte, ok bool, err error) {
	at := int(class - s.first)
	switch s.by {
	case byRow:
		value, err := v.finder.field.Value(at)
		return []byte(value.Text), err == nil, err
	case byCode:
		text = s.reader.texts.Entry(at)
	default:
		text = s.reader.textAt(at)
	}
	err = v.block.late()
	return text, err == nil, err
}

func (v *Vector) sourceOf(class uint32) *vectorSource {
	i := len(v.sources) - 1
	for i > 0 && class < v.sources[i].first {
		i--
	}
	return &v.sources[i]
}

// entry is the value that an entry of the dictionary stands for.
func (s *vectorSource) entry(b *Block, code int) (event.Value, error) {
	switch s.kind {
	case kindString, kindTimeText:
		return event.Value{Kind: event.String, Text: s.reader.entryString(code)}, nil
	case kindNumber:
		return event.Value{Kind: event.Number, Text: s.reader.entryString(code)}, nil
	}
	return b.parseValue(s.column, s.reader.texts.Entry(code))
}

// number is the value that u stands for.
func (s *vectorSource) number(u uint64) event.Value {
	n := s.integers().OfU(u)
	switch s.kind {
	case kindBool:
		return event.Value{Kind: event.Bool, Bool: n != 0}
	case kindInt:
		return event.Value{Kind: event.Number, Text: strconv.FormatInt(n, 10)}
	}
	mantissa, scale := s.reader.decimals.OfMantissa(n)
	var text [32]byte
	return event.Value{Kind: event.Number, Text: string(appendDecimal(text[:0], mantissa, scale))}
}

// Instants sets dst to the instants of the rows from row on, in nanoseconds since 1970.
func (b *Block) Instants(dst []int64, row int) { b.instants.Fill(dst, row) }
