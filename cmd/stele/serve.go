package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/server"
	"github.com/stelehq/stele/ui"
)

// serveCommand runs the server. Flags that are empty are taken from the environment, then
// from the config file (serve_config.go).
type serveCommand struct {
	Datapath       string `placeholder:"DIR" help:"Where the data is; made if absent (default ./data)."`
	Urls           string `name:"urls" placeholder:"URL[;URL...]" help:"What to listen on (default http://localhost:5341, which is 127.0.0.1 and ::1)."`
	Otlp           *bool  `help:"Also listen for OpenTelemetry: gRPC on port 4317, HTTP on 4318, of the hosts of --urls."`
	OtlpUrls       string `name:"otlp-urls" placeholder:"URL[;URL...]" help:"Where to listen for it instead, such as grpc://localhost:4317;http://localhost:4318."`
	Config         string `placeholder:"FILE" help:"Config file (default ./stele.json, else DIR/stele.json, if there is one)."`
	Syslog         string `placeholder:"ADDRESS[;...]" help:"Take in syslog at udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT (default nowhere)."`
	SyslogCert     string `placeholder:"FILE" help:"Certificate for syslog over TLS, PEM."`
	SyslogKey      string `placeholder:"FILE" help:"Key of the certificate, PEM."`
	SyslogZone     string `placeholder:"ZONE" help:"Zone of times that name none, such as Europe/Berlin (default UTC)."`
	Gelf           string `name:"gelf" placeholder:"ADDRESS[;...]" help:"Take in GELF at udp://HOST:PORT, tcp://HOST:PORT (default nowhere)."`
	EventLimit     string `placeholder:"SIZE" help:"Longest event (default 256KiB)."`
	BatchLimit     string `placeholder:"SIZE" help:"Longest body of events, decompressed (default 10MiB)."`
	DocumentLimit  string `placeholder:"SIZE" help:"Longest document (default 16MiB)."`
	Memory         string `placeholder:"SIZE" help:"Memory to get along with (default half of what there is, at most 512MiB)."`
	JournalLimit   string `placeholder:"SIZE" help:"Size of the journal at which its events are sealed into a segment (default a quarter of the memory, at most 64MiB)."`
	BodyMemory     string `placeholder:"SIZE" help:"Most memory for requests' bodies at once (default a quarter of the memory)."`
	Queries        string `placeholder:"N" help:"Most queries that run at once; others wait (default half of the processors, at least 2)."`
	QueryMemory    string `placeholder:"SIZE" help:"Most memory that a query takes for its result (default a quarter of the memory)."`
	QueryTime      string `placeholder:"TIME" help:"How long a query may take (default 10m)."`
	MinFree        string `placeholder:"SIZE" help:"Events are refused while the disk has less free (default a 64th of it, at most 128MiB)."`
	Retention      string `placeholder:"JSON" help:"Retention policies, as in the config file: [{\"Id\":\"old\",\"Age\":\"30d\"}]."`
	Drain          string `placeholder:"TIME" help:"How long stopping waits for requests (default 30s)."`
	AllowedOrigins string `placeholder:"ORIGIN[;...]" help:"Web pages, besides the server's own, that may change what is stored."`
	IngestOrigins  string `placeholder:"ORIGIN[;...]" help:"Web pages that may send events (default any)."`
	AllowedHosts   string `placeholder:"HOST[;...]" help:"Host names that loopback answers to, besides localhost."`
	Instance       string `placeholder:"NAME" help:"The name of this server."`
	LogLevel       string `placeholder:"LEVEL" help:"What the server says about itself: debug, info, warn or error (default warn)."`
}

func (serveCommand) Help() string {
	return `The server listens first and answers 503 while the store is being opened. SIGTERM or an interrupt lets requests inside
finish and closes the store; a second one ends the process at once.

    stele serve
    stele serve --datapath /var/lib/stele --urls "http://localhost:5341;http://10.0.0.5:5341"

Every flag can also be set in the environment, as STELE_DATAPATH, STELE_URLS, STELE_EVENT_LIMIT and so on, and in the
config file, a JSON object with the flags' names:

    {"datapath": "/var/lib/stele", "urls": ["http://localhost:5341"], "event-limit": "1MiB"}

Flags win over the environment, and that over the file.`
}

func (c *serveCommand) Run(s streams) error {
	settings, err := c.settings(os.Getenv)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(settings.server.Datapath)
	if err != nil {
		return fault.Wrap(err, "", "%s is no directory", settings.server.Datapath)
	}
	listeners, err := server.Listen(settings.urls)
	if err != nil {
		return err
	}
	limitMemory(settings.server.MemoryBytes)
	otlpURLs := settings.otlpAddresses()
	o := settings.server
	if o.Ingestion, err = server.ListenOTLP(otlpURLs); err != nil {
		closeAll(listeners)
		return err
	}
	if o.Sockets, err = server.OpenSockets(settings.sockets); err != nil {
		closeAll(slices.Concat(listeners, o.Ingestion))
		return err
	}
	otlpURLs = server.Addresses(otlpURLs, o.Ingestion)
	o.Datapath, o.Version, o.Page = dir, versionNumber(), ui.Files()
	urls := server.Addresses(settings.urls, listeners)
	o.URLs = slices.Concat(urls, otlpURLs)
	o.Logger = slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: settings.logLevel}))

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		<-signals
		fmt.Fprintln(s.err, "stele: stopping: waiting for requests to finish (a second signal ends at once)")
		cancel()
		<-signals
		fmt.Fprintln(s.err, "stele: ended by a second signal")
		os.Exit(1) // what was acknowledged is on disk (R10)
	}()
	where := strings.Join(urls, " and ")
	if len(otlpURLs) > 0 {
		where += ", for OpenTelemetry on " + strings.Join(otlpURLs, " and ")
	}
	for _, name := range []string{"syslog", "GELF"} {
		if all := o.Sockets.Addresses(strings.ToLower(name)); len(all) > 0 {
			where += ", for " + name + " on " + strings.Join(all, " and ")
		}
	}
	fmt.Fprintf(s.out, "stele %s listens on %s, data in %s\n", versionNumber(), where, dir)
	return server.New(o).Serve(ctx, listeners...)
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}
