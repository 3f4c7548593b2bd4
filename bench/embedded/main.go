// Command embedded measures package stele beside what a Go program would otherwise embed to keep its events: bbolt, Pebble and
// SQLite, with the event's JSON text as the value and its time and a counter as the key. Each is used as its
// own documents advise for such data; all are given the same batches, and each batch is durable before the next is begun. Every
// store runs in a process of its own. The tables go to standard output.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/stelehq/stele/bench/meter"
)

type options struct {
	shared   string
	work     string
	stores   string
	events   int
	batch    int
	writers  int
	runs     int
	patience time.Duration

	one    string // measure this store in this process
	file   string // of its events
	prof   string // write a profile here
	profOf string // of this
}

func main() {
	var o options
	flag.StringVar(&o.shared, "shared", "../../shared/bench", "folder with gen/")
	flag.StringVar(&o.work, "work", "work", "folder for the events and the stores")
	flag.StringVar(&o.stores, "stores", strings.Join(names(), ","), "what to measure")
	flag.IntVar(&o.events, "n", 2_000_000, "events")
	flag.IntVar(&o.batch, "batch", 1000, "events of a batch")
	flag.IntVar(&o.writers, "writers", 4, "goroutines that append")
	flag.IntVar(&o.runs, "runs", 3, "runs, each into an empty store")
	flag.DurationVar(&o.patience, "patience", 30*time.Second, "how long to wait for the machine to be idle before each run")
	flag.StringVar(&o.one, "one", "", "measure one store in this process (the program does so itself)")
	flag.StringVar(&o.file, "file", "", "file of the events of -one")
	flag.StringVar(&o.prof, "profile", "", "with -one: write a processor profile to this file")
	flag.StringVar(&o.profOf, "profile-of", "append", "what -profile is of: append, scan, back or filter")
	flag.Parse()

	run := runAll
	if o.one != "" {
		run = runOne
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "embedded:", err)
		os.Exit(1)
	}
}

func runAll(o options) error {
	work, tools, err := meter.Prepare(o.shared, o.work)
	if err != nil || work == "" {
		return err
	}
	file, err := tools.Generate(o.events, "clef", work)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	stores := strings.Split(o.stores, ",")
	runs := map[string][]figures{}
	for range o.runs {
		for _, name := range stores {
			if !meter.Idle(o.patience) {
				fmt.Fprintln(os.Stderr, "the machine is not idle")
			}
			cmd := exec.Command(self, "-one", name, "-file", file, "-work", work, "-batch", fmt.Sprint(o.batch), "-writers", fmt.Sprint(o.writers))
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Fprintf(os.Stderr, "%s", out)
			var f figures
			if err := json.Unmarshal(out, &f); err != nil {
				return err
			}
			runs[name] = append(runs[name], f)
		}
	}
	print(o, stores, runs)
	return nil
}

// rows are the lines of the table. better is +1 where more is better, else -1.
var rows = []struct {
	name     string
	decimals int
	of       func(*figures) float64
	better   int
	goal     string
}{
	{"durable append, events/s", 0, func(f *figures) float64 { return f.Append }, +1, "≥ 1 × the best"},
	{"CPU of it, µs/event, settled", 2, func(f *figures) float64 { return f.CPU }, -1, ""},
	{"disk, bytes/event, settled", 1, func(f *figures) float64 { return f.Disk }, -1, "≤ 0.33 × the smallest"},
	{"whole events, oldest first, events/s", 0, func(f *figures) float64 { return f.Ascending }, +1, "≥ 1 × Pebble"},
	{"… CPU, µs/event", 3, func(f *figures) float64 { return f.ScanCPU }, -1, ""},
	{"whole events, newest first, events/s", 0, func(f *figures) float64 { return f.Descending }, +1, "≥ 1 × Pebble"},
	{"… CPU, µs/event", 3, func(f *figures) float64 { return f.BackCPU }, -1, ""},
	{"filter on one property, events/s", 0, func(f *figures) float64 { return f.Filter }, +1, "≥ 10 × each"},
	{"… CPU, µs/event", 3, func(f *figures) float64 { return f.FilterCPU }, -1, ""},
	{"CPU that others used, s", 1, func(f *figures) float64 { return f.Others }, -1, ""},
}

func print(o options, stores []string, runs map[string][]figures) {
	fmt.Printf("%s. %s events, batches of %d from %d goroutines, each synced; medians of %d.\n\n",
		meter.Machine(), meter.Number(float64(o.events), 0), o.batch, o.writers, o.runs)
	header := append(append([]string{""}, stores...), "ratio to the best other", "wanted")
	var table [][]string
	for _, r := range rows {
		line := []string{r.name}
		ours, best := 0.0, 0.0
		for _, name := range stores {
			var values []float64
			for k := range runs[name] {
				values = append(values, r.of(&runs[name][k]))
			}
			m := meter.Median(values)
			line = append(line, meter.Number(m, r.decimals))
			switch {
			case name == "stele":
				ours = m
			case best == 0 || (m-best)*float64(r.better) > 0:
				best = m
			}
		}
		ratio := "–"
		if ours > 0 && best > 0 {
			ratio = fmt.Sprintf("%.2f", ours/best)
		}
		table = append(table, append(line, ratio, r.goal))
	}
	meter.Table(os.Stdout, header, table)
}
