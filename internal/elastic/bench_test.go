package elastic

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/ingest"
	"github.com/stelehq/stele/internal/vfs"
)

func BenchmarkBulk(b *testing.B) {
	for _, withID := range []bool{false, true} {
		var s strings.Builder
		for i := range 1000 {
			if withID {
				fmt.Fprintf(&s, "{\"index\":{\"_index\":\"logs-app\",\"_id\":\"id%d\"}}\n", i)
			} else {
				s.WriteString("{\"create\":{\"_index\":\"logs-app\"}}\n")
			}
			fmt.Fprintf(&s, `{"@timestamp":"2026-11-20T10:00:00.%03dZ","log.level":"info","message":"GET /api/orders/%d 200 in 12ms","service":{"name":"shop"},"http":{"status":200,"path":"/api/orders/%d"},"host":"web-1","n":%d}`+"\n", i, i, i, i)
		}
		store, err := stele.Open("/s", &stele.Options{FS: vfs.NewMem()})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(map[bool]string{false: "plain", true: "ids"}[withID], func(b *testing.B) {
			body := []byte(s.String())
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			batch := store.NewBatch()
			for range b.N {
				batch.Reset()
				var d Bulk
				if p, err := d.Add(batch, body, ingest.PayloadOptions{EventBytes: 1 << 18, Partial: true, Arrival: 1}); err != nil || p.Events != 1000 {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*1000)/b.Elapsed().Seconds(), "events/s")
		})
		store.Close()
	}
}
