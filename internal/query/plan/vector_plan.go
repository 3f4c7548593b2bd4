package plan

import (
	"slices"

	"github.com/stelehq/stele/internal/query/exec"
)

// Groups are made of whole blocks: an expression that reads the values at one path is evaluated once for each value that the block's dictionary
// has there, not once for each row. What is decided so is what Add would decide row by row; rows of which only the whole event tells are given to Add.

// maxPaths is how many paths an expression may read: its value is found once for each set of values that occurs.
const maxPaths = 3

// vectors says how a plan's keys and inputs are read from the columns of blocks.
type vectors struct {
	paths        []exec.Path // each once
	keys, inputs []reading
	placed       bool // an aggregate asks where rows stand in the order of time
}

// A reading is an expression over the values at some paths.
type reading struct {
	of    *exec.Filter
	paths []exec.Path
	at    []int // of vectors.paths
	plain bool  // it is the value at its one path as that is
}

// vectorsOf returns nil for a plan that has to be run row by row.
func vectorsOf(p *Plan) *vectors {
	if !p.grouped || len(p.laterals) > 0 {
		return nil
	}
	v := &vectors{}
	for _, k := range p.keys {
		r, ok := v.reading(k.of)
		if !ok {
			return nil
		}
		v.keys = append(v.keys, r)
	}
	for _, f := range p.inputs {
		r, ok := v.reading(f)
		if !ok {
			return nil
		}
		v.inputs = append(v.inputs, r)
	}
	for _, c := range p.calls {
		switch c.kind.name {
		case "first", "last", "top", "bottom":
			v.placed = true
		}
	}
	return v
}

func (v *vectors) reading(f *exec.Filter) (reading, bool) {
	paths, ok := f.Paths()
	if !ok || len(paths) > maxPaths {
		return reading{}, false
	}
	r := reading{of: f, paths: paths, plain: f.IsNamed()}
	for _, p := range paths {
		n := slices.IndexFunc(v.paths, func(o exec.Path) bool { return slices.Equal(o.Names, p.Names) })
		if n < 0 {
			n = len(v.paths)
			v.paths = append(v.paths, p)
		}
		r.at = append(r.at, n)
	}
	return r, true
}

// CountsRows reports whether the number of events is all that the query asks of them, so that they need not be looked at: AddRows takes them.
func (r *Run) CountsRows() bool {
	return r.vectors != nil && r.width == 0 && len(r.keys) == 0 && len(r.inputs) == 0
}
