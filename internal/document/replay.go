package document

import (
	"errors"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/vfs"
)

// Open replays the directory's document-*.log files. Damage does not fail it: Damage reports
// it, and what is undamaged is served. A writable open sweeps litter, and starts a new file
// with the first change.
func Open(fs vfs.FS, dir string, o Options) (*Log, error) {
	if o.MaxValue <= 0 {
		o.MaxValue = defaultMaxValue
	}
	o.MaxValue = min(o.MaxValue, frame.MaxBody-changeFixed-2*MaxKey)
	if o.CompactBytes <= 0 {
		o.CompactBytes = defaultCompactBytes
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Remove == nil {
		o.Remove = func(base string) { _ = fs.Remove(path.Join(dir, base)) }
	}
	l := &Log{fs: fs, dir: dir, o: o, next: 1, spaces: map[string]map[string]doc{}, reported: map[place]bool{}}
	l.queue.idle = sync.NewCond(&l.queue.Mutex)
	if err := l.replay(); err != nil {
		for _, f := range l.files {
			f.release()
		}
		return nil, err
	}
	return l, nil
}

// A replayed file and what its header says.
type replayed struct {
	*file
	headed bool // the header could be read
	extra  extra
	limit  uint64 // the last sequence that counts, as the next file says; 0: not said
}

func (l *Log) replay() error {
	numbers, litter, err := l.list()
	if err != nil {
		return err
	}
	files := make([]Named, len(numbers))
	for i, n := range numbers {
		files[i] = Named{n, path.Join(l.dir, fileName(n))}
	}
	old, logs, err := l.replayFiles(files)
	if err != nil || l.o.ReadOnly {
		return err
	}
	// First, so that nothing is removed before what replaces it is there to stay.
	if err := l.secure(logs); err != nil {
		return err
	}
	// A compaction that was cut short before it removed what it replaced. With damage in its
	// file, or a file that cannot be read, the old ones stay: somebody may want to look.
	if len(l.damage) == 0 {
		for _, r := range old {
			l.files = slices.DeleteFunc(l.files, func(f *file) bool { return f == r.file })
			r.retired.Store(true)
			r.release()
		}
	}
	for _, name := range litter {
		_ = l.fs.Remove(name)
	}
	return nil
}

// Named is a file of a log, which may be called otherwise than in its directory.
type Named struct {
	Number uint64
	Name   string
}

// replayFiles reads files in the order of their numbers; old ones are litter.
func (l *Log) replayFiles(files []Named) (old, logs []*replayed, err error) {
	newest := 0 // the newest complete file
	for _, n := range files {
		l.next = max(l.next, n.Number+1)
		f, err := l.openFile(n)
		if err != nil {
			l.unreadable(err)
			continue
		}
		l.files = append(l.files, f)
		r := &replayed{file: f}
		if err := l.readHeader(r); err != nil {
			return nil, nil, err
		}
		if r.headed && r.extra.complete {
			newest = len(logs)
		}
		logs = append(logs, r)
	}
	old = logs[:newest]
	logs = logs[newest:]
	l.checkChain(logs)
	l.checkEnd(files, logs)
	for _, r := range logs {
		if err := l.replayFile(r); err != nil {
			return nil, nil, err
		}
	}
	return old, logs, nil
}

// list returns the numbers of the directory's logs, rising, and the names of unfinished ones.
func (l *Log) list() (numbers []uint64, litter []string, err error) {
	names, err := l.fs.List(l.dir)
	if err != nil {
		return nil, nil, fault.Wrap(err, "open documents", "cannot list the directory").At(l.dir, fault.NoOffset)
	}
	for _, name := range names {
		if n, ok := fileNumber(name); ok {
			numbers = append(numbers, n)
		} else if n, ok := fileNumber(strings.TrimSuffix(name, tmpSuffix)); ok {
			litter = append(litter, path.Join(l.dir, name))
			l.next = max(l.next, n+1)
		}
	}
	slices.Sort(numbers)
	return numbers, litter, nil
}

// unreadable files what is wrong with a whole file that may still be sound: compaction would
// lose for good what is in it.
func (l *Log) unreadable(err error) {
	l.noCompact = true
	var e *fault.Error
	if !errors.As(err, &e) {
		e = fault.WrapAs(fault.IO, err, "open documents", "cannot read a file")
	}
	l.damage = append(l.damage, e)
}

func (l *Log) readHeader(r *replayed) error {
	h, err := frame.ReadHeader(r.file.file, r.size, r.name)
	switch kind := fault.KindOf(err); {
	case err == nil:
	case kind == fault.Corrupt:
		return nil // the scan says what there is to say
	case kind == fault.Unsupported:
		return err
	default:
		l.unreadable(err)
		return nil
	}
	if h.Format != formatName || h.Version != formatVersion {
		return fault.New(fault.Unsupported, "open documents", "%s format %d; this Stele reads %s format %d", h.Format, h.Version, formatName, formatVersion).
			At(r.name, 0).WithHint("open the store with the version of Stele that wrote it")
	}
	if h.StoreID != l.o.StoreID && l.o.StoreID != [16]byte{} {
		l.damage = append(l.damage, fault.New(fault.Corrupt, "open documents", "expected a file of store %x, found one of %x; it is served all the same", l.o.StoreID, h.StoreID).At(r.name, 0))
	}
	if h.Number != r.number {
		l.damage = append(l.damage, fault.New(fault.Corrupt, "open documents", "expected file %d, found file %d; it is served all the same", r.number, h.Number).At(r.name, 0))
	}
	r.extra, r.headed = decodeExtra(h.Extra)
	return nil
}

// checkChain tells each file what its successor says of it, and reports files that are gone.
func (l *Log) checkChain(logs []*replayed) {
	for i, r := range logs {
		if !r.headed || r.extra.previous == 0 || r.extra.complete {
			continue
		}
		known := false
		for _, before := range logs[:i] {
			if before.number == r.extra.previous {
				before.limit, known = r.extra.last, true
			}
			known = known || before.extra.complete && before.number > r.extra.previous
		}
		if !known {
			name := path.Join(l.dir, fileName(r.extra.previous))
			l.damage = append(l.damage, fault.New(fault.Corrupt, "open documents", "expected the file before %s, found none: changes up to its frame %d may be lost", path.Base(r.name), r.extra.last).At(name, fault.NoOffset))
		}
	}
}

// checkEnd tells the newest file what the caller says of it, and reports it if it is gone.
func (l *Log) checkEnd(files []Named, logs []*replayed) {
	end := l.o.End
	if end.Sequence < frame.FirstSequence || slices.ContainsFunc(files, func(n Named) bool { return n.Number > end.Number }) {
		return // another one vouches for it, or has replaced it
	}
	if len(files) == 0 || files[len(files)-1].Number < end.Number {
		name := path.Join(l.dir, fileName(end.Number))
		l.damage = append(l.damage, fault.New(fault.Corrupt, "open documents", "the newest file is missing: changes up to its frame %d may be lost", end.Sequence).At(name, fault.NoOffset))
	} else if len(logs) > 0 && logs[len(logs)-1].number == end.Number {
		logs[len(logs)-1].limit = end.Sequence
	}
}

func (l *Log) replayFile(r *replayed) error {
	l.version = max(l.version, r.extra.version)
	counts := r.size
	result, err := frame.ScanDurable(r.file.file, r.size, r.name, r.limit, func(f frame.Frame) error {
		if r.limit > 0 && f.Sequence > r.limit {
			counts = min(counts, f.Offset) // written but refused (R12)
			return nil
		}
		l.apply(r.file, f)
		return nil
	})
	r.file.size = counts // whoever copies the file does not know the limit
	switch kind := fault.KindOf(err); {
	case err == nil:
	case kind == fault.Unsupported:
		return err
	default:
		l.unreadable(err)
	}
	l.damage = append(l.damage, result.Damage...)
	if err == nil && result.LastSequence < r.limit {
		l.damage = append(l.damage, fault.New(fault.Corrupt, "open documents", "expected frames up to %d, found them up to %d: the changes after it are lost", r.limit, result.LastSequence).At(r.name, result.End))
	}
	if err == nil {
		// Of a file that was read in part nobody can say how far it counts.
		l.previous, l.last = r.number, result.LastSequence
	}
	return nil
}

// apply replays one change.
func (l *Log) apply(f *file, fr frame.Frame) {
	c, ok := decodeChange(fr.Body)
	if !ok || fr.Kind != kindSet && fr.Kind != kindDelete {
		l.damage = append(l.damage, fault.New(fault.Corrupt, "open documents", "frame %d, of kind %d, is no change of a document", fr.Sequence, fr.Kind).At(f.name, fr.Offset))
		return
	}
	l.version = max(l.version, c.version)
	space, key := string(c.space), string(c.key)
	if fr.Kind == kindDelete {
		l.drop(space, key)
		return
	}
	l.put(space, doc{f, fr.Sequence, fr.Offset, fr.Length, Info{key, len(c.value), c.changed, c.version}})
}

// secure syncs what was replayed: a process that was killed can have left changes that are in
// the page cache alone, and what is served must be on disk (R10).
func (l *Log) secure(logs []*replayed) error {
	for _, r := range logs {
		f, err := l.fs.Append(r.name)
		if err == nil {
			err = errors.Join(f.Sync(), f.Close())
		}
		if err != nil {
			return fault.Wrap(err, "open documents", "cannot sync what was read").At(r.name, fault.NoOffset)
		}
	}
	if len(logs) > 0 {
		if err := l.fs.SyncDir(l.dir); err != nil {
			return fault.Wrap(err, "open documents", "cannot sync the directory").At(l.dir, fault.NoOffset)
		}
	}
	return nil
}
