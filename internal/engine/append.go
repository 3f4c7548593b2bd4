package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
)

// A request is one append, or a wish to rotate the journal, on its way to the committer.
type request struct {
	id      string
	rows    int
	builder *block.Builder  // a small batch, to be coalesced with others, or
	blocks  []journal.Block // a batch encoded by its caller
	rotate  bool

	// Set by the committer before done is closed.
	base   uint64
	repeat bool // the id was known: nothing was written
	err    error
	done   chan struct{}
}

// A queue holds what the committer takes next. Safe for concurrent use.
type queue struct {
	mu      sync.Mutex
	pending []*request
	wake    chan struct{} // capacity 1
}

func (q *queue) push(r *request) {
	q.mu.Lock()
	q.pending = append(q.pending, r)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// withdraw takes a request back; ok is false if the committer has it.
func (q *queue) withdraw(r *request) (ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.pending, r)
	if i >= 0 {
		q.pending = slices.Delete(q.pending, i, i+1)
	}
	return i >= 0
}

// large says whether a batch that its caller has encoded waits.
func (q *queue) large() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(q.pending, func(r *request) bool { return r.blocks != nil })
}

func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := q.pending
	q.pending = nil
	return p
}

const (
	// A batch below both is handed to the committer as it is, which encodes several as one block.
	coalesceRows  = 256
	coalesceBytes = 256 << 10
)

// Keys are the keys of an appended batch, in its order.
type Keys struct {
	Base     uint64 // arrival number of the first
	Instants []int64
}

// At returns the i-th key.
func (k Keys) At(i int) event.Key { return event.MakeKey(k.Instants[i], k.Base+uint64(i)) }

// Append makes the batch's events durable, then visible (R10, R11). id, if not empty, names the batch (R16). The batch stays as
// it was, but for one case: if ctx ended while it was being written, it may still be committed, and is empty now.
func (e *Engine) Append(ctx context.Context, b *Batch, id string) (keys Keys, err error) {
	const op = "append"
	if err := e.gate.enter(); err != nil {
		return Keys{}, err
	}
	defer e.gate.leave()
	if err := e.writable(op); err != nil {
		return Keys{}, err
	}
	if len(id) > journal.MaxID {
		return Keys{}, fault.New(fault.Invalid, op, "a batch id of %d bytes is over the limit of %d", len(id), journal.MaxID)
	}
	if err := ctx.Err(); err != nil {
		return Keys{}, fault.WrapAs(fault.Canceled, err, op, "the caller gave up before the batch was queued")
	}
	r := &request{id: id, rows: b.Rows(), done: make(chan struct{})}
	if r.rows == 0 {
		return Keys{}, nil
	}
	if b.small() {
		r.builder = b.builder
	} else {
		b.cut()
		if err := b.check(); err != nil {
			return Keys{}, err
		}
		r.blocks = b.blocks()
	}
	keys.Instants = b.allInstants()
	e.queue.push(r)
	select {
	case <-r.done:
	case <-ctx.Done():
		// The committer may have answered at the same moment: then that counts.
		select {
		case <-r.done:
		default:
			if e.queue.withdraw(r) {
				return Keys{}, fault.WrapAs(fault.Canceled, ctx.Err(), op, "the caller gave up while the batch was waiting: nothing of it was stored")
			}
			*b = *e.NewBatch() // the committer has the memory of the old one
			return Keys{}, fault.WrapAs(fault.Canceled, ctx.Err(), op, "the caller gave up while the batch was being written").
				WithHint("it may have been stored all the same")
		}
	}
	if r.err != nil {
		return Keys{}, r.err
	}
	keys.Base = r.base
	if r.repeat {
		e.recall(&keys)
	}
	return keys, nil
}

// recall replaces the instants of a retried batch by those that were stored, so that its keys are the
// same as the first time. What was deleted since keeps the instants of the retry.
func (e *Engine) recall(keys *Keys) {
	v := e.acquire(false)
	defer v.Release()
	end := keys.Base + uint64(len(keys.Instants))
	visit := func(b *block.Block) {
		for i := range b.Rows() {
			if k := b.Key(i); k.Arrival() >= keys.Base && k.Arrival() < end {
				keys.Instants[k.Arrival()-keys.Base] = k.Instant()
			}
		}
	}
	for _, r := range v.st.recent {
		if r.minArrival < end && r.maxArrival >= keys.Base {
			if b, err := e.recentBlock(r, false); err == nil {
				visit(b)
			}
		}
	}
	for _, p := range v.st.set.parts {
		if p.MinArrival >= end || p.MaxArrival < keys.Base {
			continue
		}
		for i := range p.reader.Blocks() {
			if m := p.reader.Meta(i); m.MinArrival < end && m.MaxArrival >= keys.Base {
				if b, err := e.segmentBlock(p, i, true); err == nil {
					visit(b)
				}
			}
		}
	}
}

// rotate ends the journal file at hand, if it has events, so that it can be sealed.
func (e *Engine) rotate(ctx context.Context) error {
	r := &request{rotate: true, done: make(chan struct{})}
	e.queue.push(r)
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return fault.WrapAs(fault.Canceled, ctx.Err(), "flush", "the caller gave up")
	}
}

// retries remembers the ids of the batches of the last ten minutes (R16). Safe for concurrent use.
type retries struct {
	mu    sync.Mutex
	byID  map[string]retry
	order []retryAge // by time; may name ids that were given again since
}

type retry struct {
	base uint64
	rows int
	time int64
}

type retryAge struct {
	id   string
	time int64
}

func (rs *retries) find(id string, now int64) (retry, bool) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r, ok := rs.byID[id]
	return r, ok && r.time >= now-int64(retryWindow)
}

func (rs *retries) add(id string, r retry, now int64) {
	if r.time < now-int64(retryWindow) {
		return
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.byID == nil {
		rs.byID = map[string]retry{}
	}
	rs.byID[id] = r
	rs.order = append(rs.order, retryAge{id, r.time})
	drop := 0
	for drop < len(rs.order) && (rs.order[drop].time < now-int64(retryWindow) || len(rs.byID) > maxRetries) {
		if old := rs.order[drop]; rs.byID[old.id].time == old.time {
			delete(rs.byID, old.id)
		}
		drop++
	}
	if drop > 0 {
		// Not moved down: with a full window every batch would move all of it.
		clear(rs.order[:drop])
		rs.order = rs.order[drop:]
	}
}

// since returns what is remembered from an arrival number below end and an age of at most ten minutes.
func (rs *retries) fresh(now int64, keep func(base uint64) bool, add func(id string, r retry)) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for id, r := range rs.byID {
		if r.time >= now-int64(retryWindow) && keep(r.base) {
			add(id, r)
		}
	}
}
