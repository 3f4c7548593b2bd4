package elastic

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
	"github.com/stelehq/stele/internal/testkit"
)

type collector = testkit.Collector

var options = ingest.PayloadOptions{EventBytes: 1000, Partial: true, Arrival: 1_795_168_800_000_000_000} // 2026-11-20T10:00:00Z

// outcome is what became of a body, as the tests compare it.
func outcome(d Bulk, body string, o ingest.PayloadOptions) string {
	got := collector{EventBytes: options.EventBytes}
	p, err := d.Add(&got, []byte(body), o)
	if err != nil {
		return "error " + fault.KindOf(err).String() + ": " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, l := range got.Lines {
		b.WriteString(l + "\n")
	}
	refused := 0
	for _, i := range d.Items {
		fmt.Fprintf(&b, "%s %s/%s", i.Kind, i.Index, i.ID)
		if i.Err != nil {
			fmt.Fprintf(&b, " %s: line %d: %v", i.Type, p.Refused[refused].Line, i.Err)
			refused++
		}
		b.WriteByte('\n')
	}
	if len(p.Rest) > 0 {
		b.WriteString("rest " + string(p.Rest))
	}
	if p.Events != len(got.Lines) || p.Count != refused {
		b.WriteString("WRONG COUNT\n")
	}
	return b.String()
}

func TestBulk(t *testing.T) {
	const arrival = `"@t":"2026-11-20T10:00:00.0000000Z"`
	const doc = `{"@timestamp":"2026-11-20T11:00:00.5Z","message":"hi","level":"warn"}`
	const at = `{"@t":"2026-11-20T11:00:00.5000000Z","@l":"warn","@m":"hi","@timestamp":"2026-11-20T11:00:00.5Z","message":"hi","level":"warn"`
	for _, c := range []struct{ name, body, want string }{
		{"empty", "", ""},
		{"blank lines between", "\n\r\n" + `{"index":{"_index":"a"}}` + "\r\n" + doc + "\r\n\n \n", at + `,"_index":"a"}` + "\nindex a/\n"},
		{"a mark, and no newline at the end", "\ufeff" + `{"create":{}}` + "\n" + `{"a":1}`, `{` + arrival + `,"a":1}` + "\ncreate /\n"},
		{"all that an action says",
			`{ "index" : { "_index" : "a" , "_id" : 7, "_type":"log","routing":"r","pipeline":"p","version":3,"dynamic_templates":{"a":"b"},"require_alias":null } }` + "\n{}\n",
			`{` + arrival + `,"_index":"a","_id":"7","_type":"log","_routing":"r","_pipeline":"p"}` + "\nindex a/7\n"},
		{"_doc is no type, null is absent", `{"index":{"_index":"a","_id":null,"_type":"_doc"}}` + "\n{}\n", `{` + arrival + `,"_index":"a"}` + "\nindex a/\n"},
		{"@timestamp before other times", `{"index":{}}` + "\n" + `{"time":"2020-01-01T00:00:00Z","@timestamp":1795172400000}` + "\n",
			`{"@t":"2026-11-20T11:00:00.0000000Z","time":"2020-01-01T00:00:00Z","@timestamp":1795172400000}` + "\nindex /\n"},
		{"another time without @timestamp", `{"index":{}}` + "\n" + `{"time":"2020-01-01T00:00:00Z","@timestamp":"?"}` + "\n",
			`{"@t":"2020-01-01T00:00:00.0000000Z","time":"2020-01-01T00:00:00Z","@timestamp":"?"}` + "\nindex /\n"},
		{"the same action twice", strings.Repeat(`{"index":{"_index":"a","_id":"1"}}`+"\n{}\n", 2),
			strings.Repeat(`{`+arrival+`,"_index":"a","_id":"1"}`+"\n", 2) + strings.Repeat("index a/1\n", 2)},
		{"update", `{"update":{"_id":"1","retry_on_conflict":3}}` + "\n" + `{"doc":{"a":1},"doc_as_upsert":true}` + "\n", `{` + arrival + `,"a":1,"_id":"1"}` + "\nupdate /1\n"},
		{"update with both", `{"update":{}}` + "\n" + `{"upsert":{"a":0,"b":[1, 2]},"doc":{"a":1}}` + "\n", `{` + arrival + `,"a":1,"_upsert":{"a":0,"b":[1,2]}}` + "\nupdate /\n"},
		{"upsert alone", `{"update":{}}` + "\n" + `{"upsert":{"a":0}}` + "\n", `{` + arrival + `,"a":0}` + "\nupdate /\n"},
		{"an _index of the document's own", `{"index":{"_index":"a"}}` + "\n" + `{"_index":"b"}`, `{` + arrival + `,"_index":"b","_index":"a"}` + "\nindex a/\n"},

		{"the good ones of a bad body",
			`{"index":{"_index":"a"}}` + "\n{}\n" +
				`{"create":{"_index":"a","_id":"x"}}` + "\n{\"a\":\n" +
				`{"delete":{"_index":"a","_id":"y"}}` + "\n" +
				`{"update":{"_index":"a","_id":"z"}}` + "\n" + `{"script":"ctx._source.n++"}` + "\n" +
				`{"index":{"_index":"a"}}` + "\n[1]\n" +
				`{"index":{"_index":"a"}}` + "\n\n" +
				`{"index":{"_index":"b"}}` + "\n{}\n" +
				`{"index":{"_index":"c"}}`,
			`{` + arrival + `,"_index":"a"}` + "\n" + `{` + arrival + `,"_index":"b"}` + "\n" +
				"index a/\n" +
				"create a/x document_parsing_exception: line 4: parse JSON: byte 5: expected a JSON value, found the end of the text\n" +
				"delete a/y illegal_argument_exception: line 5: delete is not supported: events are kept as they were sent\n" +
				"update a/z document_parsing_exception: line 7: an update by script is not supported: there is no document that it could change\n" +
				"index a/ document_parsing_exception: line 9: parse JSON: byte 0: expected a JSON object, found '['\n" +
				"index a/ document_parsing_exception: line 11: the action has no document\n" +
				"index b/\n" +
				"index c/ document_parsing_exception: line 15: the action has no document\n" +
				"rest " + `{"create":{"_index":"a","_id":"x"}}` + "\n{\"a\":\n" + `{"update":{"_index":"a","_id":"z"}}` + "\n" + `{"script":"ctx._source.n++"}` + "\n" +
				`{"index":{"_index":"a"}}` + "\n[1]\n" + `{"index":{"_index":"a"}}` + "\n\n" + `{"index":{"_index":"c"}}` + "\n\n"},
		{"too long", `{"index":{}}` + "\n" + `{"a":"` + strings.Repeat("a", 1000) + `"}` + "\n",
			"index / illegal_argument_exception: line 2: the document is 1008 bytes long; at most 1000 are allowed\nrest " + `{"index":{}}` + "\n" + `{"a":"` + strings.Repeat("a", 1000) + `"}` + "\n"},
		{"an index with too long a name", `{"index":{"_index":"` + strings.Repeat("a", 256) + `"}}` + "\n{}\n",
			"index " + strings.Repeat("a", 256) + "/ illegal_argument_exception: line 2: the _index is 256 bytes long; at most 255 are allowed\n" +
				"rest " + `{"index":{"_index":"` + strings.Repeat("a", 256) + `"}}` + "\n{}\n"},

		{"too long with what its action says", `{"index":{"_index":"a"}}` + "\n" + `{"a":"` + strings.Repeat("a", 990) + `"}` + "\n",
			"index a/ document_parsing_exception: line 2: the event is too long\nrest " + `{"index":{"_index":"a"}}` + "\n" + `{"a":"` + strings.Repeat("a", 990) + `"}` + "\n"},
		{"an update of nothing", `{"update":{}}` + "\n" + `{"detect_noop":true}` + "\n",
			"update / document_parsing_exception: line 2: the update has neither doc nor upsert\nrest " + `{"update":{}}` + "\n" + `{"detect_noop":true}` + "\n"},

		{"an action cut off", `{"index":{"_index":"a"`, "error Invalid: malformed action on line 1: parse JSON: byte 22: expected a comma or } of the object, found the end of the text\n"},
		{"an action without a colon", `{"index"{}}`, "error Invalid: malformed action on line 1: parse JSON: byte 8: expected a colon after the member's name, found '{'\n"},
		{"an action without a name", `{index:{}}`, "error Invalid: malformed action on line 1: parse JSON: byte 1: expected a member's name in double quotes, found 'i'\n"},
		{"an action with an end", `{"index":{}}]`, "error Invalid: malformed action on line 1: parse JSON: byte 12: expected the end of the line after the object, found ']'\n"},
		{"an action not separated", `{"index":{} "create":{}}`, "error Invalid: malformed action on line 1: parse JSON: byte 12: expected a comma or } of the object, found '\"'\n"},
		{"an unknown action of a long name", `{"` + strings.Repeat("a", 70) + `":{}}`,
			"error Invalid: malformed action on line 1: expected one of create, delete, index, update, found \"" + strings.Repeat("a", 60) + "…\"\n"},
		{"an unknown action", `{"index":{}}` + "\n{}\n" + `{"replace":{}}` + "\n{}\n",
			"error Invalid: malformed action on line 3: expected one of create, delete, index, update, found \"replace\"\n"},
		{"no action", "{}\n{}\n", "error Invalid: malformed action on line 1: expected one of create, delete, index, update, found an empty object\n"},
		{"two actions", `{"index":{},"create":{}}` + "\n{}\n", "error Invalid: malformed action on line 1: expected one action, found \"create\" after \"index\"\n"},
		{"no object", `{"index":"a"}` + "\n{}\n", "error Invalid: malformed action on line 1: parse JSON: byte 0: expected a JSON object, found '\"'\n"},
		{"an id that is none", `{"index":{"_id":[1]}}` + "\n{}\n", "error Invalid: malformed action on line 1: _id must be a string\n"},
		{"a document alone", doc + "\n", "error Invalid: malformed action on line 1: expected one of create, delete, index, update, found \"@timestamp\"\n"},
		{"no JSON", "hello\n", "error Invalid: malformed action on line 1: parse JSON: byte 0: expected a JSON object, found 'h'\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, outcome(Bulk{}, c.body, options)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestBulkDefaults(t *testing.T) {
	const arrival = `"@t":"2026-11-20T10:00:00.0000000Z"`
	body := `{"index":{}}` + "\n{}\n" + `{"index":{"_index":"b","_id":"1"}}` + "\n{}\n" + `{"index":{}}` + "\nx\n"
	want := `{` + arrival + `,"_index":"a","_pipeline":"p"}` + "\n" + `{` + arrival + `,"_index":"b","_id":"1","_pipeline":"p"}` + "\nindex a/\nindex b/1\n" +
		"index a/ document_parsing_exception: line 6: parse JSON: byte 0: expected a JSON object, found 'x'\n" +
		`rest {"index":{"_index":"a","_pipeline":"p"}}` + "\nx\n"
	if d := cmp.Diff(want, outcome(Bulk{Default: Target{Index: "a", Pipeline: "p"}}, body, options)); d != "" {
		t.Error(d)
	}
	if got := outcome(Bulk{Default: Target{Index: strings.Repeat("a", 256)}}, body, options); !strings.HasPrefix(got, "error Invalid: the _index is 256 bytes long") {
		t.Error(got)
	}
}

func TestBody(t *testing.T) {
	body := Body(Create, Target{Index: "a", ID: "7"}, []byte("{\n\"a\":\r\n1}\n"))
	if want := `{"create":{"_index":"a","_id":"7"}}` + "\n{ \"a\":  1} \n"; string(body) != want {
		t.Errorf("got %q, want %q", body, want)
	}
}

func TestNamed(t *testing.T) {
	const named, unnamed = `{"index":{"_id":"1"}}` + "\n{}\n", `{"index":{}}` + "\n{}\n"
	for body, want := range map[string]bool{"": false, named: true, unnamed: false, named + unnamed: false, named + named: true} {
		var d Bulk
		if _, err := d.Add(new(collector), []byte(body), options); err != nil || d.Named() != want {
			t.Errorf("%q: %v, %v", body, d.Named(), err)
		}
	}
}

func TestActionsAreBounded(t *testing.T) {
	var d Bulk
	p, err := d.Add(nobody{}, []byte(strings.Repeat("{\"index\":{}}\n{}\n", maxActions+1)), options)
	if fault.KindOf(err) != fault.TooLarge || p.Events != maxActions {
		t.Error(p.Events, err)
	}
}

type nobody struct{}

func (nobody) AddCLEF([]byte) error { return nil }

// What is refused can be sent again by itself and is refused for the same reasons.
func TestRestIsABody(t *testing.T) {
	body := `{"index":{"_index":"a"}}` + "\nx\n" + `{"create":{"_id":"1","pipeline":"p"}}` + "\n{}}\n"
	var d Bulk
	p, err := d.Add(new(collector), []byte(body), options)
	if err != nil {
		t.Fatal(err)
	}
	again := Bulk{}
	q, err := again.Add(new(collector), p.Rest, options)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.Rest, q.Rest) || len(again.Items) != 2 {
		t.Errorf("%s\nthen\n%s", p.Rest, q.Rest)
	}
}

// A body that is kept as a whole says what its address said.
func TestWholeSaysWhereDocumentsGo(t *testing.T) {
	d := Bulk{Default: Target{Index: "a", Routing: "r"}}
	body := "\ufeff\n" + `{"index":{}}` + "\r\n{\"n\":1}\n" + `{"delete":{"_index":"b","_id":"7"}}` + "\n\n" + `{"update":{"_id":"8"}}` + "\n{}\nbroken\n" + `{"index":{}}` + "\n{}"
	want := `{"index":{"_index":"a","_routing":"r"}}` + "\n{\"n\":1}\n" + `{"delete":{"_index":"b","_id":"7","_routing":"r"}}` + "\n" + `{"update":{"_index":"a","_id":"8","_routing":"r"}}` +
		"\n{}\nbroken\n" + `{"index":{}}` + "\n{}"
	if diff := cmp.Diff(want, string(d.Whole([]byte(body)))); diff != "" {
		t.Error(diff)
	}
	if got := new(Bulk).Whole([]byte(body)); string(got) != body {
		t.Errorf("%q", got)
	}
	many := strings.Repeat(`{"index":{}}`+"\n{}\n", 100_000)
	if got := (&Bulk{Default: Target{Index: strings.Repeat("a", 255)}}).Whole([]byte(many)); string(got) != many {
		t.Errorf("%d bytes became %d", len(many), len(got))
	}
}

func TestWithoutPartialTheFirstRefusalEndsIt(t *testing.T) {
	o := options
	o.Partial = false
	var d Bulk
	p, err := d.Add(new(collector), []byte(strings.Repeat(`{"index":{}}`+"\nx\n", 3)), o)
	if err != nil || p.Count != 1 || len(d.Items) != 1 {
		t.Error(p, err)
	}
}

func TestRefusalsAreBounded(t *testing.T) {
	const count = 3 * ingest.MaxRefusals
	var d Bulk
	p, err := d.Add(new(collector), []byte(strings.Repeat(`{"index":{}}`+"\nx\n", count)), options)
	if err != nil || p.Count != count || len(p.Refused) != ingest.MaxRefusals || len(d.Items) != count {
		t.Error(p.Count, len(p.Refused), len(d.Items), err)
	}
	if last := d.Items[count-1]; last.Err != error(errMany) || last.Type != errDocument {
		t.Error(last)
	}
}

func TestAFullBatchIsNobodysFault(t *testing.T) {
	var d Bulk
	_, err := d.Add(&collector{Most: 100}, []byte(strings.Repeat(`{"index":{}}`+"\n{}\n", 9)), options)
	if fault.KindOf(err) != fault.TooLarge || !strings.HasPrefix(err.Error(), "the events are too many for one request (send fewer at once)") {
		t.Error(err)
	}
	broken := errors.New("broken")
	if _, err := new(Bulk).Add(failing{broken}, []byte(`{"index":{}}`+"\n{}\n"), options); err != broken {
		t.Error(err)
	}
}

// Refused documents are kept with the target that the body's address names for all of them, which must not make much of little.
func TestRestIsBounded(t *testing.T) {
	long := Bulk{Default: Target{Index: strings.Repeat("i", maxIndex), Routing: strings.Repeat("r", maxID)}}
	body := strings.Repeat("{\"index\":{}}\nx\n", 100_000)
	p, err := long.Add(new(collector), []byte(body), options)
	if most := 4 * len(body); fault.KindOf(err) != fault.TooLarge || len(p.Rest) > most+2000 {
		t.Errorf("%d bytes are kept of %d, %v", len(p.Rest), len(body), err)
	}
	short := Bulk{Default: Target{Index: "logs-app"}}
	if p, err := short.Add(new(collector), []byte(body), options); err != nil || p.Count != 100_000 {
		t.Errorf("%d documents are refused, %v", p.Count, err)
	}
}

type failing struct{ err error }

func (f failing) AddCLEF([]byte) error { return f.err }

func TestRecordedBulkBodies(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "wire")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("skipped: the recorded requests (../shared/data/wire) are not here")
	}
	for name, want := range map[string]string{
		"elasticsearch-js-9.4.3-bulk": `{"@t":"2026-11-20T10:00:00.0000000Z","@l":"info","@m":"hi","@timestamp":"2026-11-20T10:00:00Z","message":"hi","level":"info","_index":"logs-app"}` + "\n" +
			`{"@t":"2026-11-20T10:00:01.0000000Z","@m":"ho","@timestamp":"2026-11-20T10:00:01Z","message":"ho","_index":"logs-app"}` + "\ncreate logs-app/\ncreate logs-app/\n",
		"elasticsearch-js-9.4.3-helpers-bulk": `{"@t":"2026-11-20T10:00:00.0000000Z","a":1,"_index":"x"}` + "\n" + `{"@t":"2026-11-20T10:00:00.0000000Z","a":2,"_index":"x"}` + "\ncreate x/\ncreate x/\n",
		"rsyslog-8.2302-omelasticsearch": `{"@t":"2026-11-20T10:23:15.9681060Z","@l":"notice","@m":"hello from logger é","@timestamp":"2026-11-20T10:23:15.968106+00:00",` +
			`"host":"vm","severity":"notice","app":"myapp","message":"hello from logger é","_index":"logs-rsyslog"}` + "\nindex logs-rsyslog/\n",
	} {
		body, err := os.ReadFile(filepath.Join(dir, name+".body"))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, outcome(Bulk{}, string(body), options)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// Whatever a body holds, what is added are events, and everything in it is accounted for.
func FuzzBulk(f *testing.F) {
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(body []byte) {
			var d Bulk
			var got collector
			p, err := d.Add(&got, body, options)
			if err != nil {
				if kind := fault.KindOf(err); kind != fault.Invalid && kind != fault.TooLarge {
					t.Fatal(err)
				}
				return
			}
			if p.Events != len(got.Lines) || p.Events+p.Count != len(d.Items) {
				t.Fatalf("%d events, %d refused, %d lines, %d items", p.Events, p.Count, len(got.Lines), len(d.Items))
			}
			again := Bulk{}
			q, err := again.Add(new(collector), p.Rest, options)
			if err != nil || q.Events != 0 || !bytes.Equal(p.Rest, q.Rest) {
				t.Fatalf("the rest %q becomes %d events and %q, %v", p.Rest, q.Events, q.Rest, err)
			}
			placed, whole := Bulk{Default: Target{Index: "i", ID: "7"}}, new(Bulk)
			var one, other collector
			_, err = placed.Add(&one, body, options)
			_, err2 := whole.Add(&other, placed.Whole(body), options)
			if (err == nil) != (err2 == nil) || !slices.Equal(one.Lines, other.Lines) {
				t.Fatalf("%q, %v; taken as a whole %q, %v", one.Lines, err, other.Lines, err2)
			}
		})
	})
}
