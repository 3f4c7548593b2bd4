package vfs

import (
	"io"
	"io/fs"
	"path"
	"sync"
	"syscall"
)

// Errors that rules commonly inject.
const (
	EIO    = syscall.EIO
	ENOSPC = syscall.ENOSPC
)

// A Rule makes calls of a Faulty file system fail, or hold.
type Rule struct {
	Kind    OpKind // which calls: OpAny for all
	Match   string // only names whose last element matches this path.Match pattern; empty: all
	Nth     int64  // the first matching call to fail, from 1; 0 means 1
	Forever bool   // every matching call from then on, not that one alone

	// Err is what the call fails with, wrapped in a *fs.PathError. nil lets it through, which
	// is for rules that Hold.
	Err error
	// Short is how many bytes of a failing write are written all the same.
	Short int
	// Late makes the call take effect and then fail.
	Late bool
	// DropUnsynced makes a failing Sync lose what it should have written, as Linux does.
	DropUnsynced bool
	// Hold makes the call wait until the channel is closed.
	Hold <-chan struct{}

	seen int64 // guarded by Faulty.mu
	hits int64
}

// Faulty is a file system on which calls fail by rules. Calls are matched against the rules
// in the order in which these were added; the first that applies decides.
type Faulty struct {
	inner FS

	mu    sync.Mutex
	rules []*Rule
	calls int64
}

var _ FS = (*Faulty)(nil)

// NewFaulty returns fs with no rules.
func NewFaulty(fs FS) *Faulty { return &Faulty{inner: fs} }

// Add adds rules, which count calls from now on.
func (f *Faulty) Add(rules ...*Rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, rules...)
}

// Clear takes all rules away: space returns, the disk is well again.
func (f *Faulty) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// Calls returns how many calls there were.
func (f *Faulty) Calls() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Hits returns how many calls the rule made fail or hold.
func (f *Faulty) Hits(r *Rule) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return r.hits
}

// rule returns the rule that decides this call, or nil.
func (f *Faulty) rule(kind OpKind, name string) *Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	var decides *Rule
	for _, r := range f.rules {
		if r.Kind != OpAny && r.Kind != kind {
			continue
		}
		if r.Match != "" {
			if ok, err := path.Match(r.Match, path.Base(name)); err != nil || !ok {
				continue
			}
		}
		r.seen++
		if nth := max(r.Nth, 1); decides == nil && (r.seen == nth || r.Forever && r.seen > nth) {
			decides = r
			r.hits++
		}
	}
	return decides
}

// do asks the rules and makes the call, or does not.
func (f *Faulty) do(kind OpKind, name string, call func() error) error {
	r := f.rule(kind, name)
	if r == nil {
		return call()
	}
	if r.Hold != nil {
		<-r.Hold
	}
	if r.Err == nil {
		return call()
	}
	if r.Late {
		if err := call(); err != nil {
			return err
		}
	}
	return &fs.PathError{Op: kind.String(), Path: name, Err: r.Err}
}

func (f *Faulty) open(kind OpKind, name string, open func(string) (File, error)) (File, error) {
	var file File
	err := f.do(kind, name, func() (err error) {
		file, err = open(name)
		return err
	})
	if err != nil {
		if file != nil {
			_ = file.Close()
		}
		return nil, err
	}
	return &faultyFile{fs: f, name: name, File: file}, nil
}

func (f *Faulty) Create(name string) (File, error) { return f.open(OpCreate, name, f.inner.Create) }
func (f *Faulty) Open(name string) (File, error)   { return f.open(OpOpen, name, f.inner.Open) }
func (f *Faulty) Append(name string) (File, error) { return f.open(OpAppend, name, f.inner.Append) }

func (f *Faulty) Rename(from, to string) error {
	return f.do(OpRename, from, func() error { return f.inner.Rename(from, to) })
}

func (f *Faulty) Remove(name string) error {
	return f.do(OpRemove, name, func() error { return f.inner.Remove(name) })
}

func (f *Faulty) List(dir string) (names []string, err error) {
	err = f.do(OpList, dir, func() (err error) {
		names, err = f.inner.List(dir)
		return err
	})
	if err != nil {
		return nil, err
	}
	return names, nil
}

func (f *Faulty) Size(name string) (size int64, err error) {
	err = f.do(OpSize, name, func() (err error) {
		size, err = f.inner.Size(name)
		return err
	})
	return size, err
}

func (f *Faulty) MkdirAll(dir string) error {
	return f.do(OpMkdirAll, dir, func() error { return f.inner.MkdirAll(dir) })
}

func (f *Faulty) SyncDir(dir string) error {
	return f.do(OpSyncDir, dir, func() error { return f.inner.SyncDir(dir) })
}

// Free is passed on: no rule concerns it, for nothing depends on its success.
func (f *Faulty) Free(dir string) (free, total int64, err error) { return f.inner.Free(dir) }

func (f *Faulty) Lock(name string, exclusive bool, content []byte) (lock io.Closer, holder []byte, err error) {
	err = f.do(OpLock, name, func() (err error) {
		lock, holder, err = f.inner.Lock(name, exclusive, content)
		return err
	})
	if err != nil && lock != nil {
		_ = lock.Close()
		lock = nil
	}
	return lock, holder, err
}

type faultyFile struct {
	File
	fs   *Faulty
	name string
}

func (f *faultyFile) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.fs.do(OpReadAt, f.name, func() (err error) {
		n, err = f.File.ReadAt(p, off)
		return err
	})
	return n, err
}

func (f *faultyFile) Write(p []byte) (n int, err error) {
	r := f.fs.rule(OpWrite, f.name)
	if r == nil {
		return f.File.Write(p)
	}
	if r.Hold != nil {
		<-r.Hold
	}
	if r.Err == nil {
		return f.File.Write(p)
	}
	part := p[:min(max(r.Short, 0), len(p))]
	if r.Late {
		part = p
	}
	if len(part) > 0 {
		if n, err = f.File.Write(part); err != nil {
			return n, err
		}
	}
	return n, &fs.PathError{Op: "write", Path: f.name, Err: r.Err}
}

func (f *faultyFile) Sync() error {
	r := f.fs.rule(OpSync, f.name)
	if r == nil {
		return f.File.Sync()
	}
	if r.Hold != nil {
		<-r.Hold
	}
	if r.Err == nil {
		return f.File.Sync()
	}
	if r.Late {
		if err := f.File.Sync(); err != nil {
			return err
		}
	}
	if d, ok := f.File.(interface{ DropUnsynced() }); ok && r.DropUnsynced {
		d.DropUnsynced()
	}
	return &fs.PathError{Op: "sync", Path: f.name, Err: r.Err}
}

func (f *faultyFile) Reserve(n int64) error {
	return f.fs.do(OpReserve, f.name, func() error { return f.File.Reserve(n) })
}

func (f *faultyFile) Size() (size int64, err error) {
	err = f.fs.do(OpSize, f.name, func() (err error) {
		size, err = f.File.Size()
		return err
	})
	return size, err
}

// Close always closes, whatever the rules say: a test would leak the handle.
func (f *faultyFile) Close() error {
	r := f.fs.rule(OpClose, f.name)
	err := f.File.Close()
	if r != nil && r.Hold != nil {
		<-r.Hold
	}
	if err == nil && r != nil && r.Err != nil {
		err = &fs.PathError{Op: "close", Path: f.name, Err: r.Err}
	}
	return err
}
