package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Serilog's sink for Seq is .NET and does not run here. serilogSink stands in for it: it does what
// the sink's documentation and its source say that it does, durable and not, and nothing else.
//
//	POST {base}/api/events/raw        Content-Type: application/vnd.serilog.clef; charset=utf-8
//	2xx       done; the level is what follows "MinimumLevelAccepted":" up to the next quote
//	not durable: whatever else happens is retried, the pauses growing, for ten minutes; then the batch is dropped
//	durable: 400 and 413 move the batch to a file invalid-*; whatever else happens is retried without end
type serilogSink struct {
	url     string
	durable bool
	dir     string // of the durable sink's buffer and of what was found invalid
	client  *http.Client

	buffer   []string // lines not yet sent; the durable sink's are in a file, which changes nothing here
	told     []string // what the sink writes to its self log
	level    string   // what the server asked for last
	failures int      // since the last success
}

// serilogTimes are the sink's waits: for each second of its own a few milliseconds, for nothing is learnt
// from a stand-in by waiting.
var serilogTimes = struct {
	period     time.Duration // between batches: 2 s
	backoff    time.Duration // the least after a second failure in a row, doubled each time: 5 s, ten minutes at most
	retryLimit time.Duration // of one batch, if not durable: ten minutes
	request    time.Duration // HttpClient's own limit of one request: 100 s
}{5 * time.Millisecond, 20 * time.Millisecond, 4 * time.Second, 3 * time.Second}

func newSerilogSink(t *testing.T, url string, durable bool) *serilogSink {
	return &serilogSink{url: url, durable: durable, dir: t.TempDir(), client: &http.Client{Timeout: serilogTimes.request}}
}

// emit adds an event as SeqCompactJsonFormatter writes it.
func (s *serilogSink) emit(n int) {
	s.buffer = append(s.buffer, fmt.Sprintf(`{"@t":"2026-11-20T10:00:00.1234567Z","@mt":"probe {n}","n":%d}`, n)+"\r\n")
}

// flush sends what there is as the sink's timer would, until it is taken, dropped or put aside.
func (s *serilogSink) flush() []string {
	for began := time.Now(); len(s.buffer) > 0; time.Sleep(s.pause()) {
		batch := s.buffer[:min(len(s.buffer), 1000)]
		payload := strings.Join(batch, "")
		status, err := s.post(payload, "application/vnd.serilog.clef")
		switch {
		case err == nil && status/100 == 2:
			s.failures = 0
		case s.durable && err == nil && (status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge):
			s.failures = 0
			name := filepath.Join(s.dir, fmt.Sprintf("invalid-%d-%d.json", status, time.Now().UnixNano()))
			if err := os.WriteFile(name, []byte(payload), 0o600); err != nil {
				s.told = append(s.told, err.Error())
			}
			s.told = append(s.told, fmt.Sprintf("HTTP shipping failed with %d; dumping payload to %s", status, name))
		default:
			s.failures++
			s.told = append(s.told, fmt.Sprintf("received %d, %v", status, err))
			if s.durable || time.Since(began) < serilogTimes.retryLimit {
				continue
			}
			s.failures = 0
		}
		s.buffer = s.buffer[len(batch):]
		began = time.Now()
	}
	return s.errors()
}

// pause is ExponentialBackoffConnectionSchedule's next interval.
func (s *serilogSink) pause() time.Duration {
	if s.failures <= 1 {
		return serilogTimes.period
	}
	return max(serilogTimes.period, min(10*time.Minute, max(serilogTimes.period, serilogTimes.backoff)<<min(s.failures-1, 12)))
}

// post sends a payload and reads the level out of the answer.
func (s *serilogSink) post(payload, mediaType string) (status int, err error) {
	req, err := http.NewRequestWithContext(context.Background(), "POST", strings.TrimSuffix(s.url, "/")+"/api/events/raw", strings.NewReader(payload))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", mediaType+"; charset=utf-8")
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode/100 == 2 {
		const marker = `"MinimumLevelAccepted":"`
		if _, after, found := bytes.Cut(body, []byte(marker)); found {
			level, _, _ := bytes.Cut(after, []byte(`"`))
			s.level = string(level)
		} else {
			s.level = ""
		}
	}
	return resp.StatusCode, nil
}

func (s *serilogSink) errors() []string {
	told := s.told
	s.told = nil
	return told
}

func (s *serilogSink) close() {}

func TestClientFaultsSerilogStandIn(t *testing.T) {
	measure(t, subject{
		name: "serilog-sinks-seq 9.0.0 (stand-in)", waits: time.Minute,
		start:      func(t *testing.T, url string, _ bool) client { return newSerilogSink(t, url, false) },
		impatience: [2]time.Duration{serilogTimes.request, serilogTimes.request},
		want:       []conduct{{several, 0, true}, {several, 0, true}, {2, 1, true}, {several, 0, true}, {2, 2, true}, {2, 2, true}, {1, 1, true}},
	})
}

func TestClientFaultsSerilogDurableStandIn(t *testing.T) {
	measure(t, subject{
		name: "serilog-sinks-seq 9.0.0, durable (stand-in)", waits: time.Minute,
		start:      func(t *testing.T, url string, _ bool) client { return newSerilogSink(t, url, true) },
		impatience: [2]time.Duration{serilogTimes.request, serilogTimes.request},
		endless:    []string{"503 for good"}, files: true,
		want: []conduct{{1, 0, true}, {1, 0, true}, {2, 1, true}, {4, 1, true}, {2, 2, true}, {2, 2, true}, {1, 1, true}},
	})
}

// The sink's durable buffers keep what was refused, learn the level with an empty body, and may be old.
func TestClientSerilogDurableBuffers(t *testing.T) {
	skipWithoutProcesses(t)
	t.Parallel()
	p := serve(t, t.TempDir())
	s := newSerilogSink(t, p.url+"/", true)
	s.buffer = []string{`{"@mt":"without a time"}` + "\r\n"}
	if told := s.flush(); len(told) != 1 || !strings.Contains(told[0], "HTTP shipping failed with 400") {
		t.Errorf("told %q", told)
	}
	kept, err := filepath.Glob(filepath.Join(s.dir, "invalid-400-*.json"))
	if err != nil || len(kept) != 1 {
		t.Errorf("%v is put aside, %v", kept, err)
	}
	var refused []struct{ Error string }
	if p.get("/api/refused", &refused); len(refused) != 1 || !strings.Contains(refused[0].Error, "the event has no @t") {
		t.Errorf("the server lists %v", refused)
	}
	s.level = "Warning"
	if status, err := s.post("", "application/vnd.serilog.clef"); status != http.StatusCreated || err != nil || s.level != "" {
		t.Errorf("the level check: %d, %v, level %q", status, err, s.level)
	}
	// Buffers of old versions are sent in the form they were written in, with a byte order mark at their start.
	old := `{"Timestamp":"2026-11-20T10:00:00.0000000+01:00","Level":"Information","MessageTemplate":"probe {n}","Properties":{"n":7}}`
	if !json.Valid([]byte(old)) {
		t.Fatal(old)
	}
	if status, err := s.post(`{"Events":[`+old+"]}", "application/json"); status != http.StatusCreated || err != nil {
		t.Errorf("an old buffer: %d, %v", status, err)
	}
	if status, err := s.post("\ufeff"+`{"@t":"2026-11-20T10:00:00.1234567+01:00","@mt":"probe {n}","n":8}`+"\r\n", "application/vnd.serilog.clef"); status != http.StatusCreated || err != nil {
		t.Errorf("a buffer with a byte order mark: %d, %v", status, err)
	}
	var numbers []int
	for n, times := range p.probes() {
		numbers = append(numbers, n)
		if times != 1 {
			t.Errorf("probe %d is stored %d times", n, times)
		}
	}
	if slices.Sort(numbers); !slices.Equal(numbers, []int{7, 8}) {
		t.Errorf("stored are %v", numbers)
	}
	p.stop()
}
