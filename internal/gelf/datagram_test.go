package gelf

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/testkit"
)

func chunkOf(id byte, number, count int, part string) []byte {
	return append([]byte{0x1E, 0x0F, 0, 0, 0, 0, 0, 0, 0, id, byte(number), byte(count)}, part...)
}

func compressed(t testing.TB, coding, text string) string {
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	default:
		return text
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return b.String()
}

// Cases of Seq's own GELF input (datalust/seq-input-gelf, sqelf/src/receive.rs), and what the specification says.
func TestDatagrams(t *testing.T) {
	now := time.Now()
	for _, coding := range []string{"", "gzip", "zlib"} {
		whole := compressed(t, coding, "Hello World!")
		d := Datagrams{Limit: 1000}
		for range 2 {
			if got, err := d.Message([]byte(whole), now); string(got) != "Hello World!" || err != nil {
				t.Errorf("%s: %q %v", coding, got, err)
			}
			if got, err := d.Message(chunkOf(0, 0, 1, whole), now); string(got) != "Hello World!" || err != nil {
				t.Errorf("%s in one chunk: %q %v", coding, got, err)
			}
			for _, part := range [][]byte{chunkOf(0, 0, 3, whole[:2]), chunkOf(0, 2, 3, whole[4:]), chunkOf(0, 2, 3, whole[4:])} {
				if got, err := d.Message(part, now); got != nil || err != nil {
					t.Errorf("%s, not all of it: %q %v", coding, got, err)
				}
			}
			if got, err := d.Message(chunkOf(0, 1, 3, whole[2:4]), now); string(got) != "Hello World!" || err != nil {
				t.Errorf("%s in three chunks: %q %v", coding, got, err)
			}
			if d.Partial() != 0 || d.held != 0 || len(d.order) != 0 {
				t.Errorf("%s: something is left", coding)
			}
		}
	}
	d := Datagrams{Limit: 1000}
	if got, err := d.Message(nil, now); len(got) != 0 || err != nil {
		t.Errorf("an empty datagram: %q %v", got, err)
	}
	d.Message(chunkOf(7, 0, 3, "x"), now)
	for text, want := range map[string]string{
		"\x1e\x0f1234567": "shorter than its header", string(chunkOf(0, 0, 129, "")): "chunk 1 of 129", string(chunkOf(0, 0, 0, "")): "chunk 1 of 0",
		string(chunkOf(0, 3, 3, "")): "chunk 4 of 3", string(chunkOf(7, 0, 4, "")): "an earlier one said 3", "\x1f\x8bx": "not sound gzip", "\x78\x9cx": "not sound zlib",
		compressed(t, "gzip", "Hello")[:20]: "not sound gzip",
	} {
		if got, err := d.Message([]byte(text), now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q %v, want %s", text, got, err, want)
		}
	}
}

func TestDatagramsAreBounded(t *testing.T) {
	now := time.Now()
	d := Datagrams{Limit: 100_000}
	for _, coding := range []string{"gzip", "zlib"} {
		if _, err := d.Message([]byte(compressed(t, coding, strings.Repeat("x", 10_000_000))), now); !errors.Is(err, fault.TooLarge) {
			t.Errorf("a bomb of %s: %v", coding, err)
		}
		if cap(d.whole) > 4*d.Limit {
			t.Errorf("a bomb of %s left %d bytes", coding, cap(d.whole))
		}
	}
	part := strings.Repeat("x", 60_000)
	d.Message(chunkOf(0, 0, 3, part), now)
	if _, err := d.Message(chunkOf(0, 1, 3, part), now); !errors.Is(err, fault.TooLarge) || d.held != 0 {
		t.Errorf("chunks over the limit: %v, %d bytes held", err, d.held)
	}
	for i := range 3000 { // bytes
		id := chunkOf(byte(i), 0, 2, part)
		id[2] = byte(i >> 8)
		d.Message(id, now)
		if d.held > maxHeld || len(d.partials) > maxPartials || len(d.order) > 3*maxPartials {
			t.Fatalf("%d bytes of %d messages are held", d.held, len(d.partials))
		}
	}
	for i := range 3000 { // messages
		id := chunkOf(byte(i), 0, 2, "x")
		id[2], id[3] = byte(i>>8), 1
		d.Message(id, now)
	}
	if n := d.Dropped(); len(d.partials) != maxPartials || n != 6000-maxPartials {
		t.Errorf("%d messages are held, %d dropped", len(d.partials), n)
	}
	d.Expire(now.Add(expiry))
	if d.Partial() != maxPartials {
		t.Error("dropped too early")
	}
	d.Expire(now.Add(expiry + 1))
	if n := d.Dropped(); d.Partial() != 0 || d.held != 0 || n != maxPartials {
		t.Errorf("after five seconds %d messages and %d bytes are held, %d dropped", d.Partial(), d.held, n)
	}
}

// Chunks make their message in whatever order they come, among those of others, twice or once.
func TestChunksComeInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Datagrams{Limit: 10_000}
		var all [][]byte
		want := map[string]bool{}
		for id := range rapid.IntRange(1, 5).Draw(t, "messages") {
			parts := rapid.SliceOfN(rapid.StringMatching(`[a-z]{0,10}`), 2, 128).Draw(t, "parts")
			parts[0] = string(rune('A' + id))
			want[strings.Join(parts, "")] = true
			for i, part := range parts {
				all = append(all, chunkOf(byte(id), i, len(parts), part))
			}
		}
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, datagram := range all {
			got, err := d.Message(datagram, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if got != nil {
				if !want[string(got)] {
					t.Fatalf("%q was not sent", got)
				}
				delete(want, string(got))
			}
		}
		if len(want) > 0 || d.held != 0 || d.Partial() != 0 {
			t.Fatalf("%d messages have not come", len(want))
		}
	})
}

func FuzzDatagrams(f *testing.F) {
	f.Add(chunkOf(1, 0, 2, "{"), chunkOf(1, 1, 2, "}"), []byte(compressed(f, "gzip", "{}")))
	f.Fuzz(func(t *testing.T, seed, b, c []byte) {
		testkit.Soak(t, seed, func(a []byte) {
			d := Datagrams{Limit: 1000}
			now := time.Now()
			for _, datagram := range [][]byte{a, b, c, a, c, b} {
				got, err := d.Message(datagram, now)
				if err != nil && fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.TooLarge {
					t.Fatal(err)
				}
				if len(got) > 1000 && len(got) > len(datagram) {
					t.Fatalf("a message of %d bytes", len(got))
				}
				now = now.Add(3 * time.Second)
			}
			d.Expire(now.Add(time.Minute))
			if d.held != 0 || len(d.partials) != 0 || len(d.order) != 0 {
				t.Fatalf("%d bytes of %d messages are held for ever", d.held, len(d.partials))
			}
		})
	})
}
