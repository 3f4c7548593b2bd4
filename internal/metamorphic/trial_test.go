package metamorphic

import (
	"fmt"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/vfs"
)

// Some of what a store can be asked for depends on how its events lie on disk, and no model knows it. That is tried on a copy of the
// store, which is then held against what must be true whatever happened.

// trial opens a copy of the store as it is on disk, and closes it.
func (w *world) trial(do func(s *stele.Store) error) error {
	o := w.config.options(w.now)
	o.FS = w.disk.CrashClone(nil, vfs.CrashKill)
	s, err := stele.Open(w.dir, &o)
	if err != nil {
		return fmt.Errorf("the copy cannot be opened: %w", err)
	}
	err = do(s)
	if cerr := s.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("the copy cannot be closed: %w", cerr)
	}
	if err != nil {
		return fmt.Errorf("on a copy: %w", err)
	}
	return nil
}

// retainByArrival holds that a policy by arrival deletes what came first, of what its filter selects, as many as it says, and nothing that came within its age.
func (w *world) retainByArrival(s *stele.Store, o *op, all *content) error {
	age := time.Duration(o.Minutes) * time.Minute
	did, err := s.Retain(ctx, stele.RetentionPolicy{ID: "arrived", ArrivedAge: age, Filter: o.Filter})
	if err != nil {
		return err
	}
	h, err := (&goDoor{s}).read(&query{way: "events"})
	if err != nil {
		return err
	}
	if n := int64(len(all.events) - len(h.keys)); len(did) != 1 || n != did[0].Events || s.Stats().Events != int64(len(h.keys)) {
		return fmt.Errorf("%d events are gone, %d are left, and the policy says %+v, the statistics %d", n, len(h.keys), did, s.Stats().Events)
	}
	f := filterOf(o.Filter)
	concerns := func(n int) bool { return f == nil || f.holds(&w.events[n]) }
	first := ^uint64(0) // of those that are left
	for _, k := range h.keys {
		if n := w.place(k); n >= 0 && concerns(n) {
			first = min(first, k.Arrival())
		}
	}
	var want []int
	for _, n := range all.events {
		if !concerns(n) || w.keys[n].Arrival() >= first {
			want = append(want, n)
		} else if time.Duration(w.clock.Load())-w.events[n].arrived < age-time.Second { // a store's clock moves a little by itself
			return fmt.Errorf("event %d is gone, and came %s ago", n, time.Duration(w.clock.Load())-w.events[n].arrived)
		}
	}
	return w.same(want, h, nil)
}

// repair holds that what is made of a sound store is a store with the same in it, whose numbers are above all that the first has given.
func (w *world) repair(all *content) error {
	o := w.config.options(w.now)
	disk := w.disk.CrashClone(nil, vfs.CrashKill)
	o.FS = disk
	const dest = "/repaired"
	r, err := stele.Repair(ctx, w.dir, dest, &o)
	if err != nil {
		return fmt.Errorf("repair: %w", err)
	}
	if len(r.Damage) > 0 || r.Events != int64(len(all.events)) || r.Documents != int64(len(all.documents)) && w.config.Door == "go" {
		return fmt.Errorf("repair of a sound store with %d events and %d documents: %+v", len(all.events), len(all.documents), r)
	}
	s, err := stele.Open(dest, &o)
	if err != nil {
		return fmt.Errorf("what was repaired: %w", err)
	}
	defer s.Close()
	d := &goDoor{s}
	if err := w.holdsAt(d, all); err != nil {
		return fmt.Errorf("what was repaired: %w", err)
	}
	keys, err := d.append([]string{newEntry(0, row{}).text}, "")
	if err == nil && keys[0].Arrival() <= w.last() {
		err = fmt.Errorf("the arrival number %x is not above %x", keys[0].Arrival(), w.last())
	}
	return err
}
