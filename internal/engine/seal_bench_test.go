//go:build unix

package engine

import (
	"bytes"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/segment"
	"github.com/stelehq/stele/internal/vfs"
)

// BenchmarkSeal merges journal blocks of some 2,300 events, as requests are cut into, into blocks of a segment: such that follow each
// other in time, and such that four connections filled with events of the same time. STELE_BENCH_CLEF names a file of CLEF events, of which 400,000 are taken.
// Encoding the blocks is most of it. The CPU's time is all threads'.
func BenchmarkSeal(b *testing.B) {
	name := os.Getenv("STELE_BENCH_CLEF")
	if name == "" {
		b.Skip("skipped: STELE_BENCH_CLEF names no file of CLEF events, and made-up ones would say nothing of speed or size")
	}
	data, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	lines = lines[:min(len(lines), 400_000)]
	for _, connections := range []int{1, 4} {
		b.Run(map[int]string{1: "in order", 4: "interleaved"}[connections], func(b *testing.B) {
			builders := make([]*block.Builder, connections)
			var blocks [][]byte
			for i, line := range lines {
				w := &builders[i%connections]
				if *w == nil {
					*w = block.NewBuilder(block.Limits{})
				}
				if err := (*w).AddCLEF(line); err != nil {
					b.Fatal(err)
				}
				if (*w).Rows() == 2_300 || i >= len(lines)-connections {
					data, _ := (*w).Encode(nil, block.Fast)
					blocks = append(blocks, data)
					*w = nil
				}
			}
			e := &Engine{o: Options{FS: vfs.NewMem()}.withDefaults()}
			var all time.Duration
			for b.Loop() {
				var sources []*recent
				base := event.ArrivalOf(1, 0)
				for _, data := range blocks {
					r, err := newRecent(data, base, 1)
					if err != nil {
						b.Fatal(err)
					}
					base += uint64(r.rows)
					sources = append(sources, r)
				}
				start := cpuTime()
				rows := 0
				w := &blockWriter{codec: block.Thorough, rows: e.o.Hooks.BlockRows, builder: e.newBuilder()}
				w.write = func(data []byte, m segment.Meta) error { rows += m.Rows; return nil }
				if err := w.drain(ctx, newMerge(e, Everything, false, nil, sources, nil, nil)); err != nil {
					b.Fatal(err)
				}
				all += cpuTime() - start
				if rows != len(lines) {
					b.Fatalf("%d rows of %d", rows, len(lines))
				}
			}
			events := float64(b.N * len(lines))
			b.ReportMetric(float64(all.Nanoseconds())/events, "cpu-ns/event")
		})
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
