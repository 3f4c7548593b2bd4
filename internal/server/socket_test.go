package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/ingest"
	"github.com/stelehq/stele/internal/vfs"
)

// sockets opens free ports for both protocols, TLS included.
func sockets(t *testing.T) (s *Sockets, pool *x509.CertPool) {
	t.Helper()
	cert, key, pool := testCertificate(t)
	s, err := OpenSockets(SocketOptions{
		Syslog: []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0", "tls://127.0.0.1:0"}, SyslogCert: cert, SyslogKey: key,
		GELF: []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, pool
}

// The places of what sockets opens.
const (
	syslogUDP = iota
	syslogTCP
	syslogTLS
	gelfUDP
	gelfTCP
)

func testCertificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(name, kind string, der []byte) {
		if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(cert, "CERTIFICATE", der)
	write(key, "PRIVATE KEY", text)
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	return cert, key, pool
}

// dialSocket connects to one of them.
func dialSocket(t *testing.T, s *Sockets, place int, pool *x509.CertPool) net.Conn {
	t.Helper()
	_, address, _ := strings.Cut(s.all[place].address, "://")
	network := "tcp"
	if s.all[place].datagrams != nil {
		network = "udp"
	}
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	if place == syslogTLS {
		conn = tls.Client(conn, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"})
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// send writes to one of them and, for a stream, closes.
func send(t *testing.T, s *Sockets, place int, pool *x509.CertPool, text string) {
	t.Helper()
	conn := dialSocket(t, s, place, pool)
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

var timesAndPorts = regexp.MustCompile(`"@t":"[^"]*"`)

// wait waits until so many events are stored and returns them without their times, newest first.
func (h *harness) wait(events int) []string {
	h.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var found []string
		text := h.do("GET", "/api/events?clef&count=1000", "").body
		for line := range strings.Lines(text) {
			found = append(found, timesAndPorts.ReplaceAllString(strings.TrimSpace(line), `"@t"`))
		}
		if len(found) >= events {
			return found
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("%d events, want %d: %q", len(found), events, found)
		}
	}
}

func (h *harness) metric(name string) string {
	h.t.Helper()
	for line := range strings.Lines(h.do("GET", "/metrics", "").body) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return "none"
}

func TestSockets(t *testing.T) {
	s, pool := sockets(t)
	h := serve(t, Options{Sockets: s})
	one := func(place int, text, want string) {
		t.Helper()
		h.store.Delete(context.Background(), stele.Range{})
		send(t, s, place, pool, text)
		if got := h.wait(1); len(got) != 1 || got[0] != want {
			t.Errorf("%s, %q:\ngot  %q\nwant %q", s.all[place].address, text, got, want)
		}
	}
	const syslogged = `{"@t","@l":"Warning","@m":"hello","host":"h","app":"a","pid":7,"facility":"user","severity":"warning"}`
	for _, place := range []int{syslogUDP, syslogTCP, syslogTLS} {
		one(place, "<12>1 2026-11-20T10:00:00Z h a 7 - - hello", syslogged)
		one(place, "<12>1 2026-11-20T10:00:00Z h a 7 - - hello\n", syslogged)
		one(place, "46 <12>1 2026-11-20T10:00:00Z h a 7 - - hello", syslogged)
	}
	one(syslogUDP, "anything", `{"@t","@m":"anything","remote_addr":"127.0.0.1"}`)
	one(syslogTCP, `{"@t":"2026-11-20","@mt":"CLEF"}`+"\n", `{"@t","@mt":"CLEF","remote_addr":"127.0.0.1"}`)
	const gelfed = `{"@t","@l":"Error","@m":"hello","host":"h","level":3}`
	for _, text := range []string{
		`{"version":"1.1","host":"h","short_message":"hello","level":3}`, "{\"host\":\"h\",\n\"short_message\":\"hello\",\"level\":3}\x00",
		`{"host":"h","short_message":"hello","level":3}` + "\n",
	} {
		one(gelfUDP, text, gelfed)
		one(gelfTCP, text, gelfed)
	}
	h.store.Delete(context.Background(), stele.Range{})
	conn := dialSocket(t, s, gelfUDP, nil)
	for i, part := range []string{`{"short_mess`, `age":"in chunks"}`} {
		fmt.Fprintf(conn, "\x1e\x0f12345678%c\x02%s", i, part)
	}
	if got := h.wait(1); got[0] != `{"@t","@m":"in chunks","remote_addr":"127.0.0.1"}` {
		t.Errorf("chunks became %q", got)
	}
	for name, want := range map[string]string{
		`stele_socket_messages_total{protocol="syslog",transport="udp"}`: "4",
		`stele_socket_messages_total{protocol="syslog",transport="tcp"}`: "7",
		`stele_socket_messages_total{protocol="gelf",transport="tcp"}`:   "3",
		`stele_ingested_events_total{protocol="syslog"}`:                 "11",
		`stele_ingested_events_total{protocol="gelf"}`:                   "7",
		`stele_socket_lost_total{protocol="gelf",reason="full"}`:         "0",
	} {
		if got := h.metric(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// R10, R21: what is no message is listed, and the connection goes on.
func TestR21SocketsListWhatTheyRefuse(t *testing.T) {
	s, _ := sockets(t)
	h := serve(t, Options{Sockets: s, EventBytes: 1000})
	long := strings.Repeat("x", 2000)
	send(t, s, syslogTCP, nil, fmt.Sprintf("%d <12>%s9 <12>after", 2004, long))
	send(t, s, syslogTCP, nil, "<12>"+long+"\n<12>after\n")
	send(t, s, gelfTCP, nil, "{\"short_message\":\""+long+"\"}\x00no GELF\x00{\"short_message\":\"after\"}\x00")
	send(t, s, gelfUDP, nil, "no GELF")
	send(t, s, syslogUDP, nil, "<12>"+strings.Repeat("\x01", 900)) // escaped, too long for an event
	for _, e := range h.wait(3) {
		if !strings.Contains(e, `"@m":"after"`) {
			t.Errorf("stored: %s", e)
		}
	}
	reasons := regexp.MustCompile(`"Endpoint":"(\w+)[^}]*?"Client":"([^"]*)","Error":"([^"]*)"`)
	var got []string
	for deadline := time.Now().Add(20 * time.Second); len(got) < 6 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		got = nil
		for _, m := range reasons.FindAllStringSubmatch(h.do("GET", "/api/refused", "").body, -1) {
			got = append(got, fmt.Sprintf("%s %s %.60s", m[1], m[2], m[3]))
		}
	}
	if len(got) != 6 {
		t.Fatalf("%d are listed: %q", len(got), got)
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{
		"tcp 127.0.0.1 the message is at least 2004 bytes long; at most 1000", "udp 127.0.0.1 read GELF: the message is no JSON object",
		"tcp 127.0.0.1 read GELF: the message is no JSON object", "syslog",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not listed among\n%s", want, all)
		}
	}
	if n := h.metric(`stele_refused_events_total{protocol="gelf"}`); n != "3" {
		t.Errorf("%s messages of GELF are counted as refused, want 3", n)
	}
}

// A listed message can be ingested again.
func TestRefusedMessagesAreRetried(t *testing.T) {
	s, _ := sockets(t)
	h := serve(t, Options{Sockets: s, EventBytes: 1000})
	long := strings.Repeat("x", 2000)
	send(t, s, syslogTCP, nil, "<12>Nov 20 10:00:00 h a[1]: "+long+"\n<12>after\n")
	h.wait(1)
	id := regexp.MustCompile(`refused-\w+`)
	var listed string
	for range 1000 {
		if listed = id.FindString(h.do("GET", "/api/refused", "").body); listed != "" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if a := h.do("GET", "/api/refused/"+listed, ""); a.body[:20] != "<12>Nov 20 10:00:00 " {
		t.Errorf("listed is %.80q", a.body)
	}
	h.stop()
	h = &harness{t: t, fs: h.fs}
	h.serve(Options{EventBytes: 10_000})
	h.do("POST", "/api/refused/"+listed+"/retry", "").want(t, 201, accepted)
	if got := h.wait(2); !strings.Contains(strings.Join(got, ""), long) {
		t.Errorf("stored: %q", got)
	}
}

func TestSocketAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"http://x:1": "is no address for gelf", "udp://": "is no address for gelf", "tls://127.0.0.1:1": "it takes udp://HOST:PORT, tcp://HOST:PORT",
		"udp://127.0.0.1:1/path": "is no address", "udp://%zz": "is no address", "tcp://192.0.2.1:1": "cannot be served for gelf",
	} {
		if _, err := OpenSockets(SocketOptions{GELF: []string{text}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if err := notListening(syslogSockets, "udp://x:514", &os.SyscallError{Syscall: "bind", Err: syscall.EACCES}); !strings.Contains(err.Error(), "ports below 1024") {
		t.Errorf("a port that needs a privilege: %v", err)
	}
	if _, err := OpenSockets(SocketOptions{Syslog: []string{"tls://127.0.0.1:0"}}); err == nil || !strings.Contains(err.Error(), "--syslog-cert") {
		t.Errorf("TLS without a certificate: %v", err)
	}
	if _, err := OpenSockets(SocketOptions{Syslog: []string{"tls://127.0.0.1:0"}, SyslogCert: "none", SyslogKey: "none"}); err == nil || !strings.Contains(err.Error(), "cannot be used") {
		t.Errorf("TLS without a certificate: %v", err)
	}
	s, err := OpenSockets(SocketOptions{Syslog: []string{"udp://127.0.0.1:0", "tcp://localhost:0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	addresses := s.Addresses("syslog")
	if !regexp.MustCompile(`^udp://127\.0\.0\.1:\d{2,}$`).MatchString(addresses[0]) || len(addresses) < 2 {
		t.Errorf("the addresses are %q", addresses)
	}
	if _, err := OpenSockets(SocketOptions{Syslog: []string{addresses[1]}}); err == nil || !strings.Contains(err.Error(), "another program listens there") {
		t.Errorf("a port that is taken: %v", err)
	}
}

// Recordings of real senders, replayed as they came.
func TestRecordedSyslog(t *testing.T) {
	const wire = "../../../shared/data/wire/"
	s, _ := sockets(t)
	h := serve(t, Options{Sockets: s})
	for name, want := range map[string][]string{
		"rsyslog-8.2302-rfc5424-octet-counted.bin": {
			`{"@t","@l":"Information","@m":"hello from logger é","host":"vm","app":"myapp","facility":"user","severity":"notice","structured_data":{"timeQuality":{"tzKnown":"1","isSynced":"0"}}}`,
			`{"@t","@l":"Information","@m":"multi \"quoted\" text","host":"vm","app":"old","facility":"user","severity":"notice"}`,
		},
		"rsyslog-8.2302-rfc3164-lf.bin": {
			`{"@t","@l":"Information","@m":"multi \"quoted\" text","host":"vm","app":"old","facility":"user","severity":"notice"}`,
			`{"@t","@l":"Information","@m":"myapp hello from logger é","host":"vm","facility":"user","severity":"notice"}`,
		},
		"syslog-client-1.1.1-tcp.bin": {
			`{"@t","@l":"Warning","@m":"syslog message é","host":"vm","app":"node","pid":22103,"facility":"local0","severity":"warning"}`,
		},
	} {
		stream, err := os.ReadFile(wire + name)
		if err != nil {
			t.Skip("skipped: the recordings are not in ../shared/data/wire")
		}
		h.store.Delete(context.Background(), stele.Range{})
		send(t, s, syslogTCP, nil, string(stream))
		got := h.wait(len(want))
		for _, w := range want {
			if !strings.Contains(strings.Join(got, "\n"), w) {
				t.Errorf("%s: %s is not among\n%s", name, w, strings.Join(got, "\n"))
			}
		}
	}
	datagrams, err := os.ReadFile(wire + "syslog-client-1.1.1-udp.log")
	if err != nil {
		t.Fatal(err)
	}
	h.store.Delete(context.Background(), stele.Range{})
	for datagram := range bytes.SplitSeq(datagrams, []byte("\n\n")) {
		if len(bytes.TrimSpace(datagram)) > 0 {
			send(t, s, syslogUDP, nil, string(datagram)+"\n")
		}
	}
	for _, e := range h.wait(2) {
		if !strings.Contains(e, `"@l":"Warning","@m":"syslog message é","host":"vm"`) {
			t.Errorf("a datagram became %s", e)
		}
	}
}

// warnings collects what the server logs.
type warnings struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *warnings) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *warnings) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func (w *warnings) logger() *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// again serves the store of a server that was stopped.
func (h *harness) again() *harness {
	h.t.Helper()
	return (&harness{t: h.t, fs: h.fs}).serve(Options{})
}

// Bodies of messages, as they come over HTTP and from the list of what was refused.
func TestMessagesOfABody(t *testing.T) {
	const gelfBody = "{\n \"short_message\":\"a\"}\n{\"short_message\":\"b\"}\x00no\x00{\"short_message\":\"c\"} "
	const syslogBody = "<12>a\n\n7 <12>b\nc\x00<12>d"
	for _, c := range []struct {
		f          *format
		body       string
		eventBytes int
		partial    bool
		want       string
	}{
		{gelfFormat, gelfBody, 1000, true, `a b c, refused 3: read GELF: the message is no JSON object, rest "no\x00"`},
		{gelfFormat, gelfBody, 1000, false, `a b, refused 3: read GELF: the message is no JSON object, rest "no\x00"`},
		{gelfFormat, gelfBody, 10, false, `, refused 1: the message is 23 bytes long; at most 10 are allowed, rest "{\n \"short_message\":\"a\"}\x00"`},
		{syslogFormat, syslogBody, 1000, true, "a b\nc d, rest \"\""},
		{syslogFormat, syslogBody, 5, true, `a d, refused 2: the message is 7 bytes long; at most 5 are allowed, rest "<12>b\nc\n"`},
		{syslogFormat, "", 5, true, `, rest ""`},
	} {
		var got textsAdded
		p, err := c.f.add(&got, []byte(c.body), ingest.PayloadOptions{EventBytes: c.eventBytes, Partial: c.partial})
		if err != nil || p.Events != len(got) || p.Count != len(p.Refused) {
			t.Errorf("%+v, %v", p, err)
		}
		text := strings.Join(got, " ")
		for _, r := range p.Refused {
			reason, _, _ := strings.Cut(r.Err.Error(), ": parse JSON")
			text += fmt.Sprintf(", refused %d: %s", r.Line, reason)
		}
		if text += fmt.Sprintf(", rest %q", p.Rest); text != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.body, text, c.want)
		}
	}
}

// textsAdded are the messages of events.
type textsAdded []string

func (a *textsAdded) AddCLEF(line []byte) error {
	v, err := event.ParseValue(line)
	*a = append(*a, v.Get("@m").Text)
	return err
}

// onFaulty serves sockets over a store whose disk can be made to fail.
func onFaulty(t *testing.T, o Options) (*harness, *vfs.Faulty) {
	t.Helper()
	h := &harness{t: t, fs: vfs.NewMem()}
	faulty := vfs.NewFaulty(h.fs)
	o.Open = func(context.Context) (*stele.Store, error) { return stele.Open("/store", &stele.Options{FS: faulty}) }
	h.serve(o)
	return h, faulty
}

func fail(faulty *vfs.Faulty, err error) {
	faulty.Add(&vfs.Rule{Kind: vfs.OpWrite, Forever: true, Err: err}, &vfs.Rule{Kind: vfs.OpSync, Forever: true, Err: err}, &vfs.Rule{Kind: vfs.OpCreate, Forever: true, Err: err})
}
