package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
)

// accepted is the answer to whoever asks for no more. Serilog's sink searches it for a level
// by exact text: no blank may be added.
const accepted = `{"MinimumLevelAccepted":null}`

// ingestCLEF takes in events, one CLEF object a line; the whole batch or nothing.
//
//	POST /ingest/clef?partial=
//	201 durable: {"MinimumLevelAccepted":null}; 400 an event is refused: its line and the reason;
//	413 the body is over the limit; 415 the content encoding is unknown; 503 try again
//
// No content type is asked for. An empty body is valid. With partial=true what is good is
// stored and the answer adds "Refused":[{"Line","Error"},…] (the first 1,000; then RefusedCount
// is how many there are). Bodies may be gzip or deflate. A repeated Idempotency-Key is
// acknowledged once within ten minutes. X-Seq-ApiKey and apiKey are accepted, whatever they say.
func (a *api) ingestCLEF(w http.ResponseWriter, r *http.Request) error {
	return a.ingestSeq(w, r, clefFormat)
}

// ingestRaw takes in CLEF or the older raw events form.
//
//	POST /api/events/raw?clef&partial=
//	as POST /ingest/clef; a refusal of the raw form names the event's place in the array
//
// The body is CLEF by the content type application/vnd.serilog.clef or by ?clef, ?clef=true
// or ?clef=clef; otherwise {"Events":[…]} with Timestamp, Level, MessageTemplate, Exception,
// TraceId, SpanId, EventType, RenderedMessage, Renderings and Properties.
func (a *api) ingestRaw(w http.ResponseWriter, r *http.Request) error {
	if isCLEF(r) {
		return a.ingestSeq(w, r, clefFormat)
	}
	return a.ingestSeq(w, r, legacyFormat)
}

// describeIngestion tells old clients where to post.
//
//	GET /api/events/describe
//	200 {"Links":{"Raw":"/api/events/raw{?clef}"}}
func (a *api) describeIngestion(w http.ResponseWriter, r *http.Request) error {
	writeJSON(w, http.StatusOK, []byte(`{"Links":{"Raw":"/api/events/raw{?clef}"}}`))
	return nil
}

func isCLEF(r *http.Request) bool {
	if mediaType(r.Header.Get("Content-Type")) == clefType {
		return true
	}
	for _, part := range strings.Split(r.URL.RawQuery, "&") {
		switch strings.ToLower(part) { // "clef=" is none
		case "clef", "clef=true", "clef=clef":
			return true
		}
	}
	return false
}

// mediaType is a content type without parameters, in lower case.
func mediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// ingestSeq is ingestion as Seq has it: the whole batch or nothing unless partial is asked for, and 201.
func (a *api) ingestSeq(w http.ResponseWriter, r *http.Request, f *format) error {
	q := r.URL.Query() // what else is in it is the client's affair
	partial, err := boolParam(q, "partial")
	if err != nil {
		return err
	}
	p, err := a.ingest(w, r, f, partial)
	if err != nil {
		return err
	}
	answer := []byte(accepted)
	if partial {
		answer = appendRefused(answer[:len(answer)-1], &p.Payload)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(answer)
	return nil
}

// ingest takes in a request's body: all that an ingestion endpoint does but for its answer. What is
// refused, the payload or its events, is listed. With an error nothing is stored; without one, every event
// that was not refused is durable.
func (a *api) ingest(w http.ResponseWriter, r *http.Request, f *format, partial bool) (taken, error) {
	id := r.Header.Get("Idempotency-Key")
	if len(id) > 256 {
		return taken{}, fault.New(fault.Invalid, "", "the Idempotency-Key is %d bytes long; at most 256 are allowed", len(id))
	}
	if id != "" { // which means a batch to the endpoint it was sent to, and may mean another to others
		id = bodyID("key", r.URL.Path, []byte(id))
	}
	o := takeOptions{id: id, partial: partial, contentType: r.Header.Get("Content-Type"), arrival: time.Now()}
	b := a.openBody(w, r, a.o.BatchBytes)
	defer b.hold.release()
	o.hold = b.hold
	var p taken
	var text []byte // what is refused, if it is the whole payload
	var err error
	if f.inPieces(o.contentType) {
		p, text, err = a.takePieces(r.Context(), f, b, o)
	} else {
		text, err = b.rest(nil)
		b.close()
		if err = b.failed(err, func() []byte { return text }); err == nil {
			p, err = a.takeIn(r.Context(), f, text, o)
		}
	}
	var bad *bodyError
	switch {
	case errors.As(err, &bad):
		if !bad.gone {
			a.refuse(w, r, f, refusal{Error: err.Error(), Bytes: bad.bytes, Truncated: bad.truncated, ContentEncoding: bad.coding, Batch: id}, bad.kept)
		}
	case err == nil && p.Count > 0 || err != nil && ofPayload(err):
		note := refusal{Bytes: b.bytes, Truncated: p.cut, Batch: p.id}
		if partial && p.Count > 0 && err == nil {
			text = p.Rest
			note.Bytes, note.Truncated = int64(len(text)), false
		} else if f.whole != nil {
			text = f.whole(text)
			note.Bytes = int64(len(text))
		}
		if note.Error = "refused"; err != nil {
			note.Error = err.Error()
		}
		if len(p.Refused) > 0 {
			note.Line = p.Refused[0].Line
			note.Error = p.Refused[0].Err.Error()
		}
		if len(text) > 0 { // nothing at all can be refused too
			a.refuse(w, r, f, note, text)
		}
	}
	return p, err
}

// ofPayload tells what is wrong with a payload, and stays wrong, from what is wrong with the store.
func ofPayload(err error) bool {
	kind := stele.KindOf(err)
	return kind == fault.Invalid || kind == fault.TooLarge
}

type takeOptions struct {
	id          string // R16
	partial     bool
	contentType string // as the client gave it
	arrival     time.Time
	hold        *hold                // that the batch is charged to; nil: whoever brings it bounds it
	again       func(err error) bool // whether to append the batch again after it failed; nil: no
}

// taken is what became of a payload.
type taken struct {
	ingest.Payload
	keys stele.Keys // of the events, in their order
	id   string     // of the batch (R16)
	cut  bool       // there was no memory to keep what is refused: only its start is
}

// charged is a batch whose memory is taken from the budget as it grows.
type charged struct {
	*stele.Batch
	hold    *hold
	counted int
}

// chargeStep is by how much a batch may outgrow what was taken for it.
const chargeStep = 64 << 10

func (c *charged) AddCLEF(line []byte) error {
	if err := c.Batch.AddCLEF(line); err != nil || c.hold == nil {
		return err
	}
	over := c.Size() - c.counted
	if over < chargeStep {
		return nil
	}
	c.counted += over
	return c.hold.take(int64(over))
}

// takeIn makes a batch of a payload's events and appends it. When it returns without an
// error, every event that was not refused is durable.
func (a *api) takeIn(ctx context.Context, f *format, body []byte, o takeOptions) (taken, error) {
	batch := a.batches.Get().(*stele.Batch)
	defer a.recycle(batch)
	p, err := f.add(&charged{Batch: batch, hold: o.hold}, body, a.payloadOptions(&o))
	if o.id == "" && f.batchID != nil {
		o.id = f.batchID(body)
	}
	return a.finish(ctx, f, batch, len(body), p, err, o)
}

func (a *api) payloadOptions(o *takeOptions) ingest.PayloadOptions {
	return ingest.PayloadOptions{
		EventBytes: a.o.EventBytes, Partial: o.partial, JSON: mediaType(o.contentType) == otlpJSONType, Arrival: o.arrival.UnixNano(),
	}
}

// finish appends a batch that a payload of so many bytes was made into, if it is to be: p and err are what became of the payload.
func (a *api) finish(ctx context.Context, f *format, batch *stele.Batch, bytes int, p ingest.Payload, err error, o takeOptions) (taken, error) {
	meters := a.meters.protocols[f.protocol.name]
	meters.payloads.Inc()
	meters.bytes.Add(bytes)
	meters.refusedEvents.Add(p.Count)
	if err == nil && p.Count > 0 && !o.partial {
		first := p.Refused[0]
		err = fault.WrapAs(fault.Invalid, first.Err, "", "%s %d is refused, and with it the whole batch", f.unit, first.Line)
	}
	if err != nil || p.Events == 0 {
		return taken{Payload: p, id: o.id}, err
	}
	batch.SetID(o.id)
	keys, err := a.store.Append(ctx, batch)
	for err != nil && o.again != nil && o.again(err) {
		keys, err = a.store.Append(ctx, batch)
	}
	if err != nil {
		// Nothing is wrong with the payload: it is not to be listed as refused.
		return taken{}, whileWriting(err)
	}
	meters.events.Add(p.Events)
	return taken{Payload: p, keys: keys, id: o.id}, nil
}

// keepBatch is the size up to which a batch's memory is kept for the next request.
const keepBatch = 8 << 20

// recycle takes back a batch that nobody uses any more. A batch whose append was given up has
// lost its builder to the store and got another.
func (a *api) recycle(b *stele.Batch) {
	if b.Size() <= keepBatch {
		b.Reset()
		a.batches.Put(b)
	}
}

// appendRefused adds what a partial acceptance left out (R21).
func appendRefused(dst []byte, p *ingest.Payload) []byte {
	dst = append(dst, `,"Refused":[`...)
	for i, refused := range p.Refused {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendMembers(append(dst, '{'), []member{{"Line", refused.Line}, {"Error", cleanText(refused.Err.Error())}})
		dst = append(dst, '}')
	}
	dst = append(dst, ']')
	if p.Count > len(p.Refused) {
		dst = appendMembers(append(dst, ','), []member{{"RefusedCount", p.Count}})
	}
	return append(dst, '}')
}
