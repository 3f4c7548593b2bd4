package plan

import (
	"math"
	"slices"

	"github.com/stelehq/stele/internal/event"
)

// A Result is the rows of a query that groups or sorts, in order.
type Result struct {
	Rows [][]event.Value
	Cut  bool // the limit left rows out
}

// Finish makes the result of a partial that has all rows. fault.Exhausted if the memory does not do.
func (r *Run) Finish(p *Partial) (*Result, error) {
	rows := p.rows
	if r.grouped {
		rows = newSorter(r.Plan, &p.account)
		if err := r.groupRows(p, rows); err != nil {
			return nil, err
		}
	}
	rows.sort()
	out := &Result{Cut: rows.cut, Rows: make([][]event.Value, len(rows.kept))}
	for i := range rows.kept {
		out.Rows[i] = rows.kept[i].values
	}
	return out, nil
}

// groupRows makes the rows of all groups.
func (r *Run) groupRows(p *Partial, rows *sorter) error {
	if p.groups.n == 0 && r.width == 0 && len(r.keys) == 0 {
		// Without keys there is one group, of no events if need be.
		if _, err := p.group(nil, 0, noKeys); err != nil {
			return err
		}
	}
	if err := r.fill(p); err != nil {
		return err
	}
	maker := &rowMaker{run: r, results: make([]event.Value, len(r.calls)), rows: rows}
	for g := range p.groups.all {
		if err := maker.group(g); err != nil {
			return err
		}
	}
	return nil
}

func noKeys() ([]event.Value, error) { return nil, nil }

// A rowMaker makes rows of groups.
type rowMaker struct {
	run     *Run
	results []event.Value // of the aggregates
	row     []event.Value
	rows    *sorter
}

func (m *rowMaker) group(g *group) error {
	r := m.run
	for i, call := range r.calls {
		switch {
		case call.kind.result != nil:
			m.results[i] = call.kind.result(call, g.rows)
		case !call.kind.rows:
			m.results[i] = g.states[i].result()
		}
	}
	m.row = m.row[:0]
	key := g.key
	if r.width > 0 {
		m.row = append(m.row, numberOf(sliceStart(g.slice, r.width)))
		key = key[sliceBytes:]
	}
	if r.folds {
		m.row = append(m.row, g.keys...)
	} else {
		for range r.keys {
			var v event.Value
			v, key = readKey(key)
			m.row = append(m.row, v)
		}
	}
	if len(r.columns) == 1 && r.columns[0].call >= 0 && r.calls[r.columns[0].call].kind.rows {
		lead := len(m.row)
		for i, v := range g.states[r.columns[0].call].(rowset).rows() {
			m.row = append(m.row[:lead], v)
			if err := m.offer(i); err != nil {
				return err
			}
		}
		return nil
	}
	for _, c := range r.columns {
		if c.call >= 0 {
			m.row = append(m.row, m.results[c.call])
		} else {
			m.row = append(m.row, c.eval(m.results))
		}
	}
	return m.offer(0)
}

// offer takes the row if `having` wants it.
func (m *rowMaker) offer(nth int) error {
	if h := m.run.having; h != nil && !h.MatchLocals(noRow, m.row) {
		return nil
	}
	row := sortedRow{values: m.row, nth: nth}
	if m.rows.hopeless(row) {
		return nil
	}
	row.values = slices.Clone(m.row)
	return m.rows.add(row)
}

// mostFilled bounds how many slices are shown because they are empty.
const mostFilled = 100_000

// fill adds the slices without events of a query that groups by time alone, if all slices between its bounds fit in the limit; without an upper
// bound up to the last slice with events.
func (r *Run) fill(p *Partial) error {
	if r.width == 0 || len(r.keys) > 0 || r.bounds.Empty() {
		return nil
	}
	first, last := sliceOf(r.bounds.From.Instant(), r.width), int64(math.MinInt64)
	if r.bounds.To != event.MaxKey {
		last = sliceOf(r.bounds.To.Instant(), r.width)
	} else {
		for g := range p.groups.all {
			last = max(last, g.slice)
		}
	}
	if last < first || last-first >= min(r.limit, mostFilled) {
		return nil
	}
	for slice := first; slice <= last; slice++ {
		if _, err := p.group(appendSlice(nil, slice), slice, noKeys); err != nil {
			return err
		}
	}
	return nil
}
