package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/stelehq/stele/bench/meter"
)

// A backupStep is what is measured of one command.
type backupStep struct {
	name    string
	bytes   []float64 // that were copied
	seconds []float64
	cpu     []float64 // of the command and, if it has one, of the server
}

// runBackup makes backups of a server at rest: the first, one of an unchanged store, and one after a hundredth more events; checks and restores; and
// copies the same files with cp, which syncs nothing and checks nothing.
func runBackup(o options, t meter.Tools, work string) error {
	steps := []*backupStep{{name: "first backup, over HTTP"}, {name: "the same again"}, {name: "after 1 % more events"}, {name: "backup --verify"}, {name: "restore"},
		{name: "verify of what was restored"}, {name: "first backup, of the directory"}, {name: "cp -r of the store"}}
	for range o.runs {
		if err := backupRun(o, t, work, steps); err != nil {
			return err
		}
	}
	fmt.Printf("%s. %s events; medians of %d (least–most).\n\n", meter.Machine(), meter.Number(float64(o.events), 0), o.runs)
	var table [][]string
	for _, s := range steps {
		rate := make([]float64, len(s.bytes))
		for i := range rate {
			rate[i] = s.bytes[i] / 1e6 / s.seconds[i]
		}
		table = append(table, []string{s.name, meter.Spread(scaled(s.bytes, 1e-6), 2), meter.Spread(scaled(s.seconds, 1e3), 0), meter.Spread(rate, 0), meter.Spread(scaled(s.cpu, 1e3), 0)})
	}
	meter.Table(os.Stdout, []string{"", "MB", "ms", "MB/s", "CPU ms"}, table)
	return nil
}

func scaled(values []float64, by float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v * by
	}
	return out
}

func backupRun(o options, t meter.Tools, work string, steps []*backupStep) (err error) {
	dir, err := os.MkdirTemp(work, "backup-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	in := func(name string) string { return filepath.Join(dir, name) }
	events, err := t.Generate(o.events, "clef", work)
	if err != nil {
		return err
	}
	more, err := t.Generate(max(o.events/100, 1), "clef", work)
	if err != nil {
		return err
	}
	s, err := start(o.stele, in("store"))
	if err != nil {
		return err
	}
	defer s.kill()
	load := func(events string) error {
		if _, err := s.load(t.Load, "/ingest/clef", events, nil, o.bodies()...); err != nil {
			return err
		}
		return s.rest()
	}
	if err := load(events); err != nil {
		return err
	}
	meter.Idle(o.patience)
	// measure runs a command and reads how many bytes it has copied from what it prints, unless it is told.
	measure := func(i int, bytes float64, served bool, name string, args ...string) error {
		before := 0.0
		if served {
			before = s.cpu()
		}
		begun := time.Now()
		cmd := exec.Command(name, args...)
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("%s %v: %w", name, args, err)
		}
		step := steps[i]
		step.seconds = append(step.seconds, time.Since(begun).Seconds())
		cpu := used(cmd)
		if served {
			cpu += s.cpu() - before
		}
		step.cpu = append(step.cpu, cpu)
		if bytes < 0 {
			var said struct{ Added float64 }
			if err := json.Unmarshal(out, &said); err != nil {
				return err
			}
			bytes = said.Added
		}
		step.bytes = append(step.bytes, bytes)
		return nil
	}
	for i := range 3 {
		if i == 2 {
			if err := load(more); err != nil {
				return err
			}
		}
		if err := measure(i, -1, true, o.stele, "backup", in("pool"), "--url", s.url, "--json"); err != nil {
			return err
		}
	}
	all := steps[0].bytes[len(steps[0].bytes)-1] + steps[2].bytes[len(steps[2].bytes)-1] // little of it is of the first alone
	if err := s.stop(); err != nil {
		return err
	}
	for i, args := range [][]string{{"backup", in("pool"), "--verify"}, {"restore", in("pool"), in("restored")}, {"verify", in("restored")}} {
		if err := measure(3+i, all, false, o.stele, args...); err != nil {
			return err
		}
	}
	if err := measure(6, -1, false, o.stele, "backup", in("direct"), "--datapath", in("store"), "--json"); err != nil {
		return err
	}
	return measure(7, steps[6].bytes[len(steps[6].bytes)-1], false, "cp", "-r", in("store"), in("copy"))
}
