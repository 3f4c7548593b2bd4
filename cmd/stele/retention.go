package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/units"
)

// retentionCommand shows and changes what a store does not keep.
type retentionCommand struct {
	List   retentionListCommand   `cmd:"" default:"withargs" help:"List the policies (the default)."`
	Set    retentionSetCommand    `cmd:"" help:"Store a policy, in the place of one with its id."`
	Remove retentionRemoveCommand `cmd:"" help:"Remove policies."`
	Run    retentionRunCommand    `cmd:"" help:"Apply the policies now."`
}

func (retentionCommand) Help() string {
	return `A policy says which events are not kept: those of which all holds that it says. Policies are applied every minute, and when the disk is full.

    stele retention                                          the policies
    stele retention set month --age 30d                      what is older than 30 days by its own time
    stele retention set debug --age 2d --filter "@Level = 'Debug'"
    stele retention set noise --age 2d --signal signal-1     what a saved filter selects
    stele retention set size --bytes 50GiB                   the oldest segments, while the store takes more on disk
    stele retention set late --arrived-age 90d               what arrived more than 90 days ago
    stele retention remove debug
    stele retention run                                      now`
}

type retentionListCommand struct {
	JSON   bool `name:"json" help:"One JSON object a line."`
	target `embed:""`
}

func (c *retentionListCommand) Run(ctx context.Context, s streams) error {
	d, err := c.open(reads)
	if err != nil {
		return err
	}
	defer d.close()
	all, err := d.retention(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		if c.JSON {
			text, err := p.MarshalJSON()
			if err != nil {
				return err
			}
			fmt.Fprintf(s.out, "%s\n", text)
			continue
		}
		fmt.Fprintf(s.out, "%s  %s\n", p.ID, policyText(p))
	}
	if len(all) == 0 && !c.JSON {
		fmt.Fprintln(s.out, "everything is kept")
	}
	return nil
}

// policyText says what a policy deletes.
func policyText(p stele.RetentionPolicy) string {
	var parts []string
	if p.Filter != "" {
		parts = append(parts, "events with "+p.Filter)
	}
	if p.Signal != "" {
		parts = append(parts, "events of "+p.Signal)
	}
	if p.Age > 0 {
		parts = append(parts, "older than "+units.Span(p.Age))
	}
	if p.ArrivedAge > 0 {
		parts = append(parts, "that arrived more than "+units.Span(p.ArrivedAge)+" ago")
	}
	if p.Bytes > 0 {
		parts = append(parts, "the oldest segments, while the store takes more than "+size(p.Bytes))
	}
	text := strings.Join(parts, ", ")
	if p.Fixed {
		text += " (set in the configuration)"
	}
	return text
}

type retentionSetCommand struct {
	ID         string `arg:"" name:"id" help:"Names the policy."`
	Age        string `placeholder:"TIME" help:"Events whose own time is longer ago: 12h, 30d."`
	ArrivedAge string `placeholder:"TIME" help:"Events that arrived longer ago."`
	Bytes      string `placeholder:"SIZE" help:"While the store takes more on disk, the oldest segments: 50GiB."`
	Filter     string `placeholder:"EXPRESSION" help:"Only events that this filter selects."`
	Signal     string `placeholder:"SIGNALS" help:"Only events that these signals select when the policy is applied."`
	target     `embed:""`
}

func (c *retentionSetCommand) Run(ctx context.Context, s streams) error {
	members := map[string]string{"Id": c.ID}
	for name, text := range map[string]string{"Age": c.Age, "ArrivedAge": c.ArrivedAge, "Bytes": c.Bytes, "Filter": c.Filter, "Signal": c.Signal} {
		if text != "" {
			members[name] = text
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return fault.WrapAs(fault.Invalid, err, "", "the policy cannot be written")
	}
	var p stele.RetentionPolicy
	if err := p.UnmarshalJSON(text); err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return err
	}
	d, err := c.open(changes)
	if err != nil {
		return err
	}
	err = d.setRetention(ctx, p)
	err = closing(d, err)
	if err == nil {
		fmt.Fprintf(s.out, "%s  %s\n", p.ID, policyText(p))
	}
	return err
}

type retentionRemoveCommand struct {
	IDs    []string `arg:"" name:"id" help:"Of the policies."`
	target `embed:""`
}

func (c *retentionRemoveCommand) Run(ctx context.Context, s streams) error {
	d, err := c.open(changes)
	if err != nil {
		return err
	}
	return eachID(s, d, c.IDs, "removed", func(id string) error { return d.removeRetention(ctx, id) })
}

type retentionRunCommand struct {
	target `embed:""`
}

func (c *retentionRunCommand) Run(ctx context.Context, s streams) error {
	d, err := c.open(changes)
	if err != nil {
		return err
	}
	done, err := d.runRetention(ctx)
	for _, r := range done {
		fmt.Fprintf(s.out, "%s deleted %s\n", r.ID, counted(r.Events, "event"))
	}
	err = closing(d, err)
	if len(done) == 0 && err == nil {
		fmt.Fprintln(s.out, "everything is kept")
	}
	return err
}

func (l *local) retention(ctx context.Context) ([]stele.RetentionPolicy, error) {
	return l.store.Retention(ctx)
}

func (l *local) setRetention(ctx context.Context, p stele.RetentionPolicy) error {
	return l.store.SetRetention(ctx, p)
}

func (l *local) removeRetention(ctx context.Context, id string) error {
	return l.store.RemoveRetention(ctx, id)
}

func (l *local) runRetention(ctx context.Context) ([]stele.Retained, error) {
	return l.store.Retain(ctx)
}

func (r *remote) retention(ctx context.Context) (all []stele.RetentionPolicy, err error) {
	var texts []json.RawMessage
	if err := r.ask(ctx, http.MethodGet, "api/retention", nil, nil, &texts); err != nil {
		return nil, err
	}
	for _, text := range texts {
		var p stele.RetentionPolicy
		if err := p.UnmarshalJSON(text); err != nil {
			return nil, fault.WrapAs(fault.Unsupported, err, "", "the server has a policy that cannot be read")
		}
		var fixed struct{ Fixed bool }
		_ = json.Unmarshal(text, &fixed) // it is JSON, as was just seen
		p.Fixed = fixed.Fixed
		all = append(all, p)
	}
	return all, nil
}

func (r *remote) setRetention(ctx context.Context, p stele.RetentionPolicy) error {
	text, err := p.MarshalJSON()
	if err != nil {
		return err
	}
	var stored json.RawMessage
	return r.ask(ctx, http.MethodPost, "api/retention", nil, text, &stored)
}

func (r *remote) removeRetention(ctx context.Context, id string) error {
	return r.call(ctx, http.MethodDelete, "api/retention/"+url.PathEscape(id))
}

func (r *remote) runRetention(ctx context.Context) ([]stele.Retained, error) {
	var done []struct {
		ID     string `json:"Id"`
		Events int64
	}
	if err := r.ask(ctx, http.MethodPost, "api/retention/run", nil, nil, &done); err != nil {
		return nil, err
	}
	all := make([]stele.Retained, len(done))
	for i, d := range done {
		all[i] = stele.Retained(d)
	}
	return all, nil
}
