package engine

import (
	"context"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// A Row is one event in an open block. It stays valid as long as it is kept.
type Row struct {
	Block *block.Block
	Index int
	Key   event.Key
}

// A Match decides whether a row is wanted; nil wants every row.
type Match func(Row) bool

// Wanted says which rows are; nil wants every row.
type Wanted struct {
	Match  Match
	Select func(*block.Block) Selection // nil: rows are asked one by one
	Texts  []Text                       // each of which every wanted event has
}

// A Text is the value of a member at the top of an event.
type Text struct{ Name, Value string }

// A Scan reads a span of a view in key order. Not for concurrent use.
type Scan struct {
	ctx   context.Context
	view  *View
	owns  bool // the view is released at the end
	want  *Wanted
	merge *merge
	run   Run // what is left of it
	row   Row
	done  bool
	err   error
	lost  []error
}

// Scan starts a scan. A failure shows in Err. owns: the scan releases the view when it ends.
func (v *View) Scan(ctx context.Context, span Span, descending bool, want *Wanted, owns bool) *Scan {
	s := &Scan{ctx: ctx, view: v, owns: owns, want: want}
	if err := v.e.gate.enter(); err != nil {
		s.fail(err)
		return s
	}
	defer v.e.gate.leave()
	if v.isReleased() {
		s.fail(fault.New(fault.Closed, "read", "the snapshot is closed"))
		return s
	}
	for _, a := range v.st.absent {
		if span.Overlaps(a.MinKey, a.MaxKey) {
			s.lost = append(s.lost, a.err)
		}
	}
	s.merge = newMerge(v.e, span, descending, v.st.set.parts, v.st.recent, v.st.deletions, func(err error) { s.lost = append(s.lost, err) })
	s.merge.view = v
	if want != nil {
		s.merge.selects, s.merge.texts = want.Select, want.Texts
	}
	return s
}

// FailedScan returns a scan that has nothing but an error.
func FailedScan(err error) *Scan { return &Scan{done: true, err: err} }

// pollRows is after how many rows a scan looks whether its context has ended.
const pollRows = 256

// Next goes to the next row, and reports whether there is one.
func (s *Scan) Next() bool {
	if s.done {
		return false
	}
	if err := s.view.e.gate.enter(); err != nil {
		s.fail(err)
		return false
	}
	defer s.view.e.gate.leave()
	for {
		if s.run.Rows() == 0 && !s.nextRun(pollRows) {
			return false
		}
		at, open := s.run.Take(s.merge.descending)
		if at < 0 {
			continue
		}
		s.row = Row{s.run.Block, at, s.run.Block.Key(at)}
		if !open || s.want == nil || s.want.Match(s.row) {
			return true
		}
	}
}

// NextRun takes the next rows that stand side by side in one block, at most most of them, in place of Next. What is wanted of them is the caller's to find out.
func (s *Scan) NextRun(most int) (Run, bool) {
	if s.done {
		return Run{}, false
	}
	if err := s.view.e.gate.enter(); err != nil {
		s.fail(err)
		return Run{}, false
	}
	defer s.view.e.gate.leave()
	ok := s.nextRun(most)
	return s.run, ok
}

func (s *Scan) nextRun(most int) bool {
	if s.stopped() {
		return false
	}
	var ok bool
	s.run, ok = s.merge.run(most)
	switch {
	case s.merge.closed:
		s.fail(fault.New(fault.Closed, "read", "the snapshot is closed"))
		return false
	case !ok:
		s.finish()
	}
	return ok
}

func (s *Scan) stopped() bool {
	err := s.view.stopped(s.ctx)
	if err != nil {
		s.fail(err)
	}
	return err != nil
}

// Row returns the row at hand.
func (s *Scan) Row() Row { return s.row }

// Lost notes damage that the caller met in a row.
func (s *Scan) Lost(err error) { s.lost = append(s.lost, err) }

// Err returns why the scan ended early, or what of its span was lost to damage.
func (s *Scan) Err() error { return whatWasLost(s.err, s.lost) }

// Failed reports whether the scan ended early: Err is not what was passed over.
func (s *Scan) Failed() bool { return s.err != nil }

func whatWasLost(err error, lost []error) error {
	switch {
	case err != nil:
		return err
	case len(lost) == 1:
		return lost[0]
	case len(lost) > 1:
		return fault.Wrap(lost[0], "read", "%d places are damaged and were passed over; the first", len(lost))
	}
	return nil
}

func (s *Scan) fail(err error) {
	s.err = err
	s.finish()
}

func (s *Scan) finish() {
	if !s.done {
		s.done = true
		s.merge, s.want, s.run = nil, nil, Run{}
		if s.owns {
			s.view.Release()
		}
	}
}

// Close ends the scan and returns Err. Harmless when repeated.
func (s *Scan) Close() error {
	s.finish()
	return s.Err()
}

// Get returns the row of a key. fault.NotFound if there is none.
func (v *View) Get(ctx context.Context, k event.Key) (Row, error) {
	s := v.Scan(ctx, Span{k, k}, false, nil, false)
	defer s.Close()
	if s.Next() {
		return s.Row(), nil
	}
	if err := s.Err(); err != nil {
		return Row{}, err
	}
	return Row{}, fault.New(fault.NotFound, "get event", "no event has the id %s", k)
}
