package block

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// FuzzAddCLEF holds AddCLEF against event.ParseValue: an event is accepted if and only if it is an object, has an
// @t, and every @t of it is a time; and then it comes back as it was.
func FuzzAddCLEF(f *testing.F) {
	for _, line := range smallEvents {
		f.Add(line)
	}
	for _, line := range []string{`{}`, `[]`, `{"@t":0}`, `{"@t":"2024-01-01","@t":"2025-01-01T00:00:00.0000000Z","":{}}`, `{ "a" : [ 1 , {"b":2} ] , "@t":"2024-01-01T00:00:00.0000000Z" }x`,
		`{"@t":"2016-02-30"}`, "{\"@t\":\"2024-01-01\",\"a\":\"\xff\"}", `{"a\u0062":"\ud800","@\u0074":"2024-01-01"}`} {
		f.Add([]byte(line))
	}
	b := NewBuilder(Limits{})
	f.Fuzz(func(t *testing.T, line []byte) {
		want := false
		if v, err := event.ParseValue(line); err == nil && v.Kind == event.Object {
			for _, m := range v.Members {
				if m.Name == "@t" {
					want = m.Value.Kind == event.String
					if _, _, err := event.ParseTime([]byte(m.Value.Text)); err != nil {
						want = false
					}
					if !want {
						break
					}
				}
			}
		}
		b.Reset()
		err := b.AddCLEF(line)
		if (err == nil) != want {
			t.Fatalf("accepted: %v, expected: %v (%v)", err == nil, want, err)
		}
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge {
				t.Fatalf("%v is of kind %v", err, k)
			}
			if b.Rows() != 0 {
				t.Fatal("a refused event was added")
			}
			return
		}
		compact, _, err := event.Compact(nil, line, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := b.Encode(nil, Fast)
		blk, err := Open(data, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := blk.AppendCLEF(nil, 0); err != nil || !bytes.Equal(got, compact) {
			t.Fatalf("came back as %s (%v), expected %s", got, err, compact)
		}
	})
}

func TestRefusals(t *testing.T) {
	deep := `{"@t":"2024-01-01","a":` + strings.Repeat(`{"a":`, event.MaxDepth) + `1` + strings.Repeat("}", event.MaxDepth) + "}"
	for _, c := range []struct {
		line, want string
		kind       fault.Kind
	}{
		{`{}`, "the event has no @t", fault.Invalid},
		{`{"a":{"@t":"2024-01-01"}}`, "the event has no @t", fault.Invalid},
		{`[]`, `byte 0: expected '{', found '['`, fault.Invalid},
		{``, `byte 0: expected '{', found the end`, fault.Invalid},
		{`{"@t":0}`, "byte 6: @t must be a string", fault.Invalid},
		{`{"@t":{}}`, "byte 6: @t must be a string", fault.Invalid},
		{`{"@t":null}`, "byte 6: @t must be a string", fault.Invalid},
		{`{"@t":"2016-02-30"}`, "byte 6: @t is no time", fault.Invalid},
		{`{"@t":"2024-01-01"} x`, "byte 20: expected the end, found 'x'", fault.Invalid},
		{`{"@t":"2024-01-01","a":1,}`, `byte 25: expected '"', found '}'`, fault.Invalid},
		{`{"@t":"2024-01-01","a"}`, `byte 22: expected ':', found '}'`, fault.Invalid},
		{`{"@t":"2024-01-01","a":}`, `byte 23: expected a value, found '}'`, fault.Invalid},
		{`{"@t":"2024-01-01" "a":1}`, `byte 19: expected ',' or '}', found '"'`, fault.Invalid},
		{`{"@t":"2024-01-01","a":1`, `byte 24: expected ',' or '}', found the end`, fault.Invalid},
		{`{"@t":"2024-01-01","a":tru}`, `byte 23: expected a value, found 't'`, fault.Invalid},
		{`{"@t":"2024-01-01","a":01}`, "byte", fault.Invalid},
		{`{"@t":"2024-01-01","a":-}`, "byte", fault.Invalid},
		{"{\"@t\":\"2024-01-01\",\"a\":\"\xff\"}", "byte 2", fault.Invalid},
		{"{\"@t\":\"2024-01-01\",\"a\":\"\x01\"}", "byte 2", fault.Invalid},
		{deep, "levels", fault.Invalid},
		{`{"@t":"2024-01-01","a":"` + strings.Repeat("x", 1000) + `"}`, "the event has 1026 bytes, over the limit of 1000", fault.TooLarge},
	} {
		b := NewBuilder(Limits{EventBytes: 1000})
		err := b.AddCLEF([]byte(c.line))
		if fault.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%.60s: %v, expected %v: … %s …", c.line, err, c.kind, c.want)
		}
	}
}

// A refused event leaves nothing behind, not even a member's name or a column.
func TestARefusedEventLeavesTheBuilderAsItWas(t *testing.T) {
	b := build(t, smallEvents)
	before, _ := b.Encode(nil, Fast)
	objects, columns, shapes, nodes, size := len(b.trie.objects), len(b.trie.columns), len(b.trie.shapes), b.trie.nodes, b.Size()
	full := `{"@t":"2024-01-02T03:04:05.1234567Z","@mt":"Hello {Name}","Name":"new","new":{"a":1,"b":{"c":[1],"d":"\u0041"}},"n":"text"}`
	for n := range len(full) {
		if err := b.AddCLEF([]byte(full[:n])); err == nil {
			t.Fatalf("%d bytes of an event were accepted", n)
		}
		if len(b.trie.objects) != objects || len(b.trie.columns) != columns || len(b.trie.shapes) != shapes || b.trie.nodes != nodes || b.Size() != size || b.Rows() != len(smallEvents) {
			t.Fatalf("%s left something behind", full[:n])
		}
	}
	if after, _ := b.Encode(nil, Fast); !bytes.Equal(before, after) {
		t.Fatal("the block differs")
	}
	if err := b.AddCLEF([]byte(full)); err != nil {
		t.Fatal(err)
	}
	check(t, reopen(t, b, Fast, 9), expect(t, append(smallEvents[:len(smallEvents):len(smallEvents)], []byte(full)), 9))
}

// Ever new members don't exhaust the schema: events beyond the bounds are kept whole and read like the others.
func TestEventsBeyondTheSchemasBoundsAreKeptWhole(t *testing.T) {
	var wide bytes.Buffer
	wide.WriteString(`{"@t":"2024-01-01T00:00:00Z"`)
	for i := range maxMembers {
		fmt.Fprintf(&wide, `, "m%d": %d`, i, i)
	}
	wide.WriteString("}")
	events := [][]byte{wide.Bytes()}
	for i := range 6000 {
		events = append(events, fmt.Appendf(nil, `{"@t":"2024-01-01T00:00:%02dZ","k%d":{"v":%d,"@t":1},"c":"x\u0041"}`, i%60, i, i))
	}
	b := build(t, events)
	if n := len(b.trie.columns); n > maxColumns+1 {
		t.Fatalf("%d columns", n)
	}
	want := expect(t, events, 3)
	blk := reopen(t, b, Fast, 3)
	check(t, blk, want)
	whole := 0
	for _, sh := range blk.schema.shapes {
		if blk.schema.isEvent(&sh) {
			whole += sh.rows
		}
	}
	if v, err := blk.Lookup(0, "m511"); err != nil || v.Text != "511" || !blk.schema.isEvent(&blk.schema.shapes[blk.shapes.At(0)]) {
		t.Fatalf("the event of over %d members: %v %v", maxMembers, v, err)
	}
	if whole < 1000 {
		t.Fatalf("%d events were kept whole", whole)
	}
	// A full schema takes what comes from another one all the same.
	other := build(t, smallEvents)
	for range 3 {
		b.AppendBuilder(other)
		events = append(events, smallEvents...)
	}
	merged := NewBuilder(Limits{})
	merged.AppendBuilder(b)
	check(t, reopen(t, merged, Fast, 3), expect(t, events, 3))
	again := build(t, events[1:4500])
	src := reopen(t, build(t, events[4500:]), Fast, 5000)
	for row := range src.Rows() {
		if err := appendRow(again, src, row); err != nil {
			t.Fatal(err)
		}
	}
	for i, w := range expect(t, events[4500:], 5000) {
		at := reopenCached(t, again).Search(w.key)
		if text, err := reopenCached(t, again).AppendCLEF(nil, at); err != nil || string(text) != w.text {
			t.Fatalf("event %d: %s %v, expected %s", i, text, err, w.text)
		}
	}
	// After a reset, a schema of new names is forgotten.
	b.Reset()
	if err := b.AddCLEF(smallEvents[0]); err != nil || len(b.trie.columns) > 20 {
		t.Fatalf("%v, %d columns", err, len(b.trie.columns))
	}
}

var reopened = map[*Builder]*Block{}

func reopenCached(t *testing.T, b *Builder) *Block {
	if reopened[b] == nil {
		reopened[b] = reopen(t, b, Fast, 0)
	}
	return reopened[b]
}

// The last @t counts for the key, and all are kept.
func TestR3SeveralTimes(t *testing.T) {
	b := NewBuilder(Limits{})
	line := `{"@t":"2024-01-01T00:00:00.0000000Z","a":1,"@t":"2025-06-01T12:00:00.0000000Z"}`
	if err := b.AddCLEF([]byte(line)); err != nil {
		t.Fatal(err)
	}
	blk := reopen(t, b, Fast, 1)
	if got := string(event.AppendTime(nil, blk.Instant(0))); got != "2025-06-01T12:00:00.0000000Z" {
		t.Errorf("the key has %s", got)
	}
	if got, err := blk.AppendCLEF(nil, 0); err != nil || string(got) != line {
		t.Errorf("%s %v", got, err)
	}
	v, err := blk.Lookup(0, "@t")
	if err != nil || v.Text != "2025-06-01T12:00:00.0000000Z" {
		t.Errorf("%v %v", v, err)
	}
}

// The deepest nesting that is accepted is the one that package event accepts.
func TestNestingEndsWhereJSONsDoes(t *testing.T) {
	for depth := event.MaxDepth - 3; depth <= event.MaxDepth+2; depth++ {
		for _, brackets := range []string{"{}", "[]"} {
			open := brackets[:1]
			if open == "{" {
				open = `{"a":`
			}
			line := `{"@t":"2024-01-01","a":` + strings.Repeat(open, depth) + "0" + strings.Repeat(brackets[1:], depth) + "}"
			_, want := event.ParseValue([]byte(line))
			err := NewBuilder(Limits{}).AddCLEF([]byte(line))
			if (err == nil) != (want == nil) {
				t.Errorf("%d levels of %s: %v, expected %v", depth, brackets, err, want)
			}
			b := NewBuilder(Limits{})
			b.Begin(0, nil)
			b.JSON("a", []byte(line[len(`{"@t":"2024-01-01","a":`):len(line)-1]))
			if err := b.End(); (err == nil) != (want == nil) {
				t.Errorf("%d levels of %s as typed JSON: %v, expected %v", depth, brackets, err, want)
			}
		}
	}
}

// A byte that cannot stand in a string is found wherever it stands, among bytes read eight at a time and behind them.
func TestStringsAreReadStrictlyAtEveryPosition(t *testing.T) {
	for length := range 30 {
		for at := range length + 1 {
			for _, bad := range []string{"\xff", "\xc3", "\xed\xa0\x80", "\x00", "\x1f", "\n", "\\", "\\q", "\\u12", "é", "\u2028", "😀", "\\n", "\\ud800"} {
				line := `{"@t":"2024-01-01","a":"` + strings.Repeat("x", at) + bad + strings.Repeat("y", length-at) + `"}`
				_, want := event.ParseValue([]byte(line))
				if err := NewBuilder(Limits{}).AddCLEF([]byte(line)); (err == nil) != (want == nil) {
					t.Fatalf("%q: %v, expected %v", line, err, want)
				}
			}
		}
	}
}
