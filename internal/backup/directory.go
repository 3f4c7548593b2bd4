package backup

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

const (
	lockName  = "LOCK"
	tmpSuffix = ".tmp"
)

// names are those of descriptions. Numbers rise.
var names = vfs.Numbered{Prefix: "backup-", Suffix: ".json"}

// Directory is a directory of backups. Not for concurrent use.
type Directory struct {
	fs    vfs.FS
	dir   string
	lock  io.Closer
	files map[string]bool // that are in it
}

// Create opens the directory for a new backup, and makes it if there is none. Locked: a backup, or what reads one, is at work in it. Invalid: it is
// the directory of a store.
func Create(fs vfs.FS, dir string) (*Directory, error) {
	const op = "make backup"
	if _, err := fs.List(dir); err != nil {
		if err := fs.MkdirAll(dir); err != nil {
			return nil, fault.Wrap(err, op, "cannot make the directory").At(dir, fault.NoOffset)
		}
	}
	d := &Directory{fs: fs, dir: dir}
	if err := d.list(); err != nil {
		return nil, err
	}
	if d.files["CURRENT"] {
		return nil, fault.New(fault.Invalid, op, "%s is the directory of a store", dir).WithHint("choose another directory for backups")
	}
	if err := d.take(true); err != nil {
		return nil, err
	}
	// Again: who held the lock before may have changed it.
	if err := d.list(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	for name := range d.files {
		if strings.HasSuffix(name, tmpSuffix) && (poolNames.MatchString(strings.TrimSuffix(name, tmpSuffix)) || isDescription(strings.TrimSuffix(name, tmpSuffix))) {
			_ = fs.Remove(d.path(name)) // litter of one that was cut off; if it stays, whoever meets it tries again
		}
	}
	return d, nil
}

// Open opens the directory for reading: nothing goes from it until Close. NotFound: there is no such directory.
func Open(fs vfs.FS, dir string) (*Directory, error) {
	d := &Directory{fs: fs, dir: dir}
	if err := d.list(); err != nil {
		return nil, err
	}
	if err := d.take(false); err != nil {
		return nil, err
	}
	return d, nil
}

// Look opens the directory for reading beside whoever works in it. Files may go.
func Look(fs vfs.FS, dir string) (*Directory, error) {
	d := &Directory{fs: fs, dir: dir}
	return d, d.list()
}

func (d *Directory) list() error {
	all, err := d.fs.List(d.dir)
	if err != nil {
		return fault.Wrap(err, "open backups", "cannot list the directory").At(d.dir, fault.NoOffset)
	}
	d.files = make(map[string]bool, len(all))
	for _, name := range all {
		d.files[name] = true
	}
	return nil
}

func (d *Directory) take(exclusive bool) error {
	content, err := json.Marshal(struct {
		PID int `json:"pid"`
	}{os.Getpid()})
	if err != nil {
		return fault.WrapAs(fault.Internal, err, "open backups", "cannot describe this process")
	}
	lock, _, err := d.fs.Lock(d.path(lockName), exclusive, append(content, '\n'))
	if errors.Is(err, fault.Locked) {
		return fault.Wrap(err, "open backups", "a backup, or a restore, is at work in %s", d.dir).At(d.dir, fault.NoOffset).WithHint("try again when it has ended")
	}
	if err != nil {
		return fault.Wrap(err, "open backups", "cannot lock the directory").At(d.dir, fault.NoOffset)
	}
	d.lock = lock
	return nil
}

// Close lets go of the directory.
func (d *Directory) Close() error {
	if d.lock == nil {
		return nil
	}
	err := d.lock.Close()
	d.lock = nil
	if err != nil {
		return fault.Wrap(err, "close backups", "cannot unlock the directory").At(d.dir, fault.NoOffset)
	}
	return nil
}

func (d *Directory) path(name string) string { return path.Join(d.dir, name) }

// Path is where a file of the pool is.
func (d *Directory) Path(pool string) string { return d.path(pool) }

func isDescription(name string) bool {
	_, ok := names.Parse(name)
	return ok
}

// Backups returns the names of the backups, the oldest first.
func (d *Directory) Backups() (all []string) {
	for name := range d.files {
		if isDescription(name) {
			all = append(all, strings.TrimSuffix(name, names.Suffix))
		}
	}
	slices.Sort(all)
	return all
}

// Read returns a backup's description. NotFound; Corrupt, with the file; Unsupported.
func (d *Directory) Read(backup string) (*Description, error) {
	const op = "read backup"
	base := backup + names.Suffix
	if !isDescription(base) || !d.files[base] {
		return nil, fault.New(fault.NotFound, op, "there is no backup %.60q in %s", backup, d.dir)
	}
	name := d.path(base)
	f, err := d.fs.Open(name)
	if err != nil {
		return nil, fault.Wrap(err, op, "cannot open the file").At(name, fault.NoOffset)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, fault.Wrap(err, op, "cannot tell the file's size").At(name, fault.NoOffset)
	}
	text := make([]byte, size)
	if n, err := f.ReadAt(text, 0); n < len(text) {
		if err == nil || err == io.EOF {
			return nil, fault.New(fault.Corrupt, op, "expected %d bytes, found %d", size, n).At(name, int64(n))
		}
		return nil, fault.WrapAs(fault.IO, err, op, "cannot read the file").At(name, fault.NoOffset)
	}
	desc, err := Decode(text)
	if err != nil {
		return nil, fault.Wrap(err, op, "the description of %s cannot be used", backup).At(name, fault.NoOffset)
	}
	return desc, nil
}

// Size returns the length of a file of the pool, -1 if there is none.
func (d *Directory) Size(pool string) int64 {
	if !d.files[pool] {
		return -1
	}
	size, err := d.fs.Size(d.path(pool))
	if err != nil {
		return -1
	}
	return size
}

// A Draft is a file of the pool that is being written. Drop it, unless Keep succeeded.
type Draft struct {
	d    *Directory
	file vfs.File
	name string // of the temporary file
	sum  hash.Hash
	size int64
}

// Draft starts a file under a temporary name that begins with pool.
func (d *Directory) Draft(pool string) (*Draft, error) {
	w := &Draft{d: d, name: d.path(pool + tmpSuffix), sum: sha256.New()}
	var err error
	if w.file, err = d.fs.Create(w.name); err != nil {
		// Litter of an earlier try, perhaps.
		_ = d.fs.Remove(w.name)
		if w.file, err = d.fs.Create(w.name); err != nil {
			return nil, fault.Wrap(err, "make backup", "cannot create a file").At(w.name, fault.NoOffset)
		}
	}
	return w, nil
}

// Write appends to the file. After a failure it is not written again (R12): drop it.
func (w *Draft) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	if err == nil && n < len(p) {
		err = fault.New(fault.IO, "make backup", "%d of %d bytes were taken", n, len(p))
	}
	if err != nil {
		return n, fault.Wrap(err, "make backup", "cannot write a file").At(w.name, w.size)
	}
	w.sum.Write(p)
	w.size += int64(n)
	return n, nil
}

// Done makes what was written durable, and tells its size and checksum. The file can then be read by its Name.
func (w *Draft) Done() (size int64, sum Sum, err error) {
	err = w.file.Sync()
	if cerr := w.file.Close(); err == nil {
		err = cerr
	}
	w.file = nil
	if err != nil {
		return 0, sum, fault.Wrap(err, "make backup", "cannot sync a file").At(w.name, fault.NoOffset)
	}
	return w.size, Sum(w.sum.Sum(nil)), nil
}

// Name is the temporary name.
func (w *Draft) Name() string { return w.name }

// Keep gives the file, which is Done, its name in the pool. What had that name is gone.
func (w *Draft) Keep(pool string) error {
	err := w.d.Keep(w.name, pool)
	if err == nil {
		w.name = ""
	}
	return err
}

// Keep gives a file that is durable under a temporary name its name in the pool. What had that name is gone.
func (d *Directory) Keep(tmp, pool string) error {
	if err := d.fs.Rename(tmp, d.path(pool)); err != nil {
		return fault.Wrap(err, "make backup", "cannot name a file").At(tmp, fault.NoOffset)
	}
	d.files[pool] = true
	return nil
}

// Temporary is a name for a file that is to become one of the pool; it is swept if it does not.
func (d *Directory) Temporary(pool string) string { return d.path(pool + tmpSuffix) }

// Drop removes the file, unless it was kept.
func (w *Draft) Drop() {
	if w.file != nil {
		_ = w.file.Close()
	}
	if w.name != "" {
		_ = w.d.fs.Remove(w.name)
	}
}

// Commit makes a new backup of a description: with it everything that it names is durable, and before it nothing of the backup is there.
func (d *Directory) Commit(desc *Description) (backup string, err error) {
	const op = "make backup"
	if err := d.fs.SyncDir(d.dir); err != nil {
		return "", fault.Wrap(err, op, "cannot sync the directory").At(d.dir, fault.NoOffset)
	}
	number := uint64(1)
	for _, b := range d.Backups() {
		n, _ := names.Parse(b + names.Suffix)
		number = max(number, n+1)
	}
	text, err := Append(nil, desc)
	if err != nil {
		return "", err
	}
	name := names.Name(number)
	w, err := d.Draft(name)
	if err != nil {
		return "", err
	}
	defer w.Drop()
	if _, err = w.Write(text); err == nil {
		_, _, err = w.Done()
	}
	if err == nil {
		err = w.Keep(name)
	}
	if err != nil {
		return "", err
	}
	if err := d.fs.SyncDir(d.dir); err != nil {
		return "", fault.Wrap(err, op, "cannot sync the directory").At(d.dir, fault.NoOffset)
	}
	return strings.TrimSuffix(name, names.Suffix), nil
}

// sumChunk is how much is read at once.
const sumChunk = 1 << 20

// SumOf returns the length and the checksum of a file. The error is NotFound, IO or Canceled.
func SumOf(ctx context.Context, files vfs.FS, name string) (size int64, sum Sum, err error) {
	const op = "read backup"
	f, err := files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, sum, fault.WrapAs(fault.NotFound, err, op, "the file is missing").At(name, fault.NoOffset)
	}
	if err != nil {
		return 0, sum, fault.Wrap(err, op, "cannot open the file").At(name, fault.NoOffset)
	}
	defer f.Close()
	length, err := f.Size()
	if err != nil {
		return 0, sum, fault.Wrap(err, op, "cannot tell the file's size").At(name, fault.NoOffset)
	}
	h := sha256.New()
	buf := make([]byte, min(sumChunk, length))
	for size < length {
		if err := ctx.Err(); err != nil {
			return 0, sum, fault.WrapAs(fault.Canceled, err, op, "the caller gave up")
		}
		n, err := f.ReadAt(buf[:min(int64(len(buf)), length-size)], size)
		h.Write(buf[:n])
		size += int64(n)
		if n == 0 || err != nil && err != io.EOF {
			return 0, sum, fault.WrapAs(fault.IO, readError(err), op, "cannot read the file").At(name, size)
		}
	}
	return size, Sum(h.Sum(nil)), nil
}

// readError is err, or that there was nothing to read where there should be something.
func readError(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
