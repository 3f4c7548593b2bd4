package engine

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/manifest"
)

// What is damaged is not thrown away. A damaged segment stays where it is: it is not merged, and its sound blocks are served. Files of logs
// go when what is in them has a new place, damaged or not: a journal that is sealed, a manifest that is replaced, documents that are
// compacted. One in which damage was found goes into quarantine instead of away.
//
//	quarantine/journal-0000000000000007.log        the file as it was
//	quarantine/journal-0000000000000007.log.json   the note: what was found wrong, and what is lost by it
//
// The note is durable before the file is given up, so that a crash in between throws nothing away: a file that nothing needs and of which there is a
// note is put aside, not removed. What is there comes to at most quarantineBytes; beyond them the oldest goes.
const (
	quarantineName  = "quarantine"
	noteSuffix      = ".json"
	quarantineBytes = 1 << 30
	mostPlaces      = 100     // in one note
	mostNote        = 1 << 20 // bytes
)

// A note says what is wrong with a file.
type note struct {
	File   string // its name in the store's directory
	Since  time.Time
	Places []notedPlace
	More   int `json:",omitempty"` // places that are not listed

	written bool // and durable
}

type notedPlace struct {
	Offset         int64
	What, Error    string
	Rows           int64     `json:",omitempty"`
	Oldest, Newest time.Time `json:",omitzero"`
}

// damage returns what the note tells, of a file of that name.
func (n *note) damage(file string, kept bool) []Damage {
	var all []Damage
	for _, p := range n.Places {
		err := fault.New(fault.Corrupt, "", "%s", p.Error)
		all = append(all, Damage{File: file, Offset: p.Offset, What: p.What, Err: err, Rows: p.Rows, Oldest: p.Oldest, Newest: p.Newest, Kept: kept})
	}
	return all
}

func (e *Engine) quarantine(base string) string { return path.Join(e.dir, quarantineName, base) }

// quarantined are the notes at hand, by the names of the files. e.notesMu guards them.
type quarantined map[string]*note

// goesAside reports whether a file of that name goes away in the course of things.
func goesAside(base string) bool {
	_, isJournal := journal.ParseName(base)
	_, isManifest := manifest.ParseName(base)
	_, isDocument := documentNames.Parse(base)
	return isJournal || isManifest || isDocument
}

// note remembers what was found wrong with a file that would go away one day.
func (e *Engine) note(d Damage) {
	base := path.Base(d.File)
	if e.o.ReadOnly || !goesAside(base) || d.File != path.Join(e.dir, base) {
		return
	}
	e.notesMu.Lock()
	defer e.notesMu.Unlock()
	n := e.notes[base]
	if n == nil {
		n = &note{File: base, Since: e.now().UTC()}
		e.notes[base] = n
	}
	if slices.ContainsFunc(n.Places, func(p notedPlace) bool { return p.Offset == d.Offset && (p.Offset >= 0 || p.What == d.What) }) {
		return
	}
	n.written = false
	if len(n.Places) >= mostPlaces {
		n.More++
		return
	}
	n.Places = append(n.Places, notedPlace{Offset: d.Offset, What: d.What, Error: d.Err.Error(), Rows: d.Rows, Oldest: d.Oldest, Newest: d.Newest})
}

// keepNotes makes the notes durable that are not.
func (e *Engine) keepNotes() error {
	e.notesMu.Lock()
	defer e.notesMu.Unlock()
	for base, n := range e.notes {
		if n.written {
			continue
		}
		if _, err := e.fs.Size(path.Join(e.dir, base)); fault.KindOf(err) == fault.NotFound {
			delete(e.notes, base) // nothing is there to be kept
			continue
		}
		if err := e.writeNote(n); err != nil {
			return fault.Wrap(err, "keep what is damaged", "cannot note what is wrong with %s", base)
		}
		n.written = true
	}
	return nil
}

func (e *Engine) writeNote(n *note) error {
	text, err := json.MarshalIndent(n, "", " ")
	if err != nil {
		return fault.WrapAs(fault.Internal, err, "write note", "the note is no JSON")
	}
	dir := path.Join(e.dir, quarantineName)
	if err := e.fs.MkdirAll(dir); err != nil {
		return fault.Wrap(err, "write note", "cannot make the directory").At(dir, fault.NoOffset)
	}
	name := e.quarantine(n.File + noteSuffix)
	temp := name + ".tmp"
	f, err := e.fs.Create(temp)
	if err != nil {
		_ = e.fs.Remove(temp) // litter of an earlier try, perhaps
		if f, err = e.fs.Create(temp); err != nil {
			return fault.Wrap(err, "write note", "cannot create the file").At(temp, fault.NoOffset)
		}
	}
	if _, err = f.Write(append(text, '\n')); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = e.fs.Rename(temp, name)
	}
	if err == nil {
		err = e.fs.SyncDir(dir)
	}
	if err != nil {
		_ = e.fs.Remove(temp)
		return fault.Wrap(err, "write note", "cannot write the file").At(name, fault.NoOffset)
	}
	return nil
}

// noted returns the note of a file that would be removed, nil if there is none.
func (e *Engine) noted(base string) *note {
	e.notesMu.Lock()
	defer e.notesMu.Unlock()
	return e.notes[base]
}

// putAside puts a damaged file, which nothing needs any more, into quarantine. An error says that it is still where it was.
func (e *Engine) putAside(n *note) error {
	if err := e.keepNotes(); err != nil {
		return err
	}
	from, to := path.Join(e.dir, n.File), e.quarantine(n.File)
	err := e.fs.Rename(from, to)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	e.notesMu.Lock()
	delete(e.notes, n.File)
	e.notesMu.Unlock()
	if err != nil {
		return nil
	}
	// Should a power cut undo it, the next opening does it again.
	_ = e.fs.SyncDir(path.Dir(to))
	_ = e.fs.SyncDir(e.dir)
	e.damage.replace(from, n.damage(to, true))
	e.log.Warn("a damaged file was put into quarantine", "file", to, "places", len(n.Places)+n.More)
	e.boundQuarantine()
	return nil
}

// A keptFile is in quarantine.
type keptFile struct {
	base  string
	bytes int64
	note  *note // nil: there is none
}

// listQuarantine returns what is in quarantine, the oldest first, and the notes of files that are not there.
func (e *Engine) listQuarantine() (kept []keptFile, others []*note, err error) {
	dir := path.Join(e.dir, quarantineName)
	names, err := e.fs.List(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if base, isNote := strings.CutSuffix(name, noteSuffix); isNote {
			if n := e.readNote(base); n != nil && !slices.Contains(names, base) {
				others = append(others, n)
			}
			continue
		}
		if strings.HasSuffix(name, ".tmp") {
			continue
		}
		k := keptFile{base: name}
		if k.bytes, err = e.fs.Size(path.Join(dir, name)); fault.KindOf(err) == fault.NotFound {
			continue // gone meanwhile
		}
		if slices.Contains(names, name+noteSuffix) {
			k.note = e.readNote(name)
		}
		kept = append(kept, k)
	}
	slices.SortStableFunc(kept, func(a, b keptFile) int { return cmp.Compare(a.since(), b.since()) })
	return kept, others, nil
}

func (k keptFile) since() int64 {
	if k.note == nil {
		return 0
	}
	return k.note.Since.UnixNano()
}

// readNote returns the note of a file, nil if it cannot be read. Nothing in it is trusted but as text.
func (e *Engine) readNote(base string) *note {
	name := e.quarantine(base + noteSuffix)
	f, err := e.fs.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil || size > mostNote {
		return nil
	}
	text := make([]byte, size)
	if n, _ := f.ReadAt(text, 0); n < len(text) {
		return nil
	}
	n := &note{}
	if json.Unmarshal(text, n) != nil || n.File != base {
		return nil
	}
	n.Places = n.Places[:min(len(n.Places), mostPlaces)]
	n.written = true
	return n
}

// loadQuarantine tells of what is in quarantine. A note of a file that is still in the store's directory will be needed when that goes.
func (e *Engine) loadQuarantine(names []string) {
	kept, others, err := e.listQuarantine()
	if err != nil {
		return // there is none
	}
	for _, k := range kept {
		e.tellKept(k)
	}
	for _, n := range others {
		switch {
		case slices.Contains(names, n.File) && goesAside(n.File):
			e.notes[n.File] = n
		case !e.o.ReadOnly:
			_ = e.fs.Remove(e.quarantine(n.File + noteSuffix))
		}
	}
}

func (e *Engine) tellKept(k keptFile) {
	file := e.quarantine(k.base)
	if k.note == nil || len(k.note.Places) == 0 {
		err := fault.New(fault.Corrupt, "", "no note says what is wrong with it").At(file, fault.NoOffset)
		e.damage.add(Damage{File: file, Offset: fault.NoOffset, What: "a damaged file that was kept", Err: err, Kept: true})
		return
	}
	for _, d := range k.note.damage(file, true) {
		e.damage.add(d)
	}
}

// boundQuarantine lets go of the oldest in quarantine if there is too much.
func (e *Engine) boundQuarantine() {
	kept, _, err := e.listQuarantine()
	if err != nil {
		return
	}
	total := int64(0)
	for _, k := range kept {
		total += k.bytes
	}
	for _, k := range kept[:max(len(kept)-1, 0)] {
		if total <= e.o.Hooks.QuarantineBytes {
			break
		}
		total -= k.bytes
		e.log.Warn("quarantine is full: the oldest damaged file is removed", "file", e.quarantine(k.base), "bytes", k.bytes)
		_ = e.dropKept(k.base)
	}
}

// dropKept removes a file from quarantine, and what is told of it.
func (e *Engine) dropKept(base string) error {
	name := e.quarantine(base)
	if err := e.fs.Remove(name); err != nil {
		return err
	}
	_ = e.fs.Remove(name + noteSuffix)
	_ = e.fs.SyncDir(path.Dir(name))
	e.damage.replace(name, nil)
	return nil
}

// quarantineSize is how many bytes are in quarantine.
func (e *Engine) quarantineSize() (bytes int64) {
	names, _ := e.fs.List(path.Join(e.dir, quarantineName))
	for _, name := range names {
		if n, err := e.fs.Size(e.quarantine(name)); err == nil {
			bytes += n
		}
	}
	return bytes
}
