package e2e

import (
	"testing"
	"time"
)

const seqQuick = `{"requestTimeout": 3000, "retryDelay": 200, "maxBatchingTime": 60000}`

// The loggers of Seq for JavaScript share seq-logging, and do the same.
var seqConduct = []conduct{
	{1, 0, true},
	{1, 0, true},
	{2, 1, false},
	{5, 0, true},
	{2, 2, true},
	{1, 1, true},
	{0, 0, true},
}

func seqSubject(name, driver string) subject {
	return subject{
		name: name, start: driving(driver, seqQuick), waits: 90 * time.Second,
		impatience: [2]time.Duration{3 * time.Second, 30 * time.Second}, want: seqConduct,
	}
}

func TestClientFaultsSeqLogging(t *testing.T) {
	measure(t, seqSubject("seq-logging 3.2.0", "seq-logging"))
}
func TestClientFaultsPinoSeq(t *testing.T) { measure(t, seqSubject("pino-seq 4.0.0", "pino-seq")) }
func TestClientFaultsWinstonSeq(t *testing.T) {
	measure(t, seqSubject("winston-seq 3.0.1", "winston-seq"))
}
