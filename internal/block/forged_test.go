package block

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/fault"
)

// Forms of integers, as package column writes them.
const (
	fixed  = 0
	deltas = 1
)

// Columns whose checksums are right and whose content is not are refused when they are decoded.
func TestForgedColumns(t *testing.T) {
	for _, c := range []struct {
		name string
		kind kind
		n    int
		src  []byte
		want string
	}{
		{"bools missing", kindBool, 9, []byte{1}, "2 bytes are announced, 1 are left"},
		{"bools left over", kindBool, 3, []byte{8}, "bits are left over"},
		{"no integers", kindInt, 1, nil, "the byte is missing"},
		{"too many integers", kindInt, 1, []byte{fixed, 0, 1, 1, 2}, "1 bytes are left over"},
		{"scale", kindDecimal, 1, []byte{scalesSame, 19, fixed, 0, 0}, "a scale of 19"},
		{"scales", kindDecimal, 2, []byte{scalesEach, 1, 200, fixed, 0, 0}, "a scale of 200"},
		{"form of scales", kindDecimal, 1, []byte{2}, "unknown form 2"},
		{"form of texts", kindString, 1, []byte{2}, "unknown form 2"},
		{"texts too long", kindString, 2, []byte{textsPlain, fixed, 0, 1, 3, 4, 'a', 'b', 'c'}, "text 1 has 4 bytes, 0 are left"},
		{"texts too short", kindString, 2, []byte{textsPlain, fixed, 0, 1, 0, 1, 'a', 'b', 'c'}, "2 bytes are left over"},
		{"negative length", kindString, 2, []byte{textsPlain, fixed, 1, 1, 0, 3, 'a', 'b', 'c'}, "expected within 0 and"},
		{"texts of one length", kindString, 3, []byte{textsPlain, fixed, 4, 0, 'a', 'b', 'c', 'd', 'e'}, "5 bytes are not 3 times 2"},
		{"one negative length", kindString, 3, []byte{textsPlain, fixed, 1, 0}, "expected within 0 and"},
		{"code", kindString, 2, []byte{textsDictionary, 2, fixed, 0, 1, 0, 2, fixed, 2, 0, 'a', 'b'}, "expected within 0 and"},
		{"one code", kindString, 2, []byte{textsDictionary, 1, fixed, 2, 0, fixed, 2, 0, 'a'}, "expected within 0 and"},
		{"negative code", kindString, 1, []byte{textsDictionary, 1, fixed, 1, 0, fixed, 2, 0, 'a'}, "expected within 0 and"},
		{"huge dictionary", kindString, 1, []byte{textsDictionary, 0xff, 0xff, 0xff, 0xff, 0x0f, fixed, 0, 0, fixed, 0, 0}, "do not fit"},
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
	good := func(t *testing.T) *encoder {
		data, _ := build(t, [][]byte{[]byte(one), []byte(one)}).Encode(nil, Fast)
		blk, err := Open(data, 0)
		if err != nil {
			t.Fatal(err)
		}
		e := &encoder{}
		for i := range blk.payloads {
			p, err := blk.payload(i)
			if err != nil {
				t.Fatal(err)
			}
			e.payloads = append(e.payloads, bytes.Clone(p))
		}
		return e
	}
	// objects 1; columns 2: (0, time, @t), (0, int, a); shapes 1: rows 2, tokens 1, 3
	for _, c := range []struct {
		name  string
		rows  int
		forge func(e *encoder)
		want  string
	}{
		{"more rows than shapes say", 3, func(*encoder) {}, "the shapes cover 1 rows too few"},
		{"fewer rows", 1, func(*encoder) {}, "rows of a shape: 2 is over 1"},
		{"a row of a shape that is none", 2, func(e *encoder) { e.payloads[1] = []byte{fixed, 0, 1, 0, 1} }, "expected within 0 and"},
		{"a row of a negative shape", 2, func(e *encoder) { e.payloads[1] = []byte{fixed, 1, 0} }, "expected within 0 and"},
		{"a shape with other rows", 2, func(e *encoder) {
			s := &schema{objects: []object{{}}, columns: []columnDef{{kind: kindTime, name: "@t"}, {kind: kindInt, name: "a"}}}
			s.shapes = []shape{{rows: 1, tokens: []token{1}}, {rows: 1, tokens: []token{1, 3}}}
			e.payloads[0] = appendSchema(nil, s)
		}, "2 rows have shape 0, the schema says 1"},
		{"divisor 0", 2, func(e *encoder) { e.payloads[2] = []byte{0, 0, fixed, 0, 0} }, "instant 1 is out of range"},
		{"instants that run over", 2, func(e *encoder) { e.payloads[2] = []byte{200, 1, 0, fixed, 1, 0} }, "instant 1 is out of range"},
		{"instants that run over when multiplied", 2, func(e *encoder) { e.payloads[2] = new(column.Encoder).Fixed([]byte{4, 0}, []int64{1 << 62}) }, "instant 1 is out of range"},
		{"arrivals out of order", 2, func(e *encoder) {
			e.payloads[2] = []byte{1, 0, fixed, 0, 0}
			e.payloads[3] = []byte{fixed, 0, 1, 5, 5}
		}, "rows 0 and 1 are not in key order"},
		{"a column more than the schema has", 2, func(e *encoder) { e.payloads = append(e.payloads, nil) }, "the schema has 2 columns, the directory 3"},
		{"no payloads", 0, func(e *encoder) { e.payloads = nil }, "the directory announces 0 payloads"},
	} {
		e := good(t)
		c.forge(e)
		_, err := Open(e.finish(nil, c.rows), 0)
		if !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected … %s …", c.name, err, c.want)
		}
	}
	if _, err := Open(good(t).finish(nil, 2), 0); err != nil {
		t.Errorf("unforged: %v", err)
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
		method, packed := pack(raw, codec)
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
