package server

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func (h *harness) ingest(lines ...string) {
	h.t.Helper()
	h.do("POST", "/ingest/clef", strings.Join(lines, "\n")).want(h.t, 201, accepted)
}

// Live tail and resuming run on arrival numbers: a late event is not missed.
func TestR05StreamResumesByArrival(t *testing.T) {
	h := serve(t, Options{})
	h.ingest(`{"@t":"2026-01-02T00:00:00Z","n":0}`)
	first := h.stream("/api/events/stream?clef")
	h.ingest(`{"@t":"2026-01-03T00:00:00Z","n":1}`)
	h.ingest(`{"@t":"1999-01-01T00:00:00Z","n":2}`) // late
	m := first.next(t)
	if m.data != `{"@t":"2026-01-03T00:00:00Z","n":1}` {
		t.Errorf("first %v", m)
	}
	late := first.next(t)
	if late.data != `{"@t":"1999-01-01T00:00:00Z","n":2}` {
		t.Errorf("late %v", late)
	}
	first.close()
	h.ingest(`{"@t":"1980-01-01T00:00:00Z","n":3}`)
	for _, again := range []*sse{
		h.stream("/api/events/stream?clef", "Last-Event-ID: "+m.id),
		h.stream("/api/events/stream?clef&lastEventId=" + m.id),
		h.stream("/api/events/stream?clef&lastEventId=0", "Last-Event-ID: "+m.id), // the header wins
	} {
		if got := again.next(t); got != late {
			t.Errorf("resumed with %v, want %v", got, late)
		}
		if got := again.next(t); got.data != `{"@t":"1980-01-01T00:00:00Z","n":3}` {
			t.Errorf("then %v", got)
		}
		again.close()
	}
	all := h.stream("/api/events/stream?clef&lastEventId=0")
	for n := range 4 {
		if got := all.next(t); !strings.Contains(got.data, fmt.Sprintf(`"n":%d}`, n)) {
			t.Errorf("from the first: %v, want n %d", got, n)
		}
	}
	all.close()
	h.do("GET", "/api/events/stream?lastEventId=x", "").wantError(t, 400, "parameter lastEventId")
	h.do("GET", "/api/events/stream", "", "Last-Event-ID: -1").wantError(t, 400, "parameter Last-Event-ID")
}

// A stream tells its place before anything came, so that a client that loses it at once
// misses nothing either.
func TestR05StreamTellsItsPlaceFirst(t *testing.T) {
	h := serve(t, Options{})
	h.ingest(`{`+iso+`,"n":0}`, `{`+iso+`,"n":1}`)
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /api/events/stream?clef HTTP/1.0\r\n\r\n")
	buf := make([]byte, 4096)
	text := ""
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for !strings.Contains(text, "id: ") {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err, text)
		}
		text += string(buf[:n])
	}
	_, id, _ := strings.Cut(text, "retry: 2000\nid: ")
	id, _, _ = strings.Cut(id, "\n")
	conn.Close()
	h.ingest(`{` + iso + `,"n":2}`)
	s := h.stream("/api/events/stream?clef", "Last-Event-ID: "+id)
	defer s.close()
	if m := s.next(t); m.data != `{`+iso+`,"n":2}` {
		t.Errorf("after id %q: %v", id, m)
	}
}

func TestStreamFilterAndHeartbeat(t *testing.T) {
	h := serve(t, Options{heartbeat: 50 * time.Millisecond})
	s := h.stream("/api/events/stream?render&filter=" + escape(`n > 1`))
	defer s.close()
	if m := s.next(t); m.comment != "heartbeat" {
		t.Errorf("%v", m)
	}
	h.ingest(`{`+iso+`,"@mt":"{n}","n":1}`, `{`+iso+`,"@mt":"n is {n}","n":2}`)
	for {
		m := s.next(t)
		if m.comment != "" {
			continue
		}
		if !strings.Contains(m.data, `"RenderedMessage":"n is 2"`) {
			t.Errorf("%v", m)
		}
		break
	}
	resp, err := h.client.Do(h.request("GET", "/api/events/stream?filter="+escape("no such (thing"), nil))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Header.Get("X-Stele-Matched-As-Text") == "" {
		t.Error("the stream does not say that it searches text")
	}
}

// A client that reads nothing holds up no writer; when it reads again, everything is there.
func TestSlowStreamHoldsUpNobody(t *testing.T) {
	h := serve(t, Options{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
	fmt.Fprintf(conn, "GET /api/events/stream?clef HTTP/1.0\r\n\r\n")
	time.Sleep(50 * time.Millisecond)
	pad := strings.Repeat("x", 20_000)
	const batches, each = 20, 25 // 10 MB, more than sockets buffer
	for i := range batches {
		lines := make([]string, each)
		for j := range lines {
			lines[j] = fmt.Sprintf(`{%s,"n":%d,"pad":"%s"}`, iso, i*each+j, pad)
		}
		h.ingest(lines...) // never returns if the slow reader holds it up
	}
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	seen, rest := 0, ""
	buf := make([]byte, 256<<10)
	for seen < batches*each {
		n, err := conn.Read(buf)
		if err != nil && err != io.EOF || n == 0 {
			t.Fatalf("after %d events: %v", seen, err)
		}
		rest += string(buf[:n])
		for {
			line, after, whole := strings.Cut(rest, "\n")
			if !whole {
				break
			}
			if rest = after; strings.HasPrefix(line, "data: ") {
				if want := fmt.Sprintf(`"n":%d,`, seen); !strings.Contains(line, want) {
					t.Fatalf("event %d: %.100s", seen, line)
				}
				seen++
			}
		}
	}
}
