package stele

import (
	"io"
	"strconv"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/plan"
)

// WriteLines writes the rows as lines of JSON (application/x-ndjson), in the order of the query, and closes them. The first line names the columns, each row is an array, and the
// last line tells that nothing is missing:
//
//	{"Columns":["time","Service","n"],"Time":true,"Keys":1}
//	["2026-03-14T15:00:00.0000000Z","web",12]
//	{"Statistics":{"ElapsedMilliseconds":1.5,…}}
//
// Time and Keys are the Layout; the time slice is an ISO 8601 time. Otherwise it is as WriteJSON.
func (r *Rows) WriteLines(w io.Writer) error {
	out := &rowWriter{w: w}
	more := r.Next()
	if !more && r.failed() {
		return r.Close()
	}
	layout := r.Layout()
	out.text(`{"Columns":[`)
	for i, name := range r.Columns() {
		if i > 0 {
			out.text(",")
		}
		out.buf = event.AppendText(out.buf, name)
	}
	out.text(`],"Time":`)
	out.buf = strconv.AppendBool(out.buf, layout.Time)
	out.text(`,"Keys":`)
	out.buf = strconv.AppendInt(out.buf, int64(layout.Keys), 10)
	out.text("}\n")
	for ; more && out.err == nil; more = r.Next() {
		out.buf = append(r.AppendRow(out.buf), '\n')
		out.flush(writeBytes)
	}
	r.finish()
	out.text("{")
	if err := r.Err(); err != nil {
		name := `"Warning":`
		if r.failed() {
			name = `"Error":`
		}
		out.text(name)
		out.buf = append(event.AppendText(out.buf, err.Error()), ',')
	}
	out.buf = appendHints(out.buf, "", r.Hints(), ",")
	out.text(`"Statistics":`)
	out.buf = r.Statistics().AppendJSON(out.buf)
	out.text("}\n")
	out.flush(0)
	if err := r.Close(); err != nil {
		return err
	}
	return out.err
}

// AppendRow appends the row at hand as a line of WriteLines: a JSON array with a value for each column, undefined as null and the time slice as an ISO 8601 time.
func (r *Rows) AppendRow(dst []byte) []byte {
	row := r.row
	if r.Layout().Time {
		row = append([]Value{event.StringValue(string(plan.AppendTime(nil, row[0])))}, row[1:]...)
	}
	out := rowWriter{buf: dst}
	out.values(row)
	return out.buf
}
