package engine

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"path"
	"slices"

	"github.com/stelehq/stele/internal/backup"
	"github.com/stelehq/stele/internal/document"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/vfs"
)

// Restored says what a restore made.
type Restored struct {
	Backup            string
	StoreID           string
	Epoch             uint32
	Events, Documents int64    // events as the backup counts them
	Segments, Bytes   int64    // bytes of the backup's files
	Damage            []Damage // what the backup's store had lost, and what the backup has lost since
}

// RestoreOptions of a restore.
type RestoreOptions struct {
	Backup  string // its name; empty: the newest
	Salvage bool   // restores what is sound of a damaged backup; else it is refused
}

// Restore makes a store of a backup in the directory from: with the same events under the same keys, the same documents, an identity of its own, and an
// epoch above whatever the backup's store may have issued since (R2). dir is made, or is empty; or has what a restore left that was cut off.
//
// The directory has the file RESTORING from before anything else is in it until all of it is durable; a directory with that file does not open.
func Restore(ctx context.Context, fs vfs.FS, from, dir string, o RestoreOptions) (done *Restored, err error) {
	d, err := backup.Open(fs, from)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	name, desc, err := chooseBackup(d, o.Backup)
	if err != nil {
		return nil, err
	}
	edit, err := manifest.DecodeEdit(desc.Catalog)
	if err != nil {
		return nil, fault.Wrap(err, "restore", "the catalog in the description of %s cannot be read", name)
	}
	r := &restore{fs: fs, d: d, desc: desc, o: o, c: clone{fs: fs, dir: dir}, done: &Restored{Backup: name, Events: desc.Events}, damaged: map[string]bool{}}
	for _, d := range desc.Damage {
		r.done.Damage = append(r.done.Damage, Damage{File: d.File, Offset: d.Offset, What: d.What, Err: fault.New(fault.Corrupt, "", "%s", d.Error)})
	}
	if err := r.take(edit); err != nil {
		return nil, err
	}
	m := &making{fs, dir, "restore", "A store is being restored here from " + name + " of " + path.Dir(d.Path("x")) + "."}
	lock, err := m.begin()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := r.run(ctx); err != nil {
		m.undo()
		return nil, err
	}
	return r.done, m.finish()
}

func chooseBackup(d *backup.Directory, name string) (string, *backup.Description, error) {
	if name == "" {
		all := d.Backups()
		if len(all) == 0 {
			return "", nil, fault.New(fault.NotFound, "restore", "there is no backup in %s", path.Dir(d.Path("x")))
		}
		name = all[len(all)-1]
	}
	desc, err := d.Read(name)
	if err != nil {
		e := fault.Wrap(err, "restore", "%s cannot be restored", name)
		if e.Kind == fault.Corrupt {
			e.WithHint("stele backup --list shows the others; name one with --backup")
		}
		return "", nil, e
	}
	return name, desc, nil
}

type restore struct {
	fs   vfs.FS
	d    *backup.Directory
	desc *backup.Description
	o    RestoreOptions
	c    clone
	done *Restored

	damaged map[string]bool // files of the pool
}

// take gives the new store its identity and what the backup's catalog says besides segments and journals.
func (r *restore) take(edit manifest.Edit) error {
	_, _ = rand.Read(r.c.storeID[:]) // never fails: crypto/rand
	var random [4]byte
	_, _ = rand.Read(random[:])
	epoch, err := restoredEpoch(edit.Epoch, binary.LittleEndian.Uint32(random[:]))
	if err != nil {
		return err
	}
	edit.StoreID, edit.Epoch, edit.Add, edit.Journal, edit.Documents = r.c.storeID, epoch, nil, manifest.JournalEnd{}, manifest.JournalEnd{}
	r.c.catalog.Apply(edit)
	r.done.StoreID, r.done.Epoch = hex.EncodeToString(r.c.storeID[:]), epoch
	return nil
}

// run writes everything, the catalog last.
func (r *restore) run(ctx context.Context) error {
	files := slices.Clone(r.desc.Files)
	slices.SortFunc(files, byKind)
	for i := range files {
		if files[i].Pool == "" {
			continue // the description has what is lost
		}
		if err := r.file(ctx, &files[i]); err != nil {
			return err
		}
	}
	if err := r.documents(ctx); err != nil {
		return err
	}
	return r.c.finish()
}

// file restores one file, documents alone excepted. What is wrong inside of a log that is as the description has it was so in the store, which the
// description tells; segments in the pool are sound.
func (r *restore) file(ctx context.Context, f *backup.File) error {
	bad := r.d.Check(ctx, f)
	switch kind := fault.KindOf(bad); {
	case bad == nil:
		r.done.Bytes += f.Size
	case kind != fault.Corrupt && kind != fault.IO:
		return bad
	case !r.o.Salvage:
		return fault.Wrap(bad, "restore", "%s is damaged: it has %s no more", r.done.Backup, storeName(f)).
			WithHint("restore another one, with --backup; or what is sound of this one, with --salvage")
	default:
		r.damaged[f.Pool] = true
		r.lost(f, bad)
		if errors.Is(bad, fault.NotFound) {
			return nil
		}
	}
	lost := func(err error, _ int64) error {
		switch {
		case bad != nil:
			r.lost(f, err)
		case !f.Salvaged() || fault.KindOf(err) != fault.Corrupt:
			return err
		}
		return nil
	}
	switch f.Kind {
	case backup.Segment:
		info, err := r.c.segment(ctx, r.d.Path(f.Pool), manifest.Segment{Number: f.Number, Rows: f.Rows, Applied: f.Applied, Hidden: f.Hidden}, lost)
		if info.Blocks > 0 {
			r.done.Segments++
		}
		return err
	case backup.Journal:
		return r.c.journal(ctx, r.d.Path(f.Pool), f.Number, f.Last, lost)
	}
	return nil
}

// lost notes damage to the backup.
func (r *restore) lost(f *backup.File, err error) {
	r.done.Damage = append(r.done.Damage, damageOf(err, "a part of "+storeName(f)))
}

func (r *restore) documents(ctx context.Context) error {
	files, of := documentsOf(r.d, r.desc)
	n, damage, err := document.Clone(ctx, r.fs, files, r.desc.StoreID, r.c.dir, r.c.storeID)
	r.done.Documents = n
	for _, d := range damage {
		f := of[d.File]
		if d.Kind != fault.Corrupt && !r.o.Salvage {
			return fault.Wrap(d, "restore", "documents cannot be read")
		}
		if f != nil && (r.damaged[f.Pool] || d.Kind != fault.Corrupt) {
			r.lost(f, d)
		}
	}
	return err
}
