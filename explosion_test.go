package stele_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/testkit"
)

// everywhere runs check while the events are in the journal, when the store was opened again, when they are sealed, and when the background
// has settled.
func everywhere(t *testing.T, s *testkit.Fixture, check func(where string)) {
	t.Helper()
	check("in the journal")
	s.Reopen()
	check("replayed")
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	check("sealed")
	if err := s.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	check("settled")
}

// TestSchemaExplosion: events whose members no schema holds come back as they were and are found by path, wherever they are. One in ten of what STELE_LONG takes:
// a million names, 100,000 shapes.
func TestSchemaExplosion(t *testing.T) {
	n := 10_000
	if raceDetector {
		n = 5_000
	}
	if os.Getenv("STELE_LONG") != "" {
		n = 100_000
	}
	for name, found := range map[string]map[string]int{
		"names":   {"@Properties['" + testkit.PropertyName(n/2, 3) + "'] = " + fmt.Sprint(n/2*3): 1, "Host = 'h7'": n / 20, "Has(@Properties['gauge.00000007.1.requests'])": 1, "@Level = 'Error' and Host = 'h1'": n / 20},
		"shapes":  {"Property07 = 'value of 3' and Property08 = 'value of 3'": -1, "@Level = 'Error'": n},
		"wide":    {"Member0599 = 'value 606'": 1, "Member0600 = 1": 0},
		"objects": {"Map.k20.k21.k22.k23.k24.k25.k26.k27.k28.k29.k30.k31.k32.k33.k34.k35.k36.k37.k38.k39 = 'deep'": 1, "Has(Map)": n},
		"plain":   {"Host.Name = 'h3' and Host.Zone = 'eu-1'": -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks = engine.Hooks{ReserveBytes: -1} })
			events := testkit.Explosions[name](n)
			for some := range slices.Chunk(events, 4000) {
				b := s.NewBatch()
				for _, e := range some {
					if err := b.AddCLEF(e); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := s.Store.Append(ctx, b); err != nil {
					t.Fatal(err)
				}
			}
			want := append(bytes.Join(events, []byte("\n")), '\n')
			var first map[string]int
			everywhere(t, s, func(where string) {
				var out bytes.Buffer
				if _, err := s.ReadText(ctx, stele.ReadOptions{}).WriteTo(&out); err != nil || !bytes.Equal(out.Bytes(), want) {
					t.Fatalf("%s: %d bytes, not the %d that went in: %v", where, out.Len(), len(want), err)
				}
				got := map[string]int{}
				for text, count := range found {
					filter, err := stele.ParseFilter(text)
					if err != nil {
						t.Fatal(err)
					}
					got[text] = len(s.Lines(stele.ReadOptions{Filter: filter}))
					if count >= 0 && got[text] != count || count < 0 && got[text] == 0 {
						t.Errorf("%s: %s finds %d events, not %d", where, text, got[text], count)
					}
				}
				if first == nil {
					first = got
				}
				if fmt.Sprint(got) != fmt.Sprint(first) {
					t.Errorf("%s finds %v, before it was %v", where, got, first)
				}
			})
		})
	}
}

// TestR6RealEventsComeBackFromAStore stores the JSON lines of real logs, and mutilated ones, and compares every byte and the order.
func TestR6RealEventsComeBackFromAStore(t *testing.T) {
	files, _ := filepath.Glob("../shared/data/*/*")
	if len(files) == 0 {
		t.Skip("skipped: the log files are not in ../shared/data")
	}
	most := 300
	if os.Getenv("STELE_LONG") != "" {
		most = 1 << 30
	}
	random := rand.New(rand.NewPCG(7, 11))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var events []string
		for line := range strings.Lines(string(data)) {
			line = strings.TrimSpace(line)
			if len(events) == most || !strings.HasPrefix(line, "{") || len(line) > 200<<10 {
				continue
			}
			at := fmt.Sprintf(`{"@t":"2024-03-01T00:%02d:%02d.%07dZ"`, random.IntN(3), random.IntN(60), random.IntN(3)*12345)
			for range 2 { // as it is, and with some bytes out of place, if that is still JSON
				if text, _, err := event.Compact(nil, []byte(line), 0, 0); err == nil && !bytes.Contains(text, []byte(`"@t"`)) {
					rest := text[1:]
					if len(rest) > 1 {
						rest = append([]byte(","), rest...)
					}
					events = append(events, at+string(rest))
				} else if err == nil {
					events = append(events, string(text))
				}
				b := []byte(line)
				for range 3 {
					b[random.IntN(len(b))] = line[random.IntN(len(line))]
				}
				line = string(b)
			}
		}
		if len(events) == 0 {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks = engine.Hooks{ReserveBytes: -1, BlockRows: 200} })
			type stored struct {
				key  stele.Key
				line string
			}
			var all []stored
			for some := range slices.Chunk(events, 97) {
				b := s.NewBatch()
				var lines []string
				for _, e := range some {
					if err := b.AddCLEF([]byte(e)); err == nil { // a mutilated @t is refused
						lines = append(lines, e)
					}
				}
				keys, err := s.Store.Append(ctx, b)
				if err != nil {
					t.Fatal(err)
				}
				for i, line := range lines {
					all = append(all, stored{keys.At(i), line})
				}
			}
			slices.SortFunc(all, func(a, b stored) int { return a.key.Compare(b.key) })
			var want []string
			for _, e := range all {
				want = append(want, e.line)
			}
			everywhere(t, s, func(where string) {
				same(t, where, want, s.All())
			})
		})
	}
}

// BenchmarkSchemaExplosion: what such events cost for each byte from parsing until the background has settled, beside plain ones and those of the
// file that STELE_BENCH_CLEF names. With -cpu 1 time is processor time.
func BenchmarkSchemaExplosion(b *testing.B) {
	given, _ := os.ReadFile(os.Getenv("STELE_BENCH_CLEF"))
	for _, name := range []string{"given", "plain", "names", "shapes", "wide", "objects"} {
		events := bytes.Split(bytes.TrimSpace(given), []byte("\n"))
		if name != "given" {
			events = testkit.Explosions[name](100_000)
		} else if len(given) == 0 {
			continue
		}
		size := int64(0)
		for _, e := range events {
			size += int64(len(e))
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				s := testkit.OpenMem(b, func(o *stele.Options) { o.Hooks = engine.Hooks{ReserveBytes: -1} })
				batch := s.NewBatch()
				for some := range slices.Chunk(events, 4000) {
					for _, e := range some {
						if err := batch.AddCLEF(e); err != nil {
							b.Fatal(err)
						}
					}
					if _, err := s.Store.Append(ctx, batch); err != nil {
						b.Fatal(err)
					}
					batch.Reset()
				}
				if err := errors.Join(s.Flush(ctx), s.Settle(ctx), s.Close()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
