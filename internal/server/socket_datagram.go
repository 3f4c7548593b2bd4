package server

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/stelehq/stele/internal/gelf"
)

const (
	datagramBuffer = 8 << 20               // of the kernel, as far as it allows
	longestMessage = 64 << 10              // a datagram cannot be longer
	lastDatagrams  = 50 * time.Millisecond // for which what the kernel has is read before a socket closes
)

// readDatagrams takes in what comes until halted.
func (r *socketRun) readDatagrams(s *socket, q *messageQueue) {
	conn := s.datagrams
	_ = conn.SetReadBuffer(datagramBuffer)
	countLost(conn)
	var chunks *gelf.Datagrams
	if s.speaks.chunked {
		chunks = &gelf.Datagrams{Limit: r.server.o.EventBytes}
	}
	decoder := s.speaks.newDecoder(&r.open.options)
	var peer peerName
	var kernel uint32 // datagrams that the kernel has dropped
	buf, control := make([]byte, longestMessage), make([]byte, 64)
	for {
		if chunks != nil && !r.over() {
			// Chunks that are awaited expire even if nothing comes.
			r.setDeadline(conn, time.Now().Add(time.Second))
		}
		n, c, _, from, err := conn.ReadMsgUDPAddrPort(buf, control)
		now := time.Now()
		if chunks != nil {
			chunks.Expire(now)
			if lost := chunks.Dropped(); lost > 0 {
				q.drop(lostChunks, lost)
			}
		}
		var late net.Error
		switch {
		case err == nil:
		case errors.As(err, &late) && late.Timeout() && !r.over():
			continue
		case r.over():
			if chunks != nil && chunks.Partial() > 0 {
				q.drop(lostChunks, chunks.Partial())
			}
			return
		default: // what an earlier answer of the network says about some sender
			time.Sleep(time.Millisecond)
			continue
		}
		if lost := lostByKernel(control[:c]); lost != kernel {
			q.drop(lostKernel, int(lost-kernel))
			kernel = lost
		}
		if n == 0 {
			continue
		}
		q.datagrams.Inc()
		text := buf[:n]
		if chunks != nil {
			if text, err = chunks.Message(text, now); err != nil {
				q.refuse(refusal{Endpoint: s.address, Client: peer.of(from), Error: err.Error(), Bytes: int64(n)}, buf[:n])
				continue
			}
			if text == nil {
				continue
			}
		}
		line, err := decoder.CLEF(text, now, peer.of(from))
		switch {
		case err != nil:
			q.refuse(refusal{Endpoint: s.address, Client: peer.of(from), Error: err.Error(), Bytes: int64(len(text))}, text)
		case line != nil && !q.putDatagram(line):
			q.drop(lostFull, 1)
		}
	}
}

// peerName remembers the text of the last address: most datagrams come from where the one before did.
type peerName struct {
	addr netip.Addr
	text string
}

func (p *peerName) of(from netip.AddrPort) string {
	if addr := from.Addr(); addr != p.addr {
		p.addr, p.text = addr, addr.Unmap().WithZone("").String()
	}
	return p.text
}
