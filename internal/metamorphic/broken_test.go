package metamorphic

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stelehq/stele"
)

// broken is a door that answers wrong now and then.
type broken struct {
	door
	lie func(b *broken, call string, h hits) hits
	n   int
}

func (b *broken) read(q *query) (hits, error) {
	h, err := b.door.read(q)
	return b.lie(b, "read", h), err
}

func (b *broken) follow(after, until uint64, f *filter) (hits, error) {
	h, err := b.door.follow(after, until, f)
	return b.lie(b, "follow", h), err
}

func (b *broken) append(lines []string, id string) ([]stele.Key, error) {
	keys, err := b.door.append(lines, id)
	return b.lie(b, "append", hits{keys: keys}).keys, err
}

func (b *broken) set(key, value string) error {
	if b.lie(b, "set", hits{lines: []string{value}}).lines == nil {
		return nil
	}
	return b.door.set(key, value)
}

// TestBrokenStoresAreNoticed holds that a store which answers wrong is found out within a few lists, and that the list is
// then made short.
func TestBrokenStoresAreNoticed(t *testing.T) {
	if raceDetector {
		t.Skip("skipped: this is about what is compared, and takes long under the race detector")
	}
	without := func(h hits, i int) hits {
		if h.keys != nil {
			h.keys = slices.Delete(slices.Clone(h.keys), i, i+1)
		}
		if h.lines != nil {
			h.lines = slices.Delete(slices.Clone(h.lines), i, i+1)
		}
		return h
	}
	size := func(h hits) int { return max(len(h.keys), len(h.lines)) }
	for _, c := range []struct {
		name string
		most int // operations that show it
		lie  func(b *broken, call string, h hits) hits
	}{
		{"an event is missing", 6, func(_ *broken, call string, h hits) hits {
			if call == "read" && size(h) > 4 {
				return without(h, size(h)/2)
			}
			return h
		}},
		{"the last of an answer is missing, now and then", 30, func(b *broken, call string, h hits) hits {
			if b.n++; call == "read" && size(h) > 0 && b.n%7 == 0 {
				return without(h, size(h)-1)
			}
			return h
		}},
		{"two events have changed places", 6, func(_ *broken, call string, h hits) hits {
			if call == "follow" && len(h.keys) > 1 {
				h.keys[0], h.keys[1] = h.keys[1], h.keys[0]
			}
			return h
		}},
		{"a text has changed", 6, func(_ *broken, call string, h hits) hits {
			if call == "read" && len(h.lines) > 2 {
				h.lines[1] = h.lines[0]
			}
			return h
		}},
		{"a batch has the keys of another", 6, func(_ *broken, call string, h hits) hits {
			if call == "append" && len(h.keys) > 1 {
				h.keys[1] = h.keys[0]
			}
			return h
		}},
		{"a document is acknowledged and not stored", 6, func(b *broken, call string, h hits) hits {
			if call != "set" {
				return h
			}
			if b.n++; b.n%3 == 0 {
				return hits{}
			}
			return h
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrap := func(d door) door { return &broken{door: d, lie: c.lie} }
			for seed := range uint64(20) {
				l := newList(rand.New(rand.NewPCG(seed, 0)), listLength)
				if failing(plain("go"), l, wrap) == nil {
					continue
				}
				short := shrink(l, func(some list) bool { return failing(plain("go"), some, wrap) != nil }, patience)
				if err := failing(plain("go"), short, wrap); err == nil || len(short) > c.most {
					t.Errorf("%v, by %d operations:\n%s", err, len(short), short)
				}
				return
			}
			t.Error("nothing was noticed")
		})
	}
}

func TestListsAreText(t *testing.T) {
	l := newList(rand.New(rand.NewPCG(1, 0)), 200)
	again, err := parseList("# as printed\n" + l.String())
	if err != nil || again.String() != l.String() {
		t.Errorf("%v\n%s", err, again)
	}
	if _, err := parseList(`{"do":"append","sort":1}`); err == nil {
		t.Error("a member that nothing reads is not noticed")
	}
}

func TestShrinkKeepsWhatFails(t *testing.T) {
	fails := func(l list) bool {
		appends, deletes := 0, 0
		for _, o := range l {
			if o.Do == "append" {
				appends += len(o.Rows)
			}
			if o.Do == "delete" && appends > 4 {
				deletes++
			}
		}
		return deletes > 1
	}
	var l list
	for seed := uint64(0); !fails(l); seed++ {
		l = newList(rand.New(rand.NewPCG(seed, 0)), 60)
	}
	short := shrink(l, fails, time.Minute)
	rows := 0
	for _, o := range short {
		rows += len(o.Rows)
	}
	if !fails(short) || rows != 5 || len(short) > 7 {
		t.Errorf("%d operations with %d rows:\n%s", len(short), rows, short)
	}
}
