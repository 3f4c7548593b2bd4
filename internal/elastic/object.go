package elastic

import (
	"bytes"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
)

// objects turns documents into CLEF as lines of JSON files are: time, level and message are found, nothing is removed
// (R9).
type objects struct{}

// appendCLEF appends the event of one document. Its time is @timestamp, else what looks like one, else its arrival.
func (d *objects) appendCLEF(dst, document []byte, o *ingest.PayloadOptions) ([]byte, error) {
	for _, field := range []string{"@timestamp", ""} {
		if field != "" && !bytes.Contains(document, []byte(`"@timestamp"`)) {
			continue
		}
		var refused error
		r := ingest.NewFileReader(bytes.NewReader(document), ingest.FileOptions{
			Format: ingest.JSONFormat, TimeField: field, EventBytes: o.EventBytes, Now: time.Unix(0, o.Arrival),
			Refused: func(f ingest.FileRefusal) { refused = f.Err },
		})
		if !r.Next() {
			if refused == nil {
				refused = r.Err()
			}
			if refused == nil {
				refused = fault.New(fault.Invalid, "", "the document is empty")
			}
			return dst, refused
		}
		if field == "" || r.Report().Undated == 0 {
			return append(dst, r.Event().CLEF...), nil
		}
	}
	return dst, nil
}
