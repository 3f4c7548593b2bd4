package stele

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/plan"
	"github.com/stelehq/stele/internal/query/syntax"
)

// Query is a parsed query: `select … from stream …`, or an expression alone. Immutable, safe for concurrent use.
// docs/query-language.md has the language.
type Query struct {
	text string
	p    *plan.Plan
}

// ParseQuery reads a query. Errors are *FilterError (kind Invalid) and point at the place, or of kind TooLarge.
func ParseQuery(text string) (*Query, error) { return parseQuery(text, nil) }

func parseQuery(text string, variables map[string]literal) (*Query, error) {
	tree, err := syntax.ParseQuery(text)
	if err != nil {
		return nil, placed(err)
	}
	canonical := syntax.PrintQuery(tree)
	fill(tree, variables)
	p, err := plan.Compile(text, tree)
	if err != nil {
		return nil, placed(err)
	}
	return &Query{canonical, p}, nil
}

// placed makes an error of the language one of this package.
func placed(err error) error {
	var at *syntax.Error
	if errors.As(err, &at) {
		return filterError(at)
	}
	return err
}

// String returns the query in its canonical form.
func (q *Query) String() string { return q.text }

// Columns names the columns of the result, in order.
func (q *Query) Columns() []string {
	if names := explainColumns[q.p.Explain()]; names != nil {
		return names
	}
	return q.p.Columns()
}

// Layout says what the leading columns of the result are.
func (q *Query) Layout() Layout {
	if q.p.Explain() != syntax.ExplainNone {
		return Layout{}
	}
	return Layout{Time: q.p.Sliced(), Keys: q.p.Keys()}
}

// Layout of a query's result: the time slice first, if Time, then the group keys, then what was selected.
type Layout struct {
	Time bool // the first column is the start of the time slice, in ticks of 100 ns since the year 1
	Keys int  // how many columns are group keys
}

// QueryOptions say over what a query runs, and what it may use. The zero value is everything, with the default memory.
type QueryOptions struct {
	Range  Range     // beside what the where clause says of @Timestamp
	Filter *Filter   // beside the where clause; nil: every event
	Memory int64     // most bytes that the query holds, beside what reading takes. 0: 256 MiB
	Now    time.Time // what Now() is. Zero: the time when the query begins
}

const defaultQueryBytes = 256 << 20

// Rows are the result of a query, in the order that it asks for; without one by time slice and group keys, or by time where events are
// selected one by one.
//
//	rows := store.Query(ctx, q, stele.QueryOptions{})
//	for rows.Next() {
//		use(rows.Values())
//	}
//	err := rows.Close()
//
// Damage met on the way does not stop a query: what is lost is passed over, and Err and Close report it. Not for concurrent use.
// Close them.
type Rows struct {
	ctx     context.Context
	engine  *engine.Engine
	query   *Query
	filter  *Filter // beside the query; nil: none
	run     *plan.Run
	memory  *plan.Memory
	scan    *engine.Scan // of events that are given as they are read
	blocks  *blockQuery  // of a query that groups or sorts; then scan is nil
	counts  *scanCounts  // nil: every event is wanted
	begun   time.Time
	lost    func(error)
	row     []Value
	blank   []int      // columns that had no value yet
	ready   [][]Value  // rows that are made and not given yet
	held    int        // bytes of memory that ready takes, where rows are given as events are read
	left    int64      // of the limit, likewise
	watch   *stopwatch // nil: nobody wants to know
	started bool
	done    bool
	err     error
	stats   QueryStatistics
}

// QueryStatistics are what a query did so far.
type QueryStatistics struct {
	Elapsed time.Duration // until the last row, or until Close
	Scanned uint64        // events that were looked at, by their columns or one by one
	Matched uint64        // events that the query is about: within its range, and as its filters ask
	Blocks  uint64        // blocks of events whose columns were looked at
	Skipped uint64        // blocks that did not have to be, as what is known of them tells enough
	// Limited: there are more rows than the limit (1024 if the query sets none) let through. Where rows are given as events are
	// read, that is when the limit ended the query, as there may be more.
	Limited bool
}

// Query runs a query over the snapshot. The rows may not outlive it.
func (s *Snapshot) Query(ctx context.Context, q *Query, o QueryOptions) *Rows {
	return query(ctx, s.e, s.v, q, o, false)
}

// Query runs a query over what the store holds now: the rows have a snapshot of their own.
func (s *Store) Query(ctx context.Context, q *Query, o QueryOptions) *Rows {
	v, err := s.e.Pin()
	if err != nil {
		return &Rows{query: q, scan: engine.FailedScan(err)}
	}
	return query(ctx, s.e, v, q, o, true)
}

func query(ctx context.Context, e *engine.Engine, v *engine.View, q *Query, o QueryOptions, owns bool) *Rows {
	r := &Rows{ctx: ctx, engine: e, query: q, filter: o.Filter, begun: time.Now(), left: q.p.Limit()}
	for i := range q.Columns() {
		r.blank = append(r.blank, i)
	}
	if o.Now.IsZero() {
		o.Now = r.begun
	}
	if o.Memory == 0 {
		o.Memory = defaultQueryBytes
	}
	r.memory = plan.NewMemory(o.Memory)
	span := o.Range.span()
	run, err := q.p.Start(o.Now, plan.Bounds{From: span.From, To: span.To}, r.memory)
	if err != nil {
		if owns {
			v.Release()
		}
		r.scan = engine.FailedScan(placed(err))
		return r
	}
	r.run = run
	r.lost = func(err error) { r.scan.Lost(err) }
	b := run.Bounds()
	span = engine.Span{From: b.From, To: b.To}
	if b.Empty() || q.p.Scalar() || q.p.Explain() != syntax.ExplainNone && q.p.Explain() != syntax.ExplainAnalyze {
		span = engine.Nothing
	}
	filters := wantedFilters(run, o)
	if q.p.Streams() || q.p.Scalar() {
		r.scan = v.Scan(ctx, span, q.p.Descending(), r.wanted(ctx, filters), owns)
	} else {
		r.blocks = &blockQuery{ctx: ctx, run: run, view: v, owns: owns, span: span, filters: filters}
	}
	return r
}

// wantedFilters are the where clause and the options' filter.
func wantedFilters(run *plan.Run, o QueryOptions) (filters []*exec.Filter) {
	if f := run.Filter(); f != nil {
		filters = append(filters, f)
	}
	if o.Filter != nil {
		f := o.Filter.f
		if f.AsksTime() {
			f = f.AsOf(o.Now)
		}
		filters = append(filters, f)
	}
	return filters
}

// wanted is what the filters ask of events that are read one after the other.
func (r *Rows) wanted(ctx context.Context, filters []*exec.Filter) *engine.Wanted {
	w := wantedOf(ctx, filters, r.lost)
	if w == nil {
		return nil
	}
	r.counts = &scanCounts{}
	if of := w.Select; of != nil {
		w.Select = func(b *block.Block) engine.Selection {
			r.counts.blocks.Add(1)
			r.counts.rows.Add(uint64(b.Rows()))
			return of(b)
		}
	} else {
		of := w.Match
		w.Match = func(row engine.Row) bool {
			r.counts.rows.Add(1)
			return of(row)
		}
	}
	return w
}

// scanCounts count what is looked at, which is in part done ahead.
type scanCounts struct{ blocks, rows atomic.Uint64 }

// Columns names the columns.
func (r *Rows) Columns() []string { return r.query.Columns() }

// Layout says what the leading columns are.
func (r *Rows) Layout() Layout { return r.query.Layout() }

// Next goes to the next row, and reports whether there is one. A query that groups or sorts reads all its events before the first.
func (r *Rows) Next() bool {
	if r.done {
		return false
	}
	if !r.started {
		r.started = true
		r.start()
	}
	for len(r.ready) == 0 {
		if r.done || !r.streams() || r.err != nil || !r.read() {
			r.finish()
			return false
		}
	}
	r.row, r.ready = r.ready[0], r.ready[1:]
	r.see()
	return true
}

// start makes the rows of a query that does not give them as it reads.
func (r *Rows) start() {
	switch {
	case r.run == nil || r.streams():
	case r.explains():
		r.explain()
	case r.query.p.Scalar():
		if r.scan.Next(); r.scan.Err() == nil && r.left > 0 {
			r.ready = [][]Value{r.run.Row()}
		}
	default:
		r.err = r.collect()
	}
}

// streams reports whether rows are given as events are read.
func (r *Rows) streams() bool { return r.query.p.Streams() && !r.explains() }

// collect makes all rows of a query that groups or sorts. With an error that says what was passed over come the rows of the rest.
func (r *Rows) collect() error {
	result, err := r.blocks.execute(&r.stats, r.watch)
	if r.blocks.failed = result == nil; result != nil {
		r.ready, r.stats.Limited = result.Rows, result.Cut
	}
	return err
}

// read takes the rows of the next event.
func (r *Rows) read() bool {
	if r.left <= 0 {
		r.stats.Limited = true
		return false
	}
	if !r.next() {
		return false
	}
	r.stats.Matched++
	e := &Event{row: r.scan.Row(), lost: r.lost}
	r.memory.Give(r.held)
	r.held = 0
	err := r.run.Each(eventRow{e}, func(values []Value) error {
		if r.left <= 0 {
			r.stats.Limited = true
			return errEnough
		}
		n := plan.RowBytes(values)
		if err := r.memory.Take(n); err != nil {
			return err
		}
		r.held += n
		r.left--
		r.ready = append(r.ready, values)
		return nil
	})
	if err != nil && err != errEnough {
		r.err, r.ready = err, nil
	}
	r.watch.lap(plan.StageSelect)
	return r.err == nil
}

var errEnough = errors.New("enough")

// next goes to the next event that is wanted.
func (r *Rows) next() bool {
	ok := r.scan.Next()
	r.watch.lap(plan.StageRead)
	return ok
}

func (r *Rows) finish() {
	if !r.done {
		r.done, r.ready = true, nil
		r.stats.Elapsed = time.Since(r.begun)
	}
	if r.blocks != nil {
		r.blocks.close()
		return
	}
	r.scan.Close()
}

// Values returns the row at hand: a value for each column, which stays valid.
func (r *Rows) Values() []Value { return r.row }

// Statistics returns what the query did so far.
func (r *Rows) Statistics() QueryStatistics {
	s := r.stats
	if !r.done {
		s.Elapsed = time.Since(r.begun)
	}
	if r.blocks != nil {
		return s
	}
	s.Scanned = s.Matched
	if r.counts != nil {
		s.Scanned, s.Blocks = r.counts.rows.Load(), r.counts.blocks.Load()
	}
	return s
}

// Err returns why the query ended early, or what was passed over on the way: Invalid for a query that needs a lower bound of time,
// Exhausted if its memory did not do, Canceled, Closed, Corrupt with file and offset, IO. nil while all is well.
func (r *Rows) Err() error {
	if r.err != nil || r.blocks != nil {
		return r.err
	}
	return r.scan.Err()
}

// Close ends the query and returns Err. Harmless when repeated.
func (r *Rows) Close() error {
	r.finish()
	return r.Err()
}
