package stele

import (
	"context"

	"github.com/stelehq/stele/internal/engine"
)

// VerifyReport says what Verify checked, and what it found wrong.
type VerifyReport struct {
	Files, Frames, Blocks, Events, Documents, Bytes int64
	Damage                                          []Damage
}

// Verify checks every byte that the store's catalog names, every event included, beside other work. Damage is in the report; an
// error says that the check itself ended early (Canceled, Closed, IO).
func (s *Store) Verify(ctx context.Context) (*VerifyReport, error) {
	return report(s.e.Verify(ctx))
}

// Forget lets go of what is damaged in a file of the store, named as in Damage.File. A damaged file is kept, in place or in quarantine, until
// then: now what is sound of it gets a new place, if it has none yet, and the file is removed. What is lost by the damage is then lost
// for good. NotFound: nothing is known to be damaged in a file of that name.
func (s *Store) Forget(ctx context.Context, file string) error { return s.e.Forget(ctx, file) }

// VerifyDir checks the store in dir without opening it for writing, also one that is damaged beyond
// opening. Locked: a process has it open for writing. options may be nil.
func VerifyDir(ctx context.Context, dir string, options *Options) (*VerifyReport, error) {
	var o Options
	if options != nil {
		o = *options
	}
	return report(engine.VerifyDir(ctx, dir, o.engine()))
}

func report(r *engine.Report, err error) (*VerifyReport, error) {
	if r == nil {
		return nil, err
	}
	return &VerifyReport{r.Files, r.Frames, r.Blocks, r.Events, r.Documents, r.Bytes, damageOf(r.Damage)}, err
}
