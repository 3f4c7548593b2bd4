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
	if len(p.groups) == 0 && r.width == 0 && len(r.keys) == 0 {
		// Without keys there is one group, of no events if need be.
		if _, err := p.group(nil, 0, noKeys); err != nil {
			return err
		}
	}
	if err := r.fill(p); err != nil {
		return err
	}
	for _, g := range p.groups {
		if err := r.groupRow(g, rows); err != nil {
			return err
		}
	}
	return nil
}

func noKeys() ([]event.Value, error) { return nil, nil }

func (r *Run) groupRow(g *group, rows *sorter) error {
	results := make([]event.Value, len(r.calls))
	for i, call := range r.calls {
		if !call.kind.rows {
			results[i] = g.states[i].result()
		}
	}
	lead := make([]event.Value, 0, len(r.names))
	if r.width > 0 {
		lead = append(lead, numberOf(sliceStart(g.slice, r.width)))
	}
	lead = append(lead, g.keys...)
	if len(r.columns) == 1 && r.columns[0].call >= 0 && r.calls[r.columns[0].call].kind.rows {
		for i, v := range g.states[r.columns[0].call].(rowset).rows() {
			if err := r.offer(append(slices.Clip(lead), v), i, rows); err != nil {
				return err
			}
		}
		return nil
	}
	for _, c := range r.columns {
		if c.call >= 0 {
			lead = append(lead, results[c.call])
		} else {
			lead = append(lead, c.eval(results))
		}
	}
	return r.offer(lead, 0, rows)
}

// offer takes a row that `having` wants.
func (r *Run) offer(values []event.Value, nth int, rows *sorter) error {
	if r.having != nil && !r.having.MatchLocals(noRow, values) {
		return nil
	}
	return rows.add(sortedRow{values: values, nth: nth})
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
		for _, g := range p.groups {
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
