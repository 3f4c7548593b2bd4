package engine

import (
	"cmp"
	"context"
	"hash/crc32"
	"io"
	"path"
	"slices"

	"github.com/stelehq/stele/internal/backup"
	"github.com/stelehq/stele/internal/document"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/manifest"
)

// A backup copies files as they are, segments as a whole and of logs what is durable, so that whoever serves it has nothing to write and next to nothing
// to compute. Files only ever grow at their end or go; a BackupView names how much of each counts and keeps them from going.

// BackupView is the store at one moment, as files. Safe for concurrent use. It is a snapshot: release it.
type BackupView struct {
	e         *Engine
	view      *View
	documents *document.Pinned
	plan      []byte
	files     map[string]planned // by the name that the pool gives them
}

// A planned file is one of the store's, and how much of it counts.
type planned struct {
	name  string // in the store's directory
	bytes int64
}

// BackupView pins what the store holds now. A journal that is worth it is sealed first: a segment is smaller, and is copied by one backup alone, while a
// journal that has grown is copied again. If that fails the journal is copied.
func (e *Engine) BackupView(ctx context.Context) (*BackupView, error) {
	if err := e.gate.enter(); err != nil {
		return nil, err
	}
	defer e.gate.leave()
	if !e.o.ReadOnly && e.journalBytes() >= e.o.JournalBytes/sealShare {
		if err := e.Flush(ctx); err != nil && ctx.Err() != nil {
			return nil, err
		}
	}
	// While the catalog is held no segment comes or goes, and no journal does so by sealing.
	e.catalogMu.Lock()
	catalog := &e.found
	if e.catalog != nil {
		catalog = e.catalog.Catalog()
	}
	edit := catalog.Checkpoint()
	e.mu.Lock()
	b := &BackupView{e: e, view: e.acquireLocked(true), files: map[string]planned{}}
	journals := slices.Clone(e.journals)
	e.mu.Unlock()
	e.catalogMu.Unlock()
	var err error
	if b.documents, err = e.documents.Pin(); err == nil {
		err = b.describe(edit, journals)
	}
	if err != nil {
		b.Release()
		return nil, err
	}
	return b, nil
}

// journalBytes is how long the journal is.
func (e *Engine) journalBytes() (bytes int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, j := range e.journals {
		bytes += j.bytes
	}
	return bytes
}

// sealShare: a journal is sealed before a backup if it has this part of the bytes at which it is sealed anyhow.
const sealShare = 8

// describe writes the plan.
func (b *BackupView) describe(edit manifest.Edit, journals []journalFile) error {
	e := b.e
	d := &backup.Description{StoreID: e.storeID, Taken: e.now().UTC(), Events: b.view.st.visible, Documents: b.documents.Documents}
	add := func(f backup.File, name string) {
		d.Files = append(d.Files, f)
		b.files[f.Name(d.StoreID)] = planned{name, f.Bytes}
	}
	for _, s := range edit.Add {
		add(backup.File{Kind: backup.Segment, Number: s.Number, Bytes: s.Bytes, Mark: segmentMark(s), Rows: s.Rows, Applied: s.Applied, Hidden: s.Hidden}, path.Join(e.dir, segmentName(s.Number)))
	}
	for _, j := range journals {
		if j.last < journal.FirstSequence {
			continue // nothing is in it yet
		}
		name := path.Join(e.dir, journal.Name(j.number))
		add(backup.File{Kind: backup.Journal, Number: j.number, Bytes: j.bytes, Mark: e.logMark(name), Last: j.last}, name)
	}
	for i, f := range b.documents.Files {
		add(backup.File{Kind: backup.Document, Number: f.Number, Bytes: b.documents.Sizes[i], Mark: e.logMark(f.Name), Last: b.documents.Last[i]}, f.Name)
	}
	// The segments are among the files. Journals and deletions are as the snapshot has them, and so is all else.
	edit.Add, edit.Journal, edit.Documents = nil, manifest.JournalEnd{}, manifest.JournalEnd{}
	d.Catalog = manifest.AppendEdit(nil, edit)
	for _, found := range e.damage.all() {
		// What is in quarantine is no part of the store any more. What could not be read once may be read now: the copy tells.
		if !found.Kept && fault.KindOf(found.Err) == fault.Corrupt {
			d.Damage = append(d.Damage, damageNote(found))
		}
	}
	var err error
	b.plan, err = backup.Append(nil, d)
	return err
}

func damageNote(d Damage) backup.Damage {
	note := backup.Damage{File: d.File, Offset: d.Offset, What: d.What}
	if d.Err != nil {
		note.Error = d.Err.Error()
	}
	return note
}

// segmentMark tells segments of one number apart, which there are only after a catalog was lost: arrival numbers are never given twice (R2).
func segmentMark(s manifest.Segment) uint32 {
	s.Applied, s.Hidden = 0, 0 // what is known of deletions changes, the file does not
	return crc32.ChecksumIEEE(manifest.AppendEdit(nil, manifest.Edit{Add: []manifest.Segment{s}}))
}

// logMark tells log files of one number apart: their first frame has a random file id. If it cannot be read the copy will tell.
func (e *Engine) logMark(name string) uint32 {
	f, err := e.fs.Open(name)
	if err != nil {
		return 0
	}
	defer f.Close()
	var b [40]byte
	_, _ = f.ReadAt(b[:], 0)
	return crc32.ChecksumIEEE(b[:])
}

// Plan is the description of a backup that is still to be made: what it needs, not where that is. It answers after Release too, and is not to be changed.
func (b *BackupView) Plan() []byte { return b.plan }

// ReadAt reads of the file that the plan's backup would call pool. NotFound: the plan has no such file. Corrupt: it should be there and is not. IO:
// it cannot be read there. At the end of what counts it answers io.EOF.
func (b *BackupView) ReadAt(pool string, p []byte, offset int64) (int, error) {
	const op = "read for backup"
	if err := b.e.gate.enter(); err != nil {
		return 0, err
	}
	defer b.e.gate.leave()
	if !b.view.hold() {
		return 0, fault.New(fault.Closed, op, "the snapshot is closed")
	}
	defer b.view.st.set.release()
	file, ok := b.files[pool]
	if !ok {
		return 0, fault.New(fault.NotFound, op, "the backup has no file %.120q", pool)
	}
	if offset < 0 || offset >= file.bytes {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), file.bytes-offset)]
	f, err := b.e.fs.Open(file.name)
	if fault.KindOf(err) == fault.NotFound {
		return 0, fault.WrapAs(fault.Corrupt, err, op, "the file is missing").At(file.name, fault.NoOffset)
	}
	if err != nil {
		return 0, fault.Wrap(err, op, "cannot open the file").At(file.name, fault.NoOffset)
	}
	defer f.Close()
	n, err := f.ReadAt(p, offset)
	if n == len(p) || err == io.EOF {
		return n, nil // less than was asked for: the file is shorter than it should be
	}
	return n, fault.WrapAs(fault.IO, err, op, "cannot read the file").At(file.name, offset+int64(n))
}

// Release lets the files go. Harmless when repeated.
func (b *BackupView) Release() {
	e := b.e
	e.mu.Lock()
	documents := b.documents
	b.documents = nil
	e.mu.Unlock()
	b.view.Release()
	if documents != nil {
		documents.Release()
	}
}

// A BackupSource is where a backup comes from: a BackupView, or a server that has one.
type BackupSource interface {
	// Plan is what a BackupView's answers.
	Plan(ctx context.Context) ([]byte, error)
	// ReadAt is as a BackupView's; less than len(p) bytes without an error is the end of the file. IO and Corrupt concern that file, others all of them.
	ReadAt(ctx context.Context, pool string, p []byte, offset int64) (int, error)
}

// epochRoom is how many epochs a restored store leaves to the store of the backup, for what that has issued since and will yet: one at each open.
const epochRoom = 1 << 16

// restoredEpoch returns an epoch above anything that the backup's store may have issued since, of which two restores of one backup
// hardly ever choose the same: random is any number. The room shrinks as epochs run out, but never to nothing before they do. docs/decisions has the reasons.
func restoredEpoch(epoch uint32, random uint32) (uint32, error) {
	left := event.MaxEpoch - min(epoch, event.MaxEpoch)
	room := min(epochRoom, left/4)
	if room == 0 {
		return 0, fault.New(fault.Exhausted, "restore", "all %d epochs of arrival numbers are used", uint32(event.MaxEpoch))
	}
	return epoch + room + random%room, nil
}

// byKind orders files as they are restored: journals by their numbers, for each vouches for those before it.
func byKind(a, b backup.File) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Number, b.Number))
}
