package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/stelehq/stele/bench/meter"
)

// mixedQuestions are asked in turn, of the events that were there before.
var mixedQuestions = []string{"q1", "q2", "q5", "q6", "q7", "q8", "q9", "q10", "q11", "q12"}

// An asking is what a client saw that asked one question after the other.
type asking struct {
	ms  []float64 // of each
	err error
}

// medians are those of each of so many questions that were asked in turn.
func (s *asking) medians(questions int) []float64 {
	all := make([]float64, questions)
	for q := range all {
		var ms []float64
		for i := q; i < len(s.ms); i += questions {
			ms = append(ms, s.ms[i])
		}
		all[q] = meter.Median(ms)
	}
	return all
}

// p95 is the 95th percentile by nearest rank.
func (s *asking) p95() float64 {
	return slices.Sorted(slices.Values(s.ms))[max(0, (len(s.ms)*95+99)/100-1)]
}

// runMixed loads a store, then measures how fast it takes in more events, how fast it answers, and both side by side.
func runMixed(o options, t meter.Tools, work string) error {
	sys := theStele(o.stele)
	events, err := t.Generate(o.events, sys.format, work)
	if err != nil {
		return err
	}
	r := &respondent{sys: sys, store: filepath.Join(work, fmt.Sprintf("queries-stele-%d", o.events))}
	if err := r.load(o, t, events); err != nil {
		return err
	}
	trace, err := traceIn(events)
	if err != nil {
		return err
	}
	list := questions(trace)
	list = slices.DeleteFunc(list, func(q question) bool { return !slices.Contains(mixedQuestions, q.name) })
	for i := range list { // what is loaded beside is of a later month
		if list[i].path == "/api/data" {
			list[i].query.Set("rangeEndUtc", "2025-06-30T00:00:00Z")
		} else {
			list[i].query.Set("toDateUtc", "2025-06-30T00:00:00Z")
		}
	}
	more := o.more
	if more == 0 {
		more = o.events * 2 // long enough for many questions
	}
	later, err := t.GenerateFrom(more, sys.format, "2025-07-01T00:00:00Z", work)
	if err != nil {
		return err
	}
	var table [][]string
	for run := range o.runs {
		rate, alone, p95, beside, err := mix(o, t, r, list, later, more)
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "run %d: ingestion %.0f alone, %.0f beside; 95th percentile %.1f ms alone, %.1f beside\n", run+1, rate, beside.rate, alone.p95(), p95.p95())
		ownMedians, besideMedians := alone.medians(len(list)), p95.medians(len(list))
		for i, q := range list {
			fmt.Fprintf(os.Stderr, "  %s: median %.1f ms alone, %.1f beside\n", q.name, ownMedians[i], besideMedians[i])
		}
		table = append(table, []string{strconv.Itoa(run + 1), meter.Number(rate, 0), meter.Number(beside.rate, 0), fmt.Sprintf("%.2f", beside.rate/rate),
			meter.Number(alone.p95(), 1), meter.Number(p95.p95(), 1), fmt.Sprintf("%.2f", p95.p95()/alone.p95()), strconv.Itoa(len(p95.ms))})
	}
	fmt.Printf("%s. %s events in the store, %s more taken in on %d connections; one client asks %d questions in turn.\n\n", meter.Machine(), meter.Number(float64(o.events), 0), meter.Number(float64(more), 0), o.conns, len(list))
	meter.Table(os.Stdout, []string{"run", "ingestion alone, events/s", "beside queries", "ratio (wanted ≥ 0.5)", "95th percentile alone, ms", "beside ingestion", "ratio (wanted ≤ 4)", "queries beside"}, table)
	return nil
}

func mix(o options, t meter.Tools, r *respondent, list []question, later string, more int) (rate float64, alone, beside asking, both loaded, err error) {
	store := r.store + "-mixed"
	defer os.RemoveAll(store)
	fresh := func() (*server, error) {
		if err := os.RemoveAll(store); err != nil {
			return nil, err
		}
		if out, err := exec.Command("cp", "-r", r.store, store).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("copy the store: %w: %s", err, out)
		}
		meter.Idle(o.patience)
		return r.sys.start(store)
	}
	s, err := fresh()
	if err != nil {
		return 0, alone, beside, both, err
	}
	defer func() { s.kill() }()
	ask := func(until func() bool) (st asking) {
		for i := 0; !until(); i++ {
			q := &list[i%len(list)]
			begun := time.Now()
			if _, st.err = s.drain(q.path, q.query); st.err != nil {
				return st
			}
			st.ms = append(st.ms, time.Since(begun).Seconds()*1e3)
		}
		return st
	}
	rounds := func(n int) func() bool {
		left := n * len(list)
		return func() bool { left--; return left < 0 }
	}
	if st := ask(rounds(2)); st.err != nil { // warm up
		return 0, alone, beside, both, st.err
	}
	if alone = ask(rounds(10)); alone.err != nil {
		return 0, alone, beside, both, alone.err
	}
	l, err := s.load(t.Load, r.sys.ingest, later, nil, o.bodies()...)
	if err != nil {
		return 0, alone, beside, both, err
	}
	rate = l.rate
	if err := s.stop(); err != nil {
		return 0, alone, beside, both, err
	}
	if s, err = fresh(); err != nil {
		return 0, alone, beside, both, err
	}
	if st := ask(rounds(2)); st.err != nil {
		return 0, alone, beside, both, st.err
	}
	done := make(chan error, 1)
	go func() {
		var err error
		both, err = s.load(t.Load, r.sys.ingest, later, nil, o.bodies()...)
		done <- err
	}()
	ended := false
	beside = ask(func() bool {
		select {
		case err = <-done:
			ended = true
		default:
		}
		return ended
	})
	if !ended {
		err = <-done
	}
	if err == nil {
		err = beside.err
	}
	if err != nil {
		return 0, alone, beside, both, err
	}
	return rate, alone, beside, both, s.stop()
}
