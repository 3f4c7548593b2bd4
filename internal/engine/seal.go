package engine

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/segment"
)

// sealLoop seals in the background.
func (e *Engine) sealLoop() {
	for {
		select {
		case <-e.sealKick:
		case <-e.stopped.Done():
			return
		}
		e.o.Hooks.background("seal")
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
	parts, err := e.writeSegments(ctx, st, files, sources)
	if err != nil {
		return err
	}
	// What is damaged in the files must not go with them.
	if err := e.keepNotes(); err != nil {
		retire(parts)
		release(parts)
		return fault.Wrap(err, "seal", "what is damaged cannot be put aside")
	}
	return e.adopt(parts, files)
}

// writeSegments merges the sources, deletions applied: into one segment, mostly, or none if nothing is left of them. What is damaged is told and left
// out. What cannot be read now may be readable the next time: then it fails, until there is no patience left.
func (e *Engine) writeSegments(ctx context.Context, st *state, files []uint64, sources []*recent) ([]*part, error) {
	for {
		parts, unread, err := e.mergeRecents(ctx, st, segment.Identity{Journals: files}, sources)
		switch {
		case err == nil && unread == nil:
			e.unreadSince = time.Time{}
			return parts, nil
		case err == nil && e.unreadSince.IsZero():
			e.unreadSince = e.now()
			err = unread
		case err == nil && e.now().Sub(e.unreadSince) < e.o.Hooks.Patience:
			err = unread
		case err == nil || fault.KindOf(err) == fault.Corrupt:
			// Without them.
			if left := e.withoutDamaged(sources, err == nil); len(left) < len(sources) {
				retire(parts)
				release(parts)
				sources = left
				continue
			}
			err = cmp.Or(err, unread)
		}
		retire(parts)
		release(parts)
		return nil, fault.Wrap(err, "seal", "the segment cannot be written")
	}
}

// withoutDamaged returns the sources of which every value can be decoded; unread: that cannot be read are left out too.
func (e *Engine) withoutDamaged(sources []*recent, unread bool) (sound []*recent) {
	for _, r := range sources {
		b, err := e.recentBlock(r, false)
		if err == nil {
			if err = b.Load(); err != nil {
				err = e.lostRecent(r, err)
			}
		}
		switch {
		case err == nil || fault.KindOf(err) != fault.Corrupt && !unread:
			sound = append(sound, r)
		case fault.KindOf(err) != fault.Corrupt:
			e.note(damageOf(err, "").and(r.toll()))
		}
	}
	return sound
}

// mergeRecents writes segments of the sources. unread says that one of them cannot be read, but is not damaged.
func (e *Engine) mergeRecents(ctx context.Context, st *state, replaces segment.Identity, sources []*recent) (parts []*part, unread, err error) {
	out := e.newOutputs(st)
	out.replaces.Journals, out.replaces.Segments = replaces.Journals, replaces.Segments
	return e.mergeInto(ctx, &out, st, sources)
}

func (e *Engine) mergeInto(ctx context.Context, out *outputs, st *state, sources []*recent) (parts []*part, unread, err error) {
	w := &blockWriter{codec: block.Thorough, encoder: e.encoder.Swap(nil), tell: !e.o.Hooks.NoTelling, rows: e.o.Hooks.BlockRows, builder: e.newBuilder(), write: out.add, turn: turn{walks: &e.walks}}
	defer func() { e.encoder.Store(w.encoder) }()
	m := newMerge(e, Everything, false, nil, sources, st.deletions, func(err error) {
		if fault.KindOf(err) != fault.Corrupt {
			unread = err
		}
	})
	m.once = true
	w.cuts, w.cut = e.tails(sources), out.end
	if err = w.drain(ctx, m); err == nil {
		err = out.end()
	}
	if err != nil {
		out.abandon()
		return nil, nil, err
	}
	return out.parts, unread, nil
}

// tails returns where what is sealed is to be cut, so that a few events of quite another time get a segment of their own: with the others they
// would make one that spans all the time between, and is merged with everything there. Of what time most events are a sample tells.
func (e *Engine) tails(sources []*recent) (cuts []event.Key) {
	var size int64
	var first, last event.Key
	for i, r := range sources {
		size += r.bytes
		if i == 0 || r.minKey.Compare(first) < 0 {
			first = r.minKey
		}
		if i == 0 || r.maxKey.Compare(last) > 0 {
			last = r.maxKey
		}
	}
	if size < tailBytes*e.o.Hooks.SmallBytes {
		return nil
	}
	var sample []int64
	for i := 0; i < len(sources); i += 1 + len(sources)/sampleBlocks {
		b, err := e.recentBlock(sources[i], false)
		if err != nil {
			continue // told when its turn comes
		}
		for row := 0; row < b.Rows(); row += 1 + b.Rows()/sampleRows {
			sample = append(sample, b.Instant(row))
		}
	}
	if len(sample) == 0 {
		return nil
	}
	slices.Sort(sample)
	low, high := sample[len(sample)/10], sample[len(sample)-1-len(sample)/10]
	// In float64, for instants may be centuries apart.
	most := float64(high) - float64(low) + 1
	if float64(low)-float64(first.Instant()) > tailTimes*most {
		cuts = append(cuts, event.MakeKey(low-int64(most), 0))
	}
	if float64(last.Instant())-float64(high) > tailTimes*most {
		cuts = append(cuts, event.MakeKey(high+int64(most), 0))
	}
	return cuts
}

const (
	// Less than so many times the smallest segment is not worth cutting.
	tailBytes = 4
	// A tail is cut off if it is so many times as long as the time that four fifths of the events are of.
	tailTimes = 4

	sampleBlocks = 16
	sampleRows   = 64
)

// outputs are the segments that sealing or merging writes.
type outputs struct {
	e        *Engine
	dir      string
	replaces segment.Identity // what each says that it replaces
	applied  uint64           // deletions up to it have been applied
	limit    int64            // size at which one ends; 0: none
	w        *segment.Writer  // nil: the next block starts one
	number   uint64
	parts    []*part
}

func (e *Engine) newOutputs(st *state) outputs {
	o := outputs{e: e, dir: e.dir, replaces: segment.Identity{StoreID: e.storeID}}
	for _, d := range st.deletions {
		o.applied = max(o.applied, d.Number)
	}
	return o
}

func (o *outputs) add(data []byte, m segment.Meta) error {
	if o.w == nil {
		o.number = o.e.takeFile()
		id := o.replaces
		id.Number = o.number
		var err error
		if o.w, err = segment.Create(o.e.fs, path.Join(o.dir, segmentName(o.number)), id); err != nil {
			return err
		}
	}
	if err := o.w.Add(data, m); err != nil {
		return err
	}
	if o.limit > 0 && o.w.Size() >= o.limit {
		return o.end()
	}
	return nil
}

// end makes the segment at hand durable and opens it.
func (o *outputs) end() error {
	if o.w == nil {
		return nil
	}
	info, err := o.w.Finish()
	if err != nil {
		return err
	}
	o.w = nil
	r, err := segment.Open(o.e.fs, path.Join(o.dir, segmentName(o.number)), o.e.segments)
	if err != nil {
		_ = o.e.fs.Remove(path.Join(o.dir, segmentName(o.number))) // else it is litter
		return fault.Wrap(err, "write segment", "the segment just written cannot be read")
	}
	o.parts = append(o.parts, &part{reader: r, Segment: segmentOf(info, o.applied)})
	return nil
}

// abandon removes what was written, as far as that is possible.
func (o *outputs) abandon() {
	if o.w != nil {
		o.w.Abort()
	}
	retire(o.parts)
	release(o.parts)
}

// retire has the files removed when the last reference to them is gone.
func retire(parts []*part) {
	for _, p := range parts {
		p.reader.Retire()
	}
}

func release(parts []*part) {
	for _, p := range parts {
		_ = p.reader.Release()
	}
}

func segmentOf(info segment.Info, applied uint64) manifest.Segment {
	return manifest.Segment{
		Number: info.Number, Rows: info.Rows, Bytes: info.Bytes, MinKey: info.MinKey, MaxKey: info.MaxKey,
		MinArrival: info.MinArrival, MaxArrival: info.MaxArrival, Applied: applied,
	}
}

// adopt makes the catalog, then the state, have segments in place of journal files.
func (e *Engine) adopt(parts []*part, files []uint64) error {
	last := files[len(files)-1]
	e.catalogMu.Lock()
	defer e.catalogMu.Unlock()
	now := e.now().UnixNano()
	edit := manifest.Edit{Sealed: last}
	e.mu.Lock()
	edit.NextFile = e.nextFile
	st := e.state
	e.mu.Unlock()
	edit.Marks = []manifest.Mark{{Arrival: st.next, Time: now}}
	defer release(parts) // the state has its own references
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
	if err := e.weigh(e.stopped, parts, st.deletions); err != nil {
		retire(parts)
		return fault.Wrap(err, "seal", "the segment just written cannot be read")
	}
	for _, p := range parts {
		edit.Add = append(edit.Add, p.Segment)
	}
	edit.DropDeletions = needless(st.deletions, kept, append(slices.Collect(maps.Values(e.catalog.Catalog().Segments)), edit.Add...))
	if err := e.catalog.Append(edit); err != nil {
		if e.catalog.Name() != "" {
			// A new manifest without the edit is durable: the segments are litter for certain.
			retire(parts)
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
		st.set = newSegmentSet(slices.Concat(st.set.parts, parts), st.set.retire(0, last))
		for _, p := range parts {
			e.sealedBytes += p.Bytes
		}
		// Before the old state lets go of the files, so that whoever misses one finds that it is not live.
		e.journals = slices.DeleteFunc(e.journals, func(j journalFile) bool { return j.number <= last })
		e.cuts = slices.DeleteFunc(slices.Clone(e.cuts), func(c journal.Cut) bool { return c.Number <= last })
	})
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
	tell    bool           // a few events may be written as text
	rows    int            // most rows of a block
	builder *block.Builder
	write   func(data []byte, m segment.Meta) error
	cuts    []event.Key  // rows before one and from it on are never in one block
	cut     func() error // called between these
	meta    segment.Meta
	runs    []block.Run // of the block at hand, not in the builder yet
	waiting int         // rows of these
	buf     []byte
	turn    turn
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
		for len(w.cuts) > 0 && r.Block.Key(r.To-1).Compare(w.cuts[0]) >= 0 {
			at := max(r.From, r.Block.Search(w.cuts[0]))
			if err := w.add(block.Run{Block: r.Block, From: r.From, To: at}); err != nil {
				return err
			}
			if err := w.end(); err != nil {
				return err
			}
			if err := w.cut(); err != nil {
				return err
			}
			r.From, w.cuts = at, w.cuts[1:]
		}
		if err := w.add(r.Run); err != nil {
			return err
		}
	}
}

func (w *blockWriter) add(r block.Run) error {
	if r.From == r.To {
		return nil
	}
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
	w.turn.rest()
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
	encode := w.encoder.Encode
	if w.tell {
		encode = w.encoder.Seal
	}
	w.encoder.Between = w.turn.rest
	w.buf, w.meta.Base = encode(w.buf[:0], w.builder)
	w.encoder.Between = nil // the encoder is kept, the writer is not
	w.meta.Sets = w.encoder.Sets()
	err := w.write(w.buf, w.meta)
	w.builder.Reset()
	w.meta = segment.Meta{}
	return err
}
