package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// queryCommand answers a query.
type queryCommand struct {
	Query   []string      `arg:"" help:"A query, or an expression alone; - reads it from standard input, @FILE from a file."`
	From    string        `placeholder:"TIME" help:"Of events not earlier than this: a timestamp, a date, or how long ago (1h, 30m, 2d)."`
	To      string        `placeholder:"TIME" help:"Of events earlier than this."`
	Signal  string        `placeholder:"SIGNALS" help:"Of what these signals select: signal-1,signal-2 (both), signal-1~signal-2 (one of them)."`
	Limit   int64         `placeholder:"N" help:"How many rows at most, if the query does not say (default 1024)."`
	Timeout time.Duration `placeholder:"TIME" help:"How long the query may take: 30s."`
	CSV     bool          `name:"csv" xor:"form" help:"As CSV."`
	JSON    bool          `name:"json" xor:"form" help:"One JSON object for each row, a line each."`
	Chart   bool          `xor:"form" help:"As a chart: bars, or lines of several series over time."`
	Color   string        `enum:"auto,always,never" default:"auto" help:"Colour: ${enum}. NO_COLOR in the environment is never."`
	target  `embed:""`
}

func (queryCommand) Help() string {
	return `Rows are a table; on a terminal it is as wide as that, and what is too wide is cut with …. docs/query-language.md has the language.

    stele query "select count(*) from stream group by @Level"
    stele query --from 1d "select mean(Elapsed) from stream where Has(Elapsed) group by time(1h)" --chart
    stele query "select Elapsed, RequestPath from stream order by Elapsed desc limit 10" --csv > slow.csv
    stele query @report.sql --json | jq .
    stele query "1 / 3"`
}

// queryRequest is what a door is asked.
type queryRequest struct {
	text     string
	signal   string
	from, to time.Time
	timeout  time.Duration
	csv      bool // else lines
}

func (c *queryCommand) Run(ctx context.Context, s streams) error {
	q, err := c.request(s.in, time.Now())
	if err != nil {
		return c.tell(s, q.text, err)
	}
	d, err := c.open(reads)
	if err != nil {
		return err
	}
	out := newRowsOutput(c, s.out)
	note, err := d.query(ctx, q, out)
	if err == nil {
		err = out.end(note.cut)
	}
	err = closing(d, err)
	if errors.Is(err, syscall.EPIPE) {
		return nil // who reads has seen enough
	}
	if note.damage == "" {
		note.damage = out.warning
	}
	note.hints = append(note.hints, out.hints...)
	note.tell(s.err)
	if err != nil {
		return c.tell(s, q.text, err)
	}
	if out.limited {
		_, _ = io.WriteString(s.err, "stele: there are more rows than the limit lets through (limit N in the query, or --limit N, sets another)\n")
	}
	if note.damage != "" {
		return exitCode(fault.Corrupt.ExitCode())
	}
	return nil
}

// request reads what is asked.
func (c *queryCommand) request(in io.Reader, now time.Time) (q queryRequest, err error) {
	search, err := (&searchCommand{From: c.From, To: c.To}).query(now)
	if err != nil {
		return q, err
	}
	q = queryRequest{text: strings.Join(c.Query, " "), signal: c.Signal, from: search.from, to: search.to, timeout: c.Timeout, csv: c.CSV}
	switch name, isFile := strings.CutPrefix(q.text, "@"); {
	case q.text == "-":
		text, err := io.ReadAll(io.LimitReader(in, 1<<20))
		if err != nil {
			return q, fault.Wrap(err, "", "standard input cannot be read")
		}
		q.text = string(text)
	case isFile && fileExists(name): // else it is a built-in such as @Level
		text, err := os.ReadFile(name)
		if err != nil {
			return q, fault.Wrap(err, "", "the query cannot be read")
		}
		q.text = string(text)
	}
	switch {
	case strings.TrimSpace(q.text) == "":
		return q, fault.New(fault.Invalid, "", "the query is empty")
	case c.Limit < 0 || c.Timeout < 0:
		return q, fault.New(fault.Invalid, "", "--limit and --timeout are not negative")
	case c.Limit == 0:
		return q, nil
	}
	if _, err := stele.ParseQuery(q.text); err != nil {
		return q, err
	}
	limited := strings.TrimRight(q.text, " \t\r\n") + "\nlimit " + strconv.FormatInt(c.Limit, 10)
	if _, err := stele.ParseQuery(limited); err != nil {
		return q, fault.New(fault.Invalid, "", "--limit goes with a query from stream that has no limit of its own")
	}
	q.text = limited
	return q, nil
}

func fileExists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// tell prints what is wrong with a query under its place; other errors are left to the caller.
func (c *queryCommand) tell(s streams, text string, err error) error {
	at, ok := errors.AsType[*queryError](err)
	if !ok {
		local, ok := errors.AsType[*stele.FilterError](err)
		if !ok || error(local) != err {
			return err
		}
		at = &queryError{text: local.Error(), message: local.Message, line: local.Line, column: local.Column, better: stele.CorrectQuery(text)}
	}
	_, _ = io.WriteString(s.err, at.render(text))
	return exitCode(fault.Invalid.ExitCode())
}

func (l *local) query(ctx context.Context, q queryRequest, w io.Writer) (note searchNote, err error) {
	query, err := stele.ParseQuery(q.text)
	if err != nil {
		return note, err
	}
	var o stele.QueryOptions
	if o.Filter, err = l.narrow(ctx, nil, q.signal); err != nil {
		return note, err
	}
	if !q.from.IsZero() {
		o.Range.From = stele.FromTime(q.from)
	}
	if !q.to.IsZero() {
		o.Range.To = stele.BeforeTime(q.to)
	}
	limited := ctx
	if q.timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, q.timeout)
		defer cancel()
	}
	rows := l.store.Query(limited, query, o)
	write := rows.WriteLines
	if q.csv {
		write = rows.WriteCSV
	}
	err = write(w)
	if q.csv {
		note.hints = hintTexts(rows.Hints())
	}
	switch {
	case stele.KindOf(err) == fault.Corrupt:
		note.damage = explain(err)
		return note, nil
	case stele.KindOf(err) == fault.Canceled && ctx.Err() == nil && limited.Err() != nil:
		return note, fault.New(fault.Exhausted, "", "the query was ended after the %s that it may take", q.timeout)
	}
	return note, err
}

func hintTexts(hints []stele.Hint) (texts []string) {
	for _, h := range hints {
		texts = append(texts, h.String())
	}
	return texts
}

func (r *remote) query(ctx context.Context, q queryRequest, w io.Writer) (note searchNote, err error) {
	query := url.Values{"q": {q.text}, "format": {"application/x-ndjson"}}
	if q.csv {
		query.Set("format", "text/csv")
	}
	if q.signal != "" {
		query.Set("signal", q.signal)
	}
	if !q.from.IsZero() {
		query.Set("rangeStartUtc", string(event.AppendTime(nil, q.from.UnixNano())))
	}
	if !q.to.IsZero() {
		query.Set("rangeEndUtc", string(event.AppendTime(nil, q.to.UnixNano())))
	}
	if q.timeout > 0 {
		query.Set("timeoutMS", strconv.FormatInt(max(1, q.timeout.Milliseconds()), 10))
	}
	resp, err := r.send(ctx, http.MethodGet, "api/data", query, nil)
	if err != nil {
		return note, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusBadRequest {
		return note, r.queryRefused(resp)
	}
	if resp.StatusCode != http.StatusOK {
		return note, r.answered(resp)
	}
	if want := query.Get("format"); !strings.HasPrefix(resp.Header.Get("Content-Type"), want) {
		return note, fault.New(fault.Unsupported, "", "the server at %s does not answer queries as %s", r.base, want).WithHint("it may be older than this command")
	}
	if _, err := io.Copy(w, readErrors{resp.Body, ctx}); err != nil {
		return note, err
	}
	if note.damage = resp.Header.Get("X-Stele-Damage"); note.damage == "" {
		note.damage = resp.Trailer.Get("X-Stele-Damage")
	}
	note.hints = append(resp.Header.Values("X-Stele-Hint"), resp.Trailer.Values("X-Stele-Hint")...)
	note.cut = kindNamed(resp.Trailer.Get("X-Stele-Error"), 0)
	return note, nil
}

// readErrors explains why an answer cannot be read.
type readErrors struct {
	body io.Reader
	ctx  context.Context
}

func (r readErrors) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case r.ctx.Err() != nil:
		return n, fault.WrapAs(fault.Canceled, r.ctx.Err(), "", "interrupted")
	}
	return n, fault.WrapAs(fault.Unavailable, err, "", "the server's answer was cut short")
}
