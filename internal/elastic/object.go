package elastic

import (
	"bytes"

	"github.com/stelehq/stele/internal/ingest"
)

// objects turns documents into CLEF as lines of JSON files are, but for levels, which clients send by name: nothing is
// removed (R9).
type objects struct {
	stamped, other *ingest.Objects
}

// appendCLEF appends the event of one document. Its time is @timestamp, else what looks like one, else its arrival.
func (d *objects) appendCLEF(dst, document []byte, arrival int64) ([]byte, error) {
	if d.other == nil {
		d.stamped = ingest.NewObjects(ingest.ObjectOptions{TimeField: "@timestamp", KeepLevels: true})
		d.other = ingest.NewObjects(ingest.ObjectOptions{KeepLevels: true})
	}
	c := ingest.ObjectContext{Instant: arrival}
	if bytes.Contains(document, []byte(`"@timestamp"`)) {
		clef, found, err := d.stamped.Append(dst, document, c)
		if err != nil || found.Dated {
			return clef, err
		}
	}
	clef, _, err := d.other.Append(dst, document, c)
	return clef, err
}
