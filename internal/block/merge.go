package block

import (
	"encoding/binary"
	"strconv"

	"github.com/stelehq/stele/internal/event"
)

// addText puts the text of a whole event into its column and returns the shape.
func (b *Builder) addText(text []byte) (shape uint32) {
	n, column := b.trie.whole()
	shape, _ = b.trie.shapeAt(n) // always has room
	b.growColumns()
	b.size += 16 + b.columns[column].appendText(text, b.seed)
	return shape
}

// A translation says which of a builder's objects and columns another schema's are: 1 + the number, 0 if that is not known yet.
type translation struct {
	objects, columns []uint32
	key              []byte
}

// mapShape finds the builder's shape for a list of another schema's tokens. With a translation it need not go through the trie for a shape
// that was found so before, in whatever schema.
func (b *Builder) mapShape(m *mapping, from *schema, tokens []token, t *translation) {
	m.known = true
	if t != nil && t.translate(&b.trie, from, tokens) {
		if shape, ok := b.trie.byTokens[string(t.key)]; ok {
			m.shape, m.columns, m.ok = shape, b.trie.shapes[shape].data, true
			return
		}
	}
	n, err := b.walk(from, tokens)
	if err == nil {
		m.shape, err = b.trie.shapeAt(n)
	}
	if err != nil {
		b.trie.forget()
		return
	}
	b.trie.keep()
	b.growColumns()
	m.columns, m.ok = b.trie.shapes[m.shape].data, true
	if t != nil && t.translate(&b.trie, from, tokens) {
		b.trie.addTokens(string(t.key), m.shape)
	}
}

// translate sets the key to the tokens as the trie has them; false: it has not all of the columns and objects.
func (t *translation) translate(to *trie, from *schema, tokens []token) bool {
	if t.columns == nil {
		t.objects, t.columns = make([]uint32, len(from.objects)), make([]uint32, len(from.columns))
		t.objects[0] = 1
	}
	t.key = t.key[:0]
	for _, k := range tokens {
		switch {
		case k.isLeaf():
			c := t.columns[k.id()]
			if c == 0 {
				def := columnDef{kind: from.columns[k.id()].kind, name: from.columns[k.id()].name}
				object := t.objects[from.columns[k.id()].object]
				if object == 0 || def.kind == kindEvent {
					return false
				}
				def.object = object - 1
				id, ok := to.columnIDs[def]
				if !ok {
					return false
				}
				c = id + 1
				t.columns[k.id()] = c
			}
			k = leaf(c - 1)
		case k.isOpen():
			o := t.objects[k.id()]
			if o == 0 {
				parent := t.objects[from.objects[k.id()].parent]
				if parent == 0 {
					return false
				}
				id, ok := to.objectIDs[objectKey{parent - 1, from.objects[k.id()].name}]
				if !ok {
					return false
				}
				o = id + 1
				t.objects[k.id()] = o
			}
			k = opening(o - 1)
		}
		t.key = binary.LittleEndian.AppendUint32(t.key, uint32(k))
	}
	return true
}

// walk goes through the trie along a list of another schema's tokens.
func (b *Builder) walk(from *schema, tokens []token) (n *node, err error) {
	n = b.trie.root
	for _, t := range tokens {
		if t == closing {
			if n, err = b.trie.leave(n); err != nil {
				return nil, err
			}
			continue
		}
		k, name := kindObject, ""
		if t.isLeaf() {
			k, name = from.columns[t.id()].kind, from.columns[t.id()].name
		} else {
			name = from.objects[t.id()].name
		}
		if k == kindEvent {
			n, _ := b.trie.whole()
			return n, nil
		}
		m, err := b.memberOf(n, []byte(name))
		if err != nil {
			return nil, err
		}
		e, err := b.trie.follow(n, m, k)
		if err != nil {
			return nil, err
		}
		n = e.to
	}
	return n, nil
}

// AppendBuilder copies all rows of another builder behind those of b. Their arrival offsets continue b's; arrival numbers that
// AppendRuns has brought are kept.
func (b *Builder) AppendBuilder(o *Builder) {
	maps := b.mapsOf(o)
	whole := len(o.shapes) > fewRows // of few rows the values are copied one by one
	for _, sh := range o.shapes {
		m := &maps[sh]
		if !m.known {
			b.mapShape(m, &o.trie.schema, o.trie.shapes[sh].tokens, nil)
		}
		whole = whole && m.ok
	}
	if whole {
		to := make([]int32, len(o.trie.columns)) // 1 + the column of b that a column of o leads to, whichever shape it stands in
		for _, sh := range o.shapes {
			for i, from := range o.trie.shapes[sh].data {
				to[from] = int32(maps[sh].columns[i]) + 1
			}
		}
		for from, into := range to {
			if into > 0 {
				b.columns[into-1].appendColumn(o.trie.columns[from].kind, o.columns[from], b.seed)
			}
		}
		b.size += o.size
	}
	if cap(b.taken) < len(o.columns) {
		b.taken = make([]int, len(o.columns)+len(o.columns)/4)
	}
	next := b.taken[:len(o.columns)] // the next value of each column of o
	clear(next)
	for i, sh := range o.shapes {
		m, s := &maps[sh], &o.trie.shapes[sh]
		into := m.shape
		switch {
		case whole:
		case m.ok:
			size := 16
			for j, from := range s.data {
				size += b.columns[m.columns[j]].appendValue(o.trie.columns[from].kind, o.columns[from], next[from], b.seed)
				next[from]++
			}
			b.size += size
		default:
			b.text = o.appendRowText(b.text[:0], i, next)
			into = b.addText(b.text)
		}
		if o.arrivals != nil {
			b.addAbsolute(into, event.MakeKey(o.instants[i], o.arrivals[i]))
		} else {
			b.addRow(into, o.instants[i])
		}
	}
}

// fewRows is up to how many rows of a builder are worth being looked at one by one.
const fewRows = 16

// A joined builder is one that AppendBuilder took rows from.
type joined struct {
	resets int // of its trie
	maps   []mapping
}

// maxJoined is how many a builder remembers.
const maxJoined = 32

// mapsOf returns what is known of where the shapes of o lead.
func (b *Builder) mapsOf(o *Builder) []mapping {
	j := b.joined[o]
	if j == nil || j.resets != o.trie.resets {
		if len(b.joined) >= maxJoined || b.joined == nil {
			b.joined = map[*Builder]*joined{}
		}
		j = &joined{resets: o.trie.resets}
		b.joined[o] = j
	}
	for len(j.maps) < len(o.trie.shapes) {
		j.maps = append(j.maps, mapping{})
	}
	return j.maps
}

// appendValue adds value i of o, a column of the same kind, and returns how much memory it takes.
func (c *gathered) appendValue(k kind, o *gathered, i int, seed *seed) int {
	switch k {
	case kindBool:
		c.bools = append(c.bools, o.bools[i])
		return 1
	case kindInt:
		c.ints = append(c.ints, o.ints[i])
		return 8
	case kindDecimal:
		c.ints, c.scales = append(c.ints, o.ints[i]), append(c.scales, o.scales[i])
		return 9
	}
	return c.appendText(o.textAt(i), seed)
}

// appendRowText appends row i as JSON; next holds the next value of each column and moves on.
func (b *Builder) appendRowText(dst []byte, i int, next []int) []byte {
	s := &b.trie.schema
	tokens := s.shapes[b.shapes[i]].tokens
	if s.isEvent(&s.shapes[b.shapes[i]]) {
		c := tokens[0].id()
		next[c]++
		return append(dst, b.columns[c].textAt(next[c]-1)...)
	}
	dst = append(dst, '{')
	for _, t := range tokens {
		if t == closing {
			dst = append(dst, '}')
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		if t.isOpen() {
			dst = append(event.AppendString(dst, []byte(s.objects[t.id()].name)), ':', '{')
			continue
		}
		def := &s.columns[t.id()]
		dst = append(event.AppendString(dst, []byte(def.name)), ':')
		c, at := b.columns[t.id()], next[t.id()]
		switch def.kind {
		case kindNull:
			dst = append(dst, "null"...)
		case kindBool:
			dst = strconv.AppendBool(dst, c.bools[at] != 0)
		case kindInt:
			dst = strconv.AppendInt(dst, c.ints[at], 10)
		case kindDecimal:
			dst = appendDecimal(dst, c.ints[at], c.scales[at])
		case kindTime:
			dst = append(event.AppendTime(append(dst, '"'), b.instants[i]), '"')
		case kindString, kindTimeText:
			dst = event.AppendString(dst, c.textAt(at))
		default:
			dst = append(dst, c.textAt(at)...)
		}
		if def.kind.hasData() {
			next[t.id()]++
		}
	}
	return append(dst, '}')
}
