package stele

import (
	"context"
	"os"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stelehq/stele/internal/engine"
)

// BenchmarkSelection finds the rows of a store that filters select: the processor time of one search, warm. STELE_BENCH_STORE names the store.
func BenchmarkSelection(b *testing.B) {
	dir := os.Getenv("STELE_BENCH_STORE")
	if dir == "" {
		b.Skip("skipped: STELE_BENCH_STORE names no store")
	}
	s, err := Open(dir, &Options{ReadOnly: true, CacheBytes: 8 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for _, text := range []string{"Contains(@Message, 'okkastamp')", "Contains(@Message, /time.?out/)", "Contains(@Message, /TIME.?OUT/) ci", `"quokkastampede"`, "TraceId = '20513512d282ef41480ee3eb30f5aa4f'", "Needle = 'zx-3-q'",
		"StatusCode >= 500", "Elapsed > 1000", "@Level = 'Error'", "@Message like '%order 1%' ci", "Contains(Path, 'cart')", "UserId = 'u-10' or Has(CartId)", "@Timestamp >= DateTime('2025-06-02T00:00:00Z')"} {
		b.Run(text, func(b *testing.B) {
			f, err := ParseFilter(text)
			if err != nil {
				b.Fatal(err)
			}
			found := int64(0)
			run := func() {
				v, err := s.e.Pin()
				if err != nil {
					b.Fatal(err)
				}
				defer v.Release()
				sel, n := selection(context.Background(), f.f.Plan()), atomic.Int64{}
				w := engine.Blocks{Workers: 1, Span: f.narrow(engine.Everything), Each: func(_ int, slab engine.Slab) error {
					got := sel(slab.Block)
					n.Add(int64(got.Yes.Count()))
					if got.Open.Any() {
						b.Error("rows are open")
					}
					return nil
				}}
				if _, err := w.Walk(context.Background(), v); err != nil {
					b.Fatal(err)
				}
				found = n.Load()
			}
			run()
			at := processorTime()
			for b.Loop() {
				run()
			}
			b.ReportMetric(float64(processorTime()-at)/1e6/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(found), "events")
		})
	}
}

func processorTime() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
