package ingest

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

func TestDetection(t *testing.T) {
	long := `"` + strings.Repeat("x", 2*lineBuffer) + `"`
	for _, c := range []struct{ name, text, want string }{
		{"clef", `{"@t":"2020-01-01T00:00:00Z","@mt":"x"}` + "\n", "CLEF"},
		{"clef with a bad line", "{\"@t\":\"2020-01-01T00:00:00Z\"}\n{\"a\":1}\n", "CLEF"},
		{"clef longer than the sample", `{"@t":"2020-01-01T00:00:00Z","a":` + long + "}\n", "CLEF"},
		{"json longer than the sample", `{"ts":1669575482,"a":` + long + "}\n", "JSON lines"},
		{"json", "{\"a\":1}\n", "JSON lines"},
		{"json with comments", "# x\n{\"a\":1}\n{\"a\":2}\n", "JSON lines"},
		{"json after a word", "INFO {\"a\":1}\n", "text without timestamps"},
		{"json mostly text", "{\"a\":1}\nx\ny\nz\n", "text without timestamps"},
		{"text", "2016-12-19 20:43:21 x\n", "text with timestamps (ISO 8601)"},
		{"brackets", "[2016-12-19 20:43:21] x\n", "text with timestamps (ISO 8601)"},
		{"empty", "", "empty"},
		{"blank", "\n\n", "text without timestamps"},
		{"braces", "{not json}\n", "text without timestamps"},
		{"json that is cut short", "{\"ts\":1,", "JSON lines"},
	} {
		_, _, r := readAll(t, c.text, FileOptions{Patient: true})
		if got := r.Report().Format; got != c.want || r.Err() != nil {
			t.Errorf("%s: %q, %v; want %q", c.name, got, r.Err(), c.want)
		}
	}
	for _, text := range []string{"[\n {\"a\":1}\n]\n", "{\n \"a\":1}\n", "[{\"a\":1},{\"b\":2}]", "{\"a\":\n1}\n", "\xff\xfea\x00", "{ \"a\": {\n\"b\":1}}"} {
		_, _, r := readAll(t, text, FileOptions{Patient: true})
		if !errors.Is(r.Err(), fault.Invalid) || r.Report().Events != 0 {
			t.Errorf("%q is read as %q (%v), want an Invalid error", text, r.Report().Format, r.Err())
		}
	}
}

// What is no text at all is not stored as thousands of lines of rubbish.
func TestBinaryIsRefused(t *testing.T) {
	for _, c := range []struct{ text, why, hint string }{
		{"\x7fELF\x02\x01\x00\nx\n", "binary", "--format text"},
		{"\x28\xb5\x2f\xfd\x04\x58\xff", "zstd", "zstd -dc FILE | stele ingest -"},
		{"\xfd7zXZ\x00\xff", "xz", "xz -dc"},
		{"BZh91AY&SY\xff\xfe", "bzip2", "bzip2 -dc"},
		{"PK\x03\x04\xff", "zip", "unzip -p"},
		{"[{\"a\":1}]", "JSON document", "jq -c '.[]' FILE"},
		{"{\n\"a\":1}", "JSON document", "jq -c . FILE"},
	} {
		events, _, r := readAll(t, c.text, FileOptions{Patient: true})
		var f *fault.Error
		if !errors.As(r.Err(), &f) || f.Kind != fault.Invalid || !strings.Contains(f.Error(), c.why) || !strings.Contains(f.Hint, c.hint) || len(events) > 0 || r.Report().Format != "" {
			t.Errorf("%q: %v (%v), %d events", c.text, r.Err(), f, len(events))
		}
	}
	for name, c := range map[string]struct {
		text   string
		o      FileOptions
		events int
	}{
		"forced":                           {"\x7fELF\x00\nx\n", FileOptions{Patient: true, Format: TextFormat}, 2},
		"a log with NULs after a crash":    {"2016-12-19 20:43:21 x\n\x00\x00\x00\n2016-12-19 20:43:22 y\n", FileOptions{Patient: true}, 2},
		"text that begins like an archive": {"BZh is what bzip2 begins with\n", FileOptions{Patient: true}, 1},
	} {
		if events, _, r := readAll(t, c.text, c.o); len(events) != c.events || r.Err() != nil {
			t.Errorf("%s: %d events, %v", name, len(events), r.Err())
		}
	}
}

// A named field that is nowhere is a slip of the pen; the events would all be dated now.
func TestMisnamedTimeFieldIsRefused(t *testing.T) {
	text := "{\"ts\":1669575482,\"msg\":\"up\"}\n"
	_, _, r := readAll(t, text, FileOptions{Patient: true, TimeField: "tz"})
	var f *fault.Error
	if !errors.As(r.Err(), &f) || f.Kind != fault.Invalid || !strings.Contains(f.Error(), `no line has a time in "tz"`) || f.Hint != "the first has ts, msg" {
		t.Errorf("%v (%+v)", r.Err(), f)
	}
	// A pipe may yet bring it.
	if events, _, r := readAll(t, text, FileOptions{TimeField: "tz"}); len(events) != 1 || r.Err() != nil {
		t.Errorf("a pipe: %q, %v", events, r.Err())
	}
}

// TestSharedFormats reads every log of the shared data.
func TestSharedFormats(t *testing.T) {
	const data = "../../../shared/data"
	if _, err := os.Stat(data); err != nil {
		t.Skip("skipped: the log files are not in ../shared/data")
	}
	for _, c := range []struct {
		file, format     string
		events, refused  int64
		undated, replced int64
		first            string
	}{
		{"clef/umbraco-20181112-part1.clef", "CLEF", 1600, 0, 0, 0, "2018-11-12T08:34:45.8371142Z"},
		{"aws/cloudtrail-stratus-part1.jsonl", "JSON lines (time in eventTime, message in eventName)", 1233, 0, 0, 0, "2023-07-10T11:42:36.0000000Z"},
		{"bunyan/all.log", "JSON lines (time in time, level in level, message in msg)", 14, 4, 1, 0, "2012-02-08T22:56:50.8560000Z"},
		{"kubernetes/audit-part1.jsonl", "JSON lines (time in requestReceivedTimestamp)", 21, 0, 0, 0, "2018-10-25T13:58:49.7305880Z"},
		{"postgres/cnpg.jsonl", "JSON lines (time in ts, level in record.error_severity, message in record.message)", 2022, 0, 0, 0, "2022-11-27T18:58:02.0968924Z"},
		{"elastic-examples/nginxplus_json_logs.jsonl", "JSON lines (time in timestamp)", 500, 0, 0, 0, "2015-10-30T23:58:19.3220000Z"},
		{"elastic-examples/elasticoffee-data.bulk.ndjson", "JSON lines (time in @timestamp)", 2736, 0, 1368, 0, ""},
		{"quickwit/routing-bench.jsonl", "JSON lines (time in timestamp)", 1000, 0, 0, 0, "2023-10-27T05:55:33.2688800Z"},
		{"windows-events/proxylogon_ssrf.jsonl", "JSON lines (time in TimeCreated, message in message)", 1478, 0, 0, 0, "2021-03-14T01:39:32.6090000Z"},
		{"zeek/syslog.jsonl", "JSON lines (time in ts, level in severity, message in message)", 2378, 0, 0, 0, "2018-03-24T17:15:47.7336580Z"},
		{"zeek/smtp.log", "text with timestamps (epoch)", 1189, 0, 1, 0, ""},
		{"loghub/Android_2k.log", "text with timestamps (month-day)", 2000, 0, 0, 0, ""},
		{"loghub/Apache_2k.log", "text with timestamps (ctime)", 2000, 0, 0, 0, "2005-12-04T04:47:44.0000000Z"},
		{"loghub/HDFS_2k.log", "text with timestamps (compact)", 2000, 0, 0, 0, "2008-11-09T20:36:15.0000000Z"},
		{"loghub/Hadoop_2k.log", "text with timestamps (ISO 8601)", 2000, 0, 0, 0, "2015-10-18T18:01:47.9780000Z"},
		{"loghub/Linux_2k.log", "text with timestamps (syslog)", 2000, 0, 0, 0, ""},
		{"loghub/OpenStack_2k.log", "text with timestamps (ISO 8601 after a word)", 2000, 0, 0, 0, "2017-05-16T00:00:00.0080000Z"},
		{"loghub/Zookeeper_2k.log", "text with timestamps (ISO 8601)", 2000, 0, 0, 0, "2015-07-29T17:41:44.7470000Z"},
		{"elastic-examples/apache_access.log", "text with timestamps (access log)", 10000, 0, 0, 0, "2015-05-17T10:05:03.0000000Z"},
		{"elastic-examples/kafka0-server.log", "text with timestamps (ISO 8601)", 706, 0, 0, 0, "2016-12-19T20:39:48.9180000Z"},
		{"mongodb/mongod_4.2.11.log", "text with timestamps (ISO 8601)", 503, 0, 0, 0, "2020-03-12T00:00:01.9350000Z"},
		{"postgres/multiline_param.log", "text with timestamps (ISO 8601)", 12, 0, 0, 0, "2021-12-03T07:14:48.5910000Z"},
		{"postgres/pg-syslog.log", "text with timestamps (syslog)", 15619, 0, 0, 0, ""},
	} {
		text, err := os.ReadFile(filepath.Join(data, c.file))
		if err != nil {
			t.Fatal(err)
		}
		first := ""
		var last []byte
		r := NewFileReader(bytes.NewReader(text), FileOptions{Patient: true, Now: testNow})
		for r.Next() {
			if e := r.Event(); first == "" {
				first = string(event.AppendTime(nil, e.Instant))
			}
			last = append(last[:0], r.Event().CLEF...)
		}
		got := r.Report()
		want := FileReport{Format: c.format, Events: c.events, Refused: c.refused, Undated: c.undated, Replaced: c.replced, Bytes: int64(len(text))}
		if got != want || r.Err() != nil || c.first != "" && c.first != first {
			t.Errorf("%s: %+v, first at %s, %v\nwant %+v, first at %s", c.file, got, first, r.Err(), want, c.first)
		}
		if _, err := event.ParseValue(last); err != nil {
			t.Errorf("%s: the last event is not JSON: %v", c.file, err)
		}
	}
}
