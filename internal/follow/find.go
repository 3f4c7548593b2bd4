// Package follow finds log files by what a command line names, and follows them: it knows a
// file again after rotation, and remembers how far each was read. It sees bytes, never events.
package follow

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// A File is a file that was found.
type File struct {
	Path    string // below what the command line names
	Real    string // absolute, without symbolic links
	ID      ID     // zero unless Regular
	Size    int64
	Mod     time.Time
	Regular bool
	Named   bool // by itself, not by a directory or a pattern
}

// Found is what a list of arguments leads to.
type Found struct {
	Files  []File   // each once, in order
	Hidden []string // hidden files and directories that were passed over
	Stores []string // directories passed over because they hold a store of Stele's
	Errs   []error  // arguments that lead nowhere, and what cannot be looked into
}

// Find finds the files that arguments name: files, directories with all that is below them,
// and patterns as filepath.Match has them, in which ** is any number of directories. A file
// that is reached in several ways is found once. What a directory holds is ordered by name,
// but of the files of one log the oldest comes first. Of what is in directories, hidden files
// and whatever is neither a file nor a directory are left out.
func Find(args []string) Found {
	w := walk{files: map[ID]bool{}, dirs: map[string]bool{}}
	for _, arg := range args {
		if _, err := os.Lstat(arg); err != nil && strings.ContainsAny(arg, "*?[") {
			w.pattern(arg)
		} else {
			w.path(arg, true)
		}
	}
	return w.found
}

type walk struct {
	found Found
	files map[ID]bool
	dirs  map[string]bool // by real path: links may lead in circles
}

func (w *walk) fail(err error) { w.found.Errs = append(w.found.Errs, err) }

func (w *walk) path(path string, named bool) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	var info fs.FileInfo
	if err == nil {
		info, err = os.Stat(real)
	}
	if err != nil && named && !errors.Is(err, fs.ErrNotExist) {
		// What is opened by name alone, as /dev/fd/63, has no other name.
		if info, err = os.Stat(path); err == nil {
			real = path
		}
	}
	switch {
	case err != nil:
		w.fail(fault.Wrap(err, "", "%s cannot be read", path))
	case info.IsDir():
		w.dir(path, real)
	default:
		w.file(File{Path: path, Real: real, Named: named}, info)
	}
}

func (w *walk) file(f File, info fs.FileInfo) {
	if f.Regular = info.Mode().IsRegular(); f.Regular {
		if err := f.look(info); err != nil {
			w.fail(fault.Wrap(err, "", "%s cannot be read", f.Path))
			return
		}
		if w.files[f.ID] {
			return
		}
		w.files[f.ID] = true
	} else if !f.Named {
		return
	}
	w.found.Files = append(w.found.Files, f)
}

func (w *walk) dir(path, real string) {
	if w.dirs[real] {
		return
	}
	w.dirs[real] = true
	entries, err := os.ReadDir(real)
	if err != nil {
		w.fail(fault.Wrap(err, "", "%s cannot be read", path))
	}
	if holdsStore(entries) {
		w.found.Stores = append(w.found.Stores, path)
		return
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return compareNames(a.Name(), b.Name()) })
	for _, e := range entries {
		below := filepath.Join(path, e.Name())
		switch {
		case isHidden(e.Name()):
			w.found.Hidden = append(w.found.Hidden, below)
		case e.IsDir():
			w.dir(below, filepath.Join(real, e.Name()))
		case e.Type()&fs.ModeSymlink != 0:
			w.path(below, false)
		case e.Type().IsRegular():
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue // it has just gone
			}
			if err != nil {
				w.fail(fault.Wrap(err, "", "%s cannot be read", below))
				continue
			}
			w.file(File{Path: below, Real: filepath.Join(real, e.Name())}, info)
		}
	}
}

// holdsStore recognises a directory in which Stele keeps events: its own files are no logs.
func holdsStore(entries []fs.DirEntry) bool {
	has := func(prefix string) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), prefix) })
	}
	return has("CURRENT") && has("manifest-") && has("journal-")
}

func isHidden(name string) bool { return strings.HasPrefix(name, ".") }

func (w *walk) pattern(pattern string) {
	root := filepath.VolumeName(pattern)
	rest := pattern[len(root):]
	if rest != "" && os.IsPathSeparator(rest[0]) {
		root += string(filepath.Separator)
	}
	parts := strings.FieldsFunc(rest, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) })
	for _, part := range parts {
		if _, err := filepath.Match(part, ""); err != nil {
			w.fail(fault.New(fault.Invalid, "", "%q is not a pattern of file names", pattern).WithHint("a [ needs its ]"))
			return
		}
	}
	matches := expand(nil, root, parts)
	if len(matches) == 0 {
		w.fail(fault.New(fault.NotFound, "", "no file matches %s", pattern))
	}
	for _, m := range slices.Compact(matches) {
		w.path(m, false)
	}
}

// expand appends what the parts of a pattern match below dir, in order.
func expand(dst []string, dir string, parts []string) []string {
	if len(parts) == 0 {
		return append(dst, dir)
	}
	part, rest := parts[0], parts[1:]
	if !strings.ContainsAny(part, "*?[") {
		below := filepath.Join(dir, part)
		if _, err := os.Stat(below); err == nil {
			dst = expand(dst, below, rest)
		}
		return dst
	}
	if part == "**" && len(rest) > 0 {
		dst = expand(dst, dir, rest) // no directory at all
	}
	listed := dir
	if listed == "" {
		listed = "."
	}
	entries, _ := os.ReadDir(listed) // what cannot be listed has nothing that matches
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return compareNames(a.Name(), b.Name()) })
	for _, e := range entries {
		if isHidden(e.Name()) && !isHidden(part) {
			continue
		}
		below := filepath.Join(dir, e.Name())
		if part == "**" {
			if e.IsDir() { // not through links, which may lead in circles
				dst = expand(dst, below, parts)
			} else if len(rest) == 0 {
				dst = append(dst, below)
			}
			continue
		}
		if ok, _ := filepath.Match(part, e.Name()); ok {
			dst = expand(dst, below, rest)
		}
	}
	return dst
}
