package gelf

import (
	"bytes"
	"compress/zlib"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/stelehq/stele/internal/fault"
)

// A datagram is a message, compressed or not, or a chunk of one:
//
//	+-------+---------+------------+------------+--------
//	| 1E 0F | id (8B) | number(1B) | count (1B) | part …      number from 0, count to 128
//	+-------+---------+------------+------------+--------
//
//	1F 8B …                                                  gzip
//	78 xx …  where 78xx is a multiple of 31                  zlib

// What is held of messages whose chunks have not all come.
const (
	maxChunks   = 128
	maxPartials = 1024
	maxHeld     = 32 << 20 // bytes
	expiry      = 5 * time.Second
)

// Datagrams makes messages of datagrams. Limit must be set. Not for concurrent use.
type Datagrams struct {
	Limit int // most bytes of a message, decompressed

	partials map[[8]byte]*partial
	order    []*partial // oldest first; some are done
	held     int
	dropped  int

	gzip  *gzip.Reader
	zlib  io.ReadCloser
	whole []byte // the last message that was compressed or in chunks
}

type partial struct {
	id     [8]byte
	began  time.Time
	parts  [][]byte // by number; nil has not come
	come   int
	bytes  int
	ending bool // complete, or given up
}

// Message returns the message that a datagram is or completes, nil if it does neither; it is valid until the
// next call. The error is Invalid, or TooLarge for a message over Limit.
func (d *Datagrams) Message(datagram []byte, now time.Time) ([]byte, error) {
	d.Expire(now)
	if len(datagram) >= 2 && datagram[0] == 0x1E && datagram[1] == 0x0F {
		whole, err := d.chunk(datagram, now)
		if whole == nil || err != nil {
			return nil, err
		}
		datagram = whole
	}
	switch {
	case len(datagram) < 2:
	case datagram[0] == 0x1F && datagram[1] == 0x8B:
		if d.gzip == nil {
			d.gzip = new(gzip.Reader)
		}
		if err := d.gzip.Reset(bytes.NewReader(datagram)); err != nil {
			return nil, fault.WrapAs(fault.Invalid, err, op, "the message is not sound gzip")
		}
		return d.decompress(d.gzip, "gzip")
	case datagram[0] == 0x78 && (int(datagram[0])<<8+int(datagram[1]))%31 == 0:
		if err := d.resetZlib(datagram); err != nil {
			return nil, fault.WrapAs(fault.Invalid, err, op, "the message is not sound zlib")
		}
		return d.decompress(d.zlib, "zlib")
	}
	return datagram, nil
}

func (d *Datagrams) resetZlib(datagram []byte) (err error) {
	if d.zlib == nil {
		d.zlib, err = zlib.NewReader(bytes.NewReader(datagram))
		return err
	}
	return d.zlib.(zlib.Resetter).Reset(bytes.NewReader(datagram), nil)
}

func (d *Datagrams) decompress(r io.Reader, coding string) ([]byte, error) {
	b := bytes.NewBuffer(d.whole[:0])
	_, err := io.Copy(b, io.LimitReader(r, int64(d.Limit)+1))
	d.whole = b.Bytes()
	switch {
	case b.Len() > d.Limit:
		return nil, fault.New(fault.TooLarge, op, "the message, decompressed, is over the limit of %d bytes", d.Limit)
	case err != nil:
		return nil, fault.WrapAs(fault.Invalid, err, op, "the message is not sound %s", coding)
	}
	return d.whole, nil
}

// chunk keeps a chunk and returns the message if it was the last one missing.
func (d *Datagrams) chunk(datagram []byte, now time.Time) ([]byte, error) {
	if len(datagram) < 12 {
		return nil, fault.New(fault.Invalid, op, "a chunk of %d bytes is shorter than its header of 12", len(datagram))
	}
	id, number, count, part := [8]byte(datagram[2:10]), int(datagram[10]), int(datagram[11]), datagram[12:]
	if count == 0 || count > maxChunks || number >= count {
		return nil, fault.New(fault.Invalid, op, "there is no chunk %d of %d; at most %d are allowed", number+1, count, maxChunks)
	}
	if count == 1 {
		return part, nil
	}
	p := d.partials[id]
	switch {
	case p == nil:
		p = d.begin(id, count, now)
	case len(p.parts) != count:
		return nil, fault.New(fault.Invalid, op, "a chunk says that its message has %d chunks, an earlier one said %d", count, len(p.parts))
	case p.parts[number] != nil:
		return nil, nil // twice
	}
	if p.bytes+len(part) > d.Limit {
		d.forget(p)
		return nil, fault.New(fault.TooLarge, op, "a message in chunks is over the limit of %d bytes", d.Limit)
	}
	p.parts[number] = append(make([]byte, 0, len(part)), part...)
	p.come++
	p.bytes += len(part)
	d.held += len(part)
	if p.come < count {
		for d.held > maxHeld {
			d.dropOldest()
		}
		return nil, nil
	}
	d.whole = d.whole[:0]
	for _, part := range p.parts {
		d.whole = append(d.whole, part...)
	}
	d.forget(p)
	// Decompression writes to whole: it reads a message of its own.
	whole := d.whole
	d.whole = nil
	return whole, nil
}

func (d *Datagrams) begin(id [8]byte, count int, now time.Time) *partial {
	if len(d.partials) >= maxPartials {
		d.dropOldest()
	}
	if d.partials == nil {
		d.partials = map[[8]byte]*partial{}
	}
	p := &partial{id: id, began: now, parts: make([][]byte, count)}
	d.partials[id] = p
	d.order = append(d.order, p)
	return p
}

// forget gives a message's memory back.
func (d *Datagrams) forget(p *partial) {
	delete(d.partials, p.id)
	d.held -= p.bytes
	p.ending, p.parts = true, nil
	for len(d.order) > 0 && d.order[0].ending {
		d.order = d.order[1:]
	}
	if len(d.order) > 2*len(d.partials)+16 {
		kept := make([]*partial, 0, len(d.partials))
		for _, p := range d.order {
			if !p.ending {
				kept = append(kept, p)
			}
		}
		d.order = kept
	}
}

func (d *Datagrams) dropOldest() {
	if len(d.order) > 0 { // its first is never ending: forget sees to that
		d.forget(d.order[0])
		d.dropped++
	}
}

// Expire drops the messages whose first chunk came more than five seconds ago.
func (d *Datagrams) Expire(now time.Time) {
	for len(d.order) > 0 && now.Sub(d.order[0].began) > expiry {
		d.dropOldest()
	}
}

// Partial is how many messages wait for chunks.
func (d *Datagrams) Partial() int { return len(d.partials) }

// Dropped returns how many messages were dropped, because a chunk did not come in time or too many
// waited, since it was last asked.
func (d *Datagrams) Dropped() int {
	n := d.dropped
	d.dropped = 0
	return n
}
