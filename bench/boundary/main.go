// Command boundary measures what the C interface costs: the same events read through the Go package, through libstele in each of its ways, linked as a
// shared library and as an archive, and from SQLite and RocksDB through theirs. Every program reads everything once before it is timed, in a process of its own, and they take turns. What
// cannot be built is left out with a line.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/bench/meter"
)

type options struct {
	shared, work, capi, include, sources string
	events, runs                         int
	read                                 string
}

func main() {
	var o options
	flag.StringVar(&o.shared, "shared", "../../shared/bench", "folder with gen/")
	flag.StringVar(&o.work, "work", "work", "folder for the events and the stores")
	flag.StringVar(&o.capi, "capi", "../bin/capi", "folder with libstele.so and libstele.a")
	flag.StringVar(&o.include, "include", "../include", "folder with stele.h")
	flag.StringVar(&o.sources, "sources", "boundary/c", "folder with the C programs")
	flag.IntVar(&o.events, "n", 500_000, "events")
	flag.IntVar(&o.runs, "runs", 5, "turns")
	flag.StringVar(&o.read, "read", "", "read this store through the Go package (the program does so itself)")
	flag.Parse()
	run := measure
	if o.read != "" {
		run = readGo
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "boundary:", err)
		os.Exit(1)
	}
}

// readGo is what the C programs do, without a boundary.
func readGo(o options) error {
	s, err := stele.Open(o.read, &stele.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer s.Close()
	var begun time.Time
	var used float64
	buf, count, sum := make([]byte, 0, 256<<10), 0, 0
	for range 2 {
		begun, used, count = time.Now(), processor(), 0
		r := s.Read(context.Background(), stele.ReadOptions{})
		for r.Next() {
			buf = r.Event().AppendCLEF(buf[:0])
			key := r.Event().Key()
			sum += len(buf) + int(key[15]) + int(buf[len(buf)-1])
			count++
		}
		if err := r.Close(); err != nil {
			return err
		}
	}
	fmt.Printf("go %.2f\n", float64(time.Since(begun).Nanoseconds())/float64(count))
	fmt.Fprintf(os.Stderr, "%.2f of processor time; %d\n", (processor()-used)/float64(count), sum)
	return nil
}

// processor returns the nanoseconds that all threads of this process have worked.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

// program is one reader.
type program struct {
	name string
	args []string
}

func measure(o options) error {
	work, t, err := meter.Prepare(o.shared, o.work)
	if err != nil || work == "" {
		return err
	}
	events, err := t.Generate(o.events, "clef", work)
	if err != nil {
		return err
	}
	dir := filepath.Join(work, fmt.Sprintf("boundary-%d", o.events))
	records := dir + ".records"
	if _, err := os.Stat(records); err != nil {
		if err := load(events, dir, records); err != nil {
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	programs := []program{{"go", []string{self, "-read", dir}}}
	build := func(name, source string, flags ...string) (string, bool) {
		out := filepath.Join(work, "boundary-"+name)
		args := append([]string{"-std=gnu11", "-O2", "-I", o.include, "-o", out, filepath.Join(o.sources, source)}, flags...)
		if text, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
			fmt.Printf("skipped: %s cannot be built: %s\n", name, strings.SplitN(string(text), "\n", 2)[0])
			return "", false
		}
		return out, true
	}
	capi, err := filepath.Abs(o.capi)
	if err != nil {
		return err
	}
	if p, ok := build("shared", "stele.c", "-L", capi, "-lstele", "-Wl,-rpath,"+capi); ok {
		programs = append(programs, program{"shared", []string{p, dir}})
	}
	if p, ok := build("static", "stele.c", filepath.Join(capi, "libstele.a"), "-lpthread", "-lresolv", "-lm"); ok {
		programs = append(programs, program{"static", []string{p, dir}})
	}
	bare := filepath.Join(work, "libbare.so")
	if text, err := exec.Command("go", "build", "-buildmode=c-shared", "-o", bare, "./boundary/bare").CombinedOutput(); err != nil {
		return fmt.Errorf("building the empty library: %w: %s", err, text)
	}
	if p, ok := build("bare", "bare.c", bare, "-Wl,-rpath,"+work); ok {
		programs = append(programs, program{"bare", []string{p}})
	}
	for _, peer := range []string{"sqlite", "rocksdb"} {
		p, ok := build(peer, peer+".c", map[string]string{"sqlite": "-lsqlite3", "rocksdb": "-lrocksdb"}[peer])
		if !ok {
			continue
		}
		data := dir + "." + peer
		if _, err := os.Stat(data); err != nil {
			if text, err := exec.Command(p, data, records).CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w: %s", peer, err, text)
			}
		}
		programs = append(programs, program{peer, []string{p, data}})
	}
	return compare(o, programs)
}

// load stores the events, and writes them with their keys to a file for the peers.
func load(events, dir, records string) (err error) {
	in, err := os.Open(events)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	s, err := stele.Open(dir, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	ctx := context.Background()
	batch, lines := s.NewBatch(), bufio.NewScanner(in)
	for more := true; more; {
		if more = lines.Scan(); more {
			if err := batch.AddCLEF(lines.Bytes()); err != nil {
				return err
			}
		}
		if batch.Len() == 10_000 || !more {
			if _, err := s.Append(ctx, batch); err != nil {
				return err
			}
			batch.Reset()
		}
	}
	if err := errors.Join(lines.Err(), s.Flush(ctx), s.Settle(ctx)); err != nil {
		return err
	}
	f, err := os.Create(records + ".part")
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	r := s.Read(ctx, stele.ReadOptions{})
	var buf []byte
	for r.Next() {
		buf = r.Event().AppendCLEF(buf[:0])
		key := r.Event().Key()
		head := binary.LittleEndian.AppendUint32(append([]byte(nil), key[:]...), uint32(len(buf)))
		if _, err := w.Write(append(head, buf...)); err != nil {
			return err
		}
	}
	if err := errors.Join(r.Close(), w.Flush()); err != nil {
		return err
	}
	return os.Rename(records+".part", records)
}

// compare runs the programs in turn and prints the medians.
func compare(o options, programs []program) error {
	figures := map[string][]float64{}
	var order []string
	for range o.runs {
		for _, p := range programs {
			out, err := exec.Command(p.args[0], p.args[1:]...).Output()
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
				what, text, _ := strings.Cut(line, " ")
				ns, err := strconv.ParseFloat(text, 64)
				if err != nil {
					return fmt.Errorf("%s: %q is no figure", p.name, line)
				}
				name := what
				if p.name != what {
					name = p.name + " " + what
				}
				if figures[name] == nil {
					order = append(order, name)
				}
				figures[name] = append(figures[name], ns)
			}
		}
	}
	base := meter.Median(figures["go"])
	peer := meter.Median(figures["sqlite"])
	fmt.Printf("%d events, %d turns, nanoseconds an event (a call), medians (least–most). %s.\n\n", o.events, o.runs, meter.Machine())
	rows := [][]string{}
	for _, name := range order {
		ns := meter.Median(figures[name])
		more, ratio := "", ""
		if !strings.Contains(name, "call") {
			more = meter.Number(ns-base, 1)
			if peer > 0 {
				ratio = meter.Number(ns/peer, 2)
			}
		}
		rows = append(rows, []string{name, meter.Spread(figures[name], 1), more, ratio})
	}
	meter.Table(os.Stdout, []string{"", "ns", "over Go", "of SQLite"}, rows)
	return nil
}
