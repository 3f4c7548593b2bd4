package server

import (
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// socketRun serves a server's sockets, from the moment they listen until everything that was read is stored.
//
//	listen    datagrams are read and queued; connections are accepted, and wait
//	store     the store is open: connections are read, queues are stored
//	halt      nothing more is read
//	finish    what was read is stored
type socketRun struct {
	server  *Server
	open    *Sockets
	queues  []*messageQueue // of the protocols that are spoken
	memory  *budget         // for long messages of streams
	ready   chan struct{}   // closed by store
	halted  chan struct{}   // closed by halt
	readers sync.WaitGroup  // of sockets and connections
	stored  chan struct{}   // closed when all queues are stored; nil before store

	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil after halt
}

// listen begins to take in what comes to sockets, nil for none.
func (s *Server) listen(open *Sockets) *socketRun {
	if open == nil {
		open = new(Sockets)
	}
	r := &socketRun{
		server: s, open: open, memory: &budget{most: streamMemory},
		ready: make(chan struct{}), halted: make(chan struct{}), conns: map[net.Conn]struct{}{},
	}
	queues := map[*socketProtocol]*messageQueue{}
	for _, one := range open.all {
		q := queues[one.speaks]
		if q == nil {
			q = newMessageQueue(one.speaks, s)
			queues[one.speaks] = q
			r.queues = append(r.queues, q)
		}
		fault.Go(&r.readers, "read socket", func() {
			if one.datagrams != nil {
				r.readDatagrams(one, q)
			} else {
				r.accept(one, q)
			}
		}, func(err error) {
			one.close() // so that who sends to it notices
			s.defect(err)
		})
	}
	return r
}

// store begins to store.
func (r *socketRun) store(a *api) {
	r.stored = make(chan struct{})
	var stored sync.WaitGroup
	for _, q := range r.queues {
		fault.Go(&stored, "store messages", func() { q.run(a) }, func(err error) {
			q.abandon() // readers wait no longer for room, and what was read is counted as lost
			r.server.defect(err)
		})
	}
	fault.Go(nil, "store messages", func() {
		defer close(r.stored)
		stored.Wait()
	}, r.server.defect)
	close(r.ready)
}

// halt ends reading: at once for streams; what the kernel has of datagrams is read.
func (r *socketRun) halt() {
	close(r.halted)
	r.mu.Lock()
	conns := r.conns
	r.conns = nil
	r.mu.Unlock()
	for conn := range conns {
		_ = conn.SetReadDeadline(time.Now())
	}
	for _, one := range r.open.all {
		if one.stream != nil {
			one.stream.Close()
		} else {
			_ = one.datagrams.SetReadDeadline(time.Now().Add(lastDatagrams))
		}
	}
}

// finish waits until all that was read is stored, till late at most, but a second in any case. What is left then is lost, and counted.
func (r *socketRun) finish(late time.Time) {
	done := make(chan struct{})
	fault.Go(nil, "stop sockets", func() {
		defer close(done)
		r.readers.Wait()
		for _, q := range r.queues {
			q.close()
		}
		if r.stored != nil {
			<-r.stored
		}
	}, r.server.defect)
	timer := time.NewTimer(max(time.Until(late), time.Second))
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		for _, q := range r.queues {
			q.abandon()
		}
		<-done
	}
	for _, q := range r.queues {
		q.end()
	}
	r.open.Close()
}

// over tells whether reading has ended.
func (r *socketRun) over() bool {
	select {
	case <-r.halted:
		return true
	default:
		return false
	}
}

// setDeadline is conn.SetReadDeadline, but for that halt's deadline holds.
func (r *socketRun) setDeadline(conn interface{ SetReadDeadline(time.Time) error }, at time.Time) {
	_ = conn.SetReadDeadline(at)
	if !r.over() {
		return
	}
	at = time.Now()
	if _, datagrams := conn.(*net.UDPConn); datagrams {
		at = at.Add(lastDatagrams)
	}
	_ = conn.SetReadDeadline(at)
}

// sleep waits for a time, or until halted.
func (r *socketRun) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.halted:
	}
}

// join notes a connection that halt is to wake; false: it has been.
func (r *socketRun) join(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conns == nil {
		return false
	}
	r.conns[conn] = struct{}{}
	return true
}

func (r *socketRun) leave(conn net.Conn) {
	conn.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, conn)
}

func tooLongMessage(bytes, limit int) string {
	return fmt.Sprintf("the message is at least %d bytes long; at most %d are allowed", bytes, limit)
}
