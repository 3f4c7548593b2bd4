package engine

import (
	"context"
	"io"
	"slices"

	"github.com/stelehq/stele/internal/backup"
	"github.com/stelehq/stele/internal/document"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/segment"
	"github.com/stelehq/stele/internal/vfs"
)

// MadeBackup is a new backup, and what the pool has of it.
type MadeBackup struct {
	Name string
	*backup.Description
	New     int // files of the pool that this backup brought
	Removed int // older backups that were pruned
	Freed   int // files of the pool that went with them
}

// Backup makes a backup in dir, and then prunes the store's older ones there if keep is above 0. What is damaged in the store, and not whole in the pool
// from an earlier backup, is left out and told in the description; nothing is pruned then.
//
// The order that makes it safe: every file of the pool is whole, durable and read again before it has its name, all names are durable before the
// description is written, and that has its name last. A backup that is cut off leaves files that the next one finds and takes, or nobody names.
func Backup(ctx context.Context, fs vfs.FS, source BackupSource, dir string, keep int) (made *MadeBackup, err error) {
	d, err := backup.Create(fs, dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := d.Close(); err == nil {
			err = cerr
		}
	}()
	text, err := source.Plan(ctx)
	if err != nil {
		return nil, err
	}
	desc, err := backup.Decode(text)
	if err != nil {
		return nil, fault.Wrap(err, "make backup", "the store's plan cannot be used")
	}
	m := &maker{fs: fs, d: d, source: source, desc: desc, known: map[string]*backup.File{}, buf: make([]byte, copyChunk)}
	if _, before, _, err := d.Newest(desc.StoreID); err == nil {
		for i := range before.Files {
			m.known[before.Files[i].Pool] = &before.Files[i]
		}
	}
	for i := range desc.Files {
		if err := m.file(ctx, &desc.Files[i]); err != nil {
			return nil, err
		}
	}
	if err := m.checkDocuments(ctx); err != nil {
		return nil, err
	}
	name, err := d.Commit(desc)
	if err != nil {
		return nil, err
	}
	made = &MadeBackup{Name: name, Description: desc, New: m.brought}
	if keep > 0 && len(desc.Damage) == 0 {
		if made.Removed, made.Freed, err = d.Prune(desc.StoreID, keep); err != nil {
			return made, fault.Wrap(err, "make backup", "%s is made; older ones could not be pruned", name)
		}
	}
	return made, nil
}

// copyChunk is how much of a file is read at once, and unreadChunk how much is given up where it cannot be read.
const (
	copyChunk   = 1 << 20
	unreadChunk = 4 << 10
)

// A maker makes one backup.
type maker struct {
	fs      vfs.FS
	d       *backup.Directory
	source  BackupSource
	desc    *backup.Description
	known   map[string]*backup.File // files of the pool that the newest backup before names
	brought int
	buf     []byte
}

// lost notes what the backup cannot have of a file, or what the store has lost of it.
func (m *maker) lost(f *backup.File, err error, what string) {
	note := damageNote(damageOf(err, what))
	note.File = storeName(f)
	if !slices.ContainsFunc(m.desc.Damage, func(d backup.Damage) bool {
		return d.File == note.File && d.Offset == note.Offset && d.What == note.What
	}) {
		m.desc.Damage = append(m.desc.Damage, note)
	}
}

// file brings one file into the pool, unless it is there.
func (m *maker) file(ctx context.Context, f *backup.File) error {
	f.Pool, f.Size, f.SHA256 = "", 0, backup.Sum{} // a plan has none of these
	pool := f.Name(m.desc.StoreID)
	if m.d.Size(pool) == f.Bytes {
		if k := m.known[pool]; k != nil && k.Size == f.Bytes {
			f.Pool, f.Size, f.SHA256 = pool, k.Size, k.SHA256
			return nil
		}
		// Of a backup that was cut off, or pruned.
		if bad, err := m.check(ctx, f, m.d.Path(pool)); err != nil {
			return err
		} else if len(bad) == 0 {
			size, sum, err := backup.SumOf(ctx, m.fs, m.d.Path(pool))
			if err != nil {
				return err
			}
			f.Pool, f.Size, f.SHA256 = pool, size, sum
			return nil
		}
	}
	w, err := m.d.Draft(pool)
	if err != nil {
		return err
	}
	defer w.Drop()
	unread, err := m.copy(ctx, w, f, pool)
	if err != nil {
		return err
	}
	size, sum, err := w.Done()
	if err != nil {
		return err
	}
	bad, err := m.check(ctx, f, w.Name())
	if err != nil {
		return err
	}
	if unread != nil {
		bad = append([]error{unread}, bad...)
	}
	if len(bad) == 0 && size < f.Bytes {
		// It ends with a whole frame, after all that the plan names; what is missing may be deletions.
		bad = append(bad, fault.New(fault.Corrupt, "make backup", "expected %d bytes, found %d", f.Bytes, size).At(storeName(f), size))
	}
	if len(bad) == 0 {
		return m.keep(f, w, pool, size, sum)
	}
	if f.Kind == backup.Segment {
		return m.salvage(ctx, f, w.Name(), bad)
	}
	for _, err := range bad {
		m.lost(f, err, "")
	}
	if size == 0 {
		return nil
	}
	// What is sound in a log is found where it is.
	return m.keep(f, w, f.SalvagedName(m.desc.StoreID, size, sum), size, sum)
}

func (m *maker) keep(f *backup.File, w *backup.Draft, pool string, size int64, sum backup.Sum) error {
	if err := w.Keep(pool); err != nil {
		return err
	}
	m.has(f, pool, size, sum)
	return nil
}

// has notes what the pool has got.
func (m *maker) has(f *backup.File, pool string, size int64, sum backup.Sum) {
	f.Pool, f.Size, f.SHA256 = pool, size, sum
	m.desc.Added += size
	m.brought++
}

// copy writes a file's bytes. Those that cannot be read become zeros, and the first reason is returned apart.
func (m *maker) copy(ctx context.Context, w io.Writer, f *backup.File, pool string) (unread, err error) {
	buf := m.buf
	for at := int64(0); at < f.Bytes; {
		if err := ctx.Err(); err != nil {
			return nil, fault.WrapAs(fault.Canceled, err, "make backup", "the caller gave up")
		}
		p := buf[:min(int64(len(buf)), f.Bytes-at)]
		n, err := m.source.ReadAt(ctx, pool, p, at)
		switch kind := fault.KindOf(err); {
		case (err == nil || err == io.EOF) && n < len(p):
			// The file ends here. Checking it says what is lost by that.
			_, err := w.Write(p[:n])
			return unread, err
		case err == nil:
			buf = m.buf
		case kind == fault.Corrupt:
			return err, nil
		case kind != fault.IO:
			return nil, err
		case len(p) > unreadChunk:
			buf = m.buf[:unreadChunk] // what is sound around it
			continue
		default:
			if unread == nil {
				unread = err
			}
			clear(p)
		}
		if _, err := w.Write(p); err != nil {
			return nil, err
		}
		at += int64(len(p))
	}
	return unread, nil
}

// check reads a copy and returns what is wrong with it.
func (m *maker) check(ctx context.Context, f *backup.File, name string) (bad []error, err error) {
	note := func(err error) error {
		switch fault.KindOf(err) {
		case 0:
		case fault.Corrupt:
			bad = append(bad, err)
		default:
			return err
		}
		return nil
	}
	switch f.Kind {
	case backup.Segment:
		r, err := segment.Open(m.fs, name, nil)
		if err != nil {
			return bad, note(err)
		}
		defer r.Release()
		id := r.Info().Identity
		if id.StoreID != m.desc.StoreID || id.Number != f.Number {
			return append(bad, fault.New(fault.Corrupt, "make backup", "expected segment %d of store %s, found segment %d of store %x", f.Number, m.desc.StoreID, id.Number, id.StoreID).
				At(name, fault.NoOffset)), nil
		}
		if err := note(inOrder(r)); err != nil {
			return bad, err
		}
		damage, err := r.Verify(ctx)
		for _, d := range damage {
			bad = append(bad, d)
		}
		return bad, err
	case backup.Journal:
		res, err := journal.ReplayFile(m.fs, name, &journal.Cut{Number: f.Number, Sequence: f.Last}, func(journal.Group) error {
			if err := ctx.Err(); err != nil {
				return fault.WrapAs(fault.Canceled, err, "make backup", "the caller gave up")
			}
			return nil
		})
		if res.HeaderLost {
			bad = append(bad, fault.New(fault.Corrupt, "make backup", "both copies of the header are damaged").At(name, 0))
		}
		for _, d := range res.Damage {
			bad = append(bad, d)
		}
		return bad, note(err)
	}
	file, err := m.fs.Open(name)
	if err != nil {
		return nil, fault.Wrap(err, "make backup", "cannot open a file").At(name, fault.NoOffset)
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return nil, fault.Wrap(err, "make backup", "cannot tell a file's size").At(name, fault.NoOffset)
	}
	res, err := frame.ScanDurable(file, size, name, f.Last, func(frame.Frame) error { return nil })
	for _, d := range res.Damage {
		bad = append(bad, d)
	}
	return bad, note(err)
}

// salvage brings what is sound of a damaged segment into the pool, as a segment of the same identity.
func (m *maker) salvage(ctx context.Context, f *backup.File, from string, bad []error) error {
	tmp := m.d.Temporary(f.SalvagedName(m.desc.StoreID, f.Bytes, backup.Sum{}))
	_ = m.fs.Remove(tmp) // litter of an earlier try, perhaps
	id := segment.Identity{StoreID: m.desc.StoreID, Number: f.Number}
	info, err := cloneSegment(ctx, m.fs, from, tmp, id, func(error, int64) error { return nil })
	if err != nil {
		return err
	}
	rows := f.Rows
	f.Rows = info.Rows
	for _, err := range bad {
		m.lost(f, err, storeName(f)+": "+plural(rows-info.Rows, "event")+" of "+plural(rows, "event"))
	}
	if info.Blocks == 0 {
		return nil
	}
	size, sum, err := backup.SumOf(ctx, m.fs, tmp)
	if err != nil {
		return err
	}
	pool := f.SalvagedName(m.desc.StoreID, size, sum)
	if err := m.d.Keep(tmp, pool); err != nil {
		return err
	}
	m.has(f, pool, size, sum)
	return nil
}

// storeName is what a file is called in its store.
func storeName(f *backup.File) string {
	switch f.Kind {
	case backup.Segment:
		return segmentName(f.Number)
	case backup.Journal:
		return journal.Name(f.Number)
	}
	return documentNames.Name(f.Number)
}

// checkDocuments reads the documents of the backup, which lie in several files.
func (m *maker) checkDocuments(ctx context.Context) error {
	files, of := documentsOf(m.d, m.desc)
	damage, err := document.Check(ctx, m.fs, files, m.desc.StoreID)
	for _, d := range damage {
		if d.Kind != fault.Corrupt {
			return d
		}
		f := of[d.File]
		if f == nil {
			f = &backup.File{Kind: backup.Document} // one that is missing: its name is in the text
		}
		m.lost(f, d, "")
	}
	return err
}

// documentsOf returns the files of the pool that have the documents, and of each by its name what it is.
func documentsOf(d *backup.Directory, desc *backup.Description) (files []document.Named, of map[string]*backup.File) {
	of = map[string]*backup.File{}
	for i := range desc.Files {
		if f := &desc.Files[i]; f.Kind == backup.Document && f.Pool != "" {
			files = append(files, document.Named{Number: f.Number, Name: d.Path(f.Pool)})
			of[d.Path(f.Pool)] = f
		}
	}
	return files, of
}
