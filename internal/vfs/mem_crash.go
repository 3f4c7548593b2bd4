package vfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// CrashMode says what kind of end CrashClone gives.
type CrashMode uint8

const (
	// CrashKill ends the process alone: everything written is there, and what was not
	// synced still can be lost to a later power cut of the clone.
	CrashKill CrashMode = iota
	// CrashLose cuts the power: nothing that was not synced survives.
	CrashLose
	// CrashTorn cuts the power: of each file's unsynced bytes, and of each directory's
	// changes, the earlier ones survive up to a random point.
	CrashTorn
	// CrashRandom cuts the power: of what was not synced any subset survives, later writes
	// without earlier ones, torn anywhere, as garbage or as zeros.
	CrashRandom
	crashModes
)

// CrashModes returns every mode.
func CrashModes() []CrashMode {
	return []CrashMode{CrashKill, CrashLose, CrashTorn, CrashRandom}
}

func (c CrashMode) String() string {
	if c >= crashModes {
		return "unknown"
	}
	return [...]string{"kill", "lose", "torn", "random"}[c]
}

// CrashClone returns the file system as the next process may find it when everything stops
// now. The clone has no locks, no open files and no hook, and shares the bytes that both
// have. The same history, seed and mode give the same clone. rng may be nil for CrashKill
// and CrashLose.
func (m *Mem) CrashClone(rng *rand.Rand, mode CrashMode) *Mem {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c := NewMem()
	maps.Copy(c.dirs, m.dirs)
	c.capacity = m.capacity
	if mode == CrashKill {
		c.copyAll(m)
		return c
	}
	survived := maps.Clone(m.durable)
	for i, keep := range chooseOps(rng, mode, len(m.pending)) {
		if keep {
			m.pending[i].apply(survived)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(survived)) {
		n := survived[name].crash(rng, mode)
		c.entries[name], c.durable[name] = n, n
	}
	return c
}

// copyAll makes c what m is, unsynced parts included.
func (c *Mem) copyAll(m *Mem) {
	copies := map[*node]*node{}
	copyOf := func(n *node) *node {
		if copies[n] == nil {
			copies[n] = n.clone()
		}
		return copies[n]
	}
	for name, n := range m.entries {
		c.entries[name] = copyOf(n)
	}
	for name, n := range m.durable {
		c.durable[name] = copyOf(n)
	}
	for _, d := range m.pending {
		d.node = copyOf(d.node)
		c.pending = append(c.pending, d)
	}
}

// chooseOps says which of n changes survive.
func chooseOps(rng *rand.Rand, mode CrashMode, n int) []bool {
	keep := make([]bool, n)
	if n == 0 || mode == CrashLose {
		return keep
	}
	if mode == CrashTorn {
		for i := range rng.IntN(n + 1) {
			keep[i] = true
		}
		return keep
	}
	all := rng.IntN(4) // one time in four all of them, one in four none, else each for itself
	for i := range keep {
		keep[i] = all == 0 || all > 1 && rng.IntN(2) == 0
	}
	return keep
}

// crash returns what is left of the file.
func (n *node) crash(rng *rand.Rand, mode CrashMode) *node {
	c := n.crashBytes(rng, mode)
	end := n.kept
	switch left := n.length() - end; {
	case mode != CrashRandom || left == 0 || rng.IntN(2) == 0:
	case left < 0: // the room was given back
		end = 0
	case n.room > 0:
		end += rng.Int64N(left + 1)
	}
	if end > c.size {
		c.append(make([]byte, end-c.size))
		c.synced, c.writes = c.size, nil
	}
	return c
}

// crashBytes returns what is left of the file's bytes, without room.
func (n *node) crashBytes(rng *rand.Rand, mode CrashMode) *node {
	if len(n.writes) == 0 && len(n.dropped) == 0 {
		return n.prefix(n.size)
	}
	size, tail := n.synced, []byte(nil)
	switch mode {
	case CrashTorn:
		tail = make([]byte, rng.Int64N(n.size-n.synced+1))
		n.readAt(tail, n.synced)
	case CrashRandom:
		tail = n.crashTail(rng)
	}
	if len(n.dropped) == 0 {
		c := n.prefix(size)
		c.append(tail)
		c.synced, c.writes = c.size, nil
		return c
	}
	b := make([]byte, size, size+int64(len(tail)))
	n.readAt(b, 0)
	for _, d := range n.dropped {
		if mode == CrashRandom && rng.IntN(4) == 0 {
			continue // the disk had taken it all the same
		}
		clear(b[d.from:d.to])
	}
	// The length is metadata of its own. What the last sync did not write may not count in it.
	if last := n.dropped[len(n.dropped)-1]; last.to == size && len(tail) == 0 && (mode != CrashRandom || rng.IntN(2) == 0) {
		b = b[:last.from]
	}
	return newNode(append(b, tail...))
}

// crashTail returns what is found after the synced bytes.
func (n *node) crashTail(rng *rand.Rand) []byte {
	tail := make([]byte, n.size-n.synced)
	if len(tail) == 0 {
		return nil
	}
	whole := rng.IntN(6) // now and then all or nothing
	if whole == 0 {
		return nil
	}
	reached := 0 // end of the last byte that was written
	for _, w := range n.writes {
		part := tail[w.from-n.synced : w.to-n.synced]
		fate := rng.IntN(5)
		if whole == 1 {
			fate = 0
		}
		from, to := 0, len(part)
		switch fate {
		case 1: // lost
			to = 0
		case 2: // its start only
			to = rng.IntN(len(part) + 1)
		case 3: // its end only
			from = rng.IntN(len(part) + 1)
		}
		if from == to {
			continue
		}
		n.readAt(part[from:to], w.from+int64(from))
		if fate == 4 { // a stretch of it is something else
			a := rng.IntN(len(part))
			b := a + 1 + rng.IntN(len(part)-a)
			garble(rng, part[a:b])
		}
		reached = int(w.from-n.synced) + to
	}
	switch rng.IntN(4) {
	case 0: // the length was written and the rest of the data was not
		return tail
	case 1: // the length was not
		return tail[:rng.IntN(reached+1)]
	}
	return tail[:reached]
}

func garble(rng *rand.Rand, b []byte) {
	if rng.IntN(2) == 0 {
		clear(b)
		return
	}
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
}
