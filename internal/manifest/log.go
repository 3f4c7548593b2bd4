package manifest

import (
	"path"
	"slices"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/vfs"
)

// Log writes the live manifest. One goroutine at a time.
//
// The order that makes it safe: a new manifest is whole and durable before CURRENT names it, and
// nothing is written to it before the directory that holds the new CURRENT is durable.
type Log struct {
	fs      vfs.FS
	dir     string
	number  func() uint64 // gives the number of a new file
	catalog Catalog
	w       *frame.Writer // nil: the next edit starts a new file
	old     []string      // manifests to remove when a newer one is live
	refused bool          // no manifest says yet that the last edit that failed does not count
	limit   int64         // size at which a new file with a checkpoint is due
}

// growth is how far a manifest grows beyond its checkpoint before it is replaced.
const growth = 256 << 10

// Start makes catalog durable as the checkpoint of a new live manifest. old is the name of the
// manifest that it takes over from, empty if none.
func Start(fs vfs.FS, dir string, catalog Catalog, old string, number func() uint64) (*Log, error) {
	l := &Log{fs: fs, dir: dir, number: number, catalog: catalog}
	l.catalog.Apply(Edit{})
	if old != "" {
		l.old = append(l.old, old)
	}
	if err := l.rewrite(); err != nil {
		return nil, err
	}
	return l, nil
}

// Catalog returns the catalog as it stands; the caller must not change it, nor keep it past the next Append.
func (l *Log) Catalog() *Catalog { return &l.catalog }

// Forget leaves the retries committed before the instant out of the next checkpoint.
func (l *Log) Forget(before int64) { l.catalog.Forget(before) }

// Size is how many bytes the live file has.
func (l *Log) Size() int64 {
	if l.w == nil {
		return 0
	}
	return l.w.Size()
}

// Name is the live file's name, empty after a failure.
func (l *Log) Name() string {
	if l.w == nil {
		return ""
	}
	return path.Base(l.w.Name())
}

// Append makes an edit durable and applies it to the catalog. If it fails the edit is
// refused: the file is never written again (R12), and a new one without the edit is started, now if
// possible and else by the next Append, or Close.
func (l *Log) Append(e Edit) error {
	if l.w == nil {
		if err := l.rewrite(); err != nil {
			return err
		}
	}
	_, err := l.w.Append(frame.Item{Kind: kindEdit, Body: appendEdit(nil, e)})
	if err == nil {
		err = l.w.Sync()
	}
	if err != nil {
		l.drop()
		l.refused = true
		_ = l.rewrite()
		return err
	}
	l.catalog.Apply(e)
	if l.w.Size() > l.limit {
		// The edit is durable; a failure here only leaves the long file in use, or the next Append to try again.
		_ = l.rewrite()
	}
	return nil
}

func (l *Log) drop() {
	if l.w != nil {
		l.old = append(l.old, path.Base(l.w.Name()))
		_ = l.w.Close()
		l.w = nil
	}
}

// rewrite starts a new live manifest from the catalog.
func (l *Log) rewrite() error {
	number := l.number()
	l.catalog.NextFile = max(l.catalog.NextFile, number+1)
	base := Name(number)
	name := path.Join(l.dir, base)
	w, err := frame.NewWriter(l.fs, name, frame.FileHeader{Format: Format, Version: Version, StoreID: l.catalog.StoreID, Number: number})
	if err != nil {
		_ = l.fs.Remove(name)
		return err
	}
	abandon := func() {
		_ = w.Close()
		_ = l.fs.Remove(name)
	}
	if _, err = w.Append(frame.Item{Kind: kindCheckpoint, Body: appendEdit(nil, l.catalog.Checkpoint())}); err == nil {
		err = w.Sync()
	}
	if err == nil {
		err = l.writeCurrentTemp(base)
	}
	if err != nil {
		abandon()
		return err
	}
	temp, current := path.Join(l.dir, currentTemp), path.Join(l.dir, Current)
	if err := l.fs.Rename(temp, current); err != nil {
		// The file system may have done it all the same: neither file may be written from here on,
		// nor removed.
		l.drop()
		_ = w.Close()
		l.old = append(l.old, base)
		return fault.Wrap(err, "start manifest", "cannot name the new manifest in %s", Current).At(current, fault.NoOffset)
	}
	if err := l.fs.SyncDir(l.dir); err != nil {
		l.drop()
		_ = w.Close()
		l.old = append(l.old, base)
		return fault.Wrap(err, "start manifest", "cannot make the new %s durable", Current).At(l.dir, fault.NoOffset)
	}
	l.drop()
	l.w, l.refused = w, false
	l.limit = w.Size() + max(growth, w.Size())
	l.old = slices.DeleteFunc(l.old, func(n string) bool {
		return n == base || l.fs.Remove(path.Join(l.dir, n)) == nil
	})
	return nil
}

func (l *Log) writeCurrentTemp(base string) error {
	const op = "start manifest"
	name := path.Join(l.dir, currentTemp)
	f, err := l.fs.Create(name)
	if err != nil {
		// Litter of an earlier try, perhaps.
		_ = l.fs.Remove(name)
		if f, err = l.fs.Create(name); err != nil {
			return fault.Wrap(err, op, "cannot create the file").At(name, fault.NoOffset)
		}
	}
	if _, err = f.Write([]byte(base + "\n")); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = l.fs.Remove(name)
		return fault.Wrap(err, op, "cannot write the file").At(name, fault.NoOffset)
	}
	return nil
}

// Close ends the file.
func (l *Log) Close() error {
	if l.refused {
		_ = l.rewrite()
	}
	if l.w == nil {
		return nil
	}
	err := l.w.Close()
	l.w = nil
	return err
}
