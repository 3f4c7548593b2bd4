package server

import (
	"net/http"
	"net/url"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

const maxCLEFCount = 1 << 30

// listCLEF is listEvents for who wants events as they were ingested (R6): one CLEF object a
// line, newest first. It is streamed, so count may be anything; 0 is all.
//
//	GET /api/events?clef&filter=&count=&afterId=&startAtId=&fromDateUtc=&toDateUtc=
//	200 application/vnd.serilog.clef; 400 a parameter is wrong
func (a *api) listCLEF(w http.ResponseWriter, r *http.Request, q url.Values, o listOptions) error {
	count, err := intParam(q, "count", defaultCount, 0, maxCLEFCount)
	if err != nil {
		return err
	}
	reader := a.store.Read(r.Context(), o.read)
	defer reader.Close()
	o.tell(w)
	var buf []byte
	started := false
	flush := func() error {
		if !started {
			w.Header().Set("Content-Type", "application/vnd.serilog.clef")
			started = true
		}
		_, err := w.Write(buf)
		buf = buf[:0]
		return err
	}
	for n := 0; (count == 0 || n < count) && reader.Next(); n++ {
		buf = append(reader.Event().AppendCLEF(buf), '\n')
		if len(buf) >= streamPiece && flush() != nil {
			return nil // the client has gone
		}
	}
	if err := reader.Err(); err != nil {
		if stele.KindOf(err) != fault.Corrupt {
			if started {
				panic(http.ErrAbortHandler)
			}
			return err
		}
		name := "X-Stele-Damage"
		if started {
			name = http.TrailerPrefix + name
		}
		w.Header().Set(name, asciiHeader(err.Error()))
	}
	_ = flush()
	return nil
}
