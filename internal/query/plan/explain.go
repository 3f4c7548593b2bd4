package plan

import (
	"fmt"
	"strings"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/syntax"
)

// A Stage is a step in which a query is answered, from the events to the result.
type Stage struct{ Name, Detail string }

// The stages that may be measured.
const (
	StageRead   = "read"
	StageGroup  = "group"
	StageSort   = "sort"
	StageSelect = "select"
)

// Stages says how the run is answered.
func (r *Run) Stages() []Stage {
	var stages []Stage
	add := func(name, format string, args ...any) {
		stages = append(stages, Stage{name, fmt.Sprintf(format, args...)})
	}
	if r.scalar {
		add(StageSelect, "%s, without events", strings.Join(r.names, ", "))
		return stages
	}
	direction := "oldest first"
	switch {
	case !r.Streams():
		direction = "in no order"
	case r.Descending():
		direction = "newest first"
	}
	add(StageRead, "%s, %s", r.bounds, direction)
	for _, t := range r.terms {
		add("filter", "%s (%s)", t.text, t.how)
	}
	for i := range r.laterals {
		add("unnest", "%s", syntax.Print(r.laterals[i].Expr()))
	}
	if r.late != nil {
		add("filter elements", "%s", syntax.Print(r.late.Expr()))
	}
	switch {
	case r.grouped:
		add(StageGroup, "%s", r.groupText())
		for _, a := range r.calls {
			add("aggregate", "%s%s", a.text, a.precision())
		}
		if r.having != nil {
			add("having", "%s", r.criteria)
		}
		add(StageSort, "%s", r.orderText())
	case r.Streams():
		add(StageSelect, "%s, as events are read", strings.Join(r.names, ", "))
	default:
		add(StageSelect, "%s", strings.Join(r.names, ", "))
		add(StageSort, "%s", r.orderText())
	}
	add("limit", "%d rows", r.limit)
	return stages
}

func (p *Plan) groupText() string {
	by := append([]string(nil), p.names[:len(p.names)-len(p.columns)]...)
	if len(by) == 0 {
		return "all in one"
	}
	if p.width > 0 {
		by[0] = "slices of " + durationText(p.width)
	}
	for i, k := range p.keys {
		if k.ci {
			by[len(by)-len(p.keys)+i] += " ci"
		}
	}
	return "by " + strings.Join(by, ", ")
}

// precision says how far a result may be off.
func (a *aggregate) precision() string {
	switch a.kind.name {
	case "percentile", "phist":
		return fmt.Sprintf(" (exact for %d values that differ, then to %.2g %%)", exactValues, 50/float64(int(1)<<a.bits))
	case "count":
		if a.kind == countDistinct {
			return fmt.Sprintf(" (exact for %d values, then with a standard error of 0.2 %%)", exactDistinct)
		}
	}
	return ""
}

func (p *Plan) orderText() string {
	var by []string
	for _, o := range p.orders {
		name := "time"
		if o.column >= 0 {
			name = p.names[o.column]
		}
		if o.ci {
			name += " ci"
		}
		if o.desc {
			name += " desc"
		}
		by = append(by, name)
	}
	if by == nil {
		if p.grouped {
			return "by slice and keys"
		}
		return "by time"
	}
	return "by " + strings.Join(by, ", ")
}

// String is the bounds in words.
func (b Bounds) String() string {
	if b.Empty() {
		return "no events: the bounds exclude each other"
	}
	if b.From == b.To {
		return "the event " + b.From.String()
	}
	var parts []string
	if b.From != event.MinKey {
		parts = append(parts, "from "+string(appendInstant(nil, b.From)))
	}
	if b.To != event.MaxKey {
		parts = append(parts, "through "+string(appendInstant(nil, b.To)))
	}
	if parts == nil {
		return "all events"
	}
	return strings.Join(parts, " ")
}

func appendInstant(dst []byte, k event.Key) []byte {
	return k.Time().AppendFormat(dst, "2006-01-02T15:04:05.999999999Z")
}

// durationText writes nanoseconds as a duration of the language.
func durationText(ns int64) string {
	var b strings.Builder
	for _, u := range [...]struct {
		name string
		ns   int64
	}{{"d", 86_400e9}, {"h", 3600e9}, {"m", 60e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}} {
		if n := ns / u.ns; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			ns -= n * u.ns
		}
	}
	return b.String()
}

// A term is one of those that the where clause joins, as `explain` shows it.
type term struct{ text, how string }

// decided says how a plan's condition is: by columns, for whole blocks, or event by event.
func decided(p *exec.Plan) string {
	byColumns, byEvents := 0, 0
	var walk func(*exec.Plan)
	walk = func(p *exec.Plan) {
		switch {
		case p.Op == exec.PlanEvent:
			byEvents++
		case len(p.Terms) == 0:
			byColumns++
		}
		for _, t := range p.Terms {
			walk(t)
		}
	}
	walk(p)
	switch {
	case byEvents == 0:
		return "by columns"
	case byColumns == 0:
		return "event by event"
	}
	return "by columns in part"
}
