package syslog

import (
	"testing"
	"time"
)

func BenchmarkCLEF(b *testing.B) {
	for name, text := range map[string]string{
		"RFC5424": `<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog 8710 ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] An application event log entry`,
		"RFC3164": `<18>Oct 11 22:14:15 mymachine sshd[19939]: authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=192.0.2.4`,
	} {
		b.Run(name, func(b *testing.B) {
			var d Decoder
			received := time.Now()
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				d.CLEF([]byte(text), received, "192.0.2.9")
			}
		})
	}
}
