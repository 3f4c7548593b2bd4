package stele

import (
	"time"

	"github.com/stelehq/stele/internal/engine"
)

// Stats describe a store at one moment.
type Stats struct {
	StoreID        string // 32 hex digits
	Events         int64  // that can be read
	Segments       int64
	JournalEvents  int64 // in the journal; deleted ones count until it is sealed
	Documents      int64 // of all spaces
	SegmentBytes   int64
	SealedBytes    int64 // written to segments since opening, from the journal; and
	CompactedBytes int64 // by merging segments: both, divided by the first, are the write amplification
	Compactions    int64 // of segments, since opening
	JournalBytes   int64
	DocumentBytes  int64
	DiskBytes      int64         // of all files in the directory, those in quarantine too
	Oldest, Newest time.Time     // zero if empty; deleted events may count for a while
	LastArrival    uint64        // highest arrival number of an event in the store, 0 if empty
	HiddenEvents   int64         // deleted, and still in segments
	HiddenBytes    int64         // what these take, about, until their segments are written anew
	PinnedBytes    int64         // of files that are deleted or replaced, and that snapshots and readers keep
	FreeBytes      int64         // of the disk; -1 if that is not known
	MinFreeBytes   int64         // appends are refused while there are fewer; -1 if that is not known
	Snapshots      int           // open ones
	OldestSnapshot time.Duration // its age
	Damage         []Damage      // found since opening, while opening or reading, and what is in quarantine
	Opened         time.Duration // how long opening took
}

// Damage is one thing found wrong on disk.
type Damage struct {
	File   string
	Offset int64  // -1: the file as a whole
	What   string // what is lost
	Err    error  // the chain of causes

	Rows           int64     // events that are lost by it, 0 if that is not known
	Oldest, Newest time.Time // between which they lie; zero if that is not known
	Kept           bool      // the file is in quarantine: it is kept until Forget, and nothing needs it
}

// Stats returns statistics. They are cheap, and also answer after Close.
func (s *Store) Stats() Stats {
	e := s.e.Stats()
	st := Stats{
		StoreID: e.StoreID, Events: e.Events, Segments: e.Segments, JournalEvents: e.JournalEvents, Documents: e.Documents.Documents,
		SegmentBytes: e.SegmentBytes, SealedBytes: e.SealedBytes, CompactedBytes: e.CompactedBytes, Compactions: e.Compactions, JournalBytes: e.JournalBytes, DocumentBytes: e.Documents.FileBytes, DiskBytes: e.DiskBytes,
		LastArrival: e.LastArrival, HiddenEvents: e.HiddenEvents, HiddenBytes: e.HiddenBytes, PinnedBytes: e.PinnedBytes,
		FreeBytes: e.FreeBytes, MinFreeBytes: e.LeastFree, Snapshots: e.Snapshots, OldestSnapshot: e.OldestSnapshot, Damage: damageOf(e.Damage), Opened: e.Opened,
	}
	if !e.Empty {
		st.Oldest, st.Newest = e.Oldest.Time(), e.Newest.Time()
	}
	return st
}

func damageOf(found []engine.Damage) []Damage {
	var list []Damage
	for _, d := range found {
		list = append(list, Damage(d))
	}
	return list
}
