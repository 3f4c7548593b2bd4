package block

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/fault"
)

// Forms of integers, as package column writes them.
const (
	fixed  = 0
	packed = 3
)

// forgeable makes a block of the lines and gives it opened, and its payloads to be changed and finished anew by an encoder
// of the codec.
func forgeable(t *testing.T, codec Codec, lines ...string) (*encoding, *Block) {
	t.Helper()
	var texts [][]byte
	for _, line := range lines {
		texts = append(texts, []byte(line))
	}
	data, _ := build(t, texts).Encode(nil, Fast)
	blk, err := Open(data, 0)
	if err != nil {
		t.Fatal(err)
	}
	e := &encoding{Encoder: NewEncoder(codec)}
	for i := range blk.payloads {
		p, err := blk.payload(i)
		if err != nil {
			t.Fatal(err)
		}
		e.payloads = append(e.payloads, bytes.Clone(p))
	}
	return e, blk
}

// Columns whose checksums are right and whose content is not are refused when they are decoded.
func TestForgedColumns(t *testing.T) {
	for _, c := range []struct {
		name string
		kind kind
		n    int
		src  []byte
		want string
	}{
		{"a bool of 2", kindBool, 1, []byte{fixed, 4, 0}, "expected within 0 and 1"},
		{"no integers", kindInt, 1, nil, "the byte is missing"},
		{"form of integers", kindInt, 1, []byte{200}, "unknown form 200"},
		{"too many integers", kindInt, 1, []byte{fixed, 0, 1, 1, 2}, "1 bytes are left over"},
		{"form of decimals", kindDecimal, 1, []byte{2}, "unknown form 2"},
		{"scale", kindDecimal, 1, []byte{0, fixed, 38, 0, fixed, 0, 0}, "expected within 0 and 18"},
		{"no texts", kindString, 1, nil, "texts: the byte is missing"},
		{"form of texts", kindString, 1, []byte{99}, "unknown form 99"},
		{"texts too many", kindNumber, 1, []byte{0, fixed, 2, 0, 'a', 'b'}, "1 bytes are left over"},
	} {
		_, err := decodeColumn(c.src, c.kind, c.n, nil)
		if !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected … %s …", c.name, err, c.want)
		}
	}
}

// Payloads that contradict each other are refused when the block is opened.
func TestForgedBlocks(t *testing.T) {
	one := `{"@t":"2024-01-02T03:04:05.0000000Z","a":1}`
	// objects 1; columns 2: (0, time, @t), (0, int, a); shapes 1: rows 2, tokens 1, 3
	for _, c := range []struct {
		name  string
		rows  int
		forge func(e *encoding)
		want  string
	}{
		{"more rows than shapes say", 3, func(*encoding) {}, "the shapes cover 1 rows too few"},
		{"fewer rows", 1, func(*encoding) {}, "rows of a shape: 2 is over 1"},
		{"a row of a shape that is none", 2, func(e *encoding) { e.payloads[1] = []byte{fixed, 0, 1, 0, 1} }, "expected within 0 and"},
		{"a row of a negative shape", 2, func(e *encoding) { e.payloads[1] = []byte{fixed, 1, 0} }, "expected within 0 and"},
		{"a shape with other rows", 2, func(e *encoding) {
			s := &schema{objects: []object{{}}, columns: []columnDef{{kind: kindTime, name: "@t"}, {kind: kindInt, name: "a"}}}
			s.layouts = []*layout{{tokens: []token{1}}, {tokens: []token{1, 3}}}
			s.shapes = []shape{{rows: 1}, {rows: 1, number: 1}}
			e.payloads[0] = appendSchema(nil, s)
		}, "2 rows have shape 0, the schema says 1"},
		{"instants that descend", 2, func(e *encoding) { e.payloads[2] = []byte{fixed, 0, 1, 2, 1} }, "integer 1 is 1, less than 2 before it"},
		{"an arrival too many", 2, func(e *encoding) { e.payloads[3] = []byte{fixed, 0, 1, 5, 5, 5} }, "arrivals: decode block: 1 bytes are left over"},
		{"more values than so short a block has", 60_000, func(e *encoding) {
			s := &schema{objects: []object{{}}, columns: []columnDef{{kind: kindTime, name: "@t"}, {kind: kindInt, name: "a"}}}
			s.layouts = []*layout{{tokens: append([]token{1}, slices.Repeat([]token{3}, 100)...)}}
			s.shapes = []shape{{rows: 60_000}}
			e.payloads[0], e.payloads[1], e.payloads[2] = appendSchema(nil, s), []byte{fixed, 0, 0}, []byte{fixed, 0, 0}
		}, "the block announces over"},
		{"a column more than the schema has", 2, func(e *encoding) { e.payloads = append(e.payloads, nil) }, "the schema has 2 columns, the head 3"},
		{"no payloads", 0, func(e *encoding) { e.payloads = nil }, "the head announces 0 payloads"},
	} {
		e, _ := forgeable(t, Fast, one, one)
		c.forge(e)
		_, err := Open(e.finish(nil, c.rows), 0)
		if !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected … %s …", c.name, err, c.want)
		}
	}
	unforged, _ := forgeable(t, Fast, one, one)
	if _, err := Open(unforged.finish(nil, 2), 0); err != nil {
		t.Errorf("unforged: %v", err)
	}
}

// What is wrong with values that are decoded only when they are touched is told, by every way they are touched.
func TestForgedChunksAreReported(t *testing.T) {
	forge := func() *Block {
		e, _ := forgeable(t, Fast, `{"@t":"2024-01-02T03:04:05.0000000Z","a":1}`, `{"@t":"2024-01-02T03:04:05.0000000Z","a":7}`)
		e.payloads[payloadColumns+1] = []byte{packed, 2, 1, 2, 0b0011} // 3 of 2
		blk, err := Open(e.finish(nil, 2), 0)
		if err != nil {
			t.Fatal(err)
		}
		return blk
	}
	for name, read := range map[string]func(*Block) error{
		"AppendCLEF": func(b *Block) error { _, err := b.AppendCLEF(nil, 1); return err },
		"Value":      func(b *Block) error { _, err := b.Value(1); return err },
		"Lookup":     func(b *Block) error { _, err := b.Lookup(1, "a"); return err },
		"AppendRuns": func(b *Block) error { return NewBuilder(Limits{}).AppendRuns([]Run{{b, 0, 2}}) },
	} {
		blk := forge()
		for range 2 {
			if err := read(blk); !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), "3 at 0 is over 2") || name != "AppendRuns" && !strings.Contains(err.Error(), "column a (int)") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// What a block unpacks to is bounded by its length, also where honest data compress better than that.
func TestABlockIsNoTrap(t *testing.T) {
	var events [][]byte
	for i := range 200_000 {
		events = append(events, []byte(`{"@t":"2024-01-02T03:04:05.0000000Z","a":`+"10"[i&1:i&1+1]+`}`))
	}
	b := build(t, events)
	for _, codec := range []Codec{Fast, Thorough} {
		data, _ := b.Encode(nil, codec)
		if len(data) > 2000 {
			t.Errorf("codec %d: %d bytes", codec, len(data))
		}
		blk, err := Open(data, 0)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := blk.Lookup(199_999, "a"); err != nil || v.Text != "0" {
			t.Errorf("%v %v", v, err)
		}
		// Cut off the padding, with the header made right: too much for so few bytes.
		if data[len(data)-1] == 0 {
			short := bytes.TrimRight(data, "\x00")
			resum(short)
			if _, err := Open(short, 0); !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), "announces over") {
				t.Errorf("codec %d without its padding: %v", codec, err)
			}
		}
		padded := append(bytes.Clone(data), 0, 7, 0)
		resum(padded)
		if _, err := Open(padded, 0); !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), "not zero") {
			t.Errorf("codec %d with padding that is not zero: %v", codec, err)
		}
	}
}

// A section that unpacks to another size than the directory says is refused, and takes no more memory than that.
func TestForgedSections(t *testing.T) {
	raw := bytes.Repeat([]byte("abcdefgh"), 100)
	for _, codec := range []Codec{Fast, Thorough} {
		method, packed := pack(nil, raw, codec, true, 1)
		if got, err := unpack(method, packed, len(raw)); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("codec %d: %v", codec, err)
		}
		for _, size := range []int{0, 1, len(raw) - 1, len(raw) + 1, 10 * len(raw)} {
			if _, err := unpack(method, packed, size); !errors.Is(err, fault.Corrupt) {
				t.Errorf("codec %d, %d bytes: %v", codec, size, err)
			}
		}
		for n := range len(packed) {
			if got, err := unpack(method, packed[:n], len(raw)); !errors.Is(err, fault.Corrupt) {
				t.Errorf("codec %d cut to %d: %d bytes, %v", codec, n, len(got), err)
			}
		}
	}
	for _, method := range []byte{methodRaw, methods} {
		if _, err := unpack(method, raw, len(raw)+1); !errors.Is(err, fault.Corrupt) {
			t.Errorf("method %d: %v", method, err)
		}
	}
}

// What texts are made of is bounded by the block's length, though a column may have been compressed before.
func TestForgedTextsTakeNoMoreThanTheBlockAllows(t *testing.T) {
	e, _ := forgeable(t, Thorough, `{"@t":"2024-01-02T03:04:05.0000000Z","a":"b"}`)
	// One pattern without variables; its text is said to have 15,000,000 bytes.
	const patterns, values, pattern = 6, 12, 3900
	forged := binary.AppendUvarint([]byte{patterns, values}, 15_000_000)
	forged, _ = new(column.Encoder).Texts(append(forged, 1), column.Texts{Bytes: bytes.Repeat([]byte{'a'}, pattern), Ends: []uint32{pattern}}, nil)
	e.payloads[len(e.payloads)-1] = append(forged, 1)
	blk, err := Open(e.finish(nil, 1), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blk.Lookup(0, "a"); !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), "the block's texts take over") {
		t.Errorf("%v", err)
	}
}

// Load finds what is wrong with texts that are made when they are touched.
func TestLoadFindsWhatIsFoundLate(t *testing.T) {
	e, _ := forgeable(t, Fast, `{"@t":"2024-01-02T03:04:05.0000000Z","a":"b"}`)
	const packed, values = 2, 12
	e.payloads[len(e.payloads)-1] = []byte{packed, values, 5, fixed, 10, 0, 4, 'n', 'o', 'n', 'e'} // no zstd frame
	blk, err := Open(e.finish(nil, 1), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := blk.Load(); !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), "column a (string)") {
		t.Errorf("%v", err)
	}
}

// Codes that no value has may be any number where the codes' base is forged: nobody looks up what stands for them.
func TestForgedCodesThatNoValueHas(t *testing.T) {
	const rows, shift = 1100, 5
	lines := make([]string, rows)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"@t":"2024-01-02T03:04:05.0000000Z","a":"value %d"}`, i%3)
	}
	e, _ := forgeable(t, Fast, lines...)
	p := e.payloads[len(e.payloads)-1]
	codes := bytes.Index(p, []byte{fixed, 0, 1, 0, 1, 2, 0, 1, 2}) // form, base, width, codes
	if codes < 0 {
		t.Fatalf("no codes in % x", p[:40])
	}
	p[codes+1] = 2*shift - 1 // base -5
	for i := range rows {
		p[codes+3+i] += shift
	}
	blk, err := Open(e.finish(nil, rows), 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		if got, err := blk.AppendCLEF(nil, i); string(got) != line || err != nil {
			t.Fatalf("row %d: %s, %v", i, got, err)
		}
	}
}
