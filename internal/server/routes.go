package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/otlp"
)

// access says what a route is to a browser (R23), and to clients that speak a protocol.
type access struct {
	writes  bool      // a foreign Origin is refused
	ingests *protocol // not nil: open to other sites' pages (CORS), and says no in the protocol's form
}

var (
	reads  = access{} // changes nothing: pages of other sites cannot read the answer
	writes = access{writes: true}
)

func ingests(p *protocol) access { return access{ingests: p} }

// route is one row of the table: what answers a method on a pattern of http.ServeMux.
type route struct {
	method  string
	pattern string
	access  access
	handle  handler
}

// routes is every request the server answers; the page and the answers to unknown paths
// are below it.
var routes = []route{
	{"POST", "/ingest/clef", ingests(seqProtocol), (*api).ingestCLEF},
	{"POST", "/api/events/raw", ingests(seqProtocol), (*api).ingestRaw},
	{"GET", "/api/events/describe", ingests(seqProtocol), (*api).describeIngestion},

	{"POST", "/v1/logs", ingests(otlpProtocol), ingestOTLP(otlp.SignalLogs)},
	{"POST", "/v1/traces", ingests(otlpProtocol), ingestOTLP(otlp.SignalTraces)},
	{"POST", "/v1/metrics", ingests(otlpProtocol), (*api).refuseMetrics},
	{"POST", "/ingest/otlp/v1/logs", ingests(otlpProtocol), ingestOTLP(otlp.SignalLogs)},
	{"POST", "/ingest/otlp/v1/traces", ingests(otlpProtocol), ingestOTLP(otlp.SignalTraces)},
	{"POST", "/ingest/otlp/v1/metrics", ingests(otlpProtocol), (*api).refuseMetrics},
	{"POST", "/opentelemetry.proto.collector.logs.v1.LogsService/Export", ingests(grpcProtocol), exportGRPC(otlp.SignalLogs)},
	{"POST", "/opentelemetry.proto.collector.trace.v1.TraceService/Export", ingests(grpcProtocol), exportGRPC(otlp.SignalTraces)},
	{"POST", "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", ingests(grpcProtocol), (*api).refuseMetricsGRPC},

	{"POST", "/elasticsearch/_bulk", ingests(elasticProtocol), (*api).elasticBulk},
	{"PUT", "/elasticsearch/_bulk", ingests(elasticProtocol), (*api).elasticBulk},
	{"POST", "/elasticsearch/{index}/_bulk", ingests(elasticProtocol), (*api).elasticBulk},
	{"PUT", "/elasticsearch/{index}/_bulk", ingests(elasticProtocol), (*api).elasticBulk},
	{"POST", "/elasticsearch/{index}/_doc", ingests(elasticProtocol), (*api).elasticDocument},
	{"POST", "/elasticsearch/{index}/_doc/{id}", ingests(elasticProtocol), (*api).elasticDocument},
	{"PUT", "/elasticsearch/{index}/_doc/{id}", ingests(elasticProtocol), (*api).elasticDocument},
	{"POST", "/elasticsearch/{index}/_create/{id}", ingests(elasticProtocol), (*api).elasticDocument},
	{"PUT", "/elasticsearch/{index}/_create/{id}", ingests(elasticProtocol), (*api).elasticDocument},
	{"GET", "/elasticsearch", ingests(elasticProtocol), (*api).elasticProbe},
	{"GET", "/elasticsearch/{path...}", ingests(elasticProtocol), (*api).elasticProbe},
	{"PUT", "/elasticsearch/{path...}", ingests(elasticProtocol), (*api).elasticSetUp},
	{"POST", "/elasticsearch/{path...}", ingests(elasticProtocol), (*api).elasticSetUp},

	{"POST", "/loki/api/v1/push", ingests(lokiProtocol), (*api).lokiPush},
	{"POST", "/api/prom/push", ingests(lokiProtocol), (*api).lokiPush},
	{"GET", "/ready", ingests(lokiProtocol), (*api).lokiReady},

	{"POST", "/gelf", ingests(gelfProtocol), (*api).ingestGELF},

	{"GET", "/api/events", reads, (*api).listEvents},
	{"GET", "/api/events/{id}", reads, (*api).getEvent},
	{"DELETE", "/api/events", writes, (*api).deleteEvents},
	{"DELETE", "/api/events/{id}", writes, (*api).deleteEvent},
	{"GET", "/api/events/histogram", reads, (*api).histogram},
	{"GET", "/api/events/stream", reads, (*api).streamEvents},
	{"GET", "/api/expressions/to-strict", reads, (*api).toStrict},

	{"GET", "/api/signals", reads, (*api).listSignals},
	{"POST", "/api/signals", writes, (*api).createSignal},
	{"GET", "/api/signals/template", reads, (*api).signalTemplate},
	{"GET", "/api/signals/{id}", reads, (*api).getSignal},
	{"PUT", "/api/signals/{id}", writes, (*api).updateSignal},
	{"DELETE", "/api/signals/{id}", writes, (*api).deleteSignal},

	{"GET", "/api/documents", reads, (*api).listDocuments},
	{"GET", "/api/documents/{key...}", reads, (*api).getDocument},
	{"PUT", "/api/documents/{key...}", writes, (*api).setDocument},
	{"POST", "/api/documents/{key...}", writes, (*api).setDocument},
	{"DELETE", "/api/documents/{key...}", writes, (*api).deleteDocument},

	{"GET", "/api/data", reads, (*api).listData},
	{"POST", "/api/data", reads, (*api).queryData},
	{"GET", "/api/data/{key...}", reads, (*api).getDocument},
	{"PUT", "/api/data/{key...}", writes, (*api).setDocument},
	{"POST", "/api/data/{key...}", writes, (*api).setDocument},
	{"DELETE", "/api/data/{key...}", writes, (*api).deleteDocument},

	{"GET", "/api/refused", reads, (*api).listRefused},
	{"GET", "/api/refused/{id}", reads, (*api).getRefused},
	{"DELETE", "/api/refused/{id}", writes, (*api).deleteRefused},
	{"POST", "/api/refused/{id}/retry", writes, (*api).retryRefused},

	{"GET", "/api/retention", reads, (*api).listRetention},
	{"POST", "/api/retention", writes, (*api).setRetention},
	{"GET", "/api/retention/{id}", reads, (*api).getRetention},
	{"DELETE", "/api/retention/{id}", writes, (*api).deleteRetention},
	{"POST", "/api/retention/run", writes, (*api).runRetention},

	{"POST", "/api/backups", writes, (*api).beginBackup},
	{"GET", "/api/backups/{id}/{file}", writes, (*api).readBackup}, // keeps the snapshot for longer
	{"DELETE", "/api/backups/{id}", writes, (*api).endBackup},

	{"GET", "/api", reads, (*api).root},
	{"GET", "/api/store", reads, (*api).storeStatistics},
	{"DELETE", "/api/store/damage/{file}", writes, (*api).forgetDamage},
	{"GET", "/api/events/resources", reads, resources("events")},
	{"GET", "/api/expressions/resources", reads, resources("expressions")},
	{"GET", "/api/signals/resources", reads, resources("signals")},
	{"GET", "/api/retention/resources", reads, resources("retention")},
	{"GET", "/api/refused/resources", reads, resources("refused")},

	{"GET", "/health/cluster", reads, (*api).healthCluster},
	{"GET", "/metrics", reads, (*api).writeMetrics},
}

// newMux gives each pattern its methods; with ingestionAlone only the routes that take in events are served.
// /health and the page need no store.
func (s *Server) newMux(ingestionAlone bool) *http.ServeMux {
	mux := http.NewServeMux()
	all := map[string]*resource{}
	for i := range routes {
		r := &routes[i]
		if ingestionAlone && r.access.ingests == nil {
			continue
		}
		res := all[r.pattern]
		if res == nil {
			res = &resource{server: s, protocol: r.access.ingests}
			all[r.pattern] = res
			mux.Handle(r.pattern, res)
		}
		res.routes = append(res.routes, r)
	}
	mux.HandleFunc("/health", s.health)
	if ingestionAlone {
		mux.HandleFunc("/", unknownPath)
		return mux
	}
	for _, prefix := range []string{"/api/", "/ingest/", "/v1/", "/loki/", "/health/", "/metrics/", "/ingest"} {
		mux.HandleFunc(prefix, unknownPath)
	}
	mux.Handle("/", newPage(s))
	return mux
}

// unknownPath answers what no route serves under the API's prefixes.
func unknownPath(w http.ResponseWriter, r *http.Request) {
	writeError(w, fault.New(fault.NotFound, "", "nothing is served at %s", clip(r.URL.Path, 200)).
		WithHint("GET /api lists what there is"))
}

// resource answers every method on one pattern.
type resource struct {
	server   *Server
	routes   []*route
	protocol *protocol // of an ingestion endpoint, else nil
}

func (p *resource) answerError(w http.ResponseWriter, r *http.Request, err error) {
	fail := failPlain
	if p.protocol != nil {
		fail = p.protocol.fail
	}
	answerError(w, r, fail, err)
}

func (p *resource) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := p.server
	cors := p.protocol != nil
	if cors {
		s.guard.allowOrigin(w, r)
	}
	rt := p.route(r.Method)
	if rt == nil {
		w.Header().Set("Allow", p.allow())
		if r.Method == http.MethodOptions {
			if cors {
				s.guard.preflight(w, r, p.allow())
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		p.answerError(w, r, &statusError{http.StatusMethodNotAllowed,
			fault.New(fault.Invalid, "", "%s is not allowed here; allowed: %s", clip(r.Method, 20), p.allow())})
		return
	}
	if rt.access.writes {
		if err := s.guard.origin(r); err != nil {
			p.answerError(w, r, err)
			return
		}
	}
	a, err := s.gate.enter()
	if err != nil {
		if s.gate.now() == draining {
			w.Header().Set("Connection", "close")
		}
		p.answerError(w, r, err)
		return
	}
	defer s.gate.leave()
	if r.ProtoMajor == 2 {
		// A connection brings hundreds of requests at once, for next to nothing; over HTTP/1.1 each has its own, and headListener counts.
		hold := a.memory.hold()
		defer hold.release()
		if err := hold.take(callMemory); err != nil {
			p.answerError(w, r, err)
			return
		}
	}
	if err := rt.handle(a, w, r); err != nil {
		s.logError(r, err)
		p.answerError(w, r, err)
	}
}

// route returns what answers the method, nil if nothing does. HEAD is answered as GET.
func (p *resource) route(method string) *route {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, rt := range p.routes {
		if rt.method == method {
			return rt
		}
	}
	return nil
}

// allow lists the methods as the header Allow does.
func (p *resource) allow() string {
	var methods []string
	for _, rt := range p.routes {
		if rt.method == http.MethodGet {
			methods = append(methods, http.MethodGet, http.MethodHead)
		} else {
			methods = append(methods, rt.method)
		}
	}
	methods = append(methods, http.MethodOptions)
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// logError notes the server's own failures; a client's mistakes are told to the client.
func (s *Server) logError(r *http.Request, err error) {
	if status := statusOf(err); status >= 500 && status != http.StatusNotImplemented {
		s.log.Error("a request failed", "method", r.Method, "path", r.URL.Path, "status", status, "error", err)
	}
}
