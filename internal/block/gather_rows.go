package block

// A rowColumn is a source's column whose values are found by the row: those of fixed, time and quoting columns.
type rowColumn struct {
	cursor  *Cursor
	column  uint32
	leaves  []rowLeaves // by shape, made when needed
	entries []mappedCode
}

type rowLeaves struct {
	known   bool
	count   uint32
	entries []uint32 // of a fixed column, one for each leaf
}

// open readies a source's column.
func (s *source) open(c uint32, to *sourceColumn) (err error) {
	if to.reader, err = s.block.column(c); err != nil {
		return err
	}
	schema := s.block.schema
	switch o := &schema.columns[c].origin; {
	case schema.columns[schema.seat(c)].origin.way != wayOwn:
		to.byRow = &rowColumn{cursor: s.block.Cursor(), column: c, leaves: make([]rowLeaves, len(schema.shapes))}
		if o.way == wayFixed {
			to.byRow.entries = make([]mappedCode, o.entries)
		}
	case o.way == waySame:
		if s.followers == nil {
			s.followers = map[uint32][]uint32{}
		}
		s.followers[o.of] = append(s.followers[o.of], c)
	}
	return nil
}

// leavesOf returns the column's leaves in a shape.
func (r *rowColumn) leavesOf(sh uint32) *rowLeaves {
	l := &r.leaves[sh]
	if !l.known {
		l.known = true
		s := r.cursor.b.schema
		entries := s.shapes[sh].entries
		for _, t := range s.shapes[sh].tokens {
			if !t.isLeaf() {
				continue
			}
			fixed := s.columns[t.id()].origin.way == wayFixed
			if t.id() == r.column {
				l.count++
				if fixed {
					l.entries = append(l.entries, entries[0])
				}
			}
			if fixed {
				entries = entries[1:]
			}
		}
	}
	return l
}

// copyRows copies the values that a piece's rows have.
func (b *Builder) copyRows(c *gathered, k kind, p piece) error {
	r, from := p.from.byRow, p.from.reader
	blk := r.cursor.b
	if from.quotes != nil {
		r.cursor.Seek(int(p.lo))
	}
	for row := int(p.lo); row < int(p.lo+p.size); row++ {
		sh := uint32(blk.shapes.At(row))
		l := r.leavesOf(sh)
		switch {
		case l.entries != nil:
			for _, e := range l.entries {
				b.size += b.copyEntry(c, k, from, &r.entries[e], int(e))
			}
		case from.instant != nil:
			for range l.count {
				b.size += b.copyInstant(c, k, from.instant, blk.instants.At(row))
			}
		case from.quotes != nil:
			seat := blk.schema.seat(r.column)
			for i := range l.count {
				var err error
				if b.text, err = r.cursor.quoted(b.text[:0], from, int(r.cursor.next[seat]+i)); err != nil {
					return err
				}
				b.size += c.appendText(b.text, b.seed)
			}
			r.cursor.Next()
		}
	}
	return nil
}

// copyEntry copies an entry of a fixed column; a text is looked up in the builder's once.
func (b *Builder) copyEntry(c *gathered, k kind, from *reader, known *mappedCode, entry int) int {
	switch {
	case k == kindBool:
		c.bools = append(c.bools, from.boolAt(entry))
		return 1
	case k == kindInt:
		c.ints = append(c.ints, from.ints.At(entry))
		return 8
	case k == kindDecimal:
		mantissa, scale := from.decimals.At(entry)
		c.ints, c.scales = append(c.ints, mantissa), append(c.scales, scale)
		return 9
	case c.plain:
		return c.appendText(from.textAt(entry), b.seed)
	}
	taken := 4
	if known.code == 0 {
		text := from.textAt(entry)
		to, more := c.intern(text, b.seed)
		*known, taken = mappedCode{to + 1, uint32(len(text))}, taken+more
	}
	c.codes = append(c.codes, known.code-1)
	c.total += int(known.length)
	return taken
}

// copyInstant adds the value that follows from an instant.
func (b *Builder) copyInstant(c *gathered, k kind, form *timeForm, instant int64) int {
	if !form.number {
		var room [48]byte
		return c.appendText(form.appendText(room[:0], instant), b.seed)
	}
	mantissa, scale := form.value(instant)
	c.ints = append(c.ints, mantissa)
	if k == kindInt {
		return 8
	}
	c.scales = append(c.scales, scale)
	return 9
}
