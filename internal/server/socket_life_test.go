package server

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/vfs"
)

// A full disk, or one that fails: what was read waits and is stored once it can be, and connections are read no
// further meanwhile. Datagrams over what the queue holds are counted.
func TestSocketsWaitForAFullDisk(t *testing.T) {
	for _, err := range []error{vfs.ENOSPC, vfs.EIO} {
		s, _ := sockets(t)
		var log warnings
		h, faulty := onFaulty(t, Options{Sockets: s, Logger: log.logger()})
		fail(faulty, err)
		conn := dialSocket(t, s, syslogTCP, nil)
		line := "<12>" + strings.Repeat("x", 10_000) + "\n"
		sent := 0
		for n := 1; ; n++ { // until the server reads no more: it holds a batch that is not stored, and as much as is queued
			conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
			wrote, err := conn.Write([]byte(line[sent%len(line):]))
			sent += wrote
			if err == nil && n%64 != 0 {
				continue
			}
			messages, _ := strconv.Atoi(h.metric(`stele_socket_messages_total{protocol="syslog",transport="tcp"}`))
			read := messages * len(line)
			if read > 2*(queueStreams+2*len(line)) {
				t.Fatalf("%d bytes are taken in though nothing can be stored", read)
			}
			if err != nil && read >= queueStreams {
				break
			}
		}
		udp := dialSocket(t, s, syslogUDP, nil)
		for i := 0; h.metric(`stele_socket_lost_total{protocol="syslog",reason="full"}`) == "0"; i++ {
			for range 100 {
				udp.Write([]byte("<12>" + strings.Repeat("y", 20_000)))
			}
			if i > 1000 {
				t.Fatal("datagrams are taken in without end")
			}
		}
		faulty.Clear()
		conn.SetWriteDeadline(time.Time{})
		fmt.Fprintf(conn, "%s\n<12>last\n", line[sent%len(line):len(line)-1])
		found := func() bool { return strings.Contains(h.do("GET", "/api/events?filter=@m='last'", "").body, `"last"`) }
		for deadline := time.Now().Add(20 * time.Second); !found(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("what came last is not stored")
			}
		}
		conn.Close()
		h.stop()
		if got, want := strings.Count(h.again().stored(), strings.Repeat("x", 10_000)), sent/len(line)+1; got != want && got != want-1 {
			t.Errorf("%d messages are stored, about %d were sent", got, want)
		}
		for _, want := range []string{"events are not stored and wait", "messages are lost", "reason=full", "events are stored again"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, log.String())
			}
		}
	}
}

// Refused messages wait to be listed as long as the disk is full: not without end, whatever comes meanwhile.
func TestRefusedMessagesDoNotPileUp(t *testing.T) {
	q := newMessageQueue(gelfSockets, New(Options{}))
	defer q.abandon()
	for range 3 * queueListed {
		q.refuse(refusal{Error: "no JSON object"}, []byte("x"))
		q.listed = 0 // as if a second had gone by
	}
	if len(q.refusals) > queueListed || q.refused.Get() != 3*queueListed {
		t.Errorf("%d refused messages wait, %d are counted", len(q.refusals), q.refused.Get())
	}
}

// A server that ends while its disk is full says what it loses.
func TestSocketsStopOnAFullDisk(t *testing.T) {
	s, _ := sockets(t)
	var log warnings
	h, faulty := onFaulty(t, Options{Sockets: s, Logger: log.logger(), Drain: 100 * time.Millisecond})
	fail(faulty, vfs.ENOSPC)
	send(t, s, syslogTCP, nil, "<12>one\n<12>two\n")
	send(t, s, gelfUDP, nil, `{"short_message":"three"}`)
	for h.metric(`stele_socket_messages_total{protocol="syslog",transport="tcp"}`) != "2" || h.metric(`stele_socket_messages_total{protocol="gelf",transport="udp"}`) != "1" {
		time.Sleep(5 * time.Millisecond)
	}
	h.stop()
	for _, want := range []string{`protocol=syslog reason=stopped count=2`, `protocol=gelf reason=stopped count=1`} {
		if !strings.Contains(log.String(), want) {
			// The log says each message once in ten seconds: both protocols have their own.
			t.Errorf("the log does not say %q:\n%s", want, log.String())
		}
	}
}

// Before the store is open datagrams are queued, and connections wait.
func TestSocketsListenWhileTheStoreOpens(t *testing.T) {
	s, _ := sockets(t)
	h := &harness{t: t, fs: vfs.NewMem()}
	goOn, ready := make(chan struct{}), make(chan *stele.Store, 1)
	h.listen(Options{Sockets: s, Open: func(context.Context) (*stele.Store, error) {
		<-goOn
		return stele.Open("/store", &stele.Options{FS: h.fs})
	}, Ready: func(s *stele.Store) { ready <- s }})
	send(t, s, syslogTCP, nil, "<12>stream\n")
	send(t, s, syslogUDP, nil, "<12>datagram\n")
	time.Sleep(50 * time.Millisecond)
	close(goOn)
	<-ready
	if got := strings.Join(h.wait(2), ""); !strings.Contains(got, "stream") || !strings.Contains(got, "datagram") {
		t.Errorf("stored: %s", got)
	}
}

// A server whose store never opens ends all the same.
func TestSocketsEndWithoutAStore(t *testing.T) {
	s, pool := sockets(t)
	h := &harness{t: t, fs: vfs.NewMem()}
	var log warnings
	h.listen(Options{Sockets: s, Logger: log.logger(), Open: func(ctx context.Context) (*stele.Store, error) {
		<-ctx.Done()
		return stele.Open("/store", &stele.Options{FS: h.fs})
	}})
	conn := dialSocket(t, s, syslogTCP, pool)
	fmt.Fprint(conn, "<12>never read\n")
	send(t, s, syslogUDP, nil, "<12>lost")
	time.Sleep(50 * time.Millisecond)
	h.stop()
	if !strings.Contains(log.String(), "reason=stopped count=1") {
		t.Errorf("the log does not count what is lost: %s", log.String())
	}
}

// Shutting down under load: what senders sent comes to a hole-free beginning of each connection's messages, and what was
// read is stored to the last message.
func TestShutdownStoresAllThatWasRead(t *testing.T) {
	s, pool := sockets(t)
	h := serve(t, Options{Sockets: s})
	var senders sync.WaitGroup
	for c := range 8 {
		place := []int{syslogTCP, syslogTLS, gelfTCP, syslogUDP}[c%4]
		conn := dialSocket(t, s, place, pool)
		senders.Go(func() {
			for i := range 1_000_000 {
				text := fmt.Sprintf("<12>1 2026-11-20T10:00:00Z h a - - - c%d n%d.\n", c, i)
				if place == gelfTCP {
					text = fmt.Sprintf("{\"short_message\":\"c%d n%d.\"}\x00", c, i)
				}
				conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
				if _, err := conn.Write([]byte(text)); err != nil {
					return
				}
			}
		})
	}
	h.wait(1000)
	h.stop()
	counted := 0
	for _, p := range []string{"syslog", "gelf"} {
		for _, transport := range []string{"udp", "tcp"} {
			counted += int(h.s.meters.set.GetOrCreateCounter(fmt.Sprintf(`stele_socket_messages_total{protocol=%q,transport=%q}`, p, transport)).Get())
		}
		counted -= int(h.s.meters.protocols[p].refusedEvents.Get()) // half of a JSON object
		counted -= int(h.s.meters.set.GetOrCreateCounter(fmt.Sprintf(`stele_socket_lost_total{protocol=%q,reason="full"}`, p)).Get())
	}
	senders.Wait()
	text := h.again().stored()
	if stored := strings.Count(text, "\n"); stored != counted {
		t.Errorf("%d messages were read, %d events are stored", counted, stored)
	}
	next := map[string]int{}
	for _, m := range regexp.MustCompile(`"@m":"(c\d) n(\d+)\."`).FindAllStringSubmatch(text, -1) {
		if m[1] != "c3" && m[1] != "c7" && m[2] != fmt.Sprint(next[m[1]]) {
			t.Fatalf("%s: after message %d comes %s", m[1], next[m[1]]-1, m[2])
		}
		next[m[1]]++
	}
}

// A message that comes a byte at a time is one; one that breaks off is stored as far as it came.
func TestSlowSenders(t *testing.T) {
	s, pool := sockets(t)
	h := serve(t, Options{Sockets: s})
	for _, place := range []int{syslogTCP, syslogTLS, gelfTCP} {
		h.store.Delete(context.Background(), stele.Range{})
		text := "31 <12>1 - h a - - - octet counted<12>1 - h a - - - line\n<12>1 - h a - - - broken o"
		if place == gelfTCP {
			text = "{\"short_message\":\"octet counted\"}\n{\"short_message\":\"line\"}\x00{\"short_message\":\"broken o\"}"
		}
		conn := dialSocket(t, s, place, pool)
		for _, c := range []byte(text) {
			if _, err := conn.Write([]byte{c}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		conn.Close()
		got := strings.Join(h.wait(3), "")
		for _, want := range []string{`"@m":"octet counted"`, `"@m":"line"`, `"@m":"broken o"`} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s is not in %s", s.all[place].address, want, got)
			}
		}
	}
}

// Long messages of many connections share what memory there is, and all come.
func TestLongMessagesShareMemory(t *testing.T) {
	s, _ := sockets(t)
	h := serve(t, Options{Sockets: s})
	const size = 200_000
	var senders sync.WaitGroup
	for range 20 {
		conn := dialSocket(t, s, syslogTCP, nil)
		senders.Go(func() {
			fmt.Fprintf(conn, "%d <12>%s", size+4, strings.Repeat("x", size))
			conn.Close()
		})
	}
	senders.Wait()
	for _, e := range h.wait(20) {
		if len(e) < size {
			t.Fatalf("a message of %d bytes became %d", size, len(e))
		}
	}
}

// Idle connections cost their buffer, and those over the bound are closed.
func TestIdleConnections(t *testing.T) {
	s, _ := sockets(t)
	h := serve(t, Options{Sockets: s})
	var conns []net.Conn
	for range 500 {
		conns = append(conns, dialSocket(t, s, syslogTCP, nil))
	}
	for i, conn := range conns {
		fmt.Fprintf(conn, "<12>half of %d", i)
	}
	name := `stele_socket_connections{protocol="syslog"}`
	for h.metric(name) != "500" {
		time.Sleep(5 * time.Millisecond)
	}
	for i, conn := range conns {
		fmt.Fprintf(conn, " and the rest\n")
		if i%2 == 0 {
			conn.Close()
		}
	}
	if got := h.wait(500); !strings.Contains(strings.Join(got, ""), "half of 499 and the rest") {
		t.Error("a message is missing")
	}
	for h.metric(name) != "250" {
		time.Sleep(5 * time.Millisecond)
	}
	h.stop() // does not wait for clients that say nothing
}
