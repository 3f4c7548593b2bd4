package server

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestPage(t *testing.T) {
	s := New(Options{Page: fstest.MapFS{
		"index.html":         {Data: []byte("<html>page</html>")},
		"favicon.svg":        {Data: []byte("<svg/>")},
		"assets/app-1a2b.js": {Data: []byte("let x")},
	}})
	s.gate.open(&api{endStreams: func() {}})
	for _, c := range []struct {
		path   string
		status int
		body   string
		typ    string
		cache  string
	}{
		{"/", 200, "<html>page</html>", "text/html; charset=utf-8", "no-cache"},
		{"/search/deep?filter=x", 200, "<html>page</html>", "text/html; charset=utf-8", "no-cache"},
		{"/favicon.svg", 200, "<svg/>", "image/svg+xml", "no-cache"},
		{"/assets/app-1a2b.js", 200, "let x", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/assets/gone.js", 404, `{"Error":"the page has no file assets/gone.js"}`, "application/json; charset=utf-8", ""},
		{"/assets", 200, "<html>page</html>", "text/html; charset=utf-8", "no-cache"},
	} {
		a := direct(s, "GET", c.path)
		a.want(t, c.status, c.body)
		if got := a.header.Get("Content-Type"); got != c.typ {
			t.Errorf("%s: type %q", c.path, got)
		}
		if got := a.header.Get("Cache-Control"); got != c.cache {
			t.Errorf("%s: cache %q", c.path, got)
		}
		if got := a.header.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
			t.Errorf("%s: policy %q", c.path, got)
		}
		if a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: sniffed", c.path)
		}
	}
	if a := direct(s, "HEAD", "/"); a.status != 200 || a.body != "" {
		t.Errorf("HEAD: %d %q", a.status, a.body)
	}
	none := New(Options{})
	none.gate.open(&api{endStreams: func() {}})
	if a := direct(none, "GET", "/"); a.status != 200 || !strings.Contains(a.body, "built without its page") {
		t.Errorf("no page: %d %s", a.status, a.body)
	}
}
