package ingest

import (
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// TestWhatIsJoined holds which lines continue an event, and which are events though no time begins them.
func TestWhatIsJoined(t *testing.T) {
	const access = `192.0.2.7 - - [20/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8"`
	for _, c := range []struct {
		name, text string
		lines      []int64 // on which events begin
		undated    int64
	}{
		{"a line of an access log that is damaged", access + "\n192.0.2.8 - - [20/Nov/20\n\n  192.0.2.9 GET\n" + access + "\n", []int64{1, 2, 4, 5}, 2},
		{"an error among requests", access + "\n2026/11/20 10:00:01 [error] 7#7: *3 open() failed, client: 192.0.2.7\n[Fri Nov 20 10:00:02.123456 2026] [core:error] [pid 7] up\n", []int64{1, 2, 3}, 0},
		{"a request among errors", "2026/11/20 10:00:01 [error] 7#7: *3 failed\n2026/11/20 10:00:01 [error] 7#7: *4 failed\nPHP message: and more\n" + access + "\n", []int64{1, 2, 4}, 0},
		{"a request in a program's log", "2026-11-20 10:00:00,123 - INFO - up\n" + access + "\nmore\n", []int64{1, 2}, 0},
		{"text among pairs", strings.Repeat("level=info msg=up n=1\n", 9) + "listening\npanic: gone\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:3\nlevel=info msg=up n=3\n", []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16}, 11},
		{"few lines have a time", "2026-11-20 10:00:00 up\n" + strings.Repeat("loose\nand\nfree\n", 4) + "  and more\n", []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, 12},
		{"a long text after a time", "2026-11-20 10:00:00 up\n" + strings.Repeat("more\n", 9) + "2026-11-20 10:00:01 down\n", []int64{1, 11}, 0},
		{"all is indented", "    Nov 20 10:00:00 web-1 sshd[7]: in\n    Nov 20 10:00:01 web-1 sshd[7]: out\n", []int64{1, 2}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewFileReader(strings.NewReader(c.text), FileOptions{Now: testNow, Patient: true})
			var lines []int64
			for r.Next() {
				lines = append(lines, r.Event().Line)
			}
			if d := cmp.Diff(c.lines, lines); d != "" || r.Report().Undated != c.undated || r.Report().Refused > 0 {
				t.Errorf("%s\n%+v", d, r.Report())
			}
		})
	}
}

// TestBlankLinesAreBounded follows an event with more blank lines than an event may have bytes.
func TestBlankLinesAreBounded(t *testing.T) {
	for _, c := range [][2]string{
		{"2026-11-20 10:00:00 up\n", "\n"},
		{"web-1  | 2026-11-20 10:00:00 up\n", "web-1  |\n"},
		{"2026-11-20 13:45:00.123 UTC [4913] ada@shop LOG:  up\n", "\n"},
	} {
		r := NewFileReader(strings.NewReader(c[0]+strings.Repeat(c[1], 5000)+c[0]), FileOptions{Now: testNow, Patient: true, EventBytes: 2000})
		var lines []int64
		for r.Next() {
			lines = append(lines, r.Event().Line)
		}
		if d := cmp.Diff([]int64{1, 5002}, lines); d != "" || r.Report().Blank < 3000 || r.Report().Joined > 2000 {
			t.Errorf("%s\n%+v", d, r.Report())
		}
	}
}

// TestWhatIsJoinedOfAPipe has a first line alone to judge by, which says nothing of times.
func TestWhatIsJoinedOfAPipe(t *testing.T) {
	text := iotest.OneByteReader(strings.NewReader("hello\n2026-11-20 10:00:00 up\nmore\n2026-11-20\t10:00:01 down\n"))
	r := NewFileReader(text, FileOptions{Now: testNow})
	var lines []int64
	for r.Next() {
		lines = append(lines, r.Event().Line)
	}
	if d := cmp.Diff([]int64{1, 2, 4}, lines); d != "" {
		t.Error(d)
	}
}

// TestColours reads lines as they look on a terminal.
func TestColours(t *testing.T) {
	for text, want := range map[string]string{
		"\x1b[32m2026-11-20 10:00:00\x1b[0m \x1b[33mWARN\x1b[0m slow\n":                       `{"@t":"2026-11-20T10:00:00.0000000Z","@l":"Warning","@m":"slow","level":"WARN"}`,
		"\x1b[0m\x1b[1mNov 20 \x1b[0m10:00:00 \x1b[31mweb-1\x1b[0m sshd[7]: in\x1b[0m\n":      `{"@t":"2026-11-20T10:00:00.0000000Z","@m":"in","host":"web-1","app":"sshd","pid":7}`,
		"\x1b[2K\x1b[31mERROR\x1b[0m gone\n":                                                  `{"@t":"2026-11-20T12:00:00.0000000Z","@l":"Error","@m":"ERROR gone"}`,
		"2026-11-20 10:00:00 the word \x1b[1mbold\x1b[0m\n":                                   `{"@t":"2026-11-20T10:00:00.0000000Z","@m":"the word bold"}`,
		"2026-11-20 10:00:00 " + strings.Repeat("far ", 12) + "the word \x1b[1mbold\x1b[0m\n": `{"@t":"2026-11-20T10:00:00.0000000Z","@m":"` + strings.Repeat("far ", 12) + `the word \u001b[1mbold\u001b[0m"}`,
		"2026-11-20 10:00:00 reset\x1b[0m\n":                                                  `{"@t":"2026-11-20T10:00:00.0000000Z","@m":"reset\u001b[0m"}`,
		"\x1b[31":                                                                             `{"@t":"2026-11-20T12:00:00.0000000Z","@m":"\u001b[31"}`,
	} {
		if got, refused, _ := readAll(t, text, FileOptions{Patient: true}); !cmp.Equal(got, []string{want}) || refused != nil {
			t.Errorf("%q: %s, refused %v, expected %s", text, got, refused, want)
		}
	}
}
