package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/stelehq/stele/internal/fault"
)

// guard keeps pages of other sites from using a browser against the server (R23). Programs
// that are no browsers send neither a foreign Origin nor a rebound Host, and notice nothing.
type guard struct {
	hosts         []string // lower case, without port; "*" is any
	origins       []string // lower case; "*" is any
	ingestOrigins []string // nil: any
}

func newGuard(o Options) guard {
	var g guard
	for _, u := range o.URLs {
		if u, err := url.Parse(u); err == nil && u.Hostname() != "" && u.Hostname() != "*" {
			g.hosts = append(g.hosts, strings.ToLower(u.Hostname()))
		}
	}
	for _, h := range o.AllowedHosts {
		g.hosts = append(g.hosts, strings.ToLower(hostName(h)))
	}
	for _, origin := range o.AllowedOrigins {
		g.origins = append(g.origins, normalOrigin(origin))
	}
	for _, origin := range o.IngestOrigins {
		g.ingestOrigins = append(g.ingestOrigins, normalOrigin(origin))
	}
	return g
}

// host refuses a request that reached a loopback address under another name: a page whose
// name was made to point at this machine (DNS rebinding). No Host is no browser.
func (g *guard) host(r *http.Request) error {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil || r.Host == "" || !isLoopback(local) {
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(hostName(r.Host), "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return nil
	}
	if ip, err := netip.ParseAddr(name); err == nil && ip.Unmap().IsLoopback() {
		return nil
	}
	if slices.Contains(g.hosts, name) || slices.Contains(g.hosts, "*") {
		return nil
	}
	return fault.New(fault.Denied, "", "the Host header says %q, but this address answers to loopback names alone", clip(name, 100)).
		WithHint("use localhost, or allow the name with the setting allowed-hosts")
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// origin refuses a state-changing request that another site's page sends.
func (g *guard) origin(r *http.Request) error {
	values := r.Header.Values("Origin")
	for _, v := range values {
		origin := normalOrigin(v)
		_, authority, _ := strings.Cut(origin, "://")
		// The scheme is not compared: a proxy may have ended TLS.
		own := authority != "" && authority == normalOrigin("//" + r.Host)[2:]
		if own || slices.Contains(g.origins, origin) || slices.Contains(g.origins, "*") {
			continue
		}
		return fault.New(fault.Denied, "", "pages of %q may not change anything here", clip(v, 100)).
			WithHint("allow the origin with the setting allowed-origins")
	}
	return nil
}

// allowOrigin lets another site's page read the answer, on ingestion paths alone.
func (g *guard) allowOrigin(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	switch {
	case origin == "":
	case g.ingestOrigins == nil || slices.Contains(g.ingestOrigins, "*"):
		h.Set("Access-Control-Allow-Origin", "*")
	case slices.Contains(g.ingestOrigins, normalOrigin(origin)):
		h.Set("Access-Control-Allow-Origin", origin)
	}
}

// preflight answers a browser's question before it ingests. The header names are given back
// as asked: loggers send their own, and none of them means anything to the server.
func (g *guard) preflight(w http.ResponseWriter, r *http.Request, allow string) {
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return
	}
	h.Add("Vary", "Access-Control-Request-Headers")
	h.Set("Access-Control-Allow-Methods", allow)
	names := r.Header.Get("Access-Control-Request-Headers")
	if names == "" || len(names) > 4<<10 {
		names = "content-type, content-encoding, idempotency-key, x-seq-apikey"
	}
	h.Set("Access-Control-Allow-Headers", names)
	h.Set("Access-Control-Max-Age", "7200")
}

// hostName is the host of host[:port], without an IPv6 address's brackets.
func hostName(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return strings.Trim(hostPort, "[]")
}

// normalOrigin lowers the case and drops a default port, which browsers leave out.
func normalOrigin(origin string) string {
	o := strings.ToLower(strings.TrimSpace(origin))
	switch {
	case strings.HasPrefix(o, "https://"):
		return strings.TrimSuffix(o, ":443")
	case strings.HasPrefix(o, "http://"):
		return strings.TrimSuffix(o, ":80")
	}
	return strings.TrimSuffix(strings.TrimSuffix(o, ":80"), ":443")
}
