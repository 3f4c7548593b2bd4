package e2e

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestHostileSyslogConnections holds as many connections to the socket for syslog as it takes, each with half a message;
// some more are closed, and those that are served end their messages.
func TestHostileSyslogConnections(t *testing.T) {
	const connections, more = 10_000, 20 // the bound, which docs/sockets.md names
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Max < connections+500 {
		t.Skipf("skipped: %d open files are allowed here and this test takes %d; raise it with ulimit -Hn", limit.Max, connections+500)
	}
	p, port := serveSyslog(t)
	var conns []net.Conn
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
	}()
	for range connections {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		fmt.Fprintf(conn, "<13>half of a mess")
	}
	for p.metric(`stele_socket_connections{protocol="syslog"}`) != fmt.Sprint(connections) {
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("with %d connections the server has %d MiB of memory", connections, p.status("VmRSS")>>20)
	for range more {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a connection over the bound is not closed: %v", err)
		}
		conn.Close()
	}
	for i, conn := range conns {
		if i%100 == 0 {
			fmt.Fprintf(conn, "age %d\n", i)
		}
	}
	p.await("@m like 'half of a message %'", connections/100)
	p.unharmed()
	if !strings.Contains(p.log.String(), "too many are open") {
		t.Errorf("the log does not say that connections were closed: %s", p.log)
	}
}

// TestHostileSyslogSenders: long messages that never end, bombs, garbage, and chunks that nothing follows.
func TestHostileSyslogSenders(t *testing.T) {
	gelf := freeAddress(t)
	p, port := serveSyslog(t, "--gelf", "udp://"+gelf+";tcp://"+gelf)
	for range 600 { // 150 MiB of messages that wait for their end
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		conn.Write(append([]byte("262144 <13>"), bytes.Repeat([]byte("x"), 250<<10)...))
	}
	for _, address := range []string{"127.0.0.1:" + port, gelf} { // streams without an end of a message
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetWriteDeadline(time.Now().Add(time.Minute))
		for range 64 {
			if _, err := conn.Write(bytes.Repeat([]byte("{"), 1<<20)); err != nil {
				t.Errorf("%s reads no more: %v", address, err)
				break
			}
		}
	}
	udp, err := net.Dial("udp", gelf)
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	io.CopyN(z, zeros{}, 40<<20)
	z.Close()
	for i := range 2000 {
		udp.Write(bomb.Bytes())
		udp.Write(fmt.Appendf(nil, "\x1e\x0f%08d\x00\x80%s", i, strings.Repeat("x", 8000)))
		udp.Write([]byte("garbage"))
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "<13>still served\n")
	p.await("@m = 'still served'", 1)
	udp.Write([]byte(`{"short_message":"GELF too"}`))
	p.await("@m = 'GELF too'", 1)
	p.unharmed()
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
