package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// queryRequest is a query as a client asks it.
type queryRequest struct {
	query   *stele.Query
	options stele.QueryOptions
	limit   time.Duration // of time; 0: none
	form    queryForm
}

// queryForm is a form of answer.
type queryForm struct {
	contentType string
	write       func(*stele.Rows, io.Writer) error
	tells       bool // the end of an answer tells of an error, and has the hints
}

var queryForms = []queryForm{
	{jsonType, (*stele.Rows).WriteJSON, true},
	{"application/x-ndjson", (*stele.Rows).WriteLines, true},
	{"text/csv; charset=utf-8", (*stele.Rows).WriteCSV, false},
}

// queryData answers a query.
//
//	GET /api/data?q=&rangeStartUtc=&rangeEndUtc=&signal=&timeoutMS=&format=
//	POST /api/data?q=… {"Signal":{…},"Variables":{"name":1}}
//	200 {"Columns","Rows"|"Slices"|"Series","Statistics"}; 400 {"Error","Reasons","Suggestion","Position"} the query or a parameter is wrong;
//	404 there is no such signal; 503 the limit of time or memory, or too many queries at once
//
// rangeStartUtc is inclusive, rangeEndUtc exclusive. Signal is one that is not stored, whose filters hold too; Variables are those that the query names with a $. Slices stand for a query that groups by time
// alone, Series for one that groups by time and keys. format is application/json, text/csv, or application/x-ndjson: a line that
// names the columns, each row, and the statistics. What goes wrong in the middle of a long answer is told at its end as "Error", or cuts CSV short. Where nothing is found, "Hints" (with CSV headers or trailers X-Stele-Hint) name the properties that no event has. Damage met on the way is skipped and told in the header or trailer X-Stele-Damage. The query ends
// when the client leaves.
func (a *api) queryData(w http.ResponseWriter, r *http.Request) error {
	err := a.answerQuery(w, r)
	if err != nil && stele.KindOf(err) == fault.Invalid {
		writeJSON(w, http.StatusBadRequest, queryErrorBody(r.URL.Query().Get("q"), err))
		return nil
	}
	return err
}

func (a *api) answerQuery(w http.ResponseWriter, r *http.Request) (err error) {
	var told error // at the end of the answer
	defer func() { // also if an answer that has begun is cut short
		if err != nil {
			told = err
		}
		a.meters.queries.ended(told)
	}()
	req, err := a.readQuery(w, r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	if req.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, req.limit, errQueryTime)
		defer cancel()
	}
	leave, err := a.queries.enter(ctx)
	if err != nil {
		return timedOut(ctx, err, req.limit)
	}
	defer leave()
	begun := time.Now()
	rows := a.store.Query(ctx, req.query, req.options)
	defer rows.Close()
	list := &listWriter{w: w, contentType: req.form.contentType}
	err = req.form.write(rows, list)
	a.meters.queries.ran(begun, rows.Statistics())
	if list.failed {
		return fault.New(fault.Canceled, "", "the client has gone")
	}
	if !req.form.tells {
		list.hint(rows.Hints())
	}
	if list.started && req.form.tells && stele.KindOf(err) != fault.Corrupt {
		if told = timedOut(ctx, err, req.limit); told != nil {
			list.tell("X-Stele-Error", stele.KindOf(told).String())
		}
		_ = list.flush(0)
		return nil
	}
	return list.end(timedOut(ctx, err, req.limit))
}

var errQueryTime = errors.New("the query's time is over")

// timedOut makes the end of a query's time an error of its own.
func timedOut(ctx context.Context, err error, limit time.Duration) error {
	if err != nil && stele.KindOf(err) == fault.Canceled && context.Cause(ctx) == errQueryTime {
		return fault.New(fault.Exhausted, "", "the query was ended after the %s that it may take", limit).
			WithHint("a shorter range of time, or a filter, makes it quicker; timeoutMS allows more time, up to the server's setting query-time")
	}
	return err
}

func (a *api) readQuery(w http.ResponseWriter, r *http.Request) (req queryRequest, err error) {
	q, err := query(r.URL)
	if err != nil {
		return req, err
	}
	text := q.Get("q")
	if strings.TrimSpace(text) == "" {
		return req, badParam("q", "it is missing; it is a query such as select count(*) from stream")
	}
	if req.options.Range, err = rangeOf(q, "rangeStartUtc", "rangeEndUtc"); err != nil {
		return req, err
	}
	if req.options.Filter, err = a.signalParam(r.Context(), q); err != nil {
		return req, err
	}
	var given evaluationContext
	if r.Method == http.MethodPost {
		if given, err = a.readContext(w, r); err != nil {
			return req, err
		}
	}
	if req.options.Filter, err = stele.And(req.options.Filter, given.filter); err != nil {
		return req, err
	}
	if req.query, err = stele.ParseQueryWith(text, given.variables); err != nil {
		return req, err
	}
	ms, err := intParam(q, "timeoutMS", 0, 0, 1<<31-1)
	if err != nil {
		return req, err
	}
	req.limit = time.Duration(ms) * time.Millisecond
	if req.limit == 0 || req.limit > a.o.QueryTime {
		req.limit = a.o.QueryTime
	}
	req.options.Memory = a.o.QueryMemory
	req.form, err = formParam(q)
	return req, err
}

// evaluationContext is what the body of a query gives.
type evaluationContext struct {
	filter    *stele.Filter // of a signal that is not stored; nil: every event
	variables map[string]stele.Value
}

func (a *api) readContext(w http.ResponseWriter, r *http.Request) (given evaluationContext, err error) {
	body, release, err := a.readBody(w, r, maxSignal)
	defer release()
	if err != nil || len(strings.TrimSpace(string(body))) == 0 {
		return given, err
	}
	var part struct {
		Signal    *stele.Signal
		Variables map[string]json.RawMessage
	}
	if err := json.Unmarshal(body, &part); err != nil {
		return given, fault.WrapAs(fault.Invalid, err, "", "the body is not of the form {\"Signal\":{…},\"Variables\":{\"name\":1}}")
	}
	given.variables = make(map[string]stele.Value, len(part.Variables))
	for name, text := range part.Variables {
		if given.variables[strings.TrimPrefix(name, "$")], err = event.ParseValue(text); err != nil {
			return given, fault.WrapAs(fault.Invalid, err, "", "the variable %s", clip(name, 60))
		}
	}
	if part.Signal != nil {
		given.filter, err = part.Signal.Filter()
	}
	return given, err
}

// formParam reads in which form the answer is to be.
func formParam(q url.Values) (queryForm, error) {
	text := q.Get("format")
	if text == "" {
		return queryForms[0], nil
	}
	kind, _, err := mime.ParseMediaType(text)
	for _, f := range queryForms {
		if own, _, _ := mime.ParseMediaType(f.contentType); err == nil && own == kind {
			return f, nil
		}
	}
	return queryForm{}, badParam("format", "%q is unknown; it is application/json, text/csv or application/x-ndjson", clip(text, 60))
}

// queryErrorBody is the part of an answer that says what is wrong with the query or with a parameter.
func queryErrorBody(text string, err error) []byte {
	at, placed := errors.AsType[*stele.FilterError](err)
	body := event.AppendString([]byte(`{"Error":`), validText(queryErrorText(err, at)))
	if !placed {
		return append(body, `,"Reasons":[],"Suggestion":null}`...)
	}
	body = event.AppendString(append(body, `,"Reasons":[`...), validText(at.Message))
	body = append(body, `],"Suggestion":`...)
	if better := stele.CorrectQuery(text); better != "" {
		body = event.AppendText(body, better)
	} else {
		body = append(body, "null"...)
	}
	body = append(body, `,"Position":`...)
	return append(appendObject(body, []member{{"Offset", at.Offset}, {"Line", at.Line}, {"Column", at.Column}}), '}')
}

func queryErrorText(err error, at *stele.FilterError) string {
	if error(at) == err {
		return "the query cannot be run: " + err.Error()
	}
	return err.Error()
}
