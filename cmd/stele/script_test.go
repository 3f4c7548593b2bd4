package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"stele": main})
}

// TestScripts runs testdata/script/*.txtar, one for each command, with the program as a
// process of its own. $URL is a free address of loopback.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			defer l.Close()
			e.Setenv("URL", "http://"+l.Addr().String())
			e.Setenv("STELE_URL", "http://"+l.Addr().String())
			e.Setenv("NO_COLOR", "1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"ready":  ready,
			"stream": stream,
			"gzip":   compress,
			"damage": damage,
			"cut":    cut,
			"write":  write,
			"glob":   glob,
		},
	})
}

// exits CODE PROGRAM ARGS... runs a program that is to end with the exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// ready waits until the server at $URL is in service.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	poll(ts, "/health", func(status int, _ string) bool { return status == http.StatusOK })
}

// stream waits until as many clients listen to the server at $URL.
func stream(ts *testscript.TestScript, neg bool, args []string) {
	poll(ts, "/metrics", func(_ int, body string) bool { return strings.Contains(body, "stele_streams "+args[0]+"\n") })
}

func poll(ts *testscript.TestScript, path string, ok func(status int, body string) bool) {
	last := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get(ts.Getenv("URL") + path)
		if err != nil {
			last = err.Error()
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if last = fmt.Sprintf("%s\n%s", resp.Status, body); ok(resp.StatusCode, string(body)) {
			return
		}
	}
	ts.Fatalf("%s after 30 s: %s", path, last)
}

// gzip FILE writes FILE.gz.
func compress(ts *testscript.TestScript, neg bool, args []string) {
	text := ts.ReadFile(args[0])
	f, err := os.Create(ts.MkAbs(args[0] + ".gz"))
	ts.Check(err)
	z := gzip.NewWriter(f)
	_, err = io.WriteString(z, text)
	ts.Check(err)
	ts.Check(z.Close())
	ts.Check(f.Close())
}

// write FILE TEXT makes a file of what a Go string in TEXT says; a %d in FILE makes 25 of them, of which
// number 7 is cut short.
func write(ts *testscript.TestScript, neg bool, args []string) {
	text, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	if !strings.Contains(args[0], "%") {
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
		return
	}
	for i := range 25 {
		one := strings.ReplaceAll(text, "NUMBER", strconv.Itoa(1669575482+i))
		if i == 7 {
			one = one[:6]
		}
		ts.Check(os.WriteFile(ts.MkAbs(fmt.Sprintf(args[0], i)), []byte(one), 0o644))
	}
}

// cut FILE BYTES shortens a file to so many bytes.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// glob PATTERN puts the name of the first file that matches into $FOUND.
func glob(ts *testscript.TestScript, neg bool, args []string) {
	names, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(names) == 0 {
		ts.Fatalf("no file matches %s", args[0])
	}
	ts.Setenv("FOUND", filepath.Base(names[0]))
}

// damage PATTERN flips a bit in the middle of the one file of that name that is longest.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	names, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	var name string
	var text []byte
	for _, n := range names {
		t, err := os.ReadFile(n)
		ts.Check(err)
		if len(t) > len(text) {
			name, text = n, t
		}
	}
	if name == "" {
		ts.Fatalf("no file matches %s", args[0])
	}
	text[len(text)/2] ^= 1
	ts.Check(os.WriteFile(name, text, 0o644))
}
