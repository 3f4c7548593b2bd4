package block

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
)

// A finding is a machine that finds a text: its state is how much of it has been read, and stays at all of it.
type finding string

func (f finding) Read(state uint8, text []byte) uint8 {
	for _, c := range text {
		if int(state) == len(f) {
			break
		}
		read := append([]byte(f[:state]), c)
		for !bytes.HasPrefix([]byte(f), read) {
			read = read[1:]
		}
		state = uint8(len(read))
	}
	return state
}

func (f finding) test() *TextTest {
	return &TextTest{Machine: f, Holds: func(state uint8) (bool, bool) { return int(state) == len(f), true }}
}

// toldEvents are events with messages of all kinds.
func toldEvents(r *rand.Rand, n int) [][]byte {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	templates := []string{"", "plain time", "at {A}", "{A}{N}out", "tim{A}", "{A} and {B.C} {B}", "{N:000} of {D:0.0}", "[{N,6}] {A,-4}|", "{Id} ti{A}", "{{A}} {missing}", "{List} {ok} {Zero}", "{When}", "{Text}", "{A} {A}{A}"}
	var events [][]byte
	for i := range n {
		e := fmt.Appendf(nil, `{"@t":"2024-01-01T%02d:%02d:%02d.%03dZ"`, i/3600%24, i/60%60, i%60, r.IntN(1000))
		if r.IntN(12) > 0 {
			e = fmt.Appendf(e, `,"@mt":%q`, pick(templates...))
		}
		if r.IntN(30) == 0 {
			e = append(e, pick(`,"@m":"the time is out"`, `,"@m":null`, `,"@m":12`, `,"@m":{"a":1}`, `,"@mt":7`, `,"@r":["out"]`)...)
		}
		e = fmt.Appendf(e, `,"A":%s`, pick(`"me"`, `"time"`, `"t"`, `"timeo"`, `""`, `"ime"`, `7`, `null`))
		if r.IntN(3) > 0 {
			e = fmt.Appendf(e, `,"N":%d,"D":%d.%02d`, r.IntN(100), r.IntN(30), r.IntN(100))
		}
		e = fmt.Appendf(e, `,"Id":"%016x","ok":%v,"When":"2024-01-01 %02d:%02d:%02d"`, r.Uint64(), r.IntN(2) == 0, i/3600%24, i/60%60, i%60)
		e = append(e, pick("", `,"B":{"C":"out"}`, `,"B.C":"ime"`, `,"B":"u"`, `,"List":["me",{"o":"ut"}]`, `,"Zero":null`, `,"List":["\u0007\\"]`)...)
		if r.IntN(3) == 0 {
			e = fmt.Appendf(e, `,"Text":"/api/%d/%s?n=%d"`, r.IntN(50), pick("time", "out"), r.IntN(1000))
		}
		events = append(events, append(e, '}'))
	}
	return events
}

func checkMessages(t *testing.T, b *Block, tests ...finding) (left int) {
	t.Helper()
	messages := make([]string, b.Rows())
	c := b.Cursor()
	for i := range messages {
		c.Next()
		v, err := c.Value()
		if err != nil {
			t.Fatal(err)
		}
		messages[i] = event.RenderMessage(v)
	}
	for _, f := range tests {
		selected, open, err := b.Message(f.test())
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range messages {
			if open.Has(i) {
				left++
				if selected.Has(i) {
					t.Fatalf("%q: row %d is selected and left", f, i)
				}
			} else if selected.Has(i) != strings.Contains(m, string(f)) {
				t.Fatalf("%q: row %d, %q, is selected: %v", f, i, m, selected.Has(i))
			}
		}
	}
	return left
}

func TestMessagesAreFoundWithoutBeingRendered(t *testing.T) {
	t.Parallel()
	seeds := uint64(2)
	if os.Getenv("STELE_LONG") != "" {
		seeds = 300
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 8))
		events := toldEvents(r, []int{30, 400}[seed%2])
		everyBlock(t, events, func(b *Block) {
			if left := checkMessages(t, b, "time", "out", "timeout", "me", "7", " ", ".5", "{missing}", `me",`, "\a", `\`, "x", "12:", "/time?n=9"); left > b.Rows() {
				t.Errorf("%d of %d rows are left", left, b.Rows())
			}
		})
	}
}

func TestMessagesOfRealEvents(t *testing.T) {
	t.Parallel()
	for name, events := range realEvents(t) {
		if os.Getenv("STELE_LONG") == "" {
			events = events[:min(len(events), 5)]
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			everyBlock(t, events, func(b *Block) { checkMessages(t, b, "e", "rror", "10", "0", "ti", ": ") })
		})
	}
}

func BenchmarkMessage(b *testing.B) {
	data, rows := encoded(b, Thorough)
	blk, err := Open(data, 0)
	if err != nil {
		b.Fatal(err)
	}
	for _, text := range []finding{"okkastamp", "time", "er"} {
		b.Run(string(text), func(b *testing.B) {
			for b.Loop() {
				if _, _, err := blk.Message(text.test()); err != nil {
					b.Fatal(err)
				}
			}
			perEvent(b, rows)
		})
	}
}

// A search in messages reads the texts that holes lead to, and nothing else, in few calls; of a call that fails it tells, or finds what it would have found.
func TestMessagesAreReadInFewCalls(t *testing.T) {
	var events [][]byte
	for i := range 12000 {
		id := func(n int) string { return fmt.Sprintf("%x-%d", (i+n)*2654435761, (i*n*7919)%100000) }
		events = append(events, fmt.Appendf(nil, `{"@t":"2024-01-01T%02d:%02d:%02dZ","@mt":"{A} {B} of {N} {C} {D}","A":%q,"B":%q,"N":%d,"Big":"%s%s%s","C":%q,"D":%q}`,
			i/3600, i/60%60, i%60, id(1), id(2), i*i*7919, id(5), id(6), id(7), id(3), id(4)))
	}
	data, base := encodedAs(t, events, Thorough)
	whole, err := Open(data, base)
	if err != nil {
		t.Fatal(err)
	}
	sought := finding("999-").test()
	want, _, err := whole.Message(sought)
	if err != nil || !want.Any() {
		t.Fatalf("%d are found: %v", want.Count(), err)
	}
	search := func(fail int, test *TextTest) (*touchy, *Block, Bitmap, error) {
		src := &touchy{data: data, fail: fail}
		b, err := OpenPart(data[:min(len(data), PartBytes)], src, len(data), base)
		if err != nil {
			t.Fatal(err)
		}
		found, left, err := b.Message(test)
		if err == nil && left.Any() {
			t.Errorf("%d rows are left", left.Count())
		}
		return src, b, found, err
	}
	src, _, found, err := search(0, finding("nowhere").test())
	if err != nil || found.Any() || src.calls > 3 || src.bytes > len(data)*3/4 {
		t.Errorf("%d are found; %d calls for %d of %d bytes: %v", found.Count(), src.calls, src.bytes, len(data), err)
	}
	src, _, found, err = search(0, sought)
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("%d are found, expected %d: %v", found.Count(), want.Count(), err)
	}
	for call := range src.calls {
		_, b, found, err := search(call+1, sought)
		if err != nil && !b.Broken() || err == nil && !slices.Equal(found, want) {
			t.Errorf("call %d fails: %d are found, expected %d: %v, broken: %v", call, found.Count(), want.Count(), err, b.Broken())
		}
	}
}
