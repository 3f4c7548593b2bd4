package plan

import (
	"math"
	"math/big"
	"math/bits"
	"slices"
	"strconv"

	"github.com/stelehq/stele/internal/event"
)

// Percentiles are of the nearest rank: the least value that at least p percent of the values do not exceed.
//
// They are exact while a group has at most exactValues values that differ. Beyond that values are counted in buckets that
// divide each power of two into 2^bits equal parts (a log-linear histogram), and the middle of a bucket stands for what is in it: off by at most
// 2^-(bits+1) of the value. Whether a group is counted in buckets depends on its values alone, so the result is the same
// whatever the parts in which they came and the order in which these were merged.

const (
	exactValues = 8192
	defaultBits = 7  // off by at most 0.4 %
	maxBits     = 16 // 0.0008 %
)

// bitsFor returns how fine buckets are, but not coarser than by default, whose middle is off by at most err; not ok if that is finer than can be.
func bitsFor(err float64) (bits uint8, ok bool) {
	for bits = defaultBits; bits <= maxBits; bits++ {
		if math.Ldexp(1, -int(bits)-1) <= err {
			return bits, true
		}
	}
	return 0, false
}

// A quantile counts numbers by value.
type quantile struct {
	bits    uint8
	total   uint64                   // saturated
	exact   map[event.Decimal]uint64 // normalized; nil once there are too many
	buckets tally
	least   event.Decimal
	most    event.Decimal
	scale   uint8 // the most digits that a value has after the point
}

func newQuantile(bits uint8) quantile {
	return quantile{bits: bits, exact: map[event.Decimal]uint64{}}
}

// add counts d n times, n > 0.
func (q *quantile) add(d event.Decimal, n uint64, a *account) error {
	d = d.Normalized()
	if q.total == 0 || d.Compare(q.least) < 0 {
		q.least = d
	}
	if q.total == 0 || d.Compare(q.most) > 0 {
		q.most = d
	}
	q.scale = max(q.scale, d.Scale)
	q.total = saturated(q.total, n)
	if q.exact == nil {
		return q.buckets.add(bucketOf(d, q.bits), n, a)
	}
	before := len(q.exact)
	q.exact[d] = saturated(q.exact[d], n)
	if len(q.exact) == before {
		return nil
	}
	if len(q.exact) > exactValues {
		return q.coarsen(a, exactValues)
	}
	return a.take(entryBytes)
}

func saturated(a, b uint64) uint64 {
	s, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return math.MaxUint64
	}
	return s
}

func product(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	if high != 0 {
		return math.MaxUint64
	}
	return low
}

// coarsen goes over to buckets, and returns what taken entries took.
func (q *quantile) coarsen(a *account, taken int) error {
	for d, n := range q.exact {
		if err := q.buckets.add(bucketOf(d, q.bits), n, a); err != nil {
			return err
		}
	}
	a.give(taken * entryBytes)
	q.exact = nil
	return nil
}

func (q *quantile) merge(o *quantile, a *account) error {
	if o.total == 0 {
		return nil
	}
	if o.exact != nil {
		for d, n := range o.exact {
			if err := q.add(d, n, a); err != nil {
				return err
			}
		}
		return nil
	}
	if q.exact != nil {
		if err := q.coarsen(a, len(q.exact)); err != nil {
			return err
		}
	}
	if q.total == 0 || o.least.Compare(q.least) < 0 {
		q.least = o.least
	}
	if q.total == 0 || o.most.Compare(q.most) > 0 {
		q.most = o.most
	}
	q.scale = max(q.scale, o.scale)
	q.total = saturated(q.total, o.total)
	for b, n := range o.buckets.all {
		if err := q.buckets.add(b, n, a); err != nil {
			return err
		}
	}
	return nil
}

// at returns the percentile p, 0 to 100.
func (q *quantile) at(p event.Decimal) (event.Decimal, bool) {
	if q.total == 0 {
		return event.Decimal{}, false
	}
	left := nearestRank(p, q.total)
	if q.exact != nil {
		values := make([]event.Decimal, 0, len(q.exact))
		for d := range q.exact {
			values = append(values, d)
		}
		slices.SortFunc(values, event.Decimal.Compare)
		for _, d := range values {
			if n := q.exact[d]; left > n {
				left -= n
				continue
			}
			return d, true
		}
		return q.most, true
	}
	for b, n := range q.buckets.all {
		if left > n {
			left -= n
			continue
		}
		d := q.middle(b)
		if d.Compare(q.least) < 0 {
			d = q.least
		}
		if d.Compare(q.most) > 0 {
			d = q.most
		}
		return d.Normalized(), true
	}
	return q.most, true
}

// nearestRank is p percent of total, rounded up, at least 1.
func nearestRank(p event.Decimal, total uint64) uint64 {
	var s sum
	s.add(p, 1)
	rank, _ := s.magnitude()
	rank.Mul(rank, new(big.Int).SetUint64(total))
	hundred := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s.scale)+2), nil)
	rest := new(big.Int)
	rank.QuoRem(rank, hundred, rest)
	if rest.Sign() != 0 {
		rank.Add(rank, big.NewInt(1))
	}
	return max(rank.Uint64(), 1)
}

// bucketOf returns the number of d's bucket, in order of value: the leading bits of its binary64.
func bucketOf(d event.Decimal, bits uint8) int32 {
	f := approximate(d)
	b := int32(math.Float64bits(math.Abs(f)) >> (52 - bits))
	if f < 0 {
		return -b
	}
	return b
}

// approximate is d as binary64, to within a few units of the last place; the same on every machine.
func approximate(d event.Decimal) float64 {
	f := float64(d.Hi)*(1<<64) + float64(uint64(d.Mid)<<32|uint64(d.Lo))
	f /= tens[d.Scale]
	if d.Neg {
		return -f
	}
	return f
}

var tens = [event.MaxScale + 1]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28,
}

// middle stands for what is in a bucket. Where the bucket is so narrow that it has room for one value with as few digits as all have, it is that one.
func (q *quantile) middle(b int32) event.Decimal {
	negative := b < 0
	if negative {
		b = -b
	}
	lower := math.Float64frombits(uint64(b) << (52 - q.bits))
	upper := math.Float64frombits(uint64(b+1) << (52 - q.bits))
	if b == 0 {
		return event.Decimal{}
	}
	digits := -1 // as many as it takes
	if upper-lower < 1/tens[q.scale] {
		digits = int(q.scale)
	}
	d, _ := event.ParseDecimal(strconv.FormatFloat(lower+(upper-lower)/2, 'f', digits, 64))
	d.Neg = negative && !d.IsZero()
	return d
}
