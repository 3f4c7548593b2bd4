package block

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Builders that are used again and again, by those who fill them and by the one who joins them, give what was put in.
func TestBuildersAreJoinedAgainAndAgain(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	joined := NewBuilder(Limits{})
	parts := []*Builder{NewBuilder(Limits{}), NewBuilder(Limits{}), NewBuilder(Limits{})}
	for round := range 300 {
		var want []string
		joined.Reset()
		for _, p := range parts {
			p.Reset()
			for range rng.IntN(2 * fewRows) {
				line := fmt.Sprintf(`{"@t":"2026-11-20T10:00:00.0000000Z","n%d":%d`, rng.IntN(20), len(want))
				if rng.IntN(3) == 0 {
					line += fmt.Sprintf(`,"o":{"t":"text %d","b":true,"d":1.5%d,"l":[%d]}`, rng.IntN(3), rng.IntN(9), rng.IntN(9))
				}
				if rng.IntN(20) == 0 { // after some hundred of these, schemas start afresh
					for i := range 60 {
						line += fmt.Sprintf(`,"ever new %d %d":null`, round, i)
					}
				}
				line += "}"
				want = append(want, line)
				if err := p.AddCLEF([]byte(line)); err != nil {
					t.Fatal(err)
				}
			}
			joined.AppendBuilder(p)
		}
		data, _ := joined.Encode(nil, Fast)
		b, err := Open(data, 0)
		if err != nil {
			t.Fatal(err)
		}
		if b.Rows() != len(want) {
			t.Fatalf("round %d: %d rows, expected %d", round, b.Rows(), len(want))
		}
		for i := range want {
			got, err := b.AppendCLEF(nil, i)
			if err != nil || string(got) != want[i] {
				t.Fatalf("round %d, row %d: %s, %v\nexpected %s", round, i, got, err, want[i])
			}
		}
	}
	if joined.trie.resets == 0 || parts[0].trie.resets == 0 {
		t.Error("no schema started afresh: the test is too tame")
	}
}
