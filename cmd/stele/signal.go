package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// signalCommand shows and changes saved filters.
type signalCommand struct {
	List   signalListCommand   `cmd:"" default:"withargs" help:"List the signals (the default)."`
	Show   signalShowCommand   `cmd:"" help:"Show one as JSON."`
	Create signalCreateCommand `cmd:"" help:"Save filters as a new signal."`
	Update signalUpdateCommand `cmd:"" help:"Change a signal."`
	Delete signalDeleteCommand `cmd:"" help:"Delete signals."`
}

func (signalCommand) Help() string {
	return `A signal is a saved filter with a name. Where --signal is a flag, signals are joined: signal-1,signal-2 is what both select,
signal-1~signal-2 what one of them selects; there are parentheses.

    stele signal                                                   the signals
    stele signal create Errors --filter "@Level in ['Error', 'Fatal']"
    stele signal create "Slow requests" --filter "Has(RequestPath)" --filter "Elapsed > 500"
    stele signal update signal-2 --filter "Elapsed > 1000"
    stele search --signal signal-1,signal-2
    stele signal delete signal-2`
}

// signalParts are what a signal consists of.
type signalParts struct {
	Filter      []string `sep:"none" placeholder:"EXPRESSION" help:"A filter; of several all must hold."`
	Description string   `placeholder:"TEXT" help:"What the signal is for."`
	Column      []string `sep:"none" placeholder:"EXPRESSION" help:"A column to show beside each event, as often as needed."`
	Group       string   `placeholder:"NAME" help:"The group in which it is shown."`
}

// apply changes g to what was given.
func (p *signalParts) apply(g *stele.Signal) {
	if p.Filter != nil {
		g.Filters = nil
		for _, text := range p.Filter {
			g.Filters = append(g.Filters, stele.SignalFilter{Filter: text})
		}
	}
	if p.Description != "" {
		g.Description = p.Description
	}
	if p.Column != nil {
		g.Columns = p.Column
	}
	if p.Group != "" {
		g.Grouping, g.ExplicitGroupName = "Explicit", p.Group
	}
}

type signalListCommand struct {
	JSON   bool `name:"json" help:"One JSON object a line."`
	target `embed:""`
}

func (c *signalListCommand) Run(ctx context.Context, s streams) error {
	d, err := c.open(reads)
	if err != nil {
		return err
	}
	defer d.close()
	all, err := d.signals(ctx)
	if err != nil {
		return err
	}
	for _, g := range all {
		if !c.JSON {
			fmt.Fprintln(s.out, signalText(g))
			continue
		}
		text, err := g.MarshalJSON()
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s\n", text)
	}
	if len(all) == 0 && !c.JSON {
		fmt.Fprintln(s.out, "there are no signals")
	}
	return nil
}

// signalText is one line about a signal.
func signalText(g stele.Signal) string {
	parts := make([]string, len(g.Filters))
	for i, f := range g.Filters {
		if parts[i] = f.Filter; len(g.Filters) > 1 {
			parts[i] = "(" + f.Filter + ")"
		}
	}
	text := strings.Join(parts, " and ")
	if text == "" {
		text = "every event"
	}
	return visible(g.ID + "  " + g.Title + ": " + text)
}

type signalShowCommand struct {
	ID     string `arg:"" name:"id" help:"Of the signal."`
	target `embed:""`
}

func (c *signalShowCommand) Run(ctx context.Context, s streams) error {
	d, err := c.open(reads)
	if err != nil {
		return err
	}
	defer d.close()
	g, err := d.signal(ctx, c.ID)
	if err != nil {
		return err
	}
	text, err := g.MarshalJSON()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	_ = json.Indent(&out, text, "", "  ") // it is JSON
	fmt.Fprintln(s.out, &out)
	return nil
}

type signalCreateCommand struct {
	Title       string `arg:"" help:"Its name."`
	signalParts `embed:""`
	target      `embed:""`
}

func (c *signalCreateCommand) Run(ctx context.Context, s streams) error {
	g := stele.Signal{Title: c.Title}
	c.apply(&g)
	if err := g.Check(); err != nil {
		return err
	}
	return c.change(s, func(d door) (stele.Signal, error) { return d.createSignal(ctx, g) })
}

type signalUpdateCommand struct {
	ID          string `arg:"" name:"id" help:"Of the signal."`
	Title       string `placeholder:"TEXT" help:"Its name."`
	signalParts `embed:""`
	target      `embed:""`
}

func (c *signalUpdateCommand) Run(ctx context.Context, s streams) error {
	return c.change(s, func(d door) (stele.Signal, error) {
		g, err := d.signal(ctx, c.ID)
		if err != nil {
			return g, err
		}
		if c.Title != "" {
			g.Title = c.Title
		}
		c.apply(&g)
		if err := g.Check(); err != nil {
			return g, err
		}
		return d.updateSignal(ctx, g)
	})
}

// change shows the signal that a change leads to.
func (t target) change(s streams, make func(door) (stele.Signal, error)) error {
	d, err := t.open(writes)
	if err != nil {
		return err
	}
	g, err := make(d)
	err = closing(d, err)
	if err == nil {
		fmt.Fprintln(s.out, signalText(g))
	}
	return err
}

type signalDeleteCommand struct {
	IDs    []string `arg:"" name:"id" help:"Of the signals."`
	target `embed:""`
}

func (c *signalDeleteCommand) Run(ctx context.Context, s streams) error {
	d, err := c.open(writes)
	if err != nil {
		return err
	}
	return eachID(s, d, c.IDs, "deleted", func(id string) error { return d.deleteSignal(ctx, id) })
}

func (l *local) signals(ctx context.Context) ([]stele.Signal, error) { return l.store.Signals(ctx) }

func (l *local) signal(ctx context.Context, id string) (stele.Signal, error) {
	return l.store.Signal(ctx, id)
}

func (l *local) createSignal(ctx context.Context, g stele.Signal) (stele.Signal, error) {
	return l.store.CreateSignal(ctx, g)
}

func (l *local) updateSignal(ctx context.Context, g stele.Signal) (stele.Signal, error) {
	return l.store.UpdateSignal(ctx, g)
}

func (l *local) deleteSignal(ctx context.Context, id string) error {
	return l.store.DeleteSignal(ctx, id)
}

// narrow adds what a signal expression selects to a filter.
func (l *local) narrow(ctx context.Context, f *stele.Filter, signals string) (*stele.Filter, error) {
	if signals == "" {
		return f, nil
	}
	g, err := l.store.FilterOf(ctx, signals)
	if err != nil {
		return nil, fault.Wrap(err, "", "--signal %s cannot be used", signals)
	}
	return stele.And(g, f)
}

func (r *remote) signals(ctx context.Context) (all []stele.Signal, err error) {
	err = r.ask(ctx, http.MethodGet, "api/signals", nil, nil, &all)
	return all, err
}

func (r *remote) signal(ctx context.Context, id string) (g stele.Signal, err error) {
	err = r.ask(ctx, http.MethodGet, "api/signals/"+url.PathEscape(id), nil, nil, &g)
	return g, err
}

func (r *remote) createSignal(ctx context.Context, g stele.Signal) (stele.Signal, error) {
	return r.sendSignal(ctx, http.MethodPost, "api/signals", g)
}

func (r *remote) updateSignal(ctx context.Context, g stele.Signal) (stele.Signal, error) {
	return r.sendSignal(ctx, http.MethodPut, "api/signals/"+url.PathEscape(g.ID), g)
}

func (r *remote) sendSignal(ctx context.Context, method, path string, g stele.Signal) (stored stele.Signal, err error) {
	text, err := g.MarshalJSON()
	if err != nil {
		return g, err
	}
	err = r.ask(ctx, method, path, nil, text, &stored)
	return stored, err
}

func (r *remote) deleteSignal(ctx context.Context, id string) error {
	return r.call(ctx, http.MethodDelete, "api/signals/"+url.PathEscape(id))
}
