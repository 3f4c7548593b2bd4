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

// sender gathers events into batches and sends them, one at a time and in order, while the
// next batch is being filled.
type sender struct {
	ctx    context.Context
	cancel context.CancelFunc
	door   door
	sum    *summary
	bar    *progress
	strict bool // the first refused line ends it

	retryFor time.Duration

	filling *outgoing
	queue   chan *outgoing
	done    chan struct{}

	mu  sync.Mutex
	err error // why sending ended early
}

// outgoing is a batch with the places of its lines.
type outgoing struct {
	batch
	file   *fileSummary
	places []place
}

// place says where in its file an event begins.
type place struct {
	line, offset int64
	instant      int64
	timed        bool
}

func newSender(ctx context.Context, d door, sum *summary, bar *progress, strict bool, retryFor time.Duration) *sender {
	ctx, cancel := context.WithCancel(ctx)
	s := &sender{ctx: ctx, cancel: cancel, door: d, sum: sum, bar: bar, strict: strict, retryFor: retryFor}
	s.queue, s.done = make(chan *outgoing), make(chan struct{})
	go s.run()
	return s
}

func (s *sender) run() {
	defer close(s.done)
	for b := range s.queue {
		if s.failed() == nil {
			if err := s.deliver(b); err != nil {
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
	if s.filling != nil && (s.filling.file != file || len(s.filling.body)+len(e.CLEF) >= batchBytes) {
		s.flush()
	}
	if err := errors.Join(s.failed(), s.ctx.Err()); err != nil {
		return err
	}
	if s.filling == nil {
		s.filling = &outgoing{batch: batch{id: newID()}, file: file}
	}
	b := s.filling
	b.body = append(append(b.body, e.CLEF...), '\n')
	b.places = append(b.places, place{e.Line, e.Offset, e.Instant, e.Timed})
	b.lines++
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

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// deliver stores a batch. While the server is not ready it is sent again with the same id,
// so that it is stored once even if an answer was lost (R16). A batch over the server's
// limit is sent in halves.
func (s *sender) deliver(b *outgoing) error {
	refused, err := s.attempt(b)
	if fault.KindOf(err) == fault.TooLarge && b.lines > 1 {
		first, second := b.halves()
		if err := s.deliver(first); err != nil {
			return err
		}
		return s.deliver(second)
	}
	if err != nil && len(refused.lines) > 0 {
		at := b.place(refused.lines[0].line)
		s.sum.refuse(b.file, at.line, at.offset, refused.lines[0].why)
		return fault.New(fault.Invalid, "", "%s line %d is refused, and its batch with it", b.file.name, at.line).
			WithHint("%s of batches before are stored", counted(s.sum.total(), "event"))
	}
	if err != nil {
		return err
	}
	s.sum.store(b, refused)
	return nil
}

func (s *sender) attempt(b *outgoing) (refusals, error) {
	deadline := time.Now().Add(s.retryFor)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		refused, err := s.door.ingest(s.ctx, &b.batch, !s.strict)
		if fault.KindOf(err) != fault.Unavailable || time.Now().Add(pause).After(deadline) {
			return refused, err
		}
		s.bar.waiting(err, s.retryFor)
		select {
		case <-s.ctx.Done():
			return refused, fault.WrapAs(fault.Canceled, s.ctx.Err(), "", "interrupted")
		case <-time.After(pause):
		}
	}
}

// halves cuts a batch in two between lines; each is a batch with an id of its own.
func (b *outgoing) halves() (first, second *outgoing) {
	half := b.lines / 2
	at := 0
	for range half {
		at += bytes.IndexByte(b.body[at:], '\n') + 1
	}
	first = &outgoing{batch{b.id + "-1", b.body[:at:at], half}, b.file, b.places[:half]}
	second = &outgoing{batch{b.id + "-2", b.body[at:], b.lines - half}, b.file, b.places[half:]}
	return first, second
}

// place returns where the batch's line, from 1, is in its file.
func (b *outgoing) place(line int) place {
	if line < 1 || line > len(b.places) {
		return place{}
	}
	return b.places[line-1]
}
