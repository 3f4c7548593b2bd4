package ingest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/testkit"
)

func TestBulkFiles(t *testing.T) {
	text := `POST logs/_bulk
{"index":{"_index":"a","_id":"1"}}
{"@timestamp":"2018-02-27T22:26:39Z","message":"m"}

{ "create" : {} }
{"@timestamp":"2018-02-27T22:26:40Z","index":{}}
{"delete":{"_index":"a","_id":"1"}}
{"update":{"_id":"2"}}
{"doc":{"@timestamp":"2018-02-27T22:26:41Z","_id":"own"},"doc_as_upsert":true}
{"update":{"_id":"3"}}
{"script":{"source":"x"}}
{"index":{}}
{"@timestamp":
{"@timestamp":"2018-02-27T22:26:42Z"}
{"index":{"_id":"4"}}
{"@timestamp":"2018-02-27T22:26:43Z"}
{"index":{"_id":"5"}}
`
	events, refused, r := readAll(t, text, FileOptions{Patient: true})
	want := []string{
		`{"@t":"2018-02-27T22:26:39.0000000Z","@m":"m","_index":"a","_id":"1","@timestamp":"2018-02-27T22:26:39Z","message":"m"}`,
		`{"@t":"2018-02-27T22:26:40.0000000Z","@timestamp":"2018-02-27T22:26:40Z","index":{}}`,
		`{"@t":"2018-02-27T22:26:41.0000000Z","_id":"2","@timestamp":"2018-02-27T22:26:41Z","_id":"own"}`,
		`{"@t":"2018-02-27T22:26:42.0000000Z","@timestamp":"2018-02-27T22:26:42Z"}`,
		`{"@t":"2018-02-27T22:26:43.0000000Z","_id":"4","@timestamp":"2018-02-27T22:26:43Z"}`,
	}
	if d := cmp.Diff(want, events); d != "" {
		t.Error(d)
	}
	wantRefused := []string{
		"7 171: the action delete names no event",
		"11 332: the update has no doc or upsert that would be an event",
		"13 371: parse JSON: byte 14: expected a JSON value, found the end of the text",
		"17 484: no document follows the action index",
	}
	if d := cmp.Diff(wantRefused, refused); d != "" {
		t.Error(d)
	}
	got := r.Report()
	if got.Format != "Elasticsearch bulk" || got.Lines != 17 || got.Joined != 4 || got.Skipped != 3 || got.Blank != 1 || got.Refused != 4 {
		t.Errorf("%+v", got)
	}
}

func TestBulkDetection(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"bulk", "{\"index\":{}}\n{\"a\":1}\n", "Elasticsearch bulk"},
		{"CLEF in bulk", strings.Repeat("{\"create\":{\"_index\":\"x\"}}\n{\"@t\":\"2020-01-01T00:00:00Z\"}\n", 3), "Elasticsearch bulk"},
		{"deletions among them", "{\"index\":{}}\n{\"a\":1}\n{\"delete\":{\"_id\":\"1\"}}\n", "Elasticsearch bulk"},
		{"a member called index", "{\"index\":{\"a\":1}}\n{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", "JSON lines"},
		{"an index that is a number", "{\"index\":1}\n{\"a\":1}\n", "JSON lines"},
		{"more than an action", "{\"index\":{},\"a\":1}\n{\"a\":1}\n", "JSON lines"},
		{"actions later", "{\"a\":1}\n{\"b\":1}\n{\"index\":{}}\n{\"a\":1}\n{\"index\":{}}\n", "JSON lines"},
	} {
		if _, _, r := readAll(t, c.text, FileOptions{Patient: true}); r.Report().Format != c.want {
			t.Errorf("%s: %q, want %q", c.name, r.Report().Format, c.want)
		}
	}
}

func FuzzBulkFile(f *testing.F) {
	for _, action := range []string{"index", "create", "update", "delete"} {
		f.Add([]byte(fmt.Sprintf("{\"%s\":{\"_index\":\"a\"}}\n{\"doc\":{\"message\":\"m\"}}\n\n{\"x\":", action)))
	}
	f.Add([]byte("PUT _bulk\nPOST x\n{}\n[]\n{\"index\":{\"_id\":\"\xff\"}}\n"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) {
			checkReading(t, "bulk", text, func(line string) bool { return true })
		})
	})
}
