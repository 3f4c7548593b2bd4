package main

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestShortNumber(t *testing.T) {
	for text, want := range map[string]string{
		"1": "1", "-12.5": "-12.5", "1.1234567": "1.1234567", "1.12345678": "1.123456…", "0.000000123456789": "0.000000123456…", "-0.0333333333333": "-0.0333333…",
		"1.5e-20": "1.5e-20", "123456789012345678901234567890": "123456789012345678901234567890",
	} {
		if got := shortNumber(text); got != want {
			t.Errorf("%s is shown as %s, expected %s", text, got, want)
		}
	}
}

// Whatever the cells are, no line of a table is wider than the terminal unless its columns are at their narrowest, and what is cut says so.
func TestTablesFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.IntRange(1, 6).Draw(t, "columns")
		width := rapid.IntRange(columns*(narrowest+len(columnGap)), 200).Draw(t, "width")
		var out strings.Builder
		w := bufio.NewWriter(&out)
		table := &tableRows{p: &printer{w: w}, width: width}
		names := rapid.SliceOfN(rapid.StringMatching(`[a-zé日]{1,20}`), columns, columns)
		if err := table.begin(rowsHeader{columns: names.Draw(t, "names")}); err != nil {
			t.Fatal(err)
		}
		o := &rowsOutput{out: w, printer: table, begun: true, columns: columns}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			cells := rapid.SliceOfN(rapid.StringMatching(`[a-zé日\\n ]{0,80}`), columns, columns).Draw(t, "cells")
			if _, err := fmt.Fprintf(o, "[%s]\n", `"`+strings.Join(cells, `","`)+`"`); err != nil && !strings.Contains(err.Error(), "cannot be read") {
				t.Fatal(err)
			}
		}
		if err := o.printer.end(); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		for line := range strings.Lines(out.String()) {
			if n := displayWidth(strings.TrimSuffix(line, "\n")); n > width {
				t.Fatalf("a line of %d columns on a terminal of %d:\n%s", n, width, out.String())
			}
		}
	})
}

func TestCutTo(t *testing.T) {
	for text, want := range map[string]string{"abc": "abc", "abcdef": "abcde"[:4] + "…", "日本語": "日本…", "": "", "日本": "日本"} {
		if got := cutTo(text, 5); got != want {
			t.Errorf("%q is cut to %q, expected %q", text, got, want)
		}
	}
}

func TestSeriesShareCharacters(t *testing.T) {
	from := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	s := &series{}
	for i, n := range []float64{1, 8, 2, 0, 4, 8} {
		s.points = append(s.points, point{from.Add(time.Duration(i) * time.Minute), n})
	}
	if got := s.marks(from, time.Minute, 7, 0, 8); got != "▂█▃▁▅█ " {
		t.Errorf("one each: %q", got)
	}
	if got := s.marks(from, 2*time.Minute, 3, 0, 8); got != "█▃█" {
		t.Errorf("two each: %q", got)
	}
	if got := s.marks(from, 0, 1, 0, 8); got != "█" {
		t.Errorf("one slice: %q", got)
	}
	for n, want := range map[float64]string{8: "████", 4: "██", 1: "▌", 0.001: "▏", 0: "", -3: "░░"} {
		if got := barOf(n, 8, 4); got != want {
			t.Errorf("a bar of %v of 8 is %q, expected %q", n, got, want)
		}
	}
}

// Answers that are cut short are not taken for whole.
func TestCutAnswers(t *testing.T) {
	whole := `{"Columns":["a"],"Time":false,"Keys":0}` + "\n[1]\n" + `{"Statistics":{"LimitReached":false}}` + "\n"
	for n := range len(whole) + 1 {
		var out strings.Builder
		o := newRowsOutput(&queryCommand{Color: "never"}, &out)
		_, err := o.Write([]byte(whole[:n/2]))
		if err == nil {
			_, err = o.Write([]byte(whole[n/2 : n]))
		}
		if err == nil {
			err = o.end(0)
		}
		if (err == nil) != (n == len(whole)) {
			t.Errorf("after %d bytes of %d: %v", n, len(whole), err)
		}
	}
	for _, text := range []string{"[1]\n", "{}\n5\n", "x\n", "{}\n{}\n{}\n[\n", `{"Columns":["a"],"Time":true,"Keys":7}` + "\n[1]\n", `{"Columns":[],"Time":true,"Keys":-7}` + "\n[]\n{}\n", `{"Columns":["a"]}` + "\n[1,2]\n{}\n"} {
		for _, c := range []queryCommand{{}, {JSON: true}, {Chart: true}} {
			o := newRowsOutput(&c, &strings.Builder{})
			if _, err := o.Write([]byte(text)); err == nil { // an error or not, but no panic
				_ = o.end(0)
			}
		}
	}
}
