package block

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stelehq/stele/internal/event"
)

// A fresh block is read by several goroutines at once, so that every lazy part is made under contention.
func TestABlockServesManyReaders(t *testing.T) {
	events := append(manyEvents(700), smallEvents...)
	want := expect(t, events, 50)
	for range 5 {
		blk := reopen(t, build(t, events), Thorough, 50)
		var readers sync.WaitGroup
		for seed := range uint64(6) {
			readers.Go(func() {
				random := rand.New(rand.NewPCG(seed, 1))
				c := blk.Cursor()
				for range 300 {
					row := random.IntN(len(want))
					if text, err := blk.AppendCLEF(nil, row); err != nil || string(text) != want[row].text {
						t.Errorf("row %d: %s %v", row, text, err)
						return
					}
					c.Seek(row)
					if text, err := c.AppendCLEF(nil); err != nil || string(text) != want[row].text {
						t.Errorf("row %d by cursor: %s %v", row, text, err)
						return
					}
					v, err := event.ParseValue([]byte(want[row].text))
					if err != nil {
						t.Error(err)
						return
					}
					for _, name := range []string{"N", "@l", "Id", "o"} {
						if got, err := blk.Lookup(row, name); err != nil || string(got.AppendJSON(nil)) != string(v.Get(name).AppendJSON(nil)) {
							t.Errorf("row %d, %s: %v %v", row, name, got, err)
							return
						}
					}
					blk.MemSize()
				}
			})
		}
		readers.Wait()
	}
}

// The journal numbers fresh rows; rows that were copied from blocks keep their numbers, and those after them go on from there.
func TestArrivalNumbers(t *testing.T) {
	src := reopen(t, build(t, smallEvents), Fast, 1000)
	b := NewBuilder(Limits{})
	for row := range src.Rows() {
		if err := appendRow(b, src, row); err != nil {
			t.Fatal(err)
		}
	}
	data, base := b.Encode(nil, Fast)
	if base != 1000 {
		t.Errorf("the base is %d", base)
	}
	blk, err := Open(data, base)
	if err != nil || blk.MinArrival() != 1000 || blk.MaxArrival() != 1000+uint64(len(smallEvents))-1 {
		t.Errorf("%v: %d to %d", err, blk.MinArrival(), blk.MaxArrival())
	}
	// Holes, as merging leaves them.
	b.Reset()
	for _, row := range []int{0, 2, 4} {
		if err := appendRow(b, src, row); err != nil {
			t.Fatal(err)
		}
	}
	other := NewBuilder(Limits{})
	other.AppendBuilder(b)
	blk = reopen(t, other, Thorough, 0)
	for i, row := range []int{0, 2, 4} {
		if blk.Key(i) != src.Key(row) {
			t.Errorf("row %d has key %v, expected %v", i, blk.Key(i), src.Key(row))
		}
	}
	if _, err := Open(data, ^uint64(0)-2); err == nil {
		t.Error("arrival numbers run over unnoticed")
	}
	if err := appendRow(b, src, 99); err == nil {
		t.Error("a row that is none was copied")
	}
	if err := appendRow(b, src, -1); err == nil {
		t.Error("a row that is none was copied")
	}
	if _, err := src.AppendCLEF(nil, 99); err == nil {
		t.Error("a row that is none was read")
	}
}

// Blocks with very many columns keep fewer places; rows are found all the same.
func TestPlacesFarApart(t *testing.T) {
	if got := placesEvery(1<<20, 4096); got <= placeRows || (1<<20)/got*4096 > mostPlaces {
		t.Errorf("every %d rows", got)
	}
	events := append(manyEvents(3000), smallEvents...)
	want := expect(t, events, 0)
	for _, every := range []int{128, 1024, 1 << 20} {
		blk := reopen(t, build(t, events), Fast, 0)
		blk.places.every = every
		for _, row := range []int{2900, 10, 1500, 1023, 1024, 1025, 0, len(want) - 1, 2047} {
			if text, err := blk.AppendCLEF(nil, row); err != nil || string(text) != want[row].text {
				t.Errorf("every %d, row %d: %s %v", every, row, text, err)
			}
		}
	}
}

// Merging takes rows from several blocks in turn, as their keys come.
func TestMergingBlocksInTurn(t *testing.T) {
	events := append(manyEvents(600), smallEvents...)
	want := expect(t, events, 0)
	var parts []*Block
	for _, bounds := range [][2]int{{0, 200}, {200, 400}, {400, len(events)}} {
		parts = append(parts, reopen(t, build(t, events[bounds[0]:bounds[1]]), Fast, uint64(bounds[0])))
	}
	b := NewBuilder(Limits{})
	for _, w := range want {
		for _, p := range parts {
			if row := p.Search(w.key); row < p.Rows() && p.Key(row) == w.key {
				if err := appendRow(b, p, row); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	check(t, reopen(t, b, Thorough, 0), want)
	if len(b.sources) != len(parts) {
		t.Errorf("%d sources are known of %d", len(b.sources), len(parts))
	}
}
