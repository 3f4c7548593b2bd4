package block

import (
	"bytes"
	"slices"

	"github.com/stelehq/stele/internal/column"
)

// Small payloads share a section, in which zstd finds what columns have in common: codes that change together, names within values. Forms
// that are thorough by themselves hide that. So each small column of a thorough block is there in its fast form as well, and the section takes
// the mix that is smallest.
const (
	loosePayload = 16 << 10 // a fast form up to which a column is small, and so many values
	shortBlock   = 4 << 10  // up to which a block's shared sections are compressed as well as can be
	fewBytes     = 2 << 10  // up to which that is not worth its cost, which is that of a page or more
)

// A mixing remembers which mix was best.
type mixing struct {
	best   int // of mixes
	review review
	due    bool // in the block at hand
}

// mixes are by how much, in quarters, a column's fast form packed alone may be over its thorough form to be taken. In the first none
// is taken, in the last all are.
var mixes = [...]int{0, 4, 6, 100}

// looseColumns returns the columns' payloads in the fast forms, nil for those that are too long so.
func (e *encoding) looseColumns(columns []encodedColumn) [][]byte {
	loose := make([][]byte, len(columns))
	if e.codec == Fast {
		return loose
	}
	fast := e.Encoder.loose
	fast.arena = fast.arena[:0]
	for i, c := range columns {
		if !c.kind.hasData() || c.origin.way == waySame || c.origin.way == wayTime || c.values.len(c.kind) > loosePayload || len(c.values.text) > loosePayload {
			continue
		}
		start := len(fast.arena)
		fast.arena = fast.appendColumn(fast.arena, c.kind, c.values, nil)
		if len(fast.arena)-start <= loosePayload {
			loose[i] = fast.arena[start:len(fast.arena):len(fast.arena)]
			e.weight += fast.room
		}
	}
	return loose
}

// looseRows adds the fast forms of the payloads that every block has.
func (e *encoding) looseRows(shapeOf []uint32) {
	var shapes []byte
	if e.codec == Thorough && len(shapeOf) <= loosePayload {
		shapes = e.column.Fixed(nil, e.shapeNumbers(shapeOf))
	}
	e.loose = append(e.loose, nil, shapes, nil, nil)
}

// compressShared compresses a shared section of a block of so many rows.
func compressShared(dst, raw []byte, rows int) []byte {
	if rows <= shortBlock && len(raw) > fewBytes {
		return column.CompressBest(dst, raw)
	}
	return column.Compress(dst, raw)
}

// share says how many payloads from i on share a section; 0 if that one stands alone.
func (e *encoding) share(i int) (count int) {
	for size := 0; i < len(e.payloads); i++ {
		n := len(e.payloads[i])
		if i < len(e.loose) && e.loose[i] != nil {
			n = max(min(n, smallPayload-1), len(e.loose[i]))
		} else if n >= smallPayload {
			break
		}
		if size += n; size > sharedBytes {
			break
		}
		count++
	}
	return count
}

// mix brings count payloads from i on into the forms that are smallest together.
func (e *encoding) mix(i, count, rows int) {
	if i+count > len(e.loose) || e.codec == Fast {
		return
	}
	thorough, loose := e.payloads[i:i+count], e.loose[i:i+count]
	all := e.mixing.due
	if !all && e.mixing.best == 0 {
		return
	}
	alone := make([]int, count)
	for j, l := range loose {
		if l != nil {
			alone[j] = len(column.Compress(nil, l))
		}
	}
	var best [][]byte
	least := -1
	for m, most := range mixes {
		if !all && m != e.mixing.best {
			continue
		}
		mixed := slices.Clone(thorough)
		for j, l := range loose {
			if l != nil && alone[j]*4 < len(mixed[j])*most {
				mixed[j] = l
			}
		}
		if !all {
			best = mixed
			break
		}
		if n := len(compressShared(nil, bytes.Join(mixed, nil), rows)); least < 0 || n < least {
			best, least = mixed, n
			e.mixing.best = m
		}
	}
	copy(thorough, best)
}
