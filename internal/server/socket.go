package server

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/gelf"
	"github.com/stelehq/stele/internal/ingest"
	"github.com/stelehq/stele/internal/syslog"
)

// Syslog and GELF over sockets of their own. Their senders are told nothing, so that nothing that was read may be lost:
//
//	TCP, TLS   connection ─► messages ─┐ waits while the queue is full
//	                                   ├─► queue ─► batch ─► store, again and again until it takes it
//	UDP        datagrams ──► messages ─┘ drops and counts while the queue is full

// SocketOptions says what to listen on besides HTTP. Addresses are udp://HOST:PORT, tcp://HOST:PORT and, for
// syslog, tls://HOST:PORT. localhost is 127.0.0.1 and ::1, * every interface; port 0 takes a free one.
type SocketOptions struct {
	Syslog     []string
	SyslogCert string         // file of the certificate and its chain, PEM; needed for tls://
	SyslogKey  string         // file of its key, PEM
	SyslogZone *time.Location // of messages whose time names no zone; nil: UTC
	GELF       []string
}

// Sockets are open and wait to be served.
type Sockets struct {
	all     []*socket
	options SocketOptions
}

// socket is one address that is listened on: a stream or datagrams.
type socket struct {
	speaks    *socketProtocol
	address   string // as it is shown
	stream    net.Listener
	secure    *tls.Config // of a stream; nil: none
	datagrams *net.UDPConn
}

// socketProtocol is a protocol that is spoken over sockets of its own.
type socketProtocol struct {
	*protocol
	ports       map[string]string // the schemes that there are, with their usual ports
	events      *format           // the events made of its messages
	message     *format           // a message as it came
	newSplitter func(limit int) splitter
	newDecoder  func(o *SocketOptions) messageDecoder
	chunked     bool // datagrams may be compressed, and parts of a message
}

// splitter cuts a stream into messages: see syslog.Splitter.
type splitter interface {
	Next(stream []byte) (f syslog.Frame, used int)
	Rest(stream []byte) []byte
}

// messageDecoder makes an event of a message, nil of an empty one. The error is Invalid: the message is refused.
type messageDecoder interface {
	CLEF(text []byte, received time.Time, from string) ([]byte, error)
}

var (
	syslogProtocol = &protocol{"syslog", failPlain}
	gelfProtocol   = &protocol{"gelf", failPlain}

	syslogEvents = &format{syslogProtocol, "syslog-events", "event", ingest.CLEF, nil, nil}
	syslogFormat = &format{syslogProtocol, "syslog", "message", addSyslog, nil, nil}
	gelfEvents   = &format{gelfProtocol, "gelf-events", "event", ingest.CLEF, nil, nil}
	gelfFormat   = &format{gelfProtocol, "gelf", "message", addGELF, nil, nil}
)

var syslogSockets = &socketProtocol{
	protocol: syslogProtocol, ports: map[string]string{"udp": "514", "tcp": "514", "tls": "6514"},
	events: syslogEvents, message: syslogFormat,
	newSplitter: func(limit int) splitter { return &syslog.Splitter{Limit: limit} },
	newDecoder:  func(o *SocketOptions) messageDecoder { return &syslogDecoder{syslog.Decoder{Zone: o.SyslogZone}} },
}

var gelfSockets = &socketProtocol{
	protocol: gelfProtocol, ports: map[string]string{"udp": "12201", "tcp": "12201"},
	events: gelfEvents, message: gelfFormat,
	newSplitter: func(limit int) splitter { return &gelf.Splitter{Limit: limit} },
	newDecoder:  func(*SocketOptions) messageDecoder { return new(gelf.Decoder) },
	chunked:     true,
}

// syslogDecoder refuses nothing: what it does not understand is a text.
type syslogDecoder struct{ d syslog.Decoder }

func (d *syslogDecoder) CLEF(text []byte, received time.Time, from string) ([]byte, error) {
	return d.d.CLEF(text, received, from), nil
}

func addSyslog(b ingest.Adder, body []byte, o ingest.PayloadOptions) (ingest.Payload, error) {
	return addMessages(b, body, o, &syslog.Splitter{Limit: len(body)}, new(syslogDecoder), '\n')
}

// addGELF takes messages with NUL, newlines or nothing between them.
func addGELF(b ingest.Adder, body []byte, o ingest.PayloadOptions) (ingest.Payload, error) {
	return addMessages(b, body, o, &gelf.Splitter{Limit: len(body)}, new(gelf.Decoder), 0)
}

// addMessages adds a stream of messages. Of those that are refused end comes after each.
func addMessages(b ingest.Adder, body []byte, o ingest.PayloadOptions, s splitter, d messageDecoder, end byte) (ingest.Payload, error) {
	var p ingest.Payload
	for n := 1; len(body) > 0; {
		f, used := s.Next(body)
		if used == 0 {
			f.Text, used = s.Rest(body), len(body)
		}
		body = body[used:]
		if len(f.Text) == 0 {
			continue
		}
		line, err := eventOf(d, f.Text, &o)
		if err == nil && line != nil {
			if err = b.AddCLEF(line); err == nil {
				p.Events++
			}
		}
		if err != nil {
			if whole := o.BeyondEvent(err, len(line)); whole != nil {
				return p, whole
			}
			p.Rest = append(append(p.Rest, f.Text...), end)
			if !p.Refuse(n, err, &o) {
				break
			}
		}
		n++
	}
	return p, nil
}

func eventOf(d messageDecoder, text []byte, o *ingest.PayloadOptions) ([]byte, error) {
	if len(text) > o.EventBytes {
		return nil, fault.New(fault.Invalid, "", "the message is %d bytes long; at most %d are allowed", len(text), o.EventBytes)
	}
	return d.CLEF(text, time.Unix(0, o.Arrival), "")
}

// OpenSockets listens on all addresses. On an error nothing is left open.
func OpenSockets(o SocketOptions) (_ *Sockets, err error) {
	s := &Sockets{options: o}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	for _, address := range o.Syslog {
		if err := s.open(syslogSockets, address, &o); err != nil {
			return nil, err
		}
	}
	for _, address := range o.GELF {
		if err := s.open(gelfSockets, address, &o); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Addresses returns where a protocol, "syslog" or "gelf", is listened for, such as udp://127.0.0.1:5514, with the
// ports that were taken.
func (s *Sockets) Addresses(protocol string) []string {
	var all []string
	for _, one := range s.all {
		if one.speaks.name == protocol {
			all = append(all, one.address)
		}
	}
	return all
}

// Close closes the sockets. A server that serves them does so itself.
func (s *Sockets) Close() {
	for _, one := range s.all {
		one.close()
	}
}

func (s *socket) close() {
	if s.stream != nil {
		s.stream.Close()
	}
	if s.datagrams != nil {
		s.datagrams.Close()
	}
}

func (s *Sockets) open(p *socketProtocol, address string, o *SocketOptions) error {
	scheme, hosts, port, err := socketAddress(p, address)
	if err != nil {
		return err
	}
	var secure *tls.Config
	if scheme == "tls" {
		if secure, err = certificate(o); err != nil {
			return err
		}
	}
	for i, host := range hosts {
		one := &socket{speaks: p, secure: secure}
		var taken net.Addr
		if scheme == "udp" {
			var c net.PacketConn
			if c, err = net.ListenPacket("udp", net.JoinHostPort(host, port)); err == nil {
				one.datagrams, taken = c.(*net.UDPConn), c.LocalAddr()
			}
		} else if one.stream, err = net.Listen("tcp", net.JoinHostPort(host, port)); err == nil {
			taken = one.stream.Addr()
		}
		if err != nil && i > 0 && !errors.Is(err, errAddressInUse) {
			continue // a machine without IPv6 has no second loopback address
		}
		if err != nil {
			return notListening(p, address, err)
		}
		_, port, _ = net.SplitHostPort(taken.String()) // the other loopback address gets the same port
		one.address = scheme + "://" + taken.String()
		s.all = append(s.all, one)
	}
	return nil
}

func notListening(p *socketProtocol, address string, err error) error {
	e := fault.WrapAs(fault.Unavailable, err, "listen", "%s cannot be served for %s", address, p.name)
	switch {
	case errors.Is(err, errAddressInUse):
		return e.WithHint("another program listens there; choose another address with --%s", p.name)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EACCES):
		return e.WithHint("ports below 1024 need a privilege: choose a higher one with --%s, or allow the program with setcap cap_net_bind_service=+ep", p.name)
	}
	return e
}

// socketAddress takes an address apart.
func socketAddress(p *socketProtocol, text string) (scheme string, hosts []string, port string, err error) {
	const op = "read address"
	var names []string
	for _, name := range [...]string{"udp", "tcp", "tls"} {
		if p.ports[name] != "" {
			names = append(names, name+"://HOST:PORT")
		}
	}
	u, err := url.Parse(strings.Replace(text, "://*", "://0.0.0.0", 1))
	if err != nil {
		return "", nil, "", fault.WrapAs(fault.Invalid, err, op, "%q is no address for %s", text, p.name)
	}
	usual := p.ports[u.Scheme]
	if usual == "" || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
		return "", nil, "", fault.New(fault.Invalid, op, "%q is no address for %s", text, p.name).WithHint("it takes %s", strings.Join(names, ", "))
	}
	if port = u.Port(); port == "" {
		port = usual
	}
	switch host := u.Hostname(); host {
	case "localhost":
		hosts = []string{"127.0.0.1", "::1"}
	case "0.0.0.0":
		hosts = []string{""}
	default:
		hosts = []string{host}
	}
	return u.Scheme, hosts, port, nil
}

func certificate(o *SocketOptions) (*tls.Config, error) {
	if o.SyslogCert == "" || o.SyslogKey == "" {
		return nil, fault.New(fault.Invalid, "", "syslog over TLS needs a certificate").WithHint("name its files with --syslog-cert and --syslog-key")
	}
	pair, err := tls.LoadX509KeyPair(o.SyslogCert, o.SyslogKey)
	if err != nil {
		return nil, fault.WrapAs(fault.Invalid, err, "", "the certificate %s and the key %s cannot be used", o.SyslogCert, o.SyslogKey)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}
