package server

import (
	"os"
	"strings"
	"testing"
)

// docs/http.md names every route and every method of it.
func TestDocsNameEveryRoute(t *testing.T) {
	b, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, r := range routes {
		path := strings.ReplaceAll(r.pattern, "...}", "}")
		if strings.HasSuffix(path, "/resources") {
			path = "/resources"
		}
		if !strings.Contains(text, r.method) || !strings.Contains(text, path) {
			t.Errorf("docs/http.md does not name %s %s", r.method, path)
		}
	}
}
