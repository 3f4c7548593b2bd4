package segment

import (
	"errors"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// A Description is what is in a file, as far as it is sound.
type Description struct {
	Bytes      int64
	FileID     uint64
	Head       *Identity // nil: damaged
	HeadBytes  int64
	Footer     *Info // nil: damaged, as is the index then
	IndexAt    int64
	FooterAt   int64
	FooterSize int64
	Damage     []*fault.Error
}

// A Piece is a block of a file.
type Piece struct {
	Ordinal int
	Offset  int64 // of its header
	Bytes   int64 // with its header
	Meta    Meta
	Body    []byte       // valid until fn returns; nil if it is damaged
	Bad     *fault.Error // what is wrong with it
}

// Describe tells what a segment's ends say and calls fn with each of its blocks: those of the index, or where that is damaged those found without it.
func Describe(fs vfs.FS, name string, fn func(Piece) error) (d Description, err error) {
	f, err := fs.Open(name)
	if err != nil {
		return d, fault.Wrap(err, "inspect segment", "cannot open the file").At(name, fault.NoOffset)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if d.Bytes, err = f.Size(); err != nil {
		return d, fault.WrapAs(fault.IO, err, "inspect segment", "no length").At(name, fault.NoOffset)
	}
	r := &Reader{fs: fs, file: f, name: name}
	bad := r.load()
	if !r.small {
		fileID, id, end, err := readHead(f, d.Bytes, name)
		if err == nil {
			d.FileID, d.Head, d.HeadBytes = fileID, &id, end
		} else if err := d.note(err); err != nil {
			return d, err
		}
	}
	if err := bad; err != nil {
		if err := d.note(err); err != nil {
			return d, err
		}
		return d, d.salvage(fs, name, fn)
	}
	if r.small {
		body, err := r.ReadBlock(0, nil)
		if err != nil {
			return d, d.note(err)
		}
		d.Footer, d.FooterAt, d.FooterSize = &r.footer.info, int64(len(body)), d.Bytes-int64(len(body))
		d.IndexAt = d.FooterAt
		return d, fn(Piece{Bytes: int64(len(body)), Meta: r.entries[0].meta, Body: body})
	}
	d.FileID, d.Footer, d.IndexAt = r.footer.fileID, &r.footer.info, int64(r.footer.indexOffset)
	d.FooterAt = d.IndexAt + int64(len(r.entries))*entrySize
	d.FooterSize = d.Bytes - d.FooterAt
	var buf []byte
	for i, e := range r.entries {
		p := Piece{Ordinal: i, Offset: e.offset, Bytes: blockHeaderSize + int64(e.length), Meta: e.meta}
		body, err := r.ReadBlock(i, buf)
		if err != nil && !errors.As(err, &p.Bad) {
			return d, err
		}
		if p.Body = body; body != nil && cap(body)+blockHeaderSize > cap(buf) {
			buf = make([]byte, 0, cap(body)+blockHeaderSize)
		}
		if err := fn(p); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (d *Description) note(err error) error {
	var e *fault.Error
	if errors.As(err, &e) && (e.Kind == fault.Corrupt || e.Kind == fault.Unsupported) {
		d.Damage = append(d.Damage, e)
		return nil
	}
	return err
}

func (d *Description) salvage(fs vfs.FS, name string, fn func(Piece) error) error {
	ordinal := 0
	_, damage, err := Salvage(fs, name, func(body []byte, m Meta) error {
		p := Piece{Ordinal: ordinal, Offset: fault.NoOffset, Bytes: blockHeaderSize + int64(len(body)), Meta: m, Body: body}
		ordinal++
		return fn(p)
	})
	for _, e := range damage {
		if !d.told(e) {
			d.Damage = append(d.Damage, e)
		}
	}
	if fault.KindOf(err) == fault.Unsupported {
		return nil
	}
	return err
}

func (d *Description) told(e *fault.Error) bool {
	for _, o := range d.Damage {
		if o.Error() == e.Error() {
			return true
		}
	}
	return false
}
