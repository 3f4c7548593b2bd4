package stele

import (
	"context"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/fault"
)

// Delete removes every event in the range that arrived before the call, durably and at once, and returns how
// many visible events are gone. Snapshots taken before keep their view. Disk space comes back as files are
// rewritten; what a range covers wholly comes back at once, or when the last snapshot that needs it ends. It works on a full disk: a small reserve
// is given up for it.
func (s *Store) Delete(ctx context.Context, r Range) (int64, error) { return s.e.Delete(ctx, r.span()) }

// DeleteMatching is Delete of those events of the range alone that the filter selects (nil: all). Every block of the range that may have
// such events is looked at. Invalid: the filter asks for the present time, which would go on changing what is deleted.
func (s *Store) DeleteMatching(ctx context.Context, r Range, f *Filter) (int64, error) {
	what := engine.Doomed{Span: r.span()}
	if f != nil {
		if f.f.AsksTime() {
			return 0, errAsksTime("delete")
		}
		what.Filter = f.String()
	}
	return s.e.Hide(ctx, what)
}

func errAsksTime(op string) error {
	return fault.New(fault.Invalid, op, "the filter calls Now(): what is deleted must not change with the time").
		WithHint("give the range of time apart from the filter, or write the time itself")
}

// MaxDeleteKeys is how many keys DeleteKeys takes.
const MaxDeleteKeys = engine.MaxKeys

// DeleteKeys is Delete of the events with these keys, at once; those that the store does not have are passed over. TooLarge: there are more than MaxDeleteKeys.
func (s *Store) DeleteKeys(ctx context.Context, keys ...Key) (int64, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	return s.e.Hide(ctx, engine.Doomed{Keys: keys})
}

// compileSelector makes of a filter's text what the engine asks about blocks.
func compileSelector(text string) (engine.Selector, error) {
	f, err := ParseFilter(text)
	if err != nil {
		return nil, err
	}
	return f.rows, nil
}

// rows returns the rows of a block that the filter selects. Those of which damage keeps it from telling are not among them; the error says so.
func (f *Filter) rows(b *block.Block) (block.Bitmap, error) {
	plan := f.f.Plan()
	selected, open := newSelector(plan).rows(b, plan)
	if !open.Any() {
		return selected, nil
	}
	if selected == nil {
		selected = block.NewBitmap(b.Rows())
	}
	var lost, first error
	match := f.match(context.Background(), func(err error) { lost = err })
	for row := range b.Rows() {
		if !open.Has(row) {
			continue
		}
		lost = nil
		if match(engine.Row{Block: b, Index: row, Key: b.Key(row)}) && lost == nil {
			selected.Set(row)
		}
		if first == nil {
			first = lost
		}
	}
	return selected, first
}
