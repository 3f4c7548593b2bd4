package stele

import (
	"context"
	"runtime"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/plan"
)

// A blockQuery runs a query that groups or sorts: the blocks of a view are worked on side by side, in no order, each worker with a partial of its own.
type blockQuery struct {
	ctx     context.Context
	run     *plan.Run
	view    *engine.View
	owns    bool // the view is released at the end
	span    engine.Span
	filters []*exec.Filter // what is wanted, all of them

	failed bool // there is no result

	workers []*queryWorker
}

// A queryWorker is what one worker has. Not for concurrent use.
type queryWorker struct {
	patience
	partial *plan.Partial
	wanted  *engine.Wanted // nil: every event
	event   Event
	lost    error // damage that was met in an event of the block at hand
	stats   QueryStatistics
	reading time.Duration // that it spent on reading and filtering,
	adding  time.Duration // and on groups
}

// execute returns the result. With an error that says what was passed over comes the result of the rest.
func (q *blockQuery) execute(stats *QueryStatistics, watch *stopwatch) (result *plan.Result, err error) {
	n := runtime.GOMAXPROCS(0)
	for range n {
		w := &queryWorker{patience: patience{ctx: q.ctx}, partial: q.run.NewPartial()}
		w.partial.Step = w.patience.err
		w.event.lost = func(err error) { w.lost = err }
		w.wanted = wantedOf(q.ctx, q.filters, w.event.lost)
		defer w.partial.Close()
		q.workers = append(q.workers, w)
	}
	walk := &engine.Blocks{Span: q.span, Workers: n, Each: func(worker int, s engine.Slab) error { return q.workers[worker].add(s) }}
	if w := q.workers[0].wanted; w != nil {
		walk.Texts = w.Texts
	} else if q.run.CountsRows() {
		walk.Counted = func(worker int, c engine.Closed) bool {
			w := q.workers[worker]
			if w.partial.AddRows(c.Rows) != nil {
				return false
			}
			w.stats.Matched += uint64(c.Rows)
			return true
		}
	}
	early, err := walk.Walk(q.ctx, q.view)
	for _, w := range q.workers {
		stats.Scanned += w.stats.Scanned
		stats.Matched += w.stats.Matched
		watch.add(plan.StageRead, w.reading)
		watch.add(plan.StageGroup, w.adding)
	}
	stats.Blocks, stats.Skipped = uint64(walk.Opened.Load()), uint64(walk.Passed.Load())
	if early {
		return nil, err
	}
	begun := time.Now()
	all := q.workers[0].partial
	for _, w := range q.workers[1:] {
		if err := all.Merge(w.partial); err != nil {
			return nil, err
		}
	}
	result, failed := q.run.Finish(all)
	watch.add(plan.StageSort, time.Since(begun))
	if failed != nil {
		return nil, failed
	}
	return result, err
}

// close lets go of the view. Harmless when repeated.
func (q *blockQuery) close() {
	if q.owns {
		q.view.Release()
	}
}

// add adds what is wanted of a block.
func (w *queryWorker) add(s engine.Slab) (err error) {
	begun := time.Now()
	w.lost = nil
	rows, err := w.selected(s)
	selected := time.Now()
	w.reading += selected.Sub(begun)
	defer func() { w.adding += time.Since(selected) }()
	if err != nil {
		return err
	}
	n := rows.Count()
	counted := true
	if n > 0 {
		row := func(i int) exec.Row {
			w.event.row = engine.Row{Block: s.Block, Index: i, Key: s.Block.Key(i)}
			return eventRow{&w.event}
		}
		if counted, err = w.partial.AddBlock(s.Block, rows, s.Whole, row); err != nil && !counted {
			return err
		}
	}
	w.stats.Scanned += uint64(s.To - s.From)
	w.stats.Matched += uint64(n)
	if err == nil {
		err = w.lost
	}
	if err != nil {
		return engine.Final(err)
	}
	return nil
}

// selected returns the rows that are shown and wanted.
func (w *queryWorker) selected(s engine.Slab) (block.Bitmap, error) {
	size := s.Block.Rows()
	shown := block.NewBitmap(size)
	s.Rows(shown)
	if w.wanted == nil {
		return shown, nil
	}
	open := shown
	var yes block.Bitmap
	if w.wanted.Select != nil {
		selection := w.wanted.Select(s.Block)
		if err := w.ctx.Err(); err != nil {
			return nil, canceled(err)
		}
		yes, open = selection.Yes.And(shown), selection.Open.And(shown)
	}
	if yes == nil {
		yes = block.NewBitmap(size)
	}
	if !open.Any() {
		return yes, nil
	}
	if err := s.Whole(); err != nil {
		return nil, err
	}
	for i := block.First(open, nil, 0, size); i < size; i = block.First(open, nil, i+1, size) {
		if err := w.patience.err(); err != nil {
			return nil, err
		}
		if w.wanted.Match(engine.Row{Block: s.Block, Index: i, Key: s.Block.Key(i)}) {
			yes.Set(i)
		}
	}
	return yes, w.lost
}
