package terse

// A model predicts the next bit of a text of JSON. Each context, a hash of something that was read, leads to a counter for each beginning of the
// next byte. A counter is a probability and how often it was asked:
//
//	after bit b:  p += (b - p) / (n + 1.5), n += 1, up to 250
//
// Predictions p are mixed where they are straight, as ln(p / (1 - p)):
//
//	mixed = Σ weight × stretch(p), after bit b:  weight += rate × stretch(p) × (b - squash(mixed))
//
// There is a set of weights for each beginning of a byte, for how long a match is, and for whether a string is being read.
const (
	contexts = 9
	inputs   = contexts + 2 // and what follows the longest match

	counterBits = 18 // of the table's length
	mostAsked   = 250
	rate        = 16
	firstWeight = 18000 // in 65,536ths

	placeBits  = 14
	leastMatch = 3
	mostMatch  = 32
	matchKinds = 3
)

type counter struct {
	p     uint16 // that the next bit is a one, in 65,536ths
	n     uint8
	check uint8 // of the context: another one's counter starts anew
}

type weights [inputs]int32

type model struct {
	counters []counter
	weights  []weights
	matched  [2 * mostMatch]counter // by the match's length and the bit that it foretells
	places   []int32                // where what follows four bytes was read last, by their hash
	read     []byte

	contexts [contexts]uint32
	begun    uint32 // the bits of the byte that have been read, behind a one
	match    int    // where in read the match goes on
	length   int    // of the match; 0: none

	// What predict used, for learn.
	used     [contexts]*counter
	foretold *counter
	inputs   weights // stretched predictions
	set      *weights
	p        int32

	word, before uint32 // hashes of the word that is being read, and of the one before
	name, value  uint32 // of the member's name, and of what has been read of its value
	text         uint32 // of the string that is being read
	inside       bool   // a string
	escaped      bool   // the next character is
}

func newModel() *model {
	m := &model{
		counters: make([]counter, 1<<counterBits),
		weights:  make([]weights, 2*matchKinds<<8),
		places:   make([]int32, 1<<placeBits),
		begun:    1,
	}
	for i := range m.weights {
		for j := range m.weights[i] {
			m.weights[i][j] = firstWeight
		}
	}
	for i := range m.matched {
		m.matched[i].p = 1 << 15
	}
	m.look()
	return m
}

func hash(a, b uint32) uint32 {
	h := a*0x2F0B4C47 ^ (b+0x9E3779B9)*0x85EBCA6B
	h ^= h >> 15
	h *= 0xC2B2AE35
	return h ^ h>>13
}

// predict returns the probability that the next bit is a one, in 4,096ths.
func (m *model) predict() int32 {
	for i, context := range m.contexts {
		h := (context ^ m.begun*0x9E3779B1) * 0x85EBCA6B
		c := &m.counters[h>>(32-counterBits)]
		if c.n == 0 || c.check != uint8(h>>6) {
			*c = counter{p: 1 << 15, check: uint8(h >> 6)}
			m.inputs[i] = 0
		} else {
			m.inputs[i] = stretch(c.p)
		}
		m.used[i] = c
	}
	kind := m.foretell()
	if m.inside {
		kind += matchKinds
	}
	m.set = &m.weights[kind<<8|m.begun]
	var sum int64
	for i, input := range m.inputs {
		sum += int64(input) * int64(m.set[i])
	}
	m.p = squash(int32(sum >> 16))
	return m.p
}

// foretell sets the inputs of the match and says how good it is.
func (m *model) foretell() (kind uint32) {
	m.foretold, m.inputs[contexts], m.inputs[contexts+1] = nil, 0, 0
	if m.length == 0 {
		return 0
	}
	next := uint32(m.read[m.match]) | 1<<8
	bits := bitsOf(m.begun)
	if next>>(8-bits) != m.begun {
		m.length = 0
		return 0
	}
	bit := next >> (7 - bits) & 1
	long := min(m.length, mostMatch-1)
	m.foretold = &m.matched[2*uint32(long)+bit]
	m.inputs[contexts] = stretch(m.foretold.p)
	m.inputs[contexts+1] = int32(min(long, 16)) * 32
	if bit == 0 {
		m.inputs[contexts+1] = -m.inputs[contexts+1]
	}
	if long > 8 {
		return 2
	}
	return 1
}

// learn takes the bit that was predicted.
func (m *model) learn(bit int32) {
	wrong := (bit<<12 - m.p) * rate
	for i, input := range m.inputs {
		m.set[i] += (input*wrong + 1<<13) >> 14
	}
	for _, c := range m.used {
		c.learn(bit)
	}
	if m.foretold != nil {
		m.foretold.learn(bit)
	}
	if m.begun = m.begun<<1 | uint32(bit); m.begun >= 1<<8 {
		m.add(byte(m.begun))
		m.begun = 1
		m.look()
	}
}

// shares is 1 / (n + 1.5), in 65,536ths.
var shares = func() (t [mostAsked + 1]int64) {
	for n := range t {
		t[n] = 2 << 16 / int64(2*n+3)
	}
	return t
}()

func (c *counter) learn(bit int32) {
	aim := int64(bit<<16 - bit)
	c.p = uint16(int64(c.p) + (aim-int64(c.p))*shares[c.n]>>16)
	if c.n < mostAsked {
		c.n++
	}
}

// add takes a byte that was read.
func (m *model) add(c byte) {
	m.read = append(m.read, c)
	if lower := c | 0x20; lower >= 'a' && lower <= 'z' || c >= 0x80 {
		m.word = hash(m.word, uint32(c|0x20))
	} else if m.word != 0 {
		m.word, m.before = 0, m.word
	}
	m.value = hash(m.value, uint32(c))
	switch {
	case c == '"' && !m.escaped:
		if m.inside = !m.inside; m.inside {
			m.text = 0
		}
	case m.inside:
		m.text = hash(m.text, uint32(c))
	case c == ':':
		m.name, m.value = m.text, 1
	case c == '\n':
		m.name, m.text, m.value = 0, 0, 2
	case c == ',' || c == '{' || c == '}':
		m.value = 2
	}
	m.escaped = c == '\\' && !m.escaped

	if m.length > 0 && m.read[m.match] == c {
		m.length++
		m.match++
	} else {
		m.length = 0
	}
	n := len(m.read)
	if n < 4 {
		return
	}
	place := &m.places[hash(m.last(1), m.last(2)<<16|m.last(3)<<8|m.last(4))>>(32-placeBits)]
	if m.length == 0 && *place > 0 {
		m.match = int(*place)
		for m.length < mostMatch && m.match > m.length && m.read[m.match-m.length-1] == m.read[n-1-m.length] {
			m.length++
		}
		if m.length < leastMatch {
			m.length = 0
		}
	}
	*place = int32(n)
}

// last is the byte read so many bytes ago.
func (m *model) last(i int) uint32 {
	if i > len(m.read) {
		return 0
	}
	return uint32(m.read[len(m.read)-i])
}

// look finds the contexts of the next byte.
func (m *model) look() {
	h := uint32(0)
	for i := range 3 {
		h = hash(h, m.last(i+1))
		m.contexts[i] = h
	}
	m.contexts[3] = hash(h, m.last(4)<<16|m.last(5)<<8|m.last(6))
	m.contexts[4] = hash(m.word, m.last(1))
	m.contexts[5] = hash(m.word, m.before)
	m.contexts[6] = hash(m.name, m.value)
	m.contexts[7] = hash(m.name, m.last(1))
	m.contexts[8] = 0
	for i := range m.contexts {
		m.contexts[i] = hash(m.contexts[i], uint32(i)) // that of no other
	}
}

// bitsOf is how many bits stand behind the highest one.
func bitsOf(begun uint32) (n uint32) {
	for ; begun > 1; begun >>= 1 {
		n++
	}
	return n
}
