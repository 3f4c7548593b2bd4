package ingest

import (
	"testing"
	"time"

	"github.com/stelehq/stele/internal/event"
)

var reference = calendar{latest: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}

func canonical(t time.Time) string { return string(event.AppendTime(nil, event.Instant(t))) }

func TestStampForms(t *testing.T) {
	for _, c := range []struct{ line, form, want, rest string }{
		{"2016-12-19 20:43:21,123 INFO up", "ISO 8601", "2016-12-19T20:43:21.1230000Z", " INFO up"},
		{"[2016-12-19 20:43:21,123] INFO up", "ISO 8601", "2016-12-19T20:43:21.1230000Z", " INFO up"},
		{"2020-03-12T00:00:01.935+0000 I  CONTROL", "ISO 8601", "2020-03-12T00:00:01.9350000Z", " I  CONTROL"},
		{"2020-03-12T00:00:01.935+05:30 x", "ISO 8601", "2020-03-11T18:30:01.9350000Z", " x"},
		{"2020-03-12T00:00:01-08 x", "ISO 8601", "2020-03-12T08:00:01.0000000Z", " x"},
		{"2020-03-12T00:00:01Z x", "ISO 8601", "2020-03-12T00:00:01.0000000Z", " x"},
		{"2020-03-12T00:00:01 Zebra", "ISO 8601", "2020-03-12T00:00:01.0000000Z", " Zebra"},
		{"2020-03-12 00:00 x", "ISO 8601", "2020-03-12T00:00:00.0000000Z", " x"},
		{"2021-12-03 07:14:48.591 UTC [4913] x", "ISO 8601", "2021-12-03T07:14:48.5910000Z", " [4913] x"},
		{"2021-12-03 07:14:48.591 PST x", "ISO 8601", "2021-12-03T15:14:48.5910000Z", " x"},
		{"2021-12-03 07:14:48 - message", "ISO 8601", "2021-12-03T07:14:48.0000000Z", " - message"},
		{"2021-12-03 07:14:48 -5 degrees", "ISO 8601", "2021-12-03T07:14:48.0000000Z", " -5 degrees"},
		{"2021-12-03 07:14:48.123456789123 x", "ISO 8601", "2021-12-03T07:14:48.123456789Z", " x"},
		{"2023/01/02 15:04:05 x", "slashed date", "2023-01-02T15:04:05.0000000Z", " x"},
		{"2023/01/02 15:04:05.000001 x", "slashed date", "2023-01-02T15:04:05.0000010Z", " x"},
		{"Jun 14 15:16:01 combo", "syslog", "2026-06-14T15:16:01.0000000Z", " combo"},
		{"Dec  4 15:16:01 combo", "syslog", "2025-12-04T15:16:01.0000000Z", " combo"},
		{"Feb 29 00:00:00 leap", "syslog", "2024-02-29T00:00:00.0000000Z", " leap"},
		{"Jun 14 2019 15:16:01 combo", "syslog", "2019-06-14T15:16:01.0000000Z", " combo"},
		{"[Sun Dec 04 04:47:44 2005] [notice]", "ctime", "2005-12-04T04:47:44.0000000Z", " [notice]"},
		{"[Wed Oct 11 14:32:52.123456 2000] x", "ctime", "2000-10-11T14:32:52.1234560Z", " x"},
		{"Mon, 02 Jan 2006 15:04:05 GMT x", "RFC 1123", "2006-01-02T15:04:05.0000000Z", " x"},
		{"[17/May/2015:10:05:03 +0200] x", "day first", "2015-05-17T08:05:03.0000000Z", " x"},
		{"20-Nov-2026 10:23:12.123 SEVERE", "day first", "2026-11-20T10:23:12.1230000Z", " SEVERE"},
		{"03-17 16:13:38.811  1702", "month-day", "2026-03-17T16:13:38.8110000Z", "  1702"},
		{"081109 203518 148 INFO", "compact", "2008-11-09T20:35:18.0000000Z", " 148 INFO"},
		{"20120702.102240 restarted", "compact ISO 8601", "2012-07-02T10:22:40.0000000Z", " restarted"},
		{"I1119 10:23:12.123456   7 main.go", "glog", "2026-11-19T10:23:12.1234560Z", "   7 main.go"},
		{"nova.log 2017-05-16 00:00:00.008 25746", "ISO 8601 after a word", "2017-05-16T00:00:00.0080000Z", " 25746"},
		{"1521911721.789543\tx", "epoch", "2018-03-24T17:15:21.7895430Z", "\tx"},
		{"1521911721789 x", "epoch", "2018-03-24T17:15:21.7890000Z", " x"},
	} {
		var found *stampForm
		var s stamp
		for i := range stampForms {
			if got, ok := stampForms[i].find([]byte(c.line)); ok {
				found, s = &stampForms[i], got
				break
			}
		}
		if found == nil || found.name != c.form {
			t.Errorf("%q is taken for %v, want %s", c.line, found, c.form)
			continue
		}
		if got := canonical(reference.time(s.clock)); got != c.want {
			t.Errorf("%q: time %s, want %s", c.line, got, c.want)
		}
		if got := c.line[s.end:]; got != c.rest {
			t.Errorf("%q: rest %q, want %q", c.line, got, c.rest)
		}
	}
}

func TestStampFormsKnowTheirExample(t *testing.T) {
	for i, f := range stampForms {
		for j, g := range stampForms {
			if _, ok := g.find([]byte(f.example)); ok && j < i {
				t.Errorf("the example of %s is taken by %s before", f.name, g.name)
			} else if i == j && !ok {
				t.Errorf("%s does not recognise its example %q", f.name, f.example)
			}
		}
	}
}

func TestNoStamp(t *testing.T) {
	for _, line := range []string{
		"", " ", "plain words", "2016-12-19", "2016-13-19 20:43:21 x", "2016-12-32 20:43:21 x", "2023-02-29 00:00:00 x",
		"2016-12-19 24:43:21 x", "2016-12-19 20:60:21 x", "2016-12-19 20:43:21x", "20161-12-19 20:43:21 x", "[2016-12-19 20:43:21",
		"Jun 31 15:16:01 x", "Jux 14 15:16:01 x", "\tat kafka.Fetch(Fetch.scala:9)", "081109 253518 x", "081109 2035181 x",
		"123 45", "I1120 banana", "I am", "03-17 16:13", "Sun Dec 04", "100.200", "2023-11-2", "2023-11-20 1",
	} {
		for _, f := range stampForms {
			if _, ok := f.find([]byte(line)); ok {
				t.Errorf("%q is taken for a timestamp of the form %s", line, f.name)
			}
		}
	}
}

// TestYearIsTheLastThatFits holds that a date without a year is not in the future.
func TestYearIsTheLastThatFits(t *testing.T) {
	for _, c := range []struct{ latest, line, want string }{
		{"2026-01-02T00:00:00Z", "Dec 31 23:59:59 x", "2025-12-31T23:59:59.0000000Z"},
		{"2026-01-02T00:00:00Z", "Jan  1 00:00:00 x", "2026-01-01T00:00:00.0000000Z"},
		{"2026-01-02T00:00:00Z", "Jan  2 20:00:00 x", "2026-01-02T20:00:00.0000000Z"}, // a zone ahead
		{"2026-01-02T00:00:00Z", "Jan  4 00:00:00 x", "2025-01-04T00:00:00.0000000Z"},
		{"2025-03-01T00:00:00Z", "Feb 29 00:00:00 x", "2024-02-29T00:00:00.0000000Z"},
	} {
		latest, _, err := event.ParseTime([]byte(c.latest))
		if err != nil {
			t.Fatal(err)
		}
		s, ok := stampForms[2].find([]byte(c.line))
		if got := canonical(calendar{latest: time.Unix(0, latest)}.time(s.clock)); !ok || got != c.want {
			t.Errorf("%q in a file of %s: %s, want %s", c.line, c.latest, got, c.want)
		}
	}
}

func TestZoneOfTimesThatNameNone(t *testing.T) {
	c := reference
	c.zone = time.FixedZone("", 2*3600)
	for line, want := range map[string]string{
		"2016-12-19 20:43:21 x":  "2016-12-19T18:43:21.0000000Z",
		"2016-12-19 20:43:21Z x": "2016-12-19T20:43:21.0000000Z",
	} {
		s, _ := findISO([]byte(line))
		if got := canonical(c.time(s.clock)); got != want {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}

func TestParseEpoch(t *testing.T) {
	for _, c := range []struct {
		text     string
		presumed bool
		want     string // empty: no time
	}{
		{"1669575482.0968924", true, "2022-11-27T18:58:02.0968924Z"},
		{"1669575482", true, "2022-11-27T18:58:02.0000000Z"},
		{"1.669575482e9", true, "2022-11-27T18:58:02.0000000Z"},
		{"1446249499322", true, "2015-10-30T23:58:19.3220000Z"},
		{"1446249499322.5", true, "2015-10-30T23:58:19.3225000Z"},
		{"1698386133268880", true, "2023-10-27T05:55:33.2688800Z"},
		{"315532800000001", true, "1980-01-01T00:00:00.0000010Z"},
		{"1698386133268880123", true, "2023-10-27T05:55:33.268880123Z"},
		{"1698386133.1234567899999", true, "2023-10-27T05:55:33.123456789Z"},
		{"0.25", true, ""}, {"12", true, ""}, {"20230102", true, ""}, {"0", true, ""}, {"-1669575482", true, ""}, {"4102444801", true, ""},
		{"0", false, "1970-01-01T00:00:00.0000000Z"},
		{"12.5", false, "1970-01-01T00:00:12.5000000Z"},
		{"-1.5", false, "1969-12-31T23:59:58.5000000Z"},
		{"1e400", false, ""}, {"1e99999", false, ""}, {"99999999999999999999", false, ""}, {"", false, ""}, {"-", false, ""}, {".", false, ""},
		{"1e", false, ""}, {"1.2.3", false, ""}, {"12a", false, ""}, {"9223372036854775808", false, ""},
		{"9223372036854775807", false, "2262-04-11T23:47:16.854775807Z"},
	} {
		instant, ok := parseEpoch(c.text, c.presumed)
		got := ""
		if ok {
			got = string(event.AppendTime(nil, instant))
		}
		if got != c.want {
			t.Errorf("parseEpoch(%q, presumed %v) = %q, want %q", c.text, c.presumed, got, c.want)
		}
	}
}
