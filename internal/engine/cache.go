package engine

import (
	"container/list"
	"sync"

	"github.com/stelehq/stele/internal/block"
)

// A cache keeps opened blocks, the least recently used leaving first when they are over the limit. A block grows
// as its columns are touched, so its size is taken anew whenever it is asked for. Safe for concurrent use.
type cache struct {
	mu    sync.Mutex
	limit int64
	bytes int64
	order *list.List // of *cached, most recently used first
	byKey map[cacheKey]*list.Element
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
}

func newCache(limit int64) *cache {
	return &cache{limit: limit, order: list.New(), byKey: map[cacheKey]*list.Element{}}
}

func (c *cache) get(k cacheKey) *block.Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.byKey[k]
	if !ok {
		return nil
	}
	c.order.MoveToFront(el)
	c.settle()
	return el.Value.(*cached).block
}

func (c *cache) put(k cacheKey, b *block.Block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[k]; ok {
		return
	}
	c.byKey[k] = c.order.PushFront(&cached{key: k, block: b})
	c.settle()
}

// recount is how many of the blocks used last are measured at a time: those are the ones that grow.
const recount = 8

// settle measures the blocks used last, and lets go of the others until the rest is within the limit.
func (c *cache) settle() {
	for el, n := c.order.Front(), 0; el != nil && n < recount; el, n = el.Next(), n+1 {
		e := el.Value.(*cached)
		now := int64(e.block.MemSize())
		c.bytes += now - e.bytes
		e.bytes = now
	}
	for c.bytes > c.limit && c.order.Len() > 0 {
		c.drop(c.order.Back())
	}
}

func (c *cache) drop(el *list.Element) {
	old := c.order.Remove(el).(*cached)
	delete(c.byKey, old.key)
	c.bytes -= old.bytes
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
	c.order.Init()
	clear(c.byKey)
	c.bytes = 0
}
