package server

import (
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
)

// histogram counts events by time and level.
//
//	GET /api/events/histogram?filter=&signal=&fromDateUtc=&toDateUtc=&buckets=
//	200 [{"start","end","counts":{"Information":n,…}},…]; 400 a parameter is wrong; 404 there is no such signal
//
// buckets is 1 to 10,000, 60 if absent; they split the range evenly. An open end is the first or
// last matching event's time; no event then means no bucket. Levels are counted as written.
func (a *api) histogram(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r.URL)
	if err != nil {
		return err
	}
	s, err := a.searchParams(r.Context(), q)
	if err != nil {
		return err
	}
	rg, err := rangeParams(q)
	if err != nil {
		return err
	}
	n, err := intParam(q, "buckets", 60, 1, 10_000)
	if err != nil {
		return err
	}
	snapshot, err := a.store.Snapshot()
	if err != nil {
		return err
	}
	defer snapshot.Close()
	buckets, err := snapshot.Histogram(r.Context(), stele.HistogramOptions{Range: rg, Filter: s.filter, Buckets: n})
	s.tell(w)
	list := newArray(w)
	for _, b := range buckets {
		list.next()
		list.buf = append(list.buf, `{"start":"`...)
		list.buf = event.AppendTime(list.buf, b.Start.UnixNano())
		list.buf = append(list.buf, `","end":"`...)
		list.buf = event.AppendTime(list.buf, b.End.UnixNano())
		list.buf = append(list.buf, `","counts":{`...)
		for j, level := range slices.Sorted(maps.Keys(b.Counts)) {
			if j > 0 {
				list.buf = append(list.buf, ',')
			}
			list.buf = append(event.AppendText(list.buf, level), ':')
			list.buf = strconv.AppendInt(list.buf, b.Counts[level], 10)
		}
		list.buf = append(list.buf, "}}"...)
	}
	return list.end(err)
}
