package engine

import (
	"path"
	"slices"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// restoringName is the file that a directory has while a store is being made in it by a restore or a repair: it is no store before all of it is there.
const restoringName = "RESTORING"

// A making is a directory in which a store is being made of another one's files.
type making struct {
	fs   vfs.FS
	dir  string
	op   string // "restore"
	text string // what the mark says
}

// begin makes the directory one in which a store is being made, empty but for that.
func (m *making) begin() (lock interface{ Close() error }, err error) {
	op, dir := m.op, m.dir
	if _, err := m.fs.List(dir); err != nil {
		if err := m.fs.MkdirAll(dir); err != nil {
			return nil, fault.Wrap(err, op, "cannot make the directory").At(dir, fault.NoOffset)
		}
	}
	empty := func() (restoring bool, err error) {
		names, err := m.fs.List(dir)
		if err != nil {
			return false, fault.Wrap(err, op, "cannot list the directory").At(dir, fault.NoOffset)
		}
		restoring = slices.Contains(names, restoringName)
		if i := slices.IndexFunc(names, func(n string) bool { return n != lockName }); i >= 0 && !restoring {
			return false, fault.New(fault.Invalid, op, "%s is not empty: %s is in it", dir, names[i]).WithHint("%s into a new directory", op)
		}
		return restoring, nil
	}
	if _, err := empty(); err != nil {
		return nil, err
	}
	held, err := takeLock(m.fs, dir, true, "")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = held.Close()
		}
	}()
	restoring, err := empty() // whoever had the lock may have changed it
	if err != nil {
		return nil, err
	}
	if restoring {
		if err := m.clear(); err != nil {
			return nil, err
		}
	} else if err := m.mark(); err != nil {
		m.undo()
		return nil, err
	}
	// Also of one that was cut off before it was durable.
	if err := m.fs.SyncDir(dir); err != nil {
		m.undo()
		return nil, fault.Wrap(err, op, "cannot sync the directory").At(dir, fault.NoOffset)
	}
	if err := syncParent(m.fs, dir); err != nil {
		m.undo()
		return nil, err
	}
	return held, nil
}

func (m *making) mark() error {
	name := path.Join(m.dir, restoringName)
	f, err := m.fs.Create(name)
	if err == nil {
		_, err = f.Write([]byte(m.text + "\n"))
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return fault.Wrap(err, m.op, "cannot write a file").At(name, fault.NoOffset)
	}
	return nil
}

// finish makes a store of the directory, in which everything is durable. From here on nothing is undone: whether the mark is gone or not, nothing is missing.
func (m *making) finish() error {
	name := path.Join(m.dir, restoringName)
	if err := m.fs.Remove(name); err != nil {
		if _, serr := m.fs.Size(name); fault.KindOf(serr) != fault.NotFound {
			return fault.Wrap(err, m.op, "everything is there, but the directory is still marked as unfinished").At(name, fault.NoOffset).WithHint("remove that file")
		}
	}
	if err := m.fs.SyncDir(m.dir); err != nil {
		return fault.Wrap(err, m.op, "everything is there and the store can be used, but a power cut may bring the mark back that it is unfinished").At(name, fault.NoOffset).
			WithHint("should it not open then, remove that file")
	}
	return nil
}

// clear removes what was left, but for the mark of it.
func (m *making) clear() error {
	names, err := m.fs.List(m.dir)
	if err != nil {
		return fault.Wrap(err, m.op, "cannot list the directory").At(m.dir, fault.NoOffset)
	}
	for _, name := range names {
		if name == restoringName || name == lockName {
			continue
		}
		if err := m.fs.Remove(path.Join(m.dir, name)); err != nil {
			return fault.Wrap(err, m.op, "cannot remove what was left").At(path.Join(m.dir, name), fault.NoOffset)
		}
	}
	return nil
}

// undo empties the directory, as far as that is possible: what it leaves says that it is no store.
func (m *making) undo() {
	if m.clear() == nil && m.fs.SyncDir(m.dir) == nil {
		_ = m.fs.Remove(path.Join(m.dir, restoringName))
	}
}
