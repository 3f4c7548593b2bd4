package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/server"
)

const sharedData = "../../../shared/data"

// runCommand runs one command line in this process.
func runCommand(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(args, streams{strings.NewReader(""), &out, &errs})
	return out.String(), errs.String(), code
}

// TestR6R9SharedFilesComeBack stores each CLEF and JSON-lines file of the shared data and
// finds every line again: values, the text of numbers, member order, duplicates. What other
// dialects get in front is @t, @l, @m or @mt, and nothing else.
func TestR6R9SharedFilesComeBack(t *testing.T) {
	if _, err := os.Stat(sharedData); err != nil {
		t.Skip("skipped: the log files are not in ../shared/data")
	}
	var files []string
	for _, pattern := range []string{"clef/*", "*/*.jsonl", "*/*.ndjson", "bunyan/*.log", "hl/*.log"} {
		found, err := filepath.Glob(filepath.Join(sharedData, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 20 {
		t.Fatalf("found only %d files", len(files))
	}
	url := startServer(t, t.TempDir())
	for i, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if info.Size() > 3<<20 && testing.Short() {
				t.Skip("skipped: a large file in a short run")
			}
			target := []string{"--datapath", filepath.Join(t.TempDir(), "data")}
			if i%4 == 0 { // some of them over HTTP, each into a server of its own
				target = []string{"--url", url}
				if i > 0 {
					target[1] = startServer(t, t.TempDir())
				}
			}
			out, errs, code := runCommand(t, append([]string{"ingest", file}, target...)...)
			if code != 0 && !strings.Contains(file, "bunyan") {
				t.Fatalf("ingest ends with %d: %s%s", code, out, errs)
			}
			back, errs, code := runCommand(t, append([]string{"search", "--json", "--count", "0", "--ascending"}, target...)...)
			if code != 0 {
				t.Fatalf("search ends with %d: %s", code, errs)
			}
			compareLines(t, file, back)
		})
	}
}

// compareLines checks that the events in back are the lines of the file.
func compareLines(t *testing.T, file, back string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	lines, action := 0, ""
	for l := range event.Lines(text) {
		if compact, next, err := event.Compact(nil, l.Text, 0, 0); err == nil && next == len(l.Text) && compact[0] == '{' {
			if members, ok := strings.CutPrefix(string(compact), `{"index":{`); ok && strings.Contains(file, ".bulk.") {
				action = strings.TrimSuffix(members, "}}") + ","
				continue // its members come before those of the document on the next line
			}
			want["{"+action+string(compact[1:])]++
			lines++
		}
	}
	isCLEF := strings.Contains(file, "clef")
	last, got := int64(-1<<63), 0
	for line := range strings.Lines(back) {
		line = strings.TrimSuffix(line, "\n")
		got++
		v, err := event.ParseValue([]byte(line))
		if err != nil {
			t.Fatalf("%.300s: %v", line, err)
		}
		instant, _, err := event.ParseTime([]byte(v.Get("@t").Text))
		if err != nil || instant < last {
			t.Fatalf("%.300s: out of order, or %v", line, err)
		}
		last = instant
		if !isCLEF {
			line = withoutAdded(v)
		}
		if line == "{}" && want[line] == 0 && strings.Contains(file, "bunyan") {
			got-- // a line of text
			continue
		}
		if want[line]--; want[line] < 0 {
			t.Fatalf("this event is no line of the file: %.500s", line)
		}
	}
	if got != lines {
		t.Errorf("%d events came back of %d lines", got, lines)
	}
}

// withoutAdded takes away what detection adds: the first members of these names, once each.
func withoutAdded(v event.Value) string {
	for _, name := range []string{"@t", "@l", "@m", "@mt", "@x", "@tr", "@sp"} {
		if len(v.Members) > 0 && v.Members[0].Name == name {
			v.Members = v.Members[1:]
		}
	}
	return v.String()
}

// startServer serves a directory in this process until the test ends.
func startServer(t *testing.T, dir string) (url string) {
	t.Helper()
	listeners, err := server.Listen([]string{"http://127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	url = "http://" + listeners[0].Addr().(*net.TCPAddr).String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- server.New(server.Options{Datapath: dir, URLs: []string{url}}).Serve(ctx, listeners...)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return url
}
