//go:build unix

package engine

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stelehq/stele/internal/vfs"
)

// BenchmarkAppendSingles appends one event at a time from eight goroutines, each waiting for its own to be durable, and tells the CPU's time of
// all threads an event.
func BenchmarkAppendSingles(b *testing.B) {
	const writers = 8
	e := open(b, vfs.OS{Root: b.TempDir()}, Options{})
	lines := make(chan []byte, writers)
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			batch := e.NewBatch()
			for line := range lines {
				batch.Reset()
				if err := batch.AddCLEF(line); err != nil {
					b.Error(err)
				} else if _, err := e.Append(ctx, batch, ""); err != nil {
					b.Error(err)
				}
			}
		})
	}
	started := cpuTime()
	i := 0
	for b.Loop() {
		lines <- fmt.Appendf(nil, `{"@t":"2026-11-20T12:00:00.%07dZ","@mt":"HTTP {Method} {Path} responded {Status} in {Elapsed} ms","@l":"Information","Method":"GET","Path":"/api/orders/%d","Status":200,"Elapsed":%d.%d,"RequestId":"%016x","Host":"web-%d"}`,
			i%10_000_000, i%5000, i%90, i%10, uint64(i)*0x9e3779b97f4a7c15, i%9)
		i++
	}
	close(lines)
	all.Wait()
	b.ReportMetric(float64((cpuTime()-started).Nanoseconds())/1e3/float64(b.N), "cpu-µs/event")
}
