package engine

import (
	"cmp"
	"errors"
	"runtime"
	"slices"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/manifest"
)

// commitLoop is the committer: it takes all waiting batches at once, writes them with
// one write and one fsync, publishes them and answers (R10).
func (e *Engine) commitLoop() {
	joiner := e.newJoiner()
	for {
		select {
		case <-e.queue.wake:
		case <-e.stopped.Done():
			for _, r := range e.queue.take() {
				r.err = errClosed()
				close(r.done)
			}
			return
		}
		for {
			// Those that are ready to run go first: they bring batches for this commit, or answer the last one. The sync that follows
			// blocks a thread, and who waits behind it would be found by the scheduler only after a while. A large batch does not wait: who makes
			// the next one takes as long as a sync, and does it meanwhile.
			if !e.queue.large() {
				runtime.Gosched()
			}
			rs := e.queue.take()
			if len(rs) == 0 {
				break
			}
			e.commit(rs, joiner)
			if joiner.peak > keptBuilder {
				joiner = e.newJoiner()
			}
		}
	}
}

// refuseLoop is the committer after a defect.
func (e *Engine) refuseLoop() {
	for {
		var why error
		select {
		case <-e.queue.wake:
			why = e.whyFailed("append")
		case <-e.stopped.Done():
			why = errClosed()
		}
		for _, r := range e.queue.take() {
			r.err = why
			close(r.done)
		}
		if e.stopped.Err() != nil {
			return
		}
	}
}

// keptBuilder is the most memory that the committer's builder keeps between commits.
const keptBuilder = 2 << 20

// A joiner makes one block of several batches.
type joiner struct {
	builder *block.Builder
	encoder *block.Encoder
	peak    int // the most bytes that were in the builder
}

func (e *Engine) newJoiner() *joiner {
	return &joiner{builder: e.newBuilder(), encoder: block.NewEncoder(block.Fast)}
}

func (e *Engine) newBuilder() *block.Builder {
	return block.NewBuilder(block.Limits{EventBytes: e.o.EventBytes})
}

// A pack is one block on its way into the journal, with the requests whose events it has.
type pack struct {
	requests []*request
	blocks   []journal.Block
	rows     int
	opened   *block.Block // of joined batches: their block
}

func (e *Engine) commit(rs []*request, j *joiner) {
	defer func() {
		p := recover()
		if p != nil {
			e.Fail(fault.Defect("append", p))
		}
		for _, r := range rs {
			if p != nil {
				r.err = e.whyFailed("append") // even if it is on disk already: it was not told so
			}
			close(r.done)
		}
		if p != nil {
			panic(p)
		}
	}()
	e.o.Hooks.background("commit")
	rotate := false
	now := e.now().UnixNano()
	fresh, repeats := e.sortOut(rs, now)
	for _, r := range rs {
		rotate = rotate || r.rotate
	}
	if len(fresh) > 0 {
		if err := e.commitFresh(fresh, j, now); err != nil {
			if fault.KindOf(err) == fault.Full && e.o.Full != nil {
				e.o.Full()
			}
			for _, r := range fresh {
				r.err = err
			}
		}
	}
	for r, first := range repeats {
		r.base, r.err = first.base, first.err
		if r.err == nil && r.rows != first.rows {
			r.err = wrongRows(r, first.rows)
		}
	}
	if e.writer != nil && !e.writer.Empty() && (rotate || e.writer.Size() >= e.o.JournalBytes) {
		e.endJournal()
		e.kickSeal()
	}
}

// sortOut leaves out the batches whose ids are known (R16), and finds those that repeat another of the same group.
func (e *Engine) sortOut(rs []*request, now int64) (fresh []*request, repeats map[*request]*request) {
	fresh = make([]*request, 0, len(rs))
	var byID map[string]*request
	for _, r := range rs {
		switch {
		case r.rotate:
			continue
		case r.id == "":
			fresh = append(fresh, r)
			continue
		}
		if known, ok := e.retries.find(r.id, now); ok {
			r.repeat, r.base = true, known.base
			if known.rows != r.rows {
				r.err = wrongRows(r, known.rows)
			}
			continue
		}
		if first, ok := byID[r.id]; ok {
			if repeats == nil {
				repeats = map[*request]*request{}
			}
			r.repeat = true
			repeats[r] = first
			continue
		}
		if byID == nil {
			byID = map[string]*request{}
		}
		byID[r.id] = r
		fresh = append(fresh, r)
	}
	return fresh, repeats
}

func wrongRows(r *request, rows int) error {
	return fault.New(fault.Invalid, "append", "the batch id %q was given to a batch of %d events; this one has %d", r.id, rows, r.rows).
		WithHint("give every batch an id of its own")
}

// commitFresh writes and publishes the batches; an error concerns all of them.
func (e *Engine) commitFresh(rs []*request, j *joiner, now int64) error {
	if err := e.room(); err != nil {
		return refused(err, "the disk is nearly full")
	}
	if err := e.waitForSealer(); err != nil {
		return err
	}
	packs := j.packUp(rs)
	total := uint64(0)
	for _, p := range packs {
		total += uint64(p.rows)
	}
	if total > event.MaxCounter-e.counter {
		// The counter would run over: a new epoch (R2).
		if err := e.takeEpoch(); err != nil {
			return refused(err, "cannot take a new epoch of arrival numbers")
		}
	}
	if e.writer == nil {
		if err := e.startJournal(); err != nil {
			return refused(err, "cannot start a journal file")
		}
	}
	groups := make([]journal.Group, len(packs))
	for i := range packs {
		p := &packs[i]
		base := event.ArrivalOf(e.epoch, e.counter)
		e.counter += uint64(p.rows)
		if p.requests[0].builder != nil {
			// Opening checks what was encoded before it is written. Whoever encodes large batches has done so.
			var err error
			if p.opened, err = block.Open(p.blocks[0].Data, base); err == nil && p.opened.Rows() != p.rows {
				err = fault.New(fault.Internal, "append", "encoded %d events, found %d", p.rows, p.opened.Rows())
			}
			if err != nil {
				return unsound(err)
			}
		}
		groups[i] = journal.Group{Base: base, Time: now, Blocks: p.blocks}
		for _, r := range p.requests {
			r.base = base
			base += uint64(r.rows)
			groups[i].Batches = append(groups[i].Batches, journal.Batch{ID: r.id, Rows: r.rows})
		}
	}
	if err := e.writer.Commit(groups); err != nil {
		// R12: this file is never written again. A new one, which says how far the old one counts,
		// makes the refusal final before it is reported.
		e.endJournal()
		_ = e.startJournal() // tried again by the next append
		return refused(err, "cannot write the journal")
	}
	for _, r := range rs {
		if r.id != "" {
			e.retries.add(r.id, retry{r.base, r.rows, now}, now)
		}
	}
	recents := e.recentsOf(groups)
	e.publish(func(st *state) {
		for i := range packs {
			// Small blocks stay in memory for tidying and for those who look at the newest.
			if b := packs[i].opened; b != nil && st.pinned < e.o.pinBytes() {
				recents[i].block = b
				st.pinned += int64(b.MemSize())
			}
		}
		st.recent = append(slices.Clip(st.recent), recents...)
		st.next = event.ArrivalOf(e.epoch, e.counter)
		st.visible += int64(total)
		j := &e.journals[len(e.journals)-1]
		j.bytes, j.last = e.writer.Size(), e.writer.Cut().Sequence
	})
	e.kickTidy()
	return nil
}

// recentsOf describes the blocks that were written to the journal file at hand.
func (e *Engine) recentsOf(groups []journal.Group) []*recent {
	var all []*recent
	for _, g := range groups {
		base := g.Base
		for i := range g.Blocks {
			all = append(all, newRecentAt(e.reading, &g.Blocks[i], base))
			base += uint64(g.Blocks[i].Rows)
		}
	}
	return all
}

func refused(err error, what string) error {
	r := fault.Wrap(err, "append", "nothing of the batch was stored: %s", what)
	var cause *fault.Error
	if errors.As(err, &cause) {
		r.At(cause.File, cause.Offset)
	}
	if r.Kind == fault.Full {
		r.WithHint("the disk is full: free space, or delete events; the store goes on by itself")
	}
	return r
}

// packUp makes one block of each run of small batches, and one of each large batch.
func (j *joiner) packUp(rs []*request) []pack {
	var packs []pack
	var run []*request
	builder := j.builder
	builder.Reset()
	end := func() {
		if len(run) == 0 {
			return
		}
		b := journal.Block{Rows: builder.Rows()}
		b.First, b.Last = marks(builder)
		j.peak = max(j.peak, builder.Size())
		b.Data, _ = j.encoder.Encode(nil, builder)
		packs = append(packs, pack{requests: run, rows: b.Rows, blocks: []journal.Block{b}})
		run = nil
		builder.Reset()
	}
	for _, r := range rs {
		if r.builder == nil {
			end()
			packs = append(packs, pack{requests: []*request{r}, blocks: r.blocks, rows: r.rows})
			continue
		}
		builder.AppendBuilder(r.builder)
		run = append(run, r)
		if builder.Rows() >= packRows || builder.Size() >= packBytes {
			end()
		}
	}
	end()
	return packs
}

// A coalesced block is ended at either.
const (
	packRows  = 8 << 10
	packBytes = 8 << 20
)

// takeEpoch makes a higher epoch durable before any number of it is given (R2).
func (e *Engine) takeEpoch() error {
	if e.epoch >= event.MaxEpoch {
		return fault.New(fault.Exhausted, "take epoch", "all %d epochs of arrival numbers are used", event.MaxEpoch)
	}
	e.catalogMu.Lock()
	defer e.catalogMu.Unlock()
	if err := e.catalog.Append(manifest.Edit{Epoch: e.epoch + 1}); err != nil {
		return err
	}
	e.epoch++
	e.counter = 0
	return nil
}

// startJournal creates the next journal file. Its header says how far its predecessors count (R12).
func (e *Engine) startJournal() error {
	number := e.takeFile()
	e.mu.Lock()
	cuts := headerCuts(e.cuts)
	e.mu.Unlock()
	w, err := journal.Create(e.fs, e.dir, journal.Header{StoreID: e.storeID, Number: number, Epoch: e.epoch, Cuts: cuts})
	if err != nil {
		e.remove(journal.Name(number))
		return err
	}
	l, err := e.openLog(number)
	if err != nil {
		_ = w.Close() // nothing is in it
		e.remove(journal.Name(number))
		return err
	}
	e.writer, e.reading = w, l
	e.publishQuietly(func(st *state) {
		e.journals = append(e.journals, journalFile{number: number, bytes: w.Size()})
		st.set = newSegmentSet(st.set.parts, append(slices.Clip(st.set.logs), l))
	})
	l.release() // the set has its own reference
	return nil
}

// headerCuts returns as many cuts as a header takes: those of files that hold events first, of
// which only a few can be unsealed, then the latest of the others.
func headerCuts(all []journal.Cut) []journal.Cut {
	var cuts []journal.Cut
	for _, c := range all {
		if c.Sequence >= journal.FirstSequence {
			cuts = append(cuts, c)
		}
	}
	for _, c := range slices.Backward(all) {
		if c.Sequence < journal.FirstSequence {
			cuts = append(cuts, c)
		}
	}
	return cuts[:min(len(cuts), journal.MaxCuts)]
}

// endJournal ends the file at hand; it waits for sealing.
func (e *Engine) endJournal() {
	w := e.writer
	e.writer, e.reading = nil, nil
	cut, size := w.Cut(), w.Size()
	empty := cut.Sequence < journal.FirstSequence
	_ = w.Close() // all that counts is durable
	e.mu.Lock()
	// Also of a file that is removed: the removal may not outlive a power cut.
	e.cuts = append(slices.Clip(e.cuts), cut)
	if len(e.cuts) > 2*journal.MaxCuts {
		e.cuts = headerCuts(e.cuts) // no header takes more
		slices.SortFunc(e.cuts, func(a, b journal.Cut) int { return cmp.Compare(a.Number, b.Number) })
	}
	last := len(e.journals) - 1
	if empty {
		e.journals = e.journals[:last]
	} else {
		e.journals[last].rotated, e.journals[last].bytes = true, size
	}
	e.mu.Unlock()
	if empty {
		e.publishQuietly(func(st *state) { st.set = newSegmentSet(st.set.parts, st.set.retire(cut.Number, cut.Number)) })
	}
}

// journalEnd returns the newest journal that has events and is not sealed, for the catalog to vouch for: no later
// file's header does.
func (e *Engine) journalEnd() (end manifest.JournalEnd) {
	e.mu.Lock()
	cuts := e.cuts
	e.mu.Unlock()
	if e.writer != nil {
		cuts = append(slices.Clip(cuts), e.writer.Cut())
	}
	for _, c := range cuts {
		if c.Sequence >= journal.FirstSequence && c.Number > end.Number {
			end = manifest.JournalEnd(c)
		}
	}
	return end
}

// waitForSealer holds appends back while too many journal files wait for sealing. They
// fail only if an attempt to seal that was made meanwhile failed.
func (e *Engine) waitForSealer() error {
	for tried := false; ; tried = true {
		e.mu.Lock()
		waiting, err, done := e.rotated(), e.sealErr, e.sealed
		e.mu.Unlock()
		if waiting <= maxRotated {
			return nil
		}
		if tried && err != nil {
			return refused(err, "journal files wait for sealing, which fails")
		}
		e.kickSeal()
		select {
		case <-done:
		case <-e.failed:
			return e.whyFailed("append")
		case <-e.gate.closing:
			return errClosed()
		}
	}
}

// rotated counts the journal files that wait for sealing. e.mu is held.
func (e *Engine) rotated() int {
	n := 0
	for _, j := range e.journals {
		if j.rotated {
			n++
		}
	}
	return n
}
