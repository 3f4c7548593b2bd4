package plan

import (
	"encoding/binary"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
)

// A Partial is what a part of the rows comes to: groups with their states, or the first rows in order. Not for concurrent use.
type Partial struct {
	Step func() error // asked before each event, or value of a block's column, that is evaluated; its error ends AddBlock. nil: none

	run     *Run
	account account
	groups  *groupTable // by slice and keys
	rows    *sorter     // of a query without groups

	samples []sample
	inputs  [][]*sample // of each call
	key     []byte
	blocks  *blockReader // nil: none were added yet
}

// NewPartial returns a partial without rows.
func (r *Run) NewPartial() *Partial {
	p := &Partial{run: r, account: account{memory: r.memory}}
	if !r.grouped {
		p.rows = newSorter(r.Plan, &p.account)
		return p
	}
	p.groups = newGroupTable()
	p.samples = make([]sample, len(r.inputs))
	p.inputs = make([][]*sample, len(r.calls))
	for i, call := range r.calls {
		for _, n := range call.inputs {
			p.inputs[i] = append(p.inputs[i], &p.samples[n])
		}
	}
	return p
}

// Add adds an event, which is within the run's bounds and fulfils its filter. fault.Exhausted if the memory is used up; the
// partial is of no use then.
func (p *Partial) Add(e exec.Row) error {
	at := Place{Key: event.MakeKey(e.Timestamp(), e.Arrival())}
	return p.run.rows(e, func(row row, n uint32) error {
		at.Row = n
		if p.rows == nil {
			return p.addRow(row, at)
		}
		values := p.run.project(row)
		for i := range values {
			values[i] = detached(values[i])
		}
		return p.rows.offer(values, at)
	})
}

func (p *Partial) addRow(row row, at Place) error {
	g, err := p.groupOf(row, at)
	if err != nil {
		return err
	}
	for i, f := range p.run.inputs {
		p.samples[i] = sample{value: row.eval(f)}
	}
	g.rows++
	for i, s := range g.states {
		if s == nil {
			continue
		}
		if err := s.add(p.inputs[i], 1, at, &p.account); err != nil {
			return err
		}
	}
	return nil
}

func (p *Partial) groupOf(row row, at Place) (*group, error) {
	slice := int64(0)
	p.key = p.key[:0]
	if width := p.run.width; width > 0 {
		slice = sliceOf(at.Key.Instant(), width)
		p.key = appendSlice(p.key, slice)
	}
	keys := make([]event.Value, len(p.run.keys))
	for i, k := range p.run.keys {
		keys[i] = row.eval(k.of)
		p.key = appendKey(p.key, keys[i], k.ci)
	}
	return p.group(p.key, slice, func() ([]event.Value, error) { return keys, nil })
}

const sliceBytes = 8

// appendSlice begins the key of a group in a time slice.
func appendSlice(dst []byte, slice int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(slice))
}

// group finds or makes the group of a key. keys gives the keys' values, and is asked if these do not follow from it.
func (p *Partial) group(key []byte, slice int64, keys func() ([]event.Value, error)) (*group, error) {
	return p.groupWith(key, p.groups.hash(key), slice, keys)
}

// groupWith is group for a key of which the hash is known.
func (p *Partial) groupWith(key []byte, hash uint64, slice int64, keys func() ([]event.Value, error)) (*group, error) {
	g := p.groups.find(key, hash)
	if g == nil {
		if err := p.account.take(groupBytes + len(key)); err != nil {
			return nil, err
		}
		g = p.groups.add(key, hash)
		g.slice = slice
		if len(p.run.inputs) > 0 {
			g.states = make([]state, len(p.run.calls))
		}
		for i, call := range p.run.calls {
			if call.kind.result != nil {
				continue
			}
			var err error
			if g.states[i], err = call.kind.make(call, &p.account); err != nil {
				return nil, err
			}
		}
	}
	if !p.run.folds {
		return g, nil
	}
	values, err := keys()
	if err != nil {
		return nil, err
	}
	if g.keys == nil {
		g.keys = make([]event.Value, len(values))
		for i := range values {
			g.keys[i] = keyValue(values[i])
			if err := p.account.take(sizeOf(g.keys[i])); err != nil {
				return nil, err
			}
		}
		return g, nil
	}
	for i := range values {
		// Of keys that differ in case the first by code point is shown, whatever the order in which they come.
		if p.run.keys[i].ci && values[i].Kind != event.Null {
			if v := keyValue(values[i]); compareValues(v, g.keys[i], false) < 0 {
				g.keys[i] = v
			}
		}
	}
	return g, nil
}

// keyValue is a key's value as it is shown: undefined as null.
func keyValue(v event.Value) event.Value {
	if v.Kind == event.Undefined {
		return event.Value{Kind: event.Null}
	}
	return detached(canonical(v))
}

// Merge adds what another partial of the run has, which is of no use afterwards.
func (p *Partial) Merge(o *Partial) error {
	defer o.Close()
	if p.rows != nil {
		for _, row := range o.rows.kept {
			if err := p.rows.offer(row.values, row.at); err != nil {
				return err
			}
		}
		p.rows.cut = p.rows.cut || o.rows.cut
		return nil
	}
	for other := range o.groups.all {
		g, err := p.group(other.key, other.slice, func() ([]event.Value, error) { return other.keys, nil })
		if err != nil {
			return err
		}
		g.rows += other.rows
		for i := range g.states {
			if g.states[i] == nil {
				continue
			}
			if err := g.states[i].merge(other.states[i], &p.account); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close gives back the partial's memory.
func (p *Partial) Close() {
	p.account.close()
	p.groups, p.rows, p.blocks = nil, nil, nil
}
