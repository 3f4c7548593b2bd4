package block

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

var smallEvents = [][]byte{
	[]byte(`{"@t":"2024-01-02T03:04:05.1234567Z","@mt":"Hello {Name}","Name":"w\u00f6rld","n":1,"ok":true,"o":{"x":null,"y":[1,2]}}`),
	[]byte(`{"@t":"2024-01-02T03:04:06.1234567Z","@mt":"Hello {Name}","Name":"\"x\"","n":-7,"ok":false,"o":{"x":null,"y":[]}}`),
	[]byte(`{"@t":"2024-01-02T03:04:05Z","@l":"Error","d":1.50,"e":1e400,"d2":12.25}`),
	[]byte(`{"@t":"2024-01-02T03:04:05Z","@l":"Error","d":1.5,"e":-0,"d2":0.75,"o":{"o":{}}}`),
	[]byte(`{"@t":"2024-01-02T03:04:07Z","@l":"Error","n":100000,"n":5}`),
}

// manyEvents fill columns large enough for sections of their own.
func manyEvents(n int) (events [][]byte) {
	for i := range n {
		events = append(events, fmt.Appendf(nil, `{"@t":"2024-01-02T03:%02d:%02d.%07dZ","Id":"%x-%x","Elapsed":%d.%d,"N":%d}`, i/60%60, i%60, i*7919%10000000, i*2654435761, i*40503, i*7919%1000, i%97+1, i*i*7919))
	}
	return events
}

// readAll reads a block by every way there is. Blocks of any size take bounded time.
func readAll(blk *Block) (texts []string, err error) {
	const most = 300
	c := blk.Cursor()
	for c.Next() && c.Row() < most {
		text, err := c.AppendCLEF(nil)
		if err != nil {
			return nil, err
		}
		if _, err = c.Value(); err != nil {
			return nil, err
		}
		texts = append(texts, blk.Key(c.Row()).String()+string(text))
	}
	c = blk.CursorAt(blk.Rows())
	for n := 0; n < most && c.Prev(); n++ {
		if _, err := c.AppendCLEF(nil); err != nil {
			return nil, err
		}
	}
	for _, row := range []int{0, 1, blk.Rows() / 2, blk.Rows() - 1} {
		if row < blk.Rows() && row >= 0 {
			for _, path := range [][]string{{"@l"}, {"o", "x"}, {"o"}, {}} {
				if _, err := blk.Lookup(row, path...); err != nil {
					return nil, err
				}
			}
			blk.Search(blk.Key(row))
		}
	}
	blk.Describe()
	blk.MemSize()
	return texts, nil
}

// checkDamaged opens a block that has been damaged: it must say so, or still hold the same.
func checkDamaged(t *testing.T, data []byte, want []string, what string) {
	t.Helper()
	blk, err := Open(data, 0)
	if err == nil {
		var got []string
		if got, err = readAll(blk); err == nil {
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Fatalf("%s: the block opens and holds other events", what)
			}
			return
		}
	}
	if fault.KindOf(err) != fault.Corrupt {
		t.Fatalf("%s: %v, which is not Corrupt", what, err)
	}
}

func TestEveryFlippedBitOfABlockIsFound(t *testing.T) {
	for _, codec := range []Codec{Fast, Thorough} {
		data, _ := build(t, smallEvents).Encode(nil, codec)
		blk, err := Open(data, 0)
		if err != nil {
			t.Fatal(err)
		}
		want, err := readAll(blk)
		if err != nil {
			t.Fatal(err)
		}
		for bit := range 8 * len(data) {
			bad := bytes.Clone(data)
			bad[bit/8] ^= 1 << (bit % 8)
			checkDamaged(t, bad, want, fmt.Sprintf("bit %d of byte %d of %d", bit%8, bit/8, len(data)))
		}
		for n := range len(data) {
			if _, err := Open(data[:n:n], 0); !errors.Is(err, fault.Corrupt) {
				t.Fatalf("cut to %d of %d bytes: %v", n, len(data), err)
			}
		}
		if _, err := Open(append(bytes.Clone(data), 0), 0); !errors.Is(err, fault.Corrupt) {
			t.Fatalf("with a byte more: %v", err)
		}
	}
}

func TestDamageNamesTheColumn(t *testing.T) {
	events := manyEvents(3000)
	data, _ := build(t, events).Encode(nil, Fast)
	blk, err := Open(data, 0)
	if err != nil {
		t.Fatal(err)
	}
	at := len(data)
	for i := range blk.sections {
		at -= len(blk.sections[i].stored)
	}
	named := 0
	for i := range blk.sections {
		if len(blk.sections[i].stored) == 0 {
			continue
		}
		bad := bytes.Clone(data)
		bad[at+len(blk.sections[i].stored)/2] ^= 0x10
		at += len(blk.sections[i].stored)
		_, err := Open(bad, 0)
		if !errors.Is(err, fault.Corrupt) {
			t.Fatalf("section %d: %v", i, err)
		}
		for _, column := range []string{"column Id (string)", "column Elapsed (decimal)", "column N (int)"} {
			if strings.Contains(err.Error(), column) {
				named++
			}
		}
	}
	if named != 3 {
		t.Fatalf("damage was blamed on %d columns of 3", named)
	}
}

// Damage to the head is found by its own checksum, before anything in it is believed; in a block of one section any damage is.
func TestDamageToTheHeadIsNamed(t *testing.T) {
	for _, events := range [][][]byte{smallEvents, manyEvents(3000)} {
		data, _ := build(t, events).Encode(nil, Fast)
		blk, err := Open(data, 0)
		if err != nil {
			t.Fatal(err)
		}
		end := len(data)
		if len(blk.sections) > 1 {
			for i := range blk.sections {
				end -= len(blk.sections[i].stored)
			}
		}
		for at := range end {
			bad := bytes.Clone(data)
			bad[at] ^= 4
			if _, err := Open(bad, 0); !errors.Is(err, fault.Corrupt) || at != prefixBytes && !strings.Contains(err.Error(), "the checksum") {
				t.Fatalf("byte %d: %v", at, err)
			}
		}
	}
}

func TestR18OtherVersionsAreRefusedByName(t *testing.T) {
	data, _ := build(t, smallEvents).Encode(nil, Fast)
	data[0] = 9
	putChecksum(data)
	old := []byte("STLB\x04 and what a block of version 4 has besides")
	for want, data := range map[string][]byte{"version 9": data, "version 4": old} {
		if _, err := Open(data, 0); !errors.Is(err, fault.Unsupported) || !strings.Contains(err.Error(), want) {
			t.Fatalf("%s: %v", want, err)
		}
	}
}

// resum makes the checksums of a damaged block right, as far as its head can be read, so that what stands behind them is reached.
func resum(data []byte) {
	if len(data) < prefixBytes {
		return
	}
	data[0] = version
	d := column.Decoder{Src: data[prefixBytes:]}
	size := d.Uvarint("")
	if size == 0 || size > uint64(len(d.Src)) {
		putChecksum(data)
		return
	}
	end := uint64(len(data)-len(d.Src)) + size
	stored := data[end:]
	d.Src = d.Src[:size]
	d.Uvarint("")
	for n := d.Count("", 7); n > 0 && d.Err() == nil; n-- {
		d.Byte("")
		d.Uvarint("")
		length := d.Uvarint("")
		sum := d.Bytes("", checksumBytes)
		if d.Err() != nil || length > uint64(len(stored)) {
			break
		}
		binary.LittleEndian.PutUint32(sum, crc32.Checksum(stored[:length], castagnoli))
		stored = stored[length:]
	}
	putChecksum(data[:end])
}

// FuzzOpen opens arbitrary bytes, as they are and with their checksums made right.
func FuzzOpen(f *testing.F) {
	for _, codec := range []Codec{Fast, Thorough} {
		data, _ := NewBuilder(Limits{}).Encode(nil, codec)
		f.Add(data)
		data, _ = build(f, smallEvents).Encode(nil, codec)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		openAny(t, bytes.Clone(data))
		resum(data)
		openAny(t, data)
	})
}

// FuzzPayloads opens blocks whose payloads are arbitrary: rows (2 bytes), then each payload behind its length.
func FuzzPayloads(f *testing.F) {
	add := func(events [][]byte, codec Codec) {
		data, _ := build(f, events).Encode(nil, codec)
		blk, err := Open(data, 0)
		if err != nil {
			f.Fatal(err)
		}
		seed := []byte{byte(blk.Rows()), byte(blk.Rows() >> 8)}
		for i := range blk.payloads {
			p, err := blk.payload(i)
			if err != nil {
				f.Fatal(err)
			}
			seed = append(binary.AppendUvarint(seed, uint64(len(p))), p...)
		}
		f.Add(seed)
	}
	for _, codec := range []Codec{Fast, Thorough} {
		add(smallEvents, codec)
		add(smallEvents[:1], codec)
		add(append(manyEvents(40), smallEvents...), codec)
	}
	add(append(tellingEvents(40), smallEvents...), Thorough)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2 {
			return
		}
		rows := int(data[0]) | int(data[1])<<8
		e := encoding{Encoder: NewEncoder(Fast)}
		d := column.Decoder{Src: data[2:]}
		for len(d.Src) > 0 {
			p := d.Bytes("", d.Uvarint(""))
			if d.Err() != nil {
				break
			}
			e.payloads = append(e.payloads, p)
		}
		openAny(t, e.finish(nil, rows))
	})
}

// openAny opens data, reads and copies what it holds. Nothing may panic, and errors have their kind.
func openAny(t *testing.T, data []byte) {
	blk, err := Open(data, 1<<40)
	if err == nil {
		_, err = readAll(blk)
	}
	if err != nil {
		if k := fault.KindOf(err); k != fault.Corrupt && k != fault.Unsupported {
			t.Fatalf("%v is of kind %v", err, k)
		}
		return
	}
	for c := range blk.schema.columns[:min(len(blk.schema.columns), 20)] {
		holds := func(v event.Value) bool { return v.Kind == event.String || v.Text > "5" }
		test := &Test{Path: []string{blk.schema.columns[c].name}, Holds: holds}
		selected, left, err := blk.Test(test)
		if err != nil {
			t.Fatalf("a block that can be read whole fails a test: %v", err)
		}
		for row := range min(blk.Rows(), 200) {
			if v, err := blk.Lookup(row, test.Path...); err == nil && !left.Has(row) && selected.Has(row) != holds(v) {
				t.Fatalf("row %d has %+v at %q, its bit is %v", row, v, test.Path, selected.Has(row))
			}
		}
	}
	b := NewBuilder(Limits{})
	rows := min(blk.Rows(), 200)
	for row := range rows {
		if err := appendRow(b, blk, row); err != nil {
			t.Fatal(err)
		}
	}
	for _, codec := range []Codec{Fast, Thorough} {
		copied, base := b.Encode(nil, codec)
		again, err := Open(copied, base)
		if err != nil {
			t.Fatalf("a copy does not open: %v", err)
		}
		for row := range rows {
			text, err := blk.AppendCLEF(nil, row)
			if err != nil {
				t.Fatal(err)
			}
			// Arrival numbers in another order than the keys' can only be had by forging checksums; a copy has its rows in order.
			if again.Key(row) != blk.Key(row) {
				break
			}
			// Texts that are no JSON can only be had by forging checksums; the others must survive.
			if compact, _, err := event.Compact(nil, text, 0, 0); err != nil || !bytes.Equal(compact, text) {
				continue
			}
			if got, err := again.AppendCLEF(nil, row); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("row %d was copied as %s (%v), not %s", row, got, err, text)
			}
		}
	}
}
