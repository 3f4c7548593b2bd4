package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
)

// batchBytes is how much text is sent at once. It is below every limit of a server's.
const batchBytes = 5 << 20

// outgoing is a batch with the places of its lines.
type outgoing struct {
	batch
	places []place
}

// place says where an event begins.
type place struct {
	file         *fileSummary
	line, offset int64
	instant      int64
	timed        bool
	at           int // in the body of the batch that it was put into
}

func (b *outgoing) add(file *fileSummary, e ingest.FileEvent) {
	b.places = append(b.places, place{file, e.Line, e.Offset, e.Instant, e.Timed, len(b.body)})
	b.body = append(append(b.body, e.CLEF...), '\n')
	b.lines++
}

// full reports whether an event has no room any more.
func (b *outgoing) full(e ingest.FileEvent) bool {
	return b.lines > 0 && len(b.body)+len(e.CLEF) >= batchBytes
}

// cut takes back all lines but the first.
func (b *outgoing) cut(lines int) {
	if lines < b.lines {
		b.body, b.places, b.lines = b.body[:b.places[lines].at], b.places[:lines], lines
	}
}

// halves cuts a batch in two between lines; each is a batch with an id of its own.
func (b *outgoing) halves() (first, second *outgoing) {
	half := b.lines / 2
	at := b.places[half].at - b.places[0].at
	first = &outgoing{batch{b.id + "-1", b.body[:at:at], half}, b.places[:half]}
	second = &outgoing{batch{b.id + "-2", b.body[at:], b.lines - half}, b.places[half:]}
	return first, second
}

// place returns where the batch's line, from 1, is in its file, and its text.
func (b *outgoing) place(line int) (place, []byte) {
	if line < 1 || line > len(b.places) {
		return place{}, nil
	}
	p := b.places[line-1]
	text, _, _ := bytes.Cut(b.body[p.at-b.places[0].at:], []byte("\n"))
	return p, text
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// courier delivers batches.
type courier struct {
	door     door
	sum      *summary
	bar      *progress
	strict   bool          // a refused line refuses its batch
	retryFor time.Duration // 0: as long as it takes
}

// deliver stores a batch. While the server is not ready it is sent again with the same id,
// so that it is stored once even if an answer was lost (R16). A batch over the server's
// limit is sent in halves; a single event that is over it is refused.
func (c *courier) deliver(ctx context.Context, b *outgoing) error {
	refused, err := c.attempt(ctx, b)
	if fault.KindOf(err) == fault.TooLarge && b.lines > 1 {
		first, second := b.halves()
		if err := c.deliver(ctx, first); err != nil {
			return err
		}
		return c.deliver(ctx, second)
	}
	if fault.KindOf(err) == fault.TooLarge {
		refused = refusals{lines: []refusedLine{{1, explain(err)}}, count: 1}
		if !c.strict {
			err = nil
		}
	}
	if err != nil && len(refused.lines) > 0 {
		at, text := b.place(refused.lines[0].line)
		c.sum.refuse(refusal{at.file, at.line, at.offset, refused.lines[0].why, text})
		return fault.New(fault.Invalid, "", "%s line %d is refused, and its batch with it", at.file.name, at.line).
			WithHint("%s of batches before are stored", counted(c.sum.total(), "event"))
	}
	if err != nil {
		return err
	}
	c.sum.store(b, refused)
	return nil
}

func (c *courier) attempt(ctx context.Context, b *outgoing) (refusals, error) {
	deadline := time.Now().Add(c.retryFor)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		refused, err := c.door.ingest(ctx, &b.batch, !c.strict)
		if !c.again(err) || c.retryFor > 0 && time.Now().Add(pause).After(deadline) {
			if err == nil {
				c.bar.waited()
			}
			return refused, err
		}
		c.bar.waiting(err, c.retryFor)
		select {
		case <-ctx.Done():
			return refused, fault.WrapAs(fault.Canceled, ctx.Err(), "", "interrupted")
		case <-time.After(pause):
		}
	}
}

// again reports whether the same batch may be taken another time. One who has all the time
// waits for whatever may be put right without him, too.
func (c *courier) again(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unavailable:
		return true
	case fault.Full, fault.Exhausted, fault.IO, fault.Internal:
		return c.retryFor == 0
	}
	return false
}

// sender gathers events into batches and has them delivered, one at a time and in order,
// while the next batch is being filled.
type sender struct {
	courier
	ctx    context.Context
	cancel context.CancelFunc

	filling *outgoing
	queue   chan *outgoing
	done    chan struct{}

	mu  sync.Mutex
	err error // why sending ended early
}

func newSender(ctx context.Context, c courier) *sender {
	ctx, cancel := context.WithCancel(ctx)
	s := &sender{courier: c, ctx: ctx, cancel: cancel}
	s.queue, s.done = make(chan *outgoing), make(chan struct{})
	go s.run()
	return s
}

func (s *sender) run() {
	defer close(s.done)
	for b := range s.queue {
		if s.failed() == nil {
			if err := s.deliver(s.ctx, b); err != nil {
				s.mu.Lock()
				s.err = err
				s.mu.Unlock()
				s.cancel()
			}
		}
	}
}

// failed returns why sending has ended early, nil if it has not.
func (s *sender) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// add puts an event into the batch. The error only says that there is no point in going on.
func (s *sender) add(file *fileSummary, e ingest.FileEvent) error {
	if s.filling != nil && s.filling.full(e) {
		s.flush()
	}
	if err := errors.Join(s.failed(), s.ctx.Err()); err != nil {
		return err
	}
	if s.filling == nil {
		s.filling = &outgoing{batch: batch{id: newID()}}
	}
	s.filling.add(file, e)
	return nil
}

// flush hands the batch over, and waits while the one before is on its way.
func (s *sender) flush() {
	if s.filling != nil {
		s.queue <- s.filling
		s.filling = nil
	}
}

// drop forgets what was not handed over.
func (s *sender) drop() { s.filling = nil }

// finish sends what is left and returns why not everything was sent.
func (s *sender) finish() error {
	s.flush()
	close(s.queue)
	<-s.done
	s.cancel()
	return s.failed()
}
