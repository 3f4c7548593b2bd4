package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stelehq/stele/internal/fault"
)

// A piece of a file is what the answer's body has, though something between, which sends it on in parts, has taken its length away. A body
// that is cut short is no end of the file, and is asked for again.
func TestPiecesOfABackupNeedNoLength(t *testing.T) {
	for _, c := range []struct {
		name string
		send func(w http.ResponseWriter)
		want string
		kind fault.Kind
	}{
		{"with a length", func(w http.ResponseWriter) { _, _ = w.Write([]byte("abcd")) }, "abcd", 0},
		{"without one", func(w http.ResponseWriter) {
			_, _ = w.Write([]byte("ab"))
			w.(http.Flusher).Flush()
			_, _ = w.Write([]byte("cd"))
		}, "abcd", 0},
		{"the end of a file", func(w http.ResponseWriter) {
			_, _ = w.Write([]byte("ab"))
			w.(http.Flusher).Flush()
		}, "ab", 0},
		{"nothing", func(http.ResponseWriter) {}, "", 0},
		{"too much", func(w http.ResponseWriter) { _, _ = w.Write([]byte("abcdef")) }, "abcd", 0},
		{"cut short, with a length", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "4")
			_, _ = w.Write([]byte("ab"))
		}, "", fault.Unavailable},
		{"cut short, without one", func(w http.ResponseWriter) {
			_, _ = w.Write([]byte("ab"))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, "", fault.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.send(w) }))
			defer s.Close()
			u, err := url.Parse(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			b := &remoteBackup{r: newRemote(u, ""), path: "api/backups/x"}
			p := make([]byte, 4)
			n, err := b.piece(context.Background(), "f", p, 0)
			if fault.KindOf(err) != c.kind || err == nil && string(p[:n]) != c.want {
				t.Errorf("%q, %v", p[:n], err)
			}
		})
	}
}
