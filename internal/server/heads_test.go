package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// Long heads share a budget: whoever comes when it is used up is told to try again, short heads
// are not concerned, and what a request held is free when it is answered.
func TestLongHeadsShareABudget(t *testing.T) {
	h := serve(t, Options{})
	long := "X-Long: " + strings.Repeat("x", 3<<20) + "\r\n"
	type holder struct {
		net.Conn
		*bufio.Reader
	}
	var holding []holder
	for range 2 {
		conn := dial(t, h)
		fmt.Fprintf(conn, "POST /ingest/clef HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nExpect: 100-continue\r\n%s\r\n", long)
		r := bufio.NewReader(conn)
		if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != 100 { // the head has been read
			t.Fatal(resp, err)
		}
		holding = append(holding, holder{conn, r})
	}
	refused := func() answer {
		conn := dial(t, h)
		go fmt.Fprintf(conn, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", long)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body) // the connection may be reset behind the answer: its request was not read
		return answer{resp.StatusCode, resp.Header, string(body)}
	}
	a := refused()
	if a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("a third head of 3 MiB: %d %s", a.status, a.body)
	}
	h.do("POST", "/ingest/clef", clefLine, "X-Short: "+strings.Repeat("x", 2000)).want(t, 201, accepted)
	for _, held := range holding {
		_, _ = held.Write([]byte("\n"))
		resp, err := http.ReadResponse(held.Reader, nil)
		if err != nil || resp.StatusCode != 201 {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
	}
	// Of connections that are kept too: one request after the other, as many as one likes.
	for range 10 {
		h.do("POST", "/ingest/clef", clefLine, strings.TrimSpace(long)).want(t, 201, accepted)
	}
	h.stop()
}

// A large body is no head, nor is what of it nobody read.
func TestBodiesAreNoHeads(t *testing.T) {
	h := serve(t, Options{})
	for range 5 {
		h.do("POST", "/ingest/clef", strings.Repeat("\n", 9<<20)).want(t, 201, accepted)
		h.do("POST", "/api/nothing", strings.Repeat("\n", 200<<10)).wantError(t, 404, "/api/nothing")
	}
	h.do("GET", "/health", "").want(t, 200, `{"status":"The Stele node is in service."}`)
}

// A client may declare and not send: memory follows what came.
func TestDeclaredBodiesHoldLittle(t *testing.T) {
	for _, sent := range []int{0, 1, 100, 16 << 10, 200_000, 3 << 20} {
		h := (&budget{most: 1 << 30}).hold()
		r := io.MultiReader(strings.NewReader(strings.Repeat("x", sent)), iotest.ErrReader(io.ErrUnexpectedEOF))
		b := &body{raw: new(pacedReader), decoded: r, limit: 1 << 30, expect: 1 << 30, hold: h}
		if _, err := b.rest(nil); err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
		if most := int64(max(firstPiece, 8*(sent+1))); h.bytes > most {
			t.Errorf("of 1 GiB %d bytes came, and %d are held; at most %d should be", sent, h.bytes, most)
		}
	}
}

// A body that stands still is given up on every path that takes events in, with the status that clients retry.
func TestSlowBodiesAreGivenUpEverywhere(t *testing.T) {
	h := serve(t, Options{bodyGrace: 50 * time.Millisecond})
	waiting := map[string]net.Conn{}
	for _, rt := range routes {
		if rt.access.ingests == nil || rt.method != "POST" || strings.HasSuffix(rt.pattern, "...}") { // these take no events
			continue
		}
		path := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(rt.pattern, "x")
		for _, body := range []string{"Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "Content-Encoding: gzip\r\nContent-Length: 100\r\n\r\n\x1f"} {
			conn := dial(t, h)
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s", path, body)
			waiting[path+" "+body] = conn
		}
	}
	for request, conn := range waiting {
		a := readAnswer(t, conn)
		if a.status == 501 || a.status == 415 { // metrics, and gRPC over HTTP/1.1: no body is waited for
			continue
		}
		if a.status != 503 || a.header.Get("Retry-After") == "" {
			t.Errorf("%q: %d %s", request, a.status, a.body)
		}
	}
	h.wantStored("")
}
