package plan

// A hashSet is a set of hashes of 128 bits: open addressing, at most half full.
type hashSet struct {
	slots [][2]uint64 // all zero: empty
	n     int
	zero  bool // the hash of zeros is in it
}

// slotBytes is what one hash takes, its share of empty room counted: slots are an eighth to a half full.
const slotBytes = 48

// add reports whether the hash was not in the set.
func (s *hashSet) add(h [2]uint64) bool {
	if h == [2]uint64{} {
		was := s.zero
		s.zero = true
		if !was {
			s.n++
		}
		return !was
	}
	if 2*(s.n+1) > len(s.slots) {
		s.grow()
	}
	if !s.place(h) {
		return false
	}
	s.n++
	return true
}

func (s *hashSet) place(h [2]uint64) bool {
	mask := uint64(len(s.slots) - 1)
	for i := h[1] & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case h:
			return false
		case [2]uint64{}:
			s.slots[i] = h
			return true
		}
	}
}

func (s *hashSet) grow() {
	old := s.slots
	s.slots = make([][2]uint64, max(8, 4*len(old)))
	for _, h := range old {
		if h != ([2]uint64{}) {
			s.place(h)
		}
	}
}

// all ranges over the hashes, in no order.
func (s *hashSet) all(yield func([2]uint64) bool) {
	if s.zero && !yield([2]uint64{}) {
		return
	}
	for _, h := range s.slots {
		if h != ([2]uint64{}) && !yield(h) {
			return
		}
	}
}
