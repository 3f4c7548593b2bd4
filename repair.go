package stele

import (
	"context"
	"path/filepath"

	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// Repaired says what Repair made.
type Repaired struct {
	StoreID   string // the new store's
	Epoch     uint32 // of its arrival numbers; those that it gives will be of higher ones
	Events    int64
	Documents int64
	Segments  int64
	Bytes     int64    // of the new store's segments
	Damage    []Damage // what is lost; with what was found lost before and is in quarantine
}

// Repair makes a store in dest, which is empty or absent, of what is sound in the store in dir: the same events under the same keys, the same
// documents, what is deleted stays deleted. It is another store: it has an identity of its own, and arrival numbers above any that the other may have given
// since. The store in dir is only read, and nobody may have it open for writing meanwhile (Locked). options may be nil.
//
// If it is cut off, dest does not open as a store; Repair into it again begins anew. NotFound: there is no store in dir. Invalid: dest is not empty.
func Repair(ctx context.Context, dir, dest string, options *Options) (*Repaired, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if o.FS == nil {
		o.FS = vfs.OS{}
		for _, name := range []*string{&dir, &dest} {
			whole, err := filepath.Abs(*name)
			if err != nil {
				return nil, fault.Wrap(err, "repair", "cannot tell where %s is", *name)
			}
			*name = filepath.ToSlash(whole)
		}
	}
	r, err := engine.Repair(ctx, dir, dest, o.engine())
	if r == nil {
		return nil, err
	}
	return &Repaired{r.StoreID, r.Epoch, r.Events, r.Documents, r.Segments, r.Bytes, damageOf(r.Damage)}, err
}
