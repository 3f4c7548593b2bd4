package stele

import (
	"context"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// Documents are JSON values under text keys (R15), in spaces that do not see each other. Safe for concurrent use.
type Documents struct {
	s     *Store
	space string
}

// DocumentInfo describes a document.
type DocumentInfo struct {
	Key     string
	Bytes   int
	Changed time.Time
	Version uint64 // rises with every change in the store
}

// Documents returns the documents of a space; "" is the users' own. Spaces whose names begin with "stele." are the store's.
func (s *Store) Documents(space string) *Documents { return &Documents{s, space} }

// Set stores a value under a key of 1 to 1,024 bytes of UTF-8, durable when it returns; the value is kept byte for byte.
// Invalid: it is not one JSON value, or the key is none. TooLarge: over Options.DocumentBytes.
func (d *Documents) Set(ctx context.Context, key string, value []byte) error {
	if err := d.s.e.Enter(); err != nil {
		return err
	}
	defer d.s.e.Leave()
	if _, err := event.ParseValue(value); err != nil {
		return fault.WrapAs(fault.Invalid, err, "set document", "the value is not JSON")
	}
	_, err := d.s.e.Documents().Set(ctx, d.space, key, value)
	return err
}

// Get returns a value, which is the caller's. NotFound. Corrupt: it is damaged on disk.
func (d *Documents) Get(ctx context.Context, key string) ([]byte, error) {
	if err := d.s.e.Enter(); err != nil {
		return nil, err
	}
	defer d.s.e.Leave()
	value, _, err := d.s.e.Documents().Get(ctx, d.space, key)
	return value, err
}

// List returns the documents whose keys start with a prefix, by key.
func (d *Documents) List(ctx context.Context, prefix string) ([]DocumentInfo, error) {
	if err := d.s.e.Enter(); err != nil {
		return nil, err
	}
	defer d.s.e.Leave()
	if err := ctx.Err(); err != nil {
		return nil, fault.WrapAs(fault.Canceled, err, "list documents", "the caller gave up")
	}
	found := d.s.e.Documents().List(d.space, prefix)
	infos := make([]DocumentInfo, len(found))
	for i, f := range found {
		infos[i] = DocumentInfo(f)
	}
	return infos, nil
}

// Delete removes a document, durably. NotFound if there is none.
func (d *Documents) Delete(ctx context.Context, key string) error {
	if err := d.s.e.Enter(); err != nil {
		return err
	}
	defer d.s.e.Leave()
	return d.s.e.Documents().Delete(ctx, d.space, key)
}
