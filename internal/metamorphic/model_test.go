package metamorphic

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/stelehq/stele"
)

// A model is the naive store: events in the order in which they came, a flag for each that is not deleted, and a map
// of documents.
type model struct {
	events    []entry
	live      []bool
	foreign   []bool // it never was in the store at hand: where its key stands among others of its time nobody knows
	order     []int  // all events by key
	alive     int
	documents map[string]string
	batches   []named
	backups   []saved
	byID      map[int]remembered
	clock     time.Duration
	pins      map[int][]bool
	readers   map[int]*modelReader
	tails     map[int]int // how many events each has passed
}

// A named batch has an id.
type named struct{ id, first, rows int }

// saved is what a backup has.
type saved struct {
	live      []bool
	documents map[string]string
	byID      map[int]remembered
}

// remembered says when and as which events a batch with an id was stored last.
type remembered struct {
	first, rows int
	at          time.Duration
}

// A modelReader has these events left.
type modelReader struct{ events []int }

// An outcome is what an operation must come to, and what the store must hold then. Events are given by their places in the list.
type outcome struct {
	from, to *bound // the operation's, of events that are known

	skip   bool // there is nothing that it could be about
	events []int
	kind   stele.Kind // of the error
	count  int64
	texts  []string
	lines  []string // append: the batch; together: all of them
	sizes  []int    // together: how many events each batch has
	id     string
	fresh  bool // append, retry: it is stored, and not known already
	after  int  // follow: events from this one on

	alive  int
	before *content // with trouble: what there was
	all    *content // check: what there is
}

type content struct {
	events    []int
	documents map[string]string
}

const retryWindow = 10 * time.Minute

func newModel() *model {
	m := &model{documents: map[string]string{}, byID: map[int]remembered{}}
	m.forget()
	return m
}

// forget lets go of what does not outlive a process.
func (m *model) forget() {
	m.pins, m.readers, m.tails = map[int][]bool{}, map[int]*modelReader{}, map[int]int{}
}

// play returns what each operation of a list must come to.
func play(l list) (*model, []outcome) {
	m := newModel()
	outcomes := make([]outcome, len(l))
	for i := range l {
		var before *content
		if l[i].Trouble != nil {
			before = m.content()
		}
		o := l[i]
		o.From, o.To = m.known(o.From), m.known(o.To)
		outcomes[i] = m.do(&o)
		outcomes[i].from, outcomes[i].to = o.From, o.To
		outcomes[i].alive, outcomes[i].before = m.alive, before
		if t := l[i].Trouble; t != nil && t.Crash != "" {
			m.forget()
		}
	}
	return m, outcomes
}

// known returns a bound whose event, if it is one's key, is of the store at hand; nil if there is none.
func (m *model) known(b *bound) *bound {
	if b == nil || !b.Key {
		return b
	}
	for i := range m.events {
		if n := (b.Event + i) % len(m.events); !m.foreign[n] {
			return &bound{Key: true, Event: n, Open: b.Open}
		}
	}
	return nil
}

func (m *model) do(o *op) (out outcome) {
	switch o.Do {
	case "append":
		out.fresh, out.lines = true, m.newLines(o.Rows)
		out.events = m.store(o.Rows)
		if (o.Named || o.Trouble != nil) && len(o.Rows) > 0 {
			id := out.events[0]
			out.id = batchID(id)
			m.byID[id] = remembered{id, len(o.Rows), m.clock}
			m.batches = append(m.batches, named{id, id, len(o.Rows)})
		}
	case "together":
		first := len(m.events)
		for _, rows := range o.Beside {
			out.lines = append(out.lines, m.newLines(rows)...)
			out.events = append(out.events, m.store(rows)...)
			out.sizes = append(out.sizes, len(rows))
		}
		for i := first; i < len(m.events); i++ {
			m.events[i].group = first
		}
	case "retry":
		return m.retry(o)
	case "read":
		live := m.live
		if o.Slot > 0 {
			if live = m.pins[o.Slot]; live == nil {
				out.skip = true
			}
		}
		out.events = m.read(o, live)
	case "get":
		if out.skip = len(m.events) == 0; !out.skip {
			n := o.Event % len(m.events)
			out.events = []int{n}
			if !m.live[n] {
				out.kind = stele.NotFound
			}
		}
	case "histogram":
		out.texts = m.histogram(o)
	case "follow":
		if o.Event > 0 && len(m.events) > 0 {
			// After one of those that came at the same time nobody knows which come.
			out.after = m.events[(o.Event-1)%len(m.events)].group
			if out.after == (o.Event-1)%len(m.events) && !m.grouped(out.after) {
				out.after++
			}
		}
		out.events = m.since(out.after, o.Filter)
	case "delete", "retain":
		for _, n := range m.doomed(o) {
			if m.live[n] {
				m.live[n] = false
				out.count++
			}
		}
		m.alive -= int(out.count)
	case "set":
		m.documents[o.Key] = value(o)
	case "unset":
		if _, ok := m.documents[o.Key]; !ok {
			out.kind = stele.NotFound
		}
		delete(m.documents, o.Key)
	case "value":
		text, ok := m.documents[o.Key]
		if out.texts = []string{text}; !ok {
			out.kind = stele.NotFound
		}
	case "documents":
		for _, k := range slices.Sorted(maps.Keys(m.documents)) {
			if strings.HasPrefix(k, o.Key) {
				out.texts = append(out.texts, k)
			}
		}
	case "flush", "settle":
	case "tick":
		m.clock += time.Duration(o.Minutes) * time.Minute
	case "pin":
		m.pins[o.Slot] = slices.Clone(m.live)
	case "unpin":
		out.skip = m.pins[o.Slot] == nil
		delete(m.pins, o.Slot)
	case "reader":
		m.readers[o.Slot] = &modelReader{m.read(o, m.live)}
	case "advance":
		r := m.readers[o.Slot]
		if out.skip = r == nil; !out.skip {
			n := min(o.Limit, len(r.events))
			out.events, r.events = r.events[:n], r.events[n:]
		}
	case "tail": // goes on where it was, or from the first
		out.after = m.tails[o.Slot]
		out.events = m.since(out.after, "")
		m.tails[o.Slot] = len(m.events)
	case "reopen", "crash":
		m.forget()
	case "backup":
		m.backups = append(m.backups, saved{slices.Clone(m.live), maps.Clone(m.documents), maps.Clone(m.byID)})
	case "restore":
		if out.skip = len(m.backups) == 0; !out.skip {
			m.restore(&m.backups[o.Backup%len(m.backups)])
			m.forget()
			out.events = m.content().events
		}
	case "arrived", "repair", "check":
		out.all = m.content()
	default:
		panic("no such operation: " + o.Do)
	}
	return out
}

func value(o *op) string {
	return fmt.Sprintf(`{"n":%d,"p":"%s"}`, o.Bytes, strings.Repeat("y", o.Bytes))
}

func (m *model) newLines(rows []row) (lines []string) {
	for i, r := range rows {
		lines = append(lines, newEntry(len(m.events)+i, r).text)
	}
	return lines
}

// store adds events.
func (m *model) store(rows []row) (places []int) {
	for _, r := range rows {
		places = append(places, m.add(newEntry(len(m.events), r)))
	}
	return places
}

func (m *model) add(e entry) int {
	n := len(m.events)
	e.arrived = m.clock
	m.events, m.live, m.foreign = append(m.events, e), append(m.live, true), append(m.foreign, false)
	m.alive++
	at, _ := slices.BinarySearchFunc(m.order, n, m.compare)
	m.order = slices.Insert(m.order, at, n)
	return n
}

func (m *model) compare(a, b int) int {
	return cmp.Or(m.events[a].at.Compare(m.events[b].at), cmp.Compare(a, b))
}

// grouped says whether more than one event was appended together with n, the first of them.
func (m *model) grouped(n int) bool { return n+1 < len(m.events) && m.events[n+1].group == n }

func batchID(id int) string { return fmt.Sprintf("batch-%d", id) }

// retry sends a batch with an id again (R16).
func (m *model) retry(o *op) (out outcome) {
	if len(m.batches) == 0 {
		return outcome{skip: true}
	}
	b := m.batches[o.Batch%len(m.batches)]
	out.id = batchID(b.id)
	for i := range b.rows {
		out.lines = append(out.lines, m.events[b.first+i].text)
	}
	again := slices.Clone(m.events[b.first : b.first+b.rows])
	if o.Extra {
		again = append(again, newEntry(len(m.events), row{}))
		out.lines = append(out.lines, again[b.rows].text)
	}
	if known, ok := m.byID[b.id]; ok && m.clock-known.at <= retryWindow {
		if len(again) != known.rows {
			out.kind = stele.Invalid
			return out
		}
		for i := range known.rows {
			out.events = append(out.events, known.first+i)
		}
		return out
	}
	out.fresh = true
	m.byID[b.id] = remembered{len(m.events), len(again), m.clock}
	for _, e := range again {
		e.group = len(m.events)
		out.events = append(out.events, m.add(e))
	}
	return out
}

// restore goes on with what a backup has, in another store.
func (m *model) restore(b *saved) {
	live := make([]bool, len(m.live))
	copy(live, b.live)
	m.live, m.documents, m.byID, m.alive = live, maps.Clone(b.documents), maps.Clone(b.byID), 0
	for n, is := range live {
		m.foreign[n] = !is
		if is {
			m.alive++
		}
	}
}

// inRange says whether an operation's range has event n.
func (m *model) inRange(o *op, n int) bool {
	from, to := m.against(n, o.From), m.against(n, o.To)
	return (from > 0 || from == 0 && !o.From.open()) && (to < 0 || to == 0 && !o.To.open())
}

func (b *bound) open() bool { return b != nil && b.Open }

// against compares event n with a bound; without one it is at it.
func (m *model) against(n int, b *bound) int {
	switch {
	case b == nil:
		return 0
	case b.Key:
		return m.compare(n, b.Event)
	}
	return m.events[n].at.Compare(instant(b.At))
}

func (m *model) read(o *op, live []bool) (events []int) {
	f := filterOf(o.Filter)
	take := func(n int) bool {
		if n < len(live) && live[n] && m.inRange(o, n) && (f == nil || f.holds(&m.events[n])) {
			events = append(events, n)
		}
		return o.Limit == 0 || len(events) < o.Limit
	}
	if o.Descending {
		for _, n := range slices.Backward(m.order) {
			if !take(n) {
				break
			}
		}
		return events
	}
	for _, n := range m.order {
		if !take(n) {
			break
		}
	}
	return events
}

// doomed are the events that a deletion is about, deleted ones perhaps among them.
func (m *model) doomed(o *op) []int {
	if o.Events == nil {
		all := *o
		all.Limit, all.Descending = 0, false
		if o.Do == "retain" {
			all.From, all.To = nil, &bound{At: o.age(), Open: true}
		}
		return m.read(&all, m.live)
	}
	var events []int
	for _, n := range o.Events {
		if len(m.events) > 0 {
			events = append(events, n%len(m.events))
		}
	}
	return events
}

func (m *model) since(after int, filter string) (events []int) {
	f := filterOf(filter)
	for n := after; n < len(m.events); n++ {
		if m.live[n] && (f == nil || f.holds(&m.events[n])) {
			events = append(events, n)
		}
	}
	return events
}

func (m *model) content() *content {
	c := &content{documents: maps.Clone(m.documents)}
	for _, n := range m.order {
		if m.live[n] {
			c.events = append(c.events, n)
		}
	}
	return c
}

// histogram counts by the definition: the range is cut into parts that are equally long but for rounding down.
func (m *model) histogram(o *op) (texts []string) {
	all := *o
	all.Limit, all.Descending = 0, false
	events := m.read(&all, m.live)
	if len(events) == 0 && (o.From == nil || o.To == nil) {
		return nil
	}
	var from, to int64 // both within
	if o.From != nil {
		if from = instant(o.From.At).UnixNano(); o.From.Open {
			from++
		}
	} else {
		from = m.events[events[0]].at.UnixNano()
	}
	if o.To != nil {
		if to = instant(o.To.At).UnixNano(); o.To.Open {
			to--
		}
	} else {
		to = m.events[events[len(events)-1]].at.UnixNano()
	}
	if from > to {
		return nil
	}
	buckets := max(o.Limit, 1)
	width := new(big.Int).Sub(big.NewInt(to+1), big.NewInt(from))
	edge := func(i int) int64 {
		x := new(big.Int).Mul(width, big.NewInt(int64(i)))
		return from + x.Div(x, big.NewInt(int64(buckets))).Int64()
	}
	for i := range buckets {
		counts := map[string]int64{}
		for _, n := range events {
			if at := m.events[n].at.UnixNano(); at >= edge(i) && at < edge(i+1) {
				counts[m.events[n].level()]++
			}
		}
		texts = append(texts, bucketText(time.Unix(0, edge(i)), time.Unix(0, edge(i+1)), counts))
	}
	return texts
}

func bucketText(start, end time.Time, counts map[string]int64) string {
	return fmt.Sprintf("%s %s %v", start.UTC().Format(time.RFC3339Nano), end.UTC().Format(time.RFC3339Nano), counts)
}
