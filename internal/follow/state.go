package follow

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// State is what is remembered between runs: how far each log was read, and which bytes the
// batch covers that is on its way. It is one JSON file, replaced as a whole. One process has
// it at a time. Not for concurrent use.
type State struct {
	Logs []*Log
	Sent *Sent // nil: everything that was sent is acknowledged

	target string
	name   string
	lock   io.Closer
	dirty  bool
}

// Sent is a batch that was sent and of which it is not known whether it is stored.
type Sent struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Parts []Part    `json:"parts"`
}

// Part is what a batch holds of one log: from its position on.
type Part struct {
	Log *Log     `json:"-"`
	N   int      `json:"log"` // its place in the list of logs; of a saved state
	To  Position `json:"to"`
}

// Position is a place between two events of a log.
type Position struct {
	Offset int64     `json:"offset"`          // bytes before the line at which it goes on, after decompression
	Line   int64     `json:"line"`            // lines before it
	Skip   int       `json:"skip,omitzero"`   // events that begin in that line and come before
	Sample int64     `json:"sample,omitzero"` // bytes of the log's first events, by which the format is judged
	Last   time.Time `json:"last,omitzero"`   // of the event before
	Tail   Print     `json:"tail,omitzero"`   // of the bytes before Offset
	Packed int64     `json:"packed,omitzero"` // if this is the end of a compressed file: its size
}

type stateFile struct {
	Version int    `json:"version"`
	Target  string `json:"target"`
	Logs    []*Log `json:"logs"`
	Sent    *Sent  `json:"sent,omitempty"`
}

const (
	stateVersion = 1
	stateBytes   = 256 << 20
	opState      = "read positions"
)

// OpenState reads the state in a file, which need not exist, for events that go to target.
func OpenState(name, target string) (*State, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return nil, fault.Wrap(err, opState, "%s is no file name", name)
	}
	var disk vfs.OS
	if err := disk.MkdirAll(filepath.ToSlash(filepath.Dir(name))); err != nil {
		return nil, fault.Wrap(err, opState, "the directory of %s cannot be made", name).WithHint("name another file with --state")
	}
	lock, holder, err := disk.Lock(filepath.ToSlash(name)+".lock", true, fmt.Appendf(nil, "process %d", os.Getpid()))
	if errors.Is(err, fault.Locked) {
		return nil, fault.New(fault.Locked, "", "%s keeps its positions in %s", holder, name).WithHint("give this one a file of its own with --state FILE")
	}
	if err != nil {
		return nil, fault.Wrap(err, opState, "%s cannot be locked", name)
	}
	s := &State{name: name, target: target, lock: lock}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

// Close gives the state up for others; what was not saved is forgotten.
func (s *State) Close() error { return s.lock.Close() }

func (s *State) load() error {
	f, err := os.Open(s.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.Wrap(err, opState, "%s cannot be read", s.name)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, stateBytes))
	if err != nil {
		return fault.Wrap(err, opState, "%s cannot be read", s.name)
	}
	var saved stateFile
	if err := json.Unmarshal(text, &saved); err != nil {
		return s.damaged(err.Error())
	}
	switch {
	case saved.Version > stateVersion:
		return fault.New(fault.Unsupported, opState, "%s is of version %d, and this program knows %d", s.name, saved.Version, stateVersion)
	case saved.Version < 1:
		return s.damaged("it has no version")
	case saved.Target != s.target:
		return fault.New(fault.Invalid, opState, "%s has the positions of what went to %s, and this goes to %s", s.name, saved.Target, s.target).
			WithHint("name another file with --state")
	}
	if why := saved.check(); why != "" {
		return s.damaged(why)
	}
	s.Logs, s.Sent = saved.Logs, saved.Sent
	return nil
}

// damaged is no reason to start over: everything would be stored again.
func (s *State) damaged(why string) error {
	return fault.New(fault.Corrupt, opState, "%s is damaged: %s", s.name, why).
		WithHint("delete it, and all files are read from their beginning again")
}

func (f *stateFile) check() string {
	for i, l := range f.Logs {
		if l == nil || l.Path == "" || !l.Head.valid(headBytes) || !l.At.valid() {
			return fmt.Sprintf("log %d has no valid place", i)
		}
	}
	if f.Sent == nil {
		return ""
	}
	for i := range f.Sent.Parts {
		p := &f.Sent.Parts[i]
		if p.N < 0 || p.N >= len(f.Logs) || !p.To.valid() || p.To.Offset < f.Logs[p.N].At.Offset {
			return fmt.Sprintf("part %d of the batch has no valid place", i)
		}
		p.Log = f.Logs[p.N]
	}
	return ""
}

func (p *Position) valid() bool {
	return p.Offset >= 0 && p.Line >= 0 && p.Skip >= 0 && p.Sample >= 0 && p.Sample <= min(p.Offset, maxSample) && p.Tail.valid(tailBytes) && int64(p.Tail.Bytes) <= p.Offset
}

func (p Print) valid(most int) bool { return p.Bytes >= 0 && p.Bytes <= most }

// Begin notes durably what a batch covers that is about to be sent.
func (s *State) Begin(id string, parts []Part) error {
	s.Sent = &Sent{ID: id, At: time.Now().UTC(), Parts: parts}
	return s.save()
}

// Done notes that the parts are stored, or hold nothing to store. Save makes it durable; so
// does the next Begin.
func (s *State) Done(parts []Part) {
	for _, p := range parts {
		p.Log.At = p.To
	}
	s.Sent, s.dirty = nil, true
}

// Save makes durable what Done has noted.
func (s *State) Save() error {
	if !s.dirty {
		return nil
	}
	return s.save()
}

func (s *State) save() error {
	places := make(map[*Log]int, len(s.Logs))
	for i, l := range s.Logs {
		places[l] = i
	}
	if s.Sent != nil {
		for i := range s.Sent.Parts {
			s.Sent.Parts[i].N = places[s.Sent.Parts[i].Log]
		}
	}
	text, err := json.MarshalIndent(stateFile{stateVersion, s.target, s.Logs, s.Sent}, "", " ")
	if err == nil {
		err = replace(s.name, append(text, '\n'))
	}
	if err != nil {
		return fault.Wrap(err, "save positions", "%s cannot be written", s.name)
	}
	s.dirty = false
	return nil
}

// replace puts a file in the place of another durably and as a whole.
func replace(name string, text []byte) error {
	var disk vfs.OS
	name = filepath.ToSlash(name)
	next := name + ".new"
	if err := disk.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := disk.Create(next)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := disk.Rename(next, name); err != nil {
		return err
	}
	return disk.SyncDir(filepath.ToSlash(filepath.Dir(name)))
}
