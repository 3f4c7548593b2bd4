package stele

import (
	"context"
	"io"
	"sync"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/engine"
)

// TextReader reads events as text in key order. Filter and rendering run on all processors, ahead of the caller
// by some megabytes at most: the fastest way to read whole events.
//
//	r := store.ReadText(ctx, stele.ReadOptions{})
//	_, err := r.WriteTo(w)
//
// Damage met on the way does not stop it: what is lost is passed over, and Err and Close report it. Not for concurrent use. Close it.
type TextReader struct {
	work  *engine.Workers[*page]
	limit int // events left to give; negative: all
	page  *page
	at    int // of the page's next event
}

// ReadText reads the snapshot. The reader may not outlive it.
func (s *Snapshot) ReadText(ctx context.Context, o ReadOptions) *TextReader {
	return readText(ctx, s.v, o, false)
}

// ReadText reads what the store holds now: the reader has a snapshot of its own.
func (s *Store) ReadText(ctx context.Context, o ReadOptions) *TextReader {
	v, err := s.e.Pin()
	if err != nil {
		return &TextReader{work: engine.FailedRead[*page](err)}
	}
	return readText(ctx, v, o, true)
}

func readText(ctx context.Context, v *engine.View, o ReadOptions, owns bool) *TextReader {
	descending, most := o.Ordering == Descending, 0
	if o.Filter == nil {
		most = o.Limit
	}
	newWork := func() engine.Work[*page] {
		p := &printer{descending: descending}
		p.match = o.Filter.match(ctx, p.note)
		return p.print
	}
	r := &TextReader{limit: o.Limit}
	if o.Limit == 0 {
		r.limit = -1
	}
	r.work = engine.Read(ctx, v, o.Filter.narrow(o.Range.span()), descending, most, o.Filter.wanted(ctx, nil), o.Filter == nil && o.Limit == 0, owns, newWork)
	return r
}

// Next goes to the next event, and reports whether there is one.
func (r *TextReader) Next() bool {
	if r.limit == 0 {
		return false
	}
	for r.page == nil || r.at == len(r.page.keys) {
		if !r.turn() {
			return false
		}
	}
	r.at++
	r.limit--
	return true
}

// turn goes to the next page.
func (r *TextReader) turn() bool {
	if r.page != nil {
		pages.Put(r.page)
	}
	var ok bool
	if r.page, ok = r.work.Next(); !ok {
		r.page = nil
		return false
	}
	r.at = 0
	for _, err := range r.page.lost {
		r.work.Lost(err)
	}
	return true
}

// Key returns the key of the event at hand.
func (r *TextReader) Key() Key { return r.page.keys[r.at-1] }

// CLEF returns the event at hand as it was given (R6): one JSON object without white space, and no newline. It is valid until the
// next call of Next.
func (r *TextReader) CLEF() []byte {
	return r.page.text[r.page.start(r.at-1) : r.page.ends[r.at-1]-1]
}

// WriteTo writes the events that are left, each and a newline, and closes the reader.
func (r *TextReader) WriteTo(w io.Writer) (int64, error) {
	written := int64(0)
	for r.limit != 0 && (r.page != nil && r.at < len(r.page.keys) || r.turn()) {
		from, n := r.page.start(r.at), len(r.page.keys)-r.at
		if r.limit > 0 {
			n = min(n, r.limit)
			r.limit -= n
		}
		r.at += n
		if n == 0 {
			continue
		}
		k, err := w.Write(r.page.text[from:r.page.ends[r.at-1]])
		written += int64(k)
		if err != nil {
			_ = r.Close()
			return written, err
		}
	}
	return written, r.Close()
}

// Err returns why reading ended early, or what was passed over on the way: Canceled, Closed, Corrupt with
// file and offset, IO. nil while all is well.
func (r *TextReader) Err() error { return r.work.Err() }

// Close ends the reader and returns Err. Harmless when repeated.
func (r *TextReader) Close() error {
	r.page, r.limit = nil, 0
	return r.work.Close()
}

// A page is some events as text, each with a newline.
type page struct {
	text []byte
	ends []int
	keys []Key
	lost []error
}

func (p *page) start(i int) int {
	if i == 0 {
		return 0
	}
	return p.ends[i-1]
}

// pageBytes is when a page is full; a page holds at least one event.
const pageBytes = 256 << 10

var pages = sync.Pool{New: func() any { return new(page) }}

// A printer is what one worker of a TextReader does.
type printer struct {
	descending bool
	match      engine.Match
	page       *page
	cursors    map[*block.Block]*block.Cursor // of the last task's blocks
}

func (p *printer) note(err error) { p.page.lost = append(p.page.lost, err) }

// blank takes a page to fill.
func (p *printer) blank() {
	p.page = pages.Get().(*page)
	p.page.text, p.page.ends, p.page.keys, p.page.lost = p.page.text[:0], p.page.ends[:0], p.page.keys[:0], nil
}

func (p *printer) print(runs []engine.Run, yield func(*page) bool) {
	p.blank()
	before := p.cursors
	p.cursors = make(map[*block.Block]*block.Cursor, len(before))
	for _, run := range runs {
		c := p.cursors[run.Block]
		if c == nil {
			if c = before[run.Block]; c == nil {
				c = run.Block.Cursor()
			}
			p.cursors[run.Block] = c
		}
		for {
			row, open := run.Take(p.descending)
			if row < 0 {
				break
			}
			if open && p.match != nil && !p.match(engine.Row{Block: run.Block, Index: row, Key: run.Block.Key(row)}) {
				continue
			}
			c.Seek(row)
			text, err := c.AppendCLEF(p.page.text)
			if err != nil {
				p.note(err)
				continue
			}
			p.page.text = append(text, '\n')
			p.page.ends = append(p.page.ends, len(p.page.text))
			p.page.keys = append(p.page.keys, c.Key())
			if len(p.page.text) >= pageBytes {
				if !yield(p.page) {
					return
				}
				p.blank()
			}
		}
	}
	if len(p.page.keys) > 0 || len(p.page.lost) > 0 {
		yield(p.page)
	}
}
