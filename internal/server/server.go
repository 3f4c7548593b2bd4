// Package server is Stele's HTTP door: ingestion that Seq's clients speak, search, the
// live stream, documents, and the page. It uses package stele as any user does; the
// routes are one table (routes.go), and docs/http.md is the reference.
package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/machine"
)

// Options says how a Server behaves. The zero value serves ./data without a page.
type Options struct {
	// Open opens the store, once, after the sockets listen; the server closes it, unless Shared says that others have it too. Nil opens
	// Datapath with the limits below.
	Open     func(ctx context.Context) (*stele.Store, error)
	Shared   bool
	Datapath string // used when Open is nil; empty: ./data

	Sockets *Sockets // syslog and GELF, served and closed by the server; nil: none

	URLs []string // the addresses served: their hosts are accepted as Host on loopback (R23)
	Page fs.FS    // index.html and what it names; nil: a plain page that points at the API

	EventBytes    int           // most bytes of one event; 0: 256 KiB
	BatchBytes    int           // most bytes of one request's events, after decompression; 0: 10 MiB
	DocumentBytes int           // most bytes of one document; 0: 16 MiB
	MemoryBytes   int64         // about how much memory to get along with; 0: machine.Memory
	JournalBytes  int64         // size of the journal at which it is sealed; 0: as the store has it
	Queries       int           // most queries that run at once; the others wait. 0: half of the processors, at least 2
	QueryMemory   int64         // most bytes that a query holds, over it 503; 0: a quarter of the memory
	QueryTime     time.Duration // how long a query may take, over it 503; 0: 10 minutes
	BodyMemory    int64         // most bytes held of request bodies, and of what becomes of them, over it 503; 0: a quarter of the memory

	MinFreeBytes int64 // used when Open is nil; as stele.Options has it

	Retention []stele.RetentionPolicy // used when Open is nil

	AllowedOrigins []string // origins besides the server's own that may change state (R23); "*" is any
	IngestOrigins  []string // origins whose pages may ingest (CORS); nil: any
	AllowedHosts   []string // Host names accepted on loopback besides loopback's own; "*" is any

	Version  string        // major.minor.patch[-suffix]; empty: 0.0.0-dev
	Instance string        // the name in GET /api; empty: none
	Logger   *slog.Logger  // nil: discard
	Drain    time.Duration // how long shutting down waits for requests inside; 0: 30 s

	// Ingestion are listeners that serve ingestion and /health alone: over HTTP/1.1, and over HTTP/2 without TLS as gRPC's
	// clients speak it. Serve closes them.
	Ingestion []net.Listener

	// Ready is told, once, that requests are being served. Nil: nobody is.
	Ready func(*stele.Store)

	heartbeat time.Duration // of streams; 0: 15 s
	bodyGrace time.Duration // how long a body may take before its rate counts; 0: 30 s
	bodyWait  time.Duration // how long a request waits for memory; 0: 5 s
	queryWait time.Duration // how long a query waits for others; 0: 30 s
}

func (o Options) withDefaults() Options {
	setDefault(&o.Datapath, "./data")
	setDefault(&o.EventBytes, 256<<10)
	setDefault(&o.BatchBytes, 10<<20)
	setDefault(&o.DocumentBytes, 16<<20)
	setDefault(&o.MemoryBytes, machine.Memory())
	// Some protocols' bodies are held whole, in a buffer that grows to twice as much.
	setDefault(&o.BodyMemory, max(o.MemoryBytes/4, 3*int64(o.BatchBytes)))
	setDefault(&o.Queries, max(2, runtime.GOMAXPROCS(0)/2))
	setDefault(&o.QueryMemory, o.MemoryBytes/4)
	setDefault(&o.QueryTime, 10*time.Minute)
	setDefault(&o.queryWait, 30*time.Second)
	setDefault(&o.Version, "0.0.0-dev")
	setDefault(&o.Drain, 30*time.Second)
	setDefault(&o.heartbeat, 15*time.Second)
	setDefault(&o.bodyGrace, 30*time.Second)
	setDefault(&o.bodyWait, 5*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// Server serves one store. It is an http.Handler too: before Serve has opened the store, and
// while it drains, it answers 503 to everything but /health.
type Server struct {
	o      Options
	log    *slog.Logger
	mux    *http.ServeMux
	intake *http.ServeMux // ingestion and /health alone
	meters *meters
	guard  guard
	gate   gate
}

// New returns a server that answers 503 until Serve has opened its store.
func New(o Options) *Server {
	o = o.withDefaults()
	s := &Server{o: o, log: o.Logger, meters: newMeters(), guard: newGuard(o), gate: newGate()}
	s.mux, s.intake = s.newMux(false), s.newMux(true)
	return s
}

// Serve answers requests on the listeners until ctx ends, then drains: new requests get 503,
// streams end, requests inside finish, and the store is closed before the sockets are, so
// that no client meets a refused connection earlier than need be. It closes the listeners.
// The error is nil after an orderly end.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	whole := s.httpServer(s, 4<<20) // a filter over its limit gets our own error, not a bare 431
	countHeads(whole)
	heads := &budget{most: longHeads}
	// HTTP/2 carries the heads of many requests at once, which no headListener can tell apart; ingestion needs short ones.
	intake := s.httpServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.answer(s.intake, w, r) }), 8<<10)
	intake.Protocols = new(http.Protocols)
	intake.Protocols.SetHTTP1(true)
	intake.Protocols.SetUnencryptedHTTP2(true)
	failed := make(chan error, len(listeners)+len(s.o.Ingestion))
	var serving sync.WaitGroup
	listen := func(hs *http.Server, l net.Listener) {
		fault.Go(&serving, "serve", func() {
			if err := hs.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				failed <- fault.WrapAs(fault.IO, err, "serve", "listening on %s ended", l.Addr())
			}
		}, func(err error) { failed <- err })
	}
	for _, l := range listeners {
		listen(whole, &headListener{l, heads})
	}
	for _, l := range s.o.Ingestion {
		listen(intake, l)
	}
	defer serving.Wait()
	defer func() { // after a panic too
		whole.Close()
		intake.Close()
	}()
	sockets := s.listen(s.o.Sockets)

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type result struct {
		store *stele.Store
		err   error
	}
	opened := make(chan result, 1)
	fault.Go(nil, "open store", func() {
		store, err := s.openStore(ctx)
		opened <- result{store, err}
	}, func(err error) { opened <- result{nil, err} })

	var store *stele.Store
	var err error
	select {
	case r := <-opened:
		if store, err = r.store, r.err; err == nil {
			s.start(store, sockets)
			select {
			case <-ctx.Done():
			case err = <-failed:
			}
		}
	case err = <-failed:
		stop()
		store = (<-opened).store
	case <-ctx.Done():
		store = (<-opened).store
	}
	return errors.Join(err, s.end(store, sockets, whole, intake))
}

func (s *Server) httpServer(h http.Handler, head int) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    head,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

func (s *Server) openStore(ctx context.Context) (*stele.Store, error) {
	if s.o.Open != nil {
		return s.o.Open(ctx)
	}
	o := &stele.Options{Logger: s.log, EventBytes: s.o.EventBytes, MemoryBytes: s.o.MemoryBytes, DocumentBytes: s.o.DocumentBytes, JournalBytes: s.o.JournalBytes, Retention: s.o.Retention, MinFreeBytes: s.o.MinFreeBytes,
		CacheBytes: s.o.MemoryBytes / 8 * 3} // bodies have a quarter
	o.BatchBytes = max(64<<20, s.o.BatchBytes)
	if len(s.o.URLs) > 0 {
		o.URL = s.o.URLs[0]
	}
	return stele.Open(s.o.Datapath, o)
}

// start lets requests in.
func (s *Server) start(store *stele.Store, sockets *socketRun) {
	a := newAPI(s, store)
	s.meters.watch(store)
	s.meters.queries.watch(s.meters.set, a.queries)
	s.gate.open(a)
	sockets.store(a)
	s.log.Info("serving", "urls", s.o.URLs)
	if s.o.Ready != nil {
		s.o.Ready(store)
	}
}

// end drains, closes the store (nil if it never opened), and then the sockets.
func (s *Server) end(store *stele.Store, sockets *socketRun, servers ...*http.Server) error {
	late := time.Now().Add(s.o.Drain)
	sockets.halt()
	s.drain()
	sockets.finish(late)
	var err error
	if store != nil && !s.o.Shared {
		if err = store.Close(); err != nil {
			s.log.Error("closing the store failed", "error", err)
		}
	}
	// Nobody is inside any more. Shutdown would wait five seconds for connections that have not yet brought a request, and
	// clients open some ahead: a restart under load must not take that long.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var ending sync.WaitGroup
	for _, hs := range servers {
		fault.Go(&ending, "stop serving", func() {
			if hs.Shutdown(ctx) != nil {
				hs.Close()
			}
		}, s.defect)
	}
	ending.Wait()
	return err
}

// defect tells of what a goroutine met that nobody waits for.
func (s *Server) defect(err error) { s.log.Error("a defect was met", "error", err) }

// drain refuses new requests, ends streams, and waits for the requests inside.
func (s *Server) drain() {
	idle := s.gate.drain()
	late := time.NewTimer(s.o.Drain)
	defer late.Stop()
	select {
	case <-idle:
	case <-late.C:
		s.log.Warn("requests still running are abandoned", "after", s.o.Drain)
	}
}
