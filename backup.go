package stele

import (
	"context"
	"time"

	"github.com/stelehq/stele/internal/backup"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// BackupOptions of a backup. The zero value, as nil, means the defaults.
type BackupOptions struct {
	// Keep is how many backups of the store are kept: older ones are removed once the new one is made. None is removed by one that is not whole. 0: all.
	Keep int
	// FS is the file system of Backup. nil: the operating system's. For tests inside this module.
	FS vfs.FS
}

// Backup is one backup in a directory of backups.
type Backup struct {
	Name      string
	StoreID   string    // of the store that it is a backup of
	Taken     time.Time // when: it is the store as it was then
	Events    int64
	Documents int64
	Files     int
	Bytes     int64    // of all its files, and
	Added     int64    // of those that the pool got by it
	Damage    []Damage // what was lost in the store, and so is not in the backup
	Err       error    // why its description cannot be read; then the rest is zero
	Removed   int      // older backups that were removed after it was made
}

// Backup makes a backup of the store in the directory dest, which is made if absent, beside all other work. The backups in a directory share the
// files that do not change, so that only what is new is copied; several stores may use one directory. When it returns the backup is durable and has been read again.
// What is damaged in the store is left out, unless an earlier backup has it whole, and told in Damage.
//
// Locked: another backup, or a restore, is at work in dest. If it fails, earlier backups are as they were.
func (s *Store) Backup(ctx context.Context, dest string, o *BackupOptions) (*Backup, error) {
	v, err := s.BackupView(ctx)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	var options BackupOptions
	if o != nil {
		options = *o
	}
	options.FS = s.e.FS()
	return MakeBackup(ctx, v, dest, &options)
}

// BackupView is the store at one moment as a backup needs it. Safe for concurrent use. Close it: until then the files stay on disk, deleted ones too.
type BackupView struct{ v *engine.BackupView }

// BackupView pins what the store holds now, for MakeBackup, perhaps in another process. If much is in the journal it is sealed first.
func (s *Store) BackupView(ctx context.Context) (*BackupView, error) {
	v, err := s.e.BackupView(ctx)
	if err != nil {
		return nil, err
	}
	return &BackupView{v}, nil
}

// Close lets go of the files. Harmless when repeated.
func (v *BackupView) Close() error {
	v.v.Release()
	return nil
}

// Plan describes the files. It is not to be changed.
func (v *BackupView) Plan(context.Context) ([]byte, error) { return v.v.Plan(), nil }

// ReadAt reads of the file that the plan calls so. Less than len(p) bytes without an error, or io.EOF, is its end. NotFound: the plan has no such file.
// Corrupt: it is gone. IO: it cannot be read there.
func (v *BackupView) ReadAt(_ context.Context, file string, p []byte, offset int64) (int, error) {
	return v.v.ReadAt(file, p, offset)
}

// BackupSource is where MakeBackup has a store from: a BackupView, or something that reads one from afar with the same answers.
type BackupSource interface {
	Plan(ctx context.Context) ([]byte, error)
	ReadAt(ctx context.Context, file string, p []byte, offset int64) (int, error)
}

var _ BackupSource = (*BackupView)(nil)

// MakeBackup is Store.Backup of a store that source reads. The plan is checked before it is believed.
func MakeBackup(ctx context.Context, source BackupSource, dest string, o *BackupOptions) (*Backup, error) {
	var options BackupOptions
	if o != nil {
		options = *o
	}
	made, err := engine.Backup(ctx, fsOr(options.FS), source, dest, options.Keep)
	if made == nil {
		return nil, err
	}
	b := backupOf(made.Name, made.Description)
	b.Removed = made.Removed
	return &b, err
}

func fsOr(fs vfs.FS) vfs.FS {
	if fs == nil {
		return vfs.OS{}
	}
	return fs
}

func backupOf(name string, d *backup.Description) Backup {
	b := Backup{Name: name, StoreID: d.StoreID.String(), Taken: d.Taken, Events: d.Events, Documents: d.Documents, Added: d.Added}
	for _, f := range d.Files {
		if f.Pool != "" {
			b.Files++
			b.Bytes += f.Size
		}
	}
	for _, found := range d.Damage {
		b.Damage = append(b.Damage, Damage{File: found.File, Offset: found.Offset, What: found.What, Err: fault.New(fault.Corrupt, "", "%s", found.Error)})
	}
	return b
}

// Backups lists the backups in a directory, the oldest first. o may be nil.
func Backups(dir string, o *BackupOptions) ([]Backup, error) {
	if o == nil {
		o = &BackupOptions{}
	}
	d, err := backup.Look(fsOr(o.FS), dir)
	if err != nil {
		return nil, err
	}
	var all []Backup
	for _, name := range d.Backups() {
		desc, err := d.Read(name)
		if err != nil {
			all = append(all, Backup{Name: name, Err: err})
			continue
		}
		all = append(all, backupOf(name, desc))
	}
	return all, nil
}

// BackupReport says what VerifyBackups checked and found wrong.
type BackupReport struct {
	Backups, Files, Bytes int64
	Bad                   []BadBackupFile
}

// BadBackupFile is a file that is missing or not as it was written, and which backups need it.
type BadBackupFile struct {
	Err     error // says which file
	Backups []string
}

// VerifyBackups reads everything that the backups in a directory consist of and compares it with the checksums that were taken when it was written. o may
// be nil. Locked: a backup is at work there.
func VerifyBackups(ctx context.Context, dir string, o *BackupOptions) (*BackupReport, error) {
	if o == nil {
		o = &BackupOptions{}
	}
	d, err := backup.Open(fsOr(o.FS), dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	r, err := d.Verify(ctx)
	if err != nil {
		return nil, err
	}
	out := &BackupReport{Backups: r.Backups, Files: r.Files, Bytes: r.Bytes}
	for _, b := range r.Bad {
		out.Bad = append(out.Bad, BadBackupFile(b))
	}
	return out, nil
}

// RestoreOptions of a restore. The zero value, as nil, means the defaults.
type RestoreOptions struct {
	// Backup is the name of one. Empty: the newest.
	Backup string
	// Salvage restores what is sound of a backup whose files are damaged. Without it such a backup is refused.
	Salvage bool
	// FS is the file system. nil: the operating system's. For tests inside this module.
	FS vfs.FS
}

// Restored says what Restore made.
type Restored struct {
	Backup    string // which one
	StoreID   string // the new store's
	Epoch     uint32 // of its arrival numbers; those that it gives will be of higher ones
	Events    int64
	Documents int64
	Segments  int64
	Bytes     int64    // of the backup's files
	Damage    []Damage // what was lost in the store before the backup was made, and in the backup since
}

// Restore makes a store in dir, which is empty or absent, of a backup in the directory from: with the same events under the same keys and the same
// documents. It is another store: it has an identity of its own, and arrival numbers above any that the backup's store may have given since. o may be nil.
//
// If it is cut off, dir does not open as a store; Restore into it again begins anew. Corrupt: the backup is damaged; VerifyBackups says how, and nothing was made of it.
func Restore(ctx context.Context, from, dir string, o *RestoreOptions) (*Restored, error) {
	if o == nil {
		o = &RestoreOptions{}
	}
	r, err := engine.Restore(ctx, fsOr(o.FS), from, dir, engine.RestoreOptions{Backup: o.Backup, Salvage: o.Salvage})
	if r == nil {
		return nil, err
	}
	return &Restored{r.Backup, r.StoreID, r.Epoch, r.Events, r.Documents, r.Segments, r.Bytes, damageOf(r.Damage)}, err
}
