package stele

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/plan"
	"github.com/stelehq/stele/internal/query/syntax"
)

// Rows that explain a query: a row for each stage, from the events to the result.

var explainColumns = map[syntax.Explain][]string{
	syntax.ExplainPlan:    {"Stage", "Detail"},
	syntax.ExplainAnalyze: {"Stage", "Detail", "Count", "Milliseconds"},
	syntax.ExplainLower:   {"Query"},
}

func (r *Rows) explains() bool { return r.query.p.Explain() != syntax.ExplainNone && !r.measured() }

// measured says that these rows are the query's own, of which others tell.
func (r *Rows) measured() bool { return r.watch != nil }

// A stopwatch notes how long each stage takes.
type stopwatch struct {
	last  time.Time
	spent map[string]time.Duration
}

// lap says that the time since the last lap went to a stage.
func (w *stopwatch) lap(stage string) {
	if w != nil {
		now := time.Now()
		w.spent[stage] += now.Sub(w.last)
		w.last = now
	}
}

// add says that some time, of several workers side by side, went to a stage.
func (w *stopwatch) add(stage string, d time.Duration) {
	if w != nil {
		w.spent[stage] += d
	}
}

func (r *Rows) explain() {
	switch r.query.p.Explain() {
	case syntax.ExplainLower:
		r.ready = [][]Value{{event.StringValue(r.query.p.String())}}
	case syntax.ExplainPlan:
		for _, s := range r.run.Stages() {
			r.ready = append(r.ready, []Value{event.StringValue(s.Name), event.StringValue(s.Detail)})
		}
	case syntax.ExplainAnalyze:
		r.analyze()
	}
}

// analyze runs the query and tells what that took.
func (r *Rows) analyze() {
	own := *r
	own.watch = &stopwatch{last: time.Now(), spent: map[string]time.Duration{}}
	own.started = false
	rows := uint64(0)
	for own.Next() {
		rows++
	}
	if r.stats, r.err = own.stats, own.err; r.failed() {
		return
	}
	stats := own.Statistics()
	stages := r.run.Stages()
	lastFilter := -1
	for i, s := range stages {
		if s.Name == "filter" {
			lastFilter = i
		}
	}
	for i, s := range stages {
		var count Value
		switch {
		case s.Name == plan.StageRead:
			count = countValue(stats.Scanned)
			if r.counts != nil || r.blocks != nil {
				s.Detail += fmt.Sprintf("; %d blocks by their columns, %d passed over", stats.Blocks, stats.Skipped)
			}
		case i == lastFilter:
			count = countValue(stats.Matched)
		case i == len(stages)-1:
			count = countValue(rows)
		}
		var took Value
		if d, ok := own.watch.spent[s.Name]; ok {
			took = millisValue(d)
		}
		r.ready = append(r.ready, []Value{event.StringValue(s.Name), event.StringValue(s.Detail), count, took})
	}
	r.ready = append(r.ready, []Value{event.StringValue("total"), {}, {}, millisValue(stats.Elapsed)})
}

func countValue(n uint64) Value { return event.NumberValue(strconv.FormatUint(n, 10)) }

func millisValue(d time.Duration) Value {
	return event.NumberValue(strings.TrimSuffix(strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 3, 64), ".000"))
}
