package block

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/terse"
)

// seal seals events with arrival numbers from base on, as a segment's writer does, and opens the block.
func seal(t testing.TB, events [][]byte, base uint64) ([]byte, *Block) {
	t.Helper()
	given := reopen(t, build(t, events), Fast, base)
	b := NewBuilder(Limits{})
	if err := b.AppendRuns([]Run{{given, 0, given.Rows()}}); err != nil {
		t.Fatal(err)
	}
	data, from := NewEncoder(Thorough).Seal(nil, b)
	blk, err := Open(data, from)
	if err != nil {
		t.Fatal(err)
	}
	return data, blk
}

// tale puts together a told block.
func tale(rows int, arrivals []byte, size int, how uint64, code []byte) []byte {
	data := []byte{version, 0, 0, 0, 0, 0}
	data = append(binary.AppendUvarint(data, uint64(rows)), 0)
	data = append(appendTold(data, size, int(how), arrivals), code...)
	putChecksum(data)
	return data
}

func TestFewEventsAreTold(t *testing.T) {
	long := fmt.Appendf(nil, `{"@t":"2024-01-02T03:04:08.0000000Z","@mt":"long","Text":%q}`, strings.Repeat("what is said many times; ", 500))
	for name, c := range map[string]struct {
		events [][]byte
		how    uint64
	}{
		"one":  {smallEvents[:1], toldTersely},
		"few":  {smallEvents, toldTersely},
		"long": {append([][]byte{long}, smallEvents...), toldZstd},
	} {
		const base = 7<<40 + 5
		data, blk := seal(t, c.events, base)
		plain := len(encodeWith(t, c.events))
		if blk.told == nil || blk.told.how != c.how || len(data)*8 >= plain*7 {
			t.Errorf("%s: %d bytes, %+v; %d as columns", name, len(data), blk.told, plain)
		}
		want := expect(t, c.events, base)
		cursor := blk.Cursor()
		for i := 0; cursor.Next(); i++ {
			text, err := cursor.AppendCLEF(nil)
			if err != nil || cursor.Key() != want[i].key || string(text) != want[i].text {
				t.Errorf("%s: event %d is %s %s, %v, expected %s %s", name, i, cursor.Key(), text, err, want[i].key, want[i].text)
			}
		}
		if blk.Rows() != len(want) {
			t.Errorf("%s: %d rows of %d", name, blk.Rows(), len(want))
		}
		if l, _, err := Inspect(data, base); err != nil || len(l.Sections) != 1 || l.Sections[0].Stored != blk.told.code || l.Version != version || len(l.Columns) == 0 {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
}

func encodeWith(t testing.TB, events [][]byte) []byte {
	data, _ := build(t, events).Encode(nil, Thorough)
	return data
}

// Many events, and those of many bytes, are columns.
func TestManyEventsAreNotTold(t *testing.T) {
	for _, events := range [][][]byte{manyEvents(3000), {fmt.Appendf(nil, `{"@t":"2024-01-02T03:04:08Z","Text":%q}`, strings.Repeat("x", mostTold))}} {
		if _, blk := seal(t, events, 0); blk.told != nil {
			t.Errorf("%d events are told", len(events))
		}
	}
	if data, _ := NewEncoder(Thorough).Seal(nil, NewBuilder(Limits{})); len(data) == 0 {
		t.Error("an empty block is no block")
	}
}

// What is told gives back everything, however odd; so do late events, whose arrival numbers do not ascend.
func TestR6WhatIsToldIsLossless(t *testing.T) {
	odd := []string{
		`{"@t":"2024-01-02T03:04:05+02:00","a":1,"a":2,"@@m":"x","@timestamp":"y"}`,
		`{"@t":"1200-01-01T00:00:00Z","@t":"9999-01-01T00:00:00Z"}`,
		`{"@t":"2024-01-02T03:04:05Z","s":"\ud800\u0000\n\"\\/ é","n":[1e400,-0,0.10,123456789012345678901234567890]}`,
		`{"o":{"o":{"":{}}},"@t":"2024-01-02T03:04:05.1Z","":null}`,
	}
	for i, one := range odd {
		for _, other := range odd[i:] {
			events := [][]byte{[]byte(other), []byte(one)}
			_, blk := seal(t, events, 9)
			want := expect(t, events, 9)
			for row := range want {
				if text, err := blk.AppendCLEF(nil, row); err != nil || string(text) != want[row].text || blk.Key(row) != want[row].key {
					t.Errorf("%s, told %v: row %d is %s, %v, expected %s", events, blk.told != nil, row, text, err, want[row].text)
				}
			}
		}
	}
}

func TestForgedTales(t *testing.T) {
	const one, two = `{"@t":"2024-01-02T03:04:05Z"}`, `{"@t":"2024-01-02T03:04:06Z"}`
	tell := func(rows int, text string, arrivals ...byte) []byte {
		return tale(rows, arrivals, len(text), toldTersely, terse.Append(nil, []byte(text)))
	}
	if _, err := Open(tell(2, one+"\n"+two), 0); err != nil {
		t.Fatal(err)
	}
	if b, err := Open(tell(2, one+"\n"+two, fixed, 0, 1, 1, 0), 0); err != nil || b.Key(0) != event.MakeKey(b.Instant(0), 1) {
		t.Fatal(err)
	}
	zipped := toldWriter().EncodeAll([]byte(one), nil)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"fewer events":       {tell(3, one+"\n"+two), "the text has 2 events, the head says 3"},
		"more events":        {tell(1, one+"\n"+two), "the text has 2 events, the head says 1"},
		"no event":           {tell(1, "nothing"), "event 0 of the text"},
		"an empty line":      {tell(2, one+"\n\n"+two), "event 1 of the text"},
		"no order":           {tell(2, two+"\n"+one), "not in the order of their keys"},
		"no order of equals": {tell(2, one+"\n"+one, fixed, 0, 1, 1, 0), "not in the order of their keys"},
		"offsets from 1":     {tell(2, one+"\n"+two, fixed, 0, 1, 1, 2), "the least arrival offset is 1"},
		"an offset too many": {tell(1, one, fixed, 0, 1, 0, 2), "arrivals"},
		"arrivals too long":  {tale(1, nil, 0, 0, nil)[:prefixBytes+3], "checksum"},
		"a text too long":    {tale(1, nil, mostTold+1, toldZstd, zipped), "more than 65536"},
		"too long for terse": {tale(1, nil, terse.MaxText+1, toldTersely, nil), "the events' text"},
		"another length":     {tale(1, nil, len(one)+1, toldZstd, zipped), "the events' text"},
		"no zstd":            {tale(1, nil, len(one), toldZstd, []byte("no zstd")), "the events' text"},
	} {
		if _, err := Open(c.data, 0); !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected … %s …", name, err, c.want)
		}
	}
	// Sections are never none where the head has a length of its own.
	data := append([]byte{version, 0, 0, 0, 0, 3, 1, 0, 0}, tell(1, one)[prefixBytes+3:]...)
	putChecksum(data[:9])
	if _, err := Open(data, 0); !errors.Is(err, fault.Corrupt) {
		t.Error(err)
	}
}

func TestEveryFlippedBitOfATaleIsFound(t *testing.T) {
	data, _ := seal(t, smallEvents[:2], 0)
	for bit := range 8 * len(data) {
		bad := bytes.Clone(data)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := Open(bad, 0); !errors.Is(err, fault.Corrupt) {
			t.Fatalf("bit %d of byte %d of %d: %v", bit%8, bit/8, len(data), err)
		}
	}
}

// FuzzTold opens told blocks of any text: rows (1 byte), then bytes of the arrivals (1 byte) and these, then the text.
func FuzzTold(f *testing.F) {
	for _, n := range []int{1, 2, len(smallEvents)} {
		f.Add(append([]byte{byte(n), 0}, bytes.Join(smallEvents[:n], []byte{'\n'})...))
	}
	f.Add(append([]byte{2, 5, fixed, 0, 1, 1, 0}, smallEvents[0]...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2 || len(data) < 2+int(data[1]) || len(data) > mostTold {
			return
		}
		text := data[2+int(data[1]):]
		how, code := uint64(toldZstd), []byte(nil)
		if len(text) <= terse.MaxText && len(text)%8 == 0 {
			how, code = toldTersely, terse.Append(nil, text)
		} else {
			code = toldWriter().EncodeAll(text, nil)
		}
		openAny(t, tale(int(data[0]), data[2:2+int(data[1])], len(text), how, code))
	})
}
