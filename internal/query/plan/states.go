package plan

import (
	"slices"

	"github.com/stelehq/stele/internal/event"
)

// The states of aggregates. docs/query-language.md has what each gives.

// count: values that are neither undefined nor null.
type countState struct{ n uint64 }

func (s *countState) add(in []*sample, n uint64, _ Place, _ *account) error {
	if k := in[0].value.Kind; k != event.Undefined && k != event.Null {
		s.n += n
	}
	return nil
}

func (s *countState) merge(from state, _ *account) error {
	s.n += from.(*countState).n
	return nil
}

func (s *countState) result() event.Value { return countOf(s.n) }

// count(distinct(…)): values that are neither undefined nor null, equal ones once.
type countDistinctState struct {
	ci bool
	of cardinality
}

func (s *countDistinctState) add(in []*sample, _ uint64, _ Place, m *account) error {
	if k := in[0].value.Kind; k == event.Undefined || k == event.Null {
		return nil
	}
	var room [64]byte
	return s.of.add(hashOf(appendKey(room[:0], in[0].value, s.ci)), m)
}

func (s *countDistinctState) merge(from state, m *account) error {
	return s.of.merge(&from.(*countDistinctState).of, m)
}

func (s *countDistinctState) result() event.Value { return countOf(s.of.count()) }

// distinct: values that are not undefined, equal ones once, in order.
type distinctState struct {
	ci     bool
	values map[string]event.Value // by key; canonical
}

func (s *distinctState) add(in []*sample, _ uint64, _ Place, m *account) error {
	if in[0].value.Kind == event.Undefined {
		return nil
	}
	return s.offer(string(appendKey(nil, in[0].value, s.ci)), in[0].value, m)
}

func (s *distinctState) offer(key string, v event.Value, m *account) error {
	before, has := s.values[key]
	if has && !s.ci {
		return nil
	}
	v = detached(canonical(v))
	switch {
	case !has:
		s.values[key] = v
		return m.take(entryBytes + len(key) + sizeOf(v))
	case compareValues(v, before, false) < 0: // of texts that differ in case the first by code point
		s.values[key] = v
	}
	return nil
}

func (s *distinctState) merge(from state, m *account) error {
	for key, v := range from.(*distinctState).values {
		if err := s.offer(key, v, m); err != nil {
			return err
		}
	}
	return nil
}

func (s *distinctState) result() event.Value { return event.Value{} }

func (s *distinctState) rows() []event.Value {
	out := make([]event.Value, 0, len(s.values))
	for _, v := range s.values {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b event.Value) int { return compareValues(a, b, false) })
	return out
}

// any: true if the condition is for a row.
type anyState struct{ is bool }

func (s *anyState) add(in []*sample, _ uint64, _ Place, _ *account) error {
	s.is = s.is || isTrue(in[0].value)
	return nil
}

func (s *anyState) merge(from state, _ *account) error {
	s.is = s.is || from.(*anyState).is
	return nil
}

func (s *anyState) result() event.Value { return event.BoolValue(s.is) }

// all: true unless there is a row for which the condition is not (R8).
type allState struct{ not bool }

func (s *allState) add(in []*sample, _ uint64, _ Place, _ *account) error {
	s.not = s.not || !isTrue(in[0].value)
	return nil
}

func (s *allState) merge(from state, _ *account) error {
	s.not = s.not || from.(*allState).not
	return nil
}

func (s *allState) result() event.Value { return event.BoolValue(!s.not) }

func isTrue(v event.Value) bool { return v.Kind == event.Bool && v.Bool }

// first and last: the value in the row that stands first (sign 1) or last (-1), undefined if it is undefined there.
type edgeState struct {
	sign  int
	any   bool
	at    Place
	value event.Value
	bytes int
}

func (s *edgeState) add(in []*sample, _ uint64, at Place, m *account) error {
	return s.offer(in[0].value, at, m)
}

func (s *edgeState) offer(v event.Value, at Place, m *account) error {
	if s.any && at.compare(s.at)*s.sign >= 0 {
		return nil
	}
	v = detached(v)
	m.give(s.bytes)
	s.any, s.at, s.value, s.bytes = true, at, v, sizeOf(v)
	return m.take(s.bytes)
}

func (s *edgeState) merge(from state, m *account) error {
	o := from.(*edgeState)
	if !o.any {
		return nil
	}
	return s.offer(o.value, o.at, m)
}

func (s *edgeState) result() event.Value { return s.value }

// top and bottom: the first (sign 1) or last (-1) values that are not undefined, in order of time.
type endState struct {
	most int
	sign int
	kept []placed
	full bool  // there were most before
	past Place // where the last of most stood then: what stands behind it is not wanted
}

type placed struct {
	at    Place
	value event.Value
}

func (s *endState) add(in []*sample, n uint64, at Place, m *account) error {
	if in[0].value.Kind == event.Undefined {
		return nil
	}
	return s.offer(placed{at, in[0].value}, m)
}

func (s *endState) offer(p placed, m *account) error {
	if s.full && p.at.compare(s.past)*s.sign > 0 {
		return nil
	}
	if err := m.take(32 + sizeOf(p.value)); err != nil {
		return err
	}
	p.value = detached(p.value)
	s.kept = append(s.kept, p)
	if len(s.kept) >= 2*s.most+16 {
		s.cut(m)
	}
	return nil
}

func (s *endState) order(a, b placed) int { return a.at.compare(b.at) * s.sign }

func (s *endState) cut(m *account) {
	slices.SortFunc(s.kept, s.order)
	for i := s.most; i < len(s.kept); i++ {
		m.give(32 + sizeOf(s.kept[i].value))
		s.kept[i] = placed{}
	}
	s.kept = s.kept[:s.most]
	s.full, s.past = true, s.kept[s.most-1].at
}

func (s *endState) merge(from state, m *account) error {
	for _, p := range from.(*endState).kept {
		if err := s.offer(p, m); err != nil {
			return err
		}
	}
	return nil
}

func (s *endState) result() event.Value { return event.Value{} }

func (s *endState) rows() []event.Value {
	kept := slices.Clone(s.kept)
	slices.SortFunc(kept, s.order)
	kept = kept[:min(s.most, len(kept))]
	out := make([]event.Value, len(kept))
	for i := range kept {
		out[i] = kept[i].value
	}
	if s.sign < 0 {
		slices.Reverse(out)
	}
	return out
}

// min (sign -1) and max (1) of numbers.
type extremeState struct {
	sign int
	any  bool
	num  event.Decimal
}

func (s *extremeState) add(in []*sample, _ uint64, _ Place, _ *account) error {
	if d, ok := in[0].decimal(); ok {
		s.offer(d)
	}
	return nil
}

func (s *extremeState) offer(d event.Decimal) {
	if !s.any || d.Compare(s.num)*s.sign > 0 {
		s.any, s.num = true, d
	}
}

func (s *extremeState) merge(from state, _ *account) error {
	if o := from.(*extremeState); o.any {
		s.offer(o.num)
	}
	return nil
}

func (s *extremeState) result() event.Value {
	if !s.any {
		return event.Value{}
	}
	return numberOf(s.num)
}

// sum of numbers: exact, undefined if there is none or the range of R7 does not hold it.
type sumState struct {
	of sum
	n  uint64
}

func (s *sumState) add(in []*sample, n uint64, _ Place, _ *account) error {
	if d, ok := in[0].decimal(); ok {
		s.of.add(d, n)
		s.n += n
	}
	return nil
}

func (s *sumState) merge(from state, _ *account) error {
	o := from.(*sumState)
	s.of.merge(&o.of)
	s.n += o.n
	return nil
}

func (s *sumState) result() event.Value {
	d, ok := s.of.decimal()
	if !ok || s.n == 0 {
		return event.Value{}
	}
	return numberOf(d)
}

// mean is the exact sum divided by the count of numbers.
type meanState struct{ sumState }

func (s *meanState) merge(from state, m *account) error {
	return s.sumState.merge(&from.(*meanState).sumState, m)
}

func (s *meanState) result() event.Value {
	if s.n == 0 {
		return event.Value{}
	}
	d, ok := s.of.over(s.n)
	if !ok {
		return event.Value{}
	}
	return numberOf(d)
}

// percentile of numbers, and phist of numbers with how often each counts: a whole number, not negative.
type quantileState struct {
	of quantile
	p  event.Decimal
}

func (s *quantileState) add(in []*sample, n uint64, _ Place, m *account) error {
	d, ok := in[0].decimal()
	if !ok {
		return nil
	}
	if len(in) > 1 {
		count, ok := in[1].decimal()
		if !ok {
			return nil
		}
		times, ok := count.Int64()
		if !ok || times <= 0 {
			return nil
		}
		n = product(n, uint64(times))
	}
	return s.of.add(d, n, m)
}

func (s *quantileState) merge(from state, m *account) error {
	return s.of.merge(&from.(*quantileState).of, m)
}

func (s *quantileState) result() event.Value {
	d, ok := s.of.at(s.p)
	if !ok {
		return event.Value{}
	}
	return numberOf(d)
}
