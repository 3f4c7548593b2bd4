package document

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"sync"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/vfs"
)

// Pinned is a log as it was at one moment: each file to a length, within which nothing changes any more.
type Pinned struct {
	Files     []Named
	Sizes     []int64
	Last      []uint64 // of each the sequence of a frame that is known to count
	Documents int64
	files     []*file
}

// Pin keeps the log's files until Release.
func (l *Log) Pin() (*Pinned, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return nil, errClosed()
	}
	p := &Pinned{Documents: l.documents, files: slices.Clone(l.files)}
	last := map[*file]uint64{}
	for _, in := range l.spaces {
		for _, d := range in {
			last[d.file] = max(last[d.file], d.sequence)
		}
	}
	for _, f := range p.files {
		f.refs.Add(1)
		p.Last = append(p.Last, last[f])
		p.Files, p.Sizes = append(p.Files, Named{f.number, f.name}), append(p.Sizes, f.size)
	}
	return p, nil
}

// Release lets the files go. Once.
func (p *Pinned) Release() {
	for _, f := range p.files {
		f.release()
	}
	p.files = nil
}

// openNamed replays files that are no directory's, for reading alone.
func openNamed(fs vfs.FS, files []Named, storeID [16]byte) (*Log, error) {
	l := &Log{fs: fs, o: Options{StoreID: storeID, ReadOnly: true}, spaces: map[string]map[string]doc{}, reported: map[place]bool{}}
	l.queue.idle = sync.NewCond(&l.queue.Mutex)
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b Named) int { return cmp.Compare(a.Number, b.Number) })
	if _, _, err := l.replayFiles(files); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// Check reads the files of a log of the store, every live value included, and returns what is damaged. The error says that it ended early.
func Check(ctx context.Context, fs vfs.FS, files []Named, storeID [16]byte) ([]*fault.Error, error) {
	l, err := openNamed(fs, files, storeID)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	_, err = l.Verify(ctx)
	return l.Damage(), err
}

// Clone is Log.Clone of a log of the store from that consists of files.
func Clone(ctx context.Context, fs vfs.FS, files []Named, from [16]byte, dir string, to [16]byte) (documents int64, damage []*fault.Error, err error) {
	l, err := openNamed(fs, files, from)
	if err != nil {
		return 0, nil, err
	}
	defer l.Close()
	return l.Clone(ctx, dir, to)
}

// Clone writes the live documents of a log that is open for reading alone into a new file in dir, as the log of the store to: with the same values, times and
// versions. What is damaged, or cannot be read, is left out and returned, with all other damage. If there never was a document no file is made.
func (l *Log) Clone(ctx context.Context, dir string, to [16]byte) (documents int64, damage []*fault.Error, err error) {
	const op = "copy documents"
	if l.version == 0 {
		return 0, l.Damage(), nil
	}
	target := Log{fs: l.fs, o: Options{StoreID: to}}
	w, err := target.newWriter(path.Join(dir, fileName(l.next)), l.next, extra{complete: true, version: l.version})
	if err != nil {
		return 0, nil, err
	}
	for _, m := range l.live() {
		if cerr := ctx.Err(); cerr != nil {
			err = fault.WrapAs(fault.Canceled, cerr, op, "given up")
			break
		}
		var body []byte
		body, _, err = l.read(m.space, m.doc)
		if kind := fault.KindOf(err); kind == fault.Corrupt || kind == fault.IO {
			if e, _ := errors.AsType[*fault.Error](err); e != nil && kind == fault.IO {
				l.report(m.doc, e) // what is damaged has been reported
			}
			err = nil
			continue
		}
		if err == nil {
			_, err = w.Append(frame.Item{Kind: kindSet, Body: body})
		}
		if err != nil {
			break
		}
		documents++
	}
	if err == nil {
		err = w.Sync()
	}
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return 0, nil, errors.Join(fault.Wrap(err, op, "the new file cannot be written"), l.fs.Remove(w.Name()))
	}
	return documents, l.Damage(), nil
}
