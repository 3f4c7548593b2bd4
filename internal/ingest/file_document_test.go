package ingest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/testkit"
)

// readDocument reads a text and lists its events with their places, and what was refused.
func readDocument(t *testing.T, text string, o FileOptions) (events, refused []string, r *FileReader) {
	t.Helper()
	o.Now, o.Patient = testNow, true
	o.Refused = func(x FileRefusal) {
		refused = append(refused, fmt.Sprintf("%d %d: %v", x.Line, x.Offset, x.Err))
	}
	r = NewFileReader(strings.NewReader(text), o)
	for r.Next() {
		e := r.Event()
		events = append(events, fmt.Sprintf("%d %d: %s", e.Line, e.Offset, strings.Replace(string(e.CLEF), `"@t":"2022-11-27T18:58:0`, `"@t":"`, 1)))
	}
	if r.Err() != nil {
		t.Error(r.Err())
	}
	return events, refused, r
}

func TestDocuments(t *testing.T) {
	const one, two = `"ts":1669575481,"msg":"one"`, `"ts":1669575482,"msg":"two"`
	const gotOne, gotTwo = `{"@t":"1.0000000Z","@m":"one",` + one + "}", `{"@t":"2.0000000Z","@m":"two",` + two + "}"
	for _, c := range []struct {
		name, text      string
		format          string
		events, refused []string
		report          FileReport // Joined, Skipped and Blank count
	}{
		{name: "array in one line", text: "[{" + one + "},{" + two + "}]", format: "JSON array (time in ts, message in msg)",
			events: []string{"1 1: " + gotOne, "1 31: " + gotTwo}},
		{name: "array, one object a line", text: "[\n  {" + one + "},\r\n\n  {" + two + "}\n]\n", format: "JSON array (time in ts, message in msg)",
			events: []string{"2 4: " + gotOne, "4 39: " + gotTwo}, report: FileReport{Skipped: 2, Blank: 1}},
		{name: "array, over lines", text: "\ufeff[\n {\n  \"ts\": 1669575481,\n  \"msg\": \"one\"\n },\n {\n  \"ts\": 1669575482, \"msg\":\n\n\"two\"\n }\n]\n", format: "JSON array (time in ts, message in msg)",
			events: []string{"2 6: " + gotOne, "6 48: " + gotTwo}, report: FileReport{Skipped: 2, Joined: 7}},
		{name: "arrays after each other", text: "[{" + one + "}]\n[{" + two + "}]\n[]\n", format: "JSON array (time in ts, message in msg)",
			events: []string{"1 1: " + gotOne, "2 33: " + gotTwo}, report: FileReport{Skipped: 1}},
		{name: "objects after each other", text: "{" + one + "}{" + two + "}", format: "JSON objects over several lines (time in ts, message in msg)",
			events: []string{"1 0: " + gotOne, "1 29: " + gotTwo}},
		{name: "objects over lines", text: "{\n  \"ts\": 1669575481,\n  \"msg\": \"one\"\n}\n{\n  \"ts\": 1669575482,\n  \"msg\": \"two\"\n}\n", format: "JSON objects over several lines (time in ts, message in msg)",
			events: []string{"1 0: " + gotOne, "5 39: " + gotTwo}, report: FileReport{Joined: 6}},
		{name: "record separators", text: "\x1e{" + one + "}\n\x1e{" + two + "}\n", format: "JSON objects over several lines (time in ts, message in msg)",
			events: []string{"1 1: " + gotOne, "2 32: " + gotTwo}},
		{name: "CloudTrail", text: `{"Records":[{` + one + "},{" + two + "}]}", format: "JSON document (time in ts, message in msg)",
			events: []string{"1 12: " + gotOne, "1 42: " + gotTwo}},
		{name: "CloudTrail, files after each other", text: `{"Records":[{` + one + "}]}\n" + `{"Records":[{` + two + "}]}\n", format: "JSON document (time in ts, message in msg)",
			events: []string{"1 12: " + gotOne, "2 56: " + gotTwo}},
		{name: "Kubernetes", text: "{\n \"kind\": \"EventList\", \"metadata\": {\"a\":[1]},\n \"items\": [\n  {" + one + "}\n ]\n}\n", format: "JSON document (time in ts, message in msg)",
			events: []string{"4 61: " + gotOne}, report: FileReport{Skipped: 5}},
		{name: "Elasticsearch", text: `{"took":3,"hits":{"total":{"value":2},"max_score":1,"hits":[{"_index":"a","_id":"1","_source":{` + one + `}},{"_index":"a","_source":{` + two + `},"sort":[1]}]}}`,
			format: "Elasticsearch search results (time in ts, message in msg)",
			events: []string{"1 60: " + `{"@t":"1.0000000Z","@m":"one","_index":"a","_id":"1",` + one + "}", "1 125: " + `{"@t":"2.0000000Z","@m":"two","_index":"a","sort":[1],` + two + "}"}},
		{name: "Elasticsearch, sources alone", text: `{"hits":{"hits":[{"_source":{` + one + `}}]}}`, format: "Elasticsearch search results (time in ts, message in msg)",
			events: []string{"1 17: " + gotOne}},
		{name: "array of exported documents", text: `[{"_index":"a","_source":{` + one + `}},{"_source":{` + two + `}}]`, format: "JSON array (time in ts, message in msg)",
			events: []string{"1 1: " + `{"@t":"1.0000000Z","@m":"one","_index":"a",` + one + "}", "1 56: " + `{"@t":"1.0000000Z","_source":{` + two + `}}`}},
		{name: "CloudWatch", text: `{"messageType":"DATA_MESSAGE","logGroup":"g","subscriptionFilters":["x"],"logEvents":[{"id":"1","timestamp":1669575481000,"message":"one"}]}`,
			format: "CloudWatch Logs JSON (time in timestamp, message in message)",
			events: []string{`1 86: {"@t":"1.0000000Z","@m":"one","messageType":"DATA_MESSAGE","logGroup":"g","id":"1","timestamp":1669575481000,"message":"one"}`}},
		{name: "raw events of Seq", text: `{"Events":[{"Timestamp":"2022-11-27T18:58:01Z","MessageTemplate":"Hi {N}","Properties":{"N":1}}]}`, format: "JSON document (time in Timestamp)",
			events: []string{`1 11: {"@t":"1Z","@mt":"Hi {N}","N":1}`}},
		{name: "a member that is an array is no envelope", text: "{\"user\":\"ann\",\"items\":[{" + one + "}]}\n", format: "JSON lines",
			events: []string{`1 0: {"@t":"2026-11-20T12:00:00.0000000Z","user":"ann","items":[{` + one + "}]}"}},
		{name: "elements that are no objects", text: "[{" + one + "},\n1,[2],\"x\",\nnull\n,{" + two + "}]", format: "JSON array (time in ts, message in msg)",
			events:  []string{"1 1: " + gotOne, "4 49: " + gotTwo},
			refused: []string{"2 32: byte 32: an event is an object; this is a number", "2 34: byte 34: an event is an object; this is an array", "2 38: byte 38: an event is an object; this is a string", "3 43: byte 43: an event is an object; this is null"}},
		{name: "truncated", text: "[{" + one + "},\n{\"ts\":1669575482,\"m", format: "JSON array (time in ts, message in msg)",
			events:  []string{"1 1: " + gotOne},
			refused: []string{"2 32: the file ends before this value does"}},
		{name: "truncated between elements", text: "[{" + one + "},\n", format: "JSON array (time in ts, message in msg)",
			events: []string{"1 1: " + gotOne}, refused: []string{"1 32: no ] closes what holds the events: the file ends before this value does"}},
		{name: "garbage behind", text: "[{" + one + "}]\nand more\n", format: "JSON array (time in ts, message in msg)",
			events: []string{"1 1: " + gotOne}, refused: []string{"2 32: byte 32: expected a JSON object, found 'a'"}},
		{name: "an object that is cut off before the next", text: "{\n \"ts\":1669575481,\n \"msg\":\"on\n{\n  \"ts\": 1669575482,\n  \"msg\": \"two\"\n}\n{\n \"a\":\n{\n  \"ts\": 1669575481,\n  \"msg\": \"one\"\n}\n}\n",
			format: "JSON objects over several lines (time in ts, message in msg)",
			events: []string{"4 31: " + gotTwo, `8 70: {"@t":"2.0000000Z","a":{` + one + "}}"}, refused: []string{"1 0: line 3, byte 30: the line ends inside a string"}, report: FileReport{Joined: 11}},
		{name: "an element that is broken", text: "[\n {\"ts\":1669575481,\"a\":[1}},\n {" + two + "},\n {\n \"ts\":1,,\n \"b\":2}\n]\n", format: "JSON array (time in ts, message in msg)",
			events: []string{"3 31: " + gotTwo}, refused: []string{
				"2 3: line 2, byte 26: found '}' where something else is to be closed",
				"4 63: line 5: parse JSON: byte 10: expected a member's name in double quotes, found ','"}, report: FileReport{Skipped: 2, Joined: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			events, refused, r := readDocument(t, c.text, FileOptions{})
			if d := cmp.Diff(c.events, events); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.refused, refused); d != "" {
				t.Error(d)
			}
			got := r.Report()
			if got.Format != c.format || got.Bytes != int64(len(c.text)) || got.Joined != c.report.Joined || got.Skipped != c.report.Skipped || got.Blank != c.report.Blank {
				t.Errorf("%q, %+v", got.Format, got)
			}
			if lines := int64(strings.Count(c.text, "\n")); got.Lines != lines && got.Lines != lines+1 {
				t.Errorf("%d lines", got.Lines)
			}
		})
	}
}

// A document is read with a window's memory, whatever its size, and elements over the limit are refused alone.
func TestDocumentsAreStreamed(t *testing.T) {
	for _, between := range []string{",", ",\n"} {
		var text strings.Builder
		text.WriteString("[")
		const n = 20_000
		for i := range n {
			if i > 0 {
				text.WriteString(between)
			}
			fmt.Fprintf(&text, `{"ts":1669575481,"i":%d,"x":"%s"}`, i, strings.Repeat("x", 100))
			if i == n/2 {
				fmt.Fprintf(&text, `,{"x":"%s"}`, strings.Repeat("x", 300_000))
			}
		}
		text.WriteString("]")
		events, refused, r := readDocument(t, text.String(), FileOptions{})
		if len(events) != n || len(refused) != 1 || !strings.Contains(refused[0], "an object of 300008 bytes is over the limit of 262144 bytes") {
			t.Errorf("%d events, refused %v", len(events), refused)
		}
		if size := cap(r.dialect.(*documentDialect).scan.text); size > 1<<20 {
			t.Errorf("%d bytes are kept for an element", size)
		}
	}
}

// What a document gives is what its elements give one a line, and every line is accounted for.
func FuzzDocument(f *testing.F) {
	for _, text := range []string{
		`[{"ts":1669575481,"msg":"one"},{"a":[1,{"b":"}"}]}]`, "[\n {\n  \"a\": 1\n },\n 5,\n {\"b\":\"\\\"\"}\n]\n", "{\n\"a\":1}\n{\n\"a\":\n", "\x1e{\"a\":1}\n\x1e{\"a\":",
		`{"Records":[{"eventTime":"2023-07-10T11:42:36Z"}]}`, `{"took":1,"hits":{"total":1,"hits":[{"_id":"1","_source":{"a":1}}]}}`,
		`{"logGroup":"g","logEvents":[{"timestamp":1669575481000,"message":"m"}]}`, `{"Events":[{"Timestamp":"2020-01-01T00:00:00Z","MessageTemplate":"x"}]}`,
		`{"resourceLogs":[{"scopeLogs":[]}]}`, "[{\"a\":1}\n{\"a\":\"x\n},{\"b\":2}]]}\x00\x00", "[{\"a\":[[}", "[]", "[{}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) {
			const limit = 1 << 10
			refused := map[int64]bool{}
			r := NewFileReader(bytes.NewReader(text), FileOptions{Format: JSONFormat, EventBytes: limit, Now: testNow, Patient: true,
				Refused: func(x FileRefusal) {
					if x.Err == nil || x.Line < 1 || x.Offset < 0 || x.Offset > int64(len(text)) {
						t.Fatalf("refused at line %d, byte %d of %d: %v", x.Line, x.Offset, len(text), x.Err)
					}
					refused[x.Line] = true
				}})
			lines := map[int64]bool{}
			var last int64
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
				if _, _, err := event.ParseTime([]byte(v.Get("@t").Text)); err != nil {
					t.Fatalf("time %q: %v", v.Get("@t").Text, err)
				}
				_, document := r.dialect.(*documentDialect)
				if e.Offset < last || e.Offset >= int64(len(text)) || document && text[e.Offset] != '{' {
					t.Fatalf("event at line %d, byte %d of %d", e.Line, e.Offset, len(text))
				}
				last = e.Offset
			}
			report := r.Report()
			if r.Err() != nil || report.Bytes != int64(len(text)) {
				t.Fatalf("%v: %d bytes of %d", r.Err(), report.Bytes, len(text))
			}
			for line := range refused {
				lines[line] = true
			}
			if n := int64(len(lines)) + report.Joined + report.Blank + report.Skipped; n < report.Lines || report.Lines > int64(bytes.Count(text, []byte("\n")))+1 {
				t.Fatalf("%d lines: %d begin events or are refused, %+v", report.Lines, len(lines), report)
			}
		})
	})
}

// All that is passed over after a broken object is a part of its refusal; soaking found it lost.
func TestARefusalHasAllThatIsPassedOver(t *testing.T) {
	const broken = "{\"a\":1,\"b\"{:2}\npanic: x\n\tat y\n"
	var texts []string
	r := NewFileReader(strings.NewReader(broken+"{\"c\":3}{\"d\":\n4}\n{\n \"e\":5}\n"), FileOptions{
		Patient: true, Now: testNow, Refused: func(x FileRefusal) { texts = append(texts, string(x.Text)) },
	})
	for r.Next() {
	}
	if report := r.Report(); r.Err() != nil || report.Events != 3 || len(texts) != 1 || texts[0] != broken {
		t.Errorf("%v: %+v; refused %q, want %q", r.Err(), report, texts, broken)
	}
}
