package server

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// What a connection may cost.
const (
	mostConnections = 10_000           // of one address; more are closed at once
	firstBuffer     = 2 << 10          // of each connection; what is more comes out of streamMemory
	busyBuffer      = 64 << 10         // of one that fills its buffer, if there is memory
	streamMemory    = 64 << 20         // for messages that are longer, of all connections together
	frameTime       = 10 * time.Minute // for a message, from its first byte to its last
	shortTime       = 10 * time.Second // the same for a long one, while memory for those is short
	idleTime        = 24 * time.Hour   // without a byte
	calmTime        = time.Second      // without a byte, after which a large buffer is given back
	handshakeTime   = 10 * time.Second
)

// accept takes in connections until halted.
func (r *socketRun) accept(s *socket, q *messageQueue) {
	slots := make(chan struct{}, mostConnections)
	for wait := time.Duration(0); ; {
		conn, err := s.stream.Accept()
		switch {
		case r.over():
			if err == nil {
				conn.Close()
			}
			return
		case err != nil: // too many files are open, or a client was gone before it was met
			q.log.warn("connections are not accepted", "address", s.address, "error", err)
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			r.sleep(wait)
			continue
		}
		wait = 0
		select {
		case slots <- struct{}{}:
		default:
			q.log.warn("connections are refused: too many are open", "address", s.address, "open", mostConnections, "client", conn.RemoteAddr())
			conn.Close()
			continue
		}
		fault.Go(&r.readers, "read connection", func() {
			defer func() { <-slots }()
			r.converse(s, q, conn)
		}, func(err error) {
			conn.Close()
			r.server.defect(err)
		})
	}
}

// converse reads a connection until it ends, or until halted: then what was read is stored, and nothing more is read.
func (r *socketRun) converse(s *socket, q *messageQueue, conn net.Conn) {
	if !r.join(conn) {
		conn.Close()
		return
	}
	defer r.leave(conn)
	q.connections.Inc()
	defer q.connections.Dec()
	from := peerOf(conn)
	if s.secure != nil {
		secure := tls.Server(conn, s.secure)
		r.setDeadline(conn, time.Now().Add(handshakeTime))
		if err := secure.Handshake(); err != nil {
			if !r.over() {
				q.log.warn("a TLS handshake failed", "address", s.address, "client", from, "error", err)
			}
			return
		}
		conn = secure
	}
	select {
	case <-r.ready:
	case <-r.halted:
		return
	}
	c := connection{r: r, s: s, q: q, conn: conn, from: from, splitter: s.speaks.newSplitter(r.server.o.EventBytes),
		decoder: s.speaks.newDecoder(&r.open.options), hold: r.memory.hold(), first: make([]byte, firstBuffer)}
	defer c.hold.release()
	c.read()
}

// connection is one that is read.
type connection struct {
	r        *socketRun
	s        *socket
	q        *messageQueue
	conn     net.Conn
	from     string
	splitter splitter
	decoder  messageDecoder

	hold  *hold     // of the memory that buf is more than first
	first []byte    // the buffer of a calm connection
	buf   []byte    // what was read and is no message yet; its capacity is the buffer
	began time.Time // when buf had its first byte, if it has one
}

func (c *connection) read() {
	c.buf = c.first[:0]
	for {
		c.deadline()
		n, err := c.conn.Read(c.buf[len(c.buf):cap(c.buf)])
		now := time.Now()
		if n > 0 && len(c.buf) == 0 {
			c.began = now
		}
		full := n > 0 && len(c.buf)+n == cap(c.buf)
		c.buf = c.buf[:len(c.buf)+n]
		if n > 0 && !c.messages(now) {
			return
		}
		late := errors.Is(err, os.ErrDeadlineExceeded) && !c.r.over()
		switch {
		case len(c.buf) > 0 && c.expired(now):
			c.rest(now, errTooSlow)
			return
		case err == nil:
			if full && !c.grow(now) {
				return
			}
		case late && len(c.buf) > 0:
		case late && cap(c.buf) > firstBuffer:
			c.shrink()
		default:
			c.rest(now, err)
			return
		}
	}
}

// deadline says until when the next bytes are awaited.
func (c *connection) deadline() {
	wait := idleTime
	switch {
	case cap(c.buf) > firstBuffer:
		wait = calmTime
	case len(c.buf) > 0:
		wait = time.Until(c.began.Add(frameTime))
	}
	c.r.setDeadline(c.conn, time.Now().Add(wait))
}

// expired tells whether the message that is being read has taken too long.
func (c *connection) expired(now time.Time) bool {
	short := cap(c.buf) > firstBuffer && c.r.memory.short()
	since := now.Sub(c.began)
	return since >= frameTime || short && since >= shortTime
}

// messages takes all whole messages out of the buffer. false: all is given up.
func (c *connection) messages(now time.Time) bool {
	stream := c.buf
	for {
		f, used := c.splitter.Next(stream)
		if used == 0 {
			break
		}
		stream = stream[used:]
		switch {
		case f.Over > 0:
			limit := c.r.server.o.EventBytes
			c.q.refuse(refusal{
				Endpoint: c.s.address, Client: c.from, Bytes: int64(f.Over), Truncated: f.Over > len(f.Text),
				Error: tooLongMessage(f.Over, limit),
			}, f.Text)
		case f.Text != nil && !c.message(f.Text, now):
			return false
		}
	}
	if len(stream) < len(c.buf) {
		c.buf = c.buf[:copy(c.buf, stream)]
		c.began = now
	}
	return true
}

func (c *connection) message(text []byte, now time.Time) bool {
	c.q.streamed.Inc()
	line, err := c.decoder.CLEF(text, now, c.from)
	if err != nil {
		c.q.refuse(refusal{Endpoint: c.s.address, Client: c.from, Error: err.Error(), Bytes: int64(len(text))}, text)
		return true
	}
	return line == nil || c.q.putStream(line)
}

// grow makes room for more, out of the memory that all connections share. A busy connection gets a larger buffer if there
// is some; a message that has no room waits for it, and the client with it. false: the connection is over.
func (c *connection) grow(now time.Time) bool {
	size := busyBuffer
	if cap(c.buf) >= busyBuffer {
		if len(c.buf) < cap(c.buf) {
			return true
		}
		size = min(2*cap(c.buf), c.r.server.o.EventBytes+busyBuffer)
	}
	waited := false
	for c.hold.take(int64(size-cap(c.buf))) != nil {
		if len(c.buf) < cap(c.buf) {
			return true // as it is, it goes on
		}
		if c.r.over() || time.Since(c.began) > frameTime {
			c.rest(now, errTooSlow)
			return false
		}
		c.q.log.warn("long messages wait for memory", "address", c.s.address, "client", c.from)
		c.r.sleep(20 * time.Millisecond)
		waited = true
	}
	if waited {
		c.began = time.Now() // it was not the client's fault
	}
	c.buf = append(make([]byte, 0, size), c.buf...)
	return true
}

var errTooSlow = errors.New("a message took too long")

func (c *connection) shrink() {
	c.buf = c.first[:0]
	c.hold.release()
}

// rest stores the message that a connection broke off in.
func (c *connection) rest(now time.Time, err error) {
	if text := c.splitter.Rest(c.buf); text != nil {
		c.message(text, now)
	}
	if (errors.Is(err, os.ErrDeadlineExceeded) || err == errTooSlow) && !c.r.over() {
		c.q.log.warn("a connection is closed", "address", c.s.address, "client", c.from, "reason", err)
	}
}

func peerOf(conn net.Conn) string {
	p, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return ""
	}
	return p.Addr().Unmap().WithZone("").String()
}
