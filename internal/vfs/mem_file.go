package vfs

import (
	"io"
	"io/fs"
	"slices"
	"sort"
	"syscall"
)

// A node is a file's bytes. They are only ever appended to, so clones share them: a clone
// sees a chunk up to the length that it had, and what the original appends lies beyond.
type node struct {
	chunks  [][]byte
	starts  []int64 // offset of each chunk
	size    int64
	synced  int64  // bytes before it were covered by a Sync
	writes  []span // each write since, in order; they cover [synced, size)
	dropped []span // parts of [0, synced) that a failed Sync lost: in memory, never on disk
	room    int64  // zeros behind size, for writes to come
	kept    int64  // the length, room included, that a Sync covered
}

// length is what Size tells.
func (n *node) length() int64 { return n.size + n.room }

type span struct{ from, to int64 }

// maxChunk is small enough that a clone's first append copies little, and large enough that
// a file has few.
const maxChunk = 64 << 10

func newNode(content []byte) *node {
	n := &node{}
	n.append(content)
	n.synced, n.writes = n.size, nil
	return n
}

func (n *node) append(b []byte) {
	if len(b) == 0 {
		return
	}
	n.writes = append(n.writes, span{n.size, n.size + int64(len(b))})
	for len(b) > 0 {
		last := len(n.chunks) - 1
		if last < 0 || len(n.chunks[last]) == cap(n.chunks[last]) {
			n.starts = append(n.starts, n.size)
			n.chunks = append(n.chunks, make([]byte, 0, min(max(len(b), 256, int(n.size)), maxChunk)))
			last++
		}
		c := n.chunks[last]
		k := min(len(b), cap(c)-len(c))
		n.chunks[last] = append(c, b[:k]...)
		n.size += int64(k)
		n.room = max(0, n.room-int64(k))
		b = b[k:]
	}
}

// settle makes of the room bytes that were written.
func (n *node) settle() { n.append(make([]byte, n.room)) }

func (n *node) readAt(p []byte, off int64) int {
	read := 0
	i := sort.Search(len(n.starts), func(i int) bool { return n.starts[i] > off }) - 1
	for ; i >= 0 && i < len(n.chunks) && read < len(p); i++ {
		at := off + int64(read) - n.starts[i]
		if at >= int64(len(n.chunks[i])) {
			break
		}
		read += copy(p[read:], n.chunks[i][at:])
	}
	if zeros := min(int64(len(p)), n.length()-off) - int64(read); zeros > 0 {
		clear(p[read:][:zeros])
		read += int(zeros)
	}
	return read
}

func (n *node) bytes() []byte {
	b := make([]byte, n.length())
	n.readAt(b, 0)
	return b
}

// prefix returns a node that shares the first size bytes of n and counts them as synced.
func (n *node) prefix(size int64) *node {
	p := &node{size: size, synced: size}
	for i, c := range n.chunks {
		if n.starts[i] >= size {
			break
		}
		k := min(int64(len(c)), size-n.starts[i])
		p.chunks = append(p.chunks, c[:k:k]) // no capacity: an append goes to a chunk of its own
		p.starts = append(p.starts, n.starts[i])
	}
	return p
}

// clone shares all bytes and keeps what is not synced as such.
func (n *node) clone() *node {
	c := n.prefix(n.size)
	c.synced, c.writes, c.dropped = n.synced, slices.Clone(n.writes), slices.Clone(n.dropped)
	c.room, c.kept = n.room, n.kept
	return c
}

// memFile is an open file of a Mem.
type memFile struct {
	fs       *Mem
	name     string
	node     *node
	writable bool
	closed   bool // guarded by fs.mu
}

func (f *memFile) ReadAt(p []byte, off int64) (read int, err error) {
	err = f.fs.do(Op{Kind: OpReadAt, Name: f.name, Bytes: len(p)}, func() error {
		f.fs.mu.RLock()
		defer f.fs.mu.RUnlock()
		switch {
		case f.closed:
			return pathError("read", f.name, fs.ErrClosed)
		case off < 0:
			return pathError("read", f.name, fs.ErrInvalid)
		}
		if read = f.node.readAt(p, off); read < len(p) {
			return io.EOF
		}
		return nil
	})
	return read, err
}

func (f *memFile) Write(p []byte) (written int, err error) {
	err = f.fs.locked(Op{Kind: OpWrite, Name: f.name, Bytes: len(p)}, func() error {
		switch {
		case f.closed:
			return pathError("write", f.name, fs.ErrClosed)
		case !f.writable:
			return pathError("write", f.name, fs.ErrPermission)
		}
		written = len(p)
		if f.fs.capacity > 0 {
			written = int(min(int64(len(p)), f.node.room+max(0, f.fs.capacity-f.fs.used())))
		}
		f.node.append(p[:written])
		if written < len(p) {
			return pathError("write", f.name, syscall.ENOSPC)
		}
		return nil
	})
	return written, err
}

func (f *memFile) Sync() error {
	return f.fs.locked(Op{Kind: OpSync, Name: f.name}, func() error {
		if f.closed {
			return pathError("sync", f.name, fs.ErrClosed)
		}
		n := f.node
		n.synced, n.writes, n.kept = n.size, nil, n.length()
		return nil
	})
}

func (f *memFile) Reserve(n int64) error {
	return f.fs.locked(Op{Kind: OpReserve, Name: f.name}, func() error {
		switch {
		case f.closed:
			return pathError("reserve", f.name, fs.ErrClosed)
		case !f.writable:
			return pathError("reserve", f.name, fs.ErrPermission)
		}
		if f.fs.capacity > 0 {
			if left := f.node.room + max(0, f.fs.capacity-f.fs.used()); n > left {
				f.node.room = left
				return pathError("reserve", f.name, syscall.ENOSPC)
			}
		}
		f.node.room = n
		return nil
	})
}

// DropUnsynced is what a failed fsync does on Linux: the pages are marked clean and never
// written, so that the next Sync, which succeeds, does not make them durable.
func (f *memFile) DropUnsynced() {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	n := f.node
	n.dropped = append(n.dropped, n.writes...)
	n.synced, n.writes = n.size, nil
}

func (f *memFile) Size() (size int64, err error) {
	err = f.fs.locked(Op{Kind: OpSize, Name: f.name}, func() error {
		if f.closed {
			return pathError("stat", f.name, fs.ErrClosed)
		}
		size = f.node.length()
		return nil
	})
	return size, err
}

func (f *memFile) Close() error {
	return f.fs.locked(Op{Kind: OpClose, Name: f.name}, func() error {
		if f.closed {
			return pathError("close", f.name, fs.ErrClosed)
		}
		f.closed = true
		return nil
	})
}
