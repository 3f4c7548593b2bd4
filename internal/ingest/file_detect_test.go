package ingest

import (
	"errors"
	"strings"
	"testing"

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
		{"json after a word", "INFO {\"a\":1}\n", "JSON lines after text"},
		{"json after a name", "web_1  | {\"a\":1}\nweb_1  | starting\n", "JSON lines after text"},
		{"text that ends with braces", "a {b} c {d}\nx\n", "text without timestamps"},
		{"json in some lines of text", "2016-12-19 20:43:21 x {\"a\":1}\n2016-12-19 20:43:22 y\n2016-12-19 20:43:23 z\n", "text with timestamps (ISO 8601)"},
		{"json in logfmt", "level=info msg=x data={\"a\":1}\nlevel=info msg=y data={\"a\":2}\n", "logfmt"},
		{"json among logfmt", "{\"level\":\"info\"}\nlevel=info msg=x\nlevel=info msg=y\n", "JSON lines (level in level)"},
		{"json mostly text", "{\"a\":1}\nx\ny\nz\n", "text without timestamps"},
		{"text", "2016-12-19 20:43:21 x\n", "text with timestamps (ISO 8601)"},
		{"brackets", "[2016-12-19 20:43:21] x\n", "text with timestamps (ISO 8601)"},
		{"empty", "", "empty"},
		{"blank", "\n\n", "text without timestamps"},
		{"braces", "{not json}\n", "text without timestamps"},
		{"json that is cut short", "{\"ts\":1,", "JSON lines"},
		{"an array over lines", "[\n {\"a\":1}\n]\n", "JSON array"},
		{"an array in a line", "[{\"a\":1},{\"b\":2}]", "JSON array"},
		{"an empty array", "[]\n", "JSON array"},
		{"an object over lines", "{\n \"a\":1}\n", "JSON objects over several lines"},
		{"an object over lines, a member on the first", "{\"a\":\n1}\n", "JSON objects over several lines"},
		{"an object in an object over lines", "{ \"a\": {\n\"b\":1}}", "JSON objects over several lines"},
		{"an array longer than the sample", "[" + strings.Repeat("{\"a\":1},", lineBuffer) + "{}]", "JSON array"},
		{"an object over lines longer than the sample", "{\n\"a\":" + long + "}", "JSON objects over several lines"},
		{"an array of numbers", "[1,2]\n", "text without timestamps"},
		{"a time in brackets", "[2016-12-19 20:43:21] {\"a\":1}\n", "JSON lines after text"},
		{"braces in brackets", "[{x}] y\n", "text without timestamps"},
	} {
		_, _, r := readAll(t, c.text, FileOptions{Patient: true})
		if got := r.Report().Format; got != c.want || r.Err() != nil {
			t.Errorf("%s: %q, %v; want %q", c.name, got, r.Err(), c.want)
		}
	}
	for _, text := range []string{"\xff\xfea\x00"} {
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
