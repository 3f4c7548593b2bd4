package block

import (
	"slices"
	"strings"
	"sync"

	"github.com/stelehq/stele/internal/event"
)

// A composition says what the messages of a block are made of, whatever is sought in them: made when it is first asked for, and kept.
type composition struct {
	once    sync.Once
	sites   []site
	byShape []int32 // the site of the rows of each shape; -1: their templates differ
	byRow   bool    // those of some do
	err     error
}

// A site is what the messages of some rows are made of: those of one shape that have one template, or of several such.
type site struct {
	parts []messagePart
	size  int  // a bound for the bytes of a message
	open  bool // only the whole event tells
}

// A messagePart is a text, or a value that is not the same in all rows.
type messagePart struct {
	text   []byte
	token  *event.Token // nil: the text
	field  *Field
	column uint32 // where the values are
}

// A composer finds out what messages are made of.
type composer struct {
	b         *Block
	sites     []site
	given     *Field // @m
	rendering *Field // @r
	templates Vector
	known     map[uint32]*messageTemplate
	lengths   []int // 1 + a bound for the texts of each column, as far as it was asked for
	columns   []int32
}

// A messageTemplate is a template taken apart, whatever the shape of its rows.
type messageTemplate struct {
	tokens  []event.Token
	holes   []*Field // of each token; nil: a text
	dotted  []*Field // where a name with dots leads if it is none
	formats bool
	columns []int32 // where the last shape's holes lead, -1 for nowhere
	site    int32   // of that shape
}

func (b *Block) composition() *composition {
	m := &b.messages
	m.once.Do(func() {
		c := &composer{b: b}
		if m.err = c.begin(); m.err != nil {
			return
		}
		if m.err = c.readHoles(); m.err != nil {
			return
		}
		m.byShape = make([]int32, len(b.schema.shapes))
		for i := range m.byShape {
			if m.byShape[i], m.err = c.siteOf(i); m.err != nil {
				return
			}
			m.byRow = m.byRow || m.byShape[i] < 0
		}
		m.sites = slices.Clip(c.sites)
		size := 4 * len(m.byShape)
		for i := range m.sites {
			for j := range m.sites[i].parts {
				size += 64 + len(m.sites[i].parts[j].text)
			}
		}
		b.account.Take(size + 64*len(m.sites))
	})
	return m
}

func (s *composer) begin() error {
	s.given, s.rendering = s.b.Field("@m"), s.b.Field("@r")
	s.known, s.lengths = map[uint32]*messageTemplate{}, make([]int, len(s.b.columns))
	return s.b.classify([]string{"@mt"}, nil, &s.templates)
}

// readHoles has the texts read that holes lead to, in few calls.
func (s *composer) readHoles() error {
	if s.b.part == nil {
		return nil
	}
	wanted, known := make([]bool, len(s.b.columns)), map[*Field]bool{}
	want := func(fields []*Field) {
		for _, f := range fields {
			if f == nil || known[f] {
				continue
			}
			known[f] = true
			for i := range f.leads {
				if at := &f.leads[i]; at.found == targetLeaf {
					c := s.b.schema.seat(at.column)
					def := &s.b.schema.columns[c]
					wanted[c] = wanted[c] || def.kind.isText() && def.origin.way == wayOwn
				}
			}
		}
	}
	for i := range s.templates.sources {
		from := &s.templates.sources[i]
		classes := 0
		switch from.by {
		case byEntry:
			classes = s.b.schema.columns[from.column].origin.entries
		case byCode:
			classes = from.reader.texts.Entries()
		}
		for class := range classes {
			t, err := s.template(from.first + uint32(class))
			if err != nil {
				return err
			}
			want(t.holes)
			want(t.dotted)
		}
	}
	s.b.want(wanted)
	return nil
}

var messageGiven = []event.Token{{Name: "@m"}}

// siteOf returns the site of a shape's rows; -1 if their templates differ.
func (s *composer) siteOf(shape int) (int32, error) {
	switch at := s.given.at(shape); {
	case at.found == targetNone, at.found == targetLeaf && s.b.schema.columns[at.column].kind == kindNull:
	case at.found == targetLeaf:
		return s.ofTemplate(shape, RestClass, messageGiven)
	default:
		return s.put(site{open: true}), nil
	}
	switch base := s.templates.bases[shape]; {
	case base == RestClass:
		return s.put(site{open: true}), nil
	case base < firstClass:
		return s.ofTemplate(shape, AbsentClass, nil)
	case s.templates.sourceOf(base).by != byEntry:
		return -1, nil
	default:
		return s.ofClass(shape, base)
	}
}

// ofClass returns the site of a shape's rows whose template is a class.
func (s *composer) ofClass(shape int, class uint32) (int32, error) {
	t, err := s.template(class)
	if err != nil {
		return -1, err
	}
	return s.siteWith(shape, t)
}

// template returns the template that is a class.
func (s *composer) template(class uint32) (*messageTemplate, error) {
	if t := s.known[class]; t != nil {
		return t, nil
	}
	text, ok, err := s.templates.Text(class)
	if err != nil {
		return nil, err
	}
	if !ok { // what is no text is no template
		return s.takenApart(AbsentClass, nil), nil
	}
	return s.takenApart(class, event.ParseTemplate(string(text))), nil
}

// ofTemplate is ofClass for a template taken apart.
func (s *composer) ofTemplate(shape int, class uint32, tokens []event.Token) (int32, error) {
	return s.siteWith(shape, s.takenApart(class, tokens))
}

// takenApart returns what is known of a template.
func (s *composer) takenApart(class uint32, tokens []event.Token) *messageTemplate {
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
	return t
}

func (s *composer) put(x site) int32 {
	s.sites = append(s.sites, x)
	return int32(len(s.sites) - 1)
}

// hole finds the member that a hole names in events of a shape.
func (t *messageTemplate) hole(i, shape int) *Field {
	if f := t.holes[i]; f.at(shape).found != targetNone || t.dotted[i] == nil {
		return f
	}
	return t.dotted[i]
}

// siteWith returns the site of a shape's rows that have a template. Shapes whose holes lead to the same places share one.
func (s *composer) siteWith(shape int, t *messageTemplate) (int32, error) {
	if t.formats && s.rendering.at(shape).found != targetNone {
		return s.put(site{open: true}), nil
	}
	s.columns = s.columns[:0]
	for i, f := range t.holes {
		if f == nil {
			continue
		}
		at := t.hole(i, shape).at(shape)
		switch {
		case at.found == targetNone:
			s.columns = append(s.columns, -1)
		case at.found != targetLeaf:
			return s.put(site{open: true}), nil
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
	t.site, err = s.compose(shape, t)
	return t.site, err
}

// compose makes a site.
func (s *composer) compose(shape int, t *messageTemplate) (int32, error) {
	var x site
	for i := range t.tokens {
		part, size, err := s.part(shape, t, i)
		if err != nil {
			return -1, err
		}
		x.size += size
		if last := len(x.parts) - 1; part.token == nil && last >= 0 && x.parts[last].token == nil {
			x.parts[last].text = append(x.parts[last].text, part.text...)
		} else {
			x.parts = append(x.parts, part)
		}
	}
	if x.size > event.MaxMessage { // holes behind so much stay as they are
		x = site{open: true}
	}
	return s.put(x), nil
}

// part returns what a token of a template is in events of a shape, and a bound for its bytes.
func (s *composer) part(shape int, t *messageTemplate, i int) (p messagePart, size int, err error) {
	token := &t.tokens[i]
	p.text = []byte(token.Text)
	if t.holes[i] == nil {
		return p, len(p.text), nil
	}
	f := t.hole(i, shape)
	at := f.at(shape)
	if at.found == targetNone {
		return p, len(p.text), nil
	}
	c := s.b.schema.seat(at.column)
	switch def := &s.b.schema.columns[c]; {
	case def.kind == kindNull:
		p.text = fillHole(token, event.Value{Kind: event.Null})
		return p, len(p.text), nil
	case def.origin.way == wayFixed:
		r, err := s.b.column(c)
		if err != nil {
			return p, 0, err
		}
		v, err := s.b.ownValue(c, r, int(at.nth))
		p.text = fillHole(token, v)
		return p, len(p.text), err
	}
	size, err = s.longest(c, token)
	return messagePart{token: token, field: f, column: c}, size, err
}

// fillHole returns what a value is in a hole.
func fillHole(t *event.Token, v event.Value) []byte {
	return event.AppendMessage(nil, []event.Token{*t}, event.Value{}, func(string) event.Value { return v })
}

// longest bounds the bytes that the values of a column take in a hole.
func (s *composer) longest(c uint32, t *event.Token) (int, error) {
	size := 128 // a number in a format
	if def := &s.b.schema.columns[c]; def.origin.way == wayQuoting {
		size = mostQuoting
	} else if def.kind.isText() && def.origin.way == wayOwn {
		if s.lengths[c] == 0 {
			r, err := s.b.column(c)
			if err != nil {
				return 0, err
			}
			s.lengths[c] = 1 + r.texts.Longest()
		}
		size = max(size, s.lengths[c])
	}
	return size + max(t.Align, -t.Align), nil
}
