package stele

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/query/syntax"
)

// Signal is a saved filter with a name, in the shape that Seq's clients know. It selects what all of its filters select; without any, every event.
// Signals are composed by expressions: see Store.FilterOf.
type Signal struct {
	ID          string // signal-1 and so on, given by the store and never again to another
	Title       string // 1 to 200 characters
	Description string
	Filters     []SignalFilter
	Columns     []string // expressions to show beside each event

	// What follows is kept for clients and has no effect in the store.
	IsProtected       bool
	IsIndexSuppressed bool
	Grouping          string // Inferred, Explicit or None; "": Inferred
	ExplicitGroupName string
	OwnerID           string // "": shared
}

// SignalFilter is one of a signal's filters.
type SignalFilter struct {
	Filter          string // a strict expression
	FilterNonStrict string // what a person had typed; "" if that is not known

	Description           string
	DescriptionIsExcluded bool
}

// Limits of signals.
const (
	maxSignals       = 1000
	maxSignalTitle   = 200
	maxSignalParts   = 100 // filters, and columns
	maxSignalText    = 32 << 10
	signalSpace      = "stele.signals" // of documents: the signals by id
	lastSignal       = "last"          // and there the highest number given so far
	signalPrefix     = "signal-"
	groupingInferred = "Inferred"
)

// Check returns what is wrong with the signal: of kind Invalid, with the place and what was probably meant where a filter is no expression, or TooLarge.
func (g *Signal) Check() error {
	bad := func(format string, args ...any) error { return fault.New(fault.Invalid, "signal", format, args...) }
	switch {
	case strings.TrimSpace(g.Title) == "":
		return bad("it has no title")
	case utf8.RuneCountInString(g.Title) > maxSignalTitle:
		return bad("its title has %d characters; at most %d are allowed", utf8.RuneCountInString(g.Title), maxSignalTitle)
	case !slices.Contains([]string{"", groupingInferred, "Explicit", "None"}, g.Grouping):
		return bad("its grouping %q is unknown; it is Inferred, Explicit or None", g.Grouping)
	case len(g.Filters) > maxSignalParts || len(g.Columns) > maxSignalParts:
		return bad("it has %d filters and %d columns; at most %d of each are allowed", len(g.Filters), len(g.Columns), maxSignalParts)
	}
	size := 0
	for _, text := range append([]string{g.Title, g.Description, g.ExplicitGroupName, g.OwnerID}, g.Columns...) {
		if size += len(text); !utf8.ValidString(text) {
			return bad("its texts are not UTF-8")
		}
	}
	for _, f := range g.Filters {
		if size += len(f.FilterNonStrict) + len(f.Description); !utf8.ValidString(f.FilterNonStrict + f.Description) {
			return bad("its texts are not UTF-8")
		}
	}
	if size > maxSignalText {
		return fault.New(fault.TooLarge, "signal", "its texts have %d bytes; at most %d are allowed", size, maxSignalText)
	}
	_, err := g.Filter()
	return err
}

// Filter returns what the signal selects; nil: every event. Errors are those of Check.
func (g *Signal) Filter() (*Filter, error) {
	filters := make([]*Filter, len(g.Filters))
	for i, part := range g.Filters {
		f, err := ParseFilter(part.Filter)
		switch {
		case strings.TrimSpace(part.Filter) == "":
			return nil, fault.New(fault.Invalid, "signal", "filter %d is empty", i+1).WithHint("Filter is the strict expression; leave the filter out if it is not to count")
		case err != nil && len(g.Filters) > 1:
			return nil, fault.Wrap(err, "signal", "filter %d", i+1)
		case err != nil:
			return nil, fault.Wrap(err, "signal", "the filter cannot be used")
		}
		filters[i] = f
	}
	return And(filters...)
}

// Signals returns all signals in the order in which they were made.
func (s *Store) Signals(ctx context.Context) ([]Signal, error) {
	infos, err := s.Documents(signalSpace).List(ctx, signalPrefix)
	if err != nil {
		return nil, err
	}
	all := make([]Signal, 0, len(infos))
	for _, info := range infos {
		g, err := s.Signal(ctx, info.Key)
		if fault.KindOf(err) == fault.NotFound {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b Signal) int { return signalNumber(a.ID) - signalNumber(b.ID) })
	return all, nil
}

func signalNumber(id string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(id, signalPrefix))
	return n
}

// Signal returns one signal. NotFound.
func (s *Store) Signal(ctx context.Context, id string) (g Signal, err error) {
	if !strings.HasPrefix(id, signalPrefix) {
		return g, noSignal(id)
	}
	text, err := s.Documents(signalSpace).Get(ctx, id)
	switch {
	case errors.Is(err, fault.NotFound), errors.Is(err, fault.Invalid): // an id that is no key of a document either
		return g, noSignal(id)
	case err == nil:
		err = g.UnmarshalJSON(text)
	}
	if err != nil {
		return g, fault.Wrap(err, "signal", "the signal %s cannot be read", id)
	}
	g.ID = id
	return g, nil
}

func noSignal(id string) error {
	if len(id) > 60 {
		id = strings.ToValidUTF8(id[:60], "") + "…"
	}
	return fault.New(fault.NotFound, "", "there is no signal %q", id)
}

// CreateSignal stores a new signal, whatever its ID says, and returns it with the one that it was given. Invalid, TooLarge: as Check says, or there are 1,000.
func (s *Store) CreateSignal(ctx context.Context, g Signal) (Signal, error) {
	if err := g.Check(); err != nil {
		return Signal{}, err
	}
	s.signals.Lock()
	defer s.signals.Unlock()
	docs := s.Documents(signalSpace)
	infos, err := docs.List(ctx, signalPrefix)
	if err != nil {
		return Signal{}, err
	}
	if len(infos) >= maxSignals {
		return Signal{}, fault.New(fault.TooLarge, "create signal", "there are %d signals already", maxSignals)
	}
	last := 0
	for _, info := range infos {
		last = max(last, signalNumber(info.Key))
	}
	// An id is never given again: what had named the deleted signal must not come to mean another one.
	text, err := docs.Get(ctx, lastSignal)
	if err == nil {
		var n int
		err = json.Unmarshal(text, &n)
		last = max(last, n)
	}
	if err != nil && !errors.Is(err, fault.NotFound) {
		return Signal{}, fault.Wrap(err, "create signal", "the number of the last one cannot be read")
	}
	if err := docs.Set(ctx, lastSignal, strconv.AppendInt(nil, int64(last)+1, 10)); err != nil {
		return Signal{}, err
	}
	g.ID = signalPrefix + strconv.Itoa(last+1)
	return g, s.storeSignal(ctx, &g)
}

func (s *Store) storeSignal(ctx context.Context, g *Signal) error {
	if g.Grouping == "" {
		g.Grouping = groupingInferred
	}
	text, err := g.MarshalJSON()
	if err != nil {
		return err
	}
	return s.Documents(signalSpace).Set(ctx, g.ID, text)
}

// UpdateSignal changes the signal with g's ID to g; a retention policy that uses it follows. NotFound. Invalid, TooLarge: as Check says.
func (s *Store) UpdateSignal(ctx context.Context, g Signal) (Signal, error) {
	s.signals.Lock()
	defer s.signals.Unlock()
	if _, err := s.Signal(ctx, g.ID); err != nil {
		return Signal{}, err
	}
	if err := g.Check(); err != nil {
		return Signal{}, err
	}
	return g, s.storeSignal(ctx, &g)
}

// DeleteSignal deletes a signal. NotFound. Denied: a retention policy uses it.
func (s *Store) DeleteSignal(ctx context.Context, id string) error {
	s.signals.Lock()
	defer s.signals.Unlock()
	if _, err := s.Signal(ctx, id); err != nil && fault.KindOf(err) == fault.NotFound {
		return err // one that cannot be read can be deleted
	}
	policies, err := s.Retention(ctx)
	if err != nil {
		return err
	}
	for _, p := range policies {
		if expr, err := syntax.ParseSignals(p.Signal); err == nil && slices.Contains(expr.IDs(), id) {
			return fault.New(fault.Denied, "", "the retention policy %q uses the signal %s", p.ID, id).WithHint("change or remove the policy first")
		}
	}
	return s.Documents(signalSpace).Delete(ctx, id)
}

// FilterOf returns what a signal expression selects now; nil is every event.
//
//	signal-1                        one signal
//	signal-1,signal-2               what both select
//	signal-1~signal-2               what one of them selects
//	(signal-1~signal-2),signal-3    parentheses; without them from the left
//
// Errors are *FilterError, which points at the place in the expression; NotFound, which names the signal; TooLarge.
func (s *Store) FilterOf(ctx context.Context, signals string) (*Filter, error) {
	expr, err := parseSignals(signals)
	if err != nil {
		return nil, err
	}
	return s.filterOf(ctx, expr)
}

func parseSignals(text string) (*syntax.Signals, error) {
	expr, err := syntax.ParseSignals(text)
	if at, ok := errors.AsType[*syntax.Error](err); ok {
		return nil, filterError(at)
	}
	return expr, err
}

func (s *Store) filterOf(ctx context.Context, expr *syntax.Signals) (*Filter, error) {
	if expr.ID != "" {
		g, err := s.Signal(ctx, expr.ID)
		if err != nil {
			return nil, err
		}
		f, err := g.Filter()
		if err != nil {
			return nil, fault.Wrap(err, "", "the signal %s", g.ID)
		}
		return f, nil
	}
	filters := make([]*Filter, len(expr.Terms))
	for i, t := range expr.Terms {
		var err error
		if filters[i], err = s.filterOf(ctx, t); err != nil {
			return nil, err
		}
	}
	if expr.Op == syntax.Or {
		return Or(filters...)
	}
	return And(filters...)
}
