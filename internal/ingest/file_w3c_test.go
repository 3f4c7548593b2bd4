package ingest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/testkit"
)

func TestW3C(t *testing.T) {
	for _, c := range []struct {
		name, text    string
		want, refused []string
	}{
		{"IIS", "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2026-11-20 10:00:00\r\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus time-taken\r\n" +
			"2026-11-20 10:00:00 10.0.0.9 GET /a x=1 443 - 10.0.0.1 Mozilla/5.0+(X11) - 404 0 12\r\n2026-11-20 10:00:01 10.0.0.9 POST /b - 443 ann fe80::1%12 - https://a/ 200 0 1500\r\n#Fields: time cs-method\n10:00:02 GET\n\x00\x00\x00", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","@l":"Warning","@m":"GET /a?x=1 404","date":"2026-11-20","time":"10:00:00","s-ip":"10.0.0.9","method":"GET","path":"/a?x=1","s-port":443,"remote_addr":"10.0.0.1","user_agent":"Mozilla/5.0+(X11)","status":404,"sc-substatus":0,"time-taken":12}`,
			`{"@t":"2026-11-20T10:00:01.0000000Z","@l":"Information","@m":"POST /b 200","date":"2026-11-20","time":"10:00:01","s-ip":"10.0.0.9","method":"POST","path":"/b","s-port":443,"remote_user":"ann","remote_addr":"fe80::1%12","referer":"https://a/","status":200,"sc-substatus":0,"time-taken":1500}`,
			`{"@t":"2026-11-20T10:00:02.0000000Z","@m":"10:00:02 GET","time":"10:00:02","method":"GET"}`,
		}, nil},
		{"CloudFront", "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(User-Agent) time-taken\n" +
			"2026-11-20\t10:00:00\tLHR62-C2\t23872\t10.0.0.1\tGET\td1.cloudfront.net\t/view/my file\t502\tMozilla/5.0%20(X11)\t0.001\n", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","@l":"Error","@m":"GET /view/my file 502","date":"2026-11-20","time":"10:00:00","x-edge-location":"LHR62-C2","bytes_sent":23872,"remote_addr":"10.0.0.1","method":"GET","vhost":"d1.cloudfront.net","path":"/view/my file","status":502,"user_agent":"Mozilla/5.0%20(X11)","time-taken":0.001}`,
		}, nil},
		{"Exchange", "#Software: Microsoft Exchange Server\n#Fields: date-time,client-ip,event-id,message-subject\n2026-11-20T10:00:00.123Z,10.0.0.1,RECEIVE,\"a, \"\"b\"\"\"\n", []string{
			`{"@t":"2026-11-20T10:00:00.1230000Z","@m":"2026-11-20T10:00:00.123Z,10.0.0.1,RECEIVE,\"a, \"\"b\"\"\"","date-time":"2026-11-20T10:00:00.123Z","client-ip":"10.0.0.1","event-id":"RECEIVE","message-subject":"a, \"b\""}`,
		}, nil},
		{"lines that are none", "#Version: 1.0\nx y\n#Fields: a b\n1\n1 \"2 3\"\n1 2 3\n", []string{noon + `,"@m":"1 \"2 3\"","a":1,"b":"2 3"}`},
			[]string{"2 14: no line #Fields before it says what it holds", "4 31: the line has 1 fields, #Fields names 2", "6 41: the line has 3 fields, #Fields names 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := FileOptions{Patient: true}
			if c.refused != nil {
				o.Format = "w3c"
			}
			got, refused, r := readAll(t, c.text, o)
			if d := cmp.Diff(c.want, got) + cmp.Diff(c.refused, refused); d != "" || r.Report().Format != "W3C extended log" {
				t.Errorf("%s\n%s", r.Report().Format, d)
			}
		})
	}
}

// Windows' firewall writes the computer's own time, and says so.
func TestW3CLocalTime(t *testing.T) {
	text := "#Version: 1.5\n#Software: Microsoft Windows Firewall\n#Time Format: Local\n#Fields: date time action protocol src-ip\n\n2026-11-20 10:00:00 DROP UDP 10.0.0.1\n"
	zone := time.FixedZone("", -5*3600)
	advanced := "#Software: IIS Advanced Logging Module\n#Fields:  date-local time-local sc-status\n2026-11-20 10:00:00.660 200\n"
	if got, _, _ := readAll(t, advanced, FileOptions{Zone: zone}); len(got) != 1 || !strings.HasPrefix(got[0], `{"@t":"2026-11-20T15:00:00.6600000Z"`) {
		t.Errorf("of time-local: %s", got)
	}
	got, _, _ := readAll(t, text, FileOptions{Zone: zone})
	want := []string{`{"@t":"2026-11-20T15:00:00.0000000Z","@m":"2026-11-20 10:00:00 DROP UDP 10.0.0.1","date":"2026-11-20","time":"10:00:00","action":"DROP","protocol":"UDP","src-ip":"10.0.0.1"}`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func FuzzW3C(f *testing.F) {
	f.Add([]byte("#Date: 2026-11-20 10:00:00\n#Fields: time cs-method cs-uri-stem cs-uri-query sc-status\n10:00:00 GET /a \"b c\" 404\n10:00:01\tGET\t/\t-\t-\n"))
	f.Add([]byte("#Fields: date-time,a,@t\n2026-11-20T10:00:00Z,\"x\"\"\",1\nx\n"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) {
			checkReading(t, "w3c", text, func(line string) bool { return line[0] == '#' || line[0] == 0 })
		})
	})
}

func BenchmarkW3C(b *testing.B) {
	benchmarkFile(b, "w3c", append([]byte("#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus time-taken\n"),
		bytes.Repeat([]byte("2026-11-20 10:00:00 10.0.0.9 GET /orders/42 x=1 443 - 10.0.0.1 Mozilla/5.0+(X11;+Linux+x86_64) - 404 0 12\n"), 10000)...))
}
