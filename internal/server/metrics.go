package server

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/stelehq/stele"
)

// meters are one server's metrics; several servers in a process do not share them.
type meters struct {
	requests  sync.Map // of requestMeters, by requestKey
	set       *metrics.Set
	protocols map[string]*protocolMeters // by protocol.name; never changed
	queries   *queryMeters
	bodyBytes *metrics.Counter
	streams   *atomic.Int64
	stats     statsCache
}

func newMeters() *meters {
	set := metrics.NewSet()
	m := &meters{
		set:       set,
		protocols: newProtocolMeters(set),
		queries:   newQueryMeters(set),
		bodyBytes: set.NewCounter("stele_http_request_body_bytes_total"),
		streams:   new(atomic.Int64),
	}
	set.NewGauge("stele_streams", func() float64 { return float64(m.streams.Load()) })
	return m
}

// request counts one answered request. The labels are patterns of the route table and
// statuses, so that no client can make many of them.
func (m *meters) request(r *http.Request, status int, began time.Time) {
	path, method := r.Pattern, r.Method
	if path == "" || path == "/" {
		path = "other"
	}
	switch method {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS":
	default:
		method = "other"
	}
	key := requestKey{method, path, status}
	known, ok := m.requests.Load(key)
	if !ok {
		r := requestMeters{total: m.set.GetOrCreateCounter(fmt.Sprintf(`stele_http_requests_total{method=%q,path=%q,status="%d"}`, method, path, status))}
		if path != "/api/events/stream" { // a stream's length is its client's choice
			r.duration = m.set.GetOrCreateHistogram(fmt.Sprintf(`stele_http_request_duration_seconds{path=%q}`, path))
		}
		known, _ = m.requests.LoadOrStore(key, r)
	}
	meters := known.(requestMeters)
	meters.total.Inc()
	if meters.duration != nil {
		meters.duration.UpdateDuration(began)
	}
}

type requestKey struct {
	method, path string
	status       int
}

// requestMeters count the requests of a key.
type requestMeters struct {
	total    *metrics.Counter
	duration *metrics.Histogram // nil: not measured
}

// statsCache asks a store for its statistics at most once for all gauges of one answer.
type statsCache struct {
	mu    sync.Mutex
	store *stele.Store
	stats stele.Stats
	at    time.Time
}

func (c *statsCache) get() stele.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.at) > time.Second {
		c.stats, c.at = c.store.Stats(), time.Now()
	}
	return c.stats
}

// watch adds the store's gauges.
func (m *meters) watch(store *stele.Store) {
	m.stats.store = store
	gauge := func(name string, value func(s *stele.Stats) int64) {
		m.set.NewGauge(name, func() float64 {
			s := m.stats.get()
			return float64(value(&s))
		})
	}
	gauge("stele_store_events", func(s *stele.Stats) int64 { return s.Events })
	gauge("stele_store_segments", func(s *stele.Stats) int64 { return s.Segments })
	gauge("stele_store_journal_events", func(s *stele.Stats) int64 { return s.JournalEvents })
	gauge("stele_store_documents", func(s *stele.Stats) int64 { return s.Documents })
	gauge("stele_store_segment_bytes", func(s *stele.Stats) int64 { return s.SegmentBytes })
	gauge("stele_store_sealed_bytes", func(s *stele.Stats) int64 { return s.SealedBytes })
	gauge("stele_store_compacted_bytes", func(s *stele.Stats) int64 { return s.CompactedBytes })
	gauge("stele_store_compactions", func(s *stele.Stats) int64 { return s.Compactions })
	gauge("stele_store_journal_bytes", func(s *stele.Stats) int64 { return s.JournalBytes })
	gauge("stele_store_document_bytes", func(s *stele.Stats) int64 { return s.DocumentBytes })
	gauge("stele_store_disk_bytes", func(s *stele.Stats) int64 { return s.DiskBytes })
	gauge("stele_store_hidden_events", func(s *stele.Stats) int64 { return s.HiddenEvents })
	gauge("stele_store_hidden_bytes", func(s *stele.Stats) int64 { return s.HiddenBytes })
	gauge("stele_store_pinned_bytes", func(s *stele.Stats) int64 { return s.PinnedBytes })
	gauge("stele_store_free_bytes", func(s *stele.Stats) int64 { return s.FreeBytes })
	gauge("stele_store_oldest_snapshot_seconds", func(s *stele.Stats) int64 { return int64(s.OldestSnapshot.Seconds()) })
	gauge("stele_store_snapshots", func(s *stele.Stats) int64 { return int64(s.Snapshots) })
	gauge("stele_store_damage", func(s *stele.Stats) int64 { return int64(len(s.Damage)) })
}

// writeMetrics gives the server's metrics.
//
//	GET /metrics
//	200 the text format of Prometheus
func (a *api) writeMetrics(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	a.meters.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
	return nil
}
