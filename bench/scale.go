package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/stelehq/stele/bench/meter"
)

// runScale loads a million, five and twenty million events, each into an empty store, made while they are sent: the generator has its share of
// the processors, at every size alike.
func runScale(o options, t meter.Tools, work string) error {
	sizes := []int{1_000_000, 5_000_000, 20_000_000}
	if o.events < sizes[1] { // for trying the bench itself
		sizes = []int{o.events / 5, o.events, o.events * 4}
	}
	runs := make([][]figures, len(sizes))
	for range o.runs {
		for i, n := range sizes {
			f, err := grow(o, t, n, filepath.Join(work, "store"))
			if err != nil {
				return fmt.Errorf("%d events: %w", n, err)
			}
			runs[i] = append(runs[i], f)
			fmt.Fprintf(os.Stderr, "%d events: %+v\n", n, f)
		}
	}
	fmt.Printf("%s. %d connections, bodies of %s bytes, generated while they are sent; medians of %d (least–most).\n\n",
		meter.Machine(), o.conns, meter.Number(float64(o.batch), 0), o.runs)
	var table [][]string
	for i, n := range sizes {
		column := func(of func(*figures) float64, decimals int) string {
			var values []float64
			for k := range runs[i] {
				values = append(values, of(&runs[i][k]))
			}
			return meter.Spread(values, decimals)
		}
		table = append(table, []string{
			meter.Number(float64(n), 0),
			column(func(f *figures) float64 { return f.rate }, 0),
			column(func(f *figures) float64 { return f.cpuAcked }, 2),
			column(func(f *figures) float64 { return f.cpu }, 2),
			column(func(f *figures) float64 { return f.disk }, 1),
			column(func(f *figures) float64 { return f.peakMB }, 0),
			column(func(f *figures) float64 { return f.openMS }, 0),
			column(func(f *figures) float64 { return f.others }, 1),
		})
	}
	meter.Table(os.Stdout, []string{"events", "events/s", "CPU µs/event until the last answer", "settled", "disk B/event", "peak MB", "opening ms", "others' CPU s"}, table)
	return nil
}

// grow loads n events as they are generated, lets the store settle, and opens it again.
func grow(o options, t meter.Tools, n int, store string) (f figures, err error) {
	defer os.RemoveAll(store)
	sys := theStele(o.stele)
	o.events = n
	if err := f.bulk(o, t, sys, "", store); err != nil {
		return f, err
	}
	s, err := sys.start(store)
	if err != nil {
		return f, err
	}
	defer s.kill()
	if f.openMS, err = sys.openMS(s); err != nil {
		return f, err
	}
	if err := sys.holds(s, n); err != nil {
		return f, err
	}
	return f, s.stop()
}
