package main

import (
	"bufio"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"
)

// decompress looks at what a file begins with, not at its name: gzip is 1F 8B.
func decompress(r io.Reader) (io.Reader, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	if head, _ := br.Peek(2); len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b {
		return br, nil
	}
	return gzip.NewReader(br)
}

// idleReader calls idle when the source has given nothing for a while, once for each wait,
// so that what has come is not held back until a batch is full.
type idleReader struct {
	source io.Reader
	idle   func()
	buf    []byte
	done   chan readResult
}

type readResult struct {
	n   int
	err error
}

const idleTime = 300 * time.Millisecond

func (r *idleReader) Read(p []byte) (int, error) {
	if r.done == nil {
		r.buf, r.done = make([]byte, 128<<10), make(chan readResult, 1)
	}
	buf := r.buf[:min(len(p), len(r.buf))]
	go func() {
		n, err := r.source.Read(buf)
		r.done <- readResult{n, err}
	}()
	timer := time.NewTimer(idleTime)
	defer timer.Stop()
	var got readResult
	select {
	case got = <-r.done:
	case <-timer.C:
		r.idle()
		got = <-r.done
	}
	return copy(p, buf[:got.n]), got.err
}
