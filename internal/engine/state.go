package engine

import (
	"sync/atomic"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/segment"
)

// A state is what a reader sees: immutable once published. Readers pin one and are not
// concerned by what is published after it.
type state struct {
	set       *segmentSet
	recent    []*recent           // in arrival order, salvaged ones first
	absent    []absent            // segments that are not served, or not wholly
	deletions []manifest.Deletion // in force, by number
	visible   int64               // events, damaged blocks' included
	pinned    int64               // bytes of memory that the recent blocks take which are held in memory, about
	next      uint64              // every arrival number below it is visible, or will never be
	changed   chan struct{}       // closed when a newer state is published
}

// A recent block is one in the journal.
type recent struct {
	block                  *block.Block // held in memory; nil: recentBlock reads it
	log                    *log         // the file and
	offset                 int64        // where in it the block is, and
	base                   uint64       // what its arrival offsets count from; nothing of the three if block is not as the journal has it
	bytes                  int64        // of its encoding
	journal                uint64       // the file that holds it; 0: salvaged from a damaged segment,
	segment                uint64       // which is this one
	rows                   int
	minKey, maxKey         event.Key
	minArrival, maxArrival uint64
	settled                bool // too large to be merged with its neighbours; tidying alone knows
}

func newRecent(data []byte, base, journal uint64) (*recent, error) {
	b, err := block.Open(data, base)
	if err != nil {
		return nil, err
	}
	return recentOf(b, int64(len(data)), journal)
}

func recentOf(b *block.Block, bytes int64, journal uint64) (*recent, error) {
	r := &recent{block: b, bytes: bytes, journal: journal, rows: b.Rows(), minArrival: b.MinArrival(), maxArrival: b.MaxArrival()}
	if r.rows == 0 {
		return nil, fault.New(fault.Corrupt, "open block", "the block has no rows")
	}
	r.minKey, r.maxKey = b.Key(0), b.Key(r.rows-1)
	return r, nil
}

// pinnedBytes is how much memory those of the blocks take that are held in it.
func pinnedBytes(recents []*recent) (n int64) {
	for _, r := range recents {
		if r.block != nil {
			n += int64(r.block.MemSize())
		}
	}
	return n
}

// A part is a segment in use.
type part struct {
	reader *segment.Reader
	manifest.Segment
}

// An absent segment is in the catalog, but its file is missing or cannot be opened.
type absent struct {
	manifest.Segment
	err error
}

// A segmentSet is an immutable list of segments that several states share. It holds a
// reference to each; the last release gives them up, which closes and perhaps removes files.
type segmentSet struct {
	parts []*part
	logs  []*log // and the journal files, oldest first
	refs  atomic.Int64
}

// newSegmentSet returns a set with one reference. The caller holds references to all parts and logs.
func newSegmentSet(parts []*part, logs []*log) *segmentSet {
	s := &segmentSet{parts: parts, logs: logs}
	s.refs.Store(1)
	for _, p := range parts {
		p.reader.Acquire()
	}
	for _, l := range logs {
		l.refs.Add(1)
	}
	return s
}

// retire returns the set's journal files without those from first to last, which are removed when no state needs them.
func (s *segmentSet) retire(first, last uint64) (left []*log) {
	for _, l := range s.logs {
		if l.number < first || l.number > last {
			left = append(left, l)
		} else {
			l.retired.Store(true)
		}
	}
	return left
}

func (s *segmentSet) release() {
	if s.refs.Add(-1) == 0 {
		for _, p := range s.parts {
			// A file that cannot be removed is litter, and tried again.
			_ = p.reader.Release()
		}
		for _, l := range s.logs {
			l.release()
		}
	}
}

// A View is a pinned state, and what a Snapshot, a reader or a call works on.
type View struct {
	e      *Engine
	st     *state
	taken  time.Time
	public bool // counted as a snapshot

	released bool // guarded by e.mu
}

// acquire pins the published state. The caller releases it; Close of the engine does so too.
func (e *Engine) acquire(public bool) *View {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.acquireLocked(public)
}

// acquireLocked is acquire under e.mu.
func (e *Engine) acquireLocked(public bool) *View {
	v := &View{e: e, st: e.state, public: public, taken: e.now()}
	v.st.set.refs.Add(1)
	e.views[v] = struct{}{}
	return v
}

// Release unpins the state. Harmless when repeated.
func (v *View) Release() {
	v.e.mu.Lock()
	done := v.released
	v.released = true
	delete(v.e.views, v)
	v.e.mu.Unlock()
	if !done {
		v.st.set.release()
	}
}

// hold keeps the view's files for the length of one look, which ends with a release of its set; ok is false if the
// view was released.
func (v *View) hold() (ok bool) {
	v.e.mu.Lock()
	defer v.e.mu.Unlock()
	if !v.released {
		v.st.set.refs.Add(1)
	}
	return !v.released
}

func (v *View) isReleased() bool {
	v.e.mu.Lock()
	defer v.e.mu.Unlock()
	return v.released
}

// publish makes change's result the published state. change gets a copy whose slices it must not change in place.
func (e *Engine) publish(change func(st *state)) {
	e.exchange(func(st *state) {
		woken := st.changed
		st.changed = make(chan struct{})
		change(st)
		close(woken)
	})
}

func (e *Engine) exchange(change func(st *state)) {
	old, st := e.exchanged(change)
	if st.set != old.set {
		old.set.release()
	}
}

func (e *Engine) exchanged(change func(st *state)) (old, now *state) {
	e.mu.Lock()
	defer e.mu.Unlock() // whatever happens to change: readers go on
	old = e.state
	st := *old
	change(&st)
	e.state = &st
	return old, &st
}

// current returns the published state without pinning it: for its numbers, not for its segments.
func (e *Engine) current() *state {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}
