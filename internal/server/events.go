package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

const (
	defaultCount = 30
	maxCount     = 10_000
	bufferList   = 1 << 20 // bytes of a list held back: until then a failure has a status of its own
)

// listEvents searches, newest first, or with ascending oldest first.
//
//	GET /api/events?filter=&signal=&count=&ascending=&afterId=&startAtId=&fromDateUtc=&toDateUtc=&render=&clef=
//	200 an array of events in Seq's shape; 400 a parameter is wrong, and the error names it; 404 there is no such signal
//
// With clef the answer is application/vnd.serilog.clef: the events as they were given, one a line.
// count is 1 to 10,000, with clef any number and 0 for all; 30 if absent. afterId gives what comes after that event in the list
// (older, or with ascending newer); startAtId begins with it. fromDateUtc is inclusive, toDateUtc exclusive. A
// filter that is no expression is searched as text: the header X-Stele-Matched-As-Text then
// says why. With a signal expression only what it selects is searched. Where nothing is found, headers X-Stele-Hint name the properties that no event has. Damage met on the way is skipped and told in the header or trailer X-Stele-Damage.
func (a *api) listEvents(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r.URL)
	if err != nil {
		return err
	}
	o, err := a.listParams(r.Context(), q)
	if err != nil {
		return err
	}
	clef, err := boolParam(q, "clef")
	if err != nil {
		return err
	}
	least, most := 1, maxCount
	if clef { // what is not looked at as one document may be of any length; 0 is all
		least, most = 0, 1<<30
	}
	count, err := intParam(q, "count", defaultCount, least, most)
	if err != nil {
		return err
	}
	render, err := boolParam(q, "render")
	if err != nil {
		return err
	}
	o.read.Limit = count
	o.tell(w)
	if clef {
		list := &listWriter{w: w, contentType: clefType}
		n, err := a.store.ReadText(r.Context(), o.read).WriteTo(list)
		if list.failed {
			return nil // the client has gone
		}
		if n == 0 && err == nil {
			list.hint(a.store.Hints(r.Context(), o.read.Filter))
		}
		return list.end(err)
	}
	reader := a.store.Read(r.Context(), o.read)
	defer reader.Close()
	list := newArray(w)
	for reader.Next() {
		list.next()
		list.buf = appendEntity(list.buf, reader.Event(), render)
		if err := list.flush(bufferList); err != nil {
			return nil // the client has gone
		}
	}
	if !list.some && reader.Err() == nil {
		list.hint(a.store.Hints(r.Context(), o.read.Filter))
	}
	return list.end(reader.Err())
}

// listOptions is what a request asks to be searched.
type listOptions struct {
	read   stele.ReadOptions
	search search
}

// tell notes in the answer's header that the filter was searched as text.
func (o *listOptions) tell(w http.ResponseWriter) { o.search.tell(w) }

func (s search) tell(w http.ResponseWriter) {
	if s.asText != nil {
		w.Header().Set("X-Stele-Matched-As-Text", asciiHeader(s.asText.Error()))
	}
}

func (a *api) listParams(ctx context.Context, q url.Values) (o listOptions, err error) {
	if o.search, err = a.searchParams(ctx, q); err != nil {
		return o, err
	}
	ascending, err := boolParam(q, "ascending")
	if err != nil {
		return o, err
	}
	o.read = stele.ReadOptions{Ordering: stele.Descending, Filter: o.search.filter}
	if ascending {
		o.read.Ordering = stele.Ascending
	}
	if o.read.Range, err = rangeParams(q); err != nil {
		return o, err
	}
	for _, name := range []string{"afterId", "startAtId"} {
		key, given, err := keyParam(q, name)
		if err != nil {
			return o, err
		}
		if !given {
			continue
		}
		// The page's start replaces the range's unless that begins further on still.
		bound, at := &o.read.Range.To, stele.Exclusive(key)
		if name == "startAtId" {
			at = stele.Inclusive(key)
		}
		if to, bounded, _ := timeParam(q, "toDateUtc"); !ascending && bounded && !to.After(key.Time()) {
			continue
		}
		if from, bounded, _ := timeParam(q, "fromDateUtc"); ascending && bounded && from.After(key.Time()) {
			continue
		}
		if ascending {
			bound = &o.read.Range.From
		}
		*bound = at
	}
	return o, nil
}

// listWriter writes a long answer, holding back its start.
type listWriter struct {
	w           http.ResponseWriter
	contentType string
	buf         []byte
	close       string // what ends it
	some        bool   // an element was begun
	started     bool   // the header is sent
	failed      bool   // the client has gone
}

const (
	jsonType = "application/json; charset=utf-8"
	clefType = "application/vnd.serilog.clef"
)

func newArray(w http.ResponseWriter) *listWriter {
	return &listWriter{w: w, contentType: jsonType, buf: []byte{'['}, close: "]"}
}

func newObject(w http.ResponseWriter) *listWriter {
	return &listWriter{w: w, contentType: jsonType, buf: []byte{'{'}, close: "}"}
}

// next begins another element.
func (l *listWriter) next() {
	if l.some {
		l.buf = append(l.buf, ',')
	}
	l.some = true
}

// flush sends the buffer if it holds more than most bytes.
func (l *listWriter) flush(most int) error {
	if len(l.buf) <= most {
		return nil
	}
	if !l.started {
		l.w.Header().Set("Content-Type", l.contentType)
		l.started = true
	}
	_, err := l.w.Write(l.buf)
	l.buf = l.buf[:0]
	l.failed = err != nil
	return err
}

// Write writes a part of the answer.
func (l *listWriter) Write(p []byte) (n int, err error) {
	if !l.started && len(l.buf)+len(p) <= bufferList {
		l.buf = append(l.buf, p...)
		return len(p), nil
	}
	if err := l.flush(0); err != nil {
		return 0, err
	}
	if !l.started { // p alone is over the bound
		l.w.Header().Set("Content-Type", l.contentType)
		l.started = true
	}
	n, err = l.w.Write(p)
	l.failed = err != nil
	return n, err
}

// tell adds to the header, or to the trailer of an answer that has begun.
func (l *listWriter) tell(name, text string) {
	if l.started {
		name = http.TrailerPrefix + name
	}
	l.w.Header().Add(name, asciiHeader(text))
}

// hint says what may be wrong with what was asked, as nothing was found.
func (l *listWriter) hint(all []stele.Hint) {
	for _, h := range all {
		l.tell("X-Stele-Hint", h.String())
	}
}

// end closes the array. Damage does not make the rest worthless: it is told beside the
// answer. Any other error is the answer, or cuts it short if it has begun.
func (l *listWriter) end(err error) error {
	if err != nil && stele.KindOf(err) != fault.Corrupt {
		if l.started {
			panic(http.ErrAbortHandler)
		}
		return err
	}
	if err != nil {
		l.tell("X-Stele-Damage", err.Error())
	}
	l.buf = append(l.buf, l.close...)
	if !l.started {
		writeWhole(l.w, http.StatusOK, l.contentType, l.buf)
		return nil
	}
	_ = l.flush(0)
	return nil
}

// getEvent returns one event.
//
//	GET /api/events/{id}?render=&clef=
//	200 the event in Seq's shape, or with clef as it was given; 400 the id is none; 404 there is no such event
func (a *api) getEvent(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r.URL)
	if err != nil {
		return err
	}
	render, err := boolParam(q, "render")
	if err != nil {
		return err
	}
	clef, err := boolParam(q, "clef")
	if err != nil {
		return err
	}
	key, err := stele.ParseKey(r.PathValue("id"))
	if err != nil {
		return fault.New(fault.Invalid, "", "%q is no event id; it is event- and 32 hex digits", clip(r.PathValue("id"), 60))
	}
	e, err := a.store.Get(r.Context(), key)
	switch {
	case errors.Is(err, fault.NotFound):
		return fault.New(fault.NotFound, "", "there is no event %s", key)
	case err != nil:
		return err
	case clef:
		writeJSON(w, http.StatusOK, e.AppendCLEF(nil))
	default:
		writeJSON(w, http.StatusOK, appendEntity(nil, e, render))
	}
	return nil
}

// toStrict says what a filter box's text stands for.
//
//	GET /api/expressions/to-strict?fuzzy=
//	200 {"StrictExpression","MatchedAsText","ReasonIfMatchedAsText","Position"?:{"Offset","Line","Column"}}
//
// Position is where the text stops being an expression; it is there if MatchedAsText is true.
func (a *api) toStrict(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r.URL)
	if err != nil {
		return err
	}
	s, err := filterParam(q, "fuzzy")
	if err != nil {
		return err
	}
	body := []byte(`{"StrictExpression":`)
	if s.filter == nil {
		body = append(body, `""`...)
	} else {
		body = event.AppendText(body, s.filter.String())
	}
	if e := s.asText; e == nil {
		body = append(body, `,"MatchedAsText":false,"ReasonIfMatchedAsText":null}`...)
	} else {
		reason := e.Message
		if e.Suggestion != "" && !strings.Contains(reason, e.Suggestion) {
			reason += "; did you mean " + e.Suggestion + "?"
		}
		body = event.AppendText(append(body, `,"MatchedAsText":true,"ReasonIfMatchedAsText":`...), reason)
		body = appendMembers(append(body, `,"Position":{`...), []member{{"Offset", e.Offset}, {"Line", e.Line}, {"Column", e.Column}})
		body = append(body, "}}"...)
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}
