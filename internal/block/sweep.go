package block

import (
	"sort"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/event"
)

// Where the values that a test is about stand in one column, as integers of one scale or as codes of a dictionary, a sweep decides about them: some values are
// decoded at a time, and no row costs a call.

// A between is the integers that a comparison holds of: those from low on, count of them; or all others.
type between struct {
	low    int64
	count  uint64 // 0: not known
	others uint64 // 1: all others
}

// compare finds out which integers of a scale a comparison holds of. said is what it says of all, unknown if that differs.
func compare(ints *column.Ints, scale uint8, c *event.Comparison) (b between, said verdict) {
	least, most := ints.Span()
	n := uint64(most) - uint64(least)
	if n >= 1<<62 {
		return b, unknown
	}
	first := func(order int) uint64 {
		return uint64(sort.Search(int(n+1), func(k int) bool {
			return decimalOf(least+int64(k), scale).Compare(c.Limit) >= order
		}))
	}
	equal, greater := first(0), first(1)
	from, to := greater, equal
	if c.Equal {
		from, to = equal, greater
	}
	if c.Less {
		from = 0
	}
	if c.Greater {
		to = n + 1
	}
	if c.Less && c.Greater && !c.Equal {
		from, to, b.others = equal, greater, 1
	}
	switch {
	case from >= to:
		return b, verdictOf(b.others == 1)
	case to-from == n+1:
		return b, verdictOf(b.others == 0)
	}
	b.low, b.count = least+int64(from), to-from
	return b, unknown
}

// A sweepShape says what a sweep does with the rows of a shape.
type sweepShape struct {
	nth, step uint32
	byValue   uint64 // 1: the value decides
	yes, open uint64 // 1: without it
}

// canSweep says whether the values that are left to look at are such.
func (s *valueScan) canSweep() bool {
	return len(s.used) == 1 && (s.used[0].coded || s.used[0].between.count > 0)
}

// sweep is rows for such values.
func (s *valueScan) sweep(selected, left Bitmap) {
	u := &s.used[0]
	shapes := make([]sweepShape, len(s.shapes))
	most := uint32(1)
	for i := range shapes {
		sh := &s.shapes[i]
		shapes[i] = sweepShape{nth: sh.nth, step: sh.steps[0], byValue: bit(sh.verdict == byValue), yes: bit(sh.verdict == yes), open: bit(sh.verdict == open)}
		if shapes[i].byValue == 0 {
			shapes[i].nth = 0
		}
		most = max(most, sh.steps[0])
	}
	var (
		room   [64]int64
		values = make([]uint8, vectorValues+64*int(most)+1) // verdicts of values from position from on
		from   int
		known  int // how many of them
		next   int
	)
	for row, rows := 0, s.b.Rows(); row < rows; row += len(room) {
		some := room[:min(len(room), rows-row)]
		s.b.shapes.Fill(some, row)
		if need := len(some) * int(most); next+need > from+known {
			from = next
			known = min(vectorValues+need, s.b.columns[u.column].values-from)
			s.decide(u, values[:known], from)
			values[known] = 0 // what rows behind the last value read
		}
		var yesses, opens uint64
		at := next - from
		for i, k := range some {
			sh := &shapes[k]
			v := uint64(values[at+int(sh.nth)])
			yesses |= (sh.yes | sh.byValue&v) << i
			opens |= (sh.open | sh.byValue&(v>>1)) << i
			at += int(sh.step)
		}
		next = from + at
		selected[row>>6], left[row>>6] = yesses, opens
	}
}

// decide sets out to 1 for each value from a position on of which the test holds, to 2 if that is open, else to 0.
func (s *valueScan) decide(u *columnScan, out []uint8, from int) {
	if !u.coded {
		var room [512]int64
		for at := 0; at < len(out); at += len(room) {
			some := room[:min(len(room), len(out)-at)]
			u.ints.Fill(some, from+at)
			for i, v := range some {
				out[at+i] = uint8(bit(uint64(v)-uint64(u.between.low) < u.between.count) ^ u.between.others)
			}
		}
		return
	}
	var room [512]uint32
	for at := 0; at < len(out); at += len(room) {
		some := room[:min(len(room), len(out)-at)]
		u.reader.texts.FillCodes(some, from+at)
		for i, code := range some {
			v := u.codes[code]
			if v == unknown {
				v = s.text(u, from+at+i)
				u.codes[code] = v
			}
			out[at+i] = uint8(bit(v == yes) | bit(v == open)<<1)
		}
	}
}
