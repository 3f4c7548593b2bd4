package e2e

import (
	"testing"
	"time"
)

func TestClientFaultsElasticsearch(t *testing.T) {
	measure(t, subject{
		name: "@elastic/elasticsearch 9.4.3", start: driving("elasticsearch", "{}"), waits: 90 * time.Second,
		impatience: [2]time.Duration{2 * time.Second, 30 * time.Second}, // it has none unless it is given a requestTimeout
		want:       []conduct{{1, 0, true}, {1, 0, true}, {2, 1, false}, {4, 0, true}, {1, 1, false}, {2, 2, false}, {1, 1, false}},
	})
}

func TestClientRestartElasticsearch(t *testing.T) { acrossRestarts(t, "elasticsearch", "{}") }
