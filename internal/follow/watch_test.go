package follow

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// harness follows files as the command does, but with lines for events, and with a clock of its own.
type harness struct {
	t    *testing.T
	dir  string
	now  time.Time
	w    *Watcher
	got  []string // lines, in order
	tell []string
}

func newHarness(t *testing.T, args ...string) *harness {
	h := &harness{t: t, dir: t.TempDir(), now: time.Now()}
	for i := range args {
		args[i] = filepath.Join(h.dir, args[i])
	}
	h.w = &Watcher{Args: args, Quiet: time.Second, Tell: func(err error) { h.tell = append(h.tell, err.Error()) }}
	h.restart()
	t.Cleanup(func() {
		for _, l := range h.w.State.Logs {
			l.close()
		}
		must(t, h.w.State.Close())
	})
	return h
}

// restart forgets all but the state.
func (h *harness) restart() {
	if h.w.State != nil {
		must(h.t, h.w.State.Save())
		for _, l := range h.w.State.Logs {
			l.close()
		}
		must(h.t, h.w.State.Close())
	}
	state, err := OpenState(filepath.Join(h.dir, ".state", "s.json"), "here")
	must(h.t, err)
	h.w.State = state
}

func (h *harness) path(name string) string { return filepath.Join(h.dir, name) }

func (h *harness) write(name, text string) {
	f, err := os.OpenFile(h.path(name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	must(h.t, err)
	_, err = f.WriteString(text)
	must(h.t, err)
	must(h.t, f.Close())
}

func (h *harness) rename(from, to string) { must(h.t, os.Rename(h.path(from), h.path(to))) }
func (h *harness) remove(name string)     { must(h.t, os.Remove(h.path(name))) }

func (h *harness) copy(from, to string) {
	text, err := os.ReadFile(h.path(from))
	must(h.t, err)
	must(h.t, os.WriteFile(h.path(to), text, 0o644))
}

func (h *harness) gzip(name string) {
	text, err := os.ReadFile(h.path(name))
	must(h.t, err)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(text)
	must(h.t, err)
	must(h.t, z.Close())
	must(h.t, os.WriteFile(h.path(name+".gz"), b.Bytes(), 0o644))
	h.remove(name)
}

// scan reads what there is, at most so many lines of each log.
func (h *harness) scan(most int) {
	h.t.Helper()
	for _, l := range h.w.Scan(h.now) {
		r, err := h.w.Open(l, nil, h.now)
		must(h.t, err)
		if r == nil {
			continue
		}
		text, err := io.ReadAll(r)
		must(h.t, err)
		to := l.At
		packed := r.Packed()
		for i, line := range strings.SplitAfter(string(text), "\n") {
			if line == "" {
				break
			}
			if i == most {
				packed = 0
				break
			}
			h.got = append(h.got, strings.TrimSuffix(line, "\n"))
			to.Offset += int64(len(line))
			to.Line++
		}
		tail, ok := r.Holds(to.Offset)
		if !ok {
			h.t.Errorf("%s has changed", l.Path)
		}
		to.Tail, to.Packed = tail, packed
		h.w.State.Done([]Part{{Log: l, To: to}})
		r.Close()
	}
	h.now = h.now.Add(10 * time.Second)
}

func (h *harness) expect(want string) {
	h.t.Helper()
	if got := strings.Join(h.got, " "); got != want {
		h.t.Errorf("read %q, want %q", got, want)
	}
	h.got = nil
}

func (h *harness) quietly() {
	h.t.Helper()
	if len(h.tell) > 0 {
		h.t.Errorf("told %q", h.tell)
	}
}

// TestRotation rotates a log of which a part was read in each way, with the follower running and
// restarted in between, following the live file and the whole directory.
func TestRotation(t *testing.T) {
	for name, c := range map[string]struct {
		rotate func(h *harness)
		want   string
	}{
		"rename": {func(h *harness) { h.rename("app.log", "app.log.1") }, "a2 a3 a4 b1"},
		"rename twice": {func(h *harness) {
			h.rename("app.log", "app.log.1")
			h.write("app.log", "m1\n")
			h.rename("app.log.1", "app.log.2")
			h.rename("app.log", "app.log.1")
		}, "a2 a3 a4 m1 b1"},
		"by date": {func(h *harness) { h.rename("app.log", "app.log-20261120") }, "a2 a3 a4 b1"},
		"rename and compress": {func(h *harness) {
			h.rename("app.log", "app.log.1")
			h.gzip("app.log.1")
		}, "a2 a3 a4 b1"},
		"copy and truncate": {func(h *harness) {
			h.copy("app.log", "app.log.1")
			must(h.t, os.Truncate(h.path("app.log"), 0))
		}, "a2 a3 a4 b1"},
		"copy, truncate and grow beyond": {func(h *harness) {
			h.copy("app.log", "app.log.1")
			must(h.t, os.Truncate(h.path("app.log"), 0))
			h.write("app.log", "n1\nn2\nn3\nn4\nn5\n")
		}, "a2 a3 a4 n1 n2 n3 n4 n5 b1"},
		"copy, truncate and compress": {func(h *harness) {
			h.copy("app.log", "app.log.1")
			must(h.t, os.Truncate(h.path("app.log"), 0))
			h.gzip("app.log.1")
		}, "a2 a3 a4 b1"},
	} {
		for _, arg := range []string{"app.log", "."} {
			for _, restart := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s of %s, restart %t", name, arg, restart), func(t *testing.T) {
					h := newHarness(t, arg)
					h.write("app.log", "a1\na2\na3\na4\n")
					h.scan(1)
					h.expect("a1")
					if restart {
						h.restart()
					}
					c.rotate(h)
					h.write("app.log", "b1\n")
					h.now = h.now.Add(time.Minute)
					h.scan(100)
					h.scan(100)
					h.expect(c.want)
					h.write("app.log", "b2\n")
					h.scan(100)
					h.scan(100)
					h.expect("b2")
					h.quietly()
				})
			}
		}
	}
}

// TestCopiesAreNotReadTwice: neither before the log is cut short, nor when it was read further than it was copied.
func TestCopiesAreNotReadTwice(t *testing.T) {
	h := newHarness(t, ".")
	h.write("app.log", "a1\na2\n")
	h.scan(100)
	h.copy("app.log", "app.log.1")
	h.scan(100)
	h.write("app.log", "a3\n")
	h.scan(100)
	h.expect("a1 a2 a3")
	must(t, os.Truncate(h.path("app.log"), 0))
	h.scan(100)
	h.write("app.log", "b1\n")
	h.scan(100)
	h.scan(100)
	h.expect("b1")
	h.quietly()
}

// TestDeletedFilesAreReadToTheirEnd as long as they are open; a new file of the name is another log.
func TestDeletedFilesAreReadToTheirEnd(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("skipped: a name is free only when the deleted file was closed")
	}
	h := newHarness(t, "app.log")
	h.write("app.log", "a1\n")
	h.scan(100)
	h.write("app.log", "a2\na3")
	h.remove("app.log")
	h.write("app.log", "b1\n")
	h.scan(100)
	h.scan(100)
	h.scan(100)
	h.expect("a1 a2 b1 a3")
	h.quietly()
	h.write("app.log", "b2\n")
	h.w.Scan(h.now) // it is known how long it is
	must(t, os.Truncate(h.path("app.log"), 0))
	h.scan(100)
	h.scan(100)
	if len(h.tell) != 1 || !strings.Contains(h.tell[0], "last 3 bytes") {
		t.Errorf("told %q", h.tell)
	}
}

// TestOlderFilesBesideAreLeftAlone: who follows one file does not get what was rotated before.
func TestOlderFilesBesideAreLeftAlone(t *testing.T) {
	h := newHarness(t, "app.log")
	h.write("app.log.1", "old\n")
	must(t, os.Chtimes(h.path("app.log.1"), time.Time{}, h.now.Add(-time.Hour)))
	h.write("app.log", "a1\n")
	h.write("other.log", "x\n")
	h.scan(100)
	h.rename("app.log.1", "app.log.2")
	h.rename("app.log", "app.log.1")
	h.scan(100)
	h.scan(100)
	h.expect("a1")
	if len(h.tell) != 1 || !strings.Contains(h.tell[0], "app.log cannot be read") {
		t.Errorf("told %q", h.tell)
	}
}

// TestNewFilesAreFound in directories and by patterns; what waits for its end waits.
func TestNewFilesAreFound(t *testing.T) {
	h := newHarness(t, "logs/**/*.log")
	h.scan(100)
	must(t, os.MkdirAll(h.path("logs/x"), 0o755))
	h.write("logs/x/a.log", "a1\na")
	h.write("logs/b.log", "b1")
	h.scan(100)
	h.expect("a1")
	h.write("logs/x/a.log", "2\n")
	h.write("logs/b.log", "\n")
	h.scan(100)
	h.expect("b1 a2")
}

// TestOpenFilesAreBounded, whatever is followed.
func TestOpenFilesAreBounded(t *testing.T) {
	h := newHarness(t, ".")
	for i := range mostOpen + 50 {
		h.write(fmt.Sprintf("f%d.log", i), fmt.Sprintf("%d\n", i))
	}
	h.scan(100)
	open := 0
	for _, l := range h.w.State.Logs {
		if l.file != nil {
			open++
		}
	}
	if open != mostOpen || len(h.got) != mostOpen+50 {
		t.Errorf("%d files are open, %d lines were read", open, len(h.got))
	}
	h.now = h.now.Add(2 * openFor)
	h.scan(100)
	for _, l := range h.w.State.Logs {
		if l.file != nil {
			t.Fatalf("%s is open after a long time", l.Path)
		}
	}
}
