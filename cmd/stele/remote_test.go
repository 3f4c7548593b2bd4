package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/fault"
)

// awkward is a server whose answers to ingestion are a list of statuses: 0 takes the batch in and loses the answer.
type awkward struct {
	mu      sync.Mutex
	answers []int
	ids     []string
	bodies  []string
}

func (a *awkward) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids = append(a.ids, r.Header.Get("Idempotency-Key"))
	a.bodies = append(a.bodies, string(body))
	status := http.StatusCreated
	if len(a.answers) > 0 {
		status, a.answers = a.answers[0], a.answers[1:]
	}
	switch status {
	case 0:
		panic(http.ErrAbortHandler)
	case http.StatusCreated:
		w.WriteHeader(status)
		io.WriteString(w, `{"MinimumLevelAccepted":null,"Refused":[]}`)
	default:
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"Error":"status %d"}`, status)
	}
}

func writeTemp(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

const twoEvents = `{"@t":"2026-11-20T10:00:00Z","@mt":"a"}` + "\n" + `{"@t":"2026-11-20T10:00:01Z","@mt":"b"}` + "\n"

// TestR16RetriesCarryTheSameKey: a lost answer and a server that is not ready are tried
// again with the same Idempotency-Key, other refusals are not.
func TestR16RetriesCarryTheSameKey(t *testing.T) {
	for _, c := range []struct {
		name     string
		answers  []int
		retryFor string
		code     int
		requests int
	}{
		{"not ready, then a lost answer", []int{503, 0}, "1m", 0, 3},
		{"refused", []int{400}, "1m", 2, 1},
		{"failed", []int{500}, "1m", 70, 1},
		{"never ready", slices.Repeat([]int{503}, 1000), "250ms", 5, 0}, // as often as there is time
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &awkward{answers: c.answers}
			s := httptest.NewServer(a)
			defer s.Close()
			s.Config.ErrorLog = nil
			out, errs, code := runCommand(t, "ingest", "--url", s.URL, "--retry-for", c.retryFor, writeTemp(t, "a.clef", twoEvents))
			if code != c.code || c.requests > 0 && len(a.ids) != c.requests {
				t.Fatalf("exit code %d after %d requests, want %d after %d\n%s%s", code, len(a.ids), c.code, c.requests, out, errs)
			}
			for i, id := range a.ids {
				if id == "" || id != a.ids[0] || a.bodies[i] != a.bodies[0] {
					t.Errorf("request %d has the key %q, the first %q", i+1, id, a.ids[0])
				}
			}
		})
	}
}

// TestBatchesOverTheServersLimitAreHalved until they fit; order is kept and keys differ.
func TestBatchesOverTheServersLimitAreHalved(t *testing.T) {
	a := &awkward{answers: []int{413, 413, 201, 201, 201}}
	s := httptest.NewServer(a)
	defer s.Close()
	var text strings.Builder
	for i := range 5 {
		fmt.Fprintf(&text, `{"@t":"2026-11-20T10:00:0%dZ"}`+"\n", i)
	}
	out, errs, code := runCommand(t, "ingest", "--url", s.URL, writeTemp(t, "a.clef", text.String()))
	if code != 0 || !strings.Contains(out, "stored 5 events") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if len(a.bodies) != 5 || strings.Join(a.bodies[2:], "") != text.String() {
		t.Errorf("the parts are %q", a.bodies)
	}
	ids := slices.Clone(a.ids)
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 5 {
		t.Errorf("keys are repeated: %q", a.ids)
	}
}

// TestR5TailGoesOnWhereItWas reconnects with the last id, also when that came without an event.
func TestR5TailGoesOnWhereItWas(t *testing.T) {
	var mu sync.Mutex
	var resumed []string
	streams := []string{
		"retry: 1\nid: 7\n\n",
		": heartbeat\n\nid: 8\ndata: {\"n\":1}\n\nid: 9\ndata: {\"n\"",
		"id: 9\r\ndata: {\"n\":2}\r\n\r\nid: 12\ndata: {\ndata: \"n\":3}\n\n",
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		resumed = append(resumed, r.Header.Get("Last-Event-ID"))
		if len(resumed) == 2 {
			w.WriteHeader(http.StatusServiceUnavailable) // restarting
			return
		}
		n := len(resumed) - 1
		if n > 0 {
			n--
		}
		io.WriteString(w, streams[min(n, len(streams)-1)])
	}))
	defer s.Close()
	d, err := target{URL: s.URL}.open(reads)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var got []string
	told := 0
	err = d.tail(ctx, "", "", func(searchNote) { told++ }, func(clef []byte) error {
		if got = append(got, string(clef)); len(got) == 3 {
			return errEnough
		}
		return nil
	})
	if err != errEnough || told != 1 {
		t.Errorf("ended with %v, told %d times", err, told)
	}
	if d := cmp.Diff([]string{`{"n":1}`, `{"n":2}`, "{\n\"n\":3}"}, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"", "7", "7", "8"}, resumed); d != "" {
		t.Error(d)
	}
}

// TestCutAnswersAreErrors: an answer that ends in the middle is not the end of the events.
func TestCutAnswersAreErrors(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", clefType)
		io.WriteString(w, twoEvents)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer s.Close()
	out, errs, code := runCommand(t, "search", "--json", "--url", s.URL)
	if code != 5 || out != twoEvents || !strings.Contains(errs, "cut short") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
}

// TestSlowPipesAreNotHeldBack: what comes through standard input is stored while it waits for more.
func TestSlowPipesAreNotHeldBack(t *testing.T) {
	a := &awkward{}
	s := httptest.NewServer(a)
	defer s.Close()
	in, pipe := io.Pipe()
	done := make(chan int, 1)
	var out, errs strings.Builder
	go func() { done <- run([]string{"ingest", "--url", s.URL, "-"}, streams{in, &out, &errs}) }()
	time.Sleep(2 * idleTime) // the pipe is silent at first
	io.WriteString(pipe, "2026-11-20 10:00:00 INFO first\n2026-11-20 10:00:01 INFO second\n")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		a.mu.Lock()
		sent := strings.Join(a.bodies, "")
		a.mu.Unlock()
		if strings.Contains(sent, "second") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("only %q was sent", sent)
		}
	}
	pipe.Close()
	if code := <-done; code != 0 || !strings.Contains(out.String(), "stored 2 events") {
		t.Errorf("exit code %d\n%s%s", code, out.String(), errs.String())
	}
}

// TestReadingEndsWithItsContext: an interrupt ends the wait for a pipe that gives nothing.
func TestReadingEndsWithItsContext(t *testing.T) {
	in, pipe := io.Pipe()
	defer pipe.Close()
	ctx, cancel := context.WithCancel(context.Background())
	idle := 0
	r := &idleReader{ctx: ctx, source: in, idle: func() { idle++; cancel() }}
	if n, err := r.Read(make([]byte, 10)); n != 0 || fault.KindOf(err) != fault.Canceled || idle != 1 {
		t.Errorf("%d bytes, %v, idle %d times; want none, Canceled, once", n, err, idle)
	}
}

// A query whose time or memory ran out ends with the same exit code behind a server as in a directory, however much of the answer there was.
func TestQueriesEndOfTheSameKindBehindAServer(t *testing.T) {
	for _, begun := range []bool{false, true} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !begun {
				w.Header().Set("X-Stele-Error", "Exhausted")
				w.WriteHeader(http.StatusServiceUnavailable)
				io.WriteString(w, `{"Error":"the query was ended after the 1ms that it may take"}`)
				return
			}
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.Header().Set(http.TrailerPrefix+"X-Stele-Error", "Exhausted")
			io.WriteString(w, `{"Columns":["a"],"Time":false,"Keys":0}`+"\n[1]\n")
			w.(http.Flusher).Flush()
			io.WriteString(w, `{"Error":"the query was ended","Statistics":{}}`+"\n")
		}))
		defer server.Close()
		if _, errs, code := runCommand(t, "query", "--timeout", "1ms", "--url", server.URL, "1"); code != 9 || !strings.Contains(errs, "the query was ended") {
			t.Errorf("begun %v: exit code %d, %s", begun, code, errs)
		}
	}
}
