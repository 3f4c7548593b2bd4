package block

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stelehq/stele/internal/fault"
)

func TestNumbersArePutAsTheyAreAppended(t *testing.T) {
	some := []int64{0, 1, -1, 9, 10, 11, 99, 100, 101, math.MaxInt64, math.MinInt64, math.MinInt64 + 1}
	for p := int64(1); p < 1e18; p *= 10 {
		some = append(some, p-1, p, p+1, -p, 1-p, -p-1)
	}
	for range 10_000 {
		some = append(some, int64(rand.Uint64()>>rand.IntN(64)), -int64(rand.Uint64()>>rand.IntN(64)>>1))
	}
	out := make([]byte, 64)
	for _, v := range some {
		if got, want := string(out[3:putInt(out, 3, v)]), strconv.FormatInt(v, 10); got != want {
			t.Errorf("%s, expected %s", got, want)
		}
		for scale := range uint8(maxDigits + 1) {
			if got, want := string(out[3:putDecimal(out, 3, v, scale)]), string(appendDecimal(nil, v, scale)); got != want {
				t.Errorf("%d at scale %d: %s, expected %s", v, scale, got, want)
			}
		}
	}
}

// Rows that are far from each other, near and side by side, one way and the other: texts are made alone or together.
func TestRowsInAnyOrder(t *testing.T) {
	var events [][]byte
	for i := range 9000 {
		events = append(events, fmt.Appendf(nil,
			`{"@t":"2024-01-02T03:%02d:%02d.%07dZ","@mt":"a {Span}","Level":"%c\"","Span":"%016x","Id":"%08x-0000-4000-8000-%012x","Path":"/api/%d/%s/items","Status":%d,"Took":%d.%03d,"Ok":%v,"Load":%d.5%s}`,
			i/60%60, i%60, i*1234%10_000_000, 'A'+i%3, rand.Uint64(), rand.Uint32(), i/5, i%700, []string{"carts", "orders"}[i%2], 200+i%4*100, i%90, i%1000, i%2 == 0, i%7,
			[]string{"", `,"Note":"` + strconv.Itoa(i*i) + ` \u0007"`, `,"O":{"Level":"x","Deep":{"N":null}}`}[i%3]))
	}
	want := expect(t, events, 0)
	for _, codec := range []Codec{Fast, Thorough} {
		blk := reopen(t, build(t, events), codec, 0)
		c := blk.Cursor()
		row := 0
		var text []byte
		for range 3000 {
			switch rand.IntN(4) {
			case 0:
				row = rand.IntN(len(want))
			case 1:
				row += rand.IntN(150) - 75
			default:
				step := 1 - 2*rand.IntN(2)
				for range rand.IntN(60) {
					if row += step; row < 0 || row >= len(want) {
						break
					}
					c.Seek(row)
					var err error
					if text, err = c.AppendCLEF(text[:0]); err != nil || string(text) != want[row].text || c.Key() != want[row].key {
						t.Fatalf("row %d: %v\n%s, expected\n%s", row, err, text, want[row].text)
					}
				}
			}
			row = max(0, min(row, len(want)-1))
			c.Seek(row)
			var err error
			if text, err = c.AppendCLEF(append(text[:0], "before"...)); err != nil || string(text) != "before"+want[row].text {
				t.Fatalf("row %d: %v\n%s, expected\n%s", row, err, text, want[row].text)
			}
		}
	}
}

func TestNoEventIsEndless(t *testing.T) {
	if _, err := grow(make([]byte, 100), 100, 0, mostText); !errors.Is(err, fault.Corrupt) {
		t.Errorf("an event grows over its bound: %v", err)
	}
	if out, err := grow(make([]byte, 100), 90, 80, 50); err != nil || len(out) < 140 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}
