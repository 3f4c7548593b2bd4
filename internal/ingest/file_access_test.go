package ingest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAccessLogs(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{
			`1.2.3.4 - ann [17/May/2015:10:05:03 +0200] "GET /a?b=c HTTP/1.1" 200 512 "http://from/" "curl/8 \"x\""`,
			`{"@t":"2015-05-17T08:05:03.0000000Z","@l":"Information","@m":"GET /a?b=c HTTP/1.1 200","remote_addr":"1.2.3.4","remote_user":"ann","method":"GET","path":"/a?b=c","protocol":"HTTP/1.1","status":200,"body_bytes_sent":512,"referer":"http://from/","user_agent":"curl/8 \\\"x\\\""}`,
		},
		{
			`www.example.com:443 ::1 - - [17/May/2015:10:05:03 +0000] "-" 408 -`,
			`{"@t":"2015-05-17T10:05:03.0000000Z","@l":"Warning","@m":"- 408","vhost":"www.example.com:443","remote_addr":"::1","status":408}`,
		},
		{
			`1.2.3.4 - - [17/May/2015:10:05:03 +0000] "\x16\x03" 502 166 "-" "-" 0.003 "up"`,
			`{"@t":"2015-05-17T10:05:03.0000000Z","@l":"Error","@m":"\\x16\\x03 502","remote_addr":"1.2.3.4","request":"\\x16\\x03","status":502,"body_bytes_sent":166,"extra":"0.003 \"up\""}`,
		},
	} {
		got, refused, _ := readAll(t, c.line+"\n", FileOptions{})
		if d := cmp.Diff([]string{c.want}, got); d != "" || refused != nil {
			t.Errorf("%s\nrefused %v", d, refused)
		}
	}
}

func TestLineFormsKnowTheirExample(t *testing.T) {
	for i, f := range lineForms {
		for j, g := range lineForms {
			var r record
			if ok := g.parse([]byte(f.example), &r); ok && j < i {
				t.Errorf("the example of %s is taken by %s before", f.shown, g.shown)
			} else if i == j && !ok {
				t.Errorf("%s does not recognise its example %q", f.shown, f.example)
			}
		}
		if formatKind(f.format) == nil {
			t.Errorf("%s is of the format %q, which is not in the table of dialects", f.shown, f.format)
		}
	}
}
