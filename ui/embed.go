// Package ui holds the built page, so that one binary serves it.
//
// The page is built by Node (npm run build, into dist/) and is not checked in. A
// checkout without Node still builds: it carries the placeholder instead.
package ui

import (
	"embed"
	"io/fs"
)

// dist is in the repository as an empty directory, because an embed pattern must
// match something; all: lets its .gitkeep be that something.
//
//go:embed all:dist placeholder
var files embed.FS

// Files returns the page's files, index.html at the root: the built page, or the
// placeholder when the binary was compiled without one.
func Files() fs.FS {
	if Built() {
		return sub("dist")
	}
	return sub("placeholder")
}

// Built reports whether the binary carries the real page.
func Built() bool {
	_, err := fs.Stat(files, "dist/index.html")
	return err == nil
}

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // only an invalid path fails, and both are constants above
	}
	return f
}
