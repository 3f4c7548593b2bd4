package engine

import (
	"encoding/hex"
	"path"
	"time"

	"github.com/stelehq/stele/internal/document"
	"github.com/stelehq/stele/internal/event"
)

// Stats describe a store at one moment.
type Stats struct {
	StoreID        string
	Events         int64 // visible
	Segments       int64
	JournalEvents  int64 // in the journal, deleted ones included until it is sealed
	SegmentBytes   int64
	SealedBytes    int64 // written to segments by sealing since the store was opened, and
	CompactedBytes int64 // by merging segments
	Compactions    int64 // of segments since the store was opened
	JournalBytes   int64
	DiskBytes      int64
	Documents      document.Stats
	Empty          bool
	Oldest, Newest event.Key
	LastArrival    uint64
	Snapshots      int
	OldestSnapshot time.Duration
	Damage         []Damage
	Opened         time.Duration
}

// Stats returns the store's statistics. They also answer after Close.
func (e *Engine) Stats() Stats {
	s := Stats{StoreID: hex.EncodeToString(e.storeID[:]), Opened: e.opened, Empty: true, Damage: e.damage.all()}
	see := func(minKey, maxKey event.Key) {
		if s.Empty || minKey.Compare(s.Oldest) < 0 {
			s.Oldest = minKey
		}
		if s.Empty || maxKey.Compare(s.Newest) > 0 {
			s.Newest = maxKey
		}
		s.Empty = false
	}
	e.mu.Lock()
	st := e.state
	now := e.now()
	for v := range e.views {
		if v.public {
			s.Snapshots++
			s.OldestSnapshot = max(s.OldestSnapshot, now.Sub(v.taken))
		}
	}
	for _, j := range e.journals {
		s.JournalBytes += j.bytes
	}
	s.SealedBytes, s.CompactedBytes, s.Compactions = e.sealedBytes, e.compactedBytes, e.compactions
	e.mu.Unlock()
	s.Events = st.visible
	for _, r := range st.recent {
		s.JournalEvents += int64(r.rows)
		s.LastArrival = max(s.LastArrival, r.maxArrival)
		if !covered(st.deletions, r.minKey, r.maxKey, r.maxArrival) {
			see(r.minKey, r.maxKey)
		}
	}
	for _, p := range st.set.parts {
		s.Segments++
		s.SegmentBytes += p.Bytes
		s.LastArrival = max(s.LastArrival, p.MaxArrival)
		see(p.MinKey, p.MaxKey)
	}
	if e.documents != nil {
		s.Documents = e.documents.Stats()
	}
	s.DiskBytes = e.quarantineSize()
	if names, err := e.fs.List(e.dir); err == nil {
		for _, name := range names {
			if n, err := e.fs.Size(path.Join(e.dir, name)); err == nil {
				s.DiskBytes += n
			}
		}
	}
	return s
}
