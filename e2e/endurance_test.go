package e2e

import (
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	endurance = flag.Duration("endurance", 0, "how long TestEndurance lasts; 0: it is skipped")
	rate      = flag.Int("rate", 20_000, "events a second in TestEndurance")
)

const (
	enduranceBatch   = 500
	enduranceSamples = 60
	enduranceMemory  = 256 << 20
	enduranceBytes   = 120 // on disk, of an event, at most: most of it is random
)

// A sample is what the server takes at a moment.
type sample struct {
	at     time.Duration
	disk   int64 // bytes of all files in its directory
	memory int64 // resident
	files  int   // open ones, sockets included
	events int64 // in the store
	stored int64 // events acknowledged since the last sample
}

// TestEndurance has the server take in events at a rate for as long as -endurance says, with searches and a live stream
// beside, and retention by size. Once retention has begun, what the server takes of disk, memory and file handles must stay flat;
// every event must be acknowledged in time, and what retention leaves must be the newest, without a gap.
//
//	go test ./e2e -run TestEndurance -v -timeout 2h -endurance 1h
func TestEndurance(t *testing.T) {
	if *endurance == 0 {
		t.Skip("skipped: it takes as long as -endurance says")
	}
	if runtime.GOOS != "linux" {
		t.Skip("skipped: what a process takes is read from /proc")
	}
	// The size is reached after a third of the time at most. Policies are looked at once a minute.
	minute := int64(*rate) * enduranceBytes * 60
	limit := max(int64(*rate)*enduranceBytes*int64(*endurance/time.Second)/6, 24<<20)
	dir := t.TempDir()
	p := serve(t, dir, "--memory", "256MiB", "--journal-limit", "8MiB")
	p.retain(t, limit)

	stop := make(chan struct{})
	var all sync.WaitGroup
	var stored, late atomic.Int64
	const clients = 4
	for n := range clients {
		all.Go(func() { endure(t, p, n, clients, stop, &stored, &late) })
	}
	all.Go(func() { p.lookAround(t, stop) })

	samples := []sample{}
	began, before := time.Now(), int64(0)
	for k := 1; k <= enduranceSamples && !t.Failed(); k++ {
		select {
		case <-time.After(time.Until(began.Add(*endurance * time.Duration(k) / enduranceSamples))):
		case <-p.done:
			t.Fatalf("the server ended: %v\n%s", p.err, p.log)
		}
		s := p.sample(t, dir)
		now := stored.Load()
		s.at, s.stored = time.Since(began), now-before
		before = now
		samples = append(samples, s)
	}
	close(stop)
	all.Wait()
	t.Logf("%d events acknowledged in %s, %d batches more than a second late; retention at %d MiB", stored.Load(), *endurance, late.Load(), limit>>20)
	t.Logf("%8s %10s %10s %8s %12s %10s", "after", "disk MiB", "memory MiB", "handles", "in store", "events/s")
	last := time.Duration(0)
	for _, s := range samples {
		t.Logf("%8s %10.1f %10.1f %8d %12d %10.0f", s.at.Round(time.Second), float64(s.disk)/(1<<20), float64(s.memory)/(1<<20), s.files, s.events, float64(s.stored)/(s.at-last).Seconds())
		last = s.at
	}
	judgeEndurance(t, samples, limit+limit/4+minute)
	if want := int64(float64(*rate) * endurance.Seconds() * 0.98); stored.Load() < want {
		t.Errorf("%d events were acknowledged; there should be %d", stored.Load(), want)
	}
	p.stop()
	if out, errs, code := run(t, "verify", dir); code != 0 {
		t.Errorf("verify ends with %d:\n%s%s", code, out, errs)
	}
}

// judgeEndurance looks at the samples after retention has begun: the second half must take no more than the first.
func judgeEndurance(t *testing.T, samples []sample, disk int64) {
	begun := 0
	for begun < len(samples) && (begun == 0 || samples[begun].events >= samples[begun-1].events) {
		begun++
	}
	steady := samples[begun:]
	if len(steady) < enduranceSamples/2 {
		t.Errorf("retention began to delete after %d of %d samples; that leaves too few", begun, len(samples))
		return
	}
	half := len(steady) / 2
	for _, c := range []struct {
		what  string
		of    func(sample) int64
		slack float64 // by which the second half may be above the first
		most  int64
	}{
		{"disk", func(s sample) int64 { return s.disk }, 1.15, disk},
		{"memory", func(s sample) int64 { return s.memory }, 1.15, enduranceMemory * 3 / 2},
		{"file handles", func(s sample) int64 { return int64(s.files) }, 1.15, 400},
	} {
		first, second := int64(0), int64(0)
		for i, s := range steady {
			if i < half {
				first = max(first, c.of(s))
			} else {
				second = max(second, c.of(s))
			}
		}
		t.Logf("%s: at most %d in the first half after retention had begun, %d in the second", c.what, first, second)
		if float64(second) > float64(first)*c.slack {
			t.Errorf("%s is not flat", c.what)
		}
		if max(first, second) > c.most {
			t.Errorf("%s goes to %d; at most %d is allowed", c.what, max(first, second), c.most)
		}
	}
}

// endure posts batches at a part of the rate, each when it is due.
func endure(t *testing.T, p *process, n, of int, stop <-chan struct{}, stored, late *atomic.Int64) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	pause := time.Second * enduranceBatch * time.Duration(of) / time.Duration(*rate)
	due := time.Now().Add(pause * time.Duration(n) / time.Duration(of))
	var random [60]byte
	for serial := 0; ; due = due.Add(pause) {
		select {
		case <-stop:
			return
		case <-time.After(time.Until(due)):
		}
		if time.Since(due) > time.Second {
			late.Add(1)
		}
		var body strings.Builder
		now := time.Now().UTC().Format("2006-01-02T15:04:05.0000000Z")
		for range enduranceBatch {
			for i := range random {
				random[i] = byte(rng.Uint32())
			}
			fmt.Fprintf(&body, `{"@t":"%s","@mt":"Request {Path} answered {Status} in {Elapsed} ms","@l":"%s","Client":%d,"Serial":%d,"Path":"/orders/%d","Status":%d,"Elapsed":%d.%03d,"Token":"%s"}`+"\n",
				now, []string{"Information", "Information", "Warning", "Error"}[rng.IntN(4)], n, serial, rng.IntN(5000), 200+100*rng.IntN(4), rng.IntN(400), rng.IntN(1000), hex.EncodeToString(random[:]))
			serial++
		}
		status, answer, err := p.post(client, body.String())
		if err != nil || status != http.StatusCreated {
			t.Errorf("client %d: %d %s %v", n, status, answer, err)
			return
		}
		stored.Add(enduranceBatch)
	}
}

// lookAround searches now and then and holds a live stream, as people do.
func (p *process) lookAround(t *testing.T, stop <-chan struct{}) {
	client := &http.Client{Timeout: time.Minute}
	defer client.CloseIdleConnections()
	for {
		for _, path := range []string{
			"/api/events?count=50&filter=Status%20%3D%20500%20and%20Elapsed%20%3E%20390", "/api/events/histogram?buckets=60", "/api/events?count=10000&clef=true",
		} {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Second):
			}
			resp, err := client.Get(p.url + path)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %s", path, resp.Status)
			}
		}
	}
}

// retain has the server keep to a size on disk.
func (p *process) retain(t *testing.T, bytes int64) {
	resp, err := http.Post(p.url+"/api/retention", "application/json", strings.NewReader(fmt.Sprintf(`{"Id":"size","Bytes":%d}`, bytes)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode/100 != 2 {
		t.Fatalf("POST /api/retention: %s %s", resp.Status, answer)
	}
}

func (p *process) sample(t *testing.T, dir string) (s sample) {
	proc := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid))
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	kilobytes, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s.memory = kilobytes << 10
	open, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	s.files = len(open)
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil { // else it was removed meanwhile
				s.disk += info.Size()
			}
		}
		return nil
	})
	var store struct{ Events int64 }
	p.get("/api/store", &store)
	s.events = store.Events
	return s
}
