package block

import (
	"github.com/stelehq/stele/internal/column"
)

// Messages are searched without being rendered. What a template's literal text says is the same for all rows that have it, and what a hole adds is asked once of
// each text of a dictionary, of a number by what digits can do: a machine that reads a template comes to some states behind each hole, and if all that it may come to behind
// the last say the same, so do all rows. Where they don't, the rows are gone through by the classes of their values, each of which is read once from each state.

// A TextTest is a condition on a text, as a machine that reads it.
type TextTest struct {
	Machine column.Machine
	// Holds says of a text that ends in a state whether the condition holds; not known: the machine could not tell.
	Holds func(state uint8) (holds, known bool)
	Most  int // bytes; what may be longer is left. 0: any
}

// of decides about a text, open if the machine cannot.
func (t *TextTest) of(text []byte) verdict {
	if t.Most > 0 && len(text) > t.Most {
		return open
	}
	return t.end(t.Machine.Read(0, text))
}

// ofAll decides about all texts of a column at once; unknown if what it knows of them differs.
func (t *TextTest) ofAll(texts *column.TextReader) verdict {
	if t.Most > 0 && texts.Longest() > t.Most {
		return unknown
	}
	var from column.States
	from.Add(0)
	if said := t.say(texts.Reach(t.Machine, from)); said == yes || said == no {
		return said
	}
	return unknown
}

func (t *TextTest) end(state uint8) verdict {
	holds, known := t.Holds(state)
	if !known {
		return open
	}
	return verdictOf(holds)
}

// A messageSearch finds the rows of a block whose message a condition holds of.
type messageSearch struct {
	*composer
	test     *TextTest
	verdicts []verdict // of the sites, as far as they are known: byValue means that the rows are gone through
	byClass  map[uint64]int32
	reached  map[reachKey]column.States
	vectors  map[*Field]*Vector
	tables   map[tableKey][]uint8
	parts    map[int32][]rowPart // of the sites whose rows are gone through
}

// A rowPart is a messagePart with what is known of its values.
type rowPart struct {
	*messagePart
	table [][]uint8 // by state: the states behind the classes
	codes *Vector
}

type reachKey struct {
	column uint32
	format bool
	align  bool
	state  uint8
}

type tableKey struct {
	field  *Field
	format string
	align  int
	state  uint8
}

const unread = column.Anywhere // in tables

// Message sets in selected the rows of whose message, as event.RenderMessage gives it, the test holds, and in left those of which only the whole event
// tells; nil has none. After an error all rows are left.
func (b *Block) Message(t *TextTest) (selected, left Bitmap, err error) {
	if selected, left, err = b.message(t); err == nil {
		err = b.late()
	}
	if err != nil {
		left = NewBitmap(b.Rows())
		left.SetAll(b.Rows())
		return nil, left, err
	}
	return selected, left, nil
}

func (b *Block) message(t *TextTest) (selected, left Bitmap, err error) {
	known := b.composition()
	if known.err != nil {
		return nil, nil, known.err
	}
	s := &messageSearch{composer: &composer{b: b, sites: known.sites}, test: t, byClass: map[uint64]int32{}, reached: map[reachKey]column.States{}, vectors: map[*Field]*Vector{}, tables: map[tableKey][]uint8{}, parts: map[int32][]rowPart{}}
	if known.byRow {
		if err := s.begin(); err != nil {
			return nil, nil, err
		}
		if err := s.templates.fill(); err != nil {
			return nil, nil, err
		}
	}
	return s.rows(known.byShape)
}

// verdict says what is known of the rows of a site.
func (s *messageSearch) verdict(at int32) (verdict, error) {
	for len(s.verdicts) < len(s.sites) {
		s.verdicts = append(s.verdicts, unknown)
	}
	if s.verdicts[at] == unknown {
		v, err := s.read(at)
		if err != nil {
			return open, err
		}
		s.verdicts[at] = v
	}
	return s.verdicts[at], nil
}

// read reads a template with what its holes may have.
func (s *messageSearch) read(at int32) (verdict, error) {
	x := &s.sites[at]
	if x.open || s.test.Most > 0 && x.size > s.test.Most {
		return open, nil
	}
	var states column.States
	states.Add(0)
	for i := range x.parts {
		part := &x.parts[i]
		if part.token == nil {
			states = states.Read(s.test.Machine, part.text)
			continue
		}
		var err error
		if states, err = s.reach(part, states); err != nil {
			return open, err
		}
	}
	said := s.test.say(states)
	if said != byValue {
		return said, nil
	}
	parts := make([]rowPart, len(x.parts))
	for i := range parts {
		p := &parts[i]
		if p.messagePart = &x.parts[i]; p.token == nil {
			continue
		}
		var err error
		if p.codes, err = s.vector(p.field); err != nil {
			return open, err
		}
		p.table = make([][]uint8, 256)
	}
	s.parts[at] = parts
	return byValue, nil
}

// say returns what all of these states say of a text that ends there, byValue if that differs.
func (t *TextTest) say(states column.States) verdict {
	if states.Has(column.Anywhere) {
		return byValue
	}
	said := unknown
	for state := range states.All() {
		v := t.end(state)
		if said != unknown && said != v {
			return byValue
		}
		said = v
	}
	return said
}

// What a number is made of in a format, hexadecimal ones among them, and what a time in any form that instants have.
const (
	formatted = column.Decimal + "+eEabcdfABCDF"
	timed     = column.Clock + "TZUC+ "
)

// reach returns the states behind the values of a hole, and perhaps others.
func (s *messageSearch) reach(p *messagePart, from column.States) (to column.States, err error) {
	key := reachKey{column: p.column, format: p.token.Format != "", align: p.token.Align != 0}
	if from.Has(column.Anywhere) {
		return from, nil
	}
	for state := range from.All() {
		key.state = state
		states, ok := s.reached[key]
		if !ok {
			if states, err = s.reachFrom(key); err != nil {
				return to, err
			}
			s.reached[key] = states
		}
		to.Join(states)
	}
	return to, nil
}

func (s *messageSearch) reachFrom(key reachKey) (to column.States, err error) {
	var from column.States
	from.Add(key.state)
	m, def := s.test.Machine, &s.b.schema.columns[key.column]
	if key.align {
		from = from.Any(m, " ")
	}
	switch k := def.kind; {
	case def.origin.way == wayQuoting:
		to.Add(column.Anywhere) // a text is put together for its row
	case k == kindTime, def.origin.way == wayTime:
		to = from.Any(m, timed)
	case k == kindBool:
		to = from.Read(m, []byte("true"))
		to.Join(from.Read(m, []byte("false")))
	case k.isText() && (k != kindNumber || !key.format):
		r, err := s.b.column(key.column)
		if err != nil {
			return from, err
		}
		to = r.texts.Reach(m, from)
	case key.format:
		to = from.Any(m, formatted)
	case k == kindInt:
		to = from.Any(m, column.Digits)
	default:
		to = from.Any(m, column.Decimal)
	}
	if key.align {
		to = to.Any(m, " ")
	}
	return to, nil
}

func (s *messageSearch) vector(f *Field) (*Vector, error) {
	v := s.vectors[f]
	if v == nil {
		v = &Vector{}
		if err := s.b.Gather(f.path, nil, v); err != nil {
			return nil, err
		}
		s.vectors[f] = v
	}
	return v, nil
}

// rows goes through the rows, if it has to.
func (s *messageSearch) rows(byShape []int32) (selected, left Bitmap, err error) {
	rows := s.b.Rows()
	said, same := make([]verdict, len(byShape)), unknown
	for i, at := range byShape {
		if s.b.schema.shapes[i].rows == 0 {
			continue
		}
		if said[i] = byValue; at >= 0 {
			if said[i], err = s.verdict(at); err != nil {
				return nil, nil, err
			}
		}
		if same == unknown {
			same = said[i]
		}
		if same != said[i] {
			same = byValue
		}
	}
	switch same {
	case unknown:
		return nil, nil, nil
	case no, yes, open:
		selected, left = allOf(rows, same)
		return selected, left, nil
	}
	if err := s.b.loadShapes(); err != nil {
		return nil, nil, err
	}
	selected, left = NewBitmap(rows), NewBitmap(rows)
	var shapes [64]int64
	for row := 0; row < rows; row += len(shapes) {
		some := shapes[:min(len(shapes), rows-row)]
		s.b.shapes.Fill(some, row)
		var yesses, opens uint64
		for i, sh := range some {
			v := said[sh]
			if v == byValue {
				if v, err = s.row(byShape[sh], int(sh), row+i); err != nil {
					return nil, nil, err
				}
			}
			yesses |= bit(v == yes) << i
			opens |= bit(v == open) << i
		}
		selected[row>>6], left[row>>6] = yesses, opens
	}
	return selected, left, nil
}

// siteOfRow returns the site of a row whose template its shape does not tell.
func (s *messageSearch) siteOfRow(shape, row int) (int32, error) {
	class := s.templates.Codes[row]
	key := uint64(shape)<<32 | uint64(class)
	at, ok := s.byClass[key]
	if !ok {
		var err error
		if at, err = s.ofClass(shape, class); err != nil {
			return 0, err
		}
		s.byClass[key] = at
	}
	return at, nil
}

// row reads the message of a row, whose site is -1 if its shape does not tell it.
func (s *messageSearch) row(at int32, shape, row int) (verdict, error) {
	if at < 0 {
		var err error
		if at, err = s.siteOfRow(shape, row); err != nil {
			return open, err
		}
	}
	if v, err := s.verdict(at); v != byValue || err != nil {
		return v, err
	}
	parts, state := s.parts[at], uint8(0)
	for i := range parts {
		p := &parts[i]
		if p.token == nil {
			state = s.test.Machine.Read(state, p.text)
			continue
		}
		class := p.codes.Codes[row]
		table := p.table[state]
		if table == nil {
			table = s.table(p, state)
			p.table[state] = table
		}
		if table[class] == unread {
			to, err := s.readClass(p, state, class)
			if err != nil {
				return open, err
			}
			table[class] = to
		}
		state = table[class]
	}
	return s.test.end(state), nil
}

// table returns the states behind the classes of a part, which all sites with it share.
func (s *messageSearch) table(p *rowPart, state uint8) []uint8 {
	key := tableKey{p.field, p.token.Format, p.token.Align, state}
	table := s.tables[key]
	if table == nil {
		table = make([]uint8, p.codes.Classes())
		for i := range table {
			table[i] = unread
		}
		s.tables[key] = table
	}
	return table
}

func (s *messageSearch) readClass(p *rowPart, state uint8, class uint32) (uint8, error) {
	if p.token.Align == 0 {
		if text, ok, err := p.codes.display(class, p.token.Format != ""); ok || err != nil {
			return s.test.Machine.Read(state, text), err
		}
	}
	v, err := p.codes.Value(class)
	if err != nil {
		return unread, err
	}
	return s.test.Machine.Read(state, fillHole(p.token, v)), nil
}
