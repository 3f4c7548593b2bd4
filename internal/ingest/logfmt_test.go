package ingest

import "testing"

func TestLogfmtLinesOneByOne(t *testing.T) {
	var l Logfmt
	const start = `before{"@t":"1970-01-01T00:00:01.0000000Z"`
	for _, c := range []struct{ line, level, want string }{
		{`ts=2026-11-20T10:00:00Z level=warn msg="up \"and\" ready" n=1.50`, "info", start + `,"@l":"warn","@m":"up \"and\" ready","ts":"2026-11-20T10:00:00Z","level":"warn","msg":"up \"and\" ready","n":1.50}`},
		{`level=30 msg=a`, "", start + `,"@l":"Information","@m":"a","level":30,"msg":"a"}`},
		{`level=E msg=a`, "", start + `,"@l":"Error","@m":"a","level":"E","msg":"a"}`},
		{`a=1 @t=x`, "info", start + `,"@l":"info","@m":"a=1 @t=x","a":1,"@@t":"x"}`},
		{`a=1 b=2`, "", start + `,"@m":"a=1 b=2","a":1,"b":2}`},
		{`a=1`, "info", "before"},
		{`it is a=1 b=2`, "info", "before"},
		{``, "", "before"},
	} {
		got, ok := l.Append([]byte("before"), []byte(c.line), 1_000_000_000, c.level)
		if string(got) != c.want || ok != (c.want != "before") {
			t.Errorf("%q, %q:\ngot  %s %v\nwant %s", c.line, c.level, got, ok, c.want)
		}
	}
}
