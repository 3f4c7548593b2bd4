package stele

import "context"

// Delete removes every event in the range that arrived before the call, durably and at once, and returns how
// many visible events are gone. Snapshots taken before keep their view. Disk space comes back as files are
// rewritten; what a range covers wholly comes back at once. It works on a full disk: a small reserve
// is given up for it.
func (s *Store) Delete(ctx context.Context, r Range) (int64, error) { return s.e.Delete(ctx, r.span()) }
