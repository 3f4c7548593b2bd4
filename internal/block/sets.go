package block

import (
	"slices"

	"github.com/stelehq/stele/internal/membership"
)

// Behind its sections a block may have sets: of each column at the top of the events of which seven in eight texts are distinct, and no longer
// than ids are, which texts are in it. Whoever looks for events with one of them need not open a block that has none (package membership). A column with a dictionary has no set: its
// dictionary tells as much. Nor has one whose texts may stand elsewhere: under a second column of the name, in an object, in events that are kept whole.
const (
	setValues = 4096 // a column with fewer is read as fast
	setLength = 64   // of its texts, on average
)

// Of an Encoder, for the block at hand.
type sets struct {
	builder membership.Builder
	keys    []uint64
	bytes   []byte
}

// Sets returns how many of the last bytes of the block written last are sets.
func (e *Encoder) Sets() int { return len(e.sets.bytes) }

func (e *encoding) findSets(columns []encodedColumn, b *Builder) {
	s := &e.sets
	s.bytes = s.bytes[:0]
	if e.codec == Fast || len(b.shapes) < setValues || slices.ContainsFunc(columns, func(c encodedColumn) bool { return c.kind == kindEvent }) {
		return
	}
	for i := range columns {
		c := &columns[i]
		def, v := &b.trie.columns[c.from], c.values
		if def.object != 0 || c.kind != kindString || !v.plain || len(v.ends) < setValues || v.total > setLength*len(v.ends) || !b.alone(columns, i) {
			continue
		}
		s.keys = s.keys[:0]
		for i := range v.ends {
			s.keys = append(s.keys, membership.Key(v.entry(i)))
		}
		slices.Sort(s.keys)
		if distinct := slices.Compact(s.keys); len(distinct) >= len(v.ends)-len(v.ends)/8 {
			s.builder.Add(def.name, distinct)
		}
	}
	s.bytes = s.builder.Append(s.bytes)
}

// alone says whether what has a column's name and is a text is in that column.
func (b *Builder) alone(columns []encodedColumn, i int) bool {
	name := b.trie.columns[columns[i].from].name
	for j := range columns {
		def := &b.trie.columns[columns[j].from]
		if j != i && def.object == 0 && def.name == name && (def.kind == kindString || def.kind == kindTimeText) {
			return false
		}
	}
	for k, o := range b.trie.objects {
		if k > 0 && o.parent == 0 && o.name == name {
			return false
		}
	}
	return true
}
