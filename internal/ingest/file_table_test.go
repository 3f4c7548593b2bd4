package ingest

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/event"
)

var update = flag.Bool("update", false, "write the table of dialects anew")

// OTLPLogs and OTLPTraces are what the command line gives for files of OTLP; TestMain sets them.
var OTLPLogs, OTLPTraces Decoder

// sharedLogs is where the real log files are that the table is about.
const sharedLogs = "../../../shared/data"

const tableHead = `# What is understood of real logs

Each log file of the sample collection, as ` + "`stele ingest`" + ` reads it without any option: the format it is
taken for, what became of every line, the time it covers (UTC; times without a year are judged as of 2026-11-20),
the events by level, and the properties found with the number of events that have them. Held by TestDialectTable;
` + "`go test ./internal/ingest -run TestDialectTable -update`" + ` writes it anew.
`

// TestDialectTable reads every log of the shared data and holds what is understood to
// docs/dialects.md. Every line is accounted for.
func TestDialectTable(t *testing.T) {
	if _, err := os.Stat(sharedLogs); err != nil {
		t.Skip("skipped: the log files are not in ../shared/data")
	}
	table := bytes.NewBufferString(tableHead)
	for _, name := range sharedFiles(t) {
		text, err := os.ReadFile(filepath.Join(sharedLogs, name))
		if err != nil {
			t.Fatal(err)
		}
		describeFile(t, table, name, text)
	}
	const golden = "../../docs/dialects.md"
	if *update {
		if err := os.WriteFile(golden, table.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(table.String(), "\n")); d != "" {
		t.Errorf("%s differs; if that is right, write it anew with -update\n%s", golden, d)
	}
}

// sharedFiles lists the log files, with / and in order.
func sharedFiles(t testing.TB) (names []string) {
	err := fs.WalkDir(os.DirFS(sharedLogs), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && name != "README.md" && !strings.HasPrefix(name, "wire/") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func describeFile(t *testing.T, w *bytes.Buffer, name string, text []byte) {
	type refusal struct {
		line int64
		why  string
	}
	var refused []refusal
	levels, properties := map[string]int{}, map[string]int{}
	lines := map[int64]bool{}
	var first, last int64
	r := NewFileReader(bytes.NewReader(text), FileOptions{
		Patient: true, Now: testNow, Modified: testNow, OTLPLogs: OTLPLogs, OTLPTraces: OTLPTraces,
		Refused: func(x FileRefusal) { refused = append(refused, refusal{x.Line, x.Err.Error()}) },
	})
	for r.Next() {
		e := r.Event()
		lines[e.Line] = true
		v, err := event.ParseValue(e.CLEF)
		if err != nil {
			t.Fatalf("%s line %d: %v in %.200s", name, e.Line, err, e.CLEF)
		}
		instant, _, err := event.ParseTime([]byte(v.Get("@t").Text))
		if err != nil {
			// Only a file of CLEF passes on what the store will refuse.
			refused = append(refused, refusal{e.Line, "the store refuses it: " + err.Error()})
			continue
		}
		if first == 0 || instant < first {
			first = instant
		}
		last = max(last, instant)
		levels[event.Level(v)]++
		seen := map[string]bool{}
		for _, m := range v.Members {
			if !seen[m.Name] && m.Name != "@t" {
				seen[m.Name] = true
				properties[m.Name]++
			}
		}
	}
	report := r.Report()
	fmt.Fprintf(w, "\n## %s\n\n", name)
	if err := r.Err(); err != nil {
		fmt.Fprintf(w, "- refused as a whole: %s\n", err)
		return
	}
	if accounted := int64(len(lines)) + report.Joined + report.Blank + report.Skipped + report.Refused; accounted != report.Lines {
		t.Errorf("%s: %d lines, but %d begin events, %+v", name, report.Lines, len(lines), report)
	}
	fmt.Fprintf(w, "- %s\n- %d lines: %d events", report.Format, report.Lines, report.Events)
	for _, part := range []struct {
		n    int64
		what string
	}{{report.Joined, "joined to the event before"}, {report.Blank, "blank"}, {report.Skipped, "that say how to read the others"}, {report.Refused, "refused"}} {
		if part.n > 0 {
			fmt.Fprintf(w, ", %d %s", part.n, part.what)
		}
	}
	if report.Undated > 0 {
		fmt.Fprintf(w, "; %d events without a time", report.Undated)
	}
	if report.Replaced > 0 {
		fmt.Fprintf(w, "; %d events with bytes that are not UTF-8", report.Replaced)
	}
	if report.Events > 0 {
		fmt.Fprintf(w, "\n- %s to %s", tableTime(first), tableTime(last))
	}
	fmt.Fprintf(w, "\n- levels: %s\n- properties: %s\n", countsOf(levels), countsOf(properties))
	for _, x := range refused {
		fmt.Fprintf(w, "- line %d is refused: %s\n", x.line, x.why)
	}
}

func tableTime(instant int64) string {
	return time.Unix(0, instant).UTC().Format("2006-01-02T15:04:05.999999999Z")
}

// countsOf lists names with their counts, in the order of names.
func countsOf(counts map[string]int) string {
	if len(counts) == 0 {
		return "none"
	}
	var parts []string
	for name, n := range counts {
		parts = append(parts, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
