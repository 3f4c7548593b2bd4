package block

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// BenchmarkSizes writes the events that STELE_BENCH_CLEF names as sealed blocks of 64k and reports what each column takes; those
// in a section of their own by themselves, small ones together:
//
//	STELE_BENCH_CLEF=events.clef go test -run - -bench Sizes -benchtime 1x ./internal/block
func BenchmarkSizes(b *testing.B) {
	events := allBenchEvents(b)
	const rows = 64 << 10
	for b.Loop() {
		sizes := map[string]int{}
		forms := map[string]string{}
		total := 0
		e := NewEncoder(Thorough)
		w := NewBuilder(Limits{})
		for at := 0; at < len(events); at += rows {
			w.Reset()
			fill(b, w, events[at:min(at+rows, len(events))])
			data, _ := e.Encode(nil, w)
			total += len(data)
			blk, err := Open(data, 0)
			if err != nil {
				b.Fatal(err)
			}
			rest := len(data)
			for i, p := range blk.payloads {
				s := &blk.sections[p.section]
				if p.start != 0 || p.end != s.size {
					continue
				}
				name := blk.payloadName(i)
				sizes[name] += len(s.stored)
				rest -= len(s.stored)
				if c := i - payloadColumns; c >= 0 {
					r, err := blk.column(uint32(c))
					if err != nil {
						b.Fatal(err)
					}
					forms[name] = r.form(blk.schema.columns[c].kind)
				}
			}
			sizes["headers and small payloads"] += rest
		}
		var names []string
		for name := range sizes {
			names = append(names, name)
		}
		slices.SortFunc(names, func(x, y string) int { return sizes[y] - sizes[x] })
		var out strings.Builder
		for _, name := range names {
			fmt.Fprintf(&out, "%8.4f  %-32s %s\n", float64(sizes[name])/float64(len(events)), name, forms[name])
		}
		fmt.Printf("\n%s", out.String()) // a log would be cut off
		b.ReportMetric(float64(total)/float64(len(events)), "B/event")
	}
}
