package stele_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// The store against a naive model: a list of events, sorted when asked.

type modelEvent struct {
	key  stele.Key
	line string
}

type model struct {
	live []modelEvent // in arrival order
}

func (m *model) read(r [2]time.Time, descending bool) []string {
	var some []modelEvent
	for _, e := range m.live {
		if at := e.key.Time(); !at.Before(r[0]) && at.Before(r[1]) {
			some = append(some, e)
		}
	}
	slices.SortFunc(some, func(a, b modelEvent) int { return a.key.Compare(b.key) })
	if descending {
		slices.Reverse(some)
	}
	return linesOf(some)
}

func linesOf(events []modelEvent) []string {
	var lines []string
	for _, e := range events {
		lines = append(lines, e.line)
	}
	return lines
}

func (m *model) byArrival(after uint64) []string {
	some := slices.Clone(m.live)
	slices.SortFunc(some, func(a, b modelEvent) int { return cmp.Compare(a.key.Arrival(), b.key.Arrival()) })
	some = slices.DeleteFunc(some, func(e modelEvent) bool { return e.key.Arrival() <= after })
	return linesOf(some)
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fs := vfs.NewMem()
		hooks := engine.Hooks{
			ReserveBytes: -1, BlockRows: rapid.SampledFrom([]int{2, 7, 65536}).Draw(rt, "block rows"), PieceRows: rapid.SampledFrom([]int{1, 5, 8192}).Draw(rt, "piece rows"),
			SegmentBytes: rapid.SampledFrom([]int64{1000, 3000, 0}).Draw(rt, "segment bytes"), SmallBytes: rapid.SampledFrom([]int64{1, 1000}).Draw(rt, "small bytes"),
			CompactFan: rapid.SampledFrom([]int{2, 3, 0}).Draw(rt, "fan"), NoCompact: rapid.Bool().Draw(rt, "no compaction"),
			NoTelling: rapid.SampledFrom([]bool{true, true, true, false}).Draw(rt, "no telling") || raceDetector,
		}
		options := &stele.Options{FS: fs, Hooks: hooks, JournalBytes: rapid.SampledFrom([]int64{1, 2000, 1 << 20}).Draw(rt, "journal bytes"), CacheBytes: rapid.SampledFrom([]int64{1, 1 << 20}).Draw(rt, "cache bytes")}
		s, err := stele.Open("store", options)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		var m model
		serial := 0
		type pinned struct {
			snapshot *stele.Snapshot
			model    model
		}
		var pins []pinned
		bounds := func() ([2]time.Time, stele.Range) {
			a := testkit.Epoch.Add(time.Duration(rapid.IntRange(-1, 21).Draw(rt, "from")) * time.Second)
			b := testkit.Epoch.Add(time.Duration(rapid.IntRange(-1, 21).Draw(rt, "to")) * time.Second)
			return [2]time.Time{a, b}, stele.Range{From: stele.FromTime(a), To: stele.BeforeTime(b)}
		}
		compare := func(what string, want, got []string) {
			if !slices.Equal(want, got) {
				rt.Fatalf("%s:\nwant %q\ngot  %q", what, want, got)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				b := s.NewBatch()
				n := rapid.SampledFrom([]int{0, 1, 2, 3, 20, 300}).Draw(rt, "rows")
				var lines []string
				for range n {
					at := testkit.Epoch.Add(time.Duration(rapid.IntRange(0, 20).Draw(rt, "second")) * time.Second)
					lines = append(lines, fmt.Sprintf(`{"@t":"%s","N":%d}`, at.Format("2006-01-02T15:04:05.0000000Z"), serial))
					serial++
					if err := b.AddCLEF([]byte(lines[len(lines)-1])); err != nil {
						rt.Fatal(err)
					}
				}
				keys, err := s.Append(ctx, b)
				if err != nil || keys.Len() != n {
					rt.Fatalf("%d keys: %v", keys.Len(), err)
				}
				for i, l := range lines {
					m.live = append(m.live, modelEvent{keys.At(i), l})
				}
			},
			"read": func(rt *rapid.T) {
				times, r := bounds()
				desc := rapid.Bool().Draw(rt, "descending")
				o := stele.ReadOptions{Range: r}
				if desc {
					o.Ordering = stele.Descending
				}
				want := m.read(times, desc)
				if rapid.Bool().Draw(rt, "filter") {
					o.Filter, _ = stele.ParseFilter("N % 3 = 1")
					want = slices.DeleteFunc(want, func(line string) bool {
						v, _ := event.ParseValue([]byte(line))
						n, _ := strconv.Atoi(v.Get("N").Text)
						return n%3 != 1
					})
				}
				if o.Limit = rapid.SampledFrom([]int{0, 1, 70, 500}).Draw(rt, "limit"); o.Limit > 0 {
					want = want[:min(o.Limit, len(want))]
				}
				got, err := testkit.Drain(s.Read(ctx, o))
				if err != nil {
					rt.Fatal(err)
				}
				compare("read", want, got)
				if got, err = testkit.DrainText(s.ReadText(ctx, o)); err != nil {
					rt.Fatal(err)
				}
				compare("read as text", want, got)
			},
			"get": func(rt *rapid.T) {
				if len(m.live) == 0 {
					rt.Skip()
				}
				e := rapid.SampledFrom(m.live).Draw(rt, "event")
				got, err := s.Get(ctx, e.key)
				if err != nil {
					rt.Fatal(err)
				}
				compare("get", []string{e.line}, []string{string(got.AppendCLEF(nil))})
			},
			"delete": func(rt *rapid.T) {
				times, r := bounds()
				n, err := s.Delete(ctx, r)
				if err != nil {
					rt.Fatal(err)
				}
				before := len(m.live)
				m.live = slices.DeleteFunc(slices.Clone(m.live), func(e modelEvent) bool {
					return !e.key.Time().Before(times[0]) && e.key.Time().Before(times[1])
				})
				if int(n) != before-len(m.live) {
					rt.Fatalf("deleted %d, want %d", n, before-len(m.live))
				}
			},
			"delete by filter": func(rt *rapid.T) {
				times, r := bounds()
				remainder := rapid.IntRange(0, 4).Draw(rt, "remainder")
				filter, err := stele.ParseFilter(fmt.Sprintf(rapid.SampledFrom([]string{"N %% 5 = %d", "N = %d or N %% 5 = %[1]d and @Id <> ''"}).Draw(rt, "filter"), remainder))
				if err != nil {
					rt.Fatal(err)
				}
				n, err := s.DeleteMatching(ctx, r, filter)
				if err != nil {
					rt.Fatal(err)
				}
				before := len(m.live)
				m.live = slices.DeleteFunc(slices.Clone(m.live), func(e modelEvent) bool {
					v, _ := event.ParseValue([]byte(e.line))
					number, _ := strconv.Atoi(v.Get("N").Text)
					return !e.key.Time().Before(times[0]) && e.key.Time().Before(times[1]) && number%5 == remainder
				})
				if int(n) != before-len(m.live) {
					rt.Fatalf("deleted %d by %s, want %d", n, filter, before-len(m.live))
				}
			},
			"delete keys": func(rt *rapid.T) {
				keys := []stele.Key{stele.MinKey}
				for range rapid.IntRange(0, 5).Draw(rt, "keys") {
					if len(m.live) > 0 {
						keys = append(keys, rapid.SampledFrom(m.live).Draw(rt, "event").key)
					}
				}
				n, err := s.DeleteKeys(ctx, keys...)
				if err != nil {
					rt.Fatal(err)
				}
				before := len(m.live)
				m.live = slices.DeleteFunc(slices.Clone(m.live), func(e modelEvent) bool { return slices.Contains(keys, e.key) })
				if int(n) != before-len(m.live) {
					rt.Fatalf("deleted %d of %d keys, want %d", n, len(keys), before-len(m.live))
				}
			},
			"flush": func(rt *rapid.T) {
				if err := s.Flush(ctx); err != nil {
					rt.Fatal(err)
				}
			},
			"settle": func(rt *rapid.T) {
				if err := s.Settle(ctx); err != nil {
					rt.Fatal(err)
				}
			},
			"reopen": func(rt *rapid.T) {
				for _, p := range pins {
					_ = p.snapshot.Close()
				}
				pins = nil
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				if s, err = stele.Open("store", options); err != nil {
					rt.Fatal(err)
				}
			},
			"power cut": func(rt *rapid.T) {
				for _, p := range pins {
					_ = p.snapshot.Close()
				}
				pins = nil
				after := fs.CrashClone(rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0)), rapid.SampledFrom(vfs.CrashModes()).Draw(rt, "mode"))
				_ = s.Close()
				fs = after
				options.FS = fs
				if s, err = stele.Open("store", options); err != nil {
					rt.Fatal(err)
				}
			},
			"snapshot": func(rt *rapid.T) {
				p, err := s.Snapshot()
				if err != nil {
					rt.Fatal(err)
				}
				pins = append(pins, pinned{p, model{slices.Clone(m.live)}})
			},
			"read snapshot": func(rt *rapid.T) {
				if len(pins) == 0 {
					rt.Skip()
				}
				p := rapid.SampledFrom(pins).Draw(rt, "snapshot")
				got, err := testkit.Drain(p.snapshot.Read(ctx, stele.ReadOptions{}))
				if err != nil {
					rt.Fatal(err)
				}
				compare("snapshot", p.model.read(allTime, false), got)
			},
			"follow": func(rt *rapid.T) {
				after := uint64(0)
				if len(m.live) > 0 && rapid.Bool().Draw(rt, "resume") {
					after = rapid.SampledFrom(m.live).Draw(rt, "after").key.Arrival()
				}
				f := s.Follow(ctx, after, nil)
				got := testkit.Followed(t, f)
				if err := f.Close(); err != nil {
					rt.Fatal(err)
				}
				compare("follow", m.byArrival(after), got)
			},
			"": func(rt *rapid.T) {
				got, err := testkit.Drain(s.Read(ctx, stele.ReadOptions{Ordering: stele.Descending}))
				if err != nil {
					rt.Fatal(err)
				}
				compare("all", m.read(allTime, true), got)
				if st := s.Stats(); st.Events != int64(len(m.live)) || len(st.Damage) > 0 {
					rt.Fatalf("statistics: %d events, want %d; damage %v", st.Events, len(m.live), st.Damage)
				}
			},
		})
		if r, err := s.Verify(context.Background()); err != nil || len(r.Damage) > 0 {
			rt.Fatalf("verify: %v %+v", err, r)
		}
	})
}

var allTime = [2]time.Time{testkit.Epoch.AddDate(-1, 0, 0), testkit.Epoch.AddDate(1, 0, 0)}
