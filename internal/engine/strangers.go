package engine

import (
	"path"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/segment"
)

// Files of another store that lie in the directory are passed over and reported: their numbers mean other files.

// adoptID gives a catalog that has lost it the store's id: the one that most files name.
func (rec *recovery) adoptID() {
	if rec.catalog.StoreID != [16]byte{} {
		return
	}
	e := rec.e
	votes := map[[16]byte]int{}
	vote := func(id [16]byte) {
		if votes[id]++; votes[id] > votes[rec.catalog.StoreID] {
			rec.catalog.StoreID = id
		}
	}
	for _, n := range rec.files.segments {
		if r, err := segment.Open(e.fs, path.Join(e.dir, segmentName(n)), nil); err == nil {
			vote(r.Info().StoreID)
			_ = r.Release()
		}
	}
	for _, n := range rec.files.journals {
		if h, err := journal.ReadHeader(e.fs, e.dir, n); err == nil {
			vote(h.StoreID)
		}
	}
	for _, name := range rec.files.names {
		if _, ok := documentNames.Parse(name); !ok {
			continue
		}
		f, err := e.fs.Open(path.Join(e.dir, name))
		if err != nil {
			continue
		}
		if size, err := f.Size(); err == nil {
			if h, err := frame.ReadHeader(f, size, name); err == nil {
				vote(h.StoreID)
			}
		}
		_ = f.Close()
	}
}

// stranger returns why a segment is not the one that its name says. What it holds is not this store's, and what it
// replaces neither.
func (rec *recovery) stranger(id segment.Identity, number uint64) *fault.Error {
	if id.StoreID != rec.catalog.StoreID {
		return fault.New(fault.Corrupt, "open segment", "expected a segment of store %x, found one of store %x", rec.catalog.StoreID, id.StoreID)
	}
	if id.Number != number {
		return fault.New(fault.Corrupt, "open segment", "expected segment number %d, found %d", number, id.Number)
	}
	return nil
}

// passOver leaves a stranger where it is.
func (rec *recovery) passOver(number uint64, bad *fault.Error) {
	rec.keep[number] = true
	s := rec.catalog.Segments[number]
	rec.lose(s, fault.Wrap(bad, "open store", "a segment is another one; it is passed over"), "segment "+segmentName(number)+": "+plural(s.Rows, "event"))
}
