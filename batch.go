package stele

import (
	"context"
	"time"

	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/fault"
)

// Batch collects events to be appended together (R19). Not for concurrent use. Reuse it
// after Reset: that keeps its memory.
//
// An event is added as one CLEF line by AddCLEF, or member by member: Begin, then String, Int and so
// on, then End. Member names are as in CLEF: "@mt", "@l", "User", and "@@name" for a property called "@name".
//
// A batch takes little memory whatever its length: what has come is encoded, piece by piece, as it will be stored.
type Batch struct {
	store *Store
	b     *engine.Batch
	bytes int
	id    string
}

// NewBatch returns an empty batch for this store.
func (s *Store) NewBatch() *Batch {
	return &Batch{store: s, b: s.e.NewBatch()}
}

// AddCLEF adds one event: a JSON object with at least "@t". line is not kept. A refused event leaves the batch as
// it was. Invalid: the error says which byte is wrong and why. TooLarge: the event, or the batch
// with it, is over its limit (Options.EventBytes, BatchBytes).
func (b *Batch) AddCLEF(line []byte) error {
	if err := b.room(len(line)); err != nil {
		return err
	}
	if err := b.b.AddCLEF(line); err != nil {
		return err
	}
	b.bytes += len(line)
	return nil
}

func (b *Batch) room(size int) error {
	if b.bytes+size > b.store.batchBytes {
		return fault.New(fault.TooLarge, "add event", "the batch would have %d bytes, over the limit of %d", b.bytes+size, b.store.batchBytes)
	}
	return nil
}

// Len is how many events are in, Size about how many bytes of memory they take.
func (b *Batch) Len() int { return b.b.Rows() }

// Size is about how many bytes of memory the batch takes.
func (b *Batch) Size() int { return b.b.Size() }

// Reset empties the batch, its id included, and keeps its memory.
func (b *Batch) Reset() {
	b.b.Reset()
	b.bytes, b.id = 0, ""
}

// AppendCLEF appends the first n events to dst, a line of CLEF each, in the order in which they were added: the members as they were
// given, without white space.
func (b *Batch) AppendCLEF(dst []byte, n int) ([]byte, error) { return b.b.AppendCLEF(dst, n) }

// SetID names the batch (R16): if one of the same id was appended in the last ten minutes, before a
// restart included, Append stores nothing and returns the keys of that one. At most 256 bytes; "" is no id.
func (b *Batch) SetID(id string) { b.id = id }

// Begin starts an event at a time, which becomes its "@t" in UTC. An event that was begun and
// not ended is given up.
func (b *Batch) Begin(t time.Time) {
	if year := t.UTC().Year(); year > 1677 && year < 2262 {
		b.b.Builder().Begin(t.UnixNano(), nil)
		return
	}
	// Beyond what nanoseconds in 64 bits hold: the instant is clamped and the text kept (R3).
	b.b.Builder().Begin(0, t.UTC().AppendFormat(nil, "2006-01-02T15:04:05.999999999Z07:00"))
}

// End adds the event begun, or returns what was wrong with its first wrong member; the batch is then
// as it was before Begin.
func (b *Batch) End() error {
	builder := b.b.Builder()
	before := builder.Size()
	if err := b.room(0); err != nil {
		builder.Abandon()
		return err
	}
	if err := builder.End(); err != nil {
		return err
	}
	b.bytes += max(builder.Size()-before, 0)
	b.b.Added()
	return nil
}

// String adds a string.
func (b *Batch) String(name, v string) { b.b.Builder().String(name, v) }

// Int adds an integer.
func (b *Batch) Int(name string, v int64) { b.b.Builder().Int(name, v) }

// Float adds a number as the shortest text that gives it back. NaN and the infinities are Invalid.
func (b *Batch) Float(name string, v float64) { b.b.Builder().Float(name, v) }

// Number adds a number given as JSON text, of any length, which is kept.
func (b *Batch) Number(name, text string) { b.b.Builder().Number(name, text) }

// Bool adds true or false.
func (b *Batch) Bool(name string, v bool) { b.b.Builder().Bool(name, v) }

// Null adds null.
func (b *Batch) Null(name string) { b.b.Builder().Null(name) }

// JSON adds any JSON value given as text.
func (b *Batch) JSON(name string, raw []byte) { b.b.Builder().JSON(name, raw) }

// Object begins an object: the members added next are its own, until EndObject.
func (b *Batch) Object(name string) { b.b.Builder().Object(name) }

// EndObject ends the object begun last.
func (b *Batch) EndObject() { b.b.Builder().EndObject() }

// Keys are the keys of an appended batch.
type Keys struct{ k engine.Keys }

// Len is how many there are.
func (k Keys) Len() int { return len(k.k.Instants) }

// At returns the key of the i-th event of the batch, from 0.
func (k Keys) At(i int) Key { return k.k.At(i) }

// Append makes the batch durable, then visible (R10), whole or not at all (R11), and returns its keys in the
// order of the batch. Concurrent appends share one fsync. An empty batch writes nothing. The batch stays as
// it is: Reset it to use it again.
//
// Canceled: ctx ended first. If that was while the batch was being written it may have been stored all
// the same; append it again under the same SetID to be sure. The batch may have been emptied then.
// Full, IO: nothing was stored; later appends go on in a new file, without reopening the store,
// when the disk allows. Invalid: the id is too long, or was given to another batch. Denied: read-only. Closed.
//
// Append waits while sealing is far behind.
func (s *Store) Append(ctx context.Context, b *Batch) (Keys, error) {
	keys, err := s.e.Append(ctx, b.b, b.id)
	if b.b.Rows() == 0 {
		b.bytes = 0
	}
	return Keys{keys}, err
}
