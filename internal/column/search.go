package column

import "math/bits"

// A plan is a form with its details, and how many bytes it is expected to take.
type plan struct {
	form   byte
	detail byte
	size   float64
}

const (
	fewValues  = 16       // up to so many take a form that needs no search
	someValues = 256      // up to so many take it as well if it is smaller
	sampleOf   = 16 << 10 // of more values only so many are looked at in the search
	fineDetail = 5        // of the classes that are counted; coarser ones follow from these
	// What costs more to read must be smaller by so much.
	zstdMustSave    = 0.97
	classesMustSave = 0.99
)

// coded appends values in the form remembered, or the smallest.
func (e *Encoder) coded(dst []byte, values []int64, c *Choice, depth int) []byte {
	l := &e.levels[depth]
	if len(values) <= fewValues || depth == nesting {
		return e.simple(dst, values, depth)
	}
	h := l.normalise(values)
	if h.top == 0 {
		return h.append(dst, coderPacked)
	}
	start := len(dst)
	if !c.due(len(values)) {
		out, ok := e.appendCoded(dst, h, plan{form: c.form, detail: c.detail}, c, depth)
		if ok && c.kept(len(values), len(out)-start) {
			return out
		}
		dst = out[:start]
	}
	p := e.search(h, depth)
	if len(values) <= someValues {
		if simple := e.simple(dst, values, depth); float64(len(simple)-start) < p.size+float64(len(h.append(nil, 0))) {
			return simple
		}
	}
	out, ok := e.appendCoded(dst, h, p, c, depth)
	if !ok {
		panic("column: the search found a form that does not fit")
	}
	c.remember(p.form, p.detail, len(values), len(out)-start)
	return out
}

// simple appends values in the smallest form that needs no search.
func (e *Encoder) simple(dst []byte, values []int64, depth int) []byte {
	l := &e.levels[depth]
	base, width := fixedForm(values)
	if len(values) < 2 || width == 0 {
		return appendFixed(dst, values, base, width)
	}
	h := l.normalise(values)
	packed := packedBytes(len(values), uint(bits.Len64(h.top))) + uint64(bytesFor(h.divisor)+bytesFor(h.top))
	if uint64(deltasSize(values)) < packed {
		return appendDeltas(dst, values)
	}
	dst, _ = e.appendCoded(dst, h, plan{form: coderPacked}, nil, depth)
	return dst
}

// search measures the forms for the level's u.
func (e *Encoder) search(h head, depth int) (best plan) {
	l := &e.levels[depth]
	u := l.u
	n := len(u)
	if n > sampleOf { // whole chunks, spread evenly
		l.sample = l.sample[:0]
		const pieces = sampleOf / chunkLen
		for i := range pieces {
			at := (n - chunkLen) / (pieces - 1) * i &^ (chunkLen - 1)
			l.sample = append(l.sample, u[at:at+chunkLen]...)
		}
		u = l.sample
	}
	scale := float64(n) / float64(len(u))
	best = plan{form: coderPacked, size: float64(packedBytes(n, uint(bits.Len64(h.top))))}
	for transform := byte(plain); transform < transforms; transform++ {
		x, greatest, more := u, h.top, 0.0
		if transform != plain {
			l.x, _ = transformed(l.x[:0], l.u, transform)
			greatest = topOf(l.x) // of all, since a form must hold all
			if n > sampleOf {
				l.x, _ = transformed(l.x[:0], u, transform)
			}
			x = l.x
			more = float64(packedBytes(chunksOf(n), uint(bits.Len64(h.top)))) + 4
		}
		consider := func(coder byte, detail byte, size, need float64) {
			if size += more; size < best.size*need {
				best = plan{form: coder | transform<<4, detail: detail, size: size}
			}
		}
		if greatest == 0 {
			consider(coderPacked, 0, 0, 1)
			continue
		}
		consider(coderPacked, 0, scale*float64(packedBytes(len(x), uint(bits.Len64(greatest)))), 1)
		e.considerClasses(x, greatest, scale, float64(chunksOf(n)), depth, consider)
		if depth > 0 {
			continue
		}
		if transform == plain || transform == zigzag {
			for coder := byte(coderZstd); coder <= coderPlanes; coder++ {
				if width := bytesFor(greatest); width > 1 || coder == coderZstd {
					l.bytes = appendBytes(l.bytes[:0], x, width, coder == coderPlanes)
					l.packed = Compress(l.packed[:0], l.bytes)
					consider(coder, 0, scale*float64(len(l.packed)), zstdMustSave)
				}
			}
		}
		if countRuns(x) < len(x)/3 { // last, since it uses x
			l.trial, _ = e.appendCoded(l.trial[:0], h, plan{form: coderRuns | transform<<4}, nil, depth)
			consider(coderRuns, 0, float64(len(l.trial))-more, 1)
		}
	}
	return best
}

func countRuns(x []uint64) int {
	runs := 1
	for i := 1; i < len(x); i++ {
		if x[i] != x[i-1] {
			runs++
		}
	}
	return runs
}

// considerClasses measures classes of every detail up to fineDetail, and of all numbers by themselves.
func (e *Encoder) considerClasses(x []uint64, greatest uint64, scale, chunks float64, depth int, consider func(coder, detail byte, size, need float64)) {
	l := &e.levels[depth]
	measure := func(detail uint) {
		if len(l.counts) < 2 {
			return
		}
		total, used := l.code.measure(l.counts), 0
		for class, count := range l.counts {
			if raw := class >> detail; count > 0 && raw > 1 {
				total += uint64(count) * uint64(raw-1)
			}
			if count > 0 {
				used++
			}
		}
		// The lengths of codes take about 4 bits for each class in use and some for the gaps.
		table := float64(used)/2 + float64(len(l.counts)-used)/16 + 6
		consider(coderClasses, byte(detail), scale*float64(total)/8+table+2.5*chunks, classesMustSave)
	}
	count := func(detail uint) {
		l.counts = append(l.counts[:0], make([]uint32, classesUpTo(greatest, detail))...)
		for _, v := range x {
			class, _ := classOf(v, detail)
			l.counts[class]++
		}
	}
	if greatest >= 2<<fineDetail && greatest < maxSymbols {
		detail := uint(bits.Len64(greatest)) - 1
		count(detail)
		measure(detail)
	}
	count(fineDetail)
	for detail := uint(fineDetail); ; detail-- {
		if greatest >= 1<<detail { // else the one before was the same
			measure(detail)
		}
		if detail == 0 {
			return
		}
		// The classes of one bit less.
		coarse := 0
		for class, n := range l.counts {
			low := uint64(class)
			if raw := uint(class >> detail); raw > 1 {
				low = (uint64(class)&(1<<detail-1) | 1<<detail) << (raw - 1)
			}
			to, _ := classOf(low, detail-1)
			if int(to) != class {
				l.counts[to] += n
				l.counts[class] = 0
			}
			coarse = int(to) + 1
		}
		l.counts = l.counts[:coarse]
	}
}
