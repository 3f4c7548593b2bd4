package main

import (
	"errors"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// boltStore is a bucket of bbolt. Keys come in order, so pages are filled whole. It does nothing in the background.
type boltStore struct{ db *bolt.DB }

var events = []byte("events")

func openBolt(dir string) (store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	db, err := bolt.Open(filepath.Join(dir, "events.db"), 0o644, &bolt.Options{FreelistType: bolt.FreelistMapType})
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(events)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &boltStore{db}, nil
}

func (b *boltStore) append(batch []entry) error {
	return b.db.Update(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(events)
		bucket.FillPercent = 1
		for i := range batch {
			if err := bucket.Put(batch[i].key[:], batch[i].event); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *boltStore) settle() error { return nil }

func (b *boltStore) scan(descending bool, use func([]byte)) error {
	return b.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(events).Cursor()
		begin, step := c.First, c.Next
		if descending {
			begin, step = c.Last, c.Prev
		}
		for key, event := begin(); key != nil; key, event = step() {
			use(event)
		}
		return nil
	})
}

func (b *boltStore) filter(use func([]byte)) error {
	var match matcher
	return b.scan(false, func(event []byte) {
		if match.event(event) {
			use(event)
		}
	})
}

func (b *boltStore) close() error { return b.db.Close() }
