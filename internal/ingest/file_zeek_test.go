package ingest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/testkit"
)

const zeekHead = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#open\t2026-11-20-10-00-00\n" +
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tquery\tanswers\tTTLs\tAA\trtt\n" +
	"#types\ttime\tstring\taddr\tport\taddr\tport\tstring\tvector[string]\tvector[interval]\tbool\tinterval\n"

func TestZeek(t *testing.T) {
	for _, c := range []struct {
		name, text    string
		want, refused []string
	}{
		{"all kinds of values", zeekHead +
			"1763632800.123456\tCx1\t10.0.0.1\t5353\t10.0.0.2\t53\texample.com\ta\\x2cb,-,c\\xc3\\xa9\t60.000000,-\tT\t0.000012\n" +
			"1763632801.000000\tCx2\tfe80::1\t5353\t-\t-\t(empty)\t(empty)\t-\tF\t-\n" +
			"1763632802.000000\tCx3\t10.0.0.1\t5353\t10.0.0.2\t53\tback\\\\slash\\x09\\xff\t\t-\t-\tnan\n#close\t2026-11-20-11-00-00\n", []string{
			`{"@t":"2025-11-20T10:00:00.1234560Z","@m":"dns 10.0.0.1:5353 -> 10.0.0.2:53 example.com","_path":"dns","ts":1763632800.123456,"uid":"Cx1","id.orig_h":"10.0.0.1","id.orig_p":5353,"id.resp_h":"10.0.0.2","id.resp_p":53,"query":"example.com","answers":["a,b",null,"cé"],"TTLs":[60.000000,null],"AA":true,"rtt":0.000012}`,
			`{"@t":"2025-11-20T10:00:01.0000000Z","@m":"dns fe80::1:5353","_path":"dns","ts":1763632801.000000,"uid":"Cx2","id.orig_h":"fe80::1","id.orig_p":5353,"query":"","answers":[],"AA":false}`,
			`{"@t":"2025-11-20T10:00:02.0000000Z","@m":"dns 10.0.0.1:5353 -> 10.0.0.2:53 back\\\\slash\\x09\\xff","_path":"dns","ts":1763632802.000000,"uid":"Cx3","id.orig_h":"10.0.0.1","id.orig_p":5353,"id.resp_h":"10.0.0.2","id.resp_p":53,"query":"back\\\\slash\\x09\\xff","answers":[],"rtt":"nan"}`,
		}, nil},
		{"a log with levels, and another header on the way", "#separator \\x09\n#path\treporter\n#fields\tts\tlevel\tmessage\n#types\ttime\tenum\tstring\n1763632800.5\tReporter::WARNING\tlow on\\x20memory\n" +
			"#separator ,\n#set_separator,|\n#path,mine\n#fields,ts,tags,@t\n#types,time,set[string],count\n1763632801,a|b,7\n", []string{
			`{"@t":"2025-11-20T10:00:00.5000000Z","@l":"Warning","@m":"low on memory","_path":"reporter","ts":1763632800.5,"level":"Reporter::WARNING","message":"low on\u0020memory"}`,
			`{"@t":"2025-11-20T10:00:01.0000000Z","@m":"mine","_path":"mine","ts":1763632801,"tags":["a","b"],"@@t":7}`,
		}, nil},
		{"lines that are none", "#separator \\x09\nearly\n#path\tx\n#fields\tts\ta\n#types\ttime\tstring\n1763632800.0\tok\n1763632801.0\n1\t2\t3\n", []string{
			`{"@t":"2025-11-20T10:00:00.0000000Z","@m":"x","_path":"x","ts":1763632800.0,"a":"ok"}`,
		}, []string{"2 16: no line #fields before it says what it holds", "7 78: the line has 1 fields, #fields names 2", "8 91: the line has 3 fields, #fields names 2"}},
		{"no types, no time", "#fields\ta\tb\n#types\n1\tx\n", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, refused, r := readAll(t, c.text, FileOptions{Patient: true})
			for i := range c.want {
				c.want[i] = strings.ReplaceAll(c.want[i], `\u0020`, " ")
			}
			if c.want == nil {
				if strings.HasPrefix(r.Report().Format, "Zeek") {
					t.Errorf("taken for %s", r.Report().Format)
				}
				return
			}
			if d := cmp.Diff(c.want, got) + cmp.Diff(c.refused, refused); d != "" {
				t.Error(d)
			}
		})
	}
}

func FuzzZeek(f *testing.F) {
	f.Add([]byte(zeekHead + "1763632800.123456\tCx1\t10.0.0.1\t5353\t10.0.0.2\t53\texample.com\ta\\x2cb,-\t60.0,-\tT\t0.1\n"))
	f.Add([]byte("#separator ,\n#fields,ts,a\n#types,time\n1,wordword\nx\n"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) {
			checkReading(t, "zeek", text, func(line string) bool { return line[0] == '#' })
		})
	})
}

func BenchmarkZeek(b *testing.B) {
	benchmarkFile(b, "zeek", append([]byte(zeekHead), bytes.Repeat([]byte("1763632800.123456\tC18H5P2mT0bRiA2Sdk\t10.0.0.1\t5353\t10.0.0.2\t53\texample.com\t192.0.2.1,192.0.2.2\t60.000000,60.000000\tT\t0.000012\n"), 10000)...))
}
