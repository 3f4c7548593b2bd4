package ingest

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/testkit"
)

const noon = `{"@t":"2026-11-20T12:00:00.0000000Z"`

func TestCSV(t *testing.T) {
	for _, c := range []struct {
		name, text    string
		want, refused []string
	}{
		{"all of RFC 4180", "\ufefftime,level,msg,n,empty,quoted\r\n2026-11-20T10:00:00Z,warn,\"a \"\"b\"\", c\",1.50,,\"007\"\r\n2026-11-20T10:00:01Z,info,\"two\r\nlines\",-1e400,\"\",\"\"\"\"\r\n", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","@l":"Warning","@m":"a \"b\", c","time":"2026-11-20T10:00:00Z","level":"warn","msg":"a \"b\", c","n":1.50,"quoted":"007"}`,
			`{"@t":"2026-11-20T10:00:01.0000000Z","@l":"Information","@m":"two\nlines","time":"2026-11-20T10:00:01Z","level":"info","msg":"two\nlines","n":-1e400,"quoted":"\""}`,
		}, nil},
		{"semicolons, Excel's mark", "sep=;\nTime;Level;Message\n2026-11-20 10:00:00,5;ERROR;a, b\n", []string{
			`{"@t":"2026-11-20T10:00:00.5000000Z","@l":"Error","@m":"a, b","Time":"2026-11-20 10:00:00,5","Level":"ERROR","Message":"a, b"}`,
		}, nil},
		{"tabs", "ts\thost\tmessage\n1763632800.25\tweb 1\tup\n", []string{
			`{"@t":"2025-11-20T10:00:00.2500000Z","@m":"up","ts":1763632800.25,"host":"web 1","message":"up"}`,
		}, nil},
		{"bars", "timestamp|severity|text\n2026-11-20T10:00:00+01:00|crit|x\n", []string{
			`{"@t":"2026-11-20T09:00:00.0000000Z","@l":"Fatal","@m":"x","timestamp":"2026-11-20T10:00:00+01:00","severity":"crit","text":"x"}`,
		}, nil},
		{"blanks after commas", "time, level, msg\n2026-11-20T10:00:00Z, info, \"a, b\" \n2026-11-20T10:00:01Z, info,  c\n", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","@l":"Information","@m":"a, b","time":"2026-11-20T10:00:00Z","level":"info","msg":"a, b"}`,
			`{"@t":"2026-11-20T10:00:01.0000000Z","@l":"Information","@m":"c","time":"2026-11-20T10:00:01Z","level":"info","msg":"c"}`,
		}, nil},
		{"date and time apart", "LineId,Date,Time,Level,Content\n1,2026-11-20,\"10:00:00,123\",INFO,x\n", []string{
			`{"@t":"2026-11-20T10:00:00.1230000Z","@l":"Information","@m":"x","LineId":1,"Date":"2026-11-20","Time":"10:00:00,123","Level":"INFO","Content":"x"}`,
		}, nil},
		{"zeros lost", "Date,Time,Content\n81109,203615,x\n081109,512,y\n", []string{
			`{"@t":"2008-11-09T20:36:15.0000000Z","@m":"x","Date":81109,"Time":203615,"Content":"x"}`,
			`{"@t":"2008-11-09T00:05:12.0000000Z","@m":"y","Date":"081109","Time":512,"Content":"y"}`,
		}, nil},
		{"a month apart", "LineId,Month,Date,Time,Content\n1,Jun,14,15:16:01,x\n", []string{
			`{"@t":"2026-06-14T15:16:01.0000000Z","@m":"x","LineId":1,"Month":"Jun","Date":14,"Time":"15:16:01","Content":"x"}`,
		}, nil},
		{"times by other names", "Event Name,Alarm DateTime,User ID\nListObjects,2026-11-20T10:00:00.127636+00:00,\"{'a': 'b'}\"\n", []string{
			`{"@t":"2026-11-20T10:00:00.1276360Z","@m":"ListObjects","Event Name":"ListObjects","Alarm DateTime":"2026-11-20T10:00:00.127636+00:00","User ID":"{'a': 'b'}"}`,
		}, nil},
		{"a time by its values", "a,b,c\n1,2026-11-20 10:00:00,x\n2,2026-11-20 10:00:01,y\n", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","a":1,"b":"2026-11-20 10:00:00","c":"x"}`,
			`{"@t":"2026-11-20T10:00:01.0000000Z","a":2,"b":"2026-11-20 10:00:01","c":"y"}`,
		}, nil},
		{"days before months", "Time,Message\n03/04/2026 10:00:00,x\n17/04/2026 10:00:00,y\n", []string{
			`{"@t":"2026-04-03T10:00:00.0000000Z","@m":"x","Time":"03/04/2026 10:00:00","Message":"x"}`,
			`{"@t":"2026-04-17T10:00:00.0000000Z","@m":"y","Time":"17/04/2026 10:00:00","Message":"y"}`,
		}, nil},
		{"days before months, the time apart", "Date,Time,Message\n03.04.2026,10:00:00,x\n17.04.2026,10:00:00,y\n", []string{
			`{"@t":"2026-04-03T10:00:00.0000000Z","@m":"x","Date":"03.04.2026","Time":"10:00:00","Message":"x"}`,
			`{"@t":"2026-04-17T10:00:00.0000000Z","@m":"y","Date":"17.04.2026","Time":"10:00:00","Message":"y"}`,
		}, nil},
		{"backslashes instead of doubled marks", "time,msg,path\n2026-11-20T10:00:00Z,\"a \\\"b\\\", c\",\"C:\\\\\"\n", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","@m":"a \"b\", c","time":"2026-11-20T10:00:00Z","msg":"a \"b\", c","path":"C:\\"}`,
		}, nil},
		{"backslashes that are text", "time,msg,path\n2026-11-20T10:00:00Z,\"a \"\"b\"\"\",\"C:\\\"\n", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","@m":"a \"b\"","time":"2026-11-20T10:00:00Z","msg":"a \"b\"","path":"C:\\"}`,
		}, nil},
		{"Windows' event viewer", "Level,Date and Time,Source,Event ID\nError,11/20/2026 1:02:03 PM,Service,7036,\"It\nstopped.\"\n", []string{
			`{"@t":"2026-11-20T13:02:03.0000000Z","@l":"Error","@m":"It\nstopped.","Level":"Error","Date and Time":"11/20/2026 1:02:03 PM","Source":"Service","Event ID":7036,"message":"It\nstopped."}`,
		}, nil},
		{"no time", "a,@t,b\n1,2,x\n,4,y\n\n", []string{noon + `,"a":1,"@@t":2,"b":"x"}`, noon + `,"@@t":4,"b":"y"}`}, nil},
		{"an index without a name", ",time,msg\n0,2026-11-20T10:00:00Z,x\n", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","@m":"x","column01":0,"time":"2026-11-20T10:00:00Z","msg":"x"}`,
		}, nil},
		{"rows that are none", "time,msg,n\n2026-11-20T10:00:00Z,x\n2026-11-20T10:00:01Z,y,1,,\n2026-11-20T10:00:02Z,z,1,2\n2026-11-20T10:00:03Z,\"a\"b,1\n2026-11-20T10:00:04Z,ok,1\n", []string{
			`{"@t":"2026-11-20T10:00:01.0000000Z","@m":"y","time":"2026-11-20T10:00:01Z","msg":"y","n":1}`,
			`{"@t":"2026-11-20T10:00:04.0000000Z","@m":"ok","time":"2026-11-20T10:00:04Z","msg":"ok","n":1}`,
		}, []string{"2 11: the row has 2 cells, the header 3", "4 61: the row has 4 cells, the header 3", "5 88: byte 25: text follows the closing quotation mark of a cell"}},
		{"a quotation mark that nothing closes", "time,msg\n2026-11-20T10:00:00Z,\"x\n2026-11-20T10:00:01Z,y\n\n2026-11-20T10:00:02Z,z\n", []string{
			`{"@t":"2026-11-20T10:00:01.0000000Z","@m":"y","time":"2026-11-20T10:00:01Z","msg":"y"}`,
			`{"@t":"2026-11-20T10:00:02.0000000Z","@m":"z","time":"2026-11-20T10:00:02Z","msg":"z"}`,
		}, []string{"2 9: byte 22: nothing closes the quotation mark, up to the limit for an event or the end of the file"}},
		{"files joined", "time,msg\n2026-11-20T10:00:00Z,x\ntime,msg\n2026-11-20T10:00:01Z,y\n", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","@m":"x","time":"2026-11-20T10:00:00Z","msg":"x"}`,
			`{"@t":"2026-11-20T10:00:01.0000000Z","@m":"y","time":"2026-11-20T10:00:01Z","msg":"y"}`,
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := FileOptions{Format: "csv", Patient: true}
			got, refused, _ := readAll(t, c.text, o)
			if d := cmp.Diff(c.want, got) + cmp.Diff(c.refused, refused); d != "" {
				t.Error(d)
			}
			if c.refused != nil {
				return
			}
			if _, _, r := readAll(t, c.text, FileOptions{Patient: true}); !strings.HasPrefix(r.Report().Format, "CSV") {
				t.Errorf("taken for %s", r.Report().Format)
			}
		})
	}
}

// A row may have as many lines as its quoted cells; what opens one by mistake costs its line alone.
func TestCSVLinesAreAccountedFor(t *testing.T) {
	text := "time,msg,n\n" + strings.Repeat("2026-11-20T10:00:00Z,\"a\n\nb \"\"c\"\"\n\",1\n\n", 50) + "2026-11-20T10:00:00Z,\"open,1\n" + strings.Repeat("2026-11-20T10:00:01Z,x,2\n", 100)
	got, refused, r := readAll(t, text, FileOptions{Patient: true, EventBytes: 1 << 10})
	want := FileReport{Format: "CSV with commas", Events: 150, Bytes: int64(len(text)), Lines: 352, Blank: 50, Joined: 150, Skipped: 1, Refused: 1}
	if d := cmp.Diff(want, r.Report()); d != "" || len(refused) != 1 || len(got) != 150 {
		t.Errorf("%s\n%d events, refused %v", d, len(got), refused)
	}
	if !strings.Contains(got[49], `"msg":"a\n\nb \"c\"\n"`) || !strings.Contains(got[50], `10:00:01`) {
		t.Errorf("%s\n%s", got[49], got[50])
	}
}

func TestCSVIsNotSeenInOtherText(t *testing.T) {
	for _, text := range []string{
		"2016-12-19 20:43:21,123 INFO x, y\n2016-12-19 20:43:22,123 INFO x, z\n",
		"Hello, world\nBye, world\n",
		"name: x, y\nname: z, w\n",
		"a,b\nc,d\n",
		"a,b,c\n1,2\n3,4,5\n6\n",
		"#fields\ta\tb\n1\t2\n",
		"one|two\n",
		"{\"a\":1,\"b\":2}\n{\"a\":1,\"b\":2}\n",
		"a=1,b=2,c=3\na=2,b=3,c=4\na=2,b=3,c=4\n",
	} {
		if _, _, r := readAll(t, text, FileOptions{Patient: true}); strings.HasPrefix(r.Report().Format, "CSV") {
			t.Errorf("%q is taken for %s", text, r.Report().Format)
		}
	}
}

// FuzzCSV reads any bytes as CSV, and holds the cells of the first row to what encoding/csv
// makes of them where that takes them.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("time,level,msg\n2026-11-20T10:00:00Z,warn,\"a \"\"b\"\"\nc\"\n,,\n1,2\n"))
	f.Add([]byte("a;b\n\"x;\n\"y;\nword;other\n"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) {
			header := ""
			checkReading(t, "csv", text, func(line string) bool {
				if header == "" && strings.TrimSpace(line) != "" && !strings.HasPrefix(strings.ToLower(line), "sep=") {
					header = line
				}
				return header == line || header == "" || strings.Contains(header, `"`)
			})
			want, err := csv.NewReader(bytes.NewReader(text)).Read()
			if err != nil || bytes.IndexByte(text, '\r') >= 0 {
				return
			}
			text = bytes.TrimLeft(text, "\n")
			split := csvSplit{csvShape: csvShape{comma: ','}}
			split.begin()
			for end := 0; ; end++ {
				at := bytes.IndexByte(text[end:], '\n')
				if end += at; at < 0 {
					end = len(text)
				}
				at, why := split.more(text[:end])
				if why != "" || at >= 0 && end == len(text) {
					t.Fatalf("%q is refused at %d: %s; want %q", text, at, why, want)
				}
				if at < 0 {
					break
				}
			}
			if got := fmt.Sprintf("%q", split.cells); got != fmt.Sprintf("%q", want) {
				t.Fatalf("%s, want %q", got, want)
			}
		})
	})
}

func BenchmarkCSV(b *testing.B) {
	benchmarkFile(b, "csv", append([]byte("LineId,Date,Time,Pid,Level,Component,Content\n"), bytes.Repeat([]byte(`1234,2026-11-20,10:00:00.008,25746,INFO,shop.api.server,"10.0.0.1 ""GET /v2/orders/42 HTTP/1.1"" status: 200 len: 1893 time: 0.2477829"`+"\n"), 10000)...))
}
