package plan

import "math"

// A tally counts by bucket. The buckets that are used lie near to each other.
type tally struct {
	first int32 // number of the first page
	pages []*tallyPage
}

const tallyBits = 7 // of a bucket's number, within its page

type tallyPage [1 << tallyBits]uint64

// add counts a bucket n times more.
func (t *tally) add(bucket int32, n uint64, a *account) error {
	at := int(bucket>>tallyBits) - int(t.first)
	if uint(at) >= uint(len(t.pages)) || t.pages[at] == nil {
		var err error
		if at, err = t.room(bucket>>tallyBits, a); err != nil {
			return err
		}
	}
	count := &t.pages[at][bucket&(1<<tallyBits-1)]
	if *count += n; *count < n {
		*count = math.MaxUint64
	}
	return nil
}

// room makes a page.
func (t *tally) room(page int32, a *account) (int, error) {
	if len(t.pages) == 0 {
		t.first = page
	}
	before, behind := max(0, int(t.first)-int(page)), max(0, int(page)-int(t.first)-len(t.pages)+1)
	if err := a.take(8*(before+behind) + 8<<tallyBits); err != nil {
		return 0, err
	}
	if before > 0 {
		t.pages = append(make([]*tallyPage, before), t.pages...)
		t.first = page
	}
	t.pages = append(t.pages, make([]*tallyPage, behind)...)
	at := int(page) - int(t.first)
	t.pages[at] = new(tallyPage)
	return at, nil
}

// all ranges over the buckets that were counted, in order.
func (t *tally) all(yield func(bucket int32, n uint64) bool) {
	for i, page := range t.pages {
		if page == nil {
			continue
		}
		for k, n := range page {
			if n > 0 && !yield((t.first+int32(i))<<tallyBits+int32(k), n) {
				return
			}
		}
	}
}
