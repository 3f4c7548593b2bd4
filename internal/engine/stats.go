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
	HiddenEvents   int64 // of segments, that deletions hide and that are not worked in yet
	HiddenBytes    int64 // what they take of the segments, about
	PinnedBytes    int64 // of files that the store has no use for any more, and that snapshots and readers keep
	FreeBytes      int64 // of the disk; -1: not known
	LeastFree      int64 // appends are refused below; -1: not known
	Snapshots      int
	OldestSnapshot time.Duration
	Damage         []Damage
	Opened         time.Duration
}

// pinnedBytes sums the files that views keep and the published state does not have. e.mu is held.
func (e *Engine) pinnedBytes() (n int64) {
	live := map[uint64]bool{}
	for _, p := range e.state.set.parts {
		live[p.Number] = true
	}
	for _, l := range e.state.set.logs {
		live[l.number] = true
	}
	for v := range e.views {
		if v.st.set == e.state.set {
			continue
		}
		for _, p := range v.st.set.parts {
			if !live[p.Number] {
				live[p.Number] = true
				n += p.Bytes
			}
		}
		for _, l := range v.st.set.logs {
			if !live[l.number] {
				live[l.number] = true
				if size, err := l.file.Size(); err == nil { // open, as the view is not released
					n += size
				}
			}
		}
	}
	return n
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
	s.FreeBytes, s.LeastFree = -1, -1
	if free, total, err := e.fs.Free(e.dir); err == nil {
		s.FreeBytes, s.LeastFree = free, e.leastFree(total)
	}
	e.mu.Lock()
	st := e.state
	s.PinnedBytes = e.pinnedBytes()
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
		s.HiddenEvents += p.Rows - p.visible()
		s.HiddenBytes += int64(float64(p.Bytes) * float64(p.Rows-p.visible()) / float64(max(p.Rows, 1)))
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
