package engine

import (
	"context"
	"log/slog"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/document"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/segment"
	"github.com/stelehq/stele/internal/vfs"
)

// Engine is an open store. Safe for concurrent use.
//
// Locks are taken in this order: deleting, sealing or compacting, catalogMu, mu. The committer alone touches
// the journal's writer and the counter.
type Engine struct {
	o       Options
	fs      vfs.FS
	dir     string
	log     *slog.Logger
	storeID [16]byte
	opened  time.Duration
	lock    interface{ Close() error }

	gate      *gate
	roomy     time.Time // when there was plenty of room on the disk; the committer's
	cache     *cache
	segments  *segment.Files
	damage    damages
	selectors selectors
	documents *document.Log

	// The committer's own.
	writer  *journal.Writer // nil: the next commit starts a file
	reading *log            // the same file, as readers have it
	epoch   uint32
	counter uint64 // of the next event

	walks atomic.Int32 // walks over blocks that run

	queue    queue
	retries  retries
	sealing  chan struct{}                 // holds a token while nobody seals
	encoder  atomic.Pointer[block.Encoder] // of the segment written last: it knows how columns are written best; nil while in use
	sealKick chan struct{}
	tidyKick chan struct{}

	deleting    chan struct{} // holds a token while nobody deletes
	budget      atomic.Int64  // see SetBudget
	unreadSince time.Time     // since when a journal that is to be sealed cannot be read; of whoever seals

	compacting  chan struct{}  // holds a token while nobody merges segments
	merger      *block.Encoder // as encoder; of whoever has the token
	compactKick chan struct{}
	stop        context.CancelFunc // ends the background
	stopped     context.Context
	workers     sync.WaitGroup

	judged judgments // of whoever has the token of deleting

	catalogMu sync.Mutex
	catalog   *manifest.Log    // nil in a read-only store
	found     manifest.Catalog // in a read-only store the catalog as recovery left it

	mu       sync.Mutex
	state    *state
	views    map[*View]struct{}
	journals []journalFile // not sealed, oldest first
	cuts     []journal.Cut // of those that nothing is written to any more
	nextFile uint64
	litter   []string // files that could not be removed, tried again later
	reserve  bool     // the reserve file is in place
	sealErr  error    // of the last attempt
	sealed   chan struct{}
	alone    map[uint64]bool // damaged segments, which are not merged

	failing sync.Once
	failed  chan struct{} // closed once failure is set
	failure error         // a defect was met in the background: nothing is written any more

	notesMu sync.Mutex
	notes   quarantined // of damaged files that go into quarantine when nothing needs them

	sealedBytes, compactedBytes int64 // written to segments since the store was opened
	compactions                 int64
}

// A journalFile is a journal that is not sealed yet.
type journalFile struct {
	number  uint64
	bytes   int64
	last    uint64 // the sequence of its last frame that counts
	rotated bool   // nothing is written to it any more
}

func (e *Engine) now() time.Time { return e.o.Hooks.Now() }

// takeFile gives the number of a new file. No two files have the same, whatever their kind.
func (e *Engine) takeFile() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.nextFile
	e.nextFile++
	return n
}

// remove deletes a file of the store, or puts it into quarantine if it is damaged: now or, if that fails, later.
func (e *Engine) remove(base string) {
	var err error
	if n := e.noted(base); n != nil {
		err = e.putAside(n)
	} else {
		err = e.fs.Remove(path.Join(e.dir, base))
	}
	if err != nil && fault.KindOf(err) != fault.NotFound {
		e.log.Warn("a file could not be removed; it is tried again later", "file", base, "error", err)
		e.leave(base)
	}
}

// leave notes a file that could not be removed.
func (e *Engine) leave(base string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.litter = append(e.litter, base)
}

// Sweep tries again to remove what could not be removed: on Windows a virus scanner or a backup may have held it.
func (e *Engine) Sweep() {
	if e.gate.enter() == nil {
		e.sweep()
		e.gate.leave()
	}
}

// sweep tries again what remove could not do.
func (e *Engine) sweep() {
	e.mu.Lock()
	litter := e.litter
	e.litter = nil
	e.mu.Unlock()
	for _, base := range litter {
		e.remove(base)
	}
}

// writable returns an error for a store that was opened read-only, or failed.
func (e *Engine) writable(op string) error {
	if e.o.ReadOnly {
		return fault.New(fault.Denied, op, "the store was opened read-only")
	}
	return e.whyFailed(op)
}

// Fail notes a defect that was met in the background (I14). What is in memory may be wrong from then on, so nothing more is written; what was acknowledged is on disk, and reading goes on.
func (e *Engine) Fail(err error) {
	e.failing.Do(func() {
		e.failure = err
		e.log.Error("a defect was met; the store takes no more writes until it is opened again", "error", err)
		e.damage.add(Damage{Offset: fault.NoOffset, What: "a defect was met in the background: nothing is written until the store is opened again", Err: err})
		close(e.failed)
	})
}

// whyFailed returns what writes are refused with after a defect.
func (e *Engine) whyFailed(op string) error {
	select {
	case <-e.failed:
		return fault.Wrap(e.failure, op, "the store takes no more writes, because a defect was met before").WithHint("close it and open it again; nothing that was acknowledged is lost")
	default:
		return nil
	}
}

// EventBytes is the most bytes of one event, 0 for the default.
func (e *Engine) EventBytes() int { return e.o.EventBytes }

// FS is the file system that the store is on.
func (e *Engine) FS() vfs.FS { return e.fs }

// Documents returns the document log.
func (e *Engine) Documents() *document.Log { return e.documents }

// Enter lets a call of the caller's into the store; Leave ends it. Between them the
// store does not close.
func (e *Engine) Enter() error { return e.gate.enter() }

// Leave ends a call begun by Enter.
func (e *Engine) Leave() { e.gate.leave() }

// Snapshot pins what the store holds now.
func (e *Engine) Snapshot() (*View, error) { return e.view(true) }

// Pin is Snapshot for the length of one call or reader.
func (e *Engine) Pin() (*View, error) { return e.view(false) }

func (e *Engine) view(public bool) (*View, error) {
	if err := e.gate.enter(); err != nil {
		return nil, err
	}
	defer e.gate.leave()
	return e.acquire(public), nil
}

// Close turns new calls away, wakes those that wait, lets those inside finish, and lets go of the directory.
// What was appended stays in the journal. Readers that are still open answer Closed.
// A second Close does nothing.
func (e *Engine) Close() error {
	e.mu.Lock()
	select {
	case <-e.gate.closing:
		e.mu.Unlock()
		return nil
	default:
	}
	// Under mu, so that of two closers only one gets here.
	close(e.gate.closing)
	e.mu.Unlock()
	e.gate.shut()
	e.stop()
	e.workers.Wait()

	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	end := e.journalEnd()
	if e.writer != nil {
		keep(e.writer.Close())
	}
	if e.documents != nil {
		keep(e.documents.Close())
	}
	if e.catalog != nil && e.whyFailed("") != nil {
		keep(e.catalog.Close()) // what would be noted may be wrong
	} else if e.catalog != nil {
		edit, known := manifest.Edit{Journal: end}, e.catalog.Catalog()
		if e.documents != nil {
			edit.Documents = manifest.JournalEnd(e.documents.End())
		}
		if end.Number > known.Journal.Number || edit.Documents.Number > known.Documents.Number {
			// If this fails nothing is lost, but nobody would miss those files.
			_ = e.catalog.Append(edit)
		}
		keep(e.catalog.Close())
	}
	e.mu.Lock()
	views := e.views
	e.views = nil
	for v := range views {
		v.released = true
	}
	e.mu.Unlock()
	for v := range views {
		v.st.set.release()
	}
	e.state.set.release()
	e.cache.clear()
	keep(e.lock.Close())
	if first != nil {
		return fault.Wrap(first, "close store", "closing %s met an error", e.dir)
	}
	return nil
}
