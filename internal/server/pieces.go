package server

import (
	"bytes"
	"context"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/ingest"
)

// pieceText is how much of a body is read before its lines are added to the batch. A longer body never stands whole in memory.
const pieceText = 1 << 20

// pieces takes in a body of lines while it is being read.
type pieces struct {
	a     *api
	b     *body
	batch *stele.Batch
	clef  ingest.CLEFPieces
	buf   []byte // what was read and not dropped

	// What was dropped, after its events had been added.
	bytes  int64
	events int
	lines  int
	head   []byte // its first keepOfOver bytes
}

// takePieces is takeIn of a body that is still to be read. text is the payload if it is refused; where its first pieces are
// gone, their events are as the batch has them.
func (a *api) takePieces(ctx context.Context, f *format, b *body, o takeOptions) (_ taken, text []byte, _ error) {
	t := &pieces{a: a, b: b, batch: a.batches.Get().(*stele.Batch), clef: ingest.CLEFPieces{Options: a.payloadOptions(&o)}}
	defer a.recycle(t.batch)
	added, err := t.run(&charged{Batch: t.batch, hold: o.hold})
	cut := false
	if refused := t.clef.Stopped || added != nil && ofPayload(added); refused && err == nil {
		// The rest is to be kept too, and may be wrong in a way of its own.
		if text, cut = t.whole(); !cut {
			text, err = b.rest(text)
		}
		if cut || stelErr(err) {
			cut, text = true, text[:min(len(text), keepOfOver)]
			err = t.skip()
		}
	}
	b.close()
	if err != nil {
		return taken{}, nil, b.failed(err, func() []byte {
			if text == nil {
				text, _ = t.whole()
			}
			return text
		})
	}
	if text == nil {
		t.letGo()
	}
	p, err := a.finish(ctx, f, t.batch, int(b.bytes), t.clef.Payload, added, o)
	p.cut = cut
	return p, text, err
}

// run reads the body and adds its events, until an event is refused that refuses them all. added is an error of
// the payload or the budget, err one of reading.
func (t *pieces) run(batch ingest.Adder) (added, err error) {
	for end := false; !end && !t.clef.Stopped; {
		if len(t.buf) == cap(t.buf) {
			if err := t.grow(); err != nil {
				return nil, err
			}
		}
		if t.buf, end, err = t.b.fill(t.buf); err != nil {
			return nil, err
		}
		if !end && len(t.buf) < pieceText {
			continue
		}
		refused := cap(t.clef.Payload.Rest)
		used, err := t.clef.Add(batch, t.buf, end)
		if err == nil {
			err = t.b.hold.take(int64(cap(t.clef.Payload.Rest) - refused))
		}
		if err != nil {
			return err, nil
		}
		if !end && !t.clef.Stopped && used > 0 {
			t.drop(used)
		}
	}
	return nil, nil
}

// grow gives the buffer more room: up to that of a piece, or, where a line is longer, as much as it takes.
func (t *pieces) grow() (err error) {
	most := len(t.buf) + t.b.limit + 1 - int(t.b.bytes) // one byte over the limit, which tells that a body is over it
	if len(t.buf) < pieceText {
		most = min(most, pieceText)
		if most == pieceText && 8*cap(t.buf) >= most {
			if err := t.b.hold.take(int64(most - cap(t.buf))); err != nil {
				return err
			}
			large, ok := t.a.pieces.Get().(*[]byte)
			if !ok {
				large = new([]byte)
				*large = make([]byte, 0, pieceText)
			}
			t.buf = append((*large)[:0], t.buf...)
			return nil
		}
	}
	t.buf, err = t.b.grow(t.buf, most)
	return err
}

// drop makes room in the buffer.
func (t *pieces) drop(used int) {
	if t.head == nil {
		t.head = bytes.Clone(t.buf[:min(used, keepOfOver)])
	}
	t.bytes, t.events, t.lines = t.bytes+int64(used), t.clef.Payload.Events, t.clef.Lines
	t.buf = t.buf[:copy(t.buf, t.buf[used:])]
}

// letGo gives the buffer's memory back.
func (t *pieces) letGo() {
	t.b.hold.giveBack(int64(cap(t.buf)))
	if cap(t.buf) == pieceText {
		t.a.pieces.Put(&t.buf)
	}
}

// whole returns the text that was read so far. Of what was dropped that is the events as they would be read again, and as
// many blank lines as keep the rest on their lines; without the memory for it, it is cut: the start alone.
func (t *pieces) whole() (text []byte, cut bool) {
	if t.bytes == 0 {
		return t.buf, false
	}
	size := t.bytes + int64(len(t.buf))
	if t.b.hold.take(size) != nil {
		return t.head, true
	}
	text = make([]byte, 0, size)
	if t.clef.Options.Partial {
		text = append(text, t.clef.Payload.Rest...)
	} else {
		text = append(text, bytes.Repeat([]byte{'\n'}, t.lines-t.events)...)
	}
	text, err := t.batch.AppendCLEF(text, t.events)
	if err != nil {
		return t.head, true
	}
	return append(text, t.buf...), false
}

// skip reads the rest of the body and drops it.
func (t *pieces) skip() (err error) {
	buf := make([]byte, 0, firstPiece)
	for end := false; !end && err == nil; {
		_, end, err = t.b.fill(buf)
	}
	return err
}
