package engine

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// Damage is one thing found wrong on disk.
type Damage struct {
	File   string
	Offset int64
	What   string // what is lost
	Err    error  // the chain of causes

	Rows           int64     // events that are lost by it, 0 if that is not known
	Oldest, Newest time.Time // between which they lie; zero if that is not known
	Kept           bool      // the file is in quarantine
}

// A toll says what damage took: so many events with keys from one to another.
type toll struct {
	rows           int64
	minKey, maxKey event.Key
}

// and returns the damage with what it took.
func (d Damage) and(l toll) Damage {
	if d.Rows = l.rows; l.minKey != (event.Key{}) {
		d.Oldest, d.Newest = l.minKey.Time(), l.maxKey.Time()
	}
	return d
}

// damages collects what was found wrong, each place once. Safe for concurrent use.
type damages struct {
	mu   sync.Mutex
	list []Damage
}

// maxDamages bounds the list; what is beyond it is logged alone.
const maxDamages = 1000

func damageOf(err error, what string) Damage {
	d := Damage{Offset: fault.NoOffset, What: what, Err: err}
	// The innermost place is where the damage is.
	var f *fault.Error
	for e := err; errors.As(e, &f); e = f.Err {
		if f.File != "" {
			d.File, d.Offset = f.File, f.Offset
			if what == "" {
				d.What = f.Msg
			}
		}
	}
	if d.What == "" {
		d.What = err.Error()
	}
	return d
}

// add reports whether the place is new.
func (ds *damages) add(d Damage) bool {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if len(ds.list) >= maxDamages {
		return false
	}
	for _, o := range ds.list {
		if o.File == d.File && o.Offset == d.Offset && (d.Offset != fault.NoOffset || o.What == d.What) {
			return false
		}
	}
	ds.list = append(ds.list, d)
	return true
}

// replace puts others in the place of what is listed of a file.
func (ds *damages) replace(file string, others []Damage) {
	ds.mu.Lock()
	ds.list = slices.DeleteFunc(ds.list, func(d Damage) bool { return d.File == file })
	ds.mu.Unlock()
	for _, d := range others {
		ds.add(d)
	}
}

func (ds *damages) all() []Damage {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return append([]Damage(nil), ds.list...)
}

// damaged notes damage found by any part of the engine.
func (e *Engine) damaged(err error, what string) { e.lost(err, what, toll{}) }

// lost is damaged, with what the damage took as far as that is known.
func (e *Engine) lost(err error, what string, l toll) {
	d := damageOf(err, what).and(l)
	if fault.KindOf(err) == fault.Corrupt {
		e.note(d)
	}
	if e.damage.add(d) {
		e.log.Error("damage found", "file", d.File, "offset", d.Offset, "what", d.What, "rows", d.Rows, "oldest", d.Oldest, "newest", d.Newest, "error", err)
	}
}
