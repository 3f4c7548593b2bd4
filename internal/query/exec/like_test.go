package exec

import (
	"math/rand/v2"
	"testing"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/syntax"
)

// What a machine says of a text, `like` says of it: in characters, whatever their bytes.
func TestMachinesSayWhatLikeSays(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 9))
	some := func(n int, pieces ...string) (s string) {
		for range random.IntN(n) {
			s += pieces[random.IntN(len(pieces))]
		}
		return s
	}
	decided := 0
	for range 3000 {
		like := &syntax.Binary{Op: syntax.Like, CI: random.IntN(3) == 0, Left: &syntax.Property{Name: "A"},
			Right: &syntax.String{Value: some(7, "%", "_", "?", "__", "a", "B", "é", "K", ".", "\n", "\ufffd", "\xed\xa0\x80")}}
		if random.IntN(3) == 0 {
			like.Op = syntax.NotLike
		}
		f, err := Compile("", like)
		if err != nil {
			t.Fatal(err)
		}
		_, test, ok := textTestOf(like)
		if !ok {
			continue
		}
		m := test.Pattern.Machine()
		for range 20 {
			text := some(6, "a", "b", "É", "\u212a", ".", "\n", "x", "\ufffd", "\U0001F600", "\xed\xa0\x80", "\xed\xbf\xbf")
			at := uint8(0)
			for i := range len(text) { // in pieces
				at = m.Read(at, []byte(text[i:i+1]))
			}
			holds, known := m.Matches(at)
			if !known {
				continue
			}
			decided++
			if want := f.plan.Holds(event.StringValue(text)); (holds != test.Not) != want {
				t.Fatalf("%q %s: the machine says %v", text, syntax.Print(like), !want)
			}
		}
		m.Free()
	}
	if decided < 20_000 {
		t.Errorf("%d texts were decided", decided)
	}
}
