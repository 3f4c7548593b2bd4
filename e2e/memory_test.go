package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A server that is to get along with little memory does so under load: four clients with long bodies, and some whose bodies
// become as much memory as a body can. It does not die, refuses nobody for ever, and takes about as much as it was told.
func TestPitfall749MemoryUnderLoad(t *testing.T) {
	skipWithoutProcesses(t)
	for _, c := range []struct {
		memory string
		bound  int64 // what the process may take at most, its program included; generous
	}{
		{"256MiB", 450 << 20},
		{"64MiB", 250 << 20},
	} {
		t.Run(c.memory, func(t *testing.T) {
			p := serve(t, t.TempDir(), "--memory", c.memory)
			var stored, again atomic.Int64
			// until sends a body again and again until it is answered as it should be in the end.
			until := func(path, encoding string, body []byte, want ...int) {
				for end := time.Now().Add(5 * time.Minute); ; {
					r, err := http.NewRequest("POST", p.url+path, bytes.NewReader(body))
					if err != nil {
						t.Error(err)
						return
					}
					if encoding != "" {
						r.Header.Set("Content-Encoding", encoding)
					}
					resp, err := http.DefaultClient.Do(r)
					if err != nil {
						t.Errorf("%s: %v", path, err)
						return
					}
					answer, _ := io.ReadAll(resp.Body)
					resp.Body.Close()
					for _, status := range want {
						if resp.StatusCode == status {
							return
						}
					}
					if resp.StatusCode != http.StatusServiceUnavailable || time.Now().After(end) {
						t.Errorf("%s: %s %s", path, resp.Status, answer)
						return
					}
					again.Add(1)
					time.Sleep(100 * time.Millisecond)
				}
			}
			var clients sync.WaitGroup
			for client := range 4 {
				clients.Go(func() {
					for i := range 4 {
						body, events := longBody(8<<20, client*100+i)
						until("/ingest/clef", "", body, http.StatusCreated)
						stored.Add(int64(events))
					}
				})
			}
			tiny := strings.Repeat(tinyLine, 10<<20/len(tinyLine))
			legacy := `{"Events":[` + strings.TrimSuffix(strings.Repeat(`{"Timestamp":"2026-11-20T10:00:00Z"},`, 10<<20/38), ",") + `]}`
			for _, b := range []struct {
				path, text string
				events     int
			}{
				{"/ingest/clef", tiny, strings.Count(tiny, "\n")},
				{"/api/events/raw", legacy, strings.Count(legacy, "Timestamp")},
				{"/ingest/clef", wideEvents(9 << 20), -1},
			} {
				bomb := gzipped(t, b.text)
				events := b.events
				if events < 0 {
					events = strings.Count(b.text, "\n")
				}
				for range 5 {
					clients.Go(func() {
						until(b.path, "gzip", bomb, http.StatusCreated)
						stored.Add(int64(events))
					})
				}
			}
			clients.Wait()
			var store struct{ Events int64 }
			p.get("/api/store", &store)
			if store.Events != stored.Load() {
				t.Errorf("%d events are stored, %d were acknowledged", store.Events, stored.Load())
			}
			peak := p.status("VmHWM")
			t.Logf("%d events; %d requests were asked to come again; the server took %d MiB at most", stored.Load(), again.Load(), peak>>20)
			if peak > c.bound {
				t.Errorf("the server took %d MiB, over the bound of %d MiB", peak>>20, c.bound>>20)
			}
			p.stop()
		})
	}
}

// longBody makes a body of about so many bytes of events like those of a web service.
func longBody(size, seed int) (body []byte, events int) {
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC).Add(time.Duration(seed) * time.Minute)
	for len(body) < size {
		body = fmt.Appendf(body, `{"@t":"%s","@mt":"HTTP {Method} {Path} answered {Status} in {Elapsed} ms","@tr":"%032x","Method":"GET","Path":"/orders/%d/lines","Status":200,"Elapsed":%d.%d,"User":"user-%d","Filler":"%064x"}`+"\n",
			at.Format("2006-01-02T15:04:05.0000000Z"), seed*1_000_003+events*7, events, events%90, events%10, events%1000, events*events+seed)
		at = at.Add(time.Millisecond)
		events++
	}
	return body, events
}

// wideEvents have ever new members.
func wideEvents(size int) string {
	var b strings.Builder
	for n := 0; b.Len() < size; {
		b.WriteString(`{"@t":"2026-11-20T10:00:00Z"`)
		for range 300 {
			fmt.Fprintf(&b, `,"%d":0`, n)
			n++
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
