package server

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/elastic"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
)

// Elasticsearch's way in: its bulk API and the endpoints for single documents. Its clients find them under
// /elasticsearch, and at the root too: see withElasticBase.

var elasticProtocol = &protocol{"elasticsearch", failElastic}

var elasticFormat = &format{elasticProtocol, "elasticsearch-bulk", "line", func(b ingest.Adder, body []byte, o ingest.PayloadOptions) (ingest.Payload, error) {
	return new(elastic.Bulk).Add(b, body, o)
}, nil, nil}

// elasticBulk takes in documents, each an event; what is wrong with one refuses it alone.
//
//	POST, PUT /elasticsearch/_bulk, /elasticsearch/{index}/_bulk
//	200 {"took","errors","items":[{"index":{"_index","_id","status":201,…}},…]}: those with a status of 201 are durable;
//	400 an action cannot be read: nothing is stored; 413 the body is over the limit; 503 nothing is stored, try again
//
// An _id that the client leaves out is the event's id. filter_path is honoured where it asks for errors and statuses alone.
func (a *api) elasticBulk(w http.ResponseWriter, r *http.Request) error {
	began := time.Now()
	q := r.URL.Query()
	d := elastic.Bulk{Default: elastic.Target{Index: r.PathValue("index"), Routing: q.Get("routing"), Pipeline: q.Get("pipeline")}}
	p, err := a.elasticTake(w, r, &d, func(body []byte) []byte { return body })
	if err != nil {
		return err
	}
	if len(d.Items) == 0 {
		return fault.New(fault.Invalid, "", "the request has no actions")
	}
	elasticHeader(w, r)
	w.WriteHeader(http.StatusOK)
	const piece = 32 << 10 // of the answer, which may be much longer than the body was
	short := onlyStatuses(q.Get("filter_path"))
	answer := appendMembers([]byte{'{'}, []member{{"took", time.Since(began).Milliseconds()}, {"errors", p.Count > 0}})
	answer = append(answer, `,"items":[`...)
	stored := 0
	for i := range d.Items {
		item := &d.Items[i]
		if i > 0 {
			answer = append(answer, ',')
		}
		answer = append(append(append(answer, `{"`...), item.Kind.String()...), `":{`...)
		if item.Err == nil {
			answer = appendStored(answer, item, p.keys.At(stored), short)
			stored++
		} else {
			answer = appendNotStored(answer, item, short)
		}
		if answer = append(answer, "}}"...); len(answer) > piece {
			if _, err := w.Write(answer); err != nil {
				return nil // the client is gone
			}
			answer = answer[:0]
		}
	}
	_, _ = w.Write(append(answer, "]}"...))
	return nil
}

// elasticDocument takes in one document.
//
//	POST /elasticsearch/{index}/_doc; POST, PUT /elasticsearch/{index}/_doc/{id}, /elasticsearch/{index}/_create/{id}
//	201 {"_index","_id","_version":1,"result":"created",…} durable; otherwise as for _bulk
func (a *api) elasticDocument(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	t := elastic.Target{Index: r.PathValue("index"), ID: r.PathValue("id"), Routing: q.Get("routing"), Pipeline: q.Get("pipeline")}
	var d elastic.Bulk
	p, err := a.elasticTake(w, r, &d, func(body []byte) []byte { return elastic.Body(elastic.Index, t, body) })
	if err != nil {
		return err
	}
	item := &d.Items[0]
	if item.Err != nil {
		return &elasticError{item.Type, item.Err}
	}
	answer := append(appendStored([]byte{'{'}, item, p.keys.At(0), false), '}')
	elasticHeader(w, r)
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(answer)
	return nil
}

// elasticTake takes a request's body in through d, after bulk has made a bulk body of it.
func (a *api) elasticTake(w http.ResponseWriter, r *http.Request, d *elastic.Bulk, bulk func([]byte) []byte) (taken, error) {
	f := *elasticFormat
	f.add = func(b ingest.Adder, body []byte, o ingest.PayloadOptions) (ingest.Payload, error) {
		return d.Add(b, bulk(body), o)
	}
	f.whole = func(body []byte) []byte { return d.Whole(bulk(body)) }
	f.batchID = func(body []byte) string {
		if !d.Named() {
			return ""
		}
		return bodyID("elasticsearch", r.URL.RequestURI(), body)
	}
	return a.ingest(w, r, &f, true)
}

// appendStored appends what clients are told of a document that is durable. The arrival number has what they know as
// sequence number and primary term.
func appendStored(dst []byte, item *elastic.Item, k stele.Key, short bool) []byte {
	if !short {
		id := item.ID
		if id == "" {
			id = k.String()
		}
		dst = appendMembers(dst, []member{{"_index", item.Index}, {"_id", id}, {"_version", 1}, {"result", "created"}})
		dst = append(dst, `,"_shards":{"total":1,"successful":1,"failed":0},`...)
		dst = appendMembers(dst, []member{{"_seq_no", k.Arrival() & event.MaxCounter}, {"_primary_term", k.Arrival() >> event.CounterBits}})
		dst = append(dst, ',')
	}
	return append(dst, `"status":201`...)
}

func appendNotStored(dst []byte, item *elastic.Item, short bool) []byte {
	if !short {
		dst = append(appendMembers(dst, []member{{"_index", item.Index}}), ',')
		if item.ID != "" {
			dst = append(appendMembers(dst, []member{{"_id", item.ID}}), ',')
		}
	}
	dst = append(dst, `"status":400,"error":{`...)
	dst = appendMembers(dst, []member{{"type", item.Type}, {"reason", cleanText(item.Err.Error())}})
	return append(dst, '}')
}

// onlyStatuses reports whether a filter_path asks for no more than whether all is well and which are not: then
// the answer is a tenth as long. Any other is answered in full, which no client minds.
func onlyStatuses(filterPath string) bool {
	for part := range strings.SplitSeq(filterPath, ",") {
		switch part {
		case "took", "errors", "items.*.error", "items.*.status":
		default:
			return false
		}
	}
	return true
}

// elasticError is an error with Elasticsearch's name for it.
type elasticError struct {
	name string
	err  error
}

func (e *elasticError) Error() string { return e.err.Error() }
func (e *elasticError) Unwrap() error { return e.err }

// failElastic is {"error":{"root_cause":[{"type","reason"}],"type","reason"},"status"}.
func failElastic(w http.ResponseWriter, r *http.Request, status int, err error) {
	name := "exception"
	var named *elasticError
	switch {
	case errors.As(err, &named):
		name = named.name
	case status == http.StatusNotFound:
		name = "resource_not_found_exception"
	case status == http.StatusRequestEntityTooLarge:
		name = "content_too_long_exception"
	case status == http.StatusForbidden:
		name = "security_exception"
	case status < 500:
		name = "illegal_argument_exception"
	case status == http.StatusServiceUnavailable:
		name = "unavailable_shards_exception"
	}
	cause := appendMembers(nil, []member{{"type", name}, {"reason", cleanText(err.Error())}})
	body := append(append([]byte(`{"error":{"root_cause":[{`), cause...), `}],`...)
	body = append(append(body, cause...), `},`...)
	body = append(appendMembers(body, []member{{"status", status}}), '}')
	elasticHeader(w, r)
	writeWhole(w, status, w.Header().Get("Content-Type"), body)
}

// elasticHeader sets what clients look at before they believe an answer: the product's name, and the content type that
// they asked for, with its version.
func elasticHeader(w http.ResponseWriter, r *http.Request) {
	const own = "application/vnd.elasticsearch+json"
	h := w.Header()
	h.Set("X-Elastic-Product", "Elasticsearch")
	h.Set("Content-Type", "application/json")
	for accept := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		if mediaType(accept) != own {
			continue
		}
		h.Set("Content-Type", own)
		if _, version, ok := strings.Cut(accept, "compatible-with="); ok {
			if version = strings.TrimSpace(version); version != "" && len(version) < 4 && strings.Trim(version, "0123456789") == "" {
				h.Set("Content-Type", own+";compatible-with="+version)
			}
		}
	}
}
