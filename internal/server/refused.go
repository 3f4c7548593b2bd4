package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// The list of refused payloads (R21): what ingestion turned away can be read, and sent again when its cause is gone.
// Each is a document of the server's own space, the payload in it as base64, so that it is durable like any document.

const (
	refusedSpace   = "refused"
	refusedEntries = 1000
	refusedBytes   = 64 << 20
	refusedTime    = 10 * time.Second // for storing one: the client's answer does not wait for ever
	refusedTwice   = 10 * time.Minute // within which a batch that comes again under its id is the same (R16)
)

// refusal is one entry. Payload is left out of the index in memory.
type refusal struct {
	ID              string `json:"Id"`
	Time            time.Time
	Endpoint        string
	Format          string // format.name
	ContentType     string
	ContentEncoding string // of Payload, if it could not be undone
	Client          string
	Error           string
	Line            int    // of the first event refused; 0: the payload as a whole
	Bytes           int64  // how long the payload was
	Truncated       bool   // Payload is only its start
	Batch           string `json:",omitempty"` // the id of its batch, if it has one (R16)
	Payload         []byte `json:",omitempty"`
}

// refusals is the bounded list; safe for concurrent use.
type refusals struct {
	documents *stele.Documents
	log       *slog.Logger
	entries   int // bounds; constants but for tests
	bytes     int64

	turn chan struct{} // a mutex that can be waited for within a time; guards the fields below
	// loaded tells that index is what the store holds; it is read at first need.
	loaded bool
	index  []indexed // oldest first
	sum    int64     // bytes of the documents
	last   int64     // the newest id's number
}

type indexed struct {
	refusal
	bytes int64 // of the document
}

func newRefusals(d *stele.Documents, log *slog.Logger) *refusals {
	return &refusals{documents: d, log: log, entries: refusedEntries, bytes: refusedBytes, turn: make(chan struct{}, 1)}
}

// enter takes the turn and makes sure that the index is loaded; leave gives it back.
func (l *refusals) enter(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if l.loaded {
		return nil
	}
	if err := l.load(ctx); err != nil {
		l.leave()
		return err
	}
	return nil
}

func (l *refusals) leave() { <-l.turn }

func (l *refusals) load(ctx context.Context) error {
	infos, err := l.documents.List(ctx, "")
	if err != nil {
		return err
	}
	l.index, l.sum, l.last = nil, 0, 0
	for _, d := range infos {
		e := refusal{ID: d.Key, Time: d.Changed}
		if value, err := l.documents.Get(ctx, d.Key); err != nil {
			e.Error = "this entry cannot be read: " + err.Error()
		} else if err := json.Unmarshal(value, &e); err != nil {
			e.Error = "this entry cannot be read: " + err.Error()
		}
		e.ID, e.Payload = d.Key, nil
		l.index = append(l.index, indexed{e, int64(d.Bytes)})
		l.sum += int64(d.Bytes)
		if n, err := strconv.ParseInt(strings.TrimPrefix(d.Key, "refused-"), 16, 64); err == nil {
			l.last = max(l.last, n)
		}
	}
	l.loaded = true
	return nil
}

// add stores an entry and drops the oldest ones over the bounds. It fills in Id and Time. What is refused of a batch that comes again,
// since an answer was lost, is there already: if both were ingested again its events would be doubled.
func (l *refusals) add(ctx context.Context, e refusal) (id string, err error) {
	if err := l.enter(ctx); err != nil {
		return "", err
	}
	defer l.leave()
	e.Time = time.Now().UTC()
	for i := len(l.index) - 1; i >= 0 && e.Batch != "" && e.Time.Sub(l.index[i].Time) < refusedTwice; i-- {
		if known := &l.index[i]; known.Batch == e.Batch && known.Format == e.Format && known.Bytes == e.Bytes && known.Error == e.Error {
			return known.ID, nil
		}
	}
	number := max(e.Time.UnixNano(), l.last+1)
	e.ID = fmt.Sprintf("refused-%016x", number)
	document, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	err = l.documents.Set(ctx, e.ID, document)
	if errors.Is(err, fault.TooLarge) && len(e.Payload) > keepOfOver { // over what a document may be
		e.Payload, e.Truncated = e.Payload[:keepOfOver], true
		if document, err = json.Marshal(e); err == nil {
			err = l.documents.Set(ctx, e.ID, document)
		}
	}
	if err != nil {
		return "", err
	}
	e.Payload = nil
	l.last = number
	l.index = append(l.index, indexed{e, int64(len(document))})
	l.sum += int64(len(document))
	for len(l.index) > 1 && (len(l.index) > l.entries || l.sum > l.bytes) {
		if err := l.dropLocked(ctx, 0); err != nil {
			l.log.Warn("an old refused payload could not be removed", "id", l.index[0].ID, "error", err)
			break
		}
	}
	return e.ID, nil
}

// dropLocked removes entry i from the store and the index.
func (l *refusals) dropLocked(ctx context.Context, i int) error {
	if err := l.documents.Delete(ctx, l.index[i].ID); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	l.sum -= l.index[i].bytes
	l.index = append(l.index[:i], l.index[i+1:]...)
	return nil
}

// list returns the entries without their payloads, newest first.
func (l *refusals) list(ctx context.Context) ([]refusal, error) {
	if err := l.enter(ctx); err != nil {
		return nil, err
	}
	defer l.leave()
	all := make([]refusal, 0, len(l.index))
	for i := len(l.index) - 1; i >= 0; i-- {
		all = append(all, l.index[i].refusal)
	}
	return all, nil
}

// get returns an entry with its payload.
func (l *refusals) get(ctx context.Context, id string) (e refusal, err error) {
	value, err := l.documents.Get(ctx, id)
	if err != nil {
		return e, refusedError(err, id)
	}
	if err := json.Unmarshal(value, &e); err != nil {
		return e, fault.WrapAs(fault.Corrupt, err, "", "the refused payload %s cannot be read", id)
	}
	return e, nil
}

// remove takes an entry from the list.
func (l *refusals) remove(ctx context.Context, id string) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.leave()
	for i := range l.index {
		if l.index[i].ID == id {
			return l.dropLocked(ctx, i)
		}
	}
	return refusedError(fault.NotFound, id)
}

func refusedError(err error, id string) error {
	if errors.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "", "there is no refused payload %q", clip(id, 60))
	}
	return err
}

// refuse notes what is about to be refused. A failure to do so is logged and changes nothing for
// the client, whose answer may be that the disk is full.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, f *format, e refusal, payload []byte) {
	e.Endpoint = r.URL.Path
	e.ContentType = clip(r.Header.Get("Content-Type"), 200)
	e.Client = client(r)
	if id := a.listRefusal(r.Context(), f, e, payload); id != "" {
		w.Header().Set("X-Stele-Refused", id)
	}
}

// listRefusal counts and lists what is refused, also when ctx has ended. id is empty if that fails.
func (a *api) listRefusal(ctx context.Context, f *format, e refusal, payload []byte) (id string) {
	a.meters.protocols[f.protocol.name].refusedPayloads.Inc()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refusedTime)
	defer cancel()
	e.Format = f.name
	e.Error = clip(cleanText(e.Error), 2000)
	e.Payload = payload
	id, err := a.refused.add(ctx, e)
	if err != nil {
		a.server.log.Warn("a refused payload could not be kept", "endpoint", e.Endpoint, "client", e.Client, "refused", e.Error, "error", err)
		return ""
	}
	return id
}

// client says who sent a request.
func client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if agent := r.UserAgent(); agent != "" {
		host += " " + clip(agent, 200)
	}
	return cleanText(host)
}

// cleanText makes any text fit to be written as JSON.
func cleanText(s string) string { return string(validText(s)) }

// listRefused lists refused payloads, newest first.
//
//	GET /api/refused
//	200 [{"Id","Time","Endpoint","Format","ContentType","Client","Error","Line","Bytes","Truncated"},…]
//
// Line is the first refused line, or event of the raw form, and 0 if the payload was refused
// as a whole. The list holds 1,000 payloads and 64 MiB; the oldest make room.
func (a *api) listRefused(w http.ResponseWriter, r *http.Request) error {
	all, err := a.refused.list(r.Context())
	if err != nil {
		return err
	}
	body, err := list(all, func(dst []byte, e *refusal) ([]byte, error) {
		return appendObject(dst, []member{
			{"Id", e.ID}, {"Time", e.Time}, {"Endpoint", e.Endpoint}, {"Format", e.Format}, {"ContentType", e.ContentType}, {"Client", e.Client},
			{"Error", e.Error}, {"Line", e.Line}, {"Bytes", e.Bytes}, {"Truncated", e.Truncated},
		}), nil
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

// getRefused returns a refused payload's bytes.
//
//	GET /api/refused/{id}
//	200 the payload as received, any content coding undone; 404 there is none
//
// After a partial acceptance it is the refused events alone. If Truncated, it is the payload's
// start. A coding that could not be undone is named by the header X-Stele-Content-Encoding.
func (a *api) getRefused(w http.ResponseWriter, r *http.Request) error {
	e, err := a.refused.get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	h := w.Header()
	// Never the type it came with: it is foreign text on the page's own site.
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="`+e.ID+`"`)
	h.Set("Content-Length", strconv.Itoa(len(e.Payload)))
	if e.ContentEncoding != "" {
		h.Set("X-Stele-Content-Encoding", asciiHeader(e.ContentEncoding))
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(e.Payload)
	return nil
}

// retryRefused ingests a refused payload again; what succeeds leaves the list.
//
//	POST /api/refused/{id}/retry
//	201 {"MinimumLevelAccepted":null}; 400 it is refused again, or only its start was kept; 404 there is none
func (a *api) retryRefused(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	e, err := a.refused.get(r.Context(), id)
	if err != nil {
		return err
	}
	f := formatNamed(e.Format)
	switch {
	case e.Truncated:
		return fault.New(fault.Invalid, "", "only the first %d of the payload's bytes were kept; it cannot be ingested again", len(e.Payload))
	case f == nil:
		return fault.New(fault.Invalid, "", "payloads of the form %q are not understood; it cannot be ingested again", clip(e.Format, 60))
	case e.ContentEncoding != "":
		return fault.New(fault.Invalid, "", "the payload is still in its content encoding %q; it cannot be ingested again", e.ContentEncoding)
	}
	// The id makes a retry that is repeated, because its answer was lost, count once (R16).
	if _, err := a.takeIn(r.Context(), f, e.Payload, takeOptions{id: id, contentType: e.ContentType, arrival: e.Time}); err != nil {
		return err
	}
	if err := a.refused.remove(r.Context(), id); err != nil && !errors.Is(err, fault.NotFound) {
		a.server.log.Warn("a payload that was ingested again stays in the list", "id", id, "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte(accepted))
	return nil
}

// deleteRefused removes a refused payload.
//
//	DELETE /api/refused/{id}
//	204 removed; 404 there is none
func (a *api) deleteRefused(w http.ResponseWriter, r *http.Request) error {
	if err := a.refused.remove(r.Context(), r.PathValue("id")); err != nil {
		return whileWriting(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
