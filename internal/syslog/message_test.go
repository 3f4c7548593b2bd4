package syslog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/testkit"
)

// Lines as syslog daemons write them to files: without a priority.
func TestLinesOfFiles(t *testing.T) {
	for line, want := range map[string]string{
		"Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; rhost=192.0.2.4 ": "0-6-14 combo|sshd(pam_unix)|19939|authentication failure; rhost=192.0.2.4 ",
		"Jun  4 15:16:01 combo syslogd 1.4.1: restart.":                                         "0-6-4 combo|||syslogd 1.4.1: restart.",
		"2023-10-27T05:55:33.268880+00:00 host systemd[1]: Started":                             "2023-10-27 host|systemd|1|Started",
		"1 2023-10-27T05:55:33Z host app 7 ID - text":                                           "2023-10-27 host|app|7|text",
		"<13>Jun 14 15:16:01 combo kernel: up":                                                  "0-6-14 combo|kernel||up",
		"<13>1 2023-10-27T05:55:33Z host app 7 ID - text":                                       "2023-10-27 host|app|7|text",
		"Feb 11 13:15:39 test-pc postgres[10808]: [1-1] db=,user= LOG:  listening":              "0-2-11 test-pc|postgres|10808|[1-1] db=,user= LOG:  listening",
		"Feb 11 13:15:39 mac com.apple.xpc.launchd[1] (com.apple.x[9]): gone":                   "0-2-11 mac|com.apple.xpc.launchd|1|(com.apple.x[9]): gone",
		"3 things went wrong with a and b":                                                      "0-0-0 |||3 things went wrong with a and b",
		"\tat com.example.Main":                                                                 "0-0-0 |||\tat com.example.Main",
	} {
		m := Parse([]byte(line))
		got := fmt.Sprintf("%d-%d-%d %s|%s|%s|%s", m.Time.Year, m.Time.Month, m.Time.Day, m.Host, m.App, m.Pid, m.Text)
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", line, got, want)
		}
	}
}

// Every line of real logs has its time and host, and all of it is somewhere.
func TestRealFiles(t *testing.T) {
	for name, untagged := range map[string]int{"loghub/OpenSSH_2k.log": 0, "loghub/Linux_2k.log": 8, "postgres/pg-syslog.log": 0} {
		text, err := os.ReadFile("../../../shared/data/" + name)
		if err != nil {
			t.Skip("skipped: the real logs are not in ../shared/data")
		}
		var d Decoder
		for line := range event.Lines(text) {
			m := Parse(line.Text)
			if m.Time.Month == 0 || m.Host == nil {
				t.Errorf("%s: line %d is not understood: %s", name, line.Number, line.Text)
			}
			if m.App == nil {
				untagged--
			}
			got := d.CLEF(line.Text, time.Now(), "")
			for _, word := range strings.Fields(string(line.Text))[3:] {
				if word = strings.Trim(word, "[]:"); !bytes.Contains(got, bytes.Trim(event.AppendText(nil, word), `"`)) && !strings.Contains(word, "[") {
					t.Errorf("%s: line %d has lost %s: %s", name, line.Number, word, got)
				}
			}
		}
		if untagged != 0 {
			t.Errorf("%s: %d more lines without a program than expected", name, -untagged)
		}
	}
}

// What is written by the grammar of RFC 5424 is read as what it was written from.
func TestModernMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		priority := rapid.IntRange(0, 191).Draw(t, "priority")
		word := rapid.StringMatching(`-|[!-,.-~][!-~]{0,20}`)
		fields := [4]string{word.Draw(t, "host"), word.Draw(t, "app"), word.Draw(t, "pid"), word.Draw(t, "msgid")}
		at := time.Unix(0, rapid.Int64Range(0, 4e18).Draw(t, "time")/1000*1000).UTC()
		stamp := at.In(time.FixedZone("", rapid.IntRange(-14*60, 14*60).Draw(t, "offset")*60)).Format("2006-01-02T15:04:05.999999Z07:00")
		type param struct{ name, value string }
		type element struct {
			id     string
			params []param
		}
		var elements []element
		data := "-"
		name := rapid.StringMatching(`[A-Za-z0-9@.]{1,10}`)
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			e := element{id: name.Draw(t, "id")}
			for range rapid.IntRange(0, 3).Draw(t, "params") {
				e.params = append(e.params, param{name.Draw(t, "name"), rapid.String().Draw(t, "value")})
			}
			elements = append(elements, e)
		}
		want := &event.Builder{}
		want.Begin(0)
		want.Name("structured_data").Open('{')
		if len(elements) > 0 {
			data = ""
		}
		for _, e := range elements {
			data += "[" + e.id
			want.Inner(e.id).Open('{')
			for _, p := range e.params {
				data += " " + p.name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`).Replace(p.value) + `"`
				want.Inner(p.name).Text(p.value)
			}
			data += "]"
			want.Close('}')
		}
		want.Close('}')
		text := rapid.StringMatching(`([!-~][ -~]{0,30}[!-~])?`).Draw(t, "text")
		line := fmt.Sprintf("<%d>1 %s %s %s", priority, stamp, strings.Join(fields[:], " "), data)
		if text != "" {
			line += " " + text
		}

		m := Parse([]byte(line))
		for i, got := range [4][]byte{m.Host, m.App, m.Pid, m.MsgID} {
			if w := fields[i]; w != string(got) && (w != "-" || got != nil) {
				t.Fatalf("%s: field %d is %q", line, i, got)
			}
		}
		if m.Priority != priority || m.Version != 1 || m.Time.Instant(time.Time{}, nil) != at.UnixNano() || string(m.Text) != text {
			t.Fatalf("%s: %+v", line, m)
		}
		got := &event.Builder{}
		got.Begin(0)
		if len(elements) > 0 {
			writeData(got.Name("structured_data"), m.Data, nil)
		} else {
			got.Name("structured_data").Open('{').Close('}')
		}
		if g, w := string(got.End()), string(want.End()); g != w {
			t.Fatalf("%s\ngot  %s\nwant %s", line, g, w)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte("<34>1 2026-10-11T22:14:15.003Z h su 1 ID47 [a b=\"c\\]\"] text"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) {
			var d Decoder
			received := time.Date(2026, 11, 20, 10, 23, 12, 0, time.UTC)
			out := d.CLEF(text, received, "192.0.2.9")
			if out == nil {
				if len(bytes.Trim(text, "\x00\r\n")) > 3 {
					t.Fatalf("%q is nothing", text)
				}
				return
			}
			v, err := event.ParseValue(out)
			if err != nil || !json.Valid(out) {
				t.Fatalf("%q became %s: %v", text, out, err)
			}
			if _, _, err := event.ParseTime([]byte(v.Get("@t").Text)); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if len(out) > 6*len(text)+6*len(text)+600 {
				t.Fatalf("%d bytes became %d", len(text), len(out))
			}
			m := Parse(text)
			total := len(m.Host) + len(m.App) + len(m.Pid) + len(m.MsgID) + len(m.Data) + len(m.Text) + len(m.Sequence) + len(m.Zone)
			if m.Time.Month == 0 && m.Priority == NoPriority && total < len(bytes.TrimRight(text, "\x00\r\n"))-3-10 {
				t.Fatalf("%q lost something: %+v", text, m)
			}
		})
	})
}
