package stele

import (
	"context"
	"errors"

	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/query/exec"
	"github.com/stelehq/stele/internal/query/syntax"
)

// Filter is a parsed filter expression; immutable, safe for concurrent use. docs/query-language.md has the language.
type Filter struct{ f *exec.Filter }

// ParseFilter reads a strict expression. Errors are *FilterError (kind Invalid) and point at the place, or of kind TooLarge.
func ParseFilter(text string) (*Filter, error) {
	f, err := exec.Parse(text)
	if err != nil {
		var at *syntax.Error
		if errors.As(err, &at) {
			return nil, filterError(at)
		}
		return nil, err
	}
	return &Filter{f}, nil
}

// ParseSearch reads what a person typed: an expression, or, when it is none, text to find in
// message and exception; reason is then why it is no expression, and nil otherwise. err is for what is neither: text over the length limit, or
// not UTF-8.
func ParseSearch(text string) (f *Filter, reason *FilterError, err error) {
	parsed, why, err := exec.Search(text)
	if err != nil {
		return nil, nil, err
	}
	if why != nil {
		reason = filterError(why)
	}
	return &Filter{parsed}, reason, nil
}

// String returns the strict expression.
func (f *Filter) String() string { return f.f.String() }

// Match reports whether the filter selects the event: whether it is exactly true for it (R8).
func (f *Filter) Match(e *Event) bool { return f.f.Match(eventRow{e}) }

// wanted is what a filter asks of events, with what can be decided for whole blocks at once; nil for no filter. When the context has ended nothing is wanted: who
// reads says that it has.
func (f *Filter) wanted(ctx context.Context, lost func(error)) *engine.Wanted {
	if f == nil {
		return nil
	}
	return wantedOf(ctx, []*exec.Filter{f.f}, lost)
}

// match adapts a filter to the engine's rows; nil for no filter. When the context has ended it matches none.
func (f *Filter) match(ctx context.Context, lost func(error)) engine.Match {
	if f == nil {
		return nil
	}
	return matchOf(ctx, []*exec.Filter{f.f}, lost)
}

func matchOf(ctx context.Context, filters []*exec.Filter, lost func(error)) engine.Match {
	e := &Event{lost: lost}
	row := eventRow{e}
	patience := patience{ctx: ctx}
	return func(r engine.Row) bool {
		if patience.ended() {
			return false
		}
		e.row = r
		for _, f := range filters {
			if !f.Match(row) {
				return false
			}
		}
		return true
	}
}

// wantedOf is what several filters ask together; nil for none.
func wantedOf(ctx context.Context, filters []*exec.Filter, lost func(error)) *engine.Wanted {
	if len(filters) == 0 {
		return nil
	}
	both := &exec.Plan{Op: exec.PlanAnd}
	for _, f := range filters {
		both.Terms = append(both.Terms, f.Plan())
	}
	return &engine.Wanted{Match: matchOf(ctx, filters, lost), Select: selection(ctx, both), Texts: textsOf(both, nil)}
}

// textsOf adds the texts that every event has of which the plan's condition is true.
func textsOf(p *exec.Plan, list []engine.Text) []engine.Text {
	switch {
	case p.Op == exec.PlanAnd:
		for _, t := range p.Terms {
			list = textsOf(t, list)
		}
	case p.Op == exec.PlanValue && p.Equals != nil && len(p.Path) == 1 && len(p.Others) == 0:
		list = append(list, engine.Text{Name: p.Path[0], Value: *p.Equals})
	}
	return list
}

// FilterError says what is wrong with an expression, and where.
type FilterError struct {
	Offset       int    // byte offset in the text
	Line, Column int    // from 1; Column counts characters
	Message      string // what is wrong and what was expected
	Suggestion   string // what was probably meant, "" if that is not known
	err          *syntax.Error
}

func filterError(e *syntax.Error) *FilterError {
	return &FilterError{Offset: e.Offset, Line: e.Line, Column: e.Column, Message: e.Message, Suggestion: e.Suggestion, err: e}
}

// Error renders the error on one line.
func (e *FilterError) Error() string { return e.err.Error() }

// Is makes errors.Is(err, stele.Invalid) hold.
func (e *FilterError) Is(target error) bool { return target == error(fault.Invalid) }

// Unwrap makes KindOf say Invalid.
func (e *FilterError) Unwrap() error { return fault.Invalid }
