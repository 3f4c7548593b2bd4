package metamorphic

import (
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/stelehq/stele/internal/vfs"
)

// A maker makes lists by chance.
type maker struct {
	rng   *rand.Rand
	clock int64 // of events in the order of their times, in milliseconds
	few   bool  // most batches are small
	calm  bool  // nothing befalls the store, so that what is held is held for long
}

// newList makes a list of some operations.
func newList(rng *rand.Rand, length int) list {
	m := &maker{rng: rng, few: rng.IntN(8) > 0, calm: rng.IntN(3) == 0}
	l := make(list, 0, length)
	for len(l) < length {
		l = append(l, m.op())
	}
	return l
}

// chances are how often each operation comes, in relation to the others.
var chances = []struct {
	n    int
	make func(*maker) op
}{
	{16, (*maker).append},
	{3, (*maker).together},
	{3, func(m *maker) op {
		return m.troubled(op{Do: "retry", Batch: m.rng.IntN(50), Extra: m.rng.IntN(8) == 0}, 4)
	}},
	{24, (*maker).read},
	{5, func(m *maker) op { return m.troubled(op{Do: "get", Event: m.rng.IntN(300)}, 30) }},
	{4, func(m *maker) op {
		o := op{Do: "histogram", Limit: 1 + m.rng.IntN(7), Filter: m.filter()}
		o.From, o.To = m.time(), m.time()
		return o
	}},
	{5, func(m *maker) op { return op{Do: "follow", Event: m.rng.IntN(300), Filter: m.filter()} }},
	{5, (*maker).delete},
	{1, func(m *maker) op {
		return m.troubled(op{Do: "retain", Before: 1000 * m.rng.Int64N(m.clock/1000+1), Filter: m.filter()}, 4)
	}},
	{1, func(m *maker) op { return op{Do: "arrived", Minutes: 1 + m.rng.IntN(20), Filter: m.filter()} }},
	{4, func(m *maker) op { return m.troubled(op{Do: "set", Key: m.key(), Bytes: m.rng.IntN(200)}, 6) }},
	{2, func(m *maker) op { return m.troubled(op{Do: "unset", Key: m.key()}, 6) }},
	{3, func(m *maker) op { return m.troubled(op{Do: "value", Key: m.key()}, 30) }},
	{1, func(m *maker) op { return op{Do: "documents", Key: pick(m.rng, "", "k", "a/")} }},
	{3, func(m *maker) op { return m.troubled(op{Do: "flush"}, 4) }},
	{3, func(m *maker) op { return m.troubled(op{Do: "settle"}, 4) }},
	{2, func(m *maker) op { return op{Do: "tick", Minutes: pick(m.rng, 4, 7)} }}, // no sum of them is a batch id's ten minutes
	{2, func(m *maker) op { return op{Do: "pin", Slot: m.slot()} }},
	{1, func(m *maker) op { return op{Do: "unpin", Slot: m.slot()} }},
	{2, func(m *maker) op {
		o := m.read()
		return op{Do: "reader", Slot: m.slot(), From: o.From, To: o.To, Filter: o.Filter, Descending: o.Descending}
	}},
	{4, func(m *maker) op { return op{Do: "advance", Slot: m.slot(), Limit: 1 + m.rng.IntN(20)} }},
	{3, func(m *maker) op { return op{Do: "tail", Slot: m.slot()} }},
	{1, func(m *maker) op { return m.troubled(op{Do: "reopen"}, 3) }},
	{1, func(m *maker) op {
		if m.calm {
			return op{Do: "check"}
		}
		return op{Do: "crash", Way: m.crash(), Bytes: m.rng.IntN(1 << 20)}
	}},
	{2, func(m *maker) op { return m.troubled(op{Do: "backup"}, 4) }},
	{1, func(m *maker) op { return m.troubled(op{Do: "restore", Backup: m.rng.IntN(20)}, 4) }},
	{1, func(*maker) op { return op{Do: "repair"} }},
	{3, func(*maker) op { return op{Do: "check"} }},
}

func (m *maker) op() op {
	sum := 0
	for _, c := range chances {
		sum += c.n
	}
	n := m.rng.IntN(sum)
	for _, c := range chances {
		if n -= c.n; n < 0 {
			return c.make(m)
		}
	}
	panic("unreachable")
}

func (m *maker) slot() int { return 1 + m.rng.IntN(2) }

func (m *maker) key() string { return pick(m.rng, "k1", "k2", "a/b", "a/é", "k") }

func (m *maker) filter() string {
	if m.rng.IntN(3) > 0 {
		return ""
	}
	return filters[m.rng.IntN(len(filters))].text
}

// at is a time of an event: the next in order, one among the earlier ones, or far away.
func (m *maker) at(ordered bool) int64 {
	switch {
	case m.rng.IntN(200) == 0:
		return pick[int64](m.rng, -1_700_000_000, 2_200_000_000) * 1000
	case ordered:
		m.clock += 1000 * int64(m.rng.IntN(2))
		return m.clock
	}
	return 1000 * m.rng.Int64N(m.clock/1000+10)
}

func (m *maker) rows() []row {
	n := 1 + m.rng.IntN(4)
	if m.rng.IntN(8) == 0 {
		n = m.rng.IntN(30)
	}
	if !m.few && m.rng.IntN(8) == 0 {
		n = 256 + m.rng.IntN(50) // its caller encodes it
	}
	rows := make([]row, n)
	ordered, form := m.rng.IntN(3) > 0, m.rng.IntN(2*forms)
	for i := range rows {
		rows[i] = row{At: m.at(ordered), Form: form}
		if form >= forms {
			rows[i].Form = m.rng.IntN(forms)
		}
	}
	return rows
}

func (m *maker) append() op {
	o := op{Do: "append", Rows: m.rows(), Named: m.rng.IntN(2) == 0}
	if o.Named {
		return m.troubled(o, 5)
	}
	return o
}

// together has no two events of the same time, so that their order by key is known beforehand.
func (m *maker) together() op {
	o := op{Do: "together"}
	serial := int64(0)
	for range 2 + m.rng.IntN(3) {
		var rows []row
		for range 1 + m.rng.IntN(3) {
			serial++
			rows = append(rows, row{At: 1000*m.rng.Int64N(m.clock/1000+10) + serial, Form: m.rng.IntN(forms)})
		}
		o.Beside = append(o.Beside, rows)
	}
	return o
}

func (m *maker) time() *bound {
	if m.rng.IntN(3) == 0 {
		return nil
	}
	return &bound{At: 1000 * (m.rng.Int64N(m.clock/1000+12) - 1), Open: m.rng.IntN(2) == 0}
}

func (m *maker) bound() *bound {
	if m.rng.IntN(3) > 0 {
		return m.time()
	}
	return &bound{Key: true, Event: m.rng.IntN(300), Open: m.rng.IntN(2) == 0}
}

func (m *maker) read() op {
	o := op{Do: "read", From: m.bound(), To: m.bound(), Descending: m.rng.IntN(2) == 0, Filter: m.filter(), Way: pick(m.rng, ways...)}
	if m.rng.IntN(2) == 0 {
		o.From, o.To = nil, nil
	}
	if m.rng.IntN(2) == 0 {
		o.Limit = pick(m.rng, 1, 3, 10, 70, 500)
	}
	if m.rng.IntN(4) == 0 {
		o.Slot = m.slot()
	}
	return m.troubled(o, 30)
}

func (m *maker) delete() op {
	o := op{Do: "delete", From: m.bound(), To: m.bound()}
	switch m.rng.IntN(4) {
	case 0: // what is old
		o.From, o.To = nil, &bound{At: 1000 * m.rng.Int64N(m.clock/1000+1), Open: true}
	case 1: // a little
		at := 1000 * m.rng.Int64N(m.clock/1000+10)
		o.From, o.To = &bound{At: at}, &bound{At: at + 1000*m.rng.Int64N(5), Open: true}
	case 2:
		n := m.rng.IntN(300)
		o.From, o.To = &bound{Key: true, Event: n}, &bound{Key: true, Event: n + m.rng.IntN(4)}
	}
	switch m.rng.IntN(4) {
	case 0:
		o.Filter = filters[m.rng.IntN(len(filters))].text
	case 1:
		o = op{Do: "delete", Events: []int{}}
		for range 1 + m.rng.IntN(6) {
			o.Events = append(o.Events, m.rng.IntN(300))
		}
	}
	return m.troubled(o, 4)
}

func (m *maker) crash() string { return pick(m.rng, vfs.CrashModes()...).String() }

// troubled has one operation in so many meet a trouble.
func (m *maker) troubled(o op, one int) op {
	if m.calm || m.rng.IntN(one) > 0 {
		return o
	}
	t := &trouble{Nth: 1 + int64(m.rng.IntN(1<<m.rng.IntN(7)))}
	if o.Do == "reopen" || m.rng.IntN(2) == 0 {
		t.Fault = pick(m.rng, slices.Sorted(maps.Keys(faults))...)
	} else {
		t.Crash, t.Seed = m.crash(), m.rng.Uint64()
	}
	o.Trouble = t
	return o
}
