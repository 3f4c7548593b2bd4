package follow

import (
	"cmp"
	"path/filepath"
	"regexp"
	"strings"
)

// What rotation adds to a name: a number (app.log.1, app.1.log) or a date with or without a time
// and a number (app.log-20261120, app-2026-11-20.0.log), and .gz after that.
var (
	dates   = `[._-]?(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{10})(?:[._T-]\d[\d._:-]*)?`
	atEnd   = regexp.MustCompile(`^(.+?)(\.\d{1,4}|` + dates + `)$`)
	atStem  = regexp.MustCompile(`^(.+?)(\.\d{1,4}|` + dates + `)(\.[A-Za-z]\w*)$`)
	notches = strings.NewReplacer(".", "", "_", "", "-", "", ":", "", "T", "")
)

// rotated takes a name apart: the name of the log that is being written, and what rotation
// has added, in which dates are digits alone. A name without any is its own.
func rotated(name string) (live, added string) {
	name = strings.TrimSuffix(name, ".gz")
	if m := atEnd.FindStringSubmatch(name); m != nil {
		return m[1], m[2]
	}
	if m := atStem.FindStringSubmatch(name); m != nil {
		return m[1] + m[3], m[2]
	}
	return name, ""
}

// compareNames orders names, and of one log its files, oldest first: app.log-20261119, app.log-20261120,
// app.log.2.gz, app.log.1, app.log.
func compareNames(a, b string) int {
	liveA, addedA := rotated(a)
	liveB, addedB := rotated(b)
	if c := cmp.Compare(liveA, liveB); c != 0 {
		return c
	}
	numberA, numberB := len(addedA) <= 5, len(addedB) <= 5 // and none at all
	switch {
	case (addedA == "") != (addedB == ""):
		return cmp.Compare(len(addedB), len(addedA))
	case numberA != numberB:
		if numberA {
			return 1
		}
		return -1
	case numberA:
		return cmp.Or(cmp.Compare(len(addedB), len(addedA)), cmp.Compare(addedB, addedA), cmp.Compare(a, b))
	}
	return cmp.Or(cmp.Compare(notches.Replace(addedA), notches.Replace(addedB)), cmp.Compare(a, b))
}

// family names the log that a file belongs to, live or rotated: files of different families are not one log.
func family(path string) string {
	live, _ := rotated(filepath.Base(path))
	return filepath.Join(filepath.Dir(path), live)
}
