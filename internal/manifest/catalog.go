// Package manifest keeps the catalog: the set of live segments, how far the journal is
// sealed, and the deletions. The catalog is a log of edits with a checkpoint at its
// beginning, named by a file that is replaced atomically (R14).
package manifest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/stelehq/stele/internal/event"
)

// Segment is what the catalog knows of a segment file.
type Segment struct {
	Number                 uint64 // in the file's name
	Rows                   int64
	Bytes                  int64
	MinKey, MaxKey         event.Key // inclusive
	MinArrival, MaxArrival uint64    // inclusive
	Applied                uint64    // deletions up to this number do not concern it: they were worked in, or hide nothing of it
	Hidden                 int64     // rows that deletions in force hide; 0 also if that is not known, and some may
}

// Deletion hides the events of a range of keys that arrived before it: all of them, or only some.
type Deletion struct {
	Number   uint64      // rises with every deletion
	From, To event.Key   // inclusive
	Horizon  uint64      // only arrival numbers below it are hidden
	Keys     []event.Key // not empty: only these, rising, all in the range
	Filter   string      // not empty: only what this expression selects
}

// Whole reports whether the deletion hides all of its range.
func (d *Deletion) Whole() bool { return len(d.Keys) == 0 && d.Filter == "" }

// Concerns reports whether the deletion may hide an event with a key from one to another, whenever it arrived.
func (d *Deletion) Concerns(from, to event.Key) bool {
	if d.From.Compare(to) > 0 || from.Compare(d.To) > 0 {
		return false
	}
	if len(d.Keys) == 0 {
		return true
	}
	i, _ := slices.BinarySearchFunc(d.Keys, from, event.Key.Compare)
	return i < len(d.Keys) && d.Keys[i].Compare(to) <= 0
}

// Retry remembers the id of a batch whose journal file is gone (R16).
type Retry struct {
	ID   string
	Base uint64 // arrival number of its first event
	Rows int
	Time int64 // when it was committed, nanoseconds since the Unix epoch
}

// Mark says that every event with an arrival number below one had arrived at an instant.
type Mark struct {
	Arrival uint64
	Time    int64 // nanoseconds since the Unix epoch
}

// JournalEnd is the newest journal file that the store had when it was opened or closed, and the last of its frames that counts.
// A file that no later one vouches for is missed by it, and so is its end.
type JournalEnd struct{ Number, Sequence uint64 }

// Catalog is the state that the edits add up to. The zero value is an empty one.
type Catalog struct {
	StoreID      [16]byte
	Epoch        uint32 // highest epoch taken (R2)
	NextFile     uint64 // no file number at or above it was given when the edit was written
	Sealed       uint64 // journal files up to this number are in segments
	LastDeletion uint64
	Journal      JournalEnd
	Documents    JournalEnd // the same of the newest file of documents, when the store was closed
	Segments     map[uint64]Segment
	Deletions    map[uint64]Deletion
	Retries      []Retry
	Marks        []Mark // their arrival numbers rise, and their times do not fall
}

// Edit is an atomic change of a catalog. Zero fields change nothing.
type Edit struct {
	StoreID       [16]byte
	Epoch         uint32
	NextFile      uint64
	Sealed        uint64
	LastDeletion  uint64
	Journal       JournalEnd
	Documents     JournalEnd
	Add           []Segment
	Drop          []uint64
	AddDeletions  []Deletion
	DropDeletions []uint64
	Retries       []Retry
	Marks         []Mark
}

// Apply changes the catalog. Numbers only rise, so that an edit applied twice, or after one that was lost, does no harm.
func (c *Catalog) Apply(e Edit) {
	if e.StoreID != [16]byte{} {
		c.StoreID = e.StoreID
	}
	c.Epoch = max(c.Epoch, e.Epoch)
	c.NextFile = max(c.NextFile, e.NextFile)
	c.Sealed = max(c.Sealed, e.Sealed)
	c.LastDeletion = max(c.LastDeletion, e.LastDeletion)
	if e.Journal.Number > c.Journal.Number {
		c.Journal = e.Journal
	}
	if d := e.Documents; d.Number > c.Documents.Number || d.Number == c.Documents.Number && d.Sequence > c.Documents.Sequence {
		c.Documents = d
	}
	if c.Segments == nil {
		c.Segments, c.Deletions = map[uint64]Segment{}, map[uint64]Deletion{}
	}
	for _, s := range e.Add {
		c.Segments[s.Number] = s
	}
	for _, n := range e.Drop {
		delete(c.Segments, n)
	}
	for _, d := range e.AddDeletions {
		c.Deletions[d.Number] = d
		c.LastDeletion = max(c.LastDeletion, d.Number)
	}
	for _, n := range e.DropDeletions {
		delete(c.Deletions, n)
	}
	c.Retries = append(c.Retries, e.Retries...)
	for _, m := range e.Marks {
		if n := len(c.Marks); n > 0 {
			last := c.Marks[n-1]
			if m.Arrival <= last.Arrival {
				continue
			}
			m.Time = max(m.Time, last.Time)
		}
		c.Marks = thinned(append(slices.Clip(c.Marks), m))
	}
}

// markShare is how much of its age an event may be taken to be younger than it is.
const markShare = 32

// thinned leaves out marks whose neighbours are near each other for their age. Some hundreds are left, however many there were.
func thinned(marks []Mark) []Mark {
	newest := marks[len(marks)-1].Time
	left := marks[:1:1]
	for i := 1; i < len(marks)-1; i++ {
		if marks[i+1].Time-left[len(left)-1].Time > (newest-marks[i].Time)/markShare {
			left = append(left, marks[i])
		}
	}
	return append(left, marks[max(1, len(marks)-1):]...)
}

// ArrivedBy returns an arrival number below which every event had arrived at an instant, 0 if none is known.
func (c *Catalog) ArrivedBy(instant int64) (arrival uint64) {
	for _, m := range c.Marks {
		if m.Time > instant {
			break
		}
		arrival = m.Arrival
	}
	return arrival
}

// Checkpoint returns the one edit that makes an empty catalog this one.
func (c *Catalog) Checkpoint() Edit {
	e := Edit{
		StoreID: c.StoreID, Epoch: c.Epoch, NextFile: c.NextFile, Sealed: c.Sealed, LastDeletion: c.LastDeletion, Journal: c.Journal, Documents: c.Documents,
		Add: slices.Collect(maps.Values(c.Segments)), AddDeletions: slices.Collect(maps.Values(c.Deletions)),
		Retries: c.Retries, Marks: c.Marks,
	}
	slices.SortFunc(e.Add, func(a, b Segment) int { return cmp.Compare(a.Number, b.Number) })
	slices.SortFunc(e.AddDeletions, func(a, b Deletion) int { return cmp.Compare(a.Number, b.Number) })
	return e
}

// Forget drops the retries committed before the instant.
func (c *Catalog) Forget(before int64) {
	c.Retries = slices.DeleteFunc(slices.Clone(c.Retries), func(r Retry) bool { return r.Time < before })
}
