package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// deleteCommand deletes events.
type deleteCommand struct {
	Filter []string `arg:"" optional:"" help:"A filter expression: what it selects is deleted."`
	Signal string   `placeholder:"SIGNALS" help:"Only what these signals select."`
	From   string   `placeholder:"TIME" help:"Not earlier than this: a timestamp, a date, or how long ago (1h, 30m, 2d)."`
	To     string   `placeholder:"TIME" help:"Earlier than this."`
	ID     []string `name:"id" placeholder:"ID" help:"Single events, as often as needed."`
	All    bool     `help:"Every event."`
	target `embed:""`
}

func (deleteCommand) Help() string {
	return `Events are gone for every reader at once, and durably so; what arrives later is not concerned. It works on a full disk.

    stele delete --to 30d                                    what is older than 30 days
    stele delete --from 1h "@Level = 'Debug'"                debug events of the last hour
    stele delete --id event-98e9b8832bdd40000000010000000001 one event

What is to go again and again is a retention policy: stele retention --help.`
}

// deleteQuery says which events are to go.
type deleteQuery struct {
	filter   string // strict; empty: all
	signal   string // a signal expression; empty: all
	from, to time.Time
	keys     []stele.Key // not empty: these alone
}

func (c *deleteCommand) Run(ctx context.Context, s streams) error {
	q, err := c.query(time.Now())
	if err != nil {
		return err
	}
	d, err := c.open(changes)
	if err != nil {
		return err
	}
	n, err := d.delete(ctx, q)
	err = closing(d, err)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "deleted %s\n", counted(n, "event"))
	return nil
}

func (c *deleteCommand) query(now time.Time) (q deleteQuery, err error) {
	search, err := (&searchCommand{Filter: c.Filter, From: c.From, To: c.To}).query(now)
	if err != nil {
		return q, err
	}
	q = deleteQuery{filter: search.filter, signal: c.Signal, from: search.from, to: search.to}
	limited := q.filter != "" || q.signal != "" || c.From != "" || c.To != ""
	switch {
	case len(c.ID) > 0 && (limited || c.All):
		return q, fault.New(fault.Invalid, "", "--id stands alone").WithHint("it cannot be combined with a filter, a signal, a range or --all")
	case c.All == limited && len(c.ID) == 0:
		return q, fault.New(fault.Invalid, "", "say what is to be deleted: a filter, --signal, --from, --to, --id, or else --all")
	case len(c.Filter) > 0 && strings.TrimSpace(q.filter) == "":
		return q, fault.New(fault.Invalid, "", "the filter is empty").WithHint("leave it out if it is not to count")
	}
	for _, id := range c.ID {
		k, err := stele.ParseKey(id)
		if err != nil {
			return q, fault.WrapAs(fault.Invalid, err, "", "--id")
		}
		q.keys = append(q.keys, k)
	}
	if q.filter != "" {
		if _, err := stele.ParseFilter(q.filter); err != nil {
			return q, fault.WrapAs(fault.Invalid, err, "", "nothing was deleted: the filter is no expression")
		}
	}
	return q, nil
}

func (l *local) delete(ctx context.Context, q deleteQuery) (int64, error) {
	if len(q.keys) > 0 {
		return l.store.DeleteKeys(ctx, q.keys...)
	}
	var r stele.Range
	if !q.from.IsZero() {
		r.From = stele.FromTime(q.from)
	}
	if !q.to.IsZero() {
		r.To = stele.BeforeTime(q.to)
	}
	if q.filter == "" && q.signal == "" {
		return l.store.Delete(ctx, r)
	}
	f, err := l.narrow(ctx, nil, q.signal)
	if err != nil {
		return 0, err
	}
	if q.signal != "" && f == nil {
		return 0, fault.New(fault.Invalid, "", "nothing was deleted: --signal %s selects every event, for it has no filters", q.signal)
	}
	if q.filter != "" {
		typed, err := stele.ParseFilter(q.filter)
		if err != nil {
			return 0, err
		}
		if f, err = stele.And(f, typed); err != nil {
			return 0, err
		}
	}
	return l.store.DeleteMatching(ctx, r, f)
}

func (r *remote) delete(ctx context.Context, q deleteQuery) (int64, error) {
	query := url.Values{}
	for _, k := range q.keys {
		query.Add("id", k.String())
	}
	if q.filter != "" {
		query.Set("filter", q.filter)
	}
	if q.signal != "" {
		query.Set("signal", q.signal)
	}
	if !q.from.IsZero() {
		query.Set("fromDateUtc", string(event.AppendTime(nil, q.from.UnixNano())))
	}
	if !q.to.IsZero() {
		query.Set("toDateUtc", string(event.AppendTime(nil, q.to.UnixNano())))
	}
	var answer struct{ Deleted int64 }
	err := r.ask(ctx, http.MethodDelete, "api/events", query, nil, &answer)
	return answer.Deleted, err
}

// ask sends a request and reads the JSON of its answer.
func (r *remote) ask(ctx context.Context, method, path string, query url.Values, body []byte, answer any) error {
	resp, err := r.do(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err == nil {
		err = json.Unmarshal(text, answer)
	}
	if err != nil {
		return fault.WrapAs(fault.Unavailable, err, "", "the server's answer was cut short")
	}
	return nil
}
