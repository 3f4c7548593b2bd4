package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/stelehq/stele/bench/meter"
)

// system is a log server that can be measured.
type system struct {
	name   string
	format string // of the generator's events
	ingest string // path that takes in lines of it
	start  func(store string) (*server, error)
	settle func(*server) error // until what the background does is done
	count  func(*server) (int, error)
	export func(*server) (lines int, err error)
	openMS func(*server) (float64, error)
	finish func(store string) error                                                               // what is left to do once the server is stopped; nil: nothing
	replay func(o options, t meter.Tools, events, store string) (secondsPerGB float64, err error) // nil: it has no journal
}

// figures are what one run of a system gives.
type figures struct {
	rate     float64 // events acknowledged a second
	cpu      float64 // of the server, µs an event, until all is settled
	cpuAcked float64 // the same until the last acknowledgement
	disk     float64 // bytes an event, settled
	peakMB   float64 // of resident memory until then
	single   float64 // events a second, one a request
	perOne   float64 // server CPU, µs for each of these
	export   float64 // events a second
	openMS   float64
	replay   float64 // seconds for 10^9 bytes of journal
	others   float64 // processor seconds that the rest of the machine used meanwhile
}

// row is a line of the table: how a figure is read, what VictoriaLogs had when it was measured alone, and what is wanted.
type row struct {
	name     string
	decimals int
	of       func(*figures) float64
	anchor   float64 // 0: none
	goal     string
}

var comparison = []row{
	{"ingestion, events/s", 0, func(f *figures) float64 { return f.rate }, 169_961, "≥ 4 ×"},
	{"server CPU, µs/event, settled", 2, func(f *figures) float64 { return f.cpu }, 11.1, "≤ 0.2 ×"},
	{"… until the last answer", 2, func(f *figures) float64 { return f.cpuAcked }, 0, ""},
	{"disk, bytes/event, settled", 1, func(f *figures) float64 { return f.disk }, 76.3, "≤ 0.35 ×"},
	{"peak resident memory, MB", 0, func(f *figures) float64 { return f.peakMB }, 650, "≤ 0.5 ×"},
	{"one event a request, events/s", 0, func(f *figures) float64 { return f.single }, 11_012, "≥ 1 ×"},
	{"… server CPU, µs/request", 1, func(f *figures) float64 { return f.perOne }, 113, ""},
	{"export of everything, events/s", 0, func(f *figures) float64 { return f.export }, 694_000, "≥ 2.5 ×"},
	{"opening, ms", 0, func(f *figures) float64 { return f.openMS }, 22, "≤ 30 ms"},
	{"journal replay, s/GB", 2, func(f *figures) float64 { return f.replay }, 0, "≤ 1"},
	{"CPU that others used, s", 1, func(f *figures) float64 { return f.others }, 0, ""},
}

// runComparison measures the systems in turn, so that what the machine does to one it does to the other, and prints medians.
func runComparison(o options, t meter.Tools, work string) error {
	systems := []*system{theStele(o.stele)}
	if o.victoriaLogs != "" {
		systems = append(systems, victoriaLogs(o.victoriaLogs))
	}
	files := make([]string, len(systems))
	for i, sys := range systems {
		var err error
		if files[i], err = t.Generate(o.events, sys.format, work); err != nil {
			return err
		}
	}
	runs := make([][]figures, len(systems))
	for n := range o.runs {
		for i, sys := range systems {
			f, err := measure(o, t, sys, files[i], filepath.Join(work, "store"))
			if err != nil {
				return fmt.Errorf("%s, run %d: %w", sys.name, n+1, err)
			}
			runs[i] = append(runs[i], f)
			fmt.Fprintf(os.Stderr, "%s, run %d: %+v\n", sys.name, n+1, f)
		}
	}
	printComparison(o, systems, runs)
	return nil
}

func printComparison(o options, systems []*system, runs [][]figures) {
	fmt.Printf("%s. %s events, %d connections, bodies of %s bytes; medians of %d (least–most).\n\n",
		meter.Machine(), meter.Number(float64(o.events), 0), o.conns, meter.Number(float64(o.batch), 0), o.runs)
	var table [][]string
	for _, r := range comparison {
		var columns [2][]float64
		for i := range systems {
			for k := range runs[i] {
				columns[i] = append(columns[i], r.of(&runs[i][k]))
			}
		}
		ours, theirs := columns[0], columns[1]
		line := []string{r.name, meter.Spread(ours, r.decimals), "–", "–", r.goal}
		other := meter.Median(theirs)
		switch {
		case len(systems) > 1 && other > 0:
			line[2] = meter.Spread(theirs, r.decimals)
		case len(systems) == 1 && r.anchor > 0:
			other = r.anchor
			line[2] = meter.Number(r.anchor, r.decimals) + " (not in this run)"
		}
		if other > 0 {
			line[3] = fmt.Sprintf("%.2f", meter.Median(ours)/other)
		}
		table = append(table, line)
	}
	meter.Table(os.Stdout, []string{"", "Stele", "VictoriaLogs 1.26", "ratio", "wanted"}, table)
}

// measure takes one run of everything, into an empty store.
func measure(o options, t meter.Tools, sys *system, events, store string) (f figures, err error) {
	defer os.RemoveAll(store)
	steps := []func() error{
		func() error { return f.bulk(o, t, sys, events, store) },
		func() error { return f.reopened(o, sys, store) },
		func() error { return f.singles(o, t, sys, events, store) },
		func() error {
			if sys.replay == nil {
				return nil
			}
			if err := os.RemoveAll(store); err != nil {
				return err
			}
			f.replay, err = sys.replay(o, t, events, store)
			return err
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return f, err
		}
	}
	return f, nil
}

// bulk loads all events into an empty store and waits until it is settled. If they are in no file they are made meanwhile.
func (f *figures) bulk(o options, t meter.Tools, sys *system, events, store string) error {
	if err := os.RemoveAll(store); err != nil {
		return err
	}
	meter.Idle(o.patience)
	s, err := sys.start(store)
	if err != nil {
		return err
	}
	defer s.kill()
	watch, before := meter.Watch(s.cmd.Process.Pid), s.cpu()
	var feed *exec.Cmd
	if events == "" {
		events, feed = "/dev/stdin", t.Generator(o.events, sys.format)
	}
	l, err := s.load(t.Load, sys.ingest, events, feed, o.bodies()...)
	if err != nil {
		return err
	}
	n := float64(o.events)
	f.rate, f.cpuAcked = l.rate, (s.cpu()-before)*1e6/n
	f.others = watch.CPU(l.cpu)
	if err := sys.settle(s); err != nil {
		return err
	}
	f.cpu, f.peakMB = (s.cpu()-before)*1e6/n, s.peakMB()
	if err := sys.holds(s, o.events); err != nil {
		return err
	}
	if err := s.stop(); err != nil {
		return err
	}
	if sys.finish != nil {
		before := meter.CPU(os.Getpid())
		if err := sys.finish(store); err != nil {
			return err
		}
		f.cpu += (meter.CPU(os.Getpid()) - before) * 1e6 / n
	}
	size, err := meter.TreeSize(store)
	f.disk = float64(size) / n
	return err
}

// reopened opens the settled store and exports it, once to warm up and once in earnest.
func (f *figures) reopened(o options, sys *system, store string) error {
	s, err := sys.start(store)
	if err != nil {
		return err
	}
	defer s.kill()
	if f.openMS, err = sys.openMS(s); err != nil {
		return err
	}
	if err := sys.holds(s, o.events); err != nil {
		return err
	}
	for _, wait := range []bool{false, true} {
		if wait {
			meter.Idle(o.patience)
		}
		begun := time.Now()
		lines, err := sys.export(s)
		if err != nil {
			return err
		}
		if lines != o.events {
			return fmt.Errorf("exported %d events of %d", lines, o.events)
		}
		f.export = float64(lines) / time.Since(begun).Seconds()
	}
	return s.stop()
}

// singles sends one event a request on 8 connections, a 25th of the events.
func (f *figures) singles(o options, t meter.Tools, sys *system, events, store string) error {
	if err := os.RemoveAll(store); err != nil {
		return err
	}
	meter.Idle(o.patience)
	s, err := sys.start(store)
	if err != nil {
		return err
	}
	defer s.kill()
	requests, before := o.events/25, s.cpu()
	l, err := s.load(t.Load, sys.ingest, events, nil, "-conns", "8", "-batch-events", "1", "-n", strconv.Itoa(requests))
	if err != nil {
		return err
	}
	f.single, f.perOne = l.rate, (s.cpu()-before)*1e6/float64(requests)
	return s.stop()
}

// holds checks that a store has as many events.
func (sys *system) holds(s *server, events int) error {
	n, err := sys.count(s)
	if err == nil && n != events {
		err = fmt.Errorf("the store has %d events of %d", n, events)
	}
	return err
}
