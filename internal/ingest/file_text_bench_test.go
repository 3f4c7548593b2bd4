package ingest

import (
	"bytes"
	"strings"
	"testing"
)

// BenchmarkText reads 8 MB of one kind of line.
func BenchmarkText(b *testing.B) {
	for _, c := range []struct{ name, lines string }{
		{"log4j", "2026-11-19 18:01:47,978 INFO [main] org.example.mapreduce.v2.app.Master: Created the master for application attempt_1445144423722_0020_000001\n"},
		{"log4j-traces", "2026-11-19 18:01:47,978 ERROR [main] org.example.app.Master - it broke\njava.io.IOException: gone\n\tat org.example.app.Master.run(Master.java:17)\n\tat org.example.app.Main.main(Main.java:3)\n"},
		{"apache-error", "[Wed Nov 18 14:32:52.123456 2026] [core:error] [pid 35708:tid 4328636416] [client 10.0.0.9:123] AH00135: Invalid method in request \\x16\\x03, referer: http://example.com/\n"},
		{"nginx-error", "2026/11/19 15:04:06 [error] 12#12: *3 open() \"/srv/a\" failed (2: No such file), client: 10.0.0.1, server: example.com, request: \"GET /a HTTP/1.1\", host: \"example.com\"\n"},
		{"syslog", "Nov 19 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=218.188.2.4\n"},
		{"generic", "2026-11-19T15:16:01.123Z a line of text that has a timestamp in front, and nothing else that would be known of it\n"},
		{"plain", "a line of text without a timestamp of which nothing is known so that it is an event by itself at the time of reading\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			text := []byte(strings.Repeat(c.lines, 8<<20/len(c.lines)))
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			events := int64(0)
			for b.Loop() {
				r := NewFileReader(bytes.NewReader(text), FileOptions{Patient: true, Now: testNow, Modified: testNow})
				for r.Next() {
				}
				events += r.Report().Events
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
