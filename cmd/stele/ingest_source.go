package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"github.com/stelehq/stele/internal/fault"
)

// decompress looks at what a file begins with, not at its name: gzip is 1F 8B.
func decompress(r io.Reader) (io.Reader, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	if head, _ := br.Peek(2); len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b {
		return br, nil
	}
	return gzip.NewReader(br)
}

// openText opens a file for its text.
func openText(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := decompress(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{text, f}, nil
}

// kindOfReading tells a file that is wrong in itself from one that cannot be read.
func kindOfReading(err error) fault.Kind {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, fault.Canceled):
		return fault.Canceled
	case errors.As(err, &corrupt), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return fault.Invalid
	}
	return fault.IO
}

// idleReader calls idle when the source has given nothing for a while, once for each wait,
// so that what has come is not held back until a batch is full. It ends with ctx, even if the
// source does not.
type idleReader struct {
	ctx    context.Context
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
	for {
		select {
		case got := <-r.done:
			return copy(p, buf[:got.n]), got.err
		case <-timer.C:
			r.idle()
		case <-r.ctx.Done():
			return 0, fault.WrapAs(fault.Canceled, r.ctx.Err(), "", "interrupted")
		}
	}
}
