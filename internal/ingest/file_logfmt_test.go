package ingest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/testkit"
)

func TestLogfmt(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"go kit",
			`ts=2026-11-20T10:00:00.123Z caller=main.go:7 level=info msg="up \"and\" ready" took=1.50 n=-0 big=12345678901234567890123 cached user=`,
			`{"@t":"2026-11-20T10:00:00.1230000Z","@l":"Information","@m":"up \"and\" ready","ts":"2026-11-20T10:00:00.123Z","caller":"main.go:7","level":"info","msg":"up \"and\" ready","took":1.50,"n":-0,"big":12345678901234567890123,"cached":true,"user":""}`},
		{"logrus",
			`time="2026-11-20T10:00:00+01:00" level=warning msg="a\tb\nc\\d" code=007 ok=true no=false quoted="12"`,
			`{"@t":"2026-11-20T09:00:00.0000000Z","@l":"Warning","@m":"a\tb\nc\\d","time":"2026-11-20T10:00:00+01:00","level":"warning","msg":"a\tb\nc\\d","code":"007","ok":true,"no":false,"quoted":"12"}`},
		{"slog, with a level between two",
			`time=2026-11-20T10:00:00.000-05:00 level=ERROR+2 msg=failed err="\x00\u00e9\U0001F600\ud83d\ude00\q" http.status=500`,
			`{"@t":"2026-11-20T15:00:00.0000000Z","@l":"Error","@m":"failed","time":"2026-11-20T10:00:00.000-05:00","level":"ERROR+2","msg":"failed","err":"\u0000é😀😀\\q","http.status":500}`},
		{"log15",
			`t=2026-11-20T10:00:00-0700 lvl=eror msg="no such file" path=/a=b?c=d`,
			`{"@t":"2026-11-20T17:00:00.0000000Z","@l":"Error","@m":"no such file","t":"2026-11-20T10:00:00-0700","lvl":"eror","msg":"no such file","path":"/a=b?c=d"}`},
		{"heroku",
			`2026-11-20T10:00:00.5+00:00 heroku[router]: at=info method=GET path="/" status=200 bytes=1548`,
			`{"@t":"2026-11-20T10:00:00.5000000Z","@l":"Information","@m":"at=info method=GET path=\"/\" status=200 bytes=1548","app":"heroku","process":"router","at":"info","method":"GET","path":"/","status":200,"bytes":1548}`},
		{"syslog in front",
			`Nov 19 10:00:00 web-1 shop[42]: level=debug msg=placed order=7`,
			`{"@t":"2026-11-19T10:00:00.0000000Z","@l":"Debug","@m":"placed","host":"web-1","app":"shop","pid":42,"level":"debug","msg":"placed","order":7}`},
		{"a level in front",
			`2026-11-20 10:00:00,123 WARN user=ada tries=3`,
			`{"@t":"2026-11-20T10:00:00.1230000Z","@l":"Warning","@m":"user=ada tries=3","level":"WARN","user":"ada","tries":3}`},
		{"a time in front that is another",
			`2026-11-20T10:00:02Z ts=2026-11-20T10:00:01Z msg=x created_at=2020-01-01T00:00:00Z`,
			`{"@t":"2026-11-20T10:00:01.0000000Z","@m":"x","ts":"2026-11-20T10:00:01Z","msg":"x","created_at":"2020-01-01T00:00:00Z","prefix":"2026-11-20T10:00:02Z"}`},
		{"a time in front of one that is data",
			`2026-11-20T10:00:02Z msg=x created_at=2020-01-01T00:00:00Z`,
			`{"@t":"2026-11-20T10:00:02.0000000Z","@m":"x","msg":"x","created_at":"2020-01-01T00:00:00Z"}`},
		{"compose",
			`web_1  | time=2026-11-20T10:00:00Z level=info msg=x`,
			`{"@t":"2026-11-20T10:00:00.0000000Z","@l":"Information","@m":"x","app":"web_1","time":"2026-11-20T10:00:00Z","level":"info","msg":"x"}`},
		{"epochs", `ts=1763632800.25 level=30 msg=x`, `{"@t":"2025-11-20T10:00:00.2500000Z","@l":"Information","@m":"x","ts":1763632800.25,"level":30,"msg":"x"}`},
		{"unquoted words", `time=2026-11-20 10:00:00.5 level=info msg=Stopping all: now tag=x`,
			`{"@t":"2026-11-20T10:00:00.5000000Z","@l":"Information","@m":"Stopping all: now","time":"2026-11-20 10:00:00.5","level":"info","msg":"Stopping all: now","tag":"x"}`},
		{"duplicates, of which the last counts", `level=info level=error msg=a msg=b`, `{"@t":"2026-11-20T12:00:00.0000000Z","@l":"Error","@m":"b","level":"info","level":"error","msg":"a","msg":"b"}`},
		{"names that CLEF has", `@t=1 @mt=x @@m=y @timestamp=2026-11-20T10:00:00Z @l=z`,
			`{"@t":"2026-11-20T10:00:00.0000000Z","@m":"@t=1 @mt=x @@m=y @timestamp=2026-11-20T10:00:00Z @l=z","@@t":1,"@@mt":"x","@@@m":"y","@timestamp":"2026-11-20T10:00:00Z","@@l":"z"}`},
		{"structlog", `event='it''s' level='info' msg='a b' other='tis`, `{"@t":"2026-11-20T12:00:00.0000000Z","@l":"Information","@m":"a b","event":"'it''s'","level":"info","msg":"a b","other":"'tis"}`},
		{"Linux' audit", `type=PATH msg=audit(1795168800.579:2995): item=0 name="/bin/sh"`,
			`{"@t":"2026-11-20T10:00:00.5790000Z","@m":"type=PATH msg=audit(1795168800.579:2995): item=0 name=\"/bin/sh\"","type":"PATH","msg":"audit(1795168800.579:2995):","item":0,"name":"/bin/sh"}`},
		{"cut short", `level=info msg="the end is miss`, `{"@t":"2026-11-20T12:00:00.0000000Z","@l":"Information","@m":"the end is miss","level":"info","msg":"the end is miss"}`},
		{"levels that are none", `level=audit state=error msg=x`, `{"@t":"2026-11-20T12:00:00.0000000Z","@m":"x","level":"audit","state":"error","msg":"x"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, end := range []string{"\n", "\r\n", ""} {
				got, refused, r := readAll(t, c.line+end, FileOptions{Patient: true})
				if d := cmp.Diff([]string{c.want}, got); d != "" || refused != nil {
					t.Errorf("%s\nrefused %v", d, refused)
				}
				if !strings.HasPrefix(r.Report().Format, "logfmt") {
					t.Errorf("taken for %s", r.Report().Format)
				}
			}
		})
	}
}

// What follows a line of logfmt and is none belongs to it.
func TestLogfmtJoinsTraces(t *testing.T) {
	got, _, r := readAll(t, "level=error msg=boom n=1\npanic: x\n\ngoroutine 1 [running]:\n\tmain.go:7 +0x1d\nlevel=info msg=next n=2\n", FileOptions{Format: "logfmt"})
	want := []string{
		`{"@t":"2026-11-20T12:00:00.0000000Z","@l":"Error","@m":"boom","@x":"panic: x\n\ngoroutine 1 [running]:\n\tmain.go:7 +0x1d","level":"error","msg":"boom","n":1}`,
		`{"@t":"2026-11-20T12:00:00.0000000Z","@l":"Information","@m":"next","level":"info","msg":"next","n":2}`,
	}
	if d := cmp.Diff(want, got); d != "" || r.Report().Joined != 4 {
		t.Errorf("%s\n%+v", d, r.Report())
	}
}

func TestLogfmtIsNotSeenInOtherText(t *testing.T) {
	for _, text := range []string{
		"a=1\nb=2\nc=3\n", // settings
		"connection closed user=ada port=2\n",
		"http://example.com/?a=b&c=d x=1\n",
		"2026-11-20 10:00:00 INFO done with a=1 b=2\n",
		"if a=1 then b=2\n",
		"a = 1 b = 2\n",
		"export PATH=/bin HOME=/root\n",
		"=1 =2\n",
	} {
		if _, _, r := readAll(t, text, FileOptions{Patient: true}); strings.HasPrefix(r.Report().Format, "logfmt") {
			t.Errorf("%q is taken for %s", text, r.Report().Format)
		}
	}
}

func FuzzLogfmt(f *testing.F) {
	f.Add([]byte("ts=2026-11-20T10:00:00Z level=info msg=\"a \\\"b\\\" \\u00e9\" n=1 ok x=\n"))
	f.Add([]byte("Nov 19 10:00:00 web shop[42]: @t=1 @@m=2 t='x' msg=two words next=1\nboom\n"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) { checkReading(t, "logfmt", text, nil) })
	})
}

func BenchmarkLogfmt(b *testing.B) {
	benchmarkFile(b, "logfmt", bytes.Repeat([]byte(`ts=2026-11-20T10:00:00.123Z caller=main.go:7 level=info component=web msg="request done" method=GET path=/orders/42 status=200 took=1.503 request_id=9f86d081884c7d65`+"\n"), 10000))
}
