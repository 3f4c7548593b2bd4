package vfs

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/stelehq/stele/internal/fault"
)

// Mem is a file system in memory that knows what of it would survive a power cut: the bytes
// that a Sync covered, and the directory entries that a SyncDir covered. CrashClone gives
// what might be found after one. It is strict where POSIX is: syncing a new file says
// nothing of its name, and syncing a directory nothing of the files' bytes.
//
// Directories themselves are durable once made, as OS.MkdirAll makes them.
type Mem struct {
	hook   atomic.Pointer[func(Op)]
	total  atomic.Int64
	counts [opKinds]atomic.Int64

	mu       sync.RWMutex
	entries  map[string]*node // what calls see
	durable  map[string]*node // what a power cut leaves of the names
	pending  []dirOp          // changes from durable to entries, in order
	dirs     map[string]bool
	locks    map[string]*memLock
	capacity int64 // most bytes of all files, 0: no limit
}

var _ FS = (*Mem)(nil)

// NewMem returns an empty file system that has the directories "." and "/".
func NewMem() *Mem {
	return &Mem{
		entries: map[string]*node{}, durable: map[string]*node{},
		dirs: map[string]bool{".": true, "/": true}, locks: map[string]*memLock{},
	}
}

// A dirOp is a change of a directory that no SyncDir has covered yet.
type dirOp struct {
	kind OpKind // OpCreate, OpRename, OpRemove
	name string
	to   string // of a rename
	node *node
}

func (d dirOp) touches(dir string) bool {
	return path.Dir(d.name) == dir || d.kind == OpRename && path.Dir(d.to) == dir
}

// apply makes the change in entries. Others before it may have been lost in a power cut:
// only the node that it was about is touched.
func (d dirOp) apply(entries map[string]*node) {
	switch d.kind {
	case OpCreate:
		entries[d.name] = d.node
	case OpRename:
		if entries[d.name] == d.node {
			delete(entries, d.name)
		}
		entries[d.to] = d.node
	case OpRemove:
		if entries[d.name] == d.node {
			delete(entries, d.name)
		}
	}
}

// OnOp sets a function that is called before and after every call, in the goroutine of the
// caller and with no lock held: it may clone the file system, and hold the call by not
// returning. nil removes it.
func (m *Mem) OnOp(hook func(Op)) {
	if hook == nil {
		m.hook.Store(nil)
		return
	}
	m.hook.Store(&hook)
}

// Counts returns how many calls of each kind there were.
func (m *Mem) Counts() map[OpKind]int64 {
	counts := make(map[OpKind]int64, opKinds)
	for _, k := range OpKinds() {
		if n := m.counts[k].Load(); n > 0 {
			counts[k] = n
		}
	}
	return counts
}

// SetCapacity makes the disk that large: what does not fit fails with ENOSPC after as many
// bytes as fit. 0 takes the limit away.
func (m *Mem) SetCapacity(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.capacity = bytes
}

// Free is the rest of the capacity, errors.ErrUnsupported without one. It is no call that hooks see or that is counted: it neither changes nor reads what is on disk.
func (m *Mem) Free(string) (free, total int64, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.capacity == 0 {
		return 0, 0, errors.ErrUnsupported // there is no end
	}
	return max(0, m.capacity-m.used()), m.capacity, nil
}

// Used returns the bytes of all files that have a name.
func (m *Mem) Used() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.used()
}

func (m *Mem) used() int64 {
	var sum int64
	for _, n := range m.entries {
		sum += n.length()
	}
	return sum
}

// do runs one call between its hooks.
func (m *Mem) do(op Op, call func() error) error {
	op.Index, op.Nth = m.total.Add(1), m.counts[op.Kind].Add(1)
	hook := m.hook.Load()
	if hook != nil {
		op.Before = true
		(*hook)(op)
	}
	err := call()
	if hook != nil {
		op.Before, op.Err = false, err
		(*hook)(op)
	}
	return err
}

func (m *Mem) locked(op Op, call func() error) error {
	return m.do(op, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		return call()
	})
}

func pathError(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

func (m *Mem) change(d dirOp) {
	d.apply(m.entries)
	m.pending = append(m.pending, d)
}

func (m *Mem) Create(name string) (f File, err error) {
	name = path.Clean(name)
	err = m.locked(Op{Kind: OpCreate, Name: name}, func() error {
		switch {
		case !m.dirs[path.Dir(name)]:
			return pathError("create", name, fs.ErrNotExist)
		case m.entries[name] != nil || m.dirs[name]:
			return pathError("create", name, fs.ErrExist)
		}
		n := &node{}
		m.change(dirOp{kind: OpCreate, name: name, node: n})
		f = &memFile{fs: m, name: name, node: n, writable: true}
		return nil
	})
	return f, err
}

func (m *Mem) Open(name string) (File, error) { return m.openFile(OpOpen, name, false) }

func (m *Mem) Append(name string) (File, error) { return m.openFile(OpAppend, name, true) }

func (m *Mem) openFile(kind OpKind, name string, writable bool) (f File, err error) {
	name = path.Clean(name)
	err = m.locked(Op{Kind: kind, Name: name}, func() error {
		n := m.entries[name]
		if n == nil {
			return pathError("open", name, fs.ErrNotExist)
		}
		if writable {
			n.settle()
		}
		f = &memFile{fs: m, name: name, node: n, writable: writable}
		return nil
	})
	return f, err
}

func (m *Mem) Rename(from, to string) error {
	from, to = path.Clean(from), path.Clean(to)
	return m.locked(Op{Kind: OpRename, Name: from, To: to}, func() error {
		n := m.entries[from]
		switch {
		case n == nil || !m.dirs[path.Dir(to)]:
			return pathError("rename", from, fs.ErrNotExist)
		case m.dirs[to]:
			return pathError("rename", to, fs.ErrExist)
		case from != to:
			m.change(dirOp{kind: OpRename, name: from, to: to, node: n})
		}
		return nil
	})
}

func (m *Mem) Remove(name string) error {
	name = path.Clean(name)
	return m.locked(Op{Kind: OpRemove, Name: name}, func() error {
		n := m.entries[name]
		if n == nil {
			return pathError("remove", name, fs.ErrNotExist)
		}
		m.change(dirOp{kind: OpRemove, name: name, node: n})
		return nil
	})
}

func (m *Mem) List(dir string) (names []string, err error) {
	dir = path.Clean(dir)
	err = m.locked(Op{Kind: OpList, Name: dir}, func() error {
		if !m.dirs[dir] {
			return pathError("list", dir, fs.ErrNotExist)
		}
		names = []string{}
		for name := range m.entries {
			if path.Dir(name) == dir {
				names = append(names, path.Base(name))
			}
		}
		slices.Sort(names)
		return nil
	})
	return names, err
}

func (m *Mem) Size(name string) (size int64, err error) {
	name = path.Clean(name)
	err = m.locked(Op{Kind: OpSize, Name: name}, func() error {
		n := m.entries[name]
		if n == nil {
			return pathError("stat", name, fs.ErrNotExist)
		}
		size = n.length()
		return nil
	})
	return size, err
}

func (m *Mem) MkdirAll(dir string) error {
	dir = path.Clean(dir)
	return m.locked(Op{Kind: OpMkdirAll, Name: dir}, func() error {
		for at := dir; !m.dirs[at]; at = path.Dir(at) {
			if m.entries[at] != nil {
				return pathError("mkdir", at, fs.ErrExist)
			}
			m.dirs[at] = true
		}
		return nil
	})
}

func (m *Mem) SyncDir(dir string) error {
	dir = path.Clean(dir)
	return m.locked(Op{Kind: OpSyncDir, Name: dir}, func() error {
		if !m.dirs[dir] {
			return pathError("syncdir", dir, fs.ErrNotExist)
		}
		rest := m.pending[:0:0]
		for _, d := range m.pending {
			if d.touches(dir) {
				d.apply(m.durable)
			} else {
				rest = append(rest, d)
			}
		}
		m.pending = rest
		return nil
	})
}

type memLock struct {
	exclusive bool
	shared    int
	content   []byte
}

func (m *Mem) Lock(name string, exclusive bool, content []byte) (lock io.Closer, holder []byte, err error) {
	name = path.Clean(name)
	err = m.locked(Op{Kind: OpLock, Name: name}, func() error {
		if !m.dirs[path.Dir(name)] {
			return pathError("lock", name, fs.ErrNotExist)
		}
		l := m.locks[name]
		if l != nil && (exclusive || l.exclusive) {
			holder = slices.Clone(l.content)
			return fault.New(fault.Locked, "lock", "another process holds it").At(name, fault.NoOffset)
		}
		if m.entries[name] == nil {
			m.change(dirOp{kind: OpCreate, name: name, node: &node{}})
		}
		if l == nil {
			l = &memLock{exclusive: exclusive}
			m.locks[name] = l
		}
		if exclusive {
			l.content = slices.Clone(content)
			*m.entries[name] = *newNode(content)
		} else {
			l.shared++
		}
		lock = &memUnlock{m: m, name: name, lock: l}
		return nil
	})
	return lock, holder, err
}

type memUnlock struct {
	m      *Mem
	name   string
	lock   *memLock
	closed bool
}

func (u *memUnlock) Close() error {
	return u.m.locked(Op{Kind: OpUnlock, Name: u.name}, func() error {
		if u.closed {
			return pathError("unlock", u.name, fs.ErrClosed)
		}
		u.closed = true
		if u.lock.shared--; u.lock.shared > 0 {
			return nil
		}
		if n := u.m.entries[u.name]; n != nil && u.lock.exclusive {
			*n = node{}
		}
		delete(u.m.locks, u.name)
		return nil
	})
}

// ReadFile returns a copy of a file's bytes, past hooks and counts.
func (m *Mem) ReadFile(name string) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n := m.entries[path.Clean(name)]
	if n == nil {
		return nil, pathError("open", name, fs.ErrNotExist)
	}
	return n.bytes(), nil
}

// WriteFile puts a durable file of these bytes in the place of whatever had the name, past
// hooks and counts: tests damage files with it. Handles that are open keep what they had.
func (m *Mem) WriteFile(name string, content []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = path.Clean(name)
	n := newNode(content)
	m.pending = slices.DeleteFunc(m.pending, func(d dirOp) bool { return d.name == name || d.to == name })
	m.entries[name], m.durable[name] = n, n
	m.dirs[path.Dir(name)] = true
}

// Names returns the names of all files, sorted.
func (m *Mem) Names() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Sorted(maps.Keys(m.entries))
}
