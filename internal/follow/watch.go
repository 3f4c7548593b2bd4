package follow

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// Watcher looks again and again for the logs that arguments name, and knows them again after
// rotation: by the file's identity, and by what is in it where they were copied or compressed.
// Not for concurrent use.
type Watcher struct {
	Args  []string
	State *State
	Quiet time.Duration // without growth an event at a log's end is whole after this
	Once  bool          // nothing will be added: all is whole
	Tell  func(error)   // of what cannot be read; each error once
	Took  time.Duration // by the last Scan

	told map[string]bool
	pool []*candidate

	copies, before map[ID]bool // files known as copies: by this scan, by the one before
}

// candidate is a file that may be one of the logs.
type candidate struct {
	File
	outside bool // not what the arguments name: a file beside
	group   int  // of one family
	log     *Log
}

const (
	settled   = 5              // this many times Quiet and a rotated file gets nothing more
	openFor   = time.Minute    // without growth, then a log is closed
	mostOpen  = 100            // logs at a time
	remembers = 24 * time.Hour // how long a log is known that is nowhere
)

// Scan looks for the logs and returns those that may have something to read, of each log's
// files the oldest first.
func (w *Watcher) Scan(now time.Time) []*Log {
	defer func(began time.Time) { w.Took = time.Since(began) }(time.Now())
	w.pool = w.gather()
	w.before, w.copies = w.copies, map[ID]bool{}
	for _, l := range w.State.Logs {
		l.here, l.deleted = false, false
	}
	byID := map[ID]*candidate{}
	for _, c := range w.pool {
		if c.Regular {
			byID[c.ID] = c
		}
	}
	for _, l := range w.State.Logs {
		if c := byID[l.ID]; c != nil && c.log == nil && w.same(l, c) {
			w.claim(l, c, now)
		}
	}
	for _, l := range w.State.Logs {
		if !l.here {
			w.findCopy(l, now)
		}
	}
	for _, l := range w.State.Logs {
		if !l.here {
			w.lose(l, now)
		}
	}
	w.State.Logs = slices.DeleteFunc(w.State.Logs, func(l *Log) bool {
		return !l.here && now.Sub(l.Gone) > remembers && !w.inFlight(l)
	})
	w.welcome(now)
	w.closeIdle(now)
	return w.ready(now)
}

// welcome makes logs of the files that are none yet. What is empty has nothing to be known by.
func (w *Watcher) welcome(now time.Time) {
	isNew := func(c *candidate) bool {
		return c.log == nil && c.Regular && c.Size > 0 && (!c.outside || w.between(c)) && !w.waits(c, now)
	}
	if !slices.ContainsFunc(w.pool, isNew) || !w.settled() {
		return
	}
	for _, c := range w.pool {
		if !isNew(c) {
			continue
		}
		l := &Log{Path: c.Real, ID: c.ID, Shown: c.Path}
		w.claim(l, c, now)
		if l.Head.Bytes == 0 {
			c.log = nil // it was cut short just now
			l.close()
			continue
		}
		w.State.Logs = append(w.State.Logs, l)
		w.State.dirty = true
	}
}

// settled reports whether the files have kept their names since they were gathered: in the middle
// of a rotation a known log may look like a new one.
func (w *Watcher) settled() bool {
	return slices.EqualFunc(w.pool, w.gather(), func(a, b *candidate) bool {
		return a.Real == b.Real && a.ID == b.ID && a.Size <= b.Size
	})
}

// gather returns what the arguments name, and the other files of the same families beside that
// and beside the known logs.
func (w *Watcher) gather() (pool []*candidate) {
	found := Find(w.Args)
	for _, err := range found.Errs {
		w.tell(err)
	}
	have, families, ids := map[string]bool{}, map[string]bool{}, map[ID]bool{}
	var dirs []string
	look := func(path string) {
		families[family(path)] = true
		if dir := filepath.Dir(path); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, f := range found.Files {
		pool = append(pool, &candidate{File: f})
		have[f.Real], ids[f.ID] = true, true
		look(f.Real)
	}
	for _, l := range w.State.Logs {
		look(l.Path)
	}
	for _, dir := range dirs {
		entries, _ := os.ReadDir(dir) // Find has told, or the log is gone
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if have[path] || !e.Type().IsRegular() || !families[family(path)] {
				continue
			}
			info, err := e.Info()
			if err != nil {
				continue // it has just gone
			}
			f := File{Path: path, Real: path, Regular: true}
			if f.look(info) != nil || ids[f.ID] {
				continue // gone, or found by a name that it has just given up
			}
			ids[f.ID] = true
			pool = append(pool, &candidate{File: f, outside: true})
		}
	}
	groups := map[string]int{}
	for i, c := range pool {
		name := family(c.Real)
		if _, ok := groups[name]; !ok {
			groups[name] = i
		}
		c.group = groups[name]
	}
	slices.SortStableFunc(pool, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.group, b.group), compareNames(filepath.Base(a.Real), filepath.Base(b.Real)))
	})
	return pool
}

func (w *Watcher) tell(err error) {
	if w.told == nil {
		w.told = map[string]bool{}
	}
	if text := err.Error(); !w.told[text] && len(w.told) < 1000 {
		w.told[text] = true
		w.Tell(err)
	}
}

// same reports whether a file with the log's identity is still the log.
func (w *Watcher) same(l *Log, c *candidate) bool {
	if l.seen && c.Size == l.size && c.Mod.Equal(l.mod) {
		return true
	}
	f, own, err := l.open(c.Real, c.ID)
	if err != nil {
		w.tellUnreadable(c, err)
		return false
	}
	if own {
		defer f.Close()
	}
	return c.lookInto(f) == nil && l.fits(f, c.Size)
}

// tellUnreadable tells that a file cannot be read, unless it has just gone.
func (w *Watcher) tellUnreadable(c *candidate, err error) {
	if !errors.Is(err, fs.ErrNotExist) {
		w.tell(fault.Wrap(err, "", "%s cannot be read", c.Path))
	}
}

// claim notes that the log is in this file.
func (w *Watcher) claim(l *Log, c *candidate, now time.Time) {
	copied := l.ID != c.ID
	if copied {
		l.close()
		l.ID = c.ID
	}
	moved := l.Path != c.Real || !l.Gone.IsZero()
	l.Path, l.Gone, l.here, c.log = c.Real, time.Time{}, true, l
	switch {
	case !c.outside:
		l.Live, l.Shown = c.Real, c.Path
	case l.Shown == "" || moved:
		l.Shown = filepath.Join(filepath.Dir(l.Shown), filepath.Base(c.Real))
	}
	switch {
	case !l.seen:
		l.changed = c.Mod // no later than now, or it would never be quiet
		if l.changed.After(now) {
			l.changed = now
		}
	case l.size != c.Size:
		l.changed = now
	}
	grown := !l.seen || l.size != c.Size || !c.Mod.Equal(l.mod)
	if !copied && !l.packed || l.Mod.IsZero() {
		l.Mod = c.Mod // a copy may have got another
	}
	l.size, l.mod, l.seen = c.Size, c.Mod, true
	if !grown {
		return
	}
	f, own, err := l.open(c.Real, c.ID)
	if err != nil {
		w.tellUnreadable(c, err)
		l.seen = false // look again
		return
	}
	l.packed = isPacked(f)
	l.extend(f)
	if own {
		l.keepOpen(f, now)
	}
}

// keepOpen keeps the file of a log that is being written to.
func (l *Log) keepOpen(f *os.File, now time.Time) {
	if l.packed || now.Sub(l.changed) > openFor {
		_ = f.Close() // it was only read
		return
	}
	l.file = f
}

// closeIdle closes what has not grown for long, and the longest idle of too many.
func (w *Watcher) closeIdle(now time.Time) {
	var open []*Log
	for _, l := range w.State.Logs {
		if l.file != nil {
			if !l.deleted && now.Sub(l.changed) > openFor {
				l.close()
				continue
			}
			open = append(open, l)
		}
	}
	if len(open) > mostOpen {
		slices.SortFunc(open, func(a, b *Log) int { return b.changed.Compare(a.changed) })
		for _, l := range open[mostOpen:] {
			l.close()
		}
	}
}

// findCopy looks for the text of a log whose file is not what it was: it was cut short after it was
// copied, or compressed.
func (w *Watcher) findCopy(l *Log, now time.Time) {
	for _, c := range w.pool {
		if c.log != nil || !c.Regular || family(c.Real) != family(l.Path) {
			continue
		}
		f, err := openAs(c.Real, c.ID)
		if err != nil {
			continue
		}
		ok := c.lookInto(f) == nil && l.fits(f, c.Size) // it may have grown since it was listed
		_ = f.Close()                                   // it was only read
		if ok {
			w.claim(l, c, now)
			return
		}
	}
}

// lose notes that a log is nowhere. What is still open of a deleted file is read to its end.
func (w *Watcher) lose(l *Log, now time.Time) {
	if l.file != nil {
		info, err := l.file.Stat()
		if err == nil && l.fits(l.file, info.Size()) {
			if l.size != info.Size() {
				l.size, l.changed = info.Size(), now
			}
			if l.At.Offset < l.size || now.Sub(l.changed) < settled*w.Quiet {
				l.here, l.deleted = true, true
				return
			}
		}
		l.close()
	}
	if l.Gone.IsZero() {
		l.Gone = now
	}
	// It may only be on its way to another name.
	if w.Once || now.Sub(l.Gone) >= settled*w.Quiet {
		if l.seen && !l.packed && l.size > l.At.Offset {
			w.tell(fault.New(fault.NotFound, "", "%s was deleted or cut short before its last %d bytes were stored", l.Path, l.size-l.At.Offset))
		}
	}
}

// inFlight reports whether the batch on its way holds a part of the log.
func (w *Watcher) inFlight(l *Log) bool {
	return w.State.Sent != nil && slices.ContainsFunc(w.State.Sent.Parts, func(p Part) bool { return p.Log == l })
}

// between recognises a file beside what the arguments name that had one of these names, but was
// rotated before it was seen: it is of the same log as a known one and was written later.
func (w *Watcher) between(c *candidate) bool {
	live := family(c.Real)
	if live == c.Real {
		return false
	}
	return slices.ContainsFunc(w.State.Logs, func(l *Log) bool {
		return l.Live == live && (l.Path != live || !l.here) && !c.Mod.Before(l.Mod)
	})
}

// waits recognises files that are not to be read yet, or never: they are being compressed, are
// copies of a log that has not been cut short yet, or of one that was read further than the copy.
func (w *Watcher) waits(c *candidate, now time.Time) bool {
	if plain, ok := strings.CutSuffix(c.Real, ".gz"); ok {
		if _, err := os.Stat(plain); err == nil {
			return true
		}
		if !w.Once && now.Sub(c.Mod) < settled*w.Quiet {
			return true
		}
	}
	f, err := openAs(c.Real, c.ID)
	if err != nil {
		w.tellUnreadable(c, err)
		return true
	}
	defer f.Close()
	if slices.ContainsFunc(w.State.Logs, func(l *Log) bool { return w.copied(l, c, f) }) {
		w.copies[c.ID] = true
		return true
	}
	return false
}

// copied reports whether a file, which is open, holds nothing but what the log began with.
func (w *Watcher) copied(l *Log, c *candidate, f *os.File) bool {
	switch {
	case family(l.Path) != family(c.Real):
		return false
	case !l.here: // the copy was made before the last of it was read
		return c.Size < l.At.Offset && (w.before[c.ID] || l.Head.fits(readAt(f, 0, l.Head.Bytes)))
	case l.packed:
		return false
	}
	of, own, err := l.open(l.Path, l.ID)
	if err != nil {
		return false
	}
	if own {
		defer of.Close()
	}
	return prefix(f, of, min(c.Size, l.size))
}

// ready returns the logs that may have something to read.
func (w *Watcher) ready(now time.Time) []*Log {
	var logs []*Log
	for _, l := range w.State.Logs {
		if l.here && w.attempt(l, now) != l.tried && (l.packed && l.At.Packed != l.size || !l.packed && l.At.Offset < l.size) {
			logs = append(logs, l)
		}
	}
	order := map[*Log]int{}
	for i, c := range w.pool {
		if c.log != nil {
			order[c.log] = i + 1
		}
	}
	slices.SortStableFunc(logs, func(a, b *Log) int { return order[a] - order[b] }) // deleted ones first
	return logs
}

func (w *Watcher) attempt(l *Log, now time.Time) attempt {
	idle := now.Sub(l.changed)
	return attempt{
		size: l.size, mod: l.mod, read: true,
		quiet: w.Once || idle >= w.Quiet,
		final: (w.Once || l.deleted || l.Path != l.Live) && idle >= settled*w.Quiet,
	}
}

// Open opens a log to read on from its position: to the end of what is whole, or, if to is not
// nil, at least to that position. It returns nil if there is nothing.
func (w *Watcher) Open(l *Log, to *Position, now time.Time) (*Reading, error) {
	f, own, err := l.open(l.Path, l.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the next scan finds it under its new name
	}
	if err != nil {
		return nil, fault.Wrap(err, "", "%s cannot be read", l.Shown)
	}
	a := w.attempt(l, now)
	if to == nil {
		l.tried = a
	}
	r := &Reading{log: l, file: f, own: own, Quiet: a.quiet || l.packed}
	if l.packed {
		err = r.openPacked()
	} else {
		end := l.size
		switch {
		case to != nil && to.Skip == 0:
			end = to.Offset
		case !a.final:
			end = wholeLines(f, l.At.Offset, l.size)
		}
		if end <= l.At.Offset {
			r.Close()
			return nil, nil
		}
		r.Head = readAt(f, 0, int(l.At.Sample))
		r.text = io.NewSectionReader(f, l.At.Offset, end-l.At.Offset)
	}
	if err != nil {
		r.Close()
		return nil, fault.WrapAs(fault.Invalid, err, "", "%s cannot be decompressed", l.Shown)
	}
	return r, nil
}

func (r *Reading) openPacked() (err error) {
	if r.text, err = unpack(r.file); err != nil {
		return err
	}
	at := r.log.At
	r.Head = readFull(r.text, int(at.Sample))
	_, err = io.CopyN(io.Discard, r.text, at.Offset-at.Sample)
	if err == io.EOF {
		err = nil // it ends before the position: nothing is left
	}
	return err
}
