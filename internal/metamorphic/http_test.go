package metamorphic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/server"
	"github.com/stelehq/stele/internal/vfs"
)

// httpDoor is a server, asked without a socket between.
type httpDoor struct {
	s    *stele.Store
	h    http.Handler
	stop func() error
	last uint64 // the highest arrival number that was seen
}

// openHTTP serves a store that open opens.
func openHTTP(open func() (*stele.Store, error)) (*httpDoor, error) {
	opened, ready, done := make(chan error, 1), make(chan *stele.Store, 1), make(chan error, 1)
	h := server.New(server.Options{
		MemoryBytes: 256 << 20, Drain: 20 * time.Second,
		Open: func(context.Context) (*stele.Store, error) {
			s, err := open()
			if err != nil {
				opened <- err
			}
			return s, err
		},
		Ready: func(s *stele.Store) { ready <- s },
	})
	serving, cancel := context.WithCancel(ctx)
	go func() { done <- h.Serve(serving) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	select {
	case err := <-opened:
		_ = stop()
		return nil, err
	case s := <-ready:
		return &httpDoor{s: s, h: h, stop: stop}, nil
	}
}

// ask sends a request; an answer of a status other than those expected is an error of the kind that it stands for.
func (d *httpDoor) ask(method, target, body string, headers ...string) (string, error) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	if damage := w.Result().Header.Get("X-Stele-Damage"); damage != "" {
		return "", fault.New(fault.Corrupt, "http", "%s", damage)
	}
	if w.Code/100 == 2 {
		return w.Body.String(), nil
	}
	kind := fault.IO
	switch w.Code {
	case http.StatusBadRequest:
		kind = fault.Invalid
	case http.StatusNotFound:
		kind = fault.NotFound
	}
	return "", fault.New(kind, "http", "%s %s: %d %s", method, target, w.Code, w.Body)
}

func (d *httpDoor) askJSON(target string, into any) error {
	body, err := d.ask("GET", target, "")
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(body), into)
}

func (d *httpDoor) append(lines []string, id string) ([]stele.Key, error) {
	var headers []string
	if id != "" {
		headers = []string{"Idempotency-Key", id}
	}
	if _, err := d.ask("POST", "/ingest/clef", strings.Join(lines, "\n"), headers...); err != nil {
		return nil, err
	}
	last, err := d.lastArrival()
	if err != nil || last <= d.last {
		return nil, err // known already
	}
	d.last = last
	keys := make([]stele.Key, len(lines))
	for i, l := range lines {
		if keys[i], err = keyOf(l, last-uint64(len(lines)-1-i)); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func keyOf(line string, arrival uint64) (stele.Key, error) {
	_, rest, _ := strings.Cut(line, `"@t":"`)
	text, _, _ := strings.Cut(rest, `"`)
	at, _, err := event.ParseTime([]byte(text))
	return event.MakeKey(at, arrival), err
}

func (d *httpDoor) lastArrival() (uint64, error) {
	var s struct{ LastArrival string }
	if err := d.askJSON("/api/store", &s); err != nil {
		return 0, err
	}
	return strconv.ParseUint(s.LastArrival, 10, 64)
}

// together posts at the same time, and learns from the stream what came in which order.
func (d *httpDoor) together(batches [][]string) ([][]stele.Key, error) {
	before := d.last
	errs := make([]error, len(batches))
	var all sync.WaitGroup
	for i := range batches {
		all.Go(func() { _, errs[i] = d.ask("POST", "/ingest/clef", strings.Join(batches[i], "\n")) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	var err error
	if d.last, err = d.lastArrival(); err != nil {
		return nil, err
	}
	came, err := d.follow(before, d.last, nil)
	if err != nil {
		return nil, err
	}
	byText := map[string]stele.Key{}
	for i, l := range came.lines {
		byText[l] = came.keys[i]
	}
	keys := make([][]stele.Key, len(batches))
	for i := range batches {
		for _, l := range batches[i] {
			keys[i] = append(keys[i], byText[l])
		}
	}
	return keys, nil
}

// params are a query's, and whether there is a way to ask for it.
func (q *query) params() (url.Values, bool) {
	v := url.Values{}
	if q.filter != nil {
		v.Set("filter", q.filter.text)
	}
	if q.from.bounded && !q.from.key {
		t := instant(q.from.at.At)
		if q.from.open {
			t = t.Add(1)
		}
		v.Set("fromDateUtc", t.Format(time.RFC3339Nano))
	}
	if q.to.bounded && !q.to.key {
		t := instant(q.to.at.At)
		if !q.to.open {
			t = t.Add(1)
		}
		v.Set("toDateUtc", t.Format(time.RFC3339Nano))
	}
	if !q.descending {
		v.Set("ascending", "true")
	}
	// A page begins at a key; it has no end at one.
	start, end := q.from, q.to
	if q.descending {
		start, end = q.to, q.from
	}
	if start.bounded && start.key {
		v.Set(map[bool]string{true: "afterId", false: "startAtId"}[start.open], start.k.String())
	}
	return v, !(end.bounded && end.key) && q.snapshot == nil
}

// backwards says whether the range's times stand the wrong way round, which the server refuses.
func (q *query) backwards() bool {
	v, _ := q.params()
	from, to := v.Get("fromDateUtc"), v.Get("toDateUtc")
	if from == "" || to == "" {
		return false
	}
	a, _ := time.Parse(time.RFC3339Nano, from)
	b, _ := time.Parse(time.RFC3339Nano, to)
	return b.Before(a)
}

func (d *httpDoor) read(q *query) (hits, error) {
	if _, ok := q.params(); !ok {
		return hits{}, errNoWay
	}
	switch q.way {
	case "text", "write":
		v, _ := q.params()
		v.Set("clef", "true")
		v.Set("count", strconv.Itoa(q.most))
		body, err := d.ask("GET", "/api/events?"+v.Encode(), "")
		if q.backwards() && stele.KindOf(err) == stele.Invalid {
			err = nil
		}
		return hits{lines: splitLines(body)}, err
	case "pages":
		return readPages(q, d.list)
	}
	return d.list(q)
}

func (d *httpDoor) list(q *query) (h hits, err error) {
	v, _ := q.params()
	v.Set("count", "10000")
	if q.most > 0 {
		v.Set("count", strconv.Itoa(q.most))
	}
	var found []struct {
		ID string `json:"Id"`
	}
	err = d.askJSON("/api/events?"+v.Encode(), &found)
	if q.backwards() && stele.KindOf(err) == stele.Invalid {
		return hits{}, nil
	}
	for _, f := range found {
		k, err := stele.ParseKey(f.ID)
		if err != nil {
			return h, err
		}
		h.keys = append(h.keys, k)
	}
	return h, err
}

func (d *httpDoor) get(k stele.Key) (string, error) {
	return d.ask("GET", "/api/events/"+k.String()+"?clef=true", "")
}

// stream is the answer to a request for the live stream, which is given up after a number.
type stream struct {
	header http.Header
	body   bytes.Buffer
	until  []byte
	cancel func()
}

func (s *stream) Header() http.Header { return s.header }
func (s *stream) WriteHeader(int)     {}
func (s *stream) Flush()              {}

func (s *stream) Write(p []byte) (int, error) {
	s.body.Write(p)
	if bytes.Contains(s.body.Bytes(), s.until) {
		s.cancel()
	}
	return len(p), nil
}

// streamPatience is for a store that owes an event.
const streamPatience = 20 * time.Second

func (d *httpDoor) follow(after, until uint64, f *filter) (h hits, err error) {
	if until == 0 {
		return h, errNoWay // it would be waited for without end
	}
	v := url.Values{"clef": {"true"}, "lastEventId": {strconv.FormatUint(after, 10)}}
	if f != nil {
		v.Set("filter", f.text)
	}
	reading, cancel := context.WithTimeout(ctx, streamPatience)
	defer cancel()
	w := &stream{header: http.Header{}, until: fmt.Appendf(nil, "id: %d\ndata:", until), cancel: cancel}
	d.h.ServeHTTP(w, httptest.NewRequest("GET", "/api/events/stream?"+v.Encode(), nil).WithContext(reading))
	for message := range strings.SplitSeq(w.body.String(), "\n\n") {
		id, data, ok := strings.Cut(message, "\ndata: ")
		if !ok {
			continue
		}
		arrival, err := strconv.ParseUint(strings.TrimPrefix(id, "id: "), 10, 64)
		if err != nil {
			return h, err
		}
		k, err := keyOf(data, arrival)
		if err != nil {
			return h, err
		}
		h.keys, h.lines = append(h.keys, k), append(h.lines, data)
	}
	return h, nil
}

func (d *httpDoor) histogram(q *query, buckets int) (texts []string, err error) {
	q.descending = false
	v, ok := q.params()
	if !ok || q.from.key {
		return nil, errNoWay
	}
	v.Del("ascending")
	v.Set("buckets", strconv.Itoa(buckets))
	var counted []struct {
		Start, End time.Time
		Counts     map[string]int64
	}
	err = d.askJSON("/api/events/histogram?"+v.Encode(), &counted)
	if q.backwards() && stele.KindOf(err) == stele.Invalid {
		return nil, nil
	}
	for _, b := range counted {
		texts = append(texts, bucketText(b.Start, b.End, b.Counts))
	}
	return texts, err
}

func documentPath(key string) string { return "/api/documents/" + url.PathEscape(key) }

func (d *httpDoor) set(key, value string) error {
	_, err := d.ask("PUT", documentPath(key), value)
	return err
}

func (d *httpDoor) unset(key string) error {
	_, err := d.ask("DELETE", documentPath(key), "")
	return err
}

func (d *httpDoor) value(key string) (string, error) { return d.ask("GET", documentPath(key), "") }

func (d *httpDoor) documents(prefix string) (keys []string, err error) {
	var found []struct{ Key string }
	err = d.askJSON("/api/documents?prefix="+url.QueryEscape(prefix), &found)
	for _, f := range found {
		keys = append(keys, f.Key)
	}
	if !slices.IsSorted(keys) {
		return keys, fmt.Errorf("documents are listed as %q", keys)
	}
	return keys, err
}

// A remote is a store of which a backup is made from afar.
type remote struct {
	d  *httpDoor
	at string
}

func (r *remote) Plan(context.Context) ([]byte, error) {
	w := httptest.NewRecorder()
	r.d.h.ServeHTTP(w, httptest.NewRequest("POST", "/api/backups", nil))
	if w.Code != http.StatusCreated {
		return nil, fault.New(fault.IO, "http", "%d %s", w.Code, w.Body)
	}
	r.at = w.Result().Header.Get("Location")
	return w.Body.Bytes(), nil
}

func (r *remote) ReadAt(_ context.Context, file string, p []byte, offset int64) (int, error) {
	body, err := r.d.ask("GET", fmt.Sprintf("%s/%s?offset=%d&length=%d", r.at, url.PathEscape(file), offset, len(p)), "")
	return copy(p, body), err
}

func (d *httpDoor) backup(dest string, fs vfs.FS) (*stele.Backup, error) {
	r := &remote{d: d}
	b, err := stele.MakeBackup(ctx, r, dest, &stele.BackupOptions{FS: fs})
	if r.at != "" {
		if _, derr := d.ask("DELETE", r.at, ""); err == nil && derr != nil {
			err = derr
		}
	}
	return b, err
}

func (d *httpDoor) delete(q *query, keys []stele.Key) (int64, error) {
	v, ok := q.params()
	if v.Del("ascending"); !ok || q.from.key || q.backwards() || len(keys) == 0 && len(v) == 0 {
		return (&goDoor{d.s}).delete(q, keys)
	}
	for _, k := range keys {
		v.Add("id", k.String())
	}
	body, err := d.ask("DELETE", "/api/events?"+v.Encode(), "")
	if err != nil {
		return 0, err
	}
	var answer struct{ Deleted int64 }
	return answer.Deleted, json.Unmarshal([]byte(body), &answer)
}

func (d *httpDoor) retain(p stele.RetentionPolicy) (int64, error) {
	policy, err := p.MarshalJSON()
	if err != nil {
		return 0, err
	}
	body, err := d.ask("POST", "/api/retention/run", string(policy))
	if err != nil {
		return 0, err
	}
	var did []stele.Retained
	if err := json.Unmarshal([]byte(body), &did); err != nil || len(did) != 1 || did[0].ID != p.ID {
		return 0, fmt.Errorf("%s: %w", body, err)
	}
	return did[0].Events, nil
}

func (d *httpDoor) store() *stele.Store { return d.s }

func (d *httpDoor) close() error { return d.stop() }
