package metamorphic

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/vfs"
)

const backupDir = "/backups"

// A world is one store with its disk, which a list's operations are asked of.
type world struct {
	config  config
	disk    *vfs.Mem
	faulty  *vfs.Faulty
	door    door
	wrap    func(door) door // nil: the door as it is
	clock   atomic.Int64    // nanoseconds by which the list has moved the clock
	reads   atomic.Int64    // of the clock
	events  []entry
	keys    []stele.Key // of each event
	highest []uint64    // the highest arrival number of each event and all before it, in the store at hand
	places  map[stele.Key]int

	pins    map[int]*stele.Snapshot
	readers map[int]*stele.Reader
	tails   map[int]*stele.Follower

	dir     string // of the store
	dirs    int    // that were used for stores
	issuers []int  // of each event: the store that gave it its key
	issuer  int    // the store at hand; each restored one is another
	floor   uint64 // what the next arrival number must be above
	backups []made

	troubled bool // since it was opened: what could not be read is among the damage that it tells
	asked    map[string]int
}

// told is what a store answers an operation with, rather than a failure of the test.
type told struct{ error }

func (t told) Unwrap() error { return t.error }

// newWorld opens an empty store.
func newWorld(c config, m *model, wrap func(door) door) (*world, error) {
	w := &world{config: c, events: m.events, wrap: wrap, places: map[stele.Key]int{}, asked: map[string]int{}, dir: "/store"}
	w.use(vfs.NewMem())
	return w, w.open()
}

func (w *world) use(disk *vfs.Mem) { w.disk, w.faulty = disk, vfs.NewFaulty(disk) }

func (w *world) now() time.Time {
	moved := time.Duration(w.clock.Load()) + w.config.Moves*time.Duration(w.reads.Add(1))
	return w.config.start().Add(moved)
}

func (w *world) open() error {
	w.pins, w.readers, w.tails = map[int]*stele.Snapshot{}, map[int]*stele.Reader{}, map[int]*stele.Follower{}
	w.troubled = false
	open := func() (*stele.Store, error) {
		o := w.config.options(w.now)
		o.FS = w.faulty
		return stele.Open(w.dir, &o)
	}
	var d door
	if w.config.Door == "http" {
		h, err := openHTTP(open)
		if err != nil {
			return told{err}
		}
		h.last = w.last()
		d = h
	} else {
		s, err := open()
		if err != nil {
			return told{err}
		}
		d = &goDoor{s}
	}
	if w.door = d; w.wrap != nil {
		w.door = w.wrap(d)
	}
	return nil
}

func (w *world) close() error {
	if w.door == nil {
		return nil
	}
	for _, r := range w.readers {
		_ = r.Close()
	}
	for _, p := range w.pins {
		_ = p.Close()
	}
	for _, f := range w.tails {
		_ = f.Close()
	}
	err := w.door.close()
	w.door = nil
	if err != nil {
		return told{err}
	}
	return nil
}

func (w *world) reopen() error {
	if err := w.close(); err != nil {
		return err
	}
	return w.open()
}

// run asks all of a list, and looks at the store at the end.
func (w *world) run(l list, outcomes []outcome) (err error) {
	defer func() {
		if w.door != nil {
			_ = w.close()
		}
	}()
	for i := range l {
		if err := w.do(&l[i], &outcomes[i]); err != nil {
			return &failure{at: i, op: l[i], err: err}
		}
	}
	if err := w.verify(); err != nil {
		return &failure{at: len(l), err: err}
	}
	return nil
}

// A failure is where a store went another way than the model.
type failure struct {
	at  int
	op  op
	err error
}

func (f *failure) Error() string {
	if f.op.Do == "" {
		return fmt.Sprintf("at the end: %v", f.err)
	}
	return fmt.Sprintf("operation %d: %v\n\t%s", f.at+1, f.err, list{f.op})
}

// verify checks every byte.
func (w *world) verify() error {
	r, err := w.door.store().Verify(ctx)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if err := w.sound(r.Damage); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if err := w.verifyBackups(); err != nil {
		return fmt.Errorf("verify backups: %w", err)
	}
	return w.close()
}

// do asks one operation, with its trouble.
func (w *world) do(o *op, want *outcome) error {
	switch {
	case o.Trouble == nil:
		err := w.step(o, want)
		if err != nil && err != errNoWay {
			return err
		}
		if err == nil && !want.skip {
			w.asked[o.Do]++
		}
	case o.Trouble.Crash != "":
		w.asked[o.Do]++
		w.asked["  and a power cut in it"]++
		if err := w.crashDuring(o, want); err != nil {
			return err
		}
	default:
		w.asked[o.Do]++
		w.asked["  and a failing call in it"]++
		if err := w.failDuring(o, want); err != nil {
			return err
		}
	}
	return w.counted(want)
}

// counted holds what is cheap to ask after every operation.
func (w *world) counted(want *outcome) error {
	st := w.door.store().Stats()
	if st.Events != int64(want.alive) {
		return fmt.Errorf("%d events are counted, %d there should be", st.Events, want.alive)
	}
	return w.sound(st.Damage)
}

// sound returns damage that is none of a call that failed.
func (w *world) sound(damage []stele.Damage) error {
	for _, d := range damage {
		if kind := stele.KindOf(d.Err); !w.troubled || kind != stele.IO && kind != stele.Full {
			return fmt.Errorf("damage in %s at %d: %s: %w", d.File, d.Offset, d.What, d.Err)
		}
	}
	return nil
}

// faults are the ways in which a call fails.
var faults = map[string]vfs.Rule{
	"eio":     {Kind: vfs.OpAny, Err: vfs.EIO},
	"late":    {Kind: vfs.OpAny, Err: vfs.EIO, Late: true},
	"full":    {Kind: vfs.OpWrite, Err: vfs.ENOSPC, Forever: true},
	"short":   {Kind: vfs.OpWrite, Err: vfs.ENOSPC, Short: 20},
	"dropped": {Kind: vfs.OpSync, Err: vfs.EIO, DropUnsynced: true},
	"create":  {Kind: vfs.OpCreate, Err: vfs.ENOSPC},
	"rename":  {Kind: vfs.OpRename, Err: vfs.EIO},
	"remove":  {Kind: vfs.OpRemove, Err: vfs.EIO},
	"syncdir": {Kind: vfs.OpSyncDir, Err: vfs.EIO},
	"reserve": {Kind: vfs.OpReserve, Err: vfs.ENOSPC},
}

// failDuring has a call fail while an operation runs. If the operation is told, nothing has happened, and it is asked for again.
func (w *world) failDuring(o *op, want *outcome) error {
	rule := faults[o.Trouble.Fault]
	rule.Nth = o.Trouble.Nth
	w.faulty.Add(&rule)
	err := w.step(o, want)
	w.faulty.Clear()
	hit := w.faulty.Hits(&rule) > 0
	w.troubled = w.troubled || hit
	if hit && w.door != nil && o.Do == "reopen" && len(w.door.store().Stats().Damage) > 0 {
		// It could not read a file, has said so, and is complete when the disk is well.
		return w.reopen()
	}
	var answer told
	if err == nil || err == errNoWay {
		return nil
	}
	if !errors.As(err, &answer) {
		return fmt.Errorf("with a failing call: %w", err)
	}
	if kind := stele.KindOf(answer.error); !hit || kind != stele.IO && kind != stele.Full {
		return fmt.Errorf("hit by a failing call: %t: %w", hit, err)
	}
	if w.door == nil { // it could not be closed or opened
		return w.open()
	}
	if err := w.holds(want.before); err != nil {
		return fmt.Errorf("after it was refused (%w): %w", answer.error, err)
	}
	if err := w.step(o, want); err != nil {
		return fmt.Errorf("asked again, after %w: %w", answer.error, err)
	}
	return nil
}

// crashDuring cuts the power while an operation runs, and asks for it again.
func (w *world) crashDuring(o *op, want *outcome) error {
	rng := rand.New(rand.NewPCG(o.Trouble.Seed, 0))
	var clone *vfs.Mem
	var calls atomic.Int64
	var once sync.Once
	w.disk.OnOp(func(vfs.Op) {
		if calls.Add(1) == o.Trouble.Nth {
			once.Do(func() { clone = w.disk.CrashClone(rng, crashMode(o.Trouble.Crash)) })
		}
	})
	known, backups := len(w.keys), len(w.backups)
	dir, issuer, floor, highest := w.dir, w.issuer, w.floor, slices.Clone(w.highest)
	err := w.step(o, want)
	w.disk.OnOp(nil)
	if err != nil && err != errNoWay {
		return err
	}
	// Waits for whoever is about to.
	once.Do(func() { clone = w.disk.CrashClone(rng, crashMode(o.Trouble.Crash)) })
	// What the other process was told nobody knows any more.
	for _, k := range w.keys[known:] {
		delete(w.places, k)
	}
	w.keys, w.issuers, w.backups = w.keys[:known], w.issuers[:known], w.backups[:backups]
	w.dir, w.issuer, w.floor, w.highest = dir, issuer, floor, highest
	if err := w.crash(clone); err != nil {
		return err
	}
	again := *want
	if o.Do == "delete" || o.Do == "retain" { // it may have been deleted before
		again.count = -1
	}
	err = w.step(o, &again)
	if o.Do == "unset" && stele.KindOf(err) == stele.NotFound || err == errNoWay {
		return nil
	}
	return err
}

func crashMode(name string) vfs.CrashMode {
	for _, m := range vfs.CrashModes() {
		if m.String() == name {
			return m
		}
	}
	panic("no such way to crash: " + name)
}

// crash goes on from what a crash left.
func (w *world) crash(left *vfs.Mem) error {
	_ = w.close()
	w.use(left)
	return w.open()
}

// step asks one operation and holds the answer against what it must be. What the store answers when it should not is told.
func (w *world) step(o *op, want *outcome) error {
	if want.skip {
		return nil
	}
	d := w.door
	switch o.Do {
	case "append", "retry":
		return w.append(want)
	case "together":
		return w.together(want)
	case "read":
		q := w.query(o, want)
		if o.Slot > 0 {
			if q.snapshot = w.pins[o.Slot]; q.snapshot == nil {
				return errNoWay
			}
		}
		h, err := d.read(q)
		return w.same(want.events, h, err)
	case "get":
		text, err := d.get(w.keys[want.events[0]])
		if want.kind != 0 {
			return refusal(want.kind, err)
		}
		return sameTexts([]string{w.events[want.events[0]].text}, []string{text}, err)
	case "histogram":
		q := w.query(o, want)
		texts, err := d.histogram(q, max(o.Limit, 1))
		return sameTexts(want.texts, texts, err)
	case "follow":
		after, until := uint64(0), uint64(0)
		if want.after > 0 {
			after = w.highest[want.after-1]
		}
		for _, n := range want.events {
			until = max(until, w.keys[n].Arrival())
		}
		h, err := d.follow(after, until, filterOf(o.Filter))
		return w.same(w.byArrival(want.events), h, err)
	case "delete", "retain":
		n, err := w.delete(o, want)
		if err != nil {
			return told{err}
		}
		if n != want.count && want.count >= 0 {
			return fmt.Errorf("deleted %d events, not %d", n, want.count)
		}
		return nil
	case "set":
		return refusal(0, d.set(o.Key, value(o)))
	case "unset":
		return refusal(want.kind, d.unset(o.Key))
	case "value":
		text, err := d.value(o.Key)
		if want.kind != 0 {
			return refusal(want.kind, err)
		}
		return sameTexts(want.texts, []string{text}, err)
	case "documents":
		keys, err := d.documents(o.Key)
		return sameTexts(want.texts, keys, err)
	case "flush":
		return refusal(0, d.store().Flush(ctx))
	case "settle":
		return refusal(0, d.store().Settle(ctx))
	case "tick":
		w.clock.Add(int64(o.Minutes) * int64(time.Minute))
		return nil
	case "pin", "unpin", "reader", "advance", "tail":
		return w.held(o, want)
	case "reopen":
		return w.reopen()
	case "crash":
		return w.crash(w.disk.CrashClone(rand.New(rand.NewPCG(uint64(o.Bytes), 0)), crashMode(o.Way)))
	case "backup":
		return w.backup(want)
	case "restore":
		return w.restore(w.backups[o.Backup%len(w.backups)], want)
	case "arrived":
		return w.trial(func(s *stele.Store) error { return w.retainByArrival(s, o, want.all) })
	case "repair":
		return w.repair(want.all)
	case "check":
		return w.holds(want.all)
	}
	return fmt.Errorf("no such operation: %s", o.Do)
}

// refusal holds an error against the kind that it should be of, 0 for none.
func refusal(want stele.Kind, err error) error {
	switch {
	case err == nil && want == 0:
		return nil
	case err == nil:
		return fmt.Errorf("it was not refused as %s", want)
	case stele.KindOf(err) == want || err == errNoWay:
		return nil
	}
	return told{err}
}

func (w *world) append(want *outcome) error {
	keys, err := w.door.append(want.lines, want.id)
	if err != nil || want.kind != 0 {
		return refusal(want.kind, err)
	}
	if !want.fresh {
		if keys == nil { // known, and the door does not say as what
			return nil
		}
		for i, n := range want.events {
			if i >= len(keys) || keys[i] != w.keys[n] {
				return fmt.Errorf("a batch that was known has the keys %v, and %s is event %d", keys, w.keys[n], n)
			}
		}
		return nil
	}
	if err := w.stored(want.events, keys); err != nil {
		return err
	}
	w.note(keys)
	return nil
}

// stored holds the keys of a batch that is new against what they must be.
func (w *world) stored(events []int, keys []stele.Key) error {
	if len(keys) != len(events) {
		return fmt.Errorf("a batch of %d events has %d keys", len(events), len(keys))
	}
	for i, n := range events {
		switch {
		case !keys[i].Time().Equal(w.events[n].at):
			return fmt.Errorf("event %d of %s has the key %s of %s", n, w.events[n].at, keys[i], keys[i].Time())
		case i > 0 && keys[i].Arrival() != keys[i-1].Arrival()+1:
			return fmt.Errorf("event %d has the arrival number %x after %x in one batch", n, keys[i].Arrival(), keys[i-1].Arrival())
		case keys[i].Arrival() <= w.last():
			return fmt.Errorf("event %d has the arrival number %x, not above %x", n, keys[i].Arrival(), w.last())
		}
	}
	return nil
}

// note keeps the keys of the list's next events.
func (w *world) note(keys []stele.Key) {
	for _, k := range keys {
		w.places[k] = len(w.keys)
		w.keys, w.issuers = append(w.keys, k), append(w.issuers, w.issuer)
		w.highest = append(w.highest, max(w.last(), k.Arrival()))
	}
}

// last is the highest arrival number that this store is known to have given, or had to stay above.
func (w *world) last() uint64 {
	if len(w.highest) == 0 {
		return 0
	}
	return max(w.floor, w.highest[len(w.highest)-1])
}

func (w *world) together(want *outcome) error {
	var batches [][]string
	rest := want.lines
	for _, n := range want.sizes {
		batches, rest = append(batches, rest[:n]), rest[n:]
	}
	keys, err := w.door.together(batches)
	if err != nil {
		return told{err}
	}
	events := want.events
	var all []stele.Key
	for i, n := range want.sizes {
		if err := w.stored(events[:n], keys[i]); err != nil {
			return fmt.Errorf("batch %d: %w", i, err)
		}
		all, events = append(all, keys[i]...), events[n:]
	}
	w.note(all)
	return nil
}

func (w *world) delete(o *op, want *outcome) (int64, error) {
	q := w.query(o, want)
	q.descending = false
	var keys []stele.Key
	for _, n := range o.Events {
		if len(w.keys) > 0 {
			keys = append(keys, w.keys[n%len(w.keys)])
		}
	}
	switch {
	case o.Events != nil && len(keys) == 0:
		return 0, nil
	case o.Do == "retain":
		if age := w.now().Sub(instant(o.age())).Truncate(time.Second); age > time.Minute {
			return w.door.retain(stele.RetentionPolicy{ID: "age", Age: age, Filter: o.Filter})
		}
		q.to = limit{bounded: true, open: true, at: bound{At: o.age()}} // the clock stands before the events
	}
	return w.door.delete(q, keys)
}

// byArrival sorts events by the numbers that this store gave them.
func (w *world) byArrival(events []int) []int {
	return slices.SortedFunc(slices.Values(events), func(a, b int) int {
		return int(int64(w.keys[a].Arrival()) - int64(w.keys[b].Arrival()))
	})
}

// query is an operation's, with the store's own keys.
func (w *world) query(o *op, want *outcome) *query {
	q := &query{descending: o.Descending, filter: filterOf(o.Filter), most: o.Limit, way: o.Way}
	set := func(l *limit, b *bound) {
		if b == nil {
			return
		}
		*l = limit{bounded: true, key: b.Key, open: b.Open, at: *b}
		if b.Key {
			l.k = w.keys[b.Event]
		}
	}
	set(&q.from, want.from)
	set(&q.to, want.to)
	return q
}

// same compares what was found with the events that there should be.
func (w *world) same(want []int, h hits, err error) error {
	if err == errNoWay {
		return err
	}
	if err != nil {
		return told{err}
	}
	n := max(len(h.keys), len(h.lines))
	for i := range max(n, len(want)) {
		if i >= len(want) {
			return fmt.Errorf("%d events, and %d there should be; the first too many: %s", n, len(want), h.at(i))
		}
		e := &w.events[want[i]]
		if i >= n {
			return fmt.Errorf("%d events, and %d there should be; the first that is missing is number %d: %s", n, len(want), want[i], e.text)
		}
		if h.keys != nil && h.keys[i] != w.keys[want[i]] {
			return fmt.Errorf("place %d of %d: expected event %d, %s, found %s, number %d", i, n, want[i], w.keys[want[i]], h.keys[i], w.place(h.keys[i]))
		}
		if h.lines != nil && h.lines[i] != e.text {
			return fmt.Errorf("place %d of %d: expected\n%s\nfound\n%s", i, n, e.text, h.lines[i])
		}
	}
	return nil
}

func (w *world) place(k stele.Key) int {
	if n, ok := w.places[k]; ok {
		return n
	}
	return -1
}

func (h hits) at(i int) string {
	if i < len(h.lines) {
		return h.lines[i]
	}
	return h.keys[i].String()
}

func sameTexts(want, got []string, err error) error {
	if err == errNoWay {
		return err
	}
	if err != nil {
		return told{err}
	}
	if !slices.Equal(want, got) {
		return fmt.Errorf("expected %q\nfound %q", want, got)
	}
	return nil
}

// holds reads everything.
func (w *world) holds(c *content) error { return w.holdsAt(w.door, c) }

func (w *world) holdsAt(d door, c *content) error {
	for _, q := range []*query{{way: "write"}, {way: "events", descending: true}} {
		h, err := d.read(q)
		want := c.events
		if q.descending {
			want = slices.Clone(want)
			slices.Reverse(want)
		}
		if err := w.same(want, h, err); err != nil {
			return fmt.Errorf("everything (newest first: %t): %w", q.descending, err)
		}
	}
	keys, err := d.documents("")
	if err := sameTexts(slices.Sorted(maps.Keys(c.documents)), keys, err); err != nil {
		return fmt.Errorf("documents: %w", err)
	}
	for key, want := range c.documents {
		text, err := d.value(key)
		if err := sameTexts([]string{want}, []string{text}, err); err != nil {
			return fmt.Errorf("document %s: %w", key, err)
		}
	}
	return nil
}

// held does what snapshots, readers and followers are for that outlive an operation. HTTP has none of them.
func (w *world) held(o *op, want *outcome) error {
	if w.config.Door == "http" {
		return errNoWay
	}
	s := w.door.store()
	switch o.Do {
	case "pin":
		if p := w.pins[o.Slot]; p != nil {
			_ = p.Close()
		}
		p, err := s.Snapshot()
		if err != nil {
			return told{err}
		}
		w.pins[o.Slot] = p
	case "unpin":
		err := w.pins[o.Slot].Close()
		delete(w.pins, o.Slot)
		return refusal(0, err)
	case "reader":
		if r := w.readers[o.Slot]; r != nil {
			_ = r.Close()
		}
		q := w.query(o, want)
		w.readers[o.Slot] = s.Read(ctx, q.options())
	case "advance":
		r := w.readers[o.Slot]
		var h hits
		for range o.Limit {
			if !r.Next() {
				break
			}
			h.keys, h.lines = append(h.keys, r.Event().Key()), append(h.lines, string(r.Event().AppendCLEF(nil)))
		}
		return w.same(want.events, h, r.Err())
	case "tail":
		f := w.tails[o.Slot]
		if f == nil {
			f = s.Follow(ctx, 0, nil)
			w.tails[o.Slot] = f
		}
		h := drain(f)
		return w.same(w.byArrival(want.events), h, f.Err())
	}
	return nil
}
