package plan

import (
	"cmp"
	"slices"

	"github.com/stelehq/stele/internal/event"
)

// A sorter keeps the first rows in a query's order: as many as its limit.
type sorter struct {
	plan    *Plan
	account *account
	kept    []sortedRow
	worst   *sortedRow // nil, or what no row of the result comes behind
	cut     bool       // rows were left out
}

type sortedRow struct {
	values []event.Value
	at     Place // of a query without groups
	nth    int   // among the rows of a group
}

func newSorter(p *Plan, a *account) *sorter { return &sorter{plan: p, account: a} }

func (s *sorter) offer(values []event.Value, at Place) error {
	row := sortedRow{values: values, at: at}
	if s.hopeless(row) {
		return nil
	}
	return s.add(row)
}

func (s *sorter) add(row sortedRow) error {
	if err := s.account.take(RowBytes(row.values)); err != nil {
		return err
	}
	s.kept = append(s.kept, row)
	if int64(len(s.kept)) >= 2*min(s.plan.limit, 1<<40)+1024 {
		s.sort()
	}
	return nil
}

// sort brings the rows in order and leaves out those past the limit.
func (s *sorter) sort() {
	slices.SortFunc(s.kept, s.plan.compareRows)
	if int64(len(s.kept)) <= s.plan.limit {
		return
	}
	s.cut = true
	for i := int(s.plan.limit); i < len(s.kept); i++ {
		s.account.give(RowBytes(s.kept[i].values))
		s.kept[i] = sortedRow{}
	}
	s.kept = s.kept[:s.plan.limit]
	if n := len(s.kept); n > 0 {
		worst := s.kept[n-1]
		s.worst = &worst
	}
}

// hopeless reports whether a row is past the limit, whatever comes.
func (s *sorter) hopeless(row sortedRow) bool {
	if s.worst == nil || s.plan.compareRows(row, *s.worst) < 0 {
		return false
	}
	s.cut = true
	return true
}

// compareRows is the order of the result: what `order by` says, then the slice and the keys, or the time.
func (p *Plan) compareRows(a, b sortedRow) int {
	for _, o := range p.orders {
		var c int
		if o.column < 0 {
			c = cmp.Compare(a.at.Key.Instant(), b.at.Key.Instant())
		} else {
			c = compareValues(a.values[o.column], b.values[o.column], o.ci)
		}
		if o.desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	for i := range len(p.names) - len(p.columns) {
		if c := compareValues(a.values[i], b.values[i], false); c != 0 {
			return c
		}
	}
	if c := a.at.compare(b.at); c != 0 {
		return c
	}
	return a.nth - b.nth
}
