package engine

import (
	"path"
	"sync/atomic"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/vfs"
)

// A log is a journal file as readers have it: open until the last state that needs it is let go, which then also removes it
// if it is sealed. Safe for concurrent use.
type log struct {
	e       *Engine
	number  uint64
	file    vfs.File
	refs    atomic.Int64
	retired atomic.Bool // remove the file at the last release
}

// openLog opens a journal file for reading, with one reference.
func (e *Engine) openLog(number uint64) (*log, error) {
	name := path.Join(e.dir, journal.Name(number))
	f, err := e.fs.Open(name)
	if err != nil {
		return nil, fault.Wrap(err, "open journal", "cannot open the file").At(name, fault.NoOffset)
	}
	l := &log{e: e, number: number, file: f}
	l.refs.Store(1)
	return l, nil
}

func (l *log) release() {
	if l.refs.Add(-1) > 0 {
		return
	}
	_ = l.file.Close() // nothing was written through it
	if l.retired.Load() {
		l.e.cache.forget(l.number) // whoever read it may have put blocks there since it was sealed
		l.e.remove(journal.Name(l.number))
	}
}

// newRecentAt describes a block of a journal file that is not opened.
func newRecentAt(l *log, b *journal.Block, base uint64) *recent {
	return &recent{
		log: l, offset: b.Offset, base: base, bytes: int64(len(b.Data)), journal: l.number, rows: b.Rows,
		minKey: keyOf(b.First, base), maxKey: keyOf(b.Last, base),
		minArrival: base, maxArrival: base + uint64(b.Rows) - 1,
	}
}

// recentBlock returns a recent block, from memory or from its journal, which the caller's view or the sealer keeps open. keep: it stays in
// the cache. What cannot be read is noted as damage, and the error says what is lost.
func (e *Engine) recentBlock(r *recent, keep bool) (*block.Block, error) {
	if r.block != nil {
		return r.block, nil
	}
	key := cacheKey{r.journal, r.offset}
	if b := e.cache.get(key); b != nil {
		return b, nil
	}
	b, err := r.read()
	if err != nil {
		return nil, e.lostRecent(r, err)
	}
	if keep {
		e.cache.put(key, b)
	}
	return b, nil
}

// lostRecent notes that a recent block cannot be read, and returns an error that says what is lost.
func (e *Engine) lostRecent(r *recent, err error) error {
	name := path.Join(e.dir, journal.Name(r.journal))
	lost := fault.Wrap(err, "read journal", "a block of %s is lost: %s from %s to %s", name, plural(int64(r.rows), "event"),
		r.minKey.Time().Format(timeLayout), r.maxKey.Time().Format(timeLayout)).At(name, r.offset)
	e.lost(lost, lost.Msg, r.toll())
	return lost
}

func (r *recent) toll() toll { return toll{int64(r.rows), r.minKey, r.maxKey} }

// read reads the block. Nothing in the file is trusted: the block has checksums of its own.
func (r *recent) read() (*block.Block, error) {
	data := make([]byte, r.bytes)
	if n, err := r.log.file.ReadAt(data, r.offset); n < len(data) {
		return nil, fault.WrapAs(fault.IO, err, "read journal", "%d of %d bytes could be read", n, len(data))
	}
	b, err := block.Open(data, r.base)
	if err != nil {
		return nil, err
	}
	if n := b.Rows(); n != r.rows || b.Key(0) != r.minKey || b.Key(n-1) != r.maxKey || b.MinArrival() != r.minArrival || b.MaxArrival() != r.maxArrival {
		return nil, fault.New(fault.Corrupt, "open block", "the block of %s is not the one that its frame tells of", plural(int64(n), "event"))
	}
	return b, nil
}
