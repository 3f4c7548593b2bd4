package e2e

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// A step is what the proxy does with one request.
type step struct {
	status int           // answer with this status, and do not ask the server
	header string        // and with this header, "Name: value"
	hold   time.Duration // wait this long before the server's answer is given on
	cut    bool          // close the connection instead of answering, after the server has been asked
	drop   bool          // close it without asking the server
}

// pass gives the request to the server and its answer to the client.
var pass = step{}

func refuse(status int) step { return step{status: status} }

// exchange is one request that went through the proxy.
type exchange struct {
	server int // what the server answered; 0: it was not asked, or is not there
	client int // what the client was told; 0: nothing
	body   []byte
}

// faultProxy stands between a client and the server and does as its script says: one step a
// request, the last of them for every request that follows.
type faultProxy struct {
	t    *testing.T
	url  string
	addr string
	hs   *http.Server

	mu     sync.Mutex
	target string // the server's URL
	script []step
	seen   []exchange
	inside int // requests that are not over
}

func newFaultProxy(t *testing.T, target string) *faultProxy {
	t.Helper()
	f := &faultProxy{t: t, target: target, script: []step{pass}}
	f.listen("127.0.0.1:0")
	t.Cleanup(func() { f.refuse() })
	return f
}

// listen begins to accept connections.
func (f *faultProxy) listen(addr string) {
	f.t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		f.t.Fatal(err)
	}
	f.addr = l.Addr().String()
	f.url = "http://" + f.addr
	f.hs = &http.Server{Handler: f}
	go f.hs.Serve(l)
}

// refuse closes the socket and every connection: clients meet ECONNREFUSED until accept.
func (f *faultProxy) refuse() { f.hs.Close() }

// accept listens again at the same address.
func (f *faultProxy) accept() { f.listen(f.addr) }

// play sets what happens to the requests that come, and forgets those that came.
func (f *faultProxy) play(script ...step) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script, f.seen = script, nil
}

// exchanges are the requests since play; it waits until at least want of them are over, for at
// most limit, and then a little for those that should not come.
func (f *faultProxy) exchanges(want int, limit time.Duration) []exchange {
	enough := func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.seen) >= want && f.inside == 0
	}
	for deadline := time.Now().Add(limit); !enough() && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]exchange(nil), f.seen...)
}

func (f *faultProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.inside++
	s := f.script[0]
	if len(f.script) > 1 {
		f.script = f.script[1:]
	}
	target := f.target
	f.mu.Unlock()

	var e exchange
	var err error
	e.body, err = io.ReadAll(r.Body)
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.inside--
		f.seen = append(f.seen, e)
		if s.cut || s.drop || err != nil {
			panic(http.ErrAbortHandler)
		}
	}()
	if err != nil || s.drop {
		return
	}
	if s.status != 0 {
		if name, value, ok := strings.Cut(s.header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, `{"Error":"as the test's script says"}`)
		e.client = s.status
		return
	}
	// The server takes the events in whether or not the client still waits.
	ask, _ := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, target+r.URL.RequestURI(), bytes.NewReader(e.body))
	ask.Header = r.Header.Clone()
	resp, err := http.DefaultTransport.RoundTrip(ask)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return
	}
	e.server = resp.StatusCode
	if s.cut {
		return
	}
	if s.hold > 0 {
		select {
		case <-time.After(s.hold):
		case <-r.Context().Done(): // the client has gone
			return
		}
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	if _, err := w.Write(answer); err == nil {
		e.client = resp.StatusCode
	}
}
