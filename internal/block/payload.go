package block

import (
	"sort"
	"sync"

	"github.com/stelehq/stele/internal/column"
)

// The payload of a column, by kind; all are streams of package column:
//
//	null, time   nothing
//	bool, int    integers
//	decimal      decimals
//	texts        texts

func (e *Encoder) grow(n int) []int64 {
	if cap(e.numbers) < n {
		e.numbers = make([]int64, n+n/4)
	}
	return e.numbers[:n]
}

// appendColumn appends the payload of c, and puts into e.room what its texts may take in memory.
func (e *Encoder) appendColumn(dst []byte, k kind, c *gathered, choice *column.Choice) []byte {
	e.room = 0
	switch {
	case k == kindBool:
		return e.column.Bools(dst, c.bools, choice)
	case k == kindInt:
		return e.column.Ints(dst, c.ints, choice)
	case k == kindDecimal:
		return e.column.Decimals(dst, c.ints, c.scales, choice)
	case !k.isText():
		return dst
	}
	texts := column.Texts{Bytes: c.text, Ends: c.ends, Total: c.total}
	if !c.plain {
		texts.Codes = c.codes
	}
	dst, e.room = e.column.Texts(dst, texts, choice)
	return dst
}

// A reader gives the values of one column of an open block, at random. It is immutable once made.
type reader struct {
	ints     *column.Ints // bool, int
	decimals column.Decimals
	texts    *column.TextReader

	instant *timeForm // wayTime, which has nothing else
	quotes  *quotes   // wayQuoting: texts are what the quotations leave

	account *column.Account
	once    sync.Once
	strings []string // of a small dictionary
}

// A dictionary up to this size is made into strings once, which then serve every row.
const (
	smallDictionary      = 4096
	smallDictionaryBytes = 64 << 10
)

// stringAt returns text i as a string that does not keep the block alive.
func (r *reader) stringAt(i int) string {
	if r.texts.Entries() == 0 {
		return string(r.texts.At(i))
	}
	return r.entryString(r.texts.Code(i))
}

// entryString returns a text of the dictionary likewise.
func (r *reader) entryString(code int) string {
	if r.texts.Entries() <= smallDictionary {
		if r.once.Do(r.makeStrings); r.strings != nil {
			return r.strings[code]
		}
	}
	return string(r.texts.Entry(code))
}

func (r *reader) makeStrings() {
	n := r.texts.Entries()
	size := 0
	for i := range n {
		if size += len(r.texts.Entry(i)); size > smallDictionaryBytes {
			return
		}
	}
	r.strings = make([]string, n)
	for i := range r.strings {
		r.strings[i] = string(r.texts.Entry(i))
	}
	r.account.Take(24*n + size)
}

// decodeColumn reads a column of n values. src may come from a damaged file: nothing in it is trusted.
func decodeColumn(src []byte, k kind, n int, a *column.Account) (*reader, error) {
	d := &column.Decoder{Src: src}
	r := &reader{account: a}
	switch {
	case k == kindBool:
		r.ints = d.Ints("bools", n, column.Bounds{Max: 1}, a)
	case k == kindInt:
		r.ints = d.Ints("integers", n, column.AnyInt, a)
	case k == kindDecimal:
		r.decimals = d.Decimals("decimals", n, a)
	case k.isText():
		r.texts = d.Texts("texts", n, a)
	}
	a.Take(len(src) + 160)
	return r, d.End()
}

// load decodes what is decoded in parts when first touched.
func (r *reader) load(k kind) {
	switch {
	case r.texts != nil && r.texts.Alone():
	case r.texts != nil:
		r.texts.Load()
	case r.ints != nil:
		r.ints.Load()
	case k == kindDecimal && r.instant == nil:
		r.decimals.Load()
	}
}

func (r *reader) boolAt(i int) byte { return byte(r.ints.At(i)) }

// clean says whether no text needs an escape as JSON.
func (r *reader) clean() bool { return r.texts.Clean() }

func (r *reader) textAt(i int) []byte { return r.texts.At(i) }

// inOrder lists the rows of b in key order; nil if they stand so already.
func (b *Builder) inOrder() []uint32 {
	less := func(i, j int) bool {
		if b.instants[i] != b.instants[j] {
			return b.instants[i] < b.instants[j]
		}
		return b.arrivals != nil && b.arrivals[i] < b.arrivals[j] || b.arrivals == nil && i < j
	}
	sorted := true
	for i := 1; i < len(b.instants) && sorted; i++ {
		sorted = !less(i, i-1)
	}
	if sorted {
		return nil
	}
	order := make([]uint32, len(b.instants))
	for i := range order {
		order[i] = uint32(i)
	}
	sort.SliceStable(order, func(i, j int) bool { return less(int(order[i]), int(order[j])) })
	return order
}
