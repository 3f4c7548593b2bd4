package document

import (
	"cmp"
	"context"
	"path"
	"slices"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
)

// kindCompact is a request to compact; it never is a frame.
const kindCompact = 255

// Compact rewrites the live documents into one new file now.
func (l *Log) Compact(ctx context.Context) error {
	if l.o.ReadOnly {
		return fault.New(fault.Denied, "compact documents", "the store is open for reading only")
	}
	r := &request{kind: kindCompact, done: make(chan struct{})}
	if err := l.enqueue(r); err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return fault.WrapAs(fault.Canceled, ctx.Err(), "compact documents", "given up while it was under way: it goes on")
	}
}

// wantsCompaction says whether half of the log is dead, or there are many files.
func (l *Log) wantsCompaction() bool {
	bytes := l.fileBytes()
	if l.noCompact || bytes < l.compactAt {
		return false
	}
	return bytes >= l.o.CompactBytes && l.liveBytes < bytes/2 || len(l.files) > maxFiles
}

// compact is the committer's. A failure leaves everything as it was, and is not repeated
// before the log has grown.
func (l *Log) compact() error {
	if l.noCompact {
		return fault.New(fault.IO, "compact documents", "a file of the log could not be read, and would be lost")
	}
	err := l.rewrite()
	l.compactAt = 0
	if err != nil {
		l.compactAt = l.fileBytes()*3/2 + l.o.CompactBytes/4
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.compactErr = err
	return err
}

type moved struct {
	space string
	doc   doc
}

func (l *Log) rewrite() error {
	const op = "compact documents"
	number := l.next
	l.next++
	name := path.Join(l.dir, fileName(number))
	tmp := name + tmpSuffix
	w, err := l.newWriter(tmp, number, extra{complete: true, version: l.version})
	if err != nil {
		return err
	}
	docs, err := l.copyLive(w)
	if err == nil {
		err = w.Sync()
	}
	last := w.SyncedSequence()
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = l.fs.Remove(tmp)
		return fault.Wrap(err, op, "cannot write the new file")
	}
	// From here on the new file may be found, even if what follows fails: then it makes the
	// present one litter. So no change may go there any more, whatever happens.
	l.leaveWriter()
	if err := l.fs.Rename(tmp, name); err != nil {
		_ = l.fs.Remove(tmp)
		return fault.WrapAs(fault.IO, err, op, "cannot rename the new file").At(tmp, fault.NoOffset)
	}
	if err := l.fs.SyncDir(l.dir); err != nil {
		return fault.WrapAs(fault.IO, err, op, "cannot sync the directory").At(l.dir, fault.NoOffset)
	}
	f, err := l.openFile(Named{number, path.Join(l.dir, fileName(number))})
	if err != nil {
		return err
	}
	l.previous, l.last, l.unsettled = number, last, false

	l.mu.Lock()
	old := l.files
	l.files = []*file{f}
	for _, m := range docs {
		m.doc.file = f
		l.put(m.space, m.doc)
	}
	l.mu.Unlock()
	for _, f := range old {
		f.retired.Store(true)
		f.release()
	}
	return nil
}

// live returns every live document, in the order of their versions.
func (l *Log) live() []moved {
	docs := make([]moved, 0, l.documents)
	for space, in := range l.spaces {
		for _, d := range in {
			docs = append(docs, moved{space, d})
		}
	}
	slices.SortFunc(docs, func(a, b moved) int { return cmp.Compare(a.doc.info.Version, b.doc.info.Version) })
	return docs
}

// copyLive writes every live document as it stands.
func (l *Log) copyLive(w *frame.Writer) ([]moved, error) {
	docs := l.live()
	for i := range docs {
		m := &docs[i]
		body, _, err := l.read(m.space, m.doc)
		if err != nil {
			return nil, err
		}
		places, err := w.Append(frame.Item{Kind: kindSet, Body: body})
		if err != nil {
			return nil, err
		}
		m.doc.sequence, m.doc.offset, m.doc.length = places[0].Sequence, places[0].Offset, places[0].Length
	}
	return docs, nil
}
