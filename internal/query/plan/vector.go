package plan

import (
	"math/bits"
	"slices"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
)

// A blockReader is a partial's working memory for the block at hand. All lists by row are of the selected rows alone.
type blockReader struct {
	p      *Partial
	b      *block.Block
	paths  []block.Vector
	codes  [][]uint32 // of each path; nil until they are asked for
	rows   []uint32   // which rows of the block; nil: all of them
	n      int        // how many
	lanes  []lane     // of keys, then of inputs
	groups localGroups
	pairs  []uint32
	counts []uint64
	locals []uint32
	number block.Numbers

	// Of numbersByGroup.
	picked   []int64
	pickedOf []uint32
	sorted   []int64
}

// AddRows adds n events if the run CountsRows.
func (p *Partial) AddRows(n int) error {
	g, err := p.group(nil, 0, noKeys)
	if err != nil {
		return err
	}
	g.rows += uint64(n)
	return nil
}

// AddBlock adds the rows of a block whose bits are set; they are within the run's bounds and fulfil its filter. row gives a row of which
// only the whole event tells; whole is asked before whether these can be read. After an error nothing was added, unless counted says so: then the partial is of no use.
func (p *Partial) AddBlock(b *block.Block, rows block.Bitmap, whole func() error, row func(int) exec.Row) (counted bool, err error) {
	plan := p.run.vectors
	if plan == nil {
		if err := whole(); err != nil {
			return false, err
		}
		return true, p.addEach(rows, b.Rows(), row)
	}
	if p.blocks == nil {
		p.blocks = &blockReader{p: p, paths: make([]block.Vector, len(plan.paths)), codes: make([][]uint32, len(plan.paths))}
	}
	return p.blocks.add(b, rows, whole, row)
}

// addEach adds rows one by one.
func (p *Partial) addEach(rows block.Bitmap, n int, row func(int) exec.Row) error {
	for at := block.First(rows, nil, 0, n); at < n; at = block.First(rows, nil, at+1, n) {
		if err := p.step(); err != nil {
			return err
		}
		if err := p.Add(row(at)); err != nil {
			return err
		}
	}
	return nil
}

func (p *Partial) step() error {
	if p.Step == nil {
		return nil
	}
	return p.Step()
}

func (r *blockReader) add(b *block.Block, rows block.Bitmap, whole func() error, row func(int) exec.Row) (counted bool, err error) {
	run := r.p.run
	r.b = b
	if n := rows.Count(); n == b.Rows() && run.width == 0 && len(run.inputs) == 0 && len(run.keys) == 1 && len(run.vectors.paths) == 1 {
		if done, counted, err := r.countClasses(); done || err != nil && b.Damaged() == nil {
			return counted, err
		}
	}
	var rest block.Bitmap
	for i, path := range run.vectors.paths {
		if err := b.Gather(path.Names, path.Others, &r.paths[i]); err != nil {
			if b.Damaged() == nil || whole() != nil {
				return false, err
			}
			return true, r.p.addEach(rows, b.Rows(), row) // they have nothing in the column
		}
		rest = rest.Or(r.paths[i].Rest)
	}
	if rest != nil {
		rest = rest.And(rows)
	}
	if rest.Any() {
		if err := whole(); err != nil {
			return false, err
		}
		if err := r.p.addEach(rest, b.Rows(), row); err != nil {
			return true, err
		}
		rows = rows.Without(rest)
	}
	if run.width > 0 {
		if err := b.LoadInstants(); err != nil {
			return rest.Any(), err
		}
	}
	if run.vectors.placed {
		if err := b.LoadKeys(); err != nil {
			return rest.Any(), err
		}
	}
	r.selectRows(rows)
	if r.n == 0 {
		return true, nil
	}
	return true, r.fill()
}

// countClasses counts rows by a key without a look at each, if that can be: the key's value follows from the shapes of the rows.
func (r *blockReader) countClasses() (done, counted bool, err error) {
	path := r.p.run.vectors.paths[0]
	v := &r.paths[0]
	counts, err := r.b.CountClasses(path.Names, path.Others, v)
	if err != nil || len(v.Codes) > 0 || counts[block.RestClass] > 0 {
		return false, false, err
	}
	r.n, r.rows = 0, nil
	r.lanes = r.lanes[:0]
	l := r.lane(&r.p.run.vectors.keys[0])
	for class, n := range counts {
		if n == 0 {
			continue
		}
		key, err := l.appendKey(r.p.key[:0], uint32(class), r.p.run.keys[0].ci)
		if err != nil {
			return true, true, err
		}
		r.p.key = key
		g, err := r.p.group(key, 0, func() ([]event.Value, error) { return r.keyValues([]uint32{uint32(class)}) })
		if err != nil {
			return true, true, err
		}
		g.rows += uint64(n)
	}
	return true, true, nil
}

// selectRows notes which rows are added.
func (r *blockReader) selectRows(rows block.Bitmap) {
	r.n = rows.Count()
	for i := range r.codes {
		r.codes[i] = nil
	}
	if r.n == r.b.Rows() {
		r.rows = nil
		return
	}
	r.rows = slices.Grow(r.rows[:0], r.n)[:0]
	if r.rows == nil {
		r.rows = []uint32{}
	}
	for i, w := range rows {
		for ; w != 0; w &= w - 1 {
			r.rows = append(r.rows, uint32(i<<6+bits.TrailingZeros64(w)))
		}
	}
}

// row returns which row of the block the i-th selected one is.
func (r *blockReader) row(i int) int {
	if r.rows == nil {
		return i
	}
	return int(r.rows[i])
}

// pathCodes returns the classes that the rows have at a path.
func (r *blockReader) pathCodes(path int) []uint32 {
	all := r.paths[path].Codes
	if r.rows == nil {
		return all
	}
	if r.codes[path] == nil {
		codes := make([]uint32, r.n)
		for i, row := range r.rows {
			codes[i] = all[row]
		}
		r.codes[path] = codes
	}
	return r.codes[path]
}

// fill adds the selected rows.
func (r *blockReader) fill() error {
	run := r.p.run
	r.lanes = r.lanes[:0]
	for i := range run.vectors.keys {
		r.lane(&run.vectors.keys[i])
	}
	for i := range run.vectors.inputs {
		r.lane(&run.vectors.inputs[i])
	}
	r.makeGroups()
	if err := r.countRows(); err != nil {
		return err
	}
	for i, call := range run.calls {
		if err := r.aggregate(i, call); err != nil {
			return err
		}
	}
	return nil
}

// A lane is what an expression gives for the rows: each has a code, which stands for a value.
type lane struct {
	r       *blockReader
	reading *reading
	codes   []uint32 // nil: all rows have code 0
	size    int      // codes are below it
	tuples  [][maxPaths]uint32
}

// lane adds the lane of an expression.
func (r *blockReader) lane(of *reading) *lane {
	r.lanes = append(r.lanes, lane{r: r, reading: of, size: 1})
	l := &r.lanes[len(r.lanes)-1]
	switch len(of.at) {
	case 0:
	case 1:
		l.size = r.paths[of.at[0]].Classes()
		if r.n > 0 {
			l.codes = r.pathCodes(of.at[0])
		}
	default:
		l.combine()
	}
	return l
}

// combine gives a code to each set of classes that occurs.
func (l *lane) combine() {
	known := map[[maxPaths]uint32]uint32{}
	l.codes = make([]uint32, l.r.n)
	for i := range l.codes {
		var tuple [maxPaths]uint32
		for k, path := range l.reading.at {
			tuple[k] = l.r.pathCodes(path)[i]
		}
		code, ok := known[tuple]
		if !ok {
			code = uint32(len(l.tuples))
			known[tuple] = code
			l.tuples = append(l.tuples, tuple)
		}
		l.codes[i] = code
	}
	l.size = len(l.tuples)
}

// code is that of the i-th row.
func (l *lane) code(i int) uint32 {
	if l.codes == nil {
		return 0
	}
	return l.codes[i]
}

// value is what a code stands for.
func (l *lane) value(code uint32) (event.Value, error) {
	var room [maxPaths]event.Value
	values := room[:len(l.reading.at)]
	for k, path := range l.reading.at {
		class := code
		if l.tuples != nil {
			class = l.tuples[code][k]
		}
		v, err := l.r.paths[path].Value(class)
		if err != nil {
			return event.Value{}, err
		}
		values[k] = v
	}
	if l.reading.plain {
		return values[0], nil
	}
	if err := l.r.p.step(); err != nil {
		return event.Value{}, err
	}
	return l.reading.of.EvalAt(l.reading.paths, values), nil
}

// appendKey appends the key of what a code stands for.
func (l *lane) appendKey(dst []byte, code uint32, ci bool) ([]byte, error) {
	if l.reading.plain && !ci {
		text, ok, err := l.r.paths[l.reading.at[0]].Text(code)
		if ok || err != nil {
			return appendText(append(dst, keyText), text), err
		}
	}
	v, err := l.value(code)
	return appendKey(dst, v, ci), err
}

// localGroups are the groups that the rows are in.
type localGroups struct {
	of     []uint32 // by row; nil: all are in the first one
	n      int
	slices []int64    // of the time slices
	ends   []int      // of the rows in each slice, behind the last
	parts  [][]uint32 // for each slice or key: the code that a group has; empty: the group's number is the code
	global []*group   // of those that have rows
}

const densePairs = 1 << 20 // most entries of a table by two codes

// makeGroups gives each row its group.
func (r *blockReader) makeGroups() {
	g := &r.groups
	g.of, g.n, g.parts, g.slices, g.ends = nil, 1, g.parts[:0], g.slices[:0], g.ends[:0]
	if width := r.p.run.width; width > 0 {
		r.cutSlices(width)
		if len(r.p.run.keys)+len(r.p.run.inputs) == 0 {
			g.n, g.parts = len(g.slices), append(g.parts, nil) // ends tell how many rows each has
		} else {
			g.join(r.sliceCodes(), len(g.slices))
		}
	}
	for i := range r.p.run.keys {
		g.join(r.lanes[i].codes, r.lanes[i].size)
	}
	g.global = resize(g.global, g.n)
	clear(g.global)
}

func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

// cutSlices finds the time slices that the rows are in, which stand in order of time.
func (r *blockReader) cutSlices(width int64) {
	g := &r.groups
	g.slices, g.ends = g.slices[:0], g.ends[:0]
	for i := 0; i < r.n; {
		slice := sliceOf(r.b.Instant(r.row(i)), width)
		i = r.n
		if next, ok := sliceEnd(slice, width); ok {
			row := r.b.SearchInstant(next)
			if r.rows == nil {
				i = row
			} else {
				i, _ = slices.BinarySearch(r.rows, uint32(row))
			}
		}
		g.slices, g.ends = append(g.slices, slice), append(g.ends, i)
	}
}

// sliceCodes numbers the slices of the rows.
func (r *blockReader) sliceCodes() []uint32 {
	codes := make([]uint32, r.n)
	i := 0
	for n, end := range r.groups.ends {
		for ; i < end; i++ {
			codes[i] = uint32(n)
		}
	}
	return codes
}

// sliceEnd returns the first instant after a slice; not ok if there is none.
func sliceEnd(slice, width int64) (int64, bool) {
	high, low := bits.Mul64(uint64(slice)+1, uint64(width))
	epochHigh, epochLow := sinceYearOne(0)
	low, borrow := bits.Sub64(low, epochLow, 0)
	high, _ = bits.Sub64(high, epochHigh, borrow)
	return int64(low), high == uint64(int64(low)>>63)
}

// join tells the groups apart by one more code.
func (g *localGroups) join(codes []uint32, size int) {
	switch {
	case codes == nil: // all are alike
		part := make([]uint32, g.n)
		g.parts = append(g.parts, part)
	case g.of == nil && len(g.parts) == 0:
		g.of, g.n = codes, size
		g.parts = append(g.parts, nil)
	case g.of == nil:
		// The parts so far have one code each, whatever the group.
		for i := range g.parts {
			g.parts[i] = make([]uint32, size)
		}
		g.of, g.n = codes, size
		g.parts = append(g.parts, identity(size))
	default:
		g.pair(codes, size)
	}
}

func identity(n int) []uint32 {
	all := make([]uint32, n)
	for i := range all {
		all[i] = uint32(i)
	}
	return all
}

// pair numbers the pairs of group and code that occur.
func (g *localGroups) pair(codes []uint32, size int) {
	for i := range g.parts {
		if g.parts[i] == nil {
			g.parts[i] = identity(g.n)
		}
	}
	of := make([]uint32, len(codes))
	var firsts, seconds []uint32
	number := func(a, b uint32) uint32 {
		firsts, seconds = append(firsts, a), append(seconds, b)
		return uint32(len(firsts))
	}
	if g.n*size <= densePairs {
		table := make([]uint32, g.n*size)
		for i, code := range codes {
			at := &table[int(g.of[i])*size+int(code)]
			if *at == 0 {
				*at = number(g.of[i], code)
			}
			of[i] = *at - 1
		}
	} else {
		table := map[uint64]uint32{}
		for i, code := range codes {
			pair := uint64(g.of[i])<<32 | uint64(code)
			n := table[pair]
			if n == 0 {
				n = number(g.of[i], code)
				table[pair] = n
			}
			of[i] = n - 1
		}
	}
	for i, part := range g.parts {
		joined := make([]uint32, len(firsts))
		for k, a := range firsts {
			joined[k] = part[a]
		}
		g.parts[i] = joined
	}
	g.parts = append(g.parts, seconds)
	g.of, g.n = of, len(firsts)
}

// group is the one that the i-th row is in.
func (g *localGroups) group(i int) uint32 {
	if g.of == nil {
		return 0
	}
	return g.of[i]
}

// code is that of a group's slice or key.
func (g *localGroups) code(part int, group uint32) uint32 {
	if g.parts[part] == nil {
		return group
	}
	return g.parts[part][group]
}

// findGroups finds the partial's groups that some local ones are, and adds how many rows each has. They are found in batches, as a table of many groups is waited for at each look.
func (r *blockReader) findGroups(locals []uint32) error {
	const batch = 64
	p := r.p
	var (
		ends   [batch]int
		hashes [batch]uint64
	)
	for ; len(locals) > 0; locals = locals[min(batch, len(locals)):] {
		some := locals[:min(batch, len(locals))]
		p.key = p.key[:0]
		for i, local := range some {
			var err error
			if p.key, err = r.appendGroupKey(p.key, local); err != nil {
				return err
			}
			ends[i] = len(p.key)
		}
		p.groups.expect(p.key, ends[:len(some)], hashes[:])
		start := 0
		for i, local := range some {
			key, slice := p.key[start:ends[i]], int64(0)
			start = ends[i]
			if p.run.width > 0 {
				slice = r.groups.slices[r.groups.code(0, local)]
			}
			g, err := p.groupWith(key, hashes[i], slice, func() ([]event.Value, error) { return r.keyValues(r.groups.codes(local, len(p.run.keys))) })
			if err != nil {
				return err
			}
			g.rows += r.counts[local]
			r.groups.global[local] = g
		}
	}
	return nil
}

// appendGroupKey appends the key of a local group.
func (r *blockReader) appendGroupKey(key []byte, local uint32) ([]byte, error) {
	g, part := &r.groups, 0
	if r.p.run.width > 0 {
		key = appendSlice(key, g.slices[g.code(0, local)])
		part = 1
	}
	for i, k := range r.p.run.keys {
		var err error
		if key, err = r.lanes[i].appendKey(key, g.code(part+i, local), k.ci); err != nil {
			return nil, err
		}
	}
	return key, nil
}

// codes are those of the keys of a group.
func (g *localGroups) codes(local uint32, keys int) []uint32 {
	codes := make([]uint32, keys)
	for i := range codes {
		codes[i] = g.code(len(g.parts)-keys+i, local)
	}
	return codes
}

// keyValues are the values that the keys' codes stand for.
func (r *blockReader) keyValues(codes []uint32) ([]event.Value, error) {
	values := make([]event.Value, len(codes))
	for i, code := range codes {
		var err error
		if values[i], err = r.lanes[i].value(code); err != nil {
			return nil, err
		}
	}
	return values, nil
}
