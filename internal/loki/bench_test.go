package loki

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/vfs"
)

func BenchmarkPush(b *testing.B) {
	forms := map[string]func(i int) string{
		"text": func(i int) string {
			return fmt.Sprintf("GET /api/orders/%d 200 in 12 ms for user ada from 10.0.0.%d", i, i%256)
		},
		"logfmt": func(i int) string {
			return fmt.Sprintf("level=info msg=\"request done\" method=GET path=/api/orders/%d status=200 took=12ms", i)
		},
		"json": func(i int) string {
			return fmt.Sprintf(`{"level":30,"time":1795170190507,"pid":22103,"req":{"method":"GET","url":"/api/orders/%d"},"msg":"request done"}`, i)
		},
	}
	store, err := stele.Open("/s", &stele.Options{FS: vfs.NewMem()})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	for name, line := range forms {
		var values []string
		var entries [][]byte
		entries = append(entries, text(1, `{app="shop",level="info",host="web-1"}`))
		for i := range 1000 {
			values = append(values, fmt.Sprintf(`["%d",%q,{"trace_id":"0123456789abcdef0123456789abcdef"}]`, 1795168800000000000+i, line(i)))
			entries = append(entries, message(2, now, text(2, line(i)), pair("trace_id", "0123456789abcdef0123456789abcdef")))
		}
		js := []byte(`{"streams":[{"stream":{"app":"shop","level":"info","host":"web-1"},"values":[` + strings.Join(values, ",") + `]}]}`)
		pb := message(1, entries...)
		for form, body := range map[string][]byte{"json": js, "protobuf": snappy(pb)} {
			size := len(body)
			if form == "protobuf" {
				size = len(pb)
			}
			b.Run(form+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				batch := store.NewBatch()
				o := options
				o.EventBytes = 1 << 18
				for range b.N {
					batch.Reset()
					if p, err := Push(batch, body, o, anySize); err != nil || p.Events != 1000 {
						b.Fatal(err, p.Events)
					}
				}
				b.ReportMetric(float64(b.N*1000)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}
