package server

import (
	"context"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// A queryGate lets so many queries run at once, for each takes all processors and memory of its own, and ingestion is to go on beside them. The others
// wait, in the order in which they came. Safe for concurrent use.
type queryGate struct {
	slots    chan struct{}
	patience time.Duration // how long one waits

	mu      sync.Mutex
	waiting int
}

// mostWaiting is how many queries wait; each holds a connection and its text.
const mostWaiting = 100

func newQueryGate(running int, patience time.Duration) *queryGate {
	return &queryGate{slots: make(chan struct{}, running), patience: patience}
}

// enter waits for a place; leave gives it back. Exhausted: there is none for too long, or too many wait. Canceled: ctx ended.
func (g *queryGate) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-g.slots }
	select {
	case g.slots <- struct{}{}:
		return leave, nil
	default:
	}
	busy := fault.New(fault.Exhausted, "", "%d queries are being run, and others wait", cap(g.slots)).
		WithHint("try again a little later; the server's setting queries allows more at once")
	g.mu.Lock()
	if g.waiting >= mostWaiting {
		g.mu.Unlock()
		return nil, busy
	}
	g.waiting++
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		g.waiting--
		g.mu.Unlock()
	}()
	late := time.NewTimer(g.patience)
	defer late.Stop()
	select {
	case g.slots <- struct{}{}:
		return leave, nil
	case <-late.C:
		return nil, busy
	case <-ctx.Done():
		return nil, fault.WrapAs(fault.Canceled, ctx.Err(), "", "the query was given up while it waited for others")
	}
}

// state says how many queries run and wait.
func (g *queryGate) state() (running, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.slots), g.waiting
}

// queryMeters are the metrics of queries.
type queryMeters struct {
	outcomes map[string]*metrics.Counter
	duration *metrics.Histogram
	scanned  *metrics.Counter
}

// queryOutcomes are how a query may end.
var queryOutcomes = []string{"answered", "invalid", "exhausted", "canceled", "failed"}

func newQueryMeters(set *metrics.Set) *queryMeters {
	m := &queryMeters{
		outcomes: map[string]*metrics.Counter{},
		duration: set.NewHistogram("stele_query_duration_seconds"),
		scanned:  set.NewCounter("stele_query_scanned_events_total"),
	}
	for _, o := range queryOutcomes {
		m.outcomes[o] = set.NewCounter(`stele_queries_total{outcome="` + o + `"}`)
	}
	return m
}

// watch adds what is running.
func (m *queryMeters) watch(set *metrics.Set, g *queryGate) {
	set.NewGauge("stele_queries_running", func() float64 { running, _ := g.state(); return float64(running) })
	set.NewGauge("stele_queries_waiting", func() float64 { _, waiting := g.state(); return float64(waiting) })
}

// ran counts what a query that was let in did.
func (m *queryMeters) ran(begun time.Time, s stele.QueryStatistics) {
	m.duration.UpdateDuration(begun)
	m.scanned.AddInt64(int64(s.Scanned))
}

func (m *queryMeters) ended(err error) {
	outcome := "failed"
	switch kind := stele.KindOf(err); {
	case err == nil || kind == fault.Corrupt: // what is damaged was passed over
		outcome = "answered"
	case kind == fault.Invalid || kind == fault.NotFound || kind == fault.TooLarge || kind == fault.Unsupported:
		outcome = "invalid"
	case kind == fault.Exhausted:
		outcome = "exhausted"
	case kind == fault.Canceled:
		outcome = "canceled"
	}
	m.outcomes[outcome].Inc()
}
