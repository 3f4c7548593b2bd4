package block

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stelehq/stele/internal/event"
)

// dataFolder holds real logs; it is not part of the repository.
const dataFolder = "../../../shared/data"

// realEvents returns the objects of every JSON-lines file, file by file, each with an @t.
func realEvents(t testing.TB) map[string][][]byte {
	if _, err := os.Stat(dataFolder); err != nil {
		t.Skipf("skipped: the real logs are not in ../shared/data, so that only made-up events were tried: %v", err)
	}
	files := map[string][][]byte{}
	err := filepath.WalkDir(dataFolder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 16<<20)
		for n := 0; sc.Scan() && n < 3000; n++ {
			line := bytes.TrimSpace(sc.Bytes())
			v, err := event.ParseValue(line)
			if err != nil || v.Kind != event.Object {
				continue
			}
			if at := v.Get("@t"); at.Kind == event.Undefined {
				rest := strings.TrimSpace(string(line[1:]))
				if rest != "}" {
					rest = "," + rest
				}
				line = fmt.Appendf(nil, `{"@t":"2024-03-01T00:%02d:%02d.%07dZ"%s`, n/60%60, n%60, n*37, rest)
			}
			files[path] = append(files[path], bytes.Clone(line))
		}
		return sc.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// A tester is a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// A stored event is what a block must give back.
type stored struct {
	key  event.Key
	text string
}

// expect says what the events must come back as, in key order.
func expect(t tester, events [][]byte, base uint64) []stored {
	t.Helper()
	var want []stored
	for i, line := range events {
		text, _, err := event.Compact(nil, line, 0, 0)
		if err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		v, err := event.ParseValue(line)
		if err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		instant, _, err := event.ParseTime([]byte(v.Get("@t").Text))
		if err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		want = append(want, stored{event.MakeKey(instant, base+uint64(i)), string(text)})
	}
	slices.SortFunc(want, func(a, b stored) int { return a.key.Compare(b.key) })
	return want
}

func build(t tester, events [][]byte) *Builder {
	t.Helper()
	b := NewBuilder(Limits{EventBytes: 1 << 24})
	for i, line := range events {
		if err := b.AddCLEF(line); err != nil {
			t.Fatalf("event %d: %v\n%s", i, err, line)
		}
	}
	return b
}

func reopen(t tester, b *Builder, codec Codec, base uint64) *Block {
	t.Helper()
	data, own := b.Encode(nil, codec)
	if own != 0 {
		base = own
	}
	blk, err := Open(data, base)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return blk
}

// check compares a block with what it must hold, by every way of reading it.
func check(t tester, blk *Block, want []stored) {
	t.Helper()
	if blk.Rows() != len(want) {
		t.Fatalf("%d rows, expected %d", blk.Rows(), len(want))
	}
	c := blk.Cursor()
	var text []byte
	for row, w := range want {
		if k := blk.Key(row); k != w.key {
			t.Fatalf("row %d has key %v, expected %v", row, k, w.key)
		}
		var err error
		if !c.Next() || c.Row() != row {
			t.Fatalf("the cursor stands on %d, expected %d", c.Row(), row)
		}
		if text, err = c.AppendCLEF(text[:0]); err != nil || string(text) != w.text {
			t.Fatalf("row %d: %v\n%s", row, err, cmp.Diff(w.text, string(text)))
		}
		if at := blk.Search(w.key); at != row {
			t.Fatalf("search for row %d gives %d", row, at)
		}
	}
	if c.Next() {
		t.Fatal("the cursor goes past the end")
	}
	for row := len(want) - 1; row >= 0; row-- {
		if !c.Prev() || c.Row() != row {
			t.Fatalf("going back the cursor stands on %d, expected %d", c.Row(), row)
		}
		var err error
		if text, err = c.AppendCLEF(text[:0]); err != nil || string(text) != want[row].text {
			t.Fatalf("row %d going back: %v\n%s", row, err, cmp.Diff(want[row].text, string(text)))
		}
		v, err := c.Value()
		if text = v.AppendJSON(text[:0]); err != nil || string(text) != want[row].text {
			t.Fatalf("row %d going back: %v\n%s", row, err, cmp.Diff(want[row].text, string(text)))
		}
	}
	for _, row := range rand.Perm(len(want))[:min(len(want), 30)] {
		var err error
		if text, err = blk.AppendCLEF(text[:0], row); err != nil || string(text) != want[row].text {
			t.Fatalf("row %d at random: %v\n%s", row, err, cmp.Diff(want[row].text, string(text)))
		}
		v, err := event.ParseValue(text)
		if err != nil {
			t.Fatal(err)
		}
		checkLookups(t, blk, row, v, nil)
	}
}

// checkLookups looks up every member of an event and compares with the event's own text.
func checkLookups(t tester, blk *Block, row int, v event.Value, path []string) {
	t.Helper()
	for _, m := range v.Members {
		at := append(path[:len(path):len(path)], m.Name)
		got, err := blk.Lookup(row, at...)
		want := v.Get(m.Name)
		if err != nil || got.Kind != want.Kind || string(got.AppendJSON(nil)) != string(want.AppendJSON(nil)) {
			t.Fatalf("row %d, %q: %v\n%s", row, at, err, cmp.Diff(want, got))
		}
		if want.Kind == event.Object {
			checkLookups(t, blk, row, want, at)
		}
		if got, err = blk.Lookup(row, append(at, "no such member")...); err != nil || got.Kind != event.Undefined {
			t.Fatalf("row %d, under %q: %v %v", row, at, got, err)
		}
	}
}

// checkEveryWay stores events by every way there is and compares what comes back.
func checkEveryWay(t tester, events [][]byte) {
	t.Helper()
	const base = 7_000_000
	want := expect(t, events, base)
	for _, codec := range []Codec{Fast, Thorough} {
		b := build(t, events)
		blk := reopen(t, b, codec, base)
		check(t, blk, want)

		merged := NewBuilder(Limits{})
		if err := merged.AppendRuns(someRuns(blk)); err != nil {
			t.Fatal(err)
		}
		check(t, reopen(t, merged, codec, 0), want)

		// Backwards, so that arrival numbers and instants fall.
		merged.Reset()
		for row := blk.Rows() - 1; row >= 0; row-- {
			if err := appendRow(merged, blk, row); err != nil {
				t.Fatal(err)
			}
		}
		check(t, reopen(t, merged, codec, 0), want)

		joined := NewBuilder(Limits{})
		for at := 0; at < len(events); {
			n := min(1+rand.IntN(1+len(events)/3), len(events)-at)
			joined.AppendBuilder(build(t, events[at:at+n]))
			at += n
		}
		check(t, reopen(t, joined, codec, base), want)
	}
}

func TestR6RealEventsComeBackAsTheyWere(t *testing.T) {
	for name, events := range realEvents(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			if os.Getenv("STELE_LONG") == "" {
				events = events[:min(len(events), 150)]
			}
			checkEveryWay(t, events)
			rand.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
			checkEveryWay(t, events)
		})
	}
}

var (
	someName  = rapid.OneOf(rapid.SampledFrom([]string{"@mt", "@m", "@l", "@x", "@@m", "", "a", "b", "a.b", "ü", "\"", "\\", "\x00", "\xed\xa0\x80", "@t2"}), rapid.StringN(0, 4, 20))
	someText  = rapid.OneOf(rapid.SampledFrom([]string{"", "Error", "\xed\xa0\x80", "\xed\xb0\x80 low", "a\x00b", "\u2028", "😀", strings.Repeat("long ", 100)}), rapid.StringN(0, 8, 40))
	someTime  = rapid.SampledFrom([]string{"2024-01-02T03:04:05.1234567Z", "2024-01-02T03:04:05.1234567Z", "2024-01-02T03:04:05Z", "2024-01-02T03:04:05.123456789Z", "1970-01-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "2024-01-02T03:04:05.5+02:00", "2262-04-11T23:47:16.8547758Z"})
	someDigit = rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?`)
	oddNumber = rapid.SampledFrom([]string{"0", "-0", "-0.0", "0.00", "1.50", "-1.50", "0.05", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "999999999999999999", "1e5", "1E+400", "0.000000000000000001", "123456789012345678", "1234567890123456.78", strings.Repeat("7", 400)})
)

// appendSomeValue appends any JSON value, with white space and escapes as people may write them.
func appendSomeValue(t *rapid.T, dst []byte, depth int) []byte {
	top := 7
	if depth > 3 {
		top = 5
	}
	switch rapid.IntRange(0, top).Draw(t, "kind") {
	case 0:
		return append(dst, rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "word")...)
	case 1:
		return append(dst, someDigit.Draw(t, "number")...)
	case 2:
		return append(dst, oddNumber.Draw(t, "odd number")...)
	case 3:
		return fmt.Appendf(dst, "%d", rapid.Int64().Draw(t, "int"))
	case 4, 5:
		return appendSomeString(t, dst, someText.Draw(t, "text"))
	case 6:
		dst = append(dst, '[')
		for i := range rapid.IntRange(0, 3).Draw(t, "items") {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendSomeValue(t, appendSomeSpace(t, dst), depth+1)
		}
		return append(appendSomeSpace(t, dst), ']')
	}
	return appendSomeObject(t, dst, depth+1)
}

func appendSomeString(t *rapid.T, dst []byte, s string) []byte {
	if rapid.IntRange(0, 5).Draw(t, "escaped") > 0 {
		return event.AppendString(dst, []byte(s))
	}
	v := event.Value{Kind: event.String, Text: s}
	for _, c := range string(v.AppendJSON(nil)) {
		if c < 0x7f && c != '"' && c != '\\' && rapid.IntRange(0, 9).Draw(t, "one") == 0 && !bytes.ContainsRune(dst[max(0, len(dst)-5):], '\\') {
			dst = fmt.Appendf(dst, `\u%04x`, c)
		} else {
			dst = append(dst, string(c)...)
		}
	}
	return dst
}

func appendSomeSpace(t *rapid.T, dst []byte) []byte {
	if rapid.IntRange(0, 20).Draw(t, "space") == 0 {
		dst = append(dst, rapid.SampledFrom([]string{" ", "\t", "\n \r"}).Draw(t, "which")...)
	}
	return dst
}

func appendSomeObject(t *rapid.T, dst []byte, depth int) []byte {
	dst = append(dst, '{')
	n := rapid.IntRange(0, 5).Draw(t, "members")
	at := -1
	if depth == 0 {
		n++
		at = rapid.IntRange(0, n-1).Draw(t, "place of @t")
	}
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendSomeSpace(t, dst)
		if i == at || depth == 0 && rapid.IntRange(0, 30).Draw(t, "one more @t") == 0 {
			dst = fmt.Appendf(dst, `"@t":%q`, someTime.Draw(t, "@t"))
			continue
		}
		dst = appendSomeSpace(t, appendSomeString(t, dst, someName.Draw(t, "name")))
		dst = appendSomeSpace(t, append(dst, ':'))
		dst = appendSomeValue(t, dst, depth)
	}
	return append(appendSomeSpace(t, dst), '}')
}

func TestR6AnyEventsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var events [][]byte
		for range rapid.IntRange(0, 12).Draw(t, "events") {
			events = append(events, appendSomeObject(t, nil, 0))
		}
		// Some events more than once, so that dictionaries and repeated shapes come into play.
		for range rapid.IntRange(0, 40).Draw(t, "repeats") {
			if len(events) > 0 {
				events = append(events, events[rapid.IntRange(0, len(events)-1).Draw(t, "again")])
			}
		}
		checkEveryWay(t, events)
	})
}
