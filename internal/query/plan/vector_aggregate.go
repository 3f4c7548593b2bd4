package plan

import (
	"math"
	"slices"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
)

// How the rows of a block come to the states of an aggregate, the fastest way that does first:
//
//   - rows are counted by group, which is all that count(*) needs;
//   - numbers are added as integers of one scale, where nearly each row has its own;
//   - pairs of group and code are counted, and each pair is added once, as often as it occurs;
//   - rows are added one by one.

// fewClasses is up to how many different values pairs are counted of numbers.
const fewClasses = 1024

// aggregate adds the rows to the states of a call.
func (r *blockReader) aggregate(call int, a *aggregate) error {
	switch {
	case len(a.inputs) == 0:
		return nil
	case len(a.inputs) > 1:
		return r.addRows(call, a)
	}
	l := &r.lanes[len(r.p.run.keys)+a.inputs[0]]
	switch a.kind.name {
	case "first":
		return r.addEdges(call, l, true)
	case "last":
		return r.addEdges(call, l, false)
	case "top", "bottom":
		return r.addRows(call, a)
	case "sum", "mean", "min", "max", "percentile":
		if l.reading.plain && l.size > fewClasses {
			return r.addNumbers(call, l)
		}
	}
	if r.groups.n*l.size <= max(densePairs, 4*r.n) {
		return r.addPairs(call, l)
	}
	return r.addRows(call, a)
}

// countRows finds the groups, and adds how many rows each has.
func (r *blockReader) countRows() error {
	r.counts = resize(r.counts, r.groups.n)
	clear(r.counts)
	switch from := 0; {
	case r.groups.of != nil:
	case len(r.groups.ends) == r.groups.n:
		for g, end := range r.groups.ends {
			r.counts[g], from = uint64(end-from), end
		}
	default:
		r.counts[0] = uint64(r.n)
	}
	for _, g := range r.groups.of {
		r.counts[g]++
	}
	r.locals = r.locals[:0]
	for g, n := range r.counts {
		if n > 0 {
			r.locals = append(r.locals, uint32(g))
		}
	}
	return r.findGroups(r.locals)
}

// addPairs adds each value to each group in which it occurs.
func (r *blockReader) addPairs(call int, l *lane) error {
	groups := r.groups.n
	r.pairs = resize(r.pairs, groups*l.size)
	clear(r.pairs)
	switch {
	case l.codes == nil && r.groups.of == nil:
		r.pairs[0] = uint32(r.n)
	case l.codes == nil:
		for _, g := range r.groups.of {
			r.pairs[g]++
		}
	case r.groups.of == nil:
		for _, code := range l.codes {
			r.pairs[code]++
		}
	default:
		of := r.groups.of[:len(l.codes)]
		for i, code := range l.codes {
			r.pairs[int(code)*groups+int(of[i])]++
		}
	}
	if r.p.run.calls[call].kind == countDistinct {
		return r.addHashes(call, l)
	}
	for code := range l.size {
		var s sample
		known := false
		for g, n := range r.pairs[code*groups : (code+1)*groups] {
			if n == 0 {
				continue
			}
			if !known {
				v, err := l.value(uint32(code))
				if err != nil {
					return err
				}
				s, known = sample{value: v}, true
			}
			if err := r.groups.global[g].states[call].add([]*sample{&s}, uint64(n), Place{}, &r.p.account); err != nil {
				return err
			}
		}
	}
	return nil
}

// addHashes adds the hash of each value to each group in which it occurs, as r.pairs has them.
func (r *blockReader) addHashes(call int, l *lane) error {
	groups := r.groups.n
	ci := r.p.run.calls[call].ci
	for code := range l.size {
		pairs := r.pairs[code*groups : (code+1)*groups]
		if !slices.ContainsFunc(pairs, func(n uint32) bool { return n > 0 }) {
			continue
		}
		key, err := l.appendKey(r.p.key[:0], uint32(code), ci)
		if err != nil {
			return err
		}
		if r.p.key = key; key[0] == keyNull {
			continue
		}
		hash := hashOf(key)
		for g, n := range pairs {
			if n == 0 {
				continue
			}
			if err := r.groups.global[g].states[call].(*countDistinctState).of.add(hash, &r.p.account); err != nil {
				return err
			}
		}
	}
	return nil
}

// addEdges adds the row that stands first in each group, or last.
func (r *blockReader) addEdges(call int, l *lane, first bool) error {
	seen := make([]bool, r.groups.n)
	left := r.groups.n
	for k := 0; k < r.n && left > 0; k++ {
		i := k
		if !first {
			i = r.n - 1 - k
		}
		g := r.groups.group(i)
		if seen[g] {
			continue
		}
		seen[g] = true
		left--
		if err := r.addValue(call, i, l); err != nil {
			return err
		}
	}
	return nil
}

// addValue adds the i-th row, for which the lane has the input.
func (r *blockReader) addValue(call, i int, l *lane) error {
	v, err := l.value(l.code(i))
	if err != nil {
		return err
	}
	return r.addOne(call, i, &sample{value: v})
}

func (r *blockReader) addOne(call, i int, in ...*sample) error {
	at := Place{}
	if r.p.run.vectors.placed {
		at.Key = r.b.Key(r.row(i))
	}
	return r.groups.global[r.groups.group(i)].states[call].add(in, 1, at, &r.p.account)
}

// addRows adds the rows one by one.
func (r *blockReader) addRows(call int, a *aggregate) error {
	samples := make([]sample, len(a.inputs))
	in := make([]*sample, len(a.inputs))
	for k := range in {
		in[k] = &samples[k]
	}
	for i := range r.n {
		for k, input := range a.inputs {
			l := &r.lanes[len(r.p.run.keys)+input]
			v, err := l.value(l.code(i))
			if err != nil {
				return err
			}
			samples[k] = sample{value: v}
		}
		if err := r.addOne(call, i, in...); err != nil {
			return err
		}
	}
	return nil
}

// A numberState takes numbers as integers.
type numberState interface {
	// addNumbers adds values / 10^scale.
	addNumbers(values []int64, scale uint8, m *account) error
}

// addNumbers adds the numbers that the rows have. Other values are of no account to the aggregates of numbers.
func (r *blockReader) addNumbers(call int, l *lane) error {
	path := l.reading.paths[0]
	numbers := &r.number
	if err := r.b.GatherNumbers(path.Names, path.Others, numbers); err != nil {
		return err
	}
	byGroup := r.numbersByGroup(numbers)
	for g, values := range byGroup {
		if len(values) == 0 {
			continue
		}
		if err := r.groups.global[g].states[call].(numberState).addNumbers(values, numbers.Scale, &r.p.account); err != nil {
			return err
		}
	}
	if numbers.Rest == nil {
		return nil
	}
	for i := range r.n {
		if !numbers.Rest.Has(r.row(i)) {
			continue
		}
		if err := r.addValue(call, i, l); err != nil {
			return err
		}
	}
	return nil
}

// numbersByGroup lists the numbers of each group.
func (r *blockReader) numbersByGroup(numbers *block.Numbers) [][]int64 {
	values, groups := r.picked[:0], r.pickedOf[:0]
	if cap(values) < r.n {
		values, groups = make([]int64, 0, r.n), make([]uint32, 0, r.n)
	}
	for i := range r.n {
		if row := r.row(i); numbers.Has.Has(row) {
			values = append(values, numbers.Mantissas[row])
			groups = append(groups, r.groups.group(i))
		}
	}
	r.picked, r.pickedOf = values, groups
	if r.groups.n == 1 {
		return [][]int64{values}
	}
	r.counts = resize(r.counts, r.groups.n+1)
	clear(r.counts)
	for _, g := range groups {
		r.counts[g+1]++
	}
	for g := range r.groups.n {
		r.counts[g+1] += r.counts[g]
	}
	r.sorted = resize(r.sorted, len(values))
	next := slices.Clone(r.counts[:r.groups.n])
	for i, g := range groups {
		r.sorted[next[g]] = values[i]
		next[g]++
	}
	byGroup := make([][]int64, r.groups.n)
	for g := range byGroup {
		byGroup[g] = r.sorted[r.counts[g]:r.counts[g+1]]
	}
	return byGroup
}

func (s *sumState) addNumbers(values []int64, scale uint8, _ *account) error {
	for _, v := range values {
		s.of.addSmall(v, scale)
	}
	s.n += uint64(len(values))
	return nil
}

func (s *extremeState) addNumbers(values []int64, scale uint8, _ *account) error {
	best := values[0]
	for _, v := range values {
		if (v > best) == (s.sign > 0) {
			best = v
		}
	}
	s.offer(scaled(best, scale))
	return nil
}

func (s *quantileState) addNumbers(values []int64, scale uint8, m *account) error {
	return s.of.addNumbers(values, scale, m)
}

// exactFloat: integers up to it are binary64 numbers.
const exactFloat = 1 << 53

// addNumbers counts values / 10^scale.
func (q *quantile) addNumbers(values []int64, scale uint8, a *account) error {
	for len(values) > 0 && q.exact != nil {
		if err := q.add(scaled(values[0], scale), 1, a); err != nil {
			return err
		}
		values = values[1:]
	}
	if len(values) == 0 {
		return nil
	}
	least, most := values[0], values[0]
	shift, unit := 52-q.bits, tens[scale]
	digits := false // some value has all digits of the scale
	for _, v := range values {
		least, most = min(least, v), max(most, v)
		digits = digits || v%10 != 0
		if uint64(v+exactFloat) > 2*exactFloat || scale > exactScale {
			if err := q.buckets.add(bucketOf(scaled(v, scale).Normalized(), q.bits), 1, a); err != nil {
				return err
			}
			continue
		}
		// As bucketOf has it: both round once.
		f := float64(v) / unit
		bucket := int32(math.Float64bits(math.Abs(f)) >> shift)
		if f < 0 {
			bucket = -bucket
		}
		if err := q.buckets.add(bucket, 1, a); err != nil {
			return err
		}
	}
	q.note(scaled(least, scale))
	q.note(scaled(most, scale))
	if digits {
		q.scale = max(q.scale, scale)
	} else {
		for _, v := range values {
			q.scale = max(q.scale, scaled(v, scale).Normalized().Scale)
		}
	}
	q.total = saturated(q.total, uint64(len(values)))
	return nil
}

// exactScale: powers of ten up to this one are binary64 numbers.
const exactScale = 22

// note widens the bounds by a value.
func (q *quantile) note(d event.Decimal) {
	if d = d.Normalized(); d.Compare(q.least) < 0 {
		q.least = d
	}
	if d.Compare(q.most) > 0 {
		q.most = d
	}
}
