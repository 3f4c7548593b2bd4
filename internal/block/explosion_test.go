package block_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/testkit"
)

func addAll(t testing.TB, w *block.Builder, events [][]byte) {
	t.Helper()
	for _, e := range events {
		if err := w.AddCLEF(e); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t testing.TB, w *block.Builder, codec block.Codec) *block.Block {
	t.Helper()
	data, base := w.Encode(nil, codec)
	b, err := block.Open(data, base)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSchemaExplosion: whatever members events have, memory stays bounded by their size, they come back as they were (R6) from the journal's form and from
// the segment's, and are found by path.
func TestSchemaExplosion(t *testing.T) {
	for name, generate := range testkit.Explosions {
		t.Run(name, func(t *testing.T) {
			events := generate(10_000)
			w := block.NewBuilder(block.Limits{})
			addAll(t, w, events)
			if size := bytesOf(events); w.Size() > 3*size/2 {
				t.Errorf("%d bytes of events take %d", size, w.Size())
			}
			fast := open(t, w, block.Fast)
			into := block.NewBuilder(block.Limits{})
			// Two blocks in one, so that the schema of each is too much for the other.
			half := fast.Rows() / 2
			if err := into.AppendRuns([]block.Run{{Block: fast, From: 0, To: half}, {Block: fast, From: half, To: fast.Rows()}}); err != nil {
				t.Fatal(err)
			}
			for _, b := range []*block.Block{fast, open(t, into, block.Thorough)} {
				c := b.Cursor()
				for i, e := range events {
					c.Next()
					if text, err := c.AppendCLEF(nil); err != nil || !bytes.Equal(text, e) {
						t.Fatalf("event %d (%v):\n%s\nis not\n%s", i, err, text, e)
					}
					if i%997 != 0 {
						continue
					}
					v, err := event.ParseValue(e)
					if err != nil {
						t.Fatal(err)
					}
					for _, m := range v.Members {
						path := []string{m.Name}
						for inner := m.Value; inner.Kind == event.Object; inner = inner.Members[0].Value {
							path = append(path, inner.Members[0].Name)
						}
						want := v
						for _, n := range path {
							want = want.Get(n)
						}
						if got, err := c.Lookup(b.Field(path...)); err != nil || string(got.AppendJSON(nil)) != string(want.AppendJSON(nil)) {
							t.Fatalf("event %d, %q: %s (%v), not %s", i, path, got.AppendJSON(nil), err, want.AppendJSON(nil))
						}
					}
				}
			}
		})
	}
}

// TestOneEventOf50000Members is read and looked up like any other.
func TestOneEventOf50000Members(t *testing.T) {
	e := []byte(`{"@t":"2026-11-20T10:00:00Z","@l":"Error"`)
	for i := range 50_000 {
		e = fmt.Appendf(e, `,"Member%d":{"Of":%d}`, i, i)
	}
	e = append(e, '}')
	w := block.NewBuilder(block.Limits{EventBytes: 4 << 20})
	addAll(t, w, [][]byte{e, []byte(`{"@t":"2026-11-20T10:00:00Z","Member7":1}`)})
	if w.Size() > 2*len(e) {
		t.Errorf("%d bytes take %d", len(e), w.Size())
	}
	b := open(t, w, block.Thorough)
	if text, err := b.AppendCLEF(nil, 0); err != nil || !bytes.Equal(text, e) {
		t.Errorf("%d bytes came back as %d: %v", len(e), len(text), err)
	}
	for path, want := range map[string]string{"Member0": `{"Of":0}`, "Member49999": `{"Of":49999}`, "@l": `"Error"`} {
		if v, err := b.Lookup(0, path); err != nil || string(v.AppendJSON(nil)) != want {
			t.Errorf("%s: %s, %v", path, v.AppendJSON(nil), err)
		}
	}
	if v, err := b.Lookup(0, "Member20000", "Of"); err != nil || v.Text != "20000" {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := b.Lookup(0, "Member50000"); err != nil || v.Kind != event.Undefined {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestPlainEventsAfterAnExplosion: once a builder is empty again what comes has columns.
func TestPlainEventsAfterAnExplosion(t *testing.T) {
	w := block.NewBuilder(block.Limits{})
	for _, name := range []string{"names", "shapes", "objects", "wide"} {
		addAll(t, w, testkit.Explosions[name](6_000))
		w.Reset()
		plain := testkit.Explosions["plain"](100)
		addAll(t, w, plain)
		if text := open(t, w, block.Fast).Describe(); bytes.Contains([]byte(text), []byte("(event)")) {
			t.Errorf("after %s plain events are kept whole:\n%s", name, text)
		}
		w.Reset()
	}
}

func bytesOf(events [][]byte) (n int) {
	for _, e := range events {
		n += len(e)
	}
	return n
}

// BenchmarkExplosion: what such events cost for each byte, beside plain ones.
func BenchmarkExplosion(b *testing.B) {
	for _, name := range []string{"plain", "names", "shapes", "wide", "objects"} {
		events := testkit.Explosions[name](20_000)
		size := int64(bytesOf(events))
		b.Run(name+"/add", func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			w := block.NewBuilder(block.Limits{EventBytes: 1 << 20})
			for b.Loop() {
				w.Reset()
				addAll(b, w, events)
			}
			b.ReportMetric(float64(w.Size())/float64(size), "mem/byte")
		})
		w := block.NewBuilder(block.Limits{EventBytes: 1 << 20})
		addAll(b, w, events)
		for _, codec := range []block.Codec{block.Fast, block.Thorough} {
			b.Run(fmt.Sprintf("%s/encode%d", name, codec), func(b *testing.B) {
				b.SetBytes(size)
				var data []byte
				for b.Loop() {
					data, _ = w.Encode(data[:0], codec)
				}
				b.ReportMetric(float64(len(data))/float64(size), "out/byte")
			})
		}
		data, _ := w.Encode(nil, block.Fast)
		b.Run(name+"/merge", func(b *testing.B) {
			b.SetBytes(size)
			into := block.NewBuilder(block.Limits{})
			for b.Loop() {
				blk, err := block.Open(data, 0)
				if err != nil {
					b.Fatal(err)
				}
				into.Reset()
				if err := into.AppendRuns([]block.Run{{blk, 0, blk.Rows()}}); err != nil {
					b.Fatal(err)
				}
			}
		})
		blk, err := block.Open(data, 0)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/text", func(b *testing.B) {
			b.SetBytes(size)
			var text []byte
			for b.Loop() {
				for c := blk.Cursor(); c.Next(); {
					if text, err = c.AppendCLEF(text[:0]); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(name+"/lookup", func(b *testing.B) {
			b.SetBytes(size)
			f := blk.Field("@l")
			for b.Loop() {
				for c := blk.Cursor(); c.Next(); {
					if _, err := c.Lookup(f); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
