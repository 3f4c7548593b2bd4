package stele_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
)

// A fate is what is known of a step.
type fate uint8

const (
	begun   fate = iota // it was asked for: it may have happened, whole
	acked               // it was acknowledged: it has happened
	refused             // an error was returned, or it is known not to have happened
)

type stepKind uint8

const (
	stepAppend stepKind = iota
	stepDelete
	stepSet
	stepUnset
)

// A step is one change that a test asked a store for. It does not change once it has begun, but for fate and keys.
type step struct {
	kind stepKind
	fate fate

	// Of an append.
	lines    []string
	instants []time.Time
	id       string
	group    int // steps of one group ran at the same time
	keys     []stele.Key

	// Of a deletion: from <= t < to; only the rows of this number in their batches; only what has these keys.
	from, to time.Time
	row      int // negative: all
	only     []stele.Key

	key, value string // of a document
}

// hides reports whether a deletion hides a row of an append.
func (s *step) hides(a *step, row int) bool {
	if t := a.instants[row]; t.Before(s.from) || !t.Before(s.to) {
		return false
	}
	return (s.row < 0 || s.row == row) && (s.only == nil || a.keys != nil && slices.Contains(s.only, a.keys[row]))
}

// A history is every step in order. Safe for concurrent use.
type history struct {
	mu    sync.Mutex
	steps []*step
}

// begin adds a step, and returns what ends it.
func (h *history) begin(s *step) (end func(keys []stele.Key, err error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.steps = append(h.steps, s)
	return func(keys []stele.Key, err error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		s.fate, s.keys = acked, keys
		if err != nil {
			s.fate = refused
		}
	}
}

// during runs f while no step can begin or end, with what is known at that moment.
func (h *history) during(f func(known *history)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h.copy())
}

func (h *history) copy() *history {
	c := &history{steps: make([]*step, len(h.steps))}
	for i, s := range h.steps {
		one := *s
		c.steps[i] = &one
	}
	return c
}

// line makes the text of a row; place finds it again.
func line(batch, row int, at time.Time, padding string) string {
	return fmt.Sprintf(`{"@t":%q,"B":%d,"R":%d,"@mt":"Row {R} of {B}","P":%q}`, at.UTC().Format("2006-01-02T15:04:05.0000000Z"), batch, row, padding)
}

func place(text string) (batch, row int, ok bool) {
	_, rest, ok := strings.Cut(text, `"B":`)
	b, rest, ok2 := strings.Cut(rest, `,"R":`)
	r, _, ok3 := strings.Cut(rest, `,`)
	batch, err := strconv.Atoi(b)
	row, err2 := strconv.Atoi(r)
	return batch, row, ok && ok2 && ok3 && err == nil && err2 == nil
}

// A content is what a store holds, as its reader says.
type content struct {
	keys      []stele.Key
	lines     []string
	documents map[string]string
}

func contentOf(s *stele.Store) (*content, error) {
	c := &content{documents: map[string]string{}}
	r := s.Read(context.Background(), stele.ReadOptions{})
	for r.Next() {
		c.keys = append(c.keys, r.Event().Key())
		c.lines = append(c.lines, string(r.Event().AppendCLEF(nil)))
	}
	err := r.Close()
	docs := s.Documents("")
	infos, derr := docs.List(context.Background(), "")
	err = errors.Join(err, derr)
	for _, info := range infos {
		value, derr := docs.Get(context.Background(), info.Key)
		if derr != nil {
			err = errors.Join(err, derr)
			continue
		}
		c.documents[info.Key] = string(value)
	}
	return c, err
}

// judge compares a content with the history: everything acknowledged is there, whole, once, in order and
// nowhere but where it belongs; what was begun is there as a whole or not at all; nothing else is. It returns
// what the found content tells: the history with every step acknowledged or refused.
func (h *history) judge(c *content) (*history, error) {
	known := h.copy()
	found, err := known.sortOut(c)
	if err != nil {
		return nil, err
	}
	if err := known.judgeDeletions(found); err != nil {
		return nil, err
	}
	if err := known.judgeAppends(found); err != nil {
		return nil, err
	}
	return known, known.judgeDocuments(c.documents)
}

// sortOut finds each event's place: the keys of each step's rows, those that are absent zero.
func (h *history) sortOut(c *content) ([][]stele.Key, error) {
	found := make([][]stele.Key, len(h.steps))
	for i, text := range c.lines {
		if i > 0 && c.keys[i-1].Compare(c.keys[i]) >= 0 {
			return nil, fmt.Errorf("event %s follows %s", c.keys[i], c.keys[i-1])
		}
		b, r, ok := place(text)
		if !ok || b < 0 || b >= len(h.steps) || r < 0 || r >= len(h.steps[b].lines) || h.steps[b].lines[r] != text {
			return nil, fmt.Errorf("an event that was never written: %s", text)
		}
		s := h.steps[b]
		if found[b] == nil {
			found[b] = make([]stele.Key, len(s.lines))
		}
		switch {
		case found[b][r] != stele.Key{}:
			return nil, fmt.Errorf("step %d: row %d is there twice", b, r)
		case s.fate == refused:
			return nil, fmt.Errorf("step %d: row %d is there, and the append was refused", b, r)
		case s.keys != nil && s.keys[r] != c.keys[i]:
			return nil, fmt.Errorf("step %d: row %d has the key %s, %s was acknowledged", b, r, c.keys[i], s.keys[r])
		case !c.keys[i].Time().Equal(s.instants[r]):
			return nil, fmt.Errorf("step %d: row %d, of %s, has the key %s", b, r, s.instants[r], c.keys[i])
		}
		found[b][r] = c.keys[i]
	}
	return found, nil
}

// hidden reports whether an acknowledged deletion after step b, and before step end, hides row r of it.
func (h *history) hidden(b, r, end int) bool {
	for _, d := range h.steps[b+1 : end] {
		if d.kind == stepDelete && d.fate == acked && d.hides(h.steps[b], r) {
			return true
		}
	}
	return false
}

// judgeDeletions decides those that were begun: they hide all or nothing.
func (h *history) judgeDeletions(found [][]stele.Key) error {
	for i, d := range h.steps {
		if d.kind != stepDelete || d.fate != begun {
			continue
		}
		present, absent := 0, 0
		for b, s := range h.steps[:i] {
			for r := range s.lines {
				if s.fate != acked || !d.hides(s, r) || h.hidden(b, r, i) {
					continue
				}
				if found[b] != nil && found[b][r] != (stele.Key{}) {
					present++
				} else {
					absent++
				}
			}
		}
		if present > 0 && absent > 0 {
			return fmt.Errorf("step %d: a deletion hides %d events and not %d others", i, absent, present)
		}
		if d.fate = acked; present > 0 {
			d.fate = refused
		}
	}
	return nil
}

func (h *history) judgeAppends(found [][]stele.Key) error {
	last := -1 // the step before
	var after uint64
	for b, s := range h.steps {
		if s.kind != stepAppend {
			continue
		}
		var base uint64
		rows, wanted := 0, 0
		for r := range s.lines {
			is := found[b] != nil && found[b][r] != stele.Key{}
			hidden := h.hidden(b, r, len(h.steps))
			if hidden && is {
				return fmt.Errorf("step %d: row %d is there, and was deleted", b, r)
			}
			if !hidden {
				wanted++
			}
			if !is {
				continue
			}
			if number := found[b][r].Arrival() - uint64(r); rows > 0 && number != base {
				return fmt.Errorf("step %d: row %d has the arrival number %x, the first %x", b, r, found[b][r].Arrival(), base)
			} else {
				base = number
			}
			rows++
		}
		switch {
		case s.fate == acked && rows < wanted:
			return fmt.Errorf("step %d: acknowledged, and %d of %d rows are there", b, rows, wanted)
		case s.fate == begun && rows != 0 && rows != wanted:
			return fmt.Errorf("step %d: %d of %d rows are there, not all or none", b, rows, wanted)
		case s.fate == begun && rows == 0:
			s.fate = refused
		case s.fate == begun:
			s.fate = acked
			s.keys = found[b]
		}
		if rows == 0 {
			continue
		}
		if last >= 0 && base <= after && (s.group == 0 || h.steps[last].group != s.group) {
			return fmt.Errorf("step %d: the arrival number %x follows %x of step %d", b, base, after, last)
		}
		last, after = b, max(after, base)
	}
	return nil
}

// judgeDocuments: of each the value acknowledged last, or one begun after it.
func (h *history) judgeDocuments(found map[string]string) error {
	const none = "\x00none"
	may := map[string]map[string]*step{} // by value, with the step begun that would make it so
	for _, s := range h.steps {
		value := s.value
		switch s.kind {
		case stepUnset:
			value = none
		case stepSet:
		default:
			continue
		}
		if may[s.key] == nil {
			may[s.key] = map[string]*step{none: nil}
		}
		switch s.fate {
		case acked:
			may[s.key] = map[string]*step{value: nil}
		case begun:
			may[s.key][value] = s
			s.fate = refused // until it is seen
		}
	}
	for key := range found {
		if may[key] == nil {
			return fmt.Errorf("a document that was never written: %s", key)
		}
	}
	for key, values := range may {
		value, ok := found[key]
		if !ok {
			value = none
		}
		s, ok := values[value]
		if !ok {
			return fmt.Errorf("document %s is %.60q, not one of %.200q", key, value, fmt.Sprint(values))
		}
		if s != nil {
			s.fate = acked
		}
	}
	return nil
}

// highest returns the highest arrival number that anybody was told or has seen.
func (h *history) highest(c *content) uint64 {
	var n uint64
	for _, s := range h.steps {
		for _, k := range s.keys {
			n = max(n, k.Arrival())
		}
	}
	for _, k := range c.keys {
		n = max(n, k.Arrival())
	}
	return n
}

// append adds a batch as the history's next step.
func (h *history) append(s *stele.Store, padding string, id string, instants ...time.Time) (*step, error) {
	h.mu.Lock()
	number := len(h.steps)
	h.mu.Unlock()
	return h.appendAt(s, number, 0, padding, id, instants...)
}

func newAppend(number, group int, padding, id string, instants []time.Time) *step {
	a := &step{kind: stepAppend, group: group, id: id, instants: instants}
	for r, at := range instants {
		a.lines = append(a.lines, line(number, r, at, padding))
	}
	return a
}

func (h *history) appendAt(s *stele.Store, number, group int, padding, id string, instants ...time.Time) (*step, error) {
	a := newAppend(number, group, padding, id, instants)
	end := h.begin(a)
	keys, err := send(s, a)
	end(keys, err)
	return a, err
}

// send appends a step's batch.
func send(s *stele.Store, a *step) ([]stele.Key, error) {
	b := s.NewBatch()
	for _, l := range a.lines {
		if err := b.AddCLEF([]byte(l)); err != nil {
			return nil, err
		}
	}
	b.SetID(a.id)
	got, err := s.Append(context.Background(), b)
	if err != nil {
		return nil, err
	}
	keys := make([]stele.Key, got.Len())
	for i := range keys {
		keys[i] = got.At(i)
	}
	return keys, nil
}

func (h *history) delete(s *stele.Store, from, to time.Time) (int64, error) {
	end := h.begin(&step{kind: stepDelete, from: from, to: to, row: -1})
	n, err := s.Delete(context.Background(), stele.Range{From: stele.FromTime(from), To: stele.BeforeTime(to)})
	end(nil, err)
	return n, err
}

// deleteRows deletes the rows of one number in their batches, by a filter.
func (h *history) deleteRows(s *stele.Store, from, to time.Time, row int) (int64, error) {
	f, err := stele.ParseFilter(fmt.Sprintf("R = %d", row))
	if err != nil {
		return 0, err
	}
	end := h.begin(&step{kind: stepDelete, from: from, to: to, row: row})
	n, err := s.DeleteMatching(context.Background(), stele.Range{From: stele.FromTime(from), To: stele.BeforeTime(to)}, f)
	end(nil, err)
	return n, err
}

// deleteKeys deletes the events of some keys.
func (h *history) deleteKeys(s *stele.Store, keys ...stele.Key) (int64, error) {
	end := h.begin(&step{kind: stepDelete, from: time.Unix(0, math.MinInt64), to: time.Unix(0, math.MaxInt64), row: -1, only: keys})
	n, err := s.DeleteKeys(context.Background(), keys...)
	end(nil, err)
	return n, err
}

func (h *history) set(s *stele.Store, key, value string) error {
	end := h.begin(&step{kind: stepSet, key: key, value: value})
	err := s.Documents("").Set(context.Background(), key, []byte(value))
	end(nil, err)
	return err
}

// unset deletes a document. That there is none is no error.
func (h *history) unset(s *stele.Store, key string) error {
	end := h.begin(&step{kind: stepUnset, key: key})
	err := s.Documents("").Delete(context.Background(), key)
	if errors.Is(err, stele.NotFound) {
		err = nil
	}
	end(nil, err)
	return err
}

// visible returns how many events the acknowledged steps leave to read that a deletion would hide.
func (h *history) visible(deletion *step) (n int64) {
	for b, s := range h.steps {
		for r := range s.lines {
			if s.fate == acked && deletion.hides(s, r) && !h.hidden(b, r, len(h.steps)) {
				n++
			}
		}
	}
	return n
}

// TestHistoryJudges breaks sound contents in each way that judge must see.
func TestHistoryJudges(t *testing.T) {
	h := &history{}
	s := testkit.OpenMem(t, nil)
	at := func(seconds ...int) (instants []time.Time) {
		for _, n := range seconds {
			instants = append(instants, testkit.Epoch.Add(time.Duration(n)*time.Second))
		}
		return instants
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, instants := range [][]time.Time{at(1, 5, 3), at(2, 2), at(9, 8, 7)} {
		_, err := h.append(s.Store, "", "", instants...)
		must(err)
	}
	n, err := h.delete(s.Store, at(7)[0], at(9)[0])
	must(err)
	all := &step{from: at(0)[0], to: at(99)[0], row: -1}
	if n != 2 || h.visible(all) != 6 {
		t.Fatalf("deleted %d, visible %d", n, h.visible(all))
	}
	must(h.set(s.Store, "a", "1"))
	must(h.set(s.Store, "a", "2"))
	must(h.set(s.Store, "b", "1"))
	must(h.unset(s.Store, "b"))
	good, err := contentOf(s.Store)
	must(err)
	if _, err := h.judge(good); err != nil {
		t.Fatalf("a sound content: %v", err)
	}
	without := func(c *content, i int) {
		c.keys, c.lines = slices.Delete(slices.Clone(c.keys), i, i+1), slices.Delete(slices.Clone(c.lines), i, i+1)
	}
	for name, spoil := range map[string]func(h *history, c *content){
		"lost":                 func(_ *history, c *content) { without(c, 0) },
		"order":                func(_ *history, c *content) { slices.Reverse(c.keys); slices.Reverse(c.lines) },
		"unknown":              func(_ *history, c *content) { c.lines[0] = line(0, 0, testkit.Epoch, "x") },
		"twice":                func(_ *history, c *content) { c.lines[2] = c.lines[1] },
		"refused":              func(h *history, _ *content) { h.steps[0].fate = refused },
		"other key":            func(h *history, _ *content) { h.steps[0].keys[0] = h.steps[1].keys[0] },
		"half":                 func(h *history, c *content) { h.steps[0].fate = begun; without(c, 0) },
		"half deleted":         func(h *history, c *content) { h.steps[3].fate = begun; h.steps[3].from = at(5)[0] },
		"deletion without any": func(h *history, c *content) { h.steps[3].fate = refused },
		"deleted":              func(h *history, c *content) { h.steps[3].to = at(10)[0] },
		"other value":          func(_ *history, c *content) { c.documents["a"] = "1" },
		"other document":       func(_ *history, c *content) { c.documents["c"] = "1" },
		"deleted document":     func(_ *history, c *content) { c.documents["b"] = "1" },
		"lost document":        func(_ *history, c *content) { delete(c.documents, "a") },
	} {
		c := &content{keys: slices.Clone(good.keys), lines: slices.Clone(good.lines), documents: map[string]string{}}
		for k, v := range good.documents {
			c.documents[k] = v
		}
		spoiled := h.copy()
		for _, s := range spoiled.steps {
			s.keys = slices.Clone(s.keys)
		}
		spoil(spoiled, c)
		if _, err := spoiled.judge(c); err == nil {
			t.Errorf("%s: nothing was noticed", name)
		}
	}
}
