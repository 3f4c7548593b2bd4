package stele

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/fault"
)

// RetentionPolicy says what a store does not keep. An event goes when all that the policy says holds of it; with several policies it goes when one of
// them says so.
type RetentionPolicy struct {
	// ID names the policy: 1 to 100 characters.
	ID string
	// Age: events whose own time is longer ago. 0: of whatever time.
	Age time.Duration
	// ArrivedAge: events that arrived longer ago, by at most a 32nd more. 0: whenever.
	ArrivedAge time.Duration
	// Bytes, if not 0: while the store takes more on disk, the segments with the oldest events go, each as a whole. An age beside it keeps
	// segments that are not as old. What only snapshots keep, and what is not sealed, is not trimmed.
	Bytes int64
	// Filter: events that this strict expression selects; "": all. It needs an age beside it, and cannot be combined with Bytes.
	Filter string
	// Signal: events that this signal expression (Store.FilterOf) selects at the time when the policy is applied; "": all. The same is needed beside it as beside a filter, and of both
	// both must hold. While a signal is missing or selects every event the policy deletes nothing, and says so.
	Signal string
	// Fixed: the policy was given in Options. It is not stored, and cannot be removed.
	Fixed bool
}

// Limits of policies.
const (
	MinRetentionBytes = 1 << 20
	maxPolicies       = 1000
	maxPolicyID       = 100
)

// Check returns what is wrong with the policy, of kind Invalid.
func (p *RetentionPolicy) Check() error {
	bad := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "retention policy "+p.ID, format, args...)
	}
	switch {
	case p.ID == "" || len(p.ID) > maxPolicyID || !utf8.ValidString(p.ID):
		return fault.New(fault.Invalid, "retention policy", "its id has 1 to %d bytes of UTF-8", maxPolicyID)
	case p.Age < 0 || p.ArrivedAge < 0:
		return bad("an age is not negative")
	case p.Age > 0 && p.Age < time.Minute || p.ArrivedAge > 0 && p.ArrivedAge < time.Minute:
		return bad("an age is at least a minute")
	case p.Bytes != 0 && p.Bytes < MinRetentionBytes:
		return bad("%d bytes are too few: at least %d MiB", p.Bytes, MinRetentionBytes>>20)
	case p.Age == 0 && p.ArrivedAge == 0 && p.Bytes == 0 && p.Filter == "" && p.Signal == "":
		return bad("it says nothing: an age, an age since arrival, or a size on disk is needed")
	case p.Filter == "" && p.Signal == "":
		return nil
	case p.Bytes != 0:
		return bad("a size on disk concerns whole segments, and cannot be combined with a filter or a signal")
	case p.Age == 0 && p.ArrivedAge == 0:
		return bad("a filter needs an age beside it, and so does a signal")
	}
	if p.Signal != "" {
		if _, err := parseSignals(p.Signal); err != nil {
			return fault.WrapAs(fault.Invalid, err, "retention policy "+p.ID, "the signal expression cannot be used")
		}
	}
	if p.Filter == "" {
		return nil
	}
	f, err := ParseFilter(p.Filter)
	if err != nil {
		return fault.WrapAs(fault.Invalid, err, "retention policy "+p.ID, "the filter cannot be used")
	}
	if f.f.AsksTime() {
		return errAsksTime("retention policy " + p.ID)
	}
	return nil
}

// Retained says what a policy has done.
type Retained struct {
	ID     string
	Events int64 // deleted
}

// retentionSpace is the space of documents that has the stored policies, by id.
const retentionSpace = "stele.retention"

// Retention returns the policies in force: those of Options, then those that are stored, by id.
func (s *Store) Retention(ctx context.Context) ([]RetentionPolicy, error) {
	all := slices.Clone(s.retention.fixed)
	docs := s.Documents(retentionSpace)
	infos, err := docs.List(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, info := range infos {
		text, err := docs.Get(ctx, info.Key)
		if fault.KindOf(err) == fault.NotFound {
			continue // removed meanwhile
		}
		p := RetentionPolicy{}
		if err == nil {
			err = p.UnmarshalJSON(text)
		}
		if err != nil {
			return nil, fault.Wrap(err, "retention", "the policy %s cannot be read", info.Key)
		}
		p.ID = info.Key
		all = append(all, p)
	}
	return all, nil
}

// SetRetention stores a policy, in the place of one with its id, and has it applied soon. Denied: it is one of Options.
func (s *Store) SetRetention(ctx context.Context, p RetentionPolicy) error {
	if err := s.changeable(p.ID); err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return err
	}
	s.signals.Lock()
	defer s.signals.Unlock()
	if _, err := s.selected(ctx, &p); err != nil {
		if errors.Is(err, fault.NotFound) { // what is missing is no policy
			return fault.WrapAs(fault.Invalid, err, "retention policy "+p.ID, "the signal expression cannot be used")
		}
		return err
	}
	docs := s.Documents(retentionSpace)
	if infos, err := docs.List(ctx, ""); err != nil {
		return err
	} else if len(infos) >= maxPolicies && !slices.ContainsFunc(infos, func(i DocumentInfo) bool { return i.Key == p.ID }) {
		return fault.New(fault.TooLarge, "set retention", "there are %d policies already", maxPolicies)
	}
	text, err := p.MarshalJSON()
	if err != nil {
		return err
	}
	if err := docs.Set(ctx, p.ID, text); err != nil {
		return err
	}
	s.retention.kick()
	return nil
}

// RemoveRetention removes a stored policy. NotFound: there is none. Denied: it is one of Options.
func (s *Store) RemoveRetention(ctx context.Context, id string) error {
	if err := s.changeable(id); err != nil {
		return err
	}
	err := s.Documents(retentionSpace).Delete(ctx, id)
	if fault.KindOf(err) == fault.NotFound {
		return fault.New(fault.NotFound, "", "there is no retention policy %q", id)
	}
	s.retention.kick()
	return err
}

func (s *Store) changeable(id string) error {
	if slices.ContainsFunc(s.retention.fixed, func(p RetentionPolicy) bool { return p.ID == id }) {
		return fault.New(fault.Denied, "", "the retention policy %q is set where the store is opened", id).
			WithHint("change it there: in the config file, or in the program's options")
	}
	return nil
}

// Retain applies policies now: those given, or if none is given those in force. Each is atomic, invisible to snapshots that were taken before, and needs no
// room on disk. What one deletes is told even if another fails; the error is then of the first that did.
func (s *Store) Retain(ctx context.Context, policies ...RetentionPolicy) ([]Retained, error) {
	if len(policies) == 0 {
		var err error
		if policies, err = s.Retention(ctx); err != nil {
			return nil, err
		}
	}
	for i := range policies {
		if err := policies[i].Check(); err != nil {
			return nil, err
		}
	}
	all := []Retained{}
	var first error
	for i := range policies {
		n, err := s.retain(ctx, &policies[i])
		if err != nil {
			if first == nil {
				first = fault.Wrap(err, "retention", "the policy %s could not be applied", policies[i].ID)
			}
			if ctx.Err() != nil || fault.KindOf(err) == fault.Closed {
				break
			}
			continue
		}
		all = append(all, Retained{policies[i].ID, n})
	}
	return all, first
}

func (s *Store) retain(ctx context.Context, p *RetentionPolicy) (int64, error) {
	now := s.retention.now()
	what := engine.Doomed{Span: engine.Everything}
	f, err := s.selected(ctx, p)
	if err != nil {
		return 0, err
	}
	if f != nil {
		what.Filter = f.String()
	}
	if p.Age > 0 {
		what.Span = Range{To: BeforeTime(now.Add(-p.Age))}.span()
	}
	if p.ArrivedAge > 0 {
		// A full disk has no room for a mark; the older ones serve.
		_ = s.e.Mark(p.ArrivedAge / 64)
		var ok bool
		if what.Horizon, ok = s.e.ArrivedBy(now.Add(-p.ArrivedAge)); !ok {
			return 0, nil
		}
	}
	if p.Bytes > 0 {
		return s.e.Trim(ctx, p.Bytes, what.Span, what.Horizon)
	}
	return s.e.Hide(ctx, what)
}

// selected returns what the policy's filter and signals select now; nil: it has neither.
func (s *Store) selected(ctx context.Context, p *RetentionPolicy) (f *Filter, err error) {
	if p.Filter != "" {
		if f, err = ParseFilter(p.Filter); err != nil {
			return nil, err
		}
	}
	if p.Signal == "" {
		return f, nil
	}
	g, err := s.FilterOf(ctx, p.Signal)
	switch {
	case err != nil:
		return nil, err
	case g == nil:
		return nil, fault.New(fault.Invalid, "", "%s selects every event, for it has no filters; nothing is deleted", p.Signal).
			WithHint("a policy for every event has no signal")
	case g.f.AsksTime():
		return nil, errAsksTime("signal " + p.Signal)
	}
	return And(f, g)
}

// A retainer applies the policies of a store in the background.
type retainer struct {
	fixed []RetentionPolicy
	now   func() time.Time
	wake  chan struct{} // capacity 1; every policy is due
	stop  context.CancelFunc
	ended sync.WaitGroup
}

func newRetainer(fixed []RetentionPolicy, now func() time.Time) *retainer {
	r := &retainer{fixed: slices.Clone(fixed), now: now, wake: make(chan struct{}, 1)}
	for i := range r.fixed {
		r.fixed[i].Fixed = true
	}
	if r.now == nil {
		r.now = time.Now
	}
	return r
}

// retentionTick is how often policies are looked at. One by age is applied once in a hundredth of its age, or an hour if that is shorter: what goes is
// the same, a little later. Rounds rest for retentionRest.
const (
	retentionTick  = time.Minute
	retentionShare = 100
	retentionMost  = time.Hour
	retentionRest  = time.Second
)

// kick has all policies applied soon.
func (r *retainer) kick() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *retainer) start(s *Store, log *slog.Logger) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	fault.Go(&r.ended, "retain", func() {
		tick := time.NewTicker(retentionTick)
		defer tick.Stop()
		applied := map[string]time.Time{} // by id, when
		for all := true; ; {
			r.round(ctx, s, log, applied, all)
			last := time.Now()
			select {
			case <-ctx.Done():
				return
			case <-r.wake:
				// A full disk wakes with every append that it refuses.
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(last.Add(retentionRest))):
				}
				all = true
			case <-tick.C:
				all = false
			}
		}
	}, s.e.Fail)
}

// round applies the policies that are due.
func (r *retainer) round(ctx context.Context, s *Store, log *slog.Logger, applied map[string]time.Time, all bool) {
	s.e.Sweep()
	policies, err := s.Retention(ctx)
	if err != nil {
		if ctx.Err() == nil && !errors.Is(err, fault.Closed) {
			log.Error("retention policies cannot be read", "error", err)
		}
		return
	}
	budget := int64(0)
	for i := range policies {
		p := &policies[i]
		if p.Bytes > 0 && (budget == 0 || p.Bytes < budget) {
			budget = p.Bytes
		}
		pause := min(max(p.Age, p.ArrivedAge)/retentionShare, retentionMost)
		if p.Bytes > 0 {
			pause = 0
		}
		if !all && time.Since(applied[p.ID]) < pause {
			continue
		}
		n, err := s.retain(ctx, p)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, fault.Closed) {
				log.Error("a retention policy could not be applied; it is tried again", "policy", p.ID, "error", err)
			}
			continue
		}
		applied[p.ID] = time.Now()
		if n > 0 {
			log.Info("events were deleted by a retention policy", "policy", p.ID, "events", n)
		}
	}
	s.e.SetBudget(budget)
}

func (r *retainer) close() {
	if r.stop != nil {
		r.stop()
		r.ended.Wait()
	}
}
