package ingest

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/event"
)

// checkReading reads any bytes as one format: every event is CLEF with a canonical time and
// within the limit, every line is accounted for, and every word is in an event or in a refused
// line, or in one that skipped knows to say how the others are read.
func checkReading(t *testing.T, format FileFormat, text []byte, skipped func(line string) bool) {
	t.Helper()
	const limit = 1 << 10
	var all strings.Builder
	lines := map[int64]bool{} // that begin events or are refused, or both
	r := NewFileReader(bytes.NewReader(text), FileOptions{
		Format: format, EventBytes: limit, Now: testNow, Patient: true,
		Refused: func(x FileRefusal) {
			lines[x.Line] = true
			all.Write(x.Text)
			all.WriteByte(' ')
		},
	})
	for r.Next() {
		e := r.Event()
		lines[e.Line] = true
		if len(e.CLEF) > limit {
			t.Fatalf("an event has %d bytes: %s", len(e.CLEF), e.CLEF)
		}
		v, err := event.ParseValue(e.CLEF)
		if err != nil {
			t.Fatalf("%s: %v", e.CLEF, err)
		}
		checkTime(t, v.Get("@t").Text)
		if e.Offset < 0 || e.Offset >= int64(len(text)) || e.Line < 1 {
			t.Fatalf("event at line %d, byte %d of %d", e.Line, e.Offset, len(text))
		}
		appendTexts(&all, v)
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	report := r.Report()
	// Of a document's lines one may hold a bracket and begin what is refused.
	_, document := r.dialect.(*documentDialect)
	if n := int64(len(lines)) + report.Joined + report.Blank + report.Skipped; n < report.Lines || n > report.Lines && !document || report.Bytes != int64(len(text)) {
		t.Fatalf("%d lines and %d bytes: %d begin events or are refused, %+v", report.Lines, len(text), len(lines), report)
	}
	if report.Replaced > 0 {
		return
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	for line := range strings.Lines(string(text)) {
		if skipped != nil && skipped(line) {
			all.WriteString(line)
		}
	}
	got := all.String()
	for line := range strings.Lines(string(text)) {
		if len(line) > limit { // the refusal has a part of it
			continue
		}
		for _, word := range strings.Fields(line) {
			if len(word) > 5 && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == "" && !strings.Contains(got, word) {
				t.Fatalf("%q is lost in %q", word, got)
			}
		}
	}
}

// checkTime wants the canonical form, or one that says more than an instant of nanoseconds can.
func checkTime(t *testing.T, text string) {
	t.Helper()
	instant, canonical, err := event.ParseTime([]byte(text))
	if n := len("2006-01-02T15:04:05.000000000"); !canonical && len(text) > n+1 && !strings.HasSuffix(text, "0Z") {
		nine := strings.TrimSuffix(text[:n], "00") + "Z"
		again, exact, _ := event.ParseTime([]byte(nine))
		canonical = exact && again == instant
	}
	if !canonical || err != nil {
		t.Fatalf("time %q is not canonical: %v", text, err)
	}
}

// appendTexts writes all names and texts of a value.
func appendTexts(w *strings.Builder, v event.Value) {
	w.WriteString(v.Text + " ")
	for _, item := range v.Items {
		appendTexts(w, item)
	}
	for _, m := range v.Members {
		w.WriteString(m.Name + " ")
		appendTexts(w, m.Value)
	}
}

// benchmarkFile reads a text of one format; MB/s are of the text.
func benchmarkFile(b *testing.B, format FileFormat, text []byte) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	events := 0
	for b.Loop() {
		r := NewFileReader(bytes.NewReader(text), FileOptions{Format: format, Now: testNow, Patient: true})
		for r.Next() {
			events++
		}
		if r.Err() != nil || r.Report().Refused > 0 {
			b.Fatal(r.Err(), r.Report())
		}
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

// Dates without a year that go over the end of one get two years, in every dialect that has such dates.
func TestYearsRollOver(t *testing.T) {
	for name, text := range map[string]string{
		"csv":      "Month,Date,Time,Content\nDec,31,23:59:59,x\nJan,1,00:00:01,y\n",
		"postgres": "Dec 31 23:59:59 db-1 postgres[42]: [7-1] LOG:  x\nJan  1 00:00:01 db-1 postgres[42]: [8-1] LOG:  y\n",
		"mongodb":  "Thu Dec 31 23:59:59.000 [conn1] x\nFri Jan  1 00:00:01.000 [conn1] y\n",
		"logfmt":   "Dec 31 23:59:59 web shop[1]: msg=x a=1\nJan  1 00:00:01 web shop[1]: msg=y a=2\n",
	} {
		ahead := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		got, _, _ := readAll(t, text, FileOptions{Format: FileFormat(name), Patient: true, Ahead: ahead})
		if len(got) != 2 || !strings.Contains(got[0], `"@t":"2025-12-31T23:59:59.0000000Z"`) || !strings.Contains(got[1], `"@t":"2026-01-01T00:00:01.0000000Z"`) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// Reading goes on from any event of a file, with its first lines to say what it is.
func TestFormatsResume(t *testing.T) {
	for name, text := range map[string]string{
		"postgres":  strings.Repeat("2026-11-20 10:00:00 UTC [42] ERROR:  a\n2026-11-20 10:00:00 UTC [42] STATEMENT:  b\n\tc\n", 4),
		"csvlog":    strings.Repeat("2026-11-20 10:00:00 UTC,,,43,,5f3e1b2c.2b,1,,,,0,LOG,00000,\"a\nb\",,,,,,,,,\n", 4),
		"w3c":       "#Fields: date time cs-method\n" + strings.Repeat("2026-11-20 10:00:00 GET\n", 4),
		"mongodb":   strings.Repeat("2020-03-12T00:00:01.935+0000 I CONTROL  [conn1] x\n\tmore\n", 4),
		"pgbouncer": strings.Repeat("2026-11-20 10:00:00.123 UTC [42] LOG up\n", 4),
		"logfmt":    strings.Repeat("ts=2026-11-20T10:00:00Z msg=x\npanic: y\n", 4),
		"access":    strings.Repeat(accessForms[0].example+"\n", 4),
	} {
		o := FileOptions{Patient: true, Now: testNow}
		whole := allPlaced(t, text, o)
		if len(whole) != 4 {
			t.Errorf("%s: %v", name, whole)
			continue
		}
		for n := 1; n < len(whole); n++ {
			o.Resume = &FileResume{Head: []byte(text[:whole[n].Offset]), Offset: whole[n].Offset, Line: whole[n].Line - 1}
			if d := cmp.Diff(whole[n:], allPlaced(t, text[whole[n].Offset:], o)); d != "" {
				t.Errorf("%s from event %d: %s", name, n, d)
			}
		}
	}
}
