package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/vfs"
)

// holdSyncs makes every sync of a journal wait; entered tells that one does.
func holdSyncs(fs *vfs.Mem) (entered <-chan struct{}, release func()) {
	in, free := make(chan struct{}, 100), make(chan struct{})
	var off atomic.Bool
	fs.OnOp(func(op vfs.Op) {
		if op.Kind == vfs.OpSync && op.Before && strings.HasPrefix(path.Base(op.Name), "journal-") && !off.Load() {
			in <- struct{}{}
			<-free
		}
	})
	return in, func() {
		if !off.Swap(true) {
			close(free)
		}
	}
}

// With fsync held, no 201 is sent and nobody sees the event; released, both happen.
func TestR10NothingBeforeItIsOnDisk(t *testing.T) {
	h := serve(t, Options{})
	stream := h.stream("/api/events/stream")
	defer stream.close()
	entered, release := holdSyncs(h.fs)
	defer release()

	answered := make(chan answer, 1)
	go func() { answered <- h.do("POST", "/ingest/clef", `{`+iso+`,"n":1}`) }()
	select {
	case <-entered:
	case <-time.After(10 * time.Second):
		t.Fatal("no sync")
	}
	time.Sleep(100 * time.Millisecond) // what must not happen has time to
	select {
	case a := <-answered:
		t.Fatalf("answered before the sync: %d %s", a.status, a.body)
	case m := <-stream.messages:
		t.Fatalf("streamed before the sync: %v", m)
	default:
	}
	h.do("GET", "/api/events", "").want(t, 200, "[]")
	h.do("GET", "/api/events/histogram", "").want(t, 200, "[]")
	if a := h.do("GET", "/api/store", ""); !strings.Contains(a.body, `"Events":0,`) {
		t.Error(a.body)
	}

	release()
	(<-answered).want(t, 201, accepted)
	if m := stream.next(t); !strings.Contains(m.data, `{"Name":"n","Value":1}`) {
		t.Errorf("streamed %v", m)
	}
	if a := h.do("GET", "/api/events", ""); !strings.Contains(a.body, `{"Name":"n","Value":1}`) {
		t.Error(a.body)
	}
	if a := h.do("GET", "/api/events/histogram?buckets=1", ""); !strings.Contains(a.body, `"counts":{"Information":1}`) {
		t.Error(a.body)
	}
}

// The socket listens before the store is open, and a request then gets 503, not a refused connection.
func TestListensWhileTheStoreOpens(t *testing.T) {
	h := &harness{t: t, fs: vfs.NewMem()}
	goOn := make(chan struct{})
	ready := make(chan struct{})
	h.listen(Options{
		Open: func(context.Context) (*stele.Store, error) {
			<-goOn
			return stele.Open("/store", &stele.Options{FS: h.fs})
		},
		Ready: func(*stele.Store) { close(ready) },
	})
	h.do("POST", "/ingest/clef", `{`+iso+`}`).wantError(t, 503, "starting")
	h.do("GET", "/health", "").want(t, 503, `{"status":"The Stele node is starting."}`)
	close(goOn)
	<-ready
	h.do("POST", "/ingest/clef", `{`+iso+`}`).want(t, 201, accepted)
	h.do("GET", "/health", "").want(t, 200, `{"status":"The Stele node is in service."}`)
}

func TestStoppedWhileTheStoreOpens(t *testing.T) {
	h := &harness{t: t, fs: vfs.NewMem()}
	opening := make(chan struct{})
	h.listen(Options{Open: func(ctx context.Context) (*stele.Store, error) {
		close(opening)
		<-ctx.Done()
		return stele.Open("/store", &stele.Options{FS: h.fs})
	}})
	<-opening
	h.stop()
	store, err := stele.Open("/store", &stele.Options{FS: h.fs})
	if err != nil {
		t.Fatal("the store was not closed:", err)
	}
	store.Close()
}

func TestAStoreThatDoesNotOpenEndsServe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Open: func(context.Context) (*stele.Store, error) { return nil, fault.New(fault.Locked, "open", "locked") }})
	if err := s.Serve(context.Background(), l); !errors.Is(err, fault.Locked) {
		t.Error(err)
	}
}

// Shutting down: what is inside finishes, what is new gets 503 on a socket that still answers, streams end, the
// store is closed.
func TestDrain(t *testing.T) {
	h := serve(t, Options{})
	stream := h.stream("/api/events/stream")
	defer stream.close()
	entered, release := holdSyncs(h.fs)
	defer release()
	answered := make(chan answer, 1)
	go func() { answered <- h.do("POST", "/ingest/clef", `{`+iso+`,"n":1}`) }()
	<-entered

	stopped := make(chan struct{})
	go func() {
		h.stop()
		close(stopped)
	}()
	select {
	case <-stream.ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the stream does not end")
	}
	// A connection of its own, as a client that comes now would have.
	other := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]string{"/health": "shutting down", "/api/events": "shutting down"} {
		resp, err := other.Get(h.url + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 503 || !strings.Contains(string(b), want) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, b)
		}
	}
	release()
	(<-answered).want(t, 201, accepted)
	select {
	case <-stopped:
	case <-time.After(15 * time.Second):
		t.Fatal("the last request has left, and the server waits on")
	}
	store, err := stele.Open("/store", &stele.Options{FS: h.fs})
	if err != nil {
		t.Fatal("the store was not closed:", err)
	}
	defer store.Close()
	if n := store.Stats().Events; n != 1 {
		t.Errorf("%d events", n)
	}
}

// A full disk: 503 that asks to try again, nothing lost beside it, and no restart needed when there is room.
func TestFullDiskIs503(t *testing.T) {
	h := &harness{t: t, fs: vfs.NewMem()}
	faulty := vfs.NewFaulty(h.fs)
	h.serve(Options{Open: func(context.Context) (*stele.Store, error) {
		return stele.Open("/store", &stele.Options{FS: faulty})
	}})
	good := `{` + iso + `,"n":1}`
	h.do("POST", "/ingest/clef", good).want(t, 201, accepted)
	for _, err := range []error{vfs.ENOSPC, vfs.EIO} {
		faulty.Add(&vfs.Rule{Kind: vfs.OpWrite, Forever: true, Err: err}, &vfs.Rule{Kind: vfs.OpSync, Forever: true, Err: err}, &vfs.Rule{Kind: vfs.OpCreate, Forever: true, Err: err})
		h.do("POST", "/ingest/clef", good).wantError(t, 503, "")
		h.do("PUT", "/api/documents/x", "1").wantError(t, 503, "")
		// A refusal that cannot be kept is still the same refusal.
		a := h.do("POST", "/ingest/clef", "{}")
		a.wantError(t, 400, "line 1 is refused")
		if id := a.header.Get("X-Stele-Refused"); id != "" {
			t.Errorf("kept as %s on a full disk", id)
		}
		h.do("GET", "/health", "").want(t, 200, `{"status":"The Stele node is in service."}`)
		if a := h.do("GET", "/api/events", ""); a.status != 200 || strings.Count(a.body, `"Id"`) == 0 {
			t.Errorf("%d %s", a.status, a.body)
		}
		faulty.Clear()
		h.do("POST", "/ingest/clef", good).want(t, 201, accepted)
		h.do("PUT", "/api/documents/x", "1").want(t, 200, `{"Key":"x","Bytes":1}`)
	}
	h.wantStored(strings.Repeat(good+"\n", 3))
}

func TestFilterOfAMegabyte(t *testing.T) {
	h := serve(t, Options{})
	a := h.do("GET", "/api/events?filter="+strings.Repeat("a", 1<<20), "")
	a.wantError(t, 400, "parameter filter: a filter of 1048576 bytes is too long; at most 32768 are allowed")
	a = h.do("GET", "/api/events?filter="+strings.Repeat("%20", 1<<20)+"x", "")
	a.wantError(t, 400, "parameter filter")
}

// sse is a client of a stream.
type sse struct {
	resp     *http.Response
	messages chan message
	ended    chan struct{}
}

type message struct{ id, data, comment string }

func (h *harness) stream(path string, headers ...string) *sse {
	h.t.Helper()
	resp, err := h.client.Do(h.request("GET", path, nil, headers...))
	if err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		b, _ := io.ReadAll(resp.Body)
		h.t.Fatalf("%d %v %s", resp.StatusCode, resp.Header, b)
	}
	s := &sse{resp, make(chan message, 10_000), make(chan struct{})}
	go func() {
		defer close(s.ended)
		var m message
		lines := bufio.NewReader(resp.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimSuffix(line, "\n")
			field, value, _ := strings.Cut(line, ": ")
			switch {
			case line == "":
				if m.data != "" || m.comment != "" {
					s.messages <- m
				}
				m = message{}
			case strings.HasPrefix(line, ": "):
				m.comment = line[2:]
			case field == "id":
				m.id = value
			case field == "data":
				m.data = value
			}
		}
	}()
	return s
}

func (s *sse) next(t *testing.T) message {
	t.Helper()
	select {
	case m := <-s.messages:
		return m
	case <-s.ended:
		t.Fatal("the stream ended")
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
	}
	return message{}
}

func (s *sse) close() {
	s.resp.Body.Close()
	<-s.ended
}

// Damage is told beside what is undamaged, and never stops it.
func TestDamageIsToldBesideTheRest(t *testing.T) {
	h := serve(t, Options{})
	for i := range 200 {
		h.ingest(fmt.Sprintf(`{"@t":"2026-11-20T09:00:00Z","@m":"sealed %d","n":%d}`, i, i))
	}
	if err := h.store.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.ingest(`{` + iso + `,"n":1000}`)
	h.stop()
	for _, name := range h.fs.Names() {
		if strings.HasSuffix(name, ".seg") {
			b, err := h.fs.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/3] ^= 0x10
			h.fs.WriteFile(name, b)
		}
	}
	h.serve(Options{})
	a := h.do("GET", "/api/events?count=1000", "")
	if a.status != 200 || !strings.Contains(a.body, `"Value":1000}`) || a.header.Get("X-Stele-Damage") == "" {
		t.Errorf("%d %v %.200s", a.status, a.header, a.body)
	}
	if a := h.do("GET", "/health/cluster", ""); a.status != 200 || !strings.Contains(a.body, `{"Status":"Degraded","Description":"Damage was found in `) {
		t.Errorf("%d %s", a.status, a.body)
	}
	h.ingest(`{` + iso + `,"n":1001}`)

	// It is told until somebody lets go of it.
	statistics := h.do("GET", "/api/store", "").body
	_, rest, _ := strings.Cut(statistics, `"Damage":[{"File":"/store/`)
	file, _, ok := strings.Cut(rest, `"`)
	if !ok {
		t.Fatal(statistics)
	}
	h.do("DELETE", "/api/store/damage/"+file, "", "Origin: https://evil.example").wantError(t, 403, "may not change anything here")
	h.do("DELETE", "/api/store/damage/journal-0000000000000099.log", "").wantError(t, 404, "nothing is known to be damaged in journal-0000000000000099.log")
	h.do("DELETE", "/api/store/damage/..%2F"+file+"%2F..", "").wantError(t, 404, "nothing is known to be damaged in ..")
	h.do("GET", "/api/store/damage/"+file, "").wantError(t, 405, "")
	h.do("DELETE", "/api/store/damage/"+file, "").want(t, 204, "")
	h.do("DELETE", "/api/store/damage/"+file, "").wantError(t, 404, "nothing is known to be damaged in "+file)
	if a := h.do("GET", "/api/store", ""); !strings.Contains(a.body, `"Damage":[]`) {
		t.Error(a.body)
	}
	if a := h.do("GET", "/api/events?count=1000", ""); a.header.Get("X-Stele-Damage") != "" || !strings.Contains(a.body, `"Value":1001}`) {
		t.Errorf("%v %.200s", a.header, a.body)
	}
	if a := h.do("GET", "/health/cluster", ""); !strings.Contains(a.body, `{"Status":"Healthy"`) {
		t.Error(a.body)
	}
}
