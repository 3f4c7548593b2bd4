package server

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
	"github.com/stelehq/stele/internal/loki"
)

var lokiProtocol = &protocol{"loki", failText}

var lokiFormat = &format{lokiProtocol, "loki", "entry", func(b ingest.Adder, body []byte, o ingest.PayloadOptions) (ingest.Payload, error) {
	return loki.Push(b, body, o, lokiLimit(maxListedPush))
}, nil, nil}

// maxListedPush is how long a listed payload may become when it is decompressed. What is listed came within the limit of its
// day.
const maxListedPush = 64 << 20

// lokiPush takes in the entries of streams, each an event.
//
//	POST /loki/api/v1/push, /api/prom/push
//	204 what is good is durable, and what was refused, if anything, is listed (X-Stele-Refused); 400 the body cannot be
//	read, or none of it is good, or what was refused cannot be listed: the text names the first; 413; 415; 503 try again
//
// JSON by its content type or its beginning, else protobuf compressed by snappy. The same body again within ten minutes
// is acknowledged and stored once, as Loki stores an entry once: its clients send a body again when an answer is lost.
func (a *api) lokiPush(w http.ResponseWriter, r *http.Request) error {
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "snappy") {
		r.Header.Del("Content-Encoding") // it says what protobuf is anyway
	}
	hold := a.memory.hold()
	defer hold.release()
	f := *lokiFormat
	f.add = func(b ingest.Adder, body []byte, o ingest.PayloadOptions) (ingest.Payload, error) {
		return loki.Push(b, body, o, func(bytes int) error {
			if err := lokiLimit(a.o.BatchBytes)(bytes); err != nil {
				return err
			}
			return hold.take(int64(bytes))
		})
	}
	f.batchID = func(body []byte) string { return bodyID("loki", r.Header.Get("X-Scope-OrgID"), body) }
	p, err := a.ingest(w, r, &f, true)
	if err != nil {
		return err
	}
	// A client that is told 400 gives up the whole body, or (winston-loki) sends it again for ever, the good entries with
	// the bad. So it is told so only where nothing is lost or doubled by that.
	if p.Count > 0 && (p.Events == 0 || w.Header().Get("X-Stele-Refused") == "") {
		first := p.Refused[0]
		return fault.WrapAs(fault.Invalid, first.Err, "", "%d of %d entries are refused; the first is entry %d", p.Count, p.Events+p.Count, first.Line)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// bodyID names a body by what it holds and where it goes, for clients that send the same again and know that it counts
// once (R16).
func bodyID(protocol, place string, body []byte) string {
	sum := sha256.New()
	sum.Write([]byte(place + "\x00"))
	sum.Write(body)
	return protocol + "-" + hex.EncodeToString(sum.Sum(nil))
}

func lokiLimit(most int) func(int) error {
	return func(bytes int) error {
		if bytes > most {
			return fault.New(fault.TooLarge, "", "the body, decompressed, would have %d bytes, over the limit of %d", bytes, most).
				WithHint("send less at once, or raise the limit in the server's settings")
		}
		return nil
	}
}

// lokiReady tells clients that they may begin.
//
//	GET /ready
//	200 ready; 503 starting or stopping
func (a *api) lokiReady(w http.ResponseWriter, r *http.Request) error {
	writeWhole(w, http.StatusOK, "text/plain; charset=utf-8", []byte("ready\n"))
	return nil
}

// failText is the error alone, as text.
func failText(w http.ResponseWriter, _ *http.Request, status int, err error) {
	writeWhole(w, status, "text/plain; charset=utf-8", []byte(cleanText(err.Error())+"\n"))
}
