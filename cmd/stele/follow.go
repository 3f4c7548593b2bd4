package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/follow"
	"github.com/stelehq/stele/internal/ingest"
)

// follower stores what is added to files, each event once: before a batch is sent, the state
// says which bytes it covers, and after a restart the same bytes are sent under the same id (R16).
// One goroutine does everything in turn; memory is bounded by one batch.
type follower struct {
	courier
	ctx     context.Context // ends when the follower is to stop
	sending context.Context // ends a little later
	o       ingest.FileOptions
	watch   *follow.Watcher
	state   *follow.State
	files   map[string]*fileSummary // by name
	told    map[string]bool         // troubles of files

	filling outgoing
	parts   []follow.Part // what filling covers
}

// stopFor is how long an answer that is awaited may take when the follower is to stop.
const stopFor = 5 * time.Second

// resendTries is how often, a poll apart, a batch's files are looked for that was not acknowledged.
const resendTries = 20

// settle is how many polls without growth make what is there whole.
const settle = 4

func (c *ingestCommand) followFiles(ctx context.Context, s streams, d door, sum *summary, o ingest.FileOptions) error {
	if slices.Contains(c.Files, "-") {
		return fault.New(fault.Invalid, "", "standard input has no position to remember").WithHint("it is stored as it comes without --follow and --state")
	}
	if c.InvalidData == "fail" {
		return fault.New(fault.Invalid, "", "--invalid-data fail goes with files that are read once, not with --follow or --state")
	}
	if c.Poll < time.Millisecond {
		return fault.New(fault.Invalid, "", "--poll %s is too short", c.Poll).WithHint("such as 250ms")
	}
	target, err := c.name()
	if err != nil {
		return err
	}
	name := c.State
	if name == "" {
		if name, err = stateName(target); err != nil {
			return err
		}
	}
	state, err := follow.OpenState(name, target)
	if err != nil {
		return err
	}
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(stopFor, cancel) })()

	bar := newProgress(s.err, -1, true)
	f := &follower{
		ctx: ctx, sending: sending, o: o, state: state,
		courier: courier{door: d, sum: sum, bar: bar, retryFor: c.RetryFor},
		watch:   &follow.Watcher{Args: c.Files, State: state, Quiet: settle * c.Poll, Once: !c.Follow},
		files:   map[string]*fileSummary{}, told: map[string]bool{},
	}
	f.watch.Tell = sum.fail
	if c.Follow {
		f.retryFor = 0
		f.watch.Tell = func(err error) { report(s.err, err) }
	}
	if !c.Quiet {
		bar.w = s.err
	}
	err = f.resend()
	for first := true; err == nil && ctx.Err() == nil; first = false {
		began := time.Now()
		if err = f.round(began); err != nil || !c.Follow {
			break
		}
		if first && !c.Quiet {
			fmt.Fprintf(s.out, "stored %s, following %s\n", counted(sum.total(), "event"), counted(int64(len(state.Logs)), "file"))
		}
		select {
		case <-ctx.Done():
		case <-time.After(max(c.Poll, 20*f.watch.Took)): // looking costs a twentieth of the time at most
		}
	}
	if fault.KindOf(err) == fault.Canceled {
		if err = nil; state.Sent != nil && !c.Quiet {
			fmt.Fprintf(s.err, "stele: a batch of %s is not acknowledged; it is sent again when the files are followed again\n", counted(int64(f.filling.lines), "event"))
		}
	}
	return errors.Join(err, state.Save(), state.Close())
}

// stateName is where the positions of what goes to a target are kept.
func stateName(target string) (string, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" && runtime.GOOS == "windows" {
		dir = os.Getenv("LocalAppData")
	}
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fault.WrapAs(fault.Invalid, err, "", "there is no place to remember positions in").WithHint("name a file with --state")
		}
		dir = filepath.Join(home, ".local", "state")
	}
	sum := sha256.Sum256([]byte(target))
	return filepath.Join(dir, "stele", "follow-"+hex.EncodeToString(sum[:8])+".json"), nil
}

// round stores what there is now.
func (f *follower) round(now time.Time) error {
	for _, l := range f.watch.Scan(now) {
		if f.ctx.Err() != nil {
			break
		}
		if err := f.read(l, now); err != nil {
			return err
		}
	}
	if err := f.send(); err != nil {
		return err
	}
	return f.state.Save()
}

// log is a log while it is read.
type log struct {
	*follow.Reading
	log    *follow.Log
	file   *fileSummary
	reader *ingest.FileReader
	skip   int               // events that come before the position in its line
	at     follow.Position   // after the last event that was added
	line   int64             // offset of the last event's line; -1: none yet
	begin  int               // of its lines in the batch
	open   *ingest.FileEvent // the last event, if more lines may belong to it
}

// open opens a log for reading from its position on; nil: there is nothing to read.
func (f *follower) open(l *follow.Log, to *follow.Position, now time.Time) (*log, error) {
	r, err := f.watch.Open(l, to, now)
	if r == nil || err != nil {
		return nil, err
	}
	o := f.o
	o.Modified, o.Patient, o.Now = l.Mod, true, now
	if l.At.Offset > 0 {
		o.Resume = &ingest.FileResume{Head: r.Head, Offset: l.At.Offset, Line: l.At.Line, Last: l.At.Last}
	}
	in := &log{Reading: r, log: l, file: f.file(l.Shown), at: l.At, skip: l.At.Skip, line: -1, begin: f.filling.lines}
	o.Refused = func(r ingest.FileRefusal) {
		if r.Offset >= l.Told { // what is not whole is read again
			l.Told = r.Offset + 1
			f.sum.refuse(refusal{in.file, r.Line, r.Offset, explain(r.Err), r.Text})
		}
	}
	in.reader = ingest.NewFileReader(r, o)
	if !r.Quiet && to == nil {
		r.AtEnd = func() {
			if e, ok := in.reader.Pending(); ok {
				e.CLEF = bytes.Clone(e.CLEF)
				in.open = &e
			}
		}
	}
	return in, nil
}

func (f *follower) file(name string) *fileSummary {
	if f.files[name] == nil {
		f.files[name] = f.sum.file(name)
	}
	return f.files[name]
}

// next finds the next event that was not stored before. Once an event is open at the log's end, those
// after it are read again with it.
func (in *log) next() bool {
	for in.reader.Next() && in.open == nil {
		if e := in.reader.Event(); in.skip == 0 || e.Offset != in.log.At.Offset {
			return true
		}
		in.skip--
		in.line = in.log.At.Offset
	}
	return false
}

// before returns the position before an event that is not added.
func (in *log) before(e ingest.FileEvent) follow.Position {
	if e.Offset == in.line {
		return in.at // among the events of a line
	}
	at := in.at
	at.Offset, at.Line, at.Skip = e.Offset, e.Line-1, 0
	at.Sample = follow.GrowSample(at.Sample, e.Offset)
	return at
}

// added moves the position over an event.
func (in *log) added(e ingest.FileEvent) {
	in.at = in.before(e)
	in.at.Skip++
	in.line = e.Offset
	if e.Timed {
		in.at.Last = time.Unix(0, e.Instant).UTC()
	}
}

// read adds what a log has to the batch, and sends the batch whenever it is full.
func (f *follower) read(l *follow.Log, now time.Time) error {
	in, err := f.open(l, nil, now)
	if err != nil {
		f.trouble(l.Shown, err)
	}
	if in == nil {
		return nil
	}
	defer in.Close()
	for f.ctx.Err() == nil && in.next() {
		e := in.reader.Event()
		if f.filling.full(e) {
			if !f.cover(in, in.before(e)) {
				return nil
			}
			if err := f.send(); err != nil {
				return err
			}
			in.begin = 0
		}
		f.filling.add(in.file, e)
		in.added(e)
	}
	report := in.reader.Report()
	in.file.read(ingest.FileReport{Format: report.Format})
	err = in.reader.Err()
	if err != nil && report.Events == 0 && in.Packed() == 0 {
		f.trouble(l.Shown, readingError(err, l.Shown, in.reader))
		return nil
	}
	switch {
	case f.ctx.Err() != nil: // it ends in the middle
	case in.open != nil:
		in.at = in.before(*in.open)
	default:
		in.at.Offset, in.at.Line, in.at.Skip = report.Bytes, l.At.Line+report.Lines, 0
		in.at.Sample = follow.GrowSample(in.at.Sample, report.Bytes)
		in.at.Packed = in.Packed()
	}
	f.cover(in, in.at)
	if err != nil {
		f.trouble(l.Shown, readingError(err, l.Shown, in.reader))
	}
	return nil
}

// cover notes that the batch holds a log up to a position. If the file was cut short or written
// anew meanwhile, what was read of it is nothing; it is looked for again.
func (f *follower) cover(in *log, to follow.Position) bool {
	tail, ok := in.Holds(to.Offset)
	if !ok {
		f.filling.cut(in.begin)
		return false
	}
	to.Tail = tail
	if to != in.log.At {
		f.parts = append(f.parts, follow.Part{Log: in.log, To: to})
	}
	return true
}

// send sends the batch and moves the positions.
func (f *follower) send() error {
	if f.filling.lines > 0 {
		f.filling.id = newID()
		if err := f.state.Begin(f.filling.id, f.parts); err != nil {
			return err
		}
		if err := f.deliver(f.sending, &f.filling); err != nil {
			return err
		}
	}
	f.done()
	return nil
}

func (f *follower) done() {
	if len(f.parts) > 0 {
		f.state.Done(f.parts)
	}
	f.parts = nil
	f.filling.cut(0)
}

// resend sends the batch again of which nobody knows whether it arrived: the same bytes under
// the same id.
func (f *follower) resend() error {
	sent := f.state.Sent
	if sent == nil {
		return nil
	}
	var lost []error
	for try := range resendTries { // a file may be on its way to another name
		if lost = nil; try > 0 {
			time.Sleep(f.watch.Quiet / settle)
		}
		now := time.Now()
		f.watch.Scan(now)
		f.filling.cut(0)
		for _, part := range sent.Parts {
			if err := f.again(part, now); err != nil {
				lost = append(lost, fault.Wrap(err, "", "bytes %d to %d of %s were sent but not acknowledged, and cannot be sent again", part.Log.At.Offset, part.To.Offset, part.Log.Path))
			}
		}
		if len(lost) == 0 || f.ctx.Err() != nil {
			break
		}
	}
	if len(lost) > 0 && f.ctx.Err() != nil {
		return nil // another time
	}
	for _, err := range lost {
		f.watch.Tell(err)
	}
	if age := time.Since(sent.At); age > 10*time.Minute {
		f.watch.Tell(fault.New(fault.Unavailable, "", "%s ago a batch was sent that was not acknowledged; its events are stored twice if it arrived", age.Round(time.Minute)))
	}
	f.parts = sent.Parts
	if f.filling.lines > 0 {
		f.filling.id = sent.ID
		if err := f.deliver(f.sending, &f.filling); err != nil {
			return err
		}
	}
	f.done()
	return f.state.Save()
}

// again adds a part to the batch as it was.
func (f *follower) again(part follow.Part, now time.Time) error {
	if part.To.Offset == part.Log.At.Offset && part.To.Skip == part.Log.At.Skip {
		return nil // it had nothing to store
	}
	in, err := f.open(part.Log, &part.To, now)
	if err == nil && in == nil {
		err = fault.New(fault.NotFound, "", "the file is gone")
	}
	if err != nil {
		return err
	}
	defer in.Close()
	for in.next() {
		e := in.reader.Event()
		if e.Offset > part.To.Offset || e.Offset == part.To.Offset && in.before(e).Skip >= part.To.Skip {
			break
		}
		f.filling.add(in.file, e)
		in.added(e)
	}
	if _, ok := in.Holds(part.To.Offset); !ok {
		f.filling.cut(in.begin)
		return fault.New(fault.NotFound, "", "the file was cut short")
	}
	return nil
}

// trouble tells what is wrong with a file, once.
func (f *follower) trouble(name string, err error) {
	if key := name + err.Error(); !f.told[key] && !errors.Is(err, ingest.ErrBinary) {
		f.told[key] = true
		f.watch.Tell(err)
	}
}
