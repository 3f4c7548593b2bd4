package ingest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/testkit"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		name, pattern, text string
		want                []string
		refused             []string
	}{
		{"message and exception", `{@t:timestamp} [{@l}] {SourceContext}: {@m:*}{:n}{@x:*}`,
			"2018-02-21 13:29:00.123 +10:00 [ERR] App.Db: The operation failed\nSystem.DivideByZeroException: by zero\n  at F()\n2018-02-21 13:29:01.000 +10:00 [INF] App: ok\n",
			[]string{
				`{"@t":"2018-02-21T03:29:00.1230000Z","@l":"Error","@m":"The operation failed","@x":"System.DivideByZeroException: by zero\n  at F()","level":"ERR","SourceContext":"App.Db"}`,
				`{"@t":"2018-02-21T03:29:01.0000000Z","@l":"Information","@m":"ok","level":"INF","SourceContext":"App"}`,
			}, nil},
		{"numbers, groups, what is passed over", `{@t} {@m:={Method} {Path}} {:token} {StatusCode:nat}{Status:alpha} {Elapsed:dec}`,
			"2019-04-02 05:18:01 GET /a x 200OK 1.50\n",
			[]string{`{"@t":"2019-04-02T05:18:01.0000000Z","@m":"GET /a","Method":"GET","Path":"/a","StatusCode":200,"Status":"OK","Elapsed":1.50}`}, nil},
		{"more than the pattern says", `{@t} {n:nat}`, "2019-04-02 05:18:01 12 and more\n",
			[]string{`{"@t":"2019-04-02T05:18:01.0000000Z","@m":"","n":12,"unmatched":"and more"}`}, nil},
		{"a time, but not the rest", `{@t} [{@l}] {@m}`, "2019-04-02 05:18:01 no brackets\n",
			[]string{`{"@t":"2019-04-02T05:18:01.0000000Z","@m":"no brackets"}`}, nil},
		{"lines before the first event", `[{@t}] {@m}`, "a header\n[2019-04-02 05:18:01] x\ny\n",
			[]string{`{"@t":"2019-04-02T05:18:01.0000000Z","@m":"x\ny"}`},
			[]string{`1 0: the line does not fit the pattern: byte 1 does not fit: "[" was expected there`}},
		{"braces, what may be absent", `{{{@t}}} {:?<{id:nat}> }{@m}`, "{2019-04-02 05:18:01} <7> x\n{2019-04-02 05:18:02} y\n",
			[]string{`{"@t":"2019-04-02T05:18:01.0000000Z","@m":"x","id":7}`, `{"@t":"2019-04-02T05:18:02.0000000Z","@m":"y"}`}, nil},
		{"a message of several lines", `{@t} {a}{:n}{@m:*}`, "2019-04-02 05:18:01 x\none\ntwo\n",
			[]string{`{"@t":"2019-04-02T05:18:01.0000000Z","@m":"one\ntwo","a":"x"}`}, nil},
		{"its own level", `{@t} {@l} {level:nat} {@m}`, "2019-04-02 05:18:01 WARN 3 x\n",
			[]string{`{"@t":"2019-04-02T05:18:01.0000000Z","@l":"Warning","@m":"x","level":3}`}, nil},
		{"regular expression", `^(?P<time>\S+ \S+) (?P<level>[A-Z]+) \[(?P<thread>[^]]*)\] (?P<message>.*)$`, "2019-04-02 05:18:01 WARN [main] x\n\tat y\n",
			[]string{`{"@t":"2019-04-02T05:18:01.0000000Z","@l":"Warning","@m":"x","@x":"\tat y","level":"WARN","thread":"main"}`}, nil},
		{"regular expression within a line", `code=(?P<code>\d+)`, "a code=12 b\n",
			[]string{`{"@t":"2026-11-20T12:00:00.0000000Z","@m":"a code=12 b","code":"12"}`}, nil},
		{"numbers of a date in the order of the sample", `<{@t}> {@m}`, "<01/02/2026 10:00:00> x\n<13/02/2026 10:00:00> y\n",
			[]string{`{"@t":"2026-02-01T10:00:00.0000000Z","@m":"x"}`, `{"@t":"2026-02-13T10:00:00.0000000Z","@m":"y"}`}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, refused, r := readAll(t, c.text, FileOptions{Pattern: c.pattern, Patient: true})
			if d := cmp.Diff(c.want, got); d != "" || r.Err() != nil {
				t.Errorf("%s\nerror %v", d, r.Err())
			}
			if d := cmp.Diff(c.refused, refused); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestPatternErrors holds that the errors say where and what is expected.
func TestPatternErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		"":                       "the pattern is empty",
		"{@t":                    "byte 1: this { is not closed",
		"a } b":                  "byte 3: this } closes nothing",
		"{}":                     "byte 1: {} says nothing",
		"{a:}":                   "byte 3: a matcher is expected after the colon",
		"{a:nta}":                `byte 4: "nta" is no matcher; one of *`,
		"{a} {a}":                "byte 6: there is another {a}",
		"{@q}":                   `byte 2: '@' cannot be part of a name`,
		"{@t:={:nat}}":           "byte 5: @t wants a matcher of times",
		"\xff":                   "the pattern is not UTF-8",
		"{@t:nat}":               "byte 5: @t wants a matcher of times",
		"{a:?x}":                 "byte 2: what may be absent has no name itself",
		"{:n}x":                  "byte 1: the pattern says nothing about the first line",
		"(?P<a>":                 "missing closing )",
		"(?P<a>.)(?P<a>.)":       `the group "a" is there already`,
		"(?P<time>.)(?P<t>.)":    `the group "t" is there already`,
		strings.Repeat("a", 5e3): "the pattern has 5000 bytes, over the limit of 4096",
		strings.Repeat("{:=", 9) + "a" + strings.Repeat("}", 9): "byte 25: the patterns inside go deeper than 8",
	} {
		err := CheckPattern(pattern)
		if err == nil || !strings.Contains(err.Error(), want) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.60q: %v, want %s", pattern, err, want)
		}
	}
	_, _, r := readAll(t, "2019-04-02 05:18:01 [loud] x\n", FileOptions{Pattern: "{@t} [{@l}] {@m}", Patient: true, Format: JSONFormat})
	if r.Err() == nil || !strings.Contains(r.Err().Error(), "a pattern is for text, not for json") {
		t.Error(r.Err())
	}
	_, _, r = readAll(t, "loud x\n", FileOptions{Pattern: "{@l} {@m}", Patient: true})
	if r.Err() == nil || !strings.Contains(r.Err().Error(), `of the first, "loud x", byte 1 does not fit: {:level} was expected there`) {
		t.Error(r.Err())
	}
}

// FuzzPattern compiles any text and matches any other with it: no panic, bounded time, and what
// comes out is CLEF in which every word of the first line is that was not passed over.
func FuzzPattern(f *testing.F) {
	for _, pattern := range []string{
		`{@t} [{@l}] {SourceContext}: {@m:*}{:n}{@x:*}`, `{{{a:*}}} {b:=x{c:nat}}`, `{:?{a} }{@m:*} {n:dec}`, `(?P<time>\S+) (?P<m>.*)`, `{a:*}{b:*}{c:*}x`,
	} {
		f.Add(pattern, "2018-02-21 13:29:00 [ERR] App: a message\n\tat x\nplain\n")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		testkit.Soak(t, []byte(pattern+"\x1e"+text), func(both []byte) {
			pattern, text, _ := strings.Cut(string(both), "\x1e")
			if CheckPattern(pattern) != nil {
				return
			}
			r := NewFileReader(strings.NewReader(text), FileOptions{Pattern: pattern, EventBytes: 1 << 10, Now: testNow})
			lines := map[int64]bool{}
			for r.Next() {
				e := r.Event()
				lines[e.Line] = true
				v, err := event.ParseValue(e.CLEF)
				if err != nil {
					t.Fatalf("%s: %v", e.CLEF, err)
				}
				if _, canonical, err := event.ParseTime([]byte(v.Get("@t").Text)); !canonical || err != nil {
					t.Fatalf("time %q is not canonical: %v", v.Get("@t").Text, err)
				}
			}
			report := r.Report()
			if n := int64(len(lines)) + report.Joined + report.Blank + report.Skipped + report.Refused; r.Err() == nil && n != report.Lines {
				t.Fatalf("%d lines: %d begin events, %+v", report.Lines, len(lines), report)
			}
		})
	})
}
