package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestHostileSockets does to the sockets of syslog and GELF what senders without a protocol of answers can do.
func TestHostileSockets(t *testing.T) {
	skipWithoutProcesses(t)
	t.Parallel()
	syslog, gelf := freeAddress(t), freeAddress(t)
	p := serve(t, t.TempDir(), "--syslog", "udp://"+syslog+";tcp://"+syslog, "--gelf", "udp://"+gelf+";tcp://"+gelf)

	var sending sync.WaitGroup
	stream := func(addr, begin, more string, size int) {
		sending.Go(func() {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			_, _ = io.WriteString(conn, begin)
			piece := []byte(strings.Repeat(more, 64<<10/len(more)))
			for n := 0; n < size; n += len(piece) {
				if _, err := conn.Write(piece); err != nil {
					return // given up, as it may be
				}
			}
		})
	}
	for range 3 {
		stream(syslog, "1073741824 <34>1 - - - - - - ", "x", 32<<20)
		stream(syslog, "99999999999999999999999999 <34>1 ", "x", 1<<20)
		stream(syslog, "<34>1 - - - - - - ", "x", 32<<20)
		stream(syslog, "", "\n", 1<<20)
		stream(syslog, "", "1 <", 64<<10)
		stream(syslog, "<34>1 - - - - - ", `[a@1 b="c"]`, 8<<20)
		stream(gelf, `{"version":"1.1","host":"h","short_message":"`, "x", 32<<20)
		stream(gelf, "", "{", 1<<20)
		stream(gelf, "", "\x00", 1<<20)
	}
	// Senders that hold a connection and say a byte.
	var holding []net.Conn
	for n := range 1000 {
		conn, err := net.Dial("tcp", []string{syslog, gelf}[n%2])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte("<"))
		holding = append(holding, conn)
	}
	datagram := func(addr string, packets func(send func([]byte))) {
		sending.Go(func() {
			conn, err := net.Dial("udp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			packets(func(b []byte) { _, _ = conn.Write(b) })
		})
	}
	datagram(gelf, func(send func([]byte)) { // bombs
		zipped, deflated := bomb(t, "gzip", " ", 12<<20), bomb(t, "deflate", " ", 12<<20) // some 50 KiB
		for range 50 {
			send(zipped)
			send(deflated)
		}
	})
	datagram(gelf, func(send func([]byte)) { // messages that are never whole
		chunk := append([]byte{0x1e, 0x0f}, make([]byte, 8+2+1400)...)
		for n := range 50_000 {
			chunk[2], chunk[3], chunk[4] = byte(n), byte(n>>8), byte(n>>16) // its id
			chunk[10], chunk[11] = byte(n%128), 128                         // of 128
			send(chunk)
		}
	})
	datagram(syslog, func(send func([]byte)) {
		for n := range 5_000 {
			send(bytes.Repeat([]byte{byte(n)}, n%2000))
		}
	})
	sending.Wait()
	for _, conn := range holding {
		conn.Close()
	}

	conn, err := net.Dial("tcp", syslog)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "<34>1 2026-11-20T10:00:00Z host app - - - still here\n")
	for deadline := time.Now().Add(time.Minute); len(p.events("filter=%40Message%20%3D%20'still%20here'")) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a good message does not arrive any more")
		}
	}
	p.unharmed()
}
