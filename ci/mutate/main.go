// Command mutate breaks the code on purpose, one line at a time, and sees the tests fail.
//
//	go run ./ci/mutate [-only NAME] [-list FILE]
//
// The list (ci/mutations.txt) holds one mutation a paragraph:
//
//	name: journal-sync
//	why: an acknowledged batch must be on disk (R10)
//	file: internal/journal/writer.go
//	old: return w.file.Sync()
//	new: return nil
//	test: -run TestCrash .
//
// old must stand exactly once in file; a line that continues old or new starts with "|". Sources are
// not touched: the compiler is given the changed file by its overlay flag. A mutation that does not
// compile, or that no test notices, is a failure.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// mutation is one paragraph of the list.
type mutation struct {
	name, why, file, before, after string
	test                           []string // arguments of go test
}

// limit is how long the tests of one mutation may take; a hang counts as noticed.
const limit = 5 * time.Minute

func main() {
	list := flag.String("list", "ci/mutations.txt", "the list of mutations")
	only := flag.String("only", "", "run the mutations whose name contains this")
	flag.Parse()
	if err := run(*list, *only); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(list, only string) error {
	all, err := read(list)
	if err != nil {
		return err
	}
	tried, escaped := 0, 0
	for _, m := range all {
		if !strings.Contains(m.name, only) {
			continue
		}
		tried++
		started := time.Now()
		verdict, err := m.try()
		if err != nil {
			escaped++
			verdict = "FAILED: " + err.Error()
		}
		fmt.Printf("%-32s %5.1fs  %s\n", m.name, time.Since(started).Seconds(), verdict)
	}
	fmt.Printf("%d mutations tried, %d not caught\n", tried, escaped)
	if escaped > 0 || tried == 0 {
		return fmt.Errorf("%d of %d mutations were not caught", escaped, tried)
	}
	return nil
}

// try runs the tests over the mutated source; a nil error says that they failed, as they must.
func (m mutation) try() (verdict string, err error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.before); n != 1 {
		return "", fmt.Errorf("%q stands %d times in %s, not once", m.before, n, m.file)
	}
	dir, err := os.MkdirTemp("", "stele-mutate-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(dir, strings.Replace(string(source), m.before, m.after, 1))
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("go", append([]string{"test", "-overlay", overlay, "-run", "^$"}, m.packages()...)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("it does not compile: %s", strings.TrimSpace(string(out)))
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", append([]string{"test", "-overlay", overlay, "-count=1", "-timeout=4m"}, m.test...)...).CombinedOutput()
	var failed *exec.ExitError
	switch {
	case err == nil:
		return "", errors.New("no test noticed")
	case !errors.As(err, &failed):
		return "", err
	}
	return "caught by " + firstFailure(string(out)), nil
}

// overlay writes the mutated source and the compiler's overlay file into dir.
func (m mutation) overlay(dir, mutated string) (string, error) {
	replacement := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(replacement, []byte(mutated), 0o644); err != nil {
		return "", err
	}
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{original: replacement}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o644)
}

// packages returns the arguments of go test that name packages.
func (m mutation) packages() []string {
	var names []string
	for _, arg := range m.test {
		if strings.HasPrefix(arg, ".") {
			names = append(names, arg)
		}
	}
	return names
}

func firstFailure(out string) string {
	for line := range strings.Lines(out) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); ok {
			return strings.Fields(name)[0]
		}
		if strings.HasPrefix(line, "panic:") {
			return strings.TrimSpace(line)
		}
	}
	return "a failing run"
}

// read parses the list.
func read(name string) ([]mutation, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var all []mutation
	for paragraph := range strings.SplitSeq(string(text), "\n\n") {
		var m mutation
		var last *string
		for line := range strings.SplitSeq(paragraph, "\n") {
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if more, ok := strings.CutPrefix(line, "|"); ok && last != nil {
				*last += "\n" + more
				continue
			}
			key, value, _ := strings.Cut(line, ": ")
			switch strings.TrimSuffix(key, ":") {
			case "name":
				last = &m.name
			case "why":
				last = &m.why
			case "file":
				last = &m.file
			case "old":
				last = &m.before
			case "new":
				last = &m.after
			case "test":
				m.test, last = strings.Fields(value), nil
				continue
			default:
				return nil, fmt.Errorf("%s: unknown key in %q", name, line)
			}
			*last = value
		}
		if last == nil && m.test == nil {
			continue // comments only
		}
		if m.name == "" || m.file == "" || m.before == "" || len(m.packages()) == 0 {
			return nil, fmt.Errorf("%s: mutation %q lacks a name, a file, what to replace or a test with a package", name, m.name)
		}
		all = append(all, m)
	}
	return all, nil
}
