package block

import (
	"fmt"
	"strings"
	"testing"
)

// A column that gave up its dictionary does without for some batches, then tries again.
func TestDictionariesGivenUpComeBack(t *testing.T) {
	b := NewBuilder(Limits{})
	add := func(n int, id func(i int) string) *gathered {
		t.Helper()
		for i := range n {
			if err := b.AddCLEF(fmt.Appendf(nil, `{"@t":"2024-01-02T03:04:05.0000000Z","id":%q}`, id(i))); err != nil {
				t.Fatal(err)
			}
		}
		return b.columns[b.trie.columnIDs[columnDef{kind: kindString, name: "id"}]]
	}
	fresh := func(i int) string { return fmt.Sprintf("id %d", i) }
	if c := add(tryBefore, fresh); c.plain {
		t.Fatalf("%d texts were too many for a dictionary", tryBefore)
	}
	if c := add(1, func(int) string { return "one more" }); !c.plain {
		t.Fatal("the dictionary of texts that are all new was kept")
	}
	same := func(int) string { return "same" }
	for batch := range hopelessFor + 1 {
		b.Reset()
		if c := add(20, same); c.plain != (batch < hopelessFor) {
			t.Fatalf("batch %d after one of new texts is plain: %t", batch, c.plain)
		}
		if c := add(0, nil); c.len(kindString) != 20 || string(c.textAt(19)) != "same" {
			t.Fatalf("batch %d has %d texts, the last one %q", batch, c.len(kindString), c.textAt(19))
		}
	}
}

// Texts of all lengths that differ in one byte, or are one a part of the other, are told apart.
func TestInternedTextsAreToldApart(t *testing.T) {
	var c gathered
	s := newSeed()
	codes := map[string]uint32{}
	for n := range 40 {
		texts := []string{strings.Repeat("x", n), strings.Repeat("\x00", n)}
		for i := range n {
			texts = append(texts, strings.Repeat("x", i)+"y"+strings.Repeat("x", n-1-i))
		}
		for _, v := range texts {
			code, taken := c.intern([]byte(v), s)
			if known, ok := codes[v]; ok != (taken == 0) || ok && known != code {
				t.Fatalf("%q is text %d, taken %d; known: %t, %d", v, code, taken, ok, known)
			}
			codes[v] = code
		}
	}
	for v, code := range codes {
		if got, taken := c.intern([]byte(v), s); got != code || taken != 0 || string(c.entry(int(code))) != v {
			t.Fatalf("%q is text %d, then %d, which is %q", v, code, got, c.entry(int(code)))
		}
	}
}

// Few of many texts have the same hash as another, whatever their lengths.
func TestHashesDiffer(t *testing.T) {
	s := newSeed()
	seen := map[uint32]bool{}
	n := 0
	for length := range 24 {
		for i := range 2000 {
			v := fmt.Sprintf("%0*d", length, i)
			if len(v) != max(length, 1) {
				continue
			}
			n++
			seen[s.hash([]byte(v))] = true
		}
	}
	if len(seen) < n-20 {
		t.Errorf("%d texts have %d hashes", n, len(seen))
	}
}

// Names of every length, that differ in any one byte, in any order, at the end of an event and before it.
func TestMembersAreToldApart(t *testing.T) {
	b := NewBuilder(Limits{})
	var events [][]byte
	for n := 1; n < 22; n++ {
		names := []string{strings.Repeat("n", n), strings.Repeat("n", n+1)}
		for i := range n {
			names = append(names, strings.Repeat("n", i)+"m"+strings.Repeat("n", n-1-i))
		}
		for i, name := range names {
			other := names[(i+1)%len(names)]
			for _, format := range []string{
				`{"@t":"2024-01-02T03:04:05.0000000Z",%q:1}`, `{"@t":"2024-01-02T03:04:05.0000000Z",%[1]q:1,%[2]q:2}`, `{%[1]q:1,%[2]q:2,"@t":"2024-01-02T03:04:05.0000000Z"}`,
			} {
				events = append(events, []byte(strings.SplitN(fmt.Sprintf(format, name, other), "%!", 2)[0]))
			}
		}
	}
	for _, e := range events {
		if err := b.AddCLEF(e); err != nil {
			t.Fatalf("%s: %v", e, err)
		}
	}
	data, _ := b.Encode(nil, Fast)
	blk, err := Open(data, 0)
	if err != nil {
		t.Fatal(err)
	}
	for row, e := range events {
		if got, err := blk.AppendCLEF(nil, row); err != nil || string(got) != string(e) {
			t.Fatalf("%s, %v\n want %s", got, err, e)
		}
	}
}

// The shapes of a block that other blocks had before are found without a walk, and are those that the walk finds.
func TestShapesMetBefore(t *testing.T) {
	block := func(events ...string) *Block {
		t.Helper()
		b := NewBuilder(Limits{})
		for _, e := range events {
			if err := b.AddCLEF([]byte(e)); err != nil {
				t.Fatal(err)
			}
		}
		data, base := b.Encode(nil, Thorough)
		blk, err := Open(data, base)
		if err != nil {
			t.Fatal(err)
		}
		return blk
	}
	const at = `"@t":"2024-01-02T03:04:05.0000000Z"`
	first := []string{`{` + at + `,"a":1,"o":{"b":"x","p":{"c":true}}}`, `{` + at + `}`, `{` + at + `,"a":1}`, `{` + at + `,"a":"1"}`}
	second := []string{first[3], `{` + at + `,"o":{"b":"x"},"b":"x"}`, first[0], `{` + at + `,"o":{"p":{"c":true},"b":"x"}}`, first[1], first[2]}
	w := NewBuilder(Limits{})
	add := func(blk *Block) {
		t.Helper()
		if err := w.AppendRuns([]Run{{blk, 0, blk.Rows()}}); err != nil {
			t.Fatal(err)
		}
	}
	add(block(first...))
	nodes, known := w.trie.nodes, len(w.trie.byTokens)
	if known != len(first) {
		t.Fatalf("%d shapes are known by their tokens, expected %d", known, len(first))
	}
	add(block(first[3], first[1], first[2], first[0]))
	if w.trie.nodes != nodes || len(w.trie.byTokens) != known || len(w.trie.shapes) != len(first) {
		t.Fatalf("the same shapes in another order made %d shapes, %d known", len(w.trie.shapes), len(w.trie.byTokens))
	}
	add(block(second...))
	if len(w.trie.byTokens) != 6 || len(w.trie.shapes) != 6 {
		t.Fatalf("%d shapes, %d of them known", len(w.trie.shapes), len(w.trie.byTokens))
	}
	want := append(append(append([]string{}, first...), first[3], first[1], first[2], first[0]), second...)
	for i := range w.arrivals {
		w.arrivals[i] = uint64(i)
	}
	data, base := w.Encode(nil, Fast)
	merged, err := Open(data, base)
	if err != nil {
		t.Fatal(err)
	}
	for row, e := range want {
		if got, err := merged.AppendCLEF(nil, row); err != nil || string(got) != e {
			t.Fatalf("row %d: %s, %v\n want %s", row, got, err, e)
		}
	}
}

func TestReviews(t *testing.T) {
	var r review
	due := 0
	for range 2*reviewAfter + 1 {
		if r.due(100) {
			due++
		}
	}
	if due != 3 {
		t.Errorf("%d reviews in %d blocks", due, 2*reviewAfter+1)
	}
	if r.due(200) || !r.due(201) || r.due(402) {
		t.Error("a review comes when blocks have more than twice the rows, and then only")
	}
}
