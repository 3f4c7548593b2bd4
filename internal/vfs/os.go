package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"github.com/stelehq/stele/internal/fault"
)

// OS is the operating system's file system. With a Root, relative names are below it;
// without, they are below the working directory. The zero value is ready for use.
type OS struct {
	Root string
}

var _ FS = OS{}

func (o OS) path(name string) string {
	p := filepath.FromSlash(name)
	if o.Root != "" && !filepath.IsAbs(p) {
		p = filepath.Join(o.Root, p)
	}
	return p
}

func (o OS) open(name string, flag int) (File, error) {
	f, err := os.OpenFile(o.path(name), flag, 0o644)
	if err != nil {
		return nil, err
	}
	// A directory opens for reading on unix, and no call of ours means that.
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("is a directory")}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &osFile{File: f}, nil
}

// Create opens without O_APPEND: a write at a place would ignore it (Reserve). Nobody else writes to a new file.
func (o OS) Create(name string) (File, error) {
	return o.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (o OS) Open(name string) (File, error) { return o.open(name, os.O_RDONLY) }

func (o OS) Append(name string) (File, error) { return o.open(name, os.O_RDWR|os.O_APPEND) }

// Rename retries for a moment on Windows, where a virus scanner or indexer that holds either
// file open makes it fail.
func (o OS) Rename(from, to string) error {
	return retryInUse(func() error { return os.Rename(o.path(from), o.path(to)) })
}

// Remove retries as Rename does.
func (o OS) Remove(name string) error {
	return retryInUse(func() error { return os.Remove(o.path(name)) })
}

func (o OS) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(o.path(dir))
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	sort.Strings(names)
	return names, nil
}

func (o OS) Size(name string) (int64, error) {
	info, err := os.Stat(o.path(name))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// MkdirAll makes every directory that it creates durable: the caller's SyncDir of the
// directory itself says nothing of its entry in the parent.
func (o OS) MkdirAll(dir string) error {
	p := filepath.Clean(o.path(dir))
	var created []string
	for at := p; ; {
		_, err := os.Stat(at)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		created = append(created, at)
		up := filepath.Dir(at)
		if up == at {
			break
		}
		at = up
	}
	if err := os.MkdirAll(p, 0o755); err != nil {
		return err
	}
	for _, d := range created {
		if err := syncDir(filepath.Dir(d)); err != nil {
			return err
		}
	}
	return nil
}

func (o OS) SyncDir(dir string) error { return syncDir(o.path(dir)) }

// Lock takes an advisory lock that the operating system drops when the process ends, however
// it ends. The file stays when the lock is released (removing it would race with the next
// opener), but empty, so that nobody is told of a holder that is gone.
func (o OS) Lock(name string, exclusive bool, content []byte) (io.Closer, []byte, error) {
	p := o.path(name)
	flag := os.O_RDWR | os.O_CREATE
	if !exclusive {
		flag = os.O_RDONLY
	}
	f, err := os.OpenFile(p, flag, 0o644)
	if err != nil && !exclusive {
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		// No one has ever locked here. On a read-only medium no one will.
		if f, err = os.OpenFile(p, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
			if readOnlyMedium(err) {
				return noLock{}, nil, nil
			}
			return nil, nil, err
		}
	}
	if err != nil {
		return nil, nil, err
	}
	taken, err := tryLock(f, exclusive)
	if err != nil {
		return nil, nil, errors.Join(fault.Wrap(err, "lock", "the file system refused a lock").At(name, fault.NoOffset), f.Close())
	}
	if !taken {
		holder := readHolder(f, exclusive)
		_ = f.Close()
		return nil, holder, fault.New(fault.Locked, "lock", "another process holds it").At(name, fault.NoOffset)
	}
	l := &osLock{file: f, exclusive: exclusive}
	if exclusive {
		// A full disk has no room to say who holds the lock; held it is all the same.
		if err := l.store(content); err != nil && fault.KindOf(err) != fault.Full {
			return nil, nil, errors.Join(err, l.Close())
		}
	}
	return l, nil, nil
}

// maxHolder bounds what is read of a lock file that somebody else wrote.
const maxHolder = 64 << 10

// readHolder returns what the exclusive holder stored, or nothing when the holders are readers.
func readHolder(f *os.File, exclusive bool) []byte {
	if exclusive {
		if shared, err := tryLock(f, false); err == nil && shared {
			return nil // only readers hold it: the content is of a process that died
		}
	}
	b := make([]byte, maxHolder)
	n, _ := f.ReadAt(b, 0)
	return b[:n]
}

type osLock struct {
	file      *os.File
	exclusive bool
}

func (l *osLock) store(content []byte) error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.WriteAt(content, 0)
	return err
}

func (l *osLock) Close() error {
	var err error
	if l.exclusive {
		err = l.file.Truncate(0)
	}
	return errors.Join(err, l.file.Close()) // closing unlocks
}

type noLock struct{}

func (noLock) Close() error { return nil }

type osFile struct {
	*os.File
	reserved bool  // there may be room behind what was written
	end      int64 // of what was written, if reserved
}

func (f *osFile) Write(p []byte) (n int, err error) {
	if !f.reserved {
		return f.File.Write(p)
	}
	n, err = f.File.WriteAt(p, f.end)
	f.end += int64(n)
	return n, err
}

// zeros are what room is made of: into blocks that are allocated and were never written the first write changes metadata all the same.
var zeros [64 << 10]byte

func (f *osFile) Reserve(n int64) error {
	at, err := f.Size()
	if err != nil {
		return err
	}
	if !f.reserved {
		f.reserved, f.end = true, at
	}
	end := f.end + n
	if end < at {
		return f.File.Truncate(end)
	}
	for at < end {
		k, err := f.File.WriteAt(zeros[:min(int64(len(zeros)), end-at)], at)
		if err != nil {
			return err
		}
		at += int64(k)
	}
	return nil
}

// expectJumps: see ExpectJumps.
func (f *osFile) expectJumps() { expectJumps(f.File) }

func (f *osFile) Sync() error { return syncFile(f.File) }

func (f *osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
