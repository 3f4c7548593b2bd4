package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/segment"
)

// A recovery is the way from the files of a directory to a state.
type recovery struct {
	e       *Engine
	files   files
	loaded  manifest.Loaded
	catalog manifest.Catalog

	fresh   bool // there is no store yet
	rebuilt bool // the catalog was damaged: files tell what it may have lost

	parts    []*part
	absent   []absent
	salvaged []*recent
	replayed []*recent
	logs     []*log          // of the journals that were replayed
	foreign  map[uint64]bool // segments and journals that are not this store's, or not to be removed
	keep     map[uint64]bool // segments that must not be swept
	unsynced []uint64        // journals with frames that only the page cache may hold
	blank    []uint64        // journals whose creation a crash interrupted
}

// reconcile brings the catalog and the segment files together.
func (rec *recovery) reconcile() error {
	e := rec.e
	rec.foreign, rec.keep = map[uint64]bool{}, map[uint64]bool{}
	nothing := len(rec.files.segments) == 0 && len(rec.files.journals) == 0 && rec.files.documents == 0
	complete := rec.loaded.Name != "" && len(rec.loaded.Damage) == 0
	switch {
	case complete:
	case nothing && !slices.Contains(rec.files.names, manifest.Current):
		// The first open was cut off before anything could be stored.
		rec.fresh = true
	default:
		rec.rebuilt = true
		for _, d := range rec.loaded.Damage {
			e.damaged(fault.Wrap(d, "open store", "a part of the catalog is lost; it is rebuilt from the segments"), "the catalog, in part: "+d.Msg)
		}
		if rec.loaded.Name == "" && len(rec.loaded.Damage) == 0 {
			lost := fault.New(fault.Corrupt, "open store", "the catalog is lost; it is rebuilt from the segments").At(path.Join(e.dir, manifest.Current), fault.NoOffset)
			e.damaged(lost, "the catalog: deletions may be undone")
		}
	}
	rec.adoptID()
	orphans := rec.orphans()
	identities := map[uint64]segment.Identity{}
	for _, number := range rec.files.segments {
		if _, named := rec.catalog.Segments[number]; !named && !rec.rebuilt && !orphans[number] {
			continue // litter
		}
		id, err := rec.openSegment(number)
		if err != nil {
			return err
		}
		if id != nil {
			identities[number] = *id
		}
	}
	if len(orphans) > 0 {
		rec.rebuilt = true
		e.damaged(fault.New(fault.Corrupt, "open store", "the last edits of the catalog are lost; it is rebuilt from the segments").
			At(path.Join(e.dir, rec.loaded.Name), fault.NoOffset), "the catalog, in part: deletions may be undone")
	}
	if rec.rebuilt {
		rec.rebuild(identities)
	}
	// Now, for of a catalog without its last edits it may be that a segment is missing because it was merged.
	for number := range rec.catalog.Segments {
		if !slices.Contains(rec.files.segments, number) {
			s := rec.catalog.Segments[number]
			name := path.Join(e.dir, segmentName(number))
			rec.lose(s, fault.New(fault.Corrupt, "open store", "the file is missing").At(name, fault.NoOffset), "segment "+segmentName(number)+": "+plural(s.Rows, "event"))
		}
	}
	rec.parts = slices.DeleteFunc(rec.parts, func(p *part) bool {
		s, named := rec.catalog.Segments[p.Number]
		if !named {
			_ = p.reader.Release()
			return true
		}
		p.Applied, p.Hidden = s.Applied, s.Hidden
		return false
	})
	return nil
}

// openSegment opens one segment file, or salvages what is sound of it.
func (rec *recovery) openSegment(number uint64) (*segment.Identity, error) {
	e := rec.e
	name := path.Join(e.dir, segmentName(number))
	r, err := segment.Open(e.fs, name, e.segments)
	if err == nil {
		info := r.Info()
		if bad := rec.stranger(info.Identity, number); bad != nil {
			_ = r.Release()
			rec.passOver(number, bad.At(name, fault.NoOffset))
			return nil, nil
		}
		if err = inOrder(r); err == nil {
			rec.parts = append(rec.parts, &part{reader: r, Segment: segmentOf(info, 0)})
			return &info.Identity, nil
		}
		_ = r.Release()
	}
	if fault.KindOf(err) == fault.Unsupported {
		return nil, err
	}
	rec.keep[number] = true
	s, named := rec.catalog.Segments[number]
	if fault.KindOf(err) != fault.Corrupt {
		rec.lose(s, fault.Wrap(err, "open store", "a segment cannot be opened").At(name, fault.NoOffset), "segment "+segmentName(number)+": "+plural(s.Rows, "event"))
		return nil, nil
	}
	rows := int64(0)
	var found []*recent
	info, damage, serr := segment.Salvage(e.fs, name, func(data []byte, m segment.Meta) error {
		b, err := newRecent(slices.Clone(data), m.Base, 0)
		if err == nil {
			b.segment = number
			found = append(found, b)
			rows += int64(b.rows)
		}
		return nil
	})
	if id, none := info.Identity, [16]byte{}; id.StoreID != none && (id.Number != number || rec.catalog.StoreID != none && id.StoreID != rec.catalog.StoreID) {
		rec.lose(s, fault.Wrap(err, "open store", "a segment is not this store's, or not of this name; the whole file is passed over").At(name, fault.NoOffset),
			"segment "+segmentName(number)+": "+plural(s.Rows, "event"))
		return nil, nil
	}
	if bad := rec.stranger(info.Identity, number); bad != nil && info.StoreID != [16]byte{} {
		rec.passOver(number, bad.At(name, fault.NoOffset))
		return nil, nil
	}
	what := "the index of " + segmentName(number) + "; " + plural(rows, "event") + " found without it"
	if named {
		what += " of " + plural(s.Rows, "event")
	}
	if !named && rec.rebuilt {
		// Perhaps it was never finished: then the journals that it was to replace are still here.
		if rec.unfinished(info.Identity) {
			rec.keep[number] = false
			return nil, nil
		}
	}
	if rows < s.Rows {
		rec.lose(s, fault.Wrap(err, "open store", "a segment is damaged"), what)
	} else {
		e.damaged(fault.Wrap(err, "open store", "a segment is damaged"), what)
	}
	for _, d := range damage {
		e.damaged(d, "")
	}
	if serr != nil && fault.KindOf(serr) != fault.Corrupt {
		e.damaged(serr, "")
	}
	rec.salvaged = append(rec.salvaged, found...)
	if !named && len(found) > 0 {
		info.Number = number
		rec.catalog.Segments[number] = segmentOf(info, 0)
	}
	return &info.Identity, nil
}

// lose notes that a segment, or a part of it, is not served: readers of its range say so (R12).
func (rec *recovery) lose(s manifest.Segment, err *fault.Error, what string) {
	if s.Rows > 0 {
		what += " from " + s.MinKey.Time().Format(timeLayout) + " to " + s.MaxKey.Time().Format(timeLayout)
		rec.absent = append(rec.absent, absent{s, fault.Wrap(err, "read segment", "lost: %s", what)})
	}
	rec.e.lost(err, what, toll{s.Rows, s.MinKey, s.MaxKey})
}

// inOrder checks what a reader relies on.
func inOrder(r *segment.Reader) error {
	for i := 1; i < r.Blocks(); i++ {
		if r.Meta(i-1).MaxKey.Compare(r.Meta(i).MinKey) >= 0 {
			return fault.New(fault.Corrupt, "open segment", "block %d does not follow block %d in key order", i, i-1).At(r.Name(), fault.NoOffset)
		}
	}
	return nil
}

func epochOf(arrival uint64) uint32 { return uint32(arrival >> 40) }

// replay reads the journal files that are not sealed.
func (rec *recovery) replay() error {
	e := rec.e
	headers := map[uint64]journal.Header{}
	cuts := map[uint64]*journal.Cut{}
	var numbers []uint64
	for _, n := range rec.files.journals {
		if n <= rec.catalog.Sealed {
			continue
		}
		numbers = append(numbers, n)
		h, err := journal.ReadHeader(e.fs, e.dir, n)
		switch {
		case err == nil:
		case fault.KindOf(err) == fault.Corrupt, withheld(err):
			continue // the replay tells whether it is damage
		default:
			return err
		}
		headers[n] = h
		if h.StoreID != rec.catalog.StoreID {
			continue // what it says is of other files
		}
		rec.catalog.Epoch = max(rec.catalog.Epoch, h.Epoch)
		for _, c := range h.Cuts {
			if c.Number > rec.catalog.Sealed && c.Number < n && cuts[c.Number] == nil {
				cuts[c.Number] = &c
			}
		}
	}
	if j := rec.catalog.Journal; j.Number > rec.catalog.Sealed && cuts[j.Number] == nil {
		cut := journal.Cut(j)
		cuts[j.Number] = &cut
	}
	now := e.now().UnixNano()
	for _, r := range rec.catalog.Retries {
		e.retries.add(r.ID, retry{r.Base, r.Rows, r.Time}, now)
	}
	for _, n := range numbers {
		if h, ok := headers[n]; ok && h.StoreID != e.storeID {
			rec.foreign[n] = true
			e.damaged(fault.New(fault.Corrupt, "open store", "expected a journal of store %x, found one of store %x", e.storeID, h.StoreID).
				At(path.Join(e.dir, journal.Name(n)), 0), "the whole file is passed over")
			continue
		}
		if err := rec.replayFile(n, cuts[n], now); err != nil {
			return err
		}
	}
	// A file that a later one names and that is not there.
	for n, c := range cuts {
		if _, err := e.fs.Size(e.quarantine(journal.Name(n))); err == nil {
			continue
		}
		if c.Sequence >= journal.FirstSequence && !slices.Contains(numbers, n) {
			e.damaged(fault.New(fault.Corrupt, "open store", "the file is missing").At(path.Join(e.dir, journal.Name(n)), fault.NoOffset),
				"journal "+journal.Name(n)+": all of its events")
		}
	}
	return nil
}

// replayFile replays one journal. One that cannot be read at all, though tried several times, is put into quarantine, and the rest is served.
func (rec *recovery) replayFile(number uint64, cut *journal.Cut, now int64) error {
	var r replayed
	var err error
	for range openTries {
		if r, err = rec.readJournal(number, cut); !withheld(err) {
			break
		}
	}
	switch {
	case err == nil:
		rec.accept(number, cut, r, now)
		return nil
	case !withheld(err):
		return err
	}
	return rec.passOverJournal(number, err)
}

// withheld reports whether the disk does not give what is in a file. That it is somebody else's is another matter.
func withheld(err error) bool {
	return fault.KindOf(err) == fault.IO && !errors.Is(err, fs.ErrPermission)
}

// openTries is how often a journal is read before it is given up.
const openTries = 3

// A replayed is what a replay of a journal found.
type replayed struct {
	journal.Result
	log     *log // with one reference
	recents []*recent
	retries []manifest.Retry
	missing toll // what is missing between the groups
}

func (rec *recovery) readJournal(number uint64, cut *journal.Cut) (r replayed, err error) {
	e := rec.e
	if r.log, err = e.openLog(number); err != nil {
		return r, err
	}
	next, last := uint64(0), int64(0)
	r.Result, err = journal.Replay(e.fs, e.dir, number, cut, func(g journal.Group) error {
		if next > 0 && g.Base > next && epochOf(g.Base) == epochOf(next) {
			if r.missing.rows == 0 {
				r.missing.minKey = event.MakeKey(last, 0)
			}
			r.missing.rows += int64(g.Base - next)
			r.missing.maxKey = event.MakeKey(g.Time, 0)
		}
		base := g.Base
		for i := range g.Blocks {
			r.recents = append(r.recents, newRecentAt(r.log, &g.Blocks[i], base))
			base += uint64(g.Blocks[i].Rows)
		}
		base = g.Base
		for _, b := range g.Batches {
			if b.ID != "" {
				r.retries = append(r.retries, manifest.Retry{ID: b.ID, Base: base, Rows: b.Rows, Time: g.Time})
			}
			base += uint64(b.Rows)
		}
		next, last = base, g.Time
		return nil
	})
	if err != nil {
		r.log.release()
	}
	return r, err
}

func (rec *recovery) accept(number uint64, cut *journal.Cut, r replayed, now int64) {
	e := rec.e
	if r.HeaderLost && r.Groups == 0 && (cut == nil || cut.Sequence < journal.FirstSequence) && len(r.Damage) == 0 {
		rec.blank = append(rec.blank, number)
		r.log.release()
		return
	}
	rec.logs = append(rec.logs, r.log)
	rec.replayed = append(rec.replayed, r.recents...)
	for _, b := range r.recents {
		rec.catalog.Epoch = max(rec.catalog.Epoch, epochOf(b.maxArrival))
	}
	for _, b := range r.retries {
		e.retries.add(b.ID, retry{b.Base, b.Rows, b.Time}, now)
	}
	for i, d := range r.Damage {
		what := ""
		if i == 0 && r.missing.rows > 0 {
			what = fmt.Sprintf("%s; up to %s that arrived between %s and %s are missing in the file", d.Msg, plural(r.missing.rows, "event"),
				r.missing.minKey.Time().Format(timeLayout), r.missing.maxKey.Time().Format(timeLayout))
		}
		e.lost(d, what, toll{rows: r.missing.rows})
		r.missing = toll{}
	}
	if r.HeaderLost && len(r.Damage) == 0 {
		e.damaged(fault.New(fault.Corrupt, "replay journal", "both copies of the header are damaged").At(path.Join(e.dir, journal.Name(number)), 0), "")
	}
	if cut == nil && r.Last >= journal.FirstSequence && r.Synced < r.Last {
		rec.unsynced = append(rec.unsynced, number)
	}
	last := r.Cut(number)
	if cut != nil {
		last = *cut
	}
	e.cuts = append(e.cuts, last)
	e.journals = append(e.journals, journalFile{number: number, bytes: r.Size, last: last.Sequence, rotated: true})
}

// passOverJournal puts a journal that cannot be read into quarantine.
func (rec *recovery) passOverJournal(number uint64, why error) error {
	e := rec.e
	base := journal.Name(number)
	d := damageOf(fault.Wrap(why, "open store", "a journal cannot be read; it is passed over").At(path.Join(e.dir, base), fault.NoOffset), "all events of the file")
	if e.damage.add(d) {
		e.log.Error("damage found", "file", d.File, "what", d.What, "error", why)
	}
	if e.o.ReadOnly {
		return nil
	}
	e.note(d)
	if n := e.noted(base); n == nil || e.putAside(n) != nil {
		return why
	}
	return nil
}

func (rec *recovery) set() *segmentSet {
	slices.SortFunc(rec.parts, func(a, b *part) int { return int(int64(a.Number) - int64(b.Number)) })
	s := newSegmentSet(rec.parts, rec.logs)
	rec.release() // the set has its own references
	return s
}

// release gives up the recovery's references.
func (rec *recovery) release() {
	for _, p := range rec.parts {
		_ = p.reader.Release()
	}
	for _, l := range rec.logs {
		l.release()
	}
}

func (rec *recovery) recents() []*recent { return append(rec.salvaged, rec.replayed...) }

// deletions returns those in force. A catalog that was rebuilt may not know how much they hide.
func (rec *recovery) deletions() ([]manifest.Deletion, error) {
	all := rec.catalog.Checkpoint().AddDeletions
	for _, d := range all {
		if d.Filter == "" {
			continue
		}
		if _, err := rec.e.selectors.get(d.Filter); err != nil {
			return nil, fault.WrapAs(fault.Unsupported, err, "open store", "deletion %d has a filter that this program cannot read", d.Number).At(path.Join(rec.e.dir, rec.loaded.Name), fault.NoOffset)
		}
	}
	for _, p := range rec.parts {
		if p.Hidden == 0 && len(all) > 0 { // or nobody has counted
			if err := rec.e.weigh(context.Background(), []*part{p}, all); withheld(err) {
				p.Hidden = 0 // what cannot be read has been told; it counts as if nothing of it were deleted
				continue
			} else if err != nil {
				return nil, err
			}
			rec.catalog.Segments[p.Number] = p.Segment
		}
	}
	return all, nil
}

// takeOver makes this process the one that writes: what was replayed durable, a higher epoch
// durable, litter gone.
func (rec *recovery) takeOver() error {
	e := rec.e
	for _, n := range rec.unsynced {
		if err := journal.Sync(e.fs, e.dir, n); err != nil {
			return err
		}
	}
	e.reserve = rec.files.reserve && reserveIsWhole(e.fs, e.dir, e.o.Hooks.ReserveBytes)
	for _, name := range rec.files.temps {
		e.remove(name)
	}
	rec.catalog.Epoch = e.epoch
	rec.catalog.NextFile = e.nextFile
	rec.catalog.Journal = e.journalEnd()
	rec.catalog.Apply(manifest.Edit{Marks: []manifest.Mark{{Arrival: e.state.next, Time: e.now().UnixNano()}}})
	rec.catalog.Forget(e.now().UnixNano() - int64(retryWindow))
	if err := e.keepNotes(); err != nil {
		e.log.Warn("what is damaged cannot be noted; it is tried again", "error", err)
	}
	old := rec.loaded.Name
	if e.noted(old) != nil {
		old = "" // a damaged manifest is put aside below
	}
	var err error
	if e.catalog, err = manifest.Start(e.fs, e.dir, rec.catalog, old, e.takeFile); fault.KindOf(err) == fault.Full && e.giveReserve() {
		e.catalog, err = manifest.Start(e.fs, e.dir, rec.catalog, old, e.takeFile)
	}
	if err != nil {
		return fault.Wrap(err, "open store", "cannot take over the store in %s", e.dir)
	}
	// From here on the new catalog is durable: what it does not name is litter.
	for _, name := range rec.files.manifests {
		if name != e.catalog.Name() && (old == "" || name != old) {
			e.remove(name)
		}
	}
	for _, n := range rec.files.segments {
		if _, named := rec.catalog.Segments[n]; !named && !rec.keep[n] {
			e.remove(segmentName(n))
		}
	}
	for _, n := range rec.files.journals {
		if n <= rec.catalog.Sealed || slices.Contains(rec.blank, n) {
			e.remove(journal.Name(n))
		}
	}
	e.keepReserve()
	return nil
}

func plural(n int64, what string) string {
	s := what
	if n != 1 {
		s += "s"
	}
	return strconv.FormatInt(n, 10) + " " + s
}
