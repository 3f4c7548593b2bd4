package loki

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/s2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
	"github.com/stelehq/stele/internal/testkit"
)

type collector = testkit.Collector

var options = ingest.PayloadOptions{EventBytes: 1000, Partial: true}

func anySize(int) error { return nil }

// outcome is what became of a body, as the tests compare it.
func outcome(body []byte, o ingest.PayloadOptions) string {
	var got collector
	p, err := Push(&got, body, o, anySize)
	if err != nil {
		return "error " + fault.KindOf(err).String() + ": " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, l := range got.Lines {
		b.WriteString(l + "\n")
	}
	for _, r := range p.Refused {
		fmt.Fprintf(&b, "refused %d: %v\n", r.Line, r.Err)
	}
	if len(p.Rest) > 0 {
		b.WriteString("rest " + string(p.Rest) + "\n")
	}
	if p.Events != len(got.Lines) {
		b.WriteString("WRONG COUNT\n")
	}
	return b.String()
}

const (
	ns = "1795168800000000001" // 2026-11-20T10:00:00.000000001Z
	at = `{"@t":"2026-11-20T10:00:00.000000001Z"`
)

func TestJSONPush(t *testing.T) {
	stream := func(labels string, values ...string) string {
		return `{"streams":[{"stream":` + labels + `,"values":[` + strings.Join(values, ",") + `]}]}`
	}
	for _, c := range []struct{ name, body, want string }{
		{"none", `{"streams":[]}`, ""},
		{"no values", ` { "streams" : [ { "stream" : { } , "values" : [ ] } , {} ] , "x" : [1] } `, ""},
		{"text", stream(`{"app":"shop"}`, `["`+ns+`","GET / 200 "]`), at + `,"@m":"GET / 200 ","app":"shop"}` + "\n"},
		{"level of the labels", stream(`{"app":"a b","level":"warn"}`, `["`+ns+`","x"]`), at + `,"@l":"warn","@m":"x","app":"a b","level":"warn"}` + "\n"},
		{"the most telling level", stream(`{"detected_level":"error","severity":"INFO"}`, `["`+ns+`","x",{"level":"fatal"}]`, `["`+ns+`","y"]`),
			at + `,"@l":"fatal","@m":"x","level":"fatal","detected_level":"error","severity":"INFO"}` + "\n" +
				at + `,"@l":"INFO","@m":"y","detected_level":"error","severity":"INFO"}` + "\n"},
		{"what is no level", stream(`{"detected_level":"unknown","level":""}`, `["`+ns+`","x"]`), at + `,"@m":"x","detected_level":"unknown","level":""}` + "\n"},
		{"a number for a level", stream(`{"level":"40"}`, `["`+ns+`","x"]`), at + `,"@l":"Warning","@m":"x","level":"40"}` + "\n"},
		{"structured metadata", stream(`{"app":"a"}`, `["`+ns+`","x",{"trace_id":"0123456789abcdef0123456789abcdef","spanID":"0123456789abcdef","n":1,"@x":{"a":[1, 2]}}]`),
			at + `,"@m":"x","@tr":"0123456789abcdef0123456789abcdef","@sp":"0123456789abcdef","trace_id":"0123456789abcdef0123456789abcdef","spanID":"0123456789abcdef","n":1,"@@x":{"a":[1,2]},"app":"a"}` + "\n"},
		{"what only looks like an id", stream(`{"traceId":"7","span_id":"xx23456789abcdef"}`, `["`+ns+`","x"]`), at + `,"@m":"x","traceId":"7","span_id":"xx23456789abcdef"}` + "\n"},
		{"metadata that labels say too", stream(`{"level":"info","app":"x"}`, `["`+ns+`","x",{"k":"1","level":"info","app":"y"}]`),
			at + `,"@l":"info","@m":"x","k":"1","app":"y","level":"info","app":"x"}` + "\n"},
		{"a line of JSON", stream(`{"level":"debug","app":"shop"}`, `["`+ns+`","{\"level\":10,\"time\":1,\"msg\":\"hi\",\"@t\":\"2020-01-01T00:00:00Z\",\"app\":{}}"]`),
			at + `,"@l":"Verbose","@m":"hi","level":10,"time":1,"msg":"hi","@@t":"2020-01-01T00:00:00Z","app":{},"level":"debug","app":"shop"}` + "\n"},
		{"a line of JSON without a level", stream(`{"level":"debug"}`, `["`+ns+`"," {\"a\":1} "]`), at + `,"@l":"debug","a":1,"level":"debug"}` + "\n"},
		{"a line of JSON with its own trace", stream(`{"trace_id":"0123456789abcdef0123456789abcdef"}`, `["`+ns+`","{\"trace_id\":\"ffffffffffffffffffffffffffffffff\"}"]`),
			at + `,"@tr":"ffffffffffffffffffffffffffffffff","trace_id":"ffffffffffffffffffffffffffffffff","trace_id":"0123456789abcdef0123456789abcdef"}` + "\n"},
		{"a line that only begins like JSON", stream(`{}`, `["`+ns+`","{hello}"]`, `["`+ns+`","{\"a\":1} x"]`), at + `,"@m":"{hello}"}` + "\n" + at + `,"@m":"{\"a\":1} x"}` + "\n"},
		{"a line of logfmt", stream(`{"level":"x","app":"shop"}`, `["`+ns+`","ts=2020-01-01T00:00:00Z level=warn msg=\"up and\" n=1"]`),
			at + `,"@l":"warn","@m":"up and","ts":"2020-01-01T00:00:00Z","level":"warn","msg":"up and","n":1,"level":"x","app":"shop"}` + "\n"},
		{"an empty line", stream(`{}`, `["`+ns+`",""]`), at + `,"@m":""}` + "\n"},
		{"times", stream(`{}`, `["0","a"]`, `["-1","b"]`, `[1795168800000000001,"c"]`, `["179516880000000000.5","d"]`, `["2026-11-20T11:00:00+01:00","e"]`),
			`{"@t":"1970-01-01T00:00:00.0000000Z","@m":"a"}` + "\n" + `{"@t":"1969-12-31T23:59:59.999999999Z","@m":"b"}` + "\n" + at + `,"@m":"c"}` + "\n" +
				`{"@t":"1975-09-09T17:48:00.0000000Z","@m":"d"}` + "\n" + `{"@t":"2026-11-20T10:00:00.0000000Z","@m":"e"}` + "\n"},
		{"values before labels", `{"streams":[{"values":[["` + ns + `","x"]],"hash":1,"stream":{"a":"b"}}]}`, at + `,"@m":"x","a":"b"}` + "\n"},
		{"no labels", `{"streams":[{"values":[["` + ns + `","x"]]}]}`, at + `,"@m":"x"}` + "\n"},
		{"the older form", `{"streams":[{"labels":"{app=\"shop\"}","entries":[{"ts":"2026-11-20T10:00:00Z","line":"x","structuredMetadata":{"k":"v"},"other":1},{"timestamp":"2026-11-20T10:00:01Z","line":"y"}]}]}`,
			`{"@t":"2026-11-20T10:00:00.0000000Z","@m":"x","k":"v","app":"shop"}` + "\n" + `{"@t":"2026-11-20T10:00:01.0000000Z","@m":"y","app":"shop"}` + "\n"},
		{"a name for a lone surrogate", stream(`{"\ud800":"\u0000"}`, `["`+ns+`","\udc00"]`), at + `,"@m":"\udc00","\ud800":"\u0000"}` + "\n"},

		{"bad entries",
			`{"streams":[{"stream":{"a":"b"},"values":[["x","1"],["` + ns + `","2"],["` + ns + `",3],"4"]},{"stream":{"c":"d"},"values":[["` + ns + `","5"]]},` +
				`{"labels":"{e","entries":[{"ts":"` + ns + `","line":"6"}]},{"stream":{"f":"g"},"values":[["` + ns + `"],["` + ns + `","8",[]],["` + ns + `","9",{},1],[],{"line":"11"}]},{"stream":7,"values":[["` + ns + `","12", {"m":"n"}]]}]}`,
			at + `,"@m":"2","a":"b"}` + "\n" + at + `,"@m":"5","c":"d"}` + "\n" +
				`refused 1: the entry's time, "x", is not nanoseconds since 1970` + "\n" +
				`refused 3: the entry's line is not a string` + "\n" +
				`refused 4: the entry is neither an array nor an object` + "\n" +
				`refused 6: the stream's labels cannot be read: expected = after a label's name at byte 2 of 2` + "\n" +
				`refused 7: the entry's line is not a string` + "\n" +
				`refused 8: the entry's structured metadata is no object` + "\n" +
				`refused 9: the entry has more than time, line and metadata` + "\n" +
				`refused 10: the entry has no time` + "\n" +
				`refused 11: the entry has no time` + "\n" +
				`refused 12: the stream's labels are neither an object nor a string` + "\n" +
				`rest {"streams":[{"stream":{"a":"b"},"values":[["x","1"],["` + ns + `",3],"4"]},{"labels":"{e","values":[{"ts":"` + ns + `","line":"6"}]},` +
				`{"stream":{"f":"g"},"values":[["` + ns + `"],["` + ns + `","8",[]],["` + ns + `","9",{},1],[],{"line":"11"}]},{"stream":7,"values":[["` + ns + `","12",{"m":"n"}]]}]}` + "\n"},
		{"too long", stream(`{"a":"b"}`, `["`+ns+`","`+strings.Repeat("a", 1000)+`"]`),
			"refused 1: the entry is 1007 bytes long with its labels; at most 1000 are allowed\nrest " + stream(`{"a":"b"}`, `["`+ns+`","`+strings.Repeat("a", 1000)+`"]`) + "\n"},
		{"too deep", stream(`{}`, `["`+ns+`","x",{"a":`+strings.Repeat("[", 63)+strings.Repeat("]", 63)+`}]`), at + `,"@m":"x","a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + "}\n"},

		{"no metadata", stream(`{}`, `["`+ns+`","x",null]`, `["`+ns+`","y",{}]`), at + `,"@m":"x"}` + "\n" + at + `,"@m":"y"}` + "\n"},
		{"a level that is no number of pino's", stream(`{"level":"7"}`, `["`+ns+`","x"]`), at + `,"@m":"x","level":"7"}` + "\n"},
		{"a time that is too long for words", stream(`{}`, `["`+strings.Repeat("9", 80)+`","x"]`),
			`refused 1: the entry's time, "` + strings.Repeat("9", 59) + `…, is not nanoseconds since 1970` + "\nrest " + stream(`{}`, `["`+strings.Repeat("9", 80)+`","x"]`) + "\n"},

		{"labels cut off", `{"streams":[{"stream":{"a"`, "error Invalid: the body is no push request: parse JSON: byte 26: expected a colon after the member's name, found the end of the text\n"},
		{"a name that is none", `{"streams":[{stream`, "error Invalid: the body is no push request: parse JSON: byte 13: expected a string, which begins with \", found 's'\n"},
		{"a stream without a colon", `{"streams":[{"stream"{}}`, "error Invalid: the body is no push request: parse JSON: byte 21: expected a colon after the member's name, found '{'\n"},
		{"a stream not separated", `{"streams":[{"stream":{} "values":[]}]}`, "error Invalid: the body is no push request: parse JSON: byte 25: expected a comma or } of the object, found '\"'\n"},
		{"streams not separated", `{"streams":[{}{}]}`, "error Invalid: the body is no push request: parse JSON: byte 14: expected a comma or ] of the array, found '{'\n"},
		{"an empty body", ``, "error Invalid: the body is no push request: parse JSON: byte 0: expected an object, found the end of the text\n"},
		{"no streams", `{"a":1}`, "error Invalid: the body is no push request: there is no member called streams\n"},
		{"streams of another kind", `{"streams":{}}`, "error Invalid: the body is no push request: parse JSON: byte 11: expected an array, found '{'\n"},
		{"a stream of another kind", `{"streams":[1]}`, "error Invalid: the body is no push request: parse JSON: byte 12: expected an object, found '1'\n"},
		{"cut off", stream(`{}`, `["`+ns+`","x"]`)[:40], "error Invalid: the body is no push request: parse JSON: byte 40: the text ends inside the string that begins at byte 36; expected \"\n"},
		{"more than one", `{"streams":[]}{}`, "error Invalid: the body is no push request: parse JSON: byte 14: expected the end of the body, found '{'\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options
			o.JSON = true
			if d := cmp.Diff(c.want, outcome([]byte(c.body), o)); d != "" {
				t.Error(d)
			}
		})
	}
}

// Messages of push.proto, written field by field.
func message(field protowire.Number, parts ...[]byte) []byte {
	var inner []byte
	for _, p := range parts {
		inner = append(inner, p...)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), inner)
}

func text(field protowire.Number, s string) []byte { return message(field, []byte(s)) }

func number(field protowire.Number, n int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), uint64(n))
}

func pair(name, value string) []byte { return message(3, text(1, name), text(2, value)) }

var now = message(1, number(1, 1795168800), number(2, 1))

func snappy(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return s2.EncodeSnappy(nil, all)
}

func TestProtobufPush(t *testing.T) {
	fixed := protowire.AppendFixed64(protowire.AppendTag(nil, 9, protowire.Fixed64Type), 1)
	for _, c := range []struct {
		name string
		body []byte
		want string
	}{
		{"none", snappy(), ""},
		{"text", snappy(message(1, text(1, `{app="shop"}`), message(2, now, text(2, "hi")), number(3, 77))), at + `,"@m":"hi","app":"shop"}` + "\n"},
		{"metadata, parsed labels, unknown fields", snappy(fixed, message(1, text(1, `{level="info"}`), fixed, message(2, fixed, now, text(2, "x"), pair("trace_id", "0123456789abcdef0123456789abcdef"), pair("level", "info"), message(4, text(2, "v"), text(1, "k"))))),
			at + `,"@l":"info","@m":"x","@tr":"0123456789abcdef0123456789abcdef","trace_id":"0123456789abcdef0123456789abcdef","k":"v","level":"info"}` + "\n"},
		{"labels last, time last", snappy(message(1, message(2, text(2, "x"), now), text(1, `{a="b"}`))), at + `,"@m":"x","a":"b"}` + "\n"},
		{"no labels, no time, no line", snappy(message(1, text(1, "{}"), message(2))), `{"@t":"1970-01-01T00:00:00.0000000Z","@m":""}` + "\n"},
		{"a line of JSON", snappy(message(1, text(1, `{}`), message(2, now, text(2, `{"level":30,"msg":"hi"}`)))), at + `,"@l":"Information","@m":"hi","level":30,"msg":"hi"}` + "\n"},
		{"bytes that are not UTF-8", snappy(message(1, text(1, "{a=\"\xff\"}"), message(2, now, text(2, "x\xff")))), at + `,"@m":"x�","a":"�"}` + "\n"},
		{"before 1970", snappy(message(1, text(1, `{}`), message(2, message(1, number(1, -1), number(2, 500_000_000)), text(2, "x")))), `{"@t":"1969-12-31T23:59:59.5000000Z","@m":"x"}` + "\n"},

		{"bad ones",
			snappy(message(1, text(1, `{a="b`), message(2, now, text(2, "1"), pair("@k", "v")), message(2, now, text(2, "2"))),
				message(1, text(1, `{a="b",@c="d"}`), message(2, now, text(2, "3")), message(2, message(1, number(1, math.MaxInt64), number(2, 7)), text(2, "4")))),
			at + `,"@m":"3","a":"b","@@c":"d"}` + "\n" +
				`refused 1: the stream's labels cannot be read: expected the closing " at byte 5 of 5` + "\n" +
				`refused 2: the stream's labels cannot be read: expected the closing " at byte 5 of 5` + "\n" +
				`refused 4: the entry's time, 9223372036854775807 seconds since 1970, is out of range` + "\n" +
				`rest {"streams":[{"labels":"{a=\"b","values":[["` + ns + `","1",{"@k":"v"}],["` + ns + `","2",{}]]},` +
				`{"stream":{"a":"b","@c":"d"},"values":[["9223372036854775807000000007","4",{}]]}]}` + "\n"},

		{"no protobuf", snappy([]byte("hello, world")), "error Invalid: the body is no push request: its push request is no protobuf\n"},
		{"a stream that is none", snappy(text(1, "\x0a\x05")), "error Invalid: the body is no push request: its stream is no protobuf\n"},
		{"an entry that is none", snappy(message(1, text(1, "{}"), message(2, now, text(2, "x")), message(2, []byte{0x0a, 9}))), "error Invalid: the body is no push request: its entry is no protobuf\n"},
		{"a time that is none", snappy(message(1, text(1, "{}"), message(2, text(1, "\x08")))), "error Invalid: the body is no push request: its timestamp is no protobuf\n"},
		{"a label that is none", snappy(message(1, text(1, "{}"), message(2, text(3, "\x0a")))), "error Invalid: the body is no push request: its label is no protobuf\n"},
		{"no snappy", []byte("hello"), "error Invalid: the body is no snappy block (JSON needs the content type application/json): s2: corrupt input\n"},
		{"empty", nil, "error Invalid: the body is no snappy block (JSON needs the content type application/json): s2: corrupt input\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, outcome(c.body, options)); d != "" {
				t.Error(d)
			}
		})
	}
}

// A body without a content type is JSON if it is that; no snappy block can look like it.
func TestJSONIsTold(t *testing.T) {
	if got := outcome([]byte(`{"streams":[{"stream":{},"values":[["`+ns+`","x"]]}]}`), options); got != at+`,"@m":"x"}`+"\n" {
		t.Error(got)
	}
	for _, text := range []string{`{"`, `{}`} {
		if _, err := s2.Decode(nil, append([]byte(text), strings.Repeat("a", 200)...)); err == nil {
			t.Errorf("%s begins a block", text)
		}
	}
	long := message(1, text(1, "{}"), message(2, now, text(2, strings.Repeat("a", 119-16)))) // whose length is that of {
	if body := snappy(long); body[0] != '{' || outcome(body, options) != at+`,"@m":"`+strings.Repeat("a", 103)+`"}`+"\n" {
		t.Errorf("%d bytes, %q", len(long), outcome(body, options))
	}
}

// What a block says of its length is asked for before it is allocated.
func TestSnappyBombIsBounded(t *testing.T) {
	claims := map[string][]byte{
		"4 GiB":             {0xff, 0xff, 0xff, 0xff, 0x0f, 0x00},
		"10 MiB of nothing": s2.EncodeSnappy(nil, make([]byte, 10<<20)),
	}
	for name, body := range claims {
		asked := 0
		full := fault.New(fault.TooLarge, "", "too large")
		_, err := Push(new(collector), body, options, func(n int) error { asked = n; return full })
		if err != error(full) || asked < 10<<20 {
			t.Errorf("%s: %d bytes were asked for; %v", name, asked, err)
		}
	}
	if got := outcome([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0x0f}, options); !strings.HasPrefix(got, "error Invalid: the body is no snappy block") {
		t.Error(got)
	}
}

// A long label on many short lines: the store's limit ends it, and no single entry is blamed.
func TestManyEntriesOfALongLabel(t *testing.T) {
	body := []byte(`{"streams":[{"stream":{"a":"` + strings.Repeat("a", 900) + `"},"values":[` + strings.TrimSuffix(strings.Repeat(`["`+ns+`",""],`, 10_000), ",") + `]}]}`)
	got := &collector{Most: 1 << 20}
	_, err := Push(got, body, options, anySize)
	if fault.KindOf(err) != fault.TooLarge || !strings.HasPrefix(err.Error(), "the events are too many for one request (send fewer at once)") || got.Bytes > 2<<20 {
		t.Error(got.Bytes, err)
	}
}

// Metadata that a label says too is left out, and nothing else: not what only a part of a label's text looks like.
func TestMetadataThatLabelsSayToo(t *testing.T) {
	body := `{"streams":[{"stream":{"a":"1","x\"b":"2"},"values":[["` + ns + `","hi",{"a":"1","b":"2","c":"3"}]]}]}`
	if d := cmp.Diff(at+`,"@m":"hi","b":"2","c":"3","a":"1","x\"b":"2"}`+"\n", outcome([]byte(body), options)); d != "" {
		t.Error(d)
	}
}

// Each entry's metadata are looked for among the labels: with many of both that must not take their product of time.
func TestManyLabelsAndMuchMetadata(t *testing.T) {
	const many = 100_000
	o := options
	o.EventBytes = 8 << 20
	labels := "{" + strings.Repeat(`aaaaaa="",`, many) + "}"
	metadata := strings.Repeat(string(message(3, text(1, "aaaaaab"))), many)
	began := time.Now()
	p, err := Push(new(collector), snappy(message(1, text(1, labels), message(2, []byte(metadata)))), o, anySize)
	if err != nil || p.Events != 1 {
		t.Error(p.Count, err)
	}
	t.Log("it took", time.Since(began)) // half a minute, where every one was compared with every other
}

func TestRefusalsAreBoundedAndMayEndIt(t *testing.T) {
	body := func(count int) []byte {
		return []byte(`{"streams":[{"stream":{},"values":[` + strings.TrimSuffix(strings.Repeat(`[],`, count), ",") + `]}]}`)
	}
	p, err := Push(new(collector), body(3*ingest.MaxRefusals), options, anySize)
	if err != nil || p.Count != 3*ingest.MaxRefusals || len(p.Refused) != ingest.MaxRefusals {
		t.Error(p.Count, len(p.Refused), err)
	}
	o := options
	o.Partial = false
	p, err = Push(new(collector), body(3), o, anySize)
	if err != nil || p.Count != 1 || string(p.Rest) != string(body(1)) {
		t.Error(p, err)
	}
	p, err = Push(new(collector), snappy(message(1, text(1, "{"), message(2), message(2)), message(1)), o, anySize)
	if err != nil || p.Count != 1 {
		t.Error(p, err)
	}
	broken := fault.New(fault.IO, "", "broken")
	if _, err := Push(failing{broken}, []byte(`{"streams":[{"values":[["1","x"]]}]}`), options, anySize); err != error(broken) {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) AddCLEF([]byte) error { return f.err }

func TestRecordedPushes(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "wire")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("skipped: the recorded requests (../shared/data/wire) are not here")
	}
	const winston = `,"@l":"info","@m":"to loki %s{\"k\":1,\"level\":\"info\"}"`
	for name, want := range map[string]string{
		"winston-loki-6.1.7-json":     `{"@t":"2026-11-20T10:23:08.3050000Z"` + fmt.Sprintf(winston, "json ") + `,"k":"1","level":"info","app":"x"}` + "\n",
		"winston-loki-6.1.7-protobuf": `{"@t":"2026-11-20T10:23:06.8020000Z"` + fmt.Sprintf(winston, "") + `,"level":"info","app":"x"}` + "\n",
		"pino-loki-3.0.0": `{"@t":"2026-11-20T10:23:10.5070000Z","@l":"Information","@m":"pino loki","level":30,"time":1795170190507,"pid":22103,"k":2,"msg":"pino loki",` +
			`"level":"info","hostname":"vm","app":"y"}` + "\n",
	} {
		body, err := os.ReadFile(filepath.Join(dir, name+".body"))
		if err != nil {
			t.Fatal(err)
		}
		o := options
		o.JSON = !strings.HasSuffix(name, "protobuf")
		if d := cmp.Diff(want, outcome(body, o)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// check holds for every body: what is added are events, and what is refused can be sent again and is refused again.
func check(t *testing.T, body []byte, o ingest.PayloadOptions) {
	var got collector
	p, err := Push(&got, body, o, func(n int) error {
		if n > 1<<14 { // else a few bytes would keep the fuzzer busy for long
			return fault.New(fault.TooLarge, "", "%d bytes", n)
		}
		return nil
	})
	if err != nil {
		if kind := fault.KindOf(err); kind != fault.Invalid && kind != fault.TooLarge {
			t.Fatal(err)
		}
		return
	}
	if p.Events != len(got.Lines) || (p.Count > 0) != (len(p.Rest) > 0) {
		t.Fatalf("%d events, %d lines, %d refused, rest %q", p.Events, len(got.Lines), p.Count, p.Rest)
	}
	if p.Count == 0 {
		return
	}
	o.JSON = true
	q, err := Push(&got, p.Rest, o, anySize)
	if err != nil || q.Count != p.Count || q.Events != 0 || string(q.Rest) != string(p.Rest) {
		t.Fatalf("the rest %q becomes %d events, %d refused and %q, %v", p.Rest, q.Events, q.Count, q.Rest, err)
	}
}

func FuzzJSON(f *testing.F) {
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(body []byte) {
			o := options
			o.JSON = true
			check(t, body, o)
		})
	})
}

func FuzzProtobuf(f *testing.F) {
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(body []byte) {
			check(t, body, options)
			check(t, s2.EncodeSnappy(nil, body), options)
		})
	})
}
