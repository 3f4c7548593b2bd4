package block

// Vectors are filled in chunks of rows: the shapes of some rows, then for each column where values are the classes of the values that these
// rows have, which stand side by side, brought to the rows by what the shapes say.

const (
	vectorRows   = 512     // in a chunk, fewer if rows have many values
	vectorValues = 8 << 10 // classes of values that are found in one go
)

// A valueRange is values whose classes are known: some positions of a column.
type valueRange struct {
	from, to uint32
	classes  []uint32 // counted from the column's first
}

// fill sets the codes.
func (v *Vector) fill() error {
	rows := v.block.Rows()
	v.Codes, v.Rest = resized(v.Codes, rows), nil
	switch one := v.only(); {
	case one != nil && one.all:
		one.fillClasses(v.Codes, 0)
		if first := one.first; first != 0 {
			for i := range v.Codes {
				v.Codes[i] += first
			}
		}
		return nil
	case one == nil && v.fillSame():
	default:
		if err := v.block.loadShapes(); err != nil {
			return err
		}
		v.fillByShape()
	}
	v.fillRest()
	return nil
}

// only returns the one source in which rows have places; nil if there are none or several.
func (v *Vector) only() (one *vectorSource) {
	for i := range v.sources {
		if s := &v.sources[i]; s.placed {
			if one != nil {
				return nil
			}
			one = s
		}
	}
	return one
}

// fillSame sets the codes if all rows have one class.
func (v *Vector) fillSame() bool {
	if v.byValue() {
		return false
	}
	for _, class := range v.bases {
		if class != v.bases[0] {
			return false
		}
	}
	for i := range v.Codes {
		v.Codes[i] = v.bases[0]
	}
	return true
}

func (v *Vector) fillByShape() {
	step := vectorRows
	for i := range v.sources {
		if s := &v.sources[i]; s.placed {
			step = min(step, max(1, vectorValues/2/int(max(s.most, 1))))
		}
	}
	var room [vectorRows]int64
	for row := 0; row < len(v.Codes); row += step {
		codes := v.Codes[row:min(row+step, len(v.Codes))]
		shapes := room[:len(codes)]
		v.block.shapes.Fill(shapes, row)
		for i, sh := range shapes {
			codes[i] = v.bases[sh]
		}
		for i := range v.sources {
			if s := &v.sources[i]; s.placed {
				s.add(codes, shapes, v.block)
			}
		}
	}
}

// add adds to the codes of rows with these shapes, which hold the first class of the column, the classes of their values.
func (s *vectorSource) add(codes []uint32, shapes []int64, b *Block) {
	s.have = s.ahead(len(codes)*int(s.most), b)
	classes := s.have.classes
	at := s.next - s.have.from
	codes = codes[:len(shapes)]
	for i, sh := range shapes {
		seat := &s.seats[sh]
		// A row without a value here reads some class and takes nothing of it. Behind the last value stands one more.
		codes[i] += classes[at+seat.nth&seat.mask] & seat.mask
		at += seat.step
	}
	s.next = s.have.from + at
}

// ahead returns the classes of so many values from the next row's on, as far as there are, and one of nothing behind them.
func (s *vectorSource) ahead(n int, b *Block) valueRange {
	have := s.have
	values := uint32(b.Rows())
	if s.by != byRow {
		values = uint32(b.columns[s.column].values)
	}
	if len(have.classes) > 0 && (have.to == values || s.next+uint32(n) <= have.to) {
		return have
	}
	have.from, have.to = s.next, min(values, s.next+max(uint32(n), vectorValues))
	have.classes = resized(have.classes, int(have.to-have.from)+1)
	last := len(have.classes) - 1
	s.fillClasses(have.classes[:last], have.from)
	have.classes[last] = 0
	return have
}

// fillClasses sets classes to those of the values from a position on, counted from the column's first.
func (s *vectorSource) fillClasses(classes []uint32, from uint32) {
	switch {
	case len(classes) == 0:
	case s.by == byCode:
		s.reader.texts.FillCodes(classes, int(from))
	case s.by == byNumber:
		s.integers().FillU(classes, int(from))
	default:
		for i := range classes {
			classes[i] = from + uint32(i)
		}
	}
}

// fillRest finds the rows of RestClass.
func (v *Vector) fillRest() {
	some := false
	for i, class := range v.bases {
		some = some || class == RestClass && v.block.schema.shapes[i].rows > 0
	}
	if !some {
		return
	}
	v.Rest = NewBitmap(len(v.Codes))
	for i, class := range v.Codes {
		if class == RestClass {
			v.Rest.Set(i)
		}
	}
}
