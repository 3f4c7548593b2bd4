package block

import (
	"slices"
	"strings"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/event"
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

func (t *TextTest) end(state uint8) verdict {
	holds, known := t.Holds(state)
	if !known {
		return open
	}
	return verdictOf(holds)
}

// A TemplateMemo keeps templates taken apart, for one search after another. Not for concurrent use.
type TemplateMemo struct{ tokens map[string][]event.Token }

// What a memo keeps is bounded.
const (
	memoTemplates = 4096
	memoTemplate  = 4 << 10 // bytes of one
)

func (m *TemplateMemo) of(template []byte) []event.Token {
	if tokens, ok := m.tokens[string(template)]; ok {
		return tokens
	}
	text := string(template)
	tokens := event.ParseTemplate(text)
	if len(text) <= memoTemplate {
		if m.tokens == nil || len(m.tokens) >= memoTemplates {
			m.tokens = map[string][]event.Token{}
		}
		m.tokens[text] = tokens
	}
	return tokens
}

// A messageSearch finds the rows of a block whose message a condition holds of.
type messageSearch struct {
	b         *Block
	test      *TextTest
	memo      *TemplateMemo
	sites     []site
	given     *Field // @m
	rendering *Field // @r
	byShape   []int32
	templates Vector
	byClass   map[uint64]int32 // where templates are no matter of the shape: by shape and class
	known     map[uint32]*messageTemplate
	reached   map[reachKey]column.States
	vectors   map[*Field]*Vector
	tables    map[tableKey][]uint8
	lengths   []int // 1 + a bound for the texts of each column, as far as it was asked for
	columns   []int32
}

// A messageTemplate is what the messages of a template's rows are made of, whatever their shape.
type messageTemplate struct {
	tokens  []event.Token
	holes   []*Field // of each token; nil: a text
	dotted  []*Field // where a name with dots leads if it is none
	formats bool
	columns []int32 // the columns of the last shape's holes, -1 for none
	site    int32   // of that shape
}

// A site is what the messages of some rows are made of: those of one shape that have one template.
type site struct {
	verdict verdict // byValue: the rows are gone through
	parts   []messagePart
}

// A messagePart is a text, or a value of which it is not known what it adds.
type messagePart struct {
	text   []byte
	token  *event.Token // nil: the text
	field  *Field
	column uint32
	table  map[uint8][]uint8 // by state: the states behind the classes
	codes  *Vector
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
func (b *Block) Message(t *TextTest, memo *TemplateMemo) (selected, left Bitmap, err error) {
	s := &messageSearch{b: b, test: t, memo: memo, known: map[uint32]*messageTemplate{}, reached: map[reachKey]column.States{}, vectors: map[*Field]*Vector{}, tables: map[tableKey][]uint8{}, lengths: make([]int, len(b.columns))}
	if selected, left, err = s.run(); err == nil {
		err = b.late()
	}
	if err != nil {
		left = NewBitmap(b.Rows())
		left.SetAll(b.Rows())
		return nil, left, err
	}
	return selected, left, nil
}

func (s *messageSearch) run() (selected, left Bitmap, err error) {
	b := s.b
	s.given, s.rendering = b.Field("@m"), b.Field("@r")
	if err := b.classify([]string{"@mt"}, nil, &s.templates); err != nil {
		return nil, nil, err
	}
	s.byShape = make([]int32, len(b.schema.shapes))
	perRow := false
	for i := range s.byShape {
		if s.byShape[i], err = s.siteOf(i); err != nil {
			return nil, nil, err
		}
		perRow = perRow || s.byShape[i] < 0
	}
	if perRow {
		s.templates.fill()
		s.byClass = map[uint64]int32{}
	}
	return s.rows()
}

var messageGiven = []event.Token{{Name: "@m"}}

// siteOf returns the site of a shape's rows; -1 if their templates differ.
func (s *messageSearch) siteOf(shape int) (int32, error) {
	switch at := &s.given.targets[shape]; {
	case at.found == targetNone, at.found == targetLeaf && s.b.schema.columns[at.column].kind == kindNull:
	case at.found == targetLeaf:
		return s.ofTemplate(shape, RestClass, messageGiven)
	default:
		return s.put(site{verdict: open}), nil
	}
	switch base := s.templates.bases[shape]; {
	case base == RestClass:
		return s.put(site{verdict: open}), nil
	case base < firstClass:
		return s.ofTemplate(shape, AbsentClass, nil)
	case s.templates.sourceOf(base).by != byEntry:
		return -1, nil
	default:
		return s.ofClass(shape, base)
	}
}

// ofClass returns the site of a shape's rows whose template is a class.
func (s *messageSearch) ofClass(shape int, class uint32) (int32, error) {
	if t := s.known[class]; t != nil {
		return s.site(shape, t)
	}
	text, ok, err := s.templates.Text(class)
	if err != nil || !ok { // what is no text is no template
		return s.ofTemplate(shape, AbsentClass, nil)
	}
	return s.ofTemplate(shape, class, s.memo.of(text))
}

// ofTemplate is ofClass for a template taken apart.
func (s *messageSearch) ofTemplate(shape int, class uint32, tokens []event.Token) (int32, error) {
	t := s.known[class]
	if t == nil {
		t = &messageTemplate{tokens: tokens, holes: make([]*Field, len(tokens)), dotted: make([]*Field, len(tokens)), site: -1}
		for i := range tokens {
			name := tokens[i].Name
			if name == "" {
				continue
			}
			t.holes[i] = s.b.Field(name)
			if strings.Contains(name, ".") {
				t.dotted[i] = s.b.Field(strings.Split(name, ".")...)
			}
			t.formats = t.formats || tokens[i].Format != ""
		}
		s.known[class] = t
	}
	return s.site(shape, t)
}

func (s *messageSearch) put(x site) int32 {
	s.sites = append(s.sites, x)
	return int32(len(s.sites) - 1)
}

// hole finds the member that a hole names in events of a shape.
func (t *messageTemplate) hole(i, shape int) *Field {
	if f := t.holes[i]; f.targets[shape].found != targetNone || t.dotted[i] == nil {
		return f
	}
	return t.dotted[i]
}

// site returns the site of a shape's rows that have a template. Shapes whose holes lead to the same columns, of which none is fixed, share one.
func (s *messageSearch) site(shape int, t *messageTemplate) (int32, error) {
	if t.formats && s.rendering.targets[shape].found != targetNone {
		return s.put(site{verdict: open}), nil
	}
	s.columns = s.columns[:0]
	for i, f := range t.holes {
		if f == nil {
			continue
		}
		at := &t.hole(i, shape).targets[shape]
		switch {
		case at.found == targetNone:
			s.columns = append(s.columns, -1)
		case at.found != targetLeaf:
			return s.put(site{verdict: open}), nil
		default:
			s.columns = append(s.columns, int32(at.column))
			if s.b.schema.columns[at.column].origin.way == wayFixed {
				s.columns = append(s.columns, int32(at.nth))
			}
		}
	}
	if t.site >= 0 && slices.Equal(t.columns, s.columns) {
		return t.site, nil
	}
	var err error
	t.columns = append(t.columns[:0], s.columns...)
	t.site, err = s.newSite(shape, t)
	return t.site, err
}

// newSite reads a template with what its holes may have in events of a shape.
func (s *messageSearch) newSite(shape int, t *messageTemplate) (int32, error) {
	var parts []messagePart
	var states column.States
	states.Add(0)
	size := 0
	for i := range t.tokens {
		part, err := s.part(shape, t, i)
		if err != nil {
			return -1, err
		}
		parts = append(parts, part)
		if part.token == nil {
			size += len(part.text)
			states = states.Read(s.test.Machine, part.text)
			continue
		}
		longest, err := s.longest(&part)
		if err != nil {
			return -1, err
		}
		size += longest
		if states, err = s.reach(&part, states); err != nil {
			return -1, err
		}
	}
	if size > event.MaxMessage || s.test.Most > 0 && size > s.test.Most {
		return s.put(site{verdict: open}), nil
	}
	said := s.say(states)
	if said != byValue {
		return s.put(site{verdict: said}), nil
	}
	for i := range parts {
		p := &parts[i]
		if p.token == nil {
			continue
		}
		var err error
		if p.codes, err = s.vector(p.field); err != nil {
			return -1, err
		}
		p.table = map[uint8][]uint8{}
	}
	return s.put(site{verdict: byValue, parts: parts}), nil
}

// say returns what all of these states say of a text that ends there, byValue if that differs.
func (s *messageSearch) say(states column.States) verdict {
	if states.Has(column.Anywhere) {
		return byValue
	}
	said := unknown
	for state := range states.All() {
		v := s.test.end(state)
		if said != unknown && said != v {
			return byValue
		}
		said = v
	}
	return said
}

// part returns what a token of a template is in events of a shape.
func (s *messageSearch) part(shape int, t *messageTemplate, i int) (messagePart, error) {
	token := &t.tokens[i]
	if t.holes[i] == nil {
		return messagePart{text: []byte(token.Text)}, nil
	}
	f := t.hole(i, shape)
	at := &f.targets[shape]
	if at.found == targetNone {
		return messagePart{text: []byte(token.Text)}, nil
	}
	c := s.b.schema.seat(at.column)
	switch def := &s.b.schema.columns[c]; {
	case def.kind == kindNull:
		return messagePart{text: fillHole(token, event.Value{Kind: event.Null})}, nil
	case def.origin.way == wayFixed:
		r, err := s.b.column(c)
		if err != nil {
			return messagePart{}, err
		}
		v, err := s.b.ownValue(c, r, int(at.nth))
		return messagePart{text: fillHole(token, v)}, err
	}
	return messagePart{token: token, field: f, column: c}, nil
}

// fillHole returns what a value is in a hole.
func fillHole(t *event.Token, v event.Value) []byte {
	return event.AppendMessage(nil, []event.Token{*t}, event.Value{}, func(string) event.Value { return v })
}

// longest bounds the bytes that the values of a hole take.
func (s *messageSearch) longest(p *messagePart) (int, error) {
	size := 128 // a number in a format
	if def := &s.b.schema.columns[p.column]; def.origin.way == wayQuoting {
		size = mostQuoting
	} else if def.kind.isText() && def.origin.way == wayOwn {
		if s.lengths[p.column] == 0 {
			r, err := s.b.column(p.column)
			if err != nil {
				return 0, err
			}
			s.lengths[p.column] = 1 + r.texts.Longest()
		}
		size = max(size, s.lengths[p.column])
	}
	return size + max(p.token.Align, -p.token.Align), nil
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
	var r *reader
	if def.kind.hasData() {
		if r, err = s.b.column(key.column); err != nil {
			return from, err
		}
	}
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

// rows goes through the rows.
func (s *messageSearch) rows() (selected, left Bitmap, err error) {
	rows := s.b.Rows()
	said := s.all()
	switch said {
	case no:
		return nil, nil, nil
	case yes, open:
		all := NewBitmap(rows)
		all.SetAll(rows)
		if said == yes {
			return all, nil, nil
		}
		return nil, all, nil
	}
	selected, left = NewBitmap(rows), NewBitmap(rows)
	var shapes [512]int64
	for row := 0; row < rows; row += len(shapes) {
		some := shapes[:min(len(shapes), rows-row)]
		s.b.shapes.Fill(some, row)
		for i, sh := range some {
			at := s.byShape[sh]
			if at < 0 {
				if at, err = s.siteOfRow(int(sh), row+i); err != nil {
					return nil, nil, err
				}
			}
			v := s.sites[at].verdict
			if v == byValue {
				if v, err = s.row(&s.sites[at], row+i); err != nil {
					return nil, nil, err
				}
			}
			switch v {
			case yes:
				selected.Set(row + i)
			case open:
				left.Set(row + i)
			}
		}
	}
	return selected, left, nil
}

// all returns the verdict that all rows have, unknown if they may differ.
func (s *messageSearch) all() verdict {
	said := unknown
	for i := range s.byShape {
		if s.b.schema.shapes[i].rows == 0 {
			continue
		}
		if s.byShape[i] < 0 {
			return unknown
		}
		v := s.sites[s.byShape[i]].verdict
		if v == byValue || said != unknown && said != v {
			return unknown
		}
		said = v
	}
	if said == unknown { // there is no row
		return no
	}
	return said
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

// row reads the message of a row.
func (s *messageSearch) row(x *site, row int) (verdict, error) {
	state := uint8(0)
	for i := range x.parts {
		p := &x.parts[i]
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
func (s *messageSearch) table(p *messagePart, state uint8) []uint8 {
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

func (s *messageSearch) readClass(p *messagePart, state uint8, class uint32) (uint8, error) {
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
