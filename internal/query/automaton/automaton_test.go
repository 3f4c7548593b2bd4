package automaton

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"testing"
)

// agree compares what a machine says of a text, read in pieces, with what package regexp says.
func agree(t *testing.T, re *regexp.Regexp, m *Machine, text string, cuts *rand.Rand) {
	t.Helper()
	at := uint8(0)
	settled := false
	for rest := text; rest != ""; {
		n := 1 + cuts.IntN(len(rest))
		at = m.Read(at, []byte(rest[:n]))
		rest = rest[n:]
		holds, known := m.Matches(at)
		if settled = settled || m.Settled(at); settled && known && holds != re.MatchString(text) {
			t.Fatalf("%s: after %q of %q it is settled that %v", re, text[:len(text)-len(rest)], text, holds)
		}
	}
	if holds, known := m.Matches(at); known && holds != re.MatchString(text) {
		t.Fatalf("%s matches %q: %v", re, text, holds)
	}
}

func TestMachinesSayWhatRegexpSays(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 9))
	var random func(depth int) string
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	random = func(depth int) string {
		if depth > 3 || r.IntN(3) == 0 {
			return pick("a", "b", "k", "ü", "ß", ".", "x?", "[a-c]", "[^a]", `\w`, `\b`, `\B`, "^", "$", `\A`, `\z`, "(?m:^)", "(?m:$)", "\n", "", `\pL`, "K", "�", "time")
		}
		switch r.IntN(6) {
		case 0:
			return random(depth+1) + "|" + random(depth+1)
		case 1:
			return "(?:" + random(depth+1) + ")" + pick("*", "+", "?", "{2}", "{1,3}", "*?")
		case 2:
			return "(?i:" + random(depth+1) + ")"
		case 3:
			return "(?s:" + random(depth+1) + ")"
		}
		return random(depth+1) + random(depth+1)
	}
	pieces := []string{"a", "b", "K", "k", "K", "ü", "Ü", "ß", " ", "\n", "\xed\xa0\x80", "\xff", "\xc3", "😀", "time", "out", "_", "\xf0\x9f", "x"}
	expressions := 300
	if os.Getenv("STELE_LONG") != "" {
		expressions = 100_000
	}
	for range expressions {
		expression := random(0)
		re, err := regexp.Compile(expression)
		if err != nil {
			continue
		}
		p, err := Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		m := p.Machine()
		for range 15 {
			text := ""
			for range r.IntN(8) {
				text += pieces[r.IntN(len(pieces))]
			}
			agree(t, re, m, text, r)
		}
		m.Free()
	}
}

func TestAMachineOfTooManyStatesSaysNothing(t *testing.T) {
	p, err := Compile(`(?s:a.{20}b)`)
	if err != nil {
		t.Fatal(err)
	}
	m := p.Machine()
	r := rand.New(rand.NewPCG(1, 1))
	at := uint8(0)
	for range 10000 {
		at = m.Read(at, []byte(fmt.Sprintf("%c", 'a'+rune(r.IntN(2)))))
		if at == accept {
			at = 0
		}
	}
	if _, known := m.Matches(m.Read(full, []byte("a"))); known || len(m.states) > mostStates {
		t.Errorf("%d states", len(m.states))
	}
	if _, err := Compile("("); err == nil {
		t.Error("no error")
	}
}

func FuzzMachine(f *testing.F) {
	f.Add("time.?out", "connection timed-out", uint64(1))
	f.Add(`(?i)\bK\b|^$`, "a \xed\xa0\x80 k", uint64(2))
	f.Fuzz(func(t *testing.T, expression, text string, seed uint64) {
		if len(expression) > 200 || len(text) > 2000 {
			return
		}
		re, err := regexp.Compile(expression)
		if err != nil {
			return
		}
		p, err := Compile(expression)
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		agree(t, re, p.Machine(), text, rand.New(rand.NewPCG(seed, 0)))
	})
}
