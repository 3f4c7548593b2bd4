package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// api is what requests are served with while the store is open. It is immutable; what it
// holds may be used concurrently.
type api struct {
	o          *Options
	server     *Server
	store      *stele.Store
	meters     *meters
	refused    *refusals
	backups    *pins
	queries    *queryGate
	memory     *budget
	batches    sync.Pool       // of *stele.Batch, empty
	pieces     sync.Pool       // of *[]byte, of a capacity of pieceText
	streams    context.Context // ends when the server drains
	endStreams context.CancelFunc
}

func newAPI(s *Server, store *stele.Store) *api {
	a := &api{o: &s.o, server: s, store: store, meters: s.meters, memory: &budget{most: s.o.BodyMemory}}
	a.batches.New = func() any { return store.NewBatch() }
	a.refused = newRefusals(store.Documents(refusedSpace), s.log)
	a.streams, a.endStreams = context.WithCancel(context.Background())
	a.backups = newPins(s.defect)
	a.queries = newQueryGate(s.o.Queries, s.o.queryWait)
	context.AfterFunc(a.streams, fault.Guarded("forget backups", a.backups.clear, s.defect))
	return a
}

// handler answers a request or returns the error to answer with. After it has written
// anything it must not return an error: it aborts instead.
type handler func(a *api, w http.ResponseWriter, r *http.Request) error

// statusError is an error answered with another status than its kind's.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// whileWriting gives a failed write the status that every client retries: 503 for IO (R20).
func whileWriting(err error) error {
	if err != nil && stele.KindOf(err) == fault.IO {
		return &statusError{http.StatusServiceUnavailable, err}
	}
	return err
}

func statusOf(err error) int {
	var e *statusError
	if errors.As(err, &e) {
		return e.status
	}
	return stele.KindOf(err).HTTPStatus()
}

// writeError answers with an error in the API's form.
func writeError(w http.ResponseWriter, err error) { answerError(w, nil, failPlain, err) }

// answerError renders err with its kind's status in the form that its reader knows.
func answerError(w http.ResponseWriter, r *http.Request, fail failure, err error) {
	status := statusOf(err)
	h := w.Header()
	for _, name := range []string{"Content-Encoding", "Content-Disposition", "ETag", "Cache-Control"} {
		h.Del(name)
	}
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", retryAfter)
	}
	fail(w, r, status, err)
}

// failPlain is {"Error":"..."}, and X-Stele-Error has the kind: some share a status.
func failPlain(w http.ResponseWriter, _ *http.Request, status int, err error) {
	w.Header().Set("X-Stele-Error", stele.KindOf(err).String())
	writeJSON(w, status, errorBody(err.Error()))
}

// retryAfter is how many seconds a client should wait. OpenTelemetry's exporters give a batch ten seconds and six
// requests, and drop it at once if the wait would take them beyond: two seconds give the longest patience (docs/clients.md).
const retryAfter = "2"

func errorBody(text string) []byte {
	body := event.AppendString([]byte(`{"Error":`), validText(text))
	return append(body, '}')
}

// writeJSON answers with a whole JSON body.
func writeJSON(w http.ResponseWriter, status int, body []byte) {
	writeWhole(w, status, jsonType, body)
}

func writeWhole(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone is its own problem
}

// recorder notes what was answered, and gives each write a deadline, so that a client that
// reads nothing holds no snapshot for ever.
type recorder struct {
	http.ResponseWriter
	control *http.ResponseController
	status  int
	bytes   int64
}

const writeTime = 30 * time.Second // for each write of at most some 64 KiB

func newRecorder(w http.ResponseWriter) *recorder {
	return &recorder{ResponseWriter: w, control: http.NewResponseController(w)}
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.extend()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (n int, err error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	for {
		piece := p[n:min(len(p), n+64<<10)]
		w.extend()
		m, err := w.ResponseWriter.Write(piece)
		n += m
		w.bytes += int64(m)
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// extend moves the deadline. Not every writer has one; then there is nothing to move.
func (w *recorder) extend() { _ = w.control.SetWriteDeadline(time.Now().Add(writeTime)) }

// ServeHTTP answers one request: checks that hold everywhere, the route, and the one place
// where panics end.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) { s.answer(s.mux, rw, r) }

func (s *Server) answer(mux *http.ServeMux, rw http.ResponseWriter, r *http.Request) {
	began := time.Now()
	headRead(r)
	w := newRecorder(rw)
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				s.meters.request(r, http.StatusInternalServerError, began)
				panic(p)
			}
			s.log.Error("a request met a defect", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			if w.status != 0 { // half an answer must not look whole
				s.meters.request(r, http.StatusInternalServerError, began)
				panic(http.ErrAbortHandler)
			}
			s.answerError(w, r, fault.New(fault.Internal, "", "a defect in Stele; the server's log has the details"))
		}
		s.meters.request(r, w.status, began)
	}()
	if r.Body != nil && r.Body != http.NoBody {
		// For whoever answers without reading the body: what is left of it is not waited for without end.
		_ = w.control.SetReadDeadline(began.Add(s.o.bodyGrace))
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if err := s.guard.host(r); err != nil {
		s.answerError(w, r, err)
		return
	}
	r = s.withElasticBase(withWholeKey(r)) // the meters see what the mux saw
	mux.ServeHTTP(w, r)
}

// answerError answers in the form of whatever serves the request's path.
func (s *Server) answerError(w http.ResponseWriter, r *http.Request, err error) {
	h, _ := s.mux.Handler(r)
	if res, ok := h.(*resource); ok {
		res.answerError(w, r, err)
		return
	}
	writeError(w, err)
}

// withWholeKey returns the request with a document's key encoded whole. Otherwise the mux would redirect a key with an
// empty segment, or one of dots, to another key.
func withWholeKey(r *http.Request) *http.Request {
	for _, prefix := range [...]string{"/api/documents/", "/api/data/"} {
		key, ok := strings.CutPrefix(r.URL.Path, prefix)
		if !ok || !strings.Contains(key, "//") && !strings.Contains(key, ".") && !strings.HasPrefix(key, "/") {
			continue
		}
		r = r.Clone(r.Context())
		r.URL.RawPath = prefix + strings.ReplaceAll(url.PathEscape(key), ".", "%2E")
		return r
	}
	return r
}
