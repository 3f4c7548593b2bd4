package testkit

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Soak calls check with a fuzz target's input. If STELE_SOAK is set, it goes on with as many
// inputs that are made from it by chance, without the fuzzer's instrumentation and so at many
// times its rate: ten million inputs of a decoder take a minute or two. It complements
// the fuzzer, which finds the ways into the code and leaves them in the corpus:
//
//	STELE_SOAK=100000 go test -run 'FuzzCSV$' ./internal/ingest
//
// The inputs depend on the seed alone, so a failure comes again; it is printed as Go text.
func Soak(t *testing.T, seed []byte, check func(input []byte)) {
	t.Helper()
	check(seed)
	n, _ := strconv.Atoi(os.Getenv("STELE_SOAK"))
	if n == 0 {
		return
	}
	h := fnv.New64a()
	h.Write(seed)
	m := mutator{random: rand.New(rand.NewPCG(h.Sum64(), 0)), seed: seed}
	var input []byte
	done := false
	defer func() {
		if !done {
			t.Logf("the input was %q", input)
		}
	}()
	for range n {
		input = m.next()
		check(input)
		if t.Failed() {
			return
		}
	}
	done = true
	t.Logf("%d inputs", n)
}

// mutator makes inputs that differ from a seed, or from the input before, in a few places.
type mutator struct {
	random *rand.Rand
	seed   []byte
	input  []byte
	other  []byte // an input from a while ago, to take pieces from
}

const (
	soakBytes = 4 << 10 // most bytes of an input that grew
	soakChain = 20      // inputs about which one grows from the other before the seed comes again
)

// soakTokens are what decoders of text and of bytes look at.
var soakTokens = []string{
	"\"", "'", "\\", "{", "}", "[", "]", "(", ")", "<", ">", ":", ",", ";", "=", "|", "\n", "\r\n", "\t", " ", "\x00", "\xff", "\xef\xbb\xbf", "\\u0000", "\\ud800",
	"-", "+", "0", "1", "9", "-1", "1e999", "18446744073709551616", "null", "true", "{}", "[]", "\"\"", "@t", "@", "%", "#", "/", "*", "?", "&",
	"2026-11-20T10:00:00Z", "Feb 29 23:59:60", "\x80", "\xed\xa0\x80", "é", "\x0a\x00", "\x12\x80\x80\x80\x80\x10", "\xff\xff\xff\xff\x7f",
}

func (m *mutator) next() []byte {
	r := m.random
	if m.input == nil || r.IntN(soakChain) == 0 {
		m.other = append(m.other[:0], m.input...)
		m.input = append(m.input[:0], m.seed...)
	}
	for range 1 + r.IntN(4) {
		m.change()
	}
	if len(m.input) > max(soakBytes, 2*len(m.seed)) {
		m.input = m.input[:len(m.input)/2]
	}
	return m.input
}

// change does one small thing to the input.
func (m *mutator) change() {
	r, in := m.random, m.input
	if len(in) == 0 {
		m.insert(0, soakTokens[r.IntN(len(soakTokens))])
		return
	}
	at := r.IntN(len(in))
	end := at + 1 + r.IntN(min(len(in)-at, 1<<r.IntN(8)))
	switch r.IntN(9) {
	case 0:
		in[at] ^= 1 << r.IntN(8)
	case 1:
		in[at] = byte(r.UintN(256))
	case 2:
		m.input = append(in[:at], in[end:]...)
	case 3: // a piece twice
		m.insert(at, string(in[at:end]))
	case 4, 5:
		m.insert(at, soakTokens[r.IntN(len(soakTokens))])
	case 6: // a piece of another input
		if len(m.other) > 0 {
			from := r.IntN(len(m.other))
			m.insert(at, string(m.other[from:min(len(m.other), from+1+r.IntN(32))]))
		}
	case 7: // a piece somewhere else
		piece := string(in[at:end])
		m.input = append(in[:at], in[end:]...)
		m.insert(r.IntN(len(m.input)+1), piece)
	case 8:
		if r.IntN(8) == 0 {
			m.input = in[:at]
		} else {
			in[at] += byte(r.IntN(3)) - 1
		}
	}
}

func (m *mutator) insert(at int, piece string) {
	rest := string(m.input[at:])
	m.input = append(append(m.input[:at], piece...), rest...)
}
