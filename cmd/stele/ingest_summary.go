package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
)

// summary is what is told when files have been stored. Its methods may be called
// concurrently.
type summary struct {
	began time.Time
	keep  *refusedFile // of what is refused; nil: nobody asked

	mu       sync.Mutex
	files    []*fileSummary
	stored   int64
	refused  int64
	reasons  []refusal // of the first refused lines
	failures []error
	skipped  []skipped
}

// fileSummary is one file's part; its summary's mutex guards it.
type fileSummary struct {
	sum           *summary
	name          string
	report        ingest.FileReport
	stored        int64
	refused       int64
	refusal       refusal // the first
	first, last   int64
	timed, opened bool
}

// skipped is a file in a directory that was not read.
type skipped struct{ what, name string }

const (
	shownReasons  = 10
	shownFiles    = 20 // more of them are summed up
	shownFailures = 20
)

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

// fail notes why a file is not stored, or not whole.
func (s *summary) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, err)
}

// skip notes a file in a directory that is not meant to be read.
func (s *summary) skip(what, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skipped = append(s.skipped, skipped{what, name})
}

// store notes that a batch was stored but for what was refused.
func (s *summary) store(b *outgoing, refused refusals) {
	for _, r := range refused.lines {
		at, text := b.place(r.line)
		s.refuse(refusal{at.file, at.line, at.offset, r.why, text})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused += int64(refused.count - len(refused.lines))
	s.stored += int64(b.lines - refused.count)
	for _, p := range b.places {
		f := p.file
		f.stored++
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
	for _, r := range refused.lines {
		if at, _ := b.place(r.line); at.file != nil {
			at.file.stored--
		}
	}
}

// refuse notes a line that was left out.
func (s *summary) refuse(r refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused++
	if r.file.refused++; r.file.refused == 1 {
		r.file.refusal = r
		r.file.refusal.text = nil
	}
	if s.keep != nil {
		s.keep.add(r)
	}
	if r.text = nil; len(s.reasons) < shownReasons {
		s.reasons = append(s.reasons, r)
	}
}

func (s *summary) total() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored
}

// code is what the command is to end with.
func (s *summary) code() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.failures) > 0:
		return exitCode(fault.KindOf(s.failures[0]).ExitCode())
	case s.refused > 0:
		return exitCode(fault.Invalid.ExitCode())
	}
	return nil
}

// print tells what was stored on standard output, and what was not on standard error.
func (s *summary) print(to streams, quiet bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !quiet {
		var read []*fileSummary
		for _, f := range s.files {
			if f.opened && f.report.Format != "" {
				read = append(read, f)
			}
		}
		if len(read) <= shownFiles {
			for _, f := range read {
				f.print(to.out)
			}
		} else {
			printMany(to.out, read)
		}
		s.printSkipped(to.out)
	}
	s.printRefused(to.err)
	for i, err := range s.failures {
		if i == shownFailures {
			fmt.Fprintf(to.err, "stele: and %s more\n", counted(int64(len(s.failures)-i), "failure"))
			break
		}
		report(to.err, err)
	}
	if !quiet {
		took := max(time.Since(s.began), time.Millisecond)
		fmt.Fprintf(to.out, "stored %s in %.1f s (%s events/s)\n", counted(s.stored, "event"), took.Seconds(), count(int64(float64(s.stored)/took.Seconds())))
	}
}

func (s *summary) printRefused(w io.Writer) {
	if s.refused == 0 {
		return
	}
	kept := ""
	if s.keep != nil {
		kept = ", kept in " + s.keep.name
	}
	fmt.Fprintf(w, "%s refused%s:\n", counted(s.refused, "line"), kept)
	order := func(f *fileSummary) int { return slices.Index(s.files, f) }
	var shown int64
	if len(s.files) > shownFiles {
		for _, f := range s.files {
			if f.refused > 0 && shown < shownReasons {
				fmt.Fprintf(w, "  %s: %s, first line %d (byte %d): %s\n", f.name, count(f.refused), f.refusal.line, f.refusal.offset, f.refusal.why)
			}
			if f.refused > 0 {
				shown++
			}
		}
		if shown > shownReasons {
			fmt.Fprintf(w, "  and of %s more\n", counted(shown-shownReasons, "file"))
		}
		return
	}
	slices.SortStableFunc(s.reasons, func(a, b refusal) int {
		return cmp.Or(cmp.Compare(order(a.file), order(b.file)), cmp.Compare(a.line, b.line))
	})
	for _, r := range s.reasons {
		fmt.Fprintf(w, "  %s line %d (byte %d): %s\n", r.file.name, r.line, r.offset, r.why)
	}
	if more := s.refused - int64(len(s.reasons)); more > 0 {
		fmt.Fprintf(w, "  and %s more\n", count(more))
	}
}

// printSkipped has one line for each reason, with the first names.
func (s *summary) printSkipped(w io.Writer) {
	for _, what := range []string{"hidden", "binary", "a store"} {
		var names []string
		for _, one := range s.skipped {
			if one.what == what {
				names = append(names, one.name)
			}
		}
		if len(names) == 0 {
			continue
		}
		more := ""
		if len(names) > 3 {
			more = fmt.Sprintf(" and %s more", count(int64(len(names)-3)))
		}
		fmt.Fprintf(w, "skipped as %s: %s%s\n", what, strings.Join(names[:min(3, len(names))], ", "), more)
	}
}

func (f *fileSummary) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s, %s", f.name, counted(f.stored, "event"), f.report.Format)
	if f.timed {
		fmt.Fprintf(w, ", %s to %s", shortTime(f.first), shortTime(f.last))
	}
	fmt.Fprintln(w)
	printNotes(w, f.report)
}

// printMany sums files up by what they were taken for.
func printMany(w io.Writer, files []*fileSummary) {
	type group struct {
		format string
		files  int64
		fileSummary
	}
	var groups []*group
	for _, f := range files {
		format, _, _ := strings.Cut(f.report.Format, " (")
		i := slices.IndexFunc(groups, func(g *group) bool { return g.format == format })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{format: format})
		}
		g := groups[i]
		g.files++
		g.stored += f.stored
		g.report = addReports(g.report, f.report)
		if f.timed {
			if !g.timed || f.first < g.first {
				g.first = f.first
			}
			if !g.timed || f.last > g.last {
				g.last = f.last
			}
			g.timed = true
		}
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(b.stored, a.stored) })
	var all ingest.FileReport
	var stored int64
	for _, g := range groups {
		fmt.Fprintf(w, "%s, %s: %s", counted(g.files, "file"), g.format, counted(g.stored, "event"))
		if g.timed {
			fmt.Fprintf(w, ", %s to %s", shortTime(g.first), shortTime(g.last))
		}
		fmt.Fprintln(w)
		all = addReports(all, g.report)
		stored += g.stored
	}
	if len(groups) > 1 {
		fmt.Fprintf(w, "%s: %s\n", counted(int64(len(files)), "file"), counted(stored, "event"))
	}
	printNotes(w, all)
}

func addReports(a, b ingest.FileReport) ingest.FileReport {
	a.Events += b.Events
	a.Undated += b.Undated
	a.Replaced += b.Replaced
	a.Bytes += b.Bytes
	a.Lines += b.Lines
	a.Blank += b.Blank
	a.Joined += b.Joined
	a.Skipped += b.Skipped
	a.Refused += b.Refused
	return a
}

// printNotes accounts for every line, unless each is an event, and tells what was done to events.
func printNotes(w io.Writer, r ingest.FileReport) {
	var lines []string
	for _, part := range []struct {
		n    int64
		what string
	}{{r.Joined, "joined to the line before"}, {r.Skipped, "of headers and comments"}, {r.Blank, "blank"}, {r.Refused, "refused"}} {
		if part.n > 0 {
			lines = append(lines, count(part.n)+" "+part.what)
		}
	}
	if len(lines) > 0 {
		fmt.Fprintf(w, "  of %s %s\n", counted(r.Lines, "line"), strings.Join(lines, ", "))
	}
	if n := r.Undated; n > 0 {
		fmt.Fprintf(w, "  %s without a time got that of the event next to it, or of now\n", counted(n, "event"))
	}
	if n := r.Replaced; n > 0 {
		fmt.Fprintf(w, "  %s had bytes that are not UTF-8, replaced by U+FFFD\n", counted(n, "event"))
	}
}

// shortTime renders an instant to the second.
func shortTime(instant int64) string {
	return string(event.AppendTime(nil, instant)[:19]) + "Z"
}
