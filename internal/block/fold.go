package block

import (
	"cmp"
	"slices"
)

// Columns that are constant at a call site: the template, the level, the logger's name. Each is folded into the shapes, which are told
// apart by its values then, if the codes of the finer shapes take less than those of the coarser ones and the column's. Rows have a code less
// to decode then, and what is fixed is part of the text that a shape's rows are rendered with.
const (
	foldEntries = 256     // distinct values of a column that is folded
	foldShapes  = 4096    // of a block whose columns are folded
	foldTokens  = 1 << 19 // of the shapes beyond one for each layout
	foldTable   = 1 << 20 // shapes times distinct values
	foldGain    = 16      // bytes
	shapeBytes  = 3       // that a shape and an entry of it take, about
	entryBytes  = 1
)

// A folding remembers for a column whether it was folded.
type folding struct {
	folded bool
	review review
}

// A folder has the columns folded so far.
type folder struct {
	*relations
	fine   []uint32 // the rows' shapes
	folded bool     // fine is the folder's own
	spare  []uint32
	shapes []foldedShape
	size   int // of the codes of fine, as far as known
	tokens int // of the shapes beyond one for each layout
}

type foldedShape struct {
	layout  uint32
	rows    int
	columns []uint32 // that are folded and stand in the layout
	entries []uint32 // of each
}

// A candidate is a column with few distinct values.
type candidate struct {
	column uint32
	codes  []uint32 // of the values
	pool   *gathered
	counts []uint8 // of leaves, by layout
	memory *folding
	review bool

	// The code that all rows of each layout have which has the column, by rising layout; nil if rows of one differ.
	layouts, given []uint32
}

// fold folds columns and returns the rows' shapes.
func (r *relations) fold(b *Builder) []uint32 {
	f := &folder{relations: r, fine: r.shapeOf, size: -1}
	for i, sh := range r.shaped {
		f.shapes = append(f.shapes, foldedShape{layout: uint32(i), rows: sh.rows})
	}
	list := f.candidates(b)
	f.findGiven(list)
	for i := range list {
		list[i].memory.folded = f.try(&list[i], b)
	}
	return f.finish()
}

// candidates lists the columns that may be folded, those with the most distinct values first: the coarser ones follow from them, often.
func (f *folder) candidates(b *Builder) (list []candidate) {
	for i := range f.columns {
		c := &f.columns[i]
		if c.origin.way != wayOwn || c.kind == kindEvent || !c.kind.hasData() || c.kind == kindDecimal {
			continue
		}
		name := b.trie.path(c.from)
		m := f.foldings[name]
		if m == nil {
			if len(f.foldings) >= mostChoices {
				clear(f.foldings)
			}
			m = &folding{}
			f.foldings[name] = m
		}
		due := m.review.due(len(f.fine))
		if !m.folded && !due {
			continue
		}
		codes, pool := c.distinct()
		if pool == nil {
			continue
		}
		counts := f.occurrences(uint32(i))
		if slices.Max(counts) == 1 {
			list = append(list, candidate{column: uint32(i), codes: codes, pool: pool, counts: counts, memory: m, review: due})
		}
	}
	slices.SortStableFunc(list, func(x, y candidate) int {
		return cmp.Compare(y.pool.len(f.columns[y.column].kind), x.pool.len(f.columns[x.column].kind))
	})
	return list
}

// distinct returns the distinct values of a column and which one each value is; nil if there are too many.
func (c *encodedColumn) distinct() (codes []uint32, pool *gathered) {
	v := c.values
	switch c.kind {
	case kindBool:
		codes = make([]uint32, len(v.bools))
		for i, b := range v.bools {
			codes[i] = uint32(b)
		}
		return codes, &gathered{bools: []byte{0, 1}}
	case kindInt:
		pool = &gathered{}
		known := map[int64]uint32{}
		codes = make([]uint32, len(v.ints))
		for i, n := range v.ints {
			if i > 0 && n == v.ints[i-1] {
				codes[i] = codes[i-1]
				continue
			}
			code, ok := known[n]
			if !ok {
				if code = uint32(len(known)); code == foldEntries {
					return nil, nil
				}
				known[n] = code
				pool.ints = append(pool.ints, n)
			}
			codes[i] = code
		}
		return codes, pool
	}
	if v.plain || len(v.ends) > foldEntries {
		return nil, nil
	}
	return v.codes, &gathered{text: v.text, ends: v.ends, plain: true, total: len(v.text)}
}

// try folds a column if that gains, or always if it is no review.
func (f *folder) try(c *candidate, b *Builder) bool {
	if given := f.givenOf(c); given != nil {
		return f.take(c, given, b)
	}
	kind := f.columns[c.column].kind
	entries := c.pool.len(kind)
	if entries*len(f.shapes) > foldTable {
		return false
	}
	f.foldTable = slices.Grow(f.foldTable[:0], entries*len(f.shapes))
	table := f.foldTable[:entries*len(f.shapes)] // 1 + finer shape
	clear(table)
	has := make([]bool, len(f.shapes))
	for i := range f.shapes {
		has[i] = c.counts[f.shapes[i].layout] > 0
	}
	seen := make([]bool, len(f.shapes)) // shapes with a finer one
	f.spare = slices.Grow(f.spare[:0], len(f.fine))
	fine := f.spare[:len(f.fine)]
	var shapes []foldedShape
	var rows []int
	tokens, next := f.tokens, 0
	for row, sh := range f.fine {
		slot, code := int(sh)*entries, uint32(0)
		if has[sh] {
			code = c.codes[next]
			slot += int(code)
			next++
		}
		to := table[slot]
		if to == 0 {
			s := f.shapes[sh]
			if has[sh] {
				s.columns = append(slices.Clip(s.columns), c.column)
				s.entries = append(slices.Clip(s.entries), code)
			}
			if seen[sh] {
				tokens += len(b.trie.shapes[f.layouts[s.layout]].tokens)
			}
			seen[sh] = true
			if shapes, rows = append(shapes, s), append(rows, 0); len(shapes) > foldShapes || len(shapes) > 4*len(f.shapes)+16 || tokens > foldTokens {
				return false
			}
			to = uint32(len(shapes))
			table[slot] = to
		}
		fine[row] = to - 1
		rows[to-1]++
	}
	for i := range shapes {
		shapes[i].rows = rows[i]
	}
	size := -1
	if c.review {
		if f.size < 0 {
			f.size = f.codesSize(f.fine)
		}
		size = f.codesSize(fine)
		own := len(f.appendColumn(nil, kind, f.columns[c.column].values, f.choice(b.trie.path(f.columns[c.column].from))))
		pool := len(f.appendColumn(nil, kind, c.pool, nil))
		with := 0
		for i := range shapes {
			if c.counts[shapes[i].layout] > 0 {
				with++
			}
		}
		if own-pool-(size-f.size)-shapeBytes*(len(shapes)-len(f.shapes))-entryBytes*with < foldGain {
			return false
		}
	}
	f.spare = nil
	if f.folded {
		f.spare = f.fine
	}
	f.fine, f.folded, f.shapes, f.size, f.tokens = fine, true, shapes, size, tokens
	f.fix(c)
	return true
}

// unseen is the code of a shape of which no row was met yet.
const unseen = ^uint32(0)

// findGiven finds the columns of which all rows of a layout have the same value, in one go over the rows: with very many columns most are in
// few of them.
func (f *folder) findGiven(list []candidate) {
	type place struct{ candidate, at int }
	places := make([][]place, len(f.layouts))
	for i := range list {
		c := &list[i]
		for l, n := range c.counts {
			if n > 0 {
				places[l] = append(places[l], place{i, len(c.layouts)})
				c.layouts = append(c.layouts, uint32(l))
				c.given = append(c.given, unseen)
			}
		}
	}
	next := make([]int, len(list))
	for _, l := range f.fine {
		for _, p := range places[l] {
			c := &list[p.candidate]
			code := c.codes[next[p.candidate]]
			next[p.candidate]++
			if c.given != nil && code != c.given[p.at] {
				if c.given[p.at] != unseen {
					c.given = nil
					continue
				}
				c.given[p.at] = code
			}
		}
	}
}

// givenOf returns the code that all rows of each shape have; nil if rows of one shape differ. Of the columns that are folded most follow from those before.
func (f *folder) givenOf(c *candidate) []uint32 {
	codes := make([]uint32, len(f.shapes))
	if c.given != nil {
		ofLayout := make([]uint32, len(f.layouts))
		for i, l := range c.layouts {
			ofLayout[l] = c.given[i]
		}
		for i := range f.shapes {
			codes[i] = ofLayout[f.shapes[i].layout]
		}
		return codes
	}
	has := make([]int, len(f.shapes))
	for i := range f.shapes {
		codes[i] = unseen
		has[i] = int(c.counts[f.shapes[i].layout]) // 1 at most
	}
	next := 0
	last := len(c.codes) - 1
	for _, sh := range f.fine {
		code := c.codes[min(next, last)]
		next += has[sh]
		if code != codes[sh] && has[sh] > 0 {
			if codes[sh] != unseen {
				return nil
			}
			codes[sh] = code
		}
	}
	return codes
}

// take folds a column that shapes tell already.
func (f *folder) take(c *candidate, codes []uint32, b *Builder) bool {
	column := &f.columns[c.column]
	if c.review {
		own := len(f.appendColumn(nil, column.kind, column.values, f.choice(b.trie.path(column.from))))
		cost := len(f.appendColumn(nil, column.kind, c.pool, nil))
		for i := range f.shapes {
			cost += entryBytes * int(c.counts[f.shapes[i].layout])
		}
		if own-cost < foldGain {
			return false
		}
	}
	for i := range f.shapes {
		if s := &f.shapes[i]; c.counts[s.layout] > 0 {
			s.columns = append(s.columns, c.column)
			s.entries = append(s.entries, codes[i])
		}
	}
	f.fix(c)
	return true
}

// fix makes a column fixed.
func (f *folder) fix(c *candidate) {
	column := &f.columns[c.column]
	f.relations.fixed++
	column.values, column.origin = c.pool, origin{way: wayFixed, entries: c.pool.len(column.kind)}
}

// codesSize is how many bytes the rows' shapes take.
func (f *folder) codesSize(shapes []uint32) int {
	return len(f.column.Ints(nil, f.shapeNumbers(shapes), f.choice(".folds")))
}

// finish puts frequent shapes first and lists the entries in the order of the layouts' leaves.
func (f *folder) finish() []uint32 {
	order := make([]uint32, len(f.shapes))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(x, y uint32) int { return f.shapes[y].rows - f.shapes[x].rows })
	number := make([]uint32, len(f.shapes))
	f.shaped = f.shaped[:0]
	for i, from := range order {
		number[from] = uint32(i)
		s := &f.shapes[from]
		sh := encodedShape{layout: int(s.layout), rows: s.rows}
		for _, leaf := range f.leaves[s.layout] {
			if at := slices.Index(s.columns, leaf); at >= 0 {
				sh.entries = append(sh.entries, s.entries[at])
			}
		}
		f.shaped = append(f.shaped, sh)
	}
	shapeOf := make([]uint32, len(f.fine))
	for row, sh := range f.fine {
		shapeOf[row] = number[sh]
	}
	return shapeOf
}
