package main

import (
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// pebbleStore is Pebble with zstd in blocks of 256 KiB, and memory for its tables and cache like that of package stele.
type pebbleStore struct{ db *pebble.DB }

func openPebble(dir string) (store, error) {
	o := &pebble.Options{
		MemTableSize:                64 << 20,
		CacheSize:                   64 << 20,
		FormatMajorVersion:          pebble.FormatNewest,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		MemTableStopWritesThreshold: 4,
		Logger:                      silence{},
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize = 256 << 10
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.ZstdCompression }
	}
	db, err := pebble.Open(dir, o)
	if err != nil {
		return nil, err
	}
	return &pebbleStore{db}, nil
}

// silence drops what Pebble says of its flushes.
type silence struct{}

func (silence) Infof(string, ...any)  {}
func (silence) Errorf(string, ...any) {}
func (silence) Fatalf(format string, args ...any) {
	panic(format)
}

func (p *pebbleStore) append(batch []entry) error {
	b := p.db.NewBatch()
	defer b.Close()
	for i := range batch {
		if err := b.Set(batch[i].key[:], batch[i].event, nil); err != nil {
			return err
		}
	}
	return b.Commit(pebble.Sync)
}

func (p *pebbleStore) settle() error {
	if err := p.db.Flush(); err != nil {
		return err
	}
	for calm := 0; calm < 4; calm++ {
		if p.db.Metrics().Compact.NumInProgress > 0 {
			calm = 0
		}
		time.Sleep(250 * time.Millisecond)
	}
	return nil
}

func (p *pebbleStore) scan(descending bool, use func([]byte)) error {
	it, err := p.db.NewIter(nil)
	if err != nil {
		return err
	}
	begin, step := it.First, it.Next
	if descending {
		begin, step = it.Last, it.Prev
	}
	for ok := begin(); ok; ok = step() {
		event, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(err, it.Close())
		}
		use(event)
	}
	return it.Close()
}

func (p *pebbleStore) filter(use func([]byte)) error {
	var match matcher
	return p.scan(false, func(event []byte) {
		if match.event(event) {
			use(event)
		}
	})
}

func (p *pebbleStore) close() error { return p.db.Close() }
