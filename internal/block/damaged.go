package block

// Damaged says what is lost of a block that OpenDamaged has opened.
type Damaged struct {
	Rows Bitmap // those that cannot be read
	Lost int    // how many these are
	Err  error  // why: the first thing that is wrong
}

// OpenDamaged is Open for a block of which sections may be damaged. As long as schema, shapes and keys are sound, the rows that have no value in a damaged
// section are as they were; of the others nothing is to be read, as an event is whole or lost. The error is of Open if no row is left.
func OpenDamaged(data []byte, base uint64) (*Block, error) {
	b := &Block{base: base, schema: &schema{}}
	told, err := b.readWhole(data)
	rows := b.rows
	if err != nil {
		return nil, err
	}
	if told != nil {
		return openTold(told, rows, base)
	}
	damage := b.checkSections()
	if err := b.readRows(); err != nil {
		if damage != nil {
			err = damage
		}
		return nil, err
	}
	b.account.Take(len(data) + 96*len(b.columns) + 512)
	if damage == nil {
		return b, nil
	}
	d := &Damaged{Rows: NewBitmap(rows), Err: damage}
	bad := make([]bool, len(b.columns))
	for i := range b.columns {
		if b.schema.columns[i].kind.hasData() {
			_, err := b.column(uint32(i))
			bad[i] = err != nil
		}
	}
	lost := make([]bool, len(b.schema.shapes))
	for i := range b.schema.shapes {
		for _, t := range b.schema.shapes[i].tokens {
			lost[i] = lost[i] || t.isLeaf() && bad[t.id()]
		}
	}
	var shapes [512]int64
	for row := 0; row < rows; row += len(shapes) {
		some := shapes[:min(len(shapes), rows-row)]
		b.shapes.Fill(some, row)
		for i, sh := range some {
			if lost[sh] {
				d.Rows.Set(row + i)
				d.Lost++
			}
		}
	}
	if d.Lost == rows {
		return nil, damage
	}
	b.damaged = d
	b.account.Take(8 * len(d.Rows))
	if err := b.late(); err != nil {
		return nil, err
	}
	return b, nil
}

// Damaged returns what is lost of the block; nil if nothing is.
func (b *Block) Damaged() *Damaged { return b.damaged }
