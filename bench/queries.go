package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/stelehq/stele/bench/meter"
)

// An asked question with what it took.
type asked struct {
	cold   float64   // ms, of the first one after a start with nothing in the page cache
	warm   []float64 // ms
	cpu    float64   // ms of the server, for each warm one
	bytes  int
	answer []string
}

// A respondent is a system that has been loaded with the events.
type respondent struct {
	sys    *system
	store  string
	ask    func(s *server, q *question) (bytes int, err error)
	answer func(s *server, q *question) ([]string, error)
}

const warmRuns = 5

// runQueries loads all systems, and asks each all questions: cold, once more, and then some times that count.
func runQueries(o options, t meter.Tools, work string) error {
	all := respondents(o, work)
	trace := ""
	for _, r := range all {
		events, err := t.Generate(o.events, r.sys.format, work)
		if err != nil {
			return err
		}
		if trace == "" {
			if trace, err = traceIn(events); err != nil {
				return err
			}
		}
		if err := r.load(o, t, events); err != nil {
			return fmt.Errorf("load %s: %w", r.sys.name, err)
		}
	}
	list := o.chosen(questions(trace))
	results := make([][]asked, len(all))
	for i := range list {
		for k, r := range all {
			a, err := r.put(&list[i], o)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", r.sys.name, list[i].name, err)
			}
			results[k] = append(results[k], a)
			fmt.Fprintf(os.Stderr, "%s %s: cold %.1f ms, warm %.2f ms, CPU %.1f ms, %d bytes\n", list[i].name, r.sys.name, a.cold, meter.Median(a.warm), a.cpu, a.bytes)
		}
	}
	printQueries(o, list, results)
	return nil
}

// chosen are the questions that are to be asked.
func (o options) chosen(list []question) []question {
	if o.only == "" {
		return list
	}
	only := regexp.MustCompile("^(" + o.only + ")$")
	return slices.DeleteFunc(list, func(q question) bool { return !only.MatchString(q.name) })
}

// respondents are Stele and, if it is there, VictoriaLogs.
func respondents(o options, work string) []*respondent {
	all := []*respondent{steleRespondent(o, work)}
	if o.victoriaLogs != "" {
		values := func(q *question) url.Values {
			v := url.Values{"query": {q.logsQL}}
			if q.limit != "" {
				v.Set("limit", q.limit)
			}
			return v
		}
		const path = "/select/logsql/query"
		all = append(all, &respondent{
			sys: victoriaLogs(o.victoriaLogs), store: filepath.Join(work, fmt.Sprintf("queries-victorialogs-%d", o.events)),
			ask: func(s *server, q *question) (int, error) { return s.drain(path, values(q)) },
			answer: func(s *server, q *question) ([]string, error) {
				body, err := s.get(path, values(q))
				if err != nil {
					return nil, err
				}
				return q.victoriaAnswer(body)
			},
		})
	}
	return all
}

// steleRespondent is Stele with the events in work.
func steleRespondent(o options, work string) *respondent {
	return &respondent{
		sys: theStele(o.stele), store: filepath.Join(work, fmt.Sprintf("queries-stele-%d", o.events)),
		ask: func(s *server, q *question) (int, error) { return s.drain(q.path, q.query) },
		answer: func(s *server, q *question) ([]string, error) {
			body, err := s.get(q.path, q.query)
			if err != nil {
				return nil, err
			}
			return q.steleAnswer(body)
		},
	}
}

// load fills the respondent's store, unless a run before has left it there. Events that are in no file ("") are made meanwhile.
func (r *respondent) load(o options, t meter.Tools, events string) error {
	whole := r.store + ".whole"
	if _, err := os.Stat(whole); err == nil {
		return nil
	}
	if err := os.RemoveAll(r.store); err != nil {
		return err
	}
	s, err := r.sys.start(r.store)
	if err != nil {
		return err
	}
	defer s.kill()
	var feed *exec.Cmd
	if events == "" {
		events, feed = "/dev/stdin", t.Generator(o.events, r.sys.format)
	}
	if _, err := s.load(t.Load, r.sys.ingest, events, feed, o.bodies()...); err != nil {
		return err
	}
	if err := r.sys.settle(s); err != nil {
		return err
	}
	if err := r.sys.holds(s, o.events); err != nil {
		return err
	}
	if err := s.stop(); err != nil {
		return err
	}
	if r.sys.finish != nil {
		if err := r.sys.finish(r.store); err != nil {
			return err
		}
	}
	return os.WriteFile(whole, nil, 0o644)
}

// put asks one question of a server that was just started.
func (r *respondent) put(q *question, o options) (a asked, err error) {
	if err := forgetFiles(); err != nil {
		return a, err
	}
	meter.Idle(o.patience)
	s, err := r.sys.start(r.store)
	if err != nil {
		return a, err
	}
	defer s.kill()
	time.Sleep(200 * time.Millisecond) // what a start does beside is done
	timed := func() (ms float64, err error) {
		begun := time.Now()
		a.bytes, err = r.ask(s, q)
		return time.Since(begun).Seconds() * 1e3, err
	}
	if a.cold, err = timed(); err != nil {
		return a, err
	}
	if _, err := timed(); err != nil {
		return a, err
	}
	before := s.cpu()
	for range warmRuns {
		ms, err := timed()
		if err != nil {
			return a, err
		}
		a.warm = append(a.warm, ms)
	}
	a.cpu = (s.cpu() - before) * 1e3 / warmRuns
	if a.answer, err = r.answer(s, q); err != nil {
		return a, err
	}
	return a, s.stop()
}

// forgetFiles has the kernel let go of what it keeps of files. Without the right to ask for that, cold means newly started only.
func forgetFiles() error {
	if err := exec.Command("sync").Run(); err != nil {
		return err
	}
	err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3\n"), 0o200)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// drain reads an answer to its end and counts its bytes.
func (s *server) drain(path string, query url.Values) (n int, err error) {
	err = s.read(path, query, func(part []byte) { n += len(part) })
	return n, err
}

// traceIn returns a trace of the middle of the events.
func traceIn(events string) (string, error) {
	f, err := os.Open(events)
	if err != nil {
		return "", err
	}
	defer f.Close()
	size, err := f.Seek(0, 2)
	if err != nil {
		return "", err
	}
	part := make([]byte, 64<<10)
	n, _ := f.ReadAt(part, size/2)
	found := regexp.MustCompile(`"TraceId":"([0-9a-f]{32})"`).FindSubmatch(part[:n])
	if found == nil {
		return "", fmt.Errorf("no trace in the middle of %s", events)
	}
	return string(found[1]), nil
}

func printQueries(o options, list []question, results [][]asked) {
	fmt.Printf("%s. %s events; medians of %d warm ones (least–most).\n\n", meter.Machine(), meter.Number(float64(o.events), 0), warmRuns)
	two := len(results) > 1
	header := []string{"", "", "Stele cold ms", "warm ms", "CPU ms"}
	if two {
		header = append(header, "VictoriaLogs 1.26 cold ms", "warm ms", "CPU ms", "times faster cold", "warm", "answers")
	}
	var table [][]string
	var logCold, logWarm float64
	for i := range list {
		ours := &results[0][i]
		line := []string{list[i].name, list[i].about, meter.Number(ours.cold, 1), meter.Spread(ours.warm, 1), meter.Number(ours.cpu, 1)}
		if two {
			theirs := &results[1][i]
			cold, warm := theirs.cold/ours.cold, meter.Median(theirs.warm)/meter.Median(ours.warm)
			logCold, logWarm = logCold+math.Log(cold), logWarm+math.Log(warm)
			line = append(line, meter.Number(theirs.cold, 1), meter.Spread(theirs.warm, 1), meter.Number(theirs.cpu, 1),
				fmt.Sprintf("%.1f", cold), fmt.Sprintf("%.1f", warm), compared(&list[i], ours.answer, theirs.answer))
		} else {
			line = append(line, fmt.Sprint(len(ours.answer)))
		}
		table = append(table, line)
	}
	meter.Table(os.Stdout, header, table)
	if n := float64(len(list)); two && n > 0 {
		fmt.Printf("\nGeometric mean: %.1f times faster cold, %.1f warm.\n", math.Exp(logCold/n), math.Exp(logWarm/n))
	}
}

// compared says whether two answers are the same.
func compared(q *question, ours, theirs []string) string {
	switch {
	case slices.Equal(ours, theirs):
		return "same"
	case q.sampled && len(ours) == len(theirs):
		return "theirs is a sample"
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s: ours has %d rows, theirs %d\n", q.name, len(ours), len(theirs))
	for i := range min(len(ours), len(theirs), 5) {
		fmt.Fprintf(&text, "  %s | %s\n", ours[i], theirs[i])
	}
	os.Stderr.Write(text.Bytes())
	return "DIFFERENT"
}
