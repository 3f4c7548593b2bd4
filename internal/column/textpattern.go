package column

import (
	"encoding/binary"
	"strconv"
	"sync"
)

// Patterns are texts made of constant parts and variables. A pattern is written as a text in which 0xFF and a byte stand for a variable:
//
//	0        a number, in its shortest form
//	1 to 18  a number of so many digits, zeroes before it
//	64       a text
//
//	+--------+--------------------+------------------+---------------------------------------------+
//	| chunks | patterns (uvarint) | patterns (texts) | which of each (integers; nothing if one)    |
//	+--------+--------------------+------------------+---------------------------------------------+
//	| texts of each pattern (uvarints) | for each pattern, for each of its variables: integers or texts |
//	+----------------------------------+-----------------------------------------------------------+
type patterns struct {
	n     int
	shift uint8
	all   []pattern
	which *Ints // nil: all[0]

	account *Account
	once    sync.Once
	starts  []uint32 // for each chunk, for each pattern: how many texts before the chunk have it
	err     error
}

type pattern struct {
	count     int
	literals  []string // one more than variables
	variables []variable
}

type variable struct {
	width  int // of the number's digits; 0: its shortest form
	number *Ints
	text   *TextReader
}

const (
	variableMark  = 0xFF
	variableText  = 64
	mostDigits    = 18
	mostPatterns  = 1024
	mostVariables = 255 // in a pattern
)

func (d *textSource) patterns(t *TextReader) {
	d.chunked(t)
	count := d.Number("patterns", mostPatterns)
	if count == 0 {
		d.Fail("no pattern")
	}
	descriptions := d.texts("patterns", count)
	p := &patterns{n: t.n, shift: t.shift, all: make([]pattern, count), account: d.account}
	if count > 1 {
		d.take(4 * uint64(count) * uint64(t.n>>t.shift+2))
		p.which = d.ints("patterns", t.n, Below(count))
	}
	left := t.n
	for i := range p.all {
		p.all[i].count = d.Number("texts of a pattern", left)
		left -= p.all[i].count
	}
	if left != 0 {
		d.Fail("the patterns cover %d texts too few", left)
	}
	if d.Err() != nil {
		return
	}
	for i := range p.all {
		if d.pattern(&p.all[i], descriptions.At(i)); d.Err() != nil {
			return
		}
	}
	t.maker = p
}

// pattern takes a pattern apart and reads its variables.
func (d *textSource) pattern(p *pattern, description []byte) {
	start := 0
	for i := 0; i < len(description); i++ {
		if description[i] != variableMark {
			continue
		}
		if i+1 == len(description) || len(p.variables) == mostVariables {
			d.Fail("a pattern is cut off or has over %d variables", mostVariables)
			return
		}
		var v variable
		switch k := description[i+1]; {
		case k <= mostDigits:
			r := AnyInt
			if v.width = int(k); k > 0 {
				r = Bounds{Max: tens[1]*pow10(v.width-1) - 1}
			}
			v.number = d.ints("numbers", p.count, r)
		case k == variableText:
			v.text = d.texts("texts", p.count)
		default:
			d.Fail("a variable of the unknown kind %d", k)
		}
		p.literals = append(p.literals, string(description[start:i]))
		p.variables = append(p.variables, v)
		if d.Err() != nil {
			return
		}
		i++
		start = i + 1
	}
	p.literals = append(p.literals, string(description[start:]))
	d.account.Take(len(description) + 64*len(p.variables))
}

func pow10(n int) int64 {
	v := int64(1)
	for range n {
		v *= 10
	}
	return v
}

// count fills starts.
func (p *patterns) count() {
	row := make([]uint32, len(p.all))
	p.account.Take(4 * len(p.all) * (p.n>>p.shift + 2))
	var some [256]int64
	for at := 0; at < p.n; {
		if at&(1<<p.shift-1) == 0 {
			p.starts = append(p.starts, row...)
		}
		part := some[:min(len(some), p.n-at, 1<<p.shift)]
		p.which.Fill(part, at)
		for _, k := range part {
			row[k]++
		}
		at += len(part)
	}
	for k := range row {
		if int(row[k]) != p.all[k].count {
			p.err = corrupt("%d texts have pattern %d, %d expected", row[k], k, p.all[k].count)
		}
	}
}

func (p *patterns) appendTexts(dst *list, from, to, limit int) error {
	which, starts := make([]int64, to-from), []uint32{uint32(from)}
	if p.which != nil {
		if p.once.Do(p.count); p.err != nil {
			return p.err
		}
		p.which.Fill(which, from)
		starts = p.starts[from>>p.shift*len(p.all):][:len(p.all)]
	}
	counts := make([]int, len(p.all))
	for _, k := range which {
		counts[k]++
	}
	// The numbers of this chunk.
	numbers := make([][][]int64, len(p.all))
	for k, n := range counts {
		if n == 0 {
			continue
		}
		if n > p.all[k].count-int(starts[k]) {
			return corrupt("over %d texts have pattern %d", p.all[k].count, k)
		}
		numbers[k] = make([][]int64, len(p.all[k].variables))
		for j := range numbers[k] {
			if v := p.all[k].variables[j].number; v != nil {
				numbers[k][j] = make([]int64, n)
				v.Fill(numbers[k][j], int(starts[k]))
			}
		}
	}
	clear(counts)
	for _, k := range which {
		q := &p.all[k]
		for j := range q.variables {
			v := &q.variables[j]
			dst.bytes = append(dst.bytes, q.literals[j]...)
			if v.text != nil {
				dst.bytes = append(dst.bytes, v.text.At(int(starts[k])+counts[k])...)
			} else {
				dst.bytes = appendNumber(dst.bytes, numbers[k][j][counts[k]], v.width)
			}
			if len(dst.bytes) > limit {
				return corrupt("texts from %d on have too many bytes", from)
			}
		}
		counts[k]++
		dst.bytes = append(dst.bytes, q.literals[len(q.variables)]...)
		if len(dst.bytes) > limit {
			return corrupt("texts from %d on have too many bytes", from)
		}
		dst.end()
	}
	return nil
}

func (p *patterns) appendText(dst []byte, i, limit int) ([]byte, error) {
	start, k, at := len(dst), 0, i
	if p.which != nil {
		if p.once.Do(p.count); p.err != nil {
			return dst, p.err
		}
		// How many texts before this one have its pattern: those before the chunk, and those in it.
		w, first := p.which.Window(i), i>>p.shift<<p.shift
		k = int(w.Int(i - w.Start))
		at = int(p.starts[first>>p.shift*len(p.all)+k]) + w.count(first-w.Start, i-w.Start)
	}
	q := &p.all[k]
	if at >= q.count {
		return dst, corrupt("over %d texts have pattern %d", q.count, k)
	}
	for j := range q.variables {
		v := &q.variables[j]
		dst = append(dst, q.literals[j]...)
		if v.text != nil {
			dst = v.text.AppendText(dst, at)
		} else {
			dst = appendNumber(dst, v.number.At(at), v.width)
		}
		if len(dst)-start > limit {
			return dst, corrupt("text %d has too many bytes", i)
		}
	}
	return append(dst, q.literals[len(q.variables)]...), nil
}

// appendNumber appends a number in its shortest form, or with zeroes before it.
func appendNumber(dst []byte, v int64, width int) []byte {
	if width == 0 {
		return strconv.AppendInt(dst, v, 10)
	}
	var digits [mostDigits]byte
	for i := width - 1; i >= 0; i-- {
		digits[i] = byte('0' + v%10)
		v /= 10
	}
	return append(dst, digits[:width]...)
}

// patterns appends l as patterns; false if it has none worth the name.
func (e *Encoder) patterns(dst []byte, l *list, c *Choice, depth int) ([]byte, bool) {
	m, ok := e.miner.mine(l)
	if !ok {
		return dst, false
	}
	dst = append(dst, textPatterns|cleanBit(l.bytes))
	dst, _ = appendChunks(dst, l)
	dst = binary.AppendUvarint(dst, uint64(len(m.patterns)))
	var descriptions list
	for i := range m.patterns {
		descriptions.bytes = m.patterns[i].describe(descriptions.bytes)
		descriptions.end()
	}
	dst = e.packed(dst, &descriptions, c.Part(partEntries))
	if len(m.patterns) > 1 {
		dst = e.Ints(dst, m.which, c.Part(partWhich))
	}
	for i := range m.patterns {
		dst = binary.AppendUvarint(dst, uint64(m.patterns[i].rows))
	}
	part := partVariables
	for i := range m.patterns {
		for _, s := range m.patterns[i].slots {
			var own *Choice
			if part < partVariables+256 {
				own = c.Part(part)
			}
			part++
			if s.kind() == variableText {
				texts := s.list()
				dst = e.list(dst, texts, own, depth+1, true)
			} else {
				dst = e.Ints(dst, s.numbers, own)
			}
		}
	}
	return dst, true
}
