package ingest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/testkit"
)

func TestMixedLines(t *testing.T) {
	const at = `{"@t":"2022-11-27T18:58:0`
	for _, c := range []struct {
		name, text      string
		events, refused []string
		report          FileReport // Joined, Skipped, Blank and Undated count
	}{
		{name: "text between objects", text: `Server 1.2 starting
{"ts":1669575481,"msg":"one"}

listening
  on :80
stopping
{"ts":1669575482,"msg":"two"}
{"msg":"three"}
{"msg":"four"}
panic: runtime error: index out of range

goroutine 1 [running]:
main.main()
	/src/main.go:7
`, events: []string{
			at + `1.0000000Z","@m":"Server 1.2 starting"}`,
			at + `1.0000000Z","@m":"one","ts":1669575481,"msg":"one"}`,
			at + `1.0000000Z","@m":"listening\n  on :80"}`,
			at + `1.0000000Z","@m":"stopping"}`,
			at + `2.0000000Z","@m":"two","ts":1669575482,"msg":"two"}`,
			at + `2.0000000Z","@m":"three","msg":"three"}`,
			at + `2.0000000Z","@m":"four","msg":"four"}`,
			at + `2.0000000Z","@l":"Fatal","@m":"panic: runtime error: index out of range","@x":"\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:7"}`,
		}, report: FileReport{Blank: 1, Undated: 6, Joined: 5}},
		{name: "comments, NULs, two objects in a line", text: "# written by hand\n// so\n\x00\x00{\"ts\":1669575481}\n{\"ts\":1669575482}{\"ts\":1669575483} {}\n\x00\x00\x00\n{\"ts\":1669575484}\x00\x00",
			events: []string{at + `1.0000000Z","ts":1669575481}`, at + `2.0000000Z","ts":1669575482}`, at + `3.0000000Z","ts":1669575483}`, at + `3.0000000Z"}`, at + `4.0000000Z","ts":1669575484}`},
			report: FileReport{Skipped: 2, Blank: 1, Undated: 1}},
		{name: "logfmt between", text: "{\"ts\":1669575481,\"msg\":\"one\"}\nts=1669575482 level=warn msg=\"two\" n=2\nlevel=info msg=three\n",
			events: []string{at + `1.0000000Z","@m":"one","ts":1669575481,"msg":"one"}`,
				at + `2.0000000Z","@l":"Warning","@m":"two","ts":1669575482,"level":"warn","msg":"two","n":2}`,
				at + `2.0000000Z","@l":"Information","@m":"three","level":"info","msg":"three"}`}, report: FileReport{Undated: 1}},
		{name: "Docker Compose", text: "web-1  | {\"ts\":1669575481,\"app\":\"own\"}\nweb-1  | starting\ndb_1   | {\"ts\":1669575482}\n",
			events: []string{at + `1.0000000Z","app":"web-1","ts":1669575481,"app":"own"}`, at + `1.0000000Z","@m":"web-1  | starting"}`, at + `2.0000000Z","app":"db_1","ts":1669575482}`},
			report: FileReport{Undated: 1}},
		{name: "time, level and message in front", text: "2022-11-27 18:58:01,500 WARN order placed: {\"order\":5}\n2022-11-27 18:58:02 ERROR {\"level\":\"info\",\"ts\":1669575489,\"msg\":\"m\"}\n2022-11-27 18:58:03 INFO done\n\tat x\n",
			events: []string{at + `1.5000000Z","@l":"Warning","@m":"order placed","prefix":"2022-11-27 18:58:01,500 WARN order placed:","order":5}`,
				at + `9.0000000Z","@l":"Information","@m":"m","prefix":"2022-11-27 18:58:02 ERROR","level":"info","ts":1669575489,"msg":"m"}`,
				at + `3.0000000Z","@l":"Information","@m":"done","@x":"\tat x","level":"INFO"}`}, report: FileReport{Joined: 1}},
		{name: "exports of Elasticsearch", text: "{\"_index\":\"a\",\"_id\":\"1\",\"_score\":1,\"_source\":{\"ts\":1669575481,\"msg\":\"one\"}}\n{\"_source\":{\"ts\":1669575482},\"_index\":\"b\"}\n{\"ts\":1669575483,\"_source\":{\"a\":1}}\n",
			events: []string{at + `1.0000000Z","@m":"one","_index":"a","_id":"1","_score":1,"ts":1669575481,"msg":"one"}`, at + `2.0000000Z","_index":"b","ts":1669575482}`, at + `3.0000000Z","ts":1669575483,"_source":{"a":1}}`}},
		{name: "objects that are cut short", text: "{\"ts\":1669575481,\"msg\":\"one\"}\n{\"ts\":1669575482,\"msg\":\"tw\n{\"t\n{\"ts\":1669575483,\"msg\":\"three\"}\n",
			events:  []string{at + `1.0000000Z","@m":"one","ts":1669575481,"msg":"one"}`, at + `3.0000000Z","@m":"three","ts":1669575483,"msg":"three"}`},
			refused: []string{`2 30: parse JSON: byte 26: the text ends inside the string that begins at byte 23; expected "`, `3 57: parse JSON: byte 3: the text ends inside the string that begins at byte 1; expected "`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			events, refused, r := readAll(t, c.text, FileOptions{Patient: true})
			if d := cmp.Diff(c.events, events); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.refused, refused); d != "" {
				t.Error(d)
			}
			got := r.Report()
			if !strings.HasPrefix(got.Format, "JSON lines") || got.Joined != c.report.Joined || got.Skipped != c.report.Skipped || got.Blank != c.report.Blank || got.Undated != c.report.Undated {
				t.Errorf("%+v", got)
			}
		})
	}
}

func FuzzMixed(f *testing.F) {
	f.Add([]byte("Server starting\n{\"ts\":1669575481,\"msg\":\"one\"}\npanic: x\n\tat y\nlevel=info msg=\"m\"\n# comment\n{\"a\":1}{\"b\":2}\n{\"a\":\n"))
	f.Add([]byte("web_1 | {\"level\":\"warn\"}\nINFO {\"a\":1}\n2022-11-27 18:58:01 ERROR boom {\"a\":{}}\n\x00\x00{}\x00\n[1]\n{x}\n{\"a\":\"\xff\"}\n"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) {
			if bytes := strings.TrimLeft(string(text), " \t\r\n\x1e"); strings.HasPrefix(bytes, "[") {
				return // a document
			}
			checkReading(t, JSONFormat, text, isSkippedComment)
		})
	})
}

func isSkippedComment(line string) bool { return isComment([]byte(strings.Trim(line, " \t\r\n\x00"))) }
