package stele

import (
	"io"
	"strconv"
	"strings"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/plan"
)

// Results as JSON and as CSV.

// writeBytes is after how many bytes what was encoded is written.
const writeBytes = 32 << 10

// A rowWriter encodes rows and writes them piece by piece.
type rowWriter struct {
	w   io.Writer
	buf []byte
	err error
}

func (w *rowWriter) text(s string) { w.buf = append(w.buf, s...) }

// flush writes what there is, if it is enough.
func (w *rowWriter) flush(least int) {
	if w.err == nil && len(w.buf) >= least && len(w.buf) > 0 {
		_, w.err = w.w.Write(w.buf)
		w.buf = w.buf[:0]
	}
}

// WriteJSON writes the rows as one JSON object, in the form that Seq's clients know, and closes them:
//
//	{"Columns":["Service","n"], "Rows":[[…],…], "Statistics":{"ElapsedMilliseconds":1.5,…}}
//
// In place of Rows stand `"Slices":[{"Time":"2026-03-14T15:00:00.0000000Z","Rows":[[…]]},…]` if the query groups by time alone, and
// `"Series":[{"Key":[…],"Slices":[…]},…]` if it groups by time and keys; their rows have the selected columns alone, and Columns leaves out the
// time. Numbers are exact; undefined is null. Statistics.LimitReached says that the limit left rows out.
//
// The error is Err, or the writer's. If the query failed before its first row, nothing is written; if it failed later, the object ends with "Error". What
// was lost to damage is told in "Warning". Before "Statistics" stand what Hints there are: `"Hints":[{"Text":"no event has a property Usr; did you mean User?","Property":"Usr","Suggestion":"User"}]`.
func (r *Rows) WriteJSON(w io.Writer) error {
	out := &rowWriter{w: w}
	more := r.Next()
	if !more && r.failed() {
		return r.Close()
	}
	out.text(`{"Columns":[`)
	columns := r.Columns()
	if r.Layout().Time {
		columns = columns[1:] // Seq's clients put it back
	}
	for i, name := range columns {
		if i > 0 {
			out.text(",")
		}
		out.buf = event.AppendText(out.buf, name)
	}
	out.text("]")
	switch layout := r.Layout(); {
	case layout.Time && layout.Keys > 0:
		r.writeSeries(out, more, layout)
	case layout.Time:
		out.text(`,"Slices":`)
		slices := sliceWriter{out: out}
		for ; more && out.err == nil; more = r.Next() {
			slices.row(r.row[0], r.row[1:])
		}
		slices.end()
	default:
		out.text(`,"Rows":[`)
		for first := true; more && out.err == nil; more = r.Next() {
			if !first {
				out.text(",")
			}
			first = false
			out.values(r.row)
			out.flush(writeBytes)
		}
		out.text("]")
	}
	r.finish()
	if err := r.Err(); err != nil {
		name := `,"Warning":`
		if r.failed() {
			name = `,"Error":`
		}
		out.text(name)
		out.buf = event.AppendText(out.buf, err.Error())
	}
	out.buf = appendHints(out.buf, ",", r.Hints(), "")
	out.text(`,"Statistics":`)
	out.buf = r.Statistics().AppendJSON(out.buf)
	out.text("}")
	out.flush(0)
	if err := r.Close(); err != nil {
		return err
	}
	return out.err
}

// failed reports whether the query ended early: Err is not what was passed over.
func (r *Rows) failed() bool {
	if r.blocks != nil {
		return r.blocks.failed
	}
	return r.err != nil || r.scan.Failed()
}

func (w *rowWriter) values(row []Value) {
	w.text("[")
	for i, v := range row {
		if i > 0 {
			w.text(",")
		}
		if v.Kind == event.Undefined {
			v.Kind = event.Null
		}
		w.buf = v.AppendJSON(w.buf)
	}
	w.text("]")
}

// A sliceWriter writes rows under their slices: those that stand side by side share one.
type sliceWriter struct {
	out   *rowWriter
	begun bool
	time  string
}

func (s *sliceWriter) row(time Value, row []Value) {
	switch {
	case s.begun && time.Text == s.time:
		s.out.text(",")
	case s.begun:
		s.out.text(`]},{"Time":"`)
	default:
		s.out.text(`[{"Time":"`)
	}
	if !s.begun || time.Text != s.time {
		s.out.buf = plan.AppendTime(s.out.buf, time)
		s.out.text(`","Rows":[`)
	}
	s.begun, s.time = true, time.Text
	s.out.values(row)
	s.out.flush(writeBytes)
}

func (s *sliceWriter) end() {
	if !s.begun {
		s.out.text("[")
	} else {
		s.out.text("]}")
	}
	s.out.text("]")
}

// writeSeries gathers the rows of each key. The series stand in the order of their first rows.
func (r *Rows) writeSeries(out *rowWriter, more bool, layout Layout) {
	var keys []string
	series := map[string][][]Value{}
	for ; more; more = r.Next() {
		var key []byte
		for _, v := range r.row[1 : 1+layout.Keys] {
			key = append(v.AppendJSON(key), ',')
		}
		if series[string(key)] == nil {
			keys = append(keys, string(key))
		}
		series[string(key)] = append(series[string(key)], r.row)
	}
	out.text(`,"Series":[`)
	for i, key := range keys {
		if i > 0 {
			out.text(",")
		}
		out.text(`{"Key":`)
		out.values(series[key][0][1 : 1+layout.Keys])
		out.text(`,"Slices":`)
		slices := sliceWriter{out: out}
		for _, row := range series[key] {
			slices.row(row[0], row[1+layout.Keys:])
		}
		slices.end()
		out.text("}")
	}
	out.text("]")
}

// AppendJSON appends the statistics as a JSON object, with the names that Seq's clients know.
func (s QueryStatistics) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"ElapsedMilliseconds":`...)
	dst = strconv.AppendFloat(dst, float64(s.Elapsed.Microseconds())/1000, 'f', -1, 64)
	dst = append(dst, `,"ScannedEventCount":`...)
	dst = strconv.AppendUint(dst, s.Scanned, 10)
	dst = append(dst, `,"MatchingEventCount":`...)
	dst = strconv.AppendUint(dst, s.Matched, 10)
	dst = append(dst, `,"LimitReached":`...)
	dst = strconv.AppendBool(dst, s.Limited)
	return append(dst, '}')
}

// WriteCSV writes the rows as CSV (RFC 4180, UTF-8), the names of the columns first, and closes them. The time slice is an ISO 8601 time; undefined and null are empty, and an
// empty text is ""; arrays and objects are JSON. The error is Err, or the writer's; if the query failed before its first row, nothing is written.
func (r *Rows) WriteCSV(w io.Writer) error {
	out := &rowWriter{w: w}
	more := r.Next()
	if !more && r.failed() {
		return r.Close()
	}
	for i, name := range r.Columns() {
		if i > 0 {
			out.text(",")
		}
		out.field(name)
	}
	out.text("\r\n")
	for time := r.Layout().Time; more && out.err == nil; more = r.Next() {
		for i, v := range r.row {
			if i > 0 {
				out.text(",")
			}
			switch {
			case i == 0 && time:
				out.buf = plan.AppendTime(out.buf, v)
			case v.Kind == event.Undefined, v.Kind == event.Null:
			case v.Kind == event.String:
				out.field(v.Text)
			default:
				out.field(v.String())
			}
		}
		out.text("\r\n")
		out.flush(writeBytes)
	}
	out.flush(0)
	if err := r.Close(); err != nil {
		return err
	}
	return out.err
}

// field writes a text, in quotes if it needs them. Lone surrogates, which UTF-8 does not have, become U+FFFD.
func (w *rowWriter) field(s string) {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if s != "" && !strings.ContainsAny(s, ",\"\r\n") {
		w.text(s)
		return
	}
	w.text(`"`)
	w.text(strings.ReplaceAll(s, `"`, `""`))
	w.text(`"`)
}
