package server

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// What Elasticsearch's clients ask before, between and after their documents. The answers are the least that makes them
// go on. They name a version because clients compare it: one that is no older than they are suits them all.
const elasticVersion = "9.4.0"

const elasticBase = "/elasticsearch"

// withElasticBase returns the request with /elasticsearch before its path if nothing else serves it and it is meant
// for Elasticsearch: clients are mostly given a host and a port alone. /_bulk and other paths that begin with an underscore, and
// /{index}/_bulk, /{index}/_doc and /{index}/_create, are nobody else's; any other path, / above all, is for Elasticsearch
// if the request says who sends it, and the page's if not.
func (s *Server) withElasticBase(r *http.Request) *http.Request {
	path := strings.TrimPrefix(r.URL.Path, "/")
	first, rest, _ := strings.Cut(path, "/")
	action, _, _ := strings.Cut(rest, "/")
	if !strings.HasPrefix(first, "_") && action != "_bulk" && action != "_doc" && action != "_create" && !fromElasticClient(r) {
		return r
	}
	if _, pattern := s.mux.Handler(r); pattern != "/" {
		return r
	}
	to := *r.URL
	to.Path = elasticBase + r.URL.Path
	if to.RawPath != "" {
		to.RawPath = elasticBase + to.RawPath
	}
	r = r.WithContext(r.Context())
	r.URL = &to
	return r
}

// fromElasticClient tells Elasticsearch's clients by what they send and no browser does: Elastic's own by their media
// type and their headers, others by their name (elasticsearch-py, Elastic-filebeat, logstash-output-elasticsearch,
// fluent-plugin-elasticsearch, Vector).
func fromElasticClient(r *http.Request) bool {
	h := r.Header
	agent := strings.ToLower(clip(r.UserAgent(), 200))
	return h.Get("X-Elastic-Client-Meta") != "" || h.Get("X-Elastic-Product-Origin") != "" ||
		strings.Contains(h.Get("Accept"), "application/vnd.elasticsearch+") || strings.Contains(h.Get("Content-Type"), "application/vnd.elasticsearch+") ||
		!strings.HasPrefix(agent, "mozilla/") && (strings.Contains(agent, "elastic") || strings.HasPrefix(agent, "vector/"))
}

// elasticProbe answers questions about the node, and says that there are no indexes, templates, policies and so on.
//
//	GET, HEAD /elasticsearch/
//	200 {"name","cluster_name","cluster_uuid","version":{"number",…},"tagline"}
//	GET, HEAD /elasticsearch/_license, _xpack, _cluster/health, _cat/health, _nodes, _nodes/…, _refresh, {index}/_refresh
//	200 what a node in order says
//	GET, HEAD /elasticsearch/…
//	404
func (a *api) elasticProbe(w http.ResponseWriter, r *http.Request) error {
	path := strings.Trim(r.PathValue("path"), "/")
	var body string
	switch {
	case path == "":
		body = fmt.Sprintf(`{"name":"stele","cluster_name":"stele","cluster_uuid":"%s","version":{"number":"`+elasticVersion+`","build_flavor":"default","build_type":"tar",`+
			`"build_hash":"unknown","build_date":"2026-01-01T00:00:00Z","build_snapshot":false,"lucene_version":"10.3.0","minimum_wire_compatibility_version":"8.19.0",`+
			`"minimum_index_compatibility_version":"8.0.0"},"tagline":"You Know, for Search"}`, a.meters.stats.get().StoreID)
	case path == "_license":
		body = `{"license":{"status":"active","uid":"stele","type":"basic","issue_date":"2026-01-01T00:00:00.000Z","issue_date_in_millis":1767225600000,` +
			`"max_nodes":1000,"issued_to":"stele","issuer":"stele","start_date_in_millis":-1}}`
	case path == "_xpack":
		body = `{"license":{"uid":"stele","type":"basic","mode":"basic","status":"active"},"features":{"ilm":{"available":false,"enabled":false}}}`
	case path == "_cluster/health":
		body = `{"cluster_name":"stele","status":"green","timed_out":false,"number_of_nodes":1,"number_of_data_nodes":1,"active_primary_shards":1,"active_shards":1,` +
			`"relocating_shards":0,"initializing_shards":0,"unassigned_shards":0,"number_of_pending_tasks":0,"task_max_waiting_in_queue_millis":0,"active_shards_percent_as_number":100.0}`
	case path == "_cat/health":
		elasticHeader(w, r)
		writeWhole(w, http.StatusOK, "text/plain; charset=UTF-8", []byte("stele green\n"))
		return nil
	case path == "_nodes" || strings.HasPrefix(path, "_nodes/"):
		address := event.AppendText(nil, cleanText(r.Host))
		body = `{"_nodes":{"total":1,"successful":1,"failed":0},"cluster_name":"stele","nodes":{"stele":{"name":"stele","version":"` + elasticVersion +
			`","roles":["data","ingest","master"],"http":{"publish_address":` + string(address) + `}}}}`
	case isElasticFlush(path):
		body = elasticFlushed
	default:
		return elasticNotFound(r)
	}
	elasticHeader(w, r)
	writeWhole(w, http.StatusOK, w.Header().Get("Content-Type"), []byte(body))
	return nil
}

// elasticFlushed is true at any time: what is acknowledged can be found.
const elasticFlushed = `{"_shards":{"total":1,"successful":1,"failed":0}}`

// isElasticFlush knows _refresh and _flush, of all indexes or of some.
func isElasticFlush(path string) bool {
	action := path[strings.LastIndexByte(path, '/')+1:]
	return (action == "_refresh" || action == "_flush") && strings.Count(path, "/") <= 1
}

func elasticNotFound(r *http.Request) error {
	return fault.New(fault.NotFound, "", "there is no %s here: Stele takes documents in and keeps nothing else", clip(r.URL.Path, 200))
}

// elasticSetUp agrees to what clients set up before they begin, and keeps none of it: an event store needs neither
// indexes nor templates nor policies. A pipeline is not run; documents that name it keep its name.
//
//	PUT, POST /elasticsearch/{index}, _index_template/…, _component_template/…, _template/…, _ilm/…, _data_stream/…, _ingest/…
//	200 {"acknowledged":true}
//	POST /elasticsearch/_refresh, _flush, /elasticsearch/{index}/_refresh, /elasticsearch/{index}/_flush
//	200 {"_shards":…}
//	PUT, POST /elasticsearch/…
//	404
func (a *api) elasticSetUp(w http.ResponseWriter, r *http.Request) error {
	path := strings.Trim(r.PathValue("path"), "/")
	first, _, deeper := strings.Cut(path, "/")
	body := ""
	switch first {
	case "_index_template", "_component_template", "_template", "_ilm", "_data_stream", "_ingest":
		body = `{"acknowledged":true}`
	}
	switch {
	case isElasticFlush(path):
		body = elasticFlushed
	case r.Method == http.MethodPut && !deeper && first != "" && !strings.HasPrefix(first, "_"):
		body = `{"acknowledged":true,"shards_acknowledged":true,"index":` + string(event.AppendText(nil, cleanText(first))) + `}`
	}
	if body == "" {
		return elasticNotFound(r)
	}
	elasticHeader(w, r)
	writeWhole(w, http.StatusOK, w.Header().Get("Content-Type"), []byte(body))
	return nil
}
