package metamorphic

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/vfs"
)

// A door is a way to a store. What it cannot be asked it answers with errNoWay.
type door interface {
	append(lines []string, id string) ([]stele.Key, error) // no keys for a batch that was known, where the door does not tell them
	together(batches [][]string) ([][]stele.Key, error)
	read(q *query) (hits, error)
	get(k stele.Key) (string, error)
	// follow reads by arrival, after a number and until at least another; 0: there is nothing to come.
	follow(after, until uint64, f *filter) (hits, error)
	histogram(q *query, buckets int) ([]string, error)
	set(key, value string) error
	unset(key string) error
	value(key string) (string, error)
	documents(prefix string) ([]string, error)
	delete(q *query, keys []stele.Key) (int64, error) // by keys, if there are some
	retain(p stele.RetentionPolicy) (int64, error)
	backup(dest string, fs vfs.FS) (*stele.Backup, error)
	store() *stele.Store // what has no door of its own yet
	close() error
}

type noWay struct{}

func (noWay) Error() string { return "this door has no such thing" }

var errNoWay error = noWay{}

// A query says what to read.
type query struct {
	from, to   limit
	descending bool
	filter     *filter
	most       int
	way        string
	snapshot   *stele.Snapshot // nil: what the store holds now
}

// A limit is a bound with the store's own key.
type limit struct {
	bounded, key, open bool
	at                 bound
	k                  stele.Key
}

func (l limit) lower() stele.Bound {
	switch t := instant(l.at.At); {
	case !l.bounded:
		return stele.Bound{}
	case l.key && l.open:
		return stele.Exclusive(l.k)
	case l.key:
		return stele.Inclusive(l.k)
	case l.open:
		return stele.AfterTime(t)
	default:
		return stele.FromTime(t)
	}
}

func (l limit) upper() stele.Bound {
	switch t := instant(l.at.At); {
	case !l.bounded || l.key:
		return l.lower()
	case l.open:
		return stele.BeforeTime(t)
	default:
		return stele.ThroughTime(t)
	}
}

func (q *query) rng() stele.Range { return stele.Range{From: q.from.lower(), To: q.to.upper()} }

func (q *query) options() stele.ReadOptions {
	o := stele.ReadOptions{Range: q.rng(), Limit: q.most}
	if q.descending {
		o.Ordering = stele.Descending
	}
	if q.filter != nil {
		o.Filter = q.filter.parsed
	}
	return o
}

// hits are events that were found; keys or lines may be missing where the way does not tell them.
type hits struct {
	keys  []stele.Key
	lines []string
}

// The ways to read.
var ways = []string{"events", "text", "write", "keys", "pages"}

const pageRows = 5

// goDoor is the package.
type goDoor struct{ s *stele.Store }

var ctx = context.Background()

func (d *goDoor) append(lines []string, id string) ([]stele.Key, error) {
	b := d.s.NewBatch()
	for _, l := range lines {
		if err := b.AddCLEF([]byte(l)); err != nil {
			return nil, err
		}
	}
	b.SetID(id)
	got, err := d.s.Append(ctx, b)
	if err != nil {
		return nil, err
	}
	keys := make([]stele.Key, got.Len())
	for i := range keys {
		keys[i] = got.At(i)
	}
	return keys, nil
}

func (d *goDoor) together(batches [][]string) ([][]stele.Key, error) {
	keys, errs := make([][]stele.Key, len(batches)), make([]error, len(batches))
	var all sync.WaitGroup
	for i := range batches {
		all.Go(func() { keys[i], errs[i] = d.append(batches[i], "") })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// source is the store or a snapshot of it.
type source interface {
	Read(context.Context, stele.ReadOptions) *stele.Reader
	ReadText(context.Context, stele.ReadOptions) *stele.TextReader
	Get(context.Context, stele.Key) (*stele.Event, error)
}

func (d *goDoor) read(q *query) (hits, error) {
	var s source = d.s
	if q.snapshot != nil {
		s = q.snapshot
	}
	o := q.options()
	switch q.way {
	case "text":
		var h hits
		r := s.ReadText(ctx, o)
		for r.Next() {
			h.keys, h.lines = append(h.keys, r.Key()), append(h.lines, string(r.CLEF()))
		}
		return h, r.Close()
	case "write":
		var b strings.Builder
		_, err := s.ReadText(ctx, o).WriteTo(&b)
		return hits{lines: splitLines(b.String())}, err
	case "pages":
		return readPages(q, func(page *query) (hits, error) { return readEvents(s, page.options(), true) })
	}
	return readEvents(s, o, q.way == "events")
}

func readEvents(s source, o stele.ReadOptions, lines bool) (h hits, err error) {
	r := s.Read(ctx, o)
	for r.Next() {
		h.keys = append(h.keys, r.Event().Key())
		if lines {
			h.lines = append(h.lines, string(r.Event().AppendCLEF(nil)))
		}
	}
	return h, r.Close()
}

// readPages reads some events at a time, each page from the end of the last.
func readPages(q *query, read func(*query) (hits, error)) (all hits, err error) {
	page := *q
	for {
		page.most = pageRows
		if q.most > 0 {
			page.most = min(pageRows, q.most-len(all.keys))
		}
		h, err := read(&page)
		if err != nil {
			return all, err
		}
		all.keys, all.lines = append(all.keys, h.keys...), append(all.lines, h.lines...)
		if len(h.keys) < page.most || q.most > 0 && len(all.keys) >= q.most {
			return all, nil
		}
		end := limit{bounded: true, key: true, open: true, k: h.keys[len(h.keys)-1]}
		if q.descending {
			page.to = end
		} else {
			page.from = end
		}
	}
}

func splitLines(text string) (lines []string) {
	for l := range strings.Lines(text) {
		lines = append(lines, strings.TrimSuffix(l, "\n"))
	}
	return lines
}

func (d *goDoor) get(k stele.Key) (string, error) {
	e, err := d.s.Get(ctx, k)
	if err != nil {
		return "", err
	}
	if e.Key() != k {
		return "", fmt.Errorf("asked for %s, got %s", k, e.Key())
	}
	return string(e.AppendCLEF(nil)), nil
}

func (d *goDoor) follow(after, _ uint64, f *filter) (hits, error) {
	var parsed *stele.Filter
	if f != nil {
		parsed = f.parsed
	}
	follower := d.s.Follow(ctx, after, parsed)
	h := drain(follower)
	return h, follower.Close()
}

// drain takes what a follower has at the moment.
func drain(f *stele.Follower) (h hits) {
	for {
		ok, caughtUp := f.TryNext()
		if ok {
			h.keys = append(h.keys, f.Event().Key())
			h.lines = append(h.lines, string(f.Event().AppendCLEF(nil)))
		} else if caughtUp {
			return h
		}
	}
}

func (d *goDoor) histogram(q *query, buckets int) (texts []string, err error) {
	o := stele.HistogramOptions{Range: q.rng(), Buckets: buckets}
	if q.filter != nil {
		o.Filter = q.filter.parsed
	}
	counted, err := d.s.Histogram(ctx, o)
	for _, b := range counted {
		texts = append(texts, bucketText(b.Start, b.End, b.Counts))
	}
	return texts, err
}

func (d *goDoor) set(key, value string) error { return d.s.Documents("").Set(ctx, key, []byte(value)) }

func (d *goDoor) unset(key string) error { return d.s.Documents("").Delete(ctx, key) }

func (d *goDoor) value(key string) (string, error) {
	v, err := d.s.Documents("").Get(ctx, key)
	return string(v), err
}

func (d *goDoor) documents(prefix string) (keys []string, err error) {
	infos, err := d.s.Documents("").List(ctx, prefix)
	for _, i := range infos {
		keys = append(keys, i.Key)
	}
	return keys, err
}

func (d *goDoor) delete(q *query, keys []stele.Key) (int64, error) {
	switch {
	case len(keys) > 0:
		return d.s.DeleteKeys(ctx, keys...)
	case q.filter != nil:
		return d.s.DeleteMatching(ctx, q.rng(), q.filter.parsed)
	}
	return d.s.Delete(ctx, q.rng())
}

func (d *goDoor) retain(p stele.RetentionPolicy) (int64, error) {
	did, err := d.s.Retain(ctx, p)
	if err != nil {
		return 0, err
	}
	return did[0].Events, nil
}

func (d *goDoor) backup(dest string, _ vfs.FS) (*stele.Backup, error) {
	return d.s.Backup(ctx, dest, nil)
}

func (d *goDoor) store() *stele.Store { return d.s }

func (d *goDoor) close() error { return d.s.Close() }
