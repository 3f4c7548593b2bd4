package block

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func appendRow(b *Builder, src *Block, row int) error {
	return b.AppendRuns([]Run{{src, row, row + 1}})
}

// someRuns cuts a block into runs.
func someRuns(blk *Block) (runs []Run) {
	for from := 0; from < blk.Rows(); {
		to := from + 1 + rand.IntN(min(100, blk.Rows()-from))
		runs = append(runs, Run{blk, from, to})
		from = to
	}
	return runs
}

// Blocks that overlap in time, of many columns and shapes, texts new and old, and events that the schema has no room for: runs of any
// length, copied at once, give what rows copied one by one give.
func TestRunsOfBlocksInTurn(t *testing.T) {
	var events [][]byte
	for i := range 9000 {
		at := fmt.Sprintf(`"@t":"2024-01-02T03:%02d:%02d.%06dZ"`, i/60%60, i%60, rand.IntN(1e6))
		switch i % 7 {
		case 0:
			events = append(events, fmt.Appendf(nil, `{%s,"id":"%016x","n":%d,"new":"%d"}`, at, rand.Uint64(), rand.Int64()>>rand.IntN(60), i))
		case 1:
			events = append(events, fmt.Appendf(nil, `{%s,"id":"fixed","ok":%t,"d":%d.%d,"new":"%d"}`, at, i%2 == 0, i, rand.IntN(100), i%50))
		case 2:
			events = append(events, fmt.Appendf(nil, `{%s,"o":{"id":"%d","id":"%d","p%d":null},"n":1e%d}`, at, i%3, i%5, i%40, i))
		default:
			events = append(events, fmt.Appendf(nil, `{%s,"@mt":"Template %d","n":%d,"d":%d.50,"a":[%d]}`, at, i%20, i, i%9, i%4))
		}
	}
	want := expect(t, events, 0)
	var parts []*Block
	for from := 0; from < len(events); from += 4500 {
		// Every other event of its part of time, so that two blocks interleave.
		for parity := range 2 {
			b := NewBuilder(Limits{})
			var arrivals []uint64
			for i := from + parity; i < from+4500; i += 2 {
				if err := b.AddCLEF(events[i]); err != nil {
					t.Fatal(err)
				}
				arrivals = append(arrivals, uint64(i))
			}
			b.arrivals = arrivals
			data, base := b.Encode(nil, Fast)
			blk, err := Open(data, base)
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, blk)
		}
	}
	var runs []Run
	singly := NewBuilder(Limits{})
	for _, w := range want {
		for _, p := range parts {
			row := p.Search(w.key)
			if row == p.Rows() || p.Key(row) != w.key {
				continue
			}
			if err := appendRow(singly, p, row); err != nil {
				t.Fatal(err)
			}
			if n := len(runs); n > 0 && runs[n-1].Block == p && runs[n-1].To == row {
				runs[n-1].To++
			} else {
				runs = append(runs, Run{p, row, row + 1})
			}
		}
	}
	check(t, reopen(t, singly, Thorough, 0), want)
	b := NewBuilder(Limits{})
	for range 2 {
		if err := b.AppendRuns(runs); err != nil {
			t.Fatal(err)
		}
		check(t, reopen(t, b, Thorough, 0), want)
		b.Reset()
	}
	// With more sources than a builder knows at once, and a schema that has no room left.
	for i := range maxShapes - 10 {
		if err := b.AddCLEF(fmt.Appendf(nil, `{"@t":"2024-01-02T03:04:05Z","%d":1}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	b.instants, b.shapes, b.arrivals = b.instants[:0], b.shapes[:0], nil
	for _, c := range b.columns {
		c.reset()
	}
	if err := b.AppendRuns(runs); err != nil {
		t.Fatal(err)
	}
	check(t, reopen(t, b, Fast, 0), want)
}

// A builder forgets sources when there are too many, and what it has gathered with them is not lost.
func TestMoreSourcesThanABuilderKnows(t *testing.T) {
	events := manyEvents(3 * maxSources)
	want := expect(t, events, 0)
	var runs []Run
	for i, e := range events {
		runs = append(runs, Run{reopen(t, build(t, [][]byte{e}), Fast, uint64(i)), 0, 1})
	}
	b := NewBuilder(Limits{})
	if err := b.AppendRuns(runs); err != nil {
		t.Fatal(err)
	}
	check(t, reopen(t, b, Thorough, 0), want)
	if len(b.sources) > maxSources {
		t.Errorf("%d sources are known", len(b.sources))
	}
}
