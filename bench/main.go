// Command bench measures the server as its users meet it: a real process, HTTP on
// loopback, every acknowledgement on disk. It builds the event generator and the loader
// that lie beside the checkout, in ../shared/bench, and prints one table.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

type options struct {
	stele  string // the binary to measure
	shared string // where gen and load are
	work   string // where the events and the store go
	events int
	conns  int
	batch  int // bytes of a request body
	runs   int

	protocols bool // compare the protocols instead
}

func main() {
	var o options
	flag.StringVar(&o.stele, "stele", "../bin/stele", "the binary to measure")
	flag.StringVar(&o.shared, "shared", "../../shared/bench", "folder with gen/ and load/")
	flag.StringVar(&o.work, "work", "work", "folder for the events and the store")
	flag.IntVar(&o.events, "n", 5_000_000, "events")
	flag.IntVar(&o.conns, "conns", 4, "connections")
	flag.IntVar(&o.batch, "batch-bytes", 8<<20, "most bytes of a request body")
	flag.IntVar(&o.runs, "runs", 3, "runs, each into an empty store")
	flag.BoolVar(&o.protocols, "protocols", false, "send the events by each protocol and compare")
	flag.Parse()

	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	if _, err := os.Stat(filepath.Join(o.shared, "gen")); err != nil {
		fmt.Printf("skipped: the generator and the loader are not in %s\n", o.shared)
		return nil
	}
	work, err := filepath.Abs(o.work)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	load, err := build(o.shared, "load", work)
	if err != nil {
		return err
	}
	events, err := generate(o, work)
	if err != nil {
		return err
	}
	fmt.Printf("%d events, %d connections, bodies of %d bytes, each acknowledged when on disk\n\n", o.events, o.conns, o.batch)
	if o.protocols {
		return runProtocols(o, events, work)
	}
	fmt.Printf("%4s %12s %14s %16s %14s %14s %12s\n", "run", "events/s", "CPU µs/event", "settled µs/event", "disk B/event", "peak RSS MB", "open ms")
	for n := range o.runs {
		r, err := measure(o, load, events, filepath.Join(work, "store"))
		if err != nil {
			return fmt.Errorf("run %d: %w", n+1, err)
		}
		fmt.Printf("%4d %12.0f %14.2f %16.2f %14.1f %14.0f %12.1f\n", n+1, r.rate, r.cpu, r.settledCPU, r.disk, r.peakMB, r.openMS)
	}
	return nil
}

type result struct {
	rate       float64 // events acknowledged a second
	cpu        float64 // server CPU, µs an event, until the last acknowledgement
	settledCPU float64 // the same until sealing was done and the server stopped
	disk       float64 // bytes an event, settled
	peakMB     float64
	openMS     float64 // what the store says that opening took
}

// measure loads the events into an empty store, waits until it is settled, stops the
// server and opens the store again.
func measure(o options, load, events, store string) (result, error) {
	var r result
	if err := os.RemoveAll(store); err != nil {
		return r, err
	}
	s, err := start(o.stele, store)
	if err != nil {
		return r, err
	}
	defer s.kill()
	before := s.cpu()
	out, err := exec.Command(load, "-url", s.url+"/ingest/clef", "-file", events, "-conns", strconv.Itoa(o.conns),
		"-batch-bytes", strconv.Itoa(o.batch)).CombinedOutput()
	if err != nil {
		return r, fmt.Errorf("load: %w\n%s", err, out)
	}
	rate := regexp.MustCompile(`events/s ([0-9.]+)`).FindSubmatch(out)
	if rate == nil {
		return r, fmt.Errorf("the loader's report has no rate:\n%s", out)
	}
	r.rate, _ = strconv.ParseFloat(string(rate[1]), 64)
	n := float64(o.events)
	r.cpu = (s.cpu() - before) * 1e6 / n
	if err := s.settle(); err != nil {
		return r, err
	}
	r.settledCPU = (s.cpu() - before) * 1e6 / n
	r.peakMB = s.peakMB()
	if err := s.stop(); err != nil {
		return r, err
	}
	size, err := treeSize(store)
	if err != nil {
		return r, err
	}
	r.disk = float64(size) / n

	again, err := start(o.stele, store)
	if err != nil {
		return r, err
	}
	defer again.kill()
	stats, err := again.stats()
	if err != nil {
		return r, err
	}
	if stats.Events != int64(o.events) {
		return r, fmt.Errorf("opened again, the store has %d events of %d", stats.Events, o.events)
	}
	r.openMS = stats.OpenedMS
	return r, again.stop()
}

// stats is the part of GET /api/store that is measured.
type stats struct {
	Events        int64
	JournalEvents int64
	JournalBytes  int64
	OpenedMS      float64
}

func (s *server) stats() (stats, error) {
	var st stats
	resp, err := http.Get(s.url + "/api/store")
	if err != nil {
		return st, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return st, err
	}
	if resp.StatusCode != http.StatusOK {
		return st, fmt.Errorf("GET /api/store: %s: %s", resp.Status, body)
	}
	return st, json.Unmarshal(body, &st)
}

// settled is the most that a settled journal holds: what is below the default limit is not sealed.
const settled = 64<<20 + 4<<20

// settle waits until the sealer has nothing left to do.
func (s *server) settle() error {
	last, calm := int64(-1), 0
	for range 300 {
		st, err := s.stats()
		if err != nil {
			return err
		}
		if st.JournalBytes <= settled && st.JournalEvents == last {
			if calm++; calm == 3 {
				return nil
			}
		} else {
			last, calm = st.JournalEvents, 0
		}
		time.Sleep(500 * time.Millisecond)
	}
	return errors.New("the store did not settle within 150 s")
}

// build builds a program of the shared folder into work and returns its path.
func build(shared, name, work string) (string, error) {
	bin := filepath.Join(work, name)
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = filepath.Join(shared, name)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return bin, nil
}

// generate writes the events once; the file is kept for later runs.
func generate(o options, work string) (string, error) {
	name := filepath.Join(work, fmt.Sprintf("events-%d.clef", o.events))
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	gen, err := build(o.shared, "gen", work)
	if err != nil {
		return "", err
	}
	f, err := os.Create(name + ".tmp")
	if err != nil {
		return "", err
	}
	cmd := exec.Command(gen, "-n", strconv.Itoa(o.events), "-seed", "1", "-start", "2025-06-01T00:00:00Z", "-rate", "50", "-format", "clef")
	cmd.Stdout, cmd.Stderr = f, os.Stderr
	if err := errors.Join(cmd.Run(), f.Close()); err != nil {
		return "", fmt.Errorf("generate events: %w", err)
	}
	return name, os.Rename(f.Name(), name)
}

func treeSize(dir string) (int64, error) {
	var size int64
	return size, filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return err
	})
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
