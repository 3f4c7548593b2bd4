// Package document keeps values under text keys in a log of frames (R15).
//
// Keys are in memory, values are read from the log. Changes go to one file at a time; a
// writable open and a failed write (R12) start a new one with the next change. A new file
// says which file came before it and which of that one's frames counts as its last, so that
// what was refused stays refused and what is missing at a file's end is noticed. When half
// of the log is dead, compaction writes the live documents into one new file, whose header
// says that all before it is litter.
package document

import (
	"errors"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/vfs"
)

// MaxKey is the longest key, and the longest space, in bytes. Both are valid UTF-8 without
// NUL; a space may be empty, a key may not.
const MaxKey = 1024

const (
	defaultMaxValue     = 16 << 20
	defaultCompactBytes = 1 << 20
	// maxFiles is how many files there may be before compaction merges them.
	maxFiles = 16
)

// Options of a log; the zero value is for tests.
type Options struct {
	StoreID      [16]byte
	ReadOnly     bool
	MaxValue     int              // most bytes of a value; 0: 16 MiB. Larger is fault.TooLarge
	CompactBytes int64            // no compaction below so many bytes in the files; 0: 1 MiB
	Now          func() time.Time // nil: time.Now

	// End is the newest file that the log is known to have had, and the last of its frames that counts; zero: nothing is known.
	End End

	// Remove removes a file of the directory that is not needed any more, or keeps it elsewhere. nil: it is removed.
	Remove func(base string)
}

// End is a file of the log and a sequence in it.
type End struct{ Number, Sequence uint64 }

// Info describes a document.
type Info struct {
	Key     string
	Bytes   int
	Changed time.Time
	Version uint64 // rises with every change in the log
}

// Stats of a log.
type Stats struct {
	Documents  int64
	LiveBytes  int64 // of frames that hold live documents
	FileBytes  int64
	Files      int
	CompactErr error // why the last compaction failed, nil if it did not
}

// Log is the document log in one directory; safe for concurrent use.
type Log struct {
	fs  vfs.FS
	dir string
	o   Options

	// Of the committer alone (and of Open): there is one at a time.
	writer    *frame.Writer
	next      uint64 // number of the next file
	previous  uint64 // number of the last file, and its last sequence that counts
	last      uint64
	unsettled bool  // no file says yet that what was refused last does not count (R12)
	noCompact bool  // a file could not be read: compaction would lose what is in it
	compactAt int64 // after a failed compaction: not before the files have so many bytes

	queue struct {
		sync.Mutex
		waiting    []*request
		doing      []*request // that the committer works on
		committing bool       // a committer is at work
		idle       *sync.Cond
		closed     bool
		failed     error // a defect was met: nothing is written any more
	}

	mu         sync.RWMutex // guards what follows; the committer alone changes it
	spaces     map[string]map[string]doc
	files      []*file
	version    uint64
	documents  int64
	liveBytes  int64
	damage     []*fault.Error
	reported   map[place]bool // damage that reading has reported already
	compactErr error
	closed     bool
}

// A doc is where a live document stands.
type doc struct {
	file     *file
	sequence uint64
	offset   int64
	length   int64 // of the frame
	info     Info
}

type place struct {
	number uint64
	offset int64
}

// A file is one file of the log, open for reading. Readers of values hold a reference, so that
// compaction does not close it under them.
type file struct {
	remove  func(base string)
	file    vfs.File
	name    string
	number  uint64
	size    int64 // guarded by Log.mu
	refs    atomic.Int64
	retired atomic.Bool
}

func (l *Log) openFile(n Named) (*file, error) {
	name := n.Name
	f, err := l.fs.Open(name)
	if err != nil {
		return nil, fault.WrapAs(fault.IO, err, "open documents", "cannot open the file").At(name, fault.NoOffset)
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(fault.WrapAs(fault.IO, err, "open documents", "no length").At(name, fault.NoOffset), f.Close())
	}
	opened := &file{remove: l.o.Remove, file: f, name: name, number: n.Number, size: size}
	opened.refs.Store(1)
	return opened, nil
}

// release gives a reference up. The last one closes the file, and removes it if it is retired;
// what cannot be removed is litter for the next open to sweep.
func (f *file) release() {
	if f.refs.Add(-1) > 0 {
		return
	}
	_ = f.file.Close()
	if f.retired.Load() {
		f.remove(path.Base(f.name))
	}
}

// put and drop change the index. The caller holds mu.
func (l *Log) put(space string, d doc) {
	docs := l.spaces[space]
	if docs == nil {
		docs = map[string]doc{}
		l.spaces[space] = docs
	}
	if old, ok := docs[d.info.Key]; ok {
		l.liveBytes -= old.length
		l.documents--
	}
	docs[d.info.Key] = d
	l.liveBytes += d.length
	l.documents++
}

func (l *Log) drop(space, key string) {
	if old, ok := l.spaces[space][key]; ok {
		l.liveBytes -= old.length
		l.documents--
		delete(l.spaces[space], key)
		if len(l.spaces[space]) == 0 {
			delete(l.spaces, space)
		}
	}
}

func (l *Log) fileBytes() int64 {
	var sum int64
	for _, f := range l.files {
		sum += f.size
	}
	return sum
}

// Close waits for changes under way and closes the log.
func (l *Log) Close() error {
	l.queue.Lock()
	if l.queue.closed {
		l.queue.Unlock()
		return errClosed()
	}
	l.queue.closed = true
	for l.queue.committing {
		l.queue.idle.Wait()
	}
	l.queue.Unlock()

	if l.unsettled {
		_, _ = l.openWriter()
	}
	var err error
	if l.writer != nil {
		err = l.writer.Close()
		l.writer = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, f := range l.files {
		f.release()
	}
	l.files = nil
	return err
}

// End returns the newest file and the last of its frames that counts, which is for the next Open; zero if a file could not be read. Only after Close.
func (l *Log) End() (end End) {
	if !l.noCompact {
		end = End{l.previous, l.last}
	}
	return end
}

func errClosed() error { return fault.New(fault.Closed, "document", "the document log is closed") }
