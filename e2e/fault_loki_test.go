package e2e

import (
	"testing"
	"time"
)

func TestClientFaultsWinstonLoki(t *testing.T) {
	start := func(t *testing.T, url string, own bool) client {
		options := `{"interval": 0.05}`
		if !own {
			// It keeps what it could not send and tries again after a minute, which cannot be set: the
			// driver sets the field that holds it, and changes nothing else.
			options = `{"interval": 0.05, "minute": 100}`
		}
		return drive(t, "winston-loki", url, options)
	}
	measure(t, subject{
		name: "winston-loki 6.1.7", start: start, waits: 5 * time.Minute,
		impatience: [2]time.Duration{5 * time.Second, 5 * time.Second}, endless: []string{"400", "413", "503 for good"},
		want: []conduct{{4, 1, true}, {4, 1, true}, {2, 1, true}, {4, 1, true}, {2, 1, true}, {2, 1, true}, {1, 1, true}},
	})
}

func TestClientFaultsPinoLoki(t *testing.T) {
	measure(t, subject{
		name: "pino-loki 3.0.0", start: driving("pino-loki", `{"timeout": 3000}`), waits: 90 * time.Second,
		impatience: [2]time.Duration{3 * time.Second, 30 * time.Second},
		want:       []conduct{{1, 0, true}, {1, 0, true}, {1, 0, true}, {1, 0, true}, {1, 1, true}, {1, 1, true}, {0, 0, true}},
	})
}

func TestClientRestartPinoLoki(t *testing.T) { acrossRestarts(t, "pino-loki", `{"timeout": 3000}`) }
