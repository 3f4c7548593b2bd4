package syslog

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/event"
)

// received is when the messages of these tests come in.
var received = time.Date(2026, 11, 20, 10, 23, 12, 345678900, time.UTC)

const (
	now  = `"@t":"2026-11-20T10:23:12.3456789Z"`
	mail = `"facility":"mail","severity":"crit"`
)

func TestCLEF(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		// RFC 5424
		{"whole", `<34>1 2026-10-11T22:14:15.003Z mymachine.example.com su - ID47 - 'su root' failed`,
			`{"@t":"2026-10-11T22:14:15.0030000Z","@l":"Fatal","@m":"'su root' failed","host":"mymachine.example.com","app":"su","msg_id":"ID47","facility":"auth","severity":"crit"}`},
		{"offset, process id", `<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time`,
			`{"@t":"2003-08-24T12:14:15.0000030Z","@l":"Information","@m":"%% It's time","host":"192.0.2.1","app":"myproc","pid":8710,"facility":"local4","severity":"notice"}`},
		{"data", `<165>1 2003-10-11T22:14:15.003Z h app - ID47 [a@32473 iut="3" src="Appli\"ca\]t\\i\on"][b@1 x="é"] ` + "\ufeffAn event",
			`{"@t":"2003-10-11T22:14:15.0030000Z","@l":"Information","@m":"An event","host":"h","app":"app","msg_id":"ID47","facility":"local4","severity":"notice","structured_data":{"a@32473":{"iut":"3","src":"Appli\"ca]t\\i\\on"},"b@1":{"x":"é"}}}`},
		{"data alone", `<165>1 2003-10-11T22:14:15.003Z h app - - [empty]`,
			`{"@t":"2003-10-11T22:14:15.0030000Z","@l":"Information","@m":"","host":"h","app":"app","facility":"local4","severity":"notice","structured_data":{"empty":{}}}`},
		{"nothing but the priority", `<0>1 - - - - - -`, `{` + now + `,"@l":"Fatal","@m":"","facility":"kern","severity":"emerg","remote_addr":"192.0.2.9"}`},
		{"data that are none", `<165>1 2003-10-11T22:14:15.003Z h app - - [a b=c] text`,
			`{"@t":"2003-10-11T22:14:15.0030000Z","@l":"Information","@m":"[a b=c] text","host":"h","app":"app","facility":"local4","severity":"notice"}`},
		{"no data, no text", `<165>1 2003-10-11T22:14:15.003Z h app - ID1`,
			`{"@t":"2003-10-11T22:14:15.0030000Z","@l":"Information","@m":"","host":"h","app":"app","msg_id":"ID1","facility":"local4","severity":"notice"}`},
		{"process id that is no number", `<165>1 2003-10-11T22:14:15Z h app 0x1f - - t`,
			`{"@t":"2003-10-11T22:14:15.0000000Z","@l":"Information","@m":"t","host":"h","app":"app","pid":"0x1f","facility":"local4","severity":"notice"}`},
		{"octet count before it", `61 <165>1 2003-10-11T22:14:15Z h app 007 - - the length is in front`,
			`{"@t":"2003-10-11T22:14:15.0000000Z","@l":"Information","@m":"the length is in front","host":"h","app":"app","pid":"007","facility":"local4","severity":"notice"}`},
		{"rsyslog's second blank", "<13>1 2026-11-20T10:23:15+00:00 vm old - - -  multi \"quoted\" text\n",
			`{"@t":"2026-11-20T10:23:15.0000000Z","@l":"Information","@m":"multi \"quoted\" text","host":"vm","app":"old","facility":"user","severity":"notice"}`},

		// RFC 3164
		{"as the RFC has it", `<18>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8`,
			`{"@t":"2026-10-11T22:14:15.0000000Z","@l":"Fatal","@m":"'su root' failed for lonvick on /dev/pts/8","host":"mymachine","app":"su",` + mail + `}`},
		{"process id", `<18>Oct  1 22:14:15 h sshd(pam_unix)[19939]: check pass`,
			`{"@t":"2026-10-01T22:14:15.0000000Z","@l":"Fatal","@m":"check pass","host":"h","app":"sshd(pam_unix)","pid":19939,` + mail + `}`},
		{"no colon after the tag", `<18>Oct 1 22:14:15 h cron[17] started`,
			`{"@t":"2026-10-01T22:14:15.0000000Z","@l":"Fatal","@m":"started","host":"h","app":"cron","pid":17,` + mail + `}`},
		{"words that are no tag", `<18>Oct  1 22:14:15 h myapp says: hello`,
			`{"@t":"2026-10-01T22:14:15.0000000Z","@l":"Fatal","@m":"myapp says: hello","host":"h",` + mail + `}`},
		{"no host", `<18>Oct  1 22:14:15 postfix/smtpd[1]: hello`,
			`{"@t":"2026-10-01T22:14:15.0000000Z","@l":"Fatal","@m":"hello","app":"postfix/smtpd","pid":1,` + mail + `,"remote_addr":"192.0.2.9"}`},
		{"repeated", `<18>Oct  1 22:14:15 h last message repeated 2 times`,
			`{"@t":"2026-10-01T22:14:15.0000000Z","@l":"Fatal","@m":"last message repeated 2 times","host":"h",` + mail + `}`},
		{"mark", `<18>Oct  1 22:14:15 h -- MARK --`, `{"@t":"2026-10-01T22:14:15.0000000Z","@l":"Fatal","@m":"-- MARK --","host":"h",` + mail + `}`},
		{"an address for a host", `<18>Oct  1 22:14:15 fe80::1 kernel: [   12.345] up`,
			`{"@t":"2026-10-01T22:14:15.0000000Z","@l":"Fatal","@m":"[   12.345] up","host":"fe80::1","app":"kernel",` + mail + `}`},
		{"year after", `<18>Oct  1 22:14:15 2019 h a: t`, `{"@t":"2019-10-01T22:14:15.0000000Z","@l":"Fatal","@m":"t","host":"h","app":"a",` + mail + `}`},
		{"year between", `<18>Oct  1 2019 22:14:15 h a: t`, `{"@t":"2019-10-01T22:14:15.0000000Z","@l":"Fatal","@m":"t","host":"h","app":"a",` + mail + `}`},
		{"year before", `<18>2019 Oct  1 22:14:15.250 h a: t`, `{"@t":"2019-10-01T22:14:15.2500000Z","@l":"Fatal","@m":"t","host":"h","app":"a",` + mail + `}`},
		{"rsyslog's forward format", `<18>2019-10-01T22:14:15.123456+02:00 h a[2]: t`,
			`{"@t":"2019-10-01T20:14:15.1234560Z","@l":"Fatal","@m":"t","host":"h","app":"a","pid":2,` + mail + `}`},
		{"python", "<14>a message\x00", `{` + now + `,"@l":"Information","@m":"a message","facility":"user","severity":"info","remote_addr":"192.0.2.9"}`},
		{"python with a colon", `<14>ValueError: a message`, `{` + now + `,"@l":"Information","@m":"ValueError: a message","facility":"user","severity":"info","remote_addr":"192.0.2.9"}`},
		{"python with an ident", `<14>shop: a message`, `{` + now + `,"@l":"Information","@m":"a message","app":"shop","facility":"user","severity":"info","remote_addr":"192.0.2.9"}`},
		{"a level is no tag", `<14>error: a message`, `{` + now + `,"@l":"Information","@m":"error: a message","facility":"user","severity":"info","remote_addr":"192.0.2.9"}`},
		{"tag without a time", `<14>app[3]: a message`, `{` + now + `,"@l":"Information","@m":"a message","app":"app","pid":3,"facility":"user","severity":"info","remote_addr":"192.0.2.9"}`},
		{"tomorrow", `<14>Nov 21 10:00:00 h a: t`, `{"@t":"2026-11-21T10:00:00.0000000Z","@l":"Information","@m":"t","host":"h","app":"a","facility":"user","severity":"info"}`},
		{"not after tomorrow", `<14>Nov 21 11:00:00 h a: t`, `{"@t":"2025-11-21T11:00:00.0000000Z","@l":"Information","@m":"t","host":"h","app":"a","facility":"user","severity":"info"}`},
		{"29 February", `<14>Feb 29 11:00:00 h a: t`, `{"@t":"2024-02-29T11:00:00.0000000Z","@l":"Information","@m":"t","host":"h","app":"a","facility":"user","severity":"info"}`},
		{"a leap second", `<14>2016-12-31T23:59:60Z h a: t`, `{"@t":"2016-12-31T23:59:59.999999999Z","@l":"Information","@m":"t","host":"h","app":"a","facility":"user","severity":"info"}`},

		// Cisco
		{"sequence, not synchronised", `<189>123: *Nov 20 10:23:12.123: %SYS-5-CONFIG_I: Configured from console`,
			`{"@t":"2026-11-20T10:23:12.1230000Z","@l":"Information","@m":"%SYS-5-CONFIG_I: Configured from console","msg_id":"SYS-5-CONFIG_I","facility":"local7","severity":"notice","sequence":123,"clock":"*","remote_addr":"192.0.2.9"}`},
		{"a zone that is known", `<189>: 2026 Nov 20 05:23:12 EST: %VSHD-5-VSHD_SYSLOG_CONFIG_I: x`,
			`{"@t":"2026-11-20T10:23:12.0000000Z","@l":"Information","@m":"%VSHD-5-VSHD_SYSLOG_CONFIG_I: x","msg_id":"VSHD-5-VSHD_SYSLOG_CONFIG_I","facility":"local7","severity":"notice","remote_addr":"192.0.2.9"}`},
		{"a zone that is not", `<189>29: router1: Nov 20 10:23:12.000 XYZ: %LINK-3-UPDOWN: y`,
			`{"@t":"2026-11-20T10:23:12.0000000Z","@l":"Information","@m":"%LINK-3-UPDOWN: y","host":"router1","msg_id":"LINK-3-UPDOWN","facility":"local7","severity":"notice","sequence":29,"zone":"XYZ"}`},
		{"ASA", `<166>Nov 20 2026 10:23:12 fw1 : %ASA-6-302013: Built`,
			`{"@t":"2026-11-20T10:23:12.0000000Z","@l":"Information","@m":"%ASA-6-302013: Built","host":"fw1","msg_id":"ASA-6-302013","facility":"local4","severity":"info"}`},
		{"ASA without a time", `<166>%ASA-6-302013: Built`, `{` + now + `,"@l":"Information","@m":"%ASA-6-302013: Built","msg_id":"ASA-6-302013","facility":"local4","severity":"info","remote_addr":"192.0.2.9"}`},

		// What is none of these is text.
		{"no priority", `hello world`, `{` + now + `,"@m":"hello world","remote_addr":"192.0.2.9"}`},
		{"a priority too high", `<192>hello`, `{` + now + `,"@m":"<192>hello","remote_addr":"192.0.2.9"}`},
		{"a time that is none", `<18>Oct 32 22:14:15 h a: t`, `{` + now + `,"@l":"Fatal","@m":"Oct 32 22:14:15 h a: t",` + mail + `,"remote_addr":"192.0.2.9"}`},
		{"not UTF-8", "<18>caf\xe9", `{` + now + `,"@l":"Fatal","@m":"caf` + "\ufffd" + `",` + mail + `,"remote_addr":"192.0.2.9"}`},

		// An event within the event
		{"JSON", `<134>1 2026-11-20T10:00:00Z h a - - - {"level":"error","msg":"it broke","n":1.50,"host":"inner","@timestamp":"2026-11-20T09:59:59Z"}`,
			`{"@t":"2026-11-20T09:59:59.0000000Z","@l":"error","@m":"it broke","level":"error","msg":"it broke","n":1.50,"__host":"inner","@@timestamp":"2026-11-20T09:59:59Z","host":"h","app":"a","facility":"local0","severity":"info"}`},
		{"CEE", `<134>Nov 20 10:00:00 h a: @cee: {"x":{"y":[1,2]}}`,
			`{"@t":"2026-11-20T10:00:00.0000000Z","@l":"Information","@m":"@cee: {\"x\":{\"y\":[1,2]}}","x":{"y":[1,2]},"host":"h","app":"a","facility":"local0","severity":"info"}`},
		{"CLEF", `<134>Nov 20 10:00:00 h a: {"@t":"2026-11-20T09:00:00Z","@mt":"Hello {name}","name":"Ada","@@m":1,"@l":"Warning"}`,
			`{"@t":"2026-11-20T09:00:00.0000000Z","@l":"Warning","@mt":"Hello {name}","name":"Ada","@@m":1,"host":"h","app":"a","facility":"local0","severity":"info"}`},
		{"JSON that goes on", `<134>Nov 20 10:00:00 h a: {"x":1} and text`,
			`{"@t":"2026-11-20T10:00:00.0000000Z","@l":"Information","@m":"{\"x\":1} and text","host":"h","app":"a","facility":"local0","severity":"info"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Decoder
			for range 2 { // the second time with what the first left behind
				if diff := cmp.Diff(c.want, string(d.CLEF([]byte(c.text), received, "192.0.2.9"))); diff != "" {
					t.Errorf("%s\n%s", c.text, diff)
				}
			}
		})
	}
}

func TestEmptyMessages(t *testing.T) {
	var d Decoder
	for _, text := range []string{"", "\n", "\x00\r\n", "\ufeff"} {
		if got := d.CLEF([]byte(text), received, "x"); got != nil {
			t.Errorf("%q is the event %s", text, got)
		}
	}
}

func TestZone(t *testing.T) {
	d := Decoder{Zone: time.FixedZone("", 3600)}
	for text, want := range map[string]string{
		"<18>Nov 20 10:00:00 h a: t":             "2026-11-20T09:00:00.0000000Z",
		"<18>2026-11-20T10:00:00 h a: t":         "2026-11-20T09:00:00.0000000Z",
		"<18>2026-11-20T10:00:00+03 h a: t":      "2026-11-20T07:00:00.0000000Z",
		"<18>Nov 20 10:00:00 UTC h a: t":         "2026-11-20T10:00:00.0000000Z",
		"<18>1 2026-11-20T10:00:00Z h a - - - t": "2026-11-20T10:00:00.0000000Z",
	} {
		if got := string(d.CLEF([]byte(text), received, "")); !strings.HasPrefix(got, `{"@t":"`+want) {
			t.Errorf("%s: %s, want the time %s", text, got, want)
		}
	}
}

func TestLevels(t *testing.T) {
	for severity, want := range []string{"Fatal", "Fatal", "Fatal", "Error", "Warning", "Information", "Information", "Debug"} {
		if got := LevelOf(severity); got != want || event.NormalizeLevel(SeverityName(severity)) != want {
			t.Errorf("severity %d (%s) is %s, want %s", severity, SeverityName(severity), got, want)
		}
	}
}
