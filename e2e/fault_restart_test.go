package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// restarts ends the server over dir by kill -9 and by SIGTERM while its clients send, starting it
// again at the same address; between is called while it is in service. It returns the last one.
func restarts(p *process, dir string, flags []string, between func()) *process {
	p.t.Helper()
	for _, end := range []func(*process){(*process).kill, (*process).stop, (*process).kill} {
		between()
		end(p)
		time.Sleep(50 * time.Millisecond) // some requests are refused
		p = launchAt(p.t, p.url, dir, flags...).ready()
	}
	between()
	return p
}

// acrossRestarts has a client send one event after the other while the server is restarted. What it
// was told is stored must be; the rest may be or not.
func acrossRestarts(t *testing.T, driver, options string) {
	t.Helper()
	acrossRestartsAt(t, driver, options, "")
}

// acrossRestartsAt is acrossRestarts for a client of another address than that of HTTP, which flag opens.
func acrossRestartsAt(t *testing.T, driver, options, flag string) {
	t.Helper()
	skipWithoutProcesses(t)
	t.Parallel()
	dir := t.TempDir()
	var flags []string
	addr := freeAddress(t)
	if flag != "" {
		flags = []string{flag + addr}
	}
	p := serve(t, dir, flags...)
	url := p.url
	if flag != "" {
		url = "http://" + addr
	}
	c := drive(t, driver, url, options)

	told := map[int]string{} // of a failure, "" if there was none
	var stop atomic.Bool
	var taken atomic.Int64
	var sending sync.WaitGroup
	sending.Go(func() {
		for n := 0; !stop.Load(); n++ {
			c.emit(n)
			if told[n] = strings.Join(c.flush(), "\n"); told[n] == "" {
				taken.Add(1)
			} else {
				time.Sleep(5 * time.Millisecond)
			}
		}
	})
	// A client that does not find its way back fails the test.
	limit := time.Now().Add(time.Minute)
	p = restarts(p, dir, flags, func() {
		for begin := taken.Load(); taken.Load() < begin+10; time.Sleep(time.Millisecond) {
			if time.Now().After(limit) {
				t.Error("after a minute events are not taken")
				return
			}
		}
	})
	stop.Store(true)
	sending.Wait()
	c.close()

	p.kill()
	p = launchAt(t, p.url, dir).ready()
	stored := p.probes()
	var acknowledged, lost, doubled int
	reasons := map[string]bool{}
	for n, failure := range told {
		switch {
		case failure == "" && stored[n] == 0:
			t.Errorf("event %d was acknowledged and is lost", n)
		case failure == "":
			acknowledged++
		case stored[n] == 0:
			lost++
			if reason := strings.SplitN(failure, "|", 2)[0]; !reasons[reason] {
				reasons[reason] = true
				t.Logf("event %d is lost: %.300s", n, reason)
			}
		}
		if stored[n] > 1 {
			doubled++
		}
	}
	for n := range stored {
		if _, sent := told[n]; !sent {
			t.Errorf("event %d is stored and was never sent", n)
		}
	}
	t.Logf("%s: of %d events %d were acknowledged; %d were lost while there was no server, %d are stored twice", driver, len(told), acknowledged, lost, doubled)
	p.stop()
}

func TestClientRestartSeqLogging(t *testing.T) { acrossRestarts(t, "seq-logging", seqQuick) }
func TestClientRestartPinoSeq(t *testing.T)    { acrossRestarts(t, "pino-seq", seqQuick) }
func TestClientRestartWinstonSeq(t *testing.T) { acrossRestarts(t, "winston-seq", seqQuick) }

// TestR16IdempotentClientAcrossRestartsAndFaults sends batches under a key each and repeats them until they are
// acknowledged, while answers are lost on the way and the server is killed: every event is stored once.
func TestR16IdempotentClientAcrossRestartsAndFaults(t *testing.T) {
	skipWithoutProcesses(t)
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, dir)
	proxy := newFaultProxy(t, p.url)
	proxy.play(append(repeat(200, pass, step{cut: true}, step{drop: true}, refuse(503), step{cut: true}), pass)...)

	var stop atomic.Bool
	var sent, attempts atomic.Int64
	var sending sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const clients = 4
	batches := make([]int, clients) // acknowledged, of each client
	for c := range clients {
		sending.Go(func() {
			for n := 0; !stop.Load(); n++ {
				body := fmt.Sprintf(`{"@t":"2026-11-20T10:00:00Z","@m":"probe %d","part":1}`+"\n"+`{"@t":"2026-11-20T10:00:00Z","@m":"probe %d","part":2}`, n*clients+c, n*clients+c)
				for status := 0; status != http.StatusCreated; attempts.Add(1) {
					req, err := http.NewRequestWithContext(ctx, "POST", proxy.url+"/ingest/clef", strings.NewReader(body))
					if err != nil {
						t.Error(err)
						return
					}
					req.Header.Set("Idempotency-Key", fmt.Sprintf("client-%d-batch-%d", c, n))
					resp, err := http.DefaultClient.Do(req)
					if ctx.Err() != nil {
						t.Errorf("batch %d of client %d is not acknowledged after all this time", n, c)
						return
					}
					if status = 0; err == nil {
						status = resp.StatusCode
						resp.Body.Close()
					} else {
						time.Sleep(5 * time.Millisecond)
					}
					if status >= 400 && status < 500 {
						t.Errorf("batch %d of client %d: %s", n, c, resp.Status)
						return
					}
				}
				batches[c] = n + 1
				sent.Add(1)
			}
		})
	}
	p = restarts(p, dir, nil, func() {
		for begin := sent.Load(); sent.Load() < begin+50 && ctx.Err() == nil; {
			time.Sleep(time.Millisecond)
		}
	})
	stop.Store(true)
	sending.Wait()
	stored := p.probes()
	all := 0
	for c := range clients {
		for n := range batches[c] {
			if got := stored[n*clients+c]; got != 2 {
				t.Errorf("batch %d of client %d has two events and %d are stored", n, c, got)
			}
			all++
		}
	}
	if len(stored) != all {
		t.Errorf("%d batches are stored, %d were acknowledged", len(stored), all)
	}
	t.Logf("%d batches in %d attempts", all, attempts.Load())
	p.stop()
}

// TestClientListensBeforeItRecovers kills a server with a journal to read and starts it again: from its first
// answer on it refuses no connection, and until it is in service it answers 503, which clients retry.
func TestClientListensBeforeItRecovers(t *testing.T) {
	skipWithoutProcesses(t)
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, dir)
	line := `{"@t":"2026-11-20T10:00:00Z","@mt":"probe {n}","n":0,"pad":"` + strings.Repeat("x", 200) + `"}` + "\n"
	for range 10 {
		if status, answer, err := p.post(http.DefaultClient, strings.Repeat(line, 20_000)); status != http.StatusCreated {
			t.Fatal(status, answer, err)
		}
	}
	p.kill()
	p = launchAt(t, p.url, dir)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	seen := map[int]int{}
	for deadline := time.Now().Add(30 * time.Second); seen[http.StatusCreated] < 3; {
		if time.Now().After(deadline) {
			t.Fatalf("not in service: %v", seen)
		}
		status, answer, err := p.post(client, line)
		switch {
		case err != nil && len(seen) > 0:
			t.Fatalf("after %v: %v", seen, err)
		case err != nil: // it does not listen yet
		case status == http.StatusServiceUnavailable && seen[http.StatusCreated] == 0 && strings.Contains(answer, "starting"):
			seen[status]++
		case status == http.StatusCreated:
			seen[status]++
		default:
			t.Fatalf("after %v: %d %s", seen, status, answer)
		}
	}
	if got := p.probes()[0]; got != 200_003 {
		t.Errorf("%d events, want 200003", got)
	}
	t.Logf("answers by status: %v", seen)
	p.stop()
}
