package engine

import (
	"context"
	"slices"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/segment"
)

// Recent blocks are merged in memory, in tiers, so that thousands of appends of
// one event each stay cheap to read: tierWidth neighbours of a tier become one block of the next.
const (
	tierWidth = 16
	tierTop   = 8 << 10  // blocks of so many rows are left as they are, and so are those
	tierBytes = 32 << 10 // of so many bytes
)

// tier returns the tier of a block: 0 below 16 rows, 1 below 256, ….
func tier(rows int) int {
	t := 0
	for rows >= tierWidth {
		rows /= tierWidth
		t++
	}
	return t
}

func (e *Engine) tidyLoop() {
	w := e.newTidier()
	for {
		select {
		case <-e.tidyKick:
		case <-e.stopped.Done():
			return
		}
		e.o.Hooks.background("tidy")
		for e.stopped.Err() == nil && e.tidy(e.stopped, w) {
		}
		if cap(w.buf) > tidierBytes {
			w = e.newTidier()
		}
	}
}

func (e *Engine) kickTidy() {
	if e.o.Hooks.NoTidy {
		return
	}
	select {
	case e.tidyKick <- struct{}{}:
	default:
	}
}

// tidierBytes is the longest block that what tidies remembers the memory of.
const tidierBytes = 512 << 10

func (e *Engine) newTidier() *blockWriter {
	return &blockWriter{codec: block.Fast, rows: 1 << 30, builder: e.newBuilder(), turn: turn{walks: &e.walks}}
}

// tidy merges one run of neighbours by w, and reports whether it found one.
func (e *Engine) tidy(ctx context.Context, w *blockWriter) bool {
	v := e.acquire(false)
	defer v.Release()
	run := tidyRun(v.st.recent)
	if run == nil || v.st.pinned >= e.o.pinBytes() {
		return false
	}
	var merged *recent
	w.write = func(data []byte, m segment.Meta) error {
		if merged != nil {
			merged = nil
			return context.Canceled // over blockBytes: the run stays as it is
		}
		var err error
		merged, err = newRecent(slices.Clone(data), m.Base, run[0].journal)
		return err
	}
	var unread error
	m := newMerge(e, Everything, false, nil, run, nil, func(err error) { unread = err })
	m.once = true
	if err := w.drain(ctx, m); err != nil || unread != nil || merged == nil {
		for _, r := range run {
			r.settled = true // or every append would try again
		}
		*w = *e.newTidier() // it may have stopped half-way
		return ctx.Err() == nil
	}
	e.publishQuietly(func(st *state) {
		// The run may have been sealed meanwhile: only what is still there, side by side, is replaced.
		i := slices.Index(st.recent, run[0])
		if i < 0 || len(st.recent)-i < len(run) || !slices.Equal(st.recent[i:i+len(run)], run) {
			return
		}
		st.recent = slices.Concat(st.recent[:i], []*recent{merged}, st.recent[i+len(run):])
		st.pinned = pinnedBytes(st.recent) // blocks have grown since they were counted
	})
	return true
}

// tidyRun returns neighbours of one journal file that are worth merging, or nil.
func tidyRun(recents []*recent) []*recent {
	for end := len(recents); end > 0; {
		last := recents[end-1]
		if last.journal == 0 || last.rows >= tierTop || last.bytes >= tierBytes || last.settled {
			end--
			continue
		}
		// Neighbours of the same tier, and smaller ones that stand between them.
		start, rows := end-1, last.rows
		for start > 0 {
			r := recents[start-1]
			if r.journal != last.journal || r.settled || r.bytes >= tierBytes || tier(r.rows) > tier(last.rows) || rows+r.rows > 2*tierTop {
				break
			}
			rows += r.rows
			start--
		}
		if end-start >= tierWidth {
			return recents[start:end]
		}
		end = start
	}
	return nil
}

// publishQuietly replaces the state by one that shows the same events: nobody is woken.
func (e *Engine) publishQuietly(change func(st *state)) { e.exchange(change) }
