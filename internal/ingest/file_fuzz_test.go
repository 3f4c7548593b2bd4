package ingest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/testkit"
)

// FuzzText reads any bytes as text: every event is JSON with a canonical time, none is over
// the limit, and every word of the text is in an event or in a refused line.
func FuzzText(f *testing.F) {
	for _, form := range stampForms {
		f.Add([]byte(form.example + "INFO message\n\tat x\n" + form.example + "\n"))
	}
	f.Add([]byte("\xff\xfe\x00\n\r\n\r"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) {
			const limit = 1 << 10
			refused := 0
			r := NewFileReader(bytes.NewReader(text), FileOptions{Format: TextFormat, EventBytes: limit, Now: testNow, Refused: func(FileRefusal) { refused++ }})
			var all strings.Builder
			events := 0
			for r.Next() {
				e := r.Event()
				events++
				if len(e.CLEF) > limit {
					t.Fatalf("an event has %d bytes: %s", len(e.CLEF), e.CLEF)
				}
				v, err := event.ParseValue(e.CLEF)
				if err != nil {
					t.Fatalf("%s: %v", e.CLEF, err)
				}
				checkTime(t, v.Get("@t").Text)
				for _, m := range v.Members {
					all.WriteString(m.Name + " " + string(m.Value.AppendDisplay(nil)) + " ")
				}
				if e.Offset < 0 || e.Offset >= int64(len(text)) || e.Line < 1 {
					t.Fatalf("event at line %d, byte %d of %d", e.Line, e.Offset, len(text))
				}
			}
			if r.Err() != nil {
				t.Fatal(r.Err())
			}
			if got := r.Report(); got.Events != int64(events) || got.Refused != int64(refused) || got.Bytes != int64(len(text)) {
				t.Fatalf("the report %+v is not about %d events, %d refused lines and %d bytes", got, events, refused, len(text))
			}
			if refused > 0 || r.Report().Replaced > 0 {
				return
			}
			// Words of letters alone are never part of a timestamp, but for names of months,
			// days and zones, and for levels that were a single letter; the stream of a blank line is not kept.
			for _, word := range strings.Fields(string(bytes.TrimPrefix(text, []byte("\ufeff")))) {
				if len(word) > 5 && word != "stdout" && word != "stderr" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == "" && !strings.Contains(all.String(), word) {
					t.Fatalf("%q is lost in %q", word, all.String())
				}
			}
		})
	})
}

// FuzzJSONLine reads any line as JSON of an unknown dialect. What is taken has the members
// of the line, in order, after those that were added (R9).
func FuzzJSONLine(f *testing.F) {
	for _, line := range []string{
		`{"ts":1669575482.0968924,"level":"info","msg":"up","n":1e400,"n":-0}`,
		`{"@t":"2020-01-01T00:00:00Z","@m":5,"@@m":1,"@timestamp":"x","":null}`,
		`{"record":{"log_time":"2022-11-27 18:58:02.096 UTC","message":"in"},"s":"\ud800\u0000"}`,
		`{"time":"Jun 14 15:16:01","level":30,"a":[[[{}]]]}`, `{}`, `[]`, `{"a":`, "\xff",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(line []byte) {
			c := calendar{latest: testNow}
			d := newJSONDialect(FileOptions{}, c, [][]byte{line})
			before, parseErr := event.ParseValue(appendValid(nil, line))
			out, e, err := d.objects.Append(nil, line, ObjectContext{Instant: 42})
			if (err == nil) != (parseErr == nil && before.Kind == event.Object) {
				t.Fatalf("taken with %v, but parsing says %v", err, parseErr)
			}
			if err != nil {
				return
			}
			after, err := event.ParseValue(out)
			if err != nil {
				t.Fatalf("%s: %v", out, err)
			}
			instant, _, err := event.ParseTime([]byte(after.Get("@t").Text))
			if err != nil || instant != e.Instant || !e.Dated && instant != 42 {
				t.Fatalf("%s: time %d, %v; want %d", out, instant, err, e.Instant)
			}
			added := len(after.Members) - len(before.Members)
			if added < 0 {
				t.Fatalf("%d members became %d: %s", len(before.Members), len(after.Members), out)
			}
			for i, m := range before.Members {
				got := after.Members[added+i]
				if got.Name != m.Name && got.Name != "@"+m.Name || got.Value.String() != m.Value.String() {
					t.Fatalf("member %q: %s became %q: %s", m.Name, m.Value, got.Name, got.Value)
				}
			}
		})
	})
}
