package plan

import (
	"hash/maphash"

	"github.com/stelehq/stele/internal/event"
)

// A groupTable finds groups by their keys: open addressing over a seeded hash, so that nobody makes keys meet on purpose. Groups stay where they are.
type groupTable struct {
	seed   maphash.Seed
	slots  []uint64 // the upper half of the key's hash, then 1 + the number of the group; 0: empty
	chunks []*[groupChunk]group
	n      int
	arena  []byte // of keys

	expected uint64 // keeps what expect has read from being read in vain
}

const (
	groupChunk = 256
	keyArena   = 32 << 10
)

// A group is what rows have in common that have the same keys. It takes 128 bytes, of which the first half, one line of the processor's cache, is all that counting looks at.
type group struct {
	key    []byte   // of the slice and the keys: appendSlice, then appendKey of each
	short  [24]byte // has the key if that is short
	rows   uint64
	hash   uint64
	slice  int64
	keys   []event.Value // of a query of which keys are told apart without regard to case; else they follow from key
	states []state       // nil for aggregates that have none
	_      [8]byte
}

func newGroupTable() *groupTable {
	return &groupTable{seed: maphash.MakeSeed(), slots: make([]uint64, 64)}
}

func (t *groupTable) hash(key []byte) uint64 { return maphash.Bytes(t.seed, key) }

// find returns the group of a key, which has a hash; nil if there is none.
func (t *groupTable) find(key []byte, h uint64) *group {
	mask := uint64(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s == 0 {
			return nil
		}
		if s>>32 == h>>32 {
			if g := t.at(int(uint32(s)) - 1); string(g.key) == string(key) {
				return g
			}
		}
	}
}

// expect says that keys are looked for next, which end at ends, and sets their hashes. What the searches wait for is fetched for all of them at a time.
func (t *groupTable) expect(keys []byte, ends []int, hashes []uint64) {
	mask := uint64(len(t.slots) - 1)
	start, rows := 0, uint64(0)
	for i, end := range ends {
		h := t.hash(keys[start:end])
		hashes[i] = h
		if s := t.slots[h&mask]; s>>32 == h>>32 && s != 0 {
			rows += t.at(int(uint32(s)) - 1).rows
		}
		start = end
	}
	t.expected = rows
}

func (t *groupTable) at(i int) *group { return &t.chunks[i/groupChunk][i%groupChunk] }

// add adds a group under a key that find did not find; h is its hash. Of the key a copy is kept.
func (t *groupTable) add(key []byte, h uint64) *group {
	if 2*(t.n+1) > len(t.slots) {
		t.slots = make([]uint64, 2*len(t.slots))
		for i := range t.n {
			t.place(t.at(i).hash, i)
		}
	}
	if t.n%groupChunk == 0 {
		t.chunks = append(t.chunks, new([groupChunk]group))
	}
	g := t.at(t.n)
	g.hash = h
	if len(key) <= len(g.short) {
		g.key = g.short[:copy(g.short[:], key)]
	} else {
		g.key = t.copied(key)
	}
	t.place(h, t.n)
	t.n++
	return g
}

// copied returns a copy of a key.
func (t *groupTable) copied(key []byte) []byte {
	if len(key) > cap(t.arena)-len(t.arena) {
		t.arena = make([]byte, 0, max(len(key), keyArena))
	}
	start := len(t.arena)
	t.arena = append(t.arena, key...)
	return t.arena[start:len(t.arena):len(t.arena)]
}

func (t *groupTable) place(h uint64, n int) {
	mask := uint64(len(t.slots) - 1)
	i := h & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = h>>32<<32 | uint64(n+1)
}

// all ranges over the groups, in the order in which they were added.
func (t *groupTable) all(yield func(*group) bool) {
	for i := range t.n {
		if !yield(t.at(i)) {
			return
		}
	}
}
