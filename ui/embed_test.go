package ui

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// Whatever was embedded, a server can serve an index from it, and the index names
// nothing by an absolute address: the page must work below any base path and ask
// no other host for anything.
func TestPageIsSelfContained(t *testing.T) {
	index, err := fs.ReadFile(Files(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	references := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(string(index), -1)
	if len(references) == 0 {
		t.Fatal("index.html refers to nothing")
	}
	for _, r := range references {
		if strings.HasPrefix(r[1], "/") || strings.Contains(r[1], ":") {
			t.Errorf("index.html refers to %q, want a relative address", r[1])
		}
		if Built() && !strings.HasPrefix(r[1], "api/") {
			if _, err := fs.Stat(Files(), strings.TrimPrefix(r[1], "./")); err != nil {
				t.Errorf("index.html refers to %q: %v", r[1], err)
			}
		}
	}
	if strings.Contains(string(index), "<style") || regexp.MustCompile(`<script(?:\s[^>]*)?>[^<]`).Match(index) {
		t.Error("index.html has inline style or script, which a strict Content-Security-Policy refuses")
	}
}

func TestPlaceholderIsAlwaysThere(t *testing.T) {
	text, err := fs.ReadFile(sub("placeholder"), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "npm run build") {
		t.Error("the placeholder does not say how to build the page")
	}
}
