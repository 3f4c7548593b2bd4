package stele_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

func TestRanges(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.BlockRows = 3 })
	var keys []stele.Key
	for i := range 10 {
		// Two events at each instant.
		k := s.Append(testkit.Line(i), testkit.Line(i))
		keys = append(keys, k.At(0), k.At(1))
		if i == 5 {
			if err := s.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	at := func(i int) time.Time { return timeOf(i) }
	long := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		r        stele.Range
		from, to int // of keys
	}{
		"all":               {stele.Range{}, 0, 20},
		"from a time":       {stele.Range{From: stele.FromTime(at(3))}, 6, 20},
		"after a time":      {stele.Range{From: stele.AfterTime(at(3))}, 8, 20},
		"before a time":     {stele.Range{To: stele.BeforeTime(at(3))}, 0, 6},
		"through a time":    {stele.Range{To: stele.ThroughTime(at(3))}, 0, 8},
		"one instant":       {stele.Range{From: stele.FromTime(at(3)), To: stele.ThroughTime(at(3))}, 6, 8},
		"none":              {stele.Range{From: stele.AfterTime(at(3)), To: stele.BeforeTime(at(3))}, 0, 0},
		"upside down":       {stele.Range{From: stele.FromTime(at(4)), To: stele.BeforeTime(at(3))}, 0, 0},
		"a key to a key":    {stele.Range{From: stele.Inclusive(keys[3]), To: stele.Inclusive(keys[9])}, 3, 10},
		"between two keys":  {stele.Range{From: stele.Exclusive(keys[3]), To: stele.Exclusive(keys[9])}, 4, 9},
		"beyond the clock":  {stele.Range{From: stele.FromTime(time.Time{}), To: stele.BeforeTime(long)}, 0, 20},
		"after all":         {stele.Range{From: stele.AfterTime(long)}, 0, 0},
		"after the last":    {stele.Range{From: stele.Exclusive(stele.MaxKey)}, 0, 0},
		"before the first":  {stele.Range{To: stele.Exclusive(stele.MinKey)}, 0, 0},
		"the whole of keys": {stele.Range{From: stele.Inclusive(stele.MinKey), To: stele.Inclusive(stele.MaxKey)}, 0, 20},
	} {
		for _, ordering := range []stele.Ordering{stele.Ascending, stele.Descending} {
			want := slices.Clone(keys[c.from:c.to])
			if ordering == stele.Descending {
				slices.Reverse(want)
			}
			var got []stele.Key
			for e, err := range s.Read(ctx, stele.ReadOptions{Range: c.r, Ordering: ordering}).All() {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e.Key())
			}
			if !slices.Equal(want, got) {
				t.Errorf("%s, ordering %d: want %v, got %v", name, ordering, want, got)
			}
		}
	}
}

func TestEventsAndFilters(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	lines := []string{
		`{"@t":"2026-11-20T12:00:00.1234567+01:00","@mt":"Hello {Name}","Name":"ann","Deep":{"er":[1,2]}}`,
		`{"@t":"2026-11-20T12:00:00Z","@m":"as given","@l":"warn","@x":"System.Exception: no","N":1e400,"N":2}`,
	}
	k := s.Append(lines...)
	for _, sealed := range []bool{false, true} {
		if sealed {
			if err := s.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
		a, err := s.Get(ctx, k.At(0))
		if err != nil {
			t.Fatal(err)
		}
		if a.Message() != "Hello ann" || a.Level() != "Information" || a.Exception() != "" || a.Lookup("Deep", "er").Items[1].Text != "2" || a.Lookup("none").Kind != 0 {
			t.Errorf("%q %q %q", a.Message(), a.Level(), a.Exception())
		}
		if !a.Time().Equal(time.Date(2026, 11, 20, 11, 0, 0, 123456700, time.UTC)) || string(a.AppendCLEF(nil)) != lines[0] {
			t.Errorf("%s: %s", a.Time(), a.AppendCLEF(nil))
		}
		b, err := s.Get(ctx, k.At(1))
		if err != nil {
			t.Fatal(err)
		}
		if b.Message() != "as given" || b.Level() != "warn" || b.Exception() != "System.Exception: no" || b.Lookup("N").Text != "2" || b.Value().Get("N").Text != "2" || string(b.AppendCLEF(nil)) != lines[1] {
			t.Errorf("%q %q %q %s", b.Message(), b.Level(), b.Exception(), b.AppendCLEF(nil))
		}
		for text, want := range map[string][]string{
			"Name = 'ann'":                     lines[:1],
			"@Message like '%given%'":          lines[1:],
			"Deep.er[0] = 1":                   lines[:1],
			"@Level = 'warn'":                  lines[1:],
			"@Id = '" + k.At(1).String() + "'": lines[1:],
			"N > 1":                            lines[1:],
			"\"exception\"":                    nil,
		} {
			f, err := stele.ParseFilter(text)
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			if text == "\"exception\"" {
				f, _, _ = stele.ParseSearch("system.exception")
				want = lines[1:]
			}
			same(t, text, want, s.Lines(stele.ReadOptions{Filter: f}))
			for i, e := range []*stele.Event{a, b} {
				if f.Match(e) != slices.Contains(want, lines[i]) {
					t.Errorf("%s: match of event %d", text, i)
				}
			}
		}
	}
	if _, err := s.Get(ctx, stele.MaxKey); !errors.Is(err, stele.NotFound) {
		t.Errorf("no such event: %v", err)
	}
	_, err := stele.ParseFilter("a = = b")
	if !errors.Is(err, stele.Invalid) || stele.KindOf(err) != stele.Invalid {
		t.Errorf("a bad filter: %v (%v)", err, stele.KindOf(err))
	}
}

func TestSnapshotsKeepTheirViewAndTheirFiles(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.CacheBytes = 1 })
	s.AppendSeries(0, 300, 300)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	p, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	s.AppendSeries(300, 310, 10)
	if n, err := s.Delete(ctx, stele.Range{}); err != nil || n != 310 {
		t.Fatal(n, err)
	}
	same(t, "the store", nil, s.All())
	got, err := testkit.Drain(p.Read(ctx, stele.ReadOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the snapshot", series(0, 300), got)
	fs := s.FS.(*vfs.Mem)
	if named(fs, "segment-") == "" {
		t.Error("the snapshot's file is gone")
	}
	if st := s.Stats(); st.Snapshots != 1 || st.Events != 0 {
		t.Errorf("%+v", st)
	}
	r := p.Read(ctx, stele.ReadOptions{})
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Fatal(err)
	}
	if r.Next() || !errors.Is(r.Close(), stele.Closed) {
		t.Errorf("a reader of a closed snapshot: %v", r.Err())
	}
	if n := named(fs, "segment-"); n != "" {
		t.Errorf("%s is still there", n)
	}
}

func TestHistogram(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.BlockRows = 7 })
	s.AppendSeries(0, 30, 4)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	s.AppendSeries(30, 60, 4)
	count := func(o stele.HistogramOptions) string {
		t.Helper()
		buckets, err := s.Histogram(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for i, k := range buckets {
			fmt.Fprintf(&b, "%s-%s %v\n", k.Start.Format("05.999"), k.End.Format("05.999999999"), k.Counts)
			if i > 0 && !k.Start.Equal(buckets[i-1].End) {
				t.Errorf("bucket %d does not follow the one before", i)
			}
		}
		return b.String()
	}
	if got, want := count(stele.HistogramOptions{Buckets: 2, Range: stele.Range{From: stele.FromTime(timeOf(0)), To: stele.BeforeTime(timeOf(12))}}),
		"00-06 map[Error:2 Information:2 Warning:2]\n06-12 map[Error:2 Information:2 Warning:2]\n"; got != want {
		t.Errorf("bounded:\n%s", got)
	}
	if got, want := count(stele.HistogramOptions{Buckets: 1}), "00-59.000000001 map[Error:20 Information:20 Warning:20]\n"; got != want {
		t.Errorf("open:\n%s", got)
	}
	f, err := stele.ParseFilter("N = 7 or N = 11")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := count(stele.HistogramOptions{Buckets: 2, Filter: f}), "07-09 map[Warning:1]\n09-11.000000001 map[Error:1]\n"; got != want {
		t.Errorf("filtered:\n%s", got)
	}
	if got := count(stele.HistogramOptions{Buckets: 5, Range: stele.Range{From: stele.FromTime(timeOf(1000))}}); got != "" {
		t.Errorf("nothing:\n%s", got)
	}
	s.Append(`{"@t":"1500-01-01T00:00:00Z"}`, `{"@t":"3000-01-01T00:00:00Z"}`)
	buckets, err := s.Histogram(ctx, stele.HistogramOptions{Buckets: 3})
	if err != nil || buckets[0].Start.UnixNano() != math.MinInt64 || buckets[0].Counts["Information"] != 1 || buckets[2].Counts["Information"] != 1 || len(buckets[1].Counts) != 3 && len(buckets[2].Counts) != 3 {
		t.Errorf("all of time: %v %v", buckets, err)
	}
	for _, n := range []int{0, 10_001} {
		if _, err := s.Histogram(ctx, stele.HistogramOptions{Buckets: n}); !errors.Is(err, stele.Invalid) {
			t.Errorf("%d buckets: %v", n, err)
		}
	}
}

func TestR4EventsOfFiftyYearsMakeFewSegments(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.JournalBytes = 1 << 20 })
	const n = 100_000
	start := time.Date(1976, 1, 1, 0, 0, 0, 0, time.UTC)
	for from := 0; from < n; from += 5000 {
		b := s.NewBatch()
		for i := range 5000 {
			b.Begin(start.Add(time.Duration((from+i)*7919%n) * (50 * 365 * 24 * time.Hour / n)))
			b.String("@mt", "spread")
			b.Int("N", int64(from+i))
			if err := b.End(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Store.Append(ctx, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Segments > 100 || st.Events != n {
		t.Errorf("%d segments, %d events", st.Segments, st.Events)
	}
	// Retained soundly: what is older than ten years goes, and comes no more.
	cut := start.AddDate(40, 0, 0)
	gone, err := s.Delete(ctx, stele.Range{To: stele.BeforeTime(cut)})
	if err != nil || gone < n*3/4 {
		t.Fatal(gone, err)
	}
	if r := s.Read(ctx, stele.ReadOptions{}); !r.Next() || r.Event().Time().Before(cut) || r.Close() != nil {
		t.Error("deleted events are read")
	}
}

func TestManySmallAppendsStayCheapToRead(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	const n = 3000
	s.AppendSeries(0, n, 1)
	begin := time.Now()
	for range 20 {
		if got := s.Lines(stele.ReadOptions{Ordering: stele.Descending, Range: stele.Range{From: stele.FromTime(timeOf(n - 30))}}); len(got) != 30 {
			t.Fatal(len(got))
		}
	}
	t.Logf("20 pages in %v", time.Since(begin))
	same(t, "all", series(0, n), s.All())
	begin = time.Now()
	s.Reopen()
	t.Logf("reopened in %v", time.Since(begin))
	same(t, "reopened", series(0, n), s.All())
}

func TestLimits(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.EventBytes = 200; o.BatchBytes = 500; o.DocumentBytes = 100 })
	b := s.NewBatch()
	if err := b.AddCLEF([]byte(`{"@t":"2026-11-20T12:00:00Z","A":"` + strings.Repeat("x", 300) + `"}`)); !errors.Is(err, stele.TooLarge) {
		t.Errorf("an event over the limit: %v", err)
	}
	var err error
	for i := 0; err == nil && i < 100; i++ {
		err = b.AddCLEF([]byte(testkit.Line(i)))
	}
	if !errors.Is(err, stele.TooLarge) || b.Len() == 0 {
		t.Errorf("a batch over the limit: %v, %d events", err, b.Len())
	}
	b.Reset()
	if b.Len() != 0 || b.AddCLEF([]byte(testkit.Line(0))) != nil {
		t.Error("after a reset")
	}
	d := s.Documents("")
	if err := d.Set(ctx, "a", []byte(`"`+strings.Repeat("x", 200)+`"`)); !errors.Is(err, stele.TooLarge) {
		t.Errorf("a document over the limit: %v", err)
	}
	if err := d.Set(ctx, "a", []byte(`{"a":1`)); !errors.Is(err, stele.Invalid) {
		t.Errorf("no JSON: %v", err)
	}
	if err := d.Set(ctx, "a", []byte(` { "a" : 1.0 } `)); err != nil {
		t.Fatal(err)
	}
	s.Reopen()
	d = s.Documents("")
	if v, err := d.Get(ctx, "a"); err != nil || string(v) != ` { "a" : 1.0 } ` {
		t.Errorf("byte for byte: %q, %v", v, err)
	}
	if l, err := d.List(ctx, ""); err != nil || len(l) != 1 || l[0].Key != "a" {
		t.Errorf("%v, %v", l, err)
	}
	if err := d.Delete(ctx, "a"); err != nil {
		t.Error(err)
	}
	if err := d.Delete(ctx, "a"); !errors.Is(err, stele.NotFound) {
		t.Errorf("twice deleted: %v", err)
	}
}

// TestMessagesAreAsFiltersSeeThem: a message that is no string shows like one.
func TestMessagesAreAsFiltersSeeThem(t *testing.T) {
	const line = `{"@t":"2026-11-20T10:00:00Z","@m":5,"@mt":"not {N}"}`
	s := testkit.OpenMem(t, nil)
	s.Append(line)
	v, err := event.ParseValue([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range s.Read(t.Context(), stele.ReadOptions{}).All() {
		if want := event.RenderMessage(v); err != nil || want != "5" || e.Message() != want {
			t.Errorf("the message is %q, want %q (%v)", e.Message(), want, err)
		}
	}
}
