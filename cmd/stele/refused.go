package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// refusedCommand shows what the server has refused, and sends it in again.
type refusedCommand struct {
	List   refusedListCommand   `cmd:"" default:"withargs" help:"List refused payloads, newest first (the default)."`
	Show   refusedShowCommand   `cmd:"" help:"Write a refused payload to standard output."`
	Retry  refusedRetryCommand  `cmd:"" help:"Ingest refused payloads again; those that succeed leave the list."`
	Delete refusedDeleteCommand `cmd:"" help:"Remove refused payloads from the list."`
}

func (refusedCommand) Help() string {
	return `What a client sent and the server did not take is kept, the newest 1,000 payloads and 64 MiB, with the reason.

    stele refused                               what, from whom, and why
    stele refused show refused-18e9c29412b636de > batch.clef
    stele refused retry refused-18e9c29412b636de
    stele refused retry --all                   after a limit was raised, say`
}

// serverTarget says which server a command talks to, for commands that need one.
type serverTarget struct {
	URL    string `name:"url" placeholder:"URL" env:"STELE_URL" help:"The server to talk to (default ${defaultURL})."`
	APIKey string `name:"api-key" placeholder:"KEY" env:"STELE_API_KEY" help:"Sent to the server as X-Seq-ApiKey."`
}

func (t serverTarget) open() (*remote, error) {
	d, err := target{URL: t.URL, APIKey: t.APIKey}.open(writes)
	if err != nil {
		return nil, err
	}
	return d.(*remote), nil
}

// refusedEntry is one payload of GET /api/refused.
type refusedEntry struct {
	ID                              string `json:"Id"`
	Time                            time.Time
	Endpoint, Format, Client, Error string
	Line                            int
	Bytes                           int64
	Truncated                       bool
}

func (r *remote) refused(ctx context.Context) ([]refusedEntry, error) {
	resp, err := r.do(ctx, http.MethodGet, "api/refused", nil, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var list []refusedEntry
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return nil, fault.WrapAs(fault.Unavailable, err, "", "the server's answer was cut short")
	}
	return list, nil
}

// call sends a request whose answer's body says nothing.
func (r *remote) call(ctx context.Context, method, path string) error {
	resp, err := r.do(ctx, method, path, nil, nil)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

type refusedListCommand struct {
	JSON         bool `name:"json" help:"One JSON object a line."`
	serverTarget `embed:""`
}

func (c *refusedListCommand) Run(ctx context.Context, s streams) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	list, err := r.refused(ctx)
	if err != nil {
		return err
	}
	out := json.NewEncoder(s.out)
	out.SetEscapeHTML(false)
	for _, e := range list {
		if c.JSON {
			if err := out.Encode(e); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(s.out, "%s  %s  %s, %s to %s from %s\n", e.ID, shortTime(e.Time.UnixNano()), size(e.Bytes), e.Format, e.Endpoint, e.Client)
		where := ""
		if e.Line > 0 {
			where = fmt.Sprintf("line %d: ", e.Line)
		}
		fmt.Fprintf(s.out, "  %s%s\n", where, e.Error)
		if e.Truncated {
			fmt.Fprintln(s.out, "  only its beginning is kept; it cannot be ingested again")
		}
	}
	if len(list) == 0 && !c.JSON {
		fmt.Fprintln(s.out, "nothing was refused")
	}
	return nil
}

type refusedShowCommand struct {
	ID           string `arg:"" help:"Of the payload, as the list shows it."`
	serverTarget `embed:""`
}

func (c *refusedShowCommand) Run(ctx context.Context, s streams) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	resp, err := r.do(ctx, http.MethodGet, "api/refused/"+url.PathEscape(c.ID), nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if coding := resp.Header.Get("X-Stele-Content-Encoding"); coding != "" {
		fmt.Fprintf(s.err, "stele: the payload is still in its content encoding %q\n", coding)
	}
	_, err = io.Copy(s.out, resp.Body)
	return err
}

// refusedChoice is which entries a command is about.
type refusedChoice struct {
	IDs          []string `arg:"" optional:"" name:"id" help:"Of the payloads, as the list shows them."`
	All          bool     `help:"Every payload in the list."`
	serverTarget `embed:""`
}

// each calls do for every entry chosen, oldest first, and goes on after failures; the error is
// the first of them.
func (c *refusedChoice) each(ctx context.Context, s streams, done string, do func(r *remote, path string) error) error {
	if c.All == (len(c.IDs) > 0) {
		return fault.New(fault.Invalid, "", "name payloads by their ids, or all with --all").WithHint("stele refused lists them")
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	ids := c.IDs
	if c.All {
		list, err := r.refused(ctx)
		if err != nil {
			return err
		}
		for i := len(list) - 1; i >= 0; i-- {
			ids = append(ids, list[i].ID)
		}
	}
	var failed error
	for _, id := range ids {
		err := do(r, "api/refused/"+url.PathEscape(id))
		if err == nil {
			fmt.Fprintf(s.out, "%s %s\n", id, done)
			continue
		}
		if kind := fault.KindOf(err); kind == fault.Unavailable || kind == fault.Canceled {
			return err // so will be the others
		}
		if failed == nil {
			failed = fault.Wrap(err, "", "%s", id)
		} else {
			report(s.err, fault.Wrap(err, "", "%s", id))
		}
	}
	return failed
}

type refusedRetryCommand struct {
	refusedChoice `embed:""`
}

func (c *refusedRetryCommand) Run(ctx context.Context, s streams) error {
	return c.each(ctx, s, "ingested", func(r *remote, path string) error { return r.call(ctx, http.MethodPost, path+"/retry") })
}

type refusedDeleteCommand struct {
	refusedChoice `embed:""`
}

func (c *refusedDeleteCommand) Run(ctx context.Context, s streams) error {
	return c.each(ctx, s, "deleted", func(r *remote, path string) error { return r.call(ctx, http.MethodDelete, path) })
}
