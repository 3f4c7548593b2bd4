package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startFollower runs stele ingest --follow.
func startFollower(t *testing.T, p *process, state string, args ...string) *process {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	f := &process{t: t, log: new(output), done: make(chan struct{})}
	f.cmd = exec.Command(bin, append([]string{"ingest", "--follow", "--poll", "10ms", "--url", p.url, "--state", state}, args...)...)
	f.cmd.Stdout, f.cmd.Stderr = f.log, f.log
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		f.err = f.cmd.Wait()
		close(f.done)
	}()
	t.Cleanup(f.kill)
	return f
}

// eventually waits until as many events are stored.
func (p *process) eventually(want int, f *process) {
	p.t.Helper()
	var store struct{ Events int }
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		p.get("/api/store", &store)
		if store.Events >= want {
			return
		}
	}
	p.t.Errorf("%d of %d events are stored\n%s", store.Events, want, f.log)
}

// checkNumbers finds each of the numbers below n in the store once.
func checkNumbers(t *testing.T, p *process, n int) {
	t.Helper()
	out, errs, code := run(t, "search", "--url", p.url, "--count", "0", "--json", "")
	if code != 0 {
		t.Fatalf("search ends with %d: %s", code, errs)
	}
	seen := make([]int, n)
	for line := range strings.Lines(out) {
		var e struct {
			M string `json:"@m"`
			X string `json:"@x"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		var number int
		if _, err := fmt.Sscanf(e.M, "number %d", &number); err != nil || number >= n {
			t.Errorf("%.200s was never written", line)
			continue
		}
		seen[number]++
		if want := number%10 == 0; want != (e.X != "") {
			t.Errorf("number %d has the trace %q", number, e.X)
		}
	}
	wrong := 0
	for number, times := range seen {
		if times != 1 {
			if wrong++; wrong <= 10 {
				t.Errorf("number %d is stored %d times", number, times)
			}
		}
	}
	if wrong > 10 {
		t.Errorf("and %d more", wrong-10)
	}
}

// logger writes numbered events to a file that is rotated.
type logger struct {
	t    *testing.T
	name string
	f    *os.File
	next int
}

func (l *logger) open() {
	f, err := os.OpenFile(l.name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		l.t.Error(err)
	}
	l.f = f
}

// write writes some events; every tenth has a stack trace.
func (l *logger) write(events int) {
	for range events {
		line := fmt.Sprintf("2026-11-20 10:%02d:%02d,%03d WARN number %d\n", l.next/60000%60, l.next/1000%60, l.next%1000, l.next)
		if l.next%10 == 0 {
			line += "java.io.IOException: gone\n\tat kafka.Fetch(Fetch.scala:9)\n"
		}
		if _, err := l.f.WriteString(line); err != nil {
			l.t.Error(err)
		}
		l.next++
	}
}

func (l *logger) check(err error) {
	if err != nil {
		l.t.Error(err)
	}
}

// shift makes room for NAME.1.
func (l *logger) shift() {
	for n := 99; n > 0; n-- {
		for _, end := range []string{"", ".gz"} {
			from := fmt.Sprintf("%s.%d%s", l.name, n, end)
			if _, err := os.Stat(from); err == nil {
				l.check(os.Rename(from, fmt.Sprintf("%s.%d%s", l.name, n+1, end)))
			}
		}
	}
}

func (l *logger) rotate(how string) {
	l.shift()
	switch how {
	case "rename", "compress":
		l.check(os.Rename(l.name, l.name+".1"))
		l.f.Close()
		l.open()
		if how == "compress" {
			l.compress(l.name + ".2")
		}
	case "copy":
		l.check(copyFile(l.name+".1", l.name))
		l.check(os.Truncate(l.name, 0))
	}
}

// compress does what gzip does.
func (l *logger) compress(name string) {
	text, err := os.ReadFile(name)
	if err != nil {
		return // there is none yet
	}
	f, err := os.Create(name + ".gz")
	l.check(err)
	z := gzip.NewWriter(f)
	_, err = z.Write(text)
	l.check(err)
	l.check(z.Close())
	l.check(f.Close())
	l.check(os.Remove(name))
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}

// TestR16FollowingThroughRotationAndKills follows a log that is written at full speed and rotated in every way, while
// the follower is killed again and again: every event arrives, none twice.
func TestR16FollowingThroughRotationAndKills(t *testing.T) {
	skipWithoutProcesses(t)
	for _, how := range []string{"rename", "compress", "copy", "mixed"} {
		for _, what := range []string{"app.log", "."} { // the live file alone, or all files of its directory
			t.Run(how+" "+what, func(t *testing.T) {
				seed := uint64(time.Now().UnixNano())
				t.Logf("seed %d", seed)
				rng := rand.New(rand.NewPCG(seed, 0))
				p := serve(t, t.TempDir())
				dir := t.TempDir()
				state := filepath.Join(t.TempDir(), "state.json")
				l := &logger{t: t, name: filepath.Join(dir, "app.log")}
				l.open()
				l.write(5)
				f := startFollower(t, p, state, filepath.Join(dir, what))
				p.eventually(4, f) // the file is known
				stop, done := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(done)
					for rotations := 0; ; {
						select {
						case <-stop:
							return
						default:
						}
						l.write(50)
						if rotations < 40 && rng.IntN(10) == 0 {
							rotations++
							one := how
							if how == "mixed" {
								one = []string{"rename", "compress", "copy"}[rng.IntN(3)]
							}
							l.rotate(one)
						}
						time.Sleep(time.Duration(rng.IntN(4)) * time.Millisecond)
					}
				}()
				for kill := range 6 {
					time.Sleep(time.Duration(30+kill*37) * time.Millisecond)
					f.kill()
					time.Sleep(time.Duration(kill*20) * time.Millisecond)
					f = startFollower(t, p, state, filepath.Join(dir, what))
				}
				time.Sleep(200 * time.Millisecond)
				close(stop)
				<-done
				p.eventually(l.next, f)
				time.Sleep(100 * time.Millisecond) // for what should not come
				f.cmd.Process.Signal(syscall.SIGTERM)
				<-f.done
				if f.err != nil {
					t.Errorf("the follower ends with %v\n%s", f.err, f.log)
				}
				checkNumbers(t, p, l.next)
				t.Logf("%d events", l.next)
				if t.Failed() {
					t.Logf("%s", f.log)
				}
			})
		}
	}
}

// TestFollowingWhileTheServerIsAway kills the server while a log goes on and is rotated; the follower waits, is
// ended and started again, and every event arrives once when the server is back.
func TestFollowingWhileTheServerIsAway(t *testing.T) {
	skipWithoutProcesses(t)
	data := t.TempDir()
	p := serve(t, data)
	url := p.url
	dir, state := t.TempDir(), filepath.Join(t.TempDir(), "state.json")
	l := &logger{t: t, name: filepath.Join(dir, "app.log")}
	l.open()
	l.write(1000)
	f := startFollower(t, p, state, l.name)
	p.eventually(l.next, f)
	p.kill()
	l.write(1000)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if text, _ := os.ReadFile(state); bytes.Contains(text, []byte(`"sent"`)) {
			break
		}
	}
	l.rotate("rename")
	l.write(1000)
	l.rotate("compress")
	l.write(1000)
	f.cmd.Process.Signal(syscall.SIGTERM)
	<-f.done
	if text := f.log.String(); f.err != nil || strings.Count(text, "waiting until it is stored") != 1 || !strings.Contains(text, "is not acknowledged; it is sent again") {
		t.Errorf("without a server the follower ends with %v\n%s", f.err, text)
	}
	f = startFollower(t, p, state, l.name)
	l.rotate("copy")
	l.write(1000)

	p = launch(t, data, "--urls", url)
	p.url = url
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if resp, err := http.Get(url + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server is not back\n%s", p.log)
		}
	}
	p.eventually(l.next, f)
	f.cmd.Process.Signal(syscall.SIGTERM)
	<-f.done
	if f.err != nil {
		t.Errorf("the follower ends with %v\n%s", f.err, f.log)
	}
	checkNumbers(t, p, l.next)
}
