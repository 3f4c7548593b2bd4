package server

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/stelehq/stele/internal/fault"
)

// How long and how much a protocol's queue holds.
const (
	queueDelay     = 25 * time.Millisecond // for which an event waits for others of its batch
	queueSoon      = 1 << 20               // bytes of CLEF from which a batch does not wait
	queueStreams   = 4 << 20               // bytes from which streams are read no further
	queueDatagrams = 16 << 20              // bytes from which datagrams are dropped
	queueRefusals  = 10                    // refused messages that are listed of each second's; the others are counted
	queueListed    = 100                   // refused messages that wait to be listed, which they do while the disk is full; the others are counted
	retryFirst     = 50 * time.Millisecond // after a batch was not stored
	retryMost      = 2 * time.Second
)

// messageQueue takes the events of one protocol's sockets and stores them in batches. Safe for concurrent use.
type messageQueue struct {
	speaks *socketProtocol
	server *Server
	log    occasional

	datagrams, streamed, refused *metrics.Counter
	connections                  *metrics.Gauge

	// ctx ends when what is left is given up.
	ctx     context.Context
	abandon context.CancelFunc
	wake    chan struct{}

	mu       sync.Mutex
	room     sync.Cond // events has shrunk, or all is given up
	events   []byte    // CLEF, a line each
	count    int
	refusals []refusedMessage
	second   time.Time // since when refused messages are counted in
	listed   int       // of that second's
	closed   bool      // nothing more comes
}

// refusedMessage waits to be listed (R21).
type refusedMessage struct {
	refusal
	text []byte
}

func newMessageQueue(p *socketProtocol, s *Server) *messageQueue {
	set := s.meters.set
	messages := func(transport string) *metrics.Counter {
		return set.GetOrCreateCounter(fmt.Sprintf(`stele_socket_messages_total{protocol=%q,transport=%q}`, p.name, transport))
	}
	q := &messageQueue{
		speaks: p, server: s, log: occasional{log: s.log}, wake: make(chan struct{}, 1),
		datagrams: messages("udp"), streamed: messages("tcp"), refused: s.meters.protocols[p.name].refusedEvents,
	}
	q.connections = set.GetOrCreateGauge(fmt.Sprintf(`stele_socket_connections{protocol=%q}`, p.name), nil)
	q.room.L = &q.mu
	for _, reason := range [...]string{lostFull, lostKernel, lostChunks, lostStopped} {
		q.lost(reason)
	}
	q.ctx, q.abandon = context.WithCancel(context.Background())
	context.AfterFunc(q.ctx, fault.Guarded("give up messages", func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.room.Broadcast()
	}, s.defect))
	return q
}

// putStream adds an event, once there is room; false: all is given up.
func (q *messageQueue) putStream(line []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.events) >= queueStreams && q.ctx.Err() == nil {
		q.room.Wait()
	}
	if q.ctx.Err() != nil {
		return false
	}
	q.add(line)
	return true
}

// putDatagram adds an event if there is room.
func (q *messageQueue) putDatagram(line []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events)+len(line) > queueDatagrams {
		return false
	}
	q.add(line)
	return true
}

func (q *messageQueue) add(line []byte) {
	before := len(q.events)
	q.events = append(append(q.events, line...), '\n')
	q.count++
	if before == 0 || before < queueSoon && len(q.events) >= queueSoon {
		q.signal()
	}
}

func (q *messageQueue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// refuse counts a message that is not taken, and lists it if not too many are.
func (q *messageQueue) refuse(e refusal, text []byte) {
	q.refused.Inc()
	q.log.warn("messages are refused", "protocol", q.speaks.name, "client", e.Client, "reason", e.Error)
	q.mu.Lock()
	defer q.mu.Unlock()
	if time.Since(q.second) > time.Second {
		q.second, q.listed = time.Now(), 0
	}
	if q.listed < queueRefusals && len(q.refusals) < queueListed {
		q.listed++
		kept := text[:min(len(text), keepOfOver)]
		e.Truncated = e.Truncated || len(kept) < len(text)
		q.refusals = append(q.refusals, refusedMessage{e, append([]byte(nil), kept...)})
		q.signal()
	}
}

// close says that nothing more comes.
func (q *messageQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// run stores what comes until the queue is closed and empty, or given up.
func (q *messageQueue) run(a *api) {
	var spare []byte
	for {
		closed := q.waitForBatch()
		q.mu.Lock()
		events, count, refusals := q.events, q.count, q.refusals
		q.events, q.count, q.refusals = spare[:0], 0, nil
		q.room.Broadcast()
		q.mu.Unlock()
		if count > 0 {
			q.store(a, events, count)
		}
		if spare = events; cap(spare) > 2*queueSoon {
			spare = nil
		}
		for _, e := range refusals {
			a.listRefusal(q.ctx, q.speaks.message, e.refusal, e.text)
		}
		if closed && count == 0 && len(refusals) == 0 || q.ctx.Err() != nil {
			return
		}
	}
}

// waitForBatch waits for the first event and then for others, and tells whether the queue is closed.
func (q *messageQueue) waitForBatch() (closed bool) {
	var late <-chan time.Time
	for {
		q.mu.Lock()
		size, waiting, closed := len(q.events), q.count > 0 || len(q.refusals) > 0, q.closed
		q.mu.Unlock()
		if closed || size >= queueSoon {
			return closed
		}
		if waiting && late == nil {
			late = time.After(queueDelay)
		}
		select {
		case <-q.wake:
		case <-late:
			return false
		case <-q.ctx.Done():
			return true
		}
	}
}

// store appends a batch, again and again until it is durable or all is given up.
func (q *messageQueue) store(a *api, events []byte, count int) {
	wait, failed := retryFirst, false
	p, err := a.takeIn(q.ctx, q.speaks.events, events, takeOptions{partial: true, arrival: time.Now(), again: func(err error) bool {
		failed = true
		q.log.warn("events are not stored and wait; connections are read no further", "protocol", q.speaks.name, "error", err)
		select {
		case <-time.After(wait):
		case <-q.ctx.Done():
		}
		wait = min(2*wait, retryMost)
		return q.ctx.Err() == nil
	}})
	switch {
	case err != nil:
		q.drop(lostStopped, count, "error", err)
	case failed:
		q.server.log.Warn("events are stored again", "protocol", q.speaks.name)
	}
	if p.Count > 0 {
		first := p.Refused[0]
		a.listRefusal(q.ctx, q.speaks.events, refusal{
			Endpoint: q.speaks.name, Error: first.Err.Error(), Line: first.Line, Bytes: int64(len(p.Rest)),
		}, p.Rest)
	}
}

// Why messages are lost.
const (
	lostFull    = "full"    // a datagram came while the queue was full
	lostKernel  = "kernel"  // datagrams came faster than they were read
	lostChunks  = "chunks"  // not all parts of a message came in time, or too many messages lacked some
	lostStopped = "stopped" // the server ended while the store took nothing
)

func (q *messageQueue) lost(reason string) *metrics.Counter {
	return q.server.meters.set.GetOrCreateCounter(fmt.Sprintf(`stele_socket_lost_total{protocol=%q,reason=%q}`, q.speaks.name, reason))
}

// drop counts messages that are lost, and says so now and then.
func (q *messageQueue) drop(reason string, count int, more ...any) {
	q.lost(reason).Add(count)
	q.log.warnOf(reason, "messages are lost", append([]any{"protocol", q.speaks.name, "reason", reason, "count", count}, more...)...)
}

// end counts what is left, which is lost.
func (q *messageQueue) end() {
	q.abandon()
	q.mu.Lock()
	left := q.count
	q.mu.Unlock()
	if left > 0 {
		q.drop(lostStopped, left)
	}
}

// occasional logs each message at most every ten seconds, with how often it was left out. Safe for concurrent use.
type occasional struct {
	log *slog.Logger

	mu   sync.Mutex
	last map[string]*occasion
}

type occasion struct {
	at      time.Time
	leftOut int
}

func (o *occasional) warn(text string, args ...any) { o.warnOf("", text, args...) }

// warnOf is warn of one of several things that the same is said about.
func (o *occasional) warnOf(what, text string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last == nil {
		o.last = map[string]*occasion{}
	}
	key := what + " " + text
	e := o.last[key]
	if e == nil {
		e = new(occasion)
		o.last[key] = e
	}
	if time.Since(e.at) < 10*time.Second {
		e.leftOut++
		return
	}
	if e.leftOut > 0 {
		args = append(args, "more", e.leftOut)
	}
	o.log.Warn(text, args...)
	*e = occasion{at: time.Now()}
}
