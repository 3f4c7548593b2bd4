package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// serveSyslog starts a server that takes in syslog over UDP and TCP at one port.
func serveSyslog(t *testing.T, flags ...string) (p *process, port string) {
	t.Helper()
	skipWithoutProcesses(t)
	address := freeAddress(t)
	_, port, _ = net.SplitHostPort(address)
	return serve(t, t.TempDir(), append([]string{"--syslog", "udp://" + address + ";tcp://" + address}, flags...)...), port
}

func TestClientSyslogClient(t *testing.T) {
	needClients(t)
	p, port := serveSyslog(t)
	for i, transport := range []string{"udp", "tcp"} {
		runClient(t, "syslog-client.mjs", port, transport)
		list := p.await("app = 'shop' and @m = 'Order placed é'", i+1)
		if placed := list[0]; placed.Level != "Warning" || placed.property("host") != "web-1" || placed.property("severity") != "warning" ||
			placed.property("facility") != "local0" || placed.property("msg_id") != "ORDER" {
			t.Errorf("%s: RFC 5424 came back as %+v", transport, placed)
		}
		// Its RFC 3164 has no tag: a first word with a colon is taken for one.
		list = p.await("app = 'Order' and @m = 'failed'", i+1)
		if failed := list[0]; failed.Level != "Error" || failed.property("host") != "web-1" || failed.property("severity") != "err" {
			t.Errorf("%s: RFC 3164 came back as %+v", transport, failed)
		}
	}
	p.stop()
}

func TestClientLogger(t *testing.T) {
	if _, err := exec.LookPath("logger"); err != nil {
		t.Skip("skipped: util-linux's logger is not installed")
	}
	p, port := serveSyslog(t)
	n := 0
	for _, transport := range []string{"--udp", "--tcp"} {
		for _, form := range [][]string{
			{"--rfc3164"}, {"--rfc5424"}, {"--rfc5424=notime,notq,nohost"}, {"--rfc5424", "--octet-count"}, {"--rfc3164", "--octet-count"},
			{"--rfc5424", "--msgid", "ORDER", "--sd-id", "shop@1", "--sd-param", `n="4 2"`},
		} {
			n++
			text := fmt.Sprintf("Order %d: é", n)
			args := append([]string{"--server", "127.0.0.1", "--port", port, transport, "--tag", "shop", "--id=77", "--priority", "local3.err"}, form...)
			if out, err := exec.Command("logger", append(args, text)...).CombinedOutput(); err != nil {
				t.Fatalf("logger %v: %v\n%s", args, err, out)
			}
			e := p.await("@m = '"+text+"'", 1)[0]
			if e.Level != "Error" || e.property("app") != "shop" || e.property("facility") != "local3" || e.property("severity") != "err" || e.property("pid") != 77.0 {
				t.Errorf("%s %v came back as %+v", transport, form, e)
			}
			at, err := time.Parse(time.RFC3339Nano, e.Timestamp)
			if err != nil || time.Since(at).Abs() > time.Minute {
				t.Errorf("%s %v has the time %s", transport, form, e.Timestamp)
			}
			if (e.property("host") == nil) != (e.property("remote_addr") == "127.0.0.1") {
				t.Errorf("%s %v: either host or remote_addr is expected: %+v", transport, form, e)
			}
			if len(form) > 1 && form[1] == "--msgid" {
				data, _ := e.property("structured_data").(map[string]any)
				if shop, _ := data["shop@1"].(map[string]any); shop["n"] != "4 2" || e.property("msg_id") != "ORDER" {
					t.Errorf("%s: structured data came back as %+v", transport, e)
				}
			}
		}
	}
	lines := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(lines, []byte(strings.Repeat("one of many\n", 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("logger", "--server", "127.0.0.1", "--port", port, "--tcp", "--octet-count", "--file", lines).CombinedOutput(); err != nil {
		t.Fatalf("logger: %v\n%s", err, out)
	}
	for deadline := time.Now().Add(30 * time.Second); p.metric(`stele_ingested_events_total{protocol="syslog"}`) != fmt.Sprint(n+5000); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s events are stored, want %d", p.metric(`stele_ingested_events_total{protocol="syslog"}`), n+5000)
		}
	}
	p.stop()
}

const pythonHandler = `
import logging, logging.handlers, socket, sys
port, kind, ident = int(sys.argv[1]), sys.argv[2], sys.argv[3]
handler = logging.handlers.SysLogHandler(('127.0.0.1', port), socktype=socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM,
                                         facility=logging.handlers.SysLogHandler.LOG_LOCAL1)
handler.ident = ident
log = logging.getLogger('shop')
log.addHandler(handler)
log.warning('Order placed over %s', kind)
log.error('It broke:\nTraceback é')
handler.close()
`

func TestClientPythonSysLogHandler(t *testing.T) {
	if err := exec.Command("python3", "-c", "import logging.handlers").Run(); err != nil {
		t.Skip("skipped: python3 is not installed")
	}
	p, port := serveSyslog(t)
	for _, transport := range []string{"udp", "tcp"} {
		for _, ident := range []string{"", "shop: "} {
			if out, err := exec.Command("python3", "-c", pythonHandler, port, transport, ident).CombinedOutput(); err != nil {
				t.Fatalf("python: %v\n%s", err, out)
			}
			filter := "@m = 'Order placed over " + transport + "' and app is null"
			if ident != "" {
				filter = "@m = 'Order placed over " + transport + "' and app = 'shop'"
			}
			e := p.await(filter, 1)[0]
			if e.Level != "Warning" || e.property("facility") != "local1" || e.property("severity") != "warning" || e.property("remote_addr") != "127.0.0.1" {
				t.Errorf("%s with ident %q came back as %+v", transport, ident, e)
			}
		}
	}
	// A datagram keeps its lines together; a stream has no way to.
	if list := p.await("@m = 'It broke:\nTraceback é'", 2); list[0].Level != "Error" {
		t.Errorf("the error came back as %+v", list[0])
	}
	p.await("@m = 'It broke:'", 2)
	p.await("@m = 'Traceback é'", 2)
	p.stop()
}

// TestClientRsyslogForward: omfwd with each framing, as docs/ingest.md sets it up, across a kill of the server.
func TestClientRsyslogForward(t *testing.T) {
	for _, c := range []struct{ name, action string }{
		{"udp", `protocol="udp" template="RSYSLOG_SyslogProtocol23Format"`},
		{"tcp-lf", `protocol="tcp" template="RSYSLOG_TraditionalForwardFormat"`},
		{"tcp-forward-format", `protocol="tcp" template="RSYSLOG_ForwardFormat"`},
		{"tcp-octet-counted", `protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"`},
		{"tls", `protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format" StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/certvalid"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			skipWithoutProcesses(t)
			dir, data := t.TempDir(), t.TempDir()
			address := freeAddress(t)
			_, port, _ := net.SplitHostPort(address)
			flags := []string{"--syslog", c.name[:3] + "://" + address}
			global := `global(workDirectory="` + dir + `")`
			if c.name == "tls" {
				cert, key := certificate(t, dir)
				flags = append(flags, "--syslog-cert", cert, "--syslog-key", key)
				global = `global(workDirectory="` + dir + `" DefaultNetstreamDriverCAFile="` + cert + `")`
			}
			p := serve(t, data, flags...)
			input := filepath.Join(dir, "in.log")
			in, err := os.Create(input)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			rsyslog(t, dir, global+`
module(load="imfile" mode="polling" pollingInterval="1")
input(type="imfile" file="`+input+`" tag="shop[7]:" severity="warning" facility="local0")
action(type="omfwd" target="127.0.0.1" port="`+port+`" `+c.action+` queue.type="LinkedList" action.resumeRetryCount="-1" action.resumeInterval="1")
`)
			write := func(from, to int) {
				var b strings.Builder
				for n := from; n < to; n++ {
					fmt.Fprintf(&b, "order %d \"placed\" by Zoë\n", n)
				}
				if _, err := in.WriteString(b.String()); err != nil {
					t.Fatal(err)
				}
			}
			write(0, 100)
			list := p.await("app = 'shop' and pid = 7", 100)
			first := list[slices.IndexFunc(list, func(e entity) bool { return strings.Contains(e.RenderedMessage, "order 0 ") })]
			host, _ := os.Hostname()
			if first.RenderedMessage != `order 0 "placed" by Zoë` || first.Level != "Warning" || first.property("facility") != "local0" ||
				!strings.HasPrefix(host, fmt.Sprint(first.property("host"))) {
				t.Errorf("the first line came back as %+v", first)
			}
			if c.name == "udp" {
				p.stop()
				return
			}
			// TCP without acknowledgements may lose what rsyslog hands to the network before it notices that the server is
			// gone; what comes after that waits until the server is back.
			p.kill()
			time.Sleep(500 * time.Millisecond)
			write(100, 200)
			p = launchAt(t, p.url, data, flags...).ready()
			write(200, 210)
			seen := map[string]bool{}
			for _, e := range p.await("app = 'shop' and @m like 'order 20%'", 10) {
				seen[e.RenderedMessage] = true
			}
			for _, e := range p.events("filter=app%20%3D%20'shop'") {
				seen[e.RenderedMessage] = true
			}
			if len(seen) < 110 {
				t.Errorf("%d different lines arrived, want at least the 110 that a server was there for", len(seen))
			} else if len(seen) < 210 {
				t.Logf("%d of 100 lines were lost by the sender while the server was away", 210-len(seen))
			}
			p.stop()
		})
	}
}

// certificate makes one for 127.0.0.1 that is its own authority.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
