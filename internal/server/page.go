package server

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// pagePolicy lets the page load its own files alone, and nobody frame it.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// page serves the files of the page. A path that names no file is the page's own affair and
// gets index.html, but for files under assets/, whose absence must not look like a script.
//
//	GET /, GET /assets/…, GET /any/other/path
//	200 a file of the page, or index.html; 404 under assets/; 503 while starting
type page struct {
	server *Server
	files  fs.FS
}

const noPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Stele</title>
<h1>Stele</h1><p>This server was built without its page. <a href="api">/api</a> lists what it serves.</p></html>
`

func newPage(s *Server) *page { return &page{s, s.o.Page} }

func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		(&resource{server: p.server, routes: []*route{{method: http.MethodGet}}}).ServeHTTP(w, r)
		return
	}
	if _, err := p.server.gate.enter(); err != nil {
		writeError(w, err)
		return
	}
	defer p.server.gate.leave()
	h := w.Header()
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	body, err := p.read(name)
	if err != nil && !strings.HasPrefix(name, "assets/") {
		name = "index.html"
		body, err = p.read(name)
	}
	if errors.Is(err, fs.ErrNotExist) && name == "index.html" {
		body, err = []byte(noPage), nil
	}
	if err != nil {
		writeError(w, fault.New(fault.NotFound, "", "the page has no file %s", clip(name, 200)))
		return
	}
	if strings.HasPrefix(name, "assets/") { // the builder puts a hash of the content into these names
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
}

// read returns a file; the empty name is none.
func (p *page) read(name string) ([]byte, error) {
	if p.files == nil || name == "" {
		return nil, fs.ErrNotExist
	}
	return fs.ReadFile(p.files, name)
}
