package block

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"

	"github.com/stelehq/stele/internal/column"
)

// Which columns are made to quote: text of some length that is dear as it is, if some of its values show that it pays.
const (
	quoteValues  = 4    // fewer are not looked at
	quoteLength  = 12   // bytes of a value, on average
	quoteBytes   = 256  // of the distinct texts
	samples      = 8    // runs of rows
	sampleValues = 16   // of one run
	sampleRows   = 256  // of one run
	sampleBytes  = 8192 // of one run
	weighedBytes = 1 << 20
)

// A sample is a row with the columns' next values there.
type sample struct {
	row  int
	next []uint32
}

func (r *relations) samples() []sample {
	list := make([]sample, 0, samples)
	next := make([]uint32, len(r.columns))
	step := max(sampleRows, (len(r.shapeOf)+samples-1)/samples)
	rows := make([]uint32, len(r.leaves))
	for row := 0; row < len(r.shapeOf); row += step {
		list = append(list, sample{row, slices.Clone(next)})
		clear(rows)
		for _, l := range r.shapeOf[row:min(row+step, len(r.shapeOf))] {
			rows[l]++
		}
		for l, n := range rows {
			for _, c := range r.leaves[l] {
				next[c] += n
			}
		}
	}
	return list
}

// quotes makes the columns quote that become smaller by it, the dearest first.
func (r *relations) quotes() {
	var candidates []uint32
	for i := range r.columns {
		c := &r.columns[i]
		n := c.count()
		if c.origin.way == wayOwn && (c.kind == kindString || c.kind == kindArray) && n >= quoteValues &&
			c.values.total/n >= quoteLength && len(c.values.text) >= quoteBytes && bytes.IndexByte(c.values.text, quoteMark) < 0 {
			candidates = append(candidates, uint32(i))
		}
	}
	if len(candidates) == 0 {
		return
	}
	slices.SortStableFunc(candidates, func(x, y uint32) int {
		return cmp.Compare(len(r.columns[y].values.text), len(r.columns[x].values.text))
	})
	list := r.samples()
	for _, c := range candidates {
		if !r.promises(c, list) {
			continue
		}
		q := r.newQuoter(c)
		q.next = make([]uint32, len(r.columns))
		q.walk(0, len(r.shapeOf), q.learn)
		w := writer{quoter: q}
		clear(q.next)
		q.walk(0, len(r.shapeOf), w.write)
		r.quote(c, &w)
	}
}

// promises says whether a column's samples become smaller.
func (r *relations) promises(column uint32, list []sample) bool {
	q := r.newQuoter(column)
	var as gathered
	ends := make([]int, len(list))
	for i, s := range list {
		q.next = append(q.next[:0], s.next...)
		values, size := len(q.assigned), as.total
		for ends[i] = s.row; ends[i] < min(s.row+sampleRows, len(r.shapeOf)); ends[i]++ {
			if len(q.assigned) >= values+sampleValues || as.total >= size+sampleBytes {
				break
			}
			q.walk(ends[i], ends[i]+1, func(layout uint32, text []byte) {
				as.appendText(text, r.seed)
				q.learn(layout, text)
			})
		}
		if len(q.assigned) >= quoteValues && !q.hopeful() {
			return false
		}
	}
	w := writer{quoter: q}
	for i, s := range list {
		q.next = append(q.next[:0], s.next...)
		q.walk(s.row, ends[i], w.write)
	}
	return len(w.quoting.siblings) > 0 && w.left.weigh()+2*len(w.quoting.siblings) < as.weigh()*15/16
}

// hopeful says whether a fair part of what was learnt holds the values of siblings.
func (q *quoter) hopeful() bool {
	with := 0
	for _, t := range q.assigned {
		if t != nil && slices.ContainsFunc(t.places, func(p place) bool { return len(p.own) >= surelyQuoted }) {
			with++
		}
	}
	return with*4 >= len(q.assigned)
}

// weigh says about how many bytes a column of texts takes.
func (c *gathered) weigh() int {
	packed := column.Compress(nil, c.text)
	if c.plain {
		return len(packed) + len(c.ends)
	}
	return len(packed) + len(c.ends) + len(c.codes)*bits.Len(uint(len(c.ends)-1))/8
}

// quote makes a column quote, if it becomes smaller.
func (r *relations) quote(column uint32, w *writer) {
	c := &r.columns[column]
	if len(w.quoting.siblings) == 0 || w.quoting.most > mostQuoting {
		return
	}
	if c.values.total <= weighedBytes {
		was, is := r.appendColumn(nil, c.kind, c.values, nil), r.appendColumn(nil, c.kind, &w.left, nil)
		if len(is)+2*len(w.quoting.siblings) >= len(was) {
			return
		}
	}
	c.quoting = &w.quoting
	for i := range r.columns {
		if r.depth(uint32(i)) > mostDepth {
			c.quoting = nil
			return
		}
	}
	c.values, c.origin = &w.left, origin{way: wayQuoting}
	for i := range r.columns {
		if o := &r.columns[i]; o.quoting != nil {
			o.origin.depth = r.depth(uint32(i))
		}
	}
}
