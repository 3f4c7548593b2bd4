package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/ingest"
)

// summary is what is told when files have been stored. Its methods may be called
// concurrently.
type summary struct {
	began time.Time

	mu      sync.Mutex
	files   []*fileSummary
	stored  int64
	refused int64
	reasons []reason // of the first refused lines
}

// fileSummary is one file's part; its summary's mutex guards it.
type fileSummary struct {
	sum           *summary
	name          string
	report        ingest.FileReport
	stored        int64
	first, last   int64
	timed, opened bool
}

// reason is why a line was left out.
type reason struct {
	file         *fileSummary
	line, offset int64
	why          string
}

const shownReasons = 10

func newSummary(now time.Time) *summary { return &summary{began: now} }

func (s *summary) file(name string) *fileSummary {
	f := &fileSummary{sum: s, name: name}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, f)
	return f
}

func (f *fileSummary) read(r ingest.FileReport) {
	f.sum.mu.Lock()
	defer f.sum.mu.Unlock()
	f.report, f.opened = r, true
}

// store notes that a batch was stored but for what was refused.
func (s *summary) store(b *outgoing, refused refusals) {
	for _, r := range refused.lines {
		at := b.place(r.line)
		s.refuse(b.file, at.line, at.offset, r.why)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused += int64(refused.count - len(refused.lines))
	n := int64(b.lines - refused.count)
	s.stored += n
	f := b.file
	f.stored += n
	for _, p := range b.places {
		if !p.timed {
			continue
		}
		if !f.timed || p.instant < f.first {
			f.first = p.instant
		}
		if !f.timed || p.instant > f.last {
			f.last = p.instant
		}
		f.timed = true
	}
}

// refuse notes a line that was left out.
func (s *summary) refuse(f *fileSummary, line, offset int64, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused++
	if len(s.reasons) < shownReasons {
		s.reasons = append(s.reasons, reason{f, line, offset, why})
	}
}

func (s *summary) total() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored
}

// print tells what was stored on standard output, and what was not on standard error.
func (s *summary) print(to streams, quiet bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !quiet {
		for _, f := range s.files {
			if f.opened && f.report.Format != "" {
				f.print(to.out)
			}
		}
	}
	if s.refused > 0 {
		fmt.Fprintf(to.err, "%s refused:\n", counted(s.refused, "line"))
		slices.SortStableFunc(s.reasons, func(a, b reason) int {
			return cmp.Or(cmp.Compare(slices.Index(s.files, a.file), slices.Index(s.files, b.file)), cmp.Compare(a.line, b.line))
		})
		for _, r := range s.reasons {
			fmt.Fprintf(to.err, "  %s line %d (byte %d): %s\n", r.file.name, r.line, r.offset, r.why)
		}
		if more := s.refused - int64(len(s.reasons)); more > 0 {
			fmt.Fprintf(to.err, "  and %s more\n", count(more))
		}
	}
	if !quiet {
		took := max(time.Since(s.began), time.Millisecond)
		fmt.Fprintf(to.out, "stored %s in %.1f s (%s events/s)\n", counted(s.stored, "event"), took.Seconds(), count(int64(float64(s.stored)/took.Seconds())))
	}
}

func (f *fileSummary) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s, %s", f.name, counted(f.stored, "event"), f.report.Format)
	if f.timed {
		fmt.Fprintf(w, ", %s to %s", shortTime(f.first), shortTime(f.last))
	}
	fmt.Fprintln(w)
	if n := f.report.Undated; n > 0 {
		fmt.Fprintf(w, "  %s without a time got that of the event next to it, or of now\n", counted(n, "event"))
	}
	if n := f.report.Replaced; n > 0 {
		fmt.Fprintf(w, "  %s had bytes that are not UTF-8, replaced by U+FFFD\n", counted(n, "event"))
	}
}

// shortTime renders an instant to the second.
func shortTime(instant int64) string {
	return string(event.AppendTime(nil, instant)[:19]) + "Z"
}

// progress is a bar on a terminal. Elsewhere only a wait is told, once.
type progress struct {
	w      io.Writer // nil: quiet
	told   bool
	bar    *progressbar.ProgressBar
	events int64
	shown  time.Time
	began  time.Time
}

func newProgress(w io.Writer, files []string, quiet bool) *progress {
	p := &progress{began: time.Now()}
	if quiet {
		return p
	}
	if p.w = w; !isTerminal(w) {
		return p
	}
	total := int64(0)
	for _, name := range files {
		info, err := os.Stat(name)
		if name == "-" || err != nil || !info.Mode().IsRegular() {
			total = -1 // unknown
			break
		}
		total += info.Size()
	}
	p.bar = progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true), progressbar.OptionShowTotalBytes(true), progressbar.OptionUseIECUnits(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30),
		progressbar.OptionSetRenderBlankState(true), progressbar.OptionSetPredictTime(total > 0))
	return p
}

// reader counts what is read of a file.
func (p *progress) reader(r io.Reader) io.Reader {
	if p.bar == nil {
		return r
	}
	return io.TeeReader(r, p.bar)
}

// event counts an event and tells the rate now and then.
func (p *progress) event() {
	p.events++
	if p.bar == nil || p.events%1024 != 0 || time.Since(p.shown) < 200*time.Millisecond {
		return
	}
	p.shown = time.Now()
	rate := float64(p.events) / max(time.Since(p.began).Seconds(), 0.001)
	p.bar.Describe(fmt.Sprintf("%s events, %s/s", count(p.events), count(int64(rate))))
}

// waiting says why nothing moves, and for how long at most.
func (p *progress) waiting(err error, most time.Duration) {
	why := strings.SplitN(explain(err), " (", 2)[0]
	switch {
	case p.bar != nil:
		p.bar.Describe("waiting: " + why)
	case p.w != nil && !p.told:
		p.told = true
		fmt.Fprintf(p.w, "stele: %s; trying again for %s\n", why, most)
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
