package engine

import (
	"fmt"
	"testing"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/vfs"
)

// cachedBlock returns a block that is always of the same size.
func cachedBlock(t *testing.T) (b *block.Block, size int64) {
	e := open(t, vfs.NewMem(), Options{})
	add(t, e, 0, 10)
	b, err := e.current().recent[0].read()
	ok(t, err)
	for row := range b.Rows() {
		_, err := b.AppendCLEF(nil, row)
		ok(t, err)
	}
	return b, int64(b.MemSize())
}

// ask asks for a block as a search does, and reports whether it was there.
func (c *cache) ask(at int, b *block.Block) bool {
	k := cacheKey{1, int64(at)}
	if c.get(k) != nil {
		return true
	}
	c.put(k, b)
	return false
}

// A search over more than the cache holds finds nearly what it can hold when it is made again.
func TestCacheHoldsAPartOfALargeSearch(t *testing.T) {
	b, size := cachedBlock(t)
	c := newCache(60 * size)
	hits := 0
	for round := range 20 {
		for at := range 100 {
			if c.ask(at, b) && round >= 10 {
				hits++
			}
		}
	}
	if hits < 400 {
		t.Errorf("%d of 1,000 were there, and the cache has 60 of 100", hits)
	}
}

// What is asked for often stays while something large passes by once, and goes when others are asked for in its place.
func TestCacheKeepsWhatIsAskedFor(t *testing.T) {
	b, size := cachedBlock(t)
	c := newCache(40 * size)
	often := func(from int) (hits int) {
		for range 20 {
			hits = 0
			for at := range 20 {
				if c.ask(from+at, b) {
					hits++
				}
			}
		}
		return hits
	}
	if n := often(0); n != 20 {
		t.Errorf("%d of 20 are there", n)
	}
	for at := range 1000 {
		c.ask(1000+at, b)
	}
	there := 0
	for at := range 20 {
		if _, ok := c.byKey[cacheKey{1, int64(at)}]; ok {
			there++
		}
	}
	if there < 15 {
		t.Errorf("%d of 20 are there after a large search", there)
	}
	for from := 3000; from < 3500; from += 100 {
		if n := often(from); n != 20 {
			t.Errorf("%d of 20 others are there", n)
		}
	}
	if len(c.asked) > 1000 {
		t.Errorf("%d blocks are counted", len(c.asked))
	}
}

func TestCacheCountsWhatBlocksGrowTo(t *testing.T) {
	e := open(t, vfs.NewMem(), Options{Hooks: Hooks{PieceRows: 8, NoTidy: true}})
	b := e.NewBatch()
	for i := range 64 {
		ok(t, b.AddCLEF(fmt.Appendf(nil, `{"@t":"1970-01-01T00:00:%02dZ","a":"%0200d","b":[%d]}`, i%60, i, i)))
	}
	_, err := e.Append(ctx, b, "")
	ok(t, err)
	c := newCache(1 << 20)
	c.clear()
	for i, r := range e.current().recent {
		opened, err := r.read()
		ok(t, err)
		c.put(cacheKey{1, int64(i)}, opened)
	}
	bytes := func() int64 { return c.window.bytes + c.main.bytes }
	blocks := func() int { return c.window.order.Len() + c.main.order.Len() }
	small := bytes()
	for i := range c.byKey {
		opened := c.get(i)
		for row := range opened.Rows() {
			_, err := opened.AppendCLEF(nil, row)
			ok(t, err)
		}
		c.get(i)
	}
	sum := int64(0)
	for _, el := range c.byKey {
		sum += int64(el.Value.(*cached).block.MemSize())
	}
	if bytes() <= small || bytes() != sum {
		t.Errorf("%d bytes became %d; the blocks have %d", small, bytes(), sum)
	}
	c.limit = sum / 2
	c.get(cacheKey{1, 0})
	if bytes() > c.limit || len(c.byKey) == 0 || blocks() != len(c.byKey) {
		t.Errorf("%d bytes in %d blocks, the limit is %d", bytes(), len(c.byKey), c.limit)
	}
	c.forget(1)
	if bytes() != 0 || blocks() != 0 {
		t.Errorf("%d bytes in %d blocks are left", bytes(), blocks())
	}
}
