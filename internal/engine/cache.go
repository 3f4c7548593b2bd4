package engine

import (
	"container/list"
	"sync"

	"github.com/stelehq/stele/internal/block"
)

// A cache keeps opened blocks within a limit. New ones pass through a window, the least recently used leaving it first; what leaves it takes
// the place of those in the main part that were used least recently only if it was asked for more often of late. So a search over more than
// the cache holds, made again and again, finds a part of it each time, and one great search does not drive out what many small ones need.
// (W-TinyLFU: Einziger, Friedman and Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM Transactions on Storage 13:4, 2017; the
// blocks are few, so that the counts are kept exactly.)
//
// A block grows as its columns are touched: those used last are measured anew whenever one is asked for. Safe for concurrent use.
type cache struct {
	mu           sync.Mutex
	limit        int64
	window, main shelf
	byKey        map[cacheKey]*list.Element
	asked        map[cacheKey]uint8 // how often of late, for blocks that are not here too
	since        int                // how often in all since asked was halved
}

// A shelf is a part of a cache.
type shelf struct {
	order *list.List // of *cached, most recently used first
	bytes int64
}

// A cacheKey names a block: no two files have the same number, whatever their kind.
type cacheKey struct {
	file uint64
	at   int64 // in a segment which block, in a journal where it begins
}

type cached struct {
	key   cacheKey
	block *block.Block
	bytes int64 // as counted
	shelf *shelf
}

const (
	windowPart = 8  // of the limit
	mostAsked  = 15 // counts end there
	agePerKey  = 8  // askings for each block, after which counts are halved
	leastAge   = 64
)

func newCache(limit int64) *cache {
	return &cache{limit: limit, window: shelf{order: list.New()}, main: shelf{order: list.New()}, byKey: map[cacheKey]*list.Element{}, asked: map[cacheKey]uint8{}}
}

func (c *cache) get(k cacheKey) *block.Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(k)
	el, ok := c.byKey[k]
	if !ok {
		return nil
	}
	e := el.Value.(*cached)
	e.shelf.order.MoveToFront(el)
	c.settle()
	return e.block
}

// has says whether a block is there. It does not count as asking for it.
func (c *cache) has(k cacheKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byKey[k] != nil
}

func (c *cache) put(k cacheKey, b *block.Block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[k]; ok {
		return
	}
	c.byKey[k] = c.window.order.PushFront(&cached{key: k, block: b, shelf: &c.window})
	c.settle()
}

// count notes that a block is asked for. Once in a while all counts are halved, so that what was wanted once gives way.
func (c *cache) count(k cacheKey) {
	c.asked[k] = min(c.asked[k]+1, mostAsked)
	if c.since++; c.since < leastAge+agePerKey*len(c.byKey) {
		return
	}
	c.since = 0
	for k, n := range c.asked {
		if n /= 2; n > 0 {
			c.asked[k] = n
		} else {
			delete(c.asked, k)
		}
	}
}

// recount is how many of the blocks used last are measured at a time in each shelf: those are the ones that grow.
const recount = 8

// settle measures the blocks used last, and lets go of others until the rest is within the limit.
func (c *cache) settle() {
	c.window.measure()
	c.main.measure()
	most := c.limit - c.limit/windowPart // of main
	for c.main.bytes > most {
		c.drop(c.main.order.Back())
	}
	for c.window.bytes > c.limit-most {
		el := c.window.order.Back()
		e := el.Value.(*cached)
		for last := c.main.order.Back(); last != nil && c.main.bytes+e.bytes > most; last = c.main.order.Back() {
			if c.asked[e.key] <= c.asked[last.Value.(*cached).key] {
				break
			}
			c.drop(last)
		}
		c.window.remove(el)
		if delete(c.byKey, e.key); c.main.bytes+e.bytes <= most {
			e.shelf = &c.main
			c.byKey[e.key] = c.main.order.PushFront(e)
			c.main.bytes += e.bytes
		}
	}
}

func (t *shelf) measure() {
	for el, n := t.order.Front(), 0; el != nil && n < recount; el, n = el.Next(), n+1 {
		e := el.Value.(*cached)
		now := int64(e.block.MemSize())
		t.bytes += now - e.bytes
		e.bytes = now
	}
}

func (t *shelf) remove(el *list.Element) {
	t.bytes -= t.order.Remove(el).(*cached).bytes
}

func (c *cache) drop(el *list.Element) {
	e := el.Value.(*cached)
	e.shelf.remove(el)
	delete(c.byKey, e.key)
}

// lose lets go of a block that has to be opened anew.
func (c *cache) lose(k cacheKey, b *block.Block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.byKey[k]; el != nil && el.Value.(*cached).block == b {
		c.drop(el)
	}
}

// forget lets go of the blocks of a file that is gone.
func (c *cache) forget(file uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, el := range c.byKey {
		if key.file == file {
			c.drop(el)
		}
	}
}

// clear lets go of everything.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, el := range c.byKey {
		c.drop(el)
	}
	clear(c.asked)
}
