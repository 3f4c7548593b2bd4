package block

import (
	"bytes"
	"os"
	"strconv"
	"testing"
)

// benchEvents reads the events to measure with, 64k of them at most.
func benchEvents(b *testing.B) [][]byte {
	events := allBenchEvents(b)
	return events[:min(len(events), 64<<10)]
}

// allBenchEvents reads the CLEF lines in the file that STELE_BENCH_CLEF names.
func allBenchEvents(b *testing.B) [][]byte {
	name := os.Getenv("STELE_BENCH_CLEF")
	if name == "" {
		b.Skip("skipped: STELE_BENCH_CLEF names no file of CLEF events, and made-up ones would say nothing of speed or size")
	}
	data, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(data), []byte("\n"))
}

func fill(b *testing.B, w *Builder, events [][]byte) {
	for _, line := range events {
		if err := w.AddCLEF(line); err != nil {
			b.Fatal(err)
		}
	}
}

func perEvent(b *testing.B, events int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(events), "ns/event")
}

func BenchmarkAddCLEF(b *testing.B) {
	for _, n := range []int{100, 64 << 10} {
		b.Run(map[bool]string{true: "100", false: "64k"}[n == 100], func(b *testing.B) {
			events := benchEvents(b)
			events = events[:min(n, len(events))]
			w := NewBuilder(Limits{})
			b.ReportAllocs()
			for b.Loop() {
				w.Reset()
				fill(b, w, events)
			}
			perEvent(b, len(events))
		})
	}
}

func benchEncode(b *testing.B, codec Codec, n int) {
	events := benchEvents(b)
	events = events[:min(n, len(events))]
	w := NewBuilder(Limits{})
	fill(b, w, events)
	var data []byte
	e := NewEncoder(codec)
	b.ReportAllocs()
	for b.Loop() {
		data, _ = e.Encode(data[:0], w)
	}
	perEvent(b, len(events))
	b.ReportMetric(float64(len(data))/float64(len(events)), "B/event")
}

func BenchmarkEncodeFast(b *testing.B)     { benchEncode(b, Fast, 64<<10) }
func BenchmarkEncodeFast1(b *testing.B)    { benchEncode(b, Fast, 1) }
func BenchmarkEncodeFast100(b *testing.B)  { benchEncode(b, Fast, 100) }
func BenchmarkEncodeThorough(b *testing.B) { benchEncode(b, Thorough, 64<<10) }

func encoded(b *testing.B, codec Codec) (data []byte, events int) {
	all := benchEvents(b)
	w := NewBuilder(Limits{})
	fill(b, w, all)
	data, _ = w.Encode(nil, codec)
	return data, len(all)
}

func BenchmarkOpenAndExport(b *testing.B) {
	data, events := encoded(b, Thorough)
	var text []byte
	b.ReportAllocs()
	for b.Loop() {
		blk, err := Open(data, 0)
		if err != nil {
			b.Fatal(err)
		}
		for c := blk.Cursor(); c.Next(); {
			if text, err = c.AppendCLEF(text[:0]); err != nil {
				b.Fatal(err)
			}
		}
	}
	perEvent(b, events)
}

func BenchmarkOpenAndLast100(b *testing.B) {
	data, _ := encoded(b, Thorough)
	var text []byte
	for b.Loop() {
		blk, err := Open(data, 0)
		if err != nil {
			b.Fatal(err)
		}
		c := blk.CursorAt(blk.Rows())
		for range 100 {
			c.Prev()
			if text, err = c.AppendCLEF(text[:0]); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	data, events := encoded(b, Thorough)
	blk, err := Open(data, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		for row := range events {
			if _, err := blk.Lookup(row, "@l"); err != nil {
				b.Fatal(err)
			}
		}
	}
	perEvent(b, events)
}

func BenchmarkAppendRuns(b *testing.B) {
	for _, n := range []int{1, 100, 1 << 20} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			data, events := encoded(b, Fast)
			w := NewBuilder(Limits{})
			b.ReportAllocs()
			for b.Loop() {
				blk, err := Open(data, 0)
				if err != nil {
					b.Fatal(err)
				}
				var runs []Run
				for row := 0; row < events; row += n {
					runs = append(runs, Run{blk, row, min(row+n, events)})
				}
				w.Reset()
				if err := w.AppendRuns(runs); err != nil {
					b.Fatal(err)
				}
			}
			perEvent(b, events)
		})
	}
}

func BenchmarkAppendBuilder(b *testing.B) {
	all := benchEvents(b)
	var parts []*Builder
	for at := 0; at < len(all); at += 1000 {
		w := NewBuilder(Limits{})
		fill(b, w, all[at:min(at+1000, len(all))])
		parts = append(parts, w)
	}
	w := NewBuilder(Limits{})
	b.ReportAllocs()
	for b.Loop() {
		w.Reset()
		for _, p := range parts {
			w.AppendBuilder(p)
		}
	}
	perEvent(b, len(all))
}

// BenchmarkBatches does what appending batches of 1,000 events does, and what sealing does with them: parse, encode for the journal, open, and
// merge into a block of 64k events.
func BenchmarkBatches(b *testing.B) {
	all := benchEvents(b)
	const size = 1000
	var batches [][][]byte
	for at := 0; at+size <= len(all); at += size {
		batches = append(batches, all[at:at+size])
	}
	events := size * len(batches)
	w, e := NewBuilder(Limits{}), NewEncoder(Fast)
	var blocks [][]byte
	for _, batch := range batches {
		w.Reset()
		fill(b, w, batch)
		data, _ := e.Encode(nil, w)
		blocks = append(blocks, data)
	}
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, batch := range batches {
				w.Reset()
				fill(b, w, batch)
			}
		}
		perEvent(b, events)
	})
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		w.Reset()
		fill(b, w, batches[0])
		var data []byte
		for b.Loop() {
			data, _ = e.Encode(data[:0], w)
		}
		perEvent(b, size)
		b.ReportMetric(float64(len(data))/size, "B/event")
	})
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, data := range blocks {
				if _, err := Open(data, 0); err != nil {
					b.Fatal(err)
				}
			}
		}
		perEvent(b, events)
	})
	b.Run("merge", func(b *testing.B) {
		b.ReportAllocs()
		to := NewBuilder(Limits{})
		for b.Loop() {
			b.StopTimer()
			var opened []*Block
			for _, data := range blocks {
				blk, err := Open(data, 0)
				if err != nil {
					b.Fatal(err)
				}
				opened = append(opened, blk)
			}
			to.Reset()
			b.StartTimer()
			for _, blk := range opened {
				if err := to.AppendRuns([]Run{{blk, 0, blk.Rows()}}); err != nil {
					b.Fatal(err)
				}
			}
		}
		perEvent(b, events)
	})
}
