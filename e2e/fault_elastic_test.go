package e2e

import (
	"testing"
	"time"
)

const elasticQuick = `{"requestTimeout": 3000}`

func TestClientFaultsElasticsearch(t *testing.T) {
	measure(t, subject{
		name: "@elastic/elasticsearch 9.4.3", start: driving("elasticsearch", elasticQuick), waits: 90 * time.Second,
		impatience: [2]time.Duration{3 * time.Second, 30 * time.Second},
		want:       []conduct{{1, 0, true}, {1, 0, true}, {2, 1, false}, {4, 0, true}, {1, 1, true}, {2, 2, false}, {1, 1, false}},
	})
}

func TestClientRestartElasticsearch(t *testing.T) { acrossRestarts(t, "elasticsearch", elasticQuick) }
