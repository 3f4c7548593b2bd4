package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// searchCommand finds events.
type searchCommand struct {
	Filter    []string `arg:"" optional:"" help:"A filter expression; what is none is searched as text. Empty: everything."`
	Count     int      `short:"n" default:"100" help:"How many events at most (default 100); 0 is all."`
	Signal    string   `placeholder:"SIGNALS" help:"Only what these signals select: signal-1,signal-2 (both), signal-1~signal-2 (one of them)."`
	From      string   `placeholder:"TIME" help:"Not earlier than this: a timestamp, a date, or how long ago (1h, 30m, 2d)."`
	To        string   `placeholder:"TIME" help:"Earlier than this."`
	Ascending bool     `short:"a" help:"Show what was found oldest first."`
	output    `embed:""`
	target    `embed:""`
}

func (searchCommand) Help() string {
	return `Shows the newest events that match, newest first. Where output is no terminal there are no colours; --json gives each
event as it was ingested, for other programs.

    stele search                                        the newest 100 events
    stele search "@Level = 'Error' and Elapsed > 500"   a filter expression
    stele search connection refused                     text in messages and exceptions
    stele search --from 1h --ascending "timeout"        the last hour, oldest first
    stele search --signal signal-1,signal-2             what two saved filters select
    stele search --json -n 0 | jq .User                 everything, as CLEF`
}

func (c *searchCommand) Run(ctx context.Context, s streams) error {
	q, err := c.query(time.Now())
	if err != nil {
		return err
	}
	d, err := c.open(reads)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(s.out, 64<<10)
	p := c.printer(s.out)
	p.w = out
	// The newest events oldest first: these are known only when all are there. Without a count the store gives them so.
	turned := c.Ascending && c.Count > 0
	q.ascending = c.Ascending && !turned
	var held []byte
	note, err := d.search(ctx, q, func(lines []byte) error {
		if turned {
			held = append(held, lines...)
			return nil
		}
		return p.printLines(lines)
	})
	if e := p.printTurned(held); err == nil {
		err = e
	}
	if e := out.Flush(); err == nil {
		err = e
	}
	err = closing(d, err)
	if errors.Is(err, syscall.EPIPE) {
		return nil // who reads has seen enough
	}
	note.tell(s.err)
	if err == nil && note.damage != "" {
		return exitCode(fault.Corrupt.ExitCode())
	}
	return err
}

func (c *searchCommand) query(now time.Time) (q searchQuery, err error) {
	if c.Count < 0 {
		return q, fault.New(fault.Invalid, "", "--count %d is not a number of events", c.Count)
	}
	q = searchQuery{filter: strings.Join(c.Filter, " "), signal: c.Signal, count: c.Count}
	for _, bound := range []struct {
		name, text string
		to         *time.Time
	}{{"--from", c.From, &q.from}, {"--to", c.To, &q.to}} {
		if bound.text == "" {
			continue
		}
		if *bound.to, err = parseWhen(bound.text, now); err != nil {
			return q, fault.WrapAs(fault.Invalid, err, "", "%s", bound.name)
		}
	}
	return q, nil
}

// tell says on standard error what is to be known beside the events.
func (n searchNote) tell(w io.Writer) {
	if n.asText != "" {
		fmt.Fprintf(w, "stele: searched as text, for the filter is no expression: %s\n", n.asText)
	}
	for _, h := range n.hints {
		fmt.Fprintf(w, "stele: %s\n", visible(h))
	}
	if n.damage != "" {
		fmt.Fprintf(w, "stele: some events could not be read: %s (stele verify DIR says what is lost)\n", n.damage)
	}
}
