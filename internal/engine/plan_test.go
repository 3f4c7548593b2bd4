package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/manifest"
)

func at(second int) event.Key { return event.MakeKey(int64(second)*1e9, 0) }

// segments reads "from-to:MiB" each; their numbers are 1, 2, ….
func segments(t *testing.T, text string) (all []manifest.Segment) {
	for i, one := range strings.Fields(text) {
		var from, to, mib int
		if _, err := fmt.Sscanf(one, "%d-%d:%d", &from, &to, &mib); err != nil {
			t.Fatal(one, err)
		}
		all = append(all, manifest.Segment{Number: uint64(i + 1), MinKey: at(from), MaxKey: at(to), Bytes: int64(mib) << 20})
	}
	return all
}

func TestPlan(t *testing.T) {
	p := Options{}.withDefaults().policy()
	for _, c := range []struct{ name, segments, want string }{
		{"nothing", "", ""},
		{"one", "0-9:30", ""},
		{"in order, the edges overlap a little", "0-10:30 9-20:30 19-30:30 29-40:30 39-50:30", ""},
		{"four over one another", "0-10:30 2-12:30 4-14:30 5-15:30", "1 2 3 4"},
		{"of them three at a time", "0-10:30 2-12:30 4-14:30 11-15:30", ""},
		{"a large one among them stays", "0-99:400 2-12:30 4-14:30 5-15:30 6-16:30", "2 3 4 5"},
		{"a large one that they outweigh", "0-99:60 2-12:30 4-14:30 5-15:30 6-16:30", "1 2 3 4 5"},
		{"tiny ones count alike", "0-9:0 1-9:0 2-9:0 3-9:1", "1 2 3 4"},
		{"full ones are cut anew", "0-50:900 10-60:512 20-70:513 30-80:600", "1 2 3 4"},
		{"twelve neighbours", "0-1:30 2-3:30 4-5:30 6-7:30 8-9:30 10-11:30 12-13:30 14-15:30 16-17:30 18-19:30 20-21:30 22-23:30", "1 2 3 4 5 6 7 8 9 10 11 12"},
		{"eleven", "0-1:30 2-3:30 4-5:30 6-7:30 8-9:30 10-11:30 12-13:30 14-15:30 16-17:30 18-19:30 20-21:30", ""},
		{"twelve that one segment does not hold", "0-1:50 2-3:50 4-5:50 6-7:50 8-9:50 10-11:50 12-13:50 14-15:50 16-17:50 18-19:50 20-21:50 22-23:50", ""},
		{"neighbours of one that is much larger", "0-1:400 2-3:1 4-5:1 6-7:1 8-9:1 10-11:1 12-13:1 14-15:1 16-17:1 18-19:1 20-21:1 22-23:1 24-25:1", "2 3 4 5 6 7 8 9 10 11 12 13"},
	} {
		var got []string
		for _, s := range p.plan(segments(t, c.segments)) {
			got = append(got, fmt.Sprint(s.Number))
		}
		slices.Sort(got)
		want := strings.Fields(c.want)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: merged are %v, expected %v", c.name, got, want)
		}
	}
}

// depth is how many segments overlap where most do.
func depth(all []manifest.Segment) (most int) {
	for _, s := range all {
		n := 0
		for _, o := range all {
			if o.MinKey.Compare(s.MinKey) <= 0 && s.MinKey.Compare(o.MaxKey) <= 0 {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// Whatever arrives, merging ends; what is left is few, overlaps little, and no byte was written often.
func TestPlanBoundsWhatIsReadAndWritten(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name         string
		size, late   int // MiB of a sealed segment; seconds that it reaches back, at random
		write        float64
		most, deeper int
	}{
		{"in order", 30, 1, 1.1, 300, 3},
		{"in order, tiny", 0, 1, 2, 60, 3},
		{"late by a minute", 30, 60, 3.2, 400, 9},
		{"late by years", 30, 1 << 30, 13.5, 400, 16},
		{"late by years, tiny", 0, 1 << 30, 8, 60, 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			p := Options{}.withDefaults().policy()
			var all []manifest.Segment
			var sealed, merged int64
			number, deepest, most := uint64(0), 0, 0
			for now := 1 << 20; now < 1<<20+2000*10; now += 10 {
				number++
				size := int64(c.size) * mib
				if size == 0 {
					size = 20 << 10
				}
				sealed += max(size, p.smallBytes)
				all = append(all, manifest.Segment{Number: number, MinKey: at(now - rng.IntN(c.late)), MaxKey: at(now + 10 + rng.IntN(c.late)), Bytes: size})
				for rounds := 0; ; rounds++ {
					if rounds > 1000 {
						t.Fatal("merging does not end")
					}
					some := p.plan(all)
					if len(some) == 0 {
						break
					}
					// As rewrite does: as many as it takes, equally large, one behind the other.
					from, to, total := some[0].MinKey, some[0].MaxKey, int64(0)
					for _, s := range some {
						if s.MinKey.Compare(from) < 0 {
							from = s.MinKey
						}
						if s.MaxKey.Compare(to) > 0 {
							to = s.MaxKey
						}
						total += s.Bytes
						merged += max(s.Bytes, p.smallBytes)
					}
					all = slices.DeleteFunc(all, func(s manifest.Segment) bool {
						return slices.ContainsFunc(some, func(o manifest.Segment) bool { return o.Number == s.Number })
					})
					n := (total + p.segmentBytes - 1) / p.segmentBytes
					step := (to.Instant() - from.Instant()) / n
					for i := range n {
						number++
						all = append(all, manifest.Segment{
							Number: number, Bytes: total / n,
							MinKey: event.MakeKey(from.Instant()+i*step, 0), MaxKey: event.MakeKey(from.Instant()+(i+1)*step-1, 0),
						})
					}
				}
				deepest, most = max(deepest, depth(all)), max(most, len(all))
			}
			write := float64(sealed+merged) / float64(sealed)
			t.Logf("each byte is written %.2f times; at most %d segments, of which %d overlap", write, most, deepest)
			if write > 1+c.write || most > c.most || deepest > c.deeper {
				t.Errorf("expected at most %.2f, %d and %d", 1+c.write, c.most, c.deeper)
			}
		})
	}
}
