package stele

import (
	"context"
	"fmt"
	"strings"

	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/syntax"
)

// A Hint names a property that a filter or a query asks for and that no event has: a misspelt one, it may be. It is no error, as events to come may
// have it.
type Hint struct {
	Property   string // as an expression names it: User.Nmae
	Suggestion string // what was probably meant, likewise; "" if that is not known
	Events     int64  // it is known of so many events, not of all; 0: of all
}

// String is the hint as a sentence.
func (h Hint) String() string {
	s := "no event has a property " + h.Property
	if h.Events > 0 {
		s = fmt.Sprintf("none of the %d events looked at has a property %s", h.Events, h.Property)
	}
	if h.Suggestion != "" {
		s += "; did you mean " + h.Suggestion + "?"
	}
	return s
}

// Hints says which properties that the filter names no event has, for who searched and found nothing. It looks at what is known of blocks of events, and at no
// more than the newest few hundred of them. Five at most; none if all are there, if nothing is stored, or if that cannot be found out.
func (s *Store) Hints(ctx context.Context, f *Filter) []Hint {
	if f == nil {
		return nil
	}
	v, err := s.e.Pin()
	if err != nil {
		return nil
	}
	defer v.Release()
	return hints(ctx, v, f.f.Expr())
}

// Hints says, at the end of the rows, which properties that the query names no event has, if it found nothing: no event, or no value at all in one of
// its columns. As Store.Hints.
func (r *Rows) Hints() []Hint {
	if !r.done || r.failed() || r.query.p.Explain() != syntax.ExplainNone || r.stats.Matched > 0 && len(r.blank) == 0 {
		return nil
	}
	asked := r.query.p.Asked()
	if f := r.filter; f != nil {
		asked = append(asked, f.f.Expr())
	}
	v, err := r.engine.Pin()
	if err != nil {
		return nil
	}
	defer v.Release()
	return hints(r.ctx, v, asked...)
}

// see notes which columns have a value in the row at hand.
func (r *Rows) see() {
	left := r.blank[:0]
	for _, i := range r.blank {
		if k := r.row[i].Kind; k == event.Undefined || k == event.Null {
			left = append(left, i)
		}
	}
	r.blank = left
}

const (
	mostKnown = 20_000 // names are kept to compare with
	mostHints = 5      // are given
)

func hints(ctx context.Context, v *engine.View, asked ...syntax.Expr) (all []Hint) {
	missing := exec.Properties(asked)
	if len(missing) == 0 {
		return nil
	}
	var known exec.Known
	enough := func() bool {
		left := missing[:0]
		for _, path := range missing {
			if !known.Has(path) {
				left = append(left, path)
			}
		}
		missing = left
		return len(missing) == 0 || known.Len() > mostKnown
	}
	events, whole, err := v.Names(ctx, func(path []string) {
		// @t and the like are no properties, and @@x is the property @x.
		if name, escaped := strings.CutPrefix(path[0], "@@"); escaped {
			known.Add(append([]string{"@" + name}, path[1:]...))
		} else if !strings.HasPrefix(path[0], "@") {
			known.Add(path)
		}
	}, enough)
	if enough(); err != nil || len(missing) == 0 || events == 0 {
		return nil
	}
	if whole {
		events = 0
	}
	told := map[string]bool{}
	for _, path := range missing {
		if len(all) == mostHints {
			break
		}
		name, nearest := known.Nearest(path)
		if !told[name] {
			told[name] = true
			all = append(all, Hint{Property: name, Suggestion: nearest, Events: events})
		}
	}
	return all
}

// appendHints appends the member of an answer that has hints, and the comma before or behind it; nothing if there are none.
func appendHints(dst []byte, before string, all []Hint, behind string) []byte {
	if len(all) == 0 {
		return dst
	}
	dst = append(dst, before...)
	dst = append(dst, `"Hints":[`...)
	for i, h := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = event.AppendText(append(dst, `{"Text":`...), h.String())
		dst = event.AppendText(append(dst, `,"Property":`...), h.Property)
		dst = append(dst, `,"Suggestion":`...)
		if h.Suggestion == "" {
			dst = append(dst, "null}"...)
		} else {
			dst = append(event.AppendText(dst, h.Suggestion), '}')
		}
	}
	return append(append(dst, ']'), behind...)
}
