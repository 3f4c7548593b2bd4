package block

import (
	"math/bits"

	"github.com/stelehq/stele/internal/column"
)

// Numbers are what the rows of a block have at one path, as far as these are numbers. GatherNumbers fills them and uses their memory again. Not for
// concurrent use.
type Numbers struct {
	Mantissas []int64 // by row: the number times 10^Scale; 0 if there is none
	Scale     uint8
	Has       Bitmap // the rows that have such a number
	Rest      Bitmap // those that have to be asked one by one; nil: there are none

	block   *Block
	finder  finder
	shapes  []numberShape
	sources []numberSource
}

// A numberShape says what the rows of a shape have.
type numberShape struct {
	value     int64 // all rows of it
	scale     uint8 // of value
	has, rest uint8 // 1 if so
}

// A numberSource is a column of integers or decimals.
type numberSource struct {
	column    uint32
	mantissas *column.Ints
	scales    *column.Ints // nil: all are of one scale
	scale     uint8        // the greatest one
	times     int64        // what brings all mantissas to the scale of the Numbers; 0: that may be over an int64
	seats     []vectorSeat
	most      uint32
	all       bool
	next      uint32
	from, to  uint32 // the values that stand in the buffer
	values    []int64
	digits    []int64 // their scales, if there are several
}

// GatherNumbers sets v to the numbers that the rows have at a path of raw member names; others are as in Test. Rest has the rows of
// which only the whole event tells, and those whose number is not of integers and plain decimals, or too large for the scale of the others. After an error, which is of the path's columns, it has all.
func (b *Block) GatherNumbers(path []string, others [][]string, v *Numbers) error {
	v.block, v.finder = b, b.finder(path, others)
	rows := b.Rows()
	v.Mantissas, v.Has, v.Rest = resized(v.Mantissas, rows), resized(v.Has, (rows+63)/64), nil
	err := v.resolve()
	if err == nil {
		v.rescale()
		if err = v.fill(); err == nil {
			err = b.late()
		}
	}
	if err != nil {
		clear(v.Mantissas)
		clear(v.Has)
		v.Rest = NewBitmap(rows)
		v.Rest.SetAll(rows)
	}
	return err
}

// resolve finds out where the rows of each shape have their number.
func (v *Numbers) resolve() error {
	v.sources, v.shapes = v.sources[:0], resized(v.shapes, len(v.block.schema.shapes))
	clear(v.shapes)
	for i := range v.shapes {
		if err := v.shape(i); err != nil {
			return err
		}
	}
	for i := range v.sources {
		s := &v.sources[i]
		s.most, s.all = countSteps(v.block.schema, s.column, s.seats)
	}
	return nil
}

// countSteps counts the values that rows of each shape have in a column, and says whether all have one that is theirs.
func countSteps(schema *schema, column uint32, seats []vectorSeat) (most uint32, all bool) {
	all = true
	for i := range seats {
		seat := &seats[i]
		seat.step = 0
		for _, c := range schema.shapes[i].data {
			if c == column {
				seat.step++
			}
		}
		most = max(most, seat.step)
		all = all && seat.step == 1 && seat.mask != 0
	}
	return most, all
}

func (v *Numbers) shape(i int) error {
	sh, b := &v.shapes[i], v.block
	at := v.finder.target(i)
	switch at.found {
	case targetNone:
		return nil
	case targetLeaf:
	default:
		sh.rest = 1
		return nil
	}
	column := b.schema.seat(at.column)
	def := &b.schema.columns[column]
	switch k, way := def.kind, def.origin.way; {
	case k == kindNumber, (k == kindInt || k == kindDecimal) && way == wayTime:
		sh.rest = 1
	case k != kindInt && k != kindDecimal:
	case way == wayFixed:
		r, err := b.column(column)
		if err != nil {
			return err
		}
		sh.has = 1
		if k == kindInt {
			sh.value = r.ints.At(int(at.nth))
		} else {
			sh.value, sh.scale = r.decimals.At(int(at.nth))
		}
	default:
		s, err := v.source(column, k)
		if err != nil {
			return err
		}
		sh.has = 1
		s.seats[i] = vectorSeat{mask: ^uint32(0), nth: at.nth}
	}
	return nil
}

func (v *Numbers) source(column uint32, k kind) (*numberSource, error) {
	for i := range v.sources {
		if v.sources[i].column == column {
			return &v.sources[i], nil
		}
	}
	r, err := v.block.column(column)
	if err != nil {
		return nil, err
	}
	s := numberSource{column: column, mantissas: r.ints}
	if n := len(v.sources); n < cap(v.sources) { // the memory of an earlier call
		old := &v.sources[:n+1][n]
		s.seats, s.values, s.digits = old.seats, old.values[:0], old.digits
	}
	if k == kindDecimal {
		s.mantissas, s.scales = r.decimals.Mantissas(), r.decimals.Scales()
		if s.scales == nil {
			_, s.scale, _ = r.decimals.Scaled()
		} else {
			_, most := s.scales.Span()
			s.scale = uint8(most)
		}
	}
	s.seats = resized(s.seats, len(v.shapes))
	clear(s.seats)
	v.sources = append(v.sources, s)
	return &v.sources[len(v.sources)-1], nil
}

var powers18 = [19]int64{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// scaled multiplies; false if that is over an int64.
func scaled(n, times int64) (int64, bool) {
	magnitude := uint64(n)
	if n < 0 {
		magnitude = -magnitude
	}
	high, low := bits.Mul64(magnitude, uint64(times))
	return n * times, high == 0 && low < 1<<63
}

// rescale finds the scale of all numbers.
func (v *Numbers) rescale() {
	v.Scale = 0
	for i := range v.sources {
		v.Scale = max(v.Scale, v.sources[i].scale)
	}
	for i := range v.shapes {
		if v.shapes[i].has != 0 {
			v.Scale = max(v.Scale, v.shapes[i].scale)
		}
	}
	for i := range v.shapes {
		sh := &v.shapes[i]
		if n, ok := scaled(sh.value, powers18[v.Scale-sh.scale]); ok {
			sh.value = n
		} else {
			sh.value, sh.has, sh.rest = 0, 0, 1
		}
	}
	for i := range v.sources {
		s := &v.sources[i]
		s.next, s.from, s.to = 0, 0, 0
		if s.times = powers18[v.Scale-s.scale]; s.scales != nil {
			s.times = 0
		} else if s.times > 1 {
			least, most := s.mantissas.Span()
			if _, ok := scaled(least, s.times); !ok {
				s.times = 0
			}
			if _, ok := scaled(most, s.times); !ok {
				s.times = 0
			}
		}
	}
}

func (v *Numbers) fill() error {
	rows := len(v.Mantissas)
	if len(v.sources) == 1 && v.sources[0].all && v.sources[0].times != 0 {
		s := &v.sources[0]
		s.mantissas.Fill(v.Mantissas, 0)
		if s.times > 1 {
			for i := range v.Mantissas {
				v.Mantissas[i] *= s.times
			}
		}
		v.Has.SetAll(rows)
		return nil
	}
	if err := v.block.loadShapes(); err != nil {
		return err
	}
	rest := false
	for i := range v.shapes {
		rest = rest || v.shapes[i].rest != 0
	}
	step := vectorRows
	for i := range v.sources {
		s := &v.sources[i]
		rest = rest || s.times == 0
		step = min(step, max(64, vectorValues/2/int(max(s.most, 1))&^63))
	}
	if rest {
		v.Rest = NewBitmap(rows)
	}
	var room [vectorRows]int64
	for row := 0; row < rows; row += step {
		some := v.Mantissas[row:min(row+step, rows)]
		shapes := room[:len(some)]
		v.block.shapes.Fill(shapes, row)
		v.byShape(some, shapes, row, rest)
		for i := range v.sources {
			if s := &v.sources[i]; s.times != 0 {
				s.add(some, shapes, v.block)
			} else {
				v.addEach(s, some, shapes, row)
			}
		}
	}
	return nil
}

// byShape sets what follows from the shapes of rows from one on.
func (v *Numbers) byShape(some, shapes []int64, row int, rest bool) {
	for at := 0; at < len(shapes); at += 64 {
		var has, open uint64
		for i, k := range shapes[at:min(at+64, len(shapes))] {
			sh := &v.shapes[k]
			some[at+i] = sh.value
			has |= uint64(sh.has) << i
			open |= uint64(sh.rest) << i
		}
		v.Has[(row+at)>>6] = has
		if rest {
			v.Rest[(row+at)>>6] = open
		}
	}
}

// add adds the rows' numbers in the column.
func (s *numberSource) add(some, shapes []int64, b *Block) {
	s.ahead(len(some)*int(s.most), b)
	values, at := s.values, s.next-s.from
	some = some[:len(shapes)]
	for i, sh := range shapes {
		seat := &s.seats[sh]
		some[i] += values[at+seat.nth] & int64(int32(seat.mask))
		at += seat.step
	}
	s.next = s.from + at
}

// addEach is add for mantissas of several scales, or that may be too large: it tells about each number.
func (v *Numbers) addEach(s *numberSource, some, shapes []int64, row int) {
	s.ahead(len(some)*int(s.most), v.block)
	for i, sh := range shapes {
		seat := &s.seats[sh]
		if seat.mask != 0 {
			at := s.next - s.from + seat.nth
			scale := s.scale
			if s.scales != nil {
				scale = uint8(s.digits[at])
			}
			n, ok := scaled(s.values[at], powers18[v.Scale-scale])
			if !ok {
				n = 0
				v.Has[(row+i)>>6] &^= 1 << ((row + i) & 63)
				v.Rest.Set(row + i)
			}
			some[i] = n
		}
		s.next += seat.step
	}
}

// ahead makes sure of so many numbers from the next row's on, as far as there are, and one 0 behind them.
func (s *numberSource) ahead(n int, b *Block) {
	values := uint32(b.columns[s.column].values)
	if len(s.values) > 0 && (s.to == values || s.next+uint32(n) <= s.to) {
		return
	}
	s.from, s.to = s.next, min(values, s.next+max(uint32(n), vectorValues/2))
	s.values = resized(s.values, int(s.to-s.from)+1)
	last := len(s.values) - 1
	s.values[last] = 0
	if last == 0 {
		return
	}
	s.mantissas.Fill(s.values[:last], int(s.from))
	if s.times > 1 {
		for i := range s.values[:last] {
			s.values[i] *= s.times
		}
	}
	if s.scales != nil {
		s.digits = resized(s.digits, last)
		s.scales.Fill(s.digits, int(s.from))
	}
}
