package block

import (
	"math/rand/v2"
	"testing"
)

// targetByNames follows a path through the tokens of one shape, name by name.
func targetByNames(s *schema, sh *shape, path []string) target {
	if s.isEvent(sh) {
		return target{found: targetWhole, column: sh.tokens[0].id()}
	}
	t, leaf := objectTarget(0, len(sh.tokens)), 0
	for _, name := range path {
		if t.found != targetObject {
			return target{}
		}
		inside, end := t.tokens()
		t = target{}
		for i := inside; i < end; i++ {
			tok := sh.tokens[i]
			if tok.isLeaf() {
				if s.columns[tok.id()].name == name {
					t, leaf = target{found: targetLeaf, column: tok.id()}, i
				}
				continue
			}
			start := i + 1
			i = s.endOf(sh.tokens, i)
			if s.objects[tok.id()].name == name {
				t = objectTarget(start, i)
			}
		}
	}
	if t.found == targetLeaf {
		t.nth = s.nth(sh, leaf)
	}
	return t
}

func TestPathsLeadWhereNamesDo(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	found := map[targetKind]int{}
	for range 12 {
		events := variedEvents(r, 1500)
		for range 40 { // members and objects of one name, in any order
			e := `{"@t":"2024-01-01T00:00:00Z"`
			for range r.IntN(6) {
				e += "," + [...]string{`"B":1`, `"B":{"C":2}`, `"B":{"C":{"D":3}}`, `"B":{"C":{"D":3},"C":"x"}`, `"C":{"B":{"C":1}}`, `"B":{"B":{"B":1}}`, `"":{"":0}`}[r.IntN(7)]
			}
			events = append(events, []byte(e+"}"))
		}
		b := reopen(t, build(t, events), Thorough, 0)
		names := []string{"@t", "@mt", "A", "N", "B", "C", "D", "Id", "ok", "A.B", "B.C", "m7", "", "nowhere"}
		for range 200 {
			path := make([]string, r.IntN(4))
			for i := range path {
				path[i] = names[r.IntN(len(names))]
			}
			f := b.Field(path...)
			for i := range b.schema.shapes {
				want := targetByNames(b.schema, &b.schema.shapes[i], path)
				if at := f.at(i); at != want {
					t.Fatalf("seed %d: %q leads to %v in shape %d, expected %v", seed, path, at, i, want)
				}
				found[want.found]++
			}
		}
	}
	for kind := targetNone; kind <= targetWhole; kind++ {
		if found[kind] == 0 {
			t.Errorf("seed %d: no path led to a target of kind %d", seed, kind)
		}
	}
}
