package main

import (
	"context"
	"errors"
	"sync"

	"github.com/stelehq/stele"
)

// steleStore is package stele with its default options.
type steleStore struct {
	s       *stele.Store
	batches sync.Pool // of *stele.Batch, empty
}

func openStele(dir string) (store, error) {
	s, err := stele.Open(dir, nil)
	if err != nil {
		return nil, err
	}
	t := &steleStore{s: s}
	t.batches.New = func() any { return s.NewBatch() }
	return t, nil
}

func (t *steleStore) append(batch []entry) error {
	b := t.batches.Get().(*stele.Batch)
	for i := range batch {
		if err := b.AddCLEF(batch[i].event); err != nil {
			return err
		}
	}
	_, err := t.s.Append(context.Background(), b)
	b.Reset()
	t.batches.Put(b)
	return err
}

func (t *steleStore) settle() error {
	return errors.Join(t.s.Flush(context.Background()), t.s.Settle(context.Background()))
}

func (t *steleStore) scan(descending bool, use func([]byte)) error {
	o := stele.ReadOptions{}
	if descending {
		o.Ordering = stele.Descending
	}
	return t.read(o, use)
}

func (t *steleStore) filter(use func([]byte)) error {
	f, err := stele.ParseFilter("StatusCode >= 500")
	if err != nil {
		return err
	}
	return t.read(stele.ReadOptions{Filter: f}, use)
}

func (t *steleStore) read(o stele.ReadOptions, use func([]byte)) error {
	r := t.s.ReadText(context.Background(), o)
	for r.Next() {
		use(r.CLEF())
	}
	return r.Close()
}

func (t *steleStore) close() error { return t.s.Close() }
