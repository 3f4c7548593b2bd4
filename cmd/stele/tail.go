package main

import (
	"context"
	"errors"
	"strings"
	"syscall"
)

// tailCommand shows events as they arrive.
type tailCommand struct {
	Filter []string `arg:"" optional:"" help:"A filter expression; what is none is searched as text. Empty: everything."`
	Signal string   `placeholder:"SIGNALS" help:"Only what these signals select."`
	Count  int      `short:"n" help:"End after this many events; 0 goes on until interrupted (default 0)."`
	output `embed:""`
	target `embed:""`
}

func (tailCommand) Help() string {
	return `Shows each event when it has been stored, until interrupted. Late events are shown when they arrive, whatever time they
carry. When the connection is lost it is made again, and nothing is missed.

    stele tail
    stele tail "@Level in ['Error', 'Fatal']"
    stele tail --json "Has(User)" | jq .User`
}

var errEnough = errors.New("enough")

func (c *tailCommand) Run(ctx context.Context, s streams) error {
	d, err := c.open(reads)
	if err != nil {
		return err
	}
	defer d.close()
	p := c.printer(s.out)
	seen := 0
	err = d.tail(ctx, strings.Join(c.Filter, " "), c.Signal, func(n searchNote) { n.tell(s.err) }, func(clef []byte) error {
		if err := p.print(clef); err != nil {
			return err
		}
		if seen++; seen == c.Count {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) || errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}
