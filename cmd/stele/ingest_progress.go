package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress is a bar on a terminal. Elsewhere only a wait is told, once.
type progress struct {
	w      io.Writer // nil: quiet
	told   bool
	bar    *progressbar.ProgressBar
	events int64
	shown  time.Time
	began  time.Time
}

// newProgress shows how much of total bytes was read; -1 is unknown.
func newProgress(w io.Writer, total int64, quiet bool) *progress {
	p := &progress{began: time.Now()}
	if quiet {
		return p
	}
	if p.w = w; !isTerminal(w) {
		return p
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

// waiting says why nothing moves, and for how long at most; 0 is without end.
func (p *progress) waiting(err error, most time.Duration) {
	why := strings.SplitN(explain(err), " (", 2)[0]
	switch {
	case p.bar != nil:
		p.bar.Describe("waiting: " + why)
	case p.w == nil || p.told:
	case most == 0:
		fmt.Fprintf(p.w, "stele: %s; waiting until it is stored\n", why)
	default:
		fmt.Fprintf(p.w, "stele: %s; trying again for %s\n", why, most)
	}
	p.told = true
}

// waited says that it goes on, if a wait without a bar was told.
func (p *progress) waited() {
	if p.told && p.bar == nil && p.w != nil {
		fmt.Fprintln(p.w, "stele: it goes on")
	}
	p.told = false
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
