package ingest

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/fault"
)

var testNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// readAll returns the events of a text and the refused lines as "line byte: why".
func readAll(t *testing.T, text string, o FileOptions) (events, refused []string, r *FileReader) {
	t.Helper()
	o.Now = testNow
	o.Refused = func(x FileRefusal) {
		if k := fault.KindOf(x.Err); k != fault.Invalid && k != fault.TooLarge {
			t.Errorf("line %d is refused with kind %s: %v", x.Line, k, x.Err)
		}
		refused = append(refused, fmt.Sprintf("%d %d: %v", x.Line, x.Offset, x.Err))
	}
	r = NewFileReader(strings.NewReader(text), o)
	for r.Next() {
		events = append(events, string(r.Event().CLEF))
	}
	return events, refused, r
}

// TestR3FinerTimes: of a fraction every digit is kept, though an instant has nine.
func TestR3FinerTimes(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-20 10:00:00.1234567891230 x\n\tat y\n":           "10:00:00.123456789123Z",
		"[2026-11-20T11:00:00.0000000001+01:00] INFO x\n":         "10:00:00.0000000001Z",
		"2026-11-20 10:00:00.123456789000 x\n":                    "10:00:00.123456789Z",
		"2026-11-20 10:00:00.5000000000 x\n":                      "10:00:00.5000000Z",
		"2026-11-20 10:00:00,100000000009 ERROR [main] a.B - x\n": "10:00:00.100000000009Z",
	} {
		got, _, _ := readAll(t, "2026-11-20 09:00:00.9999999999 before\n"+text, FileOptions{Patient: true})
		if len(got) != 2 || !strings.Contains(got[0], `"@t":"2026-11-20T09:00:00.9999999999Z"`) || !strings.Contains(got[1], `"@t":"2026-11-20T`+want+`"`) {
			t.Errorf("%q: %q, want %s", text, got, want)
		}
	}
}

func TestTextDialect(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"level after the time", "2016-12-19 20:43:21,123 WARN  slow disk\n2016-12-19 20:43:22,000 - INFO  [x] - ok\n", []string{
			`{"@t":"2016-12-19T20:43:21.1230000Z","@l":"Warning","@m":"slow disk","level":"WARN"}`,
			`{"@t":"2016-12-19T20:43:22.0000000Z","@l":"Information","@m":"[x] - ok","level":"INFO"}`,
		}},
		{"trace joined as exception", "[2016-12-19 20:39:48,918] WARN fetch failed\njava.io.IOException: gone\n\tat kafka.Fetch(Fetch.scala:9)\n\n[2016-12-19 20:39:49,000] INFO next\n", []string{
			`{"@t":"2016-12-19T20:39:48.9180000Z","@l":"Warning","@m":"fetch failed","@x":"java.io.IOException: gone\n\tat kafka.Fetch(Fetch.scala:9)","level":"WARN"}`,
			`{"@t":"2016-12-19T20:39:49.0000000Z","@l":"Information","@m":"next","level":"INFO"}`,
		}},
		{"python trace", "2016-12-19 20:39:48,918 ERROR boom\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x", []string{
			`{"@t":"2016-12-19T20:39:48.9180000Z","@l":"Error","@m":"boom","@x":"Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x","level":"ERROR"}`,
		}},
		{"other lines joined in the message", "2021-12-03 07:14:48.594 UTC [4913] db=mydb DETAIL:  parameters: $1 = 'a\n\thello'\n2021-12-03 07:14:48.595 UTC [4913] db=mydb LOG:  ok\n", []string{
			`{"@t":"2021-12-03T07:14:48.5940000Z","@m":"[4913] db=mydb DETAIL:  parameters: $1 = 'a\n\thello'"}`,
			`{"@t":"2021-12-03T07:14:48.5950000Z","@l":"Information","@m":"[4913] db=mydb LOG:  ok"}`,
		}},
		{"no timestamps: a line an event", "first\n\n  second INFO x\n", []string{
			`{"@t":"2026-11-20T12:00:00.0000000Z","@m":"first"}`,
			`{"@t":"2026-11-20T12:00:00.0000000Z","@l":"Information","@m":"  second INFO x"}`,
		}},
		{"android and glog", "03-17 16:13:38.811  1702  2395 D Window: x\nW1119 10:23:12.123456   7 main.go:3] y\n", []string{
			`{"@t":"2026-03-17T16:13:38.8110000Z","@l":"Debug","@m":"1702  2395 D Window: x"}`,
			`{"@t":"2026-11-19T10:23:12.1234560Z","@l":"Warning","@m":"7 main.go:3] y","level":"W"}`,
		}},
		{"byte order mark, CRLF", "\ufeff2016-12-19 20:43:21 a\r\n2016-12-19 20:43:22 b\r\n", []string{
			`{"@t":"2016-12-19T20:43:21.0000000Z","@m":"a"}`,
			`{"@t":"2016-12-19T20:43:22.0000000Z","@m":"b"}`,
		}},
		{"NULs of a crash", strings.Repeat("\x00", 600) + "2016-12-19 20:43:21 a\n2016-12-19 20:43:22 b\n" + strings.Repeat("\x00", 600), []string{
			`{"@t":"2016-12-19T20:43:21.0000000Z","@m":"a"}`,
			`{"@t":"2016-12-19T20:43:22.0000000Z","@m":"b"}`,
		}},
		{"control characters", "2016-12-19 20:43:21 a\x00b\x1b[0m\n", []string{`{"@t":"2016-12-19T20:43:21.0000000Z","@m":"a\u0000b\u001b[0m"}`}},
		{"timestamp alone", "2016-12-19 20:43:21\n", []string{`{"@t":"2016-12-19T20:43:21.0000000Z","@m":""}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, refused, r := readAll(t, c.text, FileOptions{Format: TextFormat})
			if again, _, _ := readAll(t, c.text, FileOptions{Format: TextFormat, Patient: true}); !cmp.Equal(got, again) {
				t.Errorf("a patient reader gives other events: %s", cmp.Diff(got, again))
			}
			if d := cmp.Diff(c.want, got); d != "" || refused != nil || r.Err() != nil {
				t.Errorf("%s\nrefused %v, error %v", d, refused, r.Err())
			}
		})
	}
}

func TestTextLevels(t *testing.T) {
	for text, want := range map[string][2]string{
		" INFO [main] x":           {"INFO", "[main] x"},
		" [notice] x":              {"notice", "x"},
		" [core:error] x":          {"error", "x"},
		" [INF] x":                 {"INF", "x"},
		" warn: x":                 {"warn", "x"},
		":WARN:x":                  {"WARN", "x"},
		" ERROR:app.db:x":          {"ERROR", "app.db:x"},
		" INFO::x":                 {"", "INFO::x"},
		" HTTP:x":                  {"", "HTTP:x"},
		" | ERROR | x":             {"ERROR", "x"},
		" I  CONTROL  x":           {"Information", "CONTROL  x"},
		" I went home":             {"", "I went home"},
		" 148 INFO dfs.X: y":       {"INFO", "148 INFO dfs.X: y"},
		" error opening file":      {"error", "error opening file"},
		" All systems go":          {"", "All systems go"},
		" Config loaded":           {"", "Config loaded"},
		" LOG in as root":          {"", "LOG in as root"},
		" db=x LOG:  y":            {"LOG", "db=x LOG:  y"},
		" level=warn msg=x":        {"warn", "level=warn msg=x"},
		" app[1]: [ERROR] x":       {"ERROR", "app[1]: [ERROR] x"},
		" the user said info once": {"", "the user said info once"},
		" [2] x":                   {"", "[2] x"},
		"":                         {"", ""},
	} {
		level, rest := textLevel([]byte(text))
		if level != want[0] || string(rest) != want[1] {
			t.Errorf("%q: level %q and rest %q, want %q", text, level, rest, want)
		}
	}
}

// TestInvalidUTF8IsReplacedAndCounted: the event is kept.
func TestInvalidUTF8IsReplacedAndCounted(t *testing.T) {
	got, refused, r := readAll(t, "2016-12-19 20:43:21 caf\xe9 x\n2016-12-19 20:43:22 fine\n", FileOptions{})
	want := []string{"{\"@t\":\"2016-12-19T20:43:21.0000000Z\",\"@m\":\"caf\ufffd x\"}", `{"@t":"2016-12-19T20:43:22.0000000Z","@m":"fine"}`}
	if d := cmp.Diff(want, got); d != "" || refused != nil || r.Report().Replaced != 1 {
		t.Errorf("%s\nrefused %v, %d replaced; want 1", d, refused, r.Report().Replaced)
	}
}

// TestLongLinesAreRefusedAndTheRestGoesOn bounds memory by the limit for events.
func TestLongLinesAreRefusedAndTheRestGoesOn(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	text := "2016-12-19 20:43:21 a\n2016-12-19 20:43:22 " + long + "\r\n2016-12-19 20:43:23 b\n"
	got, refused, r := readAll(t, text, FileOptions{EventBytes: 1 << 10})
	if len(got) != 2 || len(refused) != 1 || r.Err() != nil {
		t.Fatalf("%d events, refused %v, error %v; want 2 events and one refusal", len(got), refused, r.Err())
	}
	if want := "2 22: a line of 3145748 bytes is over the limit of 1024 bytes for an event"; refused[0] != want {
		t.Errorf("refused %q, want %q", refused[0], want)
	}
	if cap(r.lines.long) > 1<<20 {
		t.Errorf("%d bytes are held for a line that was refused", cap(r.lines.long))
	}
	for _, n := range []int{1023, 1024, 1025, lineBuffer - 1, lineBuffer, lineBuffer + 1, 2*lineBuffer + 7} {
		for _, end := range []string{"\n", "\r\n", ""} {
			l := newLineReader(strings.NewReader(strings.Repeat("y", n)+end), 1024)
			line, err := l.next()
			if over := n > 1024; err != nil || line.over != over || line.bytes != int64(n) || !over && len(line.text) != n {
				t.Errorf("a line of %d bytes before %q: over %v, %d bytes, %d of them kept, %v", n, end, line.over, line.bytes, len(line.text), err)
			}
		}
	}
}

// TestLongTracesAreCutBetweenLines: nothing of them is lost.
func TestLongTracesAreCutBetweenLines(t *testing.T) {
	var text strings.Builder
	text.WriteString("2016-12-19 20:43:21 ERROR boom\n")
	for i := range 100 {
		fmt.Fprintf(&text, "\tat frame%03d\n", i)
	}
	got, refused, r := readAll(t, text.String(), FileOptions{EventBytes: 512})
	all := strings.Join(got, "\n")
	for i := range 100 {
		if !strings.Contains(all, fmt.Sprintf("frame%03d", i)) {
			t.Errorf("frame %d is lost", i)
		}
	}
	if len(got) < 5 || refused != nil || r.Report().Undated != 0 {
		t.Errorf("%d events, refused %v, %d undated; want several, at one time", len(got), refused, r.Report().Undated)
	}
	for _, e := range got {
		if len(e) > 512 || !strings.HasPrefix(e, `{"@t":"2016-12-19T20:43:21.0000000Z"`) {
			t.Errorf("%d bytes: %s", len(e), e)
		}
	}
}

// TestPendingTextIsTakenWhenTheSourceIsIdle: a pipe's last line is not held back.
func TestPendingTextIsTakenWhenTheSourceIsIdle(t *testing.T) {
	pieces := []string{"2016-12-19 20:43:21 a\n2016-12-19 20:43:22 b\n", "2016-12-19 20:43:23 c\n"}
	var r *FileReader
	var early []string
	source := readerFunc(func(p []byte) (int, error) {
		if len(pieces) == 1 {
			if e, ok := r.Pending(); ok {
				early = append(early, string(e.CLEF))
			}
		}
		if len(pieces) == 0 {
			return 0, fmt.Errorf("the pipe broke")
		}
		n := copy(p, pieces[0])
		pieces = pieces[1:]
		return n, nil
	})
	r = NewFileReader(source, FileOptions{Now: testNow})
	var got []string
	for r.Next() {
		got = append(got, string(r.Event().CLEF))
	}
	if d := cmp.Diff([]string{`{"@t":"2016-12-19T20:43:22.0000000Z","@m":"b"}`}, early); d != "" {
		t.Error(d)
	}
	want := []string{`{"@t":"2016-12-19T20:43:21.0000000Z","@m":"a"}`, `{"@t":"2016-12-19T20:43:23.0000000Z","@m":"c"}`}
	if d := cmp.Diff(want, got); d != "" || r.Err() == nil {
		t.Errorf("%s\nerror %v; want the source's", d, r.Err())
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// What comes before the first time takes that, not the time of its ingestion, which may be years later. Of a pipe
// nobody knows what will come.
func TestHeadersTakeTheFirstTime(t *testing.T) {
	for _, c := range []struct {
		name, text string
		patient    bool
		want       []string
	}{
		{"text", "header\n2016-12-19 20:43:21 x", true, []string{
			`{"@t":"2016-12-19T20:43:21.0000000Z","@m":"header"}`, `{"@t":"2016-12-19T20:43:21.0000000Z","@m":"x"}`}},
		{"json", "{\"a\":1}\n{\"ts\":1669575482}\n{\"a\":2}", true, []string{
			`{"@t":"2022-11-27T18:58:02.0000000Z","a":1}`, `{"@t":"2022-11-27T18:58:02.0000000Z","ts":1669575482}`, `{"@t":"2022-11-27T18:58:02.0000000Z","a":2}`}},
		{"a pipe", "header\n2016-12-19 20:43:21 x", false, []string{
			`{"@t":"2026-11-20T12:00:00.0000000Z","@m":"header"}`, `{"@t":"2016-12-19T20:43:21.0000000Z","@m":"x"}`}},
	} {
		o := FileOptions{Patient: c.patient, Now: testNow}
		var source io.Reader = strings.NewReader(c.text)
		if !c.patient {
			source = iotest.OneByteReader(source)
		}
		r := NewFileReader(source, o)
		var got []string
		for r.Next() {
			got = append(got, string(r.Event().CLEF))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}
