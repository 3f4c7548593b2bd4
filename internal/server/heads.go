package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Heads of requests. net/http reads a head of up to MaxHeaderBytes for each connection before anybody
// asks what it is good for, and takes it apart into some thirty times as much memory if its lines are tiny.
// So what all connections hold of long heads is bounded together; most heads are short and cost nothing.

const (
	shortHead = 4 << 10 // bytes of a head that are not counted
	longHeads = 8 << 20 // most bytes of all heads beyond that
)

// headListener gives connections that count the bytes of their requests' heads.
type headListener struct {
	net.Listener
	budget *budget
}

func (l *headListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &headConn{Conn: conn, hold: l.budget.hold()}, nil
}

// headConn counts while it waits for a request and reads its head; what it counted it holds until the
// request is answered, for as long do the headers live.
type headConn struct {
	net.Conn
	past atomic.Bool // the head has been read: what comes is a body

	mu   sync.Mutex
	read int64
	hold *hold
}

var errHeads = errors.New("the heads of all requests at once are too long")

// busyHead says that nothing is wrong with the request: clients try again.
const busyHead = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json; charset=utf-8\r\nRetry-After: " + retryAfter + "\r\nConnection: close\r\n\r\n" +
	`{"Error":"too many bytes of request heads are being taken in at once"}`

func (c *headConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.past.Load() {
		return n, err
	}
	c.mu.Lock()
	c.read += int64(n)
	over := max(0, c.read-shortHead) - c.hold.bytes
	busy := over > 0 && c.hold.take(over) != nil
	c.mu.Unlock()
	if busy {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = c.Conn.Write([]byte(busyHead))
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: errHeads} // which net/http answers with nothing more
	}
	return n, err
}

// again waits for another request's head.
func (c *headConn) again() {
	c.mu.Lock()
	c.read = 0
	c.hold.release()
	c.mu.Unlock()
	c.past.Store(false)
}

func (c *headConn) Close() error {
	c.again()
	return c.Conn.Close()
}

// CloseWrite lets a client read the last answer before the connection is reset; net/http asks for it.
func (c *headConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

type headKey struct{}

// countHeads makes hs tell its connections where heads begin; headRead tells where they end.
func countHeads(hs *http.Server) {
	hs.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, headKey{}, conn)
	}
	hs.ConnState = func(conn net.Conn, state http.ConnState) {
		if c, ok := conn.(*headConn); ok && state == http.StateIdle {
			c.again()
		}
	}
}

func headRead(r *http.Request) {
	if c, ok := r.Context().Value(headKey{}).(*headConn); ok {
		c.past.Store(true)
	}
}
