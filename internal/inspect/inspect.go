// Package inspect tells what is inside the files of a store, damaged or not, for people and for programs. It changes nothing and takes no lock.
package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/segment"
	"github.com/stelehq/stele/internal/vfs"
)

// A Part is a file, or something in one.
type Part struct {
	Kind   string  `json:"kind"`
	Name   string  `json:"name,omitempty"`
	Offset int64   `json:"offset"` // in the file; -1 if not known
	Bytes  int64   `json:"bytes"`
	Facts  Facts   `json:"facts,omitempty"`
	Damage string  `json:"damage,omitempty"`
	Parts  []*Part `json:"parts,omitempty"`
}

// Facts are what is known of a part, in the order in which they are to be shown.
type Facts []Fact

// A Fact is a name and a value: a string, a number, true or false.
type Fact struct {
	Name  string
	Value any
}

// MarshalJSON gives an object.
func (f Facts) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, fact := range f {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := json.Marshal(fact.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(fact.Value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

func (p *Part) add(name string, value any) { p.Facts = append(p.Facts, Fact{name, value}) }

// damaged notes what is wrong; only the first thing is kept, others are parts of their own.
func (p *Part) damaged(err error) {
	if p.Damage == "" {
		p.Damage = err.Error()
		return
	}
	p.Parts = append(p.Parts, &Part{Kind: "damage", Offset: fault.NoOffset, Damage: err.Error()})
}

// IsDamaged says whether anything is wrong with the part or what is in it.
func (p *Part) IsDamaged() bool {
	return p.Damage != "" || slices.ContainsFunc(p.Parts, (*Part).IsDamaged)
}

// Options choose how much is told.
type Options struct {
	Columns bool // what is inside each block
}

// Path describes a file of a store, or the directory. Damage is part of the answer; an error is one of reading at all, or tells of what is no file
// of a store (Invalid).
func Path(fs vfs.FS, name string, o Options) (*Part, error) {
	names, err := fs.List(name)
	if err == nil {
		return directory(fs, name, names, o)
	}
	in := inspection{fs: fs, name: name, o: o}
	return in.file()
}

// directory describes each file of a store.
func directory(fs vfs.FS, dir string, names []string, o Options) (*Part, error) {
	p := &Part{Kind: "store", Name: dir}
	slices.Sort(names)
	for _, name := range names {
		in := inspection{fs: fs, name: path.Join(dir, name), o: o}
		f, err := in.file()
		if err != nil && !errors.Is(err, fault.Invalid) {
			return nil, err
		}
		if err != nil {
			f = &Part{Kind: "unknown", Name: name}
			f.add("note", "not a file of a store")
		}
		f.Name = name
		p.Bytes += f.Bytes
		p.Parts = append(p.Parts, f)
	}
	p.add("files", len(p.Parts))
	return p, nil
}

// An inspection is of one file.
type inspection struct {
	fs   vfs.FS
	name string
	o    Options
}

func (in *inspection) file() (*Part, error) {
	f, err := in.fs.Open(in.name)
	if err != nil {
		return nil, fault.Wrap(err, "inspect", "cannot open the file").At(in.name, fault.NoOffset)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, fault.WrapAs(fault.IO, err, "inspect", "no length").At(in.name, fault.NoOffset)
	}
	p := &Part{Name: in.name, Bytes: size}
	start := make([]byte, min(size, 64))
	if n, err := f.ReadAt(start, 0); n < len(start) && path.Base(in.name) != "LOCK" { // which its owner may let nobody read
		return nil, fault.WrapAs(fault.IO, err, "inspect", "cannot read the file").At(in.name, 0)
	}
	base := path.Base(in.name)
	switch {
	case strings.HasSuffix(base, ".tmp"):
		p.Kind = "litter"
		p.add("note", "of an interrupted replacement; the next writable open removes it")
	case base == "LOCK":
		p.Kind = "lock"
		p.add("owner", strings.TrimSpace(strings.ToValidUTF8(string(start), "?")))
	case base == "CURRENT":
		p.Kind = "current"
		p.add("manifest", strings.TrimSuffix(strings.ToValidUTF8(string(start), "?"), "\n"))
	case base == "reserve":
		p.Kind = "reserve"
		p.add("note", "given up to make deletes possible on a full disk")
	case strings.HasSuffix(base, ".seg") || strings.HasPrefix(string(start), "STLS"):
		return p, in.segment(p)
	case strings.HasSuffix(base, ".log") || strings.HasPrefix(string(start), "STLF"):
		return p, in.log(p, f, size)
	default:
		return nil, fault.New(fault.Invalid, "inspect", "%s is not a file of a store", in.name)
	}
	return p, nil
}

func (p *Part) keys(minKey, maxKey event.Key, minArrival, maxArrival uint64) {
	p.add("first", timeText(minKey))
	p.add("last", timeText(maxKey))
	p.add("first key", minKey.String())
	p.add("last key", maxKey.String())
	p.add("arrivals", fmt.Sprintf("%d to %d", minArrival, maxArrival))
}

func timeText(k event.Key) string { return string(event.AppendTime(nil, k.Instant())) }

func (in *inspection) segment(p *Part) error {
	p.Kind = "segment"
	d, err := segment.Describe(in.fs, in.name, func(b segment.Piece) error {
		part := &Part{Kind: "block", Offset: b.Offset, Bytes: b.Bytes}
		part.add("ordinal", b.Ordinal)
		part.add("rows", b.Meta.Rows)
		part.add("bytes per event", ratio(b.Bytes, b.Meta.Rows))
		part.keys(b.Meta.MinKey, b.Meta.MaxKey, b.Meta.MinArrival, b.Meta.MaxArrival)
		if b.Bad != nil {
			part.damaged(b.Bad)
		} else {
			in.block(part, b.Body, b.Meta.Base)
		}
		p.Parts = append(p.Parts, part)
		return nil
	})
	if err != nil {
		return err
	}
	if d.FileID != 0 {
		p.add("file id", fmt.Sprintf("%016x", d.FileID))
	}
	head := d.Head
	if f := d.Footer; f != nil {
		p.add("rows", f.Rows)
		p.add("blocks", f.Blocks)
		p.add("bytes per event", ratio(p.Bytes, int(f.Rows)))
		p.keys(f.MinKey, f.MaxKey, f.MinArrival, f.MaxArrival)
		head = &f.Identity
	}
	if head != nil {
		p.add("number", head.Number)
		p.add("store id", fmt.Sprintf("%x", head.StoreID))
		p.add("replaces journals", numbers(head.Journals))
		p.add("replaces segments", numbers(head.Segments))
	}
	if d.Head != nil {
		p.Parts = slices.Insert(p.Parts, 0, &Part{Kind: "head", Bytes: d.HeadBytes})
	}
	if d.Footer != nil && d.FooterAt > d.IndexAt {
		p.Parts = append(p.Parts, &Part{Kind: "index", Offset: d.IndexAt, Bytes: d.FooterAt - d.IndexAt})
	}
	if d.Footer != nil {
		p.Parts = append(p.Parts, &Part{Kind: "footer", Offset: d.FooterAt, Bytes: d.FooterSize})
	}
	for _, e := range d.Damage {
		p.damaged(e)
	}
	return nil
}

// ratio is bytes for each of n things, to a tenth.
func ratio(bytes int64, n int) float64 {
	if n <= 0 {
		return 0
	}
	return float64(bytes*10/int64(n)) / 10
}

func numbers(list []uint64) string {
	if len(list) == 0 {
		return "none"
	}
	var text []string
	for _, n := range list {
		text = append(text, fmt.Sprint(n))
	}
	return strings.Join(text, " ")
}

// block adds what is inside a block.
func (in *inspection) block(p *Part, data []byte, base uint64) {
	l, _, err := block.Inspect(data, base)
	if err != nil {
		p.damaged(err)
	}
	p.add("format", l.Version)
	p.add("shapes", len(l.Shapes))
	p.add("columns", len(l.Columns))
	if !in.o.Columns && err == nil {
		return
	}
	for i, s := range l.Shapes {
		part := &Part{Kind: "shape", Offset: fault.NoOffset, Name: fmt.Sprint(i)}
		part.add("rows", s.Rows)
		part.add("members", strings.Join(s.Members, " "))
		p.Parts = append(p.Parts, part)
	}
	for i, c := range l.Columns {
		part := &Part{Kind: "column", Offset: fault.NoOffset, Name: fmt.Sprintf("%d %s", i, c.Path), Bytes: int64(c.Bytes)}
		part.add("type", c.Kind)
		part.add("values", c.Values)
		part.add("bytes per value", ratio(int64(c.Bytes), c.Values))
		part.add("section", c.Section)
		if text := c.Origin + c.Form; text != "" {
			part.add("form", text)
		}
		if c.Bad != nil {
			part.damaged(c.Bad)
		}
		p.Parts = append(p.Parts, part)
	}
	for _, s := range l.Sets {
		part := &Part{Kind: "set", Offset: fault.NoOffset, Name: s.Name, Bytes: s.Bytes}
		p.Parts = append(p.Parts, part)
	}
	for i, s := range l.Sections {
		part := &Part{Kind: "section", Offset: fault.NoOffset, Name: fmt.Sprint(i), Bytes: int64(s.Stored)}
		part.add("method", s.Method)
		part.add("unpacked", s.Bytes)
		part.add("holds", s.Holds)
		if !s.Sum {
			part.Damage = "its checksum is wrong"
		}
		p.Parts = append(p.Parts, part)
	}
}
