package ingest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/testkit"
)

func TestLTSV(t *testing.T) {
	const stamp = `"@t":"2026-11-20T13:45:00.0000000Z"`
	for _, c := range []struct {
		name, line, want string
	}{
		{"ltsv.org's labels", "host:127.0.0.1\tident:-\tuser:frank\ttime:[20/Nov/2026:22:45:00 +0900]\treq:GET /apache_pb.gif HTTP/1.0\tstatus:404\tsize:2326\treferer:http://www.example.com/start.html\tua:Mozilla/4.08 [en] (Win98; I ;Nav)",
			`{` + stamp + `,"@l":"Warning","@m":"GET /apache_pb.gif HTTP/1.0 404","host":"127.0.0.1","ident":"-","user":"frank","time":"[20/Nov/2026:22:45:00 +0900]","req":"GET /apache_pb.gif HTTP/1.0","status":404,"size":2326,"referer":"http://www.example.com/start.html","ua":"Mozilla/4.08 [en] (Win98; I ;Nav)"}`},
		{"parts of a request", "time:2026-11-20T13:45:00Z\tmethod:POST\turi:/a?b=c:d\tstatus:502\treqtime:0.250\tapptime:-",
			`{` + stamp + `,"@l":"Error","@m":"POST /a?b=c:d 502","time":"2026-11-20T13:45:00Z","method":"POST","uri":"/a?b=c:d","status":502,"reqtime":0.250,"apptime":"-"}`},
		{"an application's", "time:1795182300\tlevel:warn\tmessage:disk: 91% full\tn:007\tempty:",
			`{` + stamp + `,"@l":"Warning","@m":"disk: 91% full","time":1795182300,"level":"warn","message":"disk: 91% full","n":"007","empty":""}`},
		{"a level and a message beside a request", "time:2026-11-20T13:45:00Z\tseverity:debug\tmsg:slow\treq:GET /\tstatus:200",
			`{` + stamp + `,"@l":"Debug","@m":"slow","time":"2026-11-20T13:45:00Z","severity":"debug","msg":"slow","req":"GET /","status":200}`},
		{"nothing known, and tabs to spare", "a:x\t\tb:1\t", `{"@t":"2026-11-20T13:44:59.0000000Z","@m":"a:x\t\tb:1\t","a":"x","b":1}`},
	} {
		first := "time:2026-11-20T13:44:59Z\ta:1\n"
		got, refused, r := readAll(t, first+c.line+"\n", FileOptions{Patient: true})
		if r.Report().Format != "LTSV" || len(got) != 2 || refused != nil {
			t.Errorf("%s: %s, %q, refused %v", c.name, r.Report().Format, got, refused)
		} else if d := cmp.Diff(c.want, got[1]); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

func TestLTSVIsNotSeenInOtherText(t *testing.T) {
	for _, text := range []string{
		"a:1\nb:2\n",
		"12:34:56\tlevel:info\n12:34:57\tlevel:info\n",
		"2026-11-20 10:00:00\tname:x\n",
		"name\tvalue:x\n",
		"key 1:x\tkey 2:y\n",
		":x\t:y\n",
	} {
		if _, _, r := readAll(t, text, FileOptions{Patient: true}); r.Report().Format == "LTSV" {
			t.Errorf("%q is taken for LTSV", text)
		}
	}
	// Among lines of LTSV others are events of their own, but for those that go on.
	got, _, _ := readAll(t, strings.Repeat("time:2026-11-20T10:00:00Z\tmsg:a\n", 9)+"stopped\n  by hand\nrestarted\n", FileOptions{Patient: true})
	if len(got) != 11 || !strings.Contains(got[9], `"@m":"stopped\n  by hand"`) || !strings.Contains(got[10], `"@m":"restarted"`) {
		t.Errorf("%q", got)
	}
}

func FuzzLTSV(f *testing.F) {
	f.Add([]byte("time:[20/Nov/2026:13:45:00 +0000]\thost:203.0.113.7\treq:GET /a HTTP/1.1\tstatus:502\tsize:12\nmethod:GET\turi:/\tstatus:200\tlevel:warn\tmsg:\n"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) { checkReading(t, "ltsv", text, nil) })
	})
}

func BenchmarkLTSV(b *testing.B) {
	benchmarkFile(b, "ltsv", bytes.Repeat([]byte("time:[20/Nov/2026:13:45:00 +0000]\thost:203.0.113.7\treq:GET /orders/42 HTTP/1.1\tstatus:200\tsize:5120\treferer:https://example.com/\tua:Mozilla/5.0 (X11; Linux x86_64)\treqtime:0.250\n"), 10000))
}
