package engine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"github.com/stelehq/stele/internal/document"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/segment"
	"github.com/stelehq/stele/internal/vfs"
)

// Open opens the store in dir, which a writable open makes if there is none. Damage does not fail it: see Stats.
func Open(dir string, options Options) (*Engine, error) {
	o := options.withDefaults()
	start := time.Now()
	e := &Engine{
		o: o, fs: o.FS, dir: dir, log: o.Logger,
		gate: newGate(), cache: newCache(o.CacheBytes), segments: segment.NewFiles(o.OpenFiles), queue: queue{wake: make(chan struct{}, 1)},
		sealing: make(chan struct{}, 1), sealKick: make(chan struct{}, 1), tidyKick: make(chan struct{}, 1),
		deleting: make(chan struct{}, 1), compacting: make(chan struct{}, 1), compactKick: make(chan struct{}, 1),
		views: map[*View]struct{}{}, judged: judgments{}, sealed: make(chan struct{}), notes: quarantined{}, failed: make(chan struct{}),
	}
	e.sealing <- struct{}{}
	e.deleting <- struct{}{}
	e.compacting <- struct{}{}
	e.selectors.compile = o.Compile
	e.segments.OnEnd(func(name string, removed bool) {
		// Whoever read it may have put blocks into the cache since it was replaced.
		if number, ok := segmentNames.Parse(path.Base(name)); ok {
			e.cache.forget(number)
		}
		if !removed {
			e.leave(path.Base(name))
		}
	})
	e.stopped, e.stop = context.WithCancel(context.Background())
	if !o.ReadOnly {
		if err := e.makeDir(); err != nil {
			return nil, err
		}
	}
	var err error
	if e.lock, err = takeLock(e.fs, dir, !o.ReadOnly, o.URL); err != nil {
		e.stop()
		return nil, err
	}
	if err := e.recover(); err != nil {
		e.stop()
		e.abandon()
		return nil, err
	}
	e.opened = time.Since(start)
	if !o.ReadOnly {
		fault.Go(&e.workers, "commit", e.commitLoop, func(err error) {
			e.Fail(err)
			e.refuseLoop()
		})
		fault.Go(&e.workers, "seal", e.sealLoop, e.Fail)
		fault.Go(&e.workers, "tidy", e.tidyLoop, e.Fail)
		fault.Go(&e.workers, "compact", e.compactLoop, e.Fail)
		e.kickTidy()
		e.kickCompact()
		if e.sealDue() {
			e.kickSeal()
		}
	}
	return e, nil
}

func (e *Engine) makeDir() error {
	if _, err := e.fs.List(e.dir); err == nil {
		return nil
	}
	if err := e.fs.MkdirAll(e.dir); err != nil {
		return fault.Wrap(err, "open store", "cannot make the directory").At(e.dir, fault.NoOffset)
	}
	return nil
}

// syncParent makes the directory's own entry durable, which whoever made it may not have done.
func syncParent(files vfs.FS, dir string) error {
	parent := path.Dir(path.Clean(dir))
	err := files.SyncDir(parent)
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		return fault.Wrap(err, "open store", "cannot sync the directory that holds the store").At(parent, fault.NoOffset)
	}
	return nil
}

// abandon lets go of what a failed open had in hand.
func (e *Engine) abandon() {
	if e.catalog != nil {
		_ = e.catalog.Close()
	}
	if e.documents != nil {
		_ = e.documents.Close()
	}
	if e.state != nil {
		e.state.set.release()
	}
	_ = e.lock.Close()
}

// The lock file says who owns the directory (R17).
type owner struct {
	PID int    `json:"pid"`
	URL string `json:"url,omitempty"`
}

func takeLock(fs vfs.FS, dir string, exclusive bool, url string) (interface{ Close() error }, error) {
	const op = "open store"
	content, err := json.Marshal(owner{os.Getpid(), url})
	if err != nil {
		return nil, fault.WrapAs(fault.Internal, err, op, "cannot describe this process")
	}
	lock, holder, err := fs.Lock(path.Join(dir, lockName), exclusive, append(content, '\n'))
	switch {
	case err == nil:
		return lock, nil
	case errors.Is(err, fault.Locked):
		var by owner
		if json.Unmarshal(holder, &by) != nil || by.PID == 0 {
			return nil, fault.Wrap(err, op, "another process has the store in %s open", dir).At(dir, fault.NoOffset).
				WithHint("close it there, or reach it through the server that owns it with --url URL")
		}
		if by.URL == "" {
			return nil, fault.Wrap(err, op, "process %d has the store in %s open", by.PID, dir).At(dir, fault.NoOffset).
				WithHint("close it there first; a process that serves it is reached with --url URL")
		}
		return nil, fault.Wrap(err, op, "process %d has the store in %s open and serves it at %s", by.PID, dir, by.URL).At(dir, fault.NoOffset).
			WithHint("use --url %s", by.URL)
	case fault.KindOf(err) == fault.NotFound:
		return nil, fault.Wrap(err, op, "there is no store in %s", dir).At(dir, fault.NoOffset)
	}
	return nil, fault.Wrap(err, op, "cannot lock the directory").At(dir, fault.NoOffset)
}

// recover reads what is on disk into the first state and, unless the store is
// read-only, makes a higher epoch durable (R2).
func (e *Engine) recover() (err error) {
	fl, err := listFiles(e.fs, e.dir)
	if err != nil {
		return err
	}
	if slices.Contains(fl.names, restoringName) {
		return fault.New(fault.Invalid, "open store", "a restore or repair into %s was cut off, or is under way: this is no store yet", e.dir).At(e.dir, fault.NoOffset).
			WithHint("run stele restore into it again, or stele repair, which begins anew; or remove the directory")
	}
	loaded, err := manifest.Load(e.fs, e.dir, fl.names)
	if e.o.Salvage && withheld(err) {
		loaded, err = manifest.Loaded{Damage: []*fault.Error{fault.WrapAs(fault.Corrupt, err, "open store", "the manifest cannot be read")}}, nil
	}
	if err != nil {
		return err
	}
	e.loadQuarantine(fl.names)
	rec := &recovery{e: e, files: fl, loaded: loaded, catalog: loaded.Catalog}
	rec.catalog.Apply(manifest.Edit{})
	defer func() {
		if err != nil && e.state == nil {
			rec.release()
		}
	}()
	if err := rec.reconcile(); err != nil {
		return err
	}
	if rec.fresh && (e.o.ReadOnly || e.o.MustExist) {
		return fault.New(fault.NotFound, "open store", "there is no store in %s", e.dir).At(e.dir, fault.NoOffset)
	}
	if rec.fresh {
		if err := syncParent(e.fs, e.dir); err != nil {
			return err
		}
	}
	e.storeID = rec.catalog.StoreID
	if err := rec.replay(); err != nil {
		return err
	}
	if rec.catalog.StoreID == [16]byte{} {
		_, _ = rand.Read(rec.catalog.StoreID[:]) // never fails: crypto/rand
		e.storeID = rec.catalog.StoreID
	}
	e.nextFile = max(fl.next, rec.catalog.NextFile, rec.catalog.Sealed+1)
	epoch := rec.catalog.Epoch
	if rec.rebuilt {
		// Numbers may have been given that nothing tells of any more.
		epoch += rebuiltEpochs
	}
	e.epoch = epoch
	next := event.ArrivalOf(epoch+1, 0)
	if !e.o.ReadOnly {
		if epoch >= event.MaxEpoch {
			return fault.New(fault.Exhausted, "open store", "all %d epochs of arrival numbers are used", event.MaxEpoch)
		}
		e.epoch, e.counter = epoch+1, e.o.Hooks.FirstCounter
		next = event.ArrivalOf(e.epoch, e.counter)
	}
	deletions, err := rec.deletions()
	if err != nil {
		return err
	}
	e.state = &state{set: rec.set(), recent: rec.recents(), absent: rec.absent, deletions: deletions, next: next, changed: make(chan struct{})}
	e.state.visible = e.countVisible(e.state)
	if !e.o.ReadOnly {
		if err := rec.takeOver(); err != nil {
			return err
		}
	} else {
		e.found, e.found.Epoch, e.found.NextFile = rec.catalog, e.epoch, e.nextFile
	}
	return e.openDocuments()
}

// rebuiltEpochs is how far the epoch jumps when the catalog was lost.
const rebuiltEpochs = 1024

func (e *Engine) openDocuments() error {
	known := &e.found
	if e.catalog != nil {
		known = e.catalog.Catalog()
	}
	log, err := document.Open(e.fs, e.dir, document.Options{
		StoreID: e.storeID, ReadOnly: e.o.ReadOnly, MaxValue: e.o.DocumentBytes, Now: e.o.Hooks.Now, CompactBytes: e.o.Hooks.CompactBytes,
		End: document.End(known.Documents), Remove: e.remove,
	})
	if err != nil {
		return fault.Wrap(err, "open store", "cannot open the documents")
	}
	e.documents = log
	for _, d := range log.Damage() {
		e.damaged(d, "")
	}
	if err := e.keepNotes(); err != nil {
		e.log.Warn("what is damaged cannot be noted; it is tried again", "error", err)
	}
	return nil
}

// sealDue reports whether what was replayed is worth sealing.
func (e *Engine) sealDue() bool {
	bytes := e.journalBytes()
	e.mu.Lock()
	defer e.mu.Unlock()
	return bytes >= e.o.JournalBytes || len(e.journals) >= maxRotated
}
