package engine

import (
	"errors"
	"sync"

	"github.com/stelehq/stele/internal/fault"
)

// Damage is one thing found wrong on disk.
type Damage struct {
	File   string
	Offset int64
	What   string // what is lost
	Err    error  // the chain of causes
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

func (ds *damages) all() []Damage {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return append([]Damage(nil), ds.list...)
}

// damaged notes damage found by any part of the engine.
func (e *Engine) damaged(err error, what string) {
	d := damageOf(err, what)
	if e.damage.add(d) {
		e.log.Error("damage found", "file", d.File, "offset", d.Offset, "what", d.What, "error", err)
	}
}
