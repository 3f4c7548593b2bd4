package ingest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConsoleForms reads the example of each form, with the format given and without, and
// holds what it becomes to testdata/console.golden.
func TestConsoleForms(t *testing.T) {
	var out bytes.Buffer
	for _, form := range consoleForms {
		got, refused, r := readAll(t, form.example+"\n", FileOptions{Format: form.format, Patient: true})
		if len(got) != 1 || refused != nil || r.Report().Format != form.shown {
			t.Errorf("%s: %d events, refused %v, as %q", form.example, len(got), refused, r.Report().Format)
		}
		_, _, auto := readAll(t, form.example+"\n", FileOptions{Patient: true})
		fmt.Fprintf(&out, "%s (%s)\n", form.shown, form.format)
		if shown := auto.Report().Format; shown != form.shown {
			fmt.Fprintf(&out, "  alone taken for: %s\n", shown)
		}
		fmt.Fprintf(&out, "  %s\n  %s\n\n", form.example, strings.Join(got, "\n  "))
	}
	compareGolden(t, "testdata/console.golden", out.Bytes())
}

// TestTextFiles reads each file of testdata/text without any option and holds the events to
// the file beside it.
func TestTextFiles(t *testing.T) {
	names, err := filepath.Glob("testdata/text/*.log")
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, refused, r := readAll(t, string(text), FileOptions{Patient: true})
		if n := r.Report(); int64(len(got))+n.Joined+n.Blank+n.Skipped+n.Refused != n.Lines {
			t.Errorf("%s: %d lines, but %d begin events, %+v", name, n.Lines, len(got), n)
		}
		out := r.Report().Format + "\n" + strings.Join(got, "\n") + "\n"
		for _, line := range refused {
			out += "refused " + line + "\n"
		}
		compareGolden(t, strings.TrimSuffix(name, ".log")+".golden", []byte(out))
	}
}

func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); d != "" {
		t.Errorf("%s differs; if that is right, write it anew with -update\n%s", name, d)
	}
}

// A member may have no name. Soaking found that looking for it among the others never ended.
func TestAnObjectWithANamelessMember(t *testing.T) {
	for _, form := range consoleForms {
		for _, end := range []string{` {"":1}`, ` {"a":1,"":{}}`, ` {"":"","":2}`, ` =1 ""=2`} {
			text := form.example + end + "\n"
			got, refused, _ := readAll(t, text, FileOptions{Format: form.format, Patient: true})
			if len(got) != 1 || refused != nil {
				t.Errorf("%s: %q, refused %v", text, got, refused)
			}
		}
	}
	r := record{fields: []byte(`,"a":1,"":2`)}
	for name, want := range map[string]bool{"a": true, "": true, "b": false, "1": false} {
		if r.has([]byte(name)) != want {
			t.Errorf("has(%q) is not %v", name, want)
		}
	}
	r.fields = nil
	if r.has(nil) {
		t.Error("there is a member where there is none")
	}
}
