package engine

import (
	"context"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/segment"
)

// sealLoop seals in the background.
func (e *Engine) sealLoop() {
	defer e.workers.Done()
	for {
		select {
		case <-e.sealKick:
		case <-e.stopped.Done():
			return
		}
		if err := e.seal(e.stopped); err != nil && e.stopped.Err() == nil {
			e.log.Error("sealing the journal failed; it is tried again", "error", err)
			select {
			case <-time.After(sealPause):
			case <-e.stopped.Done():
				return
			}
		}
	}
}

// sealPause keeps a failing sealer from spinning.
const sealPause = 10 * time.Millisecond

func (e *Engine) kickSeal() {
	select {
	case e.sealKick <- struct{}{}:
	default:
	}
}

// Flush seals what the journal holds and waits for it.
func (e *Engine) Flush(ctx context.Context) error {
	if err := e.gate.enter(); err != nil {
		return err
	}
	defer e.gate.leave()
	if err := e.writable("flush"); err != nil {
		return err
	}
	if err := e.rotate(ctx); err != nil {
		return err
	}
	return e.seal(ctx)
}

// seal merges the rotated journal files into one segment, in the order that keeps every
// crash harmless: the segment whole and durable, then one edit of the catalog that names it and
// retires the files, then the new state, then the files' removal.
func (e *Engine) seal(ctx context.Context) (err error) {
	select {
	case <-e.sealing:
	case <-ctx.Done():
		return fault.WrapAs(fault.Canceled, ctx.Err(), "seal", "the caller gave up")
	}
	defer func() { e.sealing <- struct{}{} }()
	e.sweep()

	e.mu.Lock()
	st := e.state
	var files []uint64
	for _, j := range e.journals {
		if j.rotated {
			files = append(files, j.number)
		}
	}
	e.mu.Unlock()
	if len(files) == 0 {
		return nil
	}
	defer func() {
		e.mu.Lock()
		if e.sealErr = err; ctx != e.stopped && ctx.Err() != nil {
			e.sealErr = nil // given up, not failed
		}
		close(e.sealed)
		e.sealed = make(chan struct{})
		e.mu.Unlock()
	}()
	last := files[len(files)-1]
	var sources []*recent
	for _, r := range st.recent {
		if r.journal != 0 && r.journal <= last {
			sources = append(sources, r)
		}
	}
	p, err := e.writeSegment(ctx, st, files, sources)
	if err != nil {
		return err
	}
	return e.adopt(p, files)
}

// writeSegment merges the sources, deletions applied. It returns nil if nothing is left of them.
func (e *Engine) writeSegment(ctx context.Context, st *state, files []uint64, sources []*recent) (*part, error) {
	number := e.takeFile()
	name := path.Join(e.dir, segmentName(number))
	var w *segment.Writer
	out := &blockWriter{codec: block.Thorough, encoder: e.encoder.Swap(nil), rows: e.o.Hooks.BlockRows, builder: e.newBuilder()}
	defer func() { e.encoder.Store(out.encoder) }()
	out.write = func(data []byte, m segment.Meta) error {
		if w == nil {
			var err error
			if w, err = segment.Create(e.fs, name, segment.Identity{Number: number, StoreID: e.storeID, Journals: files}); err != nil {
				return err
			}
		}
		return w.Add(data, m)
	}
	applied := uint64(0)
	for _, d := range st.deletions {
		applied = max(applied, d.Number)
	}
	var unread error // what is damaged is told and left out; what cannot be read now may be readable the next time
	m := newMerge(e, Everything, false, nil, sources, st.deletions, func(err error) {
		if fault.KindOf(err) != fault.Corrupt {
			unread = err
		}
	})
	m.once = true
	err := out.drain(ctx, m)
	if err == nil {
		err = unread
	}
	if err != nil {
		if w != nil {
			w.Abort()
		}
		return nil, fault.Wrap(err, "seal", "the segment cannot be written")
	}
	if w == nil {
		return nil, nil
	}
	p, err := e.finishSegment(w, number, applied)
	if err != nil {
		return nil, fault.Wrap(err, "seal", "the segment cannot be finished")
	}
	return p, nil
}

// finishSegment makes a segment durable and opens it. A failure removes it, as far as that is possible.
func (e *Engine) finishSegment(w *segment.Writer, number, applied uint64) (*part, error) {
	info, err := w.Finish()
	if err != nil {
		w.Abort()
		return nil, err
	}
	r, err := segment.Open(e.fs, path.Join(e.dir, segmentName(number)))
	if err != nil {
		e.remove(segmentName(number))
		return nil, fault.Wrap(err, "write segment", "the segment just written cannot be read")
	}
	return &part{reader: r, Segment: segmentOf(info, applied)}, nil
}

func segmentOf(info segment.Info, applied uint64) manifest.Segment {
	return manifest.Segment{
		Number: info.Number, Rows: info.Rows, Bytes: info.Bytes, MinKey: info.MinKey, MaxKey: info.MaxKey,
		MinArrival: info.MinArrival, MaxArrival: info.MaxArrival, Applied: applied,
	}
}

// adopt makes the catalog, then the state, have the segment p (nil: none) in place of journal files.
func (e *Engine) adopt(p *part, files []uint64) error {
	last := files[len(files)-1]
	e.catalogMu.Lock()
	defer e.catalogMu.Unlock()
	now := e.now().UnixNano()
	edit := manifest.Edit{Sealed: last}
	e.mu.Lock()
	edit.NextFile = e.nextFile
	st := e.state
	e.mu.Unlock()
	if p != nil {
		edit.Add = []manifest.Segment{p.Segment}
	}
	// The ids in the files that go stay known (R16).
	arrivals := map[uint64]bool{}
	for _, r := range e.catalog.Catalog().Retries {
		arrivals[r.Base] = true
	}
	var minLive uint64 = ^uint64(0)
	var kept []*recent
	for _, r := range st.recent {
		if r.journal == 0 || r.journal > last {
			kept = append(kept, r)
		}
		if r.journal > last {
			minLive = min(minLive, r.minArrival)
		}
	}
	e.retries.fresh(now, func(base uint64) bool { return base < minLive && !arrivals[base] }, func(id string, r retry) {
		edit.Retries = append(edit.Retries, manifest.Retry{ID: id, Base: r.base, Rows: r.rows, Time: r.time})
	})
	e.catalog.Forget(now - int64(retryWindow))
	edit.DropDeletions = needless(st.deletions, kept, append(slices.Collect(maps.Values(e.catalog.Catalog().Segments)), edit.Add...))
	if err := e.catalog.Append(edit); err != nil {
		if p != nil {
			if e.catalog.Name() != "" {
				// A new manifest without the edit is durable: the segment is litter for certain.
				p.reader.Retire()
			}
			_ = p.reader.Release()
		}
		return fault.Wrap(err, "seal", "the catalog cannot be changed")
	}
	e.publish(func(st *state) {
		recents := make([]*recent, 0, len(st.recent))
		for _, r := range st.recent {
			if r.journal == 0 || r.journal > last {
				recents = append(recents, r)
			}
		}
		st.recent, st.pinned = recents, pinnedBytes(recents)
		st.deletions = without(st.deletions, edit.DropDeletions)
		parts := st.set.parts
		if p != nil {
			parts = append(slices.Clip(parts), p)
		}
		st.set = newSegmentSet(parts, st.set.retire(0, last))
		if p != nil {
			e.sealedBytes += p.Bytes
		}
		e.cuts = slices.DeleteFunc(slices.Clone(e.cuts), func(c journal.Cut) bool { return c.Number <= last })
	})
	if p != nil {
		_ = p.reader.Release() // the set has its own reference
	}
	e.mu.Lock()
	e.journals = slices.DeleteFunc(e.journals, func(j journalFile) bool { return j.number <= last })
	e.mu.Unlock()
	for _, f := range files {
		e.cache.forget(f)
	}
	e.keepReserve()
	e.kickCompact()
	return nil
}

// needless returns the deletions that concern nothing that is left: kept blocks and segments.
func needless(deletions []manifest.Deletion, kept []*recent, segments []manifest.Segment) []uint64 {
	var numbers []uint64
next:
	for _, d := range deletions {
		one := []manifest.Deletion{d}
		for _, r := range kept {
			if len(hides(one, r.minKey, r.maxKey, r.minArrival, 0)) > 0 {
				continue next
			}
		}
		for _, s := range segments {
			if len(hides(one, s.MinKey, s.MaxKey, s.MinArrival, s.Applied)) > 0 {
				continue next
			}
		}
		numbers = append(numbers, d.Number)
	}
	return numbers
}

func without(deletions []manifest.Deletion, numbers []uint64) []manifest.Deletion {
	return slices.DeleteFunc(slices.Clone(deletions), func(d manifest.Deletion) bool { return slices.Contains(numbers, d.Number) })
}

// A blockWriter cuts a stream of rows in key order into blocks.
type blockWriter struct {
	codec   block.Codec
	encoder *block.Encoder // nil: a fresh one for codec
	rows    int            // most rows of a block
	builder *block.Builder
	write   func(data []byte, m segment.Meta) error
	meta    segment.Meta
	runs    []block.Run // of the block at hand, not in the builder yet
	waiting int         // rows of these
	buf     []byte
}

const (
	// blockBytes is the size at which a block ends before it has all its rows.
	blockBytes = 32 << 20

	// copyRows is how many rows of how many bytes go into the builder at once.
	copyRows  = 4096
	copyBytes = 4 << 20
)

func (w *blockWriter) drain(ctx context.Context, m *merge) error {
	for n := 0; ; {
		if n <= 0 {
			if err := ctx.Err(); err != nil {
				return fault.WrapAs(fault.Canceled, err, "seal", "the caller gave up")
			}
			n = pollRows
		}
		r, ok := m.run(min(copyRows, w.rows-w.meta.Rows))
		if !ok {
			return w.end()
		}
		n -= r.To - r.From
		if err := w.add(r.Run); err != nil {
			return err
		}
	}
}

func (w *blockWriter) add(r block.Run) error {
	m := &w.meta
	if m.Rows == 0 {
		*m = segment.Meta{MinKey: r.Block.Key(r.From)}
	}
	m.Rows += r.To - r.From
	m.MaxKey = r.Block.Key(r.To - 1)
	if n := len(w.runs); n > 0 && w.runs[n-1].Block == r.Block && w.runs[n-1].To == r.From {
		w.runs[n-1].To = r.To
	} else {
		w.runs = append(w.runs, r)
	}
	w.waiting += r.To - r.From
	if m.Rows < w.rows && w.waiting < copyRows && w.waiting*r.Block.RowBytes() < copyBytes {
		return nil
	}
	if err := w.copy(); err != nil {
		return err
	}
	if m.Rows >= w.rows || w.builder.Size() >= blockBytes {
		return w.end()
	}
	return nil
}

// copy puts what waits into the builder.
func (w *blockWriter) copy() error {
	err := w.builder.AppendRuns(w.runs)
	clear(w.runs)
	w.runs, w.waiting = w.runs[:0], 0
	return err
}

// end encodes what was added as a block.
func (w *blockWriter) end() error {
	if w.meta.Rows == 0 {
		return nil
	}
	if err := w.copy(); err != nil {
		return err
	}
	w.meta.MinArrival, w.meta.MaxArrival = w.builder.Arrivals()
	if w.encoder == nil {
		w.encoder = block.NewEncoder(w.codec)
	}
	w.buf, w.meta.Base = w.encoder.Encode(w.buf[:0], w.builder)
	err := w.write(w.buf, w.meta)
	w.builder.Reset()
	w.meta = segment.Meta{}
	return err
}
