package follow

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/fault"
)

// makeFiles makes files with some content, and directories for names that end with a slash.
func makeFiles(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(path, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(name+"\n"), 0o644))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// paths returns what was found, by slash-separated paths from dir.
func paths(t *testing.T, dir string, f Found) (all []string) {
	t.Helper()
	for _, file := range f.Files {
		short, err := filepath.Rel(dir, file.Path)
		must(t, err)
		all = append(all, filepath.ToSlash(short))
	}
	return all
}

func TestFindOrders(t *testing.T) {
	dir := t.TempDir()
	makeFiles(t, dir, "b/x.log", "b/.hidden", ".git/config", "app.log", "app.log.1", "app.log.2.gz", "app.log.10.gz", "zz.log", "b.log",
		"day-2026-11-19.log", "day-2026-11-20.log", "day.log", "old.log-20261120-1.gz", "old.log-20261119", "old.log", "empty/")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{""}, "app.log.10.gz app.log.2.gz app.log.1 app.log b/x.log b.log day-2026-11-19.log day-2026-11-20.log day.log old.log-20261119 old.log-20261120-1.gz old.log zz.log"},
		{[]string{"zz.log", "b", "zz.log", "b/x.log"}, "zz.log b/x.log"},
		{[]string{"*.log"}, "app.log b.log day-2026-11-19.log day-2026-11-20.log day.log old.log zz.log"},
		{[]string{"app.log*"}, "app.log.10.gz app.log.2.gz app.log.1 app.log"},
		{[]string{"**/x.log"}, "b/x.log"},
		{[]string{"**/[bx]*.log"}, "b.log b/x.log"},
		{[]string{"?/*"}, "b/x.log"},
		{[]string{"b/.*"}, "b/.hidden"},
		{[]string{"b/**"}, "b/x.log"},
		{[]string{"empty"}, ""},
	} {
		args := slices.Clone(c.args)
		for i := range args {
			args[i] = filepath.Join(dir, filepath.FromSlash(args[i]))
		}
		f := Find(args)
		if d := cmp.Diff(c.want, strings.Join(paths(t, dir, f), " ")); d != "" || len(f.Errs) > 0 {
			t.Errorf("%q: %v\n%s", c.args, f.Errs, d)
		}
	}
	if f := Find([]string{dir}); len(f.Hidden) != 2 {
		t.Errorf("hidden are %q", f.Hidden)
	}
	t.Chdir(dir)
	if f := Find([]string{"*.log", "b"}); len(f.Files) != 8 || f.Files[0].Path != "app.log" || !filepath.IsAbs(f.Files[0].Real) {
		t.Errorf("relative: %+v", f.Files)
	}
}

func TestFindPassesStoresOver(t *testing.T) {
	dir := t.TempDir()
	makeFiles(t, dir, "a.log", "data/CURRENT", "data/journal-0000000000000001.log", "data/manifest-0000000000000001.log")
	f := Find([]string{dir})
	if got := paths(t, dir, f); !slices.Equal(got, []string{"a.log"}) || len(f.Stores) != 1 {
		t.Errorf("found %q, stores %q", got, f.Stores)
	}
}

func TestFindTellsWhatLeadsNowhere(t *testing.T) {
	dir := t.TempDir()
	makeFiles(t, dir, "a.log")
	f := Find([]string{filepath.Join(dir, "none.log"), filepath.Join(dir, "*.txt"), filepath.Join(dir, "[a.log"), filepath.Join(dir, "a.log")})
	if len(f.Errs) != 3 || !errors.Is(f.Errs[0], fault.NotFound) || !errors.Is(f.Errs[1], fault.NotFound) || !errors.Is(f.Errs[2], fault.Invalid) || len(f.Files) != 1 || !f.Files[0].Named {
		t.Errorf("%+v", f)
	}
}

func TestFindFollowsLinksOnce(t *testing.T) {
	dir := t.TempDir()
	makeFiles(t, dir, "a/x.log", "b/")
	for from, to := range map[string]string{"a/self": "../a", "b/up": "../..", "b/x.log": "../a/x.log", "b/dangling": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(dir, filepath.FromSlash(from))); err != nil {
			if runtime.GOOS == "windows" {
				t.Skip("skipped: no right to make links")
			}
			t.Fatal(err)
		}
	}
	f := Find([]string{filepath.Join(dir, "a"), filepath.Join(dir, "b", "x.log")})
	if got := paths(t, dir, f); !slices.Equal(got, []string{"a/x.log"}) {
		t.Errorf("found %q", got)
	}
	if f := Find([]string{filepath.Join(dir, "b")}); len(f.Errs) != 1 || !strings.Contains(f.Errs[0].Error(), "dangling") {
		t.Errorf("errors are %v", f.Errs)
	}
}

// TestNamesHaveOneOrder: compareNames is an order, whatever the names.
func TestNamesHaveOneOrder(t *testing.T) {
	names := []string{
		"app.log-20261119", "app.log.2026-11-20.gz", "app.log.2026-11-20T10:11:12.1", "app.log.1700000000", "app.log.10.gz", "app.log.9", "app.log.1", "app.log.1.gz", "app.log",
	}
	for seed := range uint64(50) {
		got := slices.Clone(names)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		slices.SortFunc(got, compareNames)
		want := slices.Clone(got)
		for i := range want {
			for j := range want {
				if c := compareNames(want[i], want[j]); (c < 0) != (i < j) && i != j {
					t.Fatalf("%s and %s compare as %d at %d and %d", want[i], want[j], c, i, j)
				}
			}
		}
		if got[len(got)-1] != "app.log" || slices.Index(got, "app.log.10.gz") > slices.Index(got, "app.log.9") {
			t.Fatalf("%q", got)
		}
	}
}

func TestFamilies(t *testing.T) {
	for name, want := range map[string]string{
		"app.log": "app.log", "app.log.1": "app.log", "app.log.12.gz": "app.log", "app.log-20261120": "app.log", "app.log-20261120.gz": "app.log",
		"app.1.log": "app.log", "app-2026-11-20.log": "app.log", "app.2026-11-20_10-11.3.log.gz": "app.log", "log20261120.txt": "log.txt",
		"server-1.log": "server-1.log", "app2.log": "app2.log", "1": "1", "20261120.log": "20261120.log", "syslog": "syslog", "syslog.7.gz": "syslog",
	} {
		if live, _ := rotated(name); live != want {
			t.Errorf("%s is of %s, want %s", name, live, want)
		}
	}
}
