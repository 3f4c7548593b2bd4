package block

import "bytes"

// What columns say about each other, found when a block is written for a segment: which are the same as another or follow from the
// instants, which are constant within a shape, which texts quote. Each is tried on little first, and taken only where it makes the block smaller.

// relations is what relate works on.
type relations struct {
	*encoding
	columns  []encodedColumn
	shapeOf  []uint32 // by row, in key order
	instants []int64  // the same
	seed     *seed
	fixed    int        // columns
	leaves   [][]uint32 // by layout: the columns of the leaves that hold data, in order
	firstRow []int      // by layout
}

func (e *encoding) relate(b *Builder, order []uint32, columns []encodedColumn, shapeOf []uint32) []uint32 {
	r := &relations{encoding: e, columns: columns, shapeOf: shapeOf, instants: b.instants, seed: b.seed}
	if order != nil {
		r.instants = make([]int64, len(order))
		for i, row := range order {
			r.instants[i] = b.instants[row]
		}
	}
	r.leaves = make([][]uint32, len(e.layouts))
	r.firstRow = make([]int, len(e.layouts))
	for i, sh := range e.layouts {
		for _, c := range b.trie.shapes[sh].data {
			r.leaves[i] = append(r.leaves[i], uint32(e.columnNo[c]-1))
		}
		r.firstRow[i] = -1
	}
	for i := range columns {
		columns[i].given = columns[i].values
	}
	missing := len(e.layouts)
	for row := 0; row < len(shapeOf) && missing > 0; row++ {
		if l := shapeOf[row]; r.firstRow[l] < 0 {
			r.firstRow[l] = row
			missing--
		}
	}
	r.times()
	shapeOf = r.fold(b)
	r.sames()
	r.quotes()
	return shapeOf
}

func (c *encodedColumn) count() int { return c.given.len(c.kind) }

// occurrences counts a column's leaves in each layout.
func (r *relations) occurrences(c uint32) []uint8 {
	counts := make([]uint8, len(r.leaves))
	for i, l := range r.leaves {
		for _, o := range l {
			if o == c && counts[i] < 255 {
				counts[i]++
			}
		}
	}
	return counts
}

// times finds the columns whose values follow from the rows' instants.
func (r *relations) times() {
	first := make([]int, len(r.columns)) // 1 + the first row with a value
	for i, l := range r.leaves {
		for _, c := range l {
			if row := r.firstRow[i] + 1; first[c] == 0 || row < first[c] {
				first[c] = row
			}
		}
	}
	for i := range r.columns {
		c := &r.columns[i]
		if first[i] == 0 {
			continue
		}
		form, ok := timeForm{}, false
		switch at := r.instants[first[i]-1]; c.kind {
		case kindString, kindTimeText:
			form, ok = textForm(c.values.textAt(0), at)
		case kindInt:
			form, ok = numberForm(c.values.ints[0], 0, at)
		case kindDecimal:
			form, ok = numberForm(c.values.ints[0], c.values.scales[0], at)
		}
		if !ok {
			continue
		}
		if !r.follows(uint32(i), form) {
			if form.digits = anyDigits; c.kind == kindInt || !r.follows(uint32(i), form) {
				continue
			}
		}
		c.origin = origin{way: wayTime, form: form}
	}
}

// follows says whether all values of a column are the instants in a form.
func (r *relations) follows(column uint32, form timeForm) bool {
	c := &r.columns[column]
	counts := r.occurrences(column)
	next := 0
	var room [48]byte
	for row, sh := range r.shapeOf {
		for range counts[sh] {
			switch {
			case !form.number:
				if !bytes.Equal(form.appendText(room[:0], r.instants[row]), c.values.textAt(next)) {
					return false
				}
			default:
				m, scale := form.value(r.instants[row])
				if c.values.ints[next] != m || c.kind == kindInt && scale != 0 || c.kind == kindDecimal && c.values.scales[next] != scale {
					return false
				}
			}
			next++
		}
	}
	return next == c.count()
}

// sames finds the columns that have the values of another.
func (r *relations) sames() {
	type key struct {
		kind  kind
		count int
		total int
	}
	known := map[key][]uint32{}
	for i := range r.columns {
		c := &r.columns[i]
		if !c.kind.hasData() || c.kind == kindEvent || c.origin.way != wayOwn {
			continue
		}
		k := key{c.kind, c.count(), c.values.total}
		found := false
		for _, o := range known[k] {
			if found = r.same(uint32(i), o); found {
				c.origin = origin{way: waySame, of: o}
				break
			}
		}
		if len(known[k]) < mostAlike && !found {
			known[k] = append(known[k], uint32(i))
		}
	}
}

const mostAlike = 8 // columns that one is compared with

func (r *relations) same(a, b uint32) bool {
	x, y := &r.columns[a], &r.columns[b]
	if !equalColumns(x.kind, x.values, y.values, x.count()) {
		return false
	}
	other := r.occurrences(b)
	for i, n := range r.occurrences(a) {
		if n != other[i] || n == 255 {
			return false
		}
	}
	return true
}

// equalColumns says whether n values are the same, kind and number being so.
func equalColumns(k kind, x, y *gathered, n int) bool {
	switch {
	case k == kindBool:
		return bytes.Equal(x.bools, y.bools)
	case k == kindInt || k == kindDecimal:
		for i, v := range x.ints {
			if v != y.ints[i] || k == kindDecimal && x.scales[i] != y.scales[i] {
				return false
			}
		}
		return true
	case x.plain && y.plain:
		for i, end := range x.ends {
			if end != y.ends[i] {
				return false
			}
		}
		return bytes.Equal(x.text, y.text)
	}
	for i := range n {
		if !bytes.Equal(x.textAt(i), y.textAt(i)) {
			return false
		}
	}
	return true
}
