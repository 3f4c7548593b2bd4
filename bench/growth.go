package main

import (
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/stelehq/stele/bench/meter"
)

const growth = 4 // times as many events

// runGrowth asks the questions of stores with -n events and with four times as many, in turn.
func runGrowth(o options, t meter.Tools, work string) error {
	few, err := t.Generate(o.events, "clef", work)
	if err != nil {
		return err
	}
	trace, err := traceIn(few)
	if err != nil {
		return err
	}
	grown := o
	grown.events *= growth
	sizes := []options{o, grown}
	var all [][]*respondent // by size
	for _, size := range sizes {
		rs := respondents(size, work)
		for _, r := range rs {
			if err := r.load(size, t, ""); err != nil {
				return fmt.Errorf("load %s: %w", r.sys.name, err)
			}
		}
		all = append(all, rs)
	}
	header := []string{"", ""}
	for _, r := range all[0] {
		header = append(header, fmt.Sprintf("%s warm ms", r.sys.name), fmt.Sprintf("at %d times", growth), "ratio", "CPU ms", fmt.Sprintf("at %d times", growth), "ratio")
	}
	var table [][]string
	logs := make([][]float64, len(all[0]))
	for _, q := range o.chosen(questions(trace)) {
		line := []string{q.name, q.about}
		for i := range all[0] {
			var warm, cpu [2]float64
			for k := range sizes {
				a, err := all[k][i].put(&q, o)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", all[k][i].sys.name, q.name, err)
				}
				warm[k], cpu[k] = slices.Min(a.warm), a.cpu
				line = append(line, meter.Number(warm[k], 1))
			}
			times := func(v [2]float64) string {
				if v[0] == 0 {
					return "–"
				}
				return fmt.Sprintf("%.1f", v[1]/v[0])
			}
			line = append(line, times(warm), meter.Number(cpu[0], 1), meter.Number(cpu[1], 1), times(cpu))
			logs[i] = append(logs[i], math.Log(warm[1]/warm[0]))
		}
		fmt.Fprintln(os.Stderr, line)
		table = append(table, line)
	}
	fmt.Printf("%s. %s events, and %d times as many; least of %d warm ones.\n\n", meter.Machine(), meter.Number(float64(o.events), 0), growth, warmRuns)
	meter.Table(os.Stdout, header, table)
	for i, r := range all[0] {
		if sum, n := 0.0, float64(len(logs[i])); n > 0 {
			for _, v := range logs[i] {
				sum += v
			}
			fmt.Printf("\n%s, geometric mean of the ratios of times: %.1f.\n", r.sys.name, math.Exp(sum/n))
		}
	}
	return nil
}
