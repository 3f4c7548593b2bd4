// Package stele is an event store that any program can embed: timestamped JSON events,
// appended durably, read in time order through consistent snapshots, searched with
// filter expressions, followed as they arrive; and JSON documents under text keys beside them.
//
//	store, err := stele.Open("./data", nil)
//	batch := store.NewBatch()
//	err = batch.AddCLEF([]byte(`{"@t":"2026-11-20T12:00:00Z","@mt":"Hello, {Name}","Name":"World"}`))
//	keys, err := store.Append(ctx, batch)
//
// An append that returned nil survives a crash of the process and of the machine, and
// nothing can be read before that is so. A batch is stored whole or not at all. Readers
// see one snapshot, whatever happens beside them. What is read equals what was written:
// member order, the text of every number, duplicates and lone surrogates included.
// Damage on disk is reported and passed over, never returned as data.
//
// A directory belongs to one process at a time. Everything is safe for concurrent use
// unless its comment says otherwise.
package stele

import (
	"context"
	"io"
	"sync"

	"github.com/stelehq/stele/internal/engine"
)

// Store is an open store. Safe for concurrent use. Close it.
type Store struct {
	e          *engine.Engine
	batchBytes int
	retention  *retainer
	signals    sync.Mutex // held to change signals and the policies that use them
}

var _ io.Closer = (*Store)(nil)

// Open opens the store in dir, and makes one if there is none (unless it is read-only:
// NotFound). options may be nil. After a crash it recovers: everything acknowledged is there.
//
// Locked: another process has it open; the error names it. Unsupported: a file is of a format that
// this version does not know. Damaged files do not keep a store from opening: what is lost is
// in Stats().Damage, and the rest is served.
func Open(dir string, options *Options) (*Store, error) {
	var o Options
	if options != nil {
		o = *options
	}
	for i := range o.Retention {
		if err := o.Retention[i].Check(); err != nil {
			return nil, err
		}
	}
	s := &Store{batchBytes: o.BatchBytes, retention: newRetainer(o.Retention, o.Hooks.Now)}
	eo := o.engine()
	eo.Full = s.retention.kick
	var err error
	if s.e, err = engine.Open(dir, eo); err != nil {
		return nil, err
	}
	if s.batchBytes <= 0 {
		s.batchBytes = defaultBatchBytes
	}
	if !o.ReadOnly {
		s.retention.start(s, eo.Logger)
	}
	return s, nil
}

// Close closes the store. New calls answer Closed, waiting ones are woken, and those inside
// are let finish. Snapshots, readers and followers that are still open answer Closed from then on, and
// closing them stays harmless. An error says that something could not be ended properly; the store
// is closed all the same, and what was acknowledged is durable. A second Close does nothing.
func (s *Store) Close() error {
	s.retention.close()
	return s.e.Close()
}

// Flush seals the journal's events into a segment, whatever its size, and waits for it. Not needed for durability.
func (s *Store) Flush(ctx context.Context) error { return s.e.Flush(ctx) }

// Settle does what the background still has to do, and waits for it: journal files that are full become segments, and
// segments are merged until merging more would gain nothing. With Flush before it a store of the same events always
// comes out as small and as quick to read. Never needed.
func (s *Store) Settle(ctx context.Context) error { return s.e.Settle(ctx) }
