package ingest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/testkit"
)

type collector = testkit.Collector

// outcome is a payload's result as the tests compare it.
func outcome(c *collector, p Payload, err error) string {
	var b strings.Builder
	if err != nil { // then nothing of the batch is used
		return "error " + fault.KindOf(err).String() + ": " + err.Error() + "\n"
	}
	for _, l := range c.Lines {
		b.WriteString(l + "\n")
	}
	for _, r := range p.Refused {
		b.WriteString("refused " + string(rune('0'+r.Line)) + ": " + r.Err.Error() + "\n")
	}
	if len(p.Rest) > 0 {
		b.WriteString("rest " + string(p.Rest) + "\n")
	}
	if p.Events != len(c.Lines) {
		b.WriteString("WRONG COUNT\n")
	}
	return b.String()
}

func TestCLEFPayload(t *testing.T) {
	const a, b = `{"@t":"2026-11-20T10:00:00Z","n":1}`, `{"@t":"2026-11-20T10:00:01Z","n":2}`
	for _, c := range []struct {
		name, body string
		o          PayloadOptions
		want       string
	}{
		{"empty", "", PayloadOptions{}, ""},
		{"blank", "\n \r\n\t\n", PayloadOptions{}, ""},
		{"one without a newline", a, PayloadOptions{}, a + "\n"},
		{"two", a + "\n" + b + "\n", PayloadOptions{}, a + "\n" + b + "\n"},
		{"mark, carriage returns, blank lines", "\xef\xbb\xbf" + a + "\r\n\r\n  " + b + " \r\n", PayloadOptions{}, a + "\n" + b + "\n"},
		{"UTF-16", "\xff\xfe{\x00", PayloadOptions{}, "error Invalid: the payload begins with the byte order mark of UTF-16 (send UTF-8)\n"},
		{"first bad line ends it", a + "\n\n{\n" + b, PayloadOptions{},
			a + "\nrefused 3: parse JSON: byte 1: expected a member's name in double quotes, found the end of the text\nrest {\n\n"},
		{"partial goes on", "x\n" + a + "\n{}\n" + b, PayloadOptions{Partial: true},
			a + "\n" + b + "\nrefused 1: parse JSON: byte 0: expected a JSON value, found 'x'\nrefused 3: no @t\nrest x\n{}\n\n"},
		{"too long", a + "\n" + `{"@t":"2026-11-20T10:00:01Z","text":"0123456789"}`, PayloadOptions{EventBytes: 40},
			a + "\nrefused 2: the event is 49 bytes long; at most 40 are allowed\nrest " + `{"@t":"2026-11-20T10:00:01Z","text":"0123456789"}` + "\n\n"},
		{"legacy by mistake", `{"Events":[]}`, PayloadOptions{},
			"refused 1: this is a payload in the raw events form, not CLEF (send {\"Events\":[...]} to /api/events/raw): no @t\nrest " + `{"Events":[]}` + "\n\n"},
		{"one object over lines as JSON", "{\n \"@t\": \"2026-11-20T10:00:00Z\",\n \"n\": 1\n}\n", PayloadOptions{JSON: true}, a + "\n"},
		{"lines as JSON", a + "\n" + b, PayloadOptions{JSON: true}, a + "\n" + b + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.o.EventBytes == 0 {
				c.o.EventBytes = 1000
			}
			var got collector
			p, err := CLEF(&got, []byte(c.body), c.o)
			if d := cmp.Diff(c.want, outcome(&got, p, err)); d != "" {
				t.Error(d)
			}
			if c.o.JSON {
				return
			}
			for piece := 1; piece < len(c.body); piece++ {
				var got collector
				pieces := CLEFPieces{Options: c.o}
				var rest []byte
				for at := 0; ; at += piece {
					end := at+piece >= len(c.body)
					rest = append(rest, c.body[at:min(at+piece, len(c.body))]...)
					var used int
					if used, err = pieces.Add(&got, rest, end); err != nil || end {
						break
					}
					rest = rest[used:]
				}
				if d := cmp.Diff(c.want, outcome(&got, pieces.Payload, err)); d != "" {
					t.Errorf("in pieces of %d bytes: %s", piece, d)
				}
			}
		})
	}
}

func TestLegacyPayload(t *testing.T) {
	const t1 = `"Timestamp":"2026-11-20T10:00:00Z"`
	const at1 = `"@t":"2026-11-20T10:00:00Z"`
	for _, c := range []struct {
		name, body string
		o          PayloadOptions
		want       string
	}{
		{"none", `{"Events":[]}`, PayloadOptions{}, ""},
		{"lower case", "\xef\xbb\xbf" + ` { "events" : [ ] } `, PayloadOptions{}, ""},
		{"everything in its order", `{"Events":[{` + t1 + `,"Level":"warn","MessageTemplate":"Hi {n:000}","RenderedMessage":"Hi 003","Exception":"e","EventType":"$AB12",` +
			`"TraceId":"t","SpanId":"s","ParentId":"p","Properties":{"n":3, "@x":1,"":2,"n":1e400},"Renderings":{"n":[{"Format":"000","Rendering":"003"}]}}]}`, PayloadOptions{},
			`{` + at1 + `,"@l":"warn","@mt":"Hi {n:000}","@m":"Hi 003","@x":"e","@i":"$AB12","@tr":"t","@sp":"s","@ps":"p","n":3,"@@x":1,"":2,"n":1e400,"@r":["003"]}` + "\n"},
		{"null is absent", `{"Events":[{` + t1 + `,"Level":null,"Exception":null,"TraceId":null,"Properties":null,"Renderings":null}]}`, PayloadOptions{}, "{" + at1 + "}\n"},
		{"null of the user stays", `{"Events":[{` + t1 + `,"Properties":{"a":null}}]}`, PayloadOptions{}, "{" + at1 + `,"a":null}` + "\n"},
		{"unknown members are kept", `{"Events":[{` + t1 + `,"Foo":1,"@bar":2}],"Other":{"a":[1]}}`, PayloadOptions{}, "{" + at1 + `,"Foo":1,"@@bar":2}` + "\n"},
		{"renderings that do not fit are kept", `{"Events":[{` + t1 + `,"MessageTemplate":"{a:0}{b:0}","Renderings":{"a":[{"Format":"0","Rendering":"1"}]}}]}`, PayloadOptions{},
			"{" + at1 + `,"@mt":"{a:0}{b:0}","Renderings":{"a":[{"Format":"0","Rendering":"1"}]}}` + "\n"},
		{"escaped names", `{"\u0045vents":[{"\u0054imestamp":"2026-11-20T10:00:00Z","Properties":{"\u0040y":"\ud800","\u0041":1}}]}`, PayloadOptions{},
			"{" + at1 + `,"@@y":"\ud800","A":1}` + "\n"},
		{"deep", `{"Events":[{` + t1 + `,"Properties":{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}}]}`, PayloadOptions{},
			"{" + at1 + `,"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + "}\n"},

		{"empty body", ``, PayloadOptions{}, "error Invalid: Invalid raw event JSON, body must contain an 'Events' array.\n"},
		{"no events", `{"a":1}`, PayloadOptions{}, "error Invalid: Invalid raw event JSON, body must contain an 'Events' array. " +
			"(newline-delimited CLEF goes to /ingest/clef, or here with ?clef or the content type application/vnd.serilog.clef)\n"},
		{"CLEF by mistake", "{" + at1 + "}\n{" + at1 + "}", PayloadOptions{}, "error Invalid: Invalid raw event JSON: more than one object in the body. " +
			"(newline-delimited CLEF goes to /ingest/clef, or here with ?clef or the content type application/vnd.serilog.clef)\n"},
		{"no array", `{"Events":{}}`, PayloadOptions{}, "error Invalid: Invalid raw event JSON, the 'Events' property must be an array.\n"},
		{"array alone", `[]`, PayloadOptions{}, "error Invalid: Invalid raw event JSON, body must contain an 'Events' array.\n"},
		{"broken before", `{"Events"`, PayloadOptions{}, "error Invalid: Invalid raw event JSON, before the first event at byte 9: expected a colon\n"},
		{"broken within", `{"Events":[{` + t1 + `},{"a":}]}`, PayloadOptions{Partial: true},
			"error Invalid: Invalid raw event JSON, event 2 could not be parsed: parse JSON: byte 53: expected a JSON value, found '}'\n"},
		{"broken after", `{"Events":[{` + t1 + `}`, PayloadOptions{}, "error Invalid: Invalid raw event JSON, after event 1 at byte 47: expected a comma or the end of the array\n"},
		{"too deep", `{"Events":[{` + t1 + `,"Properties":` + strings.Repeat(`{"a":`, 10_000), PayloadOptions{},
			"error Invalid: Invalid raw event JSON, event 1 could not be parsed: parse JSON: byte 380: objects and arrays may nest 64 levels deep, no deeper\n"},

		{"no timestamp", `{"Events":[{}]}`, PayloadOptions{}, "refused 1: the event has no Timestamp\nrest " + `{"Events":[{}]}` + "\n"},
		{"null timestamp", `{"Events":[{"Timestamp":null}]}`, PayloadOptions{}, "refused 1: the event has no Timestamp\nrest " + `{"Events":[{"Timestamp":null}]}` + "\n"},
		{"no object", `{"Events":[7]}`, PayloadOptions{}, "refused 1: the event is a number; it must be an object\nrest " + `{"Events":[7]}` + "\n"},
		{"level", `{"Events":[{` + t1 + `,"Level":30}]}`, PayloadOptions{}, "refused 1: the event's Level is a number; it must be a string\nrest " + `{"Events":[{` + t1 + `,"Level":30}]}` + "\n"},
		{"properties", `{"Events":[{` + t1 + `,"Properties":[]}]}`, PayloadOptions{}, "refused 1: the event's Properties are an array; they must be an object\nrest " + `{"Events":[{` + t1 + `,"Properties":[]}]}` + "\n"},
		{"partial", `{"Events":[{}, {` + t1 + `} ,3]}`, PayloadOptions{Partial: true},
			"{" + at1 + "}\nrefused 1: the event has no Timestamp\nrefused 3: the event is a number; it must be an object\nrest " + `{"Events":[{},3]}` + "\n"},
		{"too long", `{"Events":[{` + t1 + `,"Properties":{"a":1}}]}`, PayloadOptions{EventBytes: 50},
			"refused 1: the event is 57 bytes long; at most 50 are allowed\nrest " + `{"Events":[{` + t1 + `,"Properties":{"a":1}}]}` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.o.EventBytes == 0 {
				c.o.EventBytes = 1000
			}
			var got collector
			p, err := Legacy(&got, []byte(c.body), c.o)
			if d := cmp.Diff(c.want, outcome(&got, p, err)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLegacyTimestampIsNamed(t *testing.T) {
	p, err := Legacy(&collector{}, []byte(`{"Events":[{"Timestamp":"yesterday"}]}`), PayloadOptions{EventBytes: 1000})
	if err != nil || p.Count != 1 {
		t.Fatal(p, err)
	}
	if got := p.Refused[0].Err; !errors.Is(got, fault.Invalid) || !strings.HasPrefix(got.Error(), "the event's Timestamp cannot be read as ISO 8601: ") {
		t.Errorf("got %v", got)
	}
}

// A payload of nothing but refusals must not cost many times its size.
func TestRefusalsAreBounded(t *testing.T) {
	body := []byte(strings.Repeat("x\n", 100_000))
	p, err := CLEF(&collector{}, body, PayloadOptions{EventBytes: 1000, Partial: true})
	if err != nil || p.Count != 100_000 || len(p.Refused) != MaxRefusals || string(p.Rest) != string(body) {
		t.Errorf("count %d, described %d, rest %d, %v", p.Count, len(p.Refused), len(p.Rest), err)
	}
}

// What is not the payload's fault is not laid to it.
func TestStoreErrorsAreNotRefusals(t *testing.T) {
	broken := adderFunc(func([]byte) error { return fault.New(fault.Closed, "", "closed") })
	for _, partial := range []bool{false, true} {
		o := PayloadOptions{EventBytes: 1000, Partial: partial}
		p, err := CLEF(broken, []byte("{}"), o)
		if p.Count != 0 || !errors.Is(err, fault.Closed) {
			t.Error(p, err)
		}
		p, err = Legacy(broken, []byte(`{"Events":[{"Timestamp":"2026-11-20T10:00:00Z"}]}`), o)
		if p.Count != 0 || !errors.Is(err, fault.Closed) {
			t.Error(p, err)
		}
	}
}

type adderFunc func([]byte) error

func (f adderFunc) AddCLEF(line []byte) error { return f(line) }

// The recorded requests of real clients.
func TestRecordedLegacyPayloads(t *testing.T) {
	for name, want := range map[string]string{
		"seq-logging-3.2.0": `{"@t":"2026-11-20T10:23:02.725Z","@l":"Information","@mt":"Hello {name}, {n:000}","name":"Ada","n":3,"o":{"a":[1,null,"é"]}}
{"@t":"2026-11-20T10:23:02.726Z","@l":"Error","@mt":"Boom {x}","@x":"Error: boom\n    at f","x":1}
`,
		"winston-seq-3.0.1": `{"@t":"2026-11-20T10:23:02.783Z","@l":"info","@mt":"Hello {who}","who":"Ada"}
{"@t":"2026-11-20T10:23:02.785Z","@l":"warn","@mt":"w","a":{"b":1}}
`,
	} {
		body, err := os.ReadFile(filepath.Join("../../../shared/data/wire", name+".body"))
		if err != nil {
			t.Skip("skipped: the requests recorded of real clients are not in ../shared/data/wire:", err)
		}
		var got collector
		p, err := Legacy(&got, body, PayloadOptions{EventBytes: 256 << 10})
		if d := cmp.Diff(want, outcome(&got, p, err)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func fuzzPayload(f *testing.F, add func(Adder, []byte, PayloadOptions) (Payload, error)) {
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(body []byte) {
			var whole, some collector
			p, err := add(&whole, body, PayloadOptions{EventBytes: 512, JSON: len(body)%2 == 1})
			if err == nil && p.Count == 0 && p.Events != len(whole.Lines) || p.Count > 1 {
				t.Fatalf("whole: %d events, %d lines, %d refused", p.Events, len(whole.Lines), p.Count)
			}
			q, qerr := add(&some, body, PayloadOptions{EventBytes: 512, Partial: true, JSON: len(body)%2 == 1})
			if qerr == nil && q.Events != len(some.Lines) {
				t.Fatalf("partial: %d events, %d lines", q.Events, len(some.Lines))
			}
			if err == nil && p.Count == 0 && (qerr != nil || !cmp.Equal(whole.Lines, some.Lines)) {
				t.Fatalf("partial differs from whole: %v\n%q\n%q", qerr, whole.Lines, some.Lines)
			}
			if len(q.Rest) > len(body)+64 {
				t.Fatalf("%d bytes refused of %d", len(q.Rest), len(body))
			}
			if qerr == nil && q.Count > 0 && q.Rest[0] < 0x80 { // what was refused is refused again, all of it (but a byte order mark is dropped)
				var again collector
				r, err := add(&again, q.Rest, PayloadOptions{EventBytes: 512, Partial: true})
				if err != nil || r.Count != q.Count || r.Events != 0 {
					t.Fatalf("refused %d, sent again %d refused, %d taken, %v: %q", q.Count, r.Count, r.Events, err, q.Rest)
				}
			}
		})
	})
}

func FuzzCLEFBody(f *testing.F) {
	for _, s := range []string{"", "{}", "\xef\xbb\xbf{\"@t\":\"2026-11-20\"}\r\n\n{\"@t\":1}", "{\"@t\":\"2026-11-20\",\n\"a\":[1,{\"b\":\"\\ud800\"}]}"} {
		f.Add([]byte(s))
	}
	fuzzPayload(f, CLEF)
}

func FuzzLegacyBody(f *testing.F) {
	for _, s := range []string{"", "{}", `{"Events":[]}`, `{"events":[{"Timestamp":"2026-11-20T10:00:00Z","Level":null,"Properties":{"@a":1,"b":[{}]}},3,{}]}`,
		`{"Events":[{"Timestamp":"2026-11-20","MessageTemplate":"{a:0}","Renderings":{"a":[{"Format":"0","Rendering":"1"}]}}],"x":[[]]}`} {
		f.Add([]byte(s))
	}
	fuzzPayload(f, Legacy)
}
