package block

import (
	"bytes"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/membership"
)

// A Layout is what is inside a block, for people: of a damaged one as far as it could be read.
type Layout struct {
	Version  int
	Bytes    int
	Rows     int
	Sections []SectionLayout
	Shapes   []ShapeLayout
	Columns  []ColumnLayout
	Sets     []SetLayout
}

// A SetLayout is the set of a column's texts.
type SetLayout struct {
	Name  string
	Bytes int64 // of fingerprints
}

// A SectionLayout is a section of a block.
type SectionLayout struct {
	Method        string
	Stored, Bytes int
	Sum           bool   // whether its checksum is right
	Holds         string // the payloads in it, or the first of them
}

// A ShapeLayout is one list of members that events have.
type ShapeLayout struct {
	Rows    int
	Members []string // columns by number, "name{" and "}" for objects
}

// A ColumnLayout is one kind of value under one name.
type ColumnLayout struct {
	Path    string // names joined by dots
	Kind    string
	Origin  string // empty: it has values of its own
	Form    string // how they are written
	Values  int
	Bytes   int // unpacked
	Section int
	Bad     error
}

// Inspect describes a block's bytes. err is what Open says of them.
func Inspect(data []byte, base uint64) (l Layout, b *Block, err error) {
	l.Bytes = len(data)
	b, err = Open(data, base)
	if err != nil {
		b = &Block{schema: &schema{}}
		told, bad := b.readWhole(data)
		if bad != nil || told != nil {
			return l, nil, err
		}
		l.Rows = b.rows
		_ = b.checkSections() // names the columns if it can
	} else {
		l.Rows = b.Rows()
	}
	l.Version = version
	if t := b.told; t != nil {
		l.Sections = []SectionLayout{{Method: [...]string{"terse", "zstd with a vocabulary"}[t.how], Stored: t.code, Bytes: t.text, Sum: true, Holds: "the events as text, of which the columns are made when it is opened"}}
	}
	for i := range b.sections {
		if b.told != nil {
			break
		}
		s := &b.sections[i]
		l.Sections = append(l.Sections, SectionLayout{Method: [methods]string{"raw", "s2", "zstd"}[s.method], Stored: len(s.stored), Bytes: s.size, Sum: s.err == nil, Holds: b.describeSection(i)})
	}
	if err != nil {
		return l, nil, err
	}
	for i := range b.schema.shapes {
		l.Shapes = append(l.Shapes, b.shapeLayout(&b.schema.shapes[i]))
	}
	for i := range b.columns {
		l.Columns = append(l.Columns, b.columnLayout(uint32(i)))
	}
	if len(b.sets) > 0 {
		names, sizes, err := membership.Names(bytes.NewReader(b.sets), int64(len(b.sets)))
		if err != nil {
			return l, b, err
		}
		for i, name := range names {
			l.Sets = append(l.Sets, SetLayout{name, sizes[i]})
		}
	}
	return l, b, nil
}

func (b *Block) shapeLayout(sh *shape) ShapeLayout {
	s := ShapeLayout{Rows: sh.rows}
	for _, t := range sh.tokens {
		switch {
		case t == closing:
			s.Members = append(s.Members, "}")
		case t.isOpen():
			s.Members = append(s.Members, b.schema.objects[t.id()].name+"{")
		default:
			s.Members = append(s.Members, b.schema.columns[t.id()].name)
		}
	}
	return s
}

func (b *Block) columnLayout(i uint32) ColumnLayout {
	def := &b.schema.columns[i]
	c := ColumnLayout{Path: b.schema.names(i), Kind: def.kind.String(), Values: b.columns[i].values}
	if !def.kind.hasData() {
		return c
	}
	p := b.payloads[payloadColumns+int(i)]
	c.Bytes, c.Section = p.end-p.start, p.section
	r, err := b.column(i)
	if err != nil {
		c.Bad = fault.Wrap(err, opDecode, "column %d", i)
		return c
	}
	c.Origin, c.Form = b.describeOrigin(def, r), r.form(def.kind)
	return c
}
