package server

import (
	"net/http"

	"github.com/VictoriaMetrics/metrics"

	"github.com/stelehq/stele/internal/ingest"
)

// A protocol is what one family of clients speaks: its endpoints tell them no in its own form, and
// its events are counted by themselves.
type protocol struct {
	name string // label of its metrics
	fail failure
}

// A failure answers a request with an error. Retry-After is set already.
type failure func(w http.ResponseWriter, r *http.Request, status int, err error)

// protocols are all there are. A row here, rows in formats and routes, and a decoder make one.
var protocols = []*protocol{seqProtocol, otlpProtocol, grpcProtocol, elasticProtocol, lokiProtocol, syslogProtocol, gelfProtocol}

// seqProtocol is what Seq's clients and the page speak: CLEF and the raw events form.
var seqProtocol = &protocol{"seq", failPlain}

// A format is a form of payload.
type format struct {
	protocol *protocol
	name     string // in the list of refused payloads, for ever: what is listed is retried by it
	unit     string // what a refusal's number counts
	add      func(ingest.Adder, []byte, ingest.PayloadOptions) (ingest.Payload, error)
	// batchID names, after add, a body whose client gives it no key and knows that the same body again counts once (R16); "" if it
	// does not. Nil: never.
	batchID func(body []byte) string
	// whole returns, after add, a body that is refused as a whole as it can be taken in again, without the request around it. Nil: as it
	// came.
	whole func(body []byte) []byte
}

// inPieces tells whether payloads are taken piece by piece: they are lines.
func (f *format) inPieces(contentType string) bool {
	return f == clefFormat && mediaType(contentType) != otlpJSONType // which may be one event over several lines
}

var (
	clefFormat   = &format{seqProtocol, "clef", "line", ingest.CLEF, nil, nil}
	legacyFormat = &format{seqProtocol, "legacy", "event", ingest.Legacy, nil, nil}
)

var formats = []*format{
	clefFormat, legacyFormat,
	otlpLogs, otlpLogsJSON, otlpTraces, otlpTracesJSON,
	elasticFormat,
	lokiFormat,
	syslogEvents, syslogFormat, gelfEvents, gelfFormat,
}

// formatNamed returns nil if there is none of the name.
func formatNamed(name string) *format {
	for _, f := range formats {
		if f.name == name {
			return f
		}
	}
	return nil
}

// protocolMeters count what one protocol brings.
type protocolMeters struct {
	payloads        *metrics.Counter // read whole, whatever became of them
	bytes           *metrics.Counter // of these, decoded
	events          *metrics.Counter // stored
	refusedEvents   *metrics.Counter // refused one by one; where one refuses its batch, it alone is counted
	refusedPayloads *metrics.Counter // refused in whole or in part
}

func newProtocolMeters(set *metrics.Set) map[string]*protocolMeters {
	all := map[string]*protocolMeters{}
	for _, p := range protocols {
		counter := func(name string) *metrics.Counter {
			return set.GetOrCreateCounter(name + `{protocol="` + p.name + `"}`)
		}
		all[p.name] = &protocolMeters{
			payloads:        counter("stele_ingest_payloads_total"),
			bytes:           counter("stele_ingest_bytes_total"),
			events:          counter("stele_ingested_events_total"),
			refusedEvents:   counter("stele_refused_events_total"),
			refusedPayloads: counter("stele_refused_payloads_total"),
		}
	}
	return all
}
