package ingest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestR9JSONLines(t *testing.T) {
	for _, c := range []struct{ name, line, added, rest string }{
		{"zap", `{"ts":1669575482.0968924,"level":"info","msg":"up"}`, `"@t":"2022-11-27T18:58:02.0968924Z","@l":"Information","@m":"up"`, ""},
		{"bunyan", `{"name":"a","level":50,"msg":"m","time":"2012-02-08T22:56:50.856Z","v":0}`, `"@t":"2012-02-08T22:56:50.8560000Z","@l":"Error","@m":"m"`, ""},
		{"pino", `{"level":30,"time":1531171074631,"msg":"hello"}`, `"@t":"2018-07-09T21:17:54.6310000Z","@l":"Information","@m":"hello"`, ""},
		{"digit string", `{"time":"1669575482","x":1}`, `"@t":"2022-11-27T18:58:02.0000000Z"`, ""},
		{"cnpg", `{"level":"info","ts":1669575482.5,"msg":"record","record":{"log_time":"2022-11-27 18:58:02.096 UTC","error_severity":"LOG","message":"in"}}`,
			`"@t":"2022-11-27T18:58:02.5000000Z","@l":"Information","@m":"in"`, ""},
		{"nested time", `{"record":{"log_time":"2022-11-27 18:58:02.096 UTC"}}`, `"@t":"2022-11-27T18:58:02.0960000Z"`, ""},
		{"kubernetes audit", `{"level":"Request","timestamp":"2018-10-26T13:42:46Z","requestReceivedTimestamp":"2018-10-26T13:42:46.764713Z"}`, `"@t":"2018-10-26T13:42:46.7647130Z"`, ""},
		{"cloudtrail", `{"eventTime":"2023-07-10T11:42:36Z","eventName":"PutObject"}`, `"@t":"2023-07-10T11:42:36.0000000Z","@m":"PutObject"`, ""},
		{"windows", `{"Level":"2","Channel":"System","EventTime":"2021-03-13 17:39:33","TimeCreated":"2021-03-14T01:39:32.609Z","@timestamp":"2021-03-14T01:39:33.609Z","Message":"a\r\nb"}`,
			`"@t":"2021-03-14T01:39:32.6090000Z","@l":"Error","@m":"a\r\nb"`, ""},
		{"elastic", `{"@timestamp":"2018-02-27T22:26:39Z","log.level":"warn","message":"m"}`, `"@t":"2018-02-27T22:26:39.0000000Z","@l":"Warning","@m":"m"`, ""},
		{"elastic nested", `{"@timestamp":"2018-02-27T22:26:39Z","log":{"level":"warn"},"message":"m"}`, `"@t":"2018-02-27T22:26:39.0000000Z","@l":"Warning","@m":"m"`, ""},
		{"zeek", `{"_write_ts":"2018-03-24T17:15:20.866586Z","ts":"2018-03-24T17:15:20.865716Z","uid":"C"}`, `"@t":"2018-03-24T17:15:20.8657160Z"`, ""},
		{"mongod", `{"t":{"$date":"2020-05-01T15:16:17.180+00:00"},"s":"W","msg":"m"}`, `"@t":"2020-05-01T15:16:17.1800000Z","@l":"Warning","@m":"m"`, ""},
		{"journald", `{"__REALTIME_TIMESTAMP":"1698386133268880","PRIORITY":"3","MESSAGE":"m"}`, `"@t":"2023-10-27T05:55:33.2688800Z","@l":"Error","@m":"m"`, ""},
		{"gelf", `{"version":"1.1","short_message":"m","timestamp":1385053862.3072,"level":1}`, `"@t":"2013-11-21T17:11:02.3072000Z","@l":"Fatal","@m":"m"`, ""},
		{"docker", `{"log":"line\n","stream":"stdout","time":"2026-11-20T10:00:00.123456789Z"}`, `"@t":"2026-11-20T10:00:00.123456789Z","@m":"line"`, ""},
		{"serilog json", `{"Timestamp":"2016-06-07T13:44:57.8532799+10:00","Level":"Warning","MessageTemplate":"Hi {Name}","Properties":{"Name":"x"}}`,
			`"@t":"2016-06-07T03:44:57.8532799Z","@l":"Warning","@m":"Hi x"`, ""},
		{"numbers and duplicates are kept", `{"ts":1669575482,"n":1.0e5000,"n":-0.00,"s":"\u0061\ud800\u0000"}`, `"@t":"2022-11-27T18:58:02.0000000Z"`, `"ts":1669575482,"n":1.0e5000,"n":-0.00,"s":"a\ud800\u0000"`},
		{"no time", `{"level":"info","time":0.25}`, `"@t":"2026-11-20T12:00:00.0000000Z","@l":"Information"`, ""},
		{"levels that are none", `{"ts":1669575482,"level":{"a":1},"severity":"High","s":"c"}`, `"@t":"2022-11-27T18:58:02.0000000Z"`, ""},
		{"empty", `{}`, `"@t":"2026-11-20T12:00:00.0000000Z"`, ""},
		{"CLEF names with CLEF values keep their meaning", `{"ts":1669575482,"@l":"warn","@m":"x","level":"info"}`, `"@t":"2022-11-27T18:58:02.0000000Z"`, ""},
		{"CLEF names with other values are escaped", `{"ts":1669575482,"@m":5,"@t":"noon","@x":null,"@timestamp":1,"@@l":2}`,
			`"@t":"2022-11-27T18:58:02.0000000Z"`, `"ts":1669575482,"@@m":5,"@@t":"noon","@@x":null,"@timestamp":1,"@@l":2`},
		{"CLEF names twice, with other values too", `{"ts":1669575482,"@l":"warn","@l":5,"@m":"x","level":"error"}`,
			`"@t":"2022-11-27T18:58:02.0000000Z","@l":"Error"`, `"ts":1669575482,"@@l":"warn","@@l":5,"@m":"x","level":"error"`},
		{"white space", ` { "ts" : 1669575482 , "a" : [ 1 , 2 ] } `, `"@t":"2022-11-27T18:58:02.0000000Z"`, `"ts":1669575482,"a":[1,2]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, refused, _ := readAll(t, c.line+"\n", FileOptions{Format: JSONFormat})
			rest := c.rest
			if rest == "" {
				rest = c.line[1 : len(c.line)-1]
			}
			want := "{" + c.added + "," + rest + "}"
			if rest == "" {
				want = "{" + c.added + "}"
			}
			if d := cmp.Diff([]string{want}, got); d != "" || refused != nil {
				t.Errorf("%s\nrefused %v", d, refused)
			}
		})
	}
}

func TestNamedFields(t *testing.T) {
	o := FileOptions{TimeField: "when.start", LevelField: "state", MessageField: "what"}
	got, refused, _ := readAll(t, `{"when":{"start":12.5},"ts":1669575482,"state":"odd","msg":"no","what":"yes"}`, o)
	want := []string{`{"@t":"1970-01-01T00:00:12.5000000Z","@l":"odd","@m":"yes","when":{"start":12.5},"ts":1669575482,"state":"odd","msg":"no","what":"yes"}`}
	if d := cmp.Diff(want, got); d != "" || refused != nil {
		t.Errorf("%s\nrefused %v", d, refused)
	}
}

// TestOneFieldForOneFile: a file is read from the field that most of its lines have, and
// lines without a time get that of the one before.
func TestOneFieldForOneFile(t *testing.T) {
	text := `{"created":"2020-01-01T00:00:00Z"}
{"created":"2020-01-02T00:00:00Z","time":"2001-01-01T00:00:00Z"}
{"created":"2020-01-03T00:00:00Z"}
{"time":"2020-01-04T00:00:00Z"}
{"other":1}
`
	got, refused, r := readAll(t, text, FileOptions{})
	var times []string
	for _, e := range got {
		times = append(times, e[7:17])
	}
	if d := cmp.Diff([]string{"2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04", "2020-01-04"}, times); d != "" || refused != nil || r.Report().Undated != 1 {
		t.Errorf("%s\nrefused %v, %d undated; want 1", d, refused, r.Report().Undated)
	}
}

func TestBadJSONLinesAreRefusedWithTheirPlace(t *testing.T) {
	text := "\ufeff{\"ts\":1669575482}\r\n\r\n# comment\r\n{\"ts\":1669575483,\r\n{cut}\r\n{\"ts\":\"\xff}\r\n" + strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70) + "\n{\"ts\":1669575484} x\n{\"ts\":1669575485}"
	got, refused, r := readAll(t, text, FileOptions{Format: JSONFormat})
	want := []string{`{"@t":"2022-11-27T18:58:02.0000000Z","ts":1669575482}`, `{"@t":"2022-11-27T18:58:02.0000000Z","@m":"{cut}"}`, `{"@t":"2022-11-27T18:58:05.0000000Z","ts":1669575485}`}
	if d := cmp.Diff(want, got); d != "" || r.Err() != nil {
		t.Errorf("%s\n%v", d, r.Err())
	}
	wantRefused := []string{
		"4 35: parse JSON: byte 17: expected a member's name in double quotes, found the end of the text",
		"6 61: parse JSON: byte 7: expected UTF-8, found the byte 0xFF that does not belong there",
		"7 72: parse JSON: byte 320: objects and arrays may nest 64 levels deep, no deeper",
		"8 494: parse JSON: byte 18: expected the end of the line after the object, found 'x'",
	}
	if d := cmp.Diff(wantRefused, refused); d != "" {
		t.Error(d)
	}
}

// Bytes that are not UTF-8 are replaced in JSON as in text, and the events that had some are counted; escapes of lone
// surrogates, NULs and whatever else is valid stay as they are (R6).
func TestBytesOfOtherEncodingsAreReplaced(t *testing.T) {
	const stamp = `"ts":1669575482,`
	at := func(members string) string { return `{"@t":"2022-11-27T18:58:02.0000000Z",` + members + `}` }
	for name, c := range map[string]struct {
		text     string
		want     []string
		replaced int64
	}{
		"a line":     {"{" + stamp + "\"a\":\"caf\xe9\"}\n{" + stamp + `"a":"\ud800\u0000é�"}`, []string{at(stamp + `"a":"caf�"`), at(stamp + `"a":"\ud800\u0000é�"`)}, 1},
		"a name":     {"{" + stamp + "\"\xff\":1}\n", []string{at(stamp + `"�":1`)}, 1},
		"two a line": {"{" + stamp + "\"a\":\"\xc3\"}{" + stamp + "\"a\":\"\xe2\x82\"}\n", []string{at(stamp + `"a":"�"`), at(stamp + `"a":"��"`)}, 2},
		"after text": {"web | {" + stamp + "\"a\":\"\xff\"}\nweb | {" + stamp + "\"a\":1}\n", []string{at(`"app":"web",` + stamp + `"a":"�"`), at(`"app":"web",` + stamp + `"a":1`)}, 1},
		"exported":   {"{\"_index\":\"i\xff\",\"_source\":{" + stamp + "\"a\":\"b\"}}\n", []string{at(`"_index":"i�",` + stamp + `"a":"b"`)}, 1},
		"an array":   {"[{" + stamp + "\"a\":\"\xff\"},\n{" + stamp + "\"a\":1}]", []string{at(stamp + `"a":"�"`), at(stamp + `"a":1`)}, 1},
		"bulk": {"{\"index\":{\"_id\":\"\xff\"}}\n{" + stamp + "\"a\":1}\n{\"update\":{}}\n{\"doc\":{" + stamp + "\"a\":\"\xff\"}}\n{\"index\":{}}\n{" + stamp + "\"a\":\"\xff\"}\n",
			[]string{at(`"_id":"�",` + stamp + `"a":1`), at(stamp + `"a":"�"`), at(stamp + `"a":"�"`)}, 3},
		"CLEF": {at("\"a\":\"\xff\"") + "\n" + at(`"a":1`), []string{at(`"a":"�"`), at(`"a":1`)}, 1},
	} {
		got, refused, r := readAll(t, c.text, FileOptions{Patient: true})
		if d := cmp.Diff(c.want, got); d != "" || refused != nil || r.Report().Replaced != c.replaced {
			t.Errorf("%s: %s\nrefused %v, %+v", name, d, refused, r.Report())
		}
	}
}
